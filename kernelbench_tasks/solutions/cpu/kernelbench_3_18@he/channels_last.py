"""SqueezeNet in channels-last rows: the stem pooled in cache, fire modules that write into the concatenation.

The stem's 96 channels never leave the cache: each core keeps the last three rows of the convolution and writes
only their maxima. A fire module is two passes: the squeeze, a few hundred kilobytes, then both expansions over
blocks of rows, each writing its channels of the result with bias and ReLU, so nothing is concatenated. The 3x3
expansion runs as Winograd's F(2x2, 3x3), 16 products for 36; a block's transformed inputs, its products and the
weights of 64 outputs stay in the second-level cache. All sums run on register tiles of up to 24 vectors (12 where a
processor has 16 registers), and no weight or map changes its layout between calls.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import kernelevo

SOURCE = r"""
#include <kernelevo/math.h>
#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

namespace {

using V = kernelevo::vfloat;
using kernelevo::kLanes, kernelevo::load, kernelevo::store;

constexpr bool kManyRegisters = kernelevo::kVectorRegisters == 32;
constexpr int64_t kPanel = 64;  // weights lie in panels of 64 outputs, the last panel may be narrower
constexpr int64_t kLine = 16;   // floats of a cache line; planes lie one further apart than their size asks for
constexpr int64_t kPlaces = 64, kTiles = 64;  // of a block: places of a 1x1 convolution, tiles of a 3x3

inline V larger(V a, V b) { return kernelevo::max(b, a); }  // `a` where either is NaN

struct Free { void operator()(float* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

// `count` rows that lie `apart` floats from each other; row r reads `runs` runs of `length` values, `between` apart.
struct Rows {
  const float* x;
  int64_t count, apart, runs, between, length;
};

// R rows by N vectors of a panel of P outputs, from output `at`: y[r] = the sum of row r's values times w; with a
// bias: relu(bias + sum)
template <int P, int N, int R>
void tile(const Rows& rows, int64_t first, int64_t at, const float* w, const float* bias, float* y, int64_t out) {
  const float* x = rows.x + first * rows.apart;
  w += at;
  V a[R][N] = {};
  for (int64_t q = 0; q < rows.runs; ++q, x += rows.between)
    for (int64_t k = 0; k < rows.length; ++k, w += P) {
      V b[N];
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) b[v] = load(w + kLanes * v);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < N; ++v) a[r][v] += x[r * rows.apart + k] * b[v];
    }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) {
      const V sum = bias ? larger(a[r][v] + load(bias + at + kLanes * v), V{}) : a[r][v];
      store(y + (first + r) * out + at + kLanes * v, sum);
    }
}

// One panel of P outputs of any number of rows, in tiles of nearly equal height by N vectors. All parts of the panel
// are summed while the rows of a tile are in the first-level cache.
template <int P, int N, int... R>
void panel(std::integer_sequence<int, R...>, const Rows& rows, const float* w, const float* bias, float* y,
           int64_t out) {
  static_assert(P % (N * kLanes) == 0);
  constexpr decltype(&tile<P, N, 1>) kTile[] = {tile<P, N, R + 1>...};
  const int64_t parts = (rows.count + sizeof...(R) - 1) / sizeof...(R);
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t from = rows.count * i / parts, to = rows.count * (i + 1) / parts;
    for (int64_t at = 0; at < P; at += N * kLanes) kTile[to - from - 1](rows, from, at, w, bias, y, out);
  }
}

template <int R>  // a tile has one to R rows
using Heights = std::make_integer_sequence<int, R>;

// `width` <= 64 outputs of each row. w: (runs * length, width).
void multiply(const Rows& rows, int64_t width, const float* w, const float* bias, float* y, int64_t out) {
  constexpr int kRows = kManyRegisters ? 12 : 6;  // rows of the tiles that are one or two vectors wide
  if (width == 64) return panel<64, kManyRegisters ? 4 : 2>(Heights<6>(), rows, w, bias, y, out);
  if (width == 48) return panel<48, 3>(Heights<kManyRegisters ? 8 : 4>(), rows, w, bias, y, out);
  if (width == 32) return panel<32, 2>(Heights<kRows>(), rows, w, bias, y, out);
  return panel<16, kManyRegisters ? 1 : 2>(Heights<kRows>(), rows, w, bias, y, out);
}

