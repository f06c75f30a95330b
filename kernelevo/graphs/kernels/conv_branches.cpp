// Convolutions of few channels side by side, each with ReLU or without, written into one result; what they
// read is, if asked, first squeezed to fewer channels by a 1x1 convolution that is never stored as a whole.
//
// A task is a band of rows of one image: the rows that its outputs need are squeezed (or copied) with their
// margins into the second-level cache and every branch reads them from there. Lanes are places along a row.
// Names in capitals are numbers of the program's TUNE table, given by the compiler's flags; 0: by the width of vectors.
#include <kernelevo/math.h>
#include <kernelevo/pages.h>
#include <omp.h>

#include <algorithm>
#include <vector>

namespace {

using namespace kernelevo;

// Output channels summed in registers at once, and places beside them.
constexpr int kBlock = CONV_BRANCHES_CHANNELS ? CONV_BRANCHES_CHANNELS : kVectorRegisters == 32 ? 8 : 4;
constexpr int64_t kStep = 2 * kLanes;
constexpr int64_t kLongestBand = CONV_BRANCHES_BAND, kShortestBand = 4;  // rows of a task
constexpr int64_t kTasks = CONV_BRANCHES_TASKS;  // of each thread, if there are rows for so many
constexpr int64_t kStreamed = (int64_t)CONV_BRANCHES_STREAMED_MIB << 20;  // bytes of a result that no cache keeps

// As the caller writes it, all int64.
struct Branch {
  const float *weight, *bias;  // [out][in][size][size], size odd; [out] or null
  int64_t out, in, size, relu;
};
static_assert(sizeof(Branch) == 6 * sizeof(int64_t), "a branch is a row of six numbers");

// Weights as [block][tap][kBlock] and biases as [block][kBlock], filled up with zeros; where each tap reads.
struct Packed {
  Branch branch;
  std::vector<float> weights, biases;
  std::vector<int64_t> taps;
  int64_t blocks() const { return (branch.out + kBlock - 1) / kBlock; }
  int64_t count() const { return branch.in * branch.size * branch.size; }

  Packed(const Branch& b, int64_t channel, int64_t row, int64_t margin) : branch(b) {
    const int64_t inset = margin - b.size / 2;
    for (int64_t c = 0; c < b.in; ++c)
      for (int64_t y = 0; y < b.size; ++y)
        for (int64_t x = 0; x < b.size; ++x) taps.push_back(c * channel + (inset + y) * row + inset + x);
    weights.assign(blocks() * count() * kBlock, 0.0f);
    biases.assign(blocks() * kBlock, 0.0f);
    for (int64_t o = 0; o < b.out; ++o) {
      for (int64_t k = 0; k < count(); ++k)
        weights[(o / kBlock * count() + k) * kBlock + o % kBlock] = b.weight[o * count() + k];
      if (b.bias) biases[o] = b.bias[o];
    }
  }
};

inline void put(float* to, vfloat x, int64_t n, [[maybe_unused]] bool streamed) {
  if (n < kLanes) return store_part(to, x, n);
#if defined(__AVX512F__)
  if (streamed) return _mm512_stream_ps(to, (__m512)x);
#elif defined(__AVX__)
  if (streamed) return _mm256_stream_ps(to, (__m256)x);
#endif
  store(to, x);
}

inline void finish_streams() {
#if defined(__AVX__)
  _mm_sfence();
#endif
}

// One block of channels at up to kVectors vectors of places of one row; `from` may be read whole unless kExact.
template <bool kExact, int kVectors>
void tile(const Packed& p, int64_t block, const float* from, int64_t places, float* to, int64_t channel,
          bool streamed) {
  const int64_t count = p.count(), channels = std::min<int64_t>(kBlock, p.branch.out - block * kBlock);
  const float* weight = p.weights.data() + block * count * kBlock;
  const int64_t* taps = p.taps.data();
  const int64_t last = std::min<int64_t>(places - (kVectors - 1) * kLanes, kLanes);  // places of the last vector
  vfloat sums[kBlock][kVectors];
#pragma GCC unroll kBlock
  for (int c = 0; c < kBlock; ++c)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sums[c][v] = splat(p.biases[block * kBlock + c]);
  for (int64_t k = 0; k < count; ++k, weight += kBlock) {
    const float* at = from + taps[k];
    vfloat x[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v)
      x[v] = kExact && v == kVectors - 1 ? load_part(at + v * kLanes, last) : load(at + v * kLanes);
#pragma GCC unroll kBlock
    for (int c = 0; c < kBlock; ++c) {
      const vfloat w = splat(weight[c]);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sums[c][v] = fma(w, x[v], sums[c][v]);
    }
  }
#pragma GCC unroll kBlock
  for (int c = 0; c < kBlock; ++c) {
    if (c >= channels) break;
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v)
      put(to + c * channel + v * kLanes, p.branch.relu ? relu(sums[c][v]) : sums[c][v],
          v == kVectors - 1 ? last : kLanes, streamed);
  }
}

