"""EfficientNet-B2, scaling excitation, as pixels in C++: the wide maps ahead of the filters are never stored.

A 1x1 convolution's batch statistics need not be measured on its output: channel w.x has mean w.E[x] and
variance w' Cov(x) w. So a block whose maps are large takes the covariance of its narrow input, and then
expands, normalises and cuts each row only when the depthwise filter gets to it. A block whose maps are
small is split by channels instead: 48 of them, over the whole batch, go through both convolutions, both
normalisations and the average within one core's L2 cache. The excitation scales nothing itself: it becomes
part of the normalisation that the projection applies to its input, since a positive factor commutes with
ReLU. Vectors are as wide as the processor's; the 1x1 convolutions use tiles of 7 x 3 of them, or 4 x 3 where
there are only 16 registers.
"""

import torch
from torch import Tensor, nn

import kernelevo

# up to this many pixels in the batch, 48 channels of all images go through a block in one job
TUNE = {"SMALL": [2048, 1024, 8192]}

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

// Rows [i, i + R), N vectors of columns from j on of x' x are added to `sums`; x is n pixels of `stride` channels.
template <int R, int N>
static inline void add_tile(const float* x, int64_t n, int64_t stride, int64_t i, int64_t j, double* sums) {
    V part[R][N] = {};
    product<R, N>(part, x + i, 1, stride, x + j, stride, n);
    float lanes[R][N * kLanes];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
        for (int v = 0; v < N; ++v) store(lanes[r] + kLanes * v, part[r][v]);
    for (int r = 0; r < R; ++r) {
        double* to = sums + (i + r) * stride + j;
        for (int l = 0; l < N * kLanes; ++l) to[l] += lanes[r][l];
    }
}
// Rows [i, i + 16), columns [j, j + B) in tiles of N vectors: 8 rows of them, or as many as 16 registers hold.
template <int N, int B>
static inline void add_block(const float* x, int64_t n, int64_t stride, int64_t i, int64_t j, double* sums) {
    for (int64_t c = j; c < j + B; c += N * kLanes)
        in_tiles<kManyRegisters ? 8 : 12 / N>(
            16, [&]<int R>(int64_t first) { add_tile<R, N>(x, n, stride, i + first, c, sums); });
}
// The upper triangle of x' x for some 128 pixels.
static void add_products(const float* x, int64_t n, int64_t stride, double* sums) {
    for (int64_t i = 0; i < stride; i += 16) {
        int64_t j = i;
        for (; j + 48 <= stride; j += 48) add_block<3, 48>(x, n, stride, i, j, sums);
        for (; j < stride; j += 16) add_block<part(kPer, 2), 16>(x, n, stride, i, j, sums);
    }
}

// x = relu(scale x + shift) for n pixels of 32 channels.
static void activate_32(float* x, int64_t n, const float* scale, const float* shift) {
    constexpr int M = 2 * kPer;
    V s[M], t[M];
#pragma GCC unroll 8
    for (int v = 0; v < M; ++v) {
        s[v] = load(scale + kLanes * v);
        t[v] = load(shift + kLanes * v);
    }
    for (float* end = x + n * 32; x < end; x += 32)
#pragma GCC unroll 8
        for (int v = 0; v < M; ++v) store(x + kLanes * v, relu(load(x + kLanes * v) * s[v] + t[v]));
}

// Normalises and activates P pixels of 32 channels in place, then takes their mean and covariance.
extern "C" void activate(float* x, const float* scale, const float* shift, double* mean, double* cov,
                         int64_t P) {
    const int threads = omp_get_max_threads();
    std::vector<Moments<2>> moments(threads);
    std::vector<double> products(threads * 1024);
#pragma omp parallel
    {
        const int me = omp_get_thread_num();
        Scratch centred(128 * 32);
#pragma omp for schedule(static)
        for (int64_t p = 0; p < P; p += 128) {
            const int64_t n = least(128, P - p);
            float* at = x + p * 32;
            activate_32(at, n, scale, shift);
            moments[me].add(at, n, 32);
        }
#pragma omp single
        {
            Moments<2> all;
            for (const auto& part : moments) all.merge(part);
            memcpy(mean, all.mean, sizeof all.mean);
        }
        float middle[32];
        for (int c = 0; c < 32; ++c) middle[c] = mean[c];
        V u[2 * kPer];
#pragma GCC unroll 8
        for (int v = 0; v < 2 * kPer; ++v) u[v] = load(middle + kLanes * v);
#pragma omp for schedule(static)
        for (int64_t p = 0; p < P; p += 128) {
            const int64_t n = least(128, P - p);
            for (int64_t i = 0; i < n * 32; i += 32)
#pragma GCC unroll 8
                for (int v = 0; v < 2 * kPer; ++v)
                    store(centred.at + i + kLanes * v, load(x + p * 32 + i + kLanes * v) - u[v]);
            add_products(centred.at, n, 32, &products[me * 1024]);
        }
    }
    for (int64_t i = 0; i < 1024; ++i) {
        double sum = 0;
        for (int t = 0; t < threads; ++t) sum += products[t * 1024 + i];
        cov[i] = sum / P;
    }
}

