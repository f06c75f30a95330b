"""Mamba-2 as the recurrence that it stands for: state = e^a state + b x, y = c state, one walk over time.

The chunked form buys large matrix products with a 64 x 64 table of decays per chunk and head. On a CPU the
plain recurrence is less work: the state of 16 channels is 16 vectors and never leaves the registers, and x, B,
C and y are each moved once. It is as accurate: decays are multiplied, never formed from sums that cancel.
"""

import torch
from torch import Tensor, nn

import kernelevo

TUNE = {"SPAN": [16, 8, 32]}

SOURCE = r"""
#include <kernelevo/rows.h>

#include <vector>

using namespace kernelevo;

constexpr int kState = 16;

// Rows of y are whole lines that nobody here reads again.
static inline void put(float* to, vfloat v) {
#ifdef __AVX512F__
    if (((uintptr_t)to & 63) == 0) { _mm512_stream_ps(to, (__m512)v); return; }
#endif
    store(to, v);
}

// Distances in floats from one step to the next.
struct Strides { int64_t decay, maps, x; };

// Some steps of one head's channels, a vector of them; `ahead` is how many steps later memory is wanted next.
static void walk(const float* x, const float* decay, const float* b, const float* c, float* y, float* kept,
                 int64_t steps, int64_t ahead, Strides s) {
    vfloat state[kState];
#pragma GCC unroll 16
    for (int n = 0; n < kState; ++n) state[n] = load(kept + n * kLanes);
    for (int64_t t = 0; t < steps; ++t, x += s.x, y += s.x, b += s.maps, c += s.maps, decay += s.decay) {
        __builtin_prefetch(x + ahead * s.x);
        __builtin_prefetch(b + ahead * s.maps);
        __builtin_prefetch(c + ahead * s.maps);
        const vfloat in = load(x), factor = splat(*decay);
        vfloat out[4] = {};
#pragma GCC unroll 16
        for (int n = 0; n < kState; ++n) {
            state[n] = fma(factor, state[n], b[n] * in);
            out[n % 4] = fma(splat(c[n]), state[n], out[n % 4]);
        }
        put(y, (out[0] + out[1]) + (out[2] + out[3]));
    }
#pragma GCC unroll 16
    for (int n = 0; n < kState; ++n) store(kept + n * kLanes, state[n]);
}

// x and y (batch, length, heads, width), decay (batch, length, heads), b and c (batch, length, heads, 16); width
// is a multiple of 16. A span of steps is done for all heads before the next, so that memory is read in order.
extern "C" void scan(const float* x, const float* decay, const float* b, const float* c, float* y, int64_t batch,
                     int64_t length, int64_t heads, int64_t width, int64_t span) {
    const Strides s{heads, heads * kState, heads * width};
    want_huge_pages(y, batch * length * s.x);
#pragma omp parallel
    {
        std::vector<float> states(s.x * kState);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < batch; ++i) {
            states.assign(states.size(), 0.0f);
            for (int64_t t = 0; t < length; t += span) {
                const int64_t at = i * length + t, steps = t + span < length ? span : length - t;
                for (int64_t h = 0; h < heads; ++h)
                    for (int64_t p = h * width; p < (h + 1) * width; p += kLanes)
                        walk(x + at * s.x + p, decay + at * s.decay + h, b + at * s.maps + h * kState,
                             c + at * s.maps + h * kState, y + at * s.x + p, states.data() + p * kState, steps, span,
                             s);
            }
        }
#ifdef __AVX512F__
        _mm_sfence();
#endif
    }
}
"""

library = kernelevo.cpp(SOURCE)


def by_steps(x: Tensor, decay: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The same for any sizes."""
    state, outputs = x.new_zeros(*x[:, 0].shape, b.shape[-1]), []
    for t in range(x.shape[1]):
        state = state * decay[:, t, :, None, None] + x[:, t, :, :, None] * b[:, t, :, None]
        outputs.append((state @ c[:, t, :, :, None]).squeeze(-1))
    return torch.stack(outputs, dim=1)


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
            return by_steps(x, decay, self.B, self.C)
        x = x.contiguous()
        y = torch.empty_like(x)
        library.scan(x, decay, self.B, self.C, y, *x.shape, TUNE["SPAN"][0])
        return y
