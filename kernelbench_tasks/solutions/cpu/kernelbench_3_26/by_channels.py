"""ShuffleNet as pixels in C++: a job takes 16 or 32 channels of the whole batch through all that they need.

BatchNorm in train mode needs all pixels of a channel, and no other channel. So the units are split by channels:
one job computes 16 channels of a grouped 1x1 convolution for every pixel, normalises and cuts them, runs the
depthwise filter over them and normalises again, all within one core's L2 cache. A second kind of job computes
32 channels of the other 1x1 convolution and of the shortcut, takes both normalisations, ReLU and sum, and
writes the unit's output once; a third one takes the last convolution down to the average of each image, so its
1024 maps are never stored. Nothing is shuffled: the second job reads each group's channels where they lie, in
`groups` runs, and its packed weights have that order.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import kernelevo

SOURCE = r"""
#include <kernelevo/math.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

using V = kernelevo::vfloat;
using kernelevo::kLanes, kernelevo::load, kernelevo::relu, kernelevo::store;

constexpr int kPer = 16 / kLanes;  // vectors of 16 channels
static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

struct Scratch {
    float* at;
    explicit Scratch(int64_t count) : at((float*)aligned_alloc(64, (count * 4 + 127) / 64 * 64)) {}
    Scratch(const Scratch&) = delete;
    ~Scratch() { free(at); }
};

// Count, means and squared distances from the mean of L vectors of channels; parts are merged (Chan, Golub, LeVeque).
template <int L>
struct Moments {
    double count = 0, mean[kLanes * L] = {}, m2[kLanes * L] = {};

