"""MobileNet v2 as pixels in C++: the wide maps ahead of the depthwise filters are never stored.

A 1x1 convolution's batch statistics need not be measured on its output: channel w.x has mean w.E[x] and
variance w' Cov(x) w, and x has six times fewer channels. So a block whose maps are large takes the
covariance of its narrow input, and then expands, normalises and cuts each row only when the depthwise
filter gets to it; three rows exist at a time. A block whose maps are small is split by channels instead: 48
of them, over the whole batch, go through both convolutions and both normalisations within one core's L2
cache. The depthwise filter runs over vectors of channels and keeps seven outputs in registers; the products
use tiles of 7 x 3 or 14 x 2 vectors (4 x 3 or 6 x 2 where there are only 16 registers) on packed weights;
vectors are as wide as the processor's; each normalisation with its ReLU6 is applied by the next reader.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

import kernelevo

# up to this many pixels in the batch, 48 channels of all images go through a block in one job
TUNE = {"SMALL": [2048, 1024, 4096]}

# expansion, channels, blocks, stride of the first block
STAGES = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]

SOURCE = r"""
#include <kernelevo/math.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <omp.h>
#include <vector>

using V = kernelevo::vfloat;
using kernelevo::kLanes, kernelevo::load, kernelevo::store;
typedef double D __attribute__((vector_size(4 * kLanes)));
typedef double W __attribute__((vector_size(4 * kLanes), aligned(8), may_alias));

constexpr bool kManyRegisters = kernelevo::kVectorRegisters == 32;
constexpr int kPer = 16 / kLanes;  // vectors of 16 channels
static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// The most vectors, but no more than `most`, that divide `vectors` without rest.
constexpr int part(int vectors, int most) {
    while (vectors % most) --most;
    return most;
}

// some<R>(first) for a tile of `rows` (at most R) rows.
template <int R, class Some>
static inline void one_tile(int64_t rows, int64_t first, const Some& some) {
    if constexpr (R > 1)
        if (rows < R) return one_tile<R - 1>(rows, first, some);
    some.template operator()<R>(first);
}

// n rows in tiles of R; the last two share what is left, since a tile of one row would wait for its own sums.
template <int R, class Some>
static inline void in_tiles(int64_t n, const Some& some) {
    for (int64_t first = 0, rows; first < n; first += rows) {
        const int64_t left = n - first;
        rows = left <= R ? left : left < 2 * R ? (left + 1) / 2 : R;
        one_tile<R>(rows, first, some);
    }
}

// ReLU6; in this order of the operands NaN stays NaN.
static inline V relu6(V v) { return kernelevo::min(kernelevo::splat(6), kernelevo::relu(v)); }

struct Scratch {
    float* at;
    explicit Scratch(int64_t count) : at((float*)aligned_alloc(64, (count * 4 + 127) / 64 * 64)) {}
    Scratch(const Scratch&) = delete;
    ~Scratch() { free(at); }
};

// Count, means and squared distances from the mean of 16 L channels; parts are merged (Chan, Golub, LeVeque).
template <int L>
struct Moments {
    double count = 0, mean[16 * L] = {}, m2[16 * L] = {};

    void merge(double n, const double* other_mean, const double* other_m2) {
        const double all = count + n, share = n / all, cross = count * share;
        for (int c = 0; c < 16 * L; ++c) {
            const double d = other_mean[c] - mean[c];
            mean[c] += d * share;
            m2[c] += other_m2[c] + d * d * cross;
        }
        count = all;
    }
    void merge(const Moments& other) {
        if (other.count) merge(other.count, other.mean, other.m2);
    }
    // n pixels that are still in L1; squares are taken of distances from their mean, since any pixel may lie far off
    void add(const float* y, int64_t n, int64_t stride) {
        constexpr int M = L * kPer, G = part(M, 4);  // all vectors; those whose mean and two sums fit the registers
        const double share = 1.0 / n;
        float f[16 * L], s[16 * L], q[16 * L];
        V total[M] = {};
        for (int64_t p = 0; p < n; ++p)
#pragma GCC unroll 12
            for (int v = 0; v < M; ++v) total[v] += load(y + p * stride + kLanes * v);
#pragma GCC unroll 12
        for (int v = 0; v < M; ++v) store(f + kLanes * v, total[v] * (float)share);
        for (int c = 0; c < 16 * L; c += G * kLanes) {
            V middle[G], sum[G] = {}, square[G] = {};
#pragma GCC unroll 4
            for (int v = 0; v < G; ++v) middle[v] = load(f + c + kLanes * v);
            for (int64_t p = 0; p < n; ++p)
#pragma GCC unroll 4
                for (int v = 0; v < G; ++v) {
                    const V d = load(y + p * stride + c + kLanes * v) - middle[v];
                    sum[v] += d;
                    square[v] += d * d;
                }
#pragma GCC unroll 4
            for (int v = 0; v < G; ++v) {
                store(s + c + kLanes * v, sum[v]);
                store(q + c + kLanes * v, square[v]);
            }
        }
        double own[16 * L], distances[16 * L];
        for (int c = 0; c < 16 * L; ++c) {
            own[c] = f[c] + s[c] * share;
            distances[c] = q[c] - (double)s[c] * s[c] * share;
        }
        merge(n, own, distances);
    }
};

