"""LeNet-5 as one CUDA launch, whatever the batch: images enter, logits leave, nothing else touches memory.

A few images: ten blocks share one. Block (row, half) computes the two rows of convolution that one row of the
second pool needs, for half of its channels, and multiplies the 40 features that come out by their part of the
first linear layer. The block that is the last to hand in its part adds the parts up and finishes; its weights
for that were fetched before, while the convolutions ran.
Many images: a block takes 16 of them through all layers in shared memory. A thread holds the sums of a whole
2x2 pool window for all channels (24, then 64 sums), so a pixel and a weight are read once for many products, and
convolutions before pooling are never stored. The sums are plain fp32.
"""

import functools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import kernelevo

MOST_SHARED = 16  # images of a batch up to which ten blocks share each
MOST_CLASSES = 64

SOURCE = r"""
constexpr int kHidden1 = 120, kHidden2 = 84;

__device__ inline float relu(float v) { return v < 0.0f ? 0.0f : v; }  // these two keep NaN
__device__ inline float larger(float a, float b) { return a > b || a != a ? a : b; }
__device__ inline float pooled(const float (&v)[4], float bias) {
  return relu(larger(larger(v[0], v[1]), larger(v[2], v[3])) + bias);
}

// Six rows of six pixels, which are all that a 2x2 window of a 5x5 convolution reads; from an even column on.
struct Window {
  float at[6][6];

  __device__ inline Window(const float* corner, int stride) {
    #pragma unroll
    for (int r = 0; r < 6; ++r) {
      #pragma unroll
      for (int c = 0; c < 6; c += 2) {
        const float2 v = *reinterpret_cast<const float2*>(corner + r * stride + c);
        at[r][c] = v.x;
        at[r][c + 1] = v.y;
      }
    }
  }

  // The window's four sums, moved on by one tap.
  __device__ inline void add(float (&sums)[4], float weight, int tap) const {
    const int r = tap / 5, c = tap % 5;
    sums[0] = fmaf(weight, at[r][c], sums[0]);
    sums[1] = fmaf(weight, at[r][c + 1], sums[1]);
    sums[2] = fmaf(weight, at[r + 1][c], sums[2]);
    sums[3] = fmaf(weight, at[r + 1][c + 1], sums[3]);
  }
};

// ---- A few images: blocks (row of the second pool, half of its channels) ----

constexpr int kFew = 256, kParts = 10, kFeatures = 40;  // features of one block: 8 channels of 5 pixels

struct alignas(16) Few {
  float x[16][32];
  float conv1[25][6], conv2[8][6][25];
  float first[6][6][14];          // the first pool's rows that this block needs
  float4 sums[6][kFeatures];      // of the second convolution, by the channel that they come from
  float features[kFeatures];
  float parts[3][128];
  float4 fc2[kHidden1 * kHidden2 / 4];
  float hidden1[kHidden1], hidden2[kHidden2];
  int last;
};

static_assert(sizeof(Few) <= 56 << 10);

// fc1 [10][40][120] in the order of the blocks and their features, fc2 [120][84], fc3 [classes][84];
// parts: [images][10][120]; arrived: zero for each image, and left so.
extern "C" __global__ void __launch_bounds__(256) few_images(
    const float* __restrict__ x, const float* __restrict__ conv1, const float* __restrict__ conv1_bias,
    const float* __restrict__ conv2, const float* __restrict__ conv2_bias, const float* __restrict__ fc1,
    const float* __restrict__ fc1_bias, const float* __restrict__ fc2, const float* __restrict__ fc2_bias,
    const float* __restrict__ fc3, const float* __restrict__ fc3_bias, float* parts, int* arrived,
    float* __restrict__ y, int classes) {
  extern __shared__ float4 shared[];
  Few& s = *reinterpret_cast<Few*>(shared);
  const int t = threadIdx.x, row = blockIdx.x / 2, half = blockIdx.x % 2, image = blockIdx.y;

  for (int i = t; i < 512; i += kFew) s.x[i / 32][i % 32] = __ldg(x + image * 1024 + row * 128 + i);
  if (t < 150) s.conv1[t % 25][t / 25] = __ldg(conv1 + t);
  for (int i = t; i < 1200; i += kFew) (&s.conv2[0][0][0])[i] = __ldg(conv2 + half * 1200 + i);
  const int column = t % 128, split = t / 128;  // of the first linear layer
  float weights[kFeatures / 2];
  #pragma unroll
  for (int k = 0; k < kFeatures / 2; ++k)
    weights[k] = column < kHidden1
        ? __ldg(fc1 + (blockIdx.x * kFeatures + split * (kFeatures / 2) + k) * kHidden1 + column) : 0.0f;
  constexpr int kAhead = (kHidden1 * kHidden2 / 4 + kFew - 1) / kFew;
  float4 ahead[kAhead];
  #pragma unroll
  for (int k = 0; k < kAhead; ++k)
    if (t + k * kFew < kHidden1 * kHidden2 / 4)
      ahead[k] = __ldg(reinterpret_cast<const float4*>(fc2) + t + k * kFew);
  __syncthreads();

  if (t < 252) {  // two channels of one of the 6 x 14 pixels
    const int pixel = t % 84, o = t / 84 * 2, r = pixel / 14, c = pixel % 14;
    const Window window(&s.x[2 * r][2 * c], 32);
    float a[4] = {}, b[4] = {};
    #pragma unroll
    for (int tap = 0; tap < 25; ++tap) {
      const float2 w = *reinterpret_cast<const float2*>(&s.conv1[tap][o]);
      window.add(a, w.x, tap);
      window.add(b, w.y, tap);
    }
    s.first[o][r][c] = pooled(a, __ldg(conv1_bias + o));
    s.first[o + 1][r][c] = pooled(b, __ldg(conv1_bias + o + 1));
  }
  #pragma unroll
  for (int k = 0; k < kAhead; ++k)
    if (t + k * kFew < kHidden1 * kHidden2 / 4) s.fc2[t + k * kFew] = ahead[k];
  __syncthreads();

  if (t < 6 * kFeatures) {  // what one channel adds to one feature
    const int from = t / kFeatures, feature = t % kFeatures, o = feature / 5, c = feature % 5;
    const Window window(&s.first[from][0][2 * c], 14);
    float a[4] = {};
    #pragma unroll
    for (int tap = 0; tap < 25; ++tap) window.add(a, s.conv2[o][from][tap], tap);
    s.sums[from][feature] = make_float4(a[0], a[1], a[2], a[3]);
  }
  __syncthreads();
  if (t < kFeatures) {
    float a[4] = {};
    #pragma unroll
    for (int from = 0; from < 6; ++from) {
      const float4 v = s.sums[from][t];
      a[0] += v.x;
      a[1] += v.y;
      a[2] += v.z;
      a[3] += v.w;
    }
    s.features[t] = pooled(a, __ldg(conv2_bias + half * 8 + t / 5));
  }
  __syncthreads();

  float sum = 0.0f;
  #pragma unroll
  for (int k = 0; k < kFeatures / 2; ++k) sum = fmaf(weights[k], s.features[split * (kFeatures / 2) + k], sum);
  s.parts[split][column] = sum;
  __syncthreads();
  float* mine = parts + image * kParts * kHidden1;
  if (t < kHidden1) __stcg(mine + blockIdx.x * kHidden1 + t, s.parts[0][t] + s.parts[1][t]);
  __syncthreads();
  if (t == 0) {
    __threadfence();
    s.last = atomicAdd(arrived + image, 1) == kParts - 1;
    __threadfence();
  }
  __syncthreads();
  if (!s.last) return;

  if (t == 0) arrived[image] = 0;
  if (t < kHidden1) {
    float total = __ldg(fc1_bias + t);
    #pragma unroll
    for (int p = 0; p < kParts; ++p) total += __ldcg(mine + p * kHidden1 + t);
    s.hidden1[t] = relu(total);
  }
  __syncthreads();
  if (t < 3 * kHidden2) {
    const float* weight = reinterpret_cast<const float*>(s.fc2) + t % kHidden2;
    const int begin = t / kHidden2 * (kHidden1 / 3);
    float total = 0.0f;
    #pragma unroll
    for (int k = begin; k < begin + kHidden1 / 3; ++k) total = fmaf(weight[k * kHidden2], s.hidden1[k], total);
    s.parts[t / kHidden2][t % kHidden2] = total;
  }
  __syncthreads();
  if (t < kHidden2) s.hidden2[t] = relu(s.parts[0][t] + s.parts[1][t] + s.parts[2][t] + __ldg(fc2_bias + t));
  __syncthreads();
  for (int o = t / 32; o < classes; o += kFew / 32) {
    float total = 0.0f;
    #pragma unroll
    for (int k = t % 32; k < kHidden2; k += 32) total = fmaf(__ldg(fc3 + o * kHidden2 + k), s.hidden2[k], total);
    #pragma unroll
    for (int by = 16; by > 0; by /= 2) total += __shfl_xor_sync(0xffffffffu, total, by);
    if (t % 32 == 0) y[image * classes + o] = total + __ldg(fc3_bias + o);
  }
}

// ---- Many images: a block takes 16 ----

constexpr int kImages = 16, kMany = 416, kSplits = 3;

struct alignas(16) Many {
  float x[kImages][1024];
  float first[kImages][6][196];
  float second[kImages][400];
  float conv1[25][8], conv2[6][25][16];
};
static_assert(sizeof(Many) <= 180 << 10);

__device__ inline void first_pool(Many& s, const float* bias) {
  for (int i = threadIdx.x; i < kImages * 196; i += kMany) {
    const int image = i / 196, pixel = i % 196;
    const Window window(&s.x[image][pixel / 14 * 64 + pixel % 14 * 2], 32);
    float sums[6][4] = {};
    #pragma unroll
    for (int tap = 0; tap < 25; ++tap) {
      const float4 w = *reinterpret_cast<const float4*>(s.conv1[tap]);
      const float2 v = *reinterpret_cast<const float2*>(s.conv1[tap] + 4);
      const float weights[6] = {w.x, w.y, w.z, w.w, v.x, v.y};
      #pragma unroll
      for (int o = 0; o < 6; ++o) window.add(sums[o], weights[o], tap);
    }
    #pragma unroll
    for (int o = 0; o < 6; ++o) s.first[image][o][pixel] = pooled(sums[o], __ldg(bias + o));
  }
}

__device__ inline void second_pool(Many& s, const float* bias) {
  if (threadIdx.x >= kImages * 25) return;
  const int image = threadIdx.x / 25, pixel = threadIdx.x % 25;
  float sums[16][4] = {};
  #pragma unroll 1
  for (int from = 0; from < 6; ++from) {
    const Window window(&s.first[image][from][pixel / 5 * 28 + pixel % 5 * 2], 14);
    #pragma unroll
    for (int tap = 0; tap < 25; ++tap) {
      #pragma unroll
      for (int o = 0; o < 16; o += 4) {
        const float4 w = *reinterpret_cast<const float4*>(s.conv2[from][tap] + o);
        window.add(sums[o], w.x, tap);
        window.add(sums[o + 1], w.y, tap);
        window.add(sums[o + 2], w.z, tap);
        window.add(sums[o + 3], w.w, tap);
      }
    }
  }
  #pragma unroll
  for (int o = 0; o < 16; ++o) s.second[image][o * 25 + pixel] = pooled(sums[o], __ldg(bias + o));
}

// parts[split][image][column] = in [16][inner] times weight [inner][columns], by three shares of the inner size.
__device__ inline void multiply(float (*parts)[kImages][128], const float* in, const float* weight, int inner,
                                int columns) {
  const int column = threadIdx.x % 128, split = threadIdx.x / 128;
  if (split >= kSplits || column >= columns) return;
  float sums[kImages] = {};
  #pragma unroll 2
  for (int k = 4 * split; k < inner; k += 4 * kSplits) {
    float w[4];
    #pragma unroll
    for (int i = 0; i < 4; ++i) w[i] = __ldg(weight + (k + i) * columns + column);
    #pragma unroll
    for (int image = 0; image < kImages; ++image) {
      const float4 v = *reinterpret_cast<const float4*>(in + image * inner + k);
      sums[image] = fmaf(w[0], v.x, fmaf(w[1], v.y, fmaf(w[2], v.z, fmaf(w[3], v.w, sums[image]))));
    }
  }
  #pragma unroll
  for (int image = 0; image < kImages; ++image) parts[split][image][column] = sums[image];
}

__device__ inline float joined(const float (*parts)[kImages][128], int image, int column, const float* bias) {
  return (parts[0][image][column] + parts[1][image][column]) + (parts[2][image][column] + __ldg(bias + column));
}

__device__ inline void hidden(float* out, const float (*parts)[kImages][128], const float* bias, int columns) {
  for (int i = threadIdx.x; i < kImages * columns; i += kMany)
    out[i] = relu(joined(parts, i / columns, i % columns, bias));
}

// fc1 [400][120], fc2 [120][84], fc3 [84][classes]
extern "C" __global__ void __launch_bounds__(416, 1) many_images(
    const float* __restrict__ x, const float* __restrict__ conv1, const float* __restrict__ conv1_bias,
    const float* __restrict__ conv2, const float* __restrict__ conv2_bias, const float* __restrict__ fc1,
    const float* __restrict__ fc1_bias, const float* __restrict__ fc2, const float* __restrict__ fc2_bias,
    const float* __restrict__ fc3, const float* __restrict__ fc3_bias, float* __restrict__ y, int images,
    int classes) {
  extern __shared__ float4 shared[];
  Many& s = *reinterpret_cast<Many*>(shared);
  const int start = blockIdx.x * kImages, here = min(images - start, kImages);
  const float4* from = reinterpret_cast<const float4*>(x + (long long)start * 1024);
  for (int i = threadIdx.x; i < kImages * 256; i += kMany)
    reinterpret_cast<float4*>(s.x)[i] = i < here * 256 ? __ldg(from + i) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  for (int i = threadIdx.x; i < 150; i += kMany) s.conv1[i % 25][i / 25] = __ldg(conv1 + i);
  for (int i = threadIdx.x; i < 2400; i += kMany) s.conv2[i / 25 % 6][i % 25][i / 150] = __ldg(conv2 + i);
  __syncthreads();
  first_pool(s, conv1_bias);
  __syncthreads();
  second_pool(s, conv2_bias);
  __syncthreads();
  float(*parts)[kImages][128] = reinterpret_cast<float(*)[kImages][128]>(s.first);  // both are done with
  float *hidden1 = s.x[0], *hidden2 = s.x[4];
  multiply(parts, s.second[0], fc1, 400, kHidden1);
  __syncthreads();
  hidden(hidden1, parts, fc1_bias, kHidden1);
  __syncthreads();
  multiply(parts, hidden1, fc2, kHidden1, kHidden2);
  __syncthreads();
  hidden(hidden2, parts, fc2_bias, kHidden2);
  __syncthreads();
  multiply(parts, hidden2, fc3, kHidden2, classes);
  __syncthreads();
  for (int i = threadIdx.x; i < here * classes; i += kMany)
    y[start * classes + i] = joined(parts, i / classes, i % classes, fc3_bias);
}
"""
library = kernelevo.cuda(SOURCE)
FEW_BYTES, MANY_BYTES = 56 << 10, 180 << 10


