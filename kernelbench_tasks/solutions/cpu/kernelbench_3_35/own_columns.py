"""LSTM whose cores each own half of the units for all steps; the input part is made some steps ahead.

PyTorch's step of 10 sequences is oneDNN's and good; what is left is around its products. Here each core keeps its
rows of W_hh (half of 1 MB) in its own L2 through all 512 steps and meets the other core once per step, by a
counter instead of an operator. The input part of a layer, W_ih x for all steps, would be 21 MB written and read
again: made for a few steps at a time, it never leaves the cache. Both products are one register tile, 10 sequences
(5 with half the registers) by 2 gates of a vector of units. The gates of all units of a step follow together, so
that nothing waits for an exponential, and share their divisions: two for each cell instead of five.
"""

import torch
from torch import Tensor, nn

import kernelevo

TUNE = {"STEPS": [16, 8, 32]}

SOURCE = r"""
#include <kernelevo/math.h>
#include <omp.h>
#include <sched.h>

#include <atomic>
#include <vector>

using namespace kernelevo;

constexpr int kGates = 4, kPair = 2 * kLanes, kBlock = kGates * kLanes;  // a block: all gates of kLanes units
constexpr int kRows = kVectorRegisters == 32 ? 10 : 5;  // by 2 gates: as many sums as registers hold

extern "C" int64_t lanes() { return kLanes; }

// out[r] = start[r] + rows[r] . panel for R rows and two gates; start is `apart` floats from row to row.
template <int R>
static void tile(const float* rows, int64_t length, const float* panel, const float* start, int64_t apart, float* out) {
    vfloat sums[R][2];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
        sums[r][0] = load(start + r * apart);
        sums[r][1] = load(start + r * apart + kLanes);
    }
    for (int64_t k = 0; k < length; ++k, panel += kPair) {
        const vfloat one = load(panel), two = load(panel + kLanes);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
            const vfloat value = splat(rows[r * length + k]);
            sums[r][0] = fma(value, one, sums[r][0]);
            sums[r][1] = fma(value, two, sums[r][1]);
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
        store(out + r * kBlock, sums[r][0]);
        store(out + r * kBlock + kLanes, sums[r][1]);
    }
}

template <int R>
static void tiles(int64_t count, const float* rows, int64_t length, const float* panel, const float* start,
                  int64_t apart, float* out) {
    for (; count >= R; count -= R, rows += R * length, start += R * apart, out += R * kBlock)
        tile<R>(rows, length, panel, start, apart, out);
    if constexpr (R > 1) tiles<R / 2>(count, rows, length, panel, start, apart, out);
}

// 1 + e^-x; beyond 28 a sigmoid is 0 or 1 to fp32, and the product of three such sums stays finite.
static vfloat one_plus_exp(vfloat x) { return exp(-min(splat(28.0f), max(splat(-28.0f), x))) + 1.0f; }

// The cell of one sequence's kLanes units. With sigmoid(x) = 1 / (1 + e^-x) and tanh(x) = (1 - e^-2x) / (1 + e^-2x)
// the next state and the output are each one fraction.
static void cell(const float* gates, float* c, float* h) {
    const vfloat in = one_plus_exp(load(gates)), forget = one_plus_exp(load(gates + kLanes));
    const vfloat fresh = one_plus_exp(2.0f * load(gates + 2 * kLanes)), out = one_plus_exp(load(gates + 3 * kLanes));
    const vfloat written = in * fresh;
    const vfloat next = fma(load(c), written, (2.0f - fresh) * forget) / (forget * written);
    const vfloat seen = one_plus_exp(2.0f * next);
    store(c, next);
    store(h, (2.0f - seen) / (out * seen));
}

// Waits until all threads have come here `times` times; spinning, since a step takes some microseconds.
static void meet(std::atomic<int64_t>& arrivals, int64_t threads, int64_t times) {
    arrivals.fetch_add(1, std::memory_order_acq_rel);
    for (int spins = 0; arrivals.load(std::memory_order_acquire) < threads * times; ++spins)
        if (spins > 4096) sched_yield();  // another process may own our partner's core
}

// One layer. x (steps, batch, inputs), h0 and c (batch, hidden; c moves on), h (steps, batch, hidden); weights
// (hidden / lanes, 2 pairs of gates, inputs or hidden, 2, lanes), bias (hidden / lanes, 4, lanes).
extern "C" void layer(const float* x, const float* wx, const float* wh, const float* bias, const float* h0, float* c,
                      float* h, int64_t steps, int64_t batch, int64_t inputs, int64_t hidden, int64_t span) {
    const int64_t blocks = hidden / kLanes, step = batch * hidden;
    std::atomic<int64_t> arrivals{0};
#pragma omp parallel
    {
        const int64_t me = omp_get_thread_num(), all = omp_get_num_threads();
        const int64_t from = blocks * me / all, to = blocks * (me + 1) / all, ahead = span * batch * kBlock;
        std::vector<float> gates((to - from) * ahead);  // [block][step of the span][sequence][gate][lane]
        for (int64_t t = 0; t < steps; ++t) {
            if (t % span == 0)
                for (int64_t u = from; u < to; ++u)
                    for (int64_t pair = 0; pair < 2; ++pair)
                        tiles<kRows>((t + span < steps ? span : steps - t) * batch, x + t * batch * inputs, inputs,
                                     wx + (2 * u + pair) * inputs * kPair, bias + (2 * u + pair) * kPair, 0,
                                     &gates[(u - from) * ahead + pair * kPair]);
            const float* before = t ? h + (t - 1) * step : h0;
            float* own = gates.data() + t % span * batch * kBlock;
            for (int64_t u = from; u < to; ++u)
                for (int64_t pair = 0; pair < 2; ++pair) {
                    float* sums = own + (u - from) * ahead + pair * kPair;
                    tiles<kRows>(batch, before, hidden, wh + (2 * u + pair) * hidden * kPair, sums, kBlock, sums);
                }
            for (int64_t u = from; u < to; ++u)
                for (int64_t s = 0; s < batch; ++s) {
                    const int64_t at = s * hidden + u * kLanes;
                    cell(own + (u - from) * ahead + s * kBlock, c + at, h + t * step + at);
                }
            meet(arrivals, all, t + 1);
        }
    }
}
"""