// All panels. w: for each panel (runs * length, width of the panel).
void multiply_panels(const Rows& rows, int64_t outputs, const float* w, const float* bias, float* y, int64_t out) {
  for (int64_t o = 0; o < outputs; o += kPanel)
    multiply(rows, std::min(kPanel, outputs - o), w + o * rows.runs * rows.length, bias + o, y + o, out);
}

// (batch, height, width, channels)
struct Map {
  const float* x;
  int64_t batch, height, width, channels;

  const float* row(int64_t image, int64_t y) const { return x + (image * height + y) * width * channels; }
};

// B^T d B of a row of tiles: 4 rows of the map, from y, -> 16 planes of (tile, channel). Outside there are zeros.
void transform_inputs(const Map& map, int64_t image, int64_t y, float* v, int64_t plane) {
  for (int64_t c = 0; c < map.channels; c += kLanes) {
    V d[4][4];  // of the four columns of a tile; the last two are the first two of the next tile
    const auto column = [&](int64_t x, int j) {
      V p[4] = {};
      if (x >= 0 && x < map.width)
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i)
          if (y + i >= 0 && y + i < map.height) p[i] = load(map.row(image, y + i) + x * map.channels + c);
      d[0][j] = p[0] - p[2];
      d[1][j] = p[1] + p[2];
      d[2][j] = p[2] - p[1];
      d[3][j] = p[1] - p[3];
    };
    column(-1, 2);
    column(0, 3);
    for (int64_t x = 0; x < map.width; x += 2) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        d[i][0] = d[i][2];
        d[i][1] = d[i][3];
      }
      column(x + 1, 2);
      column(x + 2, 3);
      float* to = v + x / 2 * map.channels + c;
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

// relu(A^T m A + bias) of a row of tiles: 16 planes of (tile, outputs) -> one or two rows of `columns` places.
void transform_outputs(const float* m, int64_t plane, int64_t outputs, const float* bias, float* y, int64_t out,
                       int64_t rows, int64_t columns) {
  for (int64_t c = 0; c < outputs; c += kLanes) {
    const V summand = load(bias + c);
    for (int64_t x = 0; x < columns; x += 2) {
      const float* from = m + x / 2 * outputs + c;
      V s[2][4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const V a = load(from + j * plane), b = load(from + (4 + j) * plane), e = load(from + (8 + j) * plane),
                g = load(from + (12 + j) * plane);
        s[0][j] = a + b + e;
        s[1][j] = b - e - g;
      }
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        if (i == rows) break;
        float* to = y + (i * columns + x) * out + c;
        store(to, larger(s[i][0] + s[i][1] + s[i][2] + summand, V{}));
        if (x + 1 < columns) store(to + out, larger(s[i][1] - s[i][2] - s[i][3] + summand, V{}));
      }
    }
  }
}

// Blocks of about `wanted` of `count` things: as many for every thread.
int64_t blocks_of(int64_t count, int64_t wanted) {
  const int64_t threads = omp_get_max_threads();
  return std::min(count, (count + wanted * threads - 1) / (wanted * threads) * threads);
}

}  // namespace

