"""kernelbench:3/1: packed-linear."""

import kernelevo
import torch
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
            self, "layers.0.weight", nn.Parameter(torch.zeros((4096, 4096), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layers.0.bias", nn.Parameter(torch.zeros((4096,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layers.2.weight", nn.Parameter(torch.zeros((4096, 4096), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layers.2.bias", nn.Parameter(torch.zeros((4096,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layers.4.weight", nn.Parameter(torch.zeros((2048, 4096), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "layers.4.bias", nn.Parameter(torch.zeros((2048,), dtype=torch.float32)),
            "parameter",
        )

    def forward(self, x):
        layers_0_weight = self.layers[0].weight
        layers_0_bias = self.layers[0].bias
        layers_2_weight = self.layers[2].weight
        layers_2_bias = self.layers[2].bias
        layers_4_weight = self.layers[4].weight
        layers_4_bias = self.layers[4].bias
        packed_linear_2 = packed_linear(x, layers_0_weight, layers_0_bias, "relu")
        packed_linear_1 = packed_linear(packed_linear_2, layers_2_weight, layers_2_bias, "relu")
        del packed_linear_2
        packed_linear_2_2 = packed_linear(packed_linear_1, layers_4_weight, layers_4_bias)
        del packed_linear_1
        return packed_linear_2_2