    void merge(double n, const double* other_mean, const double* other_m2) {
        const double all = count + n, share = n / all, cross = count * share;
        for (int c = 0; c < kLanes * L; ++c) {
            const double d = other_mean[c] - mean[c];
            mean[c] += d * share;
            m2[c] += other_m2[c] + d * d * cross;
        }
        count = all;
    }
    // n pixels that are still in L1; squares are taken of distances from their mean, since any pixel may lie far off
    void add(const float* y, int64_t n, int64_t stride) {
        const double share = 1.0 / n;
        V middle[L] = {}, sum[L] = {}, square[L] = {};
        for (int64_t p = 0; p < n; ++p)
            for (int v = 0; v < L; ++v) middle[v] += load(y + p * stride + kLanes * v);
        for (int v = 0; v < L; ++v) middle[v] *= (float)share;
        for (int64_t p = 0; p < n; ++p)
            for (int v = 0; v < L; ++v) {
                const V d = load(y + p * stride + kLanes * v) - middle[v];
                sum[v] += d;
                square[v] += d * d;
            }
        float f[kLanes * L], s[kLanes * L], q[kLanes * L];
        memcpy(f, middle, sizeof f);
        memcpy(s, sum, sizeof s);
        memcpy(q, square, sizeof q);
        double own[kLanes * L], distances[kLanes * L];
        for (int c = 0; c < kLanes * L; ++c) {
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
    Norm from(int64_t c, int64_t left) const { return {weight + c, bias + c, running_mean + c, running_var + c, left}; }

    // y = scale x + shift; moves the running statistics
    template <int L>
    void settle(const Moments<L>& m, V (&scale)[L], V (&shift)[L]) const {
        for (int c = 0; c < kLanes * L; ++c) {
            if (c >= channels) {
                scale[c / kLanes][c % kLanes] = shift[c / kLanes][c % kLanes] = 0;
                continue;
            }
            const double s = weight[c] / std::sqrt(m.m2[c] / m.count + 1e-5);
            scale[c / kLanes][c % kLanes] = s;
            shift[c / kLanes][c % kLanes] = bias[c] - m.mean[c] * s;
            running_mean[c] += 0.1 * (m.mean[c] - running_mean[c]);
            running_var[c] += 0.1 * (m.m2[c] / (m.count - 1) - running_var[c]);
        }
    }
};

// sums[r][v] += a[r] . w[v] over K inputs: element (r, k) of a lies at r * row + k.
template <int R, int L>
static inline __attribute__((always_inline)) void product(V (&sums)[R][L], const float* a, int64_t row, const float* w,
                                                          int64_t K) {
    for (int64_t k = 0; k < K; ++k, ++a, w += kLanes * L) {
        V u[L];
        for (int v = 0; v < L; ++v) u[v] = load(w + kLanes * v);
#pragma GCC unroll 14
        for (int r = 0; r < R; ++r) {
            const float f = a[r * row];
#pragma GCC unroll 4
            for (int v = 0; v < L; ++v) sums[r][v] += f * u[v];
        }
    }
}

// Which inputs a 1x1 convolution reads: `count` runs of a pixel's channels.
struct Runs {
    int64_t count, start[8], length[8];
};

// `pixels` (at most R) of the 1x1 convolution below, in one register tile.
template <int L, int R>
static void tile(int64_t pixels, const float* x, int64_t row, const Runs& runs, const float* w, float* y,
                 int64_t apart) {
    if constexpr (R > 1)
        if (pixels < R) return tile<L, R - 1>(pixels, x, row, runs, w, y, apart);
    V sums[R][L] = {};
    for (int64_t i = 0; i < runs.count; w += runs.length[i++] * kLanes * L)
        product<R, L>(sums, x + runs.start[i], row, w, runs.length[i]);
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < L; ++v) store(y + r * apart + kLanes * v, sums[r][v]);
}

// 1x1 convolution of n pixels (`row` floats apart) to L vectors of channels, which are written `apart` floats apart.
template <int L>
static void panel(const float* x, int64_t row, const Runs& runs, const float* w, int64_t n, float* y, int64_t apart) {
    constexpr int64_t R = kernelevo::kVectorRegisters == 32 ? 14 : 12 / L;
    const int64_t tiles = (n + R - 1) / R;  // of nearly equal height
    for (int64_t i = 0; i < tiles; ++i) {
        const int64_t p = n * i / tiles;
        tile<L, R>(n * (i + 1) / tiles - p, x + p * row, row, runs, w, y + p * apart, apart);
    }
}

// O neighbouring outputs of a 3x3 filter over one of the vectors of 16 channels: every column is loaded once.
template <int O>
static inline void taps(const float* const* rows, int64_t at, const float* w, float* y, int64_t apart) {
    V sums[O] = {};
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) {
        const float* x = rows[i] + at * 16;
        const V u[3] = {load(w + i * 48), load(w + i * 48 + 16), load(w + i * 48 + 32)};
#pragma GCC unroll 9
        for (int c = 0; c < O + 2; ++c) {
            const V column = load(x + c * 16);
#pragma GCC unroll 7
            for (int o = 0; o < O; ++o)
                if (c - o >= 0 && c - o < 3) sums[o] += u[c - o] * column;
        }
    }
#pragma GCC unroll 7
    for (int o = 0; o < O; ++o) store(y + (at + o) * apart, sums[o]);
}

