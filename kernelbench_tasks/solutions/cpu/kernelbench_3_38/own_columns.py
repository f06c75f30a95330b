"""Bidirectional LSTM whose cores each own half of the units for all steps; the last layer goes back one step only.

Only the last step of the last layer is used. For its backward direction that is the first step: 511 of its 512
steps reach no output, nor do their inputs' products (a twelfth of all work). The rest is arranged so that a core
keeps its rows of W_hh (half of 1 MB) in its own L2 through all steps of a direction and meets the other core once
per step, by a counter instead of an operator. The input part, W_ih x, is made for some steps at a time and never
leaves the cache. Both products are one register tile of 20 sums: 5 sequences by the 4 gates of a vector of units,
or 10 by 2; with half the registers, 5 by 2. The gates of all units of a step follow together, so that nothing waits
for an exponential, and share their divisions: two for each cell instead of five.
"""

import torch
from torch import Tensor, nn

import kernelevo

TUNE = {"STEPS": [32, 16, 64]}

SOURCE = r"""
#include <kernelevo/math.h>
#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <vector>

using namespace kernelevo;

constexpr int kGates = 4, kPair = 2 * kLanes, kBlock = kGates * kLanes;  // a block: all gates of kLanes units

extern "C" int64_t lanes() { return kLanes; }

// out[r] = start[r] + rows[r] . panels for R rows and P pairs of gates; start is `apart` floats from row to row.
template <int R, int P>
static void tile(const float* rows, int64_t length, const float* panels, const float* start, int64_t apart,
                 float* out) {
    vfloat sums[R][2 * P];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int g = 0; g < 2 * P; ++g) sums[r][g] = load(start + r * apart + g * kLanes);
    for (int64_t k = 0; k < length; ++k) {
        vfloat weights[2 * P];
#pragma GCC unroll 4
        for (int g = 0; g < 2 * P; ++g) weights[g] = load(panels + (g / 2 * length + k) * kPair + g % 2 * kLanes);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
            const vfloat value = splat(rows[r * length + k]);
#pragma GCC unroll 4
            for (int g = 0; g < 2 * P; ++g) sums[r][g] = fma(value, weights[g], sums[r][g]);
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int g = 0; g < 2 * P; ++g) store(out + r * kBlock + g * kLanes, sums[r][g]);
}

// All gates of a block of units, for any number of rows.
static void tiles(int64_t count, const float* rows, int64_t length, const float* panels, const float* start,
                  int64_t apart, float* out) {
    const auto next = [&](int64_t done) {
        count -= done, rows += done * length, start += done * apart, out += done * kBlock;
    };
    constexpr int kRows = kVectorRegisters == 32 ? 10 : 5;  // by 2 gates: as many sums as registers hold
    for (; count >= kRows; next(kRows))
        for (int64_t pair = 0; pair < 2; ++pair)
            tile<kRows, 1>(rows, length, panels + pair * length * kPair, start + pair * kPair, apart,
                           out + pair * kPair);
    if constexpr (kRows == 10)
        for (; count >= 5; next(5)) tile<5, 2>(rows, length, panels, start, apart, out);
    for (; count >= 1; next(1)) tile<1, 2>(rows, length, panels, start, apart, out);
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

// One direction of a layer. x (steps, batch, inputs), h0 and c (batch, hidden; c moves on), h (steps, batch, 2,
// hidden; one direction's half of it); weights (hidden / lanes, 2 pairs of gates, inputs or hidden, 2, lanes), bias
// (hidden / lanes, 4, lanes). The first `count` steps are done, `way` 0 from the first on, 1 from the last back.
extern "C" void direction(const float* x, const float* wx, const float* wh, const float* bias, const float* h0,
                          float* c, float* h, int64_t steps, int64_t batch, int64_t inputs, int64_t hidden,
                          int64_t way, int64_t count, int64_t span) {
    const int64_t blocks = hidden / kLanes;
    std::vector<float> states(2 * batch * hidden);
    std::atomic<int64_t> arrivals{0};
#pragma omp parallel
    {
        const int64_t me = omp_get_thread_num(), all = omp_get_num_threads();
        const int64_t from = blocks * me / all, to = blocks * (me + 1) / all, ahead = span * batch * kBlock;
        std::vector<float> gates((to - from) * ahead);  // [block][time in the span][sequence][gate][lane]
        for (int64_t step = 0; step < count; ++step) {
            const int64_t t = way ? steps - 1 - step : step, place = way ? span - 1 - step % span : step % span;
            if (step % span == 0) {
                const int64_t some = std::min(span, count - step), first = way ? t + 1 - some : t;
                for (int64_t u = from; u < to; ++u)
                    tiles(some * batch, x + first * batch * inputs, inputs, wx + u * inputs * kBlock, bias + u * kBlock,
                          0, &gates[(u - from) * ahead + (way ? span - some : 0) * batch * kBlock]);
            }
            const float* before = step ? &states[step % 2 * batch * hidden] : h0;
            float *after = &states[(step + 1) % 2 * batch * hidden], *own = gates.data() + place * batch * kBlock;
            for (int64_t u = from; u < to; ++u) {
                float* sums = own + (u - from) * ahead;
                tiles(batch, before, hidden, wh + u * hidden * kBlock, sums, kBlock, sums);
            }
            for (int64_t u = from; u < to; ++u)
                for (int64_t s = 0; s < batch; ++s) {
                    const int64_t at = s * hidden + u * kLanes;
                    cell(own + (u - from) * ahead + s * kBlock, c + at, after + at);
                    store(h + ((t * batch + s) * 2 + way) * hidden + u * kLanes, load(after + at));
                }
            meet(arrivals, all, step + 1);
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
        self.lstm = nn.LSTM(
            in_features, hidden, layers, batch_first=True, dropout=dropout, bidirectional=True
        )
        self.fc = nn.Linear(2 * hidden, out_features)

    def forward(self, x: Tensor, h0: Tensor, c0: Tensor) -> Tensor:
        lstm = self.lstm
        if lstm.hidden_size % LANES or lstm.dropout:
            return self.fc(lstm(x, (h0, c0))[0][:, -1])
        batch, steps, _ = x.shape
        y = x.transpose(0, 1).contiguous()
        h0, cells = h0.contiguous(), c0.clone(memory_format=torch.contiguous_format)
        for i in range(lstm.num_layers):
            inputs, y = y, torch.empty(steps, batch, 2 * lstm.hidden_size)
            for way in (0, 1):
                j = 2 * i + way
                wx, wh, bx, bh = lstm.all_weights[j]
                count = 1 if way and i == lstm.num_layers - 1 else steps
                library.direction(
                    inputs, kernelevo.packed(pairs_of_gates, wx), kernelevo.packed(pairs_of_gates, wh),
                    kernelevo.packed(sum_of_biases, bx, bh), h0[j], cells[j], y,
                    *inputs.shape, lstm.hidden_size, way, count, TUNE["STEPS"][0],
                )  # fmt: skip
        return self.fc(y[-1])
