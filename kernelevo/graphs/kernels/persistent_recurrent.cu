// All steps of recurrent cells in one launch of blocks that are resident together. Every block owns some
// hidden units of one cell and keeps their weights in shared memory; hidden states go through L2, with one
// barrier over the grid per step.
//
// Macros: KIND, 0 GRU, 1 LSTM, 2 tanh, 3 ReLU; HIDDEN; BATCH; CELLS; CHAIN, 1: cell c > 0 reads the states of
// cell c - 1, one step behind it, so that all layers run at once; 0: cells are the directions of one layer,
// the second one goes backwards; PARTS, blocks per cell; UNITS, hidden units per block; TOGETHER, units that a
// warp works on at a time; RESIDENT, 0: weights are read from L2 in every step; THREADS.
//
// A GRU has four sums, since its reset gate multiplies the hidden product alone: r, z, n of the input, n of
// the state. The input products of cells that no other one feeds are given, with their bias.
constexpr int kGates = KIND == 0 ? 3 : KIND == 1 ? 4 : 1;
constexpr int kSums = KIND == 1 ? 4 : KIND == 0 ? 4 : 1;
constexpr int kHidden4 = (HIDDEN + 3) / 4;
constexpr int kInner4 = CHAIN && CELLS > 1 ? 2 * kHidden4 : kHidden4;  // the longest row
constexpr int kValues = TOGETHER * kSums * BATCH;
constexpr int kPadded = (UNITS + TOGETHER - 1) / TOGETHER * TOGETHER;
constexpr int kItems = (UNITS * BATCH + THREADS - 1) / THREADS;  // (unit, row) pairs that a thread finishes

__device__ inline float sigmoid(float v) { return 1.0f / (1.0f + expf(-v)); }

// Sums over the lanes of a warp: of COUNT values per lane, each lane ends with a part that it alone holds
// (or holds with others, of which one `keeps` it). Returns the number of its first value.
template <int COUNT, int BY>
__device__ __forceinline__ int fold(float (&v)[kValues], bool& keeps) {
  if constexpr (BY == 0) {
    return 0;
  } else {
    const bool upper = (threadIdx.x & BY) != 0;
    if constexpr (COUNT % 2 == 0) {
      constexpr int kHalf = COUNT / 2;
      #pragma unroll
      for (int i = 0; i < kHalf; ++i) {
        const float sent = upper ? v[i] : v[i + kHalf];
        const float kept = upper ? v[i + kHalf] : v[i];
        v[i] = kept + __shfl_xor_sync(0xffffffffu, sent, BY);
      }
      return (upper ? kHalf : 0) + fold<kHalf, BY / 2>(v, keeps);
    } else {
      #pragma unroll
      for (int i = 0; i < COUNT; ++i) v[i] += __shfl_xor_sync(0xffffffffu, v[i], BY);
      keeps = keeps && !upper;
      return fold<COUNT, BY / 2>(v, keeps);
    }
  }
}

template <int COUNT, int BY>
__device__ constexpr int folded() {
  if constexpr (BY == 0) return COUNT;
  else return folded<COUNT % 2 ? COUNT : COUNT / 2, BY / 2>();
}

// Adds the products of columns [from, to) to the sums of units `unit` and on; NEW: the sum of a GRU's third row.
template <int NEW>
__device__ __forceinline__ void products(float (&v)[kValues], const float4* weight, const float4* vectors,
                                         int unit, int units, int inner4, int from, int to) {
  #pragma unroll 1
  for (int k = from + threadIdx.x % 32; k < to; k += 32) {
    float4 x[BATCH];
    #pragma unroll
    for (int b = 0; b < BATCH; ++b) x[b] = vectors[b * inner4 + k];
    #pragma unroll
    for (int p = 0; p < TOGETHER; ++p) {
      const int own = min(unit + p, units - 1);
      #pragma unroll
      for (int g = 0; g < kGates; ++g) {
        const float4 w = weight[(own * kGates + g) * inner4 + k];
        const int at = (p * kSums + (KIND == 0 && g == 2 ? NEW : g)) * BATCH;
        #pragma unroll
        for (int b = 0; b < BATCH; ++b)
          v[at + b] = fmaf(w.x, x[b].x, fmaf(w.y, x[b].y, fmaf(w.z, x[b].z, fmaf(w.w, x[b].w, v[at + b]))));
      }
    }
  }
}

