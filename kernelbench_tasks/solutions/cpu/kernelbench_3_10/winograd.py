"""ResNet-101 in channels-last rows: matrix products for 1x1, Winograd for 3x3, BatchNorm inside their passes.

At 112 x 112 pixels most maps are 7 x 7: two images have 98 places, and the weights weigh far more than the maps.

- A 1x1 convolution is one matrix product (places, channels) x (channels, outputs). The cores share panels of 64
  outputs, so that every weight is read by one core only; large maps are cut into chunks of places as well.
- A 3x3 convolution with stride 1 runs as Winograd's F(2x2, 3x3), 16 products for 36. Small weights: blocks of tiles
  stay in one core's second-level cache through all steps. Large ones: the cores share the 16 products.
- The BatchNorms work on batch statistics: mean and squared distances are gathered while a result is in cache and
  merged in fp64; scale, shift and ReLU are applied where the next convolution gathers its input (or in the one pass
  that adds the shortcut), so no normalised map is stored in between.
- The other convolutions (stem, 3x3 with stride 2) run on the same register tile: 6 places by 64 channels.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import kernelevo

SOURCE = r"""
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

typedef float V __attribute__((vector_size(64)));
typedef float Loose __attribute__((vector_size(64), aligned(4), may_alias));

namespace {

constexpr int64_t kLanes = 16, kPanel = 64, kRows = 6;  // a register tile: 6 rows by 4 vectors
constexpr int64_t kChunk = 98;                          // places of a 1x1 convolution that share weights in cache
constexpr int64_t kLarge = 2 << 20;                     // bytes of weights that both cores should read only once

inline V load(const float* p) { return (V)*(const Loose*)p; }
inline void store(float* p, V v) { *(Loose*)p = (Loose)v; }
inline V relu(V v) { return v > V{} ? v : V{}; }

struct Free { void operator()(float* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

// y[r][0..63] = sum over runs q and k < length of x[q * between + r * apart + k] * w[q][k][0..63]
template <int R>
void tile(const float* x, int64_t apart, int64_t runs, int64_t between, int64_t length, const float* w, float* y,
          int64_t out) {
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
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) store(y + r * out + 16 * v, a[r][v]);
}

// Any number of rows, in tiles of nearly equal height.
void rows_by_panel(int64_t rows, const float* x, int64_t apart, int64_t runs, int64_t between, int64_t length,
                   const float* w, float* y, int64_t out) {
  constexpr decltype(&tile<1>) kTiles[] = {tile<1>, tile<2>, tile<3>, tile<4>, tile<5>, tile<6>};
  const int64_t parts = (rows + kRows - 1) / kRows;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t from = rows * i / parts, to = rows * (i + 1) / parts;
    kTiles[to - from - 1](x + from * apart, apart, runs, between, length, w, y + from * out, out);
  }
}

// Count, mean and summed squared distances of each channel, merged from chunks (Chan, Golub and LeVeque).
struct Moments {
  double count = 0;
  std::vector<double> mean, squares;
  std::vector<float> own, around;

  explicit Moments(int64_t channels) : mean(channels), squares(channels), own(channels), around(channels) {}

  // The first `mean.size()` channels of places that are `channels` floats apart.
  void add(const float* y, int64_t places, int64_t channels) {
    for (int64_t c = 0; c < (int64_t)mean.size(); c += kPanel) {
      V s[4] = {}, q[4] = {};
      for (int64_t p = 0; p < places; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) s[v] += load(y + p * channels + c + 16 * v);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) s[v] /= (float)places;
      for (int64_t p = 0; p < places; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) {
          const V d = load(y + p * channels + c + 16 * v) - s[v];
          q[v] += d * d;
        }
      for (int v = 0; v < 4; ++v) {
        store(own.data() + c + 16 * v, s[v]);
        store(around.data() + c + 16 * v, q[v]);
      }
    }
    merge(places, own.data(), around.data());
  }

  template <typename T>
  void merge(double more, const T* mean2, const T* squares2) {
    if (more == 0) return;
    const double all = count + more, part = more / all, cross = count * part;
    for (size_t c = 0; c < mean.size(); ++c) {
      const double d = mean2[c] - mean[c];
      mean[c] += d * part;
      squares[c] += squares2[c] + d * d * cross;
    }
    count = all;
  }
};

// The parameters and buffers of a BatchNorm, and where its scales and shifts for this batch go.
struct Norm {
  const float *weight, *bias;
  float *mean, *variance, *affine;
  double momentum, epsilon;
  int64_t training, channels;

