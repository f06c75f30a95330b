"""Swin transformer v2: a whole block per window, from its 49 tokens' qkv to the MLP, without leaving the cache.

Everything in a block is either local to a window (attention) or to a token (linear layers, norms, GELU). So each
core takes one window after another: it picks its 49 tokens (the cyclic shift is only an index), runs qkv, the
cosine attention of all heads, projection, norm, residual, both layers of the MLP with GELU in registers, norm and
residual, and puts the tokens back. No intermediate goes to memory, there is no roll, no split or join of windows,
no score tensor, and one parallel region per block. All products run on register tiles of 4 to 8 tokens by three
vectors of outputs (two within a head) with weights in panels of 48, which divides every width of this model: vectors
are as wide as the processor's.

The position bias depends on parameters only and is kept by ``kernelevo.packed`` until they change.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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

constexpr int64_t kPadded = 64;  // keys of a window, filled up to whole vectors

// One head: softmax(cosine(q, k) * scale + bias + mask) v. bias: (49, 64), -infinity behind the 49th key.
void attend(const float* q, const float* k, const float* v, int64_t apart, const float* bias, const float* mask,
            float scale, float* keys, float* scores, float* y, int64_t dim) {
  for (int64_t j = 0; j < kTokens; ++j)
    for (int64_t d = 0; d < kHead; ++d) keys[d * kPadded + j] = k[j * apart + d];
  float inverse[kPadded], own[kTokens];
  for (int64_t j = 0; j < kPadded; j += kLanes) {
    V squares = {};
    for (int64_t d = 0; d < kHead; ++d) squares += load(keys + d * kPadded + j) * load(keys + d * kPadded + j);
    store(inverse + j, 1.0f / kernelevo::max(kernelevo::sqrt(squares), kernelevo::splat(1e-12f)));
  }
  for (int64_t row = 0; row < kTokens; ++row) {
    V squares = {};
    for (int64_t d = 0; d < kHead; d += kLanes) squares += load(q + row * apart + d) * load(q + row * apart + d);
    own[row] = scale / std::max(std::sqrt(sum(squares)), 1e-12f);
  }

  for (int64_t j = 0; j < kPadded; j += 2 * kLanes)
    product<kHeadRows, 2>(kTokens, q, apart, kHead, keys + j, kPadded, [&](int64_t row, const V* a) {
      for (int64_t n = 0, at = j; n < 2; ++n, at += kLanes) {
        V s = a[n] * load(inverse + at) * own[row] + load(bias + row * kPadded + at);
        if (mask) s += load(mask + row * kPadded + at);
        store(scores + row * kPadded + at, s);
      }
    });
  float totals[kTokens];
  for (int64_t row = 0; row < kTokens; ++row) {
    float* s = scores + row * kPadded;
    V best = load(s), total = {};
    for (int64_t j = kLanes; j < kPadded; j += kLanes) best = kernelevo::max(best, load(s + j));
    const float top = kernelevo::largest(best);
    for (int64_t j = 0; j < kPadded; j += kLanes) {
      const V e = kernelevo::exp(load(s + j) - top);
      store(s + j, e);
      total += e;
    }
    totals[row] = sum(total);
  }
  for (int64_t d = 0; d < kHead; d += 2 * kLanes)
    product<kHeadRows, 2>(kTokens, scores, kPadded, kTokens, v + d, apart, [&](int64_t row, const V* a) {
      for (int64_t n = 0; n < 2; ++n) store(y + row * dim + d + n * kLanes, a[n] / totals[row]);
    });
}

}  // namespace

// One block, in place on x (batch, side, side, dim). parts: where its parameters are, in the order below.
extern "C" void block(float* x, const int64_t* parts, int64_t batch, int64_t side, int64_t dim, int64_t shift,
                      float epsilon) {
  const float* const* p = (const float* const*)parts;
  const float *qkv = p[0], *qkv_bias = p[1], *position = p[2], *scales = p[3], *proj = p[4], *proj_bias = p[5],
              *norm1 = p[6], *norm1_bias = p[7], *grow = p[8], *grow_bias = p[9], *shrink = p[10],
              *shrink_bias = p[11], *norm2 = p[12], *norm2_bias = p[13];
  const int64_t heads = dim / kHead, count = side / kWindow, tokens = side * side;
#pragma omp parallel
  {
    Buffer own = buffer(kTokens * dim), wide = buffer(kTokens * 4 * dim), attended = buffer(kTokens * dim),
           made = buffer(kTokens * dim), keys = buffer(kHead * kPadded), scores = buffer(kTokens * kPadded),
           mask = buffer(kTokens * kPadded);
    std::fill_n(keys.get(), kHead * kPadded, 0.0f);
    std::fill_n(mask.get(), kTokens * kPadded, 0.0f);
#pragma omp for schedule(dynamic, 1)
    for (int64_t window = 0; window < batch * count * count; ++window) {
      const int64_t down = window / count % count, across = window % count;
      float* map = x + window / (count * count) * tokens * dim;
      int64_t place[kTokens], region[kTokens];
      const auto region_of = [&](int64_t line) { return (line >= side - kWindow) + (line >= side - shift); };
      for (int64_t t = 0; t < kTokens; ++t) {
        const int64_t row = down * kWindow + t / kWindow, column = across * kWindow + t % kWindow;
        place[t] = ((row + shift) % side * side + (column + shift) % side) * dim;
        region[t] = 3 * region_of(row) + region_of(column);
        std::copy_n(map + place[t], dim, own.get() + t * dim);
      }
      const bool mixed = shift && (down == count - 1 || across == count - 1);
      for (int64_t i = 0; mixed && i < kTokens; ++i)
        for (int64_t j = 0; j < kTokens; ++j) mask[i * kPadded + j] = region[i] == region[j] ? 0.0f : -100.0f;

      linear(kTokens, own.get(), dim, qkv, qkv_bias, wide.get(), 3 * dim, same);
      for (int64_t h = 0; h < heads; ++h) {
        const float* q = wide.get() + h * kHead;
        attend(q, q + dim, q + 2 * dim, 3 * dim, position + h * kTokens * kPadded, mixed ? mask.get() : nullptr,
               scales[h], keys.get(), scores.get(), attended.get() + h * kHead, dim);
      }
      linear(kTokens, attended.get(), dim, proj, proj_bias, made.get(), dim, same);
      for (int64_t t = 0; t < kTokens; ++t)
        layer_norm(made.get() + t * dim, norm1, norm1_bias, epsilon, own.get() + t * dim, own.get() + t * dim, dim);
      linear(kTokens, own.get(), dim, grow, grow_bias, wide.get(), 4 * dim, kernelevo::gelu);
      linear(kTokens, wide.get(), 4 * dim, shrink, shrink_bias, made.get(), dim, same);
      for (int64_t t = 0; t < kTokens; ++t)
        layer_norm(made.get() + t * dim, norm2, norm2_bias, epsilon, own.get() + t * dim, map + place[t], dim);
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
    Buffer rows = buffer(half * 4 * dim), made = buffer(half * 2 * dim);
#pragma omp for
    for (int64_t line = 0; line < batch * half; ++line) {
      for (int64_t t = 0; t < half; ++t)
        for (int64_t k = 0; k < 4; ++k)  // down first, then across
          std::copy_n(x + ((2 * line + k % 2) * side + 2 * t + k / 2) * dim, dim, rows.get() + (4 * t + k) * dim);
      linear(half, rows.get(), 4 * dim, w, nullptr, made.get(), 2 * dim, same);
      for (int64_t t = 0; t < half; ++t)
        layer_norm(made.get() + t * 2 * dim, norm, norm_bias, epsilon, nullptr, y + (line * half + t) * 2 * dim, 2 * dim);
    }
  }
}
"""

