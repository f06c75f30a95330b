"""U-Net with softmax: 3x3 convolutions by Winograd's F(2x2, 3x3), BatchNorm and softmax in one pass, no concats.

- All convolutions but the first run as Winograd's transform for 2x2 outputs, 16 products for 36. Strips of 32 tiles
  stay in one core's second-level cache from the transform of the inputs to the outputs; where the weights are the
  larger part, the cores share the sixteen products instead and each weight is read once.
- Maps are channels-last, so sixteen channels are the lanes of every pass. Softmax along the row then needs no
  reduction within a vector: scale, shift, maximum, exp and sum run down a row of places while it is in cache.
- Statistics are gathered from each strip while it is in cache (mean, then squared distances) and merged in fp64. A
  bias before a BatchNorm on batch statistics cancels: it only moves the running mean, so the sums never see it.
- Sums along a row are taken sixteen at a time: a softmax with one far value adds hundreds of nearly equal terms to
  a large one, whose rounding errors all have one sign, and every later BatchNorm enlarges them.
- Each encoder writes its result into the second half of what its decoder reads, and the transposed convolution
  writes into the first half: nothing is concatenated.
"""

import torch
from torch import Tensor, nn

import kernelevo

SOURCE = r"""
#include <kernelevo/math.h>
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
constexpr int64_t kGroup = 32;                          // Winograd tiles whose 16 planes stay in cache
constexpr int64_t kLarge = 3 << 20;                     // bytes of weights that the cores should read only once

inline V load(const float* p) { return (V)*(const Loose*)p; }
inline void store(float* p, V v) { *(Loose*)p = (Loose)v; }
inline V larger(V a, V b) { return a > b ? a : b; }
inline V exp(V x) {
  kernelevo::vfloat part[kLanes / kernelevo::kLanes];
  __builtin_memcpy(part, &x, sizeof x);
  for (auto& p : part) p = kernelevo::exp(p);
  __builtin_memcpy(&x, part, sizeof x);
  return x;
}

struct Free { void operator()(float* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

// y[r][0..63] = bias (if any) + sum over runs q and k < length of x[q * between + r * apart + k] * w[q][k][0..63]
template <int R>
void tile(const float* x, int64_t apart, int64_t runs, int64_t between, int64_t length, const float* w, float* y,
          int64_t out, const float* bias) {
  V a[R][4] = {};
  if (bias)
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) a[r][v] = load(bias + 16 * v);
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
                   const float* w, float* y, int64_t out, const float* bias = nullptr) {
  constexpr decltype(&tile<1>) kTiles[] = {tile<1>, tile<2>, tile<3>, tile<4>, tile<5>, tile<6>};
  const int64_t parts = (rows + kRows - 1) / kRows;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t from = rows * i / parts, to = rows * (i + 1) / parts;
    kTiles[to - from - 1](x + from * apart, apart, runs, between, length, w, y + from * out, out, bias);
  }
}

// Adds term(p, v) to sum[v] for all places p, sixteen at a time: rounding errors of long sums of like terms add up.
template <typename F>
inline void by_chunks(int64_t places, V* sum, F term) {
  for (int64_t start = 0; start < places; start += 16) {
    V part[4] = {};
    for (int64_t p = start; p < std::min(start + 16, places); ++p)
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) part[v] += term(p, v);
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) sum[v] += part[v];
  }
}

// Count, mean and summed squared distances of each channel, merged from chunks (Chan, Golub and LeVeque).
struct Moments {
  double count = 0;
  std::vector<double> mean, squares;
  std::vector<float> own, around;

  explicit Moments(int64_t channels) : mean(channels), squares(channels), own(channels), around(channels) {}

  void add(const float* y, int64_t places) {
    const int64_t channels = mean.size();
    for (int64_t c = 0; c < channels; c += kPanel) {
      V s[4] = {}, q[4] = {};
      by_chunks(places, s, [&](int64_t p, int v) { return load(y + p * channels + c + 16 * v); });
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) s[v] /= (float)places;
      by_chunks(places, q, [&](int64_t p, int v) {
        const V d = load(y + p * channels + c + 16 * v) - s[v];
        return d * d;
      });
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

// The parameters and buffers of a BatchNorm, and where its scales and shifts for this batch go. The bias of the
// convolution before it would be subtracted again: it only counts in the running mean.
struct Norm {
  const float *weight, *bias, *before;
  float *mean, *variance, *affine;
  double momentum, epsilon;
  int64_t training, channels;

  void finish(const std::vector<Moments>& parts) const {
    Moments m(channels);
    for (const Moments& part : parts) m.merge(part.count, part.mean.data(), part.squares.data());
    for (int64_t c = 0; c < channels; ++c) {
      double average = mean[c] - before[c], spread = variance[c];
      if (training) {
        average = m.mean[c];
        spread = m.squares[c] / m.count;
        mean[c] += momentum * (average + before[c] - mean[c]);
        variance[c] += momentum * (m.squares[c] / (m.count - 1) - variance[c]);
      }
      const double scale = weight[c] / std::sqrt(spread + epsilon);
      affine[c] = scale;
      affine[channels + c] = bias[c] - average * scale;
    }
  }
};

Norm norm_of(const int64_t* pointers, double momentum, double epsilon, int64_t training, float* affine,
             int64_t channels) {
  return {(const float*)pointers[0], (const float*)pointers[1], (const float*)pointers[2], (float*)pointers[3],
          (float*)pointers[4], affine, momentum, epsilon, training, channels};
}

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

// A^T m A for a row of tiles: 16 planes of (tile, channel) -> `rows` x `columns` places, rows `pitch` apart.
void transform_outputs(const float* m, int64_t plane, int64_t tiles, int64_t channels, float* y, int64_t rows,
                       int64_t columns, int64_t pitch) {
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
      for (int i = 0; i < rows; ++i) {
        float* to = y + i * pitch + 2 * t * channels + c;
        store(to, s[i][0] + s[i][1] + s[i][2]);
        if (2 * t + 1 < columns) store(to + channels, s[i][1] - s[i][2] - s[i][3]);
      }
    }
}

}  // namespace

// 3x3 with padding 1. w: 16 planes of (out / 64, channels, 64). y: (batch, height, width, out), not normalised.
extern "C" void winograd(const float* x, const float* w, float* y, int64_t batch, int64_t height, int64_t width,
                         int64_t channels, int64_t out, const int64_t* norm, double momentum, double epsilon,
                         int64_t training, float* affine) {
  const int64_t threads = omp_get_max_threads(), across = (width + 1) / 2, down = (height + 1) / 2;
  // A strip is a part of a row of tiles. Small weights: each core takes strips through all steps. Large ones: all
  // strips at once, and the cores share the 16 products.
  const bool shared = channels * out * 64 > kLarge;
  const int64_t wide = std::min(across, kGroup), parts = (across + wide - 1) / wide, strips = batch * down * parts;
  const int64_t tiles = (shared ? strips : 1) * wide;
  const int64_t in_plane = tiles * channels + kLanes, out_plane = tiles * out + kLanes;
  std::vector<Moments> moments(threads, Moments(out));
  Buffer v, m;

  const auto transform = [&](int64_t strip, float* gathered, float* to) {
    const int64_t image = strip / parts / down, top = strip / parts % down * 2 - 1, left = strip % parts * wide * 2 - 1;
    const int64_t places = 2 * wide + 2, from = std::max<int64_t>(left, 0), stop = std::min(left + places, width);
    for (int64_t r = 0; r < 4; ++r) {
      float* row = gathered + r * places * channels;
      std::fill_n(row, places * channels, 0.0f);
      if (top + r >= 0 && top + r < height)
        std::copy_n(x + ((image * height + top + r) * width + from) * channels, (stop - from) * channels,
                    row + (from - left) * channels);
    }
    transform_inputs(gathered, places, wide, channels, to, in_plane);
  };
  const auto multiply = [&](int64_t plane, const float* from, float* to) {
    for (int64_t o = 0; o < out; o += kPanel)
      rows_by_panel(tiles, from + plane * in_plane, channels, 1, 0, channels, w + (plane * out + o) * channels,
                    to + plane * out_plane + o, out);
  };
  const auto finish = [&](int64_t strip, const float* from, Moments& into) {
    const int64_t image = strip / parts / down, top = strip / parts % down * 2, left = strip % parts * wide * 2;
    const int64_t rows = std::min<int64_t>(2, height - top), columns = std::min(2 * wide, width - left);
    float* to = y + ((image * height + top) * width + left) * out;
    transform_outputs(from, out_plane, (columns + 1) / 2, out, to, rows, columns, width * out);
    for (int64_t i = 0; i < rows; ++i) into.add(to + i * width * out, columns);
  };

  if (shared) {
    v = buffer(16 * in_plane);
    m = buffer(16 * out_plane);
  }
#pragma omp parallel num_threads(threads)
  {
    Moments& own = moments[omp_get_thread_num()];
    Buffer gathered = buffer(4 * (2 * wide + 2) * channels);
    if (shared) {
#pragma omp for
      for (int64_t s = 0; s < strips; ++s) transform(s, gathered.get(), v.get() + s * wide * channels);
#pragma omp for
      for (int64_t plane = 0; plane < 16; ++plane) multiply(plane, v.get(), m.get());
#pragma omp for
      for (int64_t s = 0; s < strips; ++s) finish(s, m.get() + s * wide * out, own);
    } else {
      Buffer inputs = buffer(16 * in_plane), products = buffer(16 * out_plane);
#pragma omp for
      for (int64_t s = 0; s < strips; ++s) {
        transform(s, gathered.get(), inputs.get());
        for (int64_t plane = 0; plane < 16; ++plane) multiply(plane, inputs.get(), products.get());
        finish(s, products.get(), own);
      }
    }
  }
  norm_of(norm, momentum, epsilon, training, affine, out).finish(moments);
}

// 3x3 with padding 1 of few channels, x channels first. w: (out / 64, 3, 3, channels, 64). y as above.
extern "C" void first(const float* x, const float* w, float* y, int64_t batch, int64_t height, int64_t width,
                      int64_t channels, int64_t out, const int64_t* norm, double momentum, double epsilon,
                      int64_t training, float* affine) {
  const int64_t threads = omp_get_max_threads(), row = (width + 2) * channels;
  std::vector<Moments> moments(threads, Moments(out));
#pragma omp parallel num_threads(threads)
  {
    Buffer gathered = buffer(3 * row);
#pragma omp for
    for (int64_t line = 0; line < batch * height; ++line) {
      std::fill_n(gathered.get(), 3 * row, 0.0f);
      for (int64_t r = 0; r < 3; ++r) {
        const int64_t image = line / height, at = line % height + r - 1;
        for (int64_t c = 0; at >= 0 && at < height && c < channels; ++c)
          for (int64_t p = 0; p < width; ++p)
            gathered[r * row + (p + 1) * channels + c] = x[((image * channels + c) * height + at) * width + p];
      }
      for (int64_t o = 0; o < out; o += kPanel)
        rows_by_panel(width, gathered.get(), channels, 3, row, 3 * channels, w + o * 9 * channels,
                      y + line * width * out + o, out);
      moments[omp_get_thread_num()].add(y + line * width * out, width);
    }
  }
  norm_of(norm, momentum, epsilon, training, affine, out).finish(moments);
}

// Softmax of x * scale + shift along each row of places; places of y are `pitch` floats apart.
extern "C" void softmax(const float* x, const float* affine, float* y, int64_t rows, int64_t width,
                        int64_t channels, int64_t pitch) {
#pragma omp parallel for
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < channels; c += kPanel) {
      const float* from = x + r * width * channels + c;
      float* to = y + r * width * pitch + c;
      V scale[4], shift[4], top[4], sum[4] = {};
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        scale[v] = load(affine + c + 16 * v);
        shift[v] = load(affine + channels + c + 16 * v);
        top[v] = load(from + 16 * v) * scale[v] + shift[v];
      }
      for (int64_t p = 1; p < width; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v)
          top[v] = larger(top[v], load(from + p * channels + 16 * v) * scale[v] + shift[v]);
      by_chunks(width, sum, [&](int64_t p, int v) {
        const V e = exp(load(from + p * channels + 16 * v) * scale[v] + shift[v] - top[v]);
        store(to + p * pitch + 16 * v, e);
        return e;
      });
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) sum[v] = 1.0f / sum[v];
      for (int64_t p = 0; p < width; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) store(to + p * pitch + 16 * v, load(to + p * pitch + 16 * v) * sum[v]);
    }
}

// The largest of 2x2 places; places of x are `pitch` floats apart.
extern "C" void pool(const float* x, float* y, int64_t batch, int64_t height, int64_t width, int64_t channels,
                     int64_t pitch) {
#pragma omp parallel for
  for (int64_t r = 0; r < batch * height / 2; ++r)
    for (int64_t p = 0; p < width / 2; ++p) {
      const float* from = x + (2 * r * width + 2 * p) * pitch;
      for (int64_t c = 0; c < channels; c += kLanes)
        store(y + (r * (width / 2) + p) * channels + c,
              larger(larger(load(from + c), load(from + pitch + c)),
                     larger(load(from + width * pitch + c), load(from + (width + 1) * pitch + c))));
    }
}

// Transposed convolution, 2x2 at stride 2. w: (2, 2, out / 64, channels, 64). Places of y are `pitch` floats apart.
extern "C" void up(const float* x, const float* w, const float* bias, float* y, int64_t rows, int64_t width,
                   int64_t channels, int64_t out, int64_t pitch) {
#pragma omp parallel for collapse(2) schedule(dynamic, 1)
  for (int64_t tap = 0; tap < 4; ++tap)
    for (int64_t o = 0; o < out; o += kPanel)
      for (int64_t r = 0; r < rows; ++r)
        rows_by_panel(width, x + r * width * channels, channels, 1, 0, channels, w + (tap * out + o) * channels,
                      y + ((2 * r + tap / 2) * 2 * width + tap % 2) * pitch + o, 2 * pitch, bias + o);
}
"""

