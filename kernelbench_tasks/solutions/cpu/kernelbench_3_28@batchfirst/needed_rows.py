"""kernelbench:3/28@batchfirst: no-ops, strided-heads, needed-rows, packed-linear, fused-rows, in-place."""

import kernelevo
import torch
import torch.nn.functional as F
from torch import nn


def packed_linear_weight(weight):
    """Return a weight [out, in] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), None)


def packed_matmul_weight(weight):
    """Return a weight [in, out] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().t().contiguous(), None)


def packed_matmul(x, weight, bias):
    """Product with a constant matrix [in, out]; the packed matrix follows its parameter."""
    weight = kernelevo.packed(packed_matmul_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def packed_linear(x, weight, bias, post="none", algorithm=""):
    """Linear layer with a fused activation; the packed weight follows its parameter."""
    weight = kernelevo.packed(packed_linear_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, post, [], algorithm)

_fused_rows_c14d19f153 = kernelevo.cpp(r'''
// add -> layer_norm
#include <kernelevo/rows.h>
#include <math.h>

using namespace kernelevo;

constexpr int64_t kRows = 394, kInner = 512;

extern "C" void fused_rows(const float* a0, const float* a1, const float* a2, const float* a3, float* y0) {
  want_huge_pages(y0, 201728);
#pragma omp parallel if (kRows * kInner >= 8192)
  {
#pragma omp for schedule(static)
    for (int64_t r = 0; r < kRows; ++r) {
      const float* const p0 = a0 + r * 512;
      const float* const p1 = a1 + (r % 197) * 1024 + (r / 197) * 512;
      const float* const p2 = a2;
      const float* const p3 = a3;
      float* const q0 = y0 + r * kInner;
      Sum tv5;
      sweep_sums(kInner, [&](int64_t i, auto part) {
        const vfloat v0 = load(p0 + i, part);
        const vfloat v1 = load(p1 + i, part);
        const vfloat v4 = v0 + v1;
        tv5.add(v4, part);
      });
      const double v5 = tv5.total();
      const vfloat v6 = splat((float)(v5 / kInner));
      Sum tv8;
      Sum tv10;
      sweep_sums(kInner, [&](int64_t i, auto part) {
        const vfloat v0 = load(p0 + i, part);
        const vfloat v1 = load(p1 + i, part);
        const vfloat v4 = v0 + v1;
        const vfloat v7 = v4 - v6;
        const vfloat v9 = v7 * v7;
        tv8.add(v7, part);
        tv10.add(v9, part);
      });
      const double v8 = tv8.total();
      const double v10 = tv10.total();
      const vfloat v11 = splat((float)(v8 / kInner));
      const vfloat v12 = splat((float)(1.0 / ::sqrt(spread(v10, v8, kInner) / kInner + 1e-05)));
      const vfloat v13 = -v11 * v12;
      sweep(kInner, [&](int64_t i, auto part) {
        const vfloat v0 = load(p0 + i, part);
        const vfloat v1 = load(p1 + i, part);
        const vfloat v2 = load(p2 + i, part);
        const vfloat v3 = load(p3 + i, part);
        const vfloat v4 = v0 + v1;
        const vfloat v7 = v4 - v6;
        const vfloat v14 = fma(v7, v12, v13);
        const vfloat v15 = v14 * v2;
        const vfloat v16 = v15 + v3;
        store(q0 + i, v16, part);
      });
    }
  }
}
''')

def fused_rows_c14d19f153(a0, a1, a2, a3):
    """Fused over rows of 512: add -> layer_norm."""
    if a0.shape != (2, 197, 512) or a1.shape != (2, 197, 512) or a2.shape != (512,) or a3.shape != (512,):
        raise ValueError("this program is for tensors of other shapes")
    a0 = a0.contiguous()
    if a1.stride() != (512, 1024, 1):
        a1 = a1.new_empty_strided((2, 197, 512), (512, 1024, 1)).copy_(a1)
    a2 = a2.contiguous()
    a3 = a3.contiguous()
    y0 = a0.new_empty((2, 197, 512))
    _fused_rows_c14d19f153.fused_rows(a0, a1.data_ptr(), a2, a3, y0)
    return y0

_fused_rows_33fcc4ab64 = kernelevo.cpp(r'''
// add -> layer_norm
#include <kernelevo/rows.h>
#include <math.h>

using namespace kernelevo;

constexpr int64_t kRows = 394, kInner = 512;

extern "C" void fused_rows(const float* a0, const float* a1, const float* a2, const float* a3, float* y0) {
  want_huge_pages(y0, 201728);
#pragma omp parallel if (kRows * kInner >= 8192)
  {
#pragma omp for schedule(static)
    for (int64_t r = 0; r < kRows; ++r) {
      const float* const p0 = a0 + r * 512;
      const float* const p1 = a1 + r * 512;
      const float* const p2 = a2;
      const float* const p3 = a3;
      float* const q0 = y0 + r * kInner;
      Sum tv5;
      sweep_sums(kInner, [&](int64_t i, auto part) {
        const vfloat v0 = load(p0 + i, part);
        const vfloat v1 = load(p1 + i, part);
        const vfloat v4 = v0 + v1;
        tv5.add(v4, part);
      });
      const double v5 = tv5.total();
      const vfloat v6 = splat((float)(v5 / kInner));
      Sum tv8;
      Sum tv10;
      sweep_sums(kInner, [&](int64_t i, auto part) {
        const vfloat v0 = load(p0 + i, part);
        const vfloat v1 = load(p1 + i, part);
        const vfloat v4 = v0 + v1;
        const vfloat v7 = v4 - v6;
        const vfloat v9 = v7 * v7;
        tv8.add(v7, part);
        tv10.add(v9, part);
      });
      const double v8 = tv8.total();
      const double v10 = tv10.total();
      const vfloat v11 = splat((float)(v8 / kInner));
      const vfloat v12 = splat((float)(1.0 / ::sqrt(spread(v10, v8, kInner) / kInner + 1e-05)));
      const vfloat v13 = -v11 * v12;
      sweep(kInner, [&](int64_t i, auto part) {
        const vfloat v0 = load(p0 + i, part);
        const vfloat v1 = load(p1 + i, part);
        const vfloat v2 = load(p2 + i, part);
        const vfloat v3 = load(p3 + i, part);
        const vfloat v4 = v0 + v1;
        const vfloat v7 = v4 - v6;
        const vfloat v14 = fma(v7, v12, v13);
        const vfloat v15 = v14 * v2;
        const vfloat v16 = v15 + v3;
        store(q0 + i, v16, part);
      });
    }
  }
}
''')

def fused_rows_33fcc4ab64(a0, a1, a2, a3):
    """Fused over rows of 512: add -> layer_norm."""
    if a0.shape != (2, 197, 512) or a1.shape != (2, 197, 512) or a2.shape != (512,) or a3.shape != (512,):
        raise ValueError("this program is for tensors of other shapes")
    a0 = a0.contiguous()
    a1 = a1.contiguous()
    a2 = a2.contiguous()
    a3 = a3.contiguous()
    y0 = a0.new_empty((2, 197, 512))
    _fused_rows_33fcc4ab64.fused_rows(a0, a1, a2, a3, y0)
    return y0


class Part(nn.Module):
    """A named group of tensors; names that are numbers are reached by index."""

    def __getitem__(self, key):
        return getattr(self, str(key))


def hold(module, name, tensor, kind):
    """Register ``tensor`` under its dotted name; groups are made as needed."""
    *path, leaf = name.split(".")
    for part in path:
        if part not in module._modules:
            module.add_module(part, Part())
        module = module._modules[part]
    if kind == "parameter":
        module.register_parameter(leaf, tensor)
    else:
        module.register_buffer(leaf, tensor, persistent=kind == "buffer")


class ModelNew(nn.Module):
    def __init__(self, *init_args, **init_kwargs):
        super().__init__()
        hold(
            self, "position", nn.Parameter(torch.zeros((1, 197, 512), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "class_token", nn.Parameter(torch.zeros((1, 1, 512), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "embed.weight", nn.Parameter(torch.zeros((512, 768), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "embed.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "head.0.weight", nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "head.0.bias", nn.Parameter(torch.zeros((2048,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "head.3.weight", nn.Parameter(torch.zeros((10, 2048), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "head.3.bias", nn.Parameter(torch.zeros((10,), dtype=torch.float32)), "parameter",
        )

    def forward(self, image):
        position = self.position
        class_token = self.class_token
        embed_weight = self.embed.weight
        embed_bias = self.embed.bias
        encoder_layers_0_self_attn_in_proj_weight = self.encoder.layers[0].self_attn.in_proj_weight
        encoder_layers_0_self_attn_in_proj_bias = self.encoder.layers[0].self_attn.in_proj_bias
        encoder_layers_0_self_attn_out_proj_weight = self.encoder.layers[0].self_attn.out_proj.weight
        encoder_layers_0_self_attn_out_proj_bias = self.encoder.layers[0].self_attn.out_proj.bias
        encoder_layers_0_linear1_weight = self.encoder.layers[0].linear1.weight
        encoder_layers_0_linear1_bias = self.encoder.layers[0].linear1.bias
        encoder_layers_0_linear2_weight = self.encoder.layers[0].linear2.weight
        encoder_layers_0_linear2_bias = self.encoder.layers[0].linear2.bias
        encoder_layers_0_norm1_weight = self.encoder.layers[0].norm1.weight
        encoder_layers_0_norm1_bias = self.encoder.layers[0].norm1.bias
        encoder_layers_0_norm2_weight = self.encoder.layers[0].norm2.weight
        encoder_layers_0_norm2_bias = self.encoder.layers[0].norm2.bias
        encoder_layers_1_self_attn_in_proj_weight = self.encoder.layers[1].self_attn.in_proj_weight
        encoder_layers_1_self_attn_in_proj_bias = self.encoder.layers[1].self_attn.in_proj_bias
        encoder_layers_1_self_attn_out_proj_weight = self.encoder.layers[1].self_attn.out_proj.weight
        encoder_layers_1_self_attn_out_proj_bias = self.encoder.layers[1].self_attn.out_proj.bias
        encoder_layers_1_linear1_weight = self.encoder.layers[1].linear1.weight
        encoder_layers_1_linear1_bias = self.encoder.layers[1].linear1.bias
        encoder_layers_1_linear2_weight = self.encoder.layers[1].linear2.weight
        encoder_layers_1_linear2_bias = self.encoder.layers[1].linear2.bias
        encoder_layers_1_norm1_weight = self.encoder.layers[1].norm1.weight
        encoder_layers_1_norm1_bias = self.encoder.layers[1].norm1.bias
        encoder_layers_1_norm2_weight = self.encoder.layers[1].norm2.weight
        encoder_layers_1_norm2_bias = self.encoder.layers[1].norm2.bias
        encoder_layers_2_self_attn_in_proj_weight = self.encoder.layers[2].self_attn.in_proj_weight
        encoder_layers_2_self_attn_in_proj_bias = self.encoder.layers[2].self_attn.in_proj_bias
        encoder_layers_2_self_attn_out_proj_weight = self.encoder.layers[2].self_attn.out_proj.weight
        encoder_layers_2_self_attn_out_proj_bias = self.encoder.layers[2].self_attn.out_proj.bias
        encoder_layers_2_linear1_weight = self.encoder.layers[2].linear1.weight
        encoder_layers_2_linear1_bias = self.encoder.layers[2].linear1.bias
        encoder_layers_2_linear2_weight = self.encoder.layers[2].linear2.weight
        encoder_layers_2_linear2_bias = self.encoder.layers[2].linear2.bias
        encoder_layers_2_norm1_weight = self.encoder.layers[2].norm1.weight
        encoder_layers_2_norm1_bias = self.encoder.layers[2].norm1.bias
        encoder_layers_2_norm2_weight = self.encoder.layers[2].norm2.weight
        encoder_layers_2_norm2_bias = self.encoder.layers[2].norm2.bias
        encoder_layers_3_self_attn_in_proj_weight = self.encoder.layers[3].self_attn.in_proj_weight
        encoder_layers_3_self_attn_in_proj_bias = self.encoder.layers[3].self_attn.in_proj_bias
        encoder_layers_3_self_attn_out_proj_weight = self.encoder.layers[3].self_attn.out_proj.weight
        encoder_layers_3_self_attn_out_proj_bias = self.encoder.layers[3].self_attn.out_proj.bias
        encoder_layers_3_linear1_weight = self.encoder.layers[3].linear1.weight
        encoder_layers_3_linear1_bias = self.encoder.layers[3].linear1.bias
        encoder_layers_3_linear2_weight = self.encoder.layers[3].linear2.weight
        encoder_layers_3_linear2_bias = self.encoder.layers[3].linear2.bias
        encoder_layers_3_norm1_weight = self.encoder.layers[3].norm1.weight
        encoder_layers_3_norm1_bias = self.encoder.layers[3].norm1.bias
        encoder_layers_3_norm2_weight = self.encoder.layers[3].norm2.weight
        encoder_layers_3_norm2_bias = self.encoder.layers[3].norm2.bias
        encoder_layers_4_self_attn_in_proj_weight = self.encoder.layers[4].self_attn.in_proj_weight
        encoder_layers_4_self_attn_in_proj_bias = self.encoder.layers[4].self_attn.in_proj_bias
        encoder_layers_4_self_attn_out_proj_weight = self.encoder.layers[4].self_attn.out_proj.weight
        encoder_layers_4_self_attn_out_proj_bias = self.encoder.layers[4].self_attn.out_proj.bias
        encoder_layers_4_linear1_weight = self.encoder.layers[4].linear1.weight
        encoder_layers_4_linear1_bias = self.encoder.layers[4].linear1.bias
        encoder_layers_4_linear2_weight = self.encoder.layers[4].linear2.weight
        encoder_layers_4_linear2_bias = self.encoder.layers[4].linear2.bias
        encoder_layers_4_norm1_weight = self.encoder.layers[4].norm1.weight
        encoder_layers_4_norm1_bias = self.encoder.layers[4].norm1.bias
        encoder_layers_4_norm2_weight = self.encoder.layers[4].norm2.weight
        encoder_layers_4_norm2_bias = self.encoder.layers[4].norm2.bias
        encoder_layers_5_self_attn_in_proj_weight = self.encoder.layers[5].self_attn.in_proj_weight
        encoder_layers_5_self_attn_in_proj_bias = self.encoder.layers[5].self_attn.in_proj_bias
        encoder_layers_5_self_attn_out_proj_weight = self.encoder.layers[5].self_attn.out_proj.weight
        encoder_layers_5_self_attn_out_proj_bias = self.encoder.layers[5].self_attn.out_proj.bias
        encoder_layers_5_linear1_weight = self.encoder.layers[5].linear1.weight
        encoder_layers_5_linear1_bias = self.encoder.layers[5].linear1.bias
        encoder_layers_5_linear2_weight = self.encoder.layers[5].linear2.weight
        encoder_layers_5_linear2_bias = self.encoder.layers[5].linear2.bias
        encoder_layers_5_norm1_weight = self.encoder.layers[5].norm1.weight
        encoder_layers_5_norm1_bias = self.encoder.layers[5].norm1.bias
        encoder_layers_5_norm2_weight = self.encoder.layers[5].norm2.weight
        encoder_layers_5_norm2_bias = self.encoder.layers[5].norm2.bias
        head_0_weight = self.head[0].weight
        head_0_bias = self.head[0].bias
        head_3_weight = self.head[3].weight
        head_3_bias = self.head[3].bias
        unfold = image.unfold(2, 16, 16)
        unfold_1 = unfold.unfold(3, 16, 16)
        del unfold
        reshape = torch.reshape(unfold_1, [2, -1, 768])
        del unfold_1
        packed_linear_2 = packed_linear(reshape, embed_weight, embed_bias)
        del reshape
        expand = class_token.expand([2, -1, -1])
        cat = torch.cat([expand, packed_linear_2], 1)
        del packed_linear_2
        add = cat.add_(position)
        del cat
        transpose = torch.transpose(add, 1, 0)
        packed_linear_1 = packed_linear(
            transpose, encoder_layers_0_self_attn_in_proj_weight,
            encoder_layers_0_self_attn_in_proj_bias,
        )
        del transpose
        unflatten = torch.unflatten(packed_linear_1, -1, [3, 512])
        del packed_linear_1
        unsqueeze = torch.unsqueeze(unflatten, 0)
        del unflatten
        transpose_1 = torch.transpose(unsqueeze, 0, -2)
        del unsqueeze
        squeeze = torch.squeeze(transpose_1, -2)
        del transpose_1
        select = torch.select(squeeze, 0, 0)
        select_1 = torch.select(squeeze, 0, 1)
        select_2 = torch.select(squeeze, 0, 2)
        del squeeze
        view = torch.reshape(select, [197, 16, 64])
        del select
        transpose_2 = torch.transpose(view, 0, 1)
        del view
        view_1 = torch.reshape(select_1, [197, 16, 64])
        del select_1
        transpose_3 = torch.transpose(view_1, 0, 1)
        del view_1
        view_2 = torch.reshape(select_2, [197, 16, 64])
        del select_2
        transpose_4 = torch.transpose(view_2, 0, 1)
        del view_2
        view_3 = torch.reshape(transpose_2, [2, 8, 197, 64])
        del transpose_2
        view_4 = torch.reshape(transpose_3, [2, 8, 197, 64])
        del transpose_3
        view_5 = torch.reshape(transpose_4, [2, 8, 197, 64])
        del transpose_4
        scaled_dot_product_attention = F.scaled_dot_product_attention(view_3, view_4, view_5)
        del view_3, view_4, view_5
        permute = torch.permute(scaled_dot_product_attention, [2, 0, 1, 3])
        del scaled_dot_product_attention
        reshape_1 = torch.reshape(permute, [394, 512])
        del permute
        packed_linear_2_2 = packed_linear(
            reshape_1, encoder_layers_0_self_attn_out_proj_weight,
            encoder_layers_0_self_attn_out_proj_bias,
        )
        del reshape_1
        view_6 = packed_linear_2_2.view([197, 2, 512])
        del packed_linear_2_2
        transpose_5 = torch.transpose(view_6, 1, 0)
        del view_6
        fused_rows_c14d19f153_2 = fused_rows_c14d19f153(
            add, transpose_5, encoder_layers_0_norm1_weight, encoder_layers_0_norm1_bias,
        )
        del add, transpose_5
        packed_linear_3 = packed_linear(
            fused_rows_c14d19f153_2, encoder_layers_0_linear1_weight, encoder_layers_0_linear1_bias,
            "relu",
        )
        packed_linear_4 = packed_linear(
            packed_linear_3, encoder_layers_0_linear2_weight, encoder_layers_0_linear2_bias,
        )
        del packed_linear_3
        fused_rows_33fcc4ab64_2 = fused_rows_33fcc4ab64(
            fused_rows_c14d19f153_2, packed_linear_4, encoder_layers_0_norm2_weight,
            encoder_layers_0_norm2_bias,
        )
        del fused_rows_c14d19f153_2, packed_linear_4
        transpose_6 = torch.transpose(fused_rows_33fcc4ab64_2, 1, 0)
        packed_linear_5 = packed_linear(
            transpose_6, encoder_layers_1_self_attn_in_proj_weight,
            encoder_layers_1_self_attn_in_proj_bias,
        )
        del transpose_6
        unflatten_1 = torch.unflatten(packed_linear_5, -1, [3, 512])
        del packed_linear_5
        unsqueeze_1 = torch.unsqueeze(unflatten_1, 0)
        del unflatten_1
        transpose_7 = torch.transpose(unsqueeze_1, 0, -2)
        del unsqueeze_1
        squeeze_1 = torch.squeeze(transpose_7, -2)
        del transpose_7
        select_3 = torch.select(squeeze_1, 0, 0)
        select_4 = torch.select(squeeze_1, 0, 1)
        select_5 = torch.select(squeeze_1, 0, 2)
        del squeeze_1
        view_7 = torch.reshape(select_3, [197, 16, 64])
        del select_3
        transpose_8 = torch.transpose(view_7, 0, 1)
        del view_7
        view_8 = torch.reshape(select_4, [197, 16, 64])
        del select_4
        transpose_9 = torch.transpose(view_8, 0, 1)
        del view_8
        view_9 = torch.reshape(select_5, [197, 16, 64])
        del select_5
        transpose_10 = torch.transpose(view_9, 0, 1)
        del view_9
        view_10 = torch.reshape(transpose_8, [2, 8, 197, 64])
        del transpose_8
        view_11 = torch.reshape(transpose_9, [2, 8, 197, 64])
        del transpose_9
        view_12 = torch.reshape(transpose_10, [2, 8, 197, 64])
        del transpose_10
        scaled_dot_product_attention_1 = F.scaled_dot_product_attention(view_10, view_11, view_12)
        del view_10, view_11, view_12
        permute_1 = torch.permute(scaled_dot_product_attention_1, [2, 0, 1, 3])
        del scaled_dot_product_attention_1
        reshape_2 = torch.reshape(permute_1, [394, 512])
        del permute_1
        packed_linear_6 = packed_linear(
            reshape_2, encoder_layers_1_self_attn_out_proj_weight,
            encoder_layers_1_self_attn_out_proj_bias,
        )
        del reshape_2
        view_13 = packed_linear_6.view([197, 2, 512])
        del packed_linear_6
        transpose_11 = torch.transpose(view_13, 1, 0)
        del view_13
        fused_rows_c14d19f153_1 = fused_rows_c14d19f153(
            fused_rows_33fcc4ab64_2, transpose_11, encoder_layers_1_norm1_weight,
            encoder_layers_1_norm1_bias,
        )
        del fused_rows_33fcc4ab64_2, transpose_11
        packed_linear_7 = packed_linear(
            fused_rows_c14d19f153_1, encoder_layers_1_linear1_weight, encoder_layers_1_linear1_bias,
            "relu",
        )
        packed_linear_8 = packed_linear(
            packed_linear_7, encoder_layers_1_linear2_weight, encoder_layers_1_linear2_bias,
        )
        del packed_linear_7
        fused_rows_33fcc4ab64_1 = fused_rows_33fcc4ab64(
            fused_rows_c14d19f153_1, packed_linear_8, encoder_layers_1_norm2_weight,
            encoder_layers_1_norm2_bias,
        )
        del fused_rows_c14d19f153_1, packed_linear_8
        transpose_12 = torch.transpose(fused_rows_33fcc4ab64_1, 1, 0)
        packed_linear_9 = packed_linear(
            transpose_12, encoder_layers_2_self_attn_in_proj_weight,
            encoder_layers_2_self_attn_in_proj_bias,
        )
        del transpose_12
        unflatten_2 = torch.unflatten(packed_linear_9, -1, [3, 512])
        del packed_linear_9
        unsqueeze_2 = torch.unsqueeze(unflatten_2, 0)
        del unflatten_2
        transpose_13 = torch.transpose(unsqueeze_2, 0, -2)
        del unsqueeze_2
        squeeze_2 = torch.squeeze(transpose_13, -2)
        del transpose_13
        select_6 = torch.select(squeeze_2, 0, 0)
        select_7 = torch.select(squeeze_2, 0, 1)
        select_8 = torch.select(squeeze_2, 0, 2)
        del squeeze_2
        view_14 = torch.reshape(select_6, [197, 16, 64])
        del select_6
        transpose_14 = torch.transpose(view_14, 0, 1)
        del view_14
        view_15 = torch.reshape(select_7, [197, 16, 64])
        del select_7
        transpose_15 = torch.transpose(view_15, 0, 1)
        del view_15
        view_16 = torch.reshape(select_8, [197, 16, 64])
        del select_8
        transpose_16 = torch.transpose(view_16, 0, 1)
        del view_16
        view_17 = torch.reshape(transpose_14, [2, 8, 197, 64])
        del transpose_14
        view_18 = torch.reshape(transpose_15, [2, 8, 197, 64])
        del transpose_15
        view_19 = torch.reshape(transpose_16, [2, 8, 197, 64])
        del transpose_16
        scaled_dot_product_attention_2 = F.scaled_dot_product_attention(view_17, view_18, view_19)
        del view_17, view_18, view_19
        permute_2 = torch.permute(scaled_dot_product_attention_2, [2, 0, 1, 3])
        del scaled_dot_product_attention_2
        reshape_3 = torch.reshape(permute_2, [394, 512])
        del permute_2
        packed_linear_10 = packed_linear(
            reshape_3, encoder_layers_2_self_attn_out_proj_weight,
            encoder_layers_2_self_attn_out_proj_bias,
        )
        del reshape_3
        view_20 = packed_linear_10.view([197, 2, 512])
        del packed_linear_10
        transpose_17 = torch.transpose(view_20, 1, 0)
        del view_20
        fused_rows_c14d19f153_2_2 = fused_rows_c14d19f153(
            fused_rows_33fcc4ab64_1, transpose_17, encoder_layers_2_norm1_weight,
            encoder_layers_2_norm1_bias,
        )
        del fused_rows_33fcc4ab64_1, transpose_17
        packed_linear_11 = packed_linear(
            fused_rows_c14d19f153_2_2, encoder_layers_2_linear1_weight,
            encoder_layers_2_linear1_bias, "relu",
        )
        packed_linear_12 = packed_linear(
            packed_linear_11, encoder_layers_2_linear2_weight, encoder_layers_2_linear2_bias,
        )
        del packed_linear_11
        fused_rows_33fcc4ab64_2_2 = fused_rows_33fcc4ab64(
            fused_rows_c14d19f153_2_2, packed_linear_12, encoder_layers_2_norm2_weight,
            encoder_layers_2_norm2_bias,
        )
        del fused_rows_c14d19f153_2_2, packed_linear_12
        transpose_18 = torch.transpose(fused_rows_33fcc4ab64_2_2, 1, 0)
        packed_linear_13 = packed_linear(
            transpose_18, encoder_layers_3_self_attn_in_proj_weight,
            encoder_layers_3_self_attn_in_proj_bias,
        )
        del transpose_18
        unflatten_3 = torch.unflatten(packed_linear_13, -1, [3, 512])
        del packed_linear_13
        unsqueeze_3 = torch.unsqueeze(unflatten_3, 0)
        del unflatten_3
        transpose_19 = torch.transpose(unsqueeze_3, 0, -2)
        del unsqueeze_3
        squeeze_3 = torch.squeeze(transpose_19, -2)
        del transpose_19
        select_9 = torch.select(squeeze_3, 0, 0)
        select_10 = torch.select(squeeze_3, 0, 1)
        select_11 = torch.select(squeeze_3, 0, 2)
        del squeeze_3
        view_21 = torch.reshape(select_9, [197, 16, 64])
        del select_9
        transpose_20 = torch.transpose(view_21, 0, 1)
        del view_21
        view_22 = torch.reshape(select_10, [197, 16, 64])
        del select_10
        transpose_21 = torch.transpose(view_22, 0, 1)
        del view_22
        view_23 = torch.reshape(select_11, [197, 16, 64])
        del select_11
        transpose_22 = torch.transpose(view_23, 0, 1)
        del view_23
        view_24 = torch.reshape(transpose_20, [2, 8, 197, 64])
        del transpose_20
        view_25 = torch.reshape(transpose_21, [2, 8, 197, 64])
        del transpose_21
        view_26 = torch.reshape(transpose_22, [2, 8, 197, 64])
        del transpose_22
        scaled_dot_product_attention_3 = F.scaled_dot_product_attention(view_24, view_25, view_26)
        del view_24, view_25, view_26
        permute_3 = torch.permute(scaled_dot_product_attention_3, [2, 0, 1, 3])
        del scaled_dot_product_attention_3
        reshape_4 = torch.reshape(permute_3, [394, 512])
        del permute_3
        packed_linear_14 = packed_linear(
            reshape_4, encoder_layers_3_self_attn_out_proj_weight,
            encoder_layers_3_self_attn_out_proj_bias,
        )
        del reshape_4
        view_27 = packed_linear_14.view([197, 2, 512])
        del packed_linear_14
        transpose_23 = torch.transpose(view_27, 1, 0)
        del view_27
        fused_rows_c14d19f153_3 = fused_rows_c14d19f153(
            fused_rows_33fcc4ab64_2_2, transpose_23, encoder_layers_3_norm1_weight,
            encoder_layers_3_norm1_bias,
        )
        del fused_rows_33fcc4ab64_2_2, transpose_23
        packed_linear_15 = packed_linear(
            fused_rows_c14d19f153_3, encoder_layers_3_linear1_weight, encoder_layers_3_linear1_bias,
            "relu",
        )
        packed_linear_16 = packed_linear(
            packed_linear_15, encoder_layers_3_linear2_weight, encoder_layers_3_linear2_bias,
        )
        del packed_linear_15
        fused_rows_33fcc4ab64_3 = fused_rows_33fcc4ab64(
            fused_rows_c14d19f153_3, packed_linear_16, encoder_layers_3_norm2_weight,
            encoder_layers_3_norm2_bias,
        )
        del fused_rows_c14d19f153_3, packed_linear_16
        transpose_24 = torch.transpose(fused_rows_33fcc4ab64_3, 1, 0)
        packed_linear_17 = packed_linear(
            transpose_24, encoder_layers_4_self_attn_in_proj_weight,
            encoder_layers_4_self_attn_in_proj_bias,
        )
        del transpose_24
        unflatten_4 = torch.unflatten(packed_linear_17, -1, [3, 512])
        del packed_linear_17
        unsqueeze_4 = torch.unsqueeze(unflatten_4, 0)
        del unflatten_4
        transpose_25 = torch.transpose(unsqueeze_4, 0, -2)
        del unsqueeze_4
        squeeze_4 = torch.squeeze(transpose_25, -2)
        del transpose_25
        select_12 = torch.select(squeeze_4, 0, 0)
        select_13 = torch.select(squeeze_4, 0, 1)
        select_14 = torch.select(squeeze_4, 0, 2)
        del squeeze_4
        view_28 = torch.reshape(select_12, [197, 16, 64])
        del select_12
        transpose_26 = torch.transpose(view_28, 0, 1)
        del view_28
        view_29 = torch.reshape(select_13, [197, 16, 64])
        del select_13
        transpose_27 = torch.transpose(view_29, 0, 1)
        del view_29
        view_30 = torch.reshape(select_14, [197, 16, 64])
        del select_14
        transpose_28 = torch.transpose(view_30, 0, 1)
        del view_30
        view_31 = torch.reshape(transpose_26, [2, 8, 197, 64])
        del transpose_26
        view_32 = torch.reshape(transpose_27, [2, 8, 197, 64])
        del transpose_27
        view_33 = torch.reshape(transpose_28, [2, 8, 197, 64])
        del transpose_28
        scaled_dot_product_attention_4 = F.scaled_dot_product_attention(view_31, view_32, view_33)
        del view_31, view_32, view_33
        permute_4 = torch.permute(scaled_dot_product_attention_4, [2, 0, 1, 3])
        del scaled_dot_product_attention_4
        reshape_5 = torch.reshape(permute_4, [394, 512])
        del permute_4
        packed_linear_18 = packed_linear(
            reshape_5, encoder_layers_4_self_attn_out_proj_weight,
            encoder_layers_4_self_attn_out_proj_bias,
        )
        del reshape_5
        view_34 = packed_linear_18.view([197, 2, 512])
        del packed_linear_18
        transpose_29 = torch.transpose(view_34, 1, 0)
        del view_34
        fused_rows_c14d19f153_4 = fused_rows_c14d19f153(
            fused_rows_33fcc4ab64_3, transpose_29, encoder_layers_4_norm1_weight,
            encoder_layers_4_norm1_bias,
        )
        del fused_rows_33fcc4ab64_3, transpose_29
        packed_linear_19 = packed_linear(
            fused_rows_c14d19f153_4, encoder_layers_4_linear1_weight, encoder_layers_4_linear1_bias,
            "relu",
        )
        packed_linear_20 = packed_linear(
            packed_linear_19, encoder_layers_4_linear2_weight, encoder_layers_4_linear2_bias,
        )
        del packed_linear_19
        fused_rows_33fcc4ab64_4 = fused_rows_33fcc4ab64(
            fused_rows_c14d19f153_4, packed_linear_20, encoder_layers_4_norm2_weight,
            encoder_layers_4_norm2_bias,
        )
        del fused_rows_c14d19f153_4, packed_linear_20
        transpose_30 = torch.transpose(fused_rows_33fcc4ab64_4, 1, 0)
        packed_linear_21 = packed_linear(
            transpose_30, encoder_layers_5_self_attn_in_proj_weight,
            encoder_layers_5_self_attn_in_proj_bias,
        )
        del transpose_30
        unflatten_5 = torch.unflatten(packed_linear_21, -1, [3, 512])
        del packed_linear_21
        unsqueeze_5 = torch.unsqueeze(unflatten_5, 0)
        del unflatten_5
        transpose_31 = torch.transpose(unsqueeze_5, 0, -2)
        del unsqueeze_5
        squeeze_5 = torch.squeeze(transpose_31, -2)
        del transpose_31
        slice_tensor_18 = torch.ops.aten.slice.Tensor(squeeze_5, 1, 0, 1)
        select_int_1 = torch.select(slice_tensor_18, 0, 0)
        select_16 = torch.select(squeeze_5, 0, 1)
        select_17 = torch.select(squeeze_5, 0, 2)
        del squeeze_5
        reshape_default_3 = torch.reshape(select_int_1, [1, 16, 64])
        transpose_int_1 = torch.transpose(reshape_default_3, 0, 1)
        view_36 = torch.reshape(select_16, [197, 16, 64])
        del select_16
        transpose_33 = torch.transpose(view_36, 0, 1)
        del view_36
        view_37 = torch.reshape(select_17, [197, 16, 64])
        del select_17
        transpose_34 = torch.transpose(view_37, 0, 1)
        del view_37
        reshape_default_2 = torch.reshape(transpose_int_1, [2, 8, 1, 64])
        view_39 = torch.reshape(transpose_33, [2, 8, 197, 64])
        del transpose_33
        view_40 = torch.reshape(transpose_34, [2, 8, 197, 64])
        del transpose_34
        scaled_dot_product_attention_default = F.scaled_dot_product_attention(
            reshape_default_2, view_39, view_40,
        )
        del view_39, view_40
        permute_default = torch.permute(scaled_dot_product_attention_default, [2, 0, 1, 3])
        reshape_default_1 = torch.reshape(permute_default, [2, 512])
        packed_linear_22 = packed_linear(
            reshape_default_1, encoder_layers_5_self_attn_out_proj_weight,
            encoder_layers_5_self_attn_out_proj_bias,
        )
        reshape_default = torch.reshape(packed_linear_22, [1, 2, 512])
        transpose_int = torch.transpose(reshape_default, 1, 0)
        slice_tensor_7 = torch.ops.aten.slice.Tensor(fused_rows_33fcc4ab64_4, 1, 0, 1)
        del fused_rows_33fcc4ab64_4
        add_tensor_1 = torch.add(slice_tensor_7, transpose_int)
        layer_norm_default_1 = torch.layer_norm(
            add_tensor_1, [512], encoder_layers_5_norm1_weight, encoder_layers_5_norm1_bias, 1e-05,
            False,
        )
        packed_linear_23 = packed_linear(
            layer_norm_default_1, encoder_layers_5_linear1_weight, encoder_layers_5_linear1_bias,
            "relu",
        )
        packed_linear_24 = packed_linear(
            packed_linear_23, encoder_layers_5_linear2_weight, encoder_layers_5_linear2_bias,
        )
        add_tensor = packed_linear_24.add_(layer_norm_default_1)
        layer_norm_default = torch.layer_norm(
            add_tensor, [512], encoder_layers_5_norm2_weight, encoder_layers_5_norm2_bias, 1e-05,
            False,
        )
        select_int = torch.select(layer_norm_default, 1, 0)
        packed_linear_25 = packed_linear(select_int, head_0_weight, head_0_bias, "gelu", "none")
        packed_linear_26 = packed_linear(packed_linear_25, head_3_weight, head_3_bias)
        return packed_linear_26
