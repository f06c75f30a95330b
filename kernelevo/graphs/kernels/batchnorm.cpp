// Batch normalisation followed by ReLU, a residual sum or pooling: one pass for the statistics, one for the rest.
// Names in capitals are numbers of the program's TUNE table, given by the compiler's flags.
#include <kernelevo/math.h>
#include <kernelevo/pages.h>
#include <math.h>
#include <omp.h>

#include <vector>

namespace {

using namespace kernelevo;

constexpr int64_t kSumLength = BATCHNORM_SUM_VECTORS * kLanes;  // floats summed in fp32 before they go into a double
constexpr int kUnroll = BATCHNORM_UNROLL;                       // vectors of sums side by side

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
