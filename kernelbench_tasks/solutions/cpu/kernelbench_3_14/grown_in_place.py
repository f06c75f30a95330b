"""Dense block in one growing channels-last buffer: statistics once per feature, convolutions by Winograd.

Each layer writes its 32 channels behind the others' in the final buffer, so nothing is concatenated. The mean and
the variance of a feature are the same for every layer that reads it: they are gathered once, from rows still in
cache when they are written, while PyTorch computes them again in each layer. What differs from layer to layer,
the scale, the shift and the ReLU, is applied where the convolution loads its input; no normalised map is stored.

The 3x3 convolution runs as Winograd's F(2x2, 3x3): 16 products for 36. A block of tiles goes through it by 64
channels at a time, with all that these need (transformed inputs, weights, products) in the second-level cache.
"""

import torch
from torch import Tensor, nn

import kernelevo

SOURCE = r"""
#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

typedef float V __attribute__((vector_size(64)));
typedef float Loose __attribute__((vector_size(64), aligned(4), may_alias));

namespace {

constexpr int64_t kLanes = 16, kGrowth = 32, kRows = 12;  // a register tile: 12 rows by two vectors
constexpr int64_t kChunk = 64, kTiles = 56;               // channels and tiles that go through cache together

inline V load(const float* p) { return (V)*(const Loose*)p; }
inline void store(float* p, V v) { *(Loose*)p = (Loose)v; }
inline V relu(V v) { return v > V{} ? v : V{}; }

struct Free { void operator()(float* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

// y[r] = (more ? y[r] : 0) + sum over k < length of x[r * kChunk + k] * w[k], each of 32 outputs
template <int R>
void tile(const float* x, int64_t length, const float* w, float* y, bool more) {
  V a[R][2] = {};
  if (more)
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) a[r][0] = load(y + r * kGrowth), a[r][1] = load(y + r * kGrowth + kLanes);
  for (int64_t k = 0; k < length; ++k, w += kGrowth) {
    const V w0 = load(w), w1 = load(w + kLanes);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const float s = x[r * kChunk + k];
      a[r][0] += s * w0;
      a[r][1] += s * w1;
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r) store(y + r * kGrowth, a[r][0]), store(y + r * kGrowth + kLanes, a[r][1]);
}

// Any number of rows, in tiles of nearly equal height.
void multiply(int64_t rows, const float* x, int64_t length, const float* w, float* y, bool more) {
  constexpr decltype(&tile<1>) kTile[] = {tile<1>, tile<2>, tile<3>, tile<4>,  tile<5>,  tile<6>,
                                          tile<7>, tile<8>, tile<9>, tile<10>, tile<11>, tile<12>};
  const int64_t parts = (rows + kRows - 1) / kRows;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t from = rows * i / parts, to = rows * (i + 1) / parts;
    kTile[to - from - 1](x + from * kChunk, length, w, y + from * kGrowth, more);
  }
}

// Count, mean and summed squared distances of 32 channels, merged from chunks (Chan, Golub and LeVeque).
struct Moments {
  double count = 0, mean[kGrowth] = {}, squares[kGrowth] = {};

  void add(const float* y, int64_t apart, int64_t places) {
    V s[2] = {}, q[2] = {};
    for (int64_t p = 0; p < places; ++p)
      for (int v = 0; v < 2; ++v) s[v] += load(y + p * apart + kLanes * v);
    for (int v = 0; v < 2; ++v) s[v] /= (float)places;
    for (int64_t p = 0; p < places; ++p)
      for (int v = 0; v < 2; ++v) {
        const V d = load(y + p * apart + kLanes * v) - s[v];
        q[v] += d * d;
      }
    merge(places, (const float*)s, (const float*)q);
  }

  template <typename T>
  void merge(double more, const T* mean2, const T* squares2) {
    if (more == 0) return;
    const double all = count + more, part = more / all, cross = count * part;
    for (int64_t c = 0; c < kGrowth; ++c) {
      const double d = mean2[c] - mean[c];
      mean[c] += d * part;
      squares[c] += squares2[c] + d * d * cross;
    }
    count = all;
  }
};

// Merge the threads' moments into the means and the variances of 32 channels.
void finish(const std::vector<Moments>& parts, double* mean, double* variance) {
  Moments m;
  for (const Moments& part : parts) m.merge(part.count, part.mean, part.squares);
  for (int64_t c = 0; c < kGrowth; ++c) {
    mean[c] = m.mean[c];
    variance[c] = m.squares[c] / m.count;
  }
}

// What a layer owns, as the caller writes it: addresses.
struct Layer {
  const float *norm_weight, *norm_bias;
  float *running_mean, *running_variance;
  int64_t* batches_tracked;
  const float* weight;  // 16 planes of (channels, 32)

  // The scales and the shifts of a BatchNorm of features with these means and variances; the running ones move.
  void normalise(int64_t channels, const double* mean, const double* variance, double count, double momentum,
                 double epsilon, bool training, float* scale, float* shift) const {
    for (int64_t c = 0; c < channels; ++c) {
      const double average = training ? mean[c] : running_mean[c];
      const double spread = training ? variance[c] : running_variance[c];
      const double factor = norm_weight[c] / std::sqrt(spread + epsilon);
      scale[c] = factor;
      shift[c] = norm_bias[c] - average * factor;
    }
    if (!training) return;
    for (int64_t c = 0; c < channels; ++c) {
      running_mean[c] += momentum * (mean[c] - running_mean[c]);
      running_variance[c] += momentum * (variance[c] * (count / (count - 1)) - running_variance[c]);
    }
    ++*batches_tracked;
  }
};

// (batch, height, width, apart): the features of a place lie together.
struct Features {
  float* data;
  int64_t batch, height, width, apart;

  float* row(int64_t image, int64_t y) const {
    return y < 0 || y >= height ? nullptr : data + (image * height + y) * width * apart;
  }
};

// B^T relu(x * scale + shift) B of a row of tiles, for some channels -> 16 planes of (tile, kChunk).
void transform_inputs(const Features& f, int64_t image, int64_t y, int64_t first, int64_t channels,
                      const float* scale, const float* shift, float* v, int64_t plane) {
  const float* rows[4];
  for (int i = 0; i < 4; ++i) rows[i] = f.row(image, y - 1 + i);
  for (int64_t c = 0; c < channels; c += kLanes) {
    const V factor = load(scale + first + c), summand = load(shift + first + c);
    V d[4][4];  // of the four columns of a tile; the last two are the first two of the next tile
    const auto column = [&](int64_t x, int j) {
      V p[4] = {};
      if (x >= 0 && x < f.width)
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i)
          if (rows[i]) p[i] = relu(load(rows[i] + x * f.apart + first + c) * factor + summand);
      d[0][j] = p[0] - p[2];
      d[1][j] = p[1] + p[2];
      d[2][j] = p[2] - p[1];
      d[3][j] = p[1] - p[3];
    };
    column(-1, 2);
    column(0, 3);
    for (int64_t x = 0; x < f.width; x += 2) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        d[i][0] = d[i][2];
        d[i][1] = d[i][3];
      }
      column(x + 1, 2);
      column(x + 2, 3);
      float* to = v + x / 2 * kChunk + c;
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i, to += 4 * plane) {
        store(to, d[i][0] - d[i][2]);
        store(to + plane, d[i][1] + d[i][2]);
        store(to + 2 * plane, d[i][2] - d[i][1]);
        store(to + 3 * plane, d[i][1] - d[i][3]);
      }
    }
  }
}

// A^T m A of a row of tiles: 16 planes of (tile, 32) -> 32 new features of two rows (the second may be missing).
void transform_outputs(const float* m, int64_t plane, const Features& f, int64_t image, int64_t y, int64_t first) {
  for (int64_t c = first; c < first + kGrowth; c += kLanes, m += kLanes)
    for (int64_t x = 0; x < f.width; x += 2) {
      const float* from = m + x / 2 * kGrowth;
      V s[2][4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const V a = load(from + j * plane), b = load(from + (4 + j) * plane), e = load(from + (8 + j) * plane),
                g = load(from + (12 + j) * plane);
        s[0][j] = a + b + e;
        s[1][j] = b - e - g;
      }
      for (int i = 0; i < 2 && y + i < f.height; ++i) {
        float* to = f.row(image, y + i) + x * f.apart + c;
        store(to, s[i][0] + s[i][1] + s[i][2]);
        if (x + 1 < f.width) store(to + f.apart, s[i][1] - s[i][2] - s[i][3]);
      }
    }
}

// 32 new features behind the first `channels`, and their moments.
void convolve(const Features& f, int64_t channels, const float* scale, const float* shift, const float* w,
              std::vector<Moments>& moments) {
  const int64_t across = (f.width + 1) / 2, down = (f.height + 1) / 2, rows = f.batch * down;
  const int64_t threads = moments.size();
  const int64_t blocks = std::min(rows, (rows * across + kTiles * threads - 1) / (kTiles * threads) * threads);
  const int64_t most = (rows + blocks - 1) / blocks * across;  // tiles of a block
  const int64_t in_plane = most * kChunk + kLanes, out_plane = most * kGrowth + kLanes;
#pragma omp parallel num_threads(threads)
  {
    Moments& own = moments[omp_get_thread_num()];
    Buffer inputs = buffer(16 * in_plane), products = buffer(16 * out_plane);
#pragma omp for nowait
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t first = rows * block / blocks, last = rows * (block + 1) / blocks;
      for (int64_t c = 0; c < channels; c += kChunk) {
        const int64_t length = std::min(kChunk, channels - c);
        for (int64_t r = first; r < last; ++r)
          transform_inputs(f, r / down, r % down * 2, c, length, scale, shift,
                           inputs.get() + (r - first) * across * kChunk, in_plane);
        for (int64_t p = 0; p < 16; ++p)
          multiply((last - first) * across, inputs.get() + p * in_plane, length, w + (p * channels + c) * kGrowth,
                   products.get() + p * out_plane, c > 0);
      }
      for (int64_t r = first; r < last; ++r) {
        const int64_t image = r / down, y = r % down * 2;
        transform_outputs(products.get() + (r - first) * across * kGrowth, out_plane, f, image, y, channels);
        own.add(f.row(image, y) + channels, f.apart, std::min<int64_t>(2, f.height - y) * f.width);
      }
    }
  }
}

// Copy a channels-first map into the first features, 32 at a time, with their moments.
void enter(const float* x, int64_t channels, const Features& f, double* mean, double* variance) {
  const int64_t plane = f.height * f.width, threads = omp_get_max_threads();
  for (int64_t first = 0; first < channels; first += kGrowth) {
    std::vector<Moments> moments(threads);
#pragma omp parallel for num_threads(threads)
    for (int64_t r = 0; r < f.batch * f.height; ++r) {
      const int64_t image = r / f.height, y = r % f.height;
      const float* from = x + (image * channels + first) * plane + y * f.width;
      float* to = f.row(image, y) + first;
      for (int64_t p = 0; p < f.width; ++p)
        for (int64_t c = 0; c < kGrowth; ++c) to[p * f.apart + c] = from[c * plane + p];
      moments[omp_get_thread_num()].add(to, f.apart, f.width);
    }
    finish(moments, mean + first, variance + first);
  }
}

// Fewer page faults for a large result.
void in_huge_pages(float* p, int64_t count) {
  constexpr uintptr_t kPage = 2 << 20;
  const uintptr_t first = ((uintptr_t)p + kPage - 1) / kPage * kPage, last = (uintptr_t)(p + count) / kPage * kPage;
  if (last > first) madvise((void*)first, last - first, MADV_HUGEPAGE);
}

}  // namespace

// x: (batch, channels, height, width). features: (batch, height, width, channels + 32 * layers).
extern "C" void dense_block(const float* x, float* features, const int64_t* addresses, int64_t layers,
                            int64_t batch, int64_t channels, int64_t height, int64_t width, double momentum,
                            double epsilon, int64_t training) {
  const int64_t all = channels + layers * kGrowth;
  const Features f{features, batch, height, width, all};
  const Layer* layer = (const Layer*)addresses;
  std::vector<double> mean(all), variance(all);
  std::vector<float> scale(all), shift(all);
  in_huge_pages(features, batch * height * width * all);
  enter(x, channels, f, mean.data(), variance.data());
  for (; channels < all; channels += kGrowth, ++layer) {
    layer->normalise(channels, mean.data(), variance.data(), batch * height * width, momentum, epsilon, training,
                     scale.data(), shift.data());
    std::vector<Moments> moments(omp_get_max_threads());
    convolve(f, channels, scale.data(), shift.data(), layer->weight, moments);
    finish(moments, mean.data() + channels, variance.data() + channels);
  }
}
"""

