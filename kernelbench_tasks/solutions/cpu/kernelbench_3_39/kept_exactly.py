"""kernelbench:3/39: dead-work, recurrent-cells, packed-linear."""

import kernelevo
import torch
from torch import nn

TUNE = {
    'RECURRENT_ROWS': [0, 2, 3, 4],
    'RECURRENT_UNROLL': [1, 2, 4],
    'RECURRENT_MACS_PER_THREAD': [49152, 12288, 196608],
    'RECURRENT_OWN_WEIGHT_BYTES': [524288, 131072, 2097152],
}


import functools

_recurrent = kernelevo.cpp(r'''
// Recurrent layers: all steps of one direction in one parallel region.
//
// The product of the inputs with the input weights is made beforehand for all steps (one large GEMM), so a
// step is h W_hh^T for a few rows plus the gates. The weights are packed so that the gates of the same
// hidden columns lie side by side: [block][k][vector][gate][lane]; sums and activations stay in registers.
// Names in capitals are numbers of the program's TUNE table, given by the compiler's flags; 0: by the width of vectors.
#include <kernelevo/math.h>
#include <omp.h>
#include <sched.h>

namespace {

using namespace kernelevo;

constexpr int64_t kSumLength = 64;               // partial sums keep the rounding error of long rows small
constexpr int64_t kMacsPerThread = RECURRENT_MACS_PER_THREAD;  // below this a step is shorter than a barrier is worth
constexpr int64_t kOwnWeightBytes = RECURRENT_OWN_WEIGHT_BYTES;  // a weight of this size fits beside the rest into a core's cache
constexpr int kUnroll = RECURRENT_UNROLL;        // steps along the hidden state that a product takes at once
constexpr int kMaxTeams = 64;
constexpr int kSpins = 4096;                     // then yield: another process may own our partner's core

struct Sequence {
  const float* inputs;   // x W_ih^T + b_ih, [steps][batch][gates][hidden]
  const float* weight;   // packed W_hh
  const float* bias;     // b_hh, [gates][hidden], or null
  const float* first;    // hidden state before the first step, [batch][hidden]
  float* cell;           // LSTM: cell state, [batch][hidden], updated in place; others: unused
  float* output;         // hidden states of all steps
  int64_t steps, batch, hidden;
  int64_t output_step, output_row;  // strides in floats
  bool reverse;
};

// Hidden columns of one vector: where they start, how many are real (the rest is padding).
struct Columns {
  int64_t start, count;
};

// Rows of the batch whose sums are in registers at once.
constexpr int rows(int usual) { return RECURRENT_ROWS ? RECURRENT_ROWS : usual; }

struct Gru {
  static constexpr int kGates = 3, kVectors = 1, kRows = rows(kLanes == 16 ? 8 : 4);
  static inline vfloat step(const vfloat* sums, const vfloat* in, const vfloat* bias, vfloat before, float*, Columns) {
    const vfloat reset = sigmoid(in[0] + (sums[0] + bias[0]));
    const vfloat update = in[1] + (sums[1] + bias[1]);
    const vfloat fresh = tanh(in[2] + reset * (sums[2] + bias[2]));
    // The smaller share is exact where the larger is nearly one, whose rounding error would add up over steps
    // in which a far state is kept.
    const vfloat most = update > 0.0f ? before : fresh, least = update > 0.0f ? fresh : before;
    return fma(sigmoid(-abs(update)), least - most, most);
  }
};

struct Lstm {
  static constexpr int kGates = 4, kVectors = 1, kRows = rows(kLanes == 16 ? 6 : 2);
  static inline vfloat step(const vfloat* sums, const vfloat* in, const vfloat* bias, vfloat, float* cell, Columns at) {
    const vfloat input = sigmoid(in[0] + (sums[0] + bias[0]));
    const vfloat forget = sigmoid(in[1] + (sums[1] + bias[1]));
    const vfloat fresh = tanh(in[2] + (sums[2] + bias[2]));
    const vfloat out = sigmoid(in[3] + (sums[3] + bias[3]));
    const vfloat next = fma(forget, load_part(cell + at.start, at.count), input * fresh);
    store_part(cell + at.start, next, at.count);
    return out * tanh(next);
  }
};

template <bool kTanh>
struct Rnn {
  static constexpr int kGates = 1, kVectors = kLanes == 16 ? 4 : 2, kRows = rows(6);
  static inline vfloat step(const vfloat* sums, const vfloat* in, const vfloat* bias, vfloat, float*, Columns) {
    const vfloat sum = in[0] + (sums[0] + bias[0]);
    return kTanh ? tanh(sum) : relu(sum);
  }
};

// Threads that wait for one another after each step; spinning, since a step takes a few microseconds.
struct Barrier {
  alignas(64) int arrived = 0;
  alignas(64) int round = 0;

  void wait(int members) {
    if (members == 1) return;
    const int mine = __atomic_load_n(&round, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == members) {
      __atomic_store_n(&arrived, 0, __ATOMIC_RELAXED);
      __atomic_store_n(&round, mine + 1, __ATOMIC_RELEASE);
      return;
    }
    for (int spins = 0; __atomic_load_n(&round, __ATOMIC_ACQUIRE) == mine; ++spins) {
      if (spins >= kSpins) sched_yield();
#if defined(__x86_64__)
      else __builtin_ia32_pause();
#endif
    }
  }
};

// sums[r][c] = sum over k of rows[r][k] * weight[k][c], R rows against C vectors of columns.
template <int R, int C>
inline void multiply(const float* rows, int64_t stride, const float* weight, int64_t length, vfloat (&sums)[R][C]) {
  for (auto& row : sums)
    for (auto& sum : row) sum = vfloat{};
  for (int64_t begin = 0; begin < length; begin += kSumLength) {
    const int64_t end = begin + kSumLength < length ? begin + kSumLength : length;
    vfloat part[R][C] = {};
#pragma GCC unroll kUnroll
    for (int64_t k = begin; k < end; ++k) {
      vfloat column[C];
      for (int c = 0; c < C; ++c) column[c] = load(weight + (k * C + c) * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const vfloat value = splat(rows[r * stride + k]);
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) part[r][c] = fma(value, column[c], part[r][c]);
      }
    }
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) sums[r][c] += part[r][c];
  }
}

// One block of columns for R rows: the product, then the gates.
template <class Cell, int R>
void advance(const Sequence& s, int64_t time, const float* before, int64_t before_row, int64_t row, int64_t block) {
  constexpr int kColumns = Cell::kVectors * Cell::kGates;
  vfloat sums[R][kColumns];
  const float* weight = s.weight + block * s.hidden * kColumns * kLanes;
  multiply<R, kColumns>(before + row * before_row, before_row, weight, s.hidden, sums);
  for (int v = 0; v < Cell::kVectors; ++v) {
    const int64_t start = (block * Cell::kVectors + v) * kLanes, left = s.hidden - start;
    if (left <= 0) break;
    const Columns at{start, left < kLanes ? left : kLanes};
    vfloat bias[Cell::kGates] = {};
    for (int g = 0; g < Cell::kGates && s.bias; ++g) bias[g] = load_part(s.bias + g * s.hidden + start, at.count);
    for (int r = 0; r < R; ++r) {
      const float* input = s.inputs + (time * s.batch + row + r) * Cell::kGates * s.hidden;
      vfloat in[Cell::kGates];
      for (int g = 0; g < Cell::kGates; ++g) in[g] = load_part(input + g * s.hidden + start, at.count);
      const vfloat old = load_part(before + (row + r) * before_row + start, at.count);
      float* cell = s.cell + (row + r) * s.hidden;
      const vfloat next = Cell::step(sums[r] + v * Cell::kGates, in, bias, old, cell, at);
      store_part(s.output + time * s.output_step + (row + r) * s.output_row + start, next, at.count);
    }
  }
}

template <class Cell, int R = Cell::kRows>
void advance_rows(int64_t rows, const Sequence& s, int64_t time, const float* before, int64_t before_row, int64_t row, int64_t block) {
  if (rows == R) return advance<Cell, R>(s, time, before, before_row, row, block);
  if constexpr (R > 1) advance_rows<Cell, R - 1>(rows, s, time, before, before_row, row, block);
}

// The share [begin, end) of `count` items that member `index` of `members` owns.
inline int64_t share(int64_t count, int64_t index, int64_t members) { return count * index / members; }

// All steps for the rows [row_begin, row_end) and the blocks [block_begin, block_end).
template <class Cell>
void run_share(const Sequence& s, int64_t row_begin, int64_t row_end, int64_t block_begin, int64_t block_end, Barrier& barrier, int members) {
  const int64_t rows = row_end - row_begin;
  const int64_t tiles = (rows + Cell::kRows - 1) / Cell::kRows;
  for (int64_t step = 0; step < s.steps; ++step) {
    const int64_t time = s.reverse ? s.steps - 1 - step : step;
    const int64_t previous = s.reverse ? time + 1 : time - 1;
    const float* before = step ? s.output + previous * s.output_step : s.first;
    const int64_t before_row = step ? s.output_row : s.hidden;
    for (int64_t block = block_begin; block < block_end; ++block)
      for (int64_t tile = 0; tile < tiles; ++tile) {
        const int64_t row = share(rows, tile, tiles), next = share(rows, tile + 1, tiles);
        advance_rows<Cell>(next - row, s, time, before, before_row, row_begin + row, block);
      }
    if (step + 1 < s.steps) barrier.wait(members);
  }
}

// Threads form teams: a team owns some rows, its members own some columns and wait for one another.
template <class Cell>
void run(const Sequence& s) {
  const int64_t width = Cell::kVectors * kLanes;
  const int64_t blocks = (s.hidden + width - 1) / width;
  const int64_t wanted = s.batch * s.hidden * s.hidden * Cell::kGates / kMacsPerThread + 1;
  const int64_t limit = omp_get_max_threads() < kMaxTeams ? omp_get_max_threads() : kMaxTeams;
  // With a team per thread nobody waits, but each thread reads the whole weight.
  const bool alone = blocks * width * s.hidden * Cell::kGates * (int64_t)sizeof(float) <= kOwnWeightBytes;
  Barrier barriers[kMaxTeams];
#pragma omp parallel num_threads((int)(wanted < limit ? wanted : limit))
  {
    const int threads = omp_get_num_threads(), index = omp_get_thread_num();
    const int teams = !alone ? 1 : (s.batch < threads ? (int)s.batch : threads);
    // Members of the last team absorb what the division leaves over.
    const int size = threads / teams, team = index / size < teams ? index / size : teams - 1;
    const int members = team == teams - 1 ? threads - size * (teams - 1) : size;
    const int member = index - team * size;
    run_share<Cell>(s, share(s.batch, team, teams), share(s.batch, team + 1, teams), share(blocks, member, members),
                    share(blocks, member + 1, members), barriers[team], members);
  }
}

}  // namespace

extern "C" int64_t lanes() { return kLanes; }
extern "C" int64_t rnn_vectors() { return Rnn<true>::kVectors; }

// kind: 0 GRU, 1 LSTM, 2 RNN with tanh, 3 RNN with ReLU. The direction's columns of a step of `outputs`
// start at `column`.
extern "C" void recurrent_sequence(int64_t kind, const float* inputs, const float* weight, const float* bias,
                                   const float* first, float* cell, float* outputs, int64_t column, int64_t steps,
                                   int64_t batch, int64_t hidden, int64_t output_step, int64_t output_row,
                                   int64_t reverse) {
  const Sequence s{inputs, weight, bias,   first,       cell,       outputs + column,
                   steps,  batch,  hidden, output_step, output_row, reverse != 0};
  if (kind == 0) run<Gru>(s);
  else if (kind == 1) run<Lstm>(s);
  else if (kind == 2) run<Rnn<true>>(s);
  else run<Rnn<false>>(s);
}
''', flags=[
    f"-DRECURRENT_ROWS={TUNE['RECURRENT_ROWS'][0]}",
    f"-DRECURRENT_UNROLL={TUNE['RECURRENT_UNROLL'][0]}",
    f"-DRECURRENT_MACS_PER_THREAD={TUNE['RECURRENT_MACS_PER_THREAD'][0]}",
    f"-DRECURRENT_OWN_WEIGHT_BYTES={TUNE['RECURRENT_OWN_WEIGHT_BYTES'][0]}",
])

