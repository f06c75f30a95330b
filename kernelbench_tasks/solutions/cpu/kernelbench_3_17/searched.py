"""kernelbench:3/17: convolution-branches."""

import kernelevo
import torch
from torch import nn

TUNE = {
    'CONV_BRANCHES_CHANNELS': [0, 4, 6, 12],
    'CONV_BRANCHES_BAND': [16, 8, 32],
    'CONV_BRANCHES_TASKS': [4, 2, 8],
    'CONV_BRANCHES_STREAMED_MIB': [16, 2, 1024],
}


_conv_branches = kernelevo.cpp(r'''
// Convolutions of few channels side by side, each with ReLU or without, written into one result; what they
// read is, if asked, first squeezed to fewer channels by a 1x1 convolution that is never stored as a whole.
//
// A task is a band of rows of one image: the rows that its outputs need are squeezed (or copied) with their
// margins into the second-level cache and every branch reads them from there. Lanes are places along a row.
// Names in capitals are numbers of the program's TUNE table, given by the compiler's flags; 0: by the width of vectors.
#include <kernelevo/math.h>
#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <vector>

namespace {

using namespace kernelevo;

// Output channels summed in registers at once, and places beside them.
constexpr int kBlock = CONV_BRANCHES_CHANNELS ? CONV_BRANCHES_CHANNELS : kVectorRegisters == 32 ? 8 : 4;
constexpr int64_t kStep = 2 * kLanes;
constexpr int64_t kLongestBand = CONV_BRANCHES_BAND, kShortestBand = 4;  // rows of a task
constexpr int64_t kTasks = CONV_BRANCHES_TASKS;  // of each thread, if there are rows for so many
constexpr int64_t kHugePage = 2 << 20;
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
  const uintptr_t page = (uintptr_t)y / kHugePage * kHugePage + kHugePage;
  const uintptr_t end = (uintptr_t)(y + batch * out * plane) / kHugePage * kHugePage;
  if (end > page) madvise((void*)page, end - page, MADV_HUGEPAGE);  // fewer page faults for a large result
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
''', flags=[
    f"-DCONV_BRANCHES_CHANNELS={TUNE['CONV_BRANCHES_CHANNELS'][0]}",
    f"-DCONV_BRANCHES_BAND={TUNE['CONV_BRANCHES_BAND'][0]}",
    f"-DCONV_BRANCHES_TASKS={TUNE['CONV_BRANCHES_TASKS'][0]}",
    f"-DCONV_BRANCHES_STREAMED_MIB={TUNE['CONV_BRANCHES_STREAMED_MIB'][0]}",
])

def conv_branches(x, squeeze, branches, relus):
    """Concatenate convolutions of one image along the channels.

    squeeze: (weight, bias, relu) of a 1x1 convolution of x whose result the branches read, or None.
    branches: (weight, bias) of each, with an odd size and as much padding as keeps the image's size.
    relus: for each branch whether a ReLU is applied.
    """
    stages = [(*branch, relu) for branch, relu in zip(branches, relus)]
    if squeeze is not None:
        stages.insert(0, squeeze)
    stages = [(w.contiguous(), None if b is None else b.contiguous(), relu) for w, b, relu in stages]
    rows = []
    for weight, bias, relu in stages:
        out, channels, size, _ = weight.shape
        bias = 0 if bias is None else bias.data_ptr()
        rows += (weight.data_ptr(), bias, out, channels, size, int(relu))
    y = x.new_empty(x.shape[0], sum(w.shape[0] for w, _ in branches), *x.shape[2:])
    _conv_branches.conv_branches_forward(
        x.contiguous(), y, torch.tensor(rows, dtype=torch.int64), len(stages), squeeze is not None, *x.shape
    )
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
            self, "squeeze.weight", nn.Parameter(torch.zeros((6, 3, 1, 1), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "squeeze.bias", nn.Parameter(torch.zeros((6,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "expand_1x1.weight",
            nn.Parameter(torch.zeros((64, 6, 1, 1), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "expand_1x1.bias", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "expand_3x3.weight",
            nn.Parameter(torch.zeros((64, 6, 3, 3), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "expand_3x3.bias", nn.Parameter(torch.zeros((64,), dtype=torch.float32)),
            "parameter",
        )

    def forward(self, x):
        squeeze_weight = self.squeeze.weight
        squeeze_bias = self.squeeze.bias
        expand_1x1_weight = self.expand_1x1.weight
        expand_1x1_bias = self.expand_1x1.bias
        expand_3x3_weight = self.expand_3x3.weight
        expand_3x3_bias = self.expand_3x3.bias
        conv_branches_2 = conv_branches(
            x, (squeeze_weight, squeeze_bias, True),
            ((expand_1x1_weight, expand_1x1_bias), (expand_3x3_weight, expand_3x3_bias)),
            (True, True),
        )
        return conv_branches_2
