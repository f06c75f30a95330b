"""Inductor of torch 2.13 generated these kernels (variant scratch).

They include torch's headers and were made for torch 2.13."""

import kernelevo
import torch
from torch import nn

TUNE = {
    'CONTRACT': ['', '-ffp-contract=fast'],
    'LOOPS': ['', '-ftree-loop-vectorize'],
    'UNROLL': ['', '-funroll-loops'],
    'THREADS': [2, 1],
    'SCHEDULE': ['schedule(static)', 'schedule(static,1)', 'schedule(static,4)'],
}


_harvest_flags = [flag for flag in (TUNE["CONTRACT"][0], TUNE["LOOPS"][0], TUNE["UNROLL"][0]) if flag]
_harvest_source = (
    f"#define KE_THREADS {TUNE['THREADS'][0]}\n"
    f"#define KE_SCHEDULE {TUNE['SCHEDULE'][0]}\n"
    f""
    r'''
#include <torch/csrc/inductor/cpp_prefix.h>
static_assert(at::vec::Vectorized<float>::size() == 16,
              "these kernels were generated for vectors of 512 bits");

extern "C"  void  cpp_fused_constant_pad_nd_select_0(const float* in_ptr0,
                       float* out_ptr0)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(1024L); x0+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(3L); x1+=static_cast<int64_t>(1L))
                {
                    {
                        {
                            auto tmp0 = (-1L) + x1;
                            auto tmp1 = c10::convert<int64_t>(tmp0);
                            auto tmp2 = static_cast<int64_t>(0);
                            auto tmp3 = tmp1 >= tmp2;
                            auto tmp4 = [&]
                            {
                                auto tmp5 = in_ptr0[static_cast<int64_t>((-1L) + 64L*x1 + 128L*x0)];
                                return tmp5;
                            }
                            ;
                            auto tmp6 = tmp3 ? tmp4() : static_cast<decltype(tmp4())>(0.0);
                            out_ptr0[static_cast<int64_t>(x1 + 3L*x0)] = tmp6;
                        }
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}

extern "C"  void  cpp_fused_clone_exp_mul_permute_slice_sub_unsqueeze_view_1(const float* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2048L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(64L); x1+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(64L)))
                        {
                            auto tmp0 = in_ptr0[static_cast<int64_t>(63L + 64L*x0)];
                            auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 64L*x0), static_cast<int64_t>(16));
                            auto tmp2 = at::vec::Vectorized<float>(tmp0);
                            auto tmp3 = tmp2 - tmp1;
                            auto tmp4 = tmp3.exp();
                            tmp4.store(out_ptr0 + static_cast<int64_t>(x1 + 64L*x0));
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(256L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(512L); x1+=static_cast<int64_t>(16L))
                {
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(64L); x2+=static_cast<int64_t>(16L))
                    {
                        {
                            if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(512L) && x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(64L)))
                            {
                                alignas(std::max(std::size_t(16), alignof(float))) float tmp0[16*16];
                                transpose_mxn<float,static_cast<int64_t>(16),static_cast<int64_t>(16),false>(in_ptr1 + static_cast<int64_t>(x1 + 512L*x2 + 32768L*x0), static_cast<int64_t>(512L), tmp0, static_cast<int64_t>(16));
                                for (long x1_inner = 0; x1_inner < static_cast<int64_t>(16); x1_inner++)
                                {
                                    auto tmp1 = at::vec::Vectorized<float>::loadu(tmp0 + static_cast<int64_t>(16L*x1_inner), static_cast<int64_t>(16));
                                    tmp1.store(out_ptr1 + static_cast<int64_t>(x2 + 64L*x1 + 64L*x1_inner + 32768L*x0));
                                }
                            }
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(128L); x0+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(2L); x1+=static_cast<int64_t>(1L))
                {
                    #pragma GCC ivdep
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(8L); x2+=static_cast<int64_t>(1L))
                    {
                        #pragma GCC ivdep
                        for(int64_t x3=static_cast<int64_t>(0L); x3<static_cast<int64_t>(64L); x3+=static_cast<int64_t>(1L))
                        {
                            for(int64_t x4=static_cast<int64_t>(0L); x4<static_cast<int64_t>(16L); x4+=static_cast<int64_t>(16L))
                            {
                                {
                                    if(C10_LIKELY(x4 >= static_cast<int64_t>(0) && x4 < static_cast<int64_t>(16L)))
                                    {
                                        auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x4 + 16L*x2 + 128L*x3 + 8192L*x1 + 16384L*x0), static_cast<int64_t>(16));
                                        auto tmp1 = out_ptr0[static_cast<int64_t>(x3 + 64L*x1 + 128L*x2 + 1024L*x0)];
                                        auto tmp2 = at::vec::Vectorized<float>(tmp1);
                                        auto tmp3 = tmp0 * tmp2;
                                        tmp3.store(out_ptr2 + static_cast<int64_t>(x4 + 16L*x3 + 1024L*x2 + 8192L*x1 + 16384L*x0));
                                    }
                                }
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

extern "C"  void  cpp_fused_bitwise_not_cat_clone_exp_masked_fill_ones_permute_sub_tril_unsqueeze_view_zeros_like_2(const float* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2,
                       float* out_ptr3)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(128L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(8192L); x1+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(8192L)))
                        {
                            auto tmp0 = static_cast<float>(0.0);
                            auto tmp1 = at::vec::Vectorized<float>(tmp0);
                            tmp1.store(out_ptr0 + static_cast<int64_t>(x1 + 24576L*x0));
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(128L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(16384L); x1+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(16384L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 16384L*x0), static_cast<int64_t>(16));
                            tmp0.store(out_ptr1 + static_cast<int64_t>(x1 + 24576L*x0));
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(1024L); x0+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(3L); x1+=static_cast<int64_t>(1L))
                {
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(3L); x2+=static_cast<int64_t>(16L))
                    {
                        {
                            if(C10_LIKELY(x2 >= static_cast<int64_t>(0L) && x2 < static_cast<int64_t>(3L)))
                            {
                                auto tmp12 = in_ptr1[static_cast<int64_t>(x1 + 3L*x0)];
                                auto tmp13 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x2 + 3L*x0), static_cast<int64_t>(3L));
                                auto tmp0 = x2 + ((-1L)*x1);
                                auto tmp1 = c10::convert<int64_t>(tmp0);
                                auto tmp2 = at::vec::VectorizedN<int64_t,2>::arange(tmp1, 1);
                                auto tmp3 = static_cast<int64_t>(0);
                                auto tmp4 = at::vec::VectorizedN<int64_t,2>(tmp3);
                                auto tmp5 = at::vec::VecMask<int64_t,2>(tmp2 <= tmp4);
                                auto tmp6 = static_cast<bool>(true);
                                auto tmp7 = at::vec::VecMask<float,1>::from(tmp6);
                                auto tmp8 = tmp5.template cast<int32_t,1>();
                                auto tmp9 = tmp7.template cast<int32_t,1>();
                                auto tmp10 = tmp8 & tmp9;
                                auto tmp11 = ~tmp10;
                                auto tmp14 = at::vec::Vectorized<float>(tmp12);
                                auto tmp15 = tmp14 - tmp13;
                                auto tmp16 = -std::numeric_limits<float>::infinity();
                                auto tmp17 = at::vec::Vectorized<float>(tmp16);
                                auto tmp18 = decltype(tmp17)::blendv(tmp15, tmp17, tmp11.template cast<float,1>());
                                auto tmp19 = tmp18.exp();
                                tmp19.store(out_ptr2 + static_cast<int64_t>(x2 + 3L*x1 + 9L*x0), static_cast<int64_t>(3L));
                            }
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(128L); x0+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(8L); x1+=static_cast<int64_t>(1L))
                {
                    #pragma GCC ivdep
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(3L); x2+=static_cast<int64_t>(1L))
                    {
                        for(int64_t x3=static_cast<int64_t>(0L); x3<static_cast<int64_t>(1024L); x3+=static_cast<int64_t>(16L))
                        {
                            {
                                if(C10_LIKELY(x3 >= static_cast<int64_t>(0) && x3 < static_cast<int64_t>(1024L)))
                                {
                                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x3 + 1024L*x1 + 8192L*x2 + 24576L*x0), static_cast<int64_t>(16));
                                    tmp0.store(out_ptr3 + static_cast<int64_t>(x3 + 1024L*x2 + 3072L*x1 + 24576L*x0));
                                }
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
'''
)
_harvest_lib = kernelevo.cpp(_harvest_source, flags=_harvest_flags, torch_headers=True)

