"""The fire module as one CUDA kernel: nothing but the input is read, nothing but the result is written.

The result is forty times as large as the input, so the time to beat is that of writing it once. A block keeps
all weights in shared memory and walks over tiles of 8 rows of 32 pixels. For each it squeezes the tile with its
border into shared memory (zeros outside the image, as the padding wants), then a thread computes 16 channels of
4 neighbouring pixels: 64 sums in registers, each weight read as part of a float4 that a whole warp shares, each
row of six squeezed pixels used for three taps. The sums are plain fp32, and fewer than the memory has time for.
"""

import torch
from torch import Tensor, nn

import kernelevo

INPUTS, SQUEEZE, EXPAND = 3, 6, 64
BLOCKS = 2  # resident at a time on one multiprocessor

SOURCE = r"""
constexpr int kInputs = 3, kSqueeze = 6, kExpand = 64;
constexpr int kWide = 32, kHigh = 8, kThreads = 256;
constexpr int kStride = kWide + 8, kRows = kHigh + 2;  // pixel x of a tile lies at x + 4: quads stay aligned
constexpr int kGroup = 16;                             // output channels of a thread
static_assert(kWide / 4 * kHigh * (kExpand / kGroup) == kThreads);

struct alignas(16) Weights {
  float three[kSqueeze][9][kExpand];
  float one[kSqueeze][kExpand];
  float three_bias[kExpand], one_bias[kExpand];
  float squeeze[kSqueeze][kInputs], squeeze_bias[kSqueeze];
};

struct alignas(16) Tile {
  float at[kSqueeze][kRows][kStride];
};

struct Image {
  int high, wide;
};

__device__ inline float relu(float v) { return v < 0.0f ? 0.0f : v; }  // keeps NaN

// The squeezed tile with a border of one pixel.
__device__ inline void squeeze_tile(Tile& tile, const float* x, const Weights& w, Image size,
                                    int top, int left) {
  const long long area = (long long)size.high * size.wide;
  for (int i = threadIdx.x; i < kRows * (kWide + 2); i += kThreads) {
    const int r = i / (kWide + 2), c = i % (kWide + 2);
    const int row = top + r - 1, column = left + c - 1;
    const bool inside = row >= 0 && row < size.high && column >= 0 && column < size.wide;
    float in[kInputs];
    #pragma unroll
    for (int k = 0; k < kInputs; ++k)
      in[k] = inside ? __ldg(x + k * area + (long long)row * size.wide + column) : 0.0f;
    #pragma unroll
    for (int s = 0; s < kSqueeze; ++s) {
      float sum = w.squeeze_bias[s];
      #pragma unroll
      for (int k = 0; k < kInputs; ++k) sum = fmaf(w.squeeze[s][k], in[k], sum);
      tile.at[s][r][c + 3] = inside ? relu(sum) : 0.0f;
    }
  }
}

__device__ inline void begin(float (&sums)[kGroup][4], const float* bias) {
  #pragma unroll
  for (int o = 0; o < kGroup; ++o) {
    #pragma unroll
    for (int p = 0; p < 4; ++p) sums[o][p] = bias[o];
  }
}

// sums += weight * pixels for the 16 channels whose weights begin at `weight`.
__device__ inline void add_tap(float (&sums)[kGroup][4], const float* weight, const float* pixels) {
  #pragma unroll
  for (int o = 0; o < kGroup; o += 4) {
    const float4 w = *reinterpret_cast<const float4*>(weight + o);
    #pragma unroll
    for (int p = 0; p < 4; ++p) {
      sums[o][p] = fmaf(w.x, pixels[p], sums[o][p]);
      sums[o + 1][p] = fmaf(w.y, pixels[p], sums[o + 1][p]);
      sums[o + 2][p] = fmaf(w.z, pixels[p], sums[o + 2][p]);
      sums[o + 3][p] = fmaf(w.w, pixels[p], sums[o + 3][p]);
    }
  }
}

// y: the thread's four pixels in its first channel; `left` of them are inside the image.
__device__ inline void store(float* y, long long area, const float (&sums)[kGroup][4], int left, bool aligned) {
  #pragma unroll
  for (int o = 0; o < kGroup; ++o) {
    float* at = y + o * area;
    if (aligned && left >= 4) {
      *reinterpret_cast<float4*>(at) =
          make_float4(relu(sums[o][0]), relu(sums[o][1]), relu(sums[o][2]), relu(sums[o][3]));
    } else {
      #pragma unroll
      for (int p = 0; p < 4; ++p)
        if (p < left) at[p] = relu(sums[o][p]);
    }
  }
}

__device__ inline void load_weights(Weights& w, const float* squeeze, const float* squeeze_bias, const float* one,
                                    const float* one_bias, const float* three, const float* three_bias) {
  const int t = threadIdx.x;
  for (int i = t; i < kExpand * kSqueeze * 9; i += kThreads)
    w.three[i / 9 % kSqueeze][i % 9][i / (9 * kSqueeze)] = __ldg(three + i);
  for (int i = t; i < kExpand * kSqueeze; i += kThreads) w.one[i % kSqueeze][i / kSqueeze] = __ldg(one + i);
  for (int i = t; i < kSqueeze * kInputs; i += kThreads) w.squeeze[i / kInputs][i % kInputs] = __ldg(squeeze + i);
  if (t < kExpand) {
    w.three_bias[t] = __ldg(three_bias + t);
    w.one_bias[t] = __ldg(one_bias + t);
  }
  if (t < kSqueeze) w.squeeze_bias[t] = __ldg(squeeze_bias + t);
}

// x [images][3][high][wide] -> y [images][128][high][wide]; channels of the 1x1 expansion come first.
extern "C" __global__ void __launch_bounds__(256, 2) fire(
    const float* __restrict__ x, const float* __restrict__ squeeze, const float* __restrict__ squeeze_bias,
    const float* __restrict__ one, const float* __restrict__ one_bias, const float* __restrict__ three,
    const float* __restrict__ three_bias, float* __restrict__ y, int images, int high, int wide) {
  __shared__ Weights w;
  __shared__ Tile tile;
  load_weights(w, squeeze, squeeze_bias, one, one_bias, three, three_bias);
  const Image size = {high, wide};
  const long long area = (long long)high * wide;
  const int across = (wide + kWide - 1) / kWide, down = (high + kHigh - 1) / kHigh;
  const int quad = threadIdx.x % (kWide / 4), r = threadIdx.x / (kWide / 4) % kHigh;
  const int first = threadIdx.x / (kWide / 4 * kHigh) * kGroup;
  for (int at = blockIdx.x; at < images * across * down; at += gridDim.x) {
    const int image = at / (across * down), top = at / across % down * kHigh, left = at % across * kWide;
    __syncthreads();  // the weights are there, and the tile before is done with
    squeeze_tile(tile, x + image * kInputs * area, w, size, top, left);
    __syncthreads();
    const int inside = top + r < high ? wide - left - 4 * quad : 0;
    float* there = y + (image * 2 * kExpand + first) * area + (long long)(top + r) * wide + left + 4 * quad;
    float sums[kGroup][4];
    begin(sums, w.one_bias + first);
    #pragma unroll 1
    for (int s = 0; s < kSqueeze; ++s) {
      const float4 v = *reinterpret_cast<const float4*>(&tile.at[s][r + 1][4 * quad + 4]);
      const float pixels[4] = {v.x, v.y, v.z, v.w};
      add_tap(sums, &w.one[s][first], pixels);
    }
    store(there, area, sums, inside, wide % 4 == 0);
    begin(sums, w.three_bias + first);
    #pragma unroll 1
    for (int s = 0; s < kSqueeze; ++s) {
      #pragma unroll
      for (int dy = 0; dy < 3; ++dy) {
        const float* row = &tile.at[s][r + dy][4 * quad + 3];
        const float4 v = *reinterpret_cast<const float4*>(row + 1);
        const float pixels[6] = {row[0], v.x, v.y, v.z, v.w, row[5]};
        #pragma unroll
        for (int dx = 0; dx < 3; ++dx) add_tap(sums, &w.three[s][3 * dy + dx][first], pixels + dx);
      }
    }
    store(there + kExpand * area, area, sums, inside, wide % 4 == 0);
  }
}
"""
library = kernelevo.cuda(SOURCE)


