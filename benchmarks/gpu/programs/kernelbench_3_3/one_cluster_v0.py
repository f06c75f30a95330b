"""Task 3 with one row (size v0): nine layers in one launch of one cluster of eight blocks.

Floor at v0, 1000 -> eight of 50 -> 10: 0.27 MB of weights, 0.06 us from HBM, so the work is nothing but
latency: one launch, one trip to memory, and nine products that must follow one another.

Three quarters of the weights are the first layer's. One multiprocessor would take 2 us to bring them in, so
eight share them by inputs: each warp adds up seven columns over an eighth of the inputs and puts the sums
into the shared memory of block 0, across the cluster. All other weights of a thread of block 0 travel to its
registers meanwhile; it then goes through the small layers by itself, four lanes a column, one barrier within
the block per layer. The hardware starts a cluster's blocks together, so they may wait for one another; there
is no counter, nothing to reset, and no scratch in global memory.
"""

from torch import Tensor, nn

import kernelevo

TUNE = {"RECORDED": [False, True]}

BLOCKS, THREADS = 8, 256
SMALL = 8  # layers after the first, as the kernel's parameters have them
WIDTH = 56  # columns at most: seven for each of eight warps

SOURCE = r"""
constexpr int kBlocks = 8, kThreads = 256, kWarps = kThreads / 32, kEach = 7, kWidth = kEach * kWarps;
constexpr int kSmall = 8;            // layers after the first
constexpr int kLanes = 4;            // per column of a small layer
constexpr int kPairs = kWidth / 2 / kLanes;  // float2s of weights of a lane

// MACHINE: what has no counterpart in C++
__device__ inline unsigned cluster_rank() {
  unsigned rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
__device__ inline void cluster_arrive() {
  asm volatile("barrier.cluster.arrive.release;" ::: "memory");
}
__device__ inline void cluster_wait() { asm volatile("barrier.cluster.wait.acquire;" ::: "memory"); }
// Writes to where `at` is in the shared memory of block 0.
__device__ inline void write_to_first(float* at, float v) {
  unsigned there = static_cast<unsigned>(__cvta_generic_to_shared(at));
  asm volatile("mapa.shared::cluster.u32 %0, %1, 0;" : "=r"(there) : "r"(there));
  asm volatile("st.shared::cluster.f32 [%0], %1;" :: "r"(there), "f"(v) : "memory");
}
// END

struct Shared {
  float shares[kBlocks][kWidth];
  float h[2][64];  // beyond kWidth: zero
};

// x [4 inner4]; weights [columns][inputs], of widths inner -> width -> .. -> width -> out; width is even.
extern "C" __global__ void __cluster_dims__(8, 1, 1) __launch_bounds__(256, 1) narrow_mlp(
    const float* __restrict__ x, const float* __restrict__ w0, const float* __restrict__ b0,
    const float* __restrict__ w1, const float* __restrict__ b1, const float* __restrict__ w2,
    const float* __restrict__ b2, const float* __restrict__ w3, const float* __restrict__ b3,
    const float* __restrict__ w4, const float* __restrict__ b4, const float* __restrict__ w5,
    const float* __restrict__ b5, const float* __restrict__ w6, const float* __restrict__ b6,
    const float* __restrict__ w7, const float* __restrict__ b7, const float* __restrict__ w8,
    const float* __restrict__ b8, float* __restrict__ y, int inner4, int width, int out) {
  extern __shared__ float4 shared[];
  Shared& s = *reinterpret_cast<Shared*>(shared);
  cluster_arrive();  // that all blocks have begun is asked before the first write to another's memory
  const int t = threadIdx.x, lane = t % 32, first = t / 32 * kEach;
  const int rank = static_cast<int>(cluster_rank());

  // The first layer: this warp's columns over this block's inputs.
  const float4* x4 = reinterpret_cast<const float4*>(x);
  const float4* w04 = reinterpret_cast<const float4*>(w0);
  float4 w[kEach];
  int k = rank * 32 + lane;
  const auto fetch = [&] {
    #pragma unroll
    for (int c = 0; c < kEach; ++c)
      w[c] = k < inner4 && first + c < width ? __ldg(w04 + (first + c) * inner4 + k)
                                             : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    return k < inner4 ? __ldg(x4 + k) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  };
  float4 v = fetch();

  // The small layers' weights, asked for before the first layer's are used: lane j of a column has the
  // float2s j, j + kLanes, ..
  const float* const weights[kSmall] = {w1, w2, w3, w4, w5, w6, w7, w8};
  const float* const biases[kSmall] = {b1, b2, b3, b4, b5, b6, b7, b8};
  const int column = t / kLanes, j = t % kLanes;
  float2 held[kSmall][kPairs];
  float bias[kSmall], bias0 = 0.0f;
  if (rank == 0) {
    if (t < width) bias0 = __ldg(b0 + t);
    #pragma unroll
    for (int i = 0; i < kSmall; ++i) {
      const bool inside = column < (i == kSmall - 1 ? out : width);
      bias[i] = inside ? __ldg(biases[i] + column) : 0.0f;
      #pragma unroll
      for (int p = 0; p < kPairs; ++p) {
        const int k = j + p * kLanes;
        held[i][p] = make_float2(0.0f, 0.0f);
        if (inside && 2 * k < width)
          held[i][p] = __ldg(reinterpret_cast<const float2*>(weights[i]) + column * (width / 2) + k);
      }
    }
    if (t < 64) s.h[0][t] = s.h[1][t] = 0.0f;
  }

  float sums[8] = {};
  for (;;) {
    #pragma unroll
    for (int c = 0; c < kEach; ++c)
      sums[c] = fmaf(w[c].x, v.x, fmaf(w[c].y, v.y, fmaf(w[c].z, v.z, fmaf(w[c].w, v.w, sums[c]))));
    k += kBlocks * 32;
    if (k - lane >= inner4) break;  // for the whole warp
    v = fetch();
  }
  // Lanes halve the columns that they are in charge of and double the lanes that they add up.
  #pragma unroll
  for (int half = 4; half > 0; half /= 2) {
    const bool upper = lane & half;
    #pragma unroll
    for (int c = 0; c < half; ++c) {
      const float gone = upper ? sums[c] : sums[c + half], kept = upper ? sums[c + half] : sums[c];
      sums[c] = kept + __shfl_xor_sync(0xffffffffu, gone, half);
    }
  }
  sums[0] += __shfl_xor_sync(0xffffffffu, sums[0], 8);
  sums[0] += __shfl_xor_sync(0xffffffffu, sums[0], 16);
  cluster_wait();
  if (lane < kEach) write_to_first(&s.shares[rank][first + lane], sums[0]);
  cluster_arrive();
  if (rank != 0) return;
  cluster_wait();

  if (t < width) {
    float sum = bias0;
    #pragma unroll
    for (int r = 0; r < kBlocks; ++r) sum += s.shares[r][t];
    s.h[0][t] = sum < 0.0f ? 0.0f : sum;  // keeps NaN
  }
  __syncthreads();
  #pragma unroll
  for (int i = 0; i < kSmall; ++i) {
    const float2* h = reinterpret_cast<const float2*>(s.h[i % 2]) + j;
    float even = 0.0f, odd = 0.0f;
    #pragma unroll
    for (int p = 0; p < kPairs; ++p) {
      const float2 v = h[p * kLanes];
      even = fmaf(held[i][p].x, v.x, even);
      odd = fmaf(held[i][p].y, v.y, odd);
    }
    float sum = even + odd;
    sum += __shfl_xor_sync(0xffffffffu, sum, 1);
    sum += __shfl_xor_sync(0xffffffffu, sum, 2);
    sum += bias[i];
    if (i == kSmall - 1) {
      if (j == 0 && column < out) y[column] = sum;
    } else {
      if (j == 0 && column < width) s.h[1 - i % 2][column] = sum < 0.0f ? 0.0f : sum;
      __syncthreads();
    }
  }
}
"""
LIBRARY = kernelevo.cuda(SOURCE)
SHARED = 4 * (BLOCKS * WIDTH + 2 * 64)


