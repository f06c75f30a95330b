"""ShuffleNet unit in three passes over the pixels: each map is written once, and the output twice.

A BatchNorm on batch statistics ends a pass: nothing of its output is known before its whole input is.

- First pass: both 1x1 convolutions of the input, while 128 pixels of all its channels are in the second-level
  cache. The shortcut's result, by far the largest map, goes straight to the output, unnormalised.
- Second pass: normalisation, ReLU and depthwise filter, plane by plane, three rows at a time.
- Third pass: normalisation, shuffle and the last 1x1 convolution, once for the statistics of its result (a
  seventh of all products; storing them would cost more) and once to be normalised, cut and added to the
  normalised shortcut.

Products keep 5 outputs by four vectors of pixels in registers (by two where there are only 16), on packed weights. Moments are
those of 128 pixels or a row about their own mean, merged in fp64. What is not read again soon is stored past the
caches.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import kernelevo

SOURCE = r"""
#include <kernelevo/math.h>
#include <omp.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace {

using V = kernelevo::vfloat;
using kernelevo::kLanes, kernelevo::load, kernelevo::relu, kernelevo::store, kernelevo::sum;

// a register tile is five outputs by four vectors of pixels, by two where there are 16 registers
constexpr int64_t kRows = 5, kWide = kernelevo::kVectorRegisters == 32 ? 4 : 2, kPanel = kWide * kLanes, kChunk = 128;

// Past the caches where the place allows it.
inline void stream(float* p, V v) {
#if defined(__AVX512F__)
  if (((uintptr_t)p & 63) == 0) return _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX__)
  if (((uintptr_t)p & 31) == 0) return _mm256_stream_ps(p, (__m256)v);
#endif
  store(p, v);
}

struct Buffer {
  float* at;
  explicit Buffer(int64_t count) : at((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)) {}
  Buffer(const Buffer&) = delete;
  ~Buffer() { free(at); }
};

// Count, mean and squared distances from the mean; parts are merged (Chan, Golub, LeVeque).
struct Moments {
  double count = 0, mean = 0, m2 = 0;

  void merge(const Moments& other) {
    if (other.count == 0) return;
    const double all = count + other.count, apart = other.mean - mean;
    mean += apart * other.count / all;
    m2 += other.m2 + apart * apart * count * other.count / all;
    count = all;
  }
  // n values, whole vectors, that are in the first-level cache
  void add(const float* y, int64_t n) {
    V s = {}, rest = {}, squares = {};
    for (int64_t i = 0; i < n; i += kLanes) s += load(y + i);
    const float middle = sum(s) / n;
    for (int64_t i = 0; i < n; i += kLanes) {
      const V d = load(y + i) - middle;
      rest += d;
      squares += d * d;
    }
    const double r = sum(rest);
    merge({(double)n, middle + r / n, sum(squares) - r * r / n});
  }
};

// y = scale x + shift, for the moments of some channels.
struct Affine {
  std::vector<float> scale, shift;
};
struct Norm {
  const float *weight, *bias;
  float *running_mean, *running_var;
  int64_t* tracked;

  Affine settle(const std::vector<Moments>& moments) const {
    Affine found{std::vector<float>(moments.size()), std::vector<float>(moments.size())};
    for (size_t c = 0; c < moments.size(); ++c) {
      const Moments& m = moments[c];
      const double own = m.m2 > 0 ? m.m2 : 0, s = weight[c] / std::sqrt(own / m.count + 1e-5);  // NaN stays NaN
      found.scale[c] = std::isnan(m.m2) ? m.m2 : s;
      found.shift[c] = std::isnan(m.m2) ? m.m2 : bias[c] - m.mean * s;
      running_mean[c] += 0.1 * (m.mean - running_mean[c]);
      running_var[c] += 0.1 * (m.m2 / (m.count - 1) - running_var[c]);
    }
    ++*tracked;
    return found;
  }
};

