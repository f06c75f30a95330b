"""Attention over pixels in the map's own layout: 32 pixels in the lanes from the input to the output.

A map (batch, channels, pixels) has neighbouring pixels side by side, and nothing here ever turns that around. The
projections are W x for 32 pixels at once; scores are kept as (keys, 32 queries), so that the maximum and the sum of
a softmax are plain vector operations; weights times values and the output's projection give (channels, 32 queries)
again, over whose rows the LayerNorm sums, and the result is stored where it belongs. All four products are one
register tile of 8 rows by 32 pixels whose left operand is broadcast from where it lies: no weight is packed.

Scores live for 128 keys in the first-level cache (softmax as a running maximum and sum), the averaged weights
that the reference drops are not made, and attention, projection, residual and norm are one pass.
"""

import torch
from torch import Tensor, nn

import kernelevo

SOURCE = r"""
#include <kernelevo/math.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace kernelevo;

constexpr int kRows = kLanes == 16 ? 8 : 4;
constexpr int64_t kTile = 2 * kLanes;  // pixels of a tile
constexpr int64_t kTiles = 4;          // tiles of keys whose scores are kept at once

extern "C" int64_t pixels_of_tile() { return kTile; }
extern "C" int64_t rows_of_tile() { return kRows; }

// Calls `body` for both vectors of each of `rows` rows, with the row, the vector and their offset in a tile.
template <class Body>
static inline void each(int64_t rows, Body body) {
#pragma GCC unroll 8
    for (int64_t r = 0; r < rows; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < 2; ++v) body(r, v, r * kTile + v * kLanes);
}

// For kRows rows of kTile pixels, the sum over runs q and k < length of
// left[q * apart + r * row + k * step] * right[q * length + k]; what becomes of it says `body`.
template <class Body>
static inline void multiply(const float* left, int64_t row, int64_t step, int64_t length, const float* right,
                            int64_t runs, int64_t apart, Body body) {
    vfloat sums[kRows][2] = {};
    for (int64_t q = 0; q < runs; ++q, left += apart)
        for (int64_t k = 0; k < length; ++k, right += kTile) {
            const vfloat one = load(right), two = load(right + kLanes);
#pragma GCC unroll 8
            for (int r = 0; r < kRows; ++r) {
                const vfloat value = splat(left[r * row + k * step]);
                sums[r][0] = fma(value, one, sums[r][0]);
                sums[r][1] = fma(value, two, sums[r][1]);
            }
        }
    each(kRows, [&](int64_t r, int v, int64_t at) { body(r, v, at, sums[r][v]); });
}

struct Shape {
    int64_t channels, pixels, heads;
    int64_t tiles() const { return pixels / kTile; }
    int64_t size() const { return channels / heads; }
    int64_t apart() const { return 3 * channels * kTile; }  // floats of one tile's queries, keys and values
};

// Queries (times 1 / sqrt(size)), keys and values of one tile of pixels -> (3 channels, kTile).
static void project(const Shape& s, const float* x, const float* weight, const float* bias, float* inside, float* to) {
    const float scale = 1.0f / std::sqrt((float)s.size());
    for (int64_t c = 0; c < s.channels; ++c) std::copy_n(x + c * s.pixels, kTile, inside + c * kTile);
    for (int64_t j = 0; j < 3 * s.channels; j += kRows) {
        const float factor = j < s.channels ? scale : 1.0f;
        multiply(weight + j * s.channels, s.channels, 1, s.channels, inside, 1, 0,
                 [&](int64_t r, int, int64_t at, vfloat sum) {
                     store(to + j * kTile + at, (sum + bias[j + r]) * factor);
                 });
    }
}

// One head, one tile of queries (size, kTile), all keys -> (size, kTile).
static void attend(const Shape& s, const float* queries, const float* keys, const float* values, float* scores,
                   float* out) {
    vfloat most[2] = {splat(-INFINITY), splat(-INFINITY)}, total[2] = {};
    std::fill_n(out, s.size() * kTile, 0.0f);
    for (int64_t tile = 0; tile < s.tiles(); tile += kTiles, keys += kTiles * s.apart(), values += kTiles * s.apart()) {
        const int64_t count = std::min(kTiles, s.tiles() - tile);
        vfloat now[2] = {most[0], most[1]};
        for (int64_t key = 0; key < count * kTile; key += kRows) {
            const float* from = keys + key / kTile * s.apart() + key % kTile;
            multiply(from, 1, kTile, s.size(), queries, 1, 0, [&](int64_t, int v, int64_t at, vfloat sum) {
                now[v] = max(now[v], sum);
                store(scores + key * kTile + at, sum);
            });
        }
        const vfloat kept[2] = {exp(most[0] - now[0]), exp(most[1] - now[1])};
        vfloat sum[2] = {};
        each(count * kTile, [&](int64_t, int v, int64_t at) {
            const vfloat weight = exp(load(scores + at) - now[v]);
            sum[v] += weight;
            store(scores + at, weight);
        });
        for (int v = 0; v < 2; ++v) {
            total[v] = fma(total[v], kept[v], sum[v]);
            most[v] = now[v];
        }
        for (int64_t d = 0; d < s.size(); d += kRows) {
            float* to = out + d * kTile;
            multiply(values + d * kTile, kTile, 1, kTile, scores, count, s.apart(),
                     [&](int64_t, int v, int64_t at, vfloat sum) { store(to + at, fma(load(to + at), kept[v], sum)); });
        }
    }
    for (vfloat& t : total) t = 1.0f / t;
    each(s.size(), [&](int64_t, int v, int64_t at) { store(out + at, load(out + at) * total[v]); });
}

// Output projection of a tile (channels, kTile), plus the map, normalised over the channels -> y.
static void finish(const Shape& s, const float* attended, const float* weight, const float* bias, const float* x,
                   const float* gain, const float* shift, float epsilon, float* inside, float* y) {
    vfloat mean[2] = {}, spread[2] = {};
    for (int64_t c = 0; c < s.channels; c += kRows)
        multiply(weight + c * s.channels, s.channels, 1, s.channels, attended, 1, 0,
                 [&](int64_t r, int v, int64_t at, vfloat sum) {
                     const vfloat value = sum + bias[c + r] + load(x + (c + r) * s.pixels + v * kLanes);
                     mean[v] += value;
                     store(inside + c * kTile + at, value);
                 });
    for (vfloat& m : mean) m /= (float)s.channels;
    each(s.channels, [&](int64_t, int v, int64_t at) {
        const vfloat distance = load(inside + at) - mean[v];
        spread[v] = fma(distance, distance, spread[v]);
    });
    for (vfloat& t : spread) t = 1.0f / sqrt(t / (float)s.channels + epsilon);
    each(s.channels, [&](int64_t c, int v, int64_t at) {
        const vfloat normed = (load(inside + at) - mean[v]) * spread[v];
        store(y + c * s.pixels + v * kLanes, fma(normed, splat(gain[c]), splat(shift[c])));
    });
}

// x, y (batch, channels, pixels); projected (batch, tiles, 3 channels, kTile) is scratch.
extern "C" void attention(const float* x, const float* in_weight, const float* in_bias, const float* out_weight,
                          const float* out_bias, const float* gain, const float* shift, float epsilon,
                          float* projected, float* y, int64_t batch, int64_t channels, int64_t pixels,
                          int64_t heads) {
    const Shape s{channels, pixels, heads};
    const int64_t tiles = batch * s.tiles();
#pragma omp parallel
    {
        std::vector<float> inside(channels * kTile), attended(channels * kTile), scores(kTiles * kTile * kTile);
        const auto place = [&](int64_t i) { return i / s.tiles() * channels * pixels + i % s.tiles() * kTile; };
#pragma omp for
        for (int64_t i = 0; i < tiles; ++i)
            project(s, x + place(i), in_weight, in_bias, inside.data(), projected + i * s.apart());
#pragma omp for
        for (int64_t i = 0; i < tiles; ++i) {
            const float* image = projected + i / s.tiles() * s.tiles() * s.apart();
            for (int64_t h = 0; h < heads; ++h) {
                const int64_t head = h * s.size() * kTile, all = channels * kTile;
                attend(s, projected + i * s.apart() + head, image + all + head, image + 2 * all + head, scores.data(),
                       attended.data() + head);
            }
            finish(s, attended.data(), out_weight, out_bias, x + place(i), gain, shift, epsilon, inside.data(),
                   y + place(i));
        }
    }
}
"""

library = kernelevo.cpp(SOURCE)
TILE, ROWS = library.pixels_of_tile(), library.rows_of_tile()


class ModelNew(nn.Module):
    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(channels, heads)
        self.norm = nn.LayerNorm(channels)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        pixels, attn, norm = height * width, self.attn, self.norm
        if pixels % TILE or attn.head_dim % ROWS:
            tokens = x.reshape(batch, channels, pixels).permute(2, 0, 1)
            attended, _ = attn(tokens, tokens, tokens, need_weights=False)
            return norm(attended + tokens).permute(1, 2, 0).reshape(x.shape)
        y = torch.empty(x.shape)
        projected = torch.empty(batch, pixels, 3 * channels)
        library.attention(
            x.contiguous(), attn.in_proj_weight, attn.in_proj_bias, attn.out_proj.weight, attn.out_proj.bias,
            norm.weight, norm.bias, norm.eps, projected, y, batch, channels, pixels, attn.num_heads,
        )  # fmt: skip
        return y
