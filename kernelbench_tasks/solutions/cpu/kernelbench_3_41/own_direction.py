"""Bidirectional GRU in which each core runs one direction of a layer, all steps, without waiting for the other.

The two directions of a layer never meet before its end. A core's W_hh (0.8 MB) stays in its own L2 through all
steps; of a step of 2 sequences that is all there is to read. PyTorch starts a dozen operators for each of 3072
steps instead. The input part, W_ih x + b, is one product for all steps beforehand. Each product is a register tile
of some rows by the three gates of a vector of units; the few rows of a step are summed in several interleaved
parts, since an FMA takes four cycles. The gates of all units follow together, so that nothing waits for an
exponential.

A large state needs care: h' = z h + (1 - z) n multiplies an error in z by h, so that rounding errors grow from step
to step for as long as |h| is large. Only initial states can be (n is a tanh), and their steps are done in fp64.
"""

import torch
from torch import Tensor, nn

import kernelevo

SOURCE = r"""
#include <kernelevo/math.h>
#include <omp.h>

#include <cmath>
#include <vector>

using namespace kernelevo;

constexpr int kGates = 3, kBlock = kGates * kLanes;  // a block: the gates (reset, update, new) of kLanes units
constexpr float kLarge = 4.0f;                       // states beyond this multiply rounding errors

extern "C" int64_t lanes() { return kLanes; }

// out[r] = start[r] + rows[r] . panel for R rows and one block; start and out are `apart` and `width` floats from
// row to row. P parts of the sum, every P-th k each, keep the FMAs busy.
template <int R, int P>
static void tile(const float* rows, int64_t length, const float* panel, const float* start, int64_t apart, float* out,
                 int64_t width) {
    vfloat sums[P][R][kGates] = {};
    for (int64_t k = 0; k < length; k += P)
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p, panel += kBlock) {
            const vfloat reset = load(panel), update = load(panel + kLanes), fresh = load(panel + 2 * kLanes);
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) {
                const vfloat value = splat(rows[r * length + k + p]);
                sums[p][r][0] = fma(value, reset, sums[p][r][0]);
                sums[p][r][1] = fma(value, update, sums[p][r][1]);
                sums[p][r][2] = fma(value, fresh, sums[p][r][2]);
            }
        }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
        for (int g = 0; g < kGates; ++g) {
#pragma GCC unroll 3
            for (int half = P / 2; half; half /= 2)
#pragma GCC unroll 8
                for (int p = 0; p < half; ++p) sums[p][r][g] += sums[p + half][r][g];
            store(out + r * width + g * kLanes, load(start + r * apart + g * kLanes) + sums[0][r][g]);
        }
}

constexpr int kRows = kVectorRegisters / 4;  // by 3 gates: as many sums as registers hold

// Any number of rows, in parts of the sum where they are few.
template <int R = kRows>
static void tiles(int64_t count, const float* rows, int64_t length, const float* panel, const float* start,
                  int64_t apart, float* out, int64_t width) {
    for (; count >= R; count -= R, rows += R * length, start += R * apart, out += R * width)
        tile<R, kRows / R>(rows, length, panel, start, apart, out, width);
    if constexpr (R > 1) tiles<R / 2>(count, rows, length, panel, start, apart, out, width);
}

// What a layer has for one direction; weights (hidden / lanes, inputs or hidden, 3, lanes), biases (hidden / lanes, 3,
// lanes), h0 (batch, hidden).
struct Direction {
    const float *wx, *wh, *bx, *bh, *h0;
};

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// One step in fp64, for states of any size.
static void exact_step(const Direction& d, const float* x, const float* before, float* after, int64_t batch,
                       int64_t inputs, int64_t hidden) {
    const auto product = [](const float* row, int64_t length, const float* panel, const float* bias, double* sums) {
        for (int i = 0; i < kBlock; ++i) sums[i] = bias[i];
        for (int64_t k = 0; k < length; ++k, panel += kBlock)
            for (int i = 0; i < kBlock; ++i) sums[i] += (double)row[k] * panel[i];
    };
    for (int64_t u = 0; u < hidden / kLanes; ++u)
        for (int64_t s = 0; s < batch; ++s) {
            double in[kBlock], own[kBlock];
            product(x + s * inputs, inputs, d.wx + u * inputs * kBlock, d.bx + u * kBlock, in);
            product(before + s * hidden, hidden, d.wh + u * hidden * kBlock, d.bh + u * kBlock, own);
            for (int i = 0; i < kLanes; ++i) {
                const int64_t at = s * hidden + u * kLanes + i;
                const double update = sigmoid(in[kLanes + i] + own[kLanes + i]);
                const double fresh = std::tanh(in[2 * kLanes + i] + sigmoid(in[i] + own[i]) * own[2 * kLanes + i]);
                after[at] = (before[at] - fresh) * update + fresh;
            }
        }
}

// One layer. x (steps, batch, inputs) -> y (steps, batch, 2, hidden); projected (2, steps, batch, 3 hidden) is scratch.
extern "C" void layer(const float* x, const float* wx, const float* wh, const float* bx, const float* bh,
                      const float* wx_back, const float* wh_back, const float* bx_back, const float* bh_back,
                      const float* h0, float* projected, float* y, int64_t steps, int64_t batch, int64_t inputs,
                      int64_t hidden) {
    const int64_t blocks = hidden / kLanes, wide = blocks * kBlock;
    const Direction directions[2] = {{wx, wh, bx, bh, h0}, {wx_back, wh_back, bx_back, bh_back, h0 + batch * hidden}};
#pragma omp parallel for num_threads(2)
    for (int way = 0; way < 2; ++way) {
        const Direction& d = directions[way];
        float* in = projected + way * steps * batch * wide;
        std::vector<float> own(batch * wide), states(2 * batch * hidden);
        for (int64_t u = 0; u < blocks; ++u)
            tiles(steps * batch, x, inputs, d.wx + u * inputs * kBlock, d.bx + u * kBlock, 0, &in[u * kBlock], wide);
        float largest_state = 0;
        for (int64_t i = 0; i < batch * hidden; ++i) largest_state = std::max(largest_state, std::abs(d.h0[i]));
        for (int64_t step = 0; step < steps; ++step) {
            const int64_t t = way ? steps - 1 - step : step;
            const float* before = step ? &states[step % 2 * batch * hidden] : d.h0;
            float* after = &states[(step + 1) % 2 * batch * hidden];
            if (largest_state > kLarge) {
                exact_step(d, x + t * batch * inputs, before, after, batch, inputs, hidden);
            } else {
                for (int64_t u = 0; u < blocks; ++u)
                    tiles(batch, before, hidden, d.wh + u * hidden * kBlock, d.bh + u * kBlock, 0, &own[u * kBlock],
                          wide);
                for (int64_t s = 0; s < batch; ++s)
                    for (int64_t u = 0; u < blocks; ++u) {
                        const float* a = &in[(t * batch + s) * wide + u * kBlock];
                        const float* b = &own[s * wide + u * kBlock];
                        const int64_t at = s * hidden + u * kLanes;
                        const vfloat reset = sigmoid(load(a) + load(b));
                        const vfloat update = sigmoid(load(a + kLanes) + load(b + kLanes));
                        const vfloat fresh = tanh(fma(reset, load(b + 2 * kLanes), load(a + 2 * kLanes)));
                        store(after + at, fma(load(before + at) - fresh, update, fresh));
                    }
            }
            vfloat most = {};
            for (int64_t s = 0; s < batch; ++s)
                for (int64_t i = 0; i < hidden; i += kLanes) {
                    const vfloat state = load(after + s * hidden + i);
                    most = max(most, abs(state));
                    store(y + ((t * batch + s) * 2 + way) * hidden + i, state);
                }
            largest_state = largest(most);
        }
    }
}
"""