library = kernelevo.cpp(SOURCE)


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


def up_weight(weight: Tensor) -> Tensor:
    """(C, O, 2, 2) -> (2, 2, O / 64, C, 64)."""
    return weight.unflatten(1, (-1, 64)).permute(3, 4, 1, 0, 2).contiguous()


def double(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.Softmax(dim=-1),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.Softmax(dim=-1),
    )


def activate(
    conv: nn.Conv2d, norm: nn.BatchNorm2d, x: Tensor, into: Tensor | None = None, planar: bool = False
) -> Tensor:
    """Convolution, norm and softmax of x, (N, H, W, C) or planar; written into a slice, if one is given."""
    batch, height, width, channels = x.movedim(1, -1).shape if planar else x.shape
    out = conv.out_channels
    y, affine = x.new_empty(batch, height, width, out), x.new_empty(2, out)
    tensors = (norm.weight, norm.bias, conv.bias, norm.running_mean, norm.running_var)
    pointers = torch.tensor([t.data_ptr() for t in tensors])
    run, pack = (library.first, direct_weight) if planar else (library.winograd, winograd_weight)
    run(
        x, kernelevo.packed(pack, conv.weight), y, batch, height, width, channels, out, pointers,
        norm.momentum, norm.eps, norm.training, affine,
    )  # fmt: skip
    into = y if into is None else into
    library.softmax(y, affine, into.data_ptr(), batch * height, width, out, into.stride(2))
    return into


