"""The transition layer as two CUDA kernels, both at the speed of memory; the input is read twice, no more.

A 1x1 convolution commutes with averaging, so the second kernel normalises, cuts at zero and averages each 2x2
window while it loads it, and multiplies a quarter of the pixels: 32 channels of 128 pooled pixels lie in shared
memory, a thread sums 8 channels of 4 pixels in plain fp32, which takes less time than the memory does.
The first kernel sums values and squares of each channel in fp64 (this GPU's runs at half the rate of fp32), so
that a single pass is exact, and nothing is launched between the two: every block of the second derives scale
and shift from the few sums by itself, and one moves the running statistics. The first kernel goes through the
images upwards, the second downwards, and so begins with what the L2 still holds.
"""

import torch
from torch import Tensor, nn

import kernelevo

CHANNELS, OUTPUTS = 32, 64
PARTS = 32  # blocks of the first kernel per channel
BLOCKS = 3  # of the second, resident at a time on one multiprocessor

SOURCE = r"""
constexpr int kChannels = 32, kOutputs = 64, kPixels = 128, kThreads = 256;
constexpr int kGroup = 8;  // output channels of a thread
static_assert(kPixels / 4 * (kOutputs / kGroup) == kThreads);

__device__ inline double warp_sum(double v) {
  #pragma unroll
  for (int by = 16; by > 0; by /= 2) v += __shfl_xor_sync(0xffffffffu, v, by);
  return v;
}

// Block (part, channel): sums of values and of squares of its share of a channel -> sums[channel][part].
// quads: float4 of one plane.
extern "C" __global__ void __launch_bounds__(256) moments(
    const float* __restrict__ x, double* __restrict__ sums, int images, unsigned quads) {
  __shared__ double scratch[2][8];
  const unsigned channel = blockIdx.y, step = gridDim.x * kThreads;
  const float4* plane = reinterpret_cast<const float4*>(x) + (long long)channel * quads;
  const unsigned total = unsigned(images) * quads;
  double sum = 0.0, square = 0.0;
  #pragma unroll 4
  for (unsigned i = blockIdx.x * kThreads + threadIdx.x; i < total; i += step) {
    const unsigned image = i / quads, at = i % quads;
    const float4 v = __ldg(plane + (long long)image * kChannels * quads + at);
    const double a = v.x, b = v.y, c = v.z, d = v.w;
    sum += (a + b) + (c + d);
    square = fma(a, a, fma(b, b, fma(c, c, fma(d, d, square))));
  }
  sum = warp_sum(sum);
  square = warp_sum(square);
  if (threadIdx.x % 32 == 0) {
    scratch[0][threadIdx.x / 32] = sum;
    scratch[1][threadIdx.x / 32] = square;
  }
  __syncthreads();
  if (threadIdx.x < 2) {
    double all = 0.0;
    for (int w = 0; w < 8; ++w) all += scratch[threadIdx.x][w];
    sums[(channel * gridDim.x + blockIdx.x) * 2 + threadIdx.x] = all;
  }
}

struct alignas(16) Shared {
  float pooled[kChannels][kPixels];
  float weight[kChannels][kOutputs];
  float scale[kChannels], shift[kChannels];
};

// What the normalisation multiplies by and adds; `moves`: this block moves the running statistics.
__device__ inline void finish_moments(
    Shared& s, const double* sums, int parts, double count, const float* gain, const float* bias,
    float* running_mean, float* running_var, long long* batches, float momentum, float eps, bool moves) {
  const int lane = threadIdx.x % 32;
  for (int c = threadIdx.x / 32; c < kChannels; c += kThreads / 32) {
    double sum = 0.0, square = 0.0;
    for (int p = lane; p < parts; p += 32) {
      sum += sums[(c * parts + p) * 2];
      square += sums[(c * parts + p) * 2 + 1];
    }
    const double mean = warp_sum(sum) / count;
    const double spread = warp_sum(square) / count - mean * mean;
    const double variance = spread < 0.0 ? 0.0 : spread;
    if (lane != 0) continue;
    const double scale = gain[c] / sqrt(variance + eps);
    s.scale[c] = float(scale);
    s.shift[c] = float(bias[c] - mean * scale);
    if (moves) {
      running_mean[c] += float((mean - running_mean[c]) * momentum);
      running_var[c] += float((variance * (count / (count - 1.0)) - running_var[c]) * momentum);
    }
  }
  if (moves && threadIdx.x == 0) *batches += 1;
}

// Mean of relu(x * scale + shift) over two windows side by side, keeping NaN.
__device__ inline float above(float x, float scale, float shift) {
  const float v = fmaf(x, scale, shift);
  return v < 0.0f ? 0.0f : v;
}
__device__ inline float2 two_windows(float4 upper, float4 lower, float scale, float shift) {
  const float left = (above(upper.x, scale, shift) + above(upper.y, scale, shift)) +
                     (above(lower.x, scale, shift) + above(lower.y, scale, shift));
  const float right = (above(upper.z, scale, shift) + above(upper.w, scale, shift)) +
                      (above(lower.z, scale, shift) + above(lower.w, scale, shift));
  return make_float2(0.25f * left, 0.25f * right);
}

// All channels of 128 pooled pixels of one image; those from `area` on are zero.
__device__ inline void pool_tile(Shared& s, const float* x, int first, int area, int high, int wide) {
  constexpr int kPairs = kPixels / 2, kStep = kThreads / kPairs, kLoads = 4;
  const int pair = threadIdx.x % kPairs, p = first + 2 * pair, area_of_channel = high * wide;
  const int row = p / (wide / 2), column = p % (wide / 2);
  const float* corner = x + 2 * row * wide + 2 * column;
  #pragma unroll 1
  for (int begin = threadIdx.x / kPairs; begin < kChannels; begin += kLoads * kStep) {
    float4 upper[kLoads], lower[kLoads];
    #pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      if (p >= area) break;
      const float* at = corner + (begin + i * kStep) * area_of_channel;
      upper[i] = __ldg(reinterpret_cast<const float4*>(at));
      lower[i] = __ldg(reinterpret_cast<const float4*>(at + wide));
    }
    #pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int c = begin + i * kStep;
      const float2 v = two_windows(upper[i], lower[i], s.scale[c], s.shift[c]);
      *reinterpret_cast<float2*>(&s.pooled[c][2 * pair]) = p < area ? v : make_float2(0.0f, 0.0f);
    }
  }
}

// y [images][64][pooled pixels]
extern "C" __global__ void __launch_bounds__(256, 3) transition(
    const float* __restrict__ x, const double* __restrict__ sums, int parts, const float* __restrict__ gain,
    const float* __restrict__ bias, const float* __restrict__ weight, float* running_mean, float* running_var,
    long long* batches, float* __restrict__ y, int images, int high, int wide, float momentum, float eps) {
  __shared__ Shared s;
  for (int i = threadIdx.x; i < kChannels * kOutputs; i += kThreads)
    s.weight[i % kChannels][i / kChannels] = __ldg(weight + i);
  finish_moments(s, sums, parts, (double)images * high * wide, gain, bias, running_mean, running_var, batches,
                 momentum, eps, blockIdx.x == 0);
  const int area = (high / 2) * (wide / 2), per_image = (area + kPixels - 1) / kPixels;
  const int quad = threadIdx.x % 32 * 4, o = threadIdx.x / 32 * kGroup;
  for (int at = images * per_image - 1 - blockIdx.x; at >= 0; at -= gridDim.x) {
    const int image = at / per_image, first = at % per_image * kPixels;
    __syncthreads();  // scale, shift and weight are there, and the tile before is done with
    pool_tile(s, x + (long long)image * kChannels * high * wide, first, area, high, wide);
    __syncthreads();
    float total[kGroup][4] = {};
    #pragma unroll 4
    for (int c = 0; c < kChannels; ++c) {
      const float4 v = *reinterpret_cast<const float4*>(&s.pooled[c][quad]);
      #pragma unroll
      for (int g = 0; g < kGroup; g += 4) {
        const float4 w = *reinterpret_cast<const float4*>(&s.weight[c][o + g]);
        const float of[4] = {w.x, w.y, w.z, w.w};
        #pragma unroll
        for (int k = 0; k < 4; ++k) {
          total[g + k][0] = fmaf(of[k], v.x, total[g + k][0]);
          total[g + k][1] = fmaf(of[k], v.y, total[g + k][1]);
          total[g + k][2] = fmaf(of[k], v.z, total[g + k][2]);
          total[g + k][3] = fmaf(of[k], v.w, total[g + k][3]);
        }
      }
    }
    if (first + quad < area) {
      float* there = y + ((long long)image * kOutputs + o) * area + first + quad;
      #pragma unroll
      for (int g = 0; g < kGroup; ++g)
        *reinterpret_cast<float4*>(there + (long long)g * area) =
            make_float4(total[g][0], total[g][1], total[g][2], total[g][3]);
    }
  }
}
"""
library = kernelevo.cuda(SOURCE)


