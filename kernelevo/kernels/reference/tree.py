"""Trees of tensors: a nested output as a structure string and a flat list of leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree


def flatten(tree: Any) -> tuple[str, list[Any]]:
    """Return the structure of ``tree`` as text and its leaves in order; equal text means equal structure."""
    leaves, spec = pytree.tree_flatten(tree)
    try:
        return pytree.treespec_dumps(spec), leaves
    except (NotImplementedError, TypeError, ValueError):  # a container without a serialiser
        return _described(spec), leaves


def _described(spec: Any) -> str:
    """Name a structure's containers and their fields: a program's file defines named tuples of its own."""
    if spec.is_leaf():
        return "*"
    parts = spec.children() if hasattr(spec, "children") else spec.children_specs
    kind, more = spec.type, spec.context
    if isinstance(more, type):
        kind, more = more, getattr(more, "_fields", None)
    return f"{kind.__name__} {more!r} [{', '.join(map(_described, parts))}]"


def unflatten(structure: str, leaves: list[Any]) -> Any:
    """Rebuild a tree from ``flatten``'s two halves (builtin containers only)."""
    return pytree.tree_unflatten(leaves, pytree.treespec_loads(structure))


def reals(tensor: torch.Tensor) -> torch.Tensor:
    """Return a complex tensor as its parts, along a last dimension of two; any other tensor as it is."""
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


@dataclass(frozen=True)
class Leaf:
    """What is known of one tensor without its values.

    Args:
        dtype: e.g. ``"float32"``.
        shape: sizes.
        stride: strides in elements.
        device: ``"cpu"`` or ``"cuda"``.
    """

    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    device: str = "cpu"

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Leaf:
        """Describe a tensor."""
        name = str(tensor.dtype).removeprefix("torch.")
        return cls(name, tuple(tensor.shape), tuple(tensor.stride()), tensor.device.type)

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype as torch knows it."""
        found = getattr(torch, self.dtype, None)
        if not isinstance(found, torch.dtype):
            raise ValueError(f"not a torch dtype: {self.dtype!r}")
        return found

    @property
    def extent(self) -> int:
        """Elements from the first to the last one addressed, gaps included."""
        if 0 in self.shape:
            return 0
        return 1 + sum((n - 1) * s for n, s in zip(self.shape, self.stride, strict=True))

    @property
    def overlaps(self) -> bool:
        """Whether elements share memory for want of room, as in an expanded tensor."""
        return self.extent < math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes from the first to the last element addressed."""
        return self.extent * self.torch_dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)} on {self.device}"
