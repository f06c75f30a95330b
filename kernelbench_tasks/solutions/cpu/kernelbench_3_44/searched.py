"""kernelbench:3/44: no-ops, named-activation, fused-attention, packed-linear, fused-rows."""

import kernelevo
import torch
import torch.nn.functional as F
from torch import nn


def attention_0_mask(v0):
    v1 = torch.ops.aten.slice.Tensor(v0, 2, 0, 512)
    v2 = torch.ops.aten.slice.Tensor(v1, 3, 0, 512)
    v3 = torch.eq(v2, 0)
    return v3


def attention_0_causal(s0):
    """Tell whether the mask lets each row see itself and what comes before it, no more."""
    hidden = attention_0_mask(s0)
    return bool(torch.equal(hidden, torch.ones_like(hidden).triu(1)))


def attention_0(query, key, value, scale, s0):
    """Attention under a mask made of the module's own tensors; the fused kernel if it is causal."""
    if kernelevo.packed(attention_0_causal, s0):
        return F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scale)
    scores = torch.matmul(query, key.transpose(-2, -1)) * scale
    scores = scores.masked_fill(attention_0_mask(s0), float("-inf"))
    return torch.matmul(torch.softmax(scores, -1), value)

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

_fused_rows_5c1de34d5e = kernelevo.cpp(r'''
// add -> layer_norm
#include <kernelevo/rows.h>
#include <math.h>

using namespace kernelevo;

constexpr int64_t kRows = 2048, kInner = 768;

extern "C" void fused_rows(const float* a0, const float* a1, const float* a2, const float* a3, float* y0, float* y1) {
  want_huge_pages(y0, 1572864);
  want_huge_pages(y1, 1572864);
#pragma omp parallel if (kRows * kInner >= 8192)
  {
#pragma omp for schedule(static)
    for (int64_t r = 0; r < kRows; ++r) {
      const float* const p0 = a0 + r * 768;
      const float* const p1 = a1 + r * 768;
      const float* const p2 = a2;
      const float* const p3 = a3;
      float* const q0 = y0 + r * kInner;
      float* const q1 = y1 + r * kInner;
      Sum tv5;
      sweep_sums(kInner, [&](int64_t i, auto part) {
        const vfloat v0 = load(p0 + i, part);
        const vfloat v1 = load(p1 + i, part);
        const vfloat v4 = v0 + v1;
        store(q0 + i, v4, part);
        tv5.add(v4, part);
      });
      const double v5 = tv5.total();
      const vfloat v6 = splat((float)(v5 / kInner));
      Sum tv8;
      Sum tv10;
      sweep_sums(kInner, [&](int64_t i, auto part) {
        const vfloat v4 = load(q0 + i, part);
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
        const vfloat v2 = load(p2 + i, part);
        const vfloat v3 = load(p3 + i, part);
        const vfloat v4 = load(q0 + i, part);
        const vfloat v7 = v4 - v6;
        const vfloat v14 = fma(v7, v12, v13);
        const vfloat v15 = v14 * v2;
        const vfloat v16 = v15 + v3;
        store(q1 + i, v16, part);
      });
    }
  }
}
''')

def fused_rows_5c1de34d5e(a0, a1, a2, a3):
    """Fused over rows of 768: add -> layer_norm."""
    if a0.shape != (4, 512, 768) or a1.shape != (4, 512, 768) or a2.shape != (768,) or a3.shape != (768,):
        raise ValueError("this program is for tensors of other shapes")
    a0 = a0.contiguous()
    a1 = a1.contiguous()
    a2 = a2.contiguous()
    a3 = a3.contiguous()
    y0 = a0.new_empty((4, 512, 768))
    y1 = a0.new_empty((4, 512, 768))
    _fused_rows_5c1de34d5e.fused_rows(a0, a1, a2, a3, y0, y1)
    return y0, y1


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
    if isinstance(tensor, nn.Parameter):
        module.register_parameter(leaf, tensor)
    else:
        module.register_buffer(leaf, tensor, persistent=kind == "buffer")