// Sums of all units of the block, [unit][sum][row].
__device__ __forceinline__ void all_sums(float* sums, const float4* weight, const float4* vectors, int units,
                                         bool fed) {
  const int inner4 = fed ? 2 * kHidden4 : kHidden4, split = fed ? kHidden4 : 0;
  for (int unit = threadIdx.x / 32 * TOGETHER; unit < units; unit += THREADS / 32 * TOGETHER) {
    float v[kValues];
    #pragma unroll
    for (int i = 0; i < kValues; ++i) v[i] = 0.0f;
    if (fed) products<2>(v, weight, vectors, unit, units, inner4, 0, split);
    products<3>(v, weight, vectors, unit, units, inner4, split, inner4);
    bool keeps = true;
    const int first = fold<kValues, 16>(v, keeps) + unit * kSums * BATCH;
    #pragma unroll
    for (int i = 0; i < folded<kValues, 16>(); ++i)
      if (keeps) sums[first + i] = v[i];
  }
}

// What becomes of one unit of one row: its state before, its sums with bias and input -> its state after.
__device__ __forceinline__ float cell_step(const float (&s)[kSums], float before, float& memory) {
  if constexpr (KIND == 0) {
    const float n = tanhf(s[2] + sigmoid(s[0]) * s[3]);
    const float most = s[1] > 0.0f ? before : n, least = s[1] > 0.0f ? n : before;  // as in recurrent.cpp
    return most + sigmoid(-fabsf(s[1])) * (least - most);
  } else if constexpr (KIND == 1) {
    memory = sigmoid(s[1]) * memory + sigmoid(s[0]) * tanhf(s[2]);
    return sigmoid(s[3]) * tanhf(memory);
  } else if constexpr (KIND == 2) {
    return tanhf(s[0]);
  } else {
    return s[0] < 0.0f ? 0.0f : s[0];
  }
}

