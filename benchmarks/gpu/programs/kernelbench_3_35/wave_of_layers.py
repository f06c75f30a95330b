"""Six LSTM layers as one launch of resident blocks: a layer follows the one below by a step, no grid barrier.

A step of one layer is too small for a GPU, and 3072 of them follow one another where layers are run in turn.
Here every block owns the four gates of a few hidden units of one layer and keeps their weights in registers,
as pairs of fp16 numbers that hold 22 bits; the matrix units take the batch of ten as the columns of
m16n8k16 products (low * high + high * low + high * high). The last two columns share one tile of eight with
their own low parts, so that a tile of weights costs five products, not six.

A state is one word, its pair of fp16 numbers times 1024, and says itself whether it is there: before the
launch all states of all steps are filled with a pattern that no state has (two NaNs of another kind than
conversions make). So a consumer polls the data, and the time between two steps is one write to L2 and one
read. No flag, no fence and no reuse of a place: a reader never holds up a writer. The product with the layer
below is done while the states of the own layer are under way.

The initial states are drawn as the reference draws them, in the same order.

Where the blocks cannot be resident together, or sizes do not fit, PyTorch does it. A wait that takes seconds
is given up, once per warp; what it waited for then is NaN, and so is the result.
"""

import functools

import torch
from torch import Tensor, nn

import kernelevo

TUNE = {
    "UNITS": [12, 16],  # hidden units of a block: 132 or 96 blocks
    "POLL_ALL": [0, 1],  # 0: ask for a fifth of the states until it is there, then for the others
}
ROWS = 10  # of the batch, at most
MOST_LAYERS = 6
HIDDEN = 256
NAMES = ("w_ih", "w_hh", "b_ih", "b_hh")