def reinterpret_tensor(tensor, shape, stride, offset):
    return torch.as_strided(tensor, shape, stride, tensor.storage_offset() + offset)

def empty_strided_cpu(shape, stride, dtype):
    return torch.empty_strided(shape, stride, dtype=dtype)

_harvest_forms = (  # shape, stride, dtype, whether the call writes to it
    ((128, 128, 8), (1024, 8, 1), torch.float32, True),
    ((128, 128, 8, 16), (16384, 128, 16, 1), torch.float32, False),
    ((128, 128, 8, 16), (16384, 128, 16, 1), torch.float32, False),
    ((128, 128, 8, 64), (65536, 512, 64, 1), torch.float32, False),
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
def _harvest_run(arg0_1, arg1_1, arg2_1, arg3_1):
    arg0_1, arg1_1, arg2_1, arg3_1, = _harvest_fit((arg0_1, arg1_1, arg2_1, arg3_1, ))
    buf0 = torch.ops.aten.cumsum.default(reinterpret_tensor(arg0_1, (128, 8, 2, 64), (1024, 1, 512, 8), 0), dim=-1, dtype=None)
    del arg0_1
    buf1 = buf0
    del buf0
    buf2 = empty_strided_cpu((128, 8, 3), (24, 3, 1), torch.float32)
    _harvest_lib.cpp_fused_constant_pad_nd_select_0(buf1.data_ptr(), buf2.data_ptr())
    buf3 = torch.ops.aten.cumsum.default(buf2, dim=-1, dtype=None)
    del buf2
    buf4 = buf3
    del buf3
    buf5 = _harvest_scratch('buf5', (128, 8, 2, 64), (1024, 128, 64, 1), torch.float32)
    buf6 = _harvest_scratch('buf6', (128, 2, 8, 64, 64, 1), (65536, 32768, 4096, 64, 1, 1), torch.float32)
    buf7 = _harvest_scratch('buf7', (128, 2, 8, 64, 16, 1), (16384, 8192, 1024, 16, 1, 1), torch.float32)
    _harvest_lib.cpp_fused_clone_exp_mul_permute_slice_sub_unsqueeze_view_1(buf1.data_ptr(), arg3_1.data_ptr(), arg1_1.data_ptr(), buf5.data_ptr(), buf6.data_ptr(), buf7.data_ptr())
    del arg1_1
    del arg3_1
    del buf1
    del buf5
    buf8 = _harvest_scratch('buf8', (2048, 64, 16), (1024, 16, 1), torch.float32)
    torch.bmm(reinterpret_tensor(buf6, (2048, 64, 64), (4096, 64, 1), 0), reinterpret_tensor(buf7, (2048, 64, 16), (1024, 16, 1), 0), out=buf8)
    del buf6
    del buf7
    buf11 = empty_strided_cpu((128, 3, 8, 64, 16), (24576, 8192, 1024, 16, 1), torch.float32)
    buf9 = reinterpret_tensor(buf11, (128, 1, 8, 64, 16), (24576, 8192, 1024, 16, 1), 0)
    buf10 = reinterpret_tensor(buf11, (128, 2, 8, 64, 16), (24576, 8192, 1024, 16, 1), 8192)
    buf12 = _harvest_scratch('buf12', (128, 8, 3, 3), (72, 9, 3, 1), torch.float32)
    buf13 = _harvest_scratch('buf13', (128, 8, 3, 64, 16, 1), (24576, 3072, 1024, 16, 1, 1), torch.float32)
    _harvest_lib.cpp_fused_bitwise_not_cat_clone_exp_masked_fill_ones_permute_sub_tril_unsqueeze_view_zeros_like_2(buf8.data_ptr(), buf4.data_ptr(), buf11.data_ptr(), buf9.data_ptr(), buf10.data_ptr(), buf12.data_ptr(), buf13.data_ptr())
    del buf10
    del buf4
    del buf8
    del buf9
    buf14 = reinterpret_tensor(buf11, (1024, 3, 1024), (3072, 1024, 1), 0)
    del buf11
    torch.bmm(reinterpret_tensor(buf12, (1024, 3, 3), (9, 3, 1), 0), reinterpret_tensor(buf13, (1024, 3, 1024), (3072, 1024, 1), 0), out=buf14)
    return (reinterpret_tensor(buf14, (128, 8, 64, 16), (24576, 3072, 16, 1), 2048), )


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
        hold(self, "A", nn.Parameter(torch.zeros((128, 128, 8), dtype=torch.float32)), "parameter")
        hold(
            self, "B", nn.Parameter(torch.zeros((128, 128, 8, 16), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "C", nn.Parameter(torch.zeros((128, 128, 8, 16), dtype=torch.float32)),
            "parameter",
        )

    def forward(self, x):
        a_1 = self.A
        b_1 = self.B
        c_1 = self.C
        _harvest_run_2 = _harvest_run(a_1, b_1, c_1, x)
        getitem = _harvest_run_2[0]
        del _harvest_run_2
        return getitem