  void finish(const std::vector<Moments>& parts) const {
    Moments m(channels);
    for (const Moments& part : parts) m.merge(part.count, part.mean.data(), part.squares.data());
    finish(m, channels);
  }

  // The first `count` channels.
  void finish(const Moments& m, int64_t count) const {
    for (int64_t c = 0; c < count; ++c) {
      double average = mean[c], spread = variance[c];
      if (training) {
        average = m.mean[c];
        spread = m.squares[c] / m.count;
        mean[c] += momentum * (average - mean[c]);
        variance[c] += momentum * (m.squares[c] / (m.count - 1) - variance[c]);
      }
      const double scale = weight[c] / std::sqrt(spread + epsilon);
      affine[c] = scale;
      affine[channels + c] = bias[c] - average * scale;
    }
  }
};

// A map and, if it is not normalised yet, the scale and shift that come (with a ReLU) before its use.
struct Map {
  const float *x, *affine;
  int64_t height, width, channels, planar;  // planar: channels first

  // Rows y .. y + rows - 1 of an image, `padding` zeros to the left, zeros up to `padded` places to the right.
  void gather(int64_t image, int64_t y, int64_t rows, int64_t padding, int64_t padded, float* to) const {
    const float* from = x + image * height * width * channels;
    for (int64_t r = 0; r < rows; ++r, ++y, to += padded * channels) {
      if (y < 0 || y >= height) {
        std::fill_n(to, padded * channels, 0.0f);
        continue;
      }
      float* inside = to + padding * channels;
      std::fill_n(to, padding * channels, 0.0f);
      std::fill_n(inside + width * channels, (padded - padding - width) * channels, 0.0f);
      if (planar) {
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t p = 0; p < width; ++p) inside[p * channels + c] = from[(c * height + y) * width + p];
      } else if (affine) {
        for (int64_t p = 0; p < width; ++p)
          for (int64_t c = 0; c < channels; c += kLanes)
            store(inside + p * channels + c, relu(load(from + (y * width + p) * channels + c) * load(affine + c) +
                                                  load(affine + channels + c)));
      } else {
        std::copy_n(from + y * width * channels, width * channels, inside);
      }
    }
  }
};

// B^T d B for a row of tiles: 4 gathered rows -> 16 planes of (tile, channel).
void transform_inputs(const float* rows, int64_t padded, int64_t tiles, int64_t channels, float* v, int64_t plane) {
  const int64_t row = padded * channels;
  for (int64_t c = 0; c < channels; c += kLanes) {
    const float* from = rows + c;
    V d[4][4];  // of the four columns of a tile; the last two are the first two of the next tile
    const auto column = [&](int j) {
      const V a = load(from), b = load(from + row), e = load(from + 2 * row), f = load(from + 3 * row);
      d[0][j] = a - e;
      d[1][j] = b + e;
      d[2][j] = e - b;
      d[3][j] = b - f;
      from += channels;
    };
    column(2);
    column(3);
    for (int64_t t = 0; t < tiles; ++t) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        d[i][0] = d[i][2];
        d[i][1] = d[i][3];
      }
      column(2);
      column(3);
      float* to = v + t * channels + c;
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

// A^T m A for a row of tiles: 16 planes of (tile, channel) -> one or two rows of the map.
void transform_outputs(const float* m, int64_t plane, int64_t tiles, int64_t channels, float* y, int64_t height,
                       int64_t width) {
  for (int64_t c = 0; c < channels; c += kLanes)
    for (int64_t t = 0; t < tiles; ++t) {
      const float* from = m + t * channels + c;
      V s[2][4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const V a = load(from + j * plane), b = load(from + (4 + j) * plane), e = load(from + (8 + j) * plane),
                f = load(from + (12 + j) * plane);
        s[0][j] = a + b + e;
        s[1][j] = b - e - f;
      }
      for (int i = 0; i < height; ++i) {
        float* to = y + (i * width + 2 * t) * channels + c;
        store(to, s[i][0] + s[i][1] + s[i][2]);
        if (2 * t + 1 < width) store(to + channels, s[i][1] - s[i][2] - s[i][3]);
      }
    }
}

}  // namespace

