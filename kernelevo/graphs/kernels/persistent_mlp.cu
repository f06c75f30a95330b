// A chain of linear layers with activations on a few rows, as one launch of blocks that are resident
// together. The columns of a layer are divided over teams of lanes of all blocks; every weight is read once.
//
// Macros: THREADS; ROWS; LAYERS; SIZES, the widths before, between and after the layers; TEAMS, lanes per
// column; POSTS, activations; STARTS, where in `blob` each layer begins, in floats; LOADS, weights that a lane
// fetches ahead, in float4; SOLO, the first of the last layers that are so small that block 0 goes on alone;
// NOW, floats of the first of the two arrays of activations in shared memory; STRIDE, between rows of scratch.
//
// blob: per layer its weight [columns][inner padded to 4], padded with zeros, and its bias, padded to 4.
__constant__ int sizes[LAYERS + 1] = {SIZES};
__constant__ int teams[LAYERS] = {TEAMS};
__constant__ int posts[LAYERS] = {POSTS};
__constant__ int starts[LAYERS] = {STARTS};

struct Layer {
  int inner4, columns, team, post, first, step;  // first, step: columns of this thread's team
  const float4* weight;
  const float* bias;
};

__device__ inline Layer layer_at(int i, const float* blob) {
  Layer layer;
  layer.inner4 = (sizes[i] + 3) / 4;
  layer.columns = sizes[i + 1];
  layer.team = teams[i];
  layer.post = posts[i];
  const bool alone = i >= SOLO;
  const int slots = THREADS / layer.team, slot = threadIdx.x / layer.team;
  layer.first = alone ? slot : slot * gridDim.x + blockIdx.x;
  layer.step = alone ? slots : slots * gridDim.x;
  layer.weight = reinterpret_cast<const float4*>(blob + starts[i]);
  layer.bias = blob + starts[i] + layer.columns * layer.inner4 * 4;
  return layer;
}

__device__ inline float activated(float v, int post) {
  switch (post) {
    case 1: return v < 0.0f ? 0.0f : v;  // keeps NaN
    case 2: return tanhf(v);
    case 3: return 1.0f / (1.0f + expf(-v));
    case 4: return v / (1.0f + expf(-v));
    case 5: return 0.5f * v * (1.0f + erff(v * 0.70710678f));
    case 6: return 0.5f * v * (1.0f + tanhf(0.79788456f * (v + 0.044715f * v * v * v)));
  }
  return v;
}

__device__ inline float4 weight_at(const Layer& layer, int column, int k) {
  if (column >= layer.columns || k >= layer.inner4) return make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  return __ldg(layer.weight + column * layer.inner4 + k);
}

__device__ inline void fetch(float4 (&held)[LOADS], const Layer& layer, int column) {
  const int lane = threadIdx.x % layer.team;
  #pragma unroll
  for (int j = 0; j < LOADS; ++j) held[j] = weight_at(layer, column, lane + j * layer.team);
}

__device__ inline void accumulate(float (&sums)[ROWS], float4 w, const float4* x, const Layer& layer, int k) {
  #pragma unroll
  for (int r = 0; r < ROWS; ++r) {
    const float4 v = x[r * layer.inner4 + k];
    sums[r] = fmaf(w.x, v.x, fmaf(w.y, v.y, fmaf(w.z, v.z, fmaf(w.w, v.w, sums[r]))));
  }
}

// One column of a team: its sums over all rows, complete in every lane of the team.
__device__ inline void column_sums(
    float (&sums)[ROWS], const float4 (&held)[LOADS], const float4* x, const Layer& layer, int column) {
  const int lane = threadIdx.x % layer.team;
  #pragma unroll
  for (int r = 0; r < ROWS; ++r) sums[r] = 0.0f;
  #pragma unroll
  for (int j = 0; j < LOADS; ++j) {
    const int k = lane + j * layer.team;
    if (k < layer.inner4) accumulate(sums, held[j], x, layer, k);
  }
  for (int k = lane + LOADS * layer.team; k < layer.inner4; k += layer.team)
    accumulate(sums, weight_at(layer, column, k), x, layer, k);
  for (int by = layer.team / 2; by > 0; by /= 2) {
    #pragma unroll
    for (int r = 0; r < ROWS; ++r) sums[r] += __shfl_xor_sync(0xffffffffu, sums[r], by);
  }
}

