"""GoogLeNet in channels-last rows: 3x3 convolutions by Winograd, every branch writes into the concatenation.

The stem's first convolution never leaves the cache: each core keeps its last three rows and writes only their maxima.
An Inception module is two passes. The first takes a few rows of the input through all four 1x1 convolutions while
they are in cache; the 3x3 maximum of these rows goes straight into its own. The second runs the 5x5 as sums over five
runs of contiguous values, and the 3x3 as Winograd's F(2x2, 3x3): 16 products for 36, by blocks whose transformed
inputs and products stay in the second-level cache. Each branch writes its channels of the result, with bias, so there
is no concat, no pooled map in memory, and no weight or map changes its layout between calls. Sums run on register
tiles of up to 24 vectors, of 12 where a processor has 16 registers.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import kernelevo

SOURCE = r"""
#include <kernelevo/math.h>
#include <omp.h>

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
constexpr int64_t kPanel = 64;  // weights lie in panels of 64 outputs, the last panel may be narrower
constexpr int64_t kLine = 16;   // floats of a cache line; planes lie one further apart than their size asks for
constexpr int64_t kPlaces = 64, kTiles = 48;  // of a block: places of a 1x1 convolution, tiles of a 3x3
constexpr float kLowest = -INFINITY;

inline V larger(V a, V b) { return kernelevo::max(b, a); }  // `a` where either is NaN

struct Free { void operator()(float* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

// `count` rows that lie `apart` floats from each other; row r reads `runs` runs of `length` values, `between` apart.
struct Rows {
  const float* x;
  int64_t count, apart, runs, between, length;
};

// Where sums go: y[row][..] = max(sum + bias, floor), rows `apart`; without a bias the sum as it is.
struct Result {
  float* y;
  int64_t apart;
  const float* bias;
  float floor;

  Result from(int64_t output) const { return {y + output, apart, bias ? bias + output : bias, floor}; }
  void put(int64_t row, int64_t output, V sum) const {
    if (bias) sum = larger(sum + load(bias + output), kernelevo::splat(floor));
    store(y + row * apart + output, sum);
  }
};

// R rows by N vectors of a panel of P outputs, from output `at`: each row's values times w.
template <int P, int N, int R>
void tile(const Rows& rows, int64_t first, int64_t at, const float* w, const Result& to) {
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
    for (int v = 0; v < N; ++v) to.put(first + r, at + kLanes * v, a[r][v]);
}

// One panel of P outputs of any number of rows, in tiles of nearly equal height by N vectors. All parts of the panel
// are summed while the rows of a tile are in the first-level cache.
template <int P, int N, int... R>
void panel(std::integer_sequence<int, R...>, const Rows& rows, const float* w, const Result& to) {
  static_assert(P % (N * kLanes) == 0);
  constexpr decltype(&tile<P, N, 1>) kTile[] = {tile<P, N, R + 1>...};
  const int64_t parts = (rows.count + sizeof...(R) - 1) / sizeof...(R);
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t first = rows.count * i / parts, last = rows.count * (i + 1) / parts;
    for (int64_t at = 0; at < P; at += N * kLanes) kTile[last - first - 1](rows, first, at, w, to);
  }
}

template <int R>  // a tile has one to R rows
using Heights = std::make_integer_sequence<int, R>;

// `width` <= 64 outputs of each row. w: (runs * length, width).
void multiply(const Rows& rows, int64_t width, const float* w, const Result& to) {
  constexpr int kRows = kManyRegisters ? 12 : 6;  // rows of the tiles that are one or two vectors wide
  if (width == 64) return panel<64, kManyRegisters ? 4 : 2>(Heights<6>(), rows, w, to);
  if (width == 48) return panel<48, 3>(Heights<kManyRegisters ? 8 : 4>(), rows, w, to);
  if (width == 32) return panel<32, 2>(Heights<kRows>(), rows, w, to);
  return panel<16, kManyRegisters ? 1 : 2>(Heights<kRows>(), rows, w, to);
}

// All panels. w: for each panel (runs * length, width of the panel).
void multiply_panels(const Rows& rows, int64_t outputs, const float* w, const Result& to) {
  for (int64_t o = 0; o < outputs; o += kPanel)
    multiply(rows, std::min(kPanel, outputs - o), w + o * rows.runs * rows.length, to.from(o));
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

// A^T m A of a row of tiles: 16 planes of (tile, outputs) -> one or two rows of `columns` places.
void transform_outputs(const float* m, int64_t plane, int64_t outputs, const Result& to, int64_t rows,
                       int64_t columns) {
  for (int64_t c = 0; c < outputs; c += kLanes)
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
        to.put(i * columns + x, c, s[i][0] + s[i][1] + s[i][2]);
        if (x + 1 < columns) to.put(i * columns + x + 1, c, s[i][1] - s[i][2] - s[i][3]);
      }
    }
}

