"""Six small tasks, each with a right program in C++ and one in Python, for bugs to be put into.

Shapes are odd, loops that step by a block have a tail of one, and the largest tensor of each task has more
than 65,536 elements, so that an index of sixteen bits is too short. The C++ sums are in double: what fails is
the bug, not the order.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Transcribed:
    """A task with right programs by language."""

    reference: str
    programs: dict[str, str]


def _module(name: str, init: str, forward: str, head: str = "") -> str:
    signature = "self, *given" if name == "ModelNew" else "self"
    lines = [f"class {name}(nn.Module):", f"    def __init__({signature}):", "        super().__init__()"]
    lines += [f"        {line}" for line in init.strip().splitlines()]
    lines += ["", "    def forward(self, x):", *(f"        {line}" for line in forward.strip().splitlines())]
    return f"import torch\nimport kernelevo\nfrom torch import nn\n{head}\n\n" + "\n".join(lines) + "\n"


def _task(shape: str, init: str, forward: str, python: str, source: str, wrapper: str) -> Transcribed:
    drawn = f"\n\ndef get_inputs():\n    return [torch.rand({shape})]\n"
    drawn += "\n\ndef get_init_inputs():\n    return []\n"
    head = f'\nSOURCE = r"""\n#include <algorithm>\n#include <cmath>\n#include <cstdint>\n{source}"""\n'
    return Transcribed(
        _module("Model", init, forward) + drawn,
        {
            "python": _module("ModelNew", init, python),
            "cpp": _module("ModelNew", init, wrapper, head + "lib = kernelevo.cpp(SOURCE)\n"),
        },
    )


SOFTMAX = _task(
    "81, 1041",
    "",
    "return torch.softmax(x, dim=1)",
    """
y = torch.empty_like(x)
for start in range(0, x.shape[0], 16):
    rows = x[start : start + 16]
    top = rows.amax(dim=1, keepdim=True)
    grown = torch.exp(rows - top)
    total = torch.zeros(rows.shape[0], 1)
    total += grown.sum(dim=1, keepdim=True)
    y[start : start + 16] = grown / total
return y
""",
    """
extern "C" void softmax(const float* x, float* y, int64_t rows, int64_t cols) {
  #pragma omp parallel for
  for (int64_t i = 0; i < rows; i++) {
    const float* in = x + i * cols;
    float* out = y + i * cols;
    float top = -INFINITY;
    for (int64_t j = 0; j < cols; j++) if (in[j] > top) top = in[j];
    double sum = 0;
    for (int64_t k = 0; k < cols; k += 16) {
      float lanes[16];
      for (int64_t l = 0; l < 16; l++) lanes[l] = (k + l < cols) ? std::exp(in[k + l] - top) : 0.0f;
      for (int64_t l = 0; l < 16; l++) sum += lanes[l];
    }
    for (int64_t j = 0; j < cols; j++) out[j] = float(std::exp(in[j] - top) / sum);
  }
}
""",
    """
y = torch.empty_like(x)
lib.softmax(x, y, x.shape[0], x.shape[1])
return y
""",
)

LAYERNORM = _task(
    "144, 515",
    "self.norm = nn.LayerNorm(515)",
    "return self.norm(x)",
    """
y = torch.empty_like(x)
for start in range(0, x.shape[0], 32):
    rows = x[start : start + 32]
    mean = rows.mean(dim=1, keepdim=True)
    total = torch.zeros(rows.shape[0], 1)
    total += (rows - mean).square().sum(dim=1, keepdim=True)
    scale = torch.rsqrt(total / rows.shape[1] + 1e-5)
    y[start : start + 32] = (rows - mean) * scale * self.norm.weight + self.norm.bias
return y
""",
    """
extern "C" void layernorm(const float* x, const float* weight, const float* bias, float* y,
                          int64_t rows, int64_t cols) {
  #pragma omp parallel for
  for (int64_t i = 0; i < rows; i++) {
    const float* in = x + i * cols;
    float* out = y + i * cols;
    double sum = 0;
    for (int64_t j = 0; j < cols; j++) sum += in[j];
    double mean = sum / cols, squares = 0;
    for (int64_t j = 0; j < cols; j++) squares += (in[j] - mean) * (in[j] - mean);
    double scale = 1.0 / std::sqrt(squares / cols + 1e-5);
    for (int64_t j = 0; j < cols; j++) out[j] = float((in[j] - mean) * scale * weight[j] + bias[j]);
  }
}
""",
    """
y = torch.empty_like(x)
lib.layernorm(x, self.norm.weight, self.norm.bias, y, x.shape[0], x.shape[1])
return y
""",
)

GEMM = _task(
    "131, 577",
    "self.linear = nn.Linear(577, 67)",
    "return self.linear(x)",
    """
weight, bias = self.linear.weight, self.linear.bias
y = torch.empty(x.shape[0], weight.shape[0])
for start in range(0, x.shape[0], 50):
    rows = x[start : start + 50]
    total = torch.zeros(rows.shape[0], weight.shape[0])
    for k in range(0, x.shape[1], 128):
        total += rows[:, k : k + 128] @ weight[:, k : k + 128].transpose(0, 1)
    y[start : start + 50] = total + bias
return y
""",
    """
extern "C" void gemm(const float* x, const float* weight, const float* bias, float* y,
                     int64_t rows, int64_t depth, int64_t cols) {
  #pragma omp parallel for
  for (int64_t i = 0; i < rows; i++) {
    const float* in = x + i * depth;
    for (int64_t j = 0; j < cols; j++) {
      double sum = 0;
      for (int64_t k = 0; k < depth; k += 64) {
        int64_t end = std::min(k + 64, depth);
        for (int64_t l = k; l < end; l++) sum += double(in[l]) * weight[j * depth + l];
      }
      y[i * cols + j] = float(sum + bias[j]);
    }
  }
}
""",
    """
y = torch.empty(x.shape[0], 67)
lib.gemm(x, self.linear.weight, self.linear.bias, y, x.shape[0], x.shape[1], 67)
return y
""",
)