SOURCE = r"""
#ifndef UNITS
#define UNITS 12
#endif
#ifndef HIDDEN
#define HIDDEN 256
#endif
#ifndef POLL_ALL
#define POLL_ALL 0
#endif
#ifndef SPINS
#define SPINS (1 << 22)  // polls, each a read of L2: seconds; only a broken launch waits so long
#endif
constexpr int kRows = 10, kWarps = 8, kThreads = 32 * kWarps;
constexpr int kParts = (HIDDEN + UNITS - 1) / UNITS;  // blocks of a layer
constexpr int kTiles = HIDDEN / (16 * kWarps);        // a warp's tiles of 16 columns, of each of two products
constexpr int kStripes = UNITS / 4;                   // tiles of 16 gate rows: four units
constexpr int kCells = (UNITS * kRows + kWarps - 1) / kWarps;  // (row, unit) pairs that a warp finishes
constexpr int kShare = 2 * kCells <= 32 ? 2 : 1;               // lanes of one
constexpr int kUnitStride = 4 * kRows + 4;                     // floats; strides that keep banks apart
constexpr int kWarpStride = UNITS * kUnitStride + 4;
constexpr unsigned kMissing = 0xffffffffu;
static_assert(HIDDEN % (16 * kWarps) == 0 && UNITS % 4 == 0 && kCells * kShare <= 32);
static_assert(2 * kWarps * kWarpStride >= kRows * HIDDEN);

// ---- Instructions ----

struct alignas(16) Four {
  unsigned x, y, z, w;
};

// Two fp16 numbers, the first one in the lower half.
__device__ inline unsigned halves(float first, float second) {
  unsigned both;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
  return both;
}

__device__ inline float lower_half(unsigned both) {
  float value;
  asm("{ .reg .f16 l, h; mov.b32 {l, h}, %1; cvt.f32.f16 %0, l; }" : "=f"(value) : "r"(both));
  return value;
}

// Words that other blocks write: each is whole, in any order.
__device__ inline Four read_words(const int* at) {
  Four v;
  asm volatile("ld.relaxed.gpu.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(at) : "memory");
  return v;
}

__device__ inline void write_word(int* at, unsigned word) {
  asm volatile("st.relaxed.gpu.global.u32 [%0], %1;" ::"l"(at), "r"(word) : "memory");
}

// sums [16][8] += a [16][16] b [16][8]
__device__ inline void multiply(float (&sums)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
               "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// ---- Pairs ----

// The bits of the power of two by which numbers up to `most` are divided to lie within 2^15.
__device__ inline int unit_bits(float most) {
  return (min(max(__float_as_int(most) >> 23, 60), 240) - 14) << 23;
}

__device__ inline float inverse(int unit) { return __int_as_float((254 << 23) - unit); }

__device__ inline float warp_max(float v) {
  #pragma unroll
  for (int by = 16; by > 0; by >>= 1) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, by));
  return v;
}

__device__ inline unsigned word_of(float v) { return halves(v, v - lower_half(halves(v, 0.0f))); }

__device__ inline float value_of(unsigned word) { return lower_half(word) + lower_half(word >> 16); }

// ---- Before the waves: inputs as pairs, states as missing ----

// x [batch][steps][features] -> packed [steps][10][features], rows beyond the batch zero, and what a sum over
// each row is multiplied by to be as one over states.
extern "C" __global__ void __launch_bounds__(256) prepare(
    const float* __restrict__ x, int* __restrict__ packed, float* __restrict__ units,
    int* __restrict__ history, long long quads, int batch, int steps, int features) {
  const int lane = threadIdx.x % 32, warps = gridDim.x * kWarps;
  for (int at = blockIdx.x * kWarps + threadIdx.x / 32; at < steps * kRows; at += warps) {
    const int step = at / kRows, row = at % kRows;
    const float* from = x + (static_cast<long long>(row) * steps + step) * features;
    float most = 0.0f;
    for (int k = lane; k < features; k += 32) most = fmaxf(most, row < batch ? fabsf(__ldg(from + k)) : 0.0f);
    const int unit = unit_bits(warp_max(most));
    for (int k = lane; k < features; k += 32)
      packed[at * features + k] = word_of(row < batch ? __ldg(from + k) * inverse(unit) : 0.0f);
    if (lane == 0) units[at] = __int_as_float(unit) * 1024.0f;
  }
  const Four missing = {kMissing, kMissing, kMissing, kMissing};
  const long long threads = static_cast<long long>(gridDim.x) * kThreads;
  for (long long i = static_cast<long long>(blockIdx.x) * kThreads + threadIdx.x; i < quads; i += threads)
    reinterpret_cast<Four*>(history)[i] = missing;
}

// ---- The waves ----

struct Weights {
  unsigned high[kTiles][kStripes][4], low[kTiles][kStripes][4];
};

// The products take columns in an order of their own: lane t of four has columns 4t to 4t + 3 of a tile, so
// that a lane's part of the states is one read of 16 bytes. Row r of a stripe is gate r % 4 of unit r / 4.
__device__ inline void load_weights(Weights& w, const float* matrix, int width, const float* inverses,
                                    int first) {
  const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  #pragma unroll
  for (int j = 0; j < kTiles; ++j) {
    const int start = (warp + kWarps * j) * 16;
    #pragma unroll
    for (int m = 0; m < kStripes; ++m) {
      #pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int r = g + 8 * half, unit = 4 * m + r / 4, gate = r % 4;
        float4 v = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        if (first + unit < HIDDEN && start < width)
          v = __ldg(reinterpret_cast<const float4*>(
              matrix + (gate * HIDDEN + first + unit) * width + start + 4 * t));
        const float by = inverses[4 * unit + gate];
        const unsigned a = halves(v.x * by, v.y * by), b = halves(v.z * by, v.w * by);
        w.high[j][m][half] = a;
        w.high[j][m][half + 2] = b;
        w.low[j][m][half] = halves(v.x * by - lower_half(a), v.y * by - lower_half(a >> 16));
        w.low[j][m][half + 2] = halves(v.z * by - lower_half(b), v.w * by - lower_half(b >> 16));
      }
    }
  }
}

// This lane's words of a step of ten rows: those of row g, and of row 8 or 9.
struct States {
  Four front[kTiles], back[kTiles];
  const int* at;  // this lane's first word of row g
  int width, to_back;

  __device__ inline void aim(const int* step, int columns) {
    const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    at = step + g * columns + warp * 16 + 4 * t;
    to_back = (8 + g % 2 - g) * columns;
    width = columns - warp * 16;
  }

  // A product of few columns does not reach all warps.
  __device__ inline bool has(int j) const { return j * kWarps * 16 < width; }

  __device__ inline void read_front() {
    #pragma unroll
    for (int j = 0; j < kTiles; ++j) front[j] = has(j) ? read_words(at + j * kWarps * 16) : Four{0, 0, 0, 0};
  }

  __device__ inline void read_back() {
    #pragma unroll
    for (int j = 0; j < kTiles; ++j)
      back[j] = has(j) ? read_words(at + to_back + j * kWarps * 16) : Four{0, 0, 0, 0};
  }
};

// Whether some lane of the warp misses a word.
__device__ inline bool missing(const Four (&v)[kTiles]) {
  bool some = false;
  #pragma unroll
  for (int j = 0; j < kTiles; ++j)
    some |= v[j].x == kMissing || v[j].y == kMissing || v[j].z == kMissing || v[j].w == kMissing;
  return __any_sync(0xffffffffu, some);
}

__device__ inline void await_front(States& s, bool& given_up) {
  for (int spins = 0; missing(s.front) && !given_up; s.read_front()) given_up = ++spins == SPINS;
}

__device__ inline void await_back(States& s, bool& given_up) {
  for (int spins = 0; missing(s.back) && !given_up; s.read_back()) given_up = ++spins == SPINS;
}

// Sums of this warp's columns: rows 0 to 7; and high 8, high 9, low 8, low 9 of the last two rows.
struct Sums {
  float front[kStripes][4], back[kStripes][4];
};

__device__ inline void add_front(Sums& sums, const Weights& w, const Four (&v)[kTiles]) {
  #pragma unroll
  for (int j = 0; j < kTiles; ++j) {
    const unsigned high0 = __byte_perm(v[j].x, v[j].y, 0x5410), high1 = __byte_perm(v[j].z, v[j].w, 0x5410);
    const unsigned low0 = __byte_perm(v[j].x, v[j].y, 0x7632), low1 = __byte_perm(v[j].z, v[j].w, 0x7632);
    #pragma unroll
    for (int m = 0; m < kStripes; ++m) multiply(sums.front[m], w.low[j][m], high0, high1);
    #pragma unroll
    for (int m = 0; m < kStripes; ++m) multiply(sums.front[m], w.high[j][m], low0, low1);
    #pragma unroll
    for (int m = 0; m < kStripes; ++m) multiply(sums.front[m], w.high[j][m], high0, high1);
  }
}

__device__ inline void add_back(Sums& sums, const Weights& w, const Four (&v)[kTiles]) {
  const int column = threadIdx.x % 32 / 4;
  const unsigned part = column < 2 ? 0x5410 : 0x7632;
  #pragma unroll
  for (int j = 0; j < kTiles; ++j) {
    const unsigned b0 = column < 4 ? __byte_perm(v[j].x, v[j].y, part) : 0;
    const unsigned b1 = column < 4 ? __byte_perm(v[j].z, v[j].w, part) : 0;
    #pragma unroll
    for (int m = 0; m < kStripes; ++m) multiply(sums.back[m], w.low[j][m], b0, b1);
    #pragma unroll
    for (int m = 0; m < kStripes; ++m) multiply(sums.back[m], w.high[j][m], b0, b1);
  }
}

// Inputs have a unit per row, and step.
__device__ inline void scale(Sums& sums, const float* units) {
  const float2 front = __ldg(reinterpret_cast<const float2*>(units) + threadIdx.x % 4);
  const float2 back = __ldg(reinterpret_cast<const float2*>(units) + 4);
  #pragma unroll
  for (int m = 0; m < kStripes; ++m) {
    #pragma unroll
    for (int i = 0; i < 4; ++i) {
      sums.front[m][i] *= i % 2 ? front.y : front.x;
      sums.back[m][i] *= i % 2 ? back.y : back.x;
    }
  }
}

// Leaves a warp's sums in shared memory, [unit][row][gate].
__device__ inline void leave(float* partial, const Sums& sums) {
  const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  #pragma unroll
  for (int m = 0; m < kStripes; ++m) {
    #pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int r = g + i / 2 * 8;
      float* at = partial + (4 * m + r / 4) * kUnitStride + r % 4;
      at[(2 * t + i % 2) * 4] = sums.front[m][i];
      const float back = sums.back[m][i] + __shfl_xor_sync(0xffffffffu, sums.back[m][i], 1);
      if (t == 0) at[(8 + i % 2) * 4] = back;
    }
  }
}

__device__ inline float sigmoid(float v) { return __fdividef(1.0f, 1.0f + __expf(-v)); }

__device__ inline float tangent(float v) {
  const float s = v * v;
  const float tail = fmaf(s, fmaf(s, 62.0f / 2835.0f, -17.0f / 315.0f), 2.0f / 15.0f);
  const float small = fmaf(v * s, fmaf(s, tail, -1.0f / 3.0f), v);  // the series, which keeps small numbers
  return fabsf(v) < 0.3f ? small : 1.0f - __fdividef(2.0f, 1.0f + __expf(2.0f * v));
}

// packed, units: see prepare. history [layers][1 + steps][10][HIDDEN]: words, all missing. h, c: the first
// states, [layers][batch][HIDDEN]. y [batch][outputs] = fc of the top layer's last state. Blocks: kParts for
// each layer.
extern "C" __global__ void __launch_bounds__(256, 1) waves(
    const int* __restrict__ packed, const float* __restrict__ units, int* history,
    const float* __restrict__ h, const float* __restrict__ c, PARAMETERS,
    const float* __restrict__ fc, const float* __restrict__ fc_bias,
    float* __restrict__ y, int batch, int steps, int features, int outputs) {
  __shared__ float4 partials[2 * kWarps * kWarpStride / 4];
  __shared__ float inverses[4 * UNITS];
  __shared__ float4 row_units[UNITS];
  float* partial = reinterpret_cast<float*>(partials);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int layer = blockIdx.x / kParts, first = blockIdx.x % kParts * UNITS;
  const int width = layer == 0 ? features : HIDDEN;
  const float *w_ih = CHOICE(w_ih), *w_hh = CHOICE(w_hh), *b_ih = CHOICE(b_ih), *b_hh = CHOICE(b_hh);

  for (int i = warp; i < 4 * UNITS; i += kWarps) {  // row 4 unit + gate
    const int unit = first + i / 4, from = i % 4 * HIDDEN + unit;
    float most = 0.0f;
    if (unit < HIDDEN) {
      for (int k = lane; k < width; k += 32) most = fmaxf(most, fabsf(__ldg(w_ih + from * width + k)));
      for (int k = lane; k < HIDDEN; k += 32) most = fmaxf(most, fabsf(__ldg(w_hh + from * HIDDEN + k)));
    }
    const int bits = unit_bits(warp_max(most));
    if (lane == 0) {
      inverses[i] = inverse(bits);
      reinterpret_cast<float*>(row_units)[i] = __int_as_float(bits) * (1.0f / 1024.0f);
    }
  }
  __syncthreads();
  Weights input, own;
  load_weights(input, w_ih, width, inverses, first);
  load_weights(own, w_hh, HIDDEN, inverses, first);

  // the (row, unit) that this lane finishes, alone or with its neighbour
  const int pair = warp * kCells + lane / kShare;
  const bool there = lane / kShare < kCells && pair < UNITS * kRows && first + pair % UNITS < HIDDEN;
  const int row = there ? pair / UNITS : 0, unit = there ? pair % UNITS : 0, column = first + unit;
  const bool writes = there && lane % kShare == 0;
  const float4 by = row_units[unit];
  float bias[4];
  #pragma unroll
  for (int gate = 0; gate < 4; ++gate)
    bias[gate] = __ldg(b_ih + gate * HIDDEN + column) + __ldg(b_hh + gate * HIDDEN + column);
  const bool drawn = there && row < batch;
  const int start = (layer * batch + row) * HIDDEN + column;
  float memory = drawn ? __ldg(c + start) : 0.0f;
  constexpr int kStep = kRows * HIDDEN;
  int* states = history + static_cast<long long>(layer) * (steps + 1) * kStep;
  if (writes)
    write_word(states + row * HIDDEN + column, word_of(drawn ? __ldg(h + start) * 1024.0f : 0.0f));

  // the first new state of the layer below
  const int* below = layer == 0 ? packed : states - static_cast<long long>(steps) * kStep;
  bool given_up = false;
  States fed, before;
  fed.aim(below, width);
  fed.read_back();
  fed.read_front();
  for (int step = 0; step < steps; ++step) {
    Sums sums = {};
    await_back(fed, given_up);
    add_back(sums, input, fed.back);
    await_front(fed, given_up);
    add_front(sums, input, fed.front);
    if (layer == 0) scale(sums, units + step * kRows);

    before.aim(states + static_cast<long long>(step) * kStep, HIDDEN);
    before.read_back();
    if (POLL_ALL) before.read_front();
    await_back(before, given_up);
    if (!POLL_ALL) before.read_front();
    add_back(sums, own, before.back);  // while the others are under way
    await_front(before, given_up);
    add_front(sums, own, before.front);

    float* mine = partial + step % 2 * (kWarps * kWarpStride);
    leave(mine + warp * kWarpStride, sums);
    if (step + 1 < steps) {
      fed.aim(below + static_cast<long long>(step + 1) * kRows * width, width);
      fed.read_back();
      fed.read_front();
    }
    __syncthreads();  // one is enough: a place is written anew two steps on, after the next of these
    float4 total = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    const float* parts = mine + lane % kShare * (kWarps / kShare) * kWarpStride;
    parts += unit * kUnitStride + 4 * row;
    #pragma unroll
    for (int j = 0; j < kWarps / kShare; ++j) {
      const float4 v = *reinterpret_cast<const float4*>(parts + j * kWarpStride);
      total.x += v.x;
      total.y += v.y;
      total.z += v.z;
      total.w += v.w;
    }
    if (kShare == 2) {
      total.x += __shfl_xor_sync(0xffffffffu, total.x, 1);
      total.y += __shfl_xor_sync(0xffffffffu, total.y, 1);
      total.z += __shfl_xor_sync(0xffffffffu, total.z, 1);
      total.w += __shfl_xor_sync(0xffffffffu, total.w, 1);
    }
    const float in = sigmoid(fmaf(total.x, by.x, bias[0])), forget = sigmoid(fmaf(total.y, by.y, bias[1]));
    const float fresh = tangent(fmaf(total.z, by.z, bias[2])), out = sigmoid(fmaf(total.w, by.w, bias[3]));
    memory = fmaf(forget, memory, in * fresh);
    const unsigned word = word_of(out * tangent(memory) * 1024.0f);
    if (writes)
      write_word(states + static_cast<long long>(step + 1) * kStep + row * HIDDEN + column, word);
  }

  if (blockIdx.x != gridDim.x - kParts) return;  // the first block of the top layer finishes
  __syncthreads();
  for (int i = threadIdx.x; i < kStep / 4; i += kThreads) {
    const int* at = states + static_cast<long long>(steps) * kStep + 4 * i;
    Four v = read_words(at);
    int spins = given_up ? SPINS : 0;
    while ((v.x == kMissing || v.y == kMissing || v.z == kMissing || v.w == kMissing) && spins < SPINS) {
      ++spins;
      v = read_words(at);
    }
    partials[i] = make_float4(value_of(v.x), value_of(v.y), value_of(v.z), value_of(v.w));
  }
  __syncthreads();
  for (int i = warp; i < batch * outputs; i += kWarps) {
    const int r = i / outputs, o = i % outputs;
    float sum = 0.0f;
    #pragma unroll
    for (int k = lane; k < HIDDEN; k += 32)
      sum = fmaf(__ldg(fc + o * HIDDEN + k), partial[r * HIDDEN + k], sum);
    #pragma unroll
    for (int by = 16; by > 0; by >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, by);
    if (lane == 0) y[i] = fmaf(sum, 1.0f / 1024.0f, __ldg(fc_bias + o));
  }
}
"""


