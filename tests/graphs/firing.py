"""Applying one rewrite to a module and demanding that its values stay right."""

import torch

from kernelevo.graphs.capture import capture
from kernelevo.graphs.rewrite import apply_one


def fire(rewrite, module, *inputs):
    """Return the number of places; values and buffers are compared on two calls by ``apply_one`` itself."""
    captured = capture(module, inputs)
    applied = apply_one(captured, rewrite)
    assert applied.refused == ""
    return applied.places, captured


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