// A BatchNorm's tensors from some channel on, of which `channels` are left (the others are padding).
struct Norm {
    const float *weight, *bias;
    float *running_mean, *running_var;
    int64_t channels;
    Norm from(int64_t c) const { return {weight + c, bias + c, running_mean + c, running_var + c, channels - c}; }

    // y = scale x + shift for `count` values of the given mean and biased variance; moves the running ones
    void settle(int width, double count, const double* mean, const double* var, float* scale, float* shift) const {
        for (int c = 0; c < width; ++c) {
            if (c >= channels) { scale[c] = shift[c] = 0; continue; }
            const double own = var[c] < 0 ? 0 : var[c];  // rounding may put it below
            const double s = weight[c] / std::sqrt(own + 1e-5);
            scale[c] = s;
            shift[c] = bias[c] - mean[c] * s;
            running_mean[c] += 0.1 * (mean[c] - running_mean[c]);
            running_var[c] += 0.1 * (own * count / (count - 1) - running_var[c]);
        }
    }
    template <int L>
    void settle(Moments<L>& m, float* scale, float* shift) const {
        for (double& value : m.m2) value /= m.count;
        settle(16 * L, m.count, m.mean, m.m2, scale, shift);
    }
};

// sums[r][v] += a[r] . w[v] over K inputs: element (r, k) of a lies at r * row + k * step.
template <int R, int N>
static inline __attribute__((always_inline)) void product(V (&sums)[R][N], const float* a, int64_t row, int64_t step,
                                                          const float* w, int64_t next, int64_t K) {
    for (int64_t k = 0; k < K; ++k, a += step, w += next) {
        V u[N];
#pragma GCC unroll 3
        for (int v = 0; v < N; ++v) u[v] = load(w + kLanes * v);
#pragma GCC unroll 14
        for (int r = 0; r < R; ++r) {
            const float f = a[r * row];
#pragma GCC unroll 3
            for (int v = 0; v < N; ++v) sums[r][v] += f * u[v];
        }
    }
}

// A tensor of pixels in blocks of `width` channels, `apart` floats from one block to the next.
struct Pixels {
    const float* at;
    int64_t width, apart;
};

// R pixels by N vectors, from vector `side` on, of a panel of 16 L channels.
template <int R, int N, int L, class Put>
static inline void tile(Pixels a, int64_t K, const float* w, const Put& put, int64_t first, int side) {
    V sums[R][N] = {};
    const float *from = a.at + first * a.width, *part_of_w = w + kLanes * side;
    for (int64_t k = 0; k < K; k += a.width, from += a.apart)
        product<R, N>(sums, from, a.width, 1, part_of_w + k * 16 * L, 16 * L, least(a.width, K - k));
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
        for (int v = 0; v < N; ++v) put(first + r, side + v, sums[r][v]);
}

// 1x1 convolution of n pixels to 16 L channels: put(pixel, vector, value) takes the results. Sums, one vector of
// weights per column of the tile and one broadcast input fill the registers.
template <int L, class Put>
static inline void panel(Pixels a, int64_t K, const float* w, int64_t n, const Put& put) {
    constexpr int M = L * kPer, N = part(M, 3), most = kManyRegisters ? (N < 3 ? 14 : 7) : 12 / N;
    for (int side = 0; side < M; side += N)
        in_tiles<most>(n, [&]<int R>(int64_t p) { tile<R, N, L>(a, K, w, put, p, side); });
}

