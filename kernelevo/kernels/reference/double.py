"""Double: modules that compute in fp64, and what a rounding of each input and weight does to their answer.

No arithmetic of PyTorch's is finer than theirs: their oracle is they themselves, and the distance from it
says nothing of what the order of a sum is worth. So the module is evaluated once more with the last bit of
each value turned over, and how far the answer moves stands for PyTorch's own error.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from kernelevo.kernels.reference.gaps import largest_gap
from kernelevo.kernels.reference.magnitude import largest
from kernelevo.kernels.reference.tree import reals

DOUBLES = (torch.float64, torch.complex128)
TURNS = 1024
"""How many times as far as an answer moves PyTorch's own error is taken to be: with the factor of four that a
program has beyond it 2^12 roundings, where fp32 rounds by 2^29."""
COARSE = 1e-8
"""Share of a tensor's largest value. Where the module's own error exceeds it, fp64 is not what limits it: it
computes something in a shorter type, steps (rounds, compares), or loses half of all digits."""


def is_double(leaf: Any) -> bool:
    """Tell whether a leaf of an answer is as long as fp64: Python's own numbers are."""
    return type(leaf) is float or (isinstance(leaf, torch.Tensor) and leaf.dtype in DOUBLES)


def in_fp64(tensors: list[Any]) -> bool:
    """Tell whether a module computes in fp64: all reals among what it holds and is given are fp64.

    Args:
        tensors: its parameters, buffers and arguments; what is no tensor does not count.
    """
    found = [t for t in tensors if isinstance(t, torch.Tensor) and (t.is_floating_point() or t.is_complex())]
    return bool(found) and all(t.dtype in DOUBLES for t in found)


def turned(value: Any) -> Any:
    """Return an fp64 tensor with the last bit of each value turned over; anything else as it is.

    Whole numbers stay, since masks, counts and places are such; so does what is not finite.
    """
    if not isinstance(value, torch.Tensor) or value.dtype not in DOUBLES or value.layout is not torch.strided:
        return value
    if value.is_complex():
        return torch.view_as_complex(turned(torch.view_as_real(value.resolve_conj())))
    value = value.resolve_neg()
    kept = ~torch.isfinite(value) | (value == value.round())
    return torch.where(kept, value, (value.view(torch.int64) ^ 1).view(torch.float64))


def turn(module: nn.Module) -> nn.Module:
    """Do the same to all that a module in fp64 holds, in place."""
    for parameter in module.parameters():
        parameter.data = turned(parameter.data)
    for owner in module.modules():
        for name, held in owner._buffers.items():
            owner._buffers[name] = turned(held)
        for name, held in list(vars(owner).items()):
            if isinstance(held, torch.Tensor):
                object.__setattr__(owner, name, turned(held.detach()))
    return module


def rounding(own: Any, exact: Any, moved: Any) -> float:
    """Return what stands for PyTorch's own error in fp64, by how far roundings of what goes in move a value.

    Where they move it far it takes a step somewhere; no rounding of fp64 is as large.

    Args:
        own: PyTorch's own value, a leaf or a buffer; 0 is returned for what is not in fp64.
        exact: the oracle's.
        moved: the oracle's from inputs and weights whose last bits were turned over.
    """
    if not is_double(own) or (isinstance(exact, torch.Tensor) and exact.shape != moved.shape):
        return 0.0
    most = largest(reals(exact)) if isinstance(exact, torch.Tensor) else abs(exact)
    return min(TURNS * largest_gap(moved, exact), COARSE * most)