// Grouped 1x1 convolution, normalisation, ReLU, 3x3 depthwise convolution, normalisation: a job for 16 channels.
// Each group's channels of y are padded to whole vectors.
extern "C" void narrow(const float* x, int64_t C, const float* w1, const float* weight1, const float* bias1,
                       float* running_mean1, float* running_var1, int64_t* tracked1, const float* w2,
                       const float* weight2, const float* bias2, float* running_mean2, float* running_var2,
                       int64_t* tracked2, float* y, int64_t inner, int64_t groups, int64_t N, int64_t H,
                       int64_t W) {
    const int64_t in = C / groups, own = inner / groups, vectors = (own + 15) / 16, apart = groups * vectors * 16;
    const int64_t slot = (W + 2) * 16;
    const Norm norm1{weight1, bias1, running_mean1, running_var1}, norm2{weight2, bias2, running_mean2, running_var2};
#pragma omp parallel
    {
        Scratch map((N * H + 1) * slot);
        memset(map.at, 0, (N * H + 1) * slot * 4);
        const float* zeros = map.at + N * H * slot;
        V scale[kPer], shift[kPer];
#pragma omp for schedule(dynamic, 1)
        for (int64_t job = 0; job < groups * vectors; ++job) {
            const int64_t g = job / vectors, c = job % vectors * 16;
            Moments<kPer> before, after;
            for (int64_t r = 0; r < N * H; ++r) {
                float* to = map.at + r * slot + 16;
                panel<kPer>(x + r * W * C, C, {1, {g * in}, {in}}, w1 + job * in * 16, W, to, 16);
                before.add(to, W, 16);
            }
            norm1.from(g * own + c, own - c).settle(before, scale, shift);
            for (int64_t r = 0; r < N * H; ++r)
                for (int64_t p = 1; p <= W; ++p)
                    for (int v = 0; v < kPer; ++v) {
                        float* at = map.at + r * slot + p * 16 + kLanes * v;
                        store(at, relu(load(at) * scale[v] + shift[v]));
                    }

            float* out = y + job * 16;
            for (int64_t r = 0; r < N * H; ++r) {
                const float* at = map.at + r * slot;
                for (int64_t c = 0; c < 16; c += kLanes) {
                    const float* rows[3] = {(r % H ? at - slot : zeros) + c, at + c,
                                            (r % H < H - 1 ? at + slot : zeros) + c};
                    const float* w = w2 + job * 144 + c;
                    float* to = out + r * W * apart + c;
                    int64_t p = 0;
                    for (; p + 7 <= W; p += 7) taps<7>(rows, p, w, to, apart);
                    for (; p < W; ++p) taps<1>(rows, p, w, to, apart);
                }
                after.add(out + r * W * apart, W, apart);
            }
            norm2.from(g * own + c, own - c).settle(after, scale, shift);
            for (int64_t p = 0; p < N * H * W; ++p)
                for (int v = 0; v < kPer; ++v) {
                    float* at = out + p * apart + kLanes * v;
                    store(at, load(at) * scale[v] + shift[v]);
                }
        }
    }
    ++*tracked1;
    ++*tracked2;
}

// L vectors of channels of a 1x1 convolution for all P pixels, and their statistics.
template <int L>
static Moments<L> measured(const float* x, int64_t row, const Runs& runs, const float* w, int64_t P, float* y) {
    constexpr int64_t kChunk = 56;
    Moments<L> moments;
    for (int64_t p = 0; p < P; p += kChunk) {
        const int64_t n = least(kChunk, P - p);
        panel<L>(x + p * row, row, runs, w, n, y + p * kLanes * L, kLanes * L);
        moments.add(y + p * kLanes * L, n, kLanes * L);
    }
    return moments;
}

struct Convolution {
    const float* w;
    Norm norm;
};

