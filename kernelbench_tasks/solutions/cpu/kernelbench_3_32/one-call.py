"""Convolutional vision transformer in one call: weights in the order of their use, two barriers, nothing else.

The work is small (40 million products, 9 MB of weights), so the reference's time goes into a hundred
operators.

- The convolution and the linear map of all its results have no activation between them: together they are
  one linear map of the image, a third of the weights and of the products. The map is composed in fp64, once
  for each change of the parameters (``kernelevo.packed``), together with all weights as panels of 32
  outputs in one tensor that is read from front to back.
- Each core takes five images through all six layers on its own: ten rows (class tokens, then image tokens)
  by 32 outputs are one register tile (with 16 registers a quarter of it) and every layer's rows stay in the
  first-level cache. Only the first map and the classifier, whose weights are long, are split by outputs
  instead.
- A softmax over two tokens is one exponential. The last layer needs no image token beyond its key and
  value.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import kernelevo

SOURCE = r"""
#include <kernelevo/math.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace {

using V = kernelevo::vfloat;
using kernelevo::kLanes, kernelevo::load, kernelevo::store, kernelevo::sum;

constexpr int64_t kPanel = 32, kImages = 5, kRun = 64;
constexpr int kRows = kernelevo::kVectorRegisters == 32 ? 2 * kImages : kImages;  // of a register tile, by two vectors

inline V same(V v) { return v; }

struct Free { void operator()(float* p) const { free(p); } };
typedef std::unique_ptr<float[], Free> Buffer;
Buffer buffer(int64_t count) { return Buffer((float*)aligned_alloc(64, (count * 4 + 63) / 64 * 64)); }

// R rows by two vectors of one panel: y = function(bias + x w). Each kRun products are summed on their own: where
// inputs are large, the scores enlarge the error of a running sum of thousands beyond what is allowed.
template <int R, typename F>
void tile(const float* x, int64_t inputs, const float* w, const float* bias, float* y, int64_t apart, F function) {
  V total[R][2];
#pragma GCC unroll 10
  for (int r = 0; r < R; ++r) {
    total[r][0] = load(bias);
    total[r][1] = load(bias + kLanes);
  }
  for (int64_t start = 0; start < inputs; start += kRun) {
    V a[R][2] = {};
    for (int64_t k = start; k < std::min(start + kRun, inputs); ++k, w += kPanel) {
      const V low = load(w), high = load(w + kLanes);
#pragma GCC unroll 10
      for (int r = 0; r < R; ++r) {
        const float s = x[r * inputs + k];
        a[r][0] += s * low;
        a[r][1] += s * high;
      }
    }
#pragma GCC unroll 10
    for (int r = 0; r < R; ++r) {
      total[r][0] += a[r][0];
      total[r][1] += a[r][1];
    }
  }
#pragma GCC unroll 10
  for (int r = 0; r < R; ++r) {
    store(y + r * apart, function(total[r][0]));
    store(y + r * apart + kLanes, function(total[r][1]));
  }
}

template <int R, typename F>
void tile_of(int64_t rows, const float* x, int64_t inputs, const float* w, const float* bias, float* y, int64_t apart,
             F function) {
  if (rows == R) return tile<R>(x, inputs, w, bias, y, apart, function);
  if constexpr (R > 1) tile_of<R - 1>(rows, x, inputs, w, bias, y, apart, function);
}

// Panels `first` to `last` of y = function(bias + x w) for any number of rows.
template <typename F>
void linear(int64_t rows, const float* x, int64_t inputs, const float* w, const float* bias, float* y, int64_t apart,
            int64_t first, int64_t last, F function) {
  for (int64_t o = first * kPanel; o < last * kPanel; o += 2 * kLanes)
    for (int64_t r = 0; r < rows; r += kRows)
      tile_of<kRows>(std::min<int64_t>(rows - r, kRows), x + r * inputs, inputs,
                     w + o / kPanel * kPanel * inputs + o % kPanel, bias + o, y + r * apart + o, apart, function);
}

