"""Strides: a program's results as the original's are: laid out in memory alike, and good for gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from kernelevo.kernels.reference.tree import Leaf


def laid_out(result: Any, kinds: Sequence[Any]) -> Any:
    """Return a result with the strides of the original's, on which who views it relies; of usual tensors."""
    found, spec = pytree.tree_flatten(result)
    if len(found) != len(kinds):
        return result
    laid = [_strided(value, kind) for value, kind in zip(found, kinds, strict=True)]
    return (
        result if all(a is b for a, b in zip(laid, found, strict=True)) else pytree.tree_unflatten(laid, spec)
    )


def _strided(value: Any, kind: Any) -> Any:
    if not isinstance(value, torch.Tensor) or value.layout is not torch.strided:
        return value
    if value.is_inference() and not torch.is_inference_mode_enabled():
        value = value.clone()  # what a program made in that mode would take part in no later gradient
    if not isinstance(kind, Leaf) or tuple(value.shape) != kind.shape or 0 in kind.shape:
        return value
    sizes = zip(kind.shape, value.stride(), kind.stride, strict=True)
    strides = [(now, was) for size, now, was in sizes if size > 1]
    if all(now == was for now, was in strides) or any(was == 0 for _, was in strides):  # 0: expanded
        return value
    return torch.empty_strided(kind.shape, kind.stride, dtype=value.dtype, device=value.device).copy_(value)