// 3x3, stride 1. w: 16 planes of (out / 64, channels, 64). y: (batch, height, width, out), not normalised.
extern "C" void winograd(const float* x, const float* affine, const float* w, float* y, int64_t batch,
                         int64_t height, int64_t width, int64_t channels, int64_t out, const float* norm_weight,
                         const float* norm_bias, float* mean, float* variance, double momentum, double epsilon,
                         int64_t training, float* out_affine) {
  const Map map{x, affine, height, width, channels, 0};
  const Norm norm{norm_weight, norm_bias, mean, variance, out_affine, momentum, epsilon, training, out};
  const int64_t threads = omp_get_max_threads(), across = (width + 1) / 2, down = (height + 1) / 2;
  const int64_t padded = 2 * across + 2;
  // small weights: each core takes blocks of about 28 tiles through all steps (more, where weights are larger);
  // large ones: all tiles at once, and the cores share the 16 products
  const bool shared = channels * out * 64 > kLarge;
  const int64_t wanted = std::max<int64_t>(28, channels * out / 1024);
  const int64_t high = shared ? down : std::min(down, (wanted + across - 1) / across);
  const int64_t blocks = (down + high - 1) / high, tiles = (shared ? batch : 1) * high * across;
  const int64_t in_plane = tiles * channels + kLanes, out_plane = tiles * out + kLanes;
  std::vector<Moments> moments(threads, Moments(out));
  Buffer v, m;

  const auto transform = [&](int64_t image, int64_t row, float* rows, float* to) {
    map.gather(image, 2 * row - 1, 4, 1, padded, rows);
    transform_inputs(rows, padded, across, channels, to, in_plane);
  };
  const auto multiply = [&](int64_t plane, int64_t count, const float* from, float* to) {
    for (int64_t o = 0; o < out; o += kPanel)
      rows_by_panel(count, from + plane * in_plane, channels, 1, 0, channels, w + (plane * out + o) * channels,
                    to + plane * out_plane + o, out);
  };
  const auto finish = [&](int64_t image, int64_t row, const float* from, Moments& into) {
    float* to = y + (image * height + 2 * row) * width * out;
    const int64_t valid = std::min<int64_t>(2, height - 2 * row);
    transform_outputs(from, out_plane, across, out, to, valid, width);
    into.add(to, valid * width, out);
  };

  if (shared) {
    v = buffer(16 * in_plane);
    m = buffer(16 * out_plane);
  }
#pragma omp parallel num_threads(threads)
  {
    Moments& own = moments[omp_get_thread_num()];
    Buffer rows = buffer(4 * padded * channels);
    if (shared) {
#pragma omp for
      for (int64_t r = 0; r < batch * down; ++r)
        transform(r / down, r % down, rows.get(), v.get() + r * across * channels);
#pragma omp for
      for (int64_t plane = 0; plane < 16; ++plane) multiply(plane, tiles, v.get(), m.get());
#pragma omp for
      for (int64_t r = 0; r < batch * down; ++r) finish(r / down, r % down, m.get() + r * across * out, own);
    } else {
      Buffer inputs = buffer(16 * in_plane), products = buffer(16 * out_plane);
#pragma omp for
      for (int64_t block = 0; block < batch * blocks; ++block) {
        const int64_t image = block / blocks, first = block % blocks * high, last = std::min(first + high, down);
        for (int64_t r = first; r < last; ++r)
          transform(image, r, rows.get(), inputs.get() + (r - first) * across * channels);
        for (int64_t plane = 0; plane < 16; ++plane)
          multiply(plane, (last - first) * across, inputs.get(), products.get());
        for (int64_t r = first; r < last; ++r)
          finish(image, r, products.get() + (r - first) * across * out, own);
      }
    }
  }
  norm.finish(moments);
}