// O neighbouring outputs of a depthwise 3x3 convolution, a vector of its B channels: every column is loaded once.
template <int S, int O, int64_t B>
static inline void taps(const float* const* rows, int64_t at, const float* w, float* y) {
    V sums[O] = {};
#pragma GCC unroll 1
    for (int i = 0; i < 3; ++i) {
        const float* x = rows[i] + at;
        const V u[3] = {load(w + i * 3 * B), load(w + (i * 3 + 1) * B), load(w + (i * 3 + 2) * B)};
#pragma GCC unroll 15
        for (int c = 0; c < (O - 1) * S + 3; ++c) {
            const V column = load(x + c * B);
#pragma GCC unroll 7
            for (int o = 0; o < O; ++o)
                if (c - o * S >= 0 && c - o * S < 3) sums[o] += u[c - o * S] * column;
        }
    }
#pragma GCC unroll 7
    for (int o = 0; o < O; ++o) store(y + o * B, sums[o]);
}

// One row of outputs from three padded rows of inputs, all with pixels of 16 L channels.
template <int S, int L>
static void filter(const float* const* rows, const float* w, float* y, int64_t W) {
    constexpr int64_t B = 16 * L;
    for (int64_t c = 0; c < B; c += kLanes)
        in_tiles<7>(W, [&]<int O>(int64_t p) { taps<S, O, B>(rows, p * S * B + c, w + c, y + p * B + c); });
}
typedef void (*Filter)(const float* const*, const float*, float*, int64_t);
template <int L>
static Filter filter_of(int64_t S) { return S == 1 ? filter<1, L> : filter<2, L>; }

// The geometry of a depthwise 3x3 convolution with a border of one pixel.
struct Map {
    int64_t N, H, W, S;
    int64_t padded() const { return W + 2; }
    int64_t height() const { return (H - 1) / S + 1; }
    int64_t width() const { return (W - 1) / S + 1; }
};

// Depthwise convolution of channel blocks whose inputs are made row by row: make(block, image, row, to) writes
// a row of W pixels, and only the three rows in use exist. Half an image of a block is a job.
template <int L, class Make>
static void by_rows(Map m, int64_t blocks, const float* w, float* y, Norm norm, float* scale, float* shift,
                    const Make& make) {
    constexpr int64_t B = 16 * L;
    const Filter row = filter_of<L>(m.S);
    const int64_t bands = 2, parts = m.N * bands, slot = m.padded() * B, out = m.height() * m.width() * B;
    std::vector<Moments<L>> moments(blocks * parts);
#pragma omp parallel
    {
        Scratch ring(4 * slot);
        memset(ring.at, 0, 4 * slot * 4);
        const float* zeros = ring.at + 3 * slot;
#pragma omp for schedule(dynamic, 1)
        for (int64_t job = 0; job < blocks * parts; ++job) {
            const int64_t block = job / parts, n = job % parts / bands, band = job % bands;
            const int64_t end = m.height() * (band + 1) / bands;
            float* to = y + (block * m.N + n) * out;
            int64_t r = m.height() * band / bands, next = r * m.S - 1;
            if (next < 0) next = 0;
            for (; r < end; ++r) {
                const int64_t top = r * m.S - 1;
                for (; next < m.H && next < top + 3; ++next)
                    make(block, n, next, ring.at + next % 3 * slot + B);
                const float* rows[3];
                for (int64_t i = 0; i < 3; ++i)
                    rows[i] = top + i < 0 || top + i >= m.H ? zeros : ring.at + (top + i) % 3 * slot;
                row(rows, w + block * 9 * B, to + r * m.width() * B, m.width());
                moments[job].add(to + r * m.width() * B, m.width(), B);
            }
        }
#pragma omp for schedule(static)
        for (int64_t block = 0; block < blocks; ++block) {
            Moments<L> all;
            for (int64_t part = 0; part < parts; ++part) all.merge(moments[block * parts + part]);
            norm.from(block * B).settle(all, scale + block * B, shift + block * B);
        }
    }
}

