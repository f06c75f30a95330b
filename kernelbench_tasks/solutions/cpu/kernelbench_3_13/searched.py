"""Inductor of torch 2.13 generated these kernels (variant scratch) after pool-first, batchnorm-pool.

They include torch's headers and were made for torch 2.13."""

import kernelevo
import torch
from torch import nn

TUNE = {
    'BATCHNORM_SUM_VECTORS': [64, 16, 256],
    'BATCHNORM_UNROLL': [2, 1, 4],
    'BATCHNORM_SCHEDULE': ['schedule(static)', 'schedule(static,1)', 'schedule(dynamic,4)'],
    'BATCHNORM_STREAMED_MIB': [0, 2, 32],
    'CONTRACT': ['', '-ffp-contract=fast'],
    'LOOPS': ['', '-ftree-loop-vectorize'],
    'UNROLL': ['', '-funroll-loops'],
    'THREADS': [2, 1],
    'SCHEDULE': ['schedule(static)', 'schedule(static,1)', 'schedule(static,4)'],
}


_batchnorm = kernelevo.cpp(r'''
// Batch normalisation followed by ReLU, a residual sum or pooling: one pass for the statistics, one for the rest.
// Names in capitals are numbers of the program's TUNE table, given by the compiler's flags.
#include <kernelevo/math.h>
#include <math.h>
#include <omp.h>
#include <sys/mman.h>

#include <vector>

namespace {

using namespace kernelevo;

constexpr int64_t kSumLength = BATCHNORM_SUM_VECTORS * kLanes;  // floats summed in fp32 before they go into a double
constexpr int kUnroll = BATCHNORM_UNROLL;                       // vectors of sums side by side
constexpr int64_t kHugePage = 2 << 20;

// Large fresh outputs cost a page fault per 4 KiB; on huge pages that is 512 times fewer.
void want_huge_pages(float* from, int64_t count) {
  const uintptr_t begin = ((uintptr_t)from + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t end = (uintptr_t)(from + count) / kHugePage * kHugePage;
  if (end > begin) madvise((void*)begin, end - begin, MADV_HUGEPAGE);
}

struct Sums {
  double plain = 0, square = 0;
};

// About the mean of x, from a sample. A single value would do for data that lies close together; where most
// values are equal (zeros behind a ReLU) and it is another one, every difference has the same rounding error
// and they add up.
float near_mean(const float* x, int64_t count) {
  const int64_t step = count < 64 ? 1 : count / 64 | 1;  // odd: rows of a power of two do not repeat
  double total = 0;
  int64_t taken = 0;
  for (int64_t i = 0; i < count; i += step, ++taken) total += x[i];
  return (float)(total / taken);
}

// Sums of x - shift and its square; the shift keeps the variance of data with a large mean exact.
Sums sums_of(const float* x, int64_t count, float shift) {
  Sums total;
  for (int64_t begin = 0; begin < count; begin += kSumLength) {
    const int64_t end = begin + kSumLength < count ? begin + kSumLength : count;
    vfloat plain[kUnroll] = {}, square[kUnroll] = {};
    int64_t i = begin;
    for (; i + kUnroll * kLanes <= end; i += kUnroll * kLanes)
      for (int u = 0; u < kUnroll; ++u) {
        const vfloat d = load(x + i + u * kLanes) - shift;
        plain[u] += d;
        square[u] = fma(d, d, square[u]);
      }
    for (int u = 1; u < kUnroll; ++u) {
      plain[0] += plain[u];
      square[0] += square[u];
    }
    total.plain += sum(plain[0]);
    total.square += sum(square[0]);
    for (; i < end; ++i) {
      const double d = x[i] - shift;
      total.plain += d;
      total.square += d * d;
    }
  }
  return total;
}

// Whole vectors past the caches: a result that no cache keeps need not be read before it is written.
inline void stream(float* to, vfloat x) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, (__m512)x);
#elif defined(__AVX__)
  _mm256_stream_ps(to, (__m256)x);
#else
  store(to, x);
#endif
}

inline void finish_streams() {
#if defined(__AVX__)
  _mm_sfence();
#endif
}

template <bool kRelu>
inline vfloat activate(vfloat x) { return kRelu ? relu(x) : x; }

// y = activate(x * scale + shift [+ other * other_scale + other_shift])
template <bool kRelu, bool kStreamed>
void normalise_row(const float* x, const float* other, float* y, int64_t count, float scale, float shift, float other_scale) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t n = count - i < kLanes ? count - i : kLanes;
    vfloat value = fma(load_part(x + i, n), splat(scale), splat(shift));
    if (other) value = fma(load_part(other + i, n), splat(other_scale), value);
    if (kStreamed) stream(y + i, activate<kRelu>(value));
    else store_part(y + i, activate<kRelu>(value), n);
  }
}

using Row = void (*)(const float*, const float*, float*, int64_t, float, float, float);

template <bool kRelu>
Row row_function(bool streamed) { return streamed ? normalise_row<kRelu, true> : normalise_row<kRelu, false>; }

// Averages over windows of `size` x `size`; `row` holds one row of column sums.
template <bool kRelu>
void normalise_pool(const float* x, float* y, int64_t height, int64_t width, int64_t size, float scale, float shift, float* row) {
  const int64_t out_height = height / size, out_width = width / size;
  const float share = 1.0f / (float)(size * size);
  for (int64_t oy = 0; oy < out_height; ++oy) {
    const float* top = x + oy * size * width;
    for (int64_t i = 0; i < width; i += kLanes) {
      const int64_t n = width - i < kLanes ? width - i : kLanes;
      vfloat total{};
      for (int64_t ky = 0; ky < size; ++ky)
        total += activate<kRelu>(fma(load_part(top + ky * width + i, n), splat(scale), splat(shift)));
      store_part(row + i, total, n);
    }
    float* out = y + oy * out_width;
    if (size == 2) {
      for (int64_t ox = 0; ox < out_width; ++ox) out[ox] = (row[2 * ox] + row[2 * ox + 1]) * share;
      continue;
    }
    for (int64_t ox = 0; ox < out_width; ++ox) {
      float total = 0;
      for (int64_t kx = 0; kx < size; ++kx) total += row[ox * size + kx];
      out[ox] = total * share;
    }
  }
}

}  // namespace

// Per channel scale and shift with x * scale + shift = the normalised x; x is [batch][channels][inner].
// With `training` they come from x, and the running statistics (null: none) move towards them by `momentum`.
extern "C" void batchnorm_affine(const float* x, const float* weight, const float* bias, float* running_mean,
                                 float* running_var, float* affine, int64_t batch, int64_t channels, int64_t inner,
                                 int64_t training, double momentum, double eps) {
  std::vector<double> sums(training ? 2 * channels * batch : 0);
  const int64_t count = batch * inner;
#pragma omp parallel
  {
    if (training) {
#pragma omp for collapse(2) BATCHNORM_SCHEDULE
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t b = 0; b < batch; ++b) {
          const Sums found = sums_of(x + (b * channels + c) * inner, inner, near_mean(x + c * inner, inner));
          sums[2 * (c * batch + b)] = found.plain;
          sums[2 * (c * batch + b) + 1] = found.square;
        }
    }
#pragma omp for schedule(static)
    for (int64_t c = 0; c < channels; ++c) {
      double mean = training ? 0 : running_mean[c], variance = training ? 0 : running_var[c];
      if (training) {
        double plain = 0, square = 0;
        for (int64_t b = 0; b < batch; ++b) {
          plain += sums[2 * (c * batch + b)];
          square += sums[2 * (c * batch + b) + 1];
        }
        const double offset = plain / count;
        mean = near_mean(x + c * inner, inner) + offset;
        variance = square / count - offset * offset;
        variance = variance < 0 ? 0 : variance;
        if (running_mean) running_mean[c] = (float)(momentum * mean + (1 - momentum) * running_mean[c]);
        // The running variance is the unbiased one.
        if (running_var)
          running_var[c] = (float)(momentum * variance * count / (count - 1) + (1 - momentum) * running_var[c]);
      }
      const double scale = (weight ? weight[c] : 1.0) / ::sqrt(variance + eps);
      affine[c] = (float)scale;
      affine[channels + c] = (float)((bias ? bias[c] : 0.0) - mean * scale);
    }
  }
}

// y = relu?(x * scale + shift [+ other]), `other` normalised by `other_affine` unless that is null.
extern "C" void batchnorm_apply(const float* x, const float* affine, const float* other, const float* other_affine,
                                float* y, int64_t batch, int64_t channels, int64_t inner, int64_t with_relu) {
  want_huge_pages(y, batch * channels * inner);
  const bool large = BATCHNORM_STREAMED_MIB && batch * channels * inner * 4 >= ((int64_t)BATCHNORM_STREAMED_MIB << 20);
  const bool streamed = large && (uintptr_t)y % (4 * kLanes) == 0 && inner % kLanes == 0;
  const Row row = with_relu ? row_function<true>(streamed) : row_function<false>(streamed);
#pragma omp parallel
  {
#pragma omp for BATCHNORM_SCHEDULE
    for (int64_t plane = 0; plane < batch * channels; ++plane) {
      const int64_t c = plane % channels, at = plane * inner;
      const float other_scale = other_affine ? other_affine[c] : 1.0f;
      const float shift = affine[channels + c] + (other_affine ? other_affine[channels + c] : 0.0f);
      row(x + at, other ? other + at : nullptr, y + at, inner, affine[c], shift, other_scale);
    }
    finish_streams();
  }
}

// y = average over size x size windows of relu?(x * scale + shift)
extern "C" void batchnorm_pool(const float* x, const float* affine, float* y, int64_t batch, int64_t channels,
                               int64_t height, int64_t width, int64_t size, int64_t with_relu) {
  const int64_t out_plane = (height / size) * (width / size);
  want_huge_pages(y, batch * channels * out_plane);
#pragma omp parallel
  {
    std::vector<float> row(width);
#pragma omp for BATCHNORM_SCHEDULE
    for (int64_t plane = 0; plane < batch * channels; ++plane) {
      const int64_t c = plane % channels;
      const float* from = x + plane * height * width;
      auto pool = with_relu ? normalise_pool<true> : normalise_pool<false>;
      pool(from, y + plane * out_plane, height, width, size, affine[c], affine[channels + c], row.data());
    }
  }
}
''', flags=[
    f"-DBATCHNORM_SUM_VECTORS={TUNE['BATCHNORM_SUM_VECTORS'][0]}",
    f"-DBATCHNORM_UNROLL={TUNE['BATCHNORM_UNROLL'][0]}",
    f"-DBATCHNORM_SCHEDULE={TUNE['BATCHNORM_SCHEDULE'][0]}",
    f"-DBATCHNORM_STREAMED_MIB={TUNE['BATCHNORM_STREAMED_MIB'][0]}",
])

