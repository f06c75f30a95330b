"""NetVLAD in two passes over the features, which BatchNorm on batch statistics makes necessary, and no more.

First: the logits, with mean and squared deviations of each image's while they are in cache. Second, image by
image: normalise and softmax, the weighted sums, their distance from the centres, and both norms. Clusters lie
in the lanes of vectors, so that sums over features and norms over channels never cross lanes, and an image's
512 x 32 sums stay in L2 until they are written once. Each pass fetches from memory what it needs next.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import kernelevo

SOURCE = r"""
#include <kernelevo/rows.h>

#include <vector>

using namespace kernelevo;

constexpr int kDims = 8;  // channels whose sums are in registers at once

// Every lane gets what `combine` makes of all lanes.
template <typename Combine>
static inline vfloat across(vfloat v, Combine combine) {
#pragma GCC unroll 4
    for (int width = kLanes / 2; width; width /= 2) {
        vint partner;
        for (int i = 0; i < kLanes; ++i) partner[i] = i ^ width;
        v = combine(v, __builtin_shuffle(v, partner));
    }
    return v;
}

static inline void put(float* to, vfloat v) {
#ifdef __AVX512F__
    if (((uintptr_t)to & 63) == 0) { _mm512_stream_ps(to, (__m512)v); return; }
#endif
    store(to, v);
}

// logits[r] = x[r] w for R rows and C vectors of clusters.
template <int R, int C>
static void project(const float* x, int64_t dim, const float* w, float* logits) {
    vfloat sums[R][C] = {};
    for (int64_t k = 0; k < dim; ++k, w += C * kLanes) {
        __builtin_prefetch(x + R * (dim + k));
        vfloat column[C];
        for (int c = 0; c < C; ++c) column[c] = load(w + c * kLanes);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
            const vfloat value = splat(x[r * dim + k]);
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c) sums[r][c] = fma(value, column[c], sums[r][c]);
        }
    }
    for (int r = 0; r < R; ++r)
        for (int c = 0; c < C; ++c) store(logits + (r * C + c) * kLanes, sums[r][c]);
}

template <int R, int C>
static void project_rows(const float* x, int64_t rows, int64_t dim, const float* w, float* logits) {
    for (; rows >= R; rows -= R, x += R * dim, logits += R * C * kLanes) project<R, C>(x, dim, w, logits);
    if constexpr (R > 1) project_rows<R / 2, C>(x, rows, dim, w, logits);
}

// Mean, and sum of squares around it, of each column.
template <int C>
static void moments(const float* logits, int64_t rows, float* mean, float* squares) {
    for (int64_t c = 0; c < C * kLanes; c += kLanes) {
        vfloat sum{}, around{};
        for (int64_t r = 0; r < rows; ++r) sum += load(logits + r * C * kLanes + c);
        const vfloat middle = sum / (float)rows;
        for (int64_t r = 0; r < rows; ++r) {
            const vfloat d = load(logits + r * C * kLanes + c) - middle;
            around = fma(d, d, around);
        }
        store(mean + c, middle);
        store(squares + c, around);
    }
}

// Softmax over C vectors of scale * logits + shift; the first K are kept.
template <int C, int K>
static void assign(const float* logits, int64_t rows, const float* scale, const float* shift, float* kept) {
    for (int64_t r = 0; r < rows; ++r, logits += C * kLanes, kept += K * kLanes) {
        vfloat v[C];
        for (int c = 0; c < C; ++c)
            v[c] = fma(load(logits + c * kLanes), load(scale + c * kLanes), load(shift + c * kLanes));
        vfloat top = v[0], sum{};
        for (int c = 1; c < C; ++c) top = max(top, v[c]);
        top = across(top, [](vfloat a, vfloat b) { return max(a, b); });
        for (int c = 0; c < C; ++c) sum += v[c] = exp(v[c] - top);
        const vfloat inverse = 1.0f / across(sum, [](vfloat a, vfloat b) { return a + b; });
        for (int c = 0; c < K; ++c) store(kept + c * kLanes, v[c] * inverse);
    }
}

