"""Mamba-2 as the recurrence that it stands for: state = e^a state + b x, y = c state, one launch.

A warp walks over time with the channels of one head: a lane holds the sixteen numbers of the state of one or two
channels in registers. The maps b and c of eight steps lie in shared memory, where all lanes read the same word;
the next eight steps are on their way from memory meanwhile. x, b, c and y are moved once, and the sums take
less time than that. It is as accurate as plain fp32 can be: decays are multiplied, never formed from sums that
cancel. A small batch has too few heads to fill the device, so its lanes hold one channel each.
"""

import torch
from torch import Tensor, nn

import kernelevo

TUNE = {"WARPS": [4, 8, 2, 1], "FEW_WARPS": [1, 2, 4]}
MANY = 2048  # warps from which on the device is full
STATE, STEPS = 16, 8
MAPS = 2 * STEPS * STATE * 4 + STEPS * 4  # bytes of shared memory of a warp

SOURCE = r"""
constexpr int kState = 16, kSteps = 8;  // numbers of a channel's state; steps that are fetched together
constexpr int kQuarters = kState / 4;
static_assert(kSteps * kQuarters == 32);  // each lane brings a quarter of a step's maps

template <int kChannels>
struct alignas(4 * kChannels) Pack {
  float of[kChannels];
};

// What the steps of a head are multiplied by.
struct alignas(16) Maps {
  float4 b[kSteps][kQuarters], c[kSteps][kQuarters];
  float decay[kSteps];
};

// Where one head of one image begins; the distances from one step to the next are `row` and `heads`.
struct Head {
  const float *x, *logs;
  const float4 *b, *c;
  long long row, heads;
};

// What is on its way from memory while other steps are computed.
template <int kChannels>
struct Ahead {
  Pack<kChannels> x[kSteps];
  float4 b, c;
  float log;

  __device__ __forceinline__ void fetch(const Head& from, int t) {
    const int lane = threadIdx.x % 32;
    #pragma unroll
    for (int k = 0; k < kSteps; ++k)
      x[k] = *reinterpret_cast<const Pack<kChannels>*>(from.x + (t + k) * from.row);
    const long long quarter = (t + lane / kQuarters) * from.heads * kQuarters + lane % kQuarters;
    b = __ldg(from.b + quarter);
    c = __ldg(from.c + quarter);
    log = __ldg(from.logs + (t + lane % kSteps) * from.heads);
  }
};

// One step of one channel.
__device__ __forceinline__ float step(float (&state)[kState], float x, const Maps& maps, int k) {
  const float decay = maps.decay[k];
  float even = 0.0f, odd = 0.0f;
  #pragma unroll
  for (int q = 0; q < kQuarters; ++q) {
    const float4 b = maps.b[k][q], c = maps.c[k][q];
    float* s = state + 4 * q;
    s[0] = fmaf(decay, s[0], b.x * x);
    s[1] = fmaf(decay, s[1], b.y * x);
    s[2] = fmaf(decay, s[2], b.z * x);
    s[3] = fmaf(decay, s[3], b.w * x);
    even = fmaf(c.z, s[2], fmaf(c.x, s[0], even));
    odd = fmaf(c.w, s[3], fmaf(c.y, s[1], odd));
  }
  return even + odd;
}

// A warp: 32 * kChannels channels of one head of one image; `count` of them in all.
template <int kChannels>
__device__ __forceinline__ void walk(float4* shared, const float* x, const float* logs, const float* b,
                                     const float* c, float* y, int length, int heads, int width, int count) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int which = blockIdx.x * (blockDim.x / 32) + warp, groups = width / (32 * kChannels);
  if (which >= count) return;  // a whole warp, and none waits for another
  Maps& maps = reinterpret_cast<Maps*>(shared)[warp];
  const long long head = which / groups % heads, first = (long long)(which / groups / heads) * length;
  const long long row = (long long)heads * width, start = first * heads + head;
  const long long at = start * width + (which % groups * 32 + lane) * kChannels;
  const Head from{x + at, logs + start, reinterpret_cast<const float4*>(b) + start * kQuarters,
                  reinterpret_cast<const float4*>(c) + start * kQuarters, row, heads};
  float* to = y + at;

  float state[kChannels][kState] = {};
  Ahead<kChannels> ahead;
  ahead.fetch(from, 0);
  for (int t = 0; t < length; t += kSteps) {
    const Ahead<kChannels> now = ahead;
    maps.b[lane / kQuarters][lane % kQuarters] = now.b;
    maps.c[lane / kQuarters][lane % kQuarters] = now.c;
    if (lane < kSteps) maps.decay[lane] = expf(now.log);
    __syncwarp();
    if (t + kSteps < length) ahead.fetch(from, t + kSteps);
    #pragma unroll
    for (int k = 0; k < kSteps; ++k) {
      Pack<kChannels> out;
      #pragma unroll
      for (int p = 0; p < kChannels; ++p) out.of[p] = step(state[p], now.x[k].of[p], maps, k);
      *reinterpret_cast<Pack<kChannels>*>(to + (t + k) * row) = out;
    }
    __syncwarp();  // the maps are done with
  }
}

// x and y [batch][length][heads][width], logs [batch][length][heads], b and c [batch][length][heads][16]
extern "C" __global__ void __launch_bounds__(256) scan_pairs(
    const float* __restrict__ x, const float* __restrict__ logs, const float* __restrict__ b,
    const float* __restrict__ c, float* __restrict__ y, int length, int heads, int width, int count) {
  extern __shared__ float4 shared[];
  walk<2>(shared, x, logs, b, c, y, length, heads, width, count);
}
extern "C" __global__ void __launch_bounds__(256) scan_singles(
    const float* __restrict__ x, const float* __restrict__ logs, const float* __restrict__ b,
    const float* __restrict__ c, float* __restrict__ y, int length, int heads, int width, int count) {
  extern __shared__ float4 shared[];
  walk<1>(shared, x, logs, b, c, y, length, heads, width, count);
}
"""
library = kernelevo.cuda(SOURCE)


def by_steps(x: Tensor, decay: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The same for any sizes."""
    state, outputs = x.new_zeros(*x[:, 0].shape, b.shape[-1]), []
    for t in range(x.shape[1]):
        state = state * decay[:, t, :, None, None] + x[:, t, :, :, None] * b[:, t, :, None]
        outputs.append((state @ c[:, t, :, :, None]).squeeze(-1))
    return torch.stack(outputs, dim=1)


class ModelNew(nn.Module):
    """Mamba-2; by PyTorch for states of other sizes, and widths and lengths that are no multiples."""

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
            return by_steps(x, torch.exp(self.A.detach()), self.B, self.C)
        x = x.contiguous()
        y = torch.empty_like(x)
        batch, length, heads, width = x.shape
        count = batch * heads * width // 64
        scan, warps = library.scan_pairs, TUNE["WARPS"][0]
        if count < MANY:
            scan, warps, count = library.scan_singles, TUNE["FEW_WARPS"][0], 2 * count
        blocks = -(-count // warps)
        scan[blocks, 32 * warps, MAPS * warps](x, self.A, self.B, self.C, y, length, heads, width, count)
        return y