class ModelNew(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, features: int) -> None:
        super().__init__()
        if features % 64:
            raise ValueError("made for features in steps of 64")
        widths = [features, 2 * features, 4 * features, 8 * features]
        before = [in_channels, *widths]
        self.encoders = nn.ModuleList(double(a, b) for a, b in zip(before, widths, strict=False))
        self.bottleneck = double(widths[-1], 2 * widths[-1])
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths))
        self.decoders = nn.ModuleList(double(2 * w, w) for w in reversed(widths))
        self.final = nn.Conv2d(features, out_channels, 1)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            torch._foreach_add_([m.num_batches_tracked for m in self.modules() if isinstance(m, nn.BatchNorm2d)], 1)
        x = x.contiguous()
        batch, _, height, width = x.shape
        joined = []  # what each decoder reads: first what comes from below, then what its encoder gave
        for depth, encoder in enumerate(self.encoders):
            channels = encoder[0].out_channels
            joined.append(x.new_empty(batch, height, width, 2 * channels))
            inner = activate(*encoder[:2], x, planar=depth == 0)
            skip = activate(*encoder[3:5], inner, joined[-1][..., channels:])
            x = x.new_empty(batch, height // 2, width // 2, channels)
            library.pool(skip.data_ptr(), x, batch, height, width, channels, 2 * channels)
            height, width = height // 2, width // 2
        x = activate(*self.bottleneck[3:5], activate(*self.bottleneck[:2], x))
        for up, decoder, both in zip(self.ups, self.decoders, reversed(joined), strict=True):
            channels = up.out_channels
            weight = kernelevo.packed(up_weight, up.weight)
            library.up(x, weight, up.bias, both, batch * height, width, 2 * channels, channels, 2 * channels)
            height, width = 2 * height, 2 * width
            x = activate(*decoder[3:5], activate(*decoder[:2], both))
        final = self.final.weight.flatten(1).expand(batch, -1, -1)
        y = torch.baddbmm(self.final.bias[:, None], final, x.flatten(1, 2).mT)
        return y.unflatten(2, (height, width))
