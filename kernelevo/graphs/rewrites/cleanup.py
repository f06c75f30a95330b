"""Cleanup: work whose result nobody reads, and calls that return their input."""

from __future__ import annotations

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import arguments, aten, is_op, remove_dead, shape, value


class DeadWork:
    """Removes values nobody reads: dropped outputs, dead layers. Their parameters stay registered."""

    name = "dead-work"
    describes = "removes computations whose result is never used"

    def apply(self, captured: Captured) -> int:
        """Erase pure nodes without users; nodes that write or draw random numbers stay."""
        return remove_dead(captured.graph)


class NoOps:
    """Removes calls that return their input: dropout of probability zero, reshapes to the same shape."""

    name = "no-ops"
    describes = "removes dropout that drops nothing, and reshapes and casts that change nothing"

    def apply(self, captured: Captured) -> int:
        """Replace each such call by its input."""
        places = 0
        for node in list(captured.graph.nodes):
            source = _unchanged(node)
            if source is not None:
                node.replace_all_uses_with(source)
                captured.graph.erase_node(node)
                places += 1
        return places


_DROPOUTS = (aten.dropout, aten.feature_dropout, aten.alpha_dropout, aten.feature_alpha_dropout)
_SHAPERS = (aten.view, aten.reshape, aten.expand, aten.permute, aten.slice, aten.squeeze, aten.flatten)


def _unchanged(node: fx.Node) -> fx.Node | None:
    """Return the input that a call hands back as it is, or None."""
    if is_op(node, *_DROPOUTS):
        given = arguments(node)
        if not given["train"] or given["p"] == 0:
            return _node(given["input"])
        return None
    if is_op(node, aten.alias.default, aten.detach.default):
        return _node(node.args[0])
    if is_op(node, aten.contiguous):
        source = _node(arguments(node)["self"])
        same = source is not None and value(source).stride() == value(node).stride()
        return source if same and value(node).is_contiguous() else None
    if is_op(node, *_SHAPERS):
        source = _node(node.args[0])
        if source is None or is_op(node, aten.view.dtype):
            return None
        same_strides = value(source).stride() == value(node).stride()
        return source if shape(source) == shape(node) and same_strides and _whole(node) else None
    if is_op(node, aten.to.dtype, aten.to.dtype_layout, aten.to.device):
        given = arguments(node)
        source = _node(given["self"])
        same = source is not None and not given["copy"] and given.get("memory_format") is None
        return source if same and value(source).dtype == value(node).dtype else None
    return None


def _whole(node: fx.Node) -> bool:
    """Tell whether elements keep their places: equal shapes and strides do, but for permuted equal sizes."""
    if is_op(node, aten.permute):
        given = arguments(node)
        return all(d % len(given["dims"]) == i for i, d in enumerate(given["dims"]))
    if is_op(node, aten.slice):
        given = arguments(node)
        return given["start"] in (None, 0) and given["step"] == 1
    return True


def _node(found: object) -> fx.Node | None:
    return found if isinstance(found, fx.Node) else None