library = kernelevo.cpp(SOURCE)


def panels(weight: Tensor) -> Tensor:
    """(O, K) or (O, C, P, P) -> (O / 48, K, 48)."""
    return weight.flatten(1).unflatten(0, (-1, 48)).transpose(1, 2).contiguous()


def joined_bias(query: Tensor, value: Tensor) -> Tensor:
    return torch.cat([query, torch.zeros_like(value), value])


def temperatures(scale: Tensor) -> Tensor:
    return torch.clamp(scale, max=math.log(100.0)).exp().flatten()


def position_bias(first: Tensor, bias: Tensor, second: Tensor, table: Tensor, index: Tensor) -> Tensor:
    """The two layers over the table of offsets, as (heads, 49, 64) with -infinity for keys that do not exist."""
    rows = F.linear(torch.relu(F.linear(table, first, bias)), second).view(-1, len(second))
    placed = 16 * torch.sigmoid(rows[index].permute(2, 0, 1))
    return F.pad(placed, (0, -placed.shape[-1] % 64), value=-math.inf).contiguous()


def offsets(window: int) -> tuple[Tensor, Tensor]:
    """Log-spaced offsets between two tokens of a window, and which pair has which."""
    line = torch.arange(1 - window, window, dtype=torch.float32)
    table = torch.stack(torch.meshgrid(line, line, indexing="ij"), dim=-1)[None]
    table = 8 * table / (window - 1)
    table = torch.sign(table) * torch.log2(table.abs() + 1) / math.log2(8)
    place = torch.arange(window)
    rows, columns = (g.flatten() for g in torch.meshgrid(place, place, indexing="ij"))
    apart = [(axis[:, None] - axis[None, :]) + window - 1 for axis in (rows, columns)]
    return table, apart[0] * (2 * window - 1) + apart[1]


class WindowAttention(nn.Module):
    def __init__(self, dim: int, window: int, heads: int) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.full((heads, 1, 1), math.log(10.0)))
        self.position = nn.Sequential(nn.Linear(2, 512), nn.ReLU(), nn.Linear(512, heads, bias=False))
        table, index = offsets(window)
        self.register_buffer("offsets", table, persistent=False)
        self.register_buffer("index", index, persistent=False)
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(dim))
        self.v_bias = nn.Parameter(torch.zeros(dim))
        self.proj = nn.Linear(dim, dim)

    def pieces(self) -> tuple[Tensor, ...]:
        first, _, second = self.position
        return (
            packed(panels, self.qkv.weight),
            packed(joined_bias, self.q_bias, self.v_bias),
            packed(position_bias, first.weight, first.bias, second.weight, self.offsets, self.index),
            packed(temperatures, self.logit_scale),
            packed(panels, self.proj.weight),
            self.proj.bias,
        )


class Block(nn.Module):
    def __init__(self, dim: int, side: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        if window != 7 or side % 7 or dim != 32 * heads or dim % 48:
            raise ValueError("made for windows of 7 x 7 tokens, heads of 32 channels and widths in steps of 48")
        self.side, self.shift = side, shift
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        grow, _, shrink = self.mlp
        pieces = (
            *self.attn.pieces(), self.norm1.weight, self.norm1.bias,
            packed(panels, grow.weight), grow.bias, packed(panels, shrink.weight), shrink.bias,
            self.norm2.weight, self.norm2.bias,
        )  # fmt: skip
        pointers = torch.tensor([t.data_ptr() for t in pieces])
        library.block(x, pointers, len(x), self.side, x.shape[-1], self.shift, self.norm1.eps)
        return x


class Merge(nn.Module):
    def __init__(self, dim: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(2 * dim)

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