// Moments of `channels`, gathered by each thread.
struct Gathered {
  std::vector<std::vector<Moments>> parts;
  explicit Gathered(int64_t channels) : parts(omp_get_max_threads(), std::vector<Moments>(channels)) {}
  std::vector<Moments>& mine() { return parts[omp_get_thread_num()]; }
  std::vector<Moments> all() const {
    std::vector<Moments> sum = parts[0];
    for (size_t t = 1; t < parts.size(); ++t)
      for (size_t c = 0; c < sum.size(); ++c) sum[c].merge(parts[t][c]);
    return sum;
  }
};

// put(row, pixel, value) takes w x of five outputs, for all panels of K inputs of a chunk.
template <typename Put>
inline void product(const float* x, int64_t apart, int64_t K, const float* weights, const Put& put) {
  for (int64_t pixel = 0; pixel < kChunk; pixel += kPanel, x += apart) {
    V a[kRows][kWide] = {};
    const float *in = x, *w = weights;
    for (int64_t k = 0; k < K; ++k, in += kPanel, w += kRows) {
      V u[kWide];
#pragma GCC unroll 4
      for (int v = 0; v < kWide; ++v) u[v] = load(in + v * kLanes);
#pragma GCC unroll 5
      for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < kWide; ++v) a[r][v] += w[r] * u[v];
    }
#pragma GCC unroll 5
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < kWide; ++v) put(r, pixel + v * kLanes, a[r][v]);
  }
}

// Copy 128 pixels of a channel into their panels, `apart` floats from one to the next.
template <typename F>
inline void pack(const float* from, float* to, int64_t apart, F function) {
  for (int64_t p = 0; p < kChunk; p += kLanes) store(to + p / kPanel * apart + p % kPanel, function(load(from + p)));
}

}  // namespace

// Grouped 1x1 convolution to `narrow` (inner channels), full one to `wide` (outer channels), neither normalised.
extern "C" void first(const float* x, const float* w, const float* shortcut, float* narrow, float* wide,
                      double* moments, double* wide_moments, int64_t images, int64_t pixels, int64_t channels,
                      int64_t inner, int64_t outer, int64_t groups) {
  Gathered of_narrow(inner), of_wide(outer);
  const int64_t K = channels / groups, apart = channels * kPanel, chunks = pixels / kChunk;
#pragma omp parallel
  {
    Buffer in(kChunk / kPanel * apart), out(kRows * kChunk);
    std::vector<Moments>&own = of_narrow.mine(), &own_wide = of_wide.mine();
    const auto keep = [&](int r, int64_t p, V v) { store(out.at + r * kChunk + p, v); };
#pragma omp for schedule(static)
    for (int64_t job = 0; job < images * chunks; ++job) {
      const int64_t n = job / chunks, p = job % chunks * kChunk;
      for (int64_t c = 0; c < channels; ++c)
        pack(x + (n * channels + c) * pixels + p, in.at + c * kPanel, apart, [](V v) { return v; });
      for (int64_t o = 0; o < inner; o += kRows) {
        product(in.at + o / (inner / groups) * K * kPanel, apart, K, w + o * K, keep);
        for (int64_t r = 0; r < kRows; ++r) {
          own[o + r].add(out.at + r * kChunk, kChunk);
          float* to = narrow + (n * inner + o + r) * pixels + p;
          for (int64_t i = 0; i < kChunk; i += kLanes) store(to + i, load(out.at + r * kChunk + i));
        }
      }
      for (int64_t o = 0; o < outer; o += kRows) {
        product(in.at, apart, channels, shortcut + o * channels, keep);
        for (int64_t r = 0; r < kRows; ++r) {
          own_wide[o + r].add(out.at + r * kChunk, kChunk);
          float* to = wide + (n * outer + o + r) * pixels + p;
          for (int64_t i = 0; i < kChunk; i += kLanes) stream(to + i, load(out.at + r * kChunk + i));
        }
      }
    }
  }
  const auto give = [](const Gathered& from, double* to) {
    for (const Moments& m : from.all()) {
      *to++ = m.count;
      *to++ = m.mean;
      *to++ = m.m2;
    }
  };
  give(of_narrow, moments);
  give(of_wide, wide_moments);
}