// 1x1 convolution from K channels, normalisation, ReLU and depthwise convolution. The wide
// map between the convolutions is never stored: its statistics follow from mean and covariance of x, since a
// channel w.x has mean w.E[x] and variance w' Cov w. Then each row is made when the depthwise filter needs it.
extern "C" void expand(const float* x, int64_t K, const double* mean, const double* cov, const float* w1,
                       const float* weight1, const float* bias1, float* running_mean1, float* running_var1,
                       int64_t* tracked1, const float* w2, const float* weight2, const float* bias2,
                       float* running_mean2, float* running_var2, int64_t* tracked2, float* y, float* scale,
                       float* shift, int64_t hidden, int64_t N, int64_t H, int64_t W, int64_t S) {
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
            for (int l = 0; l < B; ++l) sum[l] = cov[i * K + i] * w[i * B + l];
            for (int64_t j = i + 1; j < K; ++j) {
                const double twice = 2 * cov[i * K + j];
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
                   panel<3>({x + (n * H + r) * W * K, K, 0}, K, w1 + block * B * K, W,
                            [&](int64_t p, int v, V sum) {
                                const int64_t c = kLanes * v;
                                store(to + p * B + c, relu(sum * load(s + c) + load(t + c)));
                            });
               });
    ++*tracked1;
    ++*tracked2;
}

static void scale_rows(float* y, int64_t n, const float* scale, const float* shift) {
    for (int64_t p = 0; p < n; ++p, y += 48)
        for (int v = 0; v < 48; v += kLanes)
            store(y + v, relu(load(y + v) * load(scale + v) + load(shift + v)));
}

// The same for small maps: 48 channels of the whole batch fit the L2 cache, and no channel needs another one, so
// one job takes its 48 channels through both convolutions, normalisations and activations, and averages them.
extern "C" void expand_small(const float* x, int64_t K, const float* w1, const float* weight1,
                             const float* bias1, float* running_mean1, float* running_var1,
                             int64_t* tracked1, const float* w2, const float* weight2, const float* bias2,
                             float* running_mean2, float* running_var2, int64_t* tracked2, float* y,
                             double* pooled, int64_t hidden, int64_t N, int64_t H, int64_t W, int64_t S) {
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
                panel<3>({x + r * W * K, K, 0}, K, w1 + c * K, W,
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
            const int64_t area = m.height() * m.width();
            scale_rows(out, N * area, scale, shift);
            for (int64_t n = 0; n < N; ++n) {
                double* total = pooled + n * hidden + c;
                for (int l = 0; l < 48; ++l) total[l] = 0;
                for (int64_t p = 0; p < area; ++p)
                    for (int l = 0; l < 48; ++l) total[l] += out[(n * area + p) * 48 + l];
                for (int l = 0; l < 48; ++l) total[l] /= area;
            }
        }
    }
    ++*tracked1;
    ++*tracked2;
}

// The average of relu(scale x + shift) over each image, for channels in blocks of 48.
extern "C" void pool(const float* x, const float* scale, const float* shift, double* y, int64_t C,
                     int64_t N, int64_t area) {
#pragma omp parallel for schedule(static)
    for (int64_t job = 0; job < C / 48 * N; ++job) {
        const int64_t c = job / N * 48, n = job % N;
        double total[48] = {};
        for (int64_t p = 0; p < area; p += 128) {
            const float* at = x + c * N * area + (n * area + p) * 48;
            constexpr int M = 3 * kPer;
            V sum[M] = {};
            for (int64_t i = 0; i < least(128, area - p); ++i, at += 48)
#pragma GCC unroll 12
                for (int v = 0; v < M; ++v) {
                    const int64_t from = c + kLanes * v;
                    sum[v] += relu(load(at + kLanes * v) * load(scale + from) + load(shift + from));
                }
            float lanes[48];
#pragma GCC unroll 12
            for (int v = 0; v < M; ++v) store(lanes + kLanes * v, sum[v]);
            for (int l = 0; l < 48; ++l) total[l] += lanes[l];
        }
        for (int l = 0; l < 48; ++l) y[n * C + c + l] = total[l] / area;
    }
}