library = kernelevo.cpp(SOURCE)


def winograd_weight(weight: Tensor) -> Tensor:
    """(32, C, 3, 3) -> G w G^T as (16, C, 32), computed in fp64."""
    g = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)
    return torch.einsum("ia,ocab,jb->ijco", g, weight.double(), g).flatten(0, 1).float().contiguous()


class ModelNew(nn.Module):
    """Needs a growth of 32 and input channels in multiples of 32."""

    def __init__(self, layers: int, in_channels: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(self.layer(in_channels + i * growth, growth) for i in range(layers))

    @staticmethod
    def layer(in_channels: int, growth: int) -> nn.Sequential:
        return nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, growth, kernel_size=3, padding=1, bias=False),
            nn.Dropout(0.0),
        )

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        owned: list[Tensor] = []
        for norm, _, conv, _ in self.layers:
            owned += (norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.num_batches_tracked)
            owned.append(kernelevo.packed(winograd_weight, conv.weight))
        norm = self.layers[0][0]
        batch, channels, height, width = x.shape
        features = x.new_empty(batch, height, width, channels + 32 * len(self.layers))
        library.dense_block(
            x.contiguous(), features, torch.tensor([t.data_ptr() for t in owned]), len(self.layers), *x.shape,
            norm.momentum, norm.eps, self.training,
        )  # fmt: skip
        return features.movedim(-1, 1)