CONV = _task(
    "2, 3, 117, 119",
    "self.conv = nn.Conv2d(3, 5, 3, padding=1)",
    "return self.conv(x)",
    """
weight, bias = self.conv.weight, self.conv.bias
n, c, h, w = x.shape
padded = torch.zeros(n, c, h + 2, w + 2)
padded[:, :, 1 : h + 1, 1 : w + 1] = x
total = torch.zeros(n, weight.shape[0], h, w)
for p in range(3):
    for q in range(3):
        window = padded[:, :, p : p + h, q : q + w]
        total += torch.einsum("nchw,oc->nohw", window, weight[:, :, p, q])
return total + bias.view(1, -1, 1, 1)
""",
    """
extern "C" void conv(const float* x, const float* weight, const float* bias, float* y,
                     int64_t batch, int64_t channels, int64_t outs, int64_t h, int64_t w) {
  #pragma omp parallel for
  for (int64_t b = 0; b < batch; b++)
    for (int64_t o = 0; o < outs; o++)
      for (int64_t i = 0; i < h; i++)
        for (int64_t j = 0; j < w; j++) {
          double sum = 0;
          for (int64_t c = 0; c < channels; c++) {
            const float* in = x + (b * channels + c) * h * w;
            for (int64_t p = 0; p < 3; p++)
              for (int64_t q = 0; q < 3; q++) {
                int64_t u = i + p - 1, v = j + q - 1;
                if (u >= 0 && u < h && v >= 0 && v < w)
                  sum += double(in[u * w + v]) * weight[((o * channels + c) * 3 + p) * 3 + q];
              }
          }
          y[((b * outs + o) * h + i) * w + j] = float(sum + bias[o]);
        }
}
""",
    """
n, c, h, w = x.shape
y = torch.empty(n, 5, h, w)
lib.conv(x, self.conv.weight, self.conv.bias, y, n, c, 5, h, w)
return y
""",
)

GELU = _task(
    "68609",
    "",
    "return torch.nn.functional.gelu(x)",
    """
flat = x.reshape(-1)
y = torch.empty_like(flat)
for start in range(0, flat.shape[0], 4096):
    part = flat[start : start + 4096]
    y[start : start + 4096] = 0.5 * part * (1.0 + torch.erf(part * 0.7071067811865476))
return y.view(x.shape)
""",
    """
extern "C" void gelu(const float* x, float* y, int64_t count) {
  #pragma omp parallel for
  for (int64_t i = 0; i < count; i += 1024) {
    int64_t end = std::min(i + 1024, count);
    for (int64_t j = i; j < end; j++)
      y[j] = float(0.5 * x[j] * (1.0 + std::erf(x[j] * 0.7071067811865476)));
  }
}
""",
    """
y = torch.empty_like(x)
lib.gelu(x, y, x.numel())
return y
""",
)

BATCHNORM = _task(
    "16, 7, 23, 29",
    "self.norm = nn.BatchNorm2d(7)",
    "return self.norm(x)",
    """
norm, count = self.norm, x.numel() // x.shape[1]
total = torch.zeros(x.shape[1])
total += x.sum(dim=(0, 2, 3))
mean = (total / count).view(1, -1, 1, 1)
var = (x - mean).square().sum(dim=(0, 2, 3)) / count
norm.running_mean.mul_(0.9).add_(0.1 * mean.view(-1))
norm.running_var.mul_(0.9).add_(0.1 * var * count / (count - 1))
norm.num_batches_tracked += 1
scale = torch.rsqrt(var + 1e-5) * norm.weight
return (x - mean) * scale.view(1, -1, 1, 1) + norm.bias.view(1, -1, 1, 1)
""",
    """
extern "C" void batchnorm(const float* x, const float* weight, const float* bias, float* running_mean,
                          float* running_var, float* y, int64_t batch, int64_t channels, int64_t area) {
  #pragma omp parallel for
  for (int64_t c = 0; c < channels; c++) {
    double sum = 0;
    for (int64_t b = 0; b < batch; b++)
      for (int64_t i = 0; i < area; i++) sum += x[(b * channels + c) * area + i];
    double count = double(batch * area), mean = sum / count, squares = 0;
    for (int64_t b = 0; b < batch; b++)
      for (int64_t i = 0; i < area; i++) {
        double gap = x[(b * channels + c) * area + i] - mean;
        squares += gap * gap;
      }
    double scale = weight[c] / std::sqrt(squares / count + 1e-5);
    running_mean[c] = float(0.9 * running_mean[c] + 0.1 * mean);
    running_var[c] = float(0.9 * running_var[c] + 0.1 * squares / (count - 1));
    for (int64_t b = 0; b < batch; b++)
      for (int64_t i = 0; i < area; i++) {
        int64_t at = (b * channels + c) * area + i;
        y[at] = float((x[at] - mean) * scale + bias[c]);
      }
  }
}
""",
    """
norm, y = self.norm, torch.empty_like(x)
norm.num_batches_tracked += 1
lib.batchnorm(x, norm.weight, norm.bias, norm.running_mean, norm.running_var, y,
              x.shape[0], x.shape[1], x.shape[2] * x.shape[3])
return y
""",
)

TASKS = {
    "softmax": SOFTMAX,
    "layernorm": LAYERNORM,
    "gemm and bias": GEMM,
    "convolution": CONV,
    "gelu": GELU,
    "batchnorm": BATCHNORM,
}