// y = relu(norm(grouped convolution of h)) + x or + norm(convolution of x): a job for L vectors of the O channels.
template <int L>
static void widen_by(const float* h, int64_t inner, int64_t groups, const Convolution& main, const float* x, int64_t C,
                     const Convolution& shortcut, float* y, int64_t O, int64_t P) {
    constexpr int64_t B = kLanes * L;
    const int64_t own = inner / groups, padded = (own + 15) / 16 * 16;
#pragma omp parallel
    {
        Scratch wide(P * B), beside(shortcut.w ? P * B : 0);
        V scale[L], shift[L], other_scale[L], other_shift[L];
#pragma omp for schedule(dynamic, 1)
        for (int64_t o = 0; o < O; o += B) {
            // shuffled channel s is channel s / groups of group s % groups
            Runs runs{groups};
            const int64_t begin = o / (O / groups) * own;
            for (int64_t i = 0; i < groups; ++i) {
                const int64_t s = begin + (i - begin % groups + groups) % groups;
                runs.start[i] = i * padded + s / groups;
                runs.length[i] = (begin + own - s + groups - 1) / groups;
            }
            main.norm.from(o, B).settle(measured<L>(h, groups * padded, runs, main.w + o * own, P, wide.at),
                                        scale, shift);
            if (shortcut.w)
                shortcut.norm.from(o, B).settle(measured<L>(x, C, {1, {0}, {C}}, shortcut.w + o * C, P, beside.at),
                                                other_scale, other_shift);
            for (int64_t p = 0; p < P; ++p)
                for (int v = 0; v < L; ++v) {
                    const V other = shortcut.w ? load(beside.at + p * B + kLanes * v) * other_scale[v] + other_shift[v]
                                               : load(x + p * O + o + kLanes * v);
                    store(y + p * O + o + kLanes * v, relu(load(wide.at + p * B + kLanes * v) * scale[v] + shift[v]) + other);
                }
        }
    }
}

extern "C" void widen(const float* h, int64_t inner, int64_t groups, const float* w, const float* weight,
                      const float* bias, float* running_mean, float* running_var, int64_t* tracked,
                      const float* x, int64_t C, const float* w_short, const float* weight_short,
                      const float* bias_short, float* running_mean_short, float* running_var_short,
                      int64_t* tracked_short, float* y, int64_t O, int64_t panel, int64_t P) {
    const auto kind = panel == 16 ? widen_by<kPer> : widen_by<2 * kPer>;
    kind(h, inner, groups, {w, {weight, bias, running_mean, running_var}}, x, C,
         {w_short, {weight_short, bias_short, running_mean_short, running_var_short}}, y, O, P);
    ++*tracked;
    if (w_short) ++*tracked_short;
}

// 1x1 convolution, normalisation, ReLU and the average of each image: a job for 32 of the O channels.
extern "C" void head(const float* x, int64_t C, const float* w, const float* weight, const float* bias,
                     float* running_mean, float* running_var, int64_t* tracked, float* y, int64_t O,
                     int64_t N, int64_t area) {
    const Norm norm{weight, bias, running_mean, running_var};
#pragma omp parallel
    {
        Scratch map(N * area * 32);
        V scale[2 * kPer], shift[2 * kPer];
#pragma omp for schedule(dynamic, 1)
        for (int64_t o = 0; o < O; o += 32) {
            norm.from(o, 32).settle(measured<2 * kPer>(x, C, {1, {0}, {C}}, w + o * C, N * area, map.at), scale, shift);
            for (int64_t n = 0; n < N; ++n)
                for (int v = 0; v < 2 * kPer; ++v) {
                    V sum = {};
                    for (int64_t p = n * area; p < (n + 1) * area; ++p)
                        sum += relu(load(map.at + p * 32 + kLanes * v) * scale[v] + shift[v]);
                    store(y + n * O + o + kLanes * v, sum / (float)area);
                }
        }
    }
    ++*tracked;
}
"""

library = kernelevo.cpp(SOURCE)


def panels(width: int, weight: Tensor) -> Tensor:
    """(O, K, ...) -> (O / width, K, width)."""
    return weight.flatten(1).unflatten(0, (-1, width)).transpose(1, 2).contiguous()


def padded_panels(groups: int, weight: Tensor) -> Tensor:
    """(O, K, ...) -> (panels, K, 16), each group's outputs padded with zeros to whole panels."""
    by_group = weight.flatten(1).unflatten(0, (groups, -1))
    padded = F.pad(by_group, (0, 0, 0, -by_group.shape[1] % 16))
    return panels(16, padded.flatten(0, 1))