class ModelNew(nn.Module):
    """The transition layer; by PyTorch for other channels, odd sizes and where BatchNorm is not in train mode."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2)
        self.planned = (in_channels, out_channels) == (CHANNELS, OUTPUTS)

    def fits(self, x: Tensor) -> bool:
        high, wide = x.shape[2:]
        quads = wide % 4 == 0 and high % 2 == 0 and (high // 2) * (wide // 2) % 4 == 0
        return self.planned and self.training and x.is_cuda and quads

    def forward(self, x: Tensor) -> Tensor:
        if not self.fits(x):
            return self.conv(self.pool(torch.relu(self.norm(x))))
        x, norm = x.contiguous(), self.norm
        images, _, high, wide = x.shape
        sums = torch.empty(CHANNELS, PARTS, 2, dtype=torch.float64, device=x.device)
        y = torch.empty(images, OUTPUTS, high // 2, wide // 2, device=x.device)
        library.moments[(PARTS, CHANNELS), 256](x, sums, images, high * wide // 4)
        tiles = images * -(-(high // 2) * (wide // 2) // 128)
        blocks = min(tiles, BLOCKS * torch.cuda.get_device_properties(x.device).multi_processor_count)
        library.transition[blocks, 256](
            x,
            sums,
            PARTS,
            norm.weight,
            norm.bias,
            self.conv.weight,
            norm.running_mean,
            norm.running_var,
            norm.num_batches_tracked,
            y,
            images,
            high,
            wide,
            norm.momentum,
            norm.eps,
        )
        return y
