"""kernelbench:3/16: no-ops, counters, pool-first, convolution-rows, packed-linear."""

import kernelevo
import torch
import torch.nn.functional as F
from torch import nn

TUNE = {
    'CONV_ROWS_SUMS': [0, 8, 10, 16, 20, 28],
    'CONV_ROWS_CHUNK': [96, 48, 192],
    'CONV_ROWS_SUMMED': [128, 64, 512],
    'CONV_ROWS_LARGE_KIB': [2048, 512, 16384],
    'CONV_ROWS_AHEAD': [2048, 512, 0],
    'CONV_ROWS_WIDE': [28, 13, 56, 1073741824],
    'CONV_ROWS_WINOGRAD': [16, 64, 1073741824],
}


def count_on(*counters):
    """Add one to each counter, in place."""
    torch._foreach_add_(counters, 1)

_conv_rows = kernelevo.cpp(r'''
// Convolutions of channels-last images: matrix products for 1x1, Winograd's F(2x2, 3x3) for 3x3 with stride 1
// (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4.1), a direct sum for all
// others. All three run on one register tile of places by channels, with weights in panels of channels.
//
// Scale, shift and activation of a batch normalisation before a convolution are applied where it gathers its input, so
// that no normalised image is stored; mean and variance for one behind it are gathered while a result is in cache.
// Names in capitals are numbers of the program's TUNE table, given by the compiler's flags.
#include <kernelevo/math.h>
#include <omp.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace {

using namespace kernelevo;

constexpr int kVectors = kVectorRegisters == 32 ? 4 : 2;  // of a register tile
constexpr int64_t kPanel = kVectors * kLanes;             // channels of a result that are computed together
constexpr int kSums = CONV_ROWS_SUMS ? CONV_ROWS_SUMS : kVectorRegisters == 32 ? 24 : 12;  // vectors of a tile
constexpr int kTallest = 8;                               // places of a register tile, where it is narrow
constexpr int64_t kChunk = CONV_ROWS_CHUNK;               // places of a 1x1 convolution that a thread takes at once
constexpr int64_t kLarge = (int64_t)CONV_ROWS_LARGE_KIB << 10;  // weights that threads share instead of reading all
constexpr int64_t kSummed = CONV_ROWS_SUMMED;             // products summed in a row before they join a total
constexpr int64_t kAhead = CONV_ROWS_AHEAD;               // floats of weights that are asked for ahead
constexpr int64_t kLine = 16;                             // floats of a cache line
constexpr int64_t kShared = 16 << 20;                     // bytes of tiles that a thread holds, or all share

struct Free { void operator()(void* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

inline vfloat take(const float* from, int64_t n) { return n < kLanes ? load_part(from, n) : load(from); }
inline void put(float* to, vfloat x, int64_t n) { n < kLanes ? store_part(to, x, n) : store(to, x); }
inline int64_t lanes(int64_t left) { return std::min<int64_t>(left, kLanes); }

enum Act : int64_t { kNone, kRelu, kRelu6, kSilu, kHardswish };

inline vfloat activate(vfloat x, int64_t act) {
  switch (act) {
    case kRelu: return relu(x);
    case kRelu6: return min(splat(6.0f), relu(x));
    case kSilu: return silu(x);
    case kHardswish: return x * min(splat(6.0f), relu(x + 3.0f)) * (1.0f / 6.0f);
  }
  return x;
}

inline int64_t rounded(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

// What is multiplied: `runs` pieces of `length` floats, `between` apart; a place's are `apart` behind the last one's.
struct Operand {
  const float* x;
  int64_t apart, runs, between, length;
};

// Where results go and what is done to them there.
struct Target {
  float* y;
  int64_t apart;  // floats from place to place
  const float* bias;
  int64_t act;
};

template <int R, int V>
void tile(const Operand& in, const float* w, const Target& to, int64_t last) {
  vfloat totals[R][V], sums[R][V] = {};
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const vfloat begin = to.bias ? take(to.bias + v * kLanes, v == V - 1 ? last : kLanes) : vfloat{};
    for (int r = 0; r < R; ++r) totals[r][v] = begin;
  }
  // Long sums are cut into pieces: rounding errors of one sum grow with its length.
  const auto join = [&] {
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        totals[r][v] += sums[r][v];
        sums[r][v] = vfloat{};
      }
  };
  const float* x = in.x;
  for (int64_t q = 0, waiting = 0; q < in.runs; ++q, x += in.between)
    for (int64_t begin = 0; begin < in.length;) {
      const int64_t end = std::min(in.length, begin + kSummed - waiting);
      for (int64_t k = begin; k < end; ++k, w += V * kLanes) {
        vfloat weights[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
          weights[v] = load(w + v * kLanes);
          if (kAhead && v * kLanes % kLine == 0) __builtin_prefetch(w + v * kLanes + kAhead);
        }
#pragma GCC unroll 12
        for (int r = 0; r < R; ++r) {
          const vfloat seen = splat(x[r * in.apart + k]);
#pragma GCC unroll 4
          for (int v = 0; v < V; ++v) sums[r][v] = fma(seen, weights[v], sums[r][v]);
        }
      }
      waiting += end - begin;
      begin = end;
      if (waiting == kSummed) {
        join();
        waiting = 0;
      }
    }
  join();
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v)
      put(to.y + r * to.apart + v * kLanes, activate(totals[r][v], to.act), v == V - 1 ? last : kLanes);
}

using Tile = void (*)(const Operand&, const float*, const Target&, int64_t);

// Tiles of V vectors by their number of places.
template <int V>
struct Tiles {
  // A place's input is a register of its own where an instruction cannot broadcast it from memory.
  static constexpr int kMost = (kVectorRegisters - V - (kVectorRegisters < 32)) / V;
  static constexpr int kHeight = std::min({std::max(kSums / V, 1), kTallest, kMost});

  template <int... R>
  static constexpr std::array<Tile, kHeight> all(std::integer_sequence<int, R...>) { return {tile<R + 1, V>...}; }
  static constexpr std::array<Tile, kHeight> kOf = all(std::make_integer_sequence<int, kHeight>());
};

// Any number of places, in tiles of nearly equal height.
template <int V>
void stack(int64_t places, Operand in, const float* w, Target to, int64_t last) {
  const int64_t parts = (places + Tiles<V>::kHeight - 1) / Tiles<V>::kHeight;
  const float* x = in.x;
  float* y = to.y;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t from = places * i / parts, upto = places * (i + 1) / parts;
    in.x = x + from * in.apart;
    to.y = y + from * to.apart;
    Tiles<V>::kOf[upto - from - 1](in, w, to, last);
  }
}

// One panel of up to kPanel channels at any number of places.
void multiply(int64_t places, const Operand& in, const float* w, const Target& to, int64_t channels) {
  const int64_t vectors = (std::min(channels, kPanel) + kLanes - 1) / kLanes;
  const int64_t last = lanes(channels - (vectors - 1) * kLanes);
  if constexpr (kVectors == 4) {
    if (vectors == 4) return stack<4>(places, in, w, to, last);
    if (vectors == 3) return stack<3>(places, in, w, to, last);
  }
  vectors == 2 ? stack<2>(places, in, w, to, last) : stack<1>(places, in, w, to, last);
}

// Means and summed squared distances of each channel, of one chunk of places after the other.
class Moments {
 public:
  Moments(double* to, int64_t chunks, int64_t channels)
      : to_(to), channels_(channels), counts_(to ? chunks : 0), parts_(to ? 2 * chunks * channels : 0) {}

  // `count` channels from `first` on, of places that are `apart` floats apart.
  void add(int64_t chunk, const float* y, int64_t places, int64_t apart, int64_t first, int64_t count) {
    if (!to_) return;
    if (first == 0) counts_[chunk] = (double)places;
    float* mean = parts_.data() + 2 * chunk * channels_ + first;
    for (int64_t c = 0; c < count; c += kLanes) {
      const int64_t n = lanes(count - c);
      vfloat sums[4] = {}, squares[4] = {};  // side by side: shorter sums, and they need not wait for one another
      const float* from = y + c;
      for (int64_t p = 0; p < places; p += 4)
#pragma GCC unroll 4
        for (int64_t k = 0; k < 4; ++k)
          if (p + k < places) sums[k] += take(from + (p + k) * apart, n);
      const vfloat middle = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / (float)places;
      for (int64_t p = 0; p < places; p += 4)
#pragma GCC unroll 4
        for (int64_t k = 0; k < 4; ++k)
          if (p + k < places) {
            const vfloat d = take(from + (p + k) * apart, n) - middle;
            squares[k] = fma(d, d, squares[k]);
          }
      put(mean + c, middle, n);
      put(mean + channels_ + c, (squares[0] + squares[1]) + (squares[2] + squares[3]), n);
    }
  }

  // Writes [mean, biased variance] of all chunks together (Chan, Golub and LeVeque, 1979).
  void finish() const {
    if (!to_) return;
    double all = 0;
    for (double count : counts_) all += count;
    double *mean = to_, *variance = to_ + channels_;
    constexpr int64_t kBlock = 64;  // channels that a thread merges: whole lines of the parts
#pragma omp parallel for if (channels_ * (int64_t)counts_.size() > 16384)
    for (int64_t first = 0; first < channels_; first += kBlock) {
      const int64_t end = std::min(channels_, first + kBlock);
      std::fill(mean + first, mean + end, 0.0);
      std::fill(variance + first, variance + end, 0.0);
      for (size_t i = 0; i < counts_.size(); ++i) {
        const double share = counts_[i] / all;
        for (int64_t c = first; c < end; ++c) mean[c] += share * parts_[2 * i * channels_ + c];
      }
      for (size_t i = 0; i < counts_.size(); ++i)
        for (int64_t c = first; c < end; ++c) {
          const double d = parts_[2 * i * channels_ + c] - mean[c];
          variance[c] += parts_[(2 * i + 1) * channels_ + c] + d * d * counts_[i];
        }
      for (int64_t c = first; c < end; ++c) variance[c] /= all;
    }
  }

 private:
  double* to_;
  int64_t channels_;
  std::vector<double> counts_;
  std::vector<float> parts_;
};

// Channels of an image that lie in a tensor of their own.
struct Part {
  const float* x;
  int64_t channels;
};
static_assert(sizeof(Part) == 2 * sizeof(int64_t), "the caller writes a part as two numbers");

// Images, in one tensor or several side by side, and scale, shift and activation that come before their use.
struct Map {
  const Part whole, *parts;  // all of it, if nobody says in which parts it lies
  int64_t count;
  const float* affine;
  int64_t act;
  bool planar;  // one part, channels first
  int64_t height, width, channels;

  Map(const float* x, const int64_t* rows, int64_t rows_count, const float* affine, int64_t act, bool planar,
      int64_t height, int64_t width, int64_t channels)
      : whole{x, channels}, parts(rows ? (const Part*)rows : &whole), count(rows ? rows_count : 1), affine(affine),
        act(act), planar(planar), height(height), width(width), channels(channels) {}
  Map(const Map&) = delete;

  // All channels of a place, counted over all images.
  void take_place(int64_t place, float* to) const {
    const float* scale = affine;
    for (const Part* part = parts; part < parts + count; to += part->channels, ++part) {
      const float* from = part->x + place * part->channels;
      if (!affine) {
        std::copy_n(from, part->channels, to);
        continue;
      }
      for (int64_t c = 0; c < part->channels; c += kLanes) {
        const int64_t n = lanes(part->channels - c);
        put(to + c, activate(fma(take(from + c, n), take(scale + c, n), take(scale + channels + c, n)), act), n);
      }
      scale += part->channels;
    }
  }

  // Rows y .. y + rows - 1 of an image, `padding` zeros to the left, zeros up to `padded` places to the right.
  void gather(int64_t image, int64_t y, int64_t rows, int64_t padding, int64_t padded, float* to) const {
    const int64_t inside = std::min(width, padded - padding);
    for (int64_t r = 0; r < rows; ++r, ++y, to += padded * channels) {
      if (y < 0 || y >= height) {
        std::fill_n(to, padded * channels, 0.0f);
        continue;
      }
      const int64_t place = (image * height + y) * width;
      float* middle = to + padding * channels;
      std::fill_n(to, padding * channels, 0.0f);
      std::fill_n(middle + inside * channels, (padded - padding - inside) * channels, 0.0f);
      if (planar) {
        const float* from = parts->x + image * height * width * channels + y * width;
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t p = 0; p < inside; ++p) middle[p * channels + c] = from[c * height * width + p];
      } else if (!affine && count == 1) {
        std::copy_n(parts->x + place * channels, inside * channels, middle);
      } else {
        for (int64_t p = 0; p < inside; ++p) take_place(place + p, middle + p * channels);
      }
    }
  }
};

}  // namespace

// Winograd's algorithm (see conv_tile.cpp): an image's tiles at some points, a product at each, results from these.
namespace {

// Along one axis: M + 2 inputs -> values at as many points; products there -> M outputs.
template <int M> struct Points;

template <> struct Points<2> {  // 0, 1, -1, infinity
  static void in(const vfloat* d, vfloat* at) {
    at[0] = d[0] - d[2];
    at[1] = d[2] + d[1];
    at[2] = d[2] - d[1];
    at[3] = d[1] - d[3];
  }
  static void out(const vfloat* m, vfloat* y) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }
};

template <> struct Points<4> {  // 0, a, -a, b, -b, infinity; a a = 1 / 2, b b = 2: they round least
  static constexpr float a = 0.70710678118654752f, b = 1.41421356237309505f;
  static void in(const vfloat* d, vfloat* at) {
    const vfloat even_a = d[4] - 2.0f * d[2], odd_a = a * (d[3] - 2.0f * d[1]);
    const vfloat even_b = d[4] - 0.5f * d[2], odd_b = b * (d[3] - 0.5f * d[1]);
    at[0] = d[0] + d[4] - 2.5f * d[2];
    at[1] = even_a + odd_a;
    at[2] = even_a - odd_a;
    at[3] = even_b + odd_b;
    at[4] = even_b - odd_b;
    at[5] = d[1] + d[5] - 2.5f * d[3];
  }
  static void out(const vfloat* m, vfloat* y) {
    const vfloat even_a = m[1] + m[2], odd_a = a * (m[1] - m[2]), even_b = m[3] + m[4], odd_b = b * (m[3] - m[4]);
    y[0] = m[0] + even_a + even_b;
    y[1] = odd_a + odd_b;
    y[2] = 0.5f * even_a + 2.0f * even_b;
    y[3] = 0.5f * odd_a + 2.0f * odd_b + m[5];
  }
};

// A row of tiles: M + 2 gathered rows -> (M + 2)^2 planes of (tile, channel).
template <int M>
void transform_inputs(const float* rows, int64_t padded, int64_t tiles, int64_t channels, float* planes,
                      int64_t plane) {
  constexpr int N = M + 2;
  const int64_t row = padded * channels;
  for (int64_t t = 0; t < tiles; ++t, rows += M * channels)
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t n = lanes(channels - c);
      vfloat down[N][N], across[N];
#pragma GCC unroll 6
      for (int j = 0; j < N; ++j) {
        vfloat column[N];
#pragma GCC unroll 6
        for (int i = 0; i < N; ++i) column[i] = take(rows + i * row + j * channels + c, n);
        Points<M>::in(column, down[j]);
      }
      float* to = planes + t * channels + c;
#pragma GCC unroll 6
      for (int i = 0; i < N; ++i) {
        vfloat line[N];
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) line[j] = down[j][i];
        Points<M>::in(line, across);
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) put(to + (i * N + j) * plane, across[j], n);
      }
    }
}

// (M + 2)^2 planes of (tile, channel) -> a row of tiles: `height` rows of `width` places.
template <int M>
void transform_outputs(const float* planes, int64_t plane, int64_t apart, int64_t tiles, const Target& to,
                       int64_t channels, int64_t height, int64_t width) {
  constexpr int N = M + 2;
  for (int64_t t = 0; t < tiles; ++t)
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t n = lanes(channels - c);
      const vfloat bias = to.bias ? take(to.bias + c, n) : vfloat{};
      const float* from = planes + t * apart + c;
      vfloat down[N][M], made[M];
#pragma GCC unroll 6
      for (int j = 0; j < N; ++j) {
        vfloat column[N];
#pragma GCC unroll 6
        for (int i = 0; i < N; ++i) column[i] = load(from + (i * N + j) * plane);
        Points<M>::out(column, down[j]);
      }
#pragma GCC unroll 4
      for (int i = 0; i < M; ++i) {
        if (i >= height) break;
        vfloat line[N];
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) line[j] = down[j][i];
        Points<M>::out(line, made);
#pragma GCC unroll 4
        for (int j = 0; j < M; ++j)
          if (t * M + j < width) put(to.y + (i * width + t * M + j) * to.apart + c, activate(made[j] + bias, to.act), n);
      }
    }
}

// 3x3, stride 1, in tiles of M x M results.
template <int M>
void winograd(const Map& map, const float* w, Target to, double* moments, int64_t batch, int64_t out,
              int64_t padding_y, int64_t padding_x) {
  constexpr int64_t planes = (M + 2) * (M + 2);
  const int64_t height = map.height, width = map.width, channels = map.channels;
  const int64_t rows = height + 2 * padding_y - 2, columns = width + 2 * padding_x - 2;
  const int64_t across = (columns + M - 1) / M, down = (rows + M - 1) / M, padded = M * across + 2;
  const int64_t lines = batch * down, wide = rounded(out), panels = (out + kPanel - 1) / kPanel;
  // Small weights: each thread takes lines of tiles, some 28 (more, where weights are larger), through all steps
  // in its own cache. Large ones that few tiles need: the threads share the products, and read each weight once.
  const int64_t all_bytes = lines * across * (channels + wide) * planes * 4;
  const bool shared = channels * out * planes * 4 > kLarge && all_bytes <= kShared;
  const int64_t wanted = std::max<int64_t>(M == 2 ? 28 : 14, channels * out / 1024);
  const int64_t threads = omp_get_max_threads();
  const int64_t most = std::max<int64_t>(1, kShared / (across * (channels + wide) * planes * 4));
  const int64_t tallest = std::min((wanted + across - 1) / across, most), fitting = (lines + tallest - 1) / tallest;
  const int64_t blocks = shared ? 1 : std::min(lines, (fitting + threads - 1) / threads * threads);
  const int64_t high = (lines + blocks - 1) / blocks;
  const int64_t in_plane = high * across * channels + kLanes, out_plane = high * across * wide + kLanes;
  Moments seen(moments, lines, out);

  const auto transform = [&](int64_t line, float* gathered, float* in) {
    map.gather(line / down, M * (line % down) - padding_y, M + 2, padding_x, padded, gathered);
    transform_inputs<M>(gathered, padded, across, channels, in, in_plane);
  };
  const auto product = [&](int64_t item, int64_t count, const float* from, float* made) {
    const int64_t plane = item / panels, o = item % panels * kPanel;
    const Operand in{from + plane * in_plane, channels, 1, 0, channels};
    const Target target{made + plane * out_plane + o, wide, nullptr, kNone};
    multiply(count * across, in, w + (plane * wide + o) * channels, target, wide - o);
  };
  const auto finish = [&](int64_t line, const float* from) {
    const int64_t row = M * (line % down), valid = std::min<int64_t>(M, rows - row);
    const Target here{to.y + (line / down * rows + row) * columns * out, out, to.bias, to.act};
    transform_outputs<M>(from, out_plane, wide, across, here, out, valid, columns);
    seen.add(line, here.y, valid * columns, out, 0, out);
  };

  Buffer all_in, all_out;
  if (shared) {
    all_in = buffer(planes * in_plane);
    all_out = buffer(planes * out_plane);
  }
#pragma omp parallel
  {
    Buffer gathered = buffer((M + 2) * padded * channels);
    if (shared) {
#pragma omp for
      for (int64_t line = 0; line < lines; ++line)
        transform(line, gathered.get(), all_in.get() + line * across * channels);
#pragma omp for
      for (int64_t i = 0; i < planes * panels; ++i) product(i, lines, all_in.get(), all_out.get());
#pragma omp for
      for (int64_t line = 0; line < lines; ++line) finish(line, all_out.get() + line * across * wide);
    } else {
      Buffer in = buffer(planes * in_plane), products = buffer(planes * out_plane);
#pragma omp for
      for (int64_t block = 0; block < blocks; ++block) {
        const int64_t first = lines * block / blocks, count = lines * (block + 1) / blocks - first;
        for (int64_t i = 0; i < count; ++i) transform(first + i, gathered.get(), in.get() + i * across * channels);
        for (int64_t i = 0; i < planes * panels; ++i) product(i, count, in.get(), products.get());
        for (int64_t i = 0; i < count; ++i) finish(first + i, products.get() + i * across * wide);
      }
    }
  }
  seen.finish();
}

}  // namespace

// 3x3, stride 1. side: 2 or 4, of a tile. w: (side + 2)^2 planes of panels. y: [batch][height'][width'][out].
extern "C" void conv_rows_winograd(const float* x, const int64_t* parts, int64_t count, const float* affine,
                                   int64_t affine_act, int64_t side, const float* w, const float* bias, int64_t act,
                                   float* y, double* moments, int64_t batch, int64_t height, int64_t width,
                                   int64_t channels, int64_t out, int64_t padding_y, int64_t padding_x) {
  const Map map(x, parts, count, affine, affine_act, false, height, width, channels);
  const auto run = side == 4 ? winograd<4> : winograd<2>;
  run(map, w, Target{y, out, bias, act}, moments, batch, out, padding_y, padding_x);
}

// Products and direct sums of channels-last images (see conv_tile.cpp).
namespace {

// Bands of rows of results, each of one image, and the rows that it reads.
struct Bands {
  struct Pair { int64_t y, x; };
  Pair size, stride, padding;
  int64_t rows, columns, padded, row, high, of_image, count;

  Bands(const Map& map, int64_t batch, Pair size, Pair stride, Pair padding, int64_t wanted)
      : size(size), stride(stride), padding(padding), rows((map.height + 2 * padding.y - size.y) / stride.y + 1),
        columns((map.width + 2 * padding.x - size.x) / stride.x + 1), padded(map.width + 2 * padding.x),
        row(padded * map.channels) {
    const int64_t fair = (rows * batch + omp_get_max_threads() - 1) / omp_get_max_threads();
    high = std::min({wanted, fair, rows});
    of_image = (rows + high - 1) / high;
    count = batch * of_image;
  }

  int64_t floats() const { return ((high - 1) * stride.y + size.y) * row; }
  int64_t first_row(int64_t band) const { return band % of_image * high; }
  int64_t first_place(int64_t band) const { return (band / of_image * rows + first_row(band)) * columns; }

  // Gathers what a band reads; returns its number of rows.
  int64_t gather(const Map& map, int64_t band, float* to) const {
    const int64_t first = first_row(band), here = std::min(high, rows - first);
    map.gather(band / of_image, first * stride.y - padding.y, (here - 1) * stride.y + size.y, padding.x, padded, to);
    return here;
  }
};

}  // namespace

// Weights are panels of [size_y][size_x][channels][kPanel]; of the last channels' panel, only whole vectors are there.
extern "C" int64_t conv_rows_panel() { return kPanel; }
extern "C" int64_t conv_rows_lanes() { return kLanes; }

// 1x1 without padding.
extern "C" void conv_rows_product(const float* x, const int64_t* parts, int64_t count, const float* affine,
                                  int64_t affine_act, const float* w, const float* bias, int64_t act, float* y,
                                  double* moments, int64_t batch, int64_t height, int64_t width, int64_t channels,
                                  int64_t out, int64_t stride_y, int64_t stride_x) {
  const Map map(x, parts, count, affine, affine_act, false, height, width, channels);
  const int64_t rows = (height - 1) / stride_y + 1, columns = (width - 1) / stride_x + 1;
  const int64_t places = batch * rows * columns, chunks = (places + kChunk - 1) / kChunk;
  const int64_t panels = (out + kPanel - 1) / kPanel;
  const bool gathers = affine || parts || stride_y > 1 || stride_x > 1;
  Moments seen(moments, chunks, out);
#pragma omp parallel
  {
    Buffer gathered = gathers ? buffer(kChunk * channels) : nullptr;
    int64_t held = -1;
#pragma omp for schedule(static)
    for (int64_t item = 0; item < chunks * panels; ++item) {
      const int64_t chunk = item / panels, o = item % panels * kPanel;
      const int64_t first = places * chunk / chunks, inside = places * (chunk + 1) / chunks - first;
      for (int64_t p = 0; gathers && chunk != held && p < inside; ++p) {
        const int64_t line = (first + p) / columns, at = (first + p) % columns * stride_x;
        const int64_t place = (line / rows * height + line % rows * stride_y) * width + at;
        map.take_place(place, gathered.get() + p * channels);
      }
      held = chunk;
      const float* from = gathers ? gathered.get() : x + first * channels;
      const Target to{y + first * out + o, out, bias ? bias + o : nullptr, act};
      multiply(inside, Operand{from, channels, 1, 0, channels}, w + o * channels, to, out - o);
      seen.add(chunk, to.y, inside, out, o, std::min(kPanel, out - o));
    }
  }
  seen.finish();
}

// Any size and stride. planar: x has its channels first.
extern "C" void conv_rows_direct(const float* x, const int64_t* parts, int64_t count, const float* affine,
                                 int64_t affine_act, int64_t planar, const float* w, const float* bias, int64_t act,
                                 float* y, double* moments, int64_t batch, int64_t height, int64_t width,
                                 int64_t channels, int64_t out, int64_t size_y, int64_t size_x, int64_t stride_y,
                                 int64_t stride_x, int64_t padding_y, int64_t padding_x) {
  const Map map(x, parts, count, affine, affine_act, planar != 0, height, width, channels);
  const Bands bands(map, batch, {size_y, size_x}, {stride_y, stride_x}, {padding_y, padding_x},
                    std::max<int64_t>(8, channels * out / 8192));
  const int64_t columns = bands.columns, row = bands.row;
  Moments seen(moments, bands.count, out);
#pragma omp parallel
  {
    Buffer gathered = buffer(bands.floats());
#pragma omp for
    for (int64_t band = 0; band < bands.count; ++band) {
      const int64_t height_here = bands.gather(map, band, gathered.get());
      float* to = y + bands.first_place(band) * out;
      for (int64_t o = 0; o < out; o += kPanel)
        for (int64_t r = 0; r < height_here; ++r) {
          const Operand in{gathered.get() + r * stride_y * row, stride_x * channels, size_y, row, size_x * channels};
          const Target target{to + r * columns * out + o, out, bias ? bias + o : nullptr, act};
          multiply(columns, in, w + o * size_y * size_x * channels, target, out - o);
        }
      seen.add(band, to, height_here * columns, out, 0, out);
    }
  }
  seen.finish();
}

// One filter for each channel. w: [size_y][size_x][channels].
extern "C" void conv_rows_depthwise(const float* x, const int64_t* parts, int64_t count, const float* affine,
                                    int64_t affine_act, const float* w, const float* bias, int64_t act, float* y,
                                    double* moments, int64_t batch, int64_t height, int64_t width, int64_t channels,
                                    int64_t size_y, int64_t size_x, int64_t stride_y, int64_t stride_x,
                                    int64_t padding_y, int64_t padding_x) {
  const Map map(x, parts, count, affine, affine_act, false, height, width, channels);
  const Bands bands(map, batch, {size_y, size_x}, {stride_y, stride_x}, {padding_y, padding_x}, 4);
  const int64_t columns = bands.columns, row = bands.row;
  Moments seen(moments, bands.count, channels);
#pragma omp parallel
  {
    Buffer gathered = buffer(bands.floats());
#pragma omp for
    for (int64_t band = 0; band < bands.count; ++band) {
      const int64_t height_here = bands.gather(map, band, gathered.get());
      float* to = y + bands.first_place(band) * channels;
      for (int64_t r = 0; r < height_here; ++r)
        for (int64_t c = 0; c < channels; c += kLanes) {
          const int64_t n = lanes(channels - c);
          const vfloat begin = bias ? take(bias + c, n) : vfloat{};
          for (int64_t p = 0; p < columns; p += 4) {  // four places: their sums do not wait for one another
            const int64_t last = std::min<int64_t>(4, columns - p) - 1;
            const float* from = gathered.get() + r * stride_y * row + p * stride_x * channels + c;
            vfloat sums[4] = {begin, begin, begin, begin};
            int64_t place[4];
            for (int64_t k = 0; k < 4; ++k) place[k] = std::min(k, last) * stride_x * channels;
            for (int64_t i = 0; i < size_y; ++i)
              for (int64_t j = 0; j < size_x; ++j) {
                const vfloat weight = take(w + (i * size_x + j) * channels + c, n);
#pragma GCC unroll 4
                for (int64_t k = 0; k < 4; ++k)
                  sums[k] = fma(take(from + i * row + j * channels + place[k], n), weight, sums[k]);
              }
#pragma GCC unroll 4
            for (int64_t k = 0; k < 4; ++k)
              if (k <= last) put(to + (r * columns + p + k) * channels + c, activate(sums[k], act), n);
          }
        }
      seen.add(band, to, height_here * columns, channels, 0, channels);
    }
  }
  seen.finish();
}

// Batch normalisations of channels-last images: their statistics, scale and shift, and what is stored.

// [mean, biased variance] of each channel of [places][channels].
extern "C" void conv_rows_moments(const float* x, double* moments, int64_t places, int64_t channels) {
  const int64_t chunks = (places + kChunk - 1) / kChunk;
  Moments seen(moments, chunks, channels);
#pragma omp parallel for
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const int64_t first = places * chunk / chunks, count = places * (chunk + 1) / chunks - first;
    seen.add(chunk, x + first * channels, count, channels, 0, channels);
  }
  seen.finish();
}

// Scale and shift of a batch normalisation; without moments those of the running statistics, which move on otherwise.
extern "C" void conv_rows_norm(const double* moments, int64_t count, const float* weight, const float* bias,
                               float* running_mean, float* running_var, float* affine, int64_t channels,
                               double momentum, double epsilon) {
  float *scale = affine, *shift = affine + channels;
  const auto set = [&](const auto* mean, const auto* variance) {
    for (int64_t c = 0; c < channels; ++c) {
      const double factor = (weight ? weight[c] : 1.0f) / __builtin_sqrt(variance[c] + epsilon);
      scale[c] = (float)factor;
      shift[c] = (float)((bias ? bias[c] : 0.0f) - mean[c] * factor);
    }
  };
  if (!moments) return set(running_mean, running_var);
  const double *mean = moments, *variance = moments + channels;
  const double unbiased = count > 1 ? (double)count / (double)(count - 1) : 1.0;
  if (running_mean)
    for (int64_t c = 0; c < channels; ++c) {
      running_mean[c] += (float)(momentum * (mean[c] - running_mean[c]));
      running_var[c] += (float)(momentum * (variance[c] * unbiased - running_var[c]));
    }
  set(mean, variance);
}

// y = x * scale + shift [+ other, with or without a scale and a shift], through an activation.
extern "C" void conv_rows_apply(const float* x, const float* affine, const float* other, const float* other_affine,
                                int64_t act, float* y, int64_t places, int64_t channels) {
#pragma omp parallel for if (places * channels > 8192)
  for (int64_t p = 0; p < places; ++p)
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t n = lanes(channels - c), at = p * channels + c;
      vfloat value = fma(take(x + at, n), take(affine + c, n), take(affine + channels + c, n));
      if (other) {
        const vfloat beside = take(other + at, n);
        value += other_affine ? fma(beside, take(other_affine + c, n), take(other_affine + channels + c, n)) : beside;
      }
      put(y + at, activate(value, act), n);
    }
}
''', flags=[
    f"-DCONV_ROWS_SUMS={TUNE['CONV_ROWS_SUMS'][0]}",
    f"-DCONV_ROWS_CHUNK={TUNE['CONV_ROWS_CHUNK'][0]}",
    f"-DCONV_ROWS_SUMMED={TUNE['CONV_ROWS_SUMMED'][0]}",
    f"-DCONV_ROWS_LARGE_KIB={TUNE['CONV_ROWS_LARGE_KIB'][0]}",
    f"-DCONV_ROWS_AHEAD={TUNE['CONV_ROWS_AHEAD'][0]}",
    f"-DCONV_ROWS_WIDE={TUNE['CONV_ROWS_WIDE'][0]}",
    f"-DCONV_ROWS_WINOGRAD={TUNE['CONV_ROWS_WINOGRAD'][0]}",
])

