"""kernelbench:3/31: dead-work, fused-attention, strided-heads, packed-linear."""

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
            self, "attn.in_proj_weight", nn.Parameter(torch.zeros((384, 128), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "attn.in_proj_bias", nn.Parameter(torch.zeros((384,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "attn.out_proj.weight",
            nn.Parameter(torch.zeros((128, 128), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "attn.out_proj.bias", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "norm.weight", nn.Parameter(torch.zeros((128,), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "norm.bias", nn.Parameter(torch.zeros((128,), dtype=torch.float32)), "parameter")

    def forward(self, x):
        attn_in_proj_weight = self.attn.in_proj_weight
        attn_in_proj_bias = self.attn.in_proj_bias
        attn_out_proj_weight = self.attn.out_proj.weight
        attn_out_proj_bias = self.attn.out_proj.bias
        norm_weight = self.norm.weight
        norm_bias = self.norm.bias
        reshape = torch.reshape(x, [2, 128, 1024])
        permute = torch.permute(reshape, [2, 0, 1])
        del reshape
        packed_linear_2 = packed_linear(permute, attn_in_proj_weight, attn_in_proj_bias)
        unflatten = torch.unflatten(packed_linear_2, -1, [3, 128])
        del packed_linear_2
        unsqueeze = torch.unsqueeze(unflatten, 0)
        del unflatten
        transpose = torch.transpose(unsqueeze, 0, -2)
        del unsqueeze
        squeeze = torch.squeeze(transpose, -2)
        del transpose
        select = torch.select(squeeze, 0, 0)
        select_1 = torch.select(squeeze, 0, 1)
        select_2 = torch.select(squeeze, 0, 2)
        del squeeze
        view = torch.reshape(select, [1024, 8, 32])
        del select
        transpose_1 = torch.transpose(view, 0, 1)
        del view
        view_1 = torch.reshape(select_1, [1024, 8, 32])
        del select_1
        transpose_2 = torch.transpose(view_1, 0, 1)
        del view_1
        view_2 = torch.reshape(select_2, [1024, 8, 32])
        del select_2
        transpose_3 = torch.transpose(view_2, 0, 1)
        del view_2
        unsqueeze_default = torch.unsqueeze(transpose_1, 0)
        del transpose_1
        unsqueeze_default_1 = torch.unsqueeze(transpose_2, 0)
        del transpose_2
        unsqueeze_default_2 = torch.unsqueeze(transpose_3, 0)
        del transpose_3
        scaled_dot_product_attention_default = F.scaled_dot_product_attention(
            unsqueeze_default, unsqueeze_default_1, unsqueeze_default_2, scale=0.1767766952966369,
        )
        del unsqueeze_default, unsqueeze_default_1, unsqueeze_default_2
        squeeze_dim = torch.squeeze(scaled_dot_product_attention_default, 0)
        del scaled_dot_product_attention_default
        transpose_5 = torch.transpose(squeeze_dim, 0, 1)
        del squeeze_dim
        reshape_1 = torch.reshape(transpose_5, [2048, 128])
        del transpose_5
        packed_linear_1 = packed_linear(reshape_1, attn_out_proj_weight, attn_out_proj_bias)
        del reshape_1
        view_3 = packed_linear_1.view([1024, 2, 128])
        del packed_linear_1
        add = torch.add(view_3, permute)
        del permute, view_3
        layer_norm = torch.layer_norm(add, [128], norm_weight, norm_bias, 1e-05, False)
        del add
        permute_1 = torch.permute(layer_norm, [1, 2, 0])
        del layer_norm
        reshape_2 = torch.reshape(permute_1, [2, 128, 32, 32])
        del permute_1
        return reshape_2
