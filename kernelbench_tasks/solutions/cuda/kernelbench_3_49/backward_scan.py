"""Mamba-2's last state alone: the sum over time of b x, each weighted by the decays that come after it; one launch.

Nothing but that state is returned, so C, the attention inside chunks and every earlier state drop out. A warp
walks back in time with the channels of one head. The weight of a step is the product of all later decays: eight
lanes multiply eight of them up, and each lane weighs a quarter of a step's map before it goes to shared memory.
What is left is a product of two matrices per head, whose sums stay in registers. x and b are moved once: the rest
is waiting for memory.
"""

import torch
from torch import Tensor, nn

import kernelevo

TUNE = {"WARPS": [4, 8, 2, 1], "FEW_WARPS": [1, 2, 4]}
MANY = 2048  # warps from which on the device is full
STATE, STEPS = 16, 8
MAPS = STEPS * STATE * 4  # bytes of shared memory of a warp

SOURCE = r"""
constexpr int kState = 16, kSteps = 8;  // numbers of a channel's state; steps that are fetched together
constexpr int kQuarters = kState / 4;
constexpr unsigned kAll = 0xffffffffu;
static_assert(kSteps * kQuarters == 32);  // each lane brings a quarter of a step's map

template <int kChannels>
struct alignas(4 * kChannels) Pack {
  float of[kChannels];
};

// Where one head of one image begins; the distances from one step to the next are `row` and `heads`.
struct Head {
  const float *x, *logs;
  const float4* b;
  long long row, heads;
};

// What is on its way from memory while other steps are computed.
template <int kChannels>
struct Ahead {
  Pack<kChannels> x[kSteps];
  float4 b;
  float log;

  __device__ __forceinline__ void fetch(const Head& from, int t) {
    const int lane = threadIdx.x % 32;
    #pragma unroll
    for (int k = 0; k < kSteps; ++k)
      x[k] = *reinterpret_cast<const Pack<kChannels>*>(from.x + (t + k) * from.row);
    b = __ldg(from.b + (t + lane / kQuarters) * from.heads * kQuarters + lane % kQuarters);
    log = __ldg(from.logs + (t + lane % kSteps) * from.heads);
  }
};

// The weight of the step whose map this lane brings; `later`: the product of all decays after these steps, to
// which theirs are added.
__device__ __forceinline__ float weight(float log, float& later) {
  const int lane = threadIdx.x % 32, step = lane % kSteps;
  float product = expf(log);  // of this step's decay and those after it, among these steps
  #pragma unroll
  for (int by = 1; by < kSteps; by *= 2) {
    const float other = __shfl_sync(kAll, product, lane + by);
    if (step + by < kSteps) product *= other;
  }
  const float after = __shfl_sync(kAll, product, lane + 1);
  const float own = step == kSteps - 1 ? later : later * after;
  later *= __shfl_sync(kAll, product, 0);
  return __shfl_sync(kAll, own, lane / kQuarters);
}

// A warp: 32 * kChannels channels of one head of one image; `count` of them in all.
template <int kChannels>
__device__ __forceinline__ void walk(float4* shared, const float* x, const float* logs, const float* b, float* y,
                                     int length, int heads, int width, int count) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int which = blockIdx.x * (blockDim.x / 32) + warp, groups = width / (32 * kChannels);
  if (which >= count) return;  // a whole warp, and none waits for another
  float4* maps = shared + warp * kSteps * kQuarters;
  const long long head = which / groups % heads, image = which / groups / heads;
  const long long start = image * length * heads + head;
  const int channel = (which % groups * 32 + lane) * kChannels;
  const Head from{x + start * width + channel, logs + start,
                  reinterpret_cast<const float4*>(b) + start * kQuarters, (long long)heads * width, heads};

  float sums[kChannels][kState] = {};
  float later = 1.0f;
  Ahead<kChannels> ahead;
  ahead.fetch(from, length - kSteps);
  for (int t = length - kSteps; t >= 0; t -= kSteps) {
    const Ahead<kChannels> now = ahead;
    const float by = weight(now.log, later);
    maps[lane] = make_float4(by * now.b.x, by * now.b.y, by * now.b.z, by * now.b.w);
    __syncwarp();
    if (t > 0) ahead.fetch(from, t - kSteps);
    #pragma unroll
    for (int k = 0; k < kSteps; ++k) {
      #pragma unroll
      for (int q = 0; q < kQuarters; ++q) {
        const float4 map = maps[k * kQuarters + q];
        #pragma unroll
        for (int p = 0; p < kChannels; ++p) {
          const float value = now.x[k].of[p];
          float* s = sums[p] + 4 * q;
          s[0] = fmaf(value, map.x, s[0]);
          s[1] = fmaf(value, map.y, s[1]);
          s[2] = fmaf(value, map.z, s[2]);
          s[3] = fmaf(value, map.w, s[3]);
        }
      }
    }
    __syncwarp();  // the maps are done with
  }
  float4* to = reinterpret_cast<float4*>(y) + ((image * heads + head) * width + channel) * kQuarters;
  #pragma unroll
  for (int p = 0; p < kChannels; ++p) {
    #pragma unroll
    for (int q = 0; q < kQuarters; ++q) {
      const float* s = sums[p] + 4 * q;
      to[p * kQuarters + q] = make_float4(s[0], s[1], s[2], s[3]);
    }
  }
}

// x [batch][length][heads][width], logs [batch][length][heads], b [batch][length][heads][16],
// y [batch][heads][width][16]
extern "C" __global__ void __launch_bounds__(256) last_state_pairs(
    const float* __restrict__ x, const float* __restrict__ logs, const float* __restrict__ b,
    float* __restrict__ y, int length, int heads, int width, int count) {
  extern __shared__ float4 shared[];
  walk<2>(shared, x, logs, b, y, length, heads, width, count);
}
extern "C" __global__ void __launch_bounds__(256) last_state_singles(
    const float* __restrict__ x, const float* __restrict__ logs, const float* __restrict__ b,
    float* __restrict__ y, int length, int heads, int width, int count) {
  extern __shared__ float4 shared[];
  walk<1>(shared, x, logs, b, y, length, heads, width, count);
}
"""
library = kernelevo.cuda(SOURCE)


