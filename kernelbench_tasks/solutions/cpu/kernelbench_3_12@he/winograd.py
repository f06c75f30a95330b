"""VGG-19 in channels-last maps: Winograd convolutions with bias, ReLU and max pooling in their last step.

A 3x3 convolution needs 9 products per output. Winograd's F(4x4, 3x3) needs 36 for 16 outputs: 2.25 each. The points
0, +-sqrt(1/2), +-sqrt(2) and infinity, and sums of at most 128 products, keep its error below that of the direct
convolution in PyTorch. The 14 x 14 maps, which tiles of 4 do not divide and whose weights weigh more than they do,
take F(2x2, 3x3): 4 products each.

- Every map is stored with a frame of zeros, so that the transform of the inputs reads it in place.
- While the weights fit the caches, each core takes a group of tiles through all steps: transform, one small matrix
  product per plane on a register tile of 6 places by 64 channels, transform back. Larger weights are read only once:
  all tiles go through the first step, then the cores share the planes.
- The transform back takes the maximum of 2x2 places while they are in registers, then adds the bias and applies
  the ReLU: both are monotone, so the order does not matter and a quarter of the places is left to store.
- The linear layers are 494 MB of weights for two images. They are read as they are, once, at the speed of memory:
  four rows against all images at a time.
"""

import torch
from torch import Tensor, nn

import kernelevo

