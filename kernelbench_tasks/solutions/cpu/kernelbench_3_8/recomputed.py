"""ResNet basic block: Winograd for 64 -> 64, and whatever is cheap to compute is computed twice instead of stored.

At 224 x 224 each map of 64 channels takes 26 MB, so the block is as much about memory as about products:

- The 3x3 convolution of 64 channels runs as Winograd's F(2x2, 3x3), 16 products for 36, in groups of tiles that
  stay in one core's second-level cache from the transform of the inputs to the outputs.
- The first convolution has only three input channels. It runs once for the statistics of its BatchNorm and once
  more, row by row, right where the second convolution reads it, with scale, shift and ReLU in registers. Its
  result never goes to memory.
- The shortcut is a 1x1 convolution of three channels: the mean and variance of its outputs follow from the means
  and covariances of the three inputs, so it is computed only in the last pass, three products per value.
- Only the second convolution's result is stored. The last pass normalises it, adds the shortcut, applies the
  ReLU, turns it to channels-first and writes past the caches.

Statistics are means and squared distances per chunk, merged in fp64.
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
#include <utility>
#include <vector>

namespace {

using V = kernelevo::vfloat;
using kernelevo::kLanes, kernelevo::load, kernelevo::relu, kernelevo::store;

// a register tile: 6 rows by 4 vectors, by 2 where there are 16 registers; weights lie in panels of 64 outputs
constexpr int64_t kPanel = 64, kRows = 6;
constexpr int kWide = kernelevo::kVectorRegisters == 32 ? 4 : 2;
constexpr int64_t kGroup = 28;  // Winograd tiles whose 16 planes stay in cache
constexpr int64_t kLine = 16;   // floats of a cache line

// Past the caches; p is a multiple of a vector's bytes.
inline void stream(float* p, V v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX__)
  _mm256_stream_ps(p, (__m256)v);
#else
  store(p, v);
#endif
}

struct Free { void operator()(float* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

// For kWide vectors of the outputs o of a panel:
// y[r][o] = sum over runs q and k < length of x[q * between + r * apart + k] * w[q][k][o];
// with `affine` (scales, and shifts `out` further) relu(y * scale + shift) instead.
template <int R>
void tile(const float* x, int64_t apart, int64_t runs, int64_t between, int64_t length, const float* w, float* y,
          int64_t out, const float* affine) {
  V a[R][kWide] = {};
  for (int64_t q = 0; q < runs; ++q, x += between)
    for (int64_t k = 0; k < length; ++k, w += kPanel) {
      V b[kWide];
#pragma GCC unroll 4
      for (int v = 0; v < kWide; ++v) b[v] = load(w + kLanes * v);
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        const float s = x[r * apart + k];
#pragma GCC unroll 4
        for (int v = 0; v < kWide; ++v) a[r][v] += s * b[v];
      }
    }
  if (affine)
#pragma GCC unroll 4
    for (int v = 0; v < kWide; ++v) {
      const V scale = load(affine + kLanes * v), shift = load(affine + out + kLanes * v);
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) a[r][v] = relu(a[r][v] * scale + shift);
    }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kWide; ++v) store(y + r * out + kLanes * v, a[r][v]);
}

// A panel of outputs for any number of rows, in tiles of nearly equal height.
void rows_by_panel(int64_t rows, const float* x, int64_t apart, int64_t runs, int64_t between, int64_t length,
                   const float* w, float* y, int64_t out, const float* affine = nullptr) {
  constexpr decltype(&tile<1>) kTiles[] = {tile<1>, tile<2>, tile<3>, tile<4>, tile<5>, tile<6>};
  const int64_t parts = (rows + kRows - 1) / kRows;
  for (int64_t v = 0; v < kPanel; v += kWide * kLanes)
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t from = rows * i / parts, to = rows * (i + 1) / parts;
      kTiles[to - from - 1](x + from * apart, apart, runs, between, length, w + v, y + from * out + v, out,
                            affine ? affine + v : nullptr);
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
    for (int64_t c = 0; c < channels; c += 4 * kLanes) {
      V s[4] = {}, q[4] = {};
      for (int64_t p = 0; p < places; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) s[v] += load(y + p * channels + c + kLanes * v);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) s[v] /= (float)places;
      for (int64_t p = 0; p < places; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) {
          const V d = load(y + p * channels + c + kLanes * v) - s[v];
          q[v] += d * d;
        }
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        store(own.data() + c + kLanes * v, s[v]);
        store(around.data() + c + kLanes * v, q[v]);
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
    for (int64_t c = 0; c < channels; ++c) {
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

// Means of the channels of x and summed products of their distances from them, by rows of pixels.
struct Covariance {
  double count = 0;
  int64_t channels;
  std::vector<double> mean, products, distance;

  explicit Covariance(int64_t c) : channels(c), mean(c), products(c * c), distance(c) {}

  void add(const float* x, int64_t plane, int64_t width) {
    std::vector<float> own(channels);
    for (int64_t c = 0; c < channels; ++c) {
      V s = {};
      for (int64_t p = 0; p < width; p += kLanes) s += load(x + c * plane + p);
      double sum = 0;
      for (int i = 0; i < kLanes; ++i) sum += s[i];
      own[c] = sum / width;
    }
    // own[c] is rounded: distances from it do not quite sum to zero, but far below fp32's own rounding
    const double all = count + width;
    for (int64_t c = 0; c < channels; ++c) distance[c] = own[c] - mean[c];
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t e = 0; e < channels; ++e) {
        V s = {};
        for (int64_t p = 0; p < width; p += kLanes)
          s += (load(x + c * plane + p) - own[c]) * (load(x + e * plane + p) - own[e]);
        double sum = distance[c] * distance[e] * count * width / all;
        for (int i = 0; i < kLanes; ++i) sum += s[i];
        products[c * channels + e] += sum;
      }
    for (int64_t c = 0; c < channels; ++c) mean[c] += distance[c] * width / all;
    count = all;
  }

  void merge(const Covariance& o) {
    if (o.count == 0) return;
    const double all = count + o.count;
    for (int64_t c = 0; c < channels; ++c) distance[c] = o.mean[c] - mean[c];
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t e = 0; e < channels; ++e)
        products[c * channels + e] +=
            o.products[c * channels + e] + distance[c] * distance[e] * count * o.count / all;
    for (int64_t c = 0; c < channels; ++c) mean[c] += distance[c] * o.count / all;
    count = all;
  }

  // What a 1x1 convolution with w (out, channels) makes of them.
  Moments of(const float* w, int64_t out) const {
    Moments m(out);
    m.count = count;
    for (int64_t o = 0; o < out; ++o)
      for (int64_t c = 0; c < channels; ++c) {
        m.mean[o] += w[o * channels + c] * mean[c];
        for (int64_t e = 0; e < channels; ++e)
          m.squares[o] += (double)w[o * channels + c] * w[o * channels + e] * products[c * channels + e];
      }
    return m;
  }
};

// Rows of the channels-first input as (padded place, channel), with a zero at either end and outside.
struct Input {
  const float* x;
  int64_t channels, height, width;

  int64_t row() const { return (width + 2) * channels; }
  void gather(int64_t image, int64_t y, int64_t rows, float* to) const {
    const float* from = x + image * channels * height * width;
    std::fill_n(to, rows * row(), 0.0f);
    for (int64_t r = 0; r < rows; ++r, ++y, to += row())
      if (y >= 0 && y < height)
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t p = 0; p < width; ++p) to[(p + 1) * channels + c] = from[(c * height + y) * width + p];
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
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        if (i == height) break;
        float* to = y + (i * width + 2 * t) * channels + c;
        store(to, s[i][0] + s[i][1] + s[i][2]);
        if (2 * t + 1 < width) store(to + channels, s[i][1] - s[i][2] - s[i][3]);
      }
    }
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

}  // namespace

// w1: (out / 64, 3, 3, channels, 64); w2: 16 planes of (out / 64, out, 64); w3: (out, channels).
// x: (batch, channels, height, width), height even, width a multiple of 16. raw: (batch, height, width, out).
// norms: for each of the three weight, bias, running mean and variance.
extern "C" void block(const float* x, const float* w1, const float* w2, const float* w3, const int64_t* norms,
                      const double* rates, int64_t training, float* raw, float* y, int64_t batch, int64_t channels,
                      int64_t out, int64_t height, int64_t width) {
  const Input input{x, channels, height, width};
  const int64_t threads = omp_get_max_threads(), down = height / 2, across = width / 2, row = input.row();
  const int64_t plane = height * width, padded = (width + 2) * out;
  std::vector<float> affine(6 * out);
  Norm norm[3];
  for (int i = 0; i < 3; ++i)
    norm[i] = {(const float*)norms[4 * i], (const float*)norms[4 * i + 1], (float*)norms[4 * i + 2],
               (float*)norms[4 * i + 3],   &affine[2 * i * out],           rates[2 * i],
               rates[2 * i + 1],           training,                       out};
  std::vector<Moments> first(threads, Moments(out)), second(threads, Moments(out));
  std::vector<Covariance> inputs(threads, Covariance(channels));

  // one row of the first convolution from three gathered rows of the input
  const auto convolve = [&](const float* gathered, float* to, const float* scales) {
    for (int64_t o = 0; o < out; o += kPanel)
      rows_by_panel(width, gathered, channels, 3, row, 3 * channels, w1 + o * 9 * channels, to + o, out,
                    scales ? scales + o : nullptr);
  };

#pragma omp parallel num_threads(threads)
  {
    const int64_t me = omp_get_thread_num();
    Buffer gathered = buffer(4 * row), ring = buffer(4 * padded);
    const int64_t in_plane = kGroup * out + kLine;
    Buffer v = buffer(16 * in_plane), m = buffer(16 * in_plane), made = buffer(4 * kGroup * out);

    // 1: statistics of the first convolution and of the shortcut
#pragma omp for schedule(static)
    for (int64_t r = 0; r < batch * height; ++r) {
      input.gather(r / height, r % height - 1, 3, gathered.get());
      convolve(gathered.get(), ring.get(), nullptr);
      first[me].add(ring.get(), width);
      inputs[me].add(x + r / height * channels * plane + r % height * width, plane, width);
    }
#pragma omp single
    {
      norm[0].finish(first);
      for (int64_t t = 1; t < threads; ++t) inputs[0].merge(inputs[t]);
      norm[2].finish({inputs[0].of(w3, out)});
    }

    // 2: the second convolution, whose input rows are made two at a time in a ring of four
    const int64_t begin = batch * down * me / threads, stop = batch * down * (me + 1) / threads;
    for (int64_t r = begin; r < stop; ++r) {
      const int64_t image = r / down, top = r % down * 2 - 1;
      const bool fresh = r == begin || r % down == 0;
      if (!fresh) std::copy_n(ring.get() + 2 * padded, 2 * padded, ring.get());
      for (int64_t i = fresh ? 0 : 2; i < 4; ++i) {
        float* to = ring.get() + i * padded;
        std::fill_n(to, padded, 0.0f);
        if (top + i < 0 || top + i >= height) continue;
        input.gather(image, top + i - 1, 3, gathered.get());
        convolve(gathered.get(), to + out, &affine[0]);
      }
      for (int64_t t = 0; t < across; t += kGroup) {
        const int64_t tiles = std::min(kGroup, across - t);
        transform_inputs(ring.get() + 2 * t * out, width + 2, tiles, out, v.get(), in_plane);
        for (int64_t p = 0; p < 16; ++p)
          for (int64_t o = 0; o < out; o += kPanel)
            rows_by_panel(tiles, v.get() + p * in_plane, out, 1, 0, out, w2 + (p * out + o) * out,
                          m.get() + p * in_plane + o, out);
        transform_outputs(m.get(), in_plane, tiles, out, made.get(), 2, 2 * tiles);
        second[me].add(made.get(), 4 * tiles);
        for (int64_t i = 0; i < 2; ++i) {
          float* to = raw + ((image * height + top + 1 + i) * width + 2 * t) * out;
          for (int64_t k = 0; k < 2 * tiles * out; k += kLanes)
            stream(to + k, load(made.get() + i * 2 * tiles * out + k));
        }
      }
    }
#ifdef __AVX__
    _mm_sfence();
#endif
#pragma omp barrier
#pragma omp single
    norm[1].finish(second);

    // 3: normalise, add the shortcut, to channels first; a cache line's channels at a time, however wide a vector is
    Buffer rows = buffer(kLine * width);
    const float *scale = norm[1].affine, *shift = scale + out, *scale3 = norm[2].affine, *shift3 = scale3 + out;
#pragma omp for schedule(static)
    for (int64_t r = 0; r < batch * height; ++r) {
      const int64_t image = r / height, at = r % height * width;
      const float* seen = x + image * channels * plane + at;
      for (int64_t o = 0; o < out; o += kLine) {
        for (int64_t p = 0; p < width; p += kLanes)
          for (int64_t c = 0; c < kLine; c += kLanes) {
            V t[kLanes];
            transpose(raw + (r * width + p) * out + o + c, out, t);
#pragma GCC unroll 16
            for (int i = 0; i < kLanes; ++i) store(rows.get() + (c + i) * width + p, t[i]);
          }
        for (int i = 0; i < kLine; ++i) {
          const float* w = w3 + (o + i) * channels;
          float* to = y + (image * out + o + i) * plane + at;
          for (int64_t p = 0; p < width; p += kLanes) {
            V beside = {};
            for (int64_t c = 0; c < channels; ++c) beside += w[c] * load(seen + c * plane + p);
            const V shortcut = beside * scale3[o + i] + shift3[o + i];
            stream(to + p, relu(load(rows.get() + i * width + p) * scale[o + i] + shift[o + i] + shortcut));
          }
        }
      }
    }
#ifdef __AVX__
    _mm_sfence();
#endif
  }
}
"""