// residuals[d] = sum over rows of x[row][d] * kept[row], minus total * centres[d]; squares grows by their squares.
template <int K>
static void gather(const float* x, int64_t rows, int64_t dim, const float* next, const float* kept,
                   const vfloat (&total)[K], const float* centres, float* residuals, vfloat (&squares)[K]) {
    vfloat sums[kDims][K] = {};
    for (int64_t r = 0; r < rows; ++r, x += dim, kept += K * kLanes) {
        __builtin_prefetch(next + r * kDims, 0, 2);
        vfloat share[K];
        for (int c = 0; c < K; ++c) share[c] = load(kept + c * kLanes);
#pragma GCC unroll 8
        for (int d = 0; d < kDims; ++d) {
            const vfloat value = splat(x[d]);
#pragma GCC unroll 4
            for (int c = 0; c < K; ++c) sums[d][c] = fma(value, share[c], sums[d][c]);
        }
    }
    for (int d = 0; d < kDims; ++d)
        for (int c = 0; c < K; ++c) {
            const int64_t at = (d * K + c) * kLanes;
            const vfloat residual = sums[d][c] - total[c] * load(centres + at);
            squares[c] = fma(residual, residual, squares[c]);
            store(residuals + at, residual);
        }
}

// One over the norm of each cluster's residuals, and over the norm of all that this leaves.
template <int K>
static void both_norms(vfloat (&squares)[K]) {
    const vfloat least = splat(1e-12f);
    vfloat left{};
    for (auto& s : squares) {
        const vfloat norm = sqrt(s), inverse = 1.0f / max(norm, least);
        left += (norm * inverse) * (norm * inverse);
        s = inverse;
    }
    const vfloat whole = max(sqrt(across(left, [](vfloat a, vfloat b) { return a + b; })), least);
    for (auto& s : squares) s = s / whole;
}

struct Sizes { int64_t batch, count, dim; };

// From the last image to the first: the first pass has left the last ones in cache.
template <int C, int K>
static void describe(const float* x, const float* logits, const float* scale, const float* shift,
                     const float* centres, float* y, Sizes s) {
    const int64_t features = s.count * s.dim, size = s.dim * K * kLanes;
    want_huge_pages(y, s.batch * size);
#pragma omp parallel
    {
        std::vector<float> kept(s.count * K * kLanes), residuals(size);
#pragma omp for schedule(static)
        for (int64_t back = 0; back < s.batch; ++back) {
            const int64_t i = s.batch - 1 - back;
            assign<C, K>(logits + i * s.count * C * kLanes, s.count, scale, shift, kept.data());
            vfloat total[K] = {}, squares[K] = {};
            for (int64_t r = 0; r < s.count; ++r)
                for (int c = 0; c < K; ++c) total[c] += load(&kept[(r * K + c) * kLanes]);
            const float *image = x + i * features, *next = i ? image - features : image;
            for (int64_t d = 0; d < s.dim; d += kDims)
                gather<K>(image + d, s.count, s.dim, next + d * s.count, kept.data(), total, centres + d * K * kLanes,
                          &residuals[d * K * kLanes], squares);
            both_norms(squares);
            for (int64_t at = 0; at < size; at += K * kLanes)
                for (int c = 0; c < K; ++c)
                    put(y + i * size + at + c * kLanes, load(&residuals[at + c * kLanes]) * squares[c]);
        }
#ifdef __AVX512F__
        _mm_sfence();
#endif
    }
}

template <int R, int C>
static void project_images(const float* x, const float* w, float* logits, float* means, float* squares, Sizes s) {
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s.batch; ++i) {
        float* own = logits + i * s.count * C * kLanes;
        project_rows<R, C>(x + i * s.count * s.dim, s.count, s.dim, w, own);
        moments<C>(own, s.count, means + i * C * kLanes, squares + i * C * kLanes);
    }
}