// Blocks of about `wanted` of `count` things: as many for every thread.
int64_t blocks_of(int64_t count, int64_t wanted) {
  const int64_t threads = omp_get_max_threads();
  return std::min(count, (count + wanted * threads - 1) / (wanted * threads) * threads);
}

// One row of maxima of 3x3 places, with a margin of one, around row `y`.
void pool_row(const Map& map, int64_t image, int64_t y, int64_t stride, int64_t columns, float* to) {
  const int64_t top = std::max<int64_t>(y - 1, 0), bottom = std::min(y + 2, map.height);
  for (int64_t p = 0; p < columns; ++p) {
    const int64_t left = std::max<int64_t>(p * stride - 1, 0), right = std::min(p * stride + 2, map.width);
    for (int64_t c = 0; c < map.channels; c += kLanes) {
      V highest = kernelevo::splat(kLowest);
      for (int64_t i = top; i < bottom; ++i)
        for (int64_t j = left; j < right; ++j)
          highest = larger(highest, load(map.row(image, i) + j * map.channels + c));
      store(to + p * map.channels + c, highest);
    }
  }
}

// 3x3 convolution, by the threads of a parallel region. w: for each panel (16, channels, width of the panel).
void winograd(const Map& map, const float* w, int64_t outputs, const Result& result) {
  const int64_t across = (map.width + 1) / 2, down = (map.height + 1) / 2, rows = map.batch * down;
  const int64_t blocks = blocks_of(rows, std::max<int64_t>(1, kTiles / across));
  const int64_t most = (rows + blocks - 1) / blocks * across;  // tiles of a block
  const int64_t in_plane = most * map.channels + kLine, out_plane = most * kPanel + kLine;
  Buffer inputs = buffer(16 * in_plane), products = buffer(16 * out_plane);
#pragma omp for schedule(dynamic) nowait
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t first = rows * b / blocks, last = rows * (b + 1) / blocks;
    for (int64_t r = first; r < last; ++r)
      transform_inputs(map, r / down, r % down * 2 - 1, inputs.get() + (r - first) * across * map.channels, in_plane);
    for (int64_t o = 0; o < outputs; o += kPanel) {
      const int64_t width = std::min(kPanel, outputs - o);
      for (int64_t p = 0; p < 16; ++p)
        multiply({inputs.get() + p * in_plane, (last - first) * across, map.channels, 1, 0, map.channels}, width,
                 w + (o * 16 + p * width) * map.channels, {products.get() + p * out_plane, width, nullptr, 0});
      for (int64_t r = first; r < last; ++r) {
        Result to = result.from(o);
        to.y += (r / down * map.height + r % down * 2) * map.width * to.apart;
        transform_outputs(products.get() + (r - first) * across * width, out_plane, width, to,
                          std::min<int64_t>(2, map.height - r % down * 2), map.width);
      }
    }
  }
}

}  // namespace

// 7x7 at stride 2 with a margin of 3, ReLU, then the maximum of 3x3 places at stride 2. x: channels first. space:
// room for x as (batch, height + 6, width + 6, 3), all zero. w: panels of (7, 7, 3, width).
extern "C" void stem(const float* x, float* space, const float* w, const float* bias, float* y, int64_t batch,
                     int64_t height, int64_t width, int64_t out) {
  const int64_t rows = (height - 1) / 2 + 1, columns = (width - 1) / 2 + 1, line = columns * out;
  const int64_t pooled_rows = (rows - 1) / 2 + 1, pooled_columns = (columns - 1) / 2 + 1, padded = (width + 6) * 3;
#pragma omp parallel
  {
#pragma omp for
    for (int64_t r = 0; r < batch * height; ++r) {
      const int64_t image = r / height, down = r % height;
      float* to = space + (image * (height + 6) + down + 3) * padded + 9;
      for (int64_t c = 0; c < 3; ++c)
        for (int64_t p = 0; p < width; ++p) to[p * 3 + c] = x[((image * 3 + c) * height + down) * width + p];
    }
    Buffer lines = buffer(3 * line);
    int64_t image = -1, next = 0;  // the row that was not yet convolved
#pragma omp for schedule(static)
    for (int64_t r = 0; r < batch * pooled_rows; ++r) {
      const int64_t middle = r % pooled_rows * 2;
      const int64_t top = std::max<int64_t>(middle - 1, 0), bottom = std::min(middle + 2, rows);
      if (image != r / pooled_rows) next = top;
      image = r / pooled_rows;
      for (next = std::max(next, top); next < bottom; ++next)
        multiply_panels({space + (image * (height + 6) + 2 * next) * padded, columns, 6, 7, padded, 21}, out, w,
                        {lines.get() + next % 3 * line, out, bias, 0});
      for (int64_t p = 0; p < pooled_columns; ++p)
        for (int64_t c = 0; c < out; c += kLanes) {
          V highest = {};
          for (int64_t i = top; i < bottom; ++i)
            for (int64_t j = std::max<int64_t>(2 * p - 1, 0); j < std::min(2 * p + 2, columns); ++j)
              highest = larger(highest, load(lines.get() + i % 3 * line + j * out + c));
          store(y + (r * pooled_columns + p) * out + c, highest);
        }
    }
  }
}