// x = norm(x + more)
void add_norm(float* x, const float* more, const float* weight, const float* bias, float epsilon, int64_t dim) {
  V s = {}, q = {};
  for (int64_t c = 0; c < dim; c += kLanes) {
    const V z = load(x + c) + load(more + c);
    store(x + c, z);
    s += z;
  }
  const float mean = sum(s) / dim;
  for (int64_t c = 0; c < dim; c += kLanes) {
    const V d = load(x + c) - mean;
    q += d * d;
  }
  const float scale = 1.0f / std::sqrt(sum(q) / dim + epsilon);
  for (int64_t c = 0; c < dim; c += kLanes)
    store(x + c, (load(x + c) - mean) * scale * load(weight + c) + load(bias + c));
}

float dot(const float* a, const float* b, int64_t count) {
  V s = {};
  for (int64_t c = 0; c < count; c += kLanes) s += load(a + c) * load(b + c);
  return sum(s);
}

// One query of one head over two tokens: rows of 3 dim hold query, key and value.
void attend(const float* query, const float* one, const float* two, float* y, int64_t size, int64_t dim) {
  const float apart = (dot(query, two + dim, size) - dot(query, one + dim, size)) / std::sqrt((float)size);
  const float small = std::exp(-std::fabs(apart)), part = 1.0f / (1.0f + small);
  const float p = apart > 0 ? part : small * part, rest = apart > 0 ? small * part : part;
  for (int64_t c = 0; c < size; c += kLanes)
    store(y + c, rest * load(one + 2 * dim + c) + p * load(two + 2 * dim + c));
}

// Takes what a layer needs off the front of the weights.
struct Reader {
  const float* at;
  const float* take(int64_t count) {
    at += count;
    return at - count;
  }
};

}  // namespace

