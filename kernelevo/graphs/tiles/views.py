"""Views: operands that are views of other tensors, which a kernel can read without the views being made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import fx

from kernelevo.graphs.matching import aten, is_float32, is_op, value

_VIEWS = (
    aten.alias.default,
    aten.as_strided.default,
    aten.detach.default,
    aten.expand.default,
    aten.permute.default,
    aten.select.int,
    aten.slice.Tensor,
    aten.squeeze.default,
    aten.squeeze.dim,
    aten.t.default,
    aten.transpose.int,
    aten.unsqueeze.default,
    aten.view.default,
)


@dataclass(frozen=True)
class Seen:
    """An operand as part of a tensor.

    Args:
        argument: number of the tensor that is passed.
        offset: elements between that tensor's first and the operand's; None where it is the tensor itself.
    """

    argument: int
    offset: int | None


def seen(operands: Sequence[fx.Node]) -> tuple[tuple[Seen, ...], tuple[fx.Node, ...]]:
    """Return each operand as part of a tensor, and the nodes of these tensors, each once."""
    sources: dict[fx.Node, int] = {}
    found = []
    for operand in operands:
        source = _source(operand)
        offset = None
        if source is not operand:
            offset = int(value(operand).storage_offset() - value(source).storage_offset())
        found.append(Seen(sources.setdefault(source, len(sources)), offset))
    return tuple(found), tuple(sources)


def _source(node: fx.Node) -> fx.Node:
    """Return the tensor that a chain of views begins with; it must be whole, so that its strides are sure."""
    start = node
    while is_op(start, *_VIEWS):
        behind = start.args[0]
        if not isinstance(behind, fx.Node) or not is_float32(behind) or not _covers(value(behind)):
            break
        start = behind
    return start


def _covers(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is contiguous in memory, so that any view of it lies within its elements."""
    return tensor.is_contiguous()