// 7x7 at stride 2, ReLU, then the maximum of 3x3 places at stride 2. x: channels first. w: panels of
// (7, 7, 3, width). space: room for x, channels last. y: (batch, pooled height, pooled width, out).
extern "C" void stem(const float* x, float* space, const float* w, const float* bias, float* y, int64_t batch,
                     int64_t height, int64_t width, int64_t out, int64_t pooled_height, int64_t pooled_width) {
  const int64_t rows = (height - 7) / 2 + 1, columns = (width - 7) / 2 + 1, line = columns * out;
#pragma omp parallel
  {
#pragma omp for
    for (int64_t r = 0; r < batch * height; ++r)
      for (int64_t c = 0; c < 3; ++c)
        for (int64_t p = 0; p < width; ++p)
          space[(r * width + p) * 3 + c] = x[((r / height * 3 + c) * height + r % height) * width + p];
    Buffer lines = buffer(3 * line);
    int64_t image = -1, next = 0;  // the row that was not yet convolved
#pragma omp for schedule(static)
    for (int64_t r = 0; r < batch * pooled_height; ++r) {
      const int64_t top = r % pooled_height * 2, bottom = std::min(top + 3, rows);
      if (image != r / pooled_height) next = top;
      image = r / pooled_height;
      for (next = std::max(next, top); next < bottom; ++next) {
        const float* from = space + (image * height + 2 * next) * width * 3;
        multiply_panels({from, columns, 6, 7, width * 3, 21}, out, w, bias, lines.get() + next % 3 * line, out);
      }
      for (int64_t p = 0; p < pooled_width; ++p)
        for (int64_t c = 0; c < out; c += kLanes) {
          V top_value = {};
          for (int64_t i = top; i < bottom; ++i)
            for (int64_t j = 2 * p; j < std::min(2 * p + 3, columns); ++j)
              top_value = larger(top_value, load(lines.get() + i % 3 * line + j * out + c));
          store(y + (r * pooled_width + p) * out + c, top_value);
        }
    }
  }
}

// relu(1x1 convolution). w: panels of (channels, width).
extern "C" void pointwise(const float* x, const float* w, const float* bias, float* y, int64_t places,
                          int64_t channels, int64_t out) {
  const int64_t blocks = blocks_of(places, kPlaces);
#pragma omp parallel for
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t first = places * b / blocks, last = places * (b + 1) / blocks;
    multiply_panels({x + first * channels, last - first, channels, 1, 0, channels}, out, w, bias, y + first * out,
                    out);
  }
}

// Both expansions of a squeezed map. w1: panels of (channels, 64). w3: panels of (16, channels, 64).
extern "C" void expand(const float* x, const float* w1, const float* bias1, const float* w3, const float* bias3,
                       float* y, int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t ones,
                       int64_t threes) {
  const Map map{x, batch, height, width, channels};
  const int64_t across = (width + 1) / 2, down = (height + 1) / 2, rows = batch * down, out = ones + threes;
  const int64_t blocks = blocks_of(rows, std::max<int64_t>(1, kTiles / across));
  const int64_t most = (rows + blocks - 1) / blocks * across;  // tiles of a block
  const int64_t in_plane = most * channels + kLine, out_plane = most * kPanel + kLine;
#pragma omp parallel
  {
    Buffer inputs = buffer(16 * in_plane), products = buffer(16 * out_plane);
#pragma omp for
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t first = rows * b / blocks, last = rows * (b + 1) / blocks;
      const auto high = [&](int64_t r) { return std::min<int64_t>(2, height - r % down * 2); };
      const auto to = [&](int64_t r) { return y + (r / down * height + r % down * 2) * width * out; };
      for (int64_t r = first; r < last; ++r) {
        const float* seen = map.row(r / down, r % down * 2);
        multiply_panels({seen, high(r) * width, channels, 1, 0, channels}, ones, w1, bias1, to(r), out);
        transform_inputs(map, r / down, r % down * 2 - 1, inputs.get() + (r - first) * across * channels, in_plane);
      }
      for (int64_t o = 0; o < threes; o += kPanel) {
        for (int64_t p = 0; p < 16; ++p)
          multiply({inputs.get() + p * in_plane, (last - first) * across, channels, 1, 0, channels}, kPanel,
                   w3 + (o * 16 + p * kPanel) * channels, nullptr, products.get() + p * out_plane, kPanel);
        for (int64_t r = first; r < last; ++r)
          transform_outputs(products.get() + (r - first) * across * kPanel, out_plane, kPanel, bias3 + o,
                            to(r) + ones + o, out, high(r), width);
      }
    }
  }
}

