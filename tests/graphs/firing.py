"""Applying one rewrite to a module and demanding that its values stay right."""

import torch
from torch import nn

from kernelevo.graphs.applying import apply_one
from kernelevo.graphs.capture import capture


def fire(rewrite, module, *inputs):
    """Return the number of places; values and buffers are compared on two calls by ``apply_one`` itself."""
    captured = capture(module, inputs)
    applied = apply_one(captured, rewrite)
    assert applied.refused == ""
    return applied.places, captured


def called(captured):
    """Return the names of the functions that a graph calls, in order."""
    return [n.target.__name__ for n in captured.graph.nodes if n.op == "call_function"]


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def warmed(module):
    """Give running statistics and affines values of their own."""
    for norm in module.modules():
        if isinstance(norm, nn.modules.batchnorm._BatchNorm):
            for index, tensor in enumerate((norm.weight, norm.bias, norm.running_mean, norm.running_var)):
                if tensor is not None:
                    tensor.data.copy_(draw(norm.num_features, seed=index).abs() + 0.3)
    return module
