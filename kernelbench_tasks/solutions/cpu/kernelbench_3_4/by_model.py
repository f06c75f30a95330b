"""LeNet-5, images in lanes; conv2 writes straight into the input of the first linear layer."""

import torch
from torch import Tensor, nn

import kernelevo

SOURCE = r"""
#include <cstdint>
#include <cstdlib>
#ifdef __AVX512F__
#include <immintrin.h>
#endif
typedef float V __attribute__((vector_size(64)));
typedef float U __attribute__((vector_size(64), aligned(4), may_alias));
static inline V relu(V v) { const V zero = {}; return v > zero ? v : zero; }
static inline V larger(V a, V b) { return a > b ? a : b; }

// 16 images of `size` pixels each -> size vectors of 16 images, by 16 x 16 blocks in registers.
static void lanes(const float* x, V* t, int64_t size, int64_t count) {
    typedef int I __attribute__((vector_size(64)));
    for (int64_t p = 0; p < size; p += 16) {
        V r[16], s[16];
#pragma GCC unroll 16
        for (int m = 0; m < 16; ++m) r[m] = (V)*(const U*)(x + (m < count ? m : 0) * size + p);
        // four rounds of butterflies: after round k, lanes and rows have exchanged bit k of their index
        const I lo1 = {0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30};
        const I hi1 = {1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31};
        const I lo2 = {0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29};
        const I hi2 = {2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31};
        const I lo4 = {0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27};
        const I hi4 = {4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31};
        const I lo8 = {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23};
        const I hi8 = {8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31};
#define ROUND(FROM, TO, BIT, LO, HI)                                         \
    _Pragma("GCC unroll 16") for (int m = 0; m < 16; ++m) if (!(m & BIT)) {  \
        TO[m] = __builtin_shuffle(FROM[m], FROM[m | BIT], LO);               \
        TO[m | BIT] = __builtin_shuffle(FROM[m], FROM[m | BIT], HI);         \
    }
        ROUND(r, s, 1, lo1, hi1)
        ROUND(s, r, 2, lo2, hi2)
        ROUND(r, s, 4, lo4, hi4)
        ROUND(s, r, 8, lo8, hi8)
#pragma GCC unroll 16
        for (int m = 0; m < 16; ++m) t[p + m] = r[m];
    }
}

// 5x5 convolution of C channels (side `in`), bias, 2x2 max, ReLU: OUT channels at a time, OUT accumulators x 4.
template <int C, int OUT>
static void convolve(const V* x, int64_t in, const float* w, const float* b, V* y, int64_t channels, int64_t apart) {
    const int64_t half = (in - 4) / 2;
    for (int64_t o = 0; o < channels; o += OUT)
        for (int64_t r = 0; r < half; ++r)
            for (int64_t c = 0; c < half; ++c) {
                V a[OUT][4] = {};
                const float* k = w + o * C * 25;
                for (int s = 0; s < C; ++s) {
                    const V* p = x + (s * in + 2 * r) * in + 2 * c;
                    for (int i = 0; i < 5; ++i, p += in)
#pragma GCC unroll 5
                        for (int j = 0; j < 5; ++j, k += OUT) {
                            const V u0 = p[j], u1 = p[j + 1], u2 = p[in + j], u3 = p[in + j + 1];
#pragma GCC unroll 8
                            for (int q = 0; q < OUT; ++q) {
                                a[q][0] += k[q] * u0;
                                a[q][1] += k[q] * u1;
                                a[q][2] += k[q] * u2;
                                a[q][3] += k[q] * u3;
                            }
                        }
                }
#pragma GCC unroll 8
                for (int q = 0; q < OUT; ++q)
                    y[(((o + q) * half + r) * half + c) * apart] =
                        relu(larger(larger(a[q][0], a[q][1]), larger(a[q][2], a[q][3])) + b[o + q]);
            }
}

// OUT outputs at a time of a linear layer over G vectors of images: x is (K, G), y is (outputs, G).
template <int OUT, int G, bool CUT>
static void dense(const V* x, int64_t K, const float* w, const float* b, V* y, int64_t outputs) {
    for (int64_t o = 0; o < outputs; o += OUT, w += OUT * K) {
        V a[OUT][G] = {};
        for (int64_t k = 0; k < K; ++k)
#pragma GCC unroll 12
            for (int q = 0; q < OUT; ++q)
#pragma GCC unroll 4
                for (int g = 0; g < G; ++g) a[q][g] += w[k * OUT + q] * x[k * G + g];
        for (int q = 0; q < OUT && o + q < outputs; ++q)
            for (int g = 0; g < G; ++g) {
                const V v = a[q][g] + b[o + q];
                y[(o + q) * G + g] = CUT ? relu(v) : v;
            }
    }
}

extern "C" void lenet(const float* x, const float* w1, const float* b1, const float* w2, const float* b2,
                      const float* w3, const float* b3, const float* w4, const float* b4, const float* w5,
                      const float* b5, float* y, int64_t N, int64_t classes) {
    constexpr int G = 2;
    const int64_t groups = (N + 16 * G - 1) / (16 * G);
#pragma omp parallel
    {
        V* image = (V*)aligned_alloc(64, 64 * (1024 + 6 * 196 + 400 + 400 * G + 120 * G + 84 * G + classes * G));
        V *one = image + 1024, *two = one + 6 * 196, *flat = two + 400, *h1 = flat + 400 * G, *h2 = h1 + 120 * G,
          *out = h2 + 84 * G;
#pragma omp for schedule(dynamic, 1)
        for (int64_t job = 0; job < groups; ++job) {
            for (int64_t g = 0; g < G; ++g) {
                const int64_t first = (job * G + g) * 16, left = N - first;
                if (left <= 0) continue;
                lanes(x + first * 1024, image, 1024, left);
                convolve<1, 6>(image, 32, w1, b1, one, 6, 1);
                convolve<6, 4>(one, 14, w2, b2, flat + g, 16, G);
            }
            dense<12, G, true>(flat, 400, w3, b3, h1, 120);
            dense<12, G, true>(h1, 120, w4, b4, h2, 84);
            dense<12, G, false>(h2, 84, w5, b5, out, classes);
            for (int64_t m = 0; m < 16 * G && job * 16 * G + m < N; ++m)
                for (int64_t k = 0; k < classes; ++k)
                    y[(job * 16 * G + m) * classes + k] = ((const float*)(out + k * G + m / 16))[m % 16];
        }
        free(image);
    }
}
"""

library = kernelevo.cpp(SOURCE)


def blocked(count: int):
    """A function that packs (O, ...) into (O / count, ..., count), padded with zeros."""

    def pack(weight: Tensor) -> Tensor:
        flat = weight.detach().flatten(1)
        padded = torch.cat([flat, flat.new_zeros(-len(flat) % count, flat.shape[1])])
        return padded.unflatten(0, (-1, count)).transpose(1, 2).contiguous()

    return pack


FIRST, SECOND, DENSE = blocked(6), blocked(4), blocked(12)


class ModelNew(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous()
        y = torch.empty(x.shape[0], self.fc3.out_features)
        library.lenet(
            x,
            kernelevo.packed(FIRST, self.conv1.weight), self.conv1.bias,
            kernelevo.packed(SECOND, self.conv2.weight), self.conv2.bias,
            kernelevo.packed(DENSE, self.fc1.weight), self.fc1.bias,
            kernelevo.packed(DENSE, self.fc2.weight), self.fc2.bias,
            kernelevo.packed(DENSE, self.fc3.weight), self.fc3.bias,
            y, x.shape[0], self.fc3.out_features,
        )  # fmt: skip
        return y