// 3x3 convolution of stride 2 from three planes to 32 channels, and its normalisation.
extern "C" void stem(const float* x, const float* w, const float* weight, const float* bias,
                     float* running_mean, float* running_var, int64_t* tracked, float* y, float* scale,
                     float* shift, int64_t N, int64_t H, int64_t W) {
    const int64_t height = (H - 1) / 2 + 1, width = (W - 1) / 2 + 1, padded = W + 2;
    std::vector<Moments<2>> moments(omp_get_max_threads());
#pragma omp parallel
    {
        Scratch rows(9 * padded);
        memset(rows.at, 0, 9 * padded * 4);
        Moments<2> mine;
#pragma omp for schedule(static)
        for (int64_t job = 0; job < N * height; ++job) {
            const int64_t n = job / height, top = job % height * 2 - 1;
            for (int64_t i = 0; i < 9; ++i) {
                const int64_t r = top + i % 3;
                float* to = rows.at + i * padded + 1;
                if (r < 0 || r >= H) memset(to, 0, W * 4);
                else memcpy(to, x + ((n * 3 + i / 3) * H + r) * W, W * 4);
            }
            float* out = y + job * width * 32;
            for (int c = 0; c < 32; c += 2 * kLanes)
                in_tiles<kManyRegisters ? 7 : 6>(width, [&]<int R>(int64_t p) {
                    V sums[R][2] = {};
                    for (int64_t i = 0; i < 9; ++i)
                        product<R, 2>(sums, rows.at + i * padded + 2 * p, 2, 1, w + i * 96 + c, 32, 3);
#pragma GCC unroll 7
                    for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
                        for (int v = 0; v < 2; ++v) store(out + (p + r) * 32 + c + kLanes * v, sums[r][v]);
                });
            mine.add(out, width, 32);
        }
        moments[omp_get_thread_num()] = mine;
    }
    Moments<2> all;
    for (const auto& part : moments) all.merge(part);
    Norm{weight, bias, running_mean, running_var, 32}.settle(all, scale, shift);
    ++*tracked;
}

// to = relu6(scale from + shift) for n pixels of 32 channels.
static void activate_32(const float* from, int64_t n, const float* scale, const float* shift, float* to) {
    constexpr int M = 2 * kPer;
    V s[M], t[M];
#pragma GCC unroll 8
    for (int v = 0; v < M; ++v) {
        s[v] = load(scale + kLanes * v);
        t[v] = load(shift + kLanes * v);
    }
    for (int64_t i = 0; i < n * 32; i += 32)
#pragma GCC unroll 8
        for (int v = 0; v < M; ++v)
            store(to + i + kLanes * v, relu6(load(from + i + kLanes * v) * s[v] + t[v]));
}

// Depthwise convolution of 32 channels that are scaled, shifted and activated as they are read.
extern "C" void depthwise(const float* x, const float* x_scale, const float* x_shift, const float* w,
                          const float* weight, const float* bias, float* running_mean, float* running_var,
                          int64_t* tracked, float* y, float* scale, float* shift, int64_t N, int64_t H,
                          int64_t W, int64_t S) {
    by_rows<2>({N, H, W, S}, 1, w, y, {weight, bias, running_mean, running_var, 32}, scale, shift,
               [&](int64_t, int64_t n, int64_t r, float* to) {
                   activate_32(x + (n * H + r) * W * 32, W, x_scale, x_shift, to);
               });
    ++*tracked;
}

