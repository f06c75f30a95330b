"""MobileNet v1 as pixels in blocks of 32 channels, in C++: most maps are never stored, the others once.

A 1x1 convolution runs together with the depthwise one after it. Where maps are small (14 x 14 and 7 x 7,
most of the layers) they are split by channels: 32 of them, over the whole batch, go through both
convolutions and both normalisations in one core's L2 cache, since behind the products no channel needs
another one. Where maps are large, the statistics between the two follow from the covariance of the input
(channel w.x has mean w.E[x] and variance w' Cov(x) w), so that rows can be computed when the depthwise
filter gets to them; three exist at a time. Only where the input is too wide for its covariance to be cheap,
the map between them is stored, by a 1x1 convolution that sums the statistics of its output while that is in
L1. Normalisation and ReLU are applied by the next reader. The depthwise filter runs over vectors of
channels and keeps seven outputs in registers.
"""

import torch
from torch import Tensor, nn

import kernelevo

# up to this many pixels in the batch, 32 channels of all images go through two convolutions in one job
# up to how many inputs a 1x1 convolution on larger maps is computed row by row, from their covariance
TUNE = {"SMALL": [2048, 1024, 8192], "FUSED": [64, 128, 32, 0]}

# channels after each separable convolution (times alpha) and the stride of its depthwise part
STAGES = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
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
using kernelevo::kLanes, kernelevo::load, kernelevo::relu, kernelevo::store;

constexpr bool kManyRegisters = kernelevo::kVectorRegisters == 32;
constexpr int kPer = 16 / kLanes;  // vectors of 16 channels
// A register tile of products: two vectors of channels for this many pixels, sums in all registers but a few.
constexpr int kWide = 2, kRows = kManyRegisters ? 14 : 6;
static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

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
        constexpr int kVectors = L * kPer;
        const double share = 1.0 / n;
        V middle[kVectors] = {}, sum[kVectors] = {}, square[kVectors] = {};
        for (int64_t p = 0; p < n; ++p)
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) middle[v] += load(y + p * stride + kLanes * v);
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) middle[v] *= (float)share;
        for (int64_t p = 0; p < n; ++p)
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) {
                const V d = load(y + p * stride + kLanes * v) - middle[v];
                sum[v] += d;
                square[v] += d * d;
            }
        float f[16 * L], s[16 * L], q[16 * L];
        memcpy(f, middle, sizeof f);
        memcpy(s, sum, sizeof s);
        memcpy(q, square, sizeof q);
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
template <int R, int L>
static inline __attribute__((always_inline)) void product(V (&sums)[R][L], const float* a, int64_t row, int64_t step,
                                                          const float* w, int64_t next, int64_t K) {
    for (int64_t k = 0; k < K; ++k, a += step, w += next) {
        V u[L];
#pragma GCC unroll 3
        for (int v = 0; v < L; ++v) u[v] = load(w + kLanes * v);
#pragma GCC unroll 14
        for (int r = 0; r < R; ++r) {
            const float f = a[r * row];
#pragma GCC unroll 3
            for (int v = 0; v < L; ++v) sums[r][v] += f * u[v];
        }
    }
}

// A tensor of pixels in blocks of `width` channels, `apart` floats from one block to the next.
struct Pixels {
    const float* at;
    int64_t width, apart;
};

// One tile of `rows` (at most R) pixels from `first` on: run<rows>(first).
template <int R, class Run>
static inline void tile_of(int64_t rows, int64_t first, const Run& run) {
    if constexpr (R > 1)
        if (rows < R) return tile_of<R - 1>(rows, first, run);
    run.template operator()<R>(first);
}
// n pixels in tiles of nearly equal height, at most R.
template <int R, class Run>
static inline void in_tiles(int64_t n, const Run& run) {
    const int64_t tiles = (n + R - 1) / R;
    for (int64_t i = 0; i < tiles; ++i) {
        const int64_t first = n * i / tiles;
        tile_of<R>(n * (i + 1) / tiles - first, first, run);
    }
}

