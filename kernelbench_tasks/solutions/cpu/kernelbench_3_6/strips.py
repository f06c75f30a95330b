"""Inception module in two passes over strips of two rows, channels in the lanes, the 3x3 by Winograd.

First pass: a strip (with one row above and below) is turned to channels-last once, in cache. The three 1x1
convolutions that read the input itself are one matrix product of 304 outputs; the 3x3 maximum is taken from
the same strip and goes straight into its 1x1 convolution. Only the two squeezed maps (96 and 16 channels)
are kept, with zeros around them. Second pass: the 3x3 convolution runs as Winograd's F(2x2, 3x3), 16
products for 36, and the 5x5 as sums over runs of 5 x 16 contiguous values. Every branch writes its channels
of the result directly, turned back to channels-first: there is no concat, no pooled copy of the input, and
no layout is changed in memory.

The weights lie in panels of 48 and of 64 outputs, which divide 304, 208, 64 and 48 without rest. The register tile
is 8 places by 48 outputs or 6 by 64 with vectors of 16 lanes, 4 by 24 or 6 by 16 with eight.
"""

import torch
from torch import Tensor, nn

import kernelevo

SOURCE = r"""
#include <kernelevo/math.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

namespace {

using V = kernelevo::vfloat;
using kernelevo::kLanes, kernelevo::load, kernelevo::store;

constexpr bool kManyRegisters = kernelevo::kVectorRegisters == 32;

inline V larger(V a, V b) { return b > a ? b : a; }

struct Free { void operator()(float* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

// What is multiplied: `runs` pieces of `length` values, `between` apart; rows `apart`; w: (runs, length, outputs).
struct Sums {
  const float *x, *w, *bias;
  int64_t apart, runs, between, length;
};

// R rows by N vectors of y = bias + x w, w in panels of `step` outputs.
template <int R, int N>
void tile(const Sums& s, int64_t row, const float* w, int64_t step, int64_t first, float* y, int64_t out) {
  V a[R][N] = {};
  if (s.bias)
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v)
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) a[r][v] = load(s.bias + first + kLanes * v);
  const float* x = s.x + row * s.apart;
  const int64_t apart = s.apart;
  for (int64_t q = 0; q < s.runs; ++q, x += s.between)
    for (int64_t k = 0; k < s.length; ++k, w += step) {
      V b[N];
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) b[v] = load(w + kLanes * v);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const float value = x[r * apart + k];
#pragma GCC unroll 4
        for (int v = 0; v < N; ++v) a[r][v] += value * b[v];
      }
    }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) store(y + (row + r) * out + first + kLanes * v, a[r][v]);
}

template <int R, int N>
void tile_of(int64_t rows, const Sums& s, int64_t row, const float* w, int64_t step, int64_t first, float* y,
             int64_t out) {
  if (rows == R) return tile<R, N>(s, row, w, step, first, y, out);
  if constexpr (R > 1) tile_of<R - 1, N>(rows, s, row, w, step, first, y, out);
}

// All rows of the `width` outputs of one panel.
template <int R, int N>
void panel(int64_t rows, const Sums& s, int64_t width, int64_t first, float* y, int64_t out) {
  const int64_t parts = (rows + R - 1) / R;
  const float* w = s.w + first * s.runs * s.length;
  for (int64_t v = 0; v < width; v += N * kLanes)
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t from = rows * i / parts;
      tile_of<R, N>(rows * (i + 1) / parts - from, s, from, w + v, width, first + v, y, out);
    }
}

// All rows and all outputs: as many panels of 64 as leave a multiple of 48, then panels of 48.
void product(int64_t rows, const Sums& s, int64_t outputs, float* y) {
  int64_t o = 0;
  for (const int64_t wide = outputs / 16 % 3 * 64; o < wide; o += 64)
    panel<6, kManyRegisters ? 4 : 2>(rows, s, 64, o, y, outputs);
  for (; o < outputs; o += 48) panel<kManyRegisters ? 8 : 4, 3>(rows, s, 48, o, y, outputs);
}

// Exchanges the upper half of a's runs of 2 K floats with the lower half of b's: the lower result, and the upper one.
template <int K, int... I>
inline void exchange(V& a, V& b, std::integer_sequence<int, I...>) {
  const kernelevo::vint low = {(I & K ? I - K + kLanes : I)...};
  const V first = __builtin_shuffle(a, b, low), second = __builtin_shuffle(a, b, low + K);
  a = first;
  b = second;
}

// A square of floats, rows `apart` floats apart, to vectors of columns.
template <int K = 1>
inline void exchange_all(V* r) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i)
    if (!(i & K)) exchange<K>(r[i], r[i | K], std::make_integer_sequence<int, kLanes>());
  if constexpr (2 * K < kLanes) exchange_all<2 * K>(r);
}

inline void transpose(const float* from, int64_t apart, V* r) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) r[i] = load(from + i * apart);
  exchange_all(r);
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

// `places` of channels-first planes, as (place, channel): place p goes to to(p).
template <typename To>
void to_channels_last(const float* x, int64_t plane, int64_t channels, int64_t places, To to) {
  for (int64_t p = 0; p < places; p += kLanes) {
    const int64_t from = std::min(p, places - kLanes);  // the last group may overlap the one before
    for (int64_t c = 0; c < channels; c += kLanes) {
      V t[kLanes];
      transpose(x + c * plane + from, plane, t);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) store(to(from + i) + c, t[i]);
    }
  }
}

// Rows of (place, channel), with bias if any, to planes.
void to_planes(const float* x, int64_t apart, const float* bias, int64_t channels, int64_t places, float* y,
               int64_t plane) {
  for (int64_t c = 0; c < channels; c += kLanes)
    for (int64_t p = 0; p < places; p += kLanes) {
      V t[kLanes];
      transpose(x + p * apart + c, apart, t);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) store(y + (c + i) * plane + p, bias ? t[i] + bias[c + i] : t[i]);
    }
}

}  // namespace

// x: (batch, channels, height, width), height even, 2 * width a multiple of 16. widths: outputs of the branches 1x1,
// 3x3, 5x5, pool, and what the 3x3 and the 5x5 read. weights: of the joined 1x1s, 3x3, 5x5, pool, each with bias.
// squeezed: room for the two squeezed maps with one and two places of zeros around them, all zero.
extern "C" void inception(const float* x, const int64_t* widths, const int64_t* weights, float* squeezed3,
                          float* squeezed5, float* y, int64_t batch, int64_t channels, int64_t height,
                          int64_t width) {
  const int64_t out1 = widths[0], out3 = widths[1], out5 = widths[2], out_pool = widths[3], in3 = widths[4],
                in5 = widths[5], joined = out1 + in3 + in5, all = out1 + out3 + out5 + out_pool;
  const float* const* w = (const float* const*)weights;
  const int64_t plane = height * width, places = 2 * width, strips = height / 2, tiles = width / 2;
  const int64_t row = (width + 2) * channels, row3 = (width + 2) * in3, row5 = (width + 4) * in5;
  const int64_t in_plane = tiles * in3 + kLanes, out_plane = tiles * out3 + kLanes;
#pragma omp parallel
  {
    Buffer seen = buffer(4 * row), pooled = buffer(places * channels);
    Buffer made = buffer(places * std::max({joined, out3, out5, out_pool}));
    Buffer v = buffer(16 * in_plane), m = buffer(16 * out_plane);
#pragma omp for schedule(static)
    for (int64_t strip = 0; strip < batch * strips; ++strip) {
      const int64_t image = strip / strips, top = strip % strips * 2;
      const int64_t begin = std::max<int64_t>(top - 1, 0), stop = std::min(top + 3, height);
      float* result = y + image * all * plane + top * width;
      std::fill_n(seen.get(), 4 * row, -INFINITY);
      to_channels_last(x + image * channels * plane + begin * width, plane, channels, (stop - begin) * width,
                       [&](int64_t p) {
                         return seen.get() + (begin - top + 1 + p / width) * row + (p % width + 1) * channels;
                       });

      for (int64_t r = 0; r < 2; ++r)
        product(width, {seen.get() + (r + 1) * row + channels, w[0], w[1], channels, 1, 0, channels}, joined,
                made.get() + r * width * joined);
      to_planes(made.get(), joined, nullptr, out1, places, result, plane);
      for (int64_t p = 0; p < places; ++p) {
        const int64_t down = top + p / width, across = p % width;
        const float* from = made.get() + p * joined + out1;
        std::copy_n(from, in3, squeezed3 + (image * (height + 2) + down + 1) * row3 + (across + 1) * in3);
        std::copy_n(from + in3, in5, squeezed5 + (image * (height + 4) + down + 2) * row5 + (across + 2) * in5);
      }

      for (int64_t c = 0; c < channels; c += kLanes) {
        V high[3], low[3];  // maxima down three rows, of the columns before, at and behind a place
        const float* from = seen.get() + c;
        const auto column = [&](int j) {
          const V both = larger(load(from + row), load(from + 2 * row));
          high[j] = larger(both, load(from));
          low[j] = larger(both, load(from + 3 * row));
          from += channels;
        };
        column(1);
        column(2);
        for (int64_t p = 0; p < width; ++p) {
          for (int j = 0; j < 2; ++j) {
            high[j] = high[j + 1];
            low[j] = low[j + 1];
          }
          column(2);
          store(pooled.get() + p * channels + c, larger(larger(high[0], high[1]), high[2]));
          store(pooled.get() + (width + p) * channels + c, larger(larger(low[0], low[1]), low[2]));
        }
      }
      product(places, {pooled.get(), w[6], w[7], channels, 1, 0, channels}, out_pool, made.get());
      to_planes(made.get(), out_pool, nullptr, out_pool, places, result + (out1 + out3 + out5) * plane, plane);
    }

#pragma omp for schedule(static)
    for (int64_t strip = 0; strip < batch * strips; ++strip) {
      const int64_t image = strip / strips, top = strip % strips * 2;
      float* result = y + (image * all + out1) * plane + top * width;
      transform_inputs(squeezed3 + (image * (height + 2) + top) * row3, width + 2, tiles, in3, v.get(), in_plane);
      for (int64_t p = 0; p < 16; ++p)
        product(tiles, {v.get() + p * in_plane, w[2] + p * in3 * out3, nullptr, in3, 1, 0, in3}, out3,
                m.get() + p * out_plane);
      transform_outputs(m.get(), out_plane, tiles, out3, made.get(), 2, width);
      to_planes(made.get(), out3, w[3], out3, places, result, plane);

      for (int64_t r = 0; r < 2; ++r)
        product(width, {squeezed5 + (image * (height + 4) + top + r) * row5, w[4], w[5], in5, 5, row5, 5 * in5}, out5,
                made.get() + r * width * out5);
      to_planes(made.get(), out5, nullptr, out5, places, result + out3 * plane, plane);
    }
  }
}
"""

