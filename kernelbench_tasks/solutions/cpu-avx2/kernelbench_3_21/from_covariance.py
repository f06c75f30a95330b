"""MBConv as pixels in C++: of the map with 672 channels only five rows exist at a time.

The statistics of the expansion need not be measured on its output: channel w.x has mean w.E[x] and variance
w' Cov(x) w, and x has six times fewer channels. Its covariance is taken while its planes are turned into
pixels. After that a core expands, normalises and cuts 48 channels of a row when the 5x5 filter gets to it,
so that 67 MB are neither written nor read, four times over. The filter runs over vectors of channels, seven
outputs in registers; its own normalisation is applied by the projection, 56 pixels at a time, and the last
one while pixels become planes. Vectors are as wide as the processor's; the 1x1 convolutions use tiles of 7 x 3
of them, or 4 x 3 where there are only 16 registers.
"""

import torch
from torch import Tensor, nn

import kernelevo

SOURCE = r"""
#include <kernelevo/math.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <omp.h>
#include <utility>
#include <vector>

using V = kernelevo::vfloat;
using kernelevo::kLanes, kernelevo::load, kernelevo::store;

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

// ReLU below `top`; in this order of the operands NaN stays NaN.
static inline V activate(V v, float top) { return kernelevo::min(kernelevo::splat(top), kernelevo::relu(v)); }

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

// O neighbouring outputs of a depthwise K x K convolution, a vector of its B channels: every column is loaded once.
template <int K, int S, int O, int64_t B>
static inline void taps(const float* const* rows, int64_t at, const float* w, float* y) {
    V sums[O] = {};
#pragma GCC unroll 1
    for (int i = 0; i < K; ++i) {
        const float* x = rows[i] + at;
        V u[K];
#pragma GCC unroll 5
        for (int j = 0; j < K; ++j) u[j] = load(w + (i * K + j) * B);
#pragma GCC unroll 17
        for (int c = 0; c < (O - 1) * S + K; ++c) {
            const V column = load(x + c * B);
#pragma GCC unroll 7
            for (int o = 0; o < O; ++o)
                if (c - o * S >= 0 && c - o * S < K) sums[o] += u[c - o * S] * column;
        }
    }
#pragma GCC unroll 7
    for (int o = 0; o < O; ++o) store(y + o * B, sums[o]);
}

// One row of outputs from K padded rows of inputs, all with pixels of 16 L channels.
template <int K, int S, int L>
static void filter(const float* const* rows, const float* w, float* y, int64_t W) {
    constexpr int64_t B = 16 * L;
    for (int64_t c = 0; c < B; c += kLanes)
        in_tiles<7>(W, [&]<int O>(int64_t p) { taps<K, S, O, B>(rows, p * S * B + c, w + c, y + p * B + c); });
}
typedef void (*Filter)(const float* const*, const float*, float*, int64_t);
template <int L>
static Filter filter_of(int64_t K, int64_t S) {
    if (K == 3) return S == 1 ? filter<3, 1, L> : filter<3, 2, L>;
    return S == 1 ? filter<5, 1, L> : filter<5, 2, L>;
}

// A depthwise convolution's geometry; padding is K / 2.
struct Map {
    int64_t N, H, W, K, S;
    int64_t pad() const { return K / 2; }
    int64_t padded() const { return W + 2 * pad(); }
    int64_t height() const { return (H - 1) / S + 1; }
    int64_t width() const { return (W - 1) / S + 1; }
};

// Depthwise convolution of channel blocks whose inputs are made row by row: make(block, image, row, to) writes
// a row of W pixels, and only the K rows in use exist. Half an image of a block is a job.
template <int L, class Make>
static void by_rows(Map m, int64_t blocks, const float* w, float* y, Norm norm, float* scale, float* shift,
                    const Make& make) {
    constexpr int64_t B = 16 * L;
    const Filter row = filter_of<L>(m.K, m.S);
    const int64_t bands = 2, parts = m.N * bands, slot = m.padded() * B, out = m.height() * m.width() * B;
    std::vector<Moments<L>> moments(blocks * parts);
#pragma omp parallel
    {
        Scratch ring((m.K + 1) * slot);
        memset(ring.at, 0, (m.K + 1) * slot * 4);
        const float* zeros = ring.at + m.K * slot;
#pragma omp for schedule(dynamic, 1)
        for (int64_t job = 0; job < blocks * parts; ++job) {
            const int64_t block = job / parts, n = job % parts / bands, band = job % bands;
            const int64_t end = m.height() * (band + 1) / bands;
            float* to = y + (block * m.N + n) * out;
            int64_t r = m.height() * band / bands, next = r * m.S - m.pad();
            if (next < 0) next = 0;
            for (; r < end; ++r) {
                const int64_t top = r * m.S - m.pad();
                for (; next < m.H && next < top + m.K; ++next)
                    make(block, n, next, ring.at + next % m.K * slot + m.pad() * B);
                const float* rows[5];
                for (int64_t i = 0; i < m.K; ++i)
                    rows[i] = top + i < 0 || top + i >= m.H ? zeros : ring.at + (top + i) % m.K * slot;
                row(rows, w + block * m.K * m.K * B, to + r * m.width() * B, m.width());
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

// kLanes vectors become the columns of the matrix whose rows they were, by log2(kLanes) rounds of exchanges.
template <int BIT, int... l>
static inline __attribute__((always_inline)) void exchange(V (&r)[kLanes], std::integer_sequence<int, l...>) {
    const kernelevo::vint low = {(l & BIT ? kLanes + l - BIT : l)...}, high = {(l & BIT ? kLanes + l : l + BIT)...};
#pragma GCC unroll 16
    for (int m = 0; m < kLanes; ++m)
        if (!(m & BIT)) {
            const V a = r[m], b = r[m | BIT];
            r[m] = __builtin_shuffle(a, b, low);
            r[m | BIT] = __builtin_shuffle(a, b, high);
        }
}
template <int BIT = 1>
static inline __attribute__((always_inline)) void transpose(V (&r)[kLanes]) {
    exchange<BIT>(r, std::make_integer_sequence<int, kLanes>());
    if constexpr (2 * BIT < kLanes) transpose<2 * BIT>(r);
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

// Planes become pixels; mean and covariance of their channels. C and area are multiples of 16.
extern "C" void enter(const float* x, float* y, double* mean, double* cov, int64_t N, int64_t C,
                      int64_t area) {
    const int64_t blocks = C / 16, P = N * area, square = C * C;
    const int threads = omp_get_max_threads();
    std::vector<Moments<1>> moments(threads * blocks);
    std::vector<double> products(threads * square);
#pragma omp parallel
    {
        const int me = omp_get_thread_num();
        Scratch centred(128 * C);
#pragma omp for schedule(static)
        for (int64_t p = 0; p < P; p += 16) {
            const float* from = x + p / area * C * area + p % area;
            for (int64_t b = 0; b < blocks; ++b) {
                float* to = y + p * C + b * 16;
                for (int64_t c = 0; c < 16; c += kLanes)
                    for (int64_t q = 0; q < 16; q += kLanes) {
                        V r[kLanes];
#pragma GCC unroll 16
                        for (int m = 0; m < kLanes; ++m) r[m] = load(from + (b * 16 + c + m) * area + q);
                        transpose(r);
#pragma GCC unroll 16
                        for (int m = 0; m < kLanes; ++m) store(to + (q + m) * C + c, r[m]);
                    }
                moments[me * blocks + b].add(to, 16, C);
            }
        }
#pragma omp for schedule(static)
        for (int64_t b = 0; b < blocks; ++b) {
            Moments<1> all;
            for (int t = 0; t < threads; ++t) all.merge(moments[t * blocks + b]);
            memcpy(mean + b * 16, all.mean, sizeof all.mean);
        }
#pragma omp for schedule(static)
        for (int64_t p = 0; p < P; p += 128) {
            const int64_t n = least(128, P - p);
            for (int64_t c = 0; c < C; c += 16) {
                float middle[16];
                for (int l = 0; l < 16; ++l) middle[l] = mean[c + l];
                V u[kPer];
#pragma GCC unroll 4
                for (int v = 0; v < kPer; ++v) u[v] = load(middle + kLanes * v);
                for (int64_t q = 0; q < n; ++q) {
                    const float* from = y + (p + q) * C + c;
                    float* to = centred.at + q * C + c;
#pragma GCC unroll 4
                    for (int v = 0; v < kPer; ++v) store(to + kLanes * v, load(from + kLanes * v) - u[v]);
                }
            }
            add_products(centred.at, n, C, &products[me * square]);
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < square; ++i) {
            double sum = 0;
            for (int t = 0; t < threads; ++t) sum += products[t * square + i];
            cov[i] = sum / P;
        }
    }
}

// 1x1 convolution from K channels, normalisation, ReLU6 and depthwise convolution. The wide
// map between the convolutions is never stored: its statistics follow from mean and covariance of x, since a
// channel w.x has mean w.E[x] and variance w' Cov w. Then each row is made when the depthwise filter needs it.
extern "C" void expand(const float* x, int64_t K, const double* mean, const double* cov, const float* w1,
                       const float* weight1, const float* bias1, float* running_mean1, float* running_var1,
                       int64_t* tracked1, const float* w2, const float* weight2, const float* bias2,
                       float* running_mean2, float* running_var2, int64_t* tracked2, float* y, float* scale,
                       float* shift, int64_t hidden, int64_t N, int64_t H, int64_t W, int64_t size,
                       int64_t S) {
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
    by_rows<3>({N, H, W, size, S}, hidden / B, w2, y, {weight2, bias2, running_mean2, running_var2, hidden}, scale,
               shift, [&](int64_t block, int64_t n, int64_t r, float* to) {
                   const float *s = inner_scale + block * B, *t = inner_shift + block * B;
                   panel<3>({x + (n * H + r) * W * K, K, 0}, K, w1 + block * B * K, W,
                            [&](int64_t p, int v, V sum) {
                                const int64_t c = kLanes * v;
                                store(to + p * B + c, activate(sum * load(s + c) + load(t + c), 6));
                            });
               });
    ++*tracked1;
    ++*tracked2;
}

// 1x1 convolution from K channels in blocks of 48, which are scaled, shifted and cut to 0..6 first, to O channels,
// and normalisation. `y` takes the raw results as pixels, `z` the normalised ones as planes.
extern "C" void contract(const float* x, int64_t K, const float* x_scale, const float* x_shift,
                         const float* w, const float* weight, const float* bias, float* running_mean,
                         float* running_var, int64_t* tracked, float* y, float* z, int64_t O, int64_t N,
                         int64_t area) {
    constexpr int64_t B = 48, kChunk = 56;
    const Norm norm{weight, bias, running_mean, running_var, O};
    const int64_t panels = O / B, P = N * area;
    const int threads = omp_get_max_threads();
    std::vector<Moments<3>> moments(threads * panels);
    Scratch affine(2 * O);
    float *scale = affine.at, *shift = affine.at + O;
#pragma omp parallel
    {
        Moments<3>* mine = &moments[omp_get_thread_num() * panels];
        Scratch buffer(kChunk * K);
#pragma omp for schedule(static)
        for (int64_t p = 0; p < P; p += kChunk) {
            const int64_t n = least(kChunk, P - p);
            for (int64_t k = 0; k < K; k += B)
                for (int64_t v = 0; v < B; v += kLanes) {
                    const float* from = x + k * P + p * B + v;
                    float* to = buffer.at + k * kChunk + v;
                    const V s = load(x_scale + k + v), t = load(x_shift + k + v);
                    for (int64_t q = 0; q < n * B; q += B) store(to + q, activate(load(from + q) * s + t, 6));
                }
            for (int64_t c = 0; c < panels; ++c) {
                float* to = y + p * O + c * B;
                panel<3>({buffer.at, B, kChunk * B}, K, w + c * B * K, n,
                         [&](int64_t q, int v, V sum) { store(to + q * O + kLanes * v, sum); });
                mine[c].add(to, n, O);
            }
        }
#pragma omp for schedule(static)
        for (int64_t c = 0; c < panels; ++c) {
            Moments<3> all;
            for (int t = 0; t < threads; ++t) all.merge(moments[t * panels + c]);
            norm.from(c * B).settle(all, scale + c * B, shift + c * B);
        }
#pragma omp for schedule(static)
        for (int64_t job = 0; job < P / 16; ++job) {
            const int64_t p = job * 16, n = p / area;
            for (int64_t c = 0; c < O; c += kLanes) {
                const V s = load(scale + c), t = load(shift + c);
                float* to = z + (n * O + c) * area + p % area;
                for (int64_t q = 0; q < 16; q += kLanes) {
                    V r[kLanes];
#pragma GCC unroll 16
                    for (int m = 0; m < kLanes; ++m) r[m] = load(y + (p + q + m) * O + c) * s + t;
                    transpose(r);
#pragma GCC unroll 16
                    for (int m = 0; m < kLanes; ++m) store(to + m * area + q, r[m]);
                }
            }
        }
    }
    ++*tracked;
}
"""