// y = x w' in fp64 for N rows of x; four rows of w at a time are in flight. done(o) follows for each output.
template <class Done>
static void multiply(const double* x, const float* w, double* y, int64_t N, int64_t K, int64_t O,
                     const Done& done) {
#pragma omp parallel for schedule(static)
    for (int64_t o = 0; o < O; o += 4) {
        const int64_t last = O - o - 1;
        const float *a = w + o * K, *b = a + least(1, last) * K, *c = a + least(2, last) * K;
        const float* d = a + least(3, last) * K;
        for (int64_t n = 0; n < N; ++n) {
            const double* row = x + n * K;
            double sa = 0, sb = 0, sc = 0, sd = 0;
#pragma omp simd reduction(+ : sa, sb, sc, sd)
            for (int64_t k = 0; k < K; ++k) {
                sa += a[k] * row[k];
                sb += b[k] * row[k];
                sc += c[k] * row[k];
                sd += d[k] * row[k];
            }
            const double sums[4] = {sa, sb, sc, sd};
            for (int64_t i = 0; i <= least(3, last); ++i) y[n * O + o + i] = sums[i];
        }
        for (int64_t i = 0; i <= least(3, last); ++i) done(o + i);
    }
}

// The excitation's two 1x1 convolutions, y = sigmoid(w2 relu(w1 x)), become part of each image's scale and shift.
extern "C" void excite(const double* x, const float* w1, const float* w2, const float* scale,
                       const float* shift, double* hidden, double* y, float* y_scale, float* y_shift,
                       int64_t N, int64_t C, int64_t squeezed) {
    multiply(x, w1, hidden, N, C, squeezed, [&](int64_t o) {
        for (int64_t n = 0; n < N; ++n)
            if (hidden[n * squeezed + o] < 0) hidden[n * squeezed + o] = 0;
    });
    multiply(hidden, w2, y, N, squeezed, C, [&](int64_t o) {
        for (int64_t n = 0; n < N; ++n) {
            const double factor = 1 / (1 + std::exp(-y[n * C + o]));
            y_scale[n * C + o] = factor * (scale ? scale[o] : 1);
            y_shift[n * C + o] = shift ? factor * shift[o] : 0;
        }
    });
}