SOURCE = r"""
#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <numeric>

typedef float V __attribute__((vector_size(64)));
typedef float Loose __attribute__((vector_size(64), aligned(4), may_alias));

namespace {

constexpr int64_t kLanes = 16, kPanel = 64, kRows = 6;  // a register tile: 6 rows by 4 vectors
constexpr int64_t kDepth = 128;                         // products per sum: short ones round less, and fit the L1
constexpr int64_t kStrip = 14;                          // neighbouring tiles that are transformed together
constexpr int64_t kLarge = 12 << 20;                    // bytes of weights that the cores should read only once

inline V load(const float* p) { return (V)*(const Loose*)p; }
inline void store(float* p, V v) { *(Loose*)p = (Loose)v; }
inline V larger(V a, V b) { return a > b ? a : b; }

struct Free { void operator()(float* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

// y[r][0..63] = sum over runs q and k < length of x[q * between + r * apart + k] * w[q][k][0..63];
// `more`: added to what y holds; with a bias, relu(bias + sum).
template <int R>
void tile(const float* x, int64_t apart, int64_t runs, int64_t between, int64_t length, const float* w, float* y,
          int64_t out, bool more, const float* bias) {
  V a[R][4] = {};
  for (int64_t q = 0; q < runs; ++q, x += between)
    for (int64_t k = 0; k < length; ++k, w += kPanel) {
      const V w0 = load(w), w1 = load(w + 16), w2 = load(w + 32), w3 = load(w + 48);
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        const float s = x[r * apart + k];
        a[r][0] += s * w0;
        a[r][1] += s * w1;
        a[r][2] += s * w2;
        a[r][3] += s * w3;
      }
    }
  if (more)
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) a[r][v] += load(y + r * out + 16 * v);
  if (bias)
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) a[r][v] = larger(a[r][v] + load(bias + 16 * v), V{});
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) store(y + r * out + 16 * v, a[r][v]);
}

// Any number of rows, in tiles of nearly equal height.
void rows_by_panel(int64_t rows, const float* x, int64_t apart, int64_t runs, int64_t between, int64_t length,
                   const float* w, float* y, int64_t out, bool more, const float* bias = nullptr) {
  constexpr decltype(&tile<1>) kTiles[] = {tile<1>, tile<2>, tile<3>, tile<4>, tile<5>, tile<6>};
  const int64_t parts = (rows + kRows - 1) / kRows;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t from = rows * i / parts, to = rows * (i + 1) / parts;
    kTiles[to - from - 1](x + from * apart, apart, runs, between, length, w, y + from * out, out, more, bias);
  }
}

// A map (batch, height, width, channels) with `frame` places of zeros around each image.
struct Map {
  float* data;
  int64_t height, width, channels, frame;

  int64_t row() const { return (width + 2 * frame) * channels; }
  float* at(int64_t image, int64_t y, int64_t x) const {
    return data + (image * (height + 2 * frame) + y + frame) * row() + (x + frame) * channels;
  }
  void clear_frame(int64_t batch) const {
    for (int64_t image = 0; image < batch; ++image)
      for (int64_t y = -frame; y < height + frame; ++y)
        if (y < 0 || y >= height) {
          std::fill_n(at(image, y, -frame), row(), 0.0f);
        } else {
          std::fill_n(at(image, y, -frame), frame * channels, 0.0f);
          std::fill_n(at(image, y, width), frame * channels, 0.0f);
        }
  }
};

// Along one axis: M + 2 inputs -> values at M + 2 points; products at the points -> M outputs.
template <int M> struct Points;

template <> struct Points<2> {  // 0, 1, -1, infinity
  static void in(const V* d, V* at) {
    at[0] = d[0] - d[2];
    at[1] = d[2] + d[1];
    at[2] = d[2] - d[1];
    at[3] = d[1] - d[3];
  }
  static void out(const V* m, V* y) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }
};

template <> struct Points<4> {  // 0, a, -a, b, -b, infinity; a a = 1 / 2, b b = 2
  static constexpr float a = 0.70710678118654752f, b = 1.41421356237309505f;
  static void in(const V* d, V* at) {
    const V even_a = d[4] - 2.0f * d[2], odd_a = a * (d[3] - 2.0f * d[1]);
    const V even_b = d[4] - 0.5f * d[2], odd_b = b * (d[3] - 0.5f * d[1]);
    at[0] = d[0] + d[4] - 2.5f * d[2];
    at[1] = even_a + odd_a;
    at[2] = even_a - odd_a;
    at[3] = even_b + odd_b;
    at[4] = even_b - odd_b;
    at[5] = d[1] + d[5] - 2.5f * d[3];
  }
  static void out(const V* m, V* y) {
    const V even_a = m[1] + m[2], odd_a = a * (m[1] - m[2]), even_b = m[3] + m[4], odd_b = b * (m[3] - m[4]);
    y[0] = m[0] + even_a + even_b;
    y[1] = odd_a + odd_b;
    y[2] = 0.5f * even_a + 2.0f * even_b;
    y[3] = 0.5f * odd_a + 2.0f * odd_b + m[5];
  }
};

// A row of tiles of a map -> (M + 2)^2 planes of (tile, channel).
template <int M>
void transform_inputs(const float* x, int64_t row, int64_t tiles, int64_t channels, float* planes, int64_t plane) {
  constexpr int N = M + 2;
  for (int64_t t = 0; t < tiles; ++t, x += M * channels)
    for (int64_t c = 0; c < channels; c += kLanes, planes += kLanes) {
      V down[N][N], across[N];
#pragma GCC unroll 6
      for (int j = 0; j < N; ++j) {
        V column[N];
#pragma GCC unroll 6
        for (int i = 0; i < N; ++i) column[i] = load(x + i * row + j * channels + c);
        Points<M>::in(column, down[j]);
      }
#pragma GCC unroll 6
      for (int i = 0; i < N; ++i) {
        V line[N];
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) line[j] = down[j][i];
        Points<M>::in(line, across);
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) store(planes + (i * N + j) * plane, across[j]);
      }
    }
}

// Planes of products -> relu(bias + a row of tiles), or the maxima of its 2x2 places.
template <int M>
void transform_outputs(const float* planes, int64_t plane, int64_t tiles, int64_t channels, const float* bias,
                       bool pool, float* y, int64_t row) {
  constexpr int N = M + 2;
  for (int64_t t = 0; t < tiles; ++t, y += (pool ? M / 2 : M) * channels)
    for (int64_t c = 0; c < channels; c += kLanes, planes += kLanes) {
      V down[N][M], made[M][M];
#pragma GCC unroll 6
      for (int j = 0; j < N; ++j) {
        V column[N];
#pragma GCC unroll 6
        for (int i = 0; i < N; ++i) column[i] = load(planes + (i * N + j) * plane);
        Points<M>::out(column, down[j]);
      }
#pragma GCC unroll 4
      for (int i = 0; i < M; ++i) {
        V line[N];
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) line[j] = down[j][i];
        Points<M>::out(line, made[i]);
      }
      const V shift = load(bias + c);
      if (pool) {
#pragma GCC unroll 2
        for (int i = 0; i < M; i += 2)
#pragma GCC unroll 2
          for (int j = 0; j < M; j += 2) {
            const V top = larger(larger(made[i][j], made[i][j + 1]), larger(made[i + 1][j], made[i + 1][j + 1]));
            store(y + i / 2 * row + j / 2 * channels + c, larger(top + shift, V{}));
          }
      } else {
#pragma GCC unroll 4
        for (int i = 0; i < M; ++i)
#pragma GCC unroll 4
          for (int j = 0; j < M; ++j) store(y + i * row + j * channels + c, larger(made[i][j] + shift, V{}));
      }
    }
}

template <int M>
void convolve(const Map& x, const float* w, const float* bias, const Map& y, int64_t batch, bool pool) {
  constexpr int64_t planes = (M + 2) * (M + 2);
  const int64_t channels = x.channels, out = y.channels, down = x.height / M, across = x.width / M;
  const int64_t wide = std::gcd(across, kStrip), parts = across / wide, strips = batch * down * parts;
  const bool shared = channels * out * planes * 4 > kLarge;
  const int64_t group = shared ? strips : (std::max(kStrip, channels * out / 1024) + wide - 1) / wide;
  const int64_t in_plane = group * wide * channels + kLanes, out_plane = group * wide * out + kLanes;

  const auto transform = [&](int64_t strip, float* to) {
    const int64_t image = strip / parts / down, top = strip / parts % down * M, left = strip % parts * wide * M;
    transform_inputs<M>(x.at(image, top - 1, left - 1), x.row(), wide, channels, to, in_plane);
  };
  const auto multiply = [&](int64_t plane, int64_t count, const float* from, float* to) {
    for (int64_t o = 0; o < out; o += kPanel)
      for (int64_t c = 0; c < channels; c += kDepth)
        rows_by_panel(count * wide, from + plane * in_plane + c, channels, 1, 0, std::min(kDepth, channels - c),
                      w + (plane * out + o) * channels + c * kPanel, to + plane * out_plane + o, out, c > 0);
  };
  const auto finish = [&](int64_t strip, const float* from) {
    const int64_t image = strip / parts / down, top = strip / parts % down * M, left = strip % parts * wide * M;
    float* to = pool ? y.at(image, top / 2, left / 2) : y.at(image, top, left);
    transform_outputs<M>(from, out_plane, wide, out, bias, pool, to, y.row());
  };

  y.clear_frame(batch);
  if (shared) {
    Buffer inputs = buffer(planes * in_plane), products = buffer(planes * out_plane);
#pragma omp parallel
    {
#pragma omp for
      for (int64_t s = 0; s < strips; ++s) transform(s, inputs.get() + s * wide * channels);
#pragma omp for
      for (int64_t plane = 0; plane < planes; ++plane) multiply(plane, strips, inputs.get(), products.get());
#pragma omp for
      for (int64_t s = 0; s < strips; ++s) finish(s, products.get() + s * wide * out);
    }
    return;
  }
#pragma omp parallel
  {
    Buffer inputs = buffer(planes * in_plane), products = buffer(planes * out_plane);
#pragma omp for
    for (int64_t first = 0; first < strips; first += group) {
      const int64_t count = std::min(group, strips - first);
      for (int64_t s = 0; s < count; ++s) transform(first + s, inputs.get() + s * wide * channels);
      for (int64_t plane = 0; plane < planes; ++plane) multiply(plane, count, inputs.get(), products.get());
      for (int64_t s = 0; s < count; ++s) finish(first + s, products.get() + s * wide * out);
    }
  }
}

// Four outputs of a linear layer for N images.
template <int N>
void dots(const float* x, const float* w, const float* bias, float* y, int64_t inputs, int64_t outputs, bool relu) {
  V a[4][N] = {};
  for (int64_t k = 0; k < inputs; k += kLanes) {
#pragma GCC unroll 4
    for (int o = 0; o < 4; ++o) {
      const V weight = load(w + o * inputs + k);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) a[o][n] += weight * load(x + n * inputs + k);
    }
  }
  for (int o = 0; o < 4; ++o)
    for (int n = 0; n < N; ++n) {
      float sum = bias[o];
      for (int i = 0; i < kLanes; ++i) sum += a[o][n][i];
      y[n * outputs + o] = relu ? std::max(sum, 0.0f) : sum;
    }
}

}  // namespace

// The first 3x3 convolution. x: (batch, channels, height, width) without frame, few channels.
// w: (out / 64, 3, 3, channels, 64). y: framed.
extern "C" void first(const float* x, const float* w, const float* bias, float* y, int64_t batch, int64_t height,
                      int64_t width, int64_t channels, int64_t out) {
  const Map map{y, height, width, out, 1};
  const int64_t row = (width + 2) * channels;
  map.clear_frame(batch);
#pragma omp parallel
  {
    Buffer gathered = buffer(3 * row);
#pragma omp for
    for (int64_t line = 0; line < batch * height; ++line) {
      const int64_t image = line / height, middle = line % height;
      std::fill_n(gathered.get(), 3 * row, 0.0f);
      for (int64_t r = 0; r < 3; ++r) {
        const int64_t at = middle + r - 1;
        for (int64_t c = 0; at >= 0 && at < height && c < channels; ++c)
          for (int64_t p = 0; p < width; ++p)
            gathered[r * row + (p + 1) * channels + c] = x[((image * channels + c) * height + at) * width + p];
      }
      for (int64_t o = 0; o < out; o += kPanel)
        rows_by_panel(width, gathered.get(), channels, 3, row, 3 * channels, w + o * 9 * channels,
                      map.at(image, middle, 0) + o, out, false, bias + o);
    }
  }
}

// 3x3 by Winograd on tiles of `size` = 2 or 4. x: framed. w: (size + 2)^2 planes of (out / 64, channels, 64).
// y: with or without a frame, of half the height and width after a pool.
extern "C" void winograd(float* x, const float* w, const float* bias, float* y, int64_t batch, int64_t height,
                         int64_t width, int64_t channels, int64_t out, int64_t size, int64_t pool, int64_t frame) {
  const int64_t less = pool ? 2 : 1;
  const Map from{x, height, width, channels, 1}, to{y, height / less, width / less, out, frame};
  if (size == 4) {
    convolve<4>(from, w, bias, to, batch, pool);
  } else {
    convolve<2>(from, w, bias, to, batch, pool);
  }
}

// x: (batch, inputs), w: (outputs, inputs); inputs a multiple of 16, outputs of 4.
extern "C" void linear(const float* x, const float* w, const float* bias, float* y, int64_t batch, int64_t inputs,
                       int64_t outputs, int64_t relu) {
  constexpr decltype(&dots<1>) kDots[] = {dots<1>, dots<2>, dots<3>, dots<4>};
#pragma omp parallel for
  for (int64_t o = 0; o < outputs; o += 4)
    for (int64_t n = 0; n < batch; n += 4)
      kDots[std::min<int64_t>(batch - n, 4) - 1](x + n * inputs, w + o * inputs, bias + o, y + n * outputs + o,
                                                 inputs, outputs, relu);
}
"""