constexpr int kThirtyTwo = 32 / kLanes, kFortyEight = 48 / kLanes;

// x (batch, count, dim), w (dim, clusters), logits (batch, count, clusters), means and squares (batch, clusters).
extern "C" void first_pass(const float* x, const float* w, float* logits, float* means, float* squares,
                           int64_t batch, int64_t count, int64_t dim, int64_t clusters) {
    const Sizes s{batch, count, dim};
    if (clusters == 32) project_images<10, kThirtyTwo>(x, w, logits, means, squares, s);
    else project_images<8, kFortyEight>(x, w, logits, means, squares, s);
}

// centres (dim, 32), y (batch, dim, 32).
extern "C" void second_pass(const float* x, const float* logits, const float* scale, const float* shift,
                            const float* centres, float* y, int64_t batch, int64_t count, int64_t dim,
                            int64_t clusters) {
    const Sizes s{batch, count, dim};
    if (clusters == 32) describe<kThirtyTwo, kThirtyTwo>(x, logits, scale, shift, centres, y, s);
    else describe<kFortyEight, kThirtyTwo>(x, logits, scale, shift, centres, y, s);
}
"""

library = kernelevo.cpp(SOURCE)


def batch_moments(means: Tensor, squares: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of all rows, from those of equal parts of ``count`` rows."""
    means = means.double()
    mean = means.mean(dim=0)
    deviations = squares.double().sum(dim=0) + count * (means - mean).square().sum(dim=0)
    return mean, deviations / (count * len(means))


class ModelNew(nn.Module):
    def __init__(self, clusters: int, dim: int, ghosts: int) -> None:
        super().__init__()
        self.kept = clusters
        self.clusters = nn.Parameter(torch.zeros(dim, clusters + ghosts))
        self.norm = nn.BatchNorm1d(clusters + ghosts)
        self.centres = nn.Parameter(torch.zeros(1, dim, clusters))

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        batch, count, dim = x.shape
        width = self.clusters.shape[1]
        if self.kept != 32 or width not in (32, 48) or dim % 8:
            return self.by_operators(x)
        x = x.contiguous()
        logits = torch.empty(batch, count, width)
        means, squares = torch.empty(2, batch, width)
        library.first_pass(x, self.clusters, logits, means, squares, batch, count, dim, width)
        scale, shift = self.scale_and_shift(*batch_moments(means, squares, count), batch * count)
        y = torch.empty(batch, dim * self.kept)
        library.second_pass(x, logits, scale, shift, self.centres, y, batch, count, dim, width)
        return y

    def scale_and_shift(self, mean: Tensor, variance: Tensor, rows: int) -> tuple[Tensor, Tensor]:
        """What BatchNorm does to a row, in either mode; in train mode the running statistics move."""
        norm = self.norm
        if norm.training:
            norm.num_batches_tracked += 1
            norm.running_mean.lerp_(mean.float(), norm.momentum)
            norm.running_var.lerp_((variance * (rows / (rows - 1))).float(), norm.momentum)
        else:
            mean, variance = norm.running_mean.double(), norm.running_var.double()
        scale = norm.weight / torch.sqrt(variance + norm.eps)
        return scale.float(), (norm.bias - mean * scale).float()

    def by_operators(self, x: Tensor) -> Tensor:
        """The same for any sizes."""
        logits = self.norm(x.flatten(0, 1) @ self.clusters)
        assigned = torch.softmax(logits, dim=1)[:, : self.kept].unflatten(0, x.shape[:2])
        shift = assigned.sum(dim=1, keepdim=True) * self.centres
        residuals = x.transpose(1, 2) @ assigned - shift
        return F.normalize(F.normalize(residuals, dim=1).flatten(1))