// 1x1 convolution from K channels (stored as `stride`), normalisation, ReLU6 and depthwise convolution. The wide
// map between the convolutions is never stored: its statistics follow from mean and covariance of x, since a
// channel w.x has mean w.E[x] and variance w' Cov w. Then each row is made when the depthwise filter needs it.
extern "C" void expand_large(const float* x, int64_t stride, int64_t K, const double* mean,
                             const double* cov, const float* w1, const float* weight1, const float* bias1,
                             float* running_mean1, float* running_var1, int64_t* tracked1, const float* w2,
                             const float* weight2, const float* bias2, float* running_mean2,
                             float* running_var2, int64_t* tracked2, float* y, float* scale, float* shift,
                             int64_t hidden, int64_t N, int64_t H, int64_t W, int64_t S) {
    constexpr int64_t B = 48;
    const Norm norm{weight1, bias1, running_mean1, running_var1, hidden};
    Scratch inner(2 * hidden);
    float *inner_scale = inner.at, *inner_shift = inner.at + hidden;
#pragma omp parallel for schedule(static)
    for (int64_t c = 0; c < hidden; c += B) {
        const float* w = w1 + c * K;
        double middle[B] = {}, var[B] = {};
        for (int64_t i = 0; i < K; ++i) {
            double sum[B];
            for (int l = 0; l < B; ++l) sum[l] = cov[i * stride + i] * w[i * B + l];
            for (int64_t j = i + 1; j < K; ++j) {
                const double twice = 2 * cov[i * stride + j];
                for (int l = 0; l < B; ++l) sum[l] += twice * w[j * B + l];
            }
            for (int l = 0; l < B; ++l) {
                middle[l] += mean[i] * w[i * B + l];
                var[l] += sum[l] * w[i * B + l];
            }
        }
        norm.from(c).settle(B, N * H * W, middle, var, inner_scale + c, inner_shift + c);
    }
    by_rows<3>({N, H, W, S}, hidden / B, w2, y, {weight2, bias2, running_mean2, running_var2, hidden}, scale,
               shift, [&](int64_t block, int64_t n, int64_t r, float* to) {
                   const float *s = inner_scale + block * B, *t = inner_shift + block * B;
                   panel<3>({x + (n * H + r) * W * stride, stride, 0}, K, w1 + block * B * K, W,
                            [&](int64_t p, int v, V sum) {
                                const int64_t c = kLanes * v;
                                store(to + p * B + c, relu6(sum * load(s + c) + load(t + c)));
                            });
               });
    ++*tracked1;
    ++*tracked2;
}

static void scale_rows(float* y, int64_t n, const float* scale, const float* shift) {
    for (int64_t p = 0; p < n; ++p, y += 48)
        for (int v = 0; v < 48; v += kLanes)
            store(y + v, relu6(load(y + v) * load(scale + v) + load(shift + v)));
}

// The same for small maps: 48 channels of the whole batch fit the L2 cache, and no channel needs another one, so
// one job takes its 48 channels through both convolutions, both normalisations and both activations.
extern "C" void expand_small(const float* x, int64_t stride, int64_t K, const float* w1,
                             const float* weight1, const float* bias1, float* running_mean1,
                             float* running_var1, int64_t* tracked1, const float* w2, const float* weight2,
                             const float* bias2, float* running_mean2, float* running_var2,
                             int64_t* tracked2, float* y, int64_t hidden, int64_t N, int64_t H, int64_t W,
                             int64_t S) {
    constexpr int64_t B = 48;
    const Map m{N, H, W, S};
    const Filter filter = filter_of<3>(S);
    const int64_t slot = m.padded() * B, row = m.width() * B;
#pragma omp parallel
    {
        Scratch map((N * H + 1) * slot);
        memset(map.at, 0, (N * H + 1) * slot * 4);
        const float* zeros = map.at + N * H * slot;
        float scale[B], shift[B];
#pragma omp for schedule(dynamic, 1)
        for (int64_t c = 0; c < hidden; c += B) {
            Moments<3> inner, outer;
            for (int64_t r = 0; r < N * H; ++r) {
                float* to = map.at + r * slot + B;
                panel<3>({x + r * W * stride, stride, 0}, K, w1 + c * K, W,
                         [&](int64_t p, int v, V sum) { store(to + p * B + kLanes * v, sum); });
                inner.add(to, W, B);
            }
            Norm{weight1, bias1, running_mean1, running_var1, hidden}.from(c).settle(inner, scale, shift);
            for (int64_t r = 0; r < N * H; ++r) scale_rows(map.at + r * slot + B, W, scale, shift);

            float* out = y + c * N * m.height() * m.width();
            for (int64_t n = 0; n < N; ++n)
                for (int64_t r = 0; r < m.height(); ++r) {
                    const float* rows[3];
                    for (int64_t i = 0; i < 3; ++i) {
                        const int64_t q = r * S - 1 + i;
                        rows[i] = q < 0 || q >= H ? zeros : map.at + (n * H + q) * slot;
                    }
                    float* to = out + (n * m.height() + r) * row;
                    filter(rows, w2 + c * 9, to, m.width());
                    outer.add(to, m.width(), B);
                }
            Norm{weight2, bias2, running_mean2, running_var2, hidden}.from(c).settle(outer, scale, shift);
            scale_rows(out, N * m.height() * m.width(), scale, shift);
        }
    }
    ++*tracked1;
    ++*tracked2;
}