library = kernelevo.cpp(SOURCE)

CONVOLUTIONS = [2, 2, 4, 4, 4]
CHANNELS = [64, 128, 256, 512, 512]


def direct_weight(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) -> (O / 64, 3, 3, C, 64)."""
    return weight.unflatten(0, (-1, 64)).permute(0, 3, 4, 2, 1).contiguous()


def at_points(weight: Tensor, g: list[list[float]]) -> Tensor:
    """(O, C, 3, 3) -> g w g^T as (planes, O / 64, C, 64), computed in fp64."""
    matrix = torch.tensor(g, dtype=torch.float64)
    both, (out, channels) = torch.kron(matrix, matrix), weight.shape[:2]
    planes = weight.new_empty(len(both), out // 64, channels, 64)
    for panel, part in enumerate(weight.flatten(2).split(64)):
        planes[:, panel] = (both @ part.transpose(0, 1).flatten(0, 1).double().T).view(-1, channels, 64)
    return planes


def winograd2_weight(weight: Tensor) -> Tensor:
    return at_points(weight, [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])


def winograd4_weight(weight: Tensor) -> Tensor:
    a, b = 0.5**0.5, 2**0.5
    return at_points(
        weight,
        [
            [1, 0, 0],
            [-2 / 3, -2 * a / 3, -1 / 3],
            [-2 / 3, 2 * a / 3, -1 / 3],
            [1 / 6, b / 6, 1 / 3],
            [1 / 6, -b / 6, 1 / 3],
            [0, 0, 1],
        ],
    )


class ModelNew(nn.Module):
    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for count, channels in zip(CONVOLUTIONS, CHANNELS, strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(before, channels, kernel_size=3, padding=1), nn.ReLU()]
                before = channels
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(0.0),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(0.0),
            nn.Linear(4096, classes),
        )

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        if height % 32 or width % 32:
            return self.classifier(torch.flatten(self.features(x), 1))
        stem = self.features[0]
        y = x.new_empty(batch, height + 2, width + 2, stem.out_channels)
        weight = kernelevo.packed(direct_weight, stem.weight)
        library.first(x.contiguous(), weight, stem.bias, y, batch, height, width, channels, stem.out_channels)
        for i in range(2, len(self.features)):
            conv = self.features[i]
            if isinstance(conv, nn.Conv2d):
                pool, frame = isinstance(self.features[i + 2], nn.MaxPool2d), int(i + 3 < len(self.features))
                size, pack = (
                    (4, winograd4_weight) if height % 4 == 0 and width % 4 == 0 else (2, winograd2_weight)
                )
                shape = (batch, height, width, conv.in_channels, conv.out_channels)
                if pool:
                    height, width = height // 2, width // 2
                x, y = y, x.new_empty(batch, height + 2 * frame, width + 2 * frame, conv.out_channels)
                library.winograd(
                    x, kernelevo.packed(pack, conv.weight), conv.bias, y, *shape, size, pool, frame
                )
        y = y.movedim(-1, 1).flatten(1)
        for layer in self.classifier:
            if isinstance(layer, nn.Linear):
                x, y = y, y.new_empty(batch, layer.out_features)
                relu = layer is not self.classifier[-1]
                library.linear(
                    x, layer.weight, layer.bias, y, batch, layer.in_features, layer.out_features, relu
                )
        return y
