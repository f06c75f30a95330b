"""Mamba-2's last state alone: the sum over time of b x, each weighted by the decays that come after it.

Nothing but that state is returned, so C, the attention inside chunks and every earlier state drop out. Walking
back in time, the weight of a step is a running product of decays; with it on b, the state is a product of two
matrices per head, whose sums stay in registers. x and B are read once: the rest is waiting for memory.
"""

import torch
from torch import Tensor, nn

import kernelevo

TUNE = {"SPAN": [32, 16, 64]}

SOURCE = r"""
#include <kernelevo/math.h>

#include <vector>

using namespace kernelevo;

constexpr int kState = 16, kVectors = kState / kLanes;
constexpr int kLine = 16;  // floats of a cache line
constexpr int kChannels = kVectorRegisters / (2 * kVectors);  // whose sums take half of the registers
static_assert(kLine % kChannels == 0);

// y[p] (+)= sum over steps of x[t][p] * b[t], for kChannels channels p; `ahead` is where memory is wanted next.
template <bool kAhead>
static void gather(const float* x, int64_t row, const float* b, int64_t steps, int64_t ahead, bool more, float* y) {
    vfloat sums[kChannels][kVectors];
#pragma GCC unroll 16
    for (int p = 0; p < kChannels; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[p][v] = more ? load(y + p * kState + v * kLanes) : vfloat{};
    for (int64_t t = 0; t < steps; ++t, x += row, b += kState) {
        if constexpr (kAhead) __builtin_prefetch(x + ahead);
        vfloat weighted[kVectors];
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) weighted[v] = load(b + v * kLanes);
#pragma GCC unroll 16
        for (int p = 0; p < kChannels; ++p) {
            const vfloat value = splat(x[p]);
#pragma GCC unroll 4
            for (int v = 0; v < kVectors; ++v) sums[p][v] = fma(value, weighted[v], sums[p][v]);
        }
    }
#pragma GCC unroll 16
    for (int p = 0; p < kChannels; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) store(y + p * kState + v * kLanes, sums[p][v]);
}

// x (batch, length, heads, width), decay (batch, length, heads), b (batch, length, heads, 16), y (batch, heads,
// width, 16); width is a multiple of 16. Spans of steps go back in time, each for all heads.
extern "C" void last_state(const float* x, const float* decay, const float* b, float* y, int64_t batch,
                           int64_t length, int64_t heads, int64_t width, int64_t span) {
    const int64_t row = heads * width;
#pragma omp parallel
    {
        std::vector<float> weights(heads), weighted(span * kState);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < batch; ++i) {
            weights.assign(heads, 1.0f);
            for (int64_t end = length; end > 0; end -= span) {
                const int64_t begin = end > span ? end - span : 0, at = i * length + begin, steps = end - begin;
                for (int64_t h = 0; h < heads; ++h) {
                    for (int64_t t = steps - 1; t >= 0; --t) {
                        const int64_t step = (at + t) * heads + h;
                        __builtin_prefetch(b + (step - span * heads) * kState);
                        for (int v = 0; v < kState; v += kLanes)
                            store(&weighted[t * kState + v], splat(weights[h]) * load(b + step * kState + v));
                        weights[h] *= decay[step];
                    }
                    for (int64_t p = h * width; p < (h + 1) * width; p += kChannels)
                        (p % kLine ? gather<false> : gather<true>)(x + at * row + p, row, weighted.data(), steps,
                                                                   -span * row, end < length,
                                                                   y + (i * row + p) * kState);
                }
            }
        }
    }
}
"""

library = kernelevo.cpp(SOURCE)


def by_steps(x: Tensor, decay: Tensor, b: Tensor) -> Tensor:
    """The same for any sizes."""
    state = x.new_zeros(*x[:, 0].shape, b.shape[-1])
    for t in range(x.shape[1]):
        state = state * decay[:, t, :, None, None] + x[:, t, :, :, None] * b[:, t, :, None]
    return state


class ModelNew(nn.Module):
    def __init__(
        self, batch: int, length: int, heads: int, head_dim: int, state: int, chunk: int = 64
    ) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.randn(batch, length, heads))
        self.B = nn.Parameter(torch.randn(batch, length, heads, state))
        self.C = nn.Parameter(torch.randn(batch, length, heads, state))

    def forward(self, x: Tensor) -> Tensor:
        decay = torch.exp(self.A.detach())
        if self.B.shape[-1] != 16 or x.shape[-1] % 16:
            return by_steps(x, decay, self.B)
        x = x.contiguous()
        y = torch.empty(x.shape[0], *x.shape[2:], 16)
        library.last_state(x, decay, self.B, y, *x.shape, TUNE["SPAN"][0])
        return y