// 1x1 convolution from K channels in blocks of 48 to O and normalisation. The inputs, relu(scale x + shift), have a
// scale and a shift for each image. `mean` and `cov`, where given, become the moments of the result.
extern "C" void contract(const float* x, int64_t K, const float* x_scale, const float* x_shift,
                         const float* w, const float* weight, const float* bias, float* running_mean,
                         float* running_var, int64_t* tracked, float* y, int64_t O, double* mean,
                         double* cov, int64_t N, int64_t area) {
    constexpr int64_t B = 48;
    const Norm norm{weight, bias, running_mean, running_var, O};
    const int64_t P = N * area, size = P > 2048 ? 56 : 28, chunks = (area + size - 1) / size, panels = O / B;
    const int threads = omp_get_max_threads();
    std::vector<Moments<3>> moments(threads * panels);
    std::vector<double> products(cov ? threads * O * O : 0);
    Scratch affine(2 * O);
    float *scale = affine.at, *shift = affine.at + O;
#pragma omp parallel
    {
        const int me = omp_get_thread_num();
        Scratch buffer(size * K), centred(128 * O);
#pragma omp for schedule(static)
        for (int64_t job = 0; job < N * chunks; ++job) {
            const int64_t image = job / chunks, first = job % chunks * size, p = image * area + first;
            const int64_t n = least(size, area - first);
            for (int64_t k = 0; k < K; k += B)
                for (int64_t v = 0; v < B; v += kLanes) {
                    const float* from = x + k * P + p * B + v;
                    float* to = buffer.at + k * size + v;
                    const V s = load(x_scale + image * K + k + v), t = load(x_shift + image * K + k + v);
                    for (int64_t q = 0; q < n * B; q += B) store(to + q, relu(load(from + q) * s + t));
                }
            for (int64_t c = 0; c < panels; ++c) {
                float* to = y + p * O + c * B;
                panel<3>({buffer.at, B, size * B}, K, w + c * B * K, n,
                         [&](int64_t q, int v, V sum) { store(to + q * O + kLanes * v, sum); });
                moments[me * panels + c].add(to, n, O);
            }
        }
#pragma omp for schedule(static)
        for (int64_t c = 0; c < panels; ++c) {
            Moments<3> all;
            for (int t = 0; t < threads; ++t) all.merge(moments[t * panels + c]);
            norm.from(c * B).settle(all, scale + c * B, shift + c * B);
            for (int64_t o = c * B; o < (c + 1) * B && mean; ++o) mean[o] = bias[o];
        }
#pragma omp for schedule(static)
        for (int64_t p = 0; p < P; p += 128) {
            const int64_t n = least(128, P - p);
            for (int64_t c = 0; c < O; c += 16) {
                V s[kPer], t[kPer], middle[kPer];
#pragma GCC unroll 4
                for (int v = 0; v < kPer; ++v) {
                    s[v] = load(scale + c + kLanes * v);
                    t[v] = load(shift + c + kLanes * v);
                    middle[v] = load(bias + c + kLanes * v);
                }
                for (int64_t q = 0; q < n; ++q) {
                    float *at = y + (p + q) * O + c, *to = centred.at + q * O + c;
#pragma GCC unroll 4
                    for (int v = 0; v < kPer; ++v) {
                        const V value = load(at + kLanes * v) * s[v] + t[v];
                        store(at + kLanes * v, value);
                        store(to + kLanes * v, value - middle[v]);
                    }
                }
            }
            if (cov) add_products(centred.at, n, O, &products[me * O * O]);
        }
        if (cov) {
#pragma omp for schedule(static)
            for (int64_t i = 0; i < O * O; ++i) {
                double sum = 0;
                for (int t = 0; t < threads; ++t) sum += products[t * O * O + i];
                cov[i] = sum / P;
            }
        }
    }
    ++*tracked;
}