// gates: x W_ih^T + b_ih of all steps, a row of kGates * HIDDEN values per direction; weights: per cell
// [unit][gate][columns], columns: those of the input if another cell feeds it, those of the state, each padded
// to four; biases [cell][sum][unit]; cells, last_cells [cell][row][unit], LSTM only; state, twice
// [cell][row][HIDDEN padded to four], both zero but for the states before the first step; last [cell][row][unit];
// output: states of the last cell (of all, side by side, without CHAIN). Strides count floats.
extern "C" __global__ void __launch_bounds__(THREADS, 1) persistent_recurrent(
    const float* __restrict__ gates, const float* __restrict__ weights, const float* __restrict__ biases,
    const float* __restrict__ cells, float* state, float* output, float* last, float* last_cells, int steps,
    long long gate_step, long long gate_row, long long out_step, long long out_row, int* barrier) {
  extern __shared__ float4 shared[];
  const int cell = blockIdx.x / PARTS, first = blockIdx.x % PARTS * UNITS, units = min(UNITS, HIDDEN - first);
  const int lag = CHAIN ? cell : 0, fed = CHAIN && cell > 0;
  const int inner4 = fed ? 2 * kHidden4 : kHidden4;
  const bool backwards = !CHAIN && cell == 1, shown = !CHAIN || cell == CELLS - 1;
  const long long skipped = CHAIN ? (cell == 0 ? 0 : 2 * cell - 1) : cell;  // in rows of kHidden4
  const float4* weight = reinterpret_cast<const float4*>(weights) +
                         skipped * HIDDEN * kGates * kHidden4 + first * kGates * inner4;
  float4* vectors = shared;
  float* sums = reinterpret_cast<float*>(shared + BATCH * kInner4);
#if RESIDENT
  float4* kept = shared + BATCH * kInner4 + (kPadded * kSums * BATCH + 3) / 4;
  for (int i = threadIdx.x; i < units * kGates * inner4; i += THREADS) kept[i] = __ldg(weight + i);
  weight = kept;
#endif
  float bias[kItems][kSums], memory[kItems], given[kItems][kGates];
  #pragma unroll
  for (int j = 0; j < kItems; ++j) {
    const int i = threadIdx.x + j * THREADS, row = i / UNITS, unit = i % UNITS;
    const bool mine = row < BATCH && unit < units;
    #pragma unroll
    for (int s = 0; s < kSums; ++s) bias[j][s] = mine ? biases[(cell * kSums + s) * HIDDEN + first + unit] : 0.0f;
    #pragma unroll
    for (int g = 0; g < kGates; ++g) given[j][g] = 0.0f;
    memory[j] = mine && KIND == 1 ? cells[(cell * BATCH + row) * HIDDEN + first + unit] : 0.0f;
  }
  const int ticks = steps + (CHAIN ? CELLS - 1 : 0);
  for (int tick = -1; tick < ticks; ++tick) {
    const int step = tick - lag, time = backwards ? steps - 1 - step : step;
    if (tick >= 0 && step >= 0 && step < steps) {
      const float4* before = reinterpret_cast<const float4*>(state) + (tick + 1) % 2 * (CELLS * BATCH * kHidden4);
      for (int i = threadIdx.x; i < BATCH * inner4; i += THREADS) {
        const int row = i / inner4, k = i % inner4;
        const int from = fed && k < kHidden4 ? cell - 1 : cell, column = fed && k >= kHidden4 ? k - kHidden4 : k;
        vectors[i] = __ldcg(before + (from * BATCH + row) * kHidden4 + column);
      }
      __syncthreads();
      all_sums(sums, weight, vectors, units, fed);
      __syncthreads();
      float* after = state + tick % 2 * (CELLS * BATCH * kHidden4 * 4);
      #pragma unroll
      for (int j = 0; j < kItems; ++j) {
        const int i = threadIdx.x + j * THREADS, row = i / UNITS, unit = i % UNITS, column = first + unit;
        if (row >= BATCH || unit >= units) continue;
        float s[kSums];
        #pragma unroll
        for (int k = 0; k < kSums; ++k) {
          s[k] = sums[(unit * kSums + k) * BATCH + row] + bias[j][k];
          if (k < kGates) s[k] += given[j][k];
        }
        const float* own = reinterpret_cast<const float*>(vectors + row * inner4 + (fed ? kHidden4 : 0));
        const float h = cell_step(s, own[column], memory[j]);
        __stcg(after + (cell * BATCH + row) * (kHidden4 * 4) + column, h);
        if (shown) output[time * out_step + row * out_row + (CHAIN ? 0 : cell * HIDDEN) + column] = h;
        if (step < steps - 1) continue;
        last[(cell * BATCH + row) * HIDDEN + column] = h;
        if (KIND == 1) last_cells[(cell * BATCH + row) * HIDDEN + column] = memory[j];
      }
    }
    if (!fed && step + 1 >= 0 && step + 1 < steps) {  // on its way while the blocks wait for one another
      const int next = backwards ? steps - 2 - step : step + 1;
      #pragma unroll
      for (int j = 0; j < kItems; ++j) {
        const int i = threadIdx.x + j * THREADS, row = i / UNITS, unit = i % UNITS;
        const float* at = gates + next * gate_step + row * gate_row + (CHAIN ? 0 : cell * kGates * HIDDEN) + first + unit;
        #pragma unroll
        for (int g = 0; g < kGates; ++g) given[j][g] = row < BATCH && unit < units ? __ldg(at + g * HIDDEN) : 0.0f;
      }
    }
    if (tick < 0 || tick == ticks - 1) continue;
    if (grid_wait(reinterpret_cast<unsigned*>(barrier), gridDim.x)) continue;
    for (int i = threadIdx.x; i < BATCH * units; i += THREADS) {
      const int row = i / units, column = first + i % units;
      last[(cell * BATCH + row) * HIDDEN + column] = __int_as_float(0x7fc00000);
      for (int t = 0; shown && t < steps; ++t)
        output[t * out_step + row * out_row + (CHAIN ? 0 : cell * HIDDEN) + column] = __int_as_float(0x7fc00000);
    }
    return;
  }
}
