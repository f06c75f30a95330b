"""AlexNet in channels-last rows: the 5x5 and the 3x3 convolutions by Winograd's six points, half the multiplications.

Nine tenths of the convolutions' work is one 5x5 and three 3x3 layers. On tiles of 6x6 inputs both are 36 products
for each pair of channels: F(2x2, 5x5) needs 9 products for an output where the plain sum needs 25, F(4x4, 3x3) 2.25
(3.4 here, since 13 is not a multiple of 4) where it needs 9. They share the transform of their inputs, made for as
many images as fit into the last-level cache; then each core takes 64 output channels of some tiles through 36
small matrix products to the finished outputs, bias and ReLU included, in its own second-level cache.

All products, those of the first convolution too, are one register tile of 24 vectors. The linear layers, which
only stream their 230 MB of weights, are oneDNN's.
"""

import torch
from torch import Tensor, nn

import kernelevo

SOURCE = r"""
#include <kernelevo/math.h>

#include <algorithm>
#include <memory>
#include <vector>

using namespace kernelevo;

constexpr int64_t kPoints = 6, kPlanes = kPoints * kPoints, kPanel = 4 * kLanes;
constexpr int64_t kTiles = 48;        // tiles that a core takes through the products at once
constexpr int64_t kCached = 4 << 20;  // transformed inputs, in floats, that may lie in the last-level cache

extern "C" int64_t lanes() { return kLanes; }

// y[r] = sum over runs q and k < length of x[q * between + r * apart + k] * w[q][k], for R rows and N vectors.
template <int R, int N>
static void tile(const float* x, int64_t apart, int64_t runs, int64_t between, int64_t length, const float* w,
                 float* y, int64_t out) {
    vfloat sums[R][N] = {};
    for (int64_t q = 0; q < runs; ++q, x += between)
        for (int64_t k = 0; k < length; ++k, w += N * kLanes) {
            vfloat weights[N];
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) weights[n] = load(w + n * kLanes);
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) {
                const vfloat value = splat(x[r * apart + k]);
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) sums[r][n] = fma(value, weights[n], sums[r][n]);
            }
        }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) store(y + r * out + n * kLanes, sums[r][n]);
}

// Any number of rows, in tiles of 24 sums or fewer.
template <int N, int R = 24 / N>
static void tiles(int64_t rows, const float* x, int64_t apart, int64_t runs, int64_t between, int64_t length,
                  const float* w, float* y, int64_t out) {
    for (; rows >= R; rows -= R, x += R * apart, y += R * out) tile<R, N>(x, apart, runs, between, length, w, y, out);
    if constexpr (R > 1) tiles<N, R / 2>(rows, x, apart, runs, between, length, w, y, out);
}

// Input transform of six values, for the points 0, 1, -1, 2, -2 and infinity.
static inline void to_points(const vfloat* d, vfloat* out) {
    const vfloat even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1];
    const vfloat near_even = d[4] - d[2], near_odd = 2.0f * (d[3] - d[1]);
    out[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    out[1] = even + odd;
    out[2] = even - odd;
    out[3] = near_even + near_odd;
    out[4] = near_even - near_odd;
    out[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

// Output transform: S values from six points, S = 2 (5 taps) or 4 (3 taps).
template <int S>
static inline void from_points(const vfloat* m, vfloat* out) {
    const vfloat sum = m[1] + m[2], difference = m[1] - m[2], far_sum = m[3] + m[4], far_difference = m[3] - m[4];
    out[0] = m[0] + sum + far_sum;
    out[1] = difference + 2.0f * far_difference;
    if constexpr (S == 4) {
        out[2] = sum + 4.0f * far_sum;
        out[3] = difference + 8.0f * far_difference;
    }
    out[S - 1] += m[5];
}

// One image of a map (height, width, channels), and how many channels its convolution has.
struct Map {
    int64_t height, width, channels, out;
};

// Six padded rows (padded, channels) of a row of tiles -> 36 planes of (tile, channel).
template <int S>
static void transform_inputs(const Map& m, const float* image, int64_t row, int64_t across, float* rows, float* to,
                             int64_t plane) {
    const int64_t taps = kPoints + 1 - S, padding = taps / 2, padded = S * across + taps - 1, c = m.channels;
    std::fill_n(rows, kPoints * padded * c, 0.0f);
    for (int64_t i = 0; i < kPoints; ++i) {
        const int64_t y = S * row - padding + i;
        if (y < 0 || y >= m.height) continue;
        std::copy_n(image + y * m.width * c, m.width * c, rows + (i * padded + padding) * c);
    }
    for (int64_t t = 0; t < across; ++t)
        for (int64_t k = 0; k < c; k += kLanes) {
            const float* from = rows + S * t * c + k;
            vfloat columns[kPoints][kPoints];
            for (int j = 0; j < kPoints; ++j) {
                vfloat d[kPoints], p[kPoints];
#pragma GCC unroll 6
                for (int i = 0; i < kPoints; ++i) d[i] = load(from + (i * padded + j) * c);
                to_points(d, p);
#pragma GCC unroll 6
                for (int i = 0; i < kPoints; ++i) columns[i][j] = p[i];
            }
            for (int i = 0; i < kPoints; ++i) {
                vfloat p[kPoints];
                to_points(columns[i], p);
#pragma GCC unroll 6
                for (int j = 0; j < kPoints; ++j) store(to + (i * kPoints + j) * plane + t * c + k, p[j]);
            }
        }
}

// 36 planes of kPanel channels of one tile -> S x S outputs with bias and ReLU, as far as they are inside.
template <int S>
static void transform_outputs(const Map& m, const float* from, int64_t plane, const float* bias, int64_t y,
                              int64_t x, float* image) {
    for (int64_t k = 0; k < kPanel; k += kLanes) {
        vfloat rows[S][kPoints];
        for (int j = 0; j < kPoints; ++j) {
            vfloat p[kPoints], o[S];
#pragma GCC unroll 6
            for (int i = 0; i < kPoints; ++i) p[i] = load(from + (i * kPoints + j) * plane + k);
            from_points<S>(p, o);
#pragma GCC unroll 4
            for (int i = 0; i < S; ++i) rows[i][j] = o[i];
        }
        for (int64_t i = 0; i < std::min<int64_t>(S, m.height - y); ++i) {
            vfloat o[S];
            from_points<S>(rows[i], o);
#pragma GCC unroll 4
            for (int64_t j = 0; j < S; ++j)
                if (x + j < m.width)
                    store(image + ((y + i) * m.width + x + j) * m.out + k, relu(o[j] + load(bias + k)));
        }
    }
}

template <int S>
static void winograd(const Map& m, const float* x, const float* w, const float* bias, float* y, int64_t batch) {
    const int64_t across = (m.width + S - 1) / S, down = (m.height + S - 1) / S, each = across * down;
    const int64_t images = std::max<int64_t>(1, std::min(batch, kCached / (kPlanes * each * m.channels)));
    const int64_t in_plane = images * each * m.channels + kLanes, out_plane = kTiles * kPanel + kLanes;
    const auto points = std::make_unique_for_overwrite<float[]>(kPlanes * in_plane);
#pragma omp parallel
    {
        std::vector<float> rows(kPoints * (S * across + kPoints) * m.channels), products(kPlanes * out_plane);
        for (int64_t first = 0; first < batch; first += images) {
            const int64_t count = std::min(images, batch - first) * each, blocks = (count + kTiles - 1) / kTiles;
#pragma omp for
            for (int64_t r = 0; r < count / across; ++r)
                transform_inputs<S>(m, x + (first + r / down) * m.height * m.width * m.channels, r % down, across,
                                    rows.data(), points.get() + r * across * m.channels, in_plane);
#pragma omp for
            for (int64_t task = 0; task < m.out / kPanel * blocks; ++task) {
                const int64_t panel = task / blocks, from = task % blocks * kTiles, to = std::min(from + kTiles, count);
                for (int64_t p = 0; p < kPlanes; ++p)
                    tiles<4>(to - from, points.get() + p * in_plane + from * m.channels, m.channels, 1, 0, m.channels,
                             w + (panel * kPlanes + p) * m.channels * kPanel, products.data() + p * out_plane, kPanel);
                for (int64_t t = from; t < to; ++t)
                    transform_outputs<S>(m, products.data() + (t - from) * kPanel, out_plane, bias + panel * kPanel,
                                         t % each / across * S, t % across * S,
                                         y + (first + t / each) * m.height * m.width * m.out + panel * kPanel);
            }
        }
    }
}

// 5x5 or 3x3, stride 1, same size, with bias and ReLU. w: (out / kPanel, 36, channels, kPanel).
extern "C" void convolve(const float* x, const float* w, const float* bias, float* y, int64_t batch, int64_t height,
                         int64_t width, int64_t channels, int64_t out, int64_t taps) {
    const Map m{height, width, channels, out};
    if (taps == 5) winograd<2>(m, x, w, bias, y, batch);
    else winograd<4>(m, x, w, bias, y, batch);
}

// Any size and stride on channels-first images, with bias and ReLU. w: (out / kWide, size, size, channels, kWide).
extern "C" void first_convolution(const float* x, const float* w, const float* bias, float* y, int64_t batch,
                                  int64_t channels, int64_t height, int64_t width, int64_t out, int64_t size,
                                  int64_t stride, int64_t padding) {
    constexpr int64_t kHigh = 5, kWide = 3 * kLanes;  // rows of outputs that share the gathered inputs
    const int64_t high = (height + 2 * padding - size) / stride + 1, wide = (width + 2 * padding - size) / stride + 1;
    const int64_t row = (width + 2 * padding) * channels, blocks = (high + kHigh - 1) / kHigh;
#pragma omp parallel
    {
        std::vector<float> gathered(((kHigh - 1) * stride + size) * row);
#pragma omp for
        for (int64_t block = 0; block < batch * blocks; ++block) {
            const float* image = x + block / blocks * channels * height * width;
            const int64_t first = block % blocks * kHigh, last = std::min(first + kHigh, high);
            std::fill(gathered.begin(), gathered.end(), 0.0f);
            for (int64_t i = 0; i < (last - first - 1) * stride + size; ++i) {
                const int64_t from = first * stride - padding + i;
                if (from < 0 || from >= height) continue;
                for (int64_t c = 0; c < channels; ++c)
                    for (int64_t j = 0; j < width; ++j)
                        gathered[i * row + (padding + j) * channels + c] = image[(c * height + from) * width + j];
            }
            for (int64_t r = first; r < last; ++r) {
                float* to = y + (block / blocks * high + r) * wide * out;
                for (int64_t o = 0; o < out; o += kWide)
                    tiles<3>(wide, gathered.data() + (r - first) * stride * row, stride * channels, size, row,
                             size * channels, w + o * size * size * channels, to + o, out);
                for (int64_t j = 0; j < wide; ++j)
                    for (int64_t o = 0; o < out; o += kLanes)
                        store(to + j * out + o, relu(load(to + j * out + o) + load(bias + o)));
            }
        }
    }
}

// 3x3 maximum, stride 2.
extern "C" void pool(const float* x, float* y, int64_t batch, int64_t height, int64_t width, int64_t channels) {
    const int64_t high = (height - 3) / 2 + 1, wide = (width - 3) / 2 + 1;
#pragma omp parallel for
    for (int64_t r = 0; r < batch * high; ++r)
        for (int64_t j = 0; j < wide; ++j) {
            const float* from = x + ((r / high * height + r % high * 2) * width + 2 * j) * channels;
            for (int64_t c = 0; c < channels; c += kLanes) {
                vfloat most = load(from + c);
#pragma GCC unroll 9
                for (int64_t i = 1; i < 9; ++i) most = max(most, load(from + (i / 3 * width + i % 3) * channels + c));
                store(y + (r * wide + j) * channels + c, most);
            }
        }
}
"""