class ModelNew(nn.Module):
    """The fire module of 3 channels in, 6 squeezed, 64 and 64 out; PyTorch for others."""

    def __init__(self, in_channels: int, squeeze: int, expand_1x1: int, expand_3x3: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze, kernel_size=1)
        self.expand_1x1 = nn.Conv2d(squeeze, expand_1x1, kernel_size=1)
        self.expand_3x3 = nn.Conv2d(squeeze, expand_3x3, kernel_size=3, padding=1)
        self.fits = (in_channels, squeeze, expand_1x1, expand_3x3) == (INPUTS, SQUEEZE, EXPAND, EXPAND)

    def plainly(self, x: Tensor) -> Tensor:
        squeezed = torch.relu(self.squeeze(x))
        return torch.relu(torch.cat([self.expand_1x1(squeezed), self.expand_3x3(squeezed)], dim=1))

    def forward(self, x: Tensor) -> Tensor:
        if not (self.fits and x.is_cuda and x.dtype == torch.float32):
            return self.plainly(x)
        images, _, high, wide = x.shape
        y = torch.empty(images, 2 * EXPAND, high, wide, device=x.device)
        tiles = images * -(-high // 8) * -(-wide // 32)
        blocks = min(tiles, BLOCKS * torch.cuda.get_device_properties(x.device).multi_processor_count)
        library.fire[blocks, 256](
            x.contiguous(),
            self.squeeze.weight,
            self.squeeze.bias,
            self.expand_1x1.weight,
            self.expand_1x1.bias,
            self.expand_3x3.weight,
            self.expand_3x3.bias,
            y,
            images,
            high,
            wide,
        )
        return y
