"""kernelbench:3/13: pool-first, convolution-rows, batchnorm-pool."""

import kernelevo
import torch
from torch import nn

TUNE = {
    'CONV_ROWS_SUMS': [0, 8, 10, 16, 20, 28],
    'CONV_ROWS_CHUNK': [96, 48, 192],
    'CONV_ROWS_SUMMED': [128, 64, 512],
    'CONV_ROWS_LARGE_KIB': [2048, 512, 16384],
    'CONV_ROWS_AHEAD': [2048, 512, 0],
    'CONV_ROWS_WIDE': [28, 13, 56, 1073741824],
    'CONV_ROWS_WINOGRAD': [16, 64, 1073741824],
    'BATCHNORM_SUM_VECTORS': [64, 16, 256],
    'BATCHNORM_UNROLL': [2, 1, 4],
    'BATCHNORM_SCHEDULE': ['schedule(static)', 'schedule(static,1)', 'schedule(dynamic,4)'],
    'BATCHNORM_STREAMED_MIB': [0, 2, 32],
}


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

_batchnorm = kernelevo.cpp(r'''
// Batch normalisation followed by ReLU, a residual sum or pooling: one pass for the statistics, one for the rest.
// Names in capitals are numbers of the program's TUNE table, given by the compiler's flags.
#include <kernelevo/math.h>
#include <math.h>
#include <omp.h>
#include <sys/mman.h>

#include <vector>

namespace {

using namespace kernelevo;

constexpr int64_t kSumLength = BATCHNORM_SUM_VECTORS * kLanes;  // floats summed in fp32 before they go into a double
constexpr int kUnroll = BATCHNORM_UNROLL;                       // vectors of sums side by side
constexpr int64_t kHugePage = 2 << 20;

// Large fresh outputs cost a page fault per 4 KiB; on huge pages that is 512 times fewer.
void want_huge_pages(float* from, int64_t count) {
  const uintptr_t begin = ((uintptr_t)from + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t end = (uintptr_t)(from + count) / kHugePage * kHugePage;
  if (end > begin) madvise((void*)begin, end - begin, MADV_HUGEPAGE);
}

struct Sums {
  double plain = 0, square = 0;
};

// About the mean of x, from a sample. A single value would do for data that lies close together; where most
// values are equal (zeros behind a ReLU) and it is another one, every difference has the same rounding error
// and they add up.
float near_mean(const float* x, int64_t count) {
  const int64_t step = count < 64 ? 1 : count / 64 | 1;  // odd: rows of a power of two do not repeat
  double total = 0;
  int64_t taken = 0;
  for (int64_t i = 0; i < count; i += step, ++taken) total += x[i];
  return (float)(total / taken);
}

// Sums of x - shift and its square; the shift keeps the variance of data with a large mean exact.
Sums sums_of(const float* x, int64_t count, float shift) {
  Sums total;
  for (int64_t begin = 0; begin < count; begin += kSumLength) {
    const int64_t end = begin + kSumLength < count ? begin + kSumLength : count;
    vfloat plain[kUnroll] = {}, square[kUnroll] = {};
    int64_t i = begin;
    for (; i + kUnroll * kLanes <= end; i += kUnroll * kLanes)
      for (int u = 0; u < kUnroll; ++u) {
        const vfloat d = load(x + i + u * kLanes) - shift;
        plain[u] += d;
        square[u] = fma(d, d, square[u]);
      }
    for (int u = 1; u < kUnroll; ++u) {
      plain[0] += plain[u];
      square[0] += square[u];
    }
    total.plain += sum(plain[0]);
    total.square += sum(square[0]);
    for (; i < end; ++i) {
      const double d = x[i] - shift;
      total.plain += d;
      total.square += d * d;
    }
  }
  return total;
}

// Whole vectors past the caches: a result that no cache keeps need not be read before it is written.
inline void stream(float* to, vfloat x) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, (__m512)x);
#elif defined(__AVX__)
  _mm256_stream_ps(to, (__m256)x);
#else
  store(to, x);
#endif
}

inline void finish_streams() {
#if defined(__AVX__)
  _mm_sfence();
#endif
}

template <bool kRelu>
inline vfloat activate(vfloat x) { return kRelu ? relu(x) : x; }

// y = activate(x * scale + shift [+ other * other_scale + other_shift])
template <bool kRelu, bool kStreamed>
void normalise_row(const float* x, const float* other, float* y, int64_t count, float scale, float shift, float other_scale) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t n = count - i < kLanes ? count - i : kLanes;
    vfloat value = fma(load_part(x + i, n), splat(scale), splat(shift));
    if (other) value = fma(load_part(other + i, n), splat(other_scale), value);
    if (kStreamed) stream(y + i, activate<kRelu>(value));
    else store_part(y + i, activate<kRelu>(value), n);
  }
}

using Row = void (*)(const float*, const float*, float*, int64_t, float, float, float);

template <bool kRelu>
Row row_function(bool streamed) { return streamed ? normalise_row<kRelu, true> : normalise_row<kRelu, false>; }

// Averages over windows of `size` x `size`; `row` holds one row of column sums.
template <bool kRelu>
void normalise_pool(const float* x, float* y, int64_t height, int64_t width, int64_t size, float scale, float shift, float* row) {
  const int64_t out_height = height / size, out_width = width / size;
  const float share = 1.0f / (float)(size * size);
  for (int64_t oy = 0; oy < out_height; ++oy) {
    const float* top = x + oy * size * width;
    for (int64_t i = 0; i < width; i += kLanes) {
      const int64_t n = width - i < kLanes ? width - i : kLanes;
      vfloat total{};
      for (int64_t ky = 0; ky < size; ++ky)
        total += activate<kRelu>(fma(load_part(top + ky * width + i, n), splat(scale), splat(shift)));
      store_part(row + i, total, n);
    }
    float* out = y + oy * out_width;
    if (size == 2) {
      for (int64_t ox = 0; ox < out_width; ++ox) out[ox] = (row[2 * ox] + row[2 * ox + 1]) * share;
      continue;
    }
    for (int64_t ox = 0; ox < out_width; ++ox) {
      float total = 0;
      for (int64_t kx = 0; kx < size; ++kx) total += row[ox * size + kx];
      out[ox] = total * share;
    }
  }
}

}  // namespace

// Per channel scale and shift with x * scale + shift = the normalised x; x is [batch][channels][inner].
// With `training` they come from x, and the running statistics (null: none) move towards them by `momentum`.
extern "C" void batchnorm_affine(const float* x, const float* weight, const float* bias, float* running_mean,
                                 float* running_var, float* affine, int64_t batch, int64_t channels, int64_t inner,
                                 int64_t training, double momentum, double eps) {
  std::vector<double> sums(training ? 2 * channels * batch : 0);
  const int64_t count = batch * inner;
#pragma omp parallel
  {
    if (training) {
#pragma omp for collapse(2) BATCHNORM_SCHEDULE
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t b = 0; b < batch; ++b) {
          const Sums found = sums_of(x + (b * channels + c) * inner, inner, near_mean(x + c * inner, inner));
          sums[2 * (c * batch + b)] = found.plain;
          sums[2 * (c * batch + b) + 1] = found.square;
        }
    }
#pragma omp for schedule(static)
    for (int64_t c = 0; c < channels; ++c) {
      double mean = training ? 0 : running_mean[c], variance = training ? 0 : running_var[c];
      if (training) {
        double plain = 0, square = 0;
        for (int64_t b = 0; b < batch; ++b) {
          plain += sums[2 * (c * batch + b)];
          square += sums[2 * (c * batch + b) + 1];
        }
        const double offset = plain / count;
        mean = near_mean(x + c * inner, inner) + offset;
        variance = square / count - offset * offset;
        variance = variance < 0 ? 0 : variance;
        if (running_mean) running_mean[c] = (float)(momentum * mean + (1 - momentum) * running_mean[c]);
        // The running variance is the unbiased one.
        if (running_var)
          running_var[c] = (float)(momentum * variance * count / (count - 1) + (1 - momentum) * running_var[c]);
      }
      const double scale = (weight ? weight[c] : 1.0) / ::sqrt(variance + eps);
      affine[c] = (float)scale;
      affine[channels + c] = (float)((bias ? bias[c] : 0.0) - mean * scale);
    }
  }
}

// y = relu?(x * scale + shift [+ other]), `other` normalised by `other_affine` unless that is null.
extern "C" void batchnorm_apply(const float* x, const float* affine, const float* other, const float* other_affine,
                                float* y, int64_t batch, int64_t channels, int64_t inner, int64_t with_relu) {
  want_huge_pages(y, batch * channels * inner);
  const bool large = BATCHNORM_STREAMED_MIB && batch * channels * inner * 4 >= ((int64_t)BATCHNORM_STREAMED_MIB << 20);
  const bool streamed = large && (uintptr_t)y % (4 * kLanes) == 0 && inner % kLanes == 0;
  const Row row = with_relu ? row_function<true>(streamed) : row_function<false>(streamed);
#pragma omp parallel
  {
#pragma omp for BATCHNORM_SCHEDULE
    for (int64_t plane = 0; plane < batch * channels; ++plane) {
      const int64_t c = plane % channels, at = plane * inner;
      const float other_scale = other_affine ? other_affine[c] : 1.0f;
      const float shift = affine[channels + c] + (other_affine ? other_affine[channels + c] : 0.0f);
      row(x + at, other ? other + at : nullptr, y + at, inner, affine[c], shift, other_scale);
    }
    finish_streams();
  }
}

// y = average over size x size windows of relu?(x * scale + shift)
extern "C" void batchnorm_pool(const float* x, const float* affine, float* y, int64_t batch, int64_t channels,
                               int64_t height, int64_t width, int64_t size, int64_t with_relu) {
  const int64_t out_plane = (height / size) * (width / size);
  want_huge_pages(y, batch * channels * out_plane);
#pragma omp parallel
  {
    std::vector<float> row(width);
#pragma omp for BATCHNORM_SCHEDULE
    for (int64_t plane = 0; plane < batch * channels; ++plane) {
      const int64_t c = plane % channels;
      const float* from = x + plane * height * width;
      auto pool = with_relu ? normalise_pool<true> : normalise_pool<false>;
      pool(from, y + plane * out_plane, height, width, size, affine[c], affine[channels + c], row.data());
    }
  }
}
''', flags=[
    f"-DBATCHNORM_SUM_VECTORS={TUNE['BATCHNORM_SUM_VECTORS'][0]}",
    f"-DBATCHNORM_UNROLL={TUNE['BATCHNORM_UNROLL'][0]}",
    f"-DBATCHNORM_SCHEDULE={TUNE['BATCHNORM_SCHEDULE'][0]}",
    f"-DBATCHNORM_STREAMED_MIB={TUNE['BATCHNORM_STREAMED_MIB'][0]}",
])

