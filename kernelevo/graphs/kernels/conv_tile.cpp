// Convolutions of channels-last images: matrix products for 1x1, Winograd's F(2x2, 3x3) for 3x3 with stride 1
// (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4.1), a direct sum for all
// others. All three run on one register tile of places by channels, with weights in panels of channels.
//
// Scale, shift and activation of a batch normalisation before a convolution are applied where it gathers its input, so
// that no normalised image is stored; mean and variance for one behind it are gathered while a result is in cache.
// Names in capitals are numbers of the program's TUNE table, given by the compiler's flags.
#include <kernelevo/math.h>
#include <kernelevo/pages.h>
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

// `count` floats for each thread, false if there is no memory. Asked for before the threads start: none of them could
// leave a parallel region to say so. A function returns kNoMemory then, and its caller raises.
class Buffers {
 public:
  explicit Buffers(int64_t count) : all_(count ? omp_get_max_threads() : 0) {
    for (Buffer& own : all_) granted_ &= (bool)(own = buffer(count));
  }
  explicit operator bool() const { return granted_; }
  float* own() const { return all_.empty() ? nullptr : all_[omp_get_thread_num()].get(); }

 private:
  std::vector<Buffer> all_;
  bool granted_ = true;
};
constexpr int64_t kDone = 0, kNoMemory = 1;

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
      vfloat left[4] = {};  // what rounding left of the differences: equal numbers are their own mean, exactly
      for (int64_t p = 0; p < places; p += 4)
#pragma GCC unroll 4
        for (int64_t k = 0; k < 4; ++k)
          if (p + k < places) {
            const vfloat d = take(from + (p + k) * apart, n) - middle;
            left[k] += d;
            squares[k] = fma(d, d, squares[k]);
          }
      const vfloat rest = (left[0] + left[1]) + (left[2] + left[3]), shift = rest / (float)places;
      const vfloat around = (squares[0] + squares[1]) + (squares[2] + squares[3]) - rest * shift;
      put(mean + c, shift == shift ? middle + shift : middle, n);  // a mean of infinity has no differences
      put(mean + channels_ + c, around < 0.0f ? splat(0.0f) : around, n);
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

// Scale and shift of each channel; `step` floats further those of the next image, 0 where all have the same.
struct Affine {
  const float* first;
  int64_t step;

  explicit operator bool() const { return first; }
  const float* of(int64_t image) const { return first + image * step; }
};

// Images, in one tensor or several side by side, and scale, shift and activation that come before their use.
struct Map {
  const Part whole, *parts;  // all of it, if nobody says in which parts it lies
  int64_t count;
  Affine affine;
  int64_t act;
  bool planar;  // one part, channels first
  int64_t height, width, channels;

  Map(const float* x, const int64_t* rows, int64_t rows_count, Affine affine, int64_t act, bool planar,
      int64_t height, int64_t width, int64_t channels)
      : whole{x, channels}, parts(rows ? (const Part*)rows : &whole), count(rows ? rows_count : 1), affine(affine),
        act(act), planar(planar), height(height), width(width), channels(channels) {}
  Map(const Map&) = delete;

  // All channels of a place of an image; places are counted over all images.
  void take_place(int64_t image, int64_t place, float* to) const {
    const float* scale = affine.of(image);
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

  // Rows y .. y + rows - 1 of an image, of each the places x .. x + span - 1; zeros where there are none.
  void gather(int64_t image, int64_t y, int64_t rows, int64_t x, int64_t span, float* to) const {
    const int64_t left = std::min(std::max<int64_t>(-x, 0), span), first = x + left;
    const int64_t inside = std::min(std::max<int64_t>(width - first, 0), span - left);
    for (int64_t r = 0; r < rows; ++r, ++y, to += span * channels) {
      if (y < 0 || y >= height) {
        std::fill_n(to, span * channels, 0.0f);
        continue;
      }
      const int64_t place = (image * height + y) * width + first;
      float* middle = to + left * channels;
      std::fill_n(to, left * channels, 0.0f);
      std::fill_n(middle + inside * channels, (span - left - inside) * channels, 0.0f);
      if (planar) {
        const float* from = parts->x + image * height * width * channels + y * width + first;
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t p = 0; p < inside; ++p) middle[p * channels + c] = from[c * height * width + p];
      } else if (!affine && count == 1) {
        std::copy_n(parts->x + place * channels, inside * channels, middle);
      } else {
        for (int64_t p = 0; p < inside; ++p) take_place(image, place + p, middle + p * channels);
      }
    }
  }
};

}  // namespace
