"""kernelbench:3/10: counters, convolution-rows, packed-linear."""

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
        raise TypeError(f"convolution for float32 on the CPU, not for {image.dtype} on {image.device}")
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
            self, "conv1.weight", nn.Parameter(torch.zeros((64, 3, 7, 7), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "bn1.weight", nn.Parameter(torch.zeros((64,), dtype=torch.float32)), "parameter")
        hold(self, "bn1.bias", nn.Parameter(torch.zeros((64,), dtype=torch.float32)), "parameter")
        hold(
            self, "layer1.0.conv1.weight",
            nn.Parameter(torch.zeros((64, 64, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.0.bn1.weight", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.0.bn1.bias", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.0.conv2.weight",
            nn.Parameter(torch.zeros((64, 64, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.0.bn2.weight", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.0.bn2.bias", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.0.conv3.weight",
            nn.Parameter(torch.zeros((256, 64, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.0.bn3.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.0.bn3.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.0.downsample.0.weight",
            nn.Parameter(torch.zeros((256, 64, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.0.downsample.1.weight",
            nn.Parameter(torch.zeros((256,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.0.downsample.1.bias",
            nn.Parameter(torch.zeros((256,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.1.conv1.weight",
            nn.Parameter(torch.zeros((64, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.1.bn1.weight", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.1.bn1.bias", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.1.conv2.weight",
            nn.Parameter(torch.zeros((64, 64, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.1.bn2.weight", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.1.bn2.bias", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.1.conv3.weight",
            nn.Parameter(torch.zeros((256, 64, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.1.bn3.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.1.bn3.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.2.conv1.weight",
            nn.Parameter(torch.zeros((64, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.2.bn1.weight", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.2.bn1.bias", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.2.conv2.weight",
            nn.Parameter(torch.zeros((64, 64, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.2.bn2.weight", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.2.bn2.bias", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.2.conv3.weight",
            nn.Parameter(torch.zeros((256, 64, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer1.2.bn3.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer1.2.bn3.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.0.conv1.weight",
            nn.Parameter(torch.zeros((128, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.0.bn1.weight", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.0.bn1.bias", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.0.conv2.weight",
            nn.Parameter(torch.zeros((128, 128, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.0.bn2.weight", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.0.bn2.bias", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.0.conv3.weight",
            nn.Parameter(torch.zeros((512, 128, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.0.bn3.weight", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.0.bn3.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.0.downsample.0.weight",
            nn.Parameter(torch.zeros((512, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.0.downsample.1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.0.downsample.1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.1.conv1.weight",
            nn.Parameter(torch.zeros((128, 512, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.1.bn1.weight", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.1.bn1.bias", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.1.conv2.weight",
            nn.Parameter(torch.zeros((128, 128, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.1.bn2.weight", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.1.bn2.bias", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.1.conv3.weight",
            nn.Parameter(torch.zeros((512, 128, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.1.bn3.weight", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.1.bn3.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.2.conv1.weight",
            nn.Parameter(torch.zeros((128, 512, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.2.bn1.weight", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.2.bn1.bias", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.2.conv2.weight",
            nn.Parameter(torch.zeros((128, 128, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.2.bn2.weight", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.2.bn2.bias", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.2.conv3.weight",
            nn.Parameter(torch.zeros((512, 128, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.2.bn3.weight", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.2.bn3.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.3.conv1.weight",
            nn.Parameter(torch.zeros((128, 512, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.3.bn1.weight", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.3.bn1.bias", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.3.conv2.weight",
            nn.Parameter(torch.zeros((128, 128, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.3.bn2.weight", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.3.bn2.bias", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.3.conv3.weight",
            nn.Parameter(torch.zeros((512, 128, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer2.3.bn3.weight", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer2.3.bn3.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.0.conv1.weight",
            nn.Parameter(torch.zeros((256, 512, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.0.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.0.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.0.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.0.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.0.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.0.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.0.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.0.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.0.downsample.0.weight",
            nn.Parameter(torch.zeros((1024, 512, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.0.downsample.1.weight",
            nn.Parameter(torch.zeros((1024,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.0.downsample.1.bias",
            nn.Parameter(torch.zeros((1024,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.1.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.1.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.1.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.1.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.1.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.1.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.1.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.1.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.1.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.2.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.2.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.2.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.2.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.2.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.2.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.2.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.2.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.2.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.3.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.3.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.3.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.3.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.3.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.3.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.3.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.3.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.3.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.4.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.4.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.4.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.4.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.4.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.4.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.4.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.4.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.4.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.5.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.5.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.5.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.5.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.5.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.5.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.5.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.5.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.5.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.6.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.6.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.6.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.6.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.6.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.6.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.6.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.6.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.6.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.7.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.7.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.7.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.7.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.7.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.7.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.7.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.7.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.7.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.8.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.8.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.8.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.8.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.8.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.8.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.8.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.8.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.8.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.9.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.9.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.9.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.9.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.9.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.9.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.9.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.9.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.9.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.10.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.10.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.10.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.10.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.10.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.10.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.10.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.10.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.10.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.11.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.11.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.11.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.11.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.11.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.11.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.11.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.11.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.11.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.12.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.12.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.12.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.12.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.12.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.12.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.12.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.12.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.12.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.13.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.13.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.13.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.13.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.13.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.13.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.13.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.13.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.13.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.14.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.14.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.14.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.14.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.14.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.14.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.14.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.14.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.14.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.15.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.15.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.15.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.15.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.15.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.15.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.15.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.15.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.15.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.16.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.16.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.16.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.16.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.16.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.16.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.16.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.16.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.16.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.17.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.17.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.17.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.17.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.17.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.17.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.17.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.17.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.17.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.18.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.18.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.18.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.18.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.18.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.18.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.18.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.18.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.18.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.19.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.19.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.19.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.19.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.19.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.19.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.19.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.19.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.19.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.20.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.20.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.20.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.20.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.20.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.20.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.20.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.20.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.20.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.21.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.21.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.21.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.21.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.21.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.21.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.21.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.21.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.21.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.22.conv1.weight",
            nn.Parameter(torch.zeros((256, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.22.bn1.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.22.bn1.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.22.conv2.weight",
            nn.Parameter(torch.zeros((256, 256, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.22.bn2.weight", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.22.bn2.bias", nn.Parameter(torch.zeros((256,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.22.conv3.weight",
            nn.Parameter(torch.zeros((1024, 256, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer3.22.bn3.weight", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer3.22.bn3.bias", nn.Parameter(torch.zeros((1024,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.0.conv1.weight",
            nn.Parameter(torch.zeros((512, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.0.bn1.weight", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.0.bn1.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.0.conv2.weight",
            nn.Parameter(torch.zeros((512, 512, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.0.bn2.weight", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.0.bn2.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.0.conv3.weight",
            nn.Parameter(torch.zeros((2048, 512, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.0.bn3.weight", nn.Parameter(torch.zeros((2048,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.0.bn3.bias", nn.Parameter(torch.zeros((2048,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.0.downsample.0.weight",
            nn.Parameter(torch.zeros((2048, 1024, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.0.downsample.1.weight",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.0.downsample.1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.1.conv1.weight",
            nn.Parameter(torch.zeros((512, 2048, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.1.bn1.weight", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.1.bn1.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.1.conv2.weight",
            nn.Parameter(torch.zeros((512, 512, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.1.bn2.weight", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.1.bn2.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.1.conv3.weight",
            nn.Parameter(torch.zeros((2048, 512, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.1.bn3.weight", nn.Parameter(torch.zeros((2048,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.1.bn3.bias", nn.Parameter(torch.zeros((2048,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.2.conv1.weight",
            nn.Parameter(torch.zeros((512, 2048, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.2.bn1.weight", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.2.bn1.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.2.conv2.weight",
            nn.Parameter(torch.zeros((512, 512, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.2.bn2.weight", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.2.bn2.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.2.conv3.weight",
            nn.Parameter(torch.zeros((2048, 512, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "layer4.2.bn3.weight", nn.Parameter(torch.zeros((2048,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layer4.2.bn3.bias", nn.Parameter(torch.zeros((2048,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "fc.weight", nn.Parameter(torch.zeros((1000, 2048), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "fc.bias", nn.Parameter(torch.zeros((1000,), dtype=torch.float32)), "parameter")
        hold(self, "bn1.running_mean", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "bn1.running_var", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer1.0.bn1.running_mean", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.0.bn1.running_var", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.0.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer1.0.bn2.running_mean", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.0.bn2.running_var", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.0.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer1.0.bn3.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer1.0.bn3.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer1.0.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(
            self, "layer1.0.downsample.1.running_mean", torch.zeros((256,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "layer1.0.downsample.1.running_var", torch.zeros((256,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "layer1.0.downsample.1.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(self, "layer1.1.bn1.running_mean", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.1.bn1.running_var", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.1.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer1.1.bn2.running_mean", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.1.bn2.running_var", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.1.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer1.1.bn3.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer1.1.bn3.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer1.1.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer1.2.bn1.running_mean", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.2.bn1.running_var", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.2.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer1.2.bn2.running_mean", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.2.bn2.running_var", torch.zeros((64,), dtype=torch.float32), "buffer")
        hold(self, "layer1.2.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer1.2.bn3.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer1.2.bn3.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer1.2.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer2.0.bn1.running_mean", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.0.bn1.running_var", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.0.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer2.0.bn2.running_mean", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.0.bn2.running_var", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.0.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer2.0.bn3.running_mean", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer2.0.bn3.running_var", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer2.0.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(
            self, "layer2.0.downsample.1.running_mean", torch.zeros((512,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "layer2.0.downsample.1.running_var", torch.zeros((512,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "layer2.0.downsample.1.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(self, "layer2.1.bn1.running_mean", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.1.bn1.running_var", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.1.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer2.1.bn2.running_mean", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.1.bn2.running_var", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.1.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer2.1.bn3.running_mean", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer2.1.bn3.running_var", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer2.1.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer2.2.bn1.running_mean", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.2.bn1.running_var", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.2.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer2.2.bn2.running_mean", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.2.bn2.running_var", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.2.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer2.2.bn3.running_mean", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer2.2.bn3.running_var", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer2.2.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer2.3.bn1.running_mean", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.3.bn1.running_var", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.3.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer2.3.bn2.running_mean", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.3.bn2.running_var", torch.zeros((128,), dtype=torch.float32), "buffer")
        hold(self, "layer2.3.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer2.3.bn3.running_mean", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer2.3.bn3.running_var", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer2.3.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.0.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.0.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.0.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.0.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.0.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.0.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.0.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.0.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.0.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(
            self, "layer3.0.downsample.1.running_mean", torch.zeros((1024,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "layer3.0.downsample.1.running_var", torch.zeros((1024,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "layer3.0.downsample.1.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(self, "layer3.1.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.1.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.1.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.1.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.1.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.1.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.1.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.1.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.1.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.2.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.2.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.2.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.2.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.2.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.2.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.2.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.2.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.2.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.3.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.3.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.3.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.3.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.3.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.3.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.3.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.3.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.3.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.4.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.4.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.4.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.4.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.4.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.4.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.4.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.4.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.4.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.5.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.5.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.5.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.5.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.5.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.5.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.5.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.5.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.5.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.6.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.6.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.6.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.6.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.6.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.6.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.6.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.6.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.6.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.7.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.7.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.7.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.7.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.7.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.7.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.7.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.7.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.7.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.8.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.8.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.8.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.8.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.8.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.8.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.8.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.8.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.8.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.9.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.9.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.9.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.9.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.9.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.9.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.9.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.9.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(self, "layer3.9.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer3.10.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.10.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.10.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.10.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.10.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.10.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.10.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.10.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.10.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.11.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.11.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.11.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.11.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.11.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.11.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.11.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.11.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.11.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.12.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.12.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.12.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.12.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.12.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.12.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.12.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.12.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.12.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.13.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.13.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.13.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.13.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.13.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.13.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.13.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.13.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.13.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.14.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.14.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.14.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.14.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.14.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.14.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.14.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.14.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.14.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.15.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.15.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.15.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.15.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.15.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.15.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.15.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.15.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.15.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.16.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.16.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.16.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.16.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.16.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.16.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.16.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.16.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.16.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.17.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.17.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.17.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.17.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.17.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.17.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.17.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.17.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.17.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.18.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.18.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.18.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.18.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.18.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.18.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.18.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.18.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.18.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.19.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.19.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.19.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.19.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.19.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.19.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.19.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.19.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.19.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.20.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.20.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.20.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.20.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.20.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.20.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.20.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.20.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.20.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.21.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.21.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.21.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.21.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.21.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.21.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.21.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.21.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.21.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.22.bn1.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.22.bn1.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.22.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer3.22.bn2.running_mean", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(self, "layer3.22.bn2.running_var", torch.zeros((256,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.22.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(
            self, "layer3.22.bn3.running_mean", torch.zeros((1024,), dtype=torch.float32), "buffer",
        )
        hold(self, "layer3.22.bn3.running_var", torch.zeros((1024,), dtype=torch.float32), "buffer")
        hold(
            self, "layer3.22.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer",
        )
        hold(self, "layer4.0.bn1.running_mean", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.0.bn1.running_var", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.0.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer4.0.bn2.running_mean", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.0.bn2.running_var", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.0.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer4.0.bn3.running_mean", torch.zeros((2048,), dtype=torch.float32), "buffer")
        hold(self, "layer4.0.bn3.running_var", torch.zeros((2048,), dtype=torch.float32), "buffer")
        hold(self, "layer4.0.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(
            self, "layer4.0.downsample.1.running_mean", torch.zeros((2048,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "layer4.0.downsample.1.running_var", torch.zeros((2048,), dtype=torch.float32),
            "buffer",
        )
        hold(
            self, "layer4.0.downsample.1.num_batches_tracked", torch.zeros((), dtype=torch.int64),
            "buffer",
        )
        hold(self, "layer4.1.bn1.running_mean", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.1.bn1.running_var", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.1.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer4.1.bn2.running_mean", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.1.bn2.running_var", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.1.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer4.1.bn3.running_mean", torch.zeros((2048,), dtype=torch.float32), "buffer")
        hold(self, "layer4.1.bn3.running_var", torch.zeros((2048,), dtype=torch.float32), "buffer")
        hold(self, "layer4.1.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer4.2.bn1.running_mean", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.2.bn1.running_var", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.2.bn1.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer4.2.bn2.running_mean", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.2.bn2.running_var", torch.zeros((512,), dtype=torch.float32), "buffer")
        hold(self, "layer4.2.bn2.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")
        hold(self, "layer4.2.bn3.running_mean", torch.zeros((2048,), dtype=torch.float32), "buffer")
        hold(self, "layer4.2.bn3.running_var", torch.zeros((2048,), dtype=torch.float32), "buffer")
        hold(self, "layer4.2.bn3.num_batches_tracked", torch.zeros((), dtype=torch.int64), "buffer")

    def forward(self, x):
        if self.training is not True:
            raise RuntimeError("this program is for training mode only")
        conv1_weight = self.conv1.weight
        bn1_weight = self.bn1.weight
        bn1_bias = self.bn1.bias
        layer1_0_conv1_weight = self.layer1[0].conv1.weight
        layer1_0_bn1_weight = self.layer1[0].bn1.weight
        layer1_0_bn1_bias = self.layer1[0].bn1.bias
        layer1_0_conv2_weight = self.layer1[0].conv2.weight
        layer1_0_bn2_weight = self.layer1[0].bn2.weight
        layer1_0_bn2_bias = self.layer1[0].bn2.bias
        layer1_0_conv3_weight = self.layer1[0].conv3.weight
        layer1_0_bn3_weight = self.layer1[0].bn3.weight
        layer1_0_bn3_bias = self.layer1[0].bn3.bias
        layer1_0_downsample_0_weight = self.layer1[0].downsample[0].weight
        layer1_0_downsample_1_weight = self.layer1[0].downsample[1].weight
        layer1_0_downsample_1_bias = self.layer1[0].downsample[1].bias
        layer1_1_conv1_weight = self.layer1[1].conv1.weight
        layer1_1_bn1_weight = self.layer1[1].bn1.weight
        layer1_1_bn1_bias = self.layer1[1].bn1.bias
        layer1_1_conv2_weight = self.layer1[1].conv2.weight
        layer1_1_bn2_weight = self.layer1[1].bn2.weight
        layer1_1_bn2_bias = self.layer1[1].bn2.bias
        layer1_1_conv3_weight = self.layer1[1].conv3.weight
        layer1_1_bn3_weight = self.layer1[1].bn3.weight
        layer1_1_bn3_bias = self.layer1[1].bn3.bias
        layer1_2_conv1_weight = self.layer1[2].conv1.weight
        layer1_2_bn1_weight = self.layer1[2].bn1.weight
        layer1_2_bn1_bias = self.layer1[2].bn1.bias
        layer1_2_conv2_weight = self.layer1[2].conv2.weight
        layer1_2_bn2_weight = self.layer1[2].bn2.weight
        layer1_2_bn2_bias = self.layer1[2].bn2.bias
        layer1_2_conv3_weight = self.layer1[2].conv3.weight
        layer1_2_bn3_weight = self.layer1[2].bn3.weight
        layer1_2_bn3_bias = self.layer1[2].bn3.bias
        layer2_0_conv1_weight = self.layer2[0].conv1.weight
        layer2_0_bn1_weight = self.layer2[0].bn1.weight
        layer2_0_bn1_bias = self.layer2[0].bn1.bias
        layer2_0_conv2_weight = self.layer2[0].conv2.weight
        layer2_0_bn2_weight = self.layer2[0].bn2.weight
        layer2_0_bn2_bias = self.layer2[0].bn2.bias
        layer2_0_conv3_weight = self.layer2[0].conv3.weight
        layer2_0_bn3_weight = self.layer2[0].bn3.weight
        layer2_0_bn3_bias = self.layer2[0].bn3.bias
        layer2_0_downsample_0_weight = self.layer2[0].downsample[0].weight
        layer2_0_downsample_1_weight = self.layer2[0].downsample[1].weight
        layer2_0_downsample_1_bias = self.layer2[0].downsample[1].bias
        layer2_1_conv1_weight = self.layer2[1].conv1.weight
        layer2_1_bn1_weight = self.layer2[1].bn1.weight
        layer2_1_bn1_bias = self.layer2[1].bn1.bias
        layer2_1_conv2_weight = self.layer2[1].conv2.weight
        layer2_1_bn2_weight = self.layer2[1].bn2.weight
        layer2_1_bn2_bias = self.layer2[1].bn2.bias
        layer2_1_conv3_weight = self.layer2[1].conv3.weight
        layer2_1_bn3_weight = self.layer2[1].bn3.weight
        layer2_1_bn3_bias = self.layer2[1].bn3.bias
        layer2_2_conv1_weight = self.layer2[2].conv1.weight
        layer2_2_bn1_weight = self.layer2[2].bn1.weight
        layer2_2_bn1_bias = self.layer2[2].bn1.bias
        layer2_2_conv2_weight = self.layer2[2].conv2.weight
        layer2_2_bn2_weight = self.layer2[2].bn2.weight
        layer2_2_bn2_bias = self.layer2[2].bn2.bias
        layer2_2_conv3_weight = self.layer2[2].conv3.weight
        layer2_2_bn3_weight = self.layer2[2].bn3.weight
        layer2_2_bn3_bias = self.layer2[2].bn3.bias
        layer2_3_conv1_weight = self.layer2[3].conv1.weight
        layer2_3_bn1_weight = self.layer2[3].bn1.weight
        layer2_3_bn1_bias = self.layer2[3].bn1.bias
        layer2_3_conv2_weight = self.layer2[3].conv2.weight
        layer2_3_bn2_weight = self.layer2[3].bn2.weight
        layer2_3_bn2_bias = self.layer2[3].bn2.bias
        layer2_3_conv3_weight = self.layer2[3].conv3.weight
        layer2_3_bn3_weight = self.layer2[3].bn3.weight
        layer2_3_bn3_bias = self.layer2[3].bn3.bias
        layer3_0_conv1_weight = self.layer3[0].conv1.weight
        layer3_0_bn1_weight = self.layer3[0].bn1.weight
        layer3_0_bn1_bias = self.layer3[0].bn1.bias
        layer3_0_conv2_weight = self.layer3[0].conv2.weight
        layer3_0_bn2_weight = self.layer3[0].bn2.weight
        layer3_0_bn2_bias = self.layer3[0].bn2.bias
        layer3_0_conv3_weight = self.layer3[0].conv3.weight
        layer3_0_bn3_weight = self.layer3[0].bn3.weight
        layer3_0_bn3_bias = self.layer3[0].bn3.bias
        layer3_0_downsample_0_weight = self.layer3[0].downsample[0].weight
        layer3_0_downsample_1_weight = self.layer3[0].downsample[1].weight
        layer3_0_downsample_1_bias = self.layer3[0].downsample[1].bias
        layer3_1_conv1_weight = self.layer3[1].conv1.weight
        layer3_1_bn1_weight = self.layer3[1].bn1.weight
        layer3_1_bn1_bias = self.layer3[1].bn1.bias
        layer3_1_conv2_weight = self.layer3[1].conv2.weight
        layer3_1_bn2_weight = self.layer3[1].bn2.weight
        layer3_1_bn2_bias = self.layer3[1].bn2.bias
        layer3_1_conv3_weight = self.layer3[1].conv3.weight
        layer3_1_bn3_weight = self.layer3[1].bn3.weight
        layer3_1_bn3_bias = self.layer3[1].bn3.bias
        layer3_2_conv1_weight = self.layer3[2].conv1.weight
        layer3_2_bn1_weight = self.layer3[2].bn1.weight
        layer3_2_bn1_bias = self.layer3[2].bn1.bias
        layer3_2_conv2_weight = self.layer3[2].conv2.weight
        layer3_2_bn2_weight = self.layer3[2].bn2.weight
        layer3_2_bn2_bias = self.layer3[2].bn2.bias
        layer3_2_conv3_weight = self.layer3[2].conv3.weight
        layer3_2_bn3_weight = self.layer3[2].bn3.weight
        layer3_2_bn3_bias = self.layer3[2].bn3.bias
        layer3_3_conv1_weight = self.layer3[3].conv1.weight
        layer3_3_bn1_weight = self.layer3[3].bn1.weight
        layer3_3_bn1_bias = self.layer3[3].bn1.bias
        layer3_3_conv2_weight = self.layer3[3].conv2.weight
        layer3_3_bn2_weight = self.layer3[3].bn2.weight
        layer3_3_bn2_bias = self.layer3[3].bn2.bias
        layer3_3_conv3_weight = self.layer3[3].conv3.weight
        layer3_3_bn3_weight = self.layer3[3].bn3.weight
        layer3_3_bn3_bias = self.layer3[3].bn3.bias
        layer3_4_conv1_weight = self.layer3[4].conv1.weight
        layer3_4_bn1_weight = self.layer3[4].bn1.weight
        layer3_4_bn1_bias = self.layer3[4].bn1.bias
        layer3_4_conv2_weight = self.layer3[4].conv2.weight
        layer3_4_bn2_weight = self.layer3[4].bn2.weight
        layer3_4_bn2_bias = self.layer3[4].bn2.bias
        layer3_4_conv3_weight = self.layer3[4].conv3.weight
        layer3_4_bn3_weight = self.layer3[4].bn3.weight
        layer3_4_bn3_bias = self.layer3[4].bn3.bias
        layer3_5_conv1_weight = self.layer3[5].conv1.weight
        layer3_5_bn1_weight = self.layer3[5].bn1.weight
        layer3_5_bn1_bias = self.layer3[5].bn1.bias
        layer3_5_conv2_weight = self.layer3[5].conv2.weight
        layer3_5_bn2_weight = self.layer3[5].bn2.weight
        layer3_5_bn2_bias = self.layer3[5].bn2.bias
        layer3_5_conv3_weight = self.layer3[5].conv3.weight
        layer3_5_bn3_weight = self.layer3[5].bn3.weight
        layer3_5_bn3_bias = self.layer3[5].bn3.bias
        layer3_6_conv1_weight = self.layer3[6].conv1.weight
        layer3_6_bn1_weight = self.layer3[6].bn1.weight
        layer3_6_bn1_bias = self.layer3[6].bn1.bias
        layer3_6_conv2_weight = self.layer3[6].conv2.weight
        layer3_6_bn2_weight = self.layer3[6].bn2.weight
        layer3_6_bn2_bias = self.layer3[6].bn2.bias
        layer3_6_conv3_weight = self.layer3[6].conv3.weight
        layer3_6_bn3_weight = self.layer3[6].bn3.weight
        layer3_6_bn3_bias = self.layer3[6].bn3.bias
        layer3_7_conv1_weight = self.layer3[7].conv1.weight
        layer3_7_bn1_weight = self.layer3[7].bn1.weight
        layer3_7_bn1_bias = self.layer3[7].bn1.bias
        layer3_7_conv2_weight = self.layer3[7].conv2.weight
        layer3_7_bn2_weight = self.layer3[7].bn2.weight
        layer3_7_bn2_bias = self.layer3[7].bn2.bias
        layer3_7_conv3_weight = self.layer3[7].conv3.weight
        layer3_7_bn3_weight = self.layer3[7].bn3.weight
        layer3_7_bn3_bias = self.layer3[7].bn3.bias
        layer3_8_conv1_weight = self.layer3[8].conv1.weight
        layer3_8_bn1_weight = self.layer3[8].bn1.weight
        layer3_8_bn1_bias = self.layer3[8].bn1.bias
        layer3_8_conv2_weight = self.layer3[8].conv2.weight
        layer3_8_bn2_weight = self.layer3[8].bn2.weight
        layer3_8_bn2_bias = self.layer3[8].bn2.bias
        layer3_8_conv3_weight = self.layer3[8].conv3.weight
        layer3_8_bn3_weight = self.layer3[8].bn3.weight
        layer3_8_bn3_bias = self.layer3[8].bn3.bias
        layer3_9_conv1_weight = self.layer3[9].conv1.weight
        layer3_9_bn1_weight = self.layer3[9].bn1.weight
        layer3_9_bn1_bias = self.layer3[9].bn1.bias
        layer3_9_conv2_weight = self.layer3[9].conv2.weight
        layer3_9_bn2_weight = self.layer3[9].bn2.weight
        layer3_9_bn2_bias = self.layer3[9].bn2.bias
        layer3_9_conv3_weight = self.layer3[9].conv3.weight
        layer3_9_bn3_weight = self.layer3[9].bn3.weight
        layer3_9_bn3_bias = self.layer3[9].bn3.bias
        layer3_10_conv1_weight = self.layer3[10].conv1.weight
        layer3_10_bn1_weight = self.layer3[10].bn1.weight
        layer3_10_bn1_bias = self.layer3[10].bn1.bias
        layer3_10_conv2_weight = self.layer3[10].conv2.weight
        layer3_10_bn2_weight = self.layer3[10].bn2.weight
        layer3_10_bn2_bias = self.layer3[10].bn2.bias
        layer3_10_conv3_weight = self.layer3[10].conv3.weight
        layer3_10_bn3_weight = self.layer3[10].bn3.weight
        layer3_10_bn3_bias = self.layer3[10].bn3.bias
        layer3_11_conv1_weight = self.layer3[11].conv1.weight
        layer3_11_bn1_weight = self.layer3[11].bn1.weight
        layer3_11_bn1_bias = self.layer3[11].bn1.bias
        layer3_11_conv2_weight = self.layer3[11].conv2.weight
        layer3_11_bn2_weight = self.layer3[11].bn2.weight
        layer3_11_bn2_bias = self.layer3[11].bn2.bias
        layer3_11_conv3_weight = self.layer3[11].conv3.weight
        layer3_11_bn3_weight = self.layer3[11].bn3.weight
        layer3_11_bn3_bias = self.layer3[11].bn3.bias
        layer3_12_conv1_weight = self.layer3[12].conv1.weight
        layer3_12_bn1_weight = self.layer3[12].bn1.weight
        layer3_12_bn1_bias = self.layer3[12].bn1.bias
        layer3_12_conv2_weight = self.layer3[12].conv2.weight
        layer3_12_bn2_weight = self.layer3[12].bn2.weight
        layer3_12_bn2_bias = self.layer3[12].bn2.bias
        layer3_12_conv3_weight = self.layer3[12].conv3.weight
        layer3_12_bn3_weight = self.layer3[12].bn3.weight
        layer3_12_bn3_bias = self.layer3[12].bn3.bias
        layer3_13_conv1_weight = self.layer3[13].conv1.weight
        layer3_13_bn1_weight = self.layer3[13].bn1.weight
        layer3_13_bn1_bias = self.layer3[13].bn1.bias
        layer3_13_conv2_weight = self.layer3[13].conv2.weight
        layer3_13_bn2_weight = self.layer3[13].bn2.weight
        layer3_13_bn2_bias = self.layer3[13].bn2.bias
        layer3_13_conv3_weight = self.layer3[13].conv3.weight
        layer3_13_bn3_weight = self.layer3[13].bn3.weight
        layer3_13_bn3_bias = self.layer3[13].bn3.bias
        layer3_14_conv1_weight = self.layer3[14].conv1.weight
        layer3_14_bn1_weight = self.layer3[14].bn1.weight
        layer3_14_bn1_bias = self.layer3[14].bn1.bias
        layer3_14_conv2_weight = self.layer3[14].conv2.weight
        layer3_14_bn2_weight = self.layer3[14].bn2.weight
        layer3_14_bn2_bias = self.layer3[14].bn2.bias
        layer3_14_conv3_weight = self.layer3[14].conv3.weight
        layer3_14_bn3_weight = self.layer3[14].bn3.weight
        layer3_14_bn3_bias = self.layer3[14].bn3.bias
        layer3_15_conv1_weight = self.layer3[15].conv1.weight
        layer3_15_bn1_weight = self.layer3[15].bn1.weight
        layer3_15_bn1_bias = self.layer3[15].bn1.bias
        layer3_15_conv2_weight = self.layer3[15].conv2.weight
        layer3_15_bn2_weight = self.layer3[15].bn2.weight
        layer3_15_bn2_bias = self.layer3[15].bn2.bias
        layer3_15_conv3_weight = self.layer3[15].conv3.weight
        layer3_15_bn3_weight = self.layer3[15].bn3.weight
        layer3_15_bn3_bias = self.layer3[15].bn3.bias
        layer3_16_conv1_weight = self.layer3[16].conv1.weight
        layer3_16_bn1_weight = self.layer3[16].bn1.weight
        layer3_16_bn1_bias = self.layer3[16].bn1.bias
        layer3_16_conv2_weight = self.layer3[16].conv2.weight
        layer3_16_bn2_weight = self.layer3[16].bn2.weight
        layer3_16_bn2_bias = self.layer3[16].bn2.bias
        layer3_16_conv3_weight = self.layer3[16].conv3.weight
        layer3_16_bn3_weight = self.layer3[16].bn3.weight
        layer3_16_bn3_bias = self.layer3[16].bn3.bias
        layer3_17_conv1_weight = self.layer3[17].conv1.weight
        layer3_17_bn1_weight = self.layer3[17].bn1.weight
        layer3_17_bn1_bias = self.layer3[17].bn1.bias
        layer3_17_conv2_weight = self.layer3[17].conv2.weight
        layer3_17_bn2_weight = self.layer3[17].bn2.weight
        layer3_17_bn2_bias = self.layer3[17].bn2.bias
        layer3_17_conv3_weight = self.layer3[17].conv3.weight
        layer3_17_bn3_weight = self.layer3[17].bn3.weight
        layer3_17_bn3_bias = self.layer3[17].bn3.bias
        layer3_18_conv1_weight = self.layer3[18].conv1.weight
        layer3_18_bn1_weight = self.layer3[18].bn1.weight
        layer3_18_bn1_bias = self.layer3[18].bn1.bias
        layer3_18_conv2_weight = self.layer3[18].conv2.weight
        layer3_18_bn2_weight = self.layer3[18].bn2.weight
        layer3_18_bn2_bias = self.layer3[18].bn2.bias
        layer3_18_conv3_weight = self.layer3[18].conv3.weight
        layer3_18_bn3_weight = self.layer3[18].bn3.weight
        layer3_18_bn3_bias = self.layer3[18].bn3.bias
        layer3_19_conv1_weight = self.layer3[19].conv1.weight
        layer3_19_bn1_weight = self.layer3[19].bn1.weight
        layer3_19_bn1_bias = self.layer3[19].bn1.bias
        layer3_19_conv2_weight = self.layer3[19].conv2.weight
        layer3_19_bn2_weight = self.layer3[19].bn2.weight
        layer3_19_bn2_bias = self.layer3[19].bn2.bias
        layer3_19_conv3_weight = self.layer3[19].conv3.weight
        layer3_19_bn3_weight = self.layer3[19].bn3.weight
        layer3_19_bn3_bias = self.layer3[19].bn3.bias
        layer3_20_conv1_weight = self.layer3[20].conv1.weight
        layer3_20_bn1_weight = self.layer3[20].bn1.weight
        layer3_20_bn1_bias = self.layer3[20].bn1.bias
        layer3_20_conv2_weight = self.layer3[20].conv2.weight
        layer3_20_bn2_weight = self.layer3[20].bn2.weight
        layer3_20_bn2_bias = self.layer3[20].bn2.bias
        layer3_20_conv3_weight = self.layer3[20].conv3.weight
        layer3_20_bn3_weight = self.layer3[20].bn3.weight
        layer3_20_bn3_bias = self.layer3[20].bn3.bias
        layer3_21_conv1_weight = self.layer3[21].conv1.weight
        layer3_21_bn1_weight = self.layer3[21].bn1.weight
        layer3_21_bn1_bias = self.layer3[21].bn1.bias
        layer3_21_conv2_weight = self.layer3[21].conv2.weight
        layer3_21_bn2_weight = self.layer3[21].bn2.weight
        layer3_21_bn2_bias = self.layer3[21].bn2.bias
        layer3_21_conv3_weight = self.layer3[21].conv3.weight
        layer3_21_bn3_weight = self.layer3[21].bn3.weight
        layer3_21_bn3_bias = self.layer3[21].bn3.bias
        layer3_22_conv1_weight = self.layer3[22].conv1.weight
        layer3_22_bn1_weight = self.layer3[22].bn1.weight
        layer3_22_bn1_bias = self.layer3[22].bn1.bias
        layer3_22_conv2_weight = self.layer3[22].conv2.weight
        layer3_22_bn2_weight = self.layer3[22].bn2.weight
        layer3_22_bn2_bias = self.layer3[22].bn2.bias
        layer3_22_conv3_weight = self.layer3[22].conv3.weight
        layer3_22_bn3_weight = self.layer3[22].bn3.weight
        layer3_22_bn3_bias = self.layer3[22].bn3.bias
        layer4_0_conv1_weight = self.layer4[0].conv1.weight
        layer4_0_bn1_weight = self.layer4[0].bn1.weight
        layer4_0_bn1_bias = self.layer4[0].bn1.bias
        layer4_0_conv2_weight = self.layer4[0].conv2.weight
        layer4_0_bn2_weight = self.layer4[0].bn2.weight
        layer4_0_bn2_bias = self.layer4[0].bn2.bias
        layer4_0_conv3_weight = self.layer4[0].conv3.weight
        layer4_0_bn3_weight = self.layer4[0].bn3.weight
        layer4_0_bn3_bias = self.layer4[0].bn3.bias
        layer4_0_downsample_0_weight = self.layer4[0].downsample[0].weight
        layer4_0_downsample_1_weight = self.layer4[0].downsample[1].weight
        layer4_0_downsample_1_bias = self.layer4[0].downsample[1].bias
        layer4_1_conv1_weight = self.layer4[1].conv1.weight
        layer4_1_bn1_weight = self.layer4[1].bn1.weight
        layer4_1_bn1_bias = self.layer4[1].bn1.bias
        layer4_1_conv2_weight = self.layer4[1].conv2.weight
        layer4_1_bn2_weight = self.layer4[1].bn2.weight
        layer4_1_bn2_bias = self.layer4[1].bn2.bias
        layer4_1_conv3_weight = self.layer4[1].conv3.weight
        layer4_1_bn3_weight = self.layer4[1].bn3.weight
        layer4_1_bn3_bias = self.layer4[1].bn3.bias
        layer4_2_conv1_weight = self.layer4[2].conv1.weight
        layer4_2_bn1_weight = self.layer4[2].bn1.weight
        layer4_2_bn1_bias = self.layer4[2].bn1.bias
        layer4_2_conv2_weight = self.layer4[2].conv2.weight
        layer4_2_bn2_weight = self.layer4[2].bn2.weight
        layer4_2_bn2_bias = self.layer4[2].bn2.bias
        layer4_2_conv3_weight = self.layer4[2].conv3.weight
        layer4_2_bn3_weight = self.layer4[2].bn3.weight
        layer4_2_bn3_bias = self.layer4[2].bn3.bias
        fc_weight = self.fc.weight
        fc_bias = self.fc.bias
        bn1_running_mean = self.bn1.running_mean
        bn1_running_var = self.bn1.running_var
        layer1_0_bn1_running_mean = self.layer1[0].bn1.running_mean
        layer1_0_bn1_running_var = self.layer1[0].bn1.running_var
        layer1_0_bn2_running_mean = self.layer1[0].bn2.running_mean
        layer1_0_bn2_running_var = self.layer1[0].bn2.running_var
        layer1_0_bn3_running_mean = self.layer1[0].bn3.running_mean
        layer1_0_bn3_running_var = self.layer1[0].bn3.running_var
        layer1_0_downsample_1_running_mean = self.layer1[0].downsample[1].running_mean
        layer1_0_downsample_1_running_var = self.layer1[0].downsample[1].running_var
        layer1_1_bn1_running_mean = self.layer1[1].bn1.running_mean
        layer1_1_bn1_running_var = self.layer1[1].bn1.running_var
        layer1_1_bn2_running_mean = self.layer1[1].bn2.running_mean
        layer1_1_bn2_running_var = self.layer1[1].bn2.running_var
        layer1_1_bn3_running_mean = self.layer1[1].bn3.running_mean
        layer1_1_bn3_running_var = self.layer1[1].bn3.running_var
        layer1_2_bn1_running_mean = self.layer1[2].bn1.running_mean
        layer1_2_bn1_running_var = self.layer1[2].bn1.running_var
        layer1_2_bn2_running_mean = self.layer1[2].bn2.running_mean
        layer1_2_bn2_running_var = self.layer1[2].bn2.running_var
        layer1_2_bn3_running_mean = self.layer1[2].bn3.running_mean
        layer1_2_bn3_running_var = self.layer1[2].bn3.running_var
        layer2_0_bn1_running_mean = self.layer2[0].bn1.running_mean
        layer2_0_bn1_running_var = self.layer2[0].bn1.running_var
        layer2_0_bn2_running_mean = self.layer2[0].bn2.running_mean
        layer2_0_bn2_running_var = self.layer2[0].bn2.running_var
        layer2_0_bn3_running_mean = self.layer2[0].bn3.running_mean
        layer2_0_bn3_running_var = self.layer2[0].bn3.running_var
        layer2_0_downsample_1_running_mean = self.layer2[0].downsample[1].running_mean
        layer2_0_downsample_1_running_var = self.layer2[0].downsample[1].running_var
        layer2_1_bn1_running_mean = self.layer2[1].bn1.running_mean
        layer2_1_bn1_running_var = self.layer2[1].bn1.running_var
        layer2_1_bn2_running_mean = self.layer2[1].bn2.running_mean
        layer2_1_bn2_running_var = self.layer2[1].bn2.running_var
        layer2_1_bn3_running_mean = self.layer2[1].bn3.running_mean
        layer2_1_bn3_running_var = self.layer2[1].bn3.running_var
        layer2_2_bn1_running_mean = self.layer2[2].bn1.running_mean
        layer2_2_bn1_running_var = self.layer2[2].bn1.running_var
        layer2_2_bn2_running_mean = self.layer2[2].bn2.running_mean
        layer2_2_bn2_running_var = self.layer2[2].bn2.running_var
        layer2_2_bn3_running_mean = self.layer2[2].bn3.running_mean
        layer2_2_bn3_running_var = self.layer2[2].bn3.running_var
        layer2_3_bn1_running_mean = self.layer2[3].bn1.running_mean
        layer2_3_bn1_running_var = self.layer2[3].bn1.running_var
        layer2_3_bn2_running_mean = self.layer2[3].bn2.running_mean
        layer2_3_bn2_running_var = self.layer2[3].bn2.running_var
        layer2_3_bn3_running_mean = self.layer2[3].bn3.running_mean
        layer2_3_bn3_running_var = self.layer2[3].bn3.running_var
        layer3_0_bn1_running_mean = self.layer3[0].bn1.running_mean
        layer3_0_bn1_running_var = self.layer3[0].bn1.running_var
        layer3_0_bn2_running_mean = self.layer3[0].bn2.running_mean
        layer3_0_bn2_running_var = self.layer3[0].bn2.running_var
        layer3_0_bn3_running_mean = self.layer3[0].bn3.running_mean
        layer3_0_bn3_running_var = self.layer3[0].bn3.running_var
        layer3_0_downsample_1_running_mean = self.layer3[0].downsample[1].running_mean
        layer3_0_downsample_1_running_var = self.layer3[0].downsample[1].running_var
        layer3_1_bn1_running_mean = self.layer3[1].bn1.running_mean
        layer3_1_bn1_running_var = self.layer3[1].bn1.running_var
        layer3_1_bn2_running_mean = self.layer3[1].bn2.running_mean
        layer3_1_bn2_running_var = self.layer3[1].bn2.running_var
        layer3_1_bn3_running_mean = self.layer3[1].bn3.running_mean
        layer3_1_bn3_running_var = self.layer3[1].bn3.running_var
        layer3_2_bn1_running_mean = self.layer3[2].bn1.running_mean
        layer3_2_bn1_running_var = self.layer3[2].bn1.running_var
        layer3_2_bn2_running_mean = self.layer3[2].bn2.running_mean
        layer3_2_bn2_running_var = self.layer3[2].bn2.running_var
        layer3_2_bn3_running_mean = self.layer3[2].bn3.running_mean
        layer3_2_bn3_running_var = self.layer3[2].bn3.running_var
        layer3_3_bn1_running_mean = self.layer3[3].bn1.running_mean
        layer3_3_bn1_running_var = self.layer3[3].bn1.running_var
        layer3_3_bn2_running_mean = self.layer3[3].bn2.running_mean
        layer3_3_bn2_running_var = self.layer3[3].bn2.running_var
        layer3_3_bn3_running_mean = self.layer3[3].bn3.running_mean
        layer3_3_bn3_running_var = self.layer3[3].bn3.running_var
        layer3_4_bn1_running_mean = self.layer3[4].bn1.running_mean
        layer3_4_bn1_running_var = self.layer3[4].bn1.running_var
        layer3_4_bn2_running_mean = self.layer3[4].bn2.running_mean
        layer3_4_bn2_running_var = self.layer3[4].bn2.running_var
        layer3_4_bn3_running_mean = self.layer3[4].bn3.running_mean
        layer3_4_bn3_running_var = self.layer3[4].bn3.running_var
        layer3_5_bn1_running_mean = self.layer3[5].bn1.running_mean
        layer3_5_bn1_running_var = self.layer3[5].bn1.running_var
        layer3_5_bn2_running_mean = self.layer3[5].bn2.running_mean
        layer3_5_bn2_running_var = self.layer3[5].bn2.running_var
        layer3_5_bn3_running_mean = self.layer3[5].bn3.running_mean
        layer3_5_bn3_running_var = self.layer3[5].bn3.running_var
        layer3_6_bn1_running_mean = self.layer3[6].bn1.running_mean
        layer3_6_bn1_running_var = self.layer3[6].bn1.running_var
        layer3_6_bn2_running_mean = self.layer3[6].bn2.running_mean
        layer3_6_bn2_running_var = self.layer3[6].bn2.running_var
        layer3_6_bn3_running_mean = self.layer3[6].bn3.running_mean
        layer3_6_bn3_running_var = self.layer3[6].bn3.running_var
        layer3_7_bn1_running_mean = self.layer3[7].bn1.running_mean
        layer3_7_bn1_running_var = self.layer3[7].bn1.running_var
        layer3_7_bn2_running_mean = self.layer3[7].bn2.running_mean
        layer3_7_bn2_running_var = self.layer3[7].bn2.running_var
        layer3_7_bn3_running_mean = self.layer3[7].bn3.running_mean
        layer3_7_bn3_running_var = self.layer3[7].bn3.running_var
        layer3_8_bn1_running_mean = self.layer3[8].bn1.running_mean
        layer3_8_bn1_running_var = self.layer3[8].bn1.running_var
        layer3_8_bn2_running_mean = self.layer3[8].bn2.running_mean
        layer3_8_bn2_running_var = self.layer3[8].bn2.running_var
        layer3_8_bn3_running_mean = self.layer3[8].bn3.running_mean
        layer3_8_bn3_running_var = self.layer3[8].bn3.running_var
        layer3_9_bn1_running_mean = self.layer3[9].bn1.running_mean
        layer3_9_bn1_running_var = self.layer3[9].bn1.running_var
        layer3_9_bn2_running_mean = self.layer3[9].bn2.running_mean
        layer3_9_bn2_running_var = self.layer3[9].bn2.running_var
        layer3_9_bn3_running_mean = self.layer3[9].bn3.running_mean
        layer3_9_bn3_running_var = self.layer3[9].bn3.running_var
        layer3_10_bn1_running_mean = self.layer3[10].bn1.running_mean
        layer3_10_bn1_running_var = self.layer3[10].bn1.running_var
        layer3_10_bn2_running_mean = self.layer3[10].bn2.running_mean
        layer3_10_bn2_running_var = self.layer3[10].bn2.running_var
        layer3_10_bn3_running_mean = self.layer3[10].bn3.running_mean
        layer3_10_bn3_running_var = self.layer3[10].bn3.running_var
        layer3_11_bn1_running_mean = self.layer3[11].bn1.running_mean
        layer3_11_bn1_running_var = self.layer3[11].bn1.running_var
        layer3_11_bn2_running_mean = self.layer3[11].bn2.running_mean
        layer3_11_bn2_running_var = self.layer3[11].bn2.running_var
        layer3_11_bn3_running_mean = self.layer3[11].bn3.running_mean
        layer3_11_bn3_running_var = self.layer3[11].bn3.running_var
        layer3_12_bn1_running_mean = self.layer3[12].bn1.running_mean
        layer3_12_bn1_running_var = self.layer3[12].bn1.running_var
        layer3_12_bn2_running_mean = self.layer3[12].bn2.running_mean
        layer3_12_bn2_running_var = self.layer3[12].bn2.running_var
        layer3_12_bn3_running_mean = self.layer3[12].bn3.running_mean
        layer3_12_bn3_running_var = self.layer3[12].bn3.running_var
        layer3_13_bn1_running_mean = self.layer3[13].bn1.running_mean
        layer3_13_bn1_running_var = self.layer3[13].bn1.running_var
        layer3_13_bn2_running_mean = self.layer3[13].bn2.running_mean
        layer3_13_bn2_running_var = self.layer3[13].bn2.running_var
        layer3_13_bn3_running_mean = self.layer3[13].bn3.running_mean
        layer3_13_bn3_running_var = self.layer3[13].bn3.running_var
        layer3_14_bn1_running_mean = self.layer3[14].bn1.running_mean
        layer3_14_bn1_running_var = self.layer3[14].bn1.running_var
        layer3_14_bn2_running_mean = self.layer3[14].bn2.running_mean
        layer3_14_bn2_running_var = self.layer3[14].bn2.running_var
        layer3_14_bn3_running_mean = self.layer3[14].bn3.running_mean
        layer3_14_bn3_running_var = self.layer3[14].bn3.running_var
        layer3_15_bn1_running_mean = self.layer3[15].bn1.running_mean
        layer3_15_bn1_running_var = self.layer3[15].bn1.running_var
        layer3_15_bn2_running_mean = self.layer3[15].bn2.running_mean
        layer3_15_bn2_running_var = self.layer3[15].bn2.running_var
        layer3_15_bn3_running_mean = self.layer3[15].bn3.running_mean
        layer3_15_bn3_running_var = self.layer3[15].bn3.running_var
        layer3_16_bn1_running_mean = self.layer3[16].bn1.running_mean
        layer3_16_bn1_running_var = self.layer3[16].bn1.running_var
        layer3_16_bn2_running_mean = self.layer3[16].bn2.running_mean
        layer3_16_bn2_running_var = self.layer3[16].bn2.running_var
        layer3_16_bn3_running_mean = self.layer3[16].bn3.running_mean
        layer3_16_bn3_running_var = self.layer3[16].bn3.running_var
        layer3_17_bn1_running_mean = self.layer3[17].bn1.running_mean
        layer3_17_bn1_running_var = self.layer3[17].bn1.running_var
        layer3_17_bn2_running_mean = self.layer3[17].bn2.running_mean
        layer3_17_bn2_running_var = self.layer3[17].bn2.running_var
        layer3_17_bn3_running_mean = self.layer3[17].bn3.running_mean
        layer3_17_bn3_running_var = self.layer3[17].bn3.running_var
        layer3_18_bn1_running_mean = self.layer3[18].bn1.running_mean
        layer3_18_bn1_running_var = self.layer3[18].bn1.running_var
        layer3_18_bn2_running_mean = self.layer3[18].bn2.running_mean
        layer3_18_bn2_running_var = self.layer3[18].bn2.running_var
        layer3_18_bn3_running_mean = self.layer3[18].bn3.running_mean
        layer3_18_bn3_running_var = self.layer3[18].bn3.running_var
        layer3_19_bn1_running_mean = self.layer3[19].bn1.running_mean
        layer3_19_bn1_running_var = self.layer3[19].bn1.running_var
        layer3_19_bn2_running_mean = self.layer3[19].bn2.running_mean
        layer3_19_bn2_running_var = self.layer3[19].bn2.running_var
        layer3_19_bn3_running_mean = self.layer3[19].bn3.running_mean
        layer3_19_bn3_running_var = self.layer3[19].bn3.running_var
        layer3_20_bn1_running_mean = self.layer3[20].bn1.running_mean
        layer3_20_bn1_running_var = self.layer3[20].bn1.running_var
        layer3_20_bn2_running_mean = self.layer3[20].bn2.running_mean
        layer3_20_bn2_running_var = self.layer3[20].bn2.running_var
        layer3_20_bn3_running_mean = self.layer3[20].bn3.running_mean
        layer3_20_bn3_running_var = self.layer3[20].bn3.running_var
        layer3_21_bn1_running_mean = self.layer3[21].bn1.running_mean
        layer3_21_bn1_running_var = self.layer3[21].bn1.running_var
        layer3_21_bn2_running_mean = self.layer3[21].bn2.running_mean
        layer3_21_bn2_running_var = self.layer3[21].bn2.running_var
        layer3_21_bn3_running_mean = self.layer3[21].bn3.running_mean
        layer3_21_bn3_running_var = self.layer3[21].bn3.running_var
        layer3_22_bn1_running_mean = self.layer3[22].bn1.running_mean
        layer3_22_bn1_running_var = self.layer3[22].bn1.running_var
        layer3_22_bn2_running_mean = self.layer3[22].bn2.running_mean
        layer3_22_bn2_running_var = self.layer3[22].bn2.running_var
        layer3_22_bn3_running_mean = self.layer3[22].bn3.running_mean
        layer3_22_bn3_running_var = self.layer3[22].bn3.running_var
        layer4_0_bn1_running_mean = self.layer4[0].bn1.running_mean
        layer4_0_bn1_running_var = self.layer4[0].bn1.running_var
        layer4_0_bn2_running_mean = self.layer4[0].bn2.running_mean
        layer4_0_bn2_running_var = self.layer4[0].bn2.running_var
        layer4_0_bn3_running_mean = self.layer4[0].bn3.running_mean
        layer4_0_bn3_running_var = self.layer4[0].bn3.running_var
        layer4_0_downsample_1_running_mean = self.layer4[0].downsample[1].running_mean
        layer4_0_downsample_1_running_var = self.layer4[0].downsample[1].running_var
        layer4_1_bn1_running_mean = self.layer4[1].bn1.running_mean
        layer4_1_bn1_running_var = self.layer4[1].bn1.running_var
        layer4_1_bn2_running_mean = self.layer4[1].bn2.running_mean
        layer4_1_bn2_running_var = self.layer4[1].bn2.running_var
        layer4_1_bn3_running_mean = self.layer4[1].bn3.running_mean
        layer4_1_bn3_running_var = self.layer4[1].bn3.running_var
        layer4_2_bn1_running_mean = self.layer4[2].bn1.running_mean
        layer4_2_bn1_running_var = self.layer4[2].bn1.running_var
        layer4_2_bn2_running_mean = self.layer4[2].bn2.running_mean
        layer4_2_bn2_running_var = self.layer4[2].bn2.running_var
        layer4_2_bn3_running_mean = self.layer4[2].bn3.running_mean
        layer4_2_bn3_running_var = self.layer4[2].bn3.running_var
        conv_rows_2 = conv_rows(x, conv1_weight, None, (2, 2), (3, 3), "none", None, "none", True)
        getitem = conv_rows_2[0]
        getitem_1 = conv_rows_2[1]
        del conv_rows_2
        bn1_num_batches_tracked = self.bn1.num_batches_tracked
        layer1_0_bn1_num_batches_tracked = self.layer1[0].bn1.num_batches_tracked
        layer1_0_bn2_num_batches_tracked = self.layer1[0].bn2.num_batches_tracked
        layer1_0_bn3_num_batches_tracked = self.layer1[0].bn3.num_batches_tracked
        layer1_0_downsample_1_num_batches_tracked = self.layer1[0].downsample[1].num_batches_tracked
        layer1_1_bn1_num_batches_tracked = self.layer1[1].bn1.num_batches_tracked
        layer1_1_bn2_num_batches_tracked = self.layer1[1].bn2.num_batches_tracked
        layer1_1_bn3_num_batches_tracked = self.layer1[1].bn3.num_batches_tracked
        layer1_2_bn1_num_batches_tracked = self.layer1[2].bn1.num_batches_tracked
        layer1_2_bn2_num_batches_tracked = self.layer1[2].bn2.num_batches_tracked
        layer1_2_bn3_num_batches_tracked = self.layer1[2].bn3.num_batches_tracked
        layer2_0_bn1_num_batches_tracked = self.layer2[0].bn1.num_batches_tracked
        layer2_0_bn2_num_batches_tracked = self.layer2[0].bn2.num_batches_tracked
        layer2_0_bn3_num_batches_tracked = self.layer2[0].bn3.num_batches_tracked
        layer2_0_downsample_1_num_batches_tracked = self.layer2[0].downsample[1].num_batches_tracked
        layer2_1_bn1_num_batches_tracked = self.layer2[1].bn1.num_batches_tracked
        layer2_1_bn2_num_batches_tracked = self.layer2[1].bn2.num_batches_tracked
        layer2_1_bn3_num_batches_tracked = self.layer2[1].bn3.num_batches_tracked
        layer2_2_bn1_num_batches_tracked = self.layer2[2].bn1.num_batches_tracked
        layer2_2_bn2_num_batches_tracked = self.layer2[2].bn2.num_batches_tracked
        layer2_2_bn3_num_batches_tracked = self.layer2[2].bn3.num_batches_tracked
        layer2_3_bn1_num_batches_tracked = self.layer2[3].bn1.num_batches_tracked
        layer2_3_bn2_num_batches_tracked = self.layer2[3].bn2.num_batches_tracked
        layer2_3_bn3_num_batches_tracked = self.layer2[3].bn3.num_batches_tracked
        layer3_0_bn1_num_batches_tracked = self.layer3[0].bn1.num_batches_tracked
        layer3_0_bn2_num_batches_tracked = self.layer3[0].bn2.num_batches_tracked
        layer3_0_bn3_num_batches_tracked = self.layer3[0].bn3.num_batches_tracked
        layer3_0_downsample_1_num_batches_tracked = self.layer3[0].downsample[1].num_batches_tracked
        layer3_1_bn1_num_batches_tracked = self.layer3[1].bn1.num_batches_tracked
        layer3_1_bn2_num_batches_tracked = self.layer3[1].bn2.num_batches_tracked
        layer3_1_bn3_num_batches_tracked = self.layer3[1].bn3.num_batches_tracked
        layer3_2_bn1_num_batches_tracked = self.layer3[2].bn1.num_batches_tracked
        layer3_2_bn2_num_batches_tracked = self.layer3[2].bn2.num_batches_tracked
        layer3_2_bn3_num_batches_tracked = self.layer3[2].bn3.num_batches_tracked
        layer3_3_bn1_num_batches_tracked = self.layer3[3].bn1.num_batches_tracked
        layer3_3_bn2_num_batches_tracked = self.layer3[3].bn2.num_batches_tracked
        layer3_3_bn3_num_batches_tracked = self.layer3[3].bn3.num_batches_tracked
        layer3_4_bn1_num_batches_tracked = self.layer3[4].bn1.num_batches_tracked
        layer3_4_bn2_num_batches_tracked = self.layer3[4].bn2.num_batches_tracked
        layer3_4_bn3_num_batches_tracked = self.layer3[4].bn3.num_batches_tracked
        layer3_5_bn1_num_batches_tracked = self.layer3[5].bn1.num_batches_tracked
        layer3_5_bn2_num_batches_tracked = self.layer3[5].bn2.num_batches_tracked
        layer3_5_bn3_num_batches_tracked = self.layer3[5].bn3.num_batches_tracked
        layer3_6_bn1_num_batches_tracked = self.layer3[6].bn1.num_batches_tracked
        layer3_6_bn2_num_batches_tracked = self.layer3[6].bn2.num_batches_tracked
        layer3_6_bn3_num_batches_tracked = self.layer3[6].bn3.num_batches_tracked
        layer3_7_bn1_num_batches_tracked = self.layer3[7].bn1.num_batches_tracked
        layer3_7_bn2_num_batches_tracked = self.layer3[7].bn2.num_batches_tracked
        layer3_7_bn3_num_batches_tracked = self.layer3[7].bn3.num_batches_tracked
        layer3_8_bn1_num_batches_tracked = self.layer3[8].bn1.num_batches_tracked
        layer3_8_bn2_num_batches_tracked = self.layer3[8].bn2.num_batches_tracked
        layer3_8_bn3_num_batches_tracked = self.layer3[8].bn3.num_batches_tracked
        layer3_9_bn1_num_batches_tracked = self.layer3[9].bn1.num_batches_tracked
        layer3_9_bn2_num_batches_tracked = self.layer3[9].bn2.num_batches_tracked
        layer3_9_bn3_num_batches_tracked = self.layer3[9].bn3.num_batches_tracked
        layer3_10_bn1_num_batches_tracked = self.layer3[10].bn1.num_batches_tracked
        layer3_10_bn2_num_batches_tracked = self.layer3[10].bn2.num_batches_tracked
        layer3_10_bn3_num_batches_tracked = self.layer3[10].bn3.num_batches_tracked
        layer3_11_bn1_num_batches_tracked = self.layer3[11].bn1.num_batches_tracked
        layer3_11_bn2_num_batches_tracked = self.layer3[11].bn2.num_batches_tracked
        layer3_11_bn3_num_batches_tracked = self.layer3[11].bn3.num_batches_tracked
        layer3_12_bn1_num_batches_tracked = self.layer3[12].bn1.num_batches_tracked
        layer3_12_bn2_num_batches_tracked = self.layer3[12].bn2.num_batches_tracked
        layer3_12_bn3_num_batches_tracked = self.layer3[12].bn3.num_batches_tracked
        layer3_13_bn1_num_batches_tracked = self.layer3[13].bn1.num_batches_tracked
        layer3_13_bn2_num_batches_tracked = self.layer3[13].bn2.num_batches_tracked
        layer3_13_bn3_num_batches_tracked = self.layer3[13].bn3.num_batches_tracked
        layer3_14_bn1_num_batches_tracked = self.layer3[14].bn1.num_batches_tracked
        layer3_14_bn2_num_batches_tracked = self.layer3[14].bn2.num_batches_tracked
        layer3_14_bn3_num_batches_tracked = self.layer3[14].bn3.num_batches_tracked
        layer3_15_bn1_num_batches_tracked = self.layer3[15].bn1.num_batches_tracked
        layer3_15_bn2_num_batches_tracked = self.layer3[15].bn2.num_batches_tracked
        layer3_15_bn3_num_batches_tracked = self.layer3[15].bn3.num_batches_tracked
        layer3_16_bn1_num_batches_tracked = self.layer3[16].bn1.num_batches_tracked
        layer3_16_bn2_num_batches_tracked = self.layer3[16].bn2.num_batches_tracked
        layer3_16_bn3_num_batches_tracked = self.layer3[16].bn3.num_batches_tracked
        layer3_17_bn1_num_batches_tracked = self.layer3[17].bn1.num_batches_tracked
        layer3_17_bn2_num_batches_tracked = self.layer3[17].bn2.num_batches_tracked
        layer3_17_bn3_num_batches_tracked = self.layer3[17].bn3.num_batches_tracked
        layer3_18_bn1_num_batches_tracked = self.layer3[18].bn1.num_batches_tracked
        layer3_18_bn2_num_batches_tracked = self.layer3[18].bn2.num_batches_tracked
        layer3_18_bn3_num_batches_tracked = self.layer3[18].bn3.num_batches_tracked
        layer3_19_bn1_num_batches_tracked = self.layer3[19].bn1.num_batches_tracked
        layer3_19_bn2_num_batches_tracked = self.layer3[19].bn2.num_batches_tracked
        layer3_19_bn3_num_batches_tracked = self.layer3[19].bn3.num_batches_tracked
        layer3_20_bn1_num_batches_tracked = self.layer3[20].bn1.num_batches_tracked
        layer3_20_bn2_num_batches_tracked = self.layer3[20].bn2.num_batches_tracked
        layer3_20_bn3_num_batches_tracked = self.layer3[20].bn3.num_batches_tracked
        layer3_21_bn1_num_batches_tracked = self.layer3[21].bn1.num_batches_tracked
        layer3_21_bn2_num_batches_tracked = self.layer3[21].bn2.num_batches_tracked
        layer3_21_bn3_num_batches_tracked = self.layer3[21].bn3.num_batches_tracked
        layer3_22_bn1_num_batches_tracked = self.layer3[22].bn1.num_batches_tracked
        layer3_22_bn2_num_batches_tracked = self.layer3[22].bn2.num_batches_tracked
        layer3_22_bn3_num_batches_tracked = self.layer3[22].bn3.num_batches_tracked
        layer4_0_bn1_num_batches_tracked = self.layer4[0].bn1.num_batches_tracked
        layer4_0_bn2_num_batches_tracked = self.layer4[0].bn2.num_batches_tracked
        layer4_0_bn3_num_batches_tracked = self.layer4[0].bn3.num_batches_tracked
        layer4_0_downsample_1_num_batches_tracked = self.layer4[0].downsample[1].num_batches_tracked
        layer4_1_bn1_num_batches_tracked = self.layer4[1].bn1.num_batches_tracked
        layer4_1_bn2_num_batches_tracked = self.layer4[1].bn2.num_batches_tracked
        layer4_1_bn3_num_batches_tracked = self.layer4[1].bn3.num_batches_tracked
        layer4_2_bn1_num_batches_tracked = self.layer4[2].bn1.num_batches_tracked
        layer4_2_bn2_num_batches_tracked = self.layer4[2].bn2.num_batches_tracked
        layer4_2_bn3_num_batches_tracked = self.layer4[2].bn3.num_batches_tracked
        count_on(
            bn1_num_batches_tracked, layer1_0_bn1_num_batches_tracked,
            layer1_0_bn2_num_batches_tracked, layer1_0_bn3_num_batches_tracked,
            layer1_0_downsample_1_num_batches_tracked, layer1_1_bn1_num_batches_tracked,
            layer1_1_bn2_num_batches_tracked, layer1_1_bn3_num_batches_tracked,
            layer1_2_bn1_num_batches_tracked, layer1_2_bn2_num_batches_tracked,
            layer1_2_bn3_num_batches_tracked, layer2_0_bn1_num_batches_tracked,
            layer2_0_bn2_num_batches_tracked, layer2_0_bn3_num_batches_tracked,
            layer2_0_downsample_1_num_batches_tracked, layer2_1_bn1_num_batches_tracked,
            layer2_1_bn2_num_batches_tracked, layer2_1_bn3_num_batches_tracked,
            layer2_2_bn1_num_batches_tracked, layer2_2_bn2_num_batches_tracked,
            layer2_2_bn3_num_batches_tracked, layer2_3_bn1_num_batches_tracked,
            layer2_3_bn2_num_batches_tracked, layer2_3_bn3_num_batches_tracked,
            layer3_0_bn1_num_batches_tracked, layer3_0_bn2_num_batches_tracked,
            layer3_0_bn3_num_batches_tracked, layer3_0_downsample_1_num_batches_tracked,
            layer3_1_bn1_num_batches_tracked, layer3_1_bn2_num_batches_tracked,
            layer3_1_bn3_num_batches_tracked, layer3_2_bn1_num_batches_tracked,
            layer3_2_bn2_num_batches_tracked, layer3_2_bn3_num_batches_tracked,
            layer3_3_bn1_num_batches_tracked, layer3_3_bn2_num_batches_tracked,
            layer3_3_bn3_num_batches_tracked, layer3_4_bn1_num_batches_tracked,
            layer3_4_bn2_num_batches_tracked, layer3_4_bn3_num_batches_tracked,
            layer3_5_bn1_num_batches_tracked, layer3_5_bn2_num_batches_tracked,
            layer3_5_bn3_num_batches_tracked, layer3_6_bn1_num_batches_tracked,
            layer3_6_bn2_num_batches_tracked, layer3_6_bn3_num_batches_tracked,
            layer3_7_bn1_num_batches_tracked, layer3_7_bn2_num_batches_tracked,
            layer3_7_bn3_num_batches_tracked, layer3_8_bn1_num_batches_tracked,
            layer3_8_bn2_num_batches_tracked, layer3_8_bn3_num_batches_tracked,
            layer3_9_bn1_num_batches_tracked, layer3_9_bn2_num_batches_tracked,
            layer3_9_bn3_num_batches_tracked, layer3_10_bn1_num_batches_tracked,
            layer3_10_bn2_num_batches_tracked, layer3_10_bn3_num_batches_tracked,
            layer3_11_bn1_num_batches_tracked, layer3_11_bn2_num_batches_tracked,
            layer3_11_bn3_num_batches_tracked, layer3_12_bn1_num_batches_tracked,
            layer3_12_bn2_num_batches_tracked, layer3_12_bn3_num_batches_tracked,
            layer3_13_bn1_num_batches_tracked, layer3_13_bn2_num_batches_tracked,
            layer3_13_bn3_num_batches_tracked, layer3_14_bn1_num_batches_tracked,
            layer3_14_bn2_num_batches_tracked, layer3_14_bn3_num_batches_tracked,
            layer3_15_bn1_num_batches_tracked, layer3_15_bn2_num_batches_tracked,
            layer3_15_bn3_num_batches_tracked, layer3_16_bn1_num_batches_tracked,
            layer3_16_bn2_num_batches_tracked, layer3_16_bn3_num_batches_tracked,
            layer3_17_bn1_num_batches_tracked, layer3_17_bn2_num_batches_tracked,
            layer3_17_bn3_num_batches_tracked, layer3_18_bn1_num_batches_tracked,
            layer3_18_bn2_num_batches_tracked, layer3_18_bn3_num_batches_tracked,
            layer3_19_bn1_num_batches_tracked, layer3_19_bn2_num_batches_tracked,
            layer3_19_bn3_num_batches_tracked, layer3_20_bn1_num_batches_tracked,
            layer3_20_bn2_num_batches_tracked, layer3_20_bn3_num_batches_tracked,
            layer3_21_bn1_num_batches_tracked, layer3_21_bn2_num_batches_tracked,
            layer3_21_bn3_num_batches_tracked, layer3_22_bn1_num_batches_tracked,
            layer3_22_bn2_num_batches_tracked, layer3_22_bn3_num_batches_tracked,
            layer4_0_bn1_num_batches_tracked, layer4_0_bn2_num_batches_tracked,
            layer4_0_bn3_num_batches_tracked, layer4_0_downsample_1_num_batches_tracked,
            layer4_1_bn1_num_batches_tracked, layer4_1_bn2_num_batches_tracked,
            layer4_1_bn3_num_batches_tracked, layer4_2_bn1_num_batches_tracked,
            layer4_2_bn2_num_batches_tracked, layer4_2_bn3_num_batches_tracked,
        )
        conv_rows_norm_2 = conv_rows_norm(
            getitem_1, 6272, bn1_weight, bn1_bias, bn1_running_mean, bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_33 = conv_rows_apply(getitem, conv_rows_norm_2, "relu")
        del getitem
        max_pool2d = torch.max_pool2d(conv_rows_apply_33, [3, 3], [2, 2], [1, 1])
        del conv_rows_apply_33
        conv_rows_1 = conv_rows(
            max_pool2d, layer1_0_conv1_weight, None, (1, 1), (0, 0), "none", None, "none", True,
        )
        getitem_2 = conv_rows_1[0]
        getitem_3 = conv_rows_1[1]
        del conv_rows_1
        conv_rows_norm_1 = conv_rows_norm(
            getitem_3, 1568, layer1_0_bn1_weight, layer1_0_bn1_bias, layer1_0_bn1_running_mean,
            layer1_0_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_2_2 = conv_rows(
            getitem_2, layer1_0_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_1,
            "relu", True,
        )
        del getitem_2
        getitem_4 = conv_rows_2_2[0]
        getitem_5 = conv_rows_2_2[1]
        del conv_rows_2_2
        conv_rows_norm_2_2 = conv_rows_norm(
            getitem_5, 1568, layer1_0_bn2_weight, layer1_0_bn2_bias, layer1_0_bn2_running_mean,
            layer1_0_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_3 = conv_rows(
            getitem_4, layer1_0_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_2_2,
            "relu", True,
        )
        del getitem_4
        getitem_6 = conv_rows_3[0]
        getitem_7 = conv_rows_3[1]
        del conv_rows_3
        conv_rows_norm_3 = conv_rows_norm(
            getitem_7, 1568, layer1_0_bn3_weight, layer1_0_bn3_bias, layer1_0_bn3_running_mean,
            layer1_0_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_4 = conv_rows(
            max_pool2d, layer1_0_downsample_0_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        del max_pool2d
        getitem_8 = conv_rows_4[0]
        getitem_9 = conv_rows_4[1]
        del conv_rows_4
        conv_rows_norm_4 = conv_rows_norm(
            getitem_9, 1568, layer1_0_downsample_1_weight, layer1_0_downsample_1_bias,
            layer1_0_downsample_1_running_mean, layer1_0_downsample_1_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_2 = conv_rows_apply(
            getitem_6, conv_rows_norm_3, "relu", getitem_8, conv_rows_norm_4,
        )
        del getitem_6, getitem_8
        conv_rows_5 = conv_rows(
            conv_rows_apply_2, layer1_1_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_10 = conv_rows_5[0]
        getitem_11 = conv_rows_5[1]
        del conv_rows_5
        conv_rows_norm_5 = conv_rows_norm(
            getitem_11, 1568, layer1_1_bn1_weight, layer1_1_bn1_bias, layer1_1_bn1_running_mean,
            layer1_1_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_6 = conv_rows(
            getitem_10, layer1_1_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_5,
            "relu", True,
        )
        del getitem_10
        getitem_12 = conv_rows_6[0]
        getitem_13 = conv_rows_6[1]
        del conv_rows_6
        conv_rows_norm_6 = conv_rows_norm(
            getitem_13, 1568, layer1_1_bn2_weight, layer1_1_bn2_bias, layer1_1_bn2_running_mean,
            layer1_1_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_7 = conv_rows(
            getitem_12, layer1_1_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_6,
            "relu", True,
        )
        del getitem_12
        getitem_14 = conv_rows_7[0]
        getitem_15 = conv_rows_7[1]
        del conv_rows_7
        conv_rows_norm_7 = conv_rows_norm(
            getitem_15, 1568, layer1_1_bn3_weight, layer1_1_bn3_bias, layer1_1_bn3_running_mean,
            layer1_1_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_1 = conv_rows_apply(getitem_14, conv_rows_norm_7, "relu", conv_rows_apply_2)
        del conv_rows_apply_2, getitem_14
        conv_rows_8 = conv_rows(
            conv_rows_apply_1, layer1_2_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_16 = conv_rows_8[0]
        getitem_17 = conv_rows_8[1]
        del conv_rows_8
        conv_rows_norm_8 = conv_rows_norm(
            getitem_17, 1568, layer1_2_bn1_weight, layer1_2_bn1_bias, layer1_2_bn1_running_mean,
            layer1_2_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_9 = conv_rows(
            getitem_16, layer1_2_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_8,
            "relu", True,
        )
        del getitem_16
        getitem_18 = conv_rows_9[0]
        getitem_19 = conv_rows_9[1]
        del conv_rows_9
        conv_rows_norm_9 = conv_rows_norm(
            getitem_19, 1568, layer1_2_bn2_weight, layer1_2_bn2_bias, layer1_2_bn2_running_mean,
            layer1_2_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_10 = conv_rows(
            getitem_18, layer1_2_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_9,
            "relu", True,
        )
        del getitem_18
        getitem_20 = conv_rows_10[0]
        getitem_21 = conv_rows_10[1]
        del conv_rows_10
        conv_rows_norm_10 = conv_rows_norm(
            getitem_21, 1568, layer1_2_bn3_weight, layer1_2_bn3_bias, layer1_2_bn3_running_mean,
            layer1_2_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_2_2 = conv_rows_apply(
            getitem_20, conv_rows_norm_10, "relu", conv_rows_apply_1,
        )
        del conv_rows_apply_1, getitem_20
        conv_rows_11 = conv_rows(
            conv_rows_apply_2_2, layer2_0_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_22 = conv_rows_11[0]
        getitem_23 = conv_rows_11[1]
        del conv_rows_11
        conv_rows_norm_11 = conv_rows_norm(
            getitem_23, 1568, layer2_0_bn1_weight, layer2_0_bn1_bias, layer2_0_bn1_running_mean,
            layer2_0_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_12 = conv_rows(
            getitem_22, layer2_0_conv2_weight, None, (2, 2), (1, 1), "none", conv_rows_norm_11,
            "relu", True,
        )
        del getitem_22
        getitem_24 = conv_rows_12[0]
        getitem_25 = conv_rows_12[1]
        del conv_rows_12
        conv_rows_norm_12 = conv_rows_norm(
            getitem_25, 392, layer2_0_bn2_weight, layer2_0_bn2_bias, layer2_0_bn2_running_mean,
            layer2_0_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_13 = conv_rows(
            getitem_24, layer2_0_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_12,
            "relu", True,
        )
        del getitem_24
        getitem_26 = conv_rows_13[0]
        getitem_27 = conv_rows_13[1]
        del conv_rows_13
        conv_rows_norm_13 = conv_rows_norm(
            getitem_27, 392, layer2_0_bn3_weight, layer2_0_bn3_bias, layer2_0_bn3_running_mean,
            layer2_0_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_14 = conv_rows(
            conv_rows_apply_2_2, layer2_0_downsample_0_weight, None, (2, 2), (0, 0), "none", None,
            "none", True,
        )
        del conv_rows_apply_2_2
        getitem_28 = conv_rows_14[0]
        getitem_29 = conv_rows_14[1]
        del conv_rows_14
        conv_rows_norm_14 = conv_rows_norm(
            getitem_29, 392, layer2_0_downsample_1_weight, layer2_0_downsample_1_bias,
            layer2_0_downsample_1_running_mean, layer2_0_downsample_1_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_3 = conv_rows_apply(
            getitem_26, conv_rows_norm_13, "relu", getitem_28, conv_rows_norm_14,
        )
        del getitem_26, getitem_28
        conv_rows_15 = conv_rows(
            conv_rows_apply_3, layer2_1_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_30 = conv_rows_15[0]
        getitem_31 = conv_rows_15[1]
        del conv_rows_15
        conv_rows_norm_15 = conv_rows_norm(
            getitem_31, 392, layer2_1_bn1_weight, layer2_1_bn1_bias, layer2_1_bn1_running_mean,
            layer2_1_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_16 = conv_rows(
            getitem_30, layer2_1_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_15,
            "relu", True,
        )
        del getitem_30
        getitem_32 = conv_rows_16[0]
        getitem_33 = conv_rows_16[1]
        del conv_rows_16
        conv_rows_norm_16 = conv_rows_norm(
            getitem_33, 392, layer2_1_bn2_weight, layer2_1_bn2_bias, layer2_1_bn2_running_mean,
            layer2_1_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_17 = conv_rows(
            getitem_32, layer2_1_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_16,
            "relu", True,
        )
        del getitem_32
        getitem_34 = conv_rows_17[0]
        getitem_35 = conv_rows_17[1]
        del conv_rows_17
        conv_rows_norm_17 = conv_rows_norm(
            getitem_35, 392, layer2_1_bn3_weight, layer2_1_bn3_bias, layer2_1_bn3_running_mean,
            layer2_1_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_4 = conv_rows_apply(
            getitem_34, conv_rows_norm_17, "relu", conv_rows_apply_3,
        )
        del conv_rows_apply_3, getitem_34
        conv_rows_18 = conv_rows(
            conv_rows_apply_4, layer2_2_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_36 = conv_rows_18[0]
        getitem_37 = conv_rows_18[1]
        del conv_rows_18
        conv_rows_norm_18 = conv_rows_norm(
            getitem_37, 392, layer2_2_bn1_weight, layer2_2_bn1_bias, layer2_2_bn1_running_mean,
            layer2_2_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_19 = conv_rows(
            getitem_36, layer2_2_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_18,
            "relu", True,
        )
        del getitem_36
        getitem_38 = conv_rows_19[0]
        getitem_39 = conv_rows_19[1]
        del conv_rows_19
        conv_rows_norm_19 = conv_rows_norm(
            getitem_39, 392, layer2_2_bn2_weight, layer2_2_bn2_bias, layer2_2_bn2_running_mean,
            layer2_2_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_20 = conv_rows(
            getitem_38, layer2_2_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_19,
            "relu", True,
        )
        del getitem_38
        getitem_40 = conv_rows_20[0]
        getitem_41 = conv_rows_20[1]
        del conv_rows_20
        conv_rows_norm_20 = conv_rows_norm(
            getitem_41, 392, layer2_2_bn3_weight, layer2_2_bn3_bias, layer2_2_bn3_running_mean,
            layer2_2_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_5 = conv_rows_apply(
            getitem_40, conv_rows_norm_20, "relu", conv_rows_apply_4,
        )
        del conv_rows_apply_4, getitem_40
        conv_rows_21 = conv_rows(
            conv_rows_apply_5, layer2_3_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_42 = conv_rows_21[0]
        getitem_43 = conv_rows_21[1]
        del conv_rows_21
        conv_rows_norm_21 = conv_rows_norm(
            getitem_43, 392, layer2_3_bn1_weight, layer2_3_bn1_bias, layer2_3_bn1_running_mean,
            layer2_3_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_22 = conv_rows(
            getitem_42, layer2_3_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_21,
            "relu", True,
        )
        del getitem_42
        getitem_44 = conv_rows_22[0]
        getitem_45 = conv_rows_22[1]
        del conv_rows_22
        conv_rows_norm_22 = conv_rows_norm(
            getitem_45, 392, layer2_3_bn2_weight, layer2_3_bn2_bias, layer2_3_bn2_running_mean,
            layer2_3_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_23 = conv_rows(
            getitem_44, layer2_3_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_22,
            "relu", True,
        )
        del getitem_44
        getitem_46 = conv_rows_23[0]
        getitem_47 = conv_rows_23[1]
        del conv_rows_23
        conv_rows_norm_23 = conv_rows_norm(
            getitem_47, 392, layer2_3_bn3_weight, layer2_3_bn3_bias, layer2_3_bn3_running_mean,
            layer2_3_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_6 = conv_rows_apply(
            getitem_46, conv_rows_norm_23, "relu", conv_rows_apply_5,
        )
        del conv_rows_apply_5, getitem_46
        conv_rows_24 = conv_rows(
            conv_rows_apply_6, layer3_0_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_48 = conv_rows_24[0]
        getitem_49 = conv_rows_24[1]
        del conv_rows_24
        conv_rows_norm_24 = conv_rows_norm(
            getitem_49, 392, layer3_0_bn1_weight, layer3_0_bn1_bias, layer3_0_bn1_running_mean,
            layer3_0_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_25 = conv_rows(
            getitem_48, layer3_0_conv2_weight, None, (2, 2), (1, 1), "none", conv_rows_norm_24,
            "relu", True,
        )
        del getitem_48
        getitem_50 = conv_rows_25[0]
        getitem_51 = conv_rows_25[1]
        del conv_rows_25
        conv_rows_norm_25 = conv_rows_norm(
            getitem_51, 98, layer3_0_bn2_weight, layer3_0_bn2_bias, layer3_0_bn2_running_mean,
            layer3_0_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_26 = conv_rows(
            getitem_50, layer3_0_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_25,
            "relu", True,
        )
        del getitem_50
        getitem_52 = conv_rows_26[0]
        getitem_53 = conv_rows_26[1]
        del conv_rows_26
        conv_rows_norm_26 = conv_rows_norm(
            getitem_53, 98, layer3_0_bn3_weight, layer3_0_bn3_bias, layer3_0_bn3_running_mean,
            layer3_0_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_27 = conv_rows(
            conv_rows_apply_6, layer3_0_downsample_0_weight, None, (2, 2), (0, 0), "none", None,
            "none", True,
        )
        del conv_rows_apply_6
        getitem_54 = conv_rows_27[0]
        getitem_55 = conv_rows_27[1]
        del conv_rows_27
        conv_rows_norm_27 = conv_rows_norm(
            getitem_55, 98, layer3_0_downsample_1_weight, layer3_0_downsample_1_bias,
            layer3_0_downsample_1_running_mean, layer3_0_downsample_1_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_7 = conv_rows_apply(
            getitem_52, conv_rows_norm_26, "relu", getitem_54, conv_rows_norm_27,
        )
        del getitem_52, getitem_54
        conv_rows_28 = conv_rows(
            conv_rows_apply_7, layer3_1_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_56 = conv_rows_28[0]
        getitem_57 = conv_rows_28[1]
        del conv_rows_28
        conv_rows_norm_28 = conv_rows_norm(
            getitem_57, 98, layer3_1_bn1_weight, layer3_1_bn1_bias, layer3_1_bn1_running_mean,
            layer3_1_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_29 = conv_rows(
            getitem_56, layer3_1_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_28,
            "relu", True,
        )
        del getitem_56
        getitem_58 = conv_rows_29[0]
        getitem_59 = conv_rows_29[1]
        del conv_rows_29
        conv_rows_norm_29 = conv_rows_norm(
            getitem_59, 98, layer3_1_bn2_weight, layer3_1_bn2_bias, layer3_1_bn2_running_mean,
            layer3_1_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_30 = conv_rows(
            getitem_58, layer3_1_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_29,
            "relu", True,
        )
        del getitem_58
        getitem_60 = conv_rows_30[0]
        getitem_61 = conv_rows_30[1]
        del conv_rows_30
        conv_rows_norm_30 = conv_rows_norm(
            getitem_61, 98, layer3_1_bn3_weight, layer3_1_bn3_bias, layer3_1_bn3_running_mean,
            layer3_1_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_8 = conv_rows_apply(
            getitem_60, conv_rows_norm_30, "relu", conv_rows_apply_7,
        )
        del conv_rows_apply_7, getitem_60
        conv_rows_31 = conv_rows(
            conv_rows_apply_8, layer3_2_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_62 = conv_rows_31[0]
        getitem_63 = conv_rows_31[1]
        del conv_rows_31
        conv_rows_norm_31 = conv_rows_norm(
            getitem_63, 98, layer3_2_bn1_weight, layer3_2_bn1_bias, layer3_2_bn1_running_mean,
            layer3_2_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_32 = conv_rows(
            getitem_62, layer3_2_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_31,
            "relu", True,
        )
        del getitem_62
        getitem_64 = conv_rows_32[0]
        getitem_65 = conv_rows_32[1]
        del conv_rows_32
        conv_rows_norm_32 = conv_rows_norm(
            getitem_65, 98, layer3_2_bn2_weight, layer3_2_bn2_bias, layer3_2_bn2_running_mean,
            layer3_2_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_33 = conv_rows(
            getitem_64, layer3_2_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_32,
            "relu", True,
        )
        del getitem_64
        getitem_66 = conv_rows_33[0]
        getitem_67 = conv_rows_33[1]
        del conv_rows_33
        conv_rows_norm_33 = conv_rows_norm(
            getitem_67, 98, layer3_2_bn3_weight, layer3_2_bn3_bias, layer3_2_bn3_running_mean,
            layer3_2_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_9 = conv_rows_apply(
            getitem_66, conv_rows_norm_33, "relu", conv_rows_apply_8,
        )
        del conv_rows_apply_8, getitem_66
        conv_rows_34 = conv_rows(
            conv_rows_apply_9, layer3_3_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_68 = conv_rows_34[0]
        getitem_69 = conv_rows_34[1]
        del conv_rows_34
        conv_rows_norm_34 = conv_rows_norm(
            getitem_69, 98, layer3_3_bn1_weight, layer3_3_bn1_bias, layer3_3_bn1_running_mean,
            layer3_3_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_35 = conv_rows(
            getitem_68, layer3_3_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_34,
            "relu", True,
        )
        del getitem_68
        getitem_70 = conv_rows_35[0]
        getitem_71 = conv_rows_35[1]
        del conv_rows_35
        conv_rows_norm_35 = conv_rows_norm(
            getitem_71, 98, layer3_3_bn2_weight, layer3_3_bn2_bias, layer3_3_bn2_running_mean,
            layer3_3_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_36 = conv_rows(
            getitem_70, layer3_3_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_35,
            "relu", True,
        )
        del getitem_70
        getitem_72 = conv_rows_36[0]
        getitem_73 = conv_rows_36[1]
        del conv_rows_36
        conv_rows_norm_36 = conv_rows_norm(
            getitem_73, 98, layer3_3_bn3_weight, layer3_3_bn3_bias, layer3_3_bn3_running_mean,
            layer3_3_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_10 = conv_rows_apply(
            getitem_72, conv_rows_norm_36, "relu", conv_rows_apply_9,
        )
        del conv_rows_apply_9, getitem_72
        conv_rows_37 = conv_rows(
            conv_rows_apply_10, layer3_4_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_74 = conv_rows_37[0]
        getitem_75 = conv_rows_37[1]
        del conv_rows_37
        conv_rows_norm_37 = conv_rows_norm(
            getitem_75, 98, layer3_4_bn1_weight, layer3_4_bn1_bias, layer3_4_bn1_running_mean,
            layer3_4_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_38 = conv_rows(
            getitem_74, layer3_4_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_37,
            "relu", True,
        )
        del getitem_74
        getitem_76 = conv_rows_38[0]
        getitem_77 = conv_rows_38[1]
        del conv_rows_38
        conv_rows_norm_38 = conv_rows_norm(
            getitem_77, 98, layer3_4_bn2_weight, layer3_4_bn2_bias, layer3_4_bn2_running_mean,
            layer3_4_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_39 = conv_rows(
            getitem_76, layer3_4_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_38,
            "relu", True,
        )
        del getitem_76
        getitem_78 = conv_rows_39[0]
        getitem_79 = conv_rows_39[1]
        del conv_rows_39
        conv_rows_norm_39 = conv_rows_norm(
            getitem_79, 98, layer3_4_bn3_weight, layer3_4_bn3_bias, layer3_4_bn3_running_mean,
            layer3_4_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_11 = conv_rows_apply(
            getitem_78, conv_rows_norm_39, "relu", conv_rows_apply_10,
        )
        del conv_rows_apply_10, getitem_78
        conv_rows_40 = conv_rows(
            conv_rows_apply_11, layer3_5_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_80 = conv_rows_40[0]
        getitem_81 = conv_rows_40[1]
        del conv_rows_40
        conv_rows_norm_40 = conv_rows_norm(
            getitem_81, 98, layer3_5_bn1_weight, layer3_5_bn1_bias, layer3_5_bn1_running_mean,
            layer3_5_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_41 = conv_rows(
            getitem_80, layer3_5_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_40,
            "relu", True,
        )
        del getitem_80
        getitem_82 = conv_rows_41[0]
        getitem_83 = conv_rows_41[1]
        del conv_rows_41
        conv_rows_norm_41 = conv_rows_norm(
            getitem_83, 98, layer3_5_bn2_weight, layer3_5_bn2_bias, layer3_5_bn2_running_mean,
            layer3_5_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_42 = conv_rows(
            getitem_82, layer3_5_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_41,
            "relu", True,
        )
        del getitem_82
        getitem_84 = conv_rows_42[0]
        getitem_85 = conv_rows_42[1]
        del conv_rows_42
        conv_rows_norm_42 = conv_rows_norm(
            getitem_85, 98, layer3_5_bn3_weight, layer3_5_bn3_bias, layer3_5_bn3_running_mean,
            layer3_5_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_12 = conv_rows_apply(
            getitem_84, conv_rows_norm_42, "relu", conv_rows_apply_11,
        )
        del conv_rows_apply_11, getitem_84
        conv_rows_43 = conv_rows(
            conv_rows_apply_12, layer3_6_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_86 = conv_rows_43[0]
        getitem_87 = conv_rows_43[1]
        del conv_rows_43
        conv_rows_norm_43 = conv_rows_norm(
            getitem_87, 98, layer3_6_bn1_weight, layer3_6_bn1_bias, layer3_6_bn1_running_mean,
            layer3_6_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_44 = conv_rows(
            getitem_86, layer3_6_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_43,
            "relu", True,
        )
        del getitem_86
        getitem_88 = conv_rows_44[0]
        getitem_89 = conv_rows_44[1]
        del conv_rows_44
        conv_rows_norm_44 = conv_rows_norm(
            getitem_89, 98, layer3_6_bn2_weight, layer3_6_bn2_bias, layer3_6_bn2_running_mean,
            layer3_6_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_45 = conv_rows(
            getitem_88, layer3_6_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_44,
            "relu", True,
        )
        del getitem_88
        getitem_90 = conv_rows_45[0]
        getitem_91 = conv_rows_45[1]
        del conv_rows_45
        conv_rows_norm_45 = conv_rows_norm(
            getitem_91, 98, layer3_6_bn3_weight, layer3_6_bn3_bias, layer3_6_bn3_running_mean,
            layer3_6_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_13 = conv_rows_apply(
            getitem_90, conv_rows_norm_45, "relu", conv_rows_apply_12,
        )
        del conv_rows_apply_12, getitem_90
        conv_rows_46 = conv_rows(
            conv_rows_apply_13, layer3_7_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_92 = conv_rows_46[0]
        getitem_93 = conv_rows_46[1]
        del conv_rows_46
        conv_rows_norm_46 = conv_rows_norm(
            getitem_93, 98, layer3_7_bn1_weight, layer3_7_bn1_bias, layer3_7_bn1_running_mean,
            layer3_7_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_47 = conv_rows(
            getitem_92, layer3_7_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_46,
            "relu", True,
        )
        del getitem_92
        getitem_94 = conv_rows_47[0]
        getitem_95 = conv_rows_47[1]
        del conv_rows_47
        conv_rows_norm_47 = conv_rows_norm(
            getitem_95, 98, layer3_7_bn2_weight, layer3_7_bn2_bias, layer3_7_bn2_running_mean,
            layer3_7_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_48 = conv_rows(
            getitem_94, layer3_7_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_47,
            "relu", True,
        )
        del getitem_94
        getitem_96 = conv_rows_48[0]
        getitem_97 = conv_rows_48[1]
        del conv_rows_48
        conv_rows_norm_48 = conv_rows_norm(
            getitem_97, 98, layer3_7_bn3_weight, layer3_7_bn3_bias, layer3_7_bn3_running_mean,
            layer3_7_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_14 = conv_rows_apply(
            getitem_96, conv_rows_norm_48, "relu", conv_rows_apply_13,
        )
        del conv_rows_apply_13, getitem_96
        conv_rows_49 = conv_rows(
            conv_rows_apply_14, layer3_8_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_98 = conv_rows_49[0]
        getitem_99 = conv_rows_49[1]
        del conv_rows_49
        conv_rows_norm_49 = conv_rows_norm(
            getitem_99, 98, layer3_8_bn1_weight, layer3_8_bn1_bias, layer3_8_bn1_running_mean,
            layer3_8_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_50 = conv_rows(
            getitem_98, layer3_8_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_49,
            "relu", True,
        )
        del getitem_98
        getitem_100 = conv_rows_50[0]
        getitem_101 = conv_rows_50[1]
        del conv_rows_50
        conv_rows_norm_50 = conv_rows_norm(
            getitem_101, 98, layer3_8_bn2_weight, layer3_8_bn2_bias, layer3_8_bn2_running_mean,
            layer3_8_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_51 = conv_rows(
            getitem_100, layer3_8_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_50,
            "relu", True,
        )
        del getitem_100
        getitem_102 = conv_rows_51[0]
        getitem_103 = conv_rows_51[1]
        del conv_rows_51
        conv_rows_norm_51 = conv_rows_norm(
            getitem_103, 98, layer3_8_bn3_weight, layer3_8_bn3_bias, layer3_8_bn3_running_mean,
            layer3_8_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_15 = conv_rows_apply(
            getitem_102, conv_rows_norm_51, "relu", conv_rows_apply_14,
        )
        del conv_rows_apply_14, getitem_102
        conv_rows_52 = conv_rows(
            conv_rows_apply_15, layer3_9_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_104 = conv_rows_52[0]
        getitem_105 = conv_rows_52[1]
        del conv_rows_52
        conv_rows_norm_52 = conv_rows_norm(
            getitem_105, 98, layer3_9_bn1_weight, layer3_9_bn1_bias, layer3_9_bn1_running_mean,
            layer3_9_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_53 = conv_rows(
            getitem_104, layer3_9_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_52,
            "relu", True,
        )
        del getitem_104
        getitem_106 = conv_rows_53[0]
        getitem_107 = conv_rows_53[1]
        del conv_rows_53
        conv_rows_norm_53 = conv_rows_norm(
            getitem_107, 98, layer3_9_bn2_weight, layer3_9_bn2_bias, layer3_9_bn2_running_mean,
            layer3_9_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_54 = conv_rows(
            getitem_106, layer3_9_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_53,
            "relu", True,
        )
        del getitem_106
        getitem_108 = conv_rows_54[0]
        getitem_109 = conv_rows_54[1]
        del conv_rows_54
        conv_rows_norm_54 = conv_rows_norm(
            getitem_109, 98, layer3_9_bn3_weight, layer3_9_bn3_bias, layer3_9_bn3_running_mean,
            layer3_9_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_16 = conv_rows_apply(
            getitem_108, conv_rows_norm_54, "relu", conv_rows_apply_15,
        )
        del conv_rows_apply_15, getitem_108
        conv_rows_55 = conv_rows(
            conv_rows_apply_16, layer3_10_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_110 = conv_rows_55[0]
        getitem_111 = conv_rows_55[1]
        del conv_rows_55
        conv_rows_norm_55 = conv_rows_norm(
            getitem_111, 98, layer3_10_bn1_weight, layer3_10_bn1_bias, layer3_10_bn1_running_mean,
            layer3_10_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_56 = conv_rows(
            getitem_110, layer3_10_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_55,
            "relu", True,
        )
        del getitem_110
        getitem_112 = conv_rows_56[0]
        getitem_113 = conv_rows_56[1]
        del conv_rows_56
        conv_rows_norm_56 = conv_rows_norm(
            getitem_113, 98, layer3_10_bn2_weight, layer3_10_bn2_bias, layer3_10_bn2_running_mean,
            layer3_10_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_57 = conv_rows(
            getitem_112, layer3_10_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_56,
            "relu", True,
        )
        del getitem_112
        getitem_114 = conv_rows_57[0]
        getitem_115 = conv_rows_57[1]
        del conv_rows_57
        conv_rows_norm_57 = conv_rows_norm(
            getitem_115, 98, layer3_10_bn3_weight, layer3_10_bn3_bias, layer3_10_bn3_running_mean,
            layer3_10_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_17 = conv_rows_apply(
            getitem_114, conv_rows_norm_57, "relu", conv_rows_apply_16,
        )
        del conv_rows_apply_16, getitem_114
        conv_rows_58 = conv_rows(
            conv_rows_apply_17, layer3_11_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_116 = conv_rows_58[0]
        getitem_117 = conv_rows_58[1]
        del conv_rows_58
        conv_rows_norm_58 = conv_rows_norm(
            getitem_117, 98, layer3_11_bn1_weight, layer3_11_bn1_bias, layer3_11_bn1_running_mean,
            layer3_11_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_59 = conv_rows(
            getitem_116, layer3_11_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_58,
            "relu", True,
        )
        del getitem_116
        getitem_118 = conv_rows_59[0]
        getitem_119 = conv_rows_59[1]
        del conv_rows_59
        conv_rows_norm_59 = conv_rows_norm(
            getitem_119, 98, layer3_11_bn2_weight, layer3_11_bn2_bias, layer3_11_bn2_running_mean,
            layer3_11_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_60 = conv_rows(
            getitem_118, layer3_11_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_59,
            "relu", True,
        )
        del getitem_118
        getitem_120 = conv_rows_60[0]
        getitem_121 = conv_rows_60[1]
        del conv_rows_60
        conv_rows_norm_60 = conv_rows_norm(
            getitem_121, 98, layer3_11_bn3_weight, layer3_11_bn3_bias, layer3_11_bn3_running_mean,
            layer3_11_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_18 = conv_rows_apply(
            getitem_120, conv_rows_norm_60, "relu", conv_rows_apply_17,
        )
        del conv_rows_apply_17, getitem_120
        conv_rows_61 = conv_rows(
            conv_rows_apply_18, layer3_12_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_122 = conv_rows_61[0]
        getitem_123 = conv_rows_61[1]
        del conv_rows_61
        conv_rows_norm_61 = conv_rows_norm(
            getitem_123, 98, layer3_12_bn1_weight, layer3_12_bn1_bias, layer3_12_bn1_running_mean,
            layer3_12_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_62 = conv_rows(
            getitem_122, layer3_12_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_61,
            "relu", True,
        )
        del getitem_122
        getitem_124 = conv_rows_62[0]
        getitem_125 = conv_rows_62[1]
        del conv_rows_62
        conv_rows_norm_62 = conv_rows_norm(
            getitem_125, 98, layer3_12_bn2_weight, layer3_12_bn2_bias, layer3_12_bn2_running_mean,
            layer3_12_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_63 = conv_rows(
            getitem_124, layer3_12_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_62,
            "relu", True,
        )
        del getitem_124
        getitem_126 = conv_rows_63[0]
        getitem_127 = conv_rows_63[1]
        del conv_rows_63
        conv_rows_norm_63 = conv_rows_norm(
            getitem_127, 98, layer3_12_bn3_weight, layer3_12_bn3_bias, layer3_12_bn3_running_mean,
            layer3_12_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_19 = conv_rows_apply(
            getitem_126, conv_rows_norm_63, "relu", conv_rows_apply_18,
        )
        del conv_rows_apply_18, getitem_126
        conv_rows_64 = conv_rows(
            conv_rows_apply_19, layer3_13_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_128 = conv_rows_64[0]
        getitem_129 = conv_rows_64[1]
        del conv_rows_64
        conv_rows_norm_64 = conv_rows_norm(
            getitem_129, 98, layer3_13_bn1_weight, layer3_13_bn1_bias, layer3_13_bn1_running_mean,
            layer3_13_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_65 = conv_rows(
            getitem_128, layer3_13_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_64,
            "relu", True,
        )
        del getitem_128
        getitem_130 = conv_rows_65[0]
        getitem_131 = conv_rows_65[1]
        del conv_rows_65
        conv_rows_norm_65 = conv_rows_norm(
            getitem_131, 98, layer3_13_bn2_weight, layer3_13_bn2_bias, layer3_13_bn2_running_mean,
            layer3_13_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_66 = conv_rows(
            getitem_130, layer3_13_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_65,
            "relu", True,
        )
        del getitem_130
        getitem_132 = conv_rows_66[0]
        getitem_133 = conv_rows_66[1]
        del conv_rows_66
        conv_rows_norm_66 = conv_rows_norm(
            getitem_133, 98, layer3_13_bn3_weight, layer3_13_bn3_bias, layer3_13_bn3_running_mean,
            layer3_13_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_20 = conv_rows_apply(
            getitem_132, conv_rows_norm_66, "relu", conv_rows_apply_19,
        )
        del conv_rows_apply_19, getitem_132
        conv_rows_67 = conv_rows(
            conv_rows_apply_20, layer3_14_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_134 = conv_rows_67[0]
        getitem_135 = conv_rows_67[1]
        del conv_rows_67
        conv_rows_norm_67 = conv_rows_norm(
            getitem_135, 98, layer3_14_bn1_weight, layer3_14_bn1_bias, layer3_14_bn1_running_mean,
            layer3_14_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_68 = conv_rows(
            getitem_134, layer3_14_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_67,
            "relu", True,
        )
        del getitem_134
        getitem_136 = conv_rows_68[0]
        getitem_137 = conv_rows_68[1]
        del conv_rows_68
        conv_rows_norm_68 = conv_rows_norm(
            getitem_137, 98, layer3_14_bn2_weight, layer3_14_bn2_bias, layer3_14_bn2_running_mean,
            layer3_14_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_69 = conv_rows(
            getitem_136, layer3_14_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_68,
            "relu", True,
        )
        del getitem_136
        getitem_138 = conv_rows_69[0]
        getitem_139 = conv_rows_69[1]
        del conv_rows_69
        conv_rows_norm_69 = conv_rows_norm(
            getitem_139, 98, layer3_14_bn3_weight, layer3_14_bn3_bias, layer3_14_bn3_running_mean,
            layer3_14_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_21 = conv_rows_apply(
            getitem_138, conv_rows_norm_69, "relu", conv_rows_apply_20,
        )
        del conv_rows_apply_20, getitem_138
        conv_rows_70 = conv_rows(
            conv_rows_apply_21, layer3_15_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_140 = conv_rows_70[0]
        getitem_141 = conv_rows_70[1]
        del conv_rows_70
        conv_rows_norm_70 = conv_rows_norm(
            getitem_141, 98, layer3_15_bn1_weight, layer3_15_bn1_bias, layer3_15_bn1_running_mean,
            layer3_15_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_71 = conv_rows(
            getitem_140, layer3_15_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_70,
            "relu", True,
        )
        del getitem_140
        getitem_142 = conv_rows_71[0]
        getitem_143 = conv_rows_71[1]
        del conv_rows_71
        conv_rows_norm_71 = conv_rows_norm(
            getitem_143, 98, layer3_15_bn2_weight, layer3_15_bn2_bias, layer3_15_bn2_running_mean,
            layer3_15_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_72 = conv_rows(
            getitem_142, layer3_15_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_71,
            "relu", True,
        )
        del getitem_142
        getitem_144 = conv_rows_72[0]
        getitem_145 = conv_rows_72[1]
        del conv_rows_72
        conv_rows_norm_72 = conv_rows_norm(
            getitem_145, 98, layer3_15_bn3_weight, layer3_15_bn3_bias, layer3_15_bn3_running_mean,
            layer3_15_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_22 = conv_rows_apply(
            getitem_144, conv_rows_norm_72, "relu", conv_rows_apply_21,
        )
        del conv_rows_apply_21, getitem_144
        conv_rows_73 = conv_rows(
            conv_rows_apply_22, layer3_16_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_146 = conv_rows_73[0]
        getitem_147 = conv_rows_73[1]
        del conv_rows_73
        conv_rows_norm_73 = conv_rows_norm(
            getitem_147, 98, layer3_16_bn1_weight, layer3_16_bn1_bias, layer3_16_bn1_running_mean,
            layer3_16_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_74 = conv_rows(
            getitem_146, layer3_16_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_73,
            "relu", True,
        )
        del getitem_146
        getitem_148 = conv_rows_74[0]
        getitem_149 = conv_rows_74[1]
        del conv_rows_74
        conv_rows_norm_74 = conv_rows_norm(
            getitem_149, 98, layer3_16_bn2_weight, layer3_16_bn2_bias, layer3_16_bn2_running_mean,
            layer3_16_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_75 = conv_rows(
            getitem_148, layer3_16_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_74,
            "relu", True,
        )
        del getitem_148
        getitem_150 = conv_rows_75[0]
        getitem_151 = conv_rows_75[1]
        del conv_rows_75
        conv_rows_norm_75 = conv_rows_norm(
            getitem_151, 98, layer3_16_bn3_weight, layer3_16_bn3_bias, layer3_16_bn3_running_mean,
            layer3_16_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_23 = conv_rows_apply(
            getitem_150, conv_rows_norm_75, "relu", conv_rows_apply_22,
        )
        del conv_rows_apply_22, getitem_150
        conv_rows_76 = conv_rows(
            conv_rows_apply_23, layer3_17_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_152 = conv_rows_76[0]
        getitem_153 = conv_rows_76[1]
        del conv_rows_76
        conv_rows_norm_76 = conv_rows_norm(
            getitem_153, 98, layer3_17_bn1_weight, layer3_17_bn1_bias, layer3_17_bn1_running_mean,
            layer3_17_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_77 = conv_rows(
            getitem_152, layer3_17_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_76,
            "relu", True,
        )
        del getitem_152
        getitem_154 = conv_rows_77[0]
        getitem_155 = conv_rows_77[1]
        del conv_rows_77
        conv_rows_norm_77 = conv_rows_norm(
            getitem_155, 98, layer3_17_bn2_weight, layer3_17_bn2_bias, layer3_17_bn2_running_mean,
            layer3_17_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_78 = conv_rows(
            getitem_154, layer3_17_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_77,
            "relu", True,
        )
        del getitem_154
        getitem_156 = conv_rows_78[0]
        getitem_157 = conv_rows_78[1]
        del conv_rows_78
        conv_rows_norm_78 = conv_rows_norm(
            getitem_157, 98, layer3_17_bn3_weight, layer3_17_bn3_bias, layer3_17_bn3_running_mean,
            layer3_17_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_24 = conv_rows_apply(
            getitem_156, conv_rows_norm_78, "relu", conv_rows_apply_23,
        )
        del conv_rows_apply_23, getitem_156
        conv_rows_79 = conv_rows(
            conv_rows_apply_24, layer3_18_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_158 = conv_rows_79[0]
        getitem_159 = conv_rows_79[1]
        del conv_rows_79
        conv_rows_norm_79 = conv_rows_norm(
            getitem_159, 98, layer3_18_bn1_weight, layer3_18_bn1_bias, layer3_18_bn1_running_mean,
            layer3_18_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_80 = conv_rows(
            getitem_158, layer3_18_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_79,
            "relu", True,
        )
        del getitem_158
        getitem_160 = conv_rows_80[0]
        getitem_161 = conv_rows_80[1]
        del conv_rows_80
        conv_rows_norm_80 = conv_rows_norm(
            getitem_161, 98, layer3_18_bn2_weight, layer3_18_bn2_bias, layer3_18_bn2_running_mean,
            layer3_18_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_81 = conv_rows(
            getitem_160, layer3_18_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_80,
            "relu", True,
        )
        del getitem_160
        getitem_162 = conv_rows_81[0]
        getitem_163 = conv_rows_81[1]
        del conv_rows_81
        conv_rows_norm_81 = conv_rows_norm(
            getitem_163, 98, layer3_18_bn3_weight, layer3_18_bn3_bias, layer3_18_bn3_running_mean,
            layer3_18_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_25 = conv_rows_apply(
            getitem_162, conv_rows_norm_81, "relu", conv_rows_apply_24,
        )
        del conv_rows_apply_24, getitem_162
        conv_rows_82 = conv_rows(
            conv_rows_apply_25, layer3_19_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_164 = conv_rows_82[0]
        getitem_165 = conv_rows_82[1]
        del conv_rows_82
        conv_rows_norm_82 = conv_rows_norm(
            getitem_165, 98, layer3_19_bn1_weight, layer3_19_bn1_bias, layer3_19_bn1_running_mean,
            layer3_19_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_83 = conv_rows(
            getitem_164, layer3_19_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_82,
            "relu", True,
        )
        del getitem_164
        getitem_166 = conv_rows_83[0]
        getitem_167 = conv_rows_83[1]
        del conv_rows_83
        conv_rows_norm_83 = conv_rows_norm(
            getitem_167, 98, layer3_19_bn2_weight, layer3_19_bn2_bias, layer3_19_bn2_running_mean,
            layer3_19_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_84 = conv_rows(
            getitem_166, layer3_19_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_83,
            "relu", True,
        )
        del getitem_166
        getitem_168 = conv_rows_84[0]
        getitem_169 = conv_rows_84[1]
        del conv_rows_84
        conv_rows_norm_84 = conv_rows_norm(
            getitem_169, 98, layer3_19_bn3_weight, layer3_19_bn3_bias, layer3_19_bn3_running_mean,
            layer3_19_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_26 = conv_rows_apply(
            getitem_168, conv_rows_norm_84, "relu", conv_rows_apply_25,
        )
        del conv_rows_apply_25, getitem_168
        conv_rows_85 = conv_rows(
            conv_rows_apply_26, layer3_20_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_170 = conv_rows_85[0]
        getitem_171 = conv_rows_85[1]
        del conv_rows_85
        conv_rows_norm_85 = conv_rows_norm(
            getitem_171, 98, layer3_20_bn1_weight, layer3_20_bn1_bias, layer3_20_bn1_running_mean,
            layer3_20_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_86 = conv_rows(
            getitem_170, layer3_20_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_85,
            "relu", True,
        )
        del getitem_170
        getitem_172 = conv_rows_86[0]
        getitem_173 = conv_rows_86[1]
        del conv_rows_86
        conv_rows_norm_86 = conv_rows_norm(
            getitem_173, 98, layer3_20_bn2_weight, layer3_20_bn2_bias, layer3_20_bn2_running_mean,
            layer3_20_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_87 = conv_rows(
            getitem_172, layer3_20_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_86,
            "relu", True,
        )
        del getitem_172
        getitem_174 = conv_rows_87[0]
        getitem_175 = conv_rows_87[1]
        del conv_rows_87
        conv_rows_norm_87 = conv_rows_norm(
            getitem_175, 98, layer3_20_bn3_weight, layer3_20_bn3_bias, layer3_20_bn3_running_mean,
            layer3_20_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_27 = conv_rows_apply(
            getitem_174, conv_rows_norm_87, "relu", conv_rows_apply_26,
        )
        del conv_rows_apply_26, getitem_174
        conv_rows_88 = conv_rows(
            conv_rows_apply_27, layer3_21_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_176 = conv_rows_88[0]
        getitem_177 = conv_rows_88[1]
        del conv_rows_88
        conv_rows_norm_88 = conv_rows_norm(
            getitem_177, 98, layer3_21_bn1_weight, layer3_21_bn1_bias, layer3_21_bn1_running_mean,
            layer3_21_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_89 = conv_rows(
            getitem_176, layer3_21_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_88,
            "relu", True,
        )
        del getitem_176
        getitem_178 = conv_rows_89[0]
        getitem_179 = conv_rows_89[1]
        del conv_rows_89
        conv_rows_norm_89 = conv_rows_norm(
            getitem_179, 98, layer3_21_bn2_weight, layer3_21_bn2_bias, layer3_21_bn2_running_mean,
            layer3_21_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_90 = conv_rows(
            getitem_178, layer3_21_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_89,
            "relu", True,
        )
        del getitem_178
        getitem_180 = conv_rows_90[0]
        getitem_181 = conv_rows_90[1]
        del conv_rows_90
        conv_rows_norm_90 = conv_rows_norm(
            getitem_181, 98, layer3_21_bn3_weight, layer3_21_bn3_bias, layer3_21_bn3_running_mean,
            layer3_21_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_28 = conv_rows_apply(
            getitem_180, conv_rows_norm_90, "relu", conv_rows_apply_27,
        )
        del conv_rows_apply_27, getitem_180
        conv_rows_91 = conv_rows(
            conv_rows_apply_28, layer3_22_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_182 = conv_rows_91[0]
        getitem_183 = conv_rows_91[1]
        del conv_rows_91
        conv_rows_norm_91 = conv_rows_norm(
            getitem_183, 98, layer3_22_bn1_weight, layer3_22_bn1_bias, layer3_22_bn1_running_mean,
            layer3_22_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_92 = conv_rows(
            getitem_182, layer3_22_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_91,
            "relu", True,
        )
        del getitem_182
        getitem_184 = conv_rows_92[0]
        getitem_185 = conv_rows_92[1]
        del conv_rows_92
        conv_rows_norm_92 = conv_rows_norm(
            getitem_185, 98, layer3_22_bn2_weight, layer3_22_bn2_bias, layer3_22_bn2_running_mean,
            layer3_22_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_93 = conv_rows(
            getitem_184, layer3_22_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_92,
            "relu", True,
        )
        del getitem_184
        getitem_186 = conv_rows_93[0]
        getitem_187 = conv_rows_93[1]
        del conv_rows_93
        conv_rows_norm_93 = conv_rows_norm(
            getitem_187, 98, layer3_22_bn3_weight, layer3_22_bn3_bias, layer3_22_bn3_running_mean,
            layer3_22_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_29 = conv_rows_apply(
            getitem_186, conv_rows_norm_93, "relu", conv_rows_apply_28,
        )
        del conv_rows_apply_28, getitem_186
        conv_rows_94 = conv_rows(
            conv_rows_apply_29, layer4_0_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_188 = conv_rows_94[0]
        getitem_189 = conv_rows_94[1]
        del conv_rows_94
        conv_rows_norm_94 = conv_rows_norm(
            getitem_189, 98, layer4_0_bn1_weight, layer4_0_bn1_bias, layer4_0_bn1_running_mean,
            layer4_0_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_95 = conv_rows(
            getitem_188, layer4_0_conv2_weight, None, (2, 2), (1, 1), "none", conv_rows_norm_94,
            "relu", True,
        )
        del getitem_188
        getitem_190 = conv_rows_95[0]
        getitem_191 = conv_rows_95[1]
        del conv_rows_95
        conv_rows_norm_95 = conv_rows_norm(
            getitem_191, 32, layer4_0_bn2_weight, layer4_0_bn2_bias, layer4_0_bn2_running_mean,
            layer4_0_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_96 = conv_rows(
            getitem_190, layer4_0_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_95,
            "relu", True,
        )
        del getitem_190
        getitem_192 = conv_rows_96[0]
        getitem_193 = conv_rows_96[1]
        del conv_rows_96
        conv_rows_norm_96 = conv_rows_norm(
            getitem_193, 32, layer4_0_bn3_weight, layer4_0_bn3_bias, layer4_0_bn3_running_mean,
            layer4_0_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_97 = conv_rows(
            conv_rows_apply_29, layer4_0_downsample_0_weight, None, (2, 2), (0, 0), "none", None,
            "none", True,
        )
        del conv_rows_apply_29
        getitem_194 = conv_rows_97[0]
        getitem_195 = conv_rows_97[1]
        del conv_rows_97
        conv_rows_norm_97 = conv_rows_norm(
            getitem_195, 32, layer4_0_downsample_1_weight, layer4_0_downsample_1_bias,
            layer4_0_downsample_1_running_mean, layer4_0_downsample_1_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_30 = conv_rows_apply(
            getitem_192, conv_rows_norm_96, "relu", getitem_194, conv_rows_norm_97,
        )
        del getitem_192, getitem_194
        conv_rows_98 = conv_rows(
            conv_rows_apply_30, layer4_1_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_196 = conv_rows_98[0]
        getitem_197 = conv_rows_98[1]
        del conv_rows_98
        conv_rows_norm_98 = conv_rows_norm(
            getitem_197, 32, layer4_1_bn1_weight, layer4_1_bn1_bias, layer4_1_bn1_running_mean,
            layer4_1_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_99 = conv_rows(
            getitem_196, layer4_1_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_98,
            "relu", True,
        )
        del getitem_196
        getitem_198 = conv_rows_99[0]
        getitem_199 = conv_rows_99[1]
        del conv_rows_99
        conv_rows_norm_99 = conv_rows_norm(
            getitem_199, 32, layer4_1_bn2_weight, layer4_1_bn2_bias, layer4_1_bn2_running_mean,
            layer4_1_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_100 = conv_rows(
            getitem_198, layer4_1_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_99,
            "relu", True,
        )
        del getitem_198
        getitem_200 = conv_rows_100[0]
        getitem_201 = conv_rows_100[1]
        del conv_rows_100
        conv_rows_norm_100 = conv_rows_norm(
            getitem_201, 32, layer4_1_bn3_weight, layer4_1_bn3_bias, layer4_1_bn3_running_mean,
            layer4_1_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_31 = conv_rows_apply(
            getitem_200, conv_rows_norm_100, "relu", conv_rows_apply_30,
        )
        del conv_rows_apply_30, getitem_200
        conv_rows_101 = conv_rows(
            conv_rows_apply_31, layer4_2_conv1_weight, None, (1, 1), (0, 0), "none", None, "none",
            True,
        )
        getitem_202 = conv_rows_101[0]
        getitem_203 = conv_rows_101[1]
        del conv_rows_101
        conv_rows_norm_101 = conv_rows_norm(
            getitem_203, 32, layer4_2_bn1_weight, layer4_2_bn1_bias, layer4_2_bn1_running_mean,
            layer4_2_bn1_running_var, 0.1, 1e-05,
        )
        conv_rows_102 = conv_rows(
            getitem_202, layer4_2_conv2_weight, None, (1, 1), (1, 1), "none", conv_rows_norm_101,
            "relu", True,
        )
        del getitem_202
        getitem_204 = conv_rows_102[0]
        getitem_205 = conv_rows_102[1]
        del conv_rows_102
        conv_rows_norm_102 = conv_rows_norm(
            getitem_205, 32, layer4_2_bn2_weight, layer4_2_bn2_bias, layer4_2_bn2_running_mean,
            layer4_2_bn2_running_var, 0.1, 1e-05,
        )
        conv_rows_103 = conv_rows(
            getitem_204, layer4_2_conv3_weight, None, (1, 1), (0, 0), "none", conv_rows_norm_102,
            "relu", True,
        )
        del getitem_204
        getitem_206 = conv_rows_103[0]
        getitem_207 = conv_rows_103[1]
        del conv_rows_103
        conv_rows_norm_103 = conv_rows_norm(
            getitem_207, 32, layer4_2_bn3_weight, layer4_2_bn3_bias, layer4_2_bn3_running_mean,
            layer4_2_bn3_running_var, 0.1, 1e-05,
        )
        conv_rows_apply_32 = conv_rows_apply(
            getitem_206, conv_rows_norm_103, "relu", conv_rows_apply_31,
        )
        del conv_rows_apply_31, getitem_206
        adaptive_avg_pool2d = torch.ops.aten.adaptive_avg_pool2d.default(conv_rows_apply_32, [1, 1])
        del conv_rows_apply_32
        flatten = torch.flatten(adaptive_avg_pool2d, 1)
        packed_linear_2 = packed_linear(flatten, fc_weight, fc_bias)
        return packed_linear_2