static std::vector<Moments> taken(const double* from, int64_t channels) {
  std::vector<Moments> all(channels);
  for (Moments& m : all) {
    m = {from[0], from[1], from[2]};
    from += 3;
  }
  return all;
}

// Normalisation, ReLU and depthwise 3x3 filter with a border of zeros; leaves the result's moments.
extern "C" void middle(const float* x, double* moments, const float* w, const float* weight, const float* bias,
                       float* running_mean, float* running_var, int64_t* tracked, float* y, int64_t images,
                       int64_t height, int64_t width, int64_t inner) {
  const Affine norm = Norm{weight, bias, running_mean, running_var, tracked}.settle(taken(moments, inner));
  const int64_t pixels = height * width, row = width + 2 * kLanes;
  std::vector<Moments> planes(images * inner);
#pragma omp parallel
  {
    Buffer ring(4 * row);  // rows behind a vector of zeros and before one; the last row is zero
    for (int64_t i = 0; i < 4 * row; ++i) ring.at[i] = 0;
#pragma omp for schedule(static)
    for (int64_t plane = 0; plane < images * inner; ++plane) {
      const int64_t c = plane % inner;
      const float *from = x + plane * pixels, scale = norm.scale[c], shift = norm.shift[c];
      float* to = y + plane * pixels;
      V taps[9];
      for (int i = 0; i < 9; ++i) taps[i] = w[c * 9 + i] - V{};
      const auto read = [&](int64_t r) {
        float* at = ring.at + r % 3 * row + kLanes;
        for (int64_t i = 0; i < width; i += kLanes) store(at + i, relu(load(from + r * width + i) * scale + shift));
      };
      read(0);
      for (int64_t r = 0; r < height; ++r) {
        if (r + 1 < height) read(r + 1);
        const float* rows[3];
        for (int64_t i = 0; i < 3; ++i) {
          const int64_t q = r + i - 1;
          rows[i] = ring.at + (q < 0 || q >= height ? 3 : q % 3) * row + kLanes - 1;
        }
        for (int64_t i = 0; i < width; i += kLanes) {
          V s = {};
#pragma GCC unroll 3
          for (int a = 0; a < 3; ++a)
#pragma GCC unroll 3
            for (int b = 0; b < 3; ++b) s += taps[3 * a + b] * load(rows[a] + i + b);
          store(to + r * width + i, s);
        }
        planes[plane].add(to + r * width, width);
      }
    }
  }
  for (int64_t c = 0; c < inner; ++c) {
    Moments all;
    for (int64_t n = 0; n < images; ++n) all.merge(planes[n * inner + c]);
    moments[3 * c] = all.count;
    moments[3 * c + 1] = all.mean;
    moments[3 * c + 2] = all.m2;
  }
}