// weights: class token; for the image, then for each layer qkv, projection, norm, both linear layers, norm; then the
// classifier: panels (outputs / 32, inputs, 32) and bias. Outputs of the classifier are filled up to a panel.
extern "C" void forward(const float* image, const float* weights, float* y, int64_t batch, int64_t pixels,
                        int64_t dim, int64_t heads, int64_t depth, int64_t hidden, int64_t classes, float epsilon) {
  const int64_t size = dim / heads, scores = (classes + kPanel - 1) / kPanel * kPanel;
  Reader front{weights};
  const float *class_token = front.take(dim), *embed = front.take(dim * pixels), *embed_bias = front.take(dim);
  Reader back{front.at + depth * (4 * dim * dim + 2 * dim * hidden + 9 * dim + hidden)};
  const float *head = back.take(scores * dim), *head_bias = back.take(scores);
  Buffer tokens = buffer(batch * dim), answers = buffer(batch * dim), rated = buffer(batch * scores);
#pragma omp parallel
  {
    Buffer x = buffer(2 * kImages * dim), wide = buffer(2 * kImages * std::max(3 * dim, hidden));
    Buffer attended = buffer(2 * kImages * dim), made = buffer(2 * kImages * dim);
#pragma omp for
    for (int64_t panel = 0; panel < dim / kPanel; ++panel)
      linear(batch, image, pixels, embed, embed_bias, tokens.get(), dim, panel, panel + 1, same);

#pragma omp for schedule(dynamic, 1)
    for (int64_t start = 0; start < batch; start += kImages) {
      const int64_t images = std::min(kImages, batch - start);
      for (int64_t i = 0; i < images; ++i) std::copy_n(class_token, dim, x.get() + i * dim);
      std::copy_n(tokens.get() + start * dim, images * dim, x.get() + images * dim);
      Reader layers = front;
      for (int64_t layer = 0; layer < depth; ++layer) {
        const int64_t rows = layer == depth - 1 ? images : 2 * images;  // that anything later reads
        const float *qkv = layers.take(3 * dim * dim), *qkv_bias = layers.take(3 * dim);
        const float *proj = layers.take(dim * dim), *proj_bias = layers.take(dim);
        const float *norm1 = layers.take(dim), *norm1_bias = layers.take(dim);
        const float *grow = layers.take(dim * hidden), *grow_bias = layers.take(hidden);
        const float *shrink = layers.take(dim * hidden), *shrink_bias = layers.take(dim);
        const float *norm2 = layers.take(dim), *norm2_bias = layers.take(dim);

        const int64_t panels = dim / kPanel;
        linear(rows, x.get(), dim, qkv, qkv_bias, wide.get(), 3 * dim, 0, panels, same);
        linear(2 * images, x.get(), dim, qkv, qkv_bias, wide.get(), 3 * dim, panels, 3 * panels, same);
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t at = 0; at < dim; at += size) {
            const float* one = wide.get() + r % images * 3 * dim + at;
            attend(wide.get() + r * 3 * dim + at, one, one + images * 3 * dim, attended.get() + r * dim + at, size,
                   dim);
          }
        linear(rows, attended.get(), dim, proj, proj_bias, made.get(), dim, 0, panels, same);
        for (int64_t r = 0; r < rows; ++r)
          add_norm(x.get() + r * dim, made.get() + r * dim, norm1, norm1_bias, epsilon, dim);
        linear(rows, x.get(), dim, grow, grow_bias, wide.get(), hidden, 0, hidden / kPanel, kernelevo::relu);
        linear(rows, wide.get(), hidden, shrink, shrink_bias, made.get(), dim, 0, panels, same);
        for (int64_t r = 0; r < rows; ++r)
          add_norm(x.get() + r * dim, made.get() + r * dim, norm2, norm2_bias, epsilon, dim);
      }
      std::copy_n(x.get(), images * dim, answers.get() + start * dim);
    }

#pragma omp for
    for (int64_t panel = 0; panel < scores / kPanel; ++panel) {
      linear(batch, answers.get(), dim, head, head_bias, rated.get(), scores, panel, panel + 1, same);
      const int64_t first = panel * kPanel, count = std::min(kPanel, classes - first);
      for (int64_t i = 0; i < batch; ++i)
        std::copy_n(rated.get() + i * scores + first, count, y + i * classes + first);
    }
  }
}
"""

library = kernelevo.cpp(SOURCE)


def panels(weight: Tensor) -> Tensor:
    """(O, K) -> (O / 32, K, 32), flat."""
    return weight.unflatten(0, (-1, 32)).transpose(1, 2).flatten()


def in_order(
    token: Tensor, conv: Tensor, conv_bias: Tensor, project: Tensor, project_bias: Tensor, *rest: Tensor
) -> Tensor:
    """All weights in the order of their use; the convolution and the projection as one map of the image."""
    dim = len(conv)
    side = round((project.shape[1] // dim) ** 0.5)
    places = project.double().view(-1, dim, side, side)
    composed = torch.einsum("odhw,dcij->ochiwj", places, conv.double()).reshape(len(project), -1)
    shift = places.sum((2, 3)) @ conv_bias.double() + project_bias
    pieces = [token.flatten(), panels(composed.float()), shift.float()]
    *layers, head, head_bias = rest
    for i in range(0, len(layers), 12):
        qkv, qkv_bias, proj, proj_bias, grow, grow_bias, shrink, shrink_bias, *norms = layers[i : i + 12]
        pieces += (panels(qkv), qkv_bias, panels(proj), proj_bias, *norms[:2])
        pieces += (panels(grow), grow_bias, panels(shrink), shrink_bias, *norms[2:])
    missing = -len(head) % 32
    pieces += (panels(F.pad(head, (0, 0, 0, missing))), F.pad(head_bias, (0, missing)))
    return torch.cat(pieces)


class ModelNew(nn.Module):
    def __init__(
        self,
        classes: int,
        dim: int = 512,
        heads: int = 8,
        depth: int = 6,
        mlp_ratio: int = 4,
        patch_size: int = 4,
        channels: int = 3,
        image_size: int = 32,
    ) -> None:
        super().__init__()
        if dim % 32 or dim // heads % 16 or mlp_ratio * dim % 32 or image_size % patch_size:
            raise ValueError("made for widths in steps of 32 and heads in steps of 16")
        patches = (image_size // patch_size) ** 2
        self.conv = nn.Conv2d(channels, dim, patch_size, stride=patch_size)
        self.project = nn.Linear(dim * patches, dim)
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(dim, heads, mlp_ratio * dim, dropout=0.0, batch_first=True)
            for _ in range(depth)
        )
        self.head = nn.Linear(dim, classes)
        self.owners = tuple(m for m in self.modules() if m._parameters)
        self.shape = (channels * image_size**2, dim, heads, depth, mlp_ratio * dim, classes)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        params = [p for owner in self.owners for p in owner._parameters.values() if p is not None]
        y = image.new_empty(len(image), self.shape[-1])
        weights = kernelevo.packed(in_order, *params)
        library.forward(image.contiguous(), weights, y, len(image), *self.shape, 1e-5)
        return y