// One block of channels for one row of `width` places.
template <bool kExact>
void row_of_block(const Packed& p, int64_t block, const float* from, int64_t width, float* to, int64_t channel,
                  bool streamed) {
  for (int64_t x = 0; x < width; x += kStep) {
    const int64_t places = std::min(width - x, kStep);
    auto part = places == kStep ? tile<false, 2> : places > kLanes ? tile<kExact, 2> : tile<kExact, 1>;
    part(p, block, from + x, places, to + x, channel, streamed);
  }
}

struct Shape {
  int64_t batch, channels, height, width;
};

// One row of all channels, as the branches read it; rows outside of the image are zero.
void fill_row(const float* x, const Shape& s, const Packed* squeeze, int64_t y, float* row, int64_t channels,
              int64_t padded, int64_t margin) {
  if (y < 0 || y >= s.height) return (void)std::fill_n(row, channels * padded, 0.0f);
  for (int64_t c = 0; c < channels; ++c) {
    std::fill_n(row + c * padded, margin, 0.0f);
    std::fill_n(row + c * padded + margin + s.width, padded - margin - s.width, 0.0f);
    if (!squeeze) std::copy_n(x + (c * s.height + y) * s.width, s.width, row + c * padded + margin);
  }
  if (!squeeze) return;
  for (int64_t b = 0; b < squeeze->blocks(); ++b)
    row_of_block<true>(*squeeze, b, x + y * s.width, s.width, row + b * kBlock * padded + margin, padded, false);
}

}  // namespace

// x [batch, channels, height, width] -> y [batch, sum of the branches' out, height, width], both contiguous.
// With `squeezed` the first row of `rows` is the 1x1 convolution that the branches read; else they read x.
extern "C" void conv_branches_forward(const float* x, float* y, const int64_t* rows, int64_t count,
                                      int64_t squeezed, int64_t batch, int64_t channels, int64_t height,
                                      int64_t width) {
  const Branch* branch = reinterpret_cast<const Branch*>(rows);
  const Shape shape{batch, channels, height, width};
  const Branch* first = branch + (squeezed ? 1 : 0);
  int64_t margin = 0, out = 0;
  for (const Branch* b = first; b < branch + count; ++b) {
    margin = std::max(margin, b->size / 2);
    out += b->out;
  }
  const int64_t inner = first->in, plane = height * width;
  const int64_t padded = (width + kStep - 1) / kStep * kStep + 2 * margin;
  std::vector<Packed> squeeze, branches;
  if (squeezed) squeeze.emplace_back(*branch, plane, width, 0);
  for (const Branch* b = first; b < branch + count; ++b) branches.emplace_back(*b, padded, inner * padded, margin);
  want_huge_pages(y, batch * out * plane);
  const bool streamed = batch * out * plane * 4 > kStreamed && (uintptr_t)y % (4 * kLanes) == 0 && width % kLanes == 0;
  const int64_t fair = batch * height / (kTasks * omp_get_max_threads());
  const int64_t band = std::max(kShortestBand, std::min(kLongestBand, fair));
  const int64_t bands = (height + band - 1) / band;
#pragma omp parallel
  {
    std::vector<float> scratch((band + 2 * margin) * inner * padded + kStep);
#pragma omp for schedule(dynamic, 1)
    for (int64_t task = 0; task < batch * bands; ++task) {
      const int64_t image = task / bands, begin = task % bands * band, stop = std::min(begin + band, height);
      const float* from = x + image * channels * plane;
      float* to = y + image * out * plane;
      for (int64_t row = begin - margin; row < stop + margin; ++row)
        fill_row(from, shape, squeezed ? squeeze.data() : nullptr, row,
                 scratch.data() + (row - begin + margin) * inner * padded, inner, padded, margin);
      for (const Packed& p : branches) {
        for (int64_t b = 0; b < p.blocks(); ++b)
          for (int64_t row = begin; row < stop; ++row)
            row_of_block<false>(p, b, scratch.data() + (row - begin) * inner * padded, width,
                                to + b * kBlock * plane + row * width, plane, streamed);
        to += p.branch.out * plane;
      }
    }
    finish_streams();
  }
}