class ModelNew(nn.Module):
    """The perceptron; by PyTorch for shapes that the kernel does not take."""

    def __init__(self, in_features: int, hidden: list[int], out_features: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = in_features
        for after in hidden:
            layers.append(nn.Linear(width, after))
            layers.append(nn.ReLU())
            width = after
        layers.append(nn.Linear(width, out_features))
        self.layers = nn.Sequential(*layers)

        # where the layers keep their parameters: a call is so short that looking them up by name shows
        self.places = [layer._parameters for layer in layers[::2]]
        first = hidden[0] if hidden else 0
        self.known = len(hidden) == SMALL and len(set(hidden)) == 1 and in_features % 4 == 0
        self.known = self.known and first % 2 == 0 and max(first, out_features) <= WIDTH
        self.numbers = (in_features // 4, first, out_features)

    def forward(self, x: Tensor) -> Tensor:
        if not self.known or not x.is_cuda or x.dim() != 2 or x.shape[0] != 1:
            return self.layers(x)
        return self.recorded(x) if TUNE["RECORDED"][0] else self.by_kernel(x)

    @kernelevo.graphed
    def recorded(self, x: Tensor) -> Tensor:
        return self.by_kernel(x)

    def by_kernel(self, x: Tensor) -> Tensor:
        x = x.contiguous()
        given, together = [], x.data_ptr()
        for place in self.places:
            weight = place["weight"]
            together |= weight.data_ptr()
            given += (weight, place["bias"])
        if together % 16:  # read 16 bytes at a time
            return self.layers(x)
        y = x.new_empty((1, self.numbers[2]))
        LIBRARY.narrow_mlp[BLOCKS, THREADS, SHARED](x, *given, y, *self.numbers)
        return y
