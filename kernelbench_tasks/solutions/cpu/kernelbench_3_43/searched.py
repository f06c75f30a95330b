"""Inductor of torch 2.13 generated these kernels (variant scratch) after no-ops, fused-attention, packed-linear.

They include torch's headers and were made for torch 2.13."""

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

def reinterpret_tensor(tensor, shape, stride, offset):
    return torch.as_strided(tensor, shape, stride, tensor.storage_offset() + offset)

def _call_0(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_1(a0, a1, a2, a3):
    return attention_0(a0, a1, a2, 0.10206207261596577, a3)

def _call_2(a0, a1, a2):
    return packed_linear(a0, a1, a2)

_harvest_forms = (  # shape, stride, dtype, whether the call writes to it
    ((2304, 768), (768, 1), torch.float32, True),
    ((2304,), (1,), torch.float32, True),
    ((768, 768), (768, 1), torch.float32, True),
    ((768,), (1,), torch.float32, True),
    ((1, 1, 1024, 1024), (1048576, 1048576, 1024, 1), torch.float32, True),
    ((4, 512, 768), (393216, 768, 1), torch.float32, True),
)


def _harvest_fit(tensors):
    for tensor, (shape, stride, dtype, _) in zip(tensors, _harvest_forms):
        fits = tensor.shape == shape and tensor.stride() == stride and tensor.dtype is dtype
        if fits and tensor.is_cpu:
            continue
        return [_harvest_moved(t, *form) for t, form in zip(tensors, _harvest_forms)]
    return tensors


def _harvest_moved(tensor, shape, stride, dtype, written):
    if tensor.shape != shape or tensor.dtype is not dtype or not tensor.is_cpu:
        found = f"{tuple(tensor.shape)} {tensor.dtype} on {tensor.device}"
        raise ValueError(f"made for {shape} {dtype} on cpu, got {found}")
    if all(n == 1 or a == b for n, a, b in zip(shape, tensor.stride(), stride)):
        return tensor
    if written:
        raise ValueError(f"writes to a tensor of strides {stride}, got {tensor.stride()}")
    return torch.empty_strided(shape, stride, dtype=dtype, device=tensor.device).copy_(tensor)

@torch.no_grad()
def _harvest_run(arg0_1, arg1_1, arg2_1, arg3_1, arg4_1, arg5_1):
    arg0_1, arg1_1, arg2_1, arg3_1, arg4_1, arg5_1, = _harvest_fit((arg0_1, arg1_1, arg2_1, arg3_1, arg4_1, arg5_1, ))
    buf0 = _call_0(arg5_1, arg0_1, arg1_1)
    del arg0_1
    del arg1_1
    del arg5_1
    buf1 = buf0
    del buf0
    buf2 = _call_1(reinterpret_tensor(buf1, (4, 8, 512, 96), (1179648, 96, 2304, 1), 0), reinterpret_tensor(buf1, (4, 8, 512, 96), (1179648, 96, 2304, 1), 768), reinterpret_tensor(buf1, (4, 8, 512, 96), (1179648, 96, 2304, 1), 1536), arg4_1)
    del arg4_1
    del buf1
    buf3 = buf2
    del buf2
    buf4 = _call_2(reinterpret_tensor(buf3, (4, 512, 768), (393216, 768, 1), 0), arg2_1, arg3_1)
    del arg2_1
    del arg3_1
    del buf3
    buf5 = buf4
    return (buf5, )


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
            self, "c_attn.weight", nn.Parameter(torch.zeros((2304, 768), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "c_attn.bias", nn.Parameter(torch.zeros((2304,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "c_proj.weight", nn.Parameter(torch.zeros((768, 768), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "c_proj.bias", nn.Parameter(torch.zeros((768,), dtype=torch.float32)),
            "parameter",
        )
        hold(self, "bias", torch.zeros((1, 1, 1024, 1024), dtype=torch.float32), "buffer")

    def forward(self, x):
        c_attn_weight_1 = self.c_attn.weight
        c_attn_bias_1 = self.c_attn.bias
        c_proj_weight_1 = self.c_proj.weight
        c_proj_bias_1 = self.c_proj.bias
        bias_1 = self.bias
        _harvest_run_2 = _harvest_run(
            c_attn_weight_1, c_attn_bias_1, c_proj_weight_1, c_proj_bias_1, bias_1, x,
        )
        getitem_3 = _harvest_run_2[0]
        del _harvest_run_2
        return getitem_3