class ModelNew(nn.Module):
    def __init__(self, *init_args, **init_kwargs):
        super().__init__()
        hold(
            self, "ln_1.weight", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "ln_1.bias", nn.Parameter(torch.zeros((768,), dtype=torch.float32)), "parameter")
        hold(
            self, "attn.c_attn.weight", nn.Parameter(torch.zeros((2304, 768), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "attn.c_attn.bias", nn.Parameter(torch.zeros((2304,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "attn.c_proj.weight", nn.Parameter(torch.zeros((768, 768), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "attn.c_proj.bias", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "ln_2.weight", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "ln_2.bias", nn.Parameter(torch.zeros((768,), dtype=torch.float32)), "parameter")
        hold(
            self, "mlp.0.weight", nn.Parameter(torch.zeros((3072, 768), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "mlp.0.bias", nn.Parameter(torch.zeros((3072,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "mlp.2.weight", nn.Parameter(torch.zeros((768, 3072), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "mlp.2.bias", nn.Parameter(torch.zeros((768,), dtype=torch.float32)), "parameter",
        )
        hold(self, "attn.bias", torch.zeros((1, 1, 1024, 1024), dtype=torch.float32), "buffer")

    def forward(self, x):
        ln_1_weight = self.ln_1.weight
        ln_1_bias = self.ln_1.bias
        attn_c_attn_weight = self.attn.c_attn.weight
        attn_c_attn_bias = self.attn.c_attn.bias
        attn_c_proj_weight = self.attn.c_proj.weight
        attn_c_proj_bias = self.attn.c_proj.bias
        ln_2_weight = self.ln_2.weight
        ln_2_bias = self.ln_2.bias
        mlp_0_weight = self.mlp[0].weight
        mlp_0_bias = self.mlp[0].bias
        mlp_2_weight = self.mlp[2].weight
        mlp_2_bias = self.mlp[2].bias
        attn_bias = self.attn.bias
        layer_norm = torch.layer_norm(x, [768], ln_1_weight, ln_1_bias, 1e-05, False)
        packed_linear_2 = packed_linear(layer_norm, attn_c_attn_weight, attn_c_attn_bias)
        del layer_norm
        split = torch.ops.aten.split.Tensor(packed_linear_2, 768, 2)
        del packed_linear_2
        getitem = split[0]
        getitem_1 = split[1]
        getitem_2 = split[2]
        del split
        view = getitem.view([4, 512, 8, 96])
        del getitem
        transpose = torch.transpose(view, 1, 2)
        del view
        view_1 = getitem_1.view([4, 512, 8, 96])
        del getitem_1
        transpose_1 = torch.transpose(view_1, 1, 2)
        del view_1
        view_2 = getitem_2.view([4, 512, 8, 96])
        del getitem_2
        transpose_2 = torch.transpose(view_2, 1, 2)
        del view_2
        attention_0_2 = attention_0(
            transpose, transpose_1, transpose_2, 0.10206207261596577, attn_bias,
        )
        del transpose, transpose_1, transpose_2
        transpose_4 = torch.transpose(attention_0_2, 1, 2)
        del attention_0_2
        reshape = torch.reshape(transpose_4, [4, 512, 768])
        del transpose_4
        packed_linear_1 = packed_linear(reshape, attn_c_proj_weight, attn_c_proj_bias)
        del reshape
        fused_rows_5c1de34d5e_2 = fused_rows_5c1de34d5e(x, packed_linear_1, ln_2_weight, ln_2_bias)
        del packed_linear_1
        getitem_4 = fused_rows_5c1de34d5e_2[0]
        getitem_3 = fused_rows_5c1de34d5e_2[1]
        del fused_rows_5c1de34d5e_2
        packed_linear_2_2 = packed_linear(getitem_3, mlp_0_weight, mlp_0_bias, "gelu", "tanh")
        del getitem_3
        packed_linear_3 = packed_linear(packed_linear_2_2, mlp_2_weight, mlp_2_bias)
        del packed_linear_2_2
        add_3 = torch.add(getitem_4, packed_linear_3)
        del getitem_4, packed_linear_3
        return add_3
