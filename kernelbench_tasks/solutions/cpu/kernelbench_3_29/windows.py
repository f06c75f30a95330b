"""Swin-MLP: a whole block per window, from the norm of its tokens to the end of the MLP, without leaving the cache.

Everything in a block is either local to a window (the mixing of its 49 tokens) or to a token (norms, linear
layers, GELU). So each core takes one window after another: it picks the tokens, normalises and mixes them, adds
the residual, normalises again, runs both layers of the MLP with GELU in registers, adds, and puts the tokens back.
A shifted window is an index; tokens in the padding are zeros for the mixing, and nothing is computed for them
after it. No intermediate goes to memory, there is no pad, permute or crop, and one parallel region per block. All
products run on register tiles of 4 to 8 tokens by three vectors of outputs (by two of a head's 32 channels) with
weights in panels of 48, which divides every width of this model: vectors are as wide as the processor's.
"""

import torch
from torch import Tensor, nn

import kernelevo
from kernelevo import packed

SOURCE = r"""
#include <kernelevo/math.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace {

using V = kernelevo::vfloat;
using kernelevo::kLanes, kernelevo::load, kernelevo::store, kernelevo::sum;

constexpr int64_t kWindow = 7, kTokens = 49, kHead = 32;
constexpr int64_t kPanel = 48, kWide = 3 * kLanes;  // outputs of a panel of weights, and of a register tile
constexpr int kRows = kernelevo::kVectorRegisters == 32 ? 8 : 4;  // of a register tile: sums for all registers but a few
constexpr int kHeadRows = kernelevo::kVectorRegisters == 32 ? 8 : 6;  // the same where a tile is two vectors wide

struct Free { void operator()(float* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

// R rows by N vectors: finish(row, sums) gets sum over k < length of x[row * apart + k] * w[k * step ...].
template <int R, int N, typename F>
inline void tile(int64_t row, const float* x, int64_t apart, int64_t length, const float* w, int64_t step, F finish) {
  V a[R][N] = {};
  const float* from = x + row * apart;
  for (int64_t k = 0; k < length; ++k, w += step) {
    V b[N];
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) b[v] = load(w + kLanes * v);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const float s = from[r * apart + k];
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) a[r][v] += s * b[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) finish(row + r, a[r]);
}

template <int R, int N, typename F>
inline void tile_of(int64_t rows, int64_t row, const float* x, int64_t apart, int64_t length, const float* w,
                    int64_t step, F finish) {
  if (rows == R) return tile<R, N>(row, x, apart, length, w, step, finish);
  if constexpr (R > 1) tile_of<R - 1, N>(rows, row, x, apart, length, w, step, finish);
}

// All rows, in tiles of nearly equal height, at most R.
template <int R, int N, typename F>
inline void product(int64_t rows, const float* x, int64_t apart, int64_t length, const float* w, int64_t step,
                    F finish) {
  const int64_t parts = (rows + R - 1) / R;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t from = rows * i / parts;
    tile_of<R, N>(rows * (i + 1) / parts - from, from, x, apart, length, w, step, finish);
  }
}

// y = function(x w + bias); w: (outputs / 48, inputs, 48)
template <typename F>
void linear(int64_t rows, const float* x, int64_t inputs, const float* w, const float* bias, float* y,
            int64_t outputs, F function) {
  for (int64_t o = 0; o < outputs; o += kWide)
    product<kRows, 3>(rows, x, inputs, inputs, w + o / kPanel * kPanel * inputs + o % kPanel, kPanel,
                      [&](int64_t row, const V* a) {
                        for (int64_t v = 0, at = o; v < 3; ++v, at += kLanes)
                          store(y + row * outputs + at, function(bias ? a[v] + load(bias + at) : a[v]));
                      });
}
inline V same(V x) { return x; }

// One token normalised; with `other` added to it.
void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, const float* other, float* y,
                int64_t dim) {
  V s = {}, q = {};
  for (int64_t c = 0; c < dim; c += kLanes) s += load(x + c);
  const float mean = sum(s) / dim;
  for (int64_t c = 0; c < dim; c += kLanes) {
    const V d = load(x + c) - mean;
    q += d * d;
  }
  const float scale = 1.0f / std::sqrt(sum(q) / dim + epsilon);
  for (int64_t c = 0; c < dim; c += kLanes) {
    V z = (load(x + c) - mean) * scale * load(weight + c) + load(bias + c);
    if (other) z += load(other + c);
    store(y + c, z);
  }
}

}  // namespace

// One block, in place on x (batch, side, side, dim). parts: where its parameters are, in the order below.
// `before`: rows and columns of padding in front of the first window.
extern "C" void block(float* x, const int64_t* parts, int64_t batch, int64_t side, int64_t dim, int64_t before,
                      float epsilon) {
  const float* const* p = (const float* const*)parts;
  const float *norm1 = p[0], *norm1_bias = p[1], *mix = p[2], *mix_bias = p[3], *norm2 = p[4], *norm2_bias = p[5],
              *grow = p[6], *grow_bias = p[7], *shrink = p[8], *shrink_bias = p[9];
  const int64_t heads = dim / kHead, count = (before + side + kWindow - 1) / kWindow, tokens = side * side;
#pragma omp parallel
  {
    Buffer normed = buffer(kTokens * dim), own = buffer(kTokens * dim), wide = buffer(kTokens * 4 * dim);
#pragma omp for schedule(dynamic, 1)
    for (int64_t window = 0; window < batch * count * count; ++window) {
      const int64_t top = window / count % count * kWindow - before, left = window % count * kWindow - before;
      float* map = x + window / (count * count) * tokens * dim;
      float* place[kTokens];     // of a token in the map, or null
      float* compact[kTokens];   // of its row in `own`
      int64_t there = 0;
      for (int64_t t = 0; t < kTokens; ++t) {
        const int64_t row = top + t / kWindow, column = left + t % kWindow;
        const bool inside = row >= 0 && row < side && column >= 0 && column < side;
        place[t] = inside ? map + (row * side + column) * dim : nullptr;
        compact[t] = own.get() + there * dim;
        there += inside;
        if (inside) layer_norm(place[t], norm1, norm1_bias, epsilon, nullptr, normed.get() + t * dim, dim);
        else std::fill_n(normed.get() + t * dim, dim, 0.0f);
      }
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t first = h * kHead; first < (h + 1) * kHead; first += 2 * kLanes)
          product<kHeadRows, 2>(kTokens, mix + h * kTokens * kTokens, kTokens, kTokens, normed.get() + first, dim,
                                [&](int64_t row, const V* a) {
                                  if (!place[row]) return;
                                  const float bias = mix_bias[h * kTokens + row];
                                  for (int64_t v = 0, at = first; v < 2; ++v, at += kLanes)
                                    store(compact[row] + at, load(place[row] + at) + a[v] + bias);
                                });
      for (int64_t t = 0; t < there; ++t)
        layer_norm(own.get() + t * dim, norm2, norm2_bias, epsilon, nullptr, normed.get() + t * dim, dim);
      linear(there, normed.get(), dim, grow, grow_bias, wide.get(), 4 * dim, kernelevo::gelu);
      linear(there, wide.get(), 4 * dim, shrink, shrink_bias, normed.get(), dim, same);
      for (int64_t t = 0, i = 0; t < kTokens; ++t) {
        if (!place[t]) continue;
        for (int64_t c = 0; c < dim; c += kLanes)
          store(place[t] + c, load(own.get() + i * dim + c) + load(normed.get() + i * dim + c));
        ++i;
      }
    }
  }
}

// Tokens of patch x patch pixels: x (batch, channels, side, side) -> y (batch, side / patch, side / patch, dim).
extern "C" void embed(const float* x, const float* w, const float* bias, const float* norm, const float* norm_bias,
                      float epsilon, float* y, int64_t batch, int64_t channels, int64_t side, int64_t patch,
                      int64_t dim) {
  const int64_t count = side / patch, inputs = channels * patch * patch;
#pragma omp parallel
  {
    Buffer rows = buffer(count * inputs), made = buffer(count * dim);
#pragma omp for
    for (int64_t line = 0; line < batch * count; ++line) {
      for (int64_t t = 0; t < count; ++t)
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t i = 0; i < patch; ++i)
            std::copy_n(x + ((line / count * channels + c) * side + line % count * patch + i) * side + t * patch, patch,
                        rows.get() + t * inputs + (c * patch + i) * patch);
      linear(count, rows.get(), inputs, w, bias, made.get(), dim, same);
      for (int64_t t = 0; t < count; ++t)
        layer_norm(made.get() + t * dim, norm, norm_bias, epsilon, nullptr, y + (line * count + t) * dim, dim);
    }
  }
}

// 2 x 2 tokens become one: x (batch, side, side, dim) -> y (batch, side / 2, side / 2, 2 dim).
extern "C" void merge(const float* x, const float* w, const float* norm, const float* norm_bias, float epsilon,
                      float* y, int64_t batch, int64_t side, int64_t dim) {
  const int64_t half = side / 2;
#pragma omp parallel
  {
    Buffer rows = buffer(half * 4 * dim);
#pragma omp for
    for (int64_t line = 0; line < batch * half; ++line) {
      for (int64_t t = 0; t < half; ++t) {
        float* own = rows.get() + 4 * t * dim;
        for (int64_t k = 0; k < 4; ++k)  // down first, then across
          std::copy_n(x + ((2 * line + k % 2) * side + 2 * t + k / 2) * dim, dim, own + k * dim);
        layer_norm(own, norm, norm_bias, epsilon, nullptr, own, 4 * dim);
      }
      linear(half, rows.get(), 4 * dim, w, nullptr, y + line * half * 2 * dim, 2 * dim, same);
    }
  }
}
"""