library = kernelevo.cpp(SOURCE)
LANES = library.lanes()


def blocks_of_units(weight: Tensor) -> Tensor:
    """(3 H, K) -> (H / lanes, K, 3, lanes)."""
    return weight.view(3, -1, LANES, weight.shape[1]).permute(1, 3, 0, 2).contiguous()


def blocks_of_bias(bias: Tensor) -> Tensor:
    """(3 H) -> (H / lanes, 3, lanes)."""
    return bias.view(3, -1, LANES).transpose(0, 1).contiguous()


PACKERS = (blocks_of_units, blocks_of_units, blocks_of_bias, blocks_of_bias)


class ModelNew(nn.Module):
    def __init__(self, in_features: int, hidden: int, layers: int = 3) -> None:
        super().__init__()
        self.gru = nn.GRU(in_features, hidden, layers, bidirectional=True)

    def forward(self, x: Tensor, h0: Tensor) -> Tensor:
        steps, batch, features = x.shape
        hidden, weights = self.gru.hidden_size, self.gru.all_weights
        if hidden % LANES or features % 8:
            return self.gru(x, h0)[0]
        y, h0, projected = x.contiguous(), h0.contiguous(), torch.empty(2, steps, batch, 3 * hidden)
        for i in range(self.gru.num_layers):
            inputs, y = y, torch.empty(steps, batch, 2 * hidden)
            both = zip(PACKERS * 2, weights[2 * i] + weights[2 * i + 1])
            packed = [kernelevo.packed(packer, weight) for packer, weight in both]
            library.layer(inputs, *packed, h0[2 * i], projected, y, *inputs.shape, hidden)
        return y