// Normalisation, shuffle, grouped 1x1 convolution, normalisation and ReLU, plus the normalised `y`, into `y`.
extern "C" void last(const float* x, const double* moments, const float* weight, const float* bias,
                     float* running_mean, float* running_var, int64_t* tracked, const float* w,
                     const float* weight3, const float* bias3, float* running_mean3, float* running_var3,
                     int64_t* tracked3, const double* wide_moments, const float* wide_weight,
                     const float* wide_bias, float* wide_running_mean, float* wide_running_var,
                     int64_t* wide_tracked, float* y, int64_t images, int64_t pixels, int64_t inner,
                     int64_t outer, int64_t groups) {
  const Affine before = Norm{weight, bias, running_mean, running_var, tracked}.settle(taken(moments, inner));
  const Affine beside = Norm{wide_weight, wide_bias, wide_running_mean, wide_running_var, wide_tracked}.settle(
      taken(wide_moments, outer));
  Affine after;
  Gathered gathered(outer);
  const int64_t K = inner / groups, apart = inner * kPanel, chunks = pixels / kChunk;
#pragma omp parallel
  {
    Buffer in(kChunk / kPanel * apart), out(kRows * kChunk);
    const auto read = [&](int64_t n, int64_t p) {
      for (int64_t c = 0; c < inner; ++c) {
        const int64_t own = c % groups * K + c / groups;  // shuffled
        const float scale = before.scale[own], shift = before.shift[own];
        pack(x + (n * inner + own) * pixels + p, in.at + c * kPanel, apart, [&](V v) { return v * scale + shift; });
      }
    };
    std::vector<Moments>& mine = gathered.mine();
#pragma omp for schedule(static)
    for (int64_t job = 0; job < images * chunks; ++job) {
      read(job / chunks, job % chunks * kChunk);
      for (int64_t o = 0; o < outer; o += kRows) {
        product(in.at + o / (outer / groups) * K * kPanel, apart, K, w + o * K,
                [&](int r, int64_t p, V v) { store(out.at + r * kChunk + p, v); });
        for (int64_t r = 0; r < kRows; ++r) mine[o + r].add(out.at + r * kChunk, kChunk);
      }
    }
#pragma omp single
    after = Norm{weight3, bias3, running_mean3, running_var3, tracked3}.settle(gathered.all());
#pragma omp for schedule(static)
    for (int64_t job = 0; job < images * chunks; ++job) {
      const int64_t n = job / chunks, start = job % chunks * kChunk;
      read(n, start);
      for (int64_t o = 0; o < outer; o += kRows) {
        float* to = y + (n * outer + o) * pixels + start;
        product(in.at + o / (outer / groups) * K * kPanel, apart, K, w + o * K, [&](int r, int64_t p, V v) {
          float* at = to + r * pixels + p;
          const V own = relu(v * after.scale[o + r] + after.shift[o + r]);
          stream(at, own + (load(at) * beside.scale[o + r] + beside.shift[o + r]));
        });
      }
    }
  }
}
"""

library = kernelevo.cpp(SOURCE)
ROWS, CHUNK, LANES = 5, 128, 16


def panels(weight: Tensor) -> Tensor:
    """(O, K, 1, 1) -> (O / 5, K, 5)."""
    return weight.flatten(1).unflatten(0, (-1, ROWS)).transpose(1, 2).contiguous()


def norm_of(bn: nn.BatchNorm2d) -> tuple[Tensor, ...]:
    return bn.weight, bn.bias, bn.running_mean, bn.running_var, bn.num_batches_tracked


class ModelNew(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, groups: int = 3) -> None:
        super().__init__()
        inner = out_channels // 4
        self.shuffle = nn.ChannelShuffle(groups)
        self.conv1 = nn.Conv2d(in_channels, inner, 1, groups=groups, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, groups=inner, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, out_channels, 1, groups=groups, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
            )
        self.groups = groups
        self.regular = in_channels != out_channels and inner % (ROWS * groups) == 0

    def forward(self, x: Tensor) -> Tensor:
        images, channels, height, width = x.shape
        pixels = height * width
        if not (self.training and self.regular and pixels % CHUNK == 0 and width % LANES == 0):
            inner = F.relu(self.bn1(self.conv1(x)))
            inner = self.shuffle(self.bn2(self.conv2(inner)))
            return F.relu(self.bn3(self.conv3(inner))) + self.shortcut(x)
        conv, wide_bn = self.shortcut
        inner, outer = self.conv1.out_channels, conv.out_channels
        narrow, filtered = x.new_empty(images * inner * pixels), x.new_empty(images * inner * pixels)
        y = x.new_empty(images, outer, height, width)
        moments = torch.empty(inner, 3, dtype=torch.float64)
        wide_moments = torch.empty(outer, 3, dtype=torch.float64)
        library.first(
            x.contiguous(), kernelevo.packed(panels, self.conv1.weight), kernelevo.packed(panels, conv.weight),
            narrow, y, moments, wide_moments, images, pixels, channels, inner, outer, self.groups,
        )  # fmt: skip
        library.middle(
            narrow, moments, self.conv2.weight, *norm_of(self.bn1), filtered, images, height, width, inner
        )
        library.last(
            filtered, moments, *norm_of(self.bn2), kernelevo.packed(panels, self.conv3.weight),
            *norm_of(self.bn3), wide_moments, *norm_of(wide_bn), y, images, pixels, inner, outer, self.groups,
        )  # fmt: skip
        return y
