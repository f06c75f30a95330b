"""Extents: between which finite numbers a value lies, whatever the inputs, where its graph proves that."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import torch
from torch import fx

from kernelevo.graphs.matching import arguments, aten, is_float32, is_op

Extent = tuple[float, float]

_SAME = (  # calls whose result has no other values than their input
    aten.to, aten._to_copy, aten.clone, aten.contiguous, aten.view, aten.reshape, aten.flatten, aten.expand,
    aten.expand_as, aten.unsqueeze, aten.squeeze, aten.select, aten.slice, aten.transpose, aten.permute,
    aten.repeat, aten.type_as, aten.detach, aten.alias, aten.lift_fresh_copy,
)  # fmt: skip
_LARGEST = torch.finfo(torch.float32).max


def extent(node: Any, written: Set[fx.Node]) -> Extent | None:
    """Return the least and the largest that a value can be, or None if it may be infinite or unknown.

    Numbers are held to fp32, whole ones and truth values to their dtype: those may come from anywhere.

    Args:
        node: a value of a graph, or a number.
        written: the nodes of the graph that share memory with something written to.
    """
    if isinstance(node, (bool, int, float)):
        return _within(float(node), float(node))
    found = node.meta.get("val") if isinstance(node, fx.Node) and node not in written else None
    if not isinstance(found, torch.Tensor):
        return None
    dtype = found.dtype
    if dtype is torch.bool:
        return 0.0, 1.0
    if not dtype.is_floating_point and not dtype.is_complex:
        return float(torch.iinfo(dtype).min), float(torch.iinfo(dtype).max)
    return _made(node, written) if is_float32(node) and node.op == "call_function" else None


def _made(node: fx.Node, written: Set[fx.Node]) -> Extent | None:
    """Return the extent of a call's fp32 result."""
    if is_op(node, *_SAME):
        return extent(node.args[0], written)
    if is_op(node, aten.masked_fill.Scalar):
        return _either(node.args[0], node.args[2], written)
    if is_op(node, aten.where.Scalar, aten.where.ScalarOther, aten.where.ScalarSelf, aten.where.self):
        return _either(node.args[1], node.args[2], written)
    if is_op(node, aten.mul, aten.add, aten.sub, aten.rsub):
        return _computed(node, written)
    return None


def _computed(node: fx.Node, written: Set[fx.Node]) -> Extent | None:
    given = arguments(node)
    one, other = (extent(given[name], written) for name in ("self", "other"))
    if one is None or other is None or given.get("alpha", 1) != 1:
        return None
    if is_op(node, aten.mul):
        products = [a * b for a in one for b in other]
        return _within(min(products), max(products))
    if is_op(node, aten.add):
        return _within(one[0] + other[0], one[1] + other[1])
    if is_op(node, aten.rsub):
        one, other = other, one
    return _within(one[0] - other[1], one[1] - other[0])


def _either(one: Any, other: Any, written: Set[fx.Node]) -> Extent | None:
    """Return the extent of a value that is one of two in each place."""
    found = extent(one, written), extent(other, written)
    if found[0] is None or found[1] is None:
        return None
    return min(found[0][0], found[1][0]), max(found[0][1], found[1][1])


def _within(least: float, largest: float) -> Extent | None:
    return (least, largest) if max(abs(least), abs(largest)) <= _LARGEST else None
