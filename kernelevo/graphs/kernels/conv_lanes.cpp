// Chains of small convolutions on many small images, each with bias, ReLU and 2x2 pooling behind it.
//
// One lane of a vector is one image: kLanes images are transposed to [channel][y][x][image] once, go through
// all layers in that layout without leaving the second-level cache, and are transposed back. Every vector is
// full whatever the width or the number of channels, pooling needs no shuffles, and any stride costs the same.
// Names in capitals are numbers of the program's TUNE table, given by the compiler's flags; 0: by the width of vectors.
#include <kernelevo/math.h>
#include <kernelevo/pages.h>

#include <algorithm>
#include <vector>

namespace {

using namespace kernelevo;

// Output channels summed in registers at once, and places of the image beside them.
constexpr int kMaxChannels = CONV_LANES_CHANNELS ? CONV_LANES_CHANNELS : kVectorRegisters == 32 ? 6 : 3;
constexpr int kPlaces = 4;
constexpr int64_t kStrip = CONV_LANES_STRIP;  // tiles whose input stays in the first-level cache
constexpr int64_t kAligned = 16;              // floats of a cache line
static_assert(kMaxChannels <= 6, "the switch over channels ends there");

enum Relu { kNone = 0, kBeforePool = 1, kAfterPool = 2 };
enum Pool { kNoPool = 0, kMaxPool = 1, kAvgPool = 2 };

// As the caller writes it, all int64.
struct Layer {
  const float *weight, *bias;  // [out][in][size_y][size_x]; [out] or null
  int64_t in, out, height, width, size_y, size_x, stride_y, stride_x, pad_y, pad_x, relu, pool;