_conv_rows_act = {name: at for at, name in enumerate(('none', 'relu', 'relu6', 'silu', 'hardswish'))}.__getitem__


def _conv_rows_taken(image):
    """Return an image channels last; what is not fp32 would be read as if it were."""
    if image.dtype != torch.float32 or image.device.type != "cpu":
        raise TypeError(f"this convolution is for float32 on the CPU, not for {image.dtype} on {image.device}")
    return image.contiguous(memory_format=torch.channels_last)


def _conv_rows_panels(weight):
    """Return [...][in][out] as panels [in][panel] for each of the first, filled up to whole vectors."""
    panel, lanes = _conv_rows.conv_rows_panel(), _conv_rows.conv_rows_lanes()
    wide = torch.nn.functional.pad(weight, (0, -weight.shape[-1] % lanes))
    return torch.cat([part.flatten(-2) for part in wide.split(panel, -1)], -1)


def _conv_rows_plain(weight):
    """Return a kernel for products and the direct sum, panels of [y][x][in][panel]."""
    return _conv_rows_panels(weight.detach().permute(2, 3, 1, 0).flatten(0, 2))


def _conv_rows_each(weight):
    """Return a depthwise kernel as [y][x][channels]."""
    return weight.detach().squeeze(1).permute(1, 2, 0).contiguous()


def _conv_rows_spread(weight, points):
    """Return a 3x3 kernel at Winograd's points, G w G^T in fp64: for each pair of them panels [in][panel]."""
    rows = [[1 / scale, at / scale, at * at / scale] for at, scale in points]
    g = torch.tensor([*rows, [0, 0, 1]], dtype=torch.float64)
    taps = weight.detach().double().permute(2, 3, 1, 0).flatten(0, 1)
    planes = torch.kron(g, g) @ taps.flatten(1)
    return _conv_rows_panels(planes.float().view(-1, *taps.shape[1:]))


def _conv_rows_spread_2(weight):
    return _conv_rows_spread(weight, ((0.0, 1), (1.0, 2), (-1.0, 2)))


def _conv_rows_spread_4(weight):
    a, b = 0.5**0.5, 2**0.5
    return _conv_rows_spread(weight, ((0.0, 1), (a, -1.5), (-a, -1.5), (b, 6), (-b, 6)))


def conv_rows(x, weight, bias, stride, padding, act="none", affine=None, affine_act="none", moments=False):
    """Return a convolution in channels-last order, of act(x * scale + shift) if there is an affine.

    x may be a tuple of images whose channels lie side by side; they are read where they are.
    A weight of one input channel for more of x's is depthwise. With ``moments`` also [2, out], fp64: mean and
    biased variance of each channel of the result.
    """
    parts, count = None, 0
    if isinstance(x, tuple):
        images = [_conv_rows_taken(image) for image in x]
        parts = torch.tensor([n for image in images for n in (image.data_ptr(), image.shape[1])])
        x, count = images[0], len(images)
        channels = sum(image.shape[1] for image in images)
    else:
        channels = x.shape[1]
    batch, _, height, width = x.shape
    out, inner, size_y, size_x = weight.shape
    rows = (height + 2 * padding[0] - size_y) // stride[0] + 1
    columns = (width + 2 * padding[1] - size_x) // stride[1] + 1
    y = torch.empty((batch, out, rows, columns), dtype=torch.float32, memory_format=torch.channels_last)
    seen = torch.empty(2, out, dtype=torch.float64) if moments else None
    planar = inner == channels <= 4 and parts is None and affine is None and x.is_contiguous()
    if not planar or x.dtype != torch.float32:
        x = _conv_rows_taken(x)
    before = (x.data_ptr(), parts, count, affine, _conv_rows_act(affine_act))
    after = (bias, _conv_rows_act(act), y.data_ptr(), seen, batch, height, width, channels)
    if inner != channels:
        packed = kernelevo.packed(_conv_rows_each, weight)
        _conv_rows.conv_rows_depthwise(*before, packed, *after, size_y, size_x, *stride, *padding)
    elif size_y == size_x == 1 and padding == (0, 0) and not planar:
        packed = kernelevo.packed(_conv_rows_plain, weight)
        _conv_rows.conv_rows_product(*before, packed, *after, out, *stride)
    elif size_y == size_x == 3 and stride == (1, 1) and min(channels, out) >= TUNE["CONV_ROWS_WINOGRAD"][0]:
        side = 4 if min(rows, columns) >= TUNE["CONV_ROWS_WIDE"][0] else 2
        packed = kernelevo.packed(_conv_rows_spread_4 if side == 4 else _conv_rows_spread_2, weight)
        _conv_rows.conv_rows_winograd(*before, side, packed, *after, out, *padding)
    else:
        packed = kernelevo.packed(_conv_rows_plain, weight)
        _conv_rows.conv_rows_direct(*before, planar, packed, *after, out, size_y, size_x, *stride, *padding)
    return (y, seen) if moments else y


def conv_rows_moments(x):
    """Return mean and biased variance of each channel, [2, channels], fp64."""
    x = _conv_rows_taken(x)
    moments = torch.empty(2, x.shape[1], dtype=torch.float64)
    _conv_rows.conv_rows_moments(x.data_ptr(), moments, x.numel() // x.shape[1], x.shape[1])
    return moments


def conv_rows_norm(moments, count, weight, bias, running_mean, running_var, momentum, eps):
    """Return a batch normalisation's scale and shift, [2, channels]; without moments by its running ones."""
    channels = running_mean.shape[0] if moments is None else moments.shape[1]
    affine = torch.empty(2, channels, dtype=torch.float32)
    _conv_rows.conv_rows_norm(
        moments, count, weight, bias, running_mean, running_var, affine, channels, momentum, eps
    )
    return affine


def conv_rows_apply(x, affine, act, other=None, other_affine=None):
    """Return act(x * scale + shift), with ``other`` (normalised if it has an affine) added before act."""
    x = _conv_rows_taken(x)
    if other is not None:
        other = _conv_rows_taken(other)
    y, channels = torch.empty_like(x), x.shape[1]
    beside = None if other is None else other.data_ptr()
    _conv_rows.conv_rows_apply(
        x.data_ptr(), affine, beside, other_affine, _conv_rows_act(act), y.data_ptr(), x.numel() // channels,
        channels,
    )
    return y

def packed_linear_weight(weight):
    """Return a weight [out, in] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), None)


def packed_matmul_weight(weight):
    """Return a weight [in, out] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().t().contiguous(), None)