library = kernelevo.cpp(SOURCE)
LANES = library.lanes()


def pairs_of_gates(weight: Tensor) -> Tensor:
    """(4 H, K) -> (H / lanes, 2, K, 2, lanes)."""
    return weight.view(2, 2, -1, LANES, weight.shape[1]).permute(2, 0, 4, 1, 3).contiguous()


def sum_of_biases(first: Tensor, second: Tensor) -> Tensor:
    """Two of (4 H) -> (H / lanes, 4, lanes)."""
    return (first + second).view(4, -1, LANES).transpose(0, 1).contiguous()


class ModelNew(nn.Module):
    def __init__(
        self, in_features: int, hidden: int, layers: int, out_features: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(in_features, hidden, layers, batch_first=True, dropout=dropout)
        self.fc = nn.Linear(hidden, out_features)

    def forward(self, x: Tensor) -> Tensor:
        lstm = self.lstm
        shape = (lstm.num_layers, x.shape[0], lstm.hidden_size)
        h0, c0 = torch.randn(shape), torch.randn(shape)
        if lstm.hidden_size % LANES or lstm.dropout:
            return self.fc(lstm(x, (h0, c0))[0][:, -1])
        steps = x.transpose(0, 1).contiguous()
        for i in range(lstm.num_layers):
            wx, wh, bx, bh = lstm.all_weights[i]
            states = torch.empty(x.shape[1], x.shape[0], lstm.hidden_size)
            library.layer(
                steps, kernelevo.packed(pairs_of_gates, wx), kernelevo.packed(pairs_of_gates, wh),
                kernelevo.packed(sum_of_biases, bx, bh), h0[i], c0[i], states,
                *steps.shape, lstm.hidden_size, TUNE["STEPS"][0],
            )  # fmt: skip
            steps = states
        return self.fc(steps[-1])