library = kernelevo.cpp(SOURCE)


def pack(weight: Tensor) -> Tensor:
    """(O, K, ...) -> (O / 48, K, 48), for the dense and the depthwise convolutions."""
    return weight.flatten(1).unflatten(0, (-1, 48)).transpose(1, 2).contiguous()


def norm_of(bn: nn.BatchNorm2d) -> tuple[Tensor, ...]:
    return bn.weight, bn.bias, bn.running_mean, bn.running_var, bn.num_batches_tracked


class ModelNew(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int, expand_ratio: int
    ) -> None:
        super().__init__()
        hidden = in_channels * expand_ratio
        self.adds_input = stride == 1 and in_channels == out_channels
        self.expand: nn.Module = nn.Identity()
        if expand_ratio != 1:
            self.expand = nn.Sequential(
                nn.Conv2d(in_channels, hidden, kernel_size=1, bias=False),
                nn.BatchNorm2d(hidden),
                nn.ReLU6(),
            )
        self.depthwise = nn.Sequential(
            nn.Conv2d(
                hidden, hidden, kernel_size, stride, padding=kernel_size // 2, groups=hidden, bias=False
            ),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
        )
        self.project = nn.Sequential(
            nn.Conv2d(hidden, out_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        whole_vectors = not (in_channels % 16 or hidden % 48 or out_channels % 48)
        self.fits = whole_vectors and expand_ratio != 1 and kernel_size in (3, 5) and stride in (1, 2)

    def forward(self, x: Tensor) -> Tensor:
        images, channels, height, width = x.shape
        filtering, filter_bn, _ = self.depthwise
        (size, _), (stride, _) = filtering.kernel_size, filtering.stride
        after_height, after_width = (height - 1) // stride + 1, (width - 1) // stride + 1
        area, after = height * width, after_height * after_width
        if not self.fits or self.adds_input or not self.training or area % 16 or after % 16:
            inner = self.project(self.depthwise(self.expand(x)))
            return inner + x if self.adds_input else inner
        (expansion, expand_bn, _), (projection, project_bn) = self.expand, self.project
        hidden, outputs = filtering.out_channels, projection.out_channels
        pixels = torch.empty(images * area, channels)
        mean = torch.empty(channels, dtype=torch.float64)
        cov = torch.empty(channels, channels, dtype=torch.float64)
        library.enter(x.contiguous(), pixels, mean, cov, images, channels, area)
        inner, scale, shift = torch.empty(images * after * hidden), torch.empty(hidden), torch.empty(hidden)
        library.expand(
            pixels, channels, mean, cov, kernelevo.packed(pack, expansion.weight), *norm_of(expand_bn),
            kernelevo.packed(pack, filtering.weight), *norm_of(filter_bn), inner, scale, shift, hidden,
            images, height, width, size, stride,
        )  # fmt: skip
        raw, y = torch.empty(images * after * outputs), torch.empty(images, outputs, after_height, after_width)
        library.contract(
            inner, hidden, scale, shift, kernelevo.packed(pack, projection.weight), *norm_of(project_bn),
            raw, y, outputs, images, after,
        )  # fmt: skip
        return y
