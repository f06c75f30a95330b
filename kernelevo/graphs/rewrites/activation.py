"""Activation: a function of one tensor, written out in many operations, becomes the one that computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import aten, is_float32, is_op, shape

_POINTWISE = (
    aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor, aten.neg.default, aten.rsub.Scalar,
    aten.pow.Tensor_Scalar, aten.square.default, aten.tanh.default, aten.sigmoid.default, aten.exp.default,
    aten.erf.default, aten.reciprocal.default, aten.relu.default, aten.clamp.default, aten.clamp_min.default,
    aten.hardtanh.default, aten.softplus.default, aten.log1p.default, aten.log.default, aten.sqrt.default,
)  # fmt: skip
_BOUNDS = (aten.clamp.default, aten.clamp_min.default, aten.hardtanh.default, aten.relu.default)
_MOST = 12  # operations in one written-out activation
_CLOSE = 1e-8  # agreement on the grid, in fp64; relative to 1 + the largest of the two


@dataclass(frozen=True)
class Known:
    """An activation that torch has an operator for."""

    op: Any
    function: Callable[[torch.Tensor], torch.Tensor]
    keywords: tuple[tuple[str, str], ...] = ()


_KNOWN = (
    Known(aten.gelu.default, lambda x: F.gelu(x, approximate="tanh"), (("approximate", "tanh"),)),
    Known(aten.gelu.default, F.gelu),
    Known(aten.silu.default, F.silu),
    Known(aten.sigmoid.default, torch.sigmoid),
    Known(aten.relu.default, torch.relu),
    Known(aten.tanh.default, torch.tanh),
    Known(aten.hardswish.default, F.hardswish),
    Known(aten.mish.default, F.mish),
)


class NamedActivation:
    """Recognises an activation by its values on a grid in fp64, however it is written."""

    name = "named-activation"
    describes = "a written-out GELU, SiLU, sigmoid or the like as the one operator that computes it"

    def apply(self, captured: Captured) -> int:
        """Try each pointwise operation, the last first, so that the largest region is found."""
        places = 0
        for node in reversed(list(captured.graph.nodes)):
            alive = node.users and node.op == "call_function"
            if alive and is_op(node, *_POINTWISE) and is_float32(node):
                places += _name(captured.graph, node)
        return places


def _name(graph: fx.Graph, node: fx.Node) -> int:
    for source in _candidates(node):
        region = _region(node, source)
        if region is None or len(region) < 2 or shape(source) != shape(node):
            continue
        found = _computed(region, source, _grid())
        for known in _KNOWN:
            if _close(found, known.function(_grid())) and _is_all(region, source, known):
                with graph.inserting_before(node):
                    made = graph.call_function(known.op, (source,), dict(known.keywords))
                made.meta = dict(node.meta)
                node.replace_all_uses_with(made)
                for old in reversed(region):
                    if not old.users:
                        graph.erase_node(old)
                return 1
    return 0


def _candidates(node: fx.Node) -> list[fx.Node]:
    """Return what the region may start from, the farthest first."""
    seen: list[fx.Node] = []
    todo = [node]
    while todo and len(seen) <= 2 * _MOST:
        current = todo.pop(0)
        for source in current.all_input_nodes:
            if source not in seen:
                seen.append(source)
                if is_op(source, *_POINTWISE):
                    todo.append(source)
    return [source for source in reversed(seen) if is_float32(source)]


def _region(node: fx.Node, source: fx.Node) -> list[fx.Node] | None:
    """Return the operations from ``source`` to ``node`` in order; None if another tensor takes part."""
    region: set[fx.Node] = set()
    todo = [node]
    while todo:
        current = todo.pop()
        if current is source or current in region:
            continue
        if not is_op(current, *_POINTWISE) or len(region) >= _MOST:
            return None
        if current is not node and shape(current) != shape(node):
            return None
        region.add(current)
        todo += current.all_input_nodes
    inner = region - {node}
    if any(user not in region for member in inner for user in member.users):
        return None
    return [n for n in node.graph.nodes if n in region]


def _is_all(region: list[fx.Node], source: fx.Node, known: Known) -> bool:
    """Tell whether a region that agrees on the grid is no more than the activation.

    A bound that the activation does without is the author's own: it is met beyond the grid, or keeps a
    logarithm behind it finite. And exp(x) / (1 + exp(x)) is no number in fp32 where exp(x) is none.
    """
    grid, far = _grid(), _far()
    expected = known.function(grid)
    bounds = (step for step in region if is_op(step, *_BOUNDS))
    if any(_close(_computed(region, source, grid, without=step), expected) for step in bounds):
        return False
    found = torch.isfinite(_computed(region, source, far))
    return bool(torch.equal(found, torch.isfinite(known.function(far))))


def _close(found: torch.Tensor, expected: torch.Tensor) -> bool:
    limit = _CLOSE * (1 + torch.maximum(found.abs(), expected.abs()))
    return bool(((found - expected).abs() <= limit).all())


def _computed(
    region: list[fx.Node], source: fx.Node, x: torch.Tensor, without: fx.Node | None = None
) -> torch.Tensor:
    """Return what a region makes of x; ``without`` hands on what it gets."""
    values: dict[fx.Node, Any] = {source: x}
    for step in region:
        assert callable(step.target)
        given: Any = fx.node.map_arg((step.args, dict(step.kwargs)), lambda n: values[n])
        values[step] = given[0][0] if step is without else step.target(*given[0], **given[1])
    result = values[region[-1]]
    assert isinstance(result, torch.Tensor)
    return result


@cache
def _grid() -> torch.Tensor:
    fine = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    return torch.cat([fine, torch.tensor([-80.0, -30.0, -1e-4, 1e-4, 30.0, 80.0], dtype=torch.float64)])


@cache
def _far() -> torch.Tensor:
    """Return values in fp32 at which some spellings overflow."""
    sizes = torch.tensor([89.0, 120.0, 1e3, 65504.0, 1e6, 1e15, 1e30])
    return torch.cat([-sizes, sizes])
