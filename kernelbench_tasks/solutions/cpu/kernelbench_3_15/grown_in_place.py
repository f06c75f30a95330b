"""DenseNet-121 in channels-last rows: one growing buffer for each block, statistics once per feature, Winograd.

Each layer of a block writes its 32 channels behind the others' in one buffer, so nothing is concatenated. The mean and
the variance of a feature are the same for every layer that reads it: they are gathered once, from values still in
cache when they are written, while PyTorch computes them again in each layer. What differs from layer to layer, the
scale, the shift and the ReLU, is applied where a convolution loads its input; no normalised map is stored.

The 3x3 convolutions run as Winograd's F(2x2, 3x3): 16 products for 36. A block of tiles goes through it by 64 channels
at a time, with all that these need (transformed inputs, weights, products) in the second-level cache; where maps are
small the weights are most of the traffic, so they lie in the order of their use and are prefetched. A transition
averages 2x2 places before its 1x1 convolution instead of after, which is the same and a quarter of the work.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import kernelevo

LAYERS = [6, 12, 24, 16]

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

constexpr int64_t kLanes = 16, kGrowth = 32, kRows = 12;   // a register tile: 12 rows by two vectors
constexpr int64_t kChunk = 64, kTiles = 56, kPlaces = 48;  // channels, tiles and places that share the cache
constexpr int64_t kStem = 2 * 3;                           // values between two places of the stem: its stride is two

inline V load(const float* p) { return (V)*(const Loose*)p; }
inline void store(float* p, V v) { *(Loose*)p = (Loose)v; }
inline V relu(V v) { return v > V{} ? v : V{}; }

struct Free { void operator()(float* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

// y[r] = (more ? y[r] : 0) + sum over k < length of x[r * A + k] * w[k], each of 32 outputs
template <int64_t A, int R>
void tile(const float* x, int64_t length, const float* w, float* y, bool more) {
  V a[R][2] = {};
  if (more)
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) a[r][0] = load(y + r * kGrowth), a[r][1] = load(y + r * kGrowth + kLanes);
  for (int64_t k = 0; k < length; ++k, w += kGrowth) {
    __builtin_prefetch(w + kChunk * kGrowth);  // the weights of the next plane
    __builtin_prefetch(w + kChunk * kGrowth + kLanes);
    const V w0 = load(w), w1 = load(w + kLanes);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const float s = x[r * A + k];
      a[r][0] += s * w0;
      a[r][1] += s * w1;
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r) store(y + r * kGrowth, a[r][0]), store(y + r * kGrowth + kLanes, a[r][1]);
}

// Any number of rows, in tiles of nearly equal height.
template <int64_t A = kChunk>
void multiply(int64_t rows, const float* x, int64_t length, const float* w, float* y, bool more) {
  constexpr decltype(&tile<A, 1>) kTile[] = {tile<A, 1>, tile<A, 2>, tile<A, 3>,  tile<A, 4>,  tile<A, 5>,  tile<A, 6>,
                                             tile<A, 7>, tile<A, 8>, tile<A, 9>, tile<A, 10>, tile<A, 11>, tile<A, 12>};
  const int64_t parts = (rows + kRows - 1) / kRows;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t from = rows * i / parts, to = rows * (i + 1) / parts;
    kTile[to - from - 1](x + from * A, length, w, y + from * kGrowth, more);
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

// The moments of any number of channels, 32 at a time, of each thread.
struct Gathered {
  int64_t groups;
  std::vector<Moments> moments;

  explicit Gathered(int64_t channels) : groups(channels / kGrowth), moments(groups * omp_get_max_threads()) {}

  // To be called by the threads of a parallel region, for the 32 channels from `channel` on.
  void add(int64_t channel, const float* y, int64_t apart, int64_t places) {
    moments[omp_get_thread_num() * groups + channel / kGrowth].add(y, apart, places);
  }

  void finish(double* mean, double* variance) const {
    for (int64_t g = 0; g < groups; ++g) {
      Moments m;
      for (size_t i = g; i < moments.size(); i += groups)
        m.merge(moments[i].count, moments[i].mean, moments[i].squares);
      for (int64_t c = 0; c < kGrowth; ++c) {
        mean[g * kGrowth + c] = m.mean[c];
        variance[g * kGrowth + c] = m.squares[c] / m.count;
      }
    }
  }
};

// Scales and shifts of a BatchNorm's channels.
struct Affine {
  std::vector<float> scale, shift;
};

// What a BatchNorm and the convolution beside it own, as the caller writes it: addresses.
struct Layer {
  const float *norm_weight, *norm_bias;
  float *running_mean, *running_variance;
  int64_t* batches_tracked;
  const float* weight;  // of the convolution, packed

  // For features with these means and variances, of `count` places; the running ones move.
  Affine normalise(int64_t channels, const double* mean, const double* variance, double count, double momentum,
                   double epsilon, bool training) const {
    Affine result{std::vector<float>(channels), std::vector<float>(channels)};
    float *scale = result.scale.data(), *shift = result.shift.data();
    for (int64_t c = 0; c < channels; ++c) {
      const double average = training ? mean[c] : running_mean[c];
      const double spread = training ? variance[c] : running_variance[c];
      const double factor = norm_weight[c] / std::sqrt(spread + epsilon);
      scale[c] = factor;
      shift[c] = norm_bias[c] - average * factor;
    }
    if (!training) return result;
    for (int64_t c = 0; c < channels; ++c) {
      running_mean[c] += momentum * (mean[c] - running_mean[c]);
      running_variance[c] += momentum * (variance[c] * (count / (count - 1)) - running_variance[c]);
    }
    ++*batches_tracked;
    return result;
  }
};

// (batch, height, width, apart): the features of a place lie together.
struct Features {
  float* data;
  int64_t batch, height, width, apart;

  double places() const { return batch * height * width; }
  float* row(int64_t image, int64_t y) const {
    return y < 0 || y >= height ? nullptr : data + (image * height + y) * width * apart;
  }
};

// B^T relu(x * scale + shift) B of a row of tiles, for some channels -> 16 planes of (tile, kChunk).
void transform_inputs(const Features& f, int64_t image, int64_t y, int64_t first, int64_t channels,
                      const Affine& affine, float* v, int64_t plane) {
  const float* rows[4];
  for (int i = 0; i < 4; ++i) rows[i] = f.row(image, y - 1 + i);
  for (int64_t c = 0; c < channels; c += kLanes) {
    const V factor = load(&affine.scale[first + c]), summand = load(&affine.shift[first + c]);
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

// Blocks of about `wanted` of `count` things: as many for every thread.
int64_t blocks_of(int64_t count, int64_t wanted) {
  const int64_t threads = omp_get_max_threads();
  return std::min(count, (count + wanted * threads - 1) / (wanted * threads) * threads);
}

// 32 new features behind the first `channels`, and their moments.
void convolve(const Features& f, int64_t channels, const Affine& affine, const float* w, Gathered& gathered) {
  const int64_t across = (f.width + 1) / 2, down = (f.height + 1) / 2, rows = f.batch * down;
  const int64_t blocks = blocks_of(rows, std::max<int64_t>(1, kTiles / across));
  const int64_t most = (rows + blocks - 1) / blocks * across;  // tiles of a block
  const int64_t in_plane = most * kChunk + kLanes, out_plane = most * kGrowth + kLanes;
#pragma omp parallel
  {
    Buffer inputs = buffer(16 * in_plane), products = buffer(16 * out_plane);
#pragma omp for nowait
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t first = rows * block / blocks, last = rows * (block + 1) / blocks;
      for (int64_t c = 0; c < channels; c += kChunk) {
        const int64_t length = std::min(kChunk, channels - c);
        for (int64_t r = first; r < last; ++r)
          transform_inputs(f, r / down, r % down * 2, c, length, affine,
                           inputs.get() + (r - first) * across * kChunk, in_plane);
        for (int64_t p = 0; p < 16; ++p)
          multiply((last - first) * across, inputs.get() + p * in_plane, length, w + (16 * c + p * length) * kGrowth,
                   products.get() + p * out_plane, c > 0);
      }
      for (int64_t r = first; r < last; ++r) {
        const int64_t image = r / down, y = r % down * 2;
        transform_outputs(products.get() + (r - first) * across * kGrowth, out_plane, f, image, y, channels);
        gathered.add(0, f.row(image, y) + channels, f.apart, std::min<int64_t>(2, f.height - y) * f.width);
      }
    }
  }
}

}  // namespace

// 7x7 at stride 2, BatchNorm, ReLU, and the maximum of 3x3 places at stride 2, to the first features.
// x: (batch, 3, height, width). space: room for x as (batch, height + 6, width + 6, 3), all zero. maps: room for the
// convolution as (outputs / 32, batch, rows, columns, 32). Its weight: for each 32 outputs (7, 7, 3, 32).
extern "C" void stem(const float* x, float* space, float* maps, const int64_t* address, float* features,
                     double* statistics, int64_t batch, int64_t height, int64_t width, int64_t outputs, int64_t all,
                     double momentum, double epsilon, int64_t training) {
  const Layer& layer = *(const Layer*)address;
  const int64_t rows = (height + 1) / 2, columns = (width + 1) / 2, padded = (width + 6) * 3;
  const int64_t plane = batch * rows * columns * kGrowth;
  const Features pooled{features, batch, (rows + 1) / 2, (columns + 1) / 2, all};
#pragma omp parallel for
  for (int64_t r = 0; r < batch * height; ++r) {
    const int64_t image = r / height, down = r % height;
    float* to = space + (image * (height + 6) + down + 3) * padded + 9;
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t p = 0; p < width; ++p) to[p * 3 + c] = x[((image * 3 + c) * height + down) * width + p];
  }
  Gathered before(outputs), after(outputs);
#pragma omp parallel for
  for (int64_t r = 0; r < batch * rows; ++r) {
    const float* from = space + (r / rows * (height + 6) + r % rows * 2) * padded;
    for (int64_t o = 0; o < outputs; o += kGrowth) {
      float* to = maps + o / kGrowth * plane + r * columns * kGrowth;
      for (int64_t i = 0; i < 7; ++i)
        multiply<kStem>(columns, from + i * padded, 21, layer.weight + (o * 7 + i * kGrowth) * 21, to, i > 0);
      before.add(o, to, kGrowth, columns);
    }
  }
  std::vector<double> mean(outputs), variance(outputs);
  before.finish(mean.data(), variance.data());
  const Affine affine =
      layer.normalise(outputs, mean.data(), variance.data(), batch * rows * columns, momentum, epsilon, training);
#pragma omp parallel for
  for (int64_t r = 0; r < batch * pooled.height; ++r) {
    const int64_t image = r / pooled.height, y = r % pooled.height;
    const int64_t top = std::max<int64_t>(2 * y - 1, 0), bottom = std::min(2 * y + 2, rows);
    float* to = pooled.row(image, y);
    for (int64_t c = 0; c < outputs; c += kLanes) {
      const V factor = load(&affine.scale[c]), summand = load(&affine.shift[c]);
      const float* map = maps + c / kGrowth * plane + image * rows * columns * kGrowth + c % kGrowth;
      for (int64_t p = 0; p < pooled.width; ++p) {
        V highest = {};
        for (int64_t i = top; i < bottom; ++i)
          for (int64_t j = std::max<int64_t>(2 * p - 1, 0); j < std::min(2 * p + 2, columns); ++j) {
            const V seen = load(map + (i * columns + j) * kGrowth) * factor + summand;
            highest = seen > highest ? seen : highest;
          }
        store(to + p * all + c, highest);
      }
    }
    for (int64_t o = 0; o < outputs; o += kGrowth) after.add(o, to + o, all, pooled.width);
  }
  after.finish(statistics, statistics + all);
}

// The layers of a block. features: (batch, height, width, all), of which the first `channels` are there.
// statistics: the means, then the variances of all features.
extern "C" void dense_block(float* features, double* statistics, const int64_t* addresses, int64_t batch,
                            int64_t height, int64_t width, int64_t channels, int64_t all, double momentum,
                            double epsilon, int64_t training) {
  const Features f{features, batch, height, width, all};
  double *mean = statistics, *variance = statistics + all;
  for (const Layer* layer = (const Layer*)addresses; channels < all; channels += kGrowth, ++layer) {
    const Affine affine = layer->normalise(channels, mean, variance, f.places(), momentum, epsilon, training);
    Gathered gathered(kGrowth);
    convolve(f, channels, affine, layer->weight, gathered);
    gathered.finish(mean + channels, variance + channels);
  }
}

// BatchNorm, ReLU, the average of 2x2 places, and only then the 1x1 convolution, which commutes with it, to the first
// features of the next block. Its weight: for each 32 outputs (channels, 32).
extern "C" void transition(float* features, const double* statistics, const int64_t* address, float* next,
                           double* next_statistics, int64_t batch, int64_t height, int64_t width, int64_t channels,
                           int64_t next_all, double momentum, double epsilon, int64_t training) {
  const Layer& layer = *(const Layer*)address;
  const Features f{features, batch, height, width, channels};
  const int64_t outputs = channels / 2, rows = height / 2, columns = width / 2, places = batch * rows * columns;
  const int64_t blocks = blocks_of(places, kPlaces), most = (places + blocks - 1) / blocks;
  const Affine affine =
      layer.normalise(channels, statistics, statistics + channels, f.places(), momentum, epsilon, training);
  Gathered gathered(outputs);
#pragma omp parallel
  {
    Buffer averages = buffer(most * kChunk), products = buffer(most * outputs);
#pragma omp for nowait
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t first = places * b / blocks, count = places * (b + 1) / blocks - first;
      for (int64_t from = 0; from < channels; from += kChunk) {
        const int64_t length = std::min(kChunk, channels - from);
        for (int64_t p = 0; p < count; ++p) {
          const int64_t row = (first + p) / columns;
          const float* seen = f.row(row / rows, row % rows * 2) + (first + p) % columns * 2 * channels + from;
          for (int64_t c = 0; c < length; c += kLanes) {
            const V factor = load(&affine.scale[from + c]), summand = load(&affine.shift[from + c]);
            V sum = {};
            for (int64_t k : {int64_t(0), channels, width * channels, (width + 1) * channels})
              sum += relu(load(seen + k + c) * factor + summand);
            store(averages.get() + p * kChunk + c, sum * 0.25f);
          }
        }
        for (int64_t o = 0; o < outputs; o += kGrowth)
          multiply(count, averages.get(), length, layer.weight + o * channels + from * kGrowth,
                   products.get() + o * count, from > 0);
      }
      for (int64_t o = 0; o < outputs; o += kGrowth) {
        const float* made = products.get() + o * count;
        gathered.add(o, made, kGrowth, count);
        for (int64_t p = 0; p < count; ++p)
          std::copy_n(made + p * kGrowth, kGrowth, next + (first + p) * next_all + o);
      }
    }
  }
  gathered.finish(next_statistics, next_statistics + next_all);
}

// The last BatchNorm, ReLU and the average of all places. y: (batch, channels).
extern "C" void head(float* features, const double* statistics, const int64_t* address, float* y, int64_t batch,
                     int64_t height, int64_t width, int64_t channels, double momentum, double epsilon,
                     int64_t training) {
  const Features f{features, batch, height, width, channels};
  const Affine affine = ((const Layer*)address)
                            ->normalise(channels, statistics, statistics + channels, f.places(), momentum, epsilon,
                                        training);
#pragma omp parallel for
  for (int64_t c = 0; c < channels; c += kLanes)
    for (int64_t image = 0; image < batch; ++image) {
      const V factor = load(&affine.scale[c]), summand = load(&affine.shift[c]);
      V sum = {};
      for (int64_t p = 0; p < height * width; ++p)
        sum += relu(load(f.row(image, 0) + p * channels + c) * factor + summand);
      store(y + image * channels + c, sum / (float)(height * width));
    }
}
"""