  int64_t padded_height() const { return height + 2 * pad_y; }
  int64_t padded_width() const { return width + 2 * pad_x; }
  int64_t input_size() const { return in * padded_height() * padded_width(); }
  int64_t rows() const { return (padded_height() - size_y) / stride_y + 1; }
  int64_t columns() const { return (padded_width() - size_x) / stride_x + 1; }
  int64_t step() const { return pool ? 2 : 1; }
  int64_t out_rows() const { return rows() / step(); }
  int64_t out_columns() const { return columns() / step(); }
};
static_assert(sizeof(Layer) == 14 * sizeof(int64_t), "a layer is a row of fourteen numbers");

// Where things lie, in vectors from the begin of an image; the same for every group of images.
struct Plan {
  Layer layer;
  std::vector<int32_t> taps;    // of each weight of one output channel
  std::vector<int32_t> places;  // of each output before pooling, kPlaces per tile
  std::vector<int32_t> results; // where each output after pooling goes in a channel of the next buffer
  int64_t channel;              // vectors of one channel of the next buffer
};

// `next` is the layer that reads the result, null for the last one.
Plan plan(const Layer& layer, const Layer* next) {
  Plan p{layer, {}, {}, {}, 0};
  const int64_t width = layer.padded_width(), plane = layer.padded_height() * width;
  for (int64_t c = 0; c < layer.in; ++c)
    for (int64_t y = 0; y < layer.size_y; ++y)
      for (int64_t x = 0; x < layer.size_x; ++x) p.taps.push_back((int32_t)((c * plane + y * width + x) * kLanes));
  const int64_t step = layer.step();
  const int64_t next_width = next ? next->padded_width() : layer.out_columns();
  const int64_t skip = next ? next->pad_y * next_width + next->pad_x : 0;
  for (int64_t y = 0; y < layer.out_rows(); ++y)
    for (int64_t x = 0; x < layer.out_columns(); ++x) {
      for (int64_t dy = 0; dy < step; ++dy)
        for (int64_t dx = 0; dx < step; ++dx)
          p.places.push_back((int32_t)(((y * step + dy) * layer.stride_y * width + (x * step + dx) * layer.stride_x) * kLanes));
      p.results.push_back((int32_t)((skip + y * next_width + x) * kLanes));
    }
  p.channel = next ? next->padded_height() * next_width : layer.out_rows() * layer.out_columns();
  while (p.places.size() % kPlaces) p.places.push_back(p.places.back());
  while (!layer.pool && p.results.size() % kPlaces) p.results.push_back(p.results.back());
  return p;
}

// The larger one; NaN if either is NaN.
inline vfloat larger(vfloat a, vfloat b) { return a == a ? max(a, b) : a; }

template <int kChannels>
void tile(const Plan& p, const float* input, int64_t which, int64_t first, float* output) {
  const Layer& layer = p.layer;
  const int64_t count = (int64_t)p.taps.size(), channel = p.channel * kLanes;
  const int32_t* place = p.places.data() + which * kPlaces;
  const float* weight = layer.weight + first * count;
  vfloat sums[kChannels][kPlaces];
#pragma GCC unroll 6
  for (int c = 0; c < kChannels; ++c)
#pragma GCC unroll 4
    for (int i = 0; i < kPlaces; ++i) sums[c][i] = layer.bias ? splat(layer.bias[first + c]) : vfloat{};
  const float *from0 = input + place[0], *from1 = input + place[1], *from2 = input + place[2], *from3 = input + place[3];
  for (int64_t k = 0; k < count; ++k) {
    const int64_t at = p.taps[k];
    const vfloat x[kPlaces] = {load(from0 + at), load(from1 + at), load(from2 + at), load(from3 + at)};
#pragma GCC unroll 6
    for (int c = 0; c < kChannels; ++c) {
      const vfloat w = splat(weight[c * count + k]);
#pragma GCC unroll 4
      for (int i = 0; i < kPlaces; ++i) sums[c][i] = fma(w, x[i], sums[c][i]);
    }
  }
  float* out = output + first * channel;
#pragma GCC unroll 6
  for (int c = 0; c < kChannels; ++c) {
    if (layer.relu == kBeforePool || (layer.relu && !layer.pool))
#pragma GCC unroll 4
      for (int i = 0; i < kPlaces; ++i) sums[c][i] = relu(sums[c][i]);
    if (!layer.pool) {
#pragma GCC unroll 4
      for (int i = 0; i < kPlaces; ++i) store(out + c * channel + p.results[which * kPlaces + i], sums[c][i]);
      continue;
    }
    const vfloat* s = sums[c];
    vfloat pooled = layer.pool == kMaxPool ? larger(larger(s[0], s[1]), larger(s[2], s[3]))
                                           : ((s[0] + s[1]) + (s[2] + s[3])) * 0.25f;
    if (layer.relu == kAfterPool) pooled = relu(pooled);
    store(out + c * channel + p.results[which], pooled);
  }
}

void run(const Plan& p, const float* input, float* output) {
  static_assert(kPlaces == 4, "a tile is one window of 2 x 2");
  const int64_t tiles = (int64_t)p.places.size() / kPlaces, out = p.layer.out;
  const int64_t blocks = (out + kMaxChannels - 1) / kMaxChannels;
  for (int64_t begin = 0; begin < tiles; begin += kStrip)
    for (int64_t block = 0; block < blocks; ++block) {
      // blocks of nearly equal size, so that none is left with one channel
      const int64_t first = out * block / blocks, channels = out * (block + 1) / blocks - first;
      for (int64_t t = begin; t < std::min(begin + kStrip, tiles); ++t) switch (channels) {
          case 1: tile<1>(p, input, t, first, output); break;
          case 2: tile<2>(p, input, t, first, output); break;
          case 3: tile<3>(p, input, t, first, output); break;
          case 4: tile<std::min(4, kMaxChannels)>(p, input, t, first, output); break;
          case 5: tile<std::min(5, kMaxChannels)>(p, input, t, first, output); break;
          default: tile<kMaxChannels>(p, input, t, first, output);
        }
    }
}

// One step of a transposition: blocks of kWidth x kWidth beside the diagonal change places.
template <int kWidth>
inline void exchange(vfloat (&rows)[kLanes]) {
  vint low, high;
  for (int j = 0; j < kLanes; ++j) {
    low[j] = j & kWidth ? kLanes + j - kWidth : j;
    high[j] = j & kWidth ? kLanes + j : j + kWidth;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i)
    if (!(i & kWidth)) {
      const vfloat a = rows[i], b = rows[i + kWidth];
      rows[i] = __builtin_shuffle(a, b, low);
      rows[i + kWidth] = __builtin_shuffle(a, b, high);
    }
}

inline void transpose(vfloat (&rows)[kLanes]) {
  if constexpr (kLanes > 8) exchange<8>(rows);
  if constexpr (kLanes > 4) exchange<4>(rows);
  exchange<2>(rows);
  exchange<1>(rows);
}

// to[i][image] = from[image][i]; images beyond `images` are zero.
void gather(const float* from, int64_t image_size, int64_t images, int64_t count, float* to) {
  for (int64_t begin = 0; begin < count; begin += kLanes) {
    const int64_t n = std::min<int64_t>(kLanes, count - begin);
    vfloat rows[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      const float* row = from + i * image_size + begin;
      rows[i] = i >= images ? vfloat{} : n == kLanes ? load(row) : load_part(row, n);
    }
    transpose(rows);
    for (int64_t i = 0; i < n; ++i) store(to + (begin + i) * kLanes, rows[i]);
  }
}

// to[image][i] = from[i][image]
void scatter(const float* from, int64_t image_size, int64_t images, int64_t count, float* to) {
  for (int64_t begin = 0; begin < count; begin += kLanes) {
    const int64_t n = std::min<int64_t>(kLanes, count - begin);
    vfloat rows[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = i < n ? load(from + (begin + i) * kLanes) : vfloat{};
    transpose(rows);
    for (int64_t i = 0; i < images; ++i) store_part(to + i * image_size + begin, rows[i], n);
  }
}

void read_images(const Layer& layer, const float* x, int64_t images, float* to) {
  const int64_t image = layer.in * layer.height * layer.width;
  if (!layer.pad_y && !layer.pad_x) return gather(x, image, images, image, to);
  for (int64_t row = 0; row < layer.in * layer.height; ++row) {
    const int64_t c = row / layer.height, y = row % layer.height;
    const int64_t at = (c * layer.padded_height() + y + layer.pad_y) * layer.padded_width() + layer.pad_x;
    gather(x + row * layer.width, image, images, layer.width, to + at * kLanes);
  }
}

}  // namespace

// x [batch, in, height, width] -> y [batch, out, out rows, out columns] of the last layer, both contiguous.
extern "C" void conv_lanes_forward(const float* x, float* y, const int64_t* layers, int64_t count, int64_t batch) {
  const Layer* layer = reinterpret_cast<const Layer*>(layers);
  std::vector<Plan> plans;
  std::vector<int64_t> begins;
  int64_t total = 0;
  for (int64_t i = 0; i < count; ++i) {
    plans.push_back(plan(layer[i], i + 1 < count ? layer + i + 1 : nullptr));
    begins.push_back(total);
    total += layer[i].input_size() * kLanes;
  }
  const Layer& last = layer[count - 1];
  const int64_t in_size = layer->in * layer->height * layer->width;
  const int64_t out_size = last.out * last.out_rows() * last.out_columns();
  begins.push_back(total);
  total += out_size * kLanes;
  want_huge_pages(y, batch * out_size);
  const int64_t groups = (batch + kLanes - 1) / kLanes;
#pragma omp parallel
  {
    // Margins stay zero: only the inside of a buffer is ever written.
    std::vector<float> scratch(total + kAligned, 0.0f);
    constexpr uintptr_t kBytes = kAligned * sizeof(float);
    float* base = (float*)(((uintptr_t)scratch.data() + kBytes - 1) / kBytes * kBytes);
#pragma omp for schedule(dynamic, CONV_LANES_CHUNK)
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = group * kLanes, images = std::min<int64_t>(kLanes, batch - first);
      read_images(*layer, x + first * in_size, images, base + begins[0]);
      for (int64_t i = 0; i < count; ++i) run(plans[i], base + begins[i], base + begins[i + 1]);
      scatter(base + begins[count], out_size, images, out_size, y + first * out_size);
    }
  }
}