// The maximum of 3x3 places at stride 2; windows may hang over the end. x is not negative.
extern "C" void pool(const float* x, float* y, int64_t batch, int64_t height, int64_t width, int64_t channels,
                     int64_t rows, int64_t columns) {
  const Map map{x, batch, height, width, channels};
#pragma omp parallel for
  for (int64_t r = 0; r < batch * rows; ++r) {
    const int64_t top = r % rows * 2, bottom = std::min(top + 3, height);
    for (int64_t p = 0; p < columns; ++p)
      for (int64_t c = 0; c < channels; c += kLanes) {
        V top_value = {};
        for (int64_t i = top; i < bottom; ++i)
          for (int64_t j = 2 * p; j < std::min(2 * p + 3, width); ++j)
            top_value = larger(top_value, load(map.row(r / rows, i) + j * channels + c));
        store(y + (r * columns + p) * channels + c, top_value);
      }
  }
}
"""

library = kernelevo.cpp(SOURCE)


def by_panels(weight: Tensor) -> Tensor:
    """(O, C, R, S) -> (R, S, C, 64) for each 64 outputs, one after the other; the last are filled up to 16."""
    rows = F.pad(weight.permute(0, 2, 3, 1).flatten(1), (0, 0, 0, -len(weight) % 16))
    return torch.cat([part.T.flatten() for part in rows.split(64)])


def filled(bias: Tensor) -> Tensor:
    return F.pad(bias, (0, -len(bias) % 16))


def winograd_weight(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) -> G w G^T as (O / 64, 16, C, 64), computed in fp64."""
    g = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)
    planes = torch.einsum("ia,ocab,jb->oijc", g, weight.double(), g).flatten(1, 2).float()
    return planes.unflatten(0, (-1, 64)).permute(0, 2, 3, 1).contiguous()


def pooled(side: int) -> int:
    """Places of a pool of 3 at stride 2 whose last window may hang over the end."""
    return (side - 2) // 2 + 1


def pointwise(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """1x1 convolution and ReLU of (N, H, W, C), with outputs filled up to a multiple of 16."""
    weight, bias = kernelevo.packed(by_panels, conv.weight), kernelevo.packed(filled, conv.bias)
    y = x.new_empty(*x.shape[:3], len(bias))
    library.pointwise(x, weight, bias, y, x.shape[:3].numel(), x.shape[3], len(bias))
    return y


def pool(x: Tensor) -> Tensor:
    batch, height, width, channels = x.shape
    y = x.new_empty(batch, pooled(height), pooled(width), channels)
    library.pool(x, y, batch, height, width, channels, *y.shape[1:3])
    return y


class Fire(nn.Module):
    def __init__(self, in_channels: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze, kernel_size=1)
        self.expand_1x1 = nn.Conv2d(squeeze, expand, kernel_size=1)
        self.expand_3x3 = nn.Conv2d(squeeze, expand, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed, one, three = pointwise(x, self.squeeze), self.expand_1x1, self.expand_3x3
        y = x.new_empty(*x.shape[:3], one.out_channels + three.out_channels)
        library.expand(
            squeezed, kernelevo.packed(by_panels, one.weight), one.bias,
            kernelevo.packed(winograd_weight, three.weight), three.bias, y, *squeezed.shape,
            one.out_channels, three.out_channels,
        )  # fmt: skip
        return y


class ModelNew(nn.Module):
    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, kernel_size=7, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
            Fire(96, 16, 64),
            Fire(128, 16, 64),
            Fire(128, 32, 128),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
            Fire(256, 32, 128),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
            Fire(512, 64, 256),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.0),
            nn.Conv2d(512, classes, kernel_size=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d((1, 1)),
        )

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        conv, _, _, *rest = self.features
        classifier = self.classifier[1]
        batch, _, height, width = x.shape
        rows, columns = pooled((height - 7) // 2 + 1), pooled((width - 7) // 2 + 1)
        y = x.new_empty(batch, rows, columns, conv.out_channels)
        library.stem(
            x.contiguous(), x.new_empty(x.numel()), kernelevo.packed(by_panels, conv.weight), conv.bias, y,
            batch, height, width, conv.out_channels, rows, columns,
        )  # fmt: skip
        for layer in rest:
            y = layer(y) if isinstance(layer, Fire) else pool(y)
        return pointwise(y, classifier).mean((1, 2))[:, : classifier.out_channels]