def by_steps(x: Tensor, decay: Tensor, b: Tensor) -> Tensor:
    """The same for any sizes."""
    state = x.new_zeros(*x[:, 0].shape, b.shape[-1])
    for t in range(x.shape[1]):
        state = state * decay[:, t, :, None, None] + x[:, t, :, :, None] * b[:, t, :, None]
    return state


class ModelNew(nn.Module):
    """Mamba-2's last state; by PyTorch for states of other sizes, and widths and lengths that are no multiples."""

    def __init__(
        self, batch: int, length: int, heads: int, head_dim: int, state: int, chunk: int = 64
    ) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.randn(batch, length, heads))
        self.B = nn.Parameter(torch.randn(batch, length, heads, state))
        self.C = nn.Parameter(torch.randn(batch, length, heads, state))

    def fits(self, x: Tensor) -> bool:
        sizes = self.B.shape[-1] == STATE and x.shape[1] % STEPS == 0 and x.shape[3] % 64 == 0
        return x.is_cuda and sizes and x.numel() > 0

    def forward(self, x: Tensor) -> Tensor:
        if not self.fits(x):
            return by_steps(x, torch.exp(self.A.detach()), self.B)
        x = x.contiguous()
        batch, length, heads, width = x.shape
        y = torch.empty(batch, heads, width, STATE, device=x.device)
        count = batch * heads * width // 64
        walk, warps = library.last_state_pairs, TUNE["WARPS"][0]
        if count < MANY:
            walk, warps, count = library.last_state_singles, TUNE["FEW_WARPS"][0], 2 * count
        blocks = -(-count // warps)
        walk[blocks, 32 * warps, MAPS * warps](x, self.A, self.B, y, length, heads, width, count)
        return y