def unshuffled_panels(width: int, groups: int, weight: Tensor) -> Tensor:
    """(O, K, 1, 1) -> (O / width, K, width), each group's inputs in the order that they have before the shuffle."""
    own = weight.shape[1]
    orders = [sorted(range(own), key=lambda k, g=g: ((g * own + k) % groups, k)) for g in range(groups)]
    by_group = weight.flatten(1).unflatten(0, (groups, -1))
    return panels(width, torch.cat([part[:, order] for part, order in zip(by_group, orders, strict=True)]))


panels_of_16, panels_of_32 = partial(panels, 16), partial(panels, 32)


def norm_of(bn: nn.BatchNorm2d) -> tuple[Tensor, ...]:
    return bn.weight, bn.bias, bn.running_mean, bn.running_var, bn.num_batches_tracked


class Unit(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        inner = out_channels // 4
        self.shuffle = nn.ChannelShuffle(groups)
        self.conv1 = nn.Conv2d(in_channels, inner, 1, groups=groups, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, groups=inner, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, out_channels, 1, groups=groups, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
            )
        self.groups = groups
        self.panel = 16 if out_channels // groups % 32 else 32
        self.fits = groups <= 8 and not out_channels // groups % 16
        self.pack_narrow = partial(padded_panels, groups)
        self.pack_wide = partial(unshuffled_panels, self.panel, groups)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.bn1(self.conv1(x)))
        inner = self.shuffle(self.bn2(self.conv2(inner)))
        return F.relu(self.bn3(self.conv3(inner))) + self.shortcut(x)

    def pixels(self, x: Tensor) -> Tensor:
        """Do the same for (N, H, W, C)."""
        *places, channels = x.shape
        count, inner, outputs = x.numel() // channels, self.conv1.out_channels, self.conv3.out_channels
        taps = kernelevo.packed(self.pack_narrow, self.conv2.weight)
        h = torch.empty(count, taps.shape[0] * 16)
        library.narrow(
            x, channels, kernelevo.packed(self.pack_narrow, self.conv1.weight), *norm_of(self.bn1), taps,
            *norm_of(self.bn2), h, inner, self.groups, *places,
        )  # fmt: skip
        beside = [None] * 6
        if self.shortcut:
            pack = panels_of_16 if self.panel == 16 else panels_of_32
            beside = kernelevo.packed(pack, self.shortcut[0].weight), *norm_of(self.shortcut[1])
        y = torch.empty(*places, outputs)
        library.widen(
            h, inner, self.groups, kernelevo.packed(self.pack_wide, self.conv3.weight), *norm_of(self.bn3),
            x, channels, *beside, y, outputs, self.panel, count,
        )  # fmt: skip
        return y


class ModelNew(nn.Module):
    def __init__(
        self,
        classes: int = 1000,
        groups: int = 3,
        repeats: tuple[int, ...] = (3, 7, 3),
        widths: tuple[int, ...] = (24, 240, 480, 960),
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = nn.ModuleList()
        for before, width, repeat in zip(widths, widths[1:], repeats, strict=False):
            first = Unit(before, width, groups)
            self.stages.append(nn.Sequential(first, *(Unit(width, width, groups) for _ in range(repeat - 1))))
        self.conv5 = nn.Conv2d(widths[-1], 1024, 1, bias=False)
        self.bn5 = nn.BatchNorm2d(1024)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        units = [unit for stage in self.stages for unit in stage]
        if not self.training or not all(unit.fits for unit in units):
            for unit in units:
                x = unit(x)
            x = F.relu(self.bn5(self.conv5(x)))
            return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
        x = x.movedim(1, -1).contiguous()
        for unit in units:
            x = unit.pixels(x)
        images, height, width, channels = x.shape
        pooled = torch.empty(images, 1024)
        library.head(
            x, channels, kernelevo.packed(panels_of_32, self.conv5.weight), *norm_of(self.bn5), pooled, 1024,
            images, height * width,
        )  # fmt: skip
        return self.fc(pooled)