def batchnorm_statistics(x, weight, bias, running_mean, running_var, training, momentum, eps):
    """Return scale and shift per channel, [2, channels]; in training the running statistics move on."""
    affine = x.new_empty(2, x.shape[1])
    inner = x.numel() // (x.shape[0] * x.shape[1])
    _batchnorm.batchnorm_affine(
        x, weight, bias, running_mean, running_var, affine, x.shape[0], x.shape[1], inner, training,
        momentum, eps,
    )
    return affine


def batchnorm_act(x, affine, relu, other=None, other_affine=None):
    """Return x * scale + shift, plus ``other`` (normalised if it has an affine), through ReLU if asked."""
    y = torch.empty_like(x)
    inner = x.numel() // (x.shape[0] * x.shape[1])
    _batchnorm.batchnorm_apply(x, affine, other, other_affine, y, x.shape[0], x.shape[1], inner, relu)
    return y


def batchnorm_avg_pool(x, affine, relu, size):
    """Return the averages over ``size`` x ``size`` windows of the normalised x (through ReLU if asked)."""
    batch, channels, height, width = x.shape
    y = x.new_empty(batch, channels, height // size, width // size)
    _batchnorm.batchnorm_pool(x, affine, y, batch, channels, height, width, size, relu)
    return y


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
            self, "norm.weight", nn.Parameter(torch.zeros((32,), dtype=torch.float32)), "parameter",
        )
        hold(self, "norm.bias", nn.Parameter(torch.zeros((32,), dtype=torch.float32)), "parameter")
        hold(
            self, "conv.weight", nn.Parameter(torch.zeros((64, 32, 1, 1), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "norm.running_mean", torch.zeros((32,), dtype=torch.float32), "buffer")
        hold(self, "norm.running_var", torch.zeros((32,), dtype=torch.float32), "buffer")
        hold(self, "norm.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")

    def forward(self, x):
        if self.training is not True:
            raise RuntimeError("this program is for training mode only")
        norm_weight = self.norm.weight
        norm_bias = self.norm.bias
        conv_weight = self.conv.weight
        norm_running_mean = self.norm.running_mean
        norm_running_var = self.norm.running_var
        norm_num_batches_tracked = self.norm.num_batches_tracked
        norm_num_batches_tracked.add_(1)
        batchnorm_statistics_2 = batchnorm_statistics(
            x, norm_weight, norm_bias, norm_running_mean, norm_running_var, True, 0.1, 1e-05,
        )
        batchnorm_avg_pool_2 = batchnorm_avg_pool(x, batchnorm_statistics_2, True, 2)
        conv_rows_2 = conv_rows(batchnorm_avg_pool_2, conv_weight, None, (1, 1), (0, 0), "none")
        del batchnorm_avg_pool_2
        return conv_rows_2