library = kernelevo.cpp(SOURCE)
LANES = library.lanes()
POINTS = (0.0, 1.0, -1.0, 2.0, -2.0)
FACTORS = (1 / 4, -1 / 6, -1 / 6, 1 / 24, 1 / 24)


def winograd_weight(weight: Tensor) -> Tensor:
    """(out, in, taps, taps) -> its values at the 36 points, (out / panel, 36, in, panel)."""
    out, channels, taps, _ = weight.shape
    rows = [[factor * point**k for k in range(taps)] for point, factor in zip(POINTS, FACTORS)]
    at = torch.tensor([*rows, [0.0] * (taps - 1) + [1.0]], dtype=torch.float64)
    points = torch.einsum("pi,ocij,qj->pqco", at, weight.double(), at)
    return points.reshape(36, channels, -1, 4 * LANES).permute(2, 0, 1, 3).float().contiguous()


def direct_weight(weight: Tensor) -> Tensor:
    """(out, in, size, size) -> (out / panel, size, size, in, panel)."""
    return weight.unflatten(0, (-1, 3 * LANES)).permute(0, 3, 4, 2, 1).contiguous()


def linear_weight(weight: Tensor) -> Tensor:
    """A weight in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight, None)


def convolve(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """ReLU of a 5x5 or 3x3 convolution of the same size."""
    y = torch.empty(*x.shape[:3], conv.out_channels)
    weight = kernelevo.packed(winograd_weight, conv.weight)
    library.convolve(x, weight, conv.bias, y, *x.shape, conv.out_channels, conv.kernel_size[0])
    return y


def pool(x: Tensor) -> Tensor:
    """3x3 maximum, stride 2."""
    batch, height, width, channels = x.shape
    y = torch.empty(batch, (height - 1) // 2, (width - 1) // 2, channels)
    library.pool(x, y, *x.shape)
    return y


def linear(x: Tensor, layer: nn.Linear, after: str = "none") -> Tensor:
    weight = kernelevo.packed(linear_weight, layer.weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, layer.bias, after, [], "")


class ModelNew(nn.Module):
    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, kernel_size=11, stride=4, padding=2)
        self.conv2 = nn.Conv2d(96, 256, kernel_size=5, padding=2)
        self.conv3 = nn.Conv2d(256, 384, kernel_size=3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, kernel_size=3, padding=1)
        self.conv5 = nn.Conv2d(384, 256, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(256 * 6 * 6, 4096)
        self.fc2 = nn.Linear(4096, 4096)
        self.fc3 = nn.Linear(4096, classes)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        y = torch.empty(batch, (height - 7) // 4 + 1, (width - 7) // 4 + 1, 96)
        weight = kernelevo.packed(direct_weight, self.conv1.weight)
        library.first_convolution(x.contiguous(), weight, self.conv1.bias, y, *x.shape, 96, 11, 4, 2)
        y = pool(convolve(pool(y), self.conv2))
        y = pool(convolve(convolve(convolve(y, self.conv3), self.conv4), self.conv5))
        y = linear(y.permute(0, 3, 1, 2).flatten(1), self.fc1, "relu")
        return linear(linear(y, self.fc2, "relu"), self.fc3)