// relu(3x3(relu(1x1(x)))). inner: room for what the 1x1 convolution gives.
extern "C" void stem_convolutions(const float* x, const float* w1, const float* bias1, const float* w3,
                                  const float* bias3, float* inner, float* y, int64_t batch, int64_t height,
                                  int64_t width, int64_t channels, int64_t out1, int64_t out3) {
  const int64_t places = batch * height * width, blocks = blocks_of(places, kPlaces);
#pragma omp parallel
  {
#pragma omp for
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t first = places * b / blocks, last = places * (b + 1) / blocks;
      multiply_panels({x + first * channels, last - first, channels, 1, 0, channels}, out1, w1,
                      {inner + first * out1, out1, bias1, 0});
    }
    winograd({inner, batch, height, width, out1}, w3, out3, {y, out3, bias3, 0});
  }
}

// The maximum of 3x3 places at stride 2 with a margin of one.
extern "C" void pool(const float* x, float* y, int64_t batch, int64_t height, int64_t width, int64_t channels) {
  const Map map{x, batch, height, width, channels};
  const int64_t rows = (height + 1) / 2, columns = (width + 1) / 2;
#pragma omp parallel for
  for (int64_t r = 0; r < batch * rows; ++r)
    pool_row(map, r / rows, r % rows * 2, 2, columns, y + r * columns * channels);
}

// widths: outputs of the branches 1x1, 3x3, 5x5 and pool, then what the 3x3 and the 5x5 read. weights: of the 1x1, of
// the 1x1 and the 3x3, of the 1x1 and the 5x5, of the pool's 1x1, each followed by its bias. squeezed3: room for what
// the 3x3 reads. squeezed5: the same for the 5x5, with two places of zeros around it, all zero.
extern "C" void inception(const float* x, const int64_t* widths, const int64_t* weights, float* squeezed3,
                          float* squeezed5, float* y, int64_t batch, int64_t height, int64_t width,
                          int64_t channels) {
  const auto [out1, out3, out5, out_pool, in3, in5] = *(const int64_t(*)[6])widths;
  const auto [w1, b1, reduce3, reduce_b3, w3, b3, reduce5, reduce_b5, w5, b5, w_pool, b_pool] =
      *(const float* const(*)[12])weights;
  const Map map{x, batch, height, width, channels};
  const int64_t all = out1 + out3 + out5 + out_pool, rows = batch * height, padded = (width + 4) * in5;
  const int64_t blocks = blocks_of(rows, std::max<int64_t>(1, kPlaces / width)), most = (rows + blocks - 1) / blocks;
#pragma omp parallel
  {
    Buffer pooled = buffer(most * width * channels);
    const auto padded_row = [&](int64_t r) { return squeezed5 + (r / height * (height + 4) + r % height) * padded; };
#pragma omp for schedule(dynamic)
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t first = rows * b / blocks, last = rows * (b + 1) / blocks, place = first * width;
      const Rows seen{x + place * channels, (last - first) * width, channels, 1, 0, channels};
      multiply_panels(seen, out1, w1, {y + place * all, all, b1, kLowest});
      multiply_panels(seen, in3, reduce3, {squeezed3 + place * in3, in3, reduce_b3, kLowest});
      for (int64_t r = first; r < last; ++r) {
        multiply_panels({x + r * width * channels, width, channels, 1, 0, channels}, in5, reduce5,
                        {padded_row(r) + 2 * padded + 2 * in5, in5, reduce_b5, kLowest});
        pool_row(map, r / height, r % height, 1, width, pooled.get() + (r - first) * width * channels);
      }
      multiply_panels({pooled.get(), seen.count, channels, 1, 0, channels}, out_pool, w_pool,
                      {y + place * all + out1 + out3 + out5, all, b_pool, kLowest});
    }
    winograd({squeezed3, batch, height, width, in3}, w3, out3, {y + out1, all, b3, kLowest});
#pragma omp for schedule(dynamic)
    for (int64_t b = 0; b < blocks; ++b)
      for (int64_t o = 0; o < out5; o += kPanel)
        for (int64_t r = rows * b / blocks; r < rows * (b + 1) / blocks; ++r)
          multiply({padded_row(r), width, in5, 5, padded, 5 * in5}, std::min(kPanel, out5 - o), w5 + o * 25 * in5,
                   Result{y + r * width * all + out1 + out3, all, b5, kLowest}.from(o));
  }
}
"""

library = kernelevo.cpp(SOURCE)


def by_panels(weight: Tensor) -> Tensor:
    """(O, C, R, S) -> (R, S, C, 64) for each 64 outputs, one after the other; the last are filled up to 16."""
    rows = F.pad(weight.permute(0, 2, 3, 1).flatten(1), (0, 0, 0, -len(weight) % 16))
    return torch.cat([part.T.flatten() for part in rows.split(64)])


def filled_by_panels(weight: Tensor) -> Tensor:
    """The same for inputs that were filled up to 16."""
    return by_panels(F.pad(weight, (0, 0, 0, 0, 0, -weight.shape[1] % 16)))


def filled(bias: Tensor) -> Tensor:
    return F.pad(bias, (0, -len(bias) % 16))


def winograd_by_panels(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) -> G w G^T, computed in fp64, as (16, C, 64) for each 64 outputs."""
    g = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)
    planes = torch.einsum("ia,ocab,jb->ijco", g, weight.double(), g).flatten(0, 1).float()
    return torch.cat([part.flatten() for part in planes.split(64, dim=-1)])