def batchnorm_statistics(x, weight, bias, running_mean, running_var, training, momentum, eps):
    """Return scale and shift per channel, [2, channels]; in training the running statistics move on."""
    affine = x.new_empty(2, x.shape[1])
    inner = x.numel() // (x.shape[0] * x.shape[1])
    _batchnorm.batchnorm_affine(
        x, weight, bias, running_mean, running_var, affine, x.shape[0], x.shape[1], inner, training,
        momentum, eps,
    )
    return affine


def batchnorm_act(x, affine, relu, other=None, other_affine=None):
    """Return x * scale + shift, plus ``other`` (normalised if it has an affine), through ReLU if asked."""
    y = torch.empty_like(x)
    inner = x.numel() // (x.shape[0] * x.shape[1])
    _batchnorm.batchnorm_apply(x, affine, other, other_affine, y, x.shape[0], x.shape[1], inner, relu)
    return y


def batchnorm_avg_pool(x, affine, relu, size):
    """Return the averages over ``size`` x ``size`` windows of the normalised x (through ReLU if asked)."""
    batch, channels, height, width = x.shape
    y = x.new_empty(batch, channels, height // size, width // size)
    _batchnorm.batchnorm_pool(x, affine, y, batch, channels, height, width, size, relu)
    return y

_harvest_flags = [flag for flag in (TUNE["CONTRACT"][0], TUNE["LOOPS"][0], TUNE["UNROLL"][0]) if flag]
_harvest_source = (
    f"#define KE_THREADS {TUNE['THREADS'][0]}\n"
    f"#define KE_SCHEDULE {TUNE['SCHEDULE'][0]}\n"
    f""
    r'''
#include <torch/csrc/inductor/cpp_prefix.h>
static_assert(at::vec::Vectorized<float>::size() == 16,
              "these kernels were generated for vectors of 512 bits");

extern "C"  void  cpp_fused_convolution_0(const float* in_ptr0,
                       float* out_ptr0)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(8L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(32L); x1+=static_cast<int64_t>(16L))
                {
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(16384L); x2+=static_cast<int64_t>(16L))
                    {
                        {
                            if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(32L) && x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(16384L)))
                            {
                                alignas(std::max(std::size_t(16), alignof(float))) float tmp1[16*16];
                                for (long x1_inner = 0; x1_inner < static_cast<int64_t>(16); x1_inner++)
                                {
                                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x2 + 16384L*x1 + 16384L*x1_inner + 524288L*x0), static_cast<int64_t>(16));
                                    tmp0.store(tmp1 + static_cast<int64_t>(16L*x1_inner));
                                }
                                transpose_mxn<float,static_cast<int64_t>(16),static_cast<int64_t>(16),false>(tmp1, static_cast<int64_t>(16), out_ptr0 + static_cast<int64_t>(x1 + 32L*x2 + 524288L*x0), static_cast<int64_t>(32L));
                            }
                        }
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}

extern "C"  void  cpp_fused_add_convolution_copy__1(const float* in_ptr0,
                       const int64_t* in_ptr1,
                       float* out_ptr0,
                       int64_t* out_ptr2)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(8L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(64L); x1+=static_cast<int64_t>(16L))
                {
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(16384L); x2+=static_cast<int64_t>(16L))
                    {
                        {
                            if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(64L) && x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(16384L)))
                            {
                                alignas(std::max(std::size_t(16), alignof(float))) float tmp0[16*16];
                                transpose_mxn<float,static_cast<int64_t>(16),static_cast<int64_t>(16),false>(in_ptr0 + static_cast<int64_t>(x1 + 64L*x2 + 1048576L*x0), static_cast<int64_t>(64L), tmp0, static_cast<int64_t>(16));
                                for (long x1_inner = 0; x1_inner < static_cast<int64_t>(16); x1_inner++)
                                {
                                    auto tmp1 = at::vec::Vectorized<float>::loadu(tmp0 + static_cast<int64_t>(16L*x1_inner), static_cast<int64_t>(16));
                                    tmp1.store(out_ptr0 + static_cast<int64_t>(x2 + 16384L*x1 + 16384L*x1_inner + 1048576L*x0));
                                }
                            }
                        }
                    }
                }
            }
        }
        #pragma omp single
        {
            {
                {
                    {
                        auto tmp0 = in_ptr1[static_cast<int64_t>(0L)];
                        auto tmp1 = static_cast<int64_t>(1);
                        auto tmp2 = int64_t(tmp0 + tmp1);
                        out_ptr2[static_cast<int64_t>(0L)] = tmp2;
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
'''
)
_harvest_lib = kernelevo.cpp(_harvest_source, flags=_harvest_flags, torch_headers=True)

def empty_strided_cpu(shape, stride, dtype):
    return torch.empty_strided(shape, stride, dtype=dtype)

def _call_0(a0, a1, a2, a3, a4):
    return batchnorm_statistics(a0, a1, a2, a3, a4, True, 0.1, 1e-05)

def _call_1(a0, a1):
    return batchnorm_avg_pool(a0, a1, True, 2)

_harvest_forms = (  # shape, stride, dtype, whether the call writes to it
    ((32,), (1,), torch.float32, True),
    ((32,), (1,), torch.float32, True),
    ((64, 32, 1, 1), (32, 1, 1, 1), torch.float32, False),
    ((32,), (1,), torch.float32, True),
    ((32,), (1,), torch.float32, True),
    ((), (), torch.int64, True),
    ((8, 32, 256, 256), (2097152, 65536, 256, 1), torch.float32, True),
)


def _harvest_fit(tensors):
    for tensor, (shape, stride, dtype, _) in zip(tensors, _harvest_forms):
        fits = tensor.shape == shape and tensor.stride() == stride and tensor.dtype is dtype
        if fits and tensor.is_cpu:
            continue
        return [_harvest_moved(t, *form) for t, form in zip(tensors, _harvest_forms)]
    return tensors


def _harvest_moved(tensor, shape, stride, dtype, written):
    if tensor.shape != shape or tensor.dtype is not dtype or not tensor.is_cpu:
        found = f"{tuple(tensor.shape)} {tensor.dtype} on {tensor.device}"
        raise ValueError(f"made for {shape} {dtype} on cpu, got {found}")
    if all(n == 1 or a == b for n, a, b in zip(shape, tensor.stride(), stride)):
        return tensor
    if written:
        raise ValueError(f"writes to a tensor of strides {stride}, got {tensor.stride()}")
    return torch.empty_strided(shape, stride, dtype=dtype, device=tensor.device).copy_(tensor)

import threading

_harvest_kept = threading.local()


def _harvest_scratch(key, shape, stride, dtype):
    """Temporaries never leave a call, so each thread keeps its own: fresh pages cost a fault each."""
    found = getattr(_harvest_kept, key, None)
    if found is None:
        found = torch.empty_strided(shape, stride, dtype=dtype)
        setattr(_harvest_kept, key, found)
    return found

@torch.no_grad()
def _harvest_run(arg0_1, arg1_1, arg2_1, arg3_1, arg4_1, arg5_1, arg6_1):
    arg0_1, arg1_1, arg2_1, arg3_1, arg4_1, arg5_1, arg6_1, = _harvest_fit((arg0_1, arg1_1, arg2_1, arg3_1, arg4_1, arg5_1, arg6_1, ))
    buf0 = _call_0(arg6_1, arg0_1, arg1_1, arg3_1, arg4_1)
    del arg0_1
    del arg1_1
    del arg3_1
    del arg4_1
    buf3 = buf0
    del buf0
    buf4 = _call_1(arg6_1, buf3)
    del arg6_1
    del buf3
    buf5 = buf4
    del buf4
    buf6 = _harvest_scratch('buf6', (8, 32, 128, 128), (524288, 1, 4096, 32), torch.float32)
    _harvest_lib.cpp_fused_convolution_0(buf5.data_ptr(), buf6.data_ptr())
    del buf5
    buf7 = torch.convolution(buf6, arg2_1, stride=(1, 1), padding=(0, 0), dilation=(1, 1), transposed=False, output_padding=(0, 0), groups=1, bias=None)
    del arg2_1
    del buf6
    buf8 = empty_strided_cpu((8, 64, 128, 128), (1048576, 16384, 128, 1), torch.float32)
    _harvest_lib.cpp_fused_add_convolution_copy__1(buf7.data_ptr(), arg5_1.data_ptr(), buf8.data_ptr(), arg5_1.data_ptr())
    del arg5_1
    return (buf8, )


class Part(nn.Module):
    """A named group of tensors; names that are numbers are reached by index."""

    def __getitem__(self, key):
        return getattr(self, str(key))


def hold(module, name, tensor, kind):
    """Register ``tensor`` under its dotted name; groups are made as needed."""
    *path, leaf = name.split(".")
    for part in path:
        if part not in module._modules:
            module.add_module(part, Part())
        module = module._modules[part]
    if isinstance(tensor, nn.Parameter):
        module.register_parameter(leaf, tensor)
    else:
        module.register_buffer(leaf, tensor, persistent=kind == "buffer")


class ModelNew(nn.Module):
    def __init__(self, *init_args, **init_kwargs):
        super().__init__()
        hold(
            self, "norm.weight", nn.Parameter(torch.zeros((32,), dtype=torch.float32)), "parameter",
        )
        hold(self, "norm.bias", nn.Parameter(torch.zeros((32,), dtype=torch.float32)), "parameter")
        hold(
            self, "conv.weight", nn.Parameter(torch.zeros((64, 32, 1, 1), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "norm.running_mean", torch.zeros((32,), dtype=torch.float32), "buffer")
        hold(self, "norm.running_var", torch.zeros((32,), dtype=torch.float32), "buffer")
        hold(self, "norm.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")

    def forward(self, x):
        if self.training is not True:
            raise RuntimeError("this program is for training mode only")
        norm_weight_1 = self.norm.weight
        norm_bias_1 = self.norm.bias
        conv_weight_1 = self.conv.weight
        norm_running_mean_1 = self.norm.running_mean
        norm_running_var_1 = self.norm.running_var
        norm_num_batches_tracked_1 = self.norm.num_batches_tracked
        _harvest_run_2 = _harvest_run(
            norm_weight_1, norm_bias_1, conv_weight_1, norm_running_mean_1, norm_running_var_1,
            norm_num_batches_tracked_1, x,
        )
        getitem = _harvest_run_2[0]
        del _harvest_run_2
        return getitem
