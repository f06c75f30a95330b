"""Fire module in one pass whose tiles hold channels of both expansions: the 1x1 is the centre tap of the 3x3."""

import torch
from torch import Tensor, nn

import kernelevo

TUNE = {"BAND": [16, 8, 32]}

SOURCE = r"""
#include <cstdint>
#include <cstdlib>
#include <cstring>
#ifdef __AVX512F__
#include <immintrin.h>
#endif
typedef float V __attribute__((vector_size(64)));
typedef float U __attribute__((vector_size(64), aligned(4), may_alias));
static inline V load(const float* p) { return (V)*(const U*)p; }
static inline void put(float* p, V v) {
    const V zero = {};
    v = v > zero ? v : zero;
#ifdef __AVX512F__
    if (((uintptr_t)p & 63) == 0) { _mm512_stream_ps(p, (__m512)v); return; }
#endif
    *(U*)p = (U)v;
}

// 4 channels of the 3x3 and 4 of the 1x1 expansion: the centre tap is loaded once for both.
template <int VECTORS>
static void both(const float* p, int64_t S, int64_t stride, int64_t row, const float* w3, const float* b3,
                 const float* w1, const float* b1, float* y3, float* y1, int64_t plane) {
    V a[4][VECTORS], c[4][VECTORS];
#pragma GCC unroll 4
    for (int o = 0; o < 4; ++o)
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; ++v) { a[o][v] = V{} + b3[o]; c[o][v] = V{} + b1[o]; }
    for (int64_t s = 0; s < S; ++s, p += stride, w1 += 4)
#pragma GCC unroll 9
        for (int t = 0; t < 9; ++t, w3 += 4) {
            const float* q = p + t / 3 * row + t % 3;
#pragma GCC unroll 3
            for (int v = 0; v < VECTORS; ++v) {
                const V u = load(q + 16 * v);
#pragma GCC unroll 4
                for (int o = 0; o < 4; ++o) a[o][v] += w3[o] * u;
                if (t == 4) {
#pragma GCC unroll 4
                    for (int o = 0; o < 4; ++o) c[o][v] += w1[o] * u;
                }
            }
        }
#pragma GCC unroll 4
    for (int o = 0; o < 4; ++o)
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; ++v) {
            put(y3 + o * plane + 16 * v, a[o][v]);
            put(y1 + o * plane + 16 * v, c[o][v]);
        }
}

// W must be a multiple of 16, E1 = E3 of 4.
extern "C" void fire(const float* x, const float* ws, const float* bs, const float* w1, const float* b1,
                     const float* w3, const float* b3, float* y, int64_t N, int64_t C, int64_t S, int64_t E1,
                     int64_t E3, int64_t H, int64_t W, int64_t band) {
    const int64_t stride = W + 16, row = S * stride, plane = H * W;
    const int64_t bands = (H + band - 1) / band;
#pragma omp parallel
    {
        float* map = (float*)aligned_alloc(64, ((band + 2) * row * 4 + 127) / 64 * 64);
#pragma omp for schedule(static)
        for (int64_t job = 0; job < N * bands; ++job) {
            const int64_t n = job / bands, top = job % bands * band;
            const int64_t end = top + band < H ? top + band : H;
            memset(map, 0, (band + 2) * row * 4);
            for (int64_t r = top - 1; r <= end; ++r) {
                if (r < 0 || r >= H) continue;
                for (int64_t s = 0; s < S; ++s) {
                    float* o = map + (r - top + 1) * row + s * stride + 1;
                    for (int64_t i = 0; i < W; i += 16) {
                        V sum = V{} + bs[s];
                        for (int64_t c = 0; c < C; ++c) sum += ws[s * C + c] * load(x + ((n * C + c) * H + r) * W + i);
                        const V zero = {};
                        *(U*)(o + i) = (U)(sum > zero ? sum : zero);
                    }
                }
            }
            for (int64_t r = top; r < end; ++r) {
                const float* at = map + (r - top) * row;
                float* out = y + n * (E1 + E3) * plane + r * W;
                for (int64_t o = 0; o < E1; o += 4)
                    for (int64_t i = 0; i + 48 <= W; i += 48)
                        both<3>(at + i, S, stride, row, w3 + o * S * 9, b3 + o, w1 + o * S, b1 + o,
                                out + (E1 + o) * plane + i, out + o * plane + i, plane);
                for (int64_t o = 0; o < E1; o += 4)
                    for (int64_t i = W / 48 * 48; i < W; i += 16)
                        both<1>(at + i, S, stride, row, w3 + o * S * 9, b3 + o, w1 + o * S, b1 + o,
                                out + (E1 + o) * plane + i, out + o * plane + i, plane);
            }
        }
        free(map);
#ifdef __AVX512F__
        _mm_sfence();
#endif
    }
}
"""

library = kernelevo.cpp(SOURCE)


def by_fours(weight: Tensor) -> Tensor:
    return weight.detach().unflatten(0, (-1, 4)).permute(0, 2, 3, 4, 1).contiguous()


class ModelNew(nn.Module):
    def __init__(self, in_channels: int, squeeze: int, expand_1x1: int, expand_3x3: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze, kernel_size=1)
        self.expand_1x1 = nn.Conv2d(squeeze, expand_1x1, kernel_size=1)
        self.expand_3x3 = nn.Conv2d(squeeze, expand_3x3, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        ones, threes = self.expand_1x1.out_channels, self.expand_3x3.out_channels
        n, c, h, w = x.shape
        if ones % 4 or threes != ones or w % 16:
            squeezed = torch.relu(self.squeeze(x))
            return torch.relu(torch.cat([self.expand_1x1(squeezed), self.expand_3x3(squeezed)], dim=1))
        x = x.contiguous()
        y = torch.empty(n, ones + threes, h, w)
        library.fire(
            x, self.squeeze.weight, self.squeeze.bias,
            kernelevo.packed(by_fours, self.expand_1x1.weight), self.expand_1x1.bias,
            kernelevo.packed(by_fours, self.expand_3x3.weight), self.expand_3x3.bias,
            y, n, c, self.squeeze.out_channels, ones, threes, h, w, TUNE["BAND"][0],
        )  # fmt: skip
        return y