def packed_matmul(x, weight, bias):
    """Product with a constant matrix [in, out]; the packed matrix follows its parameter."""
    weight = kernelevo.packed(packed_matmul_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def packed_linear(x, weight, bias, post="none", algorithm=""):
    """Linear layer with a fused activation; the packed weight follows its parameter."""
    weight = kernelevo.packed(packed_linear_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, post, [], algorithm)


class Part(nn.Module):
    """A named group of tensors; names that are numbers are reached by index."""

    def __getitem__(self, key):
        return getattr(self, str(key))


def hold(module, name, tensor, kind):
    """Register ``tensor`` under its dotted name; groups are made as needed."""
    *path, leaf = name.split(".")
    for part in path:
        if part not in module._modules:
            module.add_module(part, Part())
        module = module._modules[part]
    if isinstance(tensor, nn.Parameter):
        module.register_parameter(leaf, tensor)
    else:
        module.register_buffer(leaf, tensor, persistent=kind == "buffer")


class ModelNew(nn.Module):
    def __init__(self, *init_args, **init_kwargs):
        super().__init__()
        hold(
            self, "features.0.weight",
            nn.Parameter(torch.zeros((64, 3, 7, 7), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "features.1.weight", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "features.1.bias", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "blocks.0.layers.0.0.weight",
            nn.Parameter(torch.zeros((64,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.0.0.bias", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "blocks.0.layers.0.2.weight",
            nn.Parameter(torch.zeros((32, 64, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.1.0.weight",
            nn.Parameter(torch.zeros((96,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.1.0.bias", nn.Parameter(torch.zeros((96,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "blocks.0.layers.1.2.weight",
            nn.Parameter(torch.zeros((32, 96, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.2.0.weight",
            nn.Parameter(torch.zeros((128,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.2.0.bias",
            nn.Parameter(torch.zeros((128,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.2.2.weight",
            nn.Parameter(torch.zeros((32, 128, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.3.0.weight",
            nn.Parameter(torch.zeros((160,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.3.0.bias",
            nn.Parameter(torch.zeros((160,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.3.2.weight",
            nn.Parameter(torch.zeros((32, 160, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.4.0.weight",
            nn.Parameter(torch.zeros((192,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.4.0.bias",
            nn.Parameter(torch.zeros((192,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.4.2.weight",
            nn.Parameter(torch.zeros((32, 192, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.5.0.weight",
            nn.Parameter(torch.zeros((224,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.5.0.bias",
            nn.Parameter(torch.zeros((224,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.0.layers.5.2.weight",
            nn.Parameter(torch.zeros((32, 224, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.0.0.weight",
            nn.Parameter(torch.zeros((128,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.0.0.bias",
            nn.Parameter(torch.zeros((128,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.0.2.weight",
            nn.Parameter(torch.zeros((32, 128, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.1.0.weight",
            nn.Parameter(torch.zeros((160,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.1.0.bias",
            nn.Parameter(torch.zeros((160,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.1.2.weight",
            nn.Parameter(torch.zeros((32, 160, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.2.0.weight",
            nn.Parameter(torch.zeros((192,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.2.0.bias",
            nn.Parameter(torch.zeros((192,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.2.2.weight",
            nn.Parameter(torch.zeros((32, 192, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.3.0.weight",
            nn.Parameter(torch.zeros((224,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.3.0.bias",
            nn.Parameter(torch.zeros((224,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.3.2.weight",
            nn.Parameter(torch.zeros((32, 224, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.4.0.weight",
            nn.Parameter(torch.zeros((256,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.4.0.bias",
            nn.Parameter(torch.zeros((256,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.4.2.weight",
            nn.Parameter(torch.zeros((32, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.5.0.weight",
            nn.Parameter(torch.zeros((288,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.5.0.bias",
            nn.Parameter(torch.zeros((288,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.5.2.weight",
            nn.Parameter(torch.zeros((32, 288, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.6.0.weight",
            nn.Parameter(torch.zeros((320,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.6.0.bias",
            nn.Parameter(torch.zeros((320,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.6.2.weight",
            nn.Parameter(torch.zeros((32, 320, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.7.0.weight",
            nn.Parameter(torch.zeros((352,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.7.0.bias",
            nn.Parameter(torch.zeros((352,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.7.2.weight",
            nn.Parameter(torch.zeros((32, 352, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.8.0.weight",
            nn.Parameter(torch.zeros((384,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.8.0.bias",
            nn.Parameter(torch.zeros((384,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.8.2.weight",
            nn.Parameter(torch.zeros((32, 384, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.9.0.weight",
            nn.Parameter(torch.zeros((416,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.9.0.bias",
            nn.Parameter(torch.zeros((416,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.9.2.weight",
            nn.Parameter(torch.zeros((32, 416, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.10.0.weight",
            nn.Parameter(torch.zeros((448,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.10.0.bias",
            nn.Parameter(torch.zeros((448,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.10.2.weight",
            nn.Parameter(torch.zeros((32, 448, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.11.0.weight",
            nn.Parameter(torch.zeros((480,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.11.0.bias",
            nn.Parameter(torch.zeros((480,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.1.layers.11.2.weight",
            nn.Parameter(torch.zeros((32, 480, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.0.0.weight",
            nn.Parameter(torch.zeros((256,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.0.0.bias",
            nn.Parameter(torch.zeros((256,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.0.2.weight",
            nn.Parameter(torch.zeros((32, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.1.0.weight",
            nn.Parameter(torch.zeros((288,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.1.0.bias",
            nn.Parameter(torch.zeros((288,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.1.2.weight",
            nn.Parameter(torch.zeros((32, 288, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.2.0.weight",
            nn.Parameter(torch.zeros((320,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.2.0.bias",
            nn.Parameter(torch.zeros((320,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.2.2.weight",
            nn.Parameter(torch.zeros((32, 320, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.3.0.weight",
            nn.Parameter(torch.zeros((352,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.3.0.bias",
            nn.Parameter(torch.zeros((352,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.3.2.weight",
            nn.Parameter(torch.zeros((32, 352, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.4.0.weight",
            nn.Parameter(torch.zeros((384,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.4.0.bias",
            nn.Parameter(torch.zeros((384,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.4.2.weight",
            nn.Parameter(torch.zeros((32, 384, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.5.0.weight",
            nn.Parameter(torch.zeros((416,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.5.0.bias",
            nn.Parameter(torch.zeros((416,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.5.2.weight",
            nn.Parameter(torch.zeros((32, 416, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.6.0.weight",
            nn.Parameter(torch.zeros((448,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.6.0.bias",
            nn.Parameter(torch.zeros((448,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.6.2.weight",
            nn.Parameter(torch.zeros((32, 448, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.7.0.weight",
            nn.Parameter(torch.zeros((480,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.7.0.bias",
            nn.Parameter(torch.zeros((480,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.7.2.weight",
            nn.Parameter(torch.zeros((32, 480, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.8.0.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.8.0.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.8.2.weight",
            nn.Parameter(torch.zeros((32, 512, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.9.0.weight",
            nn.Parameter(torch.zeros((544,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.9.0.bias",
            nn.Parameter(torch.zeros((544,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.9.2.weight",
            nn.Parameter(torch.zeros((32, 544, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.10.0.weight",
            nn.Parameter(torch.zeros((576,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.10.0.bias",
            nn.Parameter(torch.zeros((576,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.10.2.weight",
            nn.Parameter(torch.zeros((32, 576, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.11.0.weight",
            nn.Parameter(torch.zeros((608,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.11.0.bias",
            nn.Parameter(torch.zeros((608,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.11.2.weight",
            nn.Parameter(torch.zeros((32, 608, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.12.0.weight",
            nn.Parameter(torch.zeros((640,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.12.0.bias",
            nn.Parameter(torch.zeros((640,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.12.2.weight",
            nn.Parameter(torch.zeros((32, 640, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.13.0.weight",
            nn.Parameter(torch.zeros((672,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.13.0.bias",
            nn.Parameter(torch.zeros((672,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.13.2.weight",
            nn.Parameter(torch.zeros((32, 672, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.14.0.weight",
            nn.Parameter(torch.zeros((704,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.14.0.bias",
            nn.Parameter(torch.zeros((704,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.14.2.weight",
            nn.Parameter(torch.zeros((32, 704, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.15.0.weight",
            nn.Parameter(torch.zeros((736,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.15.0.bias",
            nn.Parameter(torch.zeros((736,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.15.2.weight",
            nn.Parameter(torch.zeros((32, 736, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.16.0.weight",
            nn.Parameter(torch.zeros((768,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.16.0.bias",
            nn.Parameter(torch.zeros((768,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.16.2.weight",
            nn.Parameter(torch.zeros((32, 768, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.17.0.weight",
            nn.Parameter(torch.zeros((800,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.17.0.bias",
            nn.Parameter(torch.zeros((800,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.17.2.weight",
            nn.Parameter(torch.zeros((32, 800, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.18.0.weight",
            nn.Parameter(torch.zeros((832,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.18.0.bias",
            nn.Parameter(torch.zeros((832,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.18.2.weight",
            nn.Parameter(torch.zeros((32, 832, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.19.0.weight",
            nn.Parameter(torch.zeros((864,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.19.0.bias",
            nn.Parameter(torch.zeros((864,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.19.2.weight",
            nn.Parameter(torch.zeros((32, 864, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.20.0.weight",
            nn.Parameter(torch.zeros((896,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.20.0.bias",
            nn.Parameter(torch.zeros((896,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.20.2.weight",
            nn.Parameter(torch.zeros((32, 896, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.21.0.weight",
            nn.Parameter(torch.zeros((928,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.21.0.bias",
            nn.Parameter(torch.zeros((928,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.21.2.weight",
            nn.Parameter(torch.zeros((32, 928, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.22.0.weight",
            nn.Parameter(torch.zeros((960,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.22.0.bias",
            nn.Parameter(torch.zeros((960,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.22.2.weight",
            nn.Parameter(torch.zeros((32, 960, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.23.0.weight",
            nn.Parameter(torch.zeros((992,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.23.0.bias",
            nn.Parameter(torch.zeros((992,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.23.2.weight",
            nn.Parameter(torch.zeros((32, 992, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.24.0.weight",
            nn.Parameter(torch.zeros((1024,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.24.0.bias",
            nn.Parameter(torch.zeros((1024,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.24.2.weight",
            nn.Parameter(torch.zeros((32, 1024, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.25.0.weight",
            nn.Parameter(torch.zeros((1056,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.25.0.bias",
            nn.Parameter(torch.zeros((1056,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.25.2.weight",
            nn.Parameter(torch.zeros((32, 1056, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.26.0.weight",
            nn.Parameter(torch.zeros((1088,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.26.0.bias",
            nn.Parameter(torch.zeros((1088,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.26.2.weight",
            nn.Parameter(torch.zeros((32, 1088, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.27.0.weight",
            nn.Parameter(torch.zeros((1120,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.27.0.bias",
            nn.Parameter(torch.zeros((1120,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.27.2.weight",
            nn.Parameter(torch.zeros((32, 1120, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.28.0.weight",
            nn.Parameter(torch.zeros((1152,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.28.0.bias",
            nn.Parameter(torch.zeros((1152,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.28.2.weight",
            nn.Parameter(torch.zeros((32, 1152, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.29.0.weight",
            nn.Parameter(torch.zeros((1184,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.29.0.bias",
            nn.Parameter(torch.zeros((1184,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.29.2.weight",
            nn.Parameter(torch.zeros((32, 1184, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.30.0.weight",
            nn.Parameter(torch.zeros((1216,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.30.0.bias",
            nn.Parameter(torch.zeros((1216,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.30.2.weight",
            nn.Parameter(torch.zeros((32, 1216, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.31.0.weight",
            nn.Parameter(torch.zeros((1248,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.31.0.bias",
            nn.Parameter(torch.zeros((1248,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.31.2.weight",
            nn.Parameter(torch.zeros((32, 1248, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.32.0.weight",
            nn.Parameter(torch.zeros((1280,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.32.0.bias",
            nn.Parameter(torch.zeros((1280,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.32.2.weight",
            nn.Parameter(torch.zeros((32, 1280, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.33.0.weight",
            nn.Parameter(torch.zeros((1312,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.33.0.bias",
            nn.Parameter(torch.zeros((1312,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.33.2.weight",
            nn.Parameter(torch.zeros((32, 1312, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.34.0.weight",
            nn.Parameter(torch.zeros((1344,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.34.0.bias",
            nn.Parameter(torch.zeros((1344,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.34.2.weight",
            nn.Parameter(torch.zeros((32, 1344, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.35.0.weight",
            nn.Parameter(torch.zeros((1376,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.35.0.bias",
            nn.Parameter(torch.zeros((1376,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.35.2.weight",
            nn.Parameter(torch.zeros((32, 1376, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.36.0.weight",
            nn.Parameter(torch.zeros((1408,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.36.0.bias",
            nn.Parameter(torch.zeros((1408,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.36.2.weight",
            nn.Parameter(torch.zeros((32, 1408, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.37.0.weight",
            nn.Parameter(torch.zeros((1440,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.37.0.bias",
            nn.Parameter(torch.zeros((1440,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.37.2.weight",
            nn.Parameter(torch.zeros((32, 1440, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.38.0.weight",
            nn.Parameter(torch.zeros((1472,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.38.0.bias",
            nn.Parameter(torch.zeros((1472,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.38.2.weight",
            nn.Parameter(torch.zeros((32, 1472, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.39.0.weight",
            nn.Parameter(torch.zeros((1504,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.39.0.bias",
            nn.Parameter(torch.zeros((1504,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.39.2.weight",
            nn.Parameter(torch.zeros((32, 1504, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.40.0.weight",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.40.0.bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.40.2.weight",
            nn.Parameter(torch.zeros((32, 1536, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.41.0.weight",
            nn.Parameter(torch.zeros((1568,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.41.0.bias",
            nn.Parameter(torch.zeros((1568,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.41.2.weight",
            nn.Parameter(torch.zeros((32, 1568, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.42.0.weight",
            nn.Parameter(torch.zeros((1600,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.42.0.bias",
            nn.Parameter(torch.zeros((1600,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.42.2.weight",
            nn.Parameter(torch.zeros((32, 1600, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.43.0.weight",
            nn.Parameter(torch.zeros((1632,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.43.0.bias",
            nn.Parameter(torch.zeros((1632,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.43.2.weight",
            nn.Parameter(torch.zeros((32, 1632, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.44.0.weight",
            nn.Parameter(torch.zeros((1664,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.44.0.bias",
            nn.Parameter(torch.zeros((1664,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.44.2.weight",
            nn.Parameter(torch.zeros((32, 1664, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.45.0.weight",
            nn.Parameter(torch.zeros((1696,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.45.0.bias",
            nn.Parameter(torch.zeros((1696,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.45.2.weight",
            nn.Parameter(torch.zeros((32, 1696, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.46.0.weight",
            nn.Parameter(torch.zeros((1728,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.46.0.bias",
            nn.Parameter(torch.zeros((1728,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.46.2.weight",
            nn.Parameter(torch.zeros((32, 1728, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.47.0.weight",
            nn.Parameter(torch.zeros((1760,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.47.0.bias",
            nn.Parameter(torch.zeros((1760,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.2.layers.47.2.weight",
            nn.Parameter(torch.zeros((32, 1760, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.0.0.weight",
            nn.Parameter(torch.zeros((896,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.0.0.bias",
            nn.Parameter(torch.zeros((896,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.0.2.weight",
            nn.Parameter(torch.zeros((32, 896, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.1.0.weight",
            nn.Parameter(torch.zeros((928,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.1.0.bias",
            nn.Parameter(torch.zeros((928,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.1.2.weight",
            nn.Parameter(torch.zeros((32, 928, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.2.0.weight",
            nn.Parameter(torch.zeros((960,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.2.0.bias",
            nn.Parameter(torch.zeros((960,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.2.2.weight",
            nn.Parameter(torch.zeros((32, 960, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.3.0.weight",
            nn.Parameter(torch.zeros((992,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.3.0.bias",
            nn.Parameter(torch.zeros((992,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.3.2.weight",
            nn.Parameter(torch.zeros((32, 992, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.4.0.weight",
            nn.Parameter(torch.zeros((1024,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.4.0.bias",
            nn.Parameter(torch.zeros((1024,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.4.2.weight",
            nn.Parameter(torch.zeros((32, 1024, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.5.0.weight",
            nn.Parameter(torch.zeros((1056,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.5.0.bias",
            nn.Parameter(torch.zeros((1056,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.5.2.weight",
            nn.Parameter(torch.zeros((32, 1056, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.6.0.weight",
            nn.Parameter(torch.zeros((1088,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.6.0.bias",
            nn.Parameter(torch.zeros((1088,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.6.2.weight",
            nn.Parameter(torch.zeros((32, 1088, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.7.0.weight",
            nn.Parameter(torch.zeros((1120,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.7.0.bias",
            nn.Parameter(torch.zeros((1120,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.7.2.weight",
            nn.Parameter(torch.zeros((32, 1120, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.8.0.weight",
            nn.Parameter(torch.zeros((1152,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.8.0.bias",
            nn.Parameter(torch.zeros((1152,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.8.2.weight",
            nn.Parameter(torch.zeros((32, 1152, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.9.0.weight",
            nn.Parameter(torch.zeros((1184,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.9.0.bias",
            nn.Parameter(torch.zeros((1184,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.9.2.weight",
            nn.Parameter(torch.zeros((32, 1184, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.10.0.weight",
            nn.Parameter(torch.zeros((1216,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.10.0.bias",
            nn.Parameter(torch.zeros((1216,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.10.2.weight",
            nn.Parameter(torch.zeros((32, 1216, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.11.0.weight",
            nn.Parameter(torch.zeros((1248,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.11.0.bias",
            nn.Parameter(torch.zeros((1248,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.11.2.weight",
            nn.Parameter(torch.zeros((32, 1248, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.12.0.weight",
            nn.Parameter(torch.zeros((1280,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.12.0.bias",
            nn.Parameter(torch.zeros((1280,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.12.2.weight",
            nn.Parameter(torch.zeros((32, 1280, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.13.0.weight",
            nn.Parameter(torch.zeros((1312,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.13.0.bias",
            nn.Parameter(torch.zeros((1312,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.13.2.weight",
            nn.Parameter(torch.zeros((32, 1312, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.14.0.weight",
            nn.Parameter(torch.zeros((1344,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.14.0.bias",
            nn.Parameter(torch.zeros((1344,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.14.2.weight",
            nn.Parameter(torch.zeros((32, 1344, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.15.0.weight",
            nn.Parameter(torch.zeros((1376,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.15.0.bias",
            nn.Parameter(torch.zeros((1376,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.15.2.weight",
            nn.Parameter(torch.zeros((32, 1376, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.16.0.weight",
            nn.Parameter(torch.zeros((1408,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.16.0.bias",
            nn.Parameter(torch.zeros((1408,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.16.2.weight",
            nn.Parameter(torch.zeros((32, 1408, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.17.0.weight",
            nn.Parameter(torch.zeros((1440,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.17.0.bias",
            nn.Parameter(torch.zeros((1440,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.17.2.weight",
            nn.Parameter(torch.zeros((32, 1440, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.18.0.weight",
            nn.Parameter(torch.zeros((1472,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.18.0.bias",
            nn.Parameter(torch.zeros((1472,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.18.2.weight",
            nn.Parameter(torch.zeros((32, 1472, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.19.0.weight",
            nn.Parameter(torch.zeros((1504,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.19.0.bias",
            nn.Parameter(torch.zeros((1504,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.19.2.weight",
            nn.Parameter(torch.zeros((32, 1504, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.20.0.weight",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.20.0.bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.20.2.weight",
            nn.Parameter(torch.zeros((32, 1536, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.21.0.weight",
            nn.Parameter(torch.zeros((1568,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.21.0.bias",
            nn.Parameter(torch.zeros((1568,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.21.2.weight",
            nn.Parameter(torch.zeros((32, 1568, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.22.0.weight",
            nn.Parameter(torch.zeros((1600,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.22.0.bias",
            nn.Parameter(torch.zeros((1600,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.22.2.weight",
            nn.Parameter(torch.zeros((32, 1600, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.23.0.weight",
            nn.Parameter(torch.zeros((1632,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.23.0.bias",
            nn.Parameter(torch.zeros((1632,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.23.2.weight",
            nn.Parameter(torch.zeros((32, 1632, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.24.0.weight",
            nn.Parameter(torch.zeros((1664,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.24.0.bias",
            nn.Parameter(torch.zeros((1664,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.24.2.weight",
            nn.Parameter(torch.zeros((32, 1664, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.25.0.weight",
            nn.Parameter(torch.zeros((1696,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.25.0.bias",
            nn.Parameter(torch.zeros((1696,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.25.2.weight",
            nn.Parameter(torch.zeros((32, 1696, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.26.0.weight",
            nn.Parameter(torch.zeros((1728,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.26.0.bias",
            nn.Parameter(torch.zeros((1728,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.26.2.weight",
            nn.Parameter(torch.zeros((32, 1728, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.27.0.weight",
            nn.Parameter(torch.zeros((1760,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.27.0.bias",
            nn.Parameter(torch.zeros((1760,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.27.2.weight",
            nn.Parameter(torch.zeros((32, 1760, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.28.0.weight",
            nn.Parameter(torch.zeros((1792,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.28.0.bias",
            nn.Parameter(torch.zeros((1792,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.28.2.weight",
            nn.Parameter(torch.zeros((32, 1792, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.29.0.weight",
            nn.Parameter(torch.zeros((1824,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.29.0.bias",
            nn.Parameter(torch.zeros((1824,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.29.2.weight",
            nn.Parameter(torch.zeros((32, 1824, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.30.0.weight",
            nn.Parameter(torch.zeros((1856,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.30.0.bias",
            nn.Parameter(torch.zeros((1856,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.30.2.weight",
            nn.Parameter(torch.zeros((32, 1856, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.31.0.weight",
            nn.Parameter(torch.zeros((1888,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.31.0.bias",
            nn.Parameter(torch.zeros((1888,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "blocks.3.layers.31.2.weight",
            nn.Parameter(torch.zeros((32, 1888, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "transitions.0.0.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "transitions.0.0.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "transitions.0.2.weight",
            nn.Parameter(torch.zeros((128, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "transitions.1.0.weight", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "transitions.1.0.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "transitions.1.2.weight",
            nn.Parameter(torch.zeros((256, 512, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "transitions.2.0.weight", nn.Parameter(torch.zeros((1792,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "transitions.2.0.bias", nn.Parameter(torch.zeros((1792,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "transitions.2.2.weight",
            nn.Parameter(torch.zeros((896, 1792, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "norm.weight", nn.Parameter(torch.zeros((1920,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "norm.bias", nn.Parameter(torch.zeros((1920,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "classifier.weight", nn.Parameter(torch.zeros((10, 1920), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "classifier.bias", nn.Parameter(torch.zeros((10,), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "features.1.running_mean", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "features.1.running_var", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "features.1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(
            self, "blocks.0.layers.0.0.running_mean", torch.zeros((64,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.0.0.running_var", torch.zeros((64,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.0.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.1.0.running_mean", torch.zeros((96,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.1.0.running_var", torch.zeros((96,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.1.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.2.0.running_mean", torch.zeros((128,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.2.0.running_var", torch.zeros((128,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.2.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.3.0.running_mean", torch.zeros((160,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.3.0.running_var", torch.zeros((160,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.3.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.4.0.running_mean", torch.zeros((192,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.4.0.running_var", torch.zeros((192,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.4.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.5.0.running_mean", torch.zeros((224,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.5.0.running_var", torch.zeros((224,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.0.layers.5.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.0.0.running_mean", torch.zeros((128,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.0.0.running_var", torch.zeros((128,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.0.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.1.0.running_mean", torch.zeros((160,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.1.0.running_var", torch.zeros((160,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.1.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.2.0.running_mean", torch.zeros((192,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.2.0.running_var", torch.zeros((192,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.2.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.3.0.running_mean", torch.zeros((224,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.3.0.running_var", torch.zeros((224,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.3.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.4.0.running_mean", torch.zeros((256,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.4.0.running_var", torch.zeros((256,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.4.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.5.0.running_mean", torch.zeros((288,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.5.0.running_var", torch.zeros((288,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.5.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.6.0.running_mean", torch.zeros((320,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.6.0.running_var", torch.zeros((320,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.6.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.7.0.running_mean", torch.zeros((352,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.7.0.running_var", torch.zeros((352,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.7.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.8.0.running_mean", torch.zeros((384,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.8.0.running_var", torch.zeros((384,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.8.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.9.0.running_mean", torch.zeros((416,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.9.0.running_var", torch.zeros((416,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.9.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.10.0.running_mean", torch.zeros((448,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.10.0.running_var", torch.zeros((448,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.10.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.11.0.running_mean", torch.zeros((480,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.11.0.running_var", torch.zeros((480,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.1.layers.11.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.0.0.running_mean", torch.zeros((256,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.0.0.running_var", torch.zeros((256,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.0.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.1.0.running_mean", torch.zeros((288,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.1.0.running_var", torch.zeros((288,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.1.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.2.0.running_mean", torch.zeros((320,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.2.0.running_var", torch.zeros((320,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.2.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.3.0.running_mean", torch.zeros((352,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.3.0.running_var", torch.zeros((352,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.3.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.4.0.running_mean", torch.zeros((384,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.4.0.running_var", torch.zeros((384,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.4.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.5.0.running_mean", torch.zeros((416,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.5.0.running_var", torch.zeros((416,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.5.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.6.0.running_mean", torch.zeros((448,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.6.0.running_var", torch.zeros((448,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.6.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.7.0.running_mean", torch.zeros((480,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.7.0.running_var", torch.zeros((480,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.7.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.8.0.running_mean", torch.zeros((512,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.8.0.running_var", torch.zeros((512,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.8.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.9.0.running_mean", torch.zeros((544,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.9.0.running_var", torch.zeros((544,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.9.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.10.0.running_mean", torch.zeros((576,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.10.0.running_var", torch.zeros((576,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.10.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.11.0.running_mean", torch.zeros((608,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.11.0.running_var", torch.zeros((608,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.11.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.12.0.running_mean", torch.zeros((640,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.12.0.running_var", torch.zeros((640,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.12.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.13.0.running_mean", torch.zeros((672,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.13.0.running_var", torch.zeros((672,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.13.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.14.0.running_mean", torch.zeros((704,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.14.0.running_var", torch.zeros((704,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.14.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.15.0.running_mean", torch.zeros((736,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.15.0.running_var", torch.zeros((736,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.15.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.16.0.running_mean", torch.zeros((768,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.16.0.running_var", torch.zeros((768,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.16.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.17.0.running_mean", torch.zeros((800,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.17.0.running_var", torch.zeros((800,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.17.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.18.0.running_mean", torch.zeros((832,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.18.0.running_var", torch.zeros((832,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.18.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.19.0.running_mean", torch.zeros((864,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.19.0.running_var", torch.zeros((864,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.19.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.20.0.running_mean", torch.zeros((896,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.20.0.running_var", torch.zeros((896,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.20.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.21.0.running_mean", torch.zeros((928,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.21.0.running_var", torch.zeros((928,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.21.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.22.0.running_mean", torch.zeros((960,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.22.0.running_var", torch.zeros((960,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.22.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.23.0.running_mean", torch.zeros((992,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.23.0.running_var", torch.zeros((992,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.23.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.24.0.running_mean", torch.zeros((1024,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.24.0.running_var", torch.zeros((1024,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.24.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.25.0.running_mean", torch.zeros((1056,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.25.0.running_var", torch.zeros((1056,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.25.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.26.0.running_mean", torch.zeros((1088,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.26.0.running_var", torch.zeros((1088,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.26.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.27.0.running_mean", torch.zeros((1120,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.27.0.running_var", torch.zeros((1120,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.27.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.28.0.running_mean", torch.zeros((1152,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.28.0.running_var", torch.zeros((1152,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.28.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.29.0.running_mean", torch.zeros((1184,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.29.0.running_var", torch.zeros((1184,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.29.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.30.0.running_mean", torch.zeros((1216,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.30.0.running_var", torch.zeros((1216,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.30.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.31.0.running_mean", torch.zeros((1248,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.31.0.running_var", torch.zeros((1248,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.31.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.32.0.running_mean", torch.zeros((1280,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.32.0.running_var", torch.zeros((1280,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.32.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.33.0.running_mean", torch.zeros((1312,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.33.0.running_var", torch.zeros((1312,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.33.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.34.0.running_mean", torch.zeros((1344,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.34.0.running_var", torch.zeros((1344,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.34.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.35.0.running_mean", torch.zeros((1376,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.35.0.running_var", torch.zeros((1376,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.35.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.36.0.running_mean", torch.zeros((1408,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.36.0.running_var", torch.zeros((1408,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.36.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.37.0.running_mean", torch.zeros((1440,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.37.0.running_var", torch.zeros((1440,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.37.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.38.0.running_mean", torch.zeros((1472,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.38.0.running_var", torch.zeros((1472,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.38.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.39.0.running_mean", torch.zeros((1504,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.39.0.running_var", torch.zeros((1504,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.39.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.40.0.running_mean", torch.zeros((1536,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.40.0.running_var", torch.zeros((1536,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.40.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.41.0.running_mean", torch.zeros((1568,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.41.0.running_var", torch.zeros((1568,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.41.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.42.0.running_mean", torch.zeros((1600,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.42.0.running_var", torch.zeros((1600,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.42.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.43.0.running_mean", torch.zeros((1632,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.43.0.running_var", torch.zeros((1632,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.43.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.44.0.running_mean", torch.zeros((1664,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.44.0.running_var", torch.zeros((1664,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.44.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.45.0.running_mean", torch.zeros((1696,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.45.0.running_var", torch.zeros((1696,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.45.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.46.0.running_mean", torch.zeros((1728,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.46.0.running_var", torch.zeros((1728,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.46.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.47.0.running_mean", torch.zeros((1760,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.47.0.running_var", torch.zeros((1760,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.2.layers.47.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.0.0.running_mean", torch.zeros((896,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.0.0.running_var", torch.zeros((896,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.0.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.1.0.running_mean", torch.zeros((928,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.1.0.running_var", torch.zeros((928,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.1.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.2.0.running_mean", torch.zeros((960,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.2.0.running_var", torch.zeros((960,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.2.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.3.0.running_mean", torch.zeros((992,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.3.0.running_var", torch.zeros((992,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.3.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.4.0.running_mean", torch.zeros((1024,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.4.0.running_var", torch.zeros((1024,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.4.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.5.0.running_mean", torch.zeros((1056,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.5.0.running_var", torch.zeros((1056,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.5.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.6.0.running_mean", torch.zeros((1088,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.6.0.running_var", torch.zeros((1088,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.6.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.7.0.running_mean", torch.zeros((1120,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.7.0.running_var", torch.zeros((1120,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.7.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.8.0.running_mean", torch.zeros((1152,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.8.0.running_var", torch.zeros((1152,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.8.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.9.0.running_mean", torch.zeros((1184,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.9.0.running_var", torch.zeros((1184,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.9.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.10.0.running_mean", torch.zeros((1216,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.10.0.running_var", torch.zeros((1216,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.10.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.11.0.running_mean", torch.zeros((1248,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.11.0.running_var", torch.zeros((1248,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.11.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.12.0.running_mean", torch.zeros((1280,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.12.0.running_var", torch.zeros((1280,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.12.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.13.0.running_mean", torch.zeros((1312,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.13.0.running_var", torch.zeros((1312,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.13.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.14.0.running_mean", torch.zeros((1344,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.14.0.running_var", torch.zeros((1344,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.14.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.15.0.running_mean", torch.zeros((1376,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.15.0.running_var", torch.zeros((1376,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.15.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.16.0.running_mean", torch.zeros((1408,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.16.0.running_var", torch.zeros((1408,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.16.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.17.0.running_mean", torch.zeros((1440,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.17.0.running_var", torch.zeros((1440,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.17.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.18.0.running_mean", torch.zeros((1472,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.18.0.running_var", torch.zeros((1472,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.18.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.19.0.running_mean", torch.zeros((1504,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.19.0.running_var", torch.zeros((1504,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.19.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.20.0.running_mean", torch.zeros((1536,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.20.0.running_var", torch.zeros((1536,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.20.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.21.0.running_mean", torch.zeros((1568,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.21.0.running_var", torch.zeros((1568,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.21.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.22.0.running_mean", torch.zeros((1600,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.22.0.running_var", torch.zeros((1600,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.22.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.23.0.running_mean", torch.zeros((1632,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.23.0.running_var", torch.zeros((1632,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.23.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.24.0.running_mean", torch.zeros((1664,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.24.0.running_var", torch.zeros((1664,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.24.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.25.0.running_mean", torch.zeros((1696,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.25.0.running_var", torch.zeros((1696,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.25.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.26.0.running_mean", torch.zeros((1728,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.26.0.running_var", torch.zeros((1728,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.26.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.27.0.running_mean", torch.zeros((1760,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.27.0.running_var", torch.zeros((1760,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.27.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.28.0.running_mean", torch.zeros((1792,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.28.0.running_var", torch.zeros((1792,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.28.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.29.0.running_mean", torch.zeros((1824,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.29.0.running_var", torch.zeros((1824,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.29.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.30.0.running_mean", torch.zeros((1856,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.30.0.running_var", torch.zeros((1856,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.30.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.31.0.running_mean", torch.zeros((1888,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.31.0.running_var", torch.zeros((1888,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "blocks.3.layers.31.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "transitions.0.0.running_mean", torch.zeros((256,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "transitions.0.0.running_var", torch.zeros((256,), dtype=torch.float32), "buffer",
        )
        hold(
            self, "transitions.0.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "transitions.1.0.running_mean", torch.zeros((512,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "transitions.1.0.running_var", torch.zeros((512,), dtype=torch.float32), "buffer",
        )
        hold(
            self, "transitions.1.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(
            self, "transitions.2.0.running_mean", torch.zeros((1792,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "transitions.2.0.running_var", torch.zeros((1792,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "transitions.2.0.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(self, "norm.running_mean", torch.zeros((1920,), dtype=torch.float32), "buffer")
        hold(self, "norm.running_var", torch.zeros((1920,), dtype=torch.float32), "buffer")
        hold(self, "norm.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")

    def forward(self, x):
        if self.training is not True:
            raise RuntimeError("this program is for training mode only")
        features_0_weight = self.features[0].weight
        features_1_weight = self.features[1].weight
        features_1_bias = self.features[1].bias
        blocks_0_layers_0_0_weight = self.blocks[0].layers[0][0].weight
        blocks_0_layers_0_0_bias = self.blocks[0].layers[0][0].bias
        blocks_0_layers_0_2_weight = self.blocks[0].layers[0][2].weight
        blocks_0_layers_1_0_weight = self.blocks[0].layers[1][0].weight
        blocks_0_layers_1_0_bias = self.blocks[0].layers[1][0].bias
        blocks_0_layers_1_2_weight = self.blocks[0].layers[1][2].weight
        blocks_0_layers_2_0_weight = self.blocks[0].layers[2][0].weight
        blocks_0_layers_2_0_bias = self.blocks[0].layers[2][0].bias
        blocks_0_layers_2_2_weight = self.blocks[0].layers[2][2].weight
        blocks_0_layers_3_0_weight = self.blocks[0].layers[3][0].weight
        blocks_0_layers_3_0_bias = self.blocks[0].layers[3][0].bias
        blocks_0_layers_3_2_weight = self.blocks[0].layers[3][2].weight
        blocks_0_layers_4_0_weight = self.blocks[0].layers[4][0].weight
        blocks_0_layers_4_0_bias = self.blocks[0].layers[4][0].bias
        blocks_0_layers_4_2_weight = self.blocks[0].layers[4][2].weight
        blocks_0_layers_5_0_weight = self.blocks[0].layers[5][0].weight
        blocks_0_layers_5_0_bias = self.blocks[0].layers[5][0].bias
        blocks_0_layers_5_2_weight = self.blocks[0].layers[5][2].weight
        blocks_1_layers_0_0_weight = self.blocks[1].layers[0][0].weight
        blocks_1_layers_0_0_bias = self.blocks[1].layers[0][0].bias
        blocks_1_layers_0_2_weight = self.blocks[1].layers[0][2].weight
        blocks_1_layers_1_0_weight = self.blocks[1].layers[1][0].weight
        blocks_1_layers_1_0_bias = self.blocks[1].layers[1][0].bias
        blocks_1_layers_1_2_weight = self.blocks[1].layers[1][2].weight
        blocks_1_layers_2_0_weight = self.blocks[1].layers[2][0].weight
        blocks_1_layers_2_0_bias = self.blocks[1].layers[2][0].bias
        blocks_1_layers_2_2_weight = self.blocks[1].layers[2][2].weight
        blocks_1_layers_3_0_weight = self.blocks[1].layers[3][0].weight
        blocks_1_layers_3_0_bias = self.blocks[1].layers[3][0].bias
        blocks_1_layers_3_2_weight = self.blocks[1].layers[3][2].weight
        blocks_1_layers_4_0_weight = self.blocks[1].layers[4][0].weight
        blocks_1_layers_4_0_bias = self.blocks[1].layers[4][0].bias
        blocks_1_layers_4_2_weight = self.blocks[1].layers[4][2].weight
        blocks_1_layers_5_0_weight = self.blocks[1].layers[5][0].weight
        blocks_1_layers_5_0_bias = self.blocks[1].layers[5][0].bias
        blocks_1_layers_5_2_weight = self.blocks[1].layers[5][2].weight
        blocks_1_layers_6_0_weight = self.blocks[1].layers[6][0].weight
        blocks_1_layers_6_0_bias = self.blocks[1].layers[6][0].bias
        blocks_1_layers_6_2_weight = self.blocks[1].layers[6][2].weight
        blocks_1_layers_7_0_weight = self.blocks[1].layers[7][0].weight
        blocks_1_layers_7_0_bias = self.blocks[1].layers[7][0].bias
        blocks_1_layers_7_2_weight = self.blocks[1].layers[7][2].weight
        blocks_1_layers_8_0_weight = self.blocks[1].layers[8][0].weight
        blocks_1_layers_8_0_bias = self.blocks[1].layers[8][0].bias
        blocks_1_layers_8_2_weight = self.blocks[1].layers[8][2].weight
        blocks_1_layers_9_0_weight = self.blocks[1].layers[9][0].weight
        blocks_1_layers_9_0_bias = self.blocks[1].layers[9][0].bias
        blocks_1_layers_9_2_weight = self.blocks[1].layers[9][2].weight
        blocks_1_layers_10_0_weight = self.blocks[1].layers[10][0].weight
        blocks_1_layers_10_0_bias = self.blocks[1].layers[10][0].bias
        blocks_1_layers_10_2_weight = self.blocks[1].layers[10][2].weight
        blocks_1_layers_11_0_weight = self.blocks[1].layers[11][0].weight
        blocks_1_layers_11_0_bias = self.blocks[1].layers[11][0].bias
        blocks_1_layers_11_2_weight = self.blocks[1].layers[11][2].weight
        blocks_2_layers_0_0_weight = self.blocks[2].layers[0][0].weight
        blocks_2_layers_0_0_bias = self.blocks[2].layers[0][0].bias
        blocks_2_layers_0_2_weight = self.blocks[2].layers[0][2].weight
        blocks_2_layers_1_0_weight = self.blocks[2].layers[1][0].weight
        blocks_2_layers_1_0_bias = self.blocks[2].layers[1][0].bias
        blocks_2_layers_1_2_weight = self.blocks[2].layers[1][2].weight
        blocks_2_layers_2_0_weight = self.blocks[2].layers[2][0].weight
        blocks_2_layers_2_0_bias = self.blocks[2].layers[2][0].bias
        blocks_2_layers_2_2_weight = self.blocks[2].layers[2][2].weight
        blocks_2_layers_3_0_weight = self.blocks[2].layers[3][0].weight
        blocks_2_layers_3_0_bias = self.blocks[2].layers[3][0].bias
        blocks_2_layers_3_2_weight = self.blocks[2].layers[3][2].weight
        blocks_2_layers_4_0_weight = self.blocks[2].layers[4][0].weight
        blocks_2_layers_4_0_bias = self.blocks[2].layers[4][0].bias
        blocks_2_layers_4_2_weight = self.blocks[2].layers[4][2].weight
        blocks_2_layers_5_0_weight = self.blocks[2].layers[5][0].weight
        blocks_2_layers_5_0_bias = self.blocks[2].layers[5][0].bias
        blocks_2_layers_5_2_weight = self.blocks[2].layers[5][2].weight
        blocks_2_layers_6_0_weight = self.blocks[2].layers[6][0].weight
        blocks_2_layers_6_0_bias = self.blocks[2].layers[6][0].bias
        blocks_2_layers_6_2_weight = self.blocks[2].layers[6][2].weight
        blocks_2_layers_7_0_weight = self.blocks[2].layers[7][0].weight
        blocks_2_layers_7_0_bias = self.blocks[2].layers[7][0].bias
        blocks_2_layers_7_2_weight = self.blocks[2].layers[7][2].weight
        blocks_2_layers_8_0_weight = self.blocks[2].layers[8][0].weight
        blocks_2_layers_8_0_bias = self.blocks[2].layers[8][0].bias
        blocks_2_layers_8_2_weight = self.blocks[2].layers[8][2].weight
        blocks_2_layers_9_0_weight = self.blocks[2].layers[9][0].weight
        blocks_2_layers_9_0_bias = self.blocks[2].layers[9][0].bias
        blocks_2_layers_9_2_weight = self.blocks[2].layers[9][2].weight
        blocks_2_layers_10_0_weight = self.blocks[2].layers[10][0].weight
        blocks_2_layers_10_0_bias = self.blocks[2].layers[10][0].bias
        blocks_2_layers_10_2_weight = self.blocks[2].layers[10][2].weight
        blocks_2_layers_11_0_weight = self.blocks[2].layers[11][0].weight
        blocks_2_layers_11_0_bias = self.blocks[2].layers[11][0].bias
        blocks_2_layers_11_2_weight = self.blocks[2].layers[11][2].weight
        blocks_2_layers_12_0_weight = self.blocks[2].layers[12][0].weight
        blocks_2_layers_12_0_bias = self.blocks[2].layers[12][0].bias
        blocks_2_layers_12_2_weight = self.blocks[2].layers[12][2].weight
        blocks_2_layers_13_0_weight = self.blocks[2].layers[13][0].weight
        blocks_2_layers_13_0_bias = self.blocks[2].layers[13][0].bias
        blocks_2_layers_13_2_weight = self.blocks[2].layers[13][2].weight
        blocks_2_layers_14_0_weight = self.blocks[2].layers[14][0].weight
        blocks_2_layers_14_0_bias = self.blocks[2].layers[14][0].bias
        blocks_2_layers_14_2_weight = self.blocks[2].layers[14][2].weight
        blocks_2_layers_15_0_weight = self.blocks[2].layers[15][0].weight
        blocks_2_layers_15_0_bias = self.blocks[2].layers[15][0].bias
        blocks_2_layers_15_2_weight = self.blocks[2].layers[15][2].weight
        blocks_2_layers_16_0_weight = self.blocks[2].layers[16][0].weight
        blocks_2_layers_16_0_bias = self.blocks[2].layers[16][0].bias
        blocks_2_layers_16_2_weight = self.blocks[2].layers[16][2].weight
        blocks_2_layers_17_0_weight = self.blocks[2].layers[17][0].weight
        blocks_2_layers_17_0_bias = self.blocks[2].layers[17][0].bias
        blocks_2_layers_17_2_weight = self.blocks[2].layers[17][2].weight
        blocks_2_layers_18_0_weight = self.blocks[2].layers[18][0].weight
        blocks_2_layers_18_0_bias = self.blocks[2].layers[18][0].bias
        blocks_2_layers_18_2_weight = self.blocks[2].layers[18][2].weight
        blocks_2_layers_19_0_weight = self.blocks[2].layers[19][0].weight
        blocks_2_layers_19_0_bias = self.blocks[2].layers[19][0].bias
        blocks_2_layers_19_2_weight = self.blocks[2].layers[19][2].weight
        blocks_2_layers_20_0_weight = self.blocks[2].layers[20][0].weight
        blocks_2_layers_20_0_bias = self.blocks[2].layers[20][0].bias
        blocks_2_layers_20_2_weight = self.blocks[2].layers[20][2].weight
        blocks_2_layers_21_0_weight = self.blocks[2].layers[21][0].weight
        blocks_2_layers_21_0_bias = self.blocks[2].layers[21][0].bias
        blocks_2_layers_21_2_weight = self.blocks[2].layers[21][2].weight
        blocks_2_layers_22_0_weight = self.blocks[2].layers[22][0].weight
        blocks_2_layers_22_0_bias = self.blocks[2].layers[22][0].bias
        blocks_2_layers_22_2_weight = self.blocks[2].layers[22][2].weight
        blocks_2_layers_23_0_weight = self.blocks[2].layers[23][0].weight
        blocks_2_layers_23_0_bias = self.blocks[2].layers[23][0].bias
        blocks_2_layers_23_2_weight = self.blocks[2].layers[23][2].weight
        blocks_2_layers_24_0_weight = self.blocks[2].layers[24][0].weight
        blocks_2_layers_24_0_bias = self.blocks[2].layers[24][0].bias
        blocks_2_layers_24_2_weight = self.blocks[2].layers[24][2].weight
        blocks_2_layers_25_0_weight = self.blocks[2].layers[25][0].weight
        blocks_2_layers_25_0_bias = self.blocks[2].layers[25][0].bias
        blocks_2_layers_25_2_weight = self.blocks[2].layers[25][2].weight
        blocks_2_layers_26_0_weight = self.blocks[2].layers[26][0].weight
        blocks_2_layers_26_0_bias = self.blocks[2].layers[26][0].bias
        blocks_2_layers_26_2_weight = self.blocks[2].layers[26][2].weight
        blocks_2_layers_27_0_weight = self.blocks[2].layers[27][0].weight
        blocks_2_layers_27_0_bias = self.blocks[2].layers[27][0].bias
        blocks_2_layers_27_2_weight = self.blocks[2].layers[27][2].weight
        blocks_2_layers_28_0_weight = self.blocks[2].layers[28][0].weight
        blocks_2_layers_28_0_bias = self.blocks[2].layers[28][0].bias
        blocks_2_layers_28_2_weight = self.blocks[2].layers[28][2].weight
        blocks_2_layers_29_0_weight = self.blocks[2].layers[29][0].weight
        blocks_2_layers_29_0_bias = self.blocks[2].layers[29][0].bias
        blocks_2_layers_29_2_weight = self.blocks[2].layers[29][2].weight
        blocks_2_layers_30_0_weight = self.blocks[2].layers[30][0].weight
        blocks_2_layers_30_0_bias = self.blocks[2].layers[30][0].bias
        blocks_2_layers_30_2_weight = self.blocks[2].layers[30][2].weight
        blocks_2_layers_31_0_weight = self.blocks[2].layers[31][0].weight
        blocks_2_layers_31_0_bias = self.blocks[2].layers[31][0].bias
        blocks_2_layers_31_2_weight = self.blocks[2].layers[31][2].weight
        blocks_2_layers_32_0_weight = self.blocks[2].layers[32][0].weight
        blocks_2_layers_32_0_bias = self.blocks[2].layers[32][0].bias
        blocks_2_layers_32_2_weight = self.blocks[2].layers[32][2].weight
        blocks_2_layers_33_0_weight = self.blocks[2].layers[33][0].weight
        blocks_2_layers_33_0_bias = self.blocks[2].layers[33][0].bias
        blocks_2_layers_33_2_weight = self.blocks[2].layers[33][2].weight
        blocks_2_layers_34_0_weight = self.blocks[2].layers[34][0].weight
        blocks_2_layers_34_0_bias = self.blocks[2].layers[34][0].bias
        blocks_2_layers_34_2_weight = self.blocks[2].layers[34][2].weight
        blocks_2_layers_35_0_weight = self.blocks[2].layers[35][0].weight
        blocks_2_layers_35_0_bias = self.blocks[2].layers[35][0].bias
        blocks_2_layers_35_2_weight = self.blocks[2].layers[35][2].weight
        blocks_2_layers_36_0_weight = self.blocks[2].layers[36][0].weight
        blocks_2_layers_36_0_bias = self.blocks[2].layers[36][0].bias
        blocks_2_layers_36_2_weight = self.blocks[2].layers[36][2].weight
        blocks_2_layers_37_0_weight = self.blocks[2].layers[37][0].weight
        blocks_2_layers_37_0_bias = self.blocks[2].layers[37][0].bias
        blocks_2_layers_37_2_weight = self.blocks[2].layers[37][2].weight
        blocks_2_layers_38_0_weight = self.blocks[2].layers[38][0].weight
        blocks_2_layers_38_0_bias = self.blocks[2].layers[38][0].bias
        blocks_2_layers_38_2_weight = self.blocks[2].layers[38][2].weight
        blocks_2_layers_39_0_weight = self.blocks[2].layers[39][0].weight
        blocks_2_layers_39_0_bias = self.blocks[2].layers[39][0].bias
        blocks_2_layers_39_2_weight = self.blocks[2].layers[39][2].weight
        blocks_2_layers_40_0_weight = self.blocks[2].layers[40][0].weight
        blocks_2_layers_40_0_bias = self.blocks[2].layers[40][0].bias
        blocks_2_layers_40_2_weight = self.blocks[2].layers[40][2].weight
        blocks_2_layers_41_0_weight = self.blocks[2].layers[41][0].weight
        blocks_2_layers_41_0_bias = self.blocks[2].layers[41][0].bias
        blocks_2_layers_41_2_weight = self.blocks[2].layers[41][2].weight
        blocks_2_layers_42_0_weight = self.blocks[2].layers[42][0].weight
        blocks_2_layers_42_0_bias = self.blocks[2].layers[42][0].bias
        blocks_2_layers_42_2_weight = self.blocks[2].layers[42][2].weight
        blocks_2_layers_43_0_weight = self.blocks[2].layers[43][0].weight
        blocks_2_layers_43_0_bias = self.blocks[2].layers[43][0].bias
        blocks_2_layers_43_2_weight = self.blocks[2].layers[43][2].weight
        blocks_2_layers_44_0_weight = self.blocks[2].layers[44][0].weight
        blocks_2_layers_44_0_bias = self.blocks[2].layers[44][0].bias
        blocks_2_layers_44_2_weight = self.blocks[2].layers[44][2].weight
        blocks_2_layers_45_0_weight = self.blocks[2].layers[45][0].weight
        blocks_2_layers_45_0_bias = self.blocks[2].layers[45][0].bias
        blocks_2_layers_45_2_weight = self.blocks[2].layers[45][2].weight
        blocks_2_layers_46_0_weight = self.blocks[2].layers[46][0].weight
        blocks_2_layers_46_0_bias = self.blocks[2].layers[46][0].bias
        blocks_2_layers_46_2_weight = self.blocks[2].layers[46][2].weight
        blocks_2_layers_47_0_weight = self.blocks[2].layers[47][0].weight
        blocks_2_layers_47_0_bias = self.blocks[2].layers[47][0].bias
        blocks_2_layers_47_2_weight = self.blocks[2].layers[47][2].weight
        blocks_3_layers_0_0_weight = self.blocks[3].layers[0][0].weight
        blocks_3_layers_0_0_bias = self.blocks[3].layers[0][0].bias
        blocks_3_layers_0_2_weight = self.blocks[3].layers[0][2].weight
        blocks_3_layers_1_0_weight = self.blocks[3].layers[1][0].weight
        blocks_3_layers_1_0_bias = self.blocks[3].layers[1][0].bias
        blocks_3_layers_1_2_weight = self.blocks[3].layers[1][2].weight
        blocks_3_layers_2_0_weight = self.blocks[3].layers[2][0].weight
        blocks_3_layers_2_0_bias = self.blocks[3].layers[2][0].bias
        blocks_3_layers_2_2_weight = self.blocks[3].layers[2][2].weight
        blocks_3_layers_3_0_weight = self.blocks[3].layers[3][0].weight
        blocks_3_layers_3_0_bias = self.blocks[3].layers[3][0].bias
        blocks_3_layers_3_2_weight = self.blocks[3].layers[3][2].weight
        blocks_3_layers_4_0_weight = self.blocks[3].layers[4][0].weight
        blocks_3_layers_4_0_bias = self.blocks[3].layers[4][0].bias
        blocks_3_layers_4_2_weight = self.blocks[3].layers[4][2].weight
        blocks_3_layers_5_0_weight = self.blocks[3].layers[5][0].weight
        blocks_3_layers_5_0_bias = self.blocks[3].layers[5][0].bias
        blocks_3_layers_5_2_weight = self.blocks[3].layers[5][2].weight
        blocks_3_layers_6_0_weight = self.blocks[3].layers[6][0].weight
        blocks_3_layers_6_0_bias = self.blocks[3].layers[6][0].bias
        blocks_3_layers_6_2_weight = self.blocks[3].layers[6][2].weight
        blocks_3_layers_7_0_weight = self.blocks[3].layers[7][0].weight
        blocks_3_layers_7_0_bias = self.blocks[3].layers[7][0].bias
        blocks_3_layers_7_2_weight = self.blocks[3].layers[7][2].weight
        blocks_3_layers_8_0_weight = self.blocks[3].layers[8][0].weight
        blocks_3_layers_8_0_bias = self.blocks[3].layers[8][0].bias
        blocks_3_layers_8_2_weight = self.blocks[3].layers[8][2].weight
        blocks_3_layers_9_0_weight = self.blocks[3].layers[9][0].weight
        blocks_3_layers_9_0_bias = self.blocks[3].layers[9][0].bias
        blocks_3_layers_9_2_weight = self.blocks[3].layers[9][2].weight
        blocks_3_layers_10_0_weight = self.blocks[3].layers[10][0].weight
        blocks_3_layers_10_0_bias = self.blocks[3].layers[10][0].bias
        blocks_3_layers_10_2_weight = self.blocks[3].layers[10][2].weight
        blocks_3_layers_11_0_weight = self.blocks[3].layers[11][0].weight
        blocks_3_layers_11_0_bias = self.blocks[3].layers[11][0].bias
        blocks_3_layers_11_2_weight = self.blocks[3].layers[11][2].weight
        blocks_3_layers_12_0_weight = self.blocks[3].layers[12][0].weight
        blocks_3_layers_12_0_bias = self.blocks[3].layers[12][0].bias
        blocks_3_layers_12_2_weight = self.blocks[3].layers[12][2].weight
        blocks_3_layers_13_0_weight = self.blocks[3].layers[13][0].weight
        blocks_3_layers_13_0_bias = self.blocks[3].layers[13][0].bias
        blocks_3_layers_13_2_weight = self.blocks[3].layers[13][2].weight
        blocks_3_layers_14_0_weight = self.blocks[3].layers[14][0].weight
        blocks_3_layers_14_0_bias = self.blocks[3].layers[14][0].bias
        blocks_3_layers_14_2_weight = self.blocks[3].layers[14][2].weight
        blocks_3_layers_15_0_weight = self.blocks[3].layers[15][0].weight
        blocks_3_layers_15_0_bias = self.blocks[3].layers[15][0].bias
        blocks_3_layers_15_2_weight = self.blocks[3].layers[15][2].weight
        blocks_3_layers_16_0_weight = self.blocks[3].layers[16][0].weight
        blocks_3_layers_16_0_bias = self.blocks[3].layers[16][0].bias
        blocks_3_layers_16_2_weight = self.blocks[3].layers[16][2].weight
        blocks_3_layers_17_0_weight = self.blocks[3].layers[17][0].weight
        blocks_3_layers_17_0_bias = self.blocks[3].layers[17][0].bias
        blocks_3_layers_17_2_weight = self.blocks[3].layers[17][2].weight
        blocks_3_layers_18_0_weight = self.blocks[3].layers[18][0].weight
        blocks_3_layers_18_0_bias = self.blocks[3].layers[18][0].bias
        blocks_3_layers_18_2_weight = self.blocks[3].layers[18][2].weight
        blocks_3_layers_19_0_weight = self.blocks[3].layers[19][0].weight
        blocks_3_layers_19_0_bias = self.blocks[3].layers[19][0].bias
        blocks_3_layers_19_2_weight = self.blocks[3].layers[19][2].weight
        blocks_3_layers_20_0_weight = self.blocks[3].layers[20][0].weight
        blocks_3_layers_20_0_bias = self.blocks[3].layers[20][0].bias
        blocks_3_layers_20_2_weight = self.blocks[3].layers[20][2].weight
        blocks_3_layers_21_0_weight = self.blocks[3].layers[21][0].weight
        blocks_3_layers_21_0_bias = self.blocks[3].layers[21][0].bias
        blocks_3_layers_21_2_weight = self.blocks[3].layers[21][2].weight
        blocks_3_layers_22_0_weight = self.blocks[3].layers[22][0].weight
        blocks_3_layers_22_0_bias = self.blocks[3].layers[22][0].bias
        blocks_3_layers_22_2_weight = self.blocks[3].layers[22][2].weight
        blocks_3_layers_23_0_weight = self.blocks[3].layers[23][0].weight
        blocks_3_layers_23_0_bias = self.blocks[3].layers[23][0].bias
        blocks_3_layers_23_2_weight = self.blocks[3].layers[23][2].weight
        blocks_3_layers_24_0_weight = self.blocks[3].layers[24][0].weight
        blocks_3_layers_24_0_bias = self.blocks[3].layers[24][0].bias
        blocks_3_layers_24_2_weight = self.blocks[3].layers[24][2].weight
        blocks_3_layers_25_0_weight = self.blocks[3].layers[25][0].weight
        blocks_3_layers_25_0_bias = self.blocks[3].layers[25][0].bias
        blocks_3_layers_25_2_weight = self.blocks[3].layers[25][2].weight
        blocks_3_layers_26_0_weight = self.blocks[3].layers[26][0].weight
        blocks_3_layers_26_0_bias = self.blocks[3].layers[26][0].bias
        blocks_3_layers_26_2_weight = self.blocks[3].layers[26][2].weight
        blocks_3_layers_27_0_weight = self.blocks[3].layers[27][0].weight
        blocks_3_layers_27_0_bias = self.blocks[3].layers[27][0].bias
        blocks_3_layers_27_2_weight = self.blocks[3].layers[27][2].weight
        blocks_3_layers_28_0_weight = self.blocks[3].layers[28][0].weight
        blocks_3_layers_28_0_bias = self.blocks[3].layers[28][0].bias
        blocks_3_layers_28_2_weight = self.blocks[3].layers[28][2].weight
        blocks_3_layers_29_0_weight = self.blocks[3].layers[29][0].weight
        blocks_3_layers_29_0_bias = self.blocks[3].layers[29][0].bias
        blocks_3_layers_29_2_weight = self.blocks[3].layers[29][2].weight
        blocks_3_layers_30_0_weight = self.blocks[3].layers[30][0].weight
        blocks_3_layers_30_0_bias = self.blocks[3].layers[30][0].bias
        blocks_3_layers_30_2_weight = self.blocks[3].layers[30][2].weight
        blocks_3_layers_31_0_weight = self.blocks[3].layers[31][0].weight
        blocks_3_layers_31_0_bias = self.blocks[3].layers[31][0].bias
        blocks_3_layers_31_2_weight = self.blocks[3].layers[31][2].weight
        transitions_0_0_weight = self.transitions[0][0].weight
        transitions_0_0_bias = self.transitions[0][0].bias
        transitions_0_2_weight = self.transitions[0][2].weight
        transitions_1_0_weight = self.transitions[1][0].weight
        transitions_1_0_bias = self.transitions[1][0].bias
        transitions_1_2_weight = self.transitions[1][2].weight
        transitions_2_0_weight = self.transitions[2][0].weight
        transitions_2_0_bias = self.transitions[2][0].bias
        transitions_2_2_weight = self.transitions[2][2].weight
        norm_weight = self.norm.weight
        norm_bias = self.norm.bias
        classifier_weight = self.classifier.weight
        classifier_bias = self.classifier.bias
        features_1_running_mean = self.features[1].running_mean
        features_1_running_var = self.features[1].running_var
        blocks_0_layers_0_0_running_mean = self.blocks[0].layers[0][0].running_mean
        blocks_0_layers_0_0_running_var = self.blocks[0].layers[0][0].running_var
        blocks_0_layers_1_0_running_mean = self.blocks[0].layers[1][0].running_mean
        blocks_0_layers_1_0_running_var = self.blocks[0].layers[1][0].running_var
        blocks_0_layers_2_0_running_mean = self.blocks[0].layers[2][0].running_mean
        blocks_0_layers_2_0_running_var = self.blocks[0].layers[2][0].running_var
        blocks_0_layers_3_0_running_mean = self.blocks[0].layers[3][0].running_mean
        blocks_0_layers_3_0_running_var = self.blocks[0].layers[3][0].running_var
        blocks_0_layers_4_0_running_mean = self.blocks[0].layers[4][0].running_mean
        blocks_0_layers_4_0_running_var = self.blocks[0].layers[4][0].running_var
        blocks_0_layers_5_0_running_mean = self.blocks[0].layers[5][0].running_mean
        blocks_0_layers_5_0_running_var = self.blocks[0].layers[5][0].running_var
        blocks_1_layers_0_0_running_mean = self.blocks[1].layers[0][0].running_mean
        blocks_1_layers_0_0_running_var = self.blocks[1].layers[0][0].running_var
        blocks_1_layers_1_0_running_mean = self.blocks[1].layers[1][0].running_mean
        blocks_1_layers_1_0_running_var = self.blocks[1].layers[1][0].running_var
        blocks_1_layers_2_0_running_mean = self.blocks[1].layers[2][0].running_mean
        blocks_1_layers_2_0_running_var = self.blocks[1].layers[2][0].running_var
        blocks_1_layers_3_0_running_mean = self.blocks[1].layers[3][0].running_mean
        blocks_1_layers_3_0_running_var = self.blocks[1].layers[3][0].running_var
        blocks_1_layers_4_0_running_mean = self.blocks[1].layers[4][0].running_mean
        blocks_1_layers_4_0_running_var = self.blocks[1].layers[4][0].running_var
        blocks_1_layers_5_0_running_mean = self.blocks[1].layers[5][0].running_mean
        blocks_1_layers_5_0_running_var = self.blocks[1].layers[5][0].running_var
        blocks_1_layers_6_0_running_mean = self.blocks[1].layers[6][0].running_mean
        blocks_1_layers_6_0_running_var = self.blocks[1].layers[6][0].running_var
        blocks_1_layers_7_0_running_mean = self.blocks[1].layers[7][0].running_mean
        blocks_1_layers_7_0_running_var = self.blocks[1].layers[7][0].running_var
        blocks_1_layers_8_0_running_mean = self.blocks[1].layers[8][0].running_mean
        blocks_1_layers_8_0_running_var = self.blocks[1].layers[8][0].running_var
        blocks_1_layers_9_0_running_mean = self.blocks[1].layers[9][0].running_mean
        blocks_1_layers_9_0_running_var = self.blocks[1].layers[9][0].running_var
        blocks_1_layers_10_0_running_mean = self.blocks[1].layers[10][0].running_mean
        blocks_1_layers_10_0_running_var = self.blocks[1].layers[10][0].running_var
        blocks_1_layers_11_0_running_mean = self.blocks[1].layers[11][0].running_mean
        blocks_1_layers_11_0_running_var = self.blocks[1].layers[11][0].running_var
        blocks_2_layers_0_0_running_mean = self.blocks[2].layers[0][0].running_mean
        blocks_2_layers_0_0_running_var = self.blocks[2].layers[0][0].running_var
        blocks_2_layers_1_0_running_mean = self.blocks[2].layers[1][0].running_mean
        blocks_2_layers_1_0_running_var = self.blocks[2].layers[1][0].running_var
        blocks_2_layers_2_0_running_mean = self.blocks[2].layers[2][0].running_mean
        blocks_2_layers_2_0_running_var = self.blocks[2].layers[2][0].running_var
        blocks_2_layers_3_0_running_mean = self.blocks[2].layers[3][0].running_mean
        blocks_2_layers_3_0_running_var = self.blocks[2].layers[3][0].running_var
        blocks_2_layers_4_0_running_mean = self.blocks[2].layers[4][0].running_mean
        blocks_2_layers_4_0_running_var = self.blocks[2].layers[4][0].running_var
        blocks_2_layers_5_0_running_mean = self.blocks[2].layers[5][0].running_mean
        blocks_2_layers_5_0_running_var = self.blocks[2].layers[5][0].running_var
        blocks_2_layers_6_0_running_mean = self.blocks[2].layers[6][0].running_mean
        blocks_2_layers_6_0_running_var = self.blocks[2].layers[6][0].running_var
        blocks_2_layers_7_0_running_mean = self.blocks[2].layers[7][0].running_mean
        blocks_2_layers_7_0_running_var = self.blocks[2].layers[7][0].running_var
        blocks_2_layers_8_0_running_mean = self.blocks[2].layers[8][0].running_mean
        blocks_2_layers_8_0_running_var = self.blocks[2].layers[8][0].running_var
        blocks_2_layers_9_0_running_mean = self.blocks[2].layers[9][0].running_mean
        blocks_2_layers_9_0_running_var = self.blocks[2].layers[9][0].running_var
        blocks_2_layers_10_0_running_mean = self.blocks[2].layers[10][0].running_mean
        blocks_2_layers_10_0_running_var = self.blocks[2].layers[10][0].running_var
        blocks_2_layers_11_0_running_mean = self.blocks[2].layers[11][0].running_mean
        blocks_2_layers_11_0_running_var = self.blocks[2].layers[11][0].running_var
        blocks_2_layers_12_0_running_mean = self.blocks[2].layers[12][0].running_mean
        blocks_2_layers_12_0_running_var = self.blocks[2].layers[12][0].running_var
        blocks_2_layers_13_0_running_mean = self.blocks[2].layers[13][0].running_mean
        blocks_2_layers_13_0_running_var = self.blocks[2].layers[13][0].running_var
        blocks_2_layers_14_0_running_mean = self.blocks[2].layers[14][0].running_mean
        blocks_2_layers_14_0_running_var = self.blocks[2].layers[14][0].running_var
        blocks_2_layers_15_0_running_mean = self.blocks[2].layers[15][0].running_mean
        blocks_2_layers_15_0_running_var = self.blocks[2].layers[15][0].running_var
        blocks_2_layers_16_0_running_mean = self.blocks[2].layers[16][0].running_mean
        blocks_2_layers_16_0_running_var = self.blocks[2].layers[16][0].running_var
        blocks_2_layers_17_0_running_mean = self.blocks[2].layers[17][0].running_mean
        blocks_2_layers_17_0_running_var = self.blocks[2].layers[17][0].running_var
        blocks_2_layers_18_0_running_mean = self.blocks[2].layers[18][0].running_mean
        blocks_2_layers_18_0_running_var = self.blocks[2].layers[18][0].running_var
        blocks_2_layers_19_0_running_mean = self.blocks[2].layers[19][0].running_mean
        blocks_2_layers_19_0_running_var = self.blocks[2].layers[19][0].running_var
        blocks_2_layers_20_0_running_mean = self.blocks[2].layers[20][0].running_mean
        blocks_2_layers_20_0_running_var = self.blocks[2].layers[20][0].running_var
        blocks_2_layers_21_0_running_mean = self.blocks[2].layers[21][0].running_mean
        blocks_2_layers_21_0_running_var = self.blocks[2].layers[21][0].running_var
        blocks_2_layers_22_0_running_mean = self.blocks[2].layers[22][0].running_mean
        blocks_2_layers_22_0_running_var = self.blocks[2].layers[22][0].running_var
        blocks_2_layers_23_0_running_mean = self.blocks[2].layers[23][0].running_mean
        blocks_2_layers_23_0_running_var = self.blocks[2].layers[23][0].running_var
        blocks_2_layers_24_0_running_mean = self.blocks[2].layers[24][0].running_mean
        blocks_2_layers_24_0_running_var = self.blocks[2].layers[24][0].running_var
        blocks_2_layers_25_0_running_mean = self.blocks[2].layers[25][0].running_mean
        blocks_2_layers_25_0_running_var = self.blocks[2].layers[25][0].running_var
        blocks_2_layers_26_0_running_mean = self.blocks[2].layers[26][0].running_mean
        blocks_2_layers_26_0_running_var = self.blocks[2].layers[26][0].running_var
        blocks_2_layers_27_0_running_mean = self.blocks[2].layers[27][0].running_mean
        blocks_2_layers_27_0_running_var = self.blocks[2].layers[27][0].running_var
        blocks_2_layers_28_0_running_mean = self.blocks[2].layers[28][0].running_mean
        blocks_2_layers_28_0_running_var = self.blocks[2].layers[28][0].running_var
        blocks_2_layers_29_0_running_mean = self.blocks[2].layers[29][0].running_mean
        blocks_2_layers_29_0_running_var = self.blocks[2].layers[29][0].running_var
        blocks_2_layers_30_0_running_mean = self.blocks[2].layers[30][0].running_mean
        blocks_2_layers_30_0_running_var = self.blocks[2].layers[30][0].running_var
        blocks_2_layers_31_0_running_mean = self.blocks[2].layers[31][0].running_mean
        blocks_2_layers_31_0_running_var = self.blocks[2].layers[31][0].running_var
        blocks_2_layers_32_0_running_mean = self.blocks[2].layers[32][0].running_mean
        blocks_2_layers_32_0_running_var = self.blocks[2].layers[32][0].running_var
        blocks_2_layers_33_0_running_mean = self.blocks[2].layers[33][0].running_mean
        blocks_2_layers_33_0_running_var = self.blocks[2].layers[33][0].running_var
        blocks_2_layers_34_0_running_mean = self.blocks[2].layers[34][0].running_mean
        blocks_2_layers_34_0_running_var = self.blocks[2].layers[34][0].running_var
        blocks_2_layers_35_0_running_mean = self.blocks[2].layers[35][0].running_mean
        blocks_2_layers_35_0_running_var = self.blocks[2].layers[35][0].running_var
        blocks_2_layers_36_0_running_mean = self.blocks[2].layers[36][0].running_mean
        blocks_2_layers_36_0_running_var = self.blocks[2].layers[36][0].running_var
        blocks_2_layers_37_0_running_mean = self.blocks[2].layers[37][0].running_mean
        blocks_2_layers_37_0_running_var = self.blocks[2].layers[37][0].running_var
        blocks_2_layers_38_0_running_mean = self.blocks[2].layers[38][0].running_mean
        blocks_2_layers_38_0_running_var = self.blocks[2].layers[38][0].running_var
        blocks_2_layers_39_0_running_mean = self.blocks[2].layers[39][0].running_mean
        blocks_2_layers_39_0_running_var = self.blocks[2].layers[39][0].running_var
        blocks_2_layers_40_0_running_mean = self.blocks[2].layers[40][0].running_mean
        blocks_2_layers_40_0_running_var = self.blocks[2].layers[40][0].running_var
        blocks_2_layers_41_0_running_mean = self.blocks[2].layers[41][0].running_mean
        blocks_2_layers_41_0_running_var = self.blocks[2].layers[41][0].running_var
        blocks_2_layers_42_0_running_mean = self.blocks[2].layers[42][0].running_mean
        blocks_2_layers_42_0_running_var = self.blocks[2].layers[42][0].running_var
        blocks_2_layers_43_0_running_mean = self.blocks[2].layers[43][0].running_mean
        blocks_2_layers_43_0_running_var = self.blocks[2].layers[43][0].running_var
        blocks_2_layers_44_0_running_mean = self.blocks[2].layers[44][0].running_mean
        blocks_2_layers_44_0_running_var = self.blocks[2].layers[44][0].running_var
        blocks_2_layers_45_0_running_mean = self.blocks[2].layers[45][0].running_mean
        blocks_2_layers_45_0_running_var = self.blocks[2].layers[45][0].running_var
        blocks_2_layers_46_0_running_mean = self.blocks[2].layers[46][0].running_mean
        blocks_2_layers_46_0_running_var = self.blocks[2].layers[46][0].running_var
        blocks_2_layers_47_0_running_mean = self.blocks[2].layers[47][0].running_mean
        blocks_2_layers_47_0_running_var = self.blocks[2].layers[47][0].running_var
        blocks_3_layers_0_0_running_mean = self.blocks[3].layers[0][0].running_mean
        blocks_3_layers_0_0_running_var = self.blocks[3].layers[0][0].running_var
        blocks_3_layers_1_0_running_mean = self.blocks[3].layers[1][0].running_mean
        blocks_3_layers_1_0_running_var = self.blocks[3].layers[1][0].running_var
        blocks_3_layers_2_0_running_mean = self.blocks[3].layers[2][0].running_mean
        blocks_3_layers_2_0_running_var = self.blocks[3].layers[2][0].running_var
        blocks_3_layers_3_0_running_mean = self.blocks[3].layers[3][0].running_mean
        blocks_3_layers_3_0_running_var = self.blocks[3].layers[3][0].running_var
        blocks_3_layers_4_0_running_mean = self.blocks[3].layers[4][0].running_mean
        blocks_3_layers_4_0_running_var = self.blocks[3].layers[4][0].running_var
        blocks_3_layers_5_0_running_mean = self.blocks[3].layers[5][0].running_mean
        blocks_3_layers_5_0_running_var = self.blocks[3].layers[5][0].running_var
        blocks_3_layers_6_0_running_mean = self.blocks[3].layers[6][0].running_mean
        blocks_3_layers_6_0_running_var = self.blocks[3].layers[6][0].running_var
        blocks_3_layers_7_0_running_mean = self.blocks[3].layers[7][0].running_mean
        blocks_3_layers_7_0_running_var = self.blocks[3].layers[7][0].running_var
        blocks_3_layers_8_0_running_mean = self.blocks[3].layers[8][0].running_mean
        blocks_3_layers_8_0_running_var = self.blocks[3].layers[8][0].running_var
        blocks_3_layers_9_0_running_mean = self.blocks[3].layers[9][0].running_mean
        blocks_3_layers_9_0_running_var = self.blocks[3].layers[9][0].running_var
        blocks_3_layers_10_0_running_mean = self.blocks[3].layers[10][0].running_mean
        blocks_3_layers_10_0_running_var = self.blocks[3].layers[10][0].running_var
        blocks_3_layers_11_0_running_mean = self.blocks[3].layers[11][0].running_mean
        blocks_3_layers_11_0_running_var = self.blocks[3].layers[11][0].running_var
        blocks_3_layers_12_0_running_mean = self.blocks[3].layers[12][0].running_mean
        blocks_3_layers_12_0_running_var = self.blocks[3].layers[12][0].running_var
        blocks_3_layers_13_0_running_mean = self.blocks[3].layers[13][0].running_mean
        blocks_3_layers_13_0_running_var = self.blocks[3].layers[13][0].running_var
        blocks_3_layers_14_0_running_mean = self.blocks[3].layers[14][0].running_mean
        blocks_3_layers_14_0_running_var = self.blocks[3].layers[14][0].running_var
        blocks_3_layers_15_0_running_mean = self.blocks[3].layers[15][0].running_mean
        blocks_3_layers_15_0_running_var = self.blocks[3].layers[15][0].running_var
        blocks_3_layers_16_0_running_mean = self.blocks[3].layers[16][0].running_mean
        blocks_3_layers_16_0_running_var = self.blocks[3].layers[16][0].running_var
        blocks_3_layers_17_0_running_mean = self.blocks[3].layers[17][0].running_mean
        blocks_3_layers_17_0_running_var = self.blocks[3].layers[17][0].running_var
        blocks_3_layers_18_0_running_mean = self.blocks[3].layers[18][0].running_mean
        blocks_3_layers_18_0_running_var = self.blocks[3].layers[18][0].running_var
        blocks_3_layers_19_0_running_mean = self.blocks[3].layers[19][0].running_mean
        blocks_3_layers_19_0_running_var = self.blocks[3].layers[19][0].running_var
        blocks_3_layers_20_0_running_mean = self.blocks[3].layers[20][0].running_mean
        blocks_3_layers_20_0_running_var = self.blocks[3].layers[20][0].running_var
        blocks_3_layers_21_0_running_mean = self.blocks[3].layers[21][0].running_mean
        blocks_3_layers_21_0_running_var = self.blocks[3].layers[21][0].running_var
        blocks_3_layers_22_0_running_mean = self.blocks[3].layers[22][0].running_mean
        blocks_3_layers_22_0_running_var = self.blocks[3].layers[22][0].running_var
        blocks_3_layers_23_0_running_mean = self.blocks[3].layers[23][0].running_mean
        blocks_3_layers_23_0_running_var = self.blocks[3].layers[23][0].running_var
        blocks_3_layers_24_0_running_mean = self.blocks[3].layers[24][0].running_mean
        blocks_3_layers_24_0_running_var = self.blocks[3].layers[24][0].running_var
        blocks_3_layers_25_0_running_mean = self.blocks[3].layers[25][0].running_mean
        blocks_3_layers_25_0_running_var = self.blocks[3].layers[25][0].running_var
        blocks_3_layers_26_0_running_mean = self.blocks[3].layers[26][0].running_mean
        blocks_3_layers_26_0_running_var = self.blocks[3].layers[26][0].running_var
        blocks_3_layers_27_0_running_mean = self.blocks[3].layers[27][0].running_mean
        blocks_3_layers_27_0_running_var = self.blocks[3].layers[27][0].running_var
        blocks_3_layers_28_0_running_mean = self.blocks[3].layers[28][0].running_mean
        blocks_3_layers_28_0_running_var = self.blocks[3].layers[28][0].running_var
        blocks_3_layers_29_0_running_mean = self.blocks[3].layers[29][0].running_mean
        blocks_3_layers_29_0_running_var = self.blocks[3].layers[29][0].running_var
        blocks_3_layers_30_0_running_mean = self.blocks[3].layers[30][0].running_mean
        blocks_3_layers_30_0_running_var = self.blocks[3].layers[30][0].running_var
        blocks_3_layers_31_0_running_mean = self.blocks[3].layers[31][0].running_mean
        blocks_3_layers_31_0_running_var = self.blocks[3].layers[31][0].running_var
        transitions_0_0_running_mean = self.transitions[0][0].running_mean
        transitions_0_0_running_var = self.transitions[0][0].running_var
        transitions_1_0_running_mean = self.transitions[1][0].running_mean
        transitions_1_0_running_var = self.transitions[1][0].running_var
        transitions_2_0_running_mean = self.transitions[2][0].running_mean
        transitions_2_0_running_var = self.transitions[2][0].running_var
        norm_running_mean = self.norm.running_mean
        norm_running_var = self.norm.running_var
        conv_rows_2 = conv_rows(
            x, features_0_weight, None, (2, 2), (3, 3), "none", None, "none", True,
        )
        getitem = conv_rows_2[0]
        getitem_1 = conv_rows_2[1]
        del conv_rows_2
        features_1_num_batches_tracked = self.features[1].num_batches_tracked
        blocks_0_layers_0_0_num_batches_tracked = self.blocks[0].layers[0][0].num_batches_tracked
        blocks_0_layers_1_0_num_batches_tracked = self.blocks[0].layers[1][0].num_batches_tracked
        blocks_0_layers_2_0_num_batches_tracked = self.blocks[0].layers[2][0].num_batches_tracked
        blocks_0_layers_3_0_num_batches_tracked = self.blocks[0].layers[3][0].num_batches_tracked
        blocks_0_layers_4_0_num_batches_tracked = self.blocks[0].layers[4][0].num_batches_tracked
        blocks_0_layers_5_0_num_batches_tracked = self.blocks[0].layers[5][0].num_batches_tracked
        transitions_0_0_num_batches_tracked = self.transitions[0][0].num_batches_tracked
        blocks_1_layers_0_0_num_batches_tracked = self.blocks[1].layers[0][0].num_batches_tracked
        blocks_1_layers_1_0_num_batches_tracked = self.blocks[1].layers[1][0].num_batches_tracked
        blocks_1_layers_2_0_num_batches_tracked = self.blocks[1].layers[2][0].num_batches_tracked
        blocks_1_layers_3_0_num_batches_tracked = self.blocks[1].layers[3][0].num_batches_tracked
        blocks_1_layers_4_0_num_batches_tracked = self.blocks[1].layers[4][0].num_batches_tracked
        blocks_1_layers_5_0_num_batches_tracked = self.blocks[1].layers[5][0].num_batches_tracked
        blocks_1_layers_6_0_num_batches_tracked = self.blocks[1].layers[6][0].num_batches_tracked
        blocks_1_layers_7_0_num_batches_tracked = self.blocks[1].layers[7][0].num_batches_tracked
        blocks_1_layers_8_0_num_batches_tracked = self.blocks[1].layers[8][0].num_batches_tracked
        blocks_1_layers_9_0_num_batches_tracked = self.blocks[1].layers[9][0].num_batches_tracked
        blocks_1_layers_10_0_num_batches_tracked = self.blocks[1].layers[10][0].num_batches_tracked
        blocks_1_layers_11_0_num_batches_tracked = self.blocks[1].layers[11][0].num_batches_tracked
        transitions_1_0_num_batches_tracked = self.transitions[1][0].num_batches_tracked
        blocks_2_layers_0_0_num_batches_tracked = self.blocks[2].layers[0][0].num_batches_tracked
        blocks_2_layers_1_0_num_batches_tracked = self.blocks[2].layers[1][0].num_batches_tracked
        blocks_2_layers_2_0_num_batches_tracked = self.blocks[2].layers[2][0].num_batches_tracked
        blocks_2_layers_3_0_num_batches_tracked = self.blocks[2].layers[3][0].num_batches_tracked
        blocks_2_layers_4_0_num_batches_tracked = self.blocks[2].layers[4][0].num_batches_tracked
        blocks_2_layers_5_0_num_batches_tracked = self.blocks[2].layers[5][0].num_batches_tracked
        blocks_2_layers_6_0_num_batches_tracked = self.blocks[2].layers[6][0].num_batches_tracked
        blocks_2_layers_7_0_num_batches_tracked = self.blocks[2].layers[7][0].num_batches_tracked
        blocks_2_layers_8_0_num_batches_tracked = self.blocks[2].layers[8][0].num_batches_tracked
        blocks_2_layers_9_0_num_batches_tracked = self.blocks[2].layers[9][0].num_batches_tracked
        blocks_2_layers_10_0_num_batches_tracked = self.blocks[2].layers[10][0].num_batches_tracked
        blocks_2_layers_11_0_num_batches_tracked = self.blocks[2].layers[11][0].num_batches_tracked
        blocks_2_layers_12_0_num_batches_tracked = self.blocks[2].layers[12][0].num_batches_tracked
        blocks_2_layers_13_0_num_batches_tracked = self.blocks[2].layers[13][0].num_batches_tracked
        blocks_2_layers_14_0_num_batches_tracked = self.blocks[2].layers[14][0].num_batches_tracked
        blocks_2_layers_15_0_num_batches_tracked = self.blocks[2].layers[15][0].num_batches_tracked
        blocks_2_layers_16_0_num_batches_tracked = self.blocks[2].layers[16][0].num_batches_tracked
        blocks_2_layers_17_0_num_batches_tracked = self.blocks[2].layers[17][0].num_batches_tracked
        blocks_2_layers_18_0_num_batches_tracked = self.blocks[2].layers[18][0].num_batches_tracked
        blocks_2_layers_19_0_num_batches_tracked = self.blocks[2].layers[19][0].num_batches_tracked
        blocks_2_layers_20_0_num_batches_tracked = self.blocks[2].layers[20][0].num_batches_tracked
        blocks_2_layers_21_0_num_batches_tracked = self.blocks[2].layers[21][0].num_batches_tracked
        blocks_2_layers_22_0_num_batches_tracked = self.blocks[2].layers[22][0].num_batches_tracked
        blocks_2_layers_23_0_num_batches_tracked = self.blocks[2].layers[23][0].num_batches_tracked
        blocks_2_layers_24_0_num_batches_tracked = self.blocks[2].layers[24][0].num_batches_tracked
        blocks_2_layers_25_0_num_batches_tracked = self.blocks[2].layers[25][0].num_batches_tracked
        blocks_2_layers_26_0_num_batches_tracked = self.blocks[2].layers[26][0].num_batches_tracked
        blocks_2_layers_27_0_num_batches_tracked = self.blocks[2].layers[27][0].num_batches_tracked
        blocks_2_layers_28_0_num_batches_tracked = self.blocks[2].layers[28][0].num_batches_tracked
        blocks_2_layers_29_0_num_batches_tracked = self.blocks[2].layers[29][0].num_batches_tracked
        blocks_2_layers_30_0_num_batches_tracked = self.blocks[2].layers[30][0].num_batches_tracked
        blocks_2_layers_31_0_num_batches_tracked = self.blocks[2].layers[31][0].num_batches_tracked
        blocks_2_layers_32_0_num_batches_tracked = self.blocks[2].layers[32][0].num_batches_tracked
        blocks_2_layers_33_0_num_batches_tracked = self.blocks[2].layers[33][0].num_batches_tracked
        blocks_2_layers_34_0_num_batches_tracked = self.blocks[2].layers[34][0].num_batches_tracked
        blocks_2_layers_35_0_num_batches_tracked = self.blocks[2].layers[35][0].num_batches_tracked
        blocks_2_layers_36_0_num_batches_tracked = self.blocks[2].layers[36][0].num_batches_tracked
        blocks_2_layers_37_0_num_batches_tracked = self.blocks[2].layers[37][0].num_batches_tracked
        blocks_2_layers_38_0_num_batches_tracked = self.blocks[2].layers[38][0].num_batches_tracked
        blocks_2_layers_39_0_num_batches_tracked = self.blocks[2].layers[39][0].num_batches_tracked
        blocks_2_layers_40_0_num_batches_tracked = self.blocks[2].layers[40][0].num_batches_tracked
        blocks_2_layers_41_0_num_batches_tracked = self.blocks[2].layers[41][0].num_batches_tracked
        blocks_2_layers_42_0_num_batches_tracked = self.blocks[2].layers[42][0].num_batches_tracked
        blocks_2_layers_43_0_num_batches_tracked = self.blocks[2].layers[43][0].num_batches_tracked
        blocks_2_layers_44_0_num_batches_tracked = self.blocks[2].layers[44][0].num_batches_tracked
        blocks_2_layers_45_0_num_batches_tracked = self.blocks[2].layers[45][0].num_batches_tracked
        blocks_2_layers_46_0_num_batches_tracked = self.blocks[2].layers[46][0].num_batches_tracked
        blocks_2_layers_47_0_num_batches_tracked = self.blocks[2].layers[47][0].num_batches_tracked
        transitions_2_0_num_batches_tracked = self.transitions[2][0].num_batches_tracked
        blocks_3_layers_0_0_num_batches_tracked = self.blocks[3].layers[0][0].num_batches_tracked
        blocks_3_layers_1_0_num_batches_tracked = self.blocks[3].layers[1][0].num_batches_tracked
        blocks_3_layers_2_0_num_batches_tracked = self.blocks[3].layers[2][0].num_batches_tracked
        blocks_3_layers_3_0_num_batches_tracked = self.blocks[3].layers[3][0].num_batches_tracked
        blocks_3_layers_4_0_num_batches_tracked = self.blocks[3].layers[4][0].num_batches_tracked
        blocks_3_layers_5_0_num_batches_tracked = self.blocks[3].layers[5][0].num_batches_tracked
        blocks_3_layers_6_0_num_batches_tracked = self.blocks[3].layers[6][0].num_batches_tracked
        blocks_3_layers_7_0_num_batches_tracked = self.blocks[3].layers[7][0].num_batches_tracked
        blocks_3_layers_8_0_num_batches_tracked = self.blocks[3].layers[8][0].num_batches_tracked
        blocks_3_layers_9_0_num_batches_tracked = self.blocks[3].layers[9][0].num_batches_tracked
        blocks_3_layers_10_0_num_batches_tracked = self.blocks[3].layers[10][0].num_batches_tracked
        blocks_3_layers_11_0_num_batches_tracked = self.blocks[3].layers[11][0].num_batches_tracked
        blocks_3_layers_12_0_num_batches_tracked = self.blocks[3].layers[12][0].num_batches_tracked
        blocks_3_layers_13_0_num_batches_tracked = self.blocks[3].layers[13][0].num_batches_tracked
        blocks_3_layers_14_0_num_batches_tracked = self.blocks[3].layers[14][0].num_batches_tracked
        blocks_3_layers_15_0_num_batches_tracked = self.blocks[3].layers[15][0].num_batches_tracked
        blocks_3_layers_16_0_num_batches_tracked = self.blocks[3].layers[16][0].num_batches_tracked
        blocks_3_layers_17_0_num_batches_tracked = self.blocks[3].layers[17][0].num_batches_tracked
        blocks_3_layers_18_0_num_batches_tracked = self.blocks[3].layers[18][0].num_batches_tracked
        blocks_3_layers_19_0_num_batches_tracked = self.blocks[3].layers[19][0].num_batches_tracked
        blocks_3_layers_20_0_num_batches_tracked = self.blocks[3].layers[20][0].num_batches_tracked
        blocks_3_layers_21_0_num_batches_tracked = self.blocks[3].layers[21][0].num_batches_tracked
        blocks_3_layers_22_0_num_batches_tracked = self.blocks[3].layers[22][0].num_batches_tracked
        blocks_3_layers_23_0_num_batches_tracked = self.blocks[3].layers[23][0].num_batches_tracked
        blocks_3_layers_24_0_num_batches_tracked = self.blocks[3].layers[24][0].num_batches_tracked
        blocks_3_layers_25_0_num_batches_tracked = self.blocks[3].layers[25][0].num_batches_tracked
        blocks_3_layers_26_0_num_batches_tracked = self.blocks[3].layers[26][0].num_batches_tracked
        blocks_3_layers_27_0_num_batches_tracked = self.blocks[3].layers[27][0].num_batches_tracked
        blocks_3_layers_28_0_num_batches_tracked = self.blocks[3].layers[28][0].num_batches_tracked
        blocks_3_layers_29_0_num_batches_tracked = self.blocks[3].layers[29][0].num_batches_tracked
        blocks_3_layers_30_0_num_batches_tracked = self.blocks[3].layers[30][0].num_batches_tracked
        blocks_3_layers_31_0_num_batches_tracked = self.blocks[3].layers[31][0].num_batches_tracked
        norm_num_batches_tracked = self.norm.num_batches_tracked
        count_on(
            features_1_num_batches_tracked, blocks_0_layers_0_0_num_batches_tracked,
            blocks_0_layers_1_0_num_batches_tracked, blocks_0_layers_2_0_num_batches_tracked,
            blocks_0_layers_3_0_num_batches_tracked, blocks_0_layers_4_0_num_batches_tracked,
            blocks_0_layers_5_0_num_batches_tracked, transitions_0_0_num_batches_tracked,
            blocks_1_layers_0_0_num_batches_tracked, blocks_1_layers_1_0_num_batches_tracked,
            blocks_1_layers_2_0_num_batches_tracked, blocks_1_layers_3_0_num_batches_tracked,
            blocks_1_layers_4_0_num_batches_tracked, blocks_1_layers_5_0_num_batches_tracked,
            blocks_1_layers_6_0_num_batches_tracked, blocks_1_layers_7_0_num_batches_tracked,
            blocks_1_layers_8_0_num_batches_tracked, blocks_1_layers_9_0_num_batches_tracked,
            blocks_1_layers_10_0_num_batches_tracked, blocks_1_layers_11_0_num_batches_tracked,
            transitions_1_0_num_batches_tracked, blocks_2_layers_0_0_num_batches_tracked,
            blocks_2_layers_1_0_num_batches_tracked, blocks_2_layers_2_0_num_batches_tracked,
            blocks_2_layers_3_0_num_batches_tracked, blocks_2_layers_4_0_num_batches_tracked,
            blocks_2_layers_5_0_num_batches_tracked, blocks_2_layers_6_0_num_batches_tracked,
            blocks_2_layers_7_0_num_batches_tracked, blocks_2_layers_8_0_num_batches_tracked,
            blocks_2_layers_9_0_num_batches_tracked, blocks_2_layers_10_0_num_batches_tracked,
            blocks_2_layers_11_0_num_batches_tracked, blocks_2_layers_12_0_num_batches_tracked,
            blocks_2_layers_13_0_num_batches_tracked, blocks_2_layers_14_0_num_batches_tracked,
            blocks_2_layers_15_0_num_batches_tracked, blocks_2_layers_16_0_num_batches_tracked,
            blocks_2_layers_17_0_num_batches_tracked, blocks_2_layers_18_0_num_batches_tracked,
            blocks_2_layers_19_0_num_batches_tracked, blocks_2_layers_20_0_num_batches_tracked,
            blocks_2_layers_21_0_num_batches_tracked, blocks_2_layers_22_0_num_batches_tracked,
            blocks_2_layers_23_0_num_batches_tracked, blocks_2_layers_24_0_num_batches_tracked,
            blocks_2_layers_25_0_num_batches_tracked, blocks_2_layers_26_0_num_batches_tracked,
            blocks_2_layers_27_0_num_batches_tracked, blocks_2_layers_28_0_num_batches_tracked,
            blocks_2_layers_29_0_num_batches_tracked, blocks_2_layers_30_0_num_batches_tracked,
            blocks_2_layers_31_0_num_batches_tracked, blocks_2_layers_32_0_num_batches_tracked,
            blocks_2_layers_33_0_num_batches_tracked, blocks_2_layers_34_0_num_batches_tracked,
            blocks_2_layers_35_0_num_batches_tracked, blocks_2_layers_36_0_num_batches_tracked,
            blocks_2_layers_37_0_num_batches_tracked, blocks_2_layers_38_0_num_batches_tracked,
            blocks_2_layers_39_0_num_batches_tracked, blocks_2_layers_40_0_num_batches_tracked,
            blocks_2_layers_41_0_num_batches_tracked, blocks_2_layers_42_0_num_batches_tracked,
            blocks_2_layers_43_0_num_batches_tracked, blocks_2_layers_44_0_num_batches_tracked,
            blocks_2_layers_45_0_num_batches_tracked, blocks_2_layers_46_0_num_batches_tracked,
            blocks_2_layers_47_0_num_batches_tracked, transitions_2_0_num_batches_tracked,
            blocks_3_layers_0_0_num_batches_tracked, blocks_3_layers_1_0_num_batches_tracked,
            blocks_3_layers_2_0_num_batches_tracked, blocks_3_layers_3_0_num_batches_tracked,
            blocks_3_layers_4_0_num_batches_tracked, blocks_3_layers_5_0_num_batches_tracked,
            blocks_3_layers_6_0_num_batches_tracked, blocks_3_layers_7_0_num_batches_tracked,
            blocks_3_layers_8_0_num_batches_tracked, blocks_3_layers_9_0_num_batches_tracked,
            blocks_3_layers_10_0_num_batches_tracked, blocks_3_layers_11_0_num_batches_tracked,
            blocks_3_layers_12_0_num_batches_tracked, blocks_3_layers_13_0_num_batches_tracked,
            blocks_3_layers_14_0_num_batches_tracked, blocks_3_layers_15_0_num_batches_tracked,
            blocks_3_layers_16_0_num_batches_tracked, blocks_3_layers_17_0_num_batches_tracked,
            blocks_3_layers_18_0_num_batches_tracked, blocks_3_layers_19_0_num_batches_tracked,
            blocks_3_layers_20_0_num_batches_tracked, blocks_3_layers_21_0_num_batches_tracked,
            blocks_3_layers_22_0_num_batches_tracked, blocks_3_layers_23_0_num_batches_tracked,
            blocks_3_layers_24_0_num_batches_tracked, blocks_3_layers_25_0_num_batches_tracked,
            blocks_3_layers_26_0_num_batches_tracked, blocks_3_layers_27_0_num_batches_tracked,
            blocks_3_layers_28_0_num_batches_tracked, blocks_3_layers_29_0_num_batches_tracked,
            blocks_3_layers_30_0_num_batches_tracked, blocks_3_layers_31_0_num_batches_tracked,
            norm_num_batches_tracked,
        )
        conv_rows_norm_2 = conv_rows_norm(
            getitem_1, 6272, features_1_weight, features_1_bias, features_1_running_mean,
            features_1_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_4 = conv_rows_apply(getitem, conv_rows_norm_2, "relu")
        del getitem
        max_pool2d = torch.max_pool2d(conv_rows_apply_4, [3, 3], [2, 2], [1, 1])
        del conv_rows_apply_4
        contiguous_default = max_pool2d.contiguous(memory_format=torch.channels_last)
        del max_pool2d
        conv_rows_moments_2 = conv_rows_moments(contiguous_default)
        conv_rows_norm_1 = conv_rows_norm(
            conv_rows_moments_2, 1568, blocks_0_layers_0_0_weight, blocks_0_layers_0_0_bias,
            blocks_0_layers_0_0_running_mean, blocks_0_layers_0_0_running_var, 0.1, 1e-05,
        )
        conv_rows_1 = conv_rows(
            contiguous_default, blocks_0_layers_0_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_1, "relu", True,
        )
        getitem_2 = conv_rows_1[0]
        getitem_3 = conv_rows_1[1]
        del conv_rows_1
        cat_default = torch.cat([conv_rows_moments_2, getitem_3], 1)
        conv_rows_norm_2_2 = conv_rows_norm(
            cat_default, 1568, blocks_0_layers_1_0_weight, blocks_0_layers_1_0_bias,
            blocks_0_layers_1_0_running_mean, blocks_0_layers_1_0_running_var, 0.1, 1e-05,
        )
        conv_rows_2_2 = conv_rows(
            (contiguous_default, getitem_2), blocks_0_layers_1_2_weight, None, (1, 1), (1, 1),
            "none", conv_rows_norm_2_2, "relu", True,
        )
        getitem_4 = conv_rows_2_2[0]
        getitem_5 = conv_rows_2_2[1]
        del conv_rows_2_2
        cat_default_1 = torch.cat([conv_rows_moments_2, getitem_3, getitem_5], 1)
        conv_rows_norm_3 = conv_rows_norm(
            cat_default_1, 1568, blocks_0_layers_2_0_weight, blocks_0_layers_2_0_bias,
            blocks_0_layers_2_0_running_mean, blocks_0_layers_2_0_running_var, 0.1, 1e-05,
        )
        conv_rows_3 = conv_rows(
            (contiguous_default, getitem_2, getitem_4), blocks_0_layers_2_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_3, "relu", True,
        )
        getitem_6 = conv_rows_3[0]
        getitem_7 = conv_rows_3[1]
        del conv_rows_3
        cat_default_2 = torch.cat([conv_rows_moments_2, getitem_3, getitem_5, getitem_7], 1)
        conv_rows_norm_4 = conv_rows_norm(
            cat_default_2, 1568, blocks_0_layers_3_0_weight, blocks_0_layers_3_0_bias,
            blocks_0_layers_3_0_running_mean, blocks_0_layers_3_0_running_var, 0.1, 1e-05,
        )
        conv_rows_4 = conv_rows(
            (contiguous_default, getitem_2, getitem_4, getitem_6), blocks_0_layers_3_2_weight, None,
            (1, 1), (1, 1), "none", conv_rows_norm_4, "relu", True,
        )
        getitem_8 = conv_rows_4[0]
        getitem_9 = conv_rows_4[1]
        del conv_rows_4
        cat_default_3 = torch.cat(
            [conv_rows_moments_2, getitem_3, getitem_5, getitem_7, getitem_9], 1,
        )
        conv_rows_norm_5 = conv_rows_norm(
            cat_default_3, 1568, blocks_0_layers_4_0_weight, blocks_0_layers_4_0_bias,
            blocks_0_layers_4_0_running_mean, blocks_0_layers_4_0_running_var, 0.1, 1e-05,
        )
        conv_rows_5 = conv_rows(
            (contiguous_default, getitem_2, getitem_4, getitem_6, getitem_8),
            blocks_0_layers_4_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_5, "relu",
            True,
        )
        getitem_10 = conv_rows_5[0]
        getitem_11 = conv_rows_5[1]
        del conv_rows_5
        cat_default_4 = torch.cat(
            [conv_rows_moments_2, getitem_3, getitem_5, getitem_7, getitem_9, getitem_11], 1,
        )
        conv_rows_norm_6 = conv_rows_norm(
            cat_default_4, 1568, blocks_0_layers_5_0_weight, blocks_0_layers_5_0_bias,
            blocks_0_layers_5_0_running_mean, blocks_0_layers_5_0_running_var, 0.1, 1e-05,
        )
        conv_rows_6 = conv_rows(
            (contiguous_default, getitem_2, getitem_4, getitem_6, getitem_8, getitem_10),
            blocks_0_layers_5_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_6, "relu",
            True,
        )
        getitem_12 = conv_rows_6[0]
        getitem_13 = conv_rows_6[1]
        del conv_rows_6
        cat_5 = torch.cat(
            [contiguous_default, getitem_2, getitem_4, getitem_6, getitem_8, getitem_10,
            getitem_12], 1,
        )
        del contiguous_default, getitem_2, getitem_4, getitem_6, getitem_8, getitem_10, getitem_12
        cat_default_5 = torch.cat(
            [conv_rows_moments_2, getitem_3, getitem_5, getitem_7, getitem_9, getitem_11,
            getitem_13], 1,
        )
        conv_rows_norm_7 = conv_rows_norm(
            cat_default_5, 1568, transitions_0_0_weight, transitions_0_0_bias,
            transitions_0_0_running_mean, transitions_0_0_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_3 = conv_rows_apply(cat_5, conv_rows_norm_7, "relu")
        del cat_5
        avg_pool2d_default = F.avg_pool2d(conv_rows_apply_3, [2, 2], [2, 2])
        del conv_rows_apply_3
        conv_rows_7 = conv_rows(
            avg_pool2d_default, transitions_0_2_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        del avg_pool2d_default
        getitem_14 = conv_rows_7[0]
        getitem_15 = conv_rows_7[1]
        del conv_rows_7
        conv_rows_norm_8 = conv_rows_norm(
            getitem_15, 392, blocks_1_layers_0_0_weight, blocks_1_layers_0_0_bias,
            blocks_1_layers_0_0_running_mean, blocks_1_layers_0_0_running_var, 0.1, 1e-05,
        )
        conv_rows_8 = conv_rows(
            getitem_14, blocks_1_layers_0_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_8,
            "relu", True,
        )
        getitem_16 = conv_rows_8[0]
        getitem_17 = conv_rows_8[1]
        del conv_rows_8
        cat_default_6 = torch.cat([getitem_15, getitem_17], 1)
        conv_rows_norm_9 = conv_rows_norm(
            cat_default_6, 392, blocks_1_layers_1_0_weight, blocks_1_layers_1_0_bias,
            blocks_1_layers_1_0_running_mean, blocks_1_layers_1_0_running_var, 0.1, 1e-05,
        )
        conv_rows_9 = conv_rows(
            (getitem_14, getitem_16), blocks_1_layers_1_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_9, "relu", True,
        )
        getitem_18 = conv_rows_9[0]
        getitem_19 = conv_rows_9[1]
        del conv_rows_9
        cat_default_7 = torch.cat([getitem_15, getitem_17, getitem_19], 1)
        conv_rows_norm_10 = conv_rows_norm(
            cat_default_7, 392, blocks_1_layers_2_0_weight, blocks_1_layers_2_0_bias,
            blocks_1_layers_2_0_running_mean, blocks_1_layers_2_0_running_var, 0.1, 1e-05,
        )
        conv_rows_10 = conv_rows(
            (getitem_14, getitem_16, getitem_18), blocks_1_layers_2_2_weight, None, (1, 1), (1, 1),
            "none", conv_rows_norm_10, "relu", True,
        )
        getitem_20 = conv_rows_10[0]
        getitem_21 = conv_rows_10[1]
        del conv_rows_10
        cat_default_8 = torch.cat([getitem_15, getitem_17, getitem_19, getitem_21], 1)
        conv_rows_norm_11 = conv_rows_norm(
            cat_default_8, 392, blocks_1_layers_3_0_weight, blocks_1_layers_3_0_bias,
            blocks_1_layers_3_0_running_mean, blocks_1_layers_3_0_running_var, 0.1, 1e-05,
        )
        conv_rows_11 = conv_rows(
            (getitem_14, getitem_16, getitem_18, getitem_20), blocks_1_layers_3_2_weight, None,
            (1, 1), (1, 1), "none", conv_rows_norm_11, "relu", True,
        )
        getitem_22 = conv_rows_11[0]
        getitem_23 = conv_rows_11[1]
        del conv_rows_11
        cat_default_9 = torch.cat([getitem_15, getitem_17, getitem_19, getitem_21, getitem_23], 1)
        conv_rows_norm_12 = conv_rows_norm(
            cat_default_9, 392, blocks_1_layers_4_0_weight, blocks_1_layers_4_0_bias,
            blocks_1_layers_4_0_running_mean, blocks_1_layers_4_0_running_var, 0.1, 1e-05,
        )
        conv_rows_12 = conv_rows(
            (getitem_14, getitem_16, getitem_18, getitem_20, getitem_22),
            blocks_1_layers_4_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_12, "relu",
            True,
        )
        getitem_24 = conv_rows_12[0]
        getitem_25 = conv_rows_12[1]
        del conv_rows_12
        cat_default_10 = torch.cat(
            [getitem_15, getitem_17, getitem_19, getitem_21, getitem_23, getitem_25], 1,
        )
        conv_rows_norm_13 = conv_rows_norm(
            cat_default_10, 392, blocks_1_layers_5_0_weight, blocks_1_layers_5_0_bias,
            blocks_1_layers_5_0_running_mean, blocks_1_layers_5_0_running_var, 0.1, 1e-05,
        )
        conv_rows_13 = conv_rows(
            (getitem_14, getitem_16, getitem_18, getitem_20, getitem_22, getitem_24),
            blocks_1_layers_5_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_13, "relu",
            True,
        )
        getitem_26 = conv_rows_13[0]
        getitem_27 = conv_rows_13[1]
        del conv_rows_13
        cat_default_11 = torch.cat(
            [getitem_15, getitem_17, getitem_19, getitem_21, getitem_23, getitem_25, getitem_27], 1,
        )
        conv_rows_norm_14 = conv_rows_norm(
            cat_default_11, 392, blocks_1_layers_6_0_weight, blocks_1_layers_6_0_bias,
            blocks_1_layers_6_0_running_mean, blocks_1_layers_6_0_running_var, 0.1, 1e-05,
        )
        conv_rows_14 = conv_rows(
            (getitem_14, getitem_16, getitem_18, getitem_20, getitem_22, getitem_24, getitem_26),
            blocks_1_layers_6_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_14, "relu",
            True,
        )
        getitem_28 = conv_rows_14[0]
        getitem_29 = conv_rows_14[1]
        del conv_rows_14
        cat_default_12 = torch.cat(
            [getitem_15, getitem_17, getitem_19, getitem_21, getitem_23, getitem_25, getitem_27,
            getitem_29], 1,
        )
        conv_rows_norm_15 = conv_rows_norm(
            cat_default_12, 392, blocks_1_layers_7_0_weight, blocks_1_layers_7_0_bias,
            blocks_1_layers_7_0_running_mean, blocks_1_layers_7_0_running_var, 0.1, 1e-05,
        )
        conv_rows_15 = conv_rows(
            (getitem_14, getitem_16, getitem_18, getitem_20, getitem_22, getitem_24, getitem_26,
            getitem_28), blocks_1_layers_7_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_15, "relu", True,
        )
        getitem_30 = conv_rows_15[0]
        getitem_31 = conv_rows_15[1]
        del conv_rows_15
        cat_default_13 = torch.cat(
            [getitem_14, getitem_16, getitem_18, getitem_20, getitem_22, getitem_24, getitem_26,
            getitem_28], 1,
        )
        cat_default_14 = torch.cat(
            [getitem_15, getitem_17, getitem_19, getitem_21, getitem_23, getitem_25, getitem_27,
            getitem_29], 1,
        )
        cat_default_15 = torch.cat([cat_default_14, getitem_31], 1)
        conv_rows_norm_16 = conv_rows_norm(
            cat_default_15, 392, blocks_1_layers_8_0_weight, blocks_1_layers_8_0_bias,
            blocks_1_layers_8_0_running_mean, blocks_1_layers_8_0_running_var, 0.1, 1e-05,
        )
        conv_rows_16 = conv_rows(
            (cat_default_13, getitem_30), blocks_1_layers_8_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_16, "relu", True,
        )
        getitem_32 = conv_rows_16[0]
        getitem_33 = conv_rows_16[1]
        del conv_rows_16
        cat_default_16 = torch.cat([cat_default_14, getitem_31, getitem_33], 1)
        conv_rows_norm_17 = conv_rows_norm(
            cat_default_16, 392, blocks_1_layers_9_0_weight, blocks_1_layers_9_0_bias,
            blocks_1_layers_9_0_running_mean, blocks_1_layers_9_0_running_var, 0.1, 1e-05,
        )
        conv_rows_17 = conv_rows(
            (cat_default_13, getitem_30, getitem_32), blocks_1_layers_9_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_17, "relu", True,
        )
        getitem_34 = conv_rows_17[0]
        getitem_35 = conv_rows_17[1]
        del conv_rows_17
        cat_default_17 = torch.cat([cat_default_14, getitem_31, getitem_33, getitem_35], 1)
        conv_rows_norm_18 = conv_rows_norm(
            cat_default_17, 392, blocks_1_layers_10_0_weight, blocks_1_layers_10_0_bias,
            blocks_1_layers_10_0_running_mean, blocks_1_layers_10_0_running_var, 0.1, 1e-05,
        )
        conv_rows_18 = conv_rows(
            (cat_default_13, getitem_30, getitem_32, getitem_34), blocks_1_layers_10_2_weight, None,
            (1, 1), (1, 1), "none", conv_rows_norm_18, "relu", True,
        )
        getitem_36 = conv_rows_18[0]
        getitem_37 = conv_rows_18[1]
        del conv_rows_18
        cat_default_18 = torch.cat(
            [cat_default_14, getitem_31, getitem_33, getitem_35, getitem_37], 1,
        )
        conv_rows_norm_19 = conv_rows_norm(
            cat_default_18, 392, blocks_1_layers_11_0_weight, blocks_1_layers_11_0_bias,
            blocks_1_layers_11_0_running_mean, blocks_1_layers_11_0_running_var, 0.1, 1e-05,
        )
        conv_rows_19 = conv_rows(
            (cat_default_13, getitem_30, getitem_32, getitem_34, getitem_36),
            blocks_1_layers_11_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_19, "relu",
            True,
        )
        del cat_default_13
        getitem_38 = conv_rows_19[0]
        getitem_39 = conv_rows_19[1]
        del conv_rows_19
        cat_17 = torch.cat(
            [getitem_14, getitem_16, getitem_18, getitem_20, getitem_22, getitem_24, getitem_26,
            getitem_28, getitem_30, getitem_32, getitem_34, getitem_36, getitem_38], 1,
        )
        del getitem_14, getitem_16, getitem_18, getitem_20, getitem_22, getitem_24, getitem_26, getitem_28, getitem_30, getitem_32, getitem_34, getitem_36, getitem_38
        cat_default_19 = torch.cat(
            [cat_default_14, getitem_31, getitem_33, getitem_35, getitem_37, getitem_39], 1,
        )
        conv_rows_norm_20 = conv_rows_norm(
            cat_default_19, 392, transitions_1_0_weight, transitions_1_0_bias,
            transitions_1_0_running_mean, transitions_1_0_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_2 = conv_rows_apply(cat_17, conv_rows_norm_20, "relu")
        del cat_17
        avg_pool2d_default_1 = F.avg_pool2d(conv_rows_apply_2, [2, 2], [2, 2])
        del conv_rows_apply_2
        conv_rows_20 = conv_rows(
            avg_pool2d_default_1, transitions_1_2_weight, None, (1, 1), (0, 0), "none", None,
            "none", True,
        )
        del avg_pool2d_default_1
        getitem_40 = conv_rows_20[0]
        getitem_41 = conv_rows_20[1]
        del conv_rows_20
        conv_rows_norm_21 = conv_rows_norm(
            getitem_41, 98, blocks_2_layers_0_0_weight, blocks_2_layers_0_0_bias,
            blocks_2_layers_0_0_running_mean, blocks_2_layers_0_0_running_var, 0.1, 1e-05,
        )
        conv_rows_21 = conv_rows(
            getitem_40, blocks_2_layers_0_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_21,
            "relu", True,
        )
        getitem_42 = conv_rows_21[0]
        getitem_43 = conv_rows_21[1]
        del conv_rows_21
        cat_default_20 = torch.cat([getitem_41, getitem_43], 1)
        conv_rows_norm_22 = conv_rows_norm(
            cat_default_20, 98, blocks_2_layers_1_0_weight, blocks_2_layers_1_0_bias,
            blocks_2_layers_1_0_running_mean, blocks_2_layers_1_0_running_var, 0.1, 1e-05,
        )
        conv_rows_22 = conv_rows(
            (getitem_40, getitem_42), blocks_2_layers_1_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_22, "relu", True,
        )
        getitem_44 = conv_rows_22[0]
        getitem_45 = conv_rows_22[1]
        del conv_rows_22
        cat_default_21 = torch.cat([getitem_41, getitem_43, getitem_45], 1)
        conv_rows_norm_23 = conv_rows_norm(
            cat_default_21, 98, blocks_2_layers_2_0_weight, blocks_2_layers_2_0_bias,
            blocks_2_layers_2_0_running_mean, blocks_2_layers_2_0_running_var, 0.1, 1e-05,
        )
        conv_rows_23 = conv_rows(
            (getitem_40, getitem_42, getitem_44), blocks_2_layers_2_2_weight, None, (1, 1), (1, 1),
            "none", conv_rows_norm_23, "relu", True,
        )
        getitem_46 = conv_rows_23[0]
        getitem_47 = conv_rows_23[1]
        del conv_rows_23
        cat_default_22 = torch.cat([getitem_41, getitem_43, getitem_45, getitem_47], 1)
        conv_rows_norm_24 = conv_rows_norm(
            cat_default_22, 98, blocks_2_layers_3_0_weight, blocks_2_layers_3_0_bias,
            blocks_2_layers_3_0_running_mean, blocks_2_layers_3_0_running_var, 0.1, 1e-05,
        )
        conv_rows_24 = conv_rows(
            (getitem_40, getitem_42, getitem_44, getitem_46), blocks_2_layers_3_2_weight, None,
            (1, 1), (1, 1), "none", conv_rows_norm_24, "relu", True,
        )
        getitem_48 = conv_rows_24[0]
        getitem_49 = conv_rows_24[1]
        del conv_rows_24
        cat_default_23 = torch.cat([getitem_41, getitem_43, getitem_45, getitem_47, getitem_49], 1)
        conv_rows_norm_25 = conv_rows_norm(
            cat_default_23, 98, blocks_2_layers_4_0_weight, blocks_2_layers_4_0_bias,
            blocks_2_layers_4_0_running_mean, blocks_2_layers_4_0_running_var, 0.1, 1e-05,
        )
        conv_rows_25 = conv_rows(
            (getitem_40, getitem_42, getitem_44, getitem_46, getitem_48),
            blocks_2_layers_4_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_25, "relu",
            True,
        )
        getitem_50 = conv_rows_25[0]
        getitem_51 = conv_rows_25[1]
        del conv_rows_25
        cat_default_24 = torch.cat(
            [getitem_41, getitem_43, getitem_45, getitem_47, getitem_49, getitem_51], 1,
        )
        conv_rows_norm_26 = conv_rows_norm(
            cat_default_24, 98, blocks_2_layers_5_0_weight, blocks_2_layers_5_0_bias,
            blocks_2_layers_5_0_running_mean, blocks_2_layers_5_0_running_var, 0.1, 1e-05,
        )
        conv_rows_26 = conv_rows(
            (getitem_40, getitem_42, getitem_44, getitem_46, getitem_48, getitem_50),
            blocks_2_layers_5_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_26, "relu",
            True,
        )
        getitem_52 = conv_rows_26[0]
        getitem_53 = conv_rows_26[1]
        del conv_rows_26
        cat_default_25 = torch.cat(
            [getitem_41, getitem_43, getitem_45, getitem_47, getitem_49, getitem_51, getitem_53], 1,
        )
        conv_rows_norm_27 = conv_rows_norm(
            cat_default_25, 98, blocks_2_layers_6_0_weight, blocks_2_layers_6_0_bias,
            blocks_2_layers_6_0_running_mean, blocks_2_layers_6_0_running_var, 0.1, 1e-05,
        )
        conv_rows_27 = conv_rows(
            (getitem_40, getitem_42, getitem_44, getitem_46, getitem_48, getitem_50, getitem_52),
            blocks_2_layers_6_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_27, "relu",
            True,
        )
        getitem_54 = conv_rows_27[0]
        getitem_55 = conv_rows_27[1]
        del conv_rows_27
        cat_default_26 = torch.cat(
            [getitem_41, getitem_43, getitem_45, getitem_47, getitem_49, getitem_51, getitem_53,
            getitem_55], 1,
        )
        conv_rows_norm_28 = conv_rows_norm(
            cat_default_26, 98, blocks_2_layers_7_0_weight, blocks_2_layers_7_0_bias,
            blocks_2_layers_7_0_running_mean, blocks_2_layers_7_0_running_var, 0.1, 1e-05,
        )
        conv_rows_28 = conv_rows(
            (getitem_40, getitem_42, getitem_44, getitem_46, getitem_48, getitem_50, getitem_52,
            getitem_54), blocks_2_layers_7_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_28, "relu", True,
        )
        getitem_56 = conv_rows_28[0]
        getitem_57 = conv_rows_28[1]
        del conv_rows_28
        cat_default_27 = torch.cat(
            [getitem_40, getitem_42, getitem_44, getitem_46, getitem_48, getitem_50, getitem_52,
            getitem_54], 1,
        )
        cat_default_28 = torch.cat(
            [getitem_41, getitem_43, getitem_45, getitem_47, getitem_49, getitem_51, getitem_53,
            getitem_55], 1,
        )
        cat_default_29 = torch.cat([cat_default_28, getitem_57], 1)
        conv_rows_norm_29 = conv_rows_norm(
            cat_default_29, 98, blocks_2_layers_8_0_weight, blocks_2_layers_8_0_bias,
            blocks_2_layers_8_0_running_mean, blocks_2_layers_8_0_running_var, 0.1, 1e-05,
        )
        conv_rows_29 = conv_rows(
            (cat_default_27, getitem_56), blocks_2_layers_8_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_29, "relu", True,
        )
        getitem_58 = conv_rows_29[0]
        getitem_59 = conv_rows_29[1]
        del conv_rows_29
        cat_default_30 = torch.cat([cat_default_28, getitem_57, getitem_59], 1)
        conv_rows_norm_30 = conv_rows_norm(
            cat_default_30, 98, blocks_2_layers_9_0_weight, blocks_2_layers_9_0_bias,
            blocks_2_layers_9_0_running_mean, blocks_2_layers_9_0_running_var, 0.1, 1e-05,
        )
        conv_rows_30 = conv_rows(
            (cat_default_27, getitem_56, getitem_58), blocks_2_layers_9_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_30, "relu", True,
        )
        getitem_60 = conv_rows_30[0]
        getitem_61 = conv_rows_30[1]
        del conv_rows_30
        cat_default_31 = torch.cat([cat_default_28, getitem_57, getitem_59, getitem_61], 1)
        conv_rows_norm_31 = conv_rows_norm(
            cat_default_31, 98, blocks_2_layers_10_0_weight, blocks_2_layers_10_0_bias,
            blocks_2_layers_10_0_running_mean, blocks_2_layers_10_0_running_var, 0.1, 1e-05,
        )
        conv_rows_31 = conv_rows(
            (cat_default_27, getitem_56, getitem_58, getitem_60), blocks_2_layers_10_2_weight, None,
            (1, 1), (1, 1), "none", conv_rows_norm_31, "relu", True,
        )
        getitem_62 = conv_rows_31[0]
        getitem_63 = conv_rows_31[1]
        del conv_rows_31
        cat_default_32 = torch.cat(
            [cat_default_28, getitem_57, getitem_59, getitem_61, getitem_63], 1,
        )
        conv_rows_norm_32 = conv_rows_norm(
            cat_default_32, 98, blocks_2_layers_11_0_weight, blocks_2_layers_11_0_bias,
            blocks_2_layers_11_0_running_mean, blocks_2_layers_11_0_running_var, 0.1, 1e-05,
        )
        conv_rows_32 = conv_rows(
            (cat_default_27, getitem_56, getitem_58, getitem_60, getitem_62),
            blocks_2_layers_11_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_32, "relu",
            True,
        )
        getitem_64 = conv_rows_32[0]
        getitem_65 = conv_rows_32[1]
        del conv_rows_32
        cat_default_33 = torch.cat(
            [cat_default_28, getitem_57, getitem_59, getitem_61, getitem_63, getitem_65], 1,
        )
        conv_rows_norm_33 = conv_rows_norm(
            cat_default_33, 98, blocks_2_layers_12_0_weight, blocks_2_layers_12_0_bias,
            blocks_2_layers_12_0_running_mean, blocks_2_layers_12_0_running_var, 0.1, 1e-05,
        )
        conv_rows_33 = conv_rows(
            (cat_default_27, getitem_56, getitem_58, getitem_60, getitem_62, getitem_64),
            blocks_2_layers_12_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_33, "relu",
            True,
        )
        getitem_66 = conv_rows_33[0]
        getitem_67 = conv_rows_33[1]
        del conv_rows_33
        cat_default_34 = torch.cat(
            [cat_default_28, getitem_57, getitem_59, getitem_61, getitem_63, getitem_65,
            getitem_67], 1,
        )
        conv_rows_norm_34 = conv_rows_norm(
            cat_default_34, 98, blocks_2_layers_13_0_weight, blocks_2_layers_13_0_bias,
            blocks_2_layers_13_0_running_mean, blocks_2_layers_13_0_running_var, 0.1, 1e-05,
        )
        conv_rows_34 = conv_rows(
            (cat_default_27, getitem_56, getitem_58, getitem_60, getitem_62, getitem_64,
            getitem_66), blocks_2_layers_13_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_34, "relu", True,
        )
        getitem_68 = conv_rows_34[0]
        getitem_69 = conv_rows_34[1]
        del conv_rows_34
        cat_default_35 = torch.cat(
            [cat_default_28, getitem_57, getitem_59, getitem_61, getitem_63, getitem_65, getitem_67,
            getitem_69], 1,
        )
        conv_rows_norm_35 = conv_rows_norm(
            cat_default_35, 98, blocks_2_layers_14_0_weight, blocks_2_layers_14_0_bias,
            blocks_2_layers_14_0_running_mean, blocks_2_layers_14_0_running_var, 0.1, 1e-05,
        )
        conv_rows_35 = conv_rows(
            (cat_default_27, getitem_56, getitem_58, getitem_60, getitem_62, getitem_64, getitem_66,
            getitem_68), blocks_2_layers_14_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_35, "relu", True,
        )
        getitem_70 = conv_rows_35[0]
        getitem_71 = conv_rows_35[1]
        del conv_rows_35
        cat_default_36 = torch.cat(
            [cat_default_27, getitem_56, getitem_58, getitem_60, getitem_62, getitem_64, getitem_66,
            getitem_68], 1,
        )
        del cat_default_27
        cat_default_37 = torch.cat(
            [cat_default_28, getitem_57, getitem_59, getitem_61, getitem_63, getitem_65, getitem_67,
            getitem_69], 1,
        )
        cat_default_38 = torch.cat([cat_default_37, getitem_71], 1)
        conv_rows_norm_36 = conv_rows_norm(
            cat_default_38, 98, blocks_2_layers_15_0_weight, blocks_2_layers_15_0_bias,
            blocks_2_layers_15_0_running_mean, blocks_2_layers_15_0_running_var, 0.1, 1e-05,
        )
        conv_rows_36 = conv_rows(
            (cat_default_36, getitem_70), blocks_2_layers_15_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_36, "relu", True,
        )
        getitem_72 = conv_rows_36[0]
        getitem_73 = conv_rows_36[1]
        del conv_rows_36
        cat_default_39 = torch.cat([cat_default_37, getitem_71, getitem_73], 1)
        conv_rows_norm_37 = conv_rows_norm(
            cat_default_39, 98, blocks_2_layers_16_0_weight, blocks_2_layers_16_0_bias,
            blocks_2_layers_16_0_running_mean, blocks_2_layers_16_0_running_var, 0.1, 1e-05,
        )
        conv_rows_37 = conv_rows(
            (cat_default_36, getitem_70, getitem_72), blocks_2_layers_16_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_37, "relu", True,
        )
        getitem_74 = conv_rows_37[0]
        getitem_75 = conv_rows_37[1]
        del conv_rows_37
        cat_default_40 = torch.cat([cat_default_37, getitem_71, getitem_73, getitem_75], 1)
        conv_rows_norm_38 = conv_rows_norm(
            cat_default_40, 98, blocks_2_layers_17_0_weight, blocks_2_layers_17_0_bias,
            blocks_2_layers_17_0_running_mean, blocks_2_layers_17_0_running_var, 0.1, 1e-05,
        )
        conv_rows_38 = conv_rows(
            (cat_default_36, getitem_70, getitem_72, getitem_74), blocks_2_layers_17_2_weight, None,
            (1, 1), (1, 1), "none", conv_rows_norm_38, "relu", True,
        )
        getitem_76 = conv_rows_38[0]
        getitem_77 = conv_rows_38[1]
        del conv_rows_38
        cat_default_41 = torch.cat(
            [cat_default_37, getitem_71, getitem_73, getitem_75, getitem_77], 1,
        )
        conv_rows_norm_39 = conv_rows_norm(
            cat_default_41, 98, blocks_2_layers_18_0_weight, blocks_2_layers_18_0_bias,
            blocks_2_layers_18_0_running_mean, blocks_2_layers_18_0_running_var, 0.1, 1e-05,
        )
        conv_rows_39 = conv_rows(
            (cat_default_36, getitem_70, getitem_72, getitem_74, getitem_76),
            blocks_2_layers_18_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_39, "relu",
            True,
        )
        getitem_78 = conv_rows_39[0]
        getitem_79 = conv_rows_39[1]
        del conv_rows_39
        cat_default_42 = torch.cat(
            [cat_default_37, getitem_71, getitem_73, getitem_75, getitem_77, getitem_79], 1,
        )
        conv_rows_norm_40 = conv_rows_norm(
            cat_default_42, 98, blocks_2_layers_19_0_weight, blocks_2_layers_19_0_bias,
            blocks_2_layers_19_0_running_mean, blocks_2_layers_19_0_running_var, 0.1, 1e-05,
        )
        conv_rows_40 = conv_rows(
            (cat_default_36, getitem_70, getitem_72, getitem_74, getitem_76, getitem_78),
            blocks_2_layers_19_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_40, "relu",
            True,
        )
        getitem_80 = conv_rows_40[0]
        getitem_81 = conv_rows_40[1]
        del conv_rows_40
        cat_default_43 = torch.cat(
            [cat_default_37, getitem_71, getitem_73, getitem_75, getitem_77, getitem_79,
            getitem_81], 1,
        )
        conv_rows_norm_41 = conv_rows_norm(
            cat_default_43, 98, blocks_2_layers_20_0_weight, blocks_2_layers_20_0_bias,
            blocks_2_layers_20_0_running_mean, blocks_2_layers_20_0_running_var, 0.1, 1e-05,
        )
        conv_rows_41 = conv_rows(
            (cat_default_36, getitem_70, getitem_72, getitem_74, getitem_76, getitem_78,
            getitem_80), blocks_2_layers_20_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_41, "relu", True,
        )
        getitem_82 = conv_rows_41[0]
        getitem_83 = conv_rows_41[1]
        del conv_rows_41
        cat_default_44 = torch.cat(
            [cat_default_37, getitem_71, getitem_73, getitem_75, getitem_77, getitem_79, getitem_81,
            getitem_83], 1,
        )
        conv_rows_norm_42 = conv_rows_norm(
            cat_default_44, 98, blocks_2_layers_21_0_weight, blocks_2_layers_21_0_bias,
            blocks_2_layers_21_0_running_mean, blocks_2_layers_21_0_running_var, 0.1, 1e-05,
        )
        conv_rows_42 = conv_rows(
            (cat_default_36, getitem_70, getitem_72, getitem_74, getitem_76, getitem_78, getitem_80,
            getitem_82), blocks_2_layers_21_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_42, "relu", True,
        )
        getitem_84 = conv_rows_42[0]
        getitem_85 = conv_rows_42[1]
        del conv_rows_42
        cat_default_45 = torch.cat(
            [cat_default_36, getitem_70, getitem_72, getitem_74, getitem_76, getitem_78, getitem_80,
            getitem_82], 1,
        )
        del cat_default_36
        cat_default_46 = torch.cat(
            [cat_default_37, getitem_71, getitem_73, getitem_75, getitem_77, getitem_79, getitem_81,
            getitem_83], 1,
        )
        cat_default_47 = torch.cat([cat_default_46, getitem_85], 1)
        conv_rows_norm_43 = conv_rows_norm(
            cat_default_47, 98, blocks_2_layers_22_0_weight, blocks_2_layers_22_0_bias,
            blocks_2_layers_22_0_running_mean, blocks_2_layers_22_0_running_var, 0.1, 1e-05,
        )
        conv_rows_43 = conv_rows(
            (cat_default_45, getitem_84), blocks_2_layers_22_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_43, "relu", True,
        )
        getitem_86 = conv_rows_43[0]
        getitem_87 = conv_rows_43[1]
        del conv_rows_43
        cat_default_48 = torch.cat([cat_default_46, getitem_85, getitem_87], 1)
        conv_rows_norm_44 = conv_rows_norm(
            cat_default_48, 98, blocks_2_layers_23_0_weight, blocks_2_layers_23_0_bias,
            blocks_2_layers_23_0_running_mean, blocks_2_layers_23_0_running_var, 0.1, 1e-05,
        )
        conv_rows_44 = conv_rows(
            (cat_default_45, getitem_84, getitem_86), blocks_2_layers_23_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_44, "relu", True,
        )
        getitem_88 = conv_rows_44[0]
        getitem_89 = conv_rows_44[1]
        del conv_rows_44
        cat_default_49 = torch.cat([cat_default_46, getitem_85, getitem_87, getitem_89], 1)
        conv_rows_norm_45 = conv_rows_norm(
            cat_default_49, 98, blocks_2_layers_24_0_weight, blocks_2_layers_24_0_bias,
            blocks_2_layers_24_0_running_mean, blocks_2_layers_24_0_running_var, 0.1, 1e-05,
        )
        conv_rows_45 = conv_rows(
            (cat_default_45, getitem_84, getitem_86, getitem_88), blocks_2_layers_24_2_weight, None,
            (1, 1), (1, 1), "none", conv_rows_norm_45, "relu", True,
        )
        getitem_90 = conv_rows_45[0]
        getitem_91 = conv_rows_45[1]
        del conv_rows_45
        cat_default_50 = torch.cat(
            [cat_default_46, getitem_85, getitem_87, getitem_89, getitem_91], 1,
        )
        conv_rows_norm_46 = conv_rows_norm(
            cat_default_50, 98, blocks_2_layers_25_0_weight, blocks_2_layers_25_0_bias,
            blocks_2_layers_25_0_running_mean, blocks_2_layers_25_0_running_var, 0.1, 1e-05,
        )
        conv_rows_46 = conv_rows(
            (cat_default_45, getitem_84, getitem_86, getitem_88, getitem_90),
            blocks_2_layers_25_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_46, "relu",
            True,
        )
        getitem_92 = conv_rows_46[0]
        getitem_93 = conv_rows_46[1]
        del conv_rows_46
        cat_default_51 = torch.cat(
            [cat_default_46, getitem_85, getitem_87, getitem_89, getitem_91, getitem_93], 1,
        )
        conv_rows_norm_47 = conv_rows_norm(
            cat_default_51, 98, blocks_2_layers_26_0_weight, blocks_2_layers_26_0_bias,
            blocks_2_layers_26_0_running_mean, blocks_2_layers_26_0_running_var, 0.1, 1e-05,
        )
        conv_rows_47 = conv_rows(
            (cat_default_45, getitem_84, getitem_86, getitem_88, getitem_90, getitem_92),
            blocks_2_layers_26_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_47, "relu",
            True,
        )
        getitem_94 = conv_rows_47[0]
        getitem_95 = conv_rows_47[1]
        del conv_rows_47
        cat_default_52 = torch.cat(
            [cat_default_46, getitem_85, getitem_87, getitem_89, getitem_91, getitem_93,
            getitem_95], 1,
        )
        conv_rows_norm_48 = conv_rows_norm(
            cat_default_52, 98, blocks_2_layers_27_0_weight, blocks_2_layers_27_0_bias,
            blocks_2_layers_27_0_running_mean, blocks_2_layers_27_0_running_var, 0.1, 1e-05,
        )
        conv_rows_48 = conv_rows(
            (cat_default_45, getitem_84, getitem_86, getitem_88, getitem_90, getitem_92,
            getitem_94), blocks_2_layers_27_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_48, "relu", True,
        )
        getitem_96 = conv_rows_48[0]
        getitem_97 = conv_rows_48[1]
        del conv_rows_48
        cat_default_53 = torch.cat(
            [cat_default_46, getitem_85, getitem_87, getitem_89, getitem_91, getitem_93, getitem_95,
            getitem_97], 1,
        )
        conv_rows_norm_49 = conv_rows_norm(
            cat_default_53, 98, blocks_2_layers_28_0_weight, blocks_2_layers_28_0_bias,
            blocks_2_layers_28_0_running_mean, blocks_2_layers_28_0_running_var, 0.1, 1e-05,
        )
        conv_rows_49 = conv_rows(
            (cat_default_45, getitem_84, getitem_86, getitem_88, getitem_90, getitem_92, getitem_94,
            getitem_96), blocks_2_layers_28_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_49, "relu", True,
        )
        getitem_98 = conv_rows_49[0]
        getitem_99 = conv_rows_49[1]
        del conv_rows_49
        cat_default_54 = torch.cat(
            [cat_default_45, getitem_84, getitem_86, getitem_88, getitem_90, getitem_92, getitem_94,
            getitem_96], 1,
        )
        del cat_default_45
        cat_default_55 = torch.cat(
            [cat_default_46, getitem_85, getitem_87, getitem_89, getitem_91, getitem_93, getitem_95,
            getitem_97], 1,
        )
        cat_default_56 = torch.cat([cat_default_55, getitem_99], 1)
        conv_rows_norm_50 = conv_rows_norm(
            cat_default_56, 98, blocks_2_layers_29_0_weight, blocks_2_layers_29_0_bias,
            blocks_2_layers_29_0_running_mean, blocks_2_layers_29_0_running_var, 0.1, 1e-05,
        )
        conv_rows_50 = conv_rows(
            (cat_default_54, getitem_98), blocks_2_layers_29_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_50, "relu", True,
        )
        getitem_100 = conv_rows_50[0]
        getitem_101 = conv_rows_50[1]
        del conv_rows_50
        cat_default_57 = torch.cat([cat_default_55, getitem_99, getitem_101], 1)
        conv_rows_norm_51 = conv_rows_norm(
            cat_default_57, 98, blocks_2_layers_30_0_weight, blocks_2_layers_30_0_bias,
            blocks_2_layers_30_0_running_mean, blocks_2_layers_30_0_running_var, 0.1, 1e-05,
        )
        conv_rows_51 = conv_rows(
            (cat_default_54, getitem_98, getitem_100), blocks_2_layers_30_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_51, "relu", True,
        )
        getitem_102 = conv_rows_51[0]
        getitem_103 = conv_rows_51[1]
        del conv_rows_51
        cat_default_58 = torch.cat([cat_default_55, getitem_99, getitem_101, getitem_103], 1)
        conv_rows_norm_52 = conv_rows_norm(
            cat_default_58, 98, blocks_2_layers_31_0_weight, blocks_2_layers_31_0_bias,
            blocks_2_layers_31_0_running_mean, blocks_2_layers_31_0_running_var, 0.1, 1e-05,
        )
        conv_rows_52 = conv_rows(
            (cat_default_54, getitem_98, getitem_100, getitem_102), blocks_2_layers_31_2_weight,
            None, (1, 1), (1, 1), "none", conv_rows_norm_52, "relu", True,
        )
        getitem_104 = conv_rows_52[0]
        getitem_105 = conv_rows_52[1]
        del conv_rows_52
        cat_default_59 = torch.cat(
            [cat_default_55, getitem_99, getitem_101, getitem_103, getitem_105], 1,
        )
        conv_rows_norm_53 = conv_rows_norm(
            cat_default_59, 98, blocks_2_layers_32_0_weight, blocks_2_layers_32_0_bias,
            blocks_2_layers_32_0_running_mean, blocks_2_layers_32_0_running_var, 0.1, 1e-05,
        )
        conv_rows_53 = conv_rows(
            (cat_default_54, getitem_98, getitem_100, getitem_102, getitem_104),
            blocks_2_layers_32_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_53, "relu",
            True,
        )
        getitem_106 = conv_rows_53[0]
        getitem_107 = conv_rows_53[1]
        del conv_rows_53
        cat_default_60 = torch.cat(
            [cat_default_55, getitem_99, getitem_101, getitem_103, getitem_105, getitem_107], 1,
        )
        conv_rows_norm_54 = conv_rows_norm(
            cat_default_60, 98, blocks_2_layers_33_0_weight, blocks_2_layers_33_0_bias,
            blocks_2_layers_33_0_running_mean, blocks_2_layers_33_0_running_var, 0.1, 1e-05,
        )
        conv_rows_54 = conv_rows(
            (cat_default_54, getitem_98, getitem_100, getitem_102, getitem_104, getitem_106),
            blocks_2_layers_33_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_54, "relu",
            True,
        )
        getitem_108 = conv_rows_54[0]
        getitem_109 = conv_rows_54[1]
        del conv_rows_54
        cat_default_61 = torch.cat(
            [cat_default_55, getitem_99, getitem_101, getitem_103, getitem_105, getitem_107,
            getitem_109], 1,
        )
        conv_rows_norm_55 = conv_rows_norm(
            cat_default_61, 98, blocks_2_layers_34_0_weight, blocks_2_layers_34_0_bias,
            blocks_2_layers_34_0_running_mean, blocks_2_layers_34_0_running_var, 0.1, 1e-05,
        )
        conv_rows_55 = conv_rows(
            (cat_default_54, getitem_98, getitem_100, getitem_102, getitem_104, getitem_106,
            getitem_108), blocks_2_layers_34_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_55, "relu", True,
        )
        getitem_110 = conv_rows_55[0]
        getitem_111 = conv_rows_55[1]
        del conv_rows_55
        cat_default_62 = torch.cat(
            [cat_default_55, getitem_99, getitem_101, getitem_103, getitem_105, getitem_107,
            getitem_109, getitem_111], 1,
        )
        conv_rows_norm_56 = conv_rows_norm(
            cat_default_62, 98, blocks_2_layers_35_0_weight, blocks_2_layers_35_0_bias,
            blocks_2_layers_35_0_running_mean, blocks_2_layers_35_0_running_var, 0.1, 1e-05,
        )
        conv_rows_56 = conv_rows(
            (cat_default_54, getitem_98, getitem_100, getitem_102, getitem_104, getitem_106,
            getitem_108, getitem_110), blocks_2_layers_35_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_56, "relu", True,
        )
        getitem_112 = conv_rows_56[0]
        getitem_113 = conv_rows_56[1]
        del conv_rows_56
        cat_default_63 = torch.cat(
            [cat_default_54, getitem_98, getitem_100, getitem_102, getitem_104, getitem_106,
            getitem_108, getitem_110], 1,
        )
        del cat_default_54
        cat_default_64 = torch.cat(
            [cat_default_55, getitem_99, getitem_101, getitem_103, getitem_105, getitem_107,
            getitem_109, getitem_111], 1,
        )
        cat_default_65 = torch.cat([cat_default_64, getitem_113], 1)
        conv_rows_norm_57 = conv_rows_norm(
            cat_default_65, 98, blocks_2_layers_36_0_weight, blocks_2_layers_36_0_bias,
            blocks_2_layers_36_0_running_mean, blocks_2_layers_36_0_running_var, 0.1, 1e-05,
        )
        conv_rows_57 = conv_rows(
            (cat_default_63, getitem_112), blocks_2_layers_36_2_weight, None, (1, 1), (1, 1),
            "none", conv_rows_norm_57, "relu", True,
        )
        getitem_114 = conv_rows_57[0]
        getitem_115 = conv_rows_57[1]
        del conv_rows_57
        cat_default_66 = torch.cat([cat_default_64, getitem_113, getitem_115], 1)
        conv_rows_norm_58 = conv_rows_norm(
            cat_default_66, 98, blocks_2_layers_37_0_weight, blocks_2_layers_37_0_bias,
            blocks_2_layers_37_0_running_mean, blocks_2_layers_37_0_running_var, 0.1, 1e-05,
        )
        conv_rows_58 = conv_rows(
            (cat_default_63, getitem_112, getitem_114), blocks_2_layers_37_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_58, "relu", True,
        )
        getitem_116 = conv_rows_58[0]
        getitem_117 = conv_rows_58[1]
        del conv_rows_58
        cat_default_67 = torch.cat([cat_default_64, getitem_113, getitem_115, getitem_117], 1)
        conv_rows_norm_59 = conv_rows_norm(
            cat_default_67, 98, blocks_2_layers_38_0_weight, blocks_2_layers_38_0_bias,
            blocks_2_layers_38_0_running_mean, blocks_2_layers_38_0_running_var, 0.1, 1e-05,
        )
        conv_rows_59 = conv_rows(
            (cat_default_63, getitem_112, getitem_114, getitem_116), blocks_2_layers_38_2_weight,
            None, (1, 1), (1, 1), "none", conv_rows_norm_59, "relu", True,
        )
        getitem_118 = conv_rows_59[0]
        getitem_119 = conv_rows_59[1]
        del conv_rows_59
        cat_default_68 = torch.cat(
            [cat_default_64, getitem_113, getitem_115, getitem_117, getitem_119], 1,
        )
        conv_rows_norm_60 = conv_rows_norm(
            cat_default_68, 98, blocks_2_layers_39_0_weight, blocks_2_layers_39_0_bias,
            blocks_2_layers_39_0_running_mean, blocks_2_layers_39_0_running_var, 0.1, 1e-05,
        )
        conv_rows_60 = conv_rows(
            (cat_default_63, getitem_112, getitem_114, getitem_116, getitem_118),
            blocks_2_layers_39_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_60, "relu",
            True,
        )
        getitem_120 = conv_rows_60[0]
        getitem_121 = conv_rows_60[1]
        del conv_rows_60
        cat_default_69 = torch.cat(
            [cat_default_64, getitem_113, getitem_115, getitem_117, getitem_119, getitem_121], 1,
        )
        conv_rows_norm_61 = conv_rows_norm(
            cat_default_69, 98, blocks_2_layers_40_0_weight, blocks_2_layers_40_0_bias,
            blocks_2_layers_40_0_running_mean, blocks_2_layers_40_0_running_var, 0.1, 1e-05,
        )
        conv_rows_61 = conv_rows(
            (cat_default_63, getitem_112, getitem_114, getitem_116, getitem_118, getitem_120),
            blocks_2_layers_40_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_61, "relu",
            True,
        )
        getitem_122 = conv_rows_61[0]
        getitem_123 = conv_rows_61[1]
        del conv_rows_61
        cat_default_70 = torch.cat(
            [cat_default_64, getitem_113, getitem_115, getitem_117, getitem_119, getitem_121,
            getitem_123], 1,
        )
        conv_rows_norm_62 = conv_rows_norm(
            cat_default_70, 98, blocks_2_layers_41_0_weight, blocks_2_layers_41_0_bias,
            blocks_2_layers_41_0_running_mean, blocks_2_layers_41_0_running_var, 0.1, 1e-05,
        )
        conv_rows_62 = conv_rows(
            (cat_default_63, getitem_112, getitem_114, getitem_116, getitem_118, getitem_120,
            getitem_122), blocks_2_layers_41_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_62, "relu", True,
        )
        getitem_124 = conv_rows_62[0]
        getitem_125 = conv_rows_62[1]
        del conv_rows_62
        cat_default_71 = torch.cat(
            [cat_default_64, getitem_113, getitem_115, getitem_117, getitem_119, getitem_121,
            getitem_123, getitem_125], 1,
        )
        conv_rows_norm_63 = conv_rows_norm(
            cat_default_71, 98, blocks_2_layers_42_0_weight, blocks_2_layers_42_0_bias,
            blocks_2_layers_42_0_running_mean, blocks_2_layers_42_0_running_var, 0.1, 1e-05,
        )
        conv_rows_63 = conv_rows(
            (cat_default_63, getitem_112, getitem_114, getitem_116, getitem_118, getitem_120,
            getitem_122, getitem_124), blocks_2_layers_42_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_63, "relu", True,
        )
        getitem_126 = conv_rows_63[0]
        getitem_127 = conv_rows_63[1]
        del conv_rows_63
        cat_default_72 = torch.cat(
            [cat_default_63, getitem_112, getitem_114, getitem_116, getitem_118, getitem_120,
            getitem_122, getitem_124], 1,
        )
        del cat_default_63
        cat_default_73 = torch.cat(
            [cat_default_64, getitem_113, getitem_115, getitem_117, getitem_119, getitem_121,
            getitem_123, getitem_125], 1,
        )
        cat_default_74 = torch.cat([cat_default_73, getitem_127], 1)
        conv_rows_norm_64 = conv_rows_norm(
            cat_default_74, 98, blocks_2_layers_43_0_weight, blocks_2_layers_43_0_bias,
            blocks_2_layers_43_0_running_mean, blocks_2_layers_43_0_running_var, 0.1, 1e-05,
        )
        conv_rows_64 = conv_rows(
            (cat_default_72, getitem_126), blocks_2_layers_43_2_weight, None, (1, 1), (1, 1),
            "none", conv_rows_norm_64, "relu", True,
        )
        getitem_128 = conv_rows_64[0]
        getitem_129 = conv_rows_64[1]
        del conv_rows_64
        cat_default_75 = torch.cat([cat_default_73, getitem_127, getitem_129], 1)
        conv_rows_norm_65 = conv_rows_norm(
            cat_default_75, 98, blocks_2_layers_44_0_weight, blocks_2_layers_44_0_bias,
            blocks_2_layers_44_0_running_mean, blocks_2_layers_44_0_running_var, 0.1, 1e-05,
        )
        conv_rows_65 = conv_rows(
            (cat_default_72, getitem_126, getitem_128), blocks_2_layers_44_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_65, "relu", True,
        )
        getitem_130 = conv_rows_65[0]
        getitem_131 = conv_rows_65[1]
        del conv_rows_65
        cat_default_76 = torch.cat([cat_default_73, getitem_127, getitem_129, getitem_131], 1)
        conv_rows_norm_66 = conv_rows_norm(
            cat_default_76, 98, blocks_2_layers_45_0_weight, blocks_2_layers_45_0_bias,
            blocks_2_layers_45_0_running_mean, blocks_2_layers_45_0_running_var, 0.1, 1e-05,
        )
        conv_rows_66 = conv_rows(
            (cat_default_72, getitem_126, getitem_128, getitem_130), blocks_2_layers_45_2_weight,
            None, (1, 1), (1, 1), "none", conv_rows_norm_66, "relu", True,
        )
        getitem_132 = conv_rows_66[0]
        getitem_133 = conv_rows_66[1]
        del conv_rows_66
        cat_default_77 = torch.cat(
            [cat_default_73, getitem_127, getitem_129, getitem_131, getitem_133], 1,
        )
        conv_rows_norm_67 = conv_rows_norm(
            cat_default_77, 98, blocks_2_layers_46_0_weight, blocks_2_layers_46_0_bias,
            blocks_2_layers_46_0_running_mean, blocks_2_layers_46_0_running_var, 0.1, 1e-05,
        )
        conv_rows_67 = conv_rows(
            (cat_default_72, getitem_126, getitem_128, getitem_130, getitem_132),
            blocks_2_layers_46_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_67, "relu",
            True,
        )
        getitem_134 = conv_rows_67[0]
        getitem_135 = conv_rows_67[1]
        del conv_rows_67
        cat_default_78 = torch.cat(
            [cat_default_73, getitem_127, getitem_129, getitem_131, getitem_133, getitem_135], 1,
        )
        conv_rows_norm_68 = conv_rows_norm(
            cat_default_78, 98, blocks_2_layers_47_0_weight, blocks_2_layers_47_0_bias,
            blocks_2_layers_47_0_running_mean, blocks_2_layers_47_0_running_var, 0.1, 1e-05,
        )
        conv_rows_68 = conv_rows(
            (cat_default_72, getitem_126, getitem_128, getitem_130, getitem_132, getitem_134),
            blocks_2_layers_47_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_68, "relu",
            True,
        )
        del cat_default_72
        getitem_136 = conv_rows_68[0]
        getitem_137 = conv_rows_68[1]
        del conv_rows_68
        cat_65 = torch.cat(
            [getitem_40, getitem_42, getitem_44, getitem_46, getitem_48, getitem_50, getitem_52,
            getitem_54, getitem_56, getitem_58, getitem_60, getitem_62, getitem_64, getitem_66,
            getitem_68, getitem_70, getitem_72, getitem_74, getitem_76, getitem_78, getitem_80,
            getitem_82, getitem_84, getitem_86, getitem_88, getitem_90, getitem_92, getitem_94,
            getitem_96, getitem_98, getitem_100, getitem_102, getitem_104, getitem_106, getitem_108,
            getitem_110, getitem_112, getitem_114, getitem_116, getitem_118, getitem_120,
            getitem_122, getitem_124, getitem_126, getitem_128, getitem_130, getitem_132,
            getitem_134, getitem_136], 1,
        )
        del getitem_40
        cat_default_79 = torch.cat(
            [cat_default_73, getitem_127, getitem_129, getitem_131, getitem_133, getitem_135,
            getitem_137], 1,
        )
        conv_rows_norm_69 = conv_rows_norm(
            cat_default_79, 98, transitions_2_0_weight, transitions_2_0_bias,
            transitions_2_0_running_mean, transitions_2_0_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_1 = conv_rows_apply(cat_65, conv_rows_norm_69, "relu")
        del cat_65
        avg_pool2d_default_2 = F.avg_pool2d(conv_rows_apply_1, [2, 2], [2, 2])
        del conv_rows_apply_1
        conv_rows_69 = conv_rows(
            avg_pool2d_default_2, transitions_2_2_weight, None, (1, 1), (0, 0), "none", None,
            "none", True,
        )
        del avg_pool2d_default_2
        getitem_138 = conv_rows_69[0]
        getitem_139 = conv_rows_69[1]
        del conv_rows_69
        conv_rows_norm_70 = conv_rows_norm(
            getitem_139, 18, blocks_3_layers_0_0_weight, blocks_3_layers_0_0_bias,
            blocks_3_layers_0_0_running_mean, blocks_3_layers_0_0_running_var, 0.1, 1e-05,
        )
        conv_rows_70 = conv_rows(
            getitem_138, blocks_3_layers_0_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_70, "relu", True,
        )
        getitem_140 = conv_rows_70[0]
        getitem_141 = conv_rows_70[1]
        del conv_rows_70
        cat_default_80 = torch.cat([getitem_139, getitem_141], 1)
        conv_rows_norm_71 = conv_rows_norm(
            cat_default_80, 18, blocks_3_layers_1_0_weight, blocks_3_layers_1_0_bias,
            blocks_3_layers_1_0_running_mean, blocks_3_layers_1_0_running_var, 0.1, 1e-05,
        )
        conv_rows_71 = conv_rows(
            (getitem_138, getitem_140), blocks_3_layers_1_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_71, "relu", True,
        )
        getitem_142 = conv_rows_71[0]
        getitem_143 = conv_rows_71[1]
        del conv_rows_71
        cat_default_81 = torch.cat([getitem_139, getitem_141, getitem_143], 1)
        conv_rows_norm_72 = conv_rows_norm(
            cat_default_81, 18, blocks_3_layers_2_0_weight, blocks_3_layers_2_0_bias,
            blocks_3_layers_2_0_running_mean, blocks_3_layers_2_0_running_var, 0.1, 1e-05,
        )
        conv_rows_72 = conv_rows(
            (getitem_138, getitem_140, getitem_142), blocks_3_layers_2_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_72, "relu", True,
        )
        getitem_144 = conv_rows_72[0]
        getitem_145 = conv_rows_72[1]
        del conv_rows_72
        cat_default_82 = torch.cat([getitem_139, getitem_141, getitem_143, getitem_145], 1)
        conv_rows_norm_73 = conv_rows_norm(
            cat_default_82, 18, blocks_3_layers_3_0_weight, blocks_3_layers_3_0_bias,
            blocks_3_layers_3_0_running_mean, blocks_3_layers_3_0_running_var, 0.1, 1e-05,
        )
        conv_rows_73 = conv_rows(
            (getitem_138, getitem_140, getitem_142, getitem_144), blocks_3_layers_3_2_weight, None,
            (1, 1), (1, 1), "none", conv_rows_norm_73, "relu", True,
        )
        getitem_146 = conv_rows_73[0]
        getitem_147 = conv_rows_73[1]
        del conv_rows_73
        cat_default_83 = torch.cat(
            [getitem_139, getitem_141, getitem_143, getitem_145, getitem_147], 1,
        )
        conv_rows_norm_74 = conv_rows_norm(
            cat_default_83, 18, blocks_3_layers_4_0_weight, blocks_3_layers_4_0_bias,
            blocks_3_layers_4_0_running_mean, blocks_3_layers_4_0_running_var, 0.1, 1e-05,
        )
        conv_rows_74 = conv_rows(
            (getitem_138, getitem_140, getitem_142, getitem_144, getitem_146),
            blocks_3_layers_4_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_74, "relu",
            True,
        )
        getitem_148 = conv_rows_74[0]
        getitem_149 = conv_rows_74[1]
        del conv_rows_74
        cat_default_84 = torch.cat(
            [getitem_139, getitem_141, getitem_143, getitem_145, getitem_147, getitem_149], 1,
        )
        conv_rows_norm_75 = conv_rows_norm(
            cat_default_84, 18, blocks_3_layers_5_0_weight, blocks_3_layers_5_0_bias,
            blocks_3_layers_5_0_running_mean, blocks_3_layers_5_0_running_var, 0.1, 1e-05,
        )
        conv_rows_75 = conv_rows(
            (getitem_138, getitem_140, getitem_142, getitem_144, getitem_146, getitem_148),
            blocks_3_layers_5_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_75, "relu",
            True,
        )
        getitem_150 = conv_rows_75[0]
        getitem_151 = conv_rows_75[1]
        del conv_rows_75
        cat_default_85 = torch.cat(
            [getitem_139, getitem_141, getitem_143, getitem_145, getitem_147, getitem_149,
            getitem_151], 1,
        )
        conv_rows_norm_76 = conv_rows_norm(
            cat_default_85, 18, blocks_3_layers_6_0_weight, blocks_3_layers_6_0_bias,
            blocks_3_layers_6_0_running_mean, blocks_3_layers_6_0_running_var, 0.1, 1e-05,
        )
        conv_rows_76 = conv_rows(
            (getitem_138, getitem_140, getitem_142, getitem_144, getitem_146, getitem_148,
            getitem_150), blocks_3_layers_6_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_76, "relu", True,
        )
        getitem_152 = conv_rows_76[0]
        getitem_153 = conv_rows_76[1]
        del conv_rows_76
        cat_default_86 = torch.cat(
            [getitem_139, getitem_141, getitem_143, getitem_145, getitem_147, getitem_149,
            getitem_151, getitem_153], 1,
        )
        conv_rows_norm_77 = conv_rows_norm(
            cat_default_86, 18, blocks_3_layers_7_0_weight, blocks_3_layers_7_0_bias,
            blocks_3_layers_7_0_running_mean, blocks_3_layers_7_0_running_var, 0.1, 1e-05,
        )
        conv_rows_77 = conv_rows(
            (getitem_138, getitem_140, getitem_142, getitem_144, getitem_146, getitem_148,
            getitem_150, getitem_152), blocks_3_layers_7_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_77, "relu", True,
        )
        getitem_154 = conv_rows_77[0]
        getitem_155 = conv_rows_77[1]
        del conv_rows_77
        cat_default_87 = torch.cat(
            [getitem_138, getitem_140, getitem_142, getitem_144, getitem_146, getitem_148,
            getitem_150, getitem_152], 1,
        )
        cat_default_88 = torch.cat(
            [getitem_139, getitem_141, getitem_143, getitem_145, getitem_147, getitem_149,
            getitem_151, getitem_153], 1,
        )
        cat_default_89 = torch.cat([cat_default_88, getitem_155], 1)
        conv_rows_norm_78 = conv_rows_norm(
            cat_default_89, 18, blocks_3_layers_8_0_weight, blocks_3_layers_8_0_bias,
            blocks_3_layers_8_0_running_mean, blocks_3_layers_8_0_running_var, 0.1, 1e-05,
        )
        conv_rows_78 = conv_rows(
            (cat_default_87, getitem_154), blocks_3_layers_8_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_78, "relu", True,
        )
        getitem_156 = conv_rows_78[0]
        getitem_157 = conv_rows_78[1]
        del conv_rows_78
        cat_default_90 = torch.cat([cat_default_88, getitem_155, getitem_157], 1)
        conv_rows_norm_79 = conv_rows_norm(
            cat_default_90, 18, blocks_3_layers_9_0_weight, blocks_3_layers_9_0_bias,
            blocks_3_layers_9_0_running_mean, blocks_3_layers_9_0_running_var, 0.1, 1e-05,
        )
        conv_rows_79 = conv_rows(
            (cat_default_87, getitem_154, getitem_156), blocks_3_layers_9_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_79, "relu", True,
        )
        getitem_158 = conv_rows_79[0]
        getitem_159 = conv_rows_79[1]
        del conv_rows_79
        cat_default_91 = torch.cat([cat_default_88, getitem_155, getitem_157, getitem_159], 1)
        conv_rows_norm_80 = conv_rows_norm(
            cat_default_91, 18, blocks_3_layers_10_0_weight, blocks_3_layers_10_0_bias,
            blocks_3_layers_10_0_running_mean, blocks_3_layers_10_0_running_var, 0.1, 1e-05,
        )
        conv_rows_80 = conv_rows(
            (cat_default_87, getitem_154, getitem_156, getitem_158), blocks_3_layers_10_2_weight,
            None, (1, 1), (1, 1), "none", conv_rows_norm_80, "relu", True,
        )
        getitem_160 = conv_rows_80[0]
        getitem_161 = conv_rows_80[1]
        del conv_rows_80
        cat_default_92 = torch.cat(
            [cat_default_88, getitem_155, getitem_157, getitem_159, getitem_161], 1,
        )
        conv_rows_norm_81 = conv_rows_norm(
            cat_default_92, 18, blocks_3_layers_11_0_weight, blocks_3_layers_11_0_bias,
            blocks_3_layers_11_0_running_mean, blocks_3_layers_11_0_running_var, 0.1, 1e-05,
        )
        conv_rows_81 = conv_rows(
            (cat_default_87, getitem_154, getitem_156, getitem_158, getitem_160),
            blocks_3_layers_11_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_81, "relu",
            True,
        )
        getitem_162 = conv_rows_81[0]
        getitem_163 = conv_rows_81[1]
        del conv_rows_81
        cat_default_93 = torch.cat(
            [cat_default_88, getitem_155, getitem_157, getitem_159, getitem_161, getitem_163], 1,
        )
        conv_rows_norm_82 = conv_rows_norm(
            cat_default_93, 18, blocks_3_layers_12_0_weight, blocks_3_layers_12_0_bias,
            blocks_3_layers_12_0_running_mean, blocks_3_layers_12_0_running_var, 0.1, 1e-05,
        )
        conv_rows_82 = conv_rows(
            (cat_default_87, getitem_154, getitem_156, getitem_158, getitem_160, getitem_162),
            blocks_3_layers_12_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_82, "relu",
            True,
        )
        getitem_164 = conv_rows_82[0]
        getitem_165 = conv_rows_82[1]
        del conv_rows_82
        cat_default_94 = torch.cat(
            [cat_default_88, getitem_155, getitem_157, getitem_159, getitem_161, getitem_163,
            getitem_165], 1,
        )
        conv_rows_norm_83 = conv_rows_norm(
            cat_default_94, 18, blocks_3_layers_13_0_weight, blocks_3_layers_13_0_bias,
            blocks_3_layers_13_0_running_mean, blocks_3_layers_13_0_running_var, 0.1, 1e-05,
        )
        conv_rows_83 = conv_rows(
            (cat_default_87, getitem_154, getitem_156, getitem_158, getitem_160, getitem_162,
            getitem_164), blocks_3_layers_13_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_83, "relu", True,
        )
        getitem_166 = conv_rows_83[0]
        getitem_167 = conv_rows_83[1]
        del conv_rows_83
        cat_default_95 = torch.cat(
            [cat_default_88, getitem_155, getitem_157, getitem_159, getitem_161, getitem_163,
            getitem_165, getitem_167], 1,
        )
        conv_rows_norm_84 = conv_rows_norm(
            cat_default_95, 18, blocks_3_layers_14_0_weight, blocks_3_layers_14_0_bias,
            blocks_3_layers_14_0_running_mean, blocks_3_layers_14_0_running_var, 0.1, 1e-05,
        )
        conv_rows_84 = conv_rows(
            (cat_default_87, getitem_154, getitem_156, getitem_158, getitem_160, getitem_162,
            getitem_164, getitem_166), blocks_3_layers_14_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_84, "relu", True,
        )
        getitem_168 = conv_rows_84[0]
        getitem_169 = conv_rows_84[1]
        del conv_rows_84
        cat_default_96 = torch.cat(
            [cat_default_87, getitem_154, getitem_156, getitem_158, getitem_160, getitem_162,
            getitem_164, getitem_166], 1,
        )
        del cat_default_87
        cat_default_97 = torch.cat(
            [cat_default_88, getitem_155, getitem_157, getitem_159, getitem_161, getitem_163,
            getitem_165, getitem_167], 1,
        )
        cat_default_98 = torch.cat([cat_default_97, getitem_169], 1)
        conv_rows_norm_85 = conv_rows_norm(
            cat_default_98, 18, blocks_3_layers_15_0_weight, blocks_3_layers_15_0_bias,
            blocks_3_layers_15_0_running_mean, blocks_3_layers_15_0_running_var, 0.1, 1e-05,
        )
        conv_rows_85 = conv_rows(
            (cat_default_96, getitem_168), blocks_3_layers_15_2_weight, None, (1, 1), (1, 1),
            "none", conv_rows_norm_85, "relu", True,
        )
        getitem_170 = conv_rows_85[0]
        getitem_171 = conv_rows_85[1]
        del conv_rows_85
        cat_default_99 = torch.cat([cat_default_97, getitem_169, getitem_171], 1)
        conv_rows_norm_86 = conv_rows_norm(
            cat_default_99, 18, blocks_3_layers_16_0_weight, blocks_3_layers_16_0_bias,
            blocks_3_layers_16_0_running_mean, blocks_3_layers_16_0_running_var, 0.1, 1e-05,
        )
        conv_rows_86 = conv_rows(
            (cat_default_96, getitem_168, getitem_170), blocks_3_layers_16_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_86, "relu", True,
        )
        getitem_172 = conv_rows_86[0]
        getitem_173 = conv_rows_86[1]
        del conv_rows_86
        cat_default_100 = torch.cat([cat_default_97, getitem_169, getitem_171, getitem_173], 1)
        conv_rows_norm_87 = conv_rows_norm(
            cat_default_100, 18, blocks_3_layers_17_0_weight, blocks_3_layers_17_0_bias,
            blocks_3_layers_17_0_running_mean, blocks_3_layers_17_0_running_var, 0.1, 1e-05,
        )
        conv_rows_87 = conv_rows(
            (cat_default_96, getitem_168, getitem_170, getitem_172), blocks_3_layers_17_2_weight,
            None, (1, 1), (1, 1), "none", conv_rows_norm_87, "relu", True,
        )
        getitem_174 = conv_rows_87[0]
        getitem_175 = conv_rows_87[1]
        del conv_rows_87
        cat_default_101 = torch.cat(
            [cat_default_97, getitem_169, getitem_171, getitem_173, getitem_175], 1,
        )
        conv_rows_norm_88 = conv_rows_norm(
            cat_default_101, 18, blocks_3_layers_18_0_weight, blocks_3_layers_18_0_bias,
            blocks_3_layers_18_0_running_mean, blocks_3_layers_18_0_running_var, 0.1, 1e-05,
        )
        conv_rows_88 = conv_rows(
            (cat_default_96, getitem_168, getitem_170, getitem_172, getitem_174),
            blocks_3_layers_18_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_88, "relu",
            True,
        )
        getitem_176 = conv_rows_88[0]
        getitem_177 = conv_rows_88[1]
        del conv_rows_88
        cat_default_102 = torch.cat(
            [cat_default_97, getitem_169, getitem_171, getitem_173, getitem_175, getitem_177], 1,
        )
        conv_rows_norm_89 = conv_rows_norm(
            cat_default_102, 18, blocks_3_layers_19_0_weight, blocks_3_layers_19_0_bias,
            blocks_3_layers_19_0_running_mean, blocks_3_layers_19_0_running_var, 0.1, 1e-05,
        )
        conv_rows_89 = conv_rows(
            (cat_default_96, getitem_168, getitem_170, getitem_172, getitem_174, getitem_176),
            blocks_3_layers_19_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_89, "relu",
            True,
        )
        getitem_178 = conv_rows_89[0]
        getitem_179 = conv_rows_89[1]
        del conv_rows_89
        cat_default_103 = torch.cat(
            [cat_default_97, getitem_169, getitem_171, getitem_173, getitem_175, getitem_177,
            getitem_179], 1,
        )
        conv_rows_norm_90 = conv_rows_norm(
            cat_default_103, 18, blocks_3_layers_20_0_weight, blocks_3_layers_20_0_bias,
            blocks_3_layers_20_0_running_mean, blocks_3_layers_20_0_running_var, 0.1, 1e-05,
        )
        conv_rows_90 = conv_rows(
            (cat_default_96, getitem_168, getitem_170, getitem_172, getitem_174, getitem_176,
            getitem_178), blocks_3_layers_20_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_90, "relu", True,
        )
        getitem_180 = conv_rows_90[0]
        getitem_181 = conv_rows_90[1]
        del conv_rows_90
        cat_default_104 = torch.cat(
            [cat_default_97, getitem_169, getitem_171, getitem_173, getitem_175, getitem_177,
            getitem_179, getitem_181], 1,
        )
        conv_rows_norm_91 = conv_rows_norm(
            cat_default_104, 18, blocks_3_layers_21_0_weight, blocks_3_layers_21_0_bias,
            blocks_3_layers_21_0_running_mean, blocks_3_layers_21_0_running_var, 0.1, 1e-05,
        )
        conv_rows_91 = conv_rows(
            (cat_default_96, getitem_168, getitem_170, getitem_172, getitem_174, getitem_176,
            getitem_178, getitem_180), blocks_3_layers_21_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_91, "relu", True,
        )
        getitem_182 = conv_rows_91[0]
        getitem_183 = conv_rows_91[1]
        del conv_rows_91
        cat_default_105 = torch.cat(
            [cat_default_96, getitem_168, getitem_170, getitem_172, getitem_174, getitem_176,
            getitem_178, getitem_180], 1,
        )
        del cat_default_96
        cat_default_106 = torch.cat(
            [cat_default_97, getitem_169, getitem_171, getitem_173, getitem_175, getitem_177,
            getitem_179, getitem_181], 1,
        )
        cat_default_107 = torch.cat([cat_default_106, getitem_183], 1)
        conv_rows_norm_92 = conv_rows_norm(
            cat_default_107, 18, blocks_3_layers_22_0_weight, blocks_3_layers_22_0_bias,
            blocks_3_layers_22_0_running_mean, blocks_3_layers_22_0_running_var, 0.1, 1e-05,
        )
        conv_rows_92 = conv_rows(
            (cat_default_105, getitem_182), blocks_3_layers_22_2_weight, None, (1, 1), (1, 1),
            "none", conv_rows_norm_92, "relu", True,
        )
        getitem_184 = conv_rows_92[0]
        getitem_185 = conv_rows_92[1]
        del conv_rows_92
        cat_default_108 = torch.cat([cat_default_106, getitem_183, getitem_185], 1)
        conv_rows_norm_93 = conv_rows_norm(
            cat_default_108, 18, blocks_3_layers_23_0_weight, blocks_3_layers_23_0_bias,
            blocks_3_layers_23_0_running_mean, blocks_3_layers_23_0_running_var, 0.1, 1e-05,
        )
        conv_rows_93 = conv_rows(
            (cat_default_105, getitem_182, getitem_184), blocks_3_layers_23_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_93, "relu", True,
        )
        getitem_186 = conv_rows_93[0]
        getitem_187 = conv_rows_93[1]
        del conv_rows_93
        cat_default_109 = torch.cat([cat_default_106, getitem_183, getitem_185, getitem_187], 1)
        conv_rows_norm_94 = conv_rows_norm(
            cat_default_109, 18, blocks_3_layers_24_0_weight, blocks_3_layers_24_0_bias,
            blocks_3_layers_24_0_running_mean, blocks_3_layers_24_0_running_var, 0.1, 1e-05,
        )
        conv_rows_94 = conv_rows(
            (cat_default_105, getitem_182, getitem_184, getitem_186), blocks_3_layers_24_2_weight,
            None, (1, 1), (1, 1), "none", conv_rows_norm_94, "relu", True,
        )
        getitem_188 = conv_rows_94[0]
        getitem_189 = conv_rows_94[1]
        del conv_rows_94
        cat_default_110 = torch.cat(
            [cat_default_106, getitem_183, getitem_185, getitem_187, getitem_189], 1,
        )
        conv_rows_norm_95 = conv_rows_norm(
            cat_default_110, 18, blocks_3_layers_25_0_weight, blocks_3_layers_25_0_bias,
            blocks_3_layers_25_0_running_mean, blocks_3_layers_25_0_running_var, 0.1, 1e-05,
        )
        conv_rows_95 = conv_rows(
            (cat_default_105, getitem_182, getitem_184, getitem_186, getitem_188),
            blocks_3_layers_25_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_95, "relu",
            True,
        )
        getitem_190 = conv_rows_95[0]
        getitem_191 = conv_rows_95[1]
        del conv_rows_95
        cat_default_111 = torch.cat(
            [cat_default_106, getitem_183, getitem_185, getitem_187, getitem_189, getitem_191], 1,
        )
        conv_rows_norm_96 = conv_rows_norm(
            cat_default_111, 18, blocks_3_layers_26_0_weight, blocks_3_layers_26_0_bias,
            blocks_3_layers_26_0_running_mean, blocks_3_layers_26_0_running_var, 0.1, 1e-05,
        )
        conv_rows_96 = conv_rows(
            (cat_default_105, getitem_182, getitem_184, getitem_186, getitem_188, getitem_190),
            blocks_3_layers_26_2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_96, "relu",
            True,
        )
        getitem_192 = conv_rows_96[0]
        getitem_193 = conv_rows_96[1]
        del conv_rows_96
        cat_default_112 = torch.cat(
            [cat_default_106, getitem_183, getitem_185, getitem_187, getitem_189, getitem_191,
            getitem_193], 1,
        )
        conv_rows_norm_97 = conv_rows_norm(
            cat_default_112, 18, blocks_3_layers_27_0_weight, blocks_3_layers_27_0_bias,
            blocks_3_layers_27_0_running_mean, blocks_3_layers_27_0_running_var, 0.1, 1e-05,
        )
        conv_rows_97 = conv_rows(
            (cat_default_105, getitem_182, getitem_184, getitem_186, getitem_188, getitem_190,
            getitem_192), blocks_3_layers_27_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_97, "relu", True,
        )
        getitem_194 = conv_rows_97[0]
        getitem_195 = conv_rows_97[1]
        del conv_rows_97
        cat_default_113 = torch.cat(
            [cat_default_106, getitem_183, getitem_185, getitem_187, getitem_189, getitem_191,
            getitem_193, getitem_195], 1,
        )
        conv_rows_norm_98 = conv_rows_norm(
            cat_default_113, 18, blocks_3_layers_28_0_weight, blocks_3_layers_28_0_bias,
            blocks_3_layers_28_0_running_mean, blocks_3_layers_28_0_running_var, 0.1, 1e-05,
        )
        conv_rows_98 = conv_rows(
            (cat_default_105, getitem_182, getitem_184, getitem_186, getitem_188, getitem_190,
            getitem_192, getitem_194), blocks_3_layers_28_2_weight, None, (1, 1), (1, 1), "none",
            conv_rows_norm_98, "relu", True,
        )
        getitem_196 = conv_rows_98[0]
        getitem_197 = conv_rows_98[1]
        del conv_rows_98
        cat_default_114 = torch.cat(
            [cat_default_105, getitem_182, getitem_184, getitem_186, getitem_188, getitem_190,
            getitem_192, getitem_194], 1,
        )
        del cat_default_105
        cat_default_115 = torch.cat(
            [cat_default_106, getitem_183, getitem_185, getitem_187, getitem_189, getitem_191,
            getitem_193, getitem_195], 1,
        )
        cat_default_116 = torch.cat([cat_default_115, getitem_197], 1)
        conv_rows_norm_99 = conv_rows_norm(
            cat_default_116, 18, blocks_3_layers_29_0_weight, blocks_3_layers_29_0_bias,
            blocks_3_layers_29_0_running_mean, blocks_3_layers_29_0_running_var, 0.1, 1e-05,
        )
        conv_rows_99 = conv_rows(
            (cat_default_114, getitem_196), blocks_3_layers_29_2_weight, None, (1, 1), (1, 1),
            "none", conv_rows_norm_99, "relu", True,
        )
        getitem_198 = conv_rows_99[0]
        getitem_199 = conv_rows_99[1]
        del conv_rows_99
        cat_default_117 = torch.cat([cat_default_115, getitem_197, getitem_199], 1)
        conv_rows_norm_100 = conv_rows_norm(
            cat_default_117, 18, blocks_3_layers_30_0_weight, blocks_3_layers_30_0_bias,
            blocks_3_layers_30_0_running_mean, blocks_3_layers_30_0_running_var, 0.1, 1e-05,
        )
        conv_rows_100 = conv_rows(
            (cat_default_114, getitem_196, getitem_198), blocks_3_layers_30_2_weight, None, (1, 1),
            (1, 1), "none", conv_rows_norm_100, "relu", True,
        )
        getitem_200 = conv_rows_100[0]
        getitem_201 = conv_rows_100[1]
        del conv_rows_100
        cat_default_118 = torch.cat([cat_default_115, getitem_197, getitem_199, getitem_201], 1)
        conv_rows_norm_101 = conv_rows_norm(
            cat_default_118, 18, blocks_3_layers_31_0_weight, blocks_3_layers_31_0_bias,
            blocks_3_layers_31_0_running_mean, blocks_3_layers_31_0_running_var, 0.1, 1e-05,
        )
        conv_rows_101 = conv_rows(
            (cat_default_114, getitem_196, getitem_198, getitem_200), blocks_3_layers_31_2_weight,
            None, (1, 1), (1, 1), "none", conv_rows_norm_101, "relu", True,
        )
        del cat_default_114
        getitem_202 = conv_rows_101[0]
        getitem_203 = conv_rows_101[1]
        del conv_rows_101
        cat_97 = torch.cat(
            [getitem_138, getitem_140, getitem_142, getitem_144, getitem_146, getitem_148,
            getitem_150, getitem_152, getitem_154, getitem_156, getitem_158, getitem_160,
            getitem_162, getitem_164, getitem_166, getitem_168, getitem_170, getitem_172,
            getitem_174, getitem_176, getitem_178, getitem_180, getitem_182, getitem_184,
            getitem_186, getitem_188, getitem_190, getitem_192, getitem_194, getitem_196,
            getitem_198, getitem_200, getitem_202], 1,
        )
        del getitem_138
        cat_default_119 = torch.cat(
            [cat_default_115, getitem_197, getitem_199, getitem_201, getitem_203], 1,
        )
        conv_rows_norm_102 = conv_rows_norm(
            cat_default_119, 18, norm_weight, norm_bias, norm_running_mean, norm_running_var, 0.1,
            1e-05,
        )
        conv_rows_apply_5 = conv_rows_apply(cat_97, conv_rows_norm_102, "relu")
        del cat_97
        adaptive_avg_pool2d = torch.ops.aten.adaptive_avg_pool2d.default(conv_rows_apply_5, [1, 1])
        del conv_rows_apply_5
        flatten = torch.flatten(adaptive_avg_pool2d, 1)
        packed_linear_2 = packed_linear(flatten, classifier_weight, classifier_bias)
        return packed_linear_2