// 1x1 convolution to O channels, normalisation, activation and the average of each image, 48 channels a job.
extern "C" void head(const float* x, int64_t K, const float* w, const float* weight, const float* bias,
                     float* running_mean, float* running_var, int64_t* tracked, float* y, int64_t O,
                     int64_t N, int64_t area) {
#pragma omp parallel
    {
        Scratch map(N * area * 48);
        float scale[48], shift[48];
#pragma omp for schedule(dynamic, 1)
        for (int64_t c = 0; c < O; c += 48) {
            Moments<3> moments;
            for (int64_t n = 0; n < N; ++n) {
                float* to = map.at + n * area * 48;
                panel<3>({x + n * area * K, K, 0}, K, w + c * K, area,
                         [&](int64_t p, int v, V sum) { store(to + p * 48 + kLanes * v, sum); });
                moments.add(to, area, 48);
            }
            Norm{weight, bias, running_mean, running_var, O}.from(c).settle(moments, scale, shift);
            for (int64_t n = 0; n < N; ++n)
                for (int64_t v = 0; v < 48 && c + v < O; v += kLanes) {
                    V sum = {};
                    for (int64_t p = 0; p < area; ++p)
                        sum += relu(load(map.at + (n * area + p) * 48 + v) * load(scale + v) + load(shift + v));
                    store(y + n * O + c + v, sum / (float)area);
                }
        }
    }
    ++*tracked;
}
"""

library = kernelevo.cpp(SOURCE)


def panels(width: int):
    """Return a function that packs (O, K, ...) into (O / width, K, width), O padded with zeros."""

    def pack(weight: Tensor) -> Tensor:
        flat = weight.flatten(1)
        padded = torch.cat([flat, flat.new_zeros(-len(flat) % width, flat.shape[1])])
        return padded.unflatten(0, (-1, width)).transpose(1, 2).contiguous()

    return pack


PACK = {width: panels(width) for width in (32, 48)}


def norm_of(bn: nn.BatchNorm2d) -> tuple[Tensor, ...]:
    return bn.weight, bn.bias, bn.running_mean, bn.running_var, bn.num_batches_tracked


class Excitation(nn.Sequential):
    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d((1, 1)),
            nn.Conv2d(channels, channels // 4, kernel_size=1, bias=False),
            nn.ReLU(),
            nn.Conv2d(channels // 4, channels, kernel_size=1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * super().forward(x)


def mbconv(in_channels: int, out_channels: int, stride: int, expansion: int) -> nn.Sequential:
    hidden = in_channels * expansion
    return nn.Sequential(
        nn.Conv2d(in_channels, hidden, kernel_size=1, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(),
        nn.Conv2d(hidden, hidden, 3, stride=stride, padding=1, groups=hidden, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(),
        Excitation(hidden),
        nn.Conv2d(hidden, out_channels, kernel_size=1, bias=False),
        nn.BatchNorm2d(out_channels),
    )


def wide(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float64)


class ModelNew(nn.Module):
    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.mbconv1 = mbconv(32, 96, 1, 3)
        self.mbconv2 = mbconv(96, 144, 2, 6)
        self.mbconv3 = mbconv(144, 192, 2, 6)
        self.mbconv4 = mbconv(192, 288, 2, 6)
        self.mbconv5 = mbconv(288, 384, 1, 6)
        self.conv_final = nn.Conv2d(384, 1408, kernel_size=1, bias=False)
        self.bn_final = nn.BatchNorm2d(1408)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(1408, classes)

    def forward(self, x: Tensor) -> Tensor:
        images, _, height, width = x.shape
        if not self.training:
            x = torch.relu(self.bn1(self.conv1(x)))
            x = self.mbconv3(self.mbconv2(self.mbconv1(x)))
            x = self.mbconv5(self.mbconv4(x))
            x = torch.relu(self.bn_final(self.conv_final(x)))
            return self.fc(torch.flatten(self.avgpool(x), 1))

        height, width = (height + 1) // 2, (width + 1) // 2
        area = height * width
        y, scale, shift = torch.empty(images * area * 32), torch.empty(32), torch.empty(32)
        library.stem(
            x.contiguous(), kernelevo.packed(PACK[32], self.conv1.weight), *norm_of(self.bn1), y, scale, shift,
            images, x.shape[2], x.shape[3],
        )  # fmt: skip
        mean, cov = wide(32), wide(32, 32)
        library.activate(y, scale, shift, mean, cov, images * area)
        blocks = (self.mbconv1, self.mbconv2, self.mbconv3, self.mbconv4, self.mbconv5)
        for block in blocks:
            expansion, expand_bn, _, filtering, filter_bn, _, excitation, projection, bn = block
            hidden, channels, stride = expansion.out_channels, projection.out_channels, filtering.stride[0]
            operands = (
                kernelevo.packed(PACK[48], expansion.weight), *norm_of(expand_bn),
                kernelevo.packed(PACK[48], filtering.weight), *norm_of(filter_bn),
            )  # fmt: skip
            geometry = (hidden, images, height, width, stride)
            height, width = (height - 1) // stride + 1, (width - 1) // stride + 1
            area = height * width
            inner, pooled = torch.empty(images * area * hidden), wide(images, hidden)
            if cov is None:
                scale = shift = None
                library.expand_small(y, expansion.in_channels, *operands, inner, pooled, *geometry)
            else:
                scale, shift = torch.empty(hidden), torch.empty(hidden)
                library.expand(y, expansion.in_channels, mean, cov, *operands, inner, scale, shift, *geometry)
                library.pool(inner, scale, shift, pooled, hidden, images, area)
            _, squeeze, _, widen, _ = excitation
            image_scale, image_shift = torch.empty(images, hidden), torch.empty(images, hidden)
            library.excite(
                pooled, squeeze.weight, widen.weight, scale, shift, wide(images, squeeze.out_channels),
                wide(images, hidden), image_scale, image_shift, images, hidden, squeeze.out_channels,
            )  # fmt: skip
            y, large = torch.empty(images * area, channels), images * area > TUNE["SMALL"][0]
            mean, cov = (wide(channels), wide(channels, channels)) if large else (None, None)
            library.contract(
                inner, hidden, image_scale, image_shift, kernelevo.packed(PACK[48], projection.weight),
                *norm_of(bn), y, channels, mean, cov, images, area,
            )  # fmt: skip
        final = torch.empty(images, self.conv_final.out_channels)
        library.head(
            y, self.conv_final.in_channels, kernelevo.packed(PACK[48], self.conv_final.weight),
            *norm_of(self.bn_final), final, self.conv_final.out_channels, images, area,
        )  # fmt: skip
        return self.fc(final)