constexpr int kDoubles = kLanes / 2;  // of a vector

// Rows [i, i + R), N vectors of columns from j on of x' x are added to `sums`; x is n pixels of `stride` channels.
template <int R, int N>
static inline void add_tile(const double* x, int64_t n, int64_t stride, int64_t i, int64_t j, double* sums) {
    D part[R][N] = {};
    for (int64_t p = 0; p < n; ++p, x += stride) {
        D u[N];
#pragma GCC unroll 6
        for (int v = 0; v < N; ++v) u[v] = *(const W*)(x + j + kDoubles * v);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            const double f = x[i + r];
#pragma GCC unroll 6
            for (int v = 0; v < N; ++v) part[r][v] += f * u[v];
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 6
        for (int v = 0; v < N; ++v) *(W*)(sums + (i + r) * stride + j + kDoubles * v) += (W)part[r][v];
}
// Rows [i, i + 16), columns [j, j + B) in tiles of up to R rows by N vectors.
template <int R, int N, int B>
static inline void add_block(const double* x, int64_t n, int64_t stride, int64_t i, int64_t j, double* sums) {
    for (int64_t c = j; c < j + B; c += N * kDoubles)
        in_tiles<R>(16, [&]<int T>(int64_t first) { add_tile<T, N>(x, n, stride, i + first, c, sums); });
}
// The upper triangle of x' x for some 128 pixels. In doubles: where a few pixels are far larger than all others,
// the small variance of w.x is a difference of their large products.
static void add_products(const double* x, int64_t n, int64_t stride, double* sums) {
    for (int64_t i = 0; i < stride; i += 16) {
        int64_t j = i;
        for (; j + 48 <= stride; j += 48) add_block<4, kManyRegisters ? 6 : 3, 48>(x, n, stride, i, j, sums);
        for (; j < stride; j += 16) add_block<kManyRegisters ? 8 : 6, 2, 16>(x, n, stride, i, j, sums);
    }
}

// 1x1 convolution from K channels in blocks of `width` to O (stored as `stride`, in panels of 16 L), and
// normalisation. Inputs that come with a scale are scaled, shifted and cut to 0..6 first. `mean` and `cov`,
// where given, become the moments of the result.
template <int L>
static void project(const float* x, int64_t width, int64_t K, const float* x_scale, const float* x_shift,
                    const float* w, Norm norm, float* y, int64_t stride, double* mean, double* cov,
                    int64_t P) {
    constexpr int64_t B = 16 * L, kChunk = 56;
    const int64_t panels = stride / B, chunks = (P + kChunk - 1) / kChunk, square = stride * stride;
    const int threads = omp_get_max_threads();
    std::vector<Moments<L>> moments(threads * panels);
    std::vector<double> products(cov ? threads * square : 0);
    Scratch affine(2 * stride);
    float *scale = affine.at, *shift = affine.at + stride;
#pragma omp parallel
    {
        const int me = omp_get_thread_num();
        Moments<L>* mine = &moments[me * panels];
        Scratch buffer(x_scale ? kChunk * K : 0);
        std::vector<double> centred(cov ? 128 * stride : 0);
        const auto multiply = [&](Pixels a, int64_t c, int64_t p, int64_t n) {
            float* to = y + p * stride + c * B;
            panel<L>(a, K, w + c * B * K, n,
                     [&](int64_t q, int v, V sum) { store(to + q * stride + kLanes * v, sum); });
            mine[c].add(to, n, stride);
        };
        if (x_scale) {
#pragma omp for schedule(static)
            for (int64_t chunk = 0; chunk < chunks; ++chunk) {
                const int64_t p = chunk * kChunk, n = least(kChunk, P - p);
                for (int64_t k = 0; k < K; k += width) {
                    const float* from = x + k * P + p * width;
                    float* to = buffer.at + k * kChunk;
                    for (int64_t v = 0; v < width; v += kLanes) {
                        const V s = load(x_scale + k + v), t = load(x_shift + k + v);
                        for (int64_t q = 0; q < n; ++q)
                            store(to + q * width + v, relu6(load(from + q * width + v) * s + t));
                    }
                }
                for (int64_t c = 0; c < panels; ++c) multiply({buffer.at, width, kChunk * width}, c, p, n);
            }
        } else {
#pragma omp for schedule(static)
            for (int64_t job = 0; job < panels * chunks; ++job) {
                const int64_t p = job % chunks * kChunk;
                multiply({x + p * width, width, P * width}, job / chunks, p, least(kChunk, P - p));
            }
        }
#pragma omp for schedule(static)
        for (int64_t c = 0; c < panels; ++c) {
            Moments<L> all;
            for (int t = 0; t < threads; ++t) all.merge(moments[t * panels + c]);
            norm.from(c * B).settle(all, scale + c * B, shift + c * B);
            for (int64_t o = c * B; o < (c + 1) * B && mean; ++o)
                mean[o] = o < norm.channels ? norm.bias[o] : 0;
        }
#pragma omp for schedule(static)
        for (int64_t p = 0; p < P; p += 128) {
            const int64_t n = least(128, P - p);
            for (int64_t c = 0; c < stride; c += kLanes) {
                const V s = load(scale + c), t = load(shift + c);
                for (int64_t q = 0; q < n; ++q) {
                    float* at = y + (p + q) * stride + c;
                    const V value = load(at) * s + t;
                    store(at, value);
                    for (int l = 0; l < kLanes && cov; ++l) centred[q * stride + c + l] = value[l] - mean[c + l];
                }
            }
            if (cov) add_products(centred.data(), n, stride, &products[me * square]);
        }
        if (cov) {
#pragma omp for schedule(static)
            for (int64_t i = 0; i < square; ++i) {
                double sum = 0;
                for (int t = 0; t < threads; ++t) sum += products[t * square + i];
                cov[i] = sum / P;
            }
        }
    }
}

extern "C" void contract(const float* x, int64_t width, int64_t K, const float* x_scale,
                         const float* x_shift, const float* w, const float* weight, const float* bias,
                         float* running_mean, float* running_var, int64_t* tracked, float* y, int64_t O,
                         int64_t stride, int64_t panel, double* mean, double* cov, int64_t P) {
    const auto kind = panel == 16 ? project<1> : panel == 32 ? project<2> : project<3>;
    kind(x, width, K, x_scale, x_shift, w, {weight, bias, running_mean, running_var, O}, y, stride, mean, cov, P);
    ++*tracked;
}

// 1x1 convolution to O channels, normalisation, activation and the average of each image, 48 channels a job.
extern "C" void head(const float* x, int64_t stride, int64_t K, const float* w, const float* weight,
                     const float* bias, float* running_mean, float* running_var, int64_t* tracked, float* y,
                     int64_t O, int64_t N, int64_t area) {
#pragma omp parallel
    {
        Scratch map(N * area * 48);
        float scale[48], shift[48];
#pragma omp for schedule(dynamic, 1)
        for (int64_t c = 0; c < O; c += 48) {
            Moments<3> moments;
            for (int64_t n = 0; n < N; ++n) {
                float* to = map.at + n * area * 48;
                panel<3>({x + n * area * stride, stride, 0}, K, w + c * K, area,
                         [&](int64_t p, int v, V sum) { store(to + p * 48 + kLanes * v, sum); });
                moments.add(to, area, 48);
            }
            Norm{weight, bias, running_mean, running_var, O}.from(c).settle(moments, scale, shift);
            for (int64_t n = 0; n < N; ++n)
                for (int64_t v = 0; v < 48 && c + v < O; v += kLanes) {
                    const float* from = map.at + n * area * 48 + v;
                    const V s = load(scale + v), t = load(shift + v);
                    V sum = {};
                    for (int64_t p = 0; p < area; ++p) sum += relu6(load(from + p * 48) * s + t);
                    store(y + n * O + c + v, sum / (float)area);
                }
        }
    }
    ++*tracked;
}
"""

library = kernelevo.cpp(SOURCE)


def panels(width: int) -> Callable[[Tensor], Tensor]:
    """Return a function that packs (O, K, ...) into (O / width, K, width), O padded with zeros."""

    def pack(weight: Tensor) -> Tensor:
        flat = weight.flatten(1)
        padded = torch.cat([flat, flat.new_zeros(-len(flat) % width, flat.shape[1])])
        return padded.unflatten(0, (-1, width)).transpose(1, 2).contiguous()

    return pack


PACK = {width: panels(width) for width in (16, 32, 48)}


def panel_width(channels: int) -> int:
    """Return the vectors' total width that wastes the fewest columns; the wider one where they tie."""
    return 16 if channels <= 16 else min((48, 32), key=lambda width: -channels % width)


def norm_of(bn: nn.BatchNorm2d) -> tuple[Tensor, ...]:
    return bn.weight, bn.bias, bn.running_mean, bn.running_var, bn.num_batches_tracked


def conv_norm(
    in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    padding = kernel_size // 2
    return [
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
    ]


def bottleneck(in_channels: int, out_channels: int, stride: int, expansion: int) -> nn.Sequential:
    hidden = in_channels * expansion
    layers: list[nn.Module] = []
    if expansion != 1:
        layers += [*conv_norm(in_channels, hidden), nn.ReLU6()]
    layers += [*conv_norm(hidden, hidden, 3, stride, groups=hidden), nn.ReLU6()]
    return nn.Sequential(*layers, *conv_norm(hidden, out_channels))


class ModelNew(nn.Module):
    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        channels = 32
        layers: list[nn.Module] = [*conv_norm(3, channels, 3, stride=2), nn.ReLU6()]
        for expansion, width, count, stride in STAGES:
            for index in range(count):
                layers.append(bottleneck(channels, width, stride if index == 0 else 1, expansion))
                channels = width
        layers += [*conv_norm(channels, 1280), nn.ReLU6(), nn.AdaptiveAvgPool2d((1, 1))]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.0), nn.Linear(1280, classes))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return self.classifier(torch.flatten(self.features(x), 1))
        conv, bn, _, *blocks, last_conv, last_bn, _, _ = self.features
        images, _, height, width = x.shape
        height, width = (height + 1) // 2, (width + 1) // 2
        y = torch.empty(images * height * width * 32)
        scale, shift = torch.empty(32), torch.empty(32)
        library.stem(
            x.contiguous(), kernelevo.packed(PACK[32], conv.weight), *norm_of(bn), y, scale, shift,
            images, x.shape[2], x.shape[3],
        )  # fmt: skip
        mean = cov = None
        for i, block in enumerate(blocks):
            *expansion, filtering, filter_bn, _, projection, project_bn = block
            stride, hidden = filtering.stride[0], filtering.out_channels
            before, inner_width = (images, height, width, stride), 48 if expansion else 32
            taps = kernelevo.packed(PACK[inner_width], filtering.weight)
            height, width = (height - 1) // stride + 1, (width - 1) // stride + 1
            pixels = images * height * width
            inner = torch.empty(pixels * hidden)
            input_norm, small = (scale, shift), bool(expansion) and cov is None
            scale, shift = (None, None) if small else (torch.empty(hidden), torch.empty(hidden))
            if not expansion:
                library.depthwise(y, *input_norm, taps, *norm_of(filter_bn), inner, scale, shift, *before)
            elif small:
                library.expand_small(
                    y, y.shape[1], expansion[0].in_channels, kernelevo.packed(PACK[48], expansion[0].weight),
                    *norm_of(expansion[1]), taps, *norm_of(filter_bn), inner, hidden, *before,
                )  # fmt: skip
            else:
                library.expand_large(
                    y, y.shape[1], expansion[0].in_channels, mean, cov,
                    kernelevo.packed(PACK[48], expansion[0].weight), *norm_of(expansion[1]), taps,
                    *norm_of(filter_bn), inner, scale, shift, hidden, *before,
                )  # fmt: skip
            channels = projection.out_channels
            panel = panel_width(channels)
            padded = channels + -channels % panel
            y = torch.empty(pixels, padded)
            mean = torch.empty(padded, dtype=torch.float64)
            large = pixels > TUNE["SMALL"][0] and i + 1 < len(blocks)
            cov = torch.empty(padded, padded, dtype=torch.float64) if large else None
            library.contract(
                inner, inner_width, hidden, scale, shift, kernelevo.packed(PACK[panel], projection.weight),
                *norm_of(project_bn), y, channels, padded, panel, mean, cov, pixels,
            )  # fmt: skip
        pooled = torch.empty(images, last_conv.out_channels)
        library.head(
            y, y.shape[1], last_conv.in_channels, kernelevo.packed(PACK[48], last_conv.weight), *norm_of(last_bn),
            pooled, last_conv.out_channels, images, height * width,
        )  # fmt: skip
        return self.classifier(pooled)