library = kernelevo.cpp(SOURCE)


def panels(weight: Tensor) -> Tensor:
    """(O, K) -> panels of 64 outputs until a multiple of 48 is left, then of 48; each (K, outputs)."""
    wide = len(weight) // 16 % 3 * 64
    parts = (*weight[:wide].split(64), *weight[wide:].split(48))
    return torch.cat([part.t().flatten() for part in parts if len(part)])


def joined_weight(*weights: Tensor) -> Tensor:
    return panels(torch.cat([w.flatten(1) for w in weights]))


def joined_bias(*biases: Tensor) -> Tensor:
    return torch.cat(biases)


def direct_weight(weight: Tensor) -> Tensor:
    """(O, C, R, S) -> panels of (O, (R, S, C))."""
    return panels(weight.permute(0, 2, 3, 1).flatten(1))


def winograd_weight(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) -> G w G^T, sixteen times panels of (O, C), computed in fp64."""
    g = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)
    planes = torch.einsum("ia,ocab,jb->ijoc", g, weight.double(), g).flatten(0, 1).float()
    return torch.cat([panels(plane) for plane in planes])


class ModelNew(nn.Module):
    def __init__(
        self,
        in_channels: int,
        out_1x1: int,
        reduce_3x3: int,
        out_3x3: int,
        reduce_5x5: int,
        out_5x5: int,
        out_pool: int,
    ) -> None:
        super().__init__()
        self.branch1 = nn.Conv2d(in_channels, out_1x1, kernel_size=1)
        self.branch3 = nn.Sequential(
            nn.Conv2d(in_channels, reduce_3x3, kernel_size=1),
            nn.Conv2d(reduce_3x3, out_3x3, kernel_size=3, padding=1),
        )
        self.branch5 = nn.Sequential(
            nn.Conv2d(in_channels, reduce_5x5, kernel_size=1),
            nn.Conv2d(reduce_5x5, out_5x5, kernel_size=5, padding=2),
        )
        self.branch_pool = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1),
            nn.Conv2d(in_channels, out_pool, kernel_size=1),
        )
        self.widths = (out_1x1, out_3x3, out_5x5, out_pool, reduce_3x3, reduce_5x5)
        products = (out_1x1 + reduce_3x3 + reduce_5x5, out_3x3, out_5x5, out_pool)
        steps = all(n % 16 == 0 for n in (in_channels, *self.widths))
        self.fits = steps and all(n // 16 in (3, 4) or n >= 96 for n in products)  # 3 a + 4 b vectors

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        if not self.fits or height % 2 or width % 8:
            branches = (self.branch1, self.branch3, self.branch5, self.branch_pool)
            return torch.cat([branch(x) for branch in branches], dim=1)
        squeezed = (self.branch1, self.branch3[0], self.branch5[0])
        weights = (
            kernelevo.packed(joined_weight, *(conv.weight for conv in squeezed)),
            kernelevo.packed(joined_bias, *(conv.bias for conv in squeezed)),
            kernelevo.packed(winograd_weight, self.branch3[1].weight), self.branch3[1].bias,
            kernelevo.packed(direct_weight, self.branch5[1].weight), self.branch5[1].bias,
            kernelevo.packed(direct_weight, self.branch_pool[1].weight), self.branch_pool[1].bias,
        )  # fmt: skip
        y = x.new_empty(batch, sum(self.widths[:4]), height, width)
        library.inception(
            x.contiguous(), torch.tensor(self.widths), torch.tensor([t.data_ptr() for t in weights]),
            x.new_zeros(batch, height + 2, width + 2, self.widths[4]),
            x.new_zeros(batch, height + 4, width + 4, self.widths[5]),
            y, batch, channels, height, width,
        )  # fmt: skip
        return y