// 1x1. w: (out / 64, channels, 64). y: (batch, rows, columns, out), not normalised.
extern "C" void pointwise(const float* x, const float* affine, const float* w, float* y, int64_t batch,
                          int64_t height, int64_t width, int64_t channels, int64_t out, int64_t stride,
                          const float* norm_weight, const float* norm_bias, float* mean, float* variance,
                          double momentum, double epsilon, int64_t training, float* out_affine) {
  const int64_t rows = (height - 1) / stride + 1, columns = (width - 1) / stride + 1, places = batch * rows * columns;
  const int64_t chunks = (places + kChunk - 1) / kChunk, panels = out / kPanel;
  std::vector<Moments> moments(chunks * panels, Moments(kPanel));
#pragma omp parallel
  {
    Buffer gathered = buffer(kChunk * channels);
    int64_t held = -1;
#pragma omp for schedule(static)
    for (int64_t item = 0; item < chunks * panels; ++item) {
      const int64_t chunk = item / panels, o = item % panels * kPanel;
      const int64_t first = places * chunk / chunks, count = places * (chunk + 1) / chunks - first;
      const float* from = x + first * channels;
      if (affine || stride > 1) {
        for (int64_t p = 0; chunk != held && p < count; ++p) {
          const int64_t line = (first + p) / columns, image = line / rows;
          const float* place =
              x + ((image * height + line % rows * stride) * width + (first + p) % columns * stride) * channels;
          for (int64_t c = 0; c < channels; c += kLanes)
            store(gathered.get() + p * channels + c,
                  affine ? relu(load(place + c) * load(affine + c) + load(affine + channels + c)) : load(place + c));
        }
        held = chunk;
        from = gathered.get();
      }
      rows_by_panel(count, from, channels, 1, 0, channels, w + o * channels, y + first * out + o, out);
      moments[item].add(y + first * out + o, count, out);
    }
  }
  for (int64_t o = 0; o < out; o += kPanel) {
    Moments all(kPanel);
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      const Moments& part = moments[chunk * panels + o / kPanel];
      all.merge(part.count, part.mean.data(), part.squares.data());
    }
    Norm{norm_weight + o, norm_bias + o, mean + o, variance + o, out_affine + o, momentum, epsilon, training, out}
        .finish(all, kPanel);
  }
}

// Any size and stride. w: (out / 64, size, size, channels, 64). y: (batch, rows, columns, out), not normalised.
extern "C" void convolve(const float* x, const float* affine, int64_t planar, const float* w, float* y,
                         int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t out, int64_t size,
                         int64_t stride, int64_t padding, const float* norm_weight, const float* norm_bias,
                         float* mean, float* variance, double momentum, double epsilon, int64_t training,
                         float* out_affine) {
  const Map map{x, affine, height, width, channels, planar};
  const Norm norm{norm_weight, norm_bias, mean, variance, out_affine, momentum, epsilon, training, out};
  const int64_t rows = (height + 2 * padding - size) / stride + 1, columns = (width + 2 * padding - size) / stride + 1;
  const int64_t padded = width + 2 * padding, row = padded * channels;
  const int64_t threads = omp_get_max_threads();
  const int64_t high =
      std::min(std::max<int64_t>(8, channels * out / 8192), (rows * batch + threads - 1) / threads);
  const int64_t blocks = (rows + high - 1) / high;
  std::vector<Moments> moments(threads, Moments(out));
#pragma omp parallel num_threads(threads)
  {
    Buffer gathered = buffer(((high - 1) * stride + size) * row);
#pragma omp for
    for (int64_t block = 0; block < batch * blocks; ++block) {
      const int64_t image = block / blocks, first = block % blocks * high, last = std::min(first + high, rows);
      map.gather(image, first * stride - padding, (last - first - 1) * stride + size, padding, padded, gathered.get());
      float* to = y + (image * rows + first) * columns * out;
      for (int64_t o = 0; o < out; o += kPanel)
        for (int64_t r = 0; r < last - first; ++r)
          rows_by_panel(columns, gathered.get() + r * stride * row, stride * channels, size, row, size * channels,
                        w + o * size * size * channels, to + r * columns * out + o, out);
      moments[omp_get_thread_num()].add(to, (last - first) * columns, out);
    }
  }
  norm.finish(moments);
}

// relu(x * scale + shift), then the maximum of 3x3 places at stride 2; padding counts for nothing, as 0 does.
extern "C" void pool(const float* x, const float* affine, float* y, int64_t batch, int64_t height, int64_t width,
                     int64_t channels) {
  const int64_t rows = (height + 1) / 2, columns = (width + 1) / 2;
  const Map map{x, affine, height, width, channels, 0};
#pragma omp parallel
  {
    const int64_t padded = 2 * columns + 1;
    Buffer gathered = buffer(3 * padded * channels);
#pragma omp for
    for (int64_t r = 0; r < batch * rows; ++r) {
      map.gather(r / rows, r % rows * 2 - 1, 3, 1, padded, gathered.get());
      for (int64_t p = 0; p < columns; ++p)
        for (int64_t c = 0; c < channels; c += kLanes) {
          V top = {};
          for (int k = 0; k < 9; ++k) {
            const V seen = load(gathered.get() + (k / 3 * padded + 2 * p + k % 3) * channels + c);
            top = seen > top ? seen : top;
          }
          store(y + (r * columns + p) * channels + c, top);
        }
    }
  }
}