library = kernelevo.cpp(SOURCE)


def direct_weight(weight: Tensor) -> Tensor:
    """(O, C, R, S) -> (O / 64, R, S, C, 64)."""
    return weight.unflatten(0, (-1, 64)).permute(0, 3, 4, 2, 1).contiguous()


def winograd_weight(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) -> G w G^T as (16, O / 64, C, 64), computed in fp64."""
    g = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)
    planes = torch.einsum("ia,ocab,jb->ijoc", g, weight.double(), g).flatten(0, 1).float()
    return planes.unflatten(1, (-1, 64)).transpose(2, 3).contiguous()


class ModelNew(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        out = self.conv1.out_channels
        if self.stride != 1 or out % 64 or height % 2 or width % 16 or channels > 8:
            inner = torch.relu(self.bn1(self.conv1(x)))
            return torch.relu(self.bn2(self.conv2(inner)) + self.downsample(x))
        norms = (self.bn1, self.bn2, self.downsample[1])
        pointers, rates = [], []
        for norm in norms:
            pointers += (t.data_ptr() for t in (norm.weight, norm.bias, norm.running_mean, norm.running_var))
            rates += (norm.momentum, norm.eps)
        if self.training:
            torch._foreach_add_([norm.num_batches_tracked for norm in norms], 1)
        raw, y = x.new_empty(batch, height, width, out), x.new_empty(batch, out, height, width)
        library.block(
            x.contiguous(), kernelevo.packed(direct_weight, self.conv1.weight),
            kernelevo.packed(winograd_weight, self.conv2.weight), self.downsample[0].weight,
            torch.tensor(pointers), torch.tensor(rates, dtype=torch.float64), self.training, raw, y,
            batch, channels, out, height, width,
        )  # fmt: skip
        return y