library = kernelevo.cpp(SOURCE)


def by_panels(weight: Tensor) -> Tensor:
    """(O, C, R, S) -> (O / 32, R, S, C, 32)."""
    return weight.unflatten(0, (-1, 32)).permute(0, 3, 4, 2, 1).contiguous()


def winograd_weight(weight: Tensor) -> Tensor:
    """(32, C, 3, 3) -> G w G^T, computed in fp64, as (16, 64, 32) for each 64 channels, in the order of their use."""
    g = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)
    planes = torch.einsum("ia,ocab,jb->ijco", g, weight.double(), g).flatten(0, 1).float()
    return torch.cat([part.flatten() for part in planes.split(64, dim=1)])


def owned(norm: nn.BatchNorm2d, weight: Tensor) -> tuple[Tensor, ...]:
    """What the library's Layer points to."""
    return norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.num_batches_tracked, weight


class DenseBlock(nn.Module):
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


class Transition(nn.Sequential):
    def __init__(self, in_channels: int) -> None:
        super().__init__(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, in_channels // 2, kernel_size=1, bias=False),
            nn.AvgPool2d(kernel_size=2),
        )


class ModelNew(nn.Module):
    """Needs a growth of 32."""

    def __init__(self, growth: int = 32, classes: int = 1000) -> None:
        super().__init__()
        channels = 64
        self.features = nn.Sequential(
            nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.blocks = nn.ModuleList()
        self.transitions = nn.ModuleList()
        for index, layers in enumerate(LAYERS):
            self.blocks.append(DenseBlock(layers, channels, growth))
            channels += layers * growth
            if index + 1 < len(LAYERS):
                self.transitions.append(Transition(channels))
                channels //= 2
        self.norm = nn.BatchNorm2d(channels)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.classifier = nn.Linear(channels, classes)

    def in_order(self) -> list[Tensor]:
        """What every BatchNorm owns, each with the packed weight of the convolution that it belongs to."""
        conv, norm, _, _ = self.features
        tensors = [*owned(norm, kernelevo.packed(by_panels, conv.weight))]
        for index, block in enumerate(self.blocks):
            if index:
                norm, _, conv, _ = self.transitions[index - 1]
                tensors += owned(norm, kernelevo.packed(by_panels, conv.weight))
            for norm, _, conv, _ in block.layers:
                tensors += owned(norm, kernelevo.packed(winograd_weight, conv.weight))
        return [*tensors, *owned(self.norm, self.classifier.weight)]

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        tensors = self.in_order()
        addresses = torch.tensor([t.data_ptr() for t in tensors]).view(-1, 6)
        mode = (self.norm.momentum, self.norm.eps, self.training)
        batch, _, height, width = x.shape
        channels = self.features[0].out_channels
        stem = x.new_empty(channels, batch, (height + 1) // 2, (width + 1) // 2)
        height, width = (height + 3) // 4, (width + 3) // 4
        done = 0  # rows of addresses
        for index, layers in enumerate(LAYERS):
            all_channels = channels + 32 * layers
            y = x.new_empty(batch, height, width, all_channels)
            statistics = x.new_empty(2, all_channels, dtype=torch.float64)
            if index == 0:
                space = x.new_zeros(batch, x.shape[2] + 6, x.shape[3] + 6, 3)
                sizes = (batch, *x.shape[2:], channels, all_channels)
                library.stem(x.contiguous(), space, stem, addresses[done], y, statistics, *sizes, *mode)
            else:
                library.transition(*before, addresses[done], y, statistics, *before[0].shape, all_channels, *mode)
            block = addresses[done + 1 : done + 1 + layers]
            library.dense_block(y, statistics, block, batch, height, width, channels, all_channels, *mode)
            before = (y, statistics)
            done += 1 + layers
            channels, height, width = all_channels // 2, height // 2, width // 2
        averages = x.new_empty(batch, all_channels)
        library.head(*before, addresses[done], averages, *y.shape, *mode)
        return F.linear(averages, self.classifier.weight, self.classifier.bias)