// y = relu(x * scale + shift + other), where other may have a scale and a shift, too
extern "C" void join(const float* x, const float* affine, const float* other, const float* other_affine, float* y,
                     int64_t places, int64_t channels) {
#pragma omp parallel for
  for (int64_t p = 0; p < places; ++p)
    for (int64_t c = 0; c < channels; c += kLanes) {
      V beside = load(other + p * channels + c);
      if (other_affine) beside = beside * load(other_affine + c) + load(other_affine + channels + c);
      store(y + p * channels + c,
            relu(load(x + p * channels + c) * load(affine + c) + load(affine + channels + c) + beside));
    }
}
"""

library = kernelevo.cpp(SOURCE)

EXPANSION = 4


def direct_weight(weight: Tensor) -> Tensor:
    """(O, C, R, S) -> (O / 64, R, S, C, 64)."""
    return weight.unflatten(0, (-1, 64)).permute(0, 3, 4, 2, 1).contiguous()


def winograd_weight(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) -> G w G^T as (16, O / 64, C, 64), computed in fp64."""
    g = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)
    both, (out, channels) = torch.kron(g, g), weight.shape[:2]
    planes = weight.new_empty(len(both), out // 64, channels, 64)
    for panel, part in enumerate(weight.flatten(2).split(64)):
        planes[:, panel] = (both @ part.transpose(0, 1).flatten(0, 1).double().T).view(-1, channels, 64)
    return planes


def convolve(x: Tensor, affine: Tensor | None, conv: nn.Conv2d, norm: nn.BatchNorm2d, planar: bool = False):
    """Convolve relu(x * scale + shift), or x itself, (N, H, W, C); return the map and its norm's scale and shift."""
    batch, height, width, channels = x.movedim(1, -1).shape if planar else x.shape
    size, stride, padding, out = conv.kernel_size[0], conv.stride[0], conv.padding[0], conv.out_channels
    rows, columns = ((side + 2 * padding - size) // stride + 1 for side in (height, width))
    y, out_affine = x.new_empty(batch, rows, columns, out), x.new_empty(2, out)
    statistics = (
        norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.momentum, norm.eps, norm.training,
        out_affine,
    )  # fmt: skip
    shape = (batch, height, width, channels, out)
    if size == 1:
        weight = kernelevo.packed(direct_weight, conv.weight)
        library.pointwise(x, affine, weight, y, *shape, stride, *statistics)
    elif size == 3 and stride == 1:
        weight = kernelevo.packed(winograd_weight, conv.weight)
        library.winograd(x, affine, weight, y, *shape, *statistics)
    else:
        weight = kernelevo.packed(direct_weight, conv.weight)
        library.convolve(x, affine, planar, weight, y, *shape, size, stride, padding, *statistics)
    return y, out_affine


class Bottleneck(nn.Module):
    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        out_channels = EXPANSION * width
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = (x, None)
        if isinstance(self.downsample, nn.Sequential):
            shortcut = convolve(x, None, *self.downsample)
        y, affine = convolve(x, None, self.conv1, self.bn1)
        y, affine = convolve(y, affine, self.conv2, self.bn2)
        y, affine = convolve(y, affine, self.conv3, self.bn3)
        channels = y.shape[-1]
        library.join(y, affine, *shortcut, y, y.numel() // channels, channels)
        return y


class ModelNew(nn.Module):
    def __init__(self, blocks: list[int], classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = self.stage(64, 64, blocks[0], stride=1)
        self.layer2 = self.stage(256, 128, blocks[1], stride=2)
        self.layer3 = self.stage(512, 256, blocks[2], stride=2)
        self.layer4 = self.stage(1024, 512, blocks[3], stride=2)
        self.fc = nn.Linear(512 * EXPANSION, classes)

    @staticmethod
    def stage(in_channels: int, width: int, count: int, stride: int) -> nn.Sequential:
        rest = [Bottleneck(EXPANSION * width, width, 1) for _ in range(count - 1)]
        return nn.Sequential(Bottleneck(in_channels, width, stride), *rest)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            torch._foreach_add_(
                [m.num_batches_tracked for m in self.modules() if isinstance(m, nn.BatchNorm2d)], 1
            )
        stem, affine = convolve(x.contiguous(), None, self.conv1, self.bn1, planar=True)
        batch, height, width, channels = stem.shape
        y = x.new_empty(batch, (height + 1) // 2, (width + 1) // 2, channels)
        library.pool(stem, affine, y, batch, height, width, channels)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            y = stage(y)
        return F.linear(y.mean((1, 2)), self.fc.weight, self.fc.bias)