def _recurrent_weight(weight, hidden, column, vectors):
    """Return the recurrent columns of ``weight`` as [block][k][vector][gate][lane], padded with zeros."""
    gates, width = weight.shape[0] // hidden, vectors * _recurrent.lanes()
    blocks = -(-hidden // width)
    padded = weight.new_zeros(gates, blocks * width, hidden)
    padded[:, :hidden] = weight.detach()[:, column : column + hidden].view(gates, hidden, hidden)
    parts = padded.view(gates, blocks, vectors, width // vectors, hidden)
    return parts.permute(1, 4, 2, 0, 3).contiguous()


@functools.cache
def _recurrent_packer(hidden, column, vectors):
    return lambda weight: _recurrent_weight(weight, hidden, column, vectors)


def recurrent_layer(kind, gates, hidden, cells, weights, biases, batch_first, column=0):
    """Run the steps of one layer; one entry of each list per direction, the second one goes backwards.

    gates: x W_ih^T + b_ih of all steps, [steps, batch, ...]; hidden, cells: states before the first step,
    [batch, hidden] (cells: LSTM only); weights: W_hh, from ``column`` on; biases: b_hh or None. Returns the
    hidden states of all steps, [steps, batch, ...] or [batch, steps, ...], and the cells after the last.
    """
    code = ("gru", "lstm", "rnn_tanh", "rnn_relu").index(kind)
    size, width = hidden[0].shape[1], len(gates) * hidden[0].shape[1]
    steps, batch = gates[0].shape[:2]
    output = gates[0].new_empty((batch, steps, width) if batch_first else (steps, batch, width))
    strides = (width, steps * width) if batch_first else (batch * width, width)
    cells = [cell.clone(memory_format=torch.contiguous_format) for cell in cells]
    for index, (gate, before, weight, bias) in enumerate(zip(gates, hidden, weights, biases)):
        packer = _recurrent_packer(size, column, _recurrent.rnn_vectors() if code > 1 else 1)
        packed = kernelevo.packed(packer, weight)
        gate, before = gate.contiguous(), before.contiguous()
        _recurrent.recurrent_sequence(
            code, gate, packed, bias, before, cells[index] if cells else None, output, index * size,
            steps, batch, size, *strides, index,
        )
    return output, cells

def packed_linear_weight(weight):
    """Return a weight [out, in] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), None)


def packed_matmul_weight(weight):
    """Return a weight [in, out] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().t().contiguous(), None)


def packed_matmul(x, weight, bias):
    """Product with a constant matrix [in, out]; the packed matrix follows its parameter."""
    weight = kernelevo.packed(packed_matmul_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def packed_linear(x, weight, bias, post="none", algorithm=""):
    """Linear layer with a fused activation; the packed weight follows its parameter."""
    weight = kernelevo.packed(packed_linear_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, post, [], algorithm)


class Part(nn.Module):
    """A named group of tensors; names that are numbers are reached by index."""

    def __getitem__(self, key):
        return getattr(self, str(key))


def hold(module, name, tensor, kind):
    """Register ``tensor`` under its dotted name; groups are made as needed."""
    *path, leaf = name.split(".")
    for part in path:
        if part not in module._modules:
            module.add_module(part, Part())
        module = module._modules[part]
    if isinstance(tensor, nn.Parameter):
        module.register_parameter(leaf, tensor)
    else:
        module.register_buffer(leaf, tensor, persistent=kind == "buffer")


class ModelNew(nn.Module):
    def __init__(self, *init_args, **init_kwargs):
        super().__init__()
        hold(
            self, "gru.weight_ih_l0", nn.Parameter(torch.zeros((768, 128), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.weight_hh_l0", nn.Parameter(torch.zeros((768, 256), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_ih_l0", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_hh_l0", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.weight_ih_l1", nn.Parameter(torch.zeros((768, 256), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.weight_hh_l1", nn.Parameter(torch.zeros((768, 256), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_ih_l1", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_hh_l1", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.weight_ih_l2", nn.Parameter(torch.zeros((768, 256), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.weight_hh_l2", nn.Parameter(torch.zeros((768, 256), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_ih_l2", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_hh_l2", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.weight_ih_l3", nn.Parameter(torch.zeros((768, 256), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.weight_hh_l3", nn.Parameter(torch.zeros((768, 256), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_ih_l3", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_hh_l3", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.weight_ih_l4", nn.Parameter(torch.zeros((768, 256), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.weight_hh_l4", nn.Parameter(torch.zeros((768, 256), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_ih_l4", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_hh_l4", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.weight_ih_l5", nn.Parameter(torch.zeros((768, 256), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.weight_hh_l5", nn.Parameter(torch.zeros((768, 256), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_ih_l5", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "gru.bias_hh_l5", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )

    def forward(self, x, h0):
        gru_weight_ih_l0 = self.gru.weight_ih_l0
        gru_weight_hh_l0 = self.gru.weight_hh_l0
        gru_bias_ih_l0 = self.gru.bias_ih_l0
        gru_bias_hh_l0 = self.gru.bias_hh_l0
        gru_weight_ih_l1 = self.gru.weight_ih_l1
        gru_weight_hh_l1 = self.gru.weight_hh_l1
        gru_bias_ih_l1 = self.gru.bias_ih_l1
        gru_bias_hh_l1 = self.gru.bias_hh_l1
        gru_weight_ih_l2 = self.gru.weight_ih_l2
        gru_weight_hh_l2 = self.gru.weight_hh_l2
        gru_bias_ih_l2 = self.gru.bias_ih_l2
        gru_bias_hh_l2 = self.gru.bias_hh_l2
        gru_weight_ih_l3 = self.gru.weight_ih_l3
        gru_weight_hh_l3 = self.gru.weight_hh_l3
        gru_bias_ih_l3 = self.gru.bias_ih_l3
        gru_bias_hh_l3 = self.gru.bias_hh_l3
        gru_weight_ih_l4 = self.gru.weight_ih_l4
        gru_weight_hh_l4 = self.gru.weight_hh_l4
        gru_bias_ih_l4 = self.gru.bias_ih_l4
        gru_bias_hh_l4 = self.gru.bias_hh_l4
        gru_weight_ih_l5 = self.gru.weight_ih_l5
        gru_weight_hh_l5 = self.gru.weight_hh_l5
        gru_bias_ih_l5 = self.gru.bias_ih_l5
        gru_bias_hh_l5 = self.gru.bias_hh_l5
        packed_linear_2 = packed_linear(x, gru_weight_ih_l0, gru_bias_ih_l0)
        select_int = torch.select(h0, 0, 0)
        recurrent_layer_2 = recurrent_layer(
            "gru", [packed_linear_2], [select_int], [], [gru_weight_hh_l0], [gru_bias_hh_l0], False,
        )
        del packed_linear_2
        getitem_1 = recurrent_layer_2[0]
        del recurrent_layer_2
        packed_linear_1 = packed_linear(getitem_1, gru_weight_ih_l1, gru_bias_ih_l1)
        del getitem_1
        select_int_1 = torch.select(h0, 0, 1)
        recurrent_layer_1 = recurrent_layer(
            "gru", [packed_linear_1], [select_int_1], [], [gru_weight_hh_l1], [gru_bias_hh_l1],
            False,
        )
        del packed_linear_1
        getitem_2 = recurrent_layer_1[0]
        del recurrent_layer_1
        packed_linear_2_2 = packed_linear(getitem_2, gru_weight_ih_l2, gru_bias_ih_l2)
        del getitem_2
        select_int_2 = torch.select(h0, 0, 2)
        recurrent_layer_2_2 = recurrent_layer(
            "gru", [packed_linear_2_2], [select_int_2], [], [gru_weight_hh_l2], [gru_bias_hh_l2],
            False,
        )
        del packed_linear_2_2
        getitem_3 = recurrent_layer_2_2[0]
        del recurrent_layer_2_2
        packed_linear_3 = packed_linear(getitem_3, gru_weight_ih_l3, gru_bias_ih_l3)
        del getitem_3
        select_int_3 = torch.select(h0, 0, 3)
        recurrent_layer_3 = recurrent_layer(
            "gru", [packed_linear_3], [select_int_3], [], [gru_weight_hh_l3], [gru_bias_hh_l3],
            False,
        )
        del packed_linear_3
        getitem_4 = recurrent_layer_3[0]
        del recurrent_layer_3
        packed_linear_4 = packed_linear(getitem_4, gru_weight_ih_l4, gru_bias_ih_l4)
        del getitem_4
        select_int_4 = torch.select(h0, 0, 4)
        recurrent_layer_4 = recurrent_layer(
            "gru", [packed_linear_4], [select_int_4], [], [gru_weight_hh_l4], [gru_bias_hh_l4],
            False,
        )
        del packed_linear_4
        getitem_5 = recurrent_layer_4[0]
        del recurrent_layer_4
        packed_linear_5 = packed_linear(getitem_5, gru_weight_ih_l5, gru_bias_ih_l5)
        del getitem_5
        select_int_5 = torch.select(h0, 0, 5)
        recurrent_layer_5 = recurrent_layer(
            "gru", [packed_linear_5], [select_int_5], [], [gru_weight_hh_l5], [gru_bias_hh_l5],
            False,
        )
        del packed_linear_5
        getitem_6 = recurrent_layer_5[0]
        del recurrent_layer_5
        return getitem_6