def with_layers(source: str) -> str:
    """Return the source with one parameter for each tensor of each layer, and the choice of a layer's."""
    declared = [f"const float* __restrict__ {name}_{i}" for i in range(MOST_LAYERS) for name in NAMES]
    source = source.replace("PARAMETERS", ",\n    ".join(declared))
    for name in NAMES:
        choice = "".join(f"layer == {i} ? {name}_{i} : " for i in range(MOST_LAYERS - 1))
        source = source.replace(f"CHOICE({name})", f"({choice}{name}_{MOST_LAYERS - 1})")
    return source


PROGRAM = with_layers(SOURCE)
LIBRARY = kernelevo.cuda(PROGRAM, options=("-DUNITS=12", "-DPOLL_ALL=0"))


@functools.cache
def chosen(units: int, poll_all: int) -> object:
    """Return the kernels for a choice of the table."""
    if (units, poll_all) == (12, 0):
        return LIBRARY
    return kernelevo.cuda(PROGRAM, options=(f"-DUNITS={units}", f"-DPOLL_ALL={poll_all}"))


@functools.cache
def multiprocessors(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count


class ModelNew(nn.Module):
    """LSTM whose last step feeds a linear layer."""

    def __init__(
        self, in_features: int, hidden: int, layers: int, out_features: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(in_features, hidden, layers, batch_first=True, dropout=dropout)
        self.fc = nn.Linear(hidden, out_features)

    def plainly(self, x: Tensor, h: Tensor, c: Tensor) -> Tensor:
        steps, _ = self.lstm(x, (h, c))
        return self.fc(steps[:, -1])

    def fits(self, x: Tensor) -> bool:
        """Tell whether the kernels do what is asked."""
        lstm = self.lstm
        sizes = lstm.hidden_size == HIDDEN and lstm.num_layers <= MOST_LAYERS
        sizes = sizes and lstm.input_size % 16 == 0 and lstm.input_size <= HIDDEN
        batch = x.dim() == 3 and 1 <= x.shape[0] <= ROWS and x.shape[1] >= 1
        weights = [*lstm.parameters(), *self.fc.parameters()]
        plain = all(p.dtype == torch.float32 and p.is_contiguous() for p in weights)
        plain = plain and all(p.data_ptr() % 16 == 0 for p in weights)
        drops = self.training and lstm.dropout > 0
        return x.dtype == torch.float32 and sizes and batch and plain and not drops and x.shape[1] < 1 << 15

    @kernelevo.graphed
    def forward(self, x: Tensor) -> Tensor:
        lstm = self.lstm
        shape = (lstm.num_layers, x.shape[0], lstm.hidden_size)
        h = torch.randn(shape, device=x.device, dtype=x.dtype)
        c = torch.randn(shape, device=x.device, dtype=x.dtype)
        if not x.is_cuda or not self.fits(x):
            return self.plainly(x, h, c)
        y = by_waves(lstm, self.fc, x.contiguous(), h, c)
        return self.plainly(x, h, c) if y is None else y


def by_waves(lstm: nn.LSTM, fc: nn.Linear, x: Tensor, h: Tensor, c: Tensor) -> Tensor | None:
    """Return the result, or None where a multiprocessor for each block is not there."""
    (batch, steps, features), layers = x.shape, lstm.num_layers
    limit = multiprocessors(x.device)
    fitting = [units for units in TUNE["UNITS"] if -(-HIDDEN // units) * layers <= limit]
    if not fitting:
        return None
    blocks = -(-HIDDEN // fitting[0]) * layers
    library = chosen(fitting[0], TUNE["POLL_ALL"][0])
    packed = torch.empty(steps, ROWS, features, dtype=torch.int32, device=x.device)
    units = torch.empty(steps, ROWS, device=x.device)
    history = torch.empty(layers, steps + 1, ROWS, HIDDEN, dtype=torch.int32, device=x.device)
    y = torch.empty(batch, fc.out_features, device=x.device)
    library.prepare[4 * limit, 256](x, packed, units, history, history.numel() // 4, batch, steps, features)
    tensors = [
        getattr(lstm, f"{kind}_l{min(i, layers - 1)}")
        for i in range(MOST_LAYERS)
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    given = (packed, units, history, h, c, *tensors, fc.weight, fc.bias, y, batch, steps, features)
    return y if library.waves[blocks, 256].together(*given, fc.out_features) else None