// All columns of this block; `held` are the weights of the first. Row r of the result begins at y + r * stride,
// in global or in shared memory.
__device__ inline void columns(
    const Layer& layer, float4 (&held)[LOADS], const float4* x, float* y, int stride) {
  const int lane = threadIdx.x % layer.team;
  for (int base = 0; base < layer.columns; base += layer.step) {
    const int column = base + layer.first;
    float sums[ROWS];
    column_sums(sums, held, x, layer, column);
    if (base + layer.step < layer.columns) fetch(held, layer, column + layer.step);
    if (column >= layer.columns) continue;
    const float bias = __ldg(layer.bias + column);
    #pragma unroll 1
    for (int row = lane; row < ROWS; row += layer.team) {  // a lane finishes its rows, mostly one or none
      float sum = 0.0f;
      #pragma unroll
      for (int r = 0; r < ROWS; ++r)
        if (r == row) sum = sums[r];
      y[row * stride + column] = activated(sum + bias, layer.post);
    }
  }
}

// Copies the activations of all rows into shared memory, padded with zeros.
__device__ inline void stage(float* into, const float* from, int width, int stride, bool from_blocks) {
  const int padded = (width + 3) / 4 * 4;
  for (int i = threadIdx.x; i < ROWS * padded; i += THREADS) {
    const int r = i / padded, k = i % padded;
    const float* at = from + r * stride + k;
    into[i] = k >= width ? 0.0f : from_blocks ? __ldcg(at) : __ldg(at);
  }
  __syncthreads();
}

__device__ inline void pad(float* rows, int width) {
  const int padded = (width + 3) / 4 * 4, extra = padded - width;
  for (int i = threadIdx.x; i < ROWS * extra; i += THREADS) rows[i / extra * padded + width + i % extra] = 0.0f;
}

// x [ROWS][SIZES first], y [ROWS][SIZES last]; scratch: 2 * ROWS * STRIDE floats; barrier: see grid_wait.
extern "C" __global__ void __launch_bounds__(THREADS, 1) persistent_mlp(
    const float* __restrict__ x, const float* __restrict__ blob, float* scratch, float* y, int* barrier) {
  extern __shared__ float4 shared[];
  float* now = reinterpret_cast<float*>(shared);
  float* next = now + NOW;
  float4 held[LOADS];
  Layer layer = layer_at(0, blob);
  fetch(held, layer, layer.first);
  stage(now, x, sizes[0], sizes[0], false);
  for (int i = 0; i < LAYERS; ++i) {
    const bool last = i == LAYERS - 1, alone = i >= SOLO;
    const int width = layer.columns, padded = (width + 3) / 4 * 4;
    float* there = scratch + i % 2 * (ROWS * STRIDE);
    columns(layer, held, reinterpret_cast<const float4*>(now), last ? y : alone ? next : there,
            last ? width : alone ? padded : STRIDE);
    if (last) return;
    layer = layer_at(i + 1, blob);
    fetch(held, layer, layer.first);  // on its way while the blocks wait for one another
    if (alone) {
      pad(next, width);
      __syncthreads();
      float* other = now;
      now = next;
      next = other;
      continue;
    }
    const bool stays = i + 1 < SOLO || blockIdx.x == 0;
    if (!grid_wait(reinterpret_cast<unsigned*>(barrier), gridDim.x, stays)) {
      for (int k = threadIdx.x; k < ROWS * sizes[LAYERS]; k += THREADS) y[k] = __int_as_float(0x7fc00000);
      return;
    }
    if (!stays) return;
    stage(now, there, width, STRIDE, true);
  }
}