library = kernelevo.cpp(SOURCE)


def panels(weight: Tensor) -> Tensor:
    """(O, K) or (O, C, P, P) -> (O / 48, K, 48)."""
    return weight.flatten(1).unflatten(0, (-1, 48)).transpose(1, 2).contiguous()


class Mlp(nn.Sequential):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))


class Block(nn.Module):
    def __init__(self, dim: int, side: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        if window != 7 or side % 7 or dim != 32 * heads or dim % 48:
            raise ValueError("made for windows of 7 x 7 tokens, heads of 32 channels and widths in steps of 48")
        self.side, self.before = side, window - shift if shift else 0
        self.norm1 = nn.LayerNorm(dim)
        mixed = heads * window**2
        self.mix = nn.Conv1d(mixed, mixed, 1, groups=heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, 4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        grow, _, shrink = self.mlp
        pieces = (
            self.norm1.weight, self.norm1.bias, self.mix.weight, self.mix.bias, self.norm2.weight, self.norm2.bias,
            packed(panels, grow.weight), grow.bias, packed(panels, shrink.weight), shrink.bias,
        )  # fmt: skip
        pointers = torch.tensor([t.data_ptr() for t in pieces])
        library.block(x, pointers, len(x), self.side, x.shape[-1], self.before, self.norm1.eps)
        return x


class Merge(nn.Module):
    def __init__(self, dim: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, dim = x.shape
        y = x.new_empty(batch, self.side**2 // 4, 2 * dim)
        weight, norm = packed(panels, self.reduction.weight), self.norm
        library.merge(x, weight, norm.weight, norm.bias, norm.eps, y, batch, self.side, dim)
        return y


class ModelNew(nn.Module):
    def __init__(
        self,
        image_size: int = 224,
        patch_size: int = 4,
        channels: int = 3,
        classes: int = 1000,
        dim: int = 96,
        depths: tuple[int, ...] = (2, 2, 6, 2),
        heads: tuple[int, ...] = (3, 6, 12, 24),
        window: int = 7,
    ) -> None:
        super().__init__()
        side = image_size // patch_size
        self.embed = nn.Conv2d(channels, dim, patch_size, stride=patch_size)
        self.embed_norm = nn.LayerNorm(dim)
        layers: list[nn.Module] = []
        for number, (depth, head) in enumerate(zip(depths, heads, strict=True)):
            if number:
                layers.append(Merge(dim, side))
                dim, side = 2 * dim, side // 2
            for block in range(depth):
                shift = window // 2 if block % 2 and side > window else 0
                layers.append(Block(dim, side, head, min(window, side), shift))
        self.layers = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        batch, channels, side, _ = image.shape
        embed, norm = self.embed, self.embed_norm
        patch, dim = embed.stride[0], embed.out_channels
        tokens = image.new_empty(batch, (side // patch) ** 2, dim)
        weight = packed(panels, embed.weight)
        library.embed(
            image.contiguous(), weight, embed.bias, norm.weight, norm.bias, norm.eps, tokens,
            batch, channels, side, patch, dim,
        )  # fmt: skip
        return self.head(self.norm(self.layers(tokens)).mean(1))