def by_blocks(weight: Tensor) -> Tensor:
    """(120, 400) -> (10, 40, 120): the features of (row, half), which are 8 channels of 5 pixels, together."""
    features = weight.detach().view(120, 2, 8, 5, 5).permute(3, 1, 2, 4, 0)
    return features.reshape(10, 40, 120).contiguous()


def transposed(weight: Tensor) -> Tensor:
    return weight.detach().t().contiguous()


@functools.cache
def counters(device: torch.device, stream: int) -> Tensor:
    """Return how many blocks of each image have arrived; zero between the launches of a stream."""
    return torch.zeros(MOST_SHARED, dtype=torch.int32, device=device)


def arrived(device: torch.device) -> Tensor:
    """Return the stream's counters; a CUDA graph, which may be replayed on any stream, has its own."""
    if torch.cuda.is_current_stream_capturing():
        return torch.zeros(MOST_SHARED, dtype=torch.int32, device=device)
    return counters(device, torch.cuda.current_stream(device).cuda_stream)


class ModelNew(nn.Module):
    """LeNet-5 on 32x32 images; PyTorch for more than 64 classes."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def plainly(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1)))))
        return self.fc3(x)

    def forward(self, x: Tensor) -> Tensor:
        images, classes = x.shape[0], self.fc3.out_features
        if not x.is_cuda or x.shape[1:] != (1, 32, 32) or not images or classes > MOST_CLASSES:
            return self.plainly(x)
        x = x.contiguous()
        y = torch.empty(images, classes, device=x.device)
        convolutions = (self.conv1.weight, self.conv1.bias, self.conv2.weight, self.conv2.bias)
        fc2 = kernelevo.packed(transposed, self.fc2.weight)
        if images <= MOST_SHARED:
            fc1 = kernelevo.packed(by_blocks, self.fc1.weight)
            linear = (fc1, self.fc1.bias, fc2, self.fc2.bias, self.fc3.weight, self.fc3.bias)
            parts = torch.empty(images, 10, 120, device=x.device)
            launch = library.few_images[(10, images), 256, FEW_BYTES]
            launch(x, *convolutions, *linear, parts, arrived(x.device), y, classes)
        else:
            fc1 = kernelevo.packed(transposed, self.fc1.weight)
            fc3 = kernelevo.packed(transposed, self.fc3.weight)
            linear = (fc1, self.fc1.bias, fc2, self.fc2.bias, fc3, self.fc3.bias)
            launch = library.many_images[-(-images // 16), 416, MANY_BYTES]
            launch(x, *convolutions, *linear, y, images, classes)
        return y