def pool(x: Tensor) -> Tensor:
    """The maximum of 3x3 places at stride 2 of (N, H, W, C)."""
    batch, height, width, channels = x.shape
    y = x.new_empty(batch, (height + 1) // 2, (width + 1) // 2, channels)
    library.pool(x, y, batch, height, width, channels)
    return y


class Inception(nn.Module):
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
        self.outputs = (out_1x1, out_3x3, out_5x5, out_pool)
        self.squeezed = (reduce_3x3, -(-reduce_5x5 // 16) * 16)

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        (reduce3, conv3), (reduce5, conv5), conv_pool = self.branch3, self.branch5, self.branch_pool[1]
        weights = (
            kernelevo.packed(by_panels, self.branch1.weight), self.branch1.bias,
            kernelevo.packed(by_panels, reduce3.weight), reduce3.bias,
            kernelevo.packed(winograd_by_panels, conv3.weight), conv3.bias,
            kernelevo.packed(by_panels, reduce5.weight), kernelevo.packed(filled, reduce5.bias),
            kernelevo.packed(filled_by_panels, conv5.weight), conv5.bias,
            kernelevo.packed(by_panels, conv_pool.weight), conv_pool.bias,
        )  # fmt: skip
        y = x.new_empty(batch, height, width, sum(self.outputs))
        library.inception(
            x, torch.tensor(self.outputs + self.squeezed), torch.tensor([t.data_ptr() for t in weights]),
            x.new_empty(batch, height, width, self.squeezed[0]),
            x.new_zeros(batch, height + 4, width + 4, self.squeezed[1]),
            y, *x.shape,
        )  # fmt: skip
        return y


class ModelNew(nn.Module):
    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
        self.conv2 = nn.Conv2d(64, 64, kernel_size=1)
        self.conv3 = nn.Conv2d(64, 192, kernel_size=3, padding=1)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.fc = nn.Linear(1024, classes)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        y = pool(self.stem(x))
        y = pool(self.inception3b(self.inception3a(y)))
        y = self.inception4c(self.inception4b(self.inception4a(y)))
        y = pool(self.inception4e(self.inception4d(y)))
        y = self.inception5b(self.inception5a(y))
        return F.linear(y.mean((1, 2)), self.fc.weight, self.fc.bias)

    def stem(self, x: Tensor) -> Tensor:
        """The three convolutions with ReLU, and the pool after the first; the result is channels-last."""
        batch, _, height, width = x.shape
        rows, columns = (height + 3) // 4, (width + 3) // 4
        first, one, three = self.conv1, self.conv2, self.conv3
        y = x.new_empty(batch, rows, columns, first.out_channels)
        space = x.new_zeros(batch, height + 6, width + 6, 3)
        weight = kernelevo.packed(by_panels, first.weight)
        library.stem(x.contiguous(), space, weight, first.bias, y, batch, height, width, first.out_channels)
        inner = x.new_empty(batch, rows, columns, one.out_channels)
        result = x.new_empty(batch, rows, columns, three.out_channels)
        library.stem_convolutions(
            y, kernelevo.packed(by_panels, one.weight), one.bias,
            kernelevo.packed(winograd_by_panels, three.weight), three.bias,
            inner, result, *y.shape, one.out_channels, three.out_channels,
        )  # fmt: skip
        return result