// R pixels from `first` on by kWide vectors of channels from vector `wide` on; w is a panel of `step` channels.
template <int R, class Put>
static inline void tile(Pixels a, int64_t K, const float* w, int64_t step, const Put& put, int64_t first, int wide) {
    V sums[R][kWide] = {};
    const float* from = a.at + first * a.width;
    w += wide * kLanes;
    for (int64_t k = 0; k < K; k += a.width, from += a.apart)
        product<R, kWide>(sums, from, a.width, 1, w + k * step, step, least(a.width, K - k));
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
        for (int v = 0; v < kWide; ++v) put(first + r, wide + v, sums[r][v]);
}

// 1x1 convolution of n pixels to 16 L channels: put(pixel, vector, value) takes the results.
template <int L, class Put>
static inline void panel(Pixels a, int64_t K, const float* w, int64_t n, const Put& put) {
    static_assert(L * kPer % kWide == 0);
    for (int v = 0; v < L * kPer; v += kWide)
        in_tiles<kRows>(n, [&]<int R>(int64_t p) { tile<R>(a, K, w, 16 * L, put, p, v); });
}

// O neighbouring outputs of a depthwise 3x3 convolution, one vector of its B channels: every column is loaded once.
template <int S, int O>
static inline void taps(const float* const* rows, int64_t at, const float* w, int64_t B, float* y) {
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
    for (int64_t c = 0; c < B; c += 16) {
        // the vectors of 16 channels one after another, since they share their cache lines
        const auto some = [&]<int O>(int64_t p) {
            for (int64_t v = c; v < c + 16; v += kLanes) taps<S, O>(rows, p * S * B + v, w + v, B, y + p * B + v);
        };
        int64_t p = 0;
        for (; p + 7 <= W; p += 7) some.template operator()<7>(p);
        for (; p < W; ++p) some.template operator()<1>(p);
    }
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
            for (int64_t c = 0; c < 32; c += kWide * kLanes)
                in_tiles<kManyRegisters ? 7 : 6>(width, [&]<int R>(int64_t p) {
                    V sums[R][kWide] = {};
                    for (int64_t i = 0; i < 9; ++i)
                        product<R, kWide>(sums, rows.at + i * padded + 2 * p, 2, 1, w + i * 96 + c, 32, 3);
#pragma GCC unroll 7
                    for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
                        for (int v = 0; v < kWide; ++v) store(out + (p + r) * 32 + c + kLanes * v, sums[r][v]);
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

// In all that follows maps are stored as blocks of 32 channels, each (images, rows, columns, 32).

// y = activate(x * scale + shift) for n pixels of a block; y may be x.
static void normalise(const float* x, float* y, int64_t n, const float* scale, const float* shift) {
    constexpr int kVectors = 2 * kPer;
    V s[kVectors], t[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
        s[v] = load(scale + kLanes * v);
        t[v] = load(shift + kLanes * v);
    }
    for (int64_t i = 0; i < n * 32; i += 32)
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v)
            store(y + i + kLanes * v, relu(load(x + i + kLanes * v) * s[v] + t[v]));
}

// Depthwise convolution that normalises its input row by row as it reads it.
extern "C" void depthwise(const float* x, const float* x_scale, const float* x_shift, const float* w,
                          const float* weight, const float* bias, float* running_mean, float* running_var,
                          int64_t* tracked, float* y, float* scale, float* shift, int64_t C, int64_t N,
                          int64_t H, int64_t W, int64_t S) {
    by_rows<2>({N, H, W, S}, C / 32, w, y, {weight, bias, running_mean, running_var, C}, scale, shift,
               [&](int64_t block, int64_t n, int64_t r, float* to) {
                   normalise(x + ((block * N + n) * H + r) * W * 32, to, W, x_scale + block * 32,
                             x_shift + block * 32);
               });
    ++*tracked;
}

// 1x1 convolution from C to O channels that normalises its input, 56 pixels at a time, on the way into the cache.
extern "C" void pointwise(const float* x, const float* x_scale, const float* x_shift, const float* w,
                          const float* weight, const float* bias, float* running_mean, float* running_var,
                          int64_t* tracked, float* y, float* scale, float* shift, int64_t C, int64_t O,
                          int64_t P) {
    constexpr int64_t kChunk = 56;
    const int64_t panels = O / 32;
    const int threads = omp_get_max_threads();
    std::vector<Moments<2>> moments(threads * panels);
#pragma omp parallel
    {
        Moments<2>* mine = &moments[omp_get_thread_num() * panels];
        Scratch buffer(kChunk * C);
#pragma omp for schedule(static)
        for (int64_t p = 0; p < P; p += kChunk) {
            const int64_t n = least(kChunk, P - p);
            for (int64_t c = 0; c < C; c += 32)
                normalise(x + c * P + p * 32, buffer.at + c * kChunk, n, x_scale + c, x_shift + c);
            for (int64_t o = 0; o < panels; ++o) {
                float* to = y + (o * P + p) * 32;
                panel<2>({buffer.at, 32, kChunk * 32}, C, w + o * 32 * C, n,
                         [&](int64_t q, int v, V sum) { store(to + q * 32 + kLanes * v, sum); });
                mine[o].add(to, n, 32);
            }
        }
#pragma omp for schedule(static)
        for (int64_t o = 0; o < panels; ++o) {
            Moments<2> all;
            for (int t = 0; t < threads; ++t) all.merge(moments[t * panels + o]);
            Norm{weight, bias, running_mean, running_var, O}.from(o * 32).settle(all, scale + o * 32, shift + o * 32);
        }
    }
    ++*tracked;
}

constexpr int kTall = kManyRegisters ? 8 : 4;  // rows of a tile of x' x, beside at most three vectors of columns

// Rows [i, i + kTall) and L vectors of columns from j on of x' x are added to `sums`; x is n pixels of `stride`
// channels.
template <int L>
static inline void add_tile(const float* x, int64_t n, int64_t stride, int64_t i, int64_t j, double* sums) {
    V part[kTall][L] = {};
    product<kTall, L>(part, x + i, 1, stride, x + j, stride, n);
#pragma GCC unroll 8
    for (int r = 0; r < kTall; ++r) {
        float lanes[kLanes * L];
        memcpy(lanes, part[r], sizeof lanes);
        double* to = sums + (i + r) * stride + j;
        for (int l = 0; l < kLanes * L; ++l) to[l] += lanes[l];
    }
}
// The upper triangle of x' x for some 128 pixels.
static void add_products(const float* x, int64_t n, int64_t stride, double* sums) {
    for (int64_t i = 0; i < stride; i += kTall) {
        int64_t j = i / kLanes * kLanes;
        for (; j + 3 * kLanes <= stride; j += 3 * kLanes) add_tile<3>(x, n, stride, i, j, sums);
        if constexpr (!kManyRegisters)  // four sums at a time would mostly wait for one another
            for (; j + 2 * kLanes <= stride; j += 2 * kLanes) add_tile<2>(x, n, stride, i, j, sums);
        for (; j < stride; j += kLanes) add_tile<1>(x, n, stride, i, j, sums);
    }
}

// Mean and covariance of relu(scale x + shift). Distances are taken from a sample's mean, so that nothing cancels.
extern "C" void covariance(const float* x, const float* scale, const float* shift, double* mean,
                           double* cov, int64_t C, int64_t P) {
    constexpr int64_t kSample = 64;
    const int64_t square = C * C;
    const int threads = omp_get_max_threads();
    std::vector<double> sums(threads * (square + C));
    std::vector<float> guess(C);
    for (int64_t c = 0; c < C; ++c) {
        for (int64_t s = 0; s < kSample; ++s) {
            const float value = x[(c / 32 * P + s * P / kSample) * 32 + c % 32] * scale[c] + shift[c];
            guess[c] += value > 0 ? value / kSample : 0;
        }
    }
#pragma omp parallel
    {
        double *products = &sums[omp_get_thread_num() * (square + C)], *plain = products + square;
        Scratch distances(128 * C);
#pragma omp for schedule(static)
        for (int64_t p = 0; p < P; p += 128) {
            const int64_t n = least(128, P - p);
            for (int64_t c = 0; c < C; c += kLanes) {
                const float* from = x + (c / 32 * P + p) * 32 + c % 32;
                const V s = load(scale + c), t = load(shift + c), middle = load(&guess[c]);
                V sum = {};
                for (int64_t q = 0; q < n; ++q) {
                    const V d = relu(load(from + q * 32) * s + t) - middle;
                    sum += d;
                    store(distances.at + q * C + c, d);
                }
                for (int l = 0; l < kLanes; ++l) plain[c + l] += sum[l];
            }
            add_products(distances.at, n, C, products);
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < square + C; ++i)
            for (int t = 1; t < threads; ++t) sums[i] += sums[t * (square + C) + i];
    }
    const double* plain = &sums[square];
    for (int64_t i = 0; i < C; ++i) {
        mean[i] = guess[i] + plain[i] / P;
        for (int64_t j = i; j < C; ++j) cov[i * C + j] = (sums[i * C + j] - plain[i] / P * plain[j]) / P;
    }
}

// 1x1 convolution and the depthwise one after it, for large maps: the one between them is never stored. Its
// statistics follow from its input's, since a channel w.x has mean w.E[x] and variance w' Cov(x) w; then each of its
// rows is made when the depthwise filter gets to it.
extern "C" void pointwise_depthwise_large(const float* x, const float* x_scale, const float* x_shift,
                                          const double* mean, const double* cov, const float* w1,
                                          const float* weight1, const float* bias1, float* running_mean1,
                                          float* running_var1, int64_t* tracked1, const float* w2,
                                          const float* weight2, const float* bias2, float* running_mean2,
                                          float* running_var2, int64_t* tracked2, float* y, float* scale,
                                          float* shift, int64_t C, int64_t O, int64_t N, int64_t H,
                                          int64_t W, int64_t S) {
    Scratch affine(2 * O), rows(omp_get_max_threads() * W * C);
    float *inner_scale = affine.at, *inner_shift = affine.at + O;
#pragma omp parallel for schedule(static)
    for (int64_t o = 0; o < O; o += 32) {
        const float* w = w1 + o * C;
        double middle[32] = {}, var[32] = {};
        for (int64_t i = 0; i < C; ++i) {
            double sum[32];
            for (int l = 0; l < 32; ++l) sum[l] = cov[i * C + i] * w[i * 32 + l];
            for (int64_t j = i + 1; j < C; ++j) {
                const double twice = 2 * cov[i * C + j];
                for (int l = 0; l < 32; ++l) sum[l] += twice * w[j * 32 + l];
            }
            for (int l = 0; l < 32; ++l) {
                middle[l] += mean[i] * w[i * 32 + l];
                var[l] += sum[l] * w[i * 32 + l];
            }
        }
        Norm{weight1, bias1, running_mean1, running_var1, O}.from(o).settle(32, N * H * W, middle, var,
                                                                            inner_scale + o, inner_shift + o);
    }
    by_rows<2>({N, H, W, S}, O / 32, w2, y, {weight2, bias2, running_mean2, running_var2, O}, scale, shift,
               [&](int64_t block, int64_t n, int64_t r, float* to) {
                   float* row = rows.at + omp_get_thread_num() * W * C;
                   for (int64_t c = 0; c < C; c += 32)
                       normalise(x + ((c / 32 * N + n) * H + r) * W * 32, row + c * W, W, x_scale + c, x_shift + c);
                   const float *s = inner_scale + block * 32, *t = inner_shift + block * 32;
                   panel<2>({row, 32, W * 32}, C, w1 + block * 32 * C, W, [&](int64_t p, int v, V sum) {
                       store(to + p * 32 + kLanes * v, relu(sum * load(s + kLanes * v) + load(t + kLanes * v)));
                   });
               });
    ++*tracked1;
    ++*tracked2;
}

extern "C" void finish(float* x, const float* scale, const float* shift, int64_t C, int64_t P) {
#pragma omp parallel for schedule(static)
    for (int64_t c = 0; c < C; c += 32) normalise(x + c * P, x + c * P, P, scale + c, shift + c);
}

// The same for small maps, with a normalised input and output: 32 channels of the whole batch fit the L2 cache, and
// behind the products no channel needs another one, so one job does it all.
extern "C" void pointwise_depthwise_small(const float* x, const float* w1, const float* weight1,
                                          const float* bias1, float* running_mean1, float* running_var1,
                                          int64_t* tracked1, const float* w2, const float* weight2,
                                          const float* bias2, float* running_mean2, float* running_var2,
                                          int64_t* tracked2, float* y, int64_t C, int64_t O, int64_t N,
                                          int64_t H, int64_t W, int64_t S) {
    const Map m{N, H, W, S};
    const Filter filter = filter_of<2>(S);
    const int64_t slot = m.padded() * 32, row = m.width() * 32, P = N * H * W, out = N * m.height() * m.width();
#pragma omp parallel
    {
        Scratch map((N * H + 1) * slot);
        memset(map.at, 0, (N * H + 1) * slot * 4);
        const float* zeros = map.at + N * H * slot;
        float scale[32], shift[32];
#pragma omp for schedule(dynamic, 1)
        for (int64_t o = 0; o < O; o += 32) {
            Moments<2> inner, outer;
            for (int64_t r = 0; r < N * H; ++r) {
                float* to = map.at + r * slot + 32;
                panel<2>({x + r * W * 32, 32, P * 32}, C, w1 + o * C, W,
                         [&](int64_t p, int v, V sum) { store(to + p * 32 + kLanes * v, sum); });
                inner.add(to, W, 32);
            }
            Norm{weight1, bias1, running_mean1, running_var1, O}.from(o).settle(inner, scale, shift);
            for (int64_t r = 0; r < N * H; ++r)
                normalise(map.at + r * slot + 32, map.at + r * slot + 32, W, scale, shift);

            float* to = y + o * out;
            for (int64_t n = 0; n < N; ++n)
                for (int64_t r = 0; r < m.height(); ++r) {
                    const float* rows[3];
                    for (int64_t i = 0; i < 3; ++i) {
                        const int64_t q = r * S - 1 + i;
                        rows[i] = q < 0 || q >= H ? zeros : map.at + (n * H + q) * slot;
                    }
                    float* at = to + (n * m.height() + r) * row;
                    filter(rows, w2 + o * 9, at, m.width());
                    outer.add(at, m.width(), 32);
                }
            Norm{weight2, bias2, running_mean2, running_var2, O}.from(o).settle(outer, scale, shift);
            normalise(to, to, out, scale, shift);
        }
    }
    ++*tracked1;
    ++*tracked2;
}

// 1x1 convolution to O channels, normalisation, ReLU and the average of each image, 32 channels a job.
extern "C" void head(const float* x, const float* w, const float* weight, const float* bias,
                     float* running_mean, float* running_var, int64_t* tracked, float* y, int64_t C,
                     int64_t O, int64_t N, int64_t area) {
#pragma omp parallel
    {
        Scratch map(N * area * 32);
        float scale[32], shift[32];
#pragma omp for schedule(dynamic, 1)
        for (int64_t o = 0; o < O; o += 32) {
            Moments<2> moments;
            panel<2>({x, 32, N * area * 32}, C, w + o * C, N * area,
                     [&](int64_t p, int v, V sum) { store(map.at + p * 32 + kLanes * v, sum); });
            for (int64_t n = 0; n < N; ++n) moments.add(map.at + n * area * 32, area, 32);
            Norm{weight, bias, running_mean, running_var, O}.from(o).settle(moments, scale, shift);
            normalise(map.at, map.at, N * area, scale, shift);
            for (int64_t n = 0; n < N; ++n)
                for (int64_t v = 0; v < 32; v += kLanes) {
                    V sum = {};
                    for (int64_t p = 0; p < area; ++p) sum += load(map.at + (n * area + p) * 32 + v);
                    store(y + n * O + o + v, sum / (float)area);
                }
        }
    }
    ++*tracked;
}
"""

library = kernelevo.cpp(SOURCE)


def pack(weight: Tensor) -> Tensor:
    """(O, K, ...) -> (O / 32, K, 32), for each kind of convolution here."""
    return weight.flatten(1).unflatten(0, (-1, 32)).transpose(1, 2).contiguous()


def norm_of(bn: nn.BatchNorm2d) -> tuple[Tensor, ...]:
    return bn.weight, bn.bias, bn.running_mean, bn.running_var, bn.num_batches_tracked


def separable(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 3, stride=stride, padding=1, groups=in_channels, bias=False),
        nn.BatchNorm2d(in_channels),
        nn.ReLU(),
        nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


class ModelNew(nn.Module):
    def __init__(self, classes: int = 1000, in_channels: int = 3, alpha: float = 1.0) -> None:
        super().__init__()
        channels = int(32 * alpha)
        stem = nn.Sequential(
            nn.Conv2d(in_channels, channels, kernel_size=3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )
        layers: list[nn.Module] = [stem]
        for width, stride in STAGES:
            layers.append(separable(channels, int(width * alpha), stride))
            channels = int(width * alpha)
        self.model = nn.Sequential(*layers, nn.AvgPool2d(7))
        self.fc = nn.Linear(channels, classes)
        self.fits = in_channels == 3 and alpha == 1  # blocks of 32 channels

    def forward(self, x: Tensor) -> Tensor:
        if not (self.fits and self.training and x.shape[2:] == (224, 224)):
            return self.fc(torch.flatten(self.model(x), 1))
        stem, *stages, _ = self.model
        images, side = len(x), 112
        y, scale, shift = torch.empty(images * side * side * 32), torch.empty(32), torch.empty(32)
        library.stem(
            x.contiguous(), kernelevo.packed(pack, stem[0].weight), *norm_of(stem[1]), y, scale, shift,
            images, 224, 224,
        )  # fmt: skip
        waiting = None  # the 1x1 convolution ahead of a stage and its norm, computed together with its filter
        normalised = False  # whether scale and shift have been applied to y
        for stage in stages:
            filtering, filter_bn, _, mixing, mix_bn, _ = stage
            channels, stride = filtering.out_channels, filtering.stride[0]
            filter_operands = kernelevo.packed(pack, filtering.weight), *norm_of(filter_bn)
            geometry, before = (channels, images, side, side, stride), images * side * side
            side //= stride
            pixels = images * side * side
            x, input_norm = y, (scale, shift)
            y, scale, shift = torch.empty(pixels * channels), torch.empty(channels), torch.empty(channels)
            if waiting is None:
                library.depthwise(x, *input_norm, *filter_operands, y, scale, shift, *geometry)
            else:
                previous, previous_bn = waiting
                fan_in = previous.in_channels
                mix_operands = kernelevo.packed(pack, previous.weight), *norm_of(previous_bn)
                if normalised:
                    library.pointwise_depthwise_small(x, *mix_operands, *filter_operands, y, fan_in, *geometry)
                elif fan_in <= TUNE["FUSED"][0]:
                    mean = torch.empty(fan_in, dtype=torch.float64)
                    cov = torch.empty(fan_in, fan_in, dtype=torch.float64)
                    library.covariance(x, *input_norm, mean, cov, fan_in, before)
                    library.pointwise_depthwise_large(
                        x, *input_norm, mean, cov, *mix_operands, *filter_operands, y, scale, shift, fan_in,
                        *geometry,
                    )  # fmt: skip
                else:
                    mixed, mixed_norm = torch.empty(before * channels), torch.empty(2, channels)
                    library.pointwise(
                        x, *input_norm, *mix_operands, mixed, *mixed_norm, fan_in, channels, before
                    )
                    library.depthwise(mixed, *mixed_norm, *filter_operands, y, scale, shift, *geometry)
            if not normalised and pixels <= TUNE["SMALL"][0]:
                library.finish(y, scale, shift, channels, pixels)
                normalised = True
            waiting = mixing, mix_bn
        last, last_bn = waiting
        pooled = torch.empty(images, last.out_channels)
        library.head(
            y, kernelevo.packed(pack, last.weight), *norm_of(last_bn), pooled, last.in_channels,
            last.out_channels, images, side * side,
        )  # fmt: skip
        return self.fc(pooled)
