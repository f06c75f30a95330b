"""Attention: a written-out softmax(q k^T) v becomes one scaled_dot_product_attention."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.epilogue import loosen_views
from kernelevo.graphs.extent import extent
from kernelevo.graphs.lifting import evaluate, fixed_nodes, lift, tensors_of, unwritten, written_nodes
from kernelevo.graphs.matching import (
    arguments,
    aten,
    calls,
    is_float32,
    is_op,
    mutates,
    shape,
    sole_user,
    value,
)
from kernelevo.graphs.skeleton import LITERALS
from kernelevo.graphs.snippet import Snippet

_HIDDEN = -1e9  # a score at most this adds exp(-1e9) = 0 to a row that has any other
_ADDS = (aten.add.Tensor, aten.add_.Tensor)
_FILLS = (aten.masked_fill.Scalar, aten.masked_fill_.Scalar)

_GUARDED = '''
{mask}

def {name}_causal({sources}):
    """Tell whether the mask lets each row see itself and what comes before it, no more."""
    hidden = {name}_mask({sources})
    return bool(torch.equal(hidden, torch.ones_like(hidden).triu(1)))


def {name}(query, key, value, scale, {sources}):
    """Attention under a mask made of the module's own tensors; the fused kernel if it is causal."""
    if kernelevo.packed({name}_causal, {sources}):
        return F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scale)
    scores = torch.matmul(query, key.transpose(-2, -1)) * scale
    scores = scores.masked_fill({name}_mask({sources}), {fill})
    return torch.matmul(torch.softmax(scores, -1), value)
'''


@dataclass(frozen=True)
class Scores:
    """What stands before a softmax: ``scale * query key^T``, masked.

    Args:
        query: left operand.
        keys: right operand, already transposed.
        scale: factor on the product.
        bias: tensor added to the scores, or None.
        hidden: boolean mask of the scores replaced by ``fill``, or None.
        fill: what masked scores become.
    """

    query: fx.Node
    keys: fx.Node
    scale: float = 1.0
    bias: fx.Node | None = None
    hidden: fx.Node | None = None
    fill: float = -math.inf


class FusedAttention:
    """Materialised attention with softmax, causal or not, at any scale, batched in any layout."""

    name = "fused-attention"
    describes = "softmax(q k^T) v in one scaled_dot_product_attention instead of stored scores"

    def apply(self, captured: Captured) -> int:
        """Match from each softmax outwards."""
        number_factors(captured)
        places = 0
        for softmax in calls(captured.graph, aten.softmax.int, aten._softmax.default):
            given = arguments(softmax)
            product = sole_user(softmax)
            last = given["dim"] in (-1, len(shape(softmax)) - 1)
            if not last or not is_float32(given["self"]) or not is_float32(softmax):
                continue
            if product is None or not is_op(product, aten.matmul.default, aten.bmm.default):
                continue
            scores = read_scores(given["self"])
            if product.args[0] is not softmax or scores is None:
                continue
            places += self._replace(captured, scores, product, places)
        if places:
            loosen_views(captured.graph)  # the fused kernel's result lies in other strides than a product
        return places

    def _replace(self, captured: Captured, scores: Scores, product: fx.Node, number: int) -> int:
        value = product.args[1]
        assert isinstance(value, fx.Node)
        batch = shape(scores.query)[:-2]
        if not (batch == shape(scores.keys)[:-2] == shape(value)[:-2]) or len(batch) not in (1, 2):
            return 0
        if not unwritten([scores.query, scores.keys, scores.bias, scores.hidden], product):
            return 0
        graph = captured.graph
        with graph.inserting_before(product):
            operands = [scores.query, _untransposed(graph, scores.keys), value]
            if len(batch) == 1:
                operands = [graph.call_function(aten.unsqueeze.default, (x, 0)) for x in operands]
            result = _attend(captured, scores, operands, f"attention_{number}")
            if result is None:
                return 0
            if len(batch) == 1:
                result = graph.call_function(aten.squeeze.dim, (result, 0))
        result.meta["val"] = product.meta["val"]  # attention on it asks for its shape
        product.replace_all_uses_with(result)
        return 1


def _attend(captured: Captured, scores: Scores, operands: list[fx.Node], name: str) -> fx.Node | None:
    """Insert the fused call, or return None if the mask forbids it."""
    graph = captured.graph
    fused = aten.scaled_dot_product_attention.default
    options: dict[str, Any] = {"scale": scores.scale}
    if scores.bias is not None:
        if scores.hidden is None and _is_finite(captured, scores.bias):
            return graph.call_function(fused, (*operands, scores.bias), options)
        return _biased(captured, scores, operands, name)
    if scores.hidden is None:
        return graph.call_function(fused, tuple(operands), options)
    return _masked(captured, scores, operands, name)


def _is_finite(captured: Captured, bias: fx.Node) -> bool:
    """Tell whether a bias hides nothing: whatever the inputs, or now if it is made of the module's tensors.

    A row that is hidden as a whole is answered differently by the fused kernel.
    """
    if extent(bias, written_nodes(captured.graph)) is not None:
        return True
    if bias.op != "get_attr" and bias not in fixed_nodes(captured.graph):
        return False
    state = ((entry.name, entry.tensor) for entry in captured.skeleton.entries)
    return bool(torch.isfinite(evaluate(bias, state)).all())


def _masked(captured: Captured, scores: Scores, operands: list[fx.Node], name: str) -> fx.Node | None:
    """Insert a call for a boolean mask: causal if it is made of constants, checked if of buffers."""
    graph, hidden = captured.graph, scores.hidden
    assert hidden is not None
    fixed = fixed_nodes(graph)
    if not is_causal(captured, scores, fixed):
        return _padded(graph, scores, operands)
    lifted = lift(f"{name}_mask", hidden, fixed)
    if not lifted.sources:
        return _causal(graph, operands, scores.scale)
    sources = ", ".join(f"s{i}" for i in range(len(lifted.sources)))
    fill = 'float("-inf")' if math.isinf(scores.fill) else repr(scores.fill)
    snippet = Snippet(name, _GUARDED.format(mask=lifted.text, name=name, sources=sources, fill=fill))
    captured.add_snippet(snippet)
    return graph.call_function(snippet.function(name), (*operands, scores.scale, *lifted.sources))


def _padded(graph: fx.Graph, scores: Scores, operands: list[fx.Node]) -> fx.Node | None:
    """Insert a call that adds a number to the scores which any mask replaces by one.

    The number is so large that no score shows beside it: a row that is hidden as a whole has equal weights,
    as it has with the fill. Not where the fill is infinite, since such a row is then undefined.
    """
    hidden = scores.hidden
    assert hidden is not None
    whole = (*shape(scores.query)[:-1], shape(scores.keys)[-1])
    mask = shape(hidden)
    fits = len(mask) <= len(whole) and all(
        mine in (1, size) for mine, size in zip(reversed(mask), reversed(whole), strict=False)
    )
    if math.isinf(scores.fill) or not fits or value(hidden).dtype is not torch.bool:
        return None
    numbers = graph.call_function(aten.to.dtype, (hidden, torch.float32))
    bias = graph.call_function(aten.mul.Tensor, (numbers, torch.finfo(torch.float32).min))
    fused = aten.scaled_dot_product_attention.default
    return graph.call_function(fused, (*operands, bias), {"scale": scores.scale})


def is_causal(captured: Captured, scores: Scores, fixed: set[fx.Node]) -> bool:
    """Tell whether scores are hidden by a mask, made of the module's tensors, that is causal now.

    Args:
        captured: the graph.
        scores: of it.
        fixed: its nodes that are made of the module's tensors alone.
    """
    hidden, rows, columns = scores.hidden, shape(scores.query)[-2], shape(scores.keys)[-1]
    if hidden is None or hidden not in fixed or rows != columns:
        return False
    now = evaluate(hidden, ((entry.name, entry.tensor) for entry in captured.skeleton.entries))
    return now.shape[-2:] == (rows, columns) and torch.equal(now, torch.ones_like(now).triu(1))


def _biased(captured: Captured, scores: Scores, operands: list[fx.Node], name: str) -> fx.Node | None:
    """Insert a causal call for an added mask of zeros and -inf that is a constant of the graph."""
    graph, bias = captured.graph, scores.bias
    assert bias is not None
    fixed = fixed_nodes(graph)
    if bias not in fixed or scores.hidden is not None:
        return None
    lifted = lift(f"{name}_mask", bias, fixed)
    constant = all(captured.skeleton.by_name[str(s.target)].kind == "constant" for s in lifted.sources)
    state = ((entry.name, entry.tensor) for entry in captured.skeleton.entries)
    now = evaluate(bias, state)
    causal = torch.zeros_like(now).masked_fill(torch.ones_like(now, dtype=torch.bool).triu(1), -math.inf)
    square = now.dim() >= 2 and now.shape[-2:] == (shape(scores.query)[-2], shape(scores.keys)[-1])
    if not constant or not square or now.shape[-1] != now.shape[-2] or not torch.equal(now, causal):
        return None
    return _causal(graph, operands, scores.scale)


def _causal(graph: fx.Graph, operands: list[fx.Node], scale: float) -> fx.Node:
    options: dict[str, Any] = {"is_causal": True, "scale": scale}
    return graph.call_function(aten.scaled_dot_product_attention.default, tuple(operands), options)


def read_scores(node: fx.Node) -> Scores | None:
    """Read the chain before a softmax from its end to the product of query and keys."""
    if len(node.users) != 1:
        return None
    if is_op(node, aten.matmul.default, aten.bmm.default):
        query, keys = node.args
        assert isinstance(query, fx.Node) and isinstance(keys, fx.Node)
        scaled = None if mutates(query) else _scaled(query)  # what is written over would be scaled twice
        return Scores(*(scaled[0], keys, scaled[1])) if scaled else Scores(query, keys)
    if is_op(node, aten.baddbmm.default):
        given = arguments(node)
        alpha = float(given["alpha"])
        bias = given["self"] if given["beta"] else None
        return Scores(given["batch1"], given["batch2"], alpha, bias) if given["beta"] in (0, 1) else None
    if is_op(node, *_FILLS):
        given = arguments(node)
        inner = read_scores(given["self"])
        if inner is None or inner.hidden is not None or inner.bias is not None or given["value"] > _HIDDEN:
            return None
        return replace(inner, hidden=given["mask"], fill=float(given["value"]))
    if is_op(node, aten.where.ScalarOther):
        return _chosen(node)
    factor = _scaled(node)
    if factor is not None:
        inner = read_scores(factor[0])
        if inner is None or inner.hidden is not None or inner.bias is not None:
            return None
        return replace(inner, scale=inner.scale * factor[1])
    if is_op(node, *_ADDS):
        return _added(node)
    return None


def _chosen(node: fx.Node) -> Scores | None:
    """Read ``where(shown, scores, number)``."""
    given = arguments(node)
    inner = read_scores(given["self"]) if isinstance(given["self"], fx.Node) else None
    if inner is None or inner.hidden is not None or inner.bias is not None or given["other"] > _HIDDEN:
        return None
    with node.graph.inserting_before(node):
        hidden = node.graph.call_function(aten.logical_not.default, (given["condition"],))
    hidden.meta["val"] = given["condition"].meta["val"]
    return replace(inner, hidden=hidden, fill=float(given["other"]))


def _added(node: fx.Node) -> Scores | None:
    """Read ``scores + bias`` in either order."""
    given = arguments(node)
    left, right = given["self"], given["other"]
    if given["alpha"] != 1 or not isinstance(left, fx.Node) or not isinstance(right, fx.Node):
        return None
    for scored, bias in ((left, right), (right, left)):
        inner = read_scores(scored) if shape(scored) == shape(node) else None
        if inner is not None and inner.bias is None and inner.hidden is None and is_float32(bias):
            return replace(inner, bias=bias)
    return None


def _scaled(node: fx.Node) -> tuple[fx.Node, float] | None:
    """Read ``x * number`` or ``x / number``."""
    if is_op(node, aten.mul.Tensor, aten.mul_.Tensor, aten.mul.Scalar):
        source, factor = node.args[:2]
        if isinstance(factor, fx.Node) and isinstance(source, (int, float)):
            source, factor = factor, source
        if isinstance(source, fx.Node) and isinstance(factor, (int, float)):
            return source, float(factor)
    if is_op(node, aten.div.Tensor, aten.div_.Tensor, aten.div.Scalar):
        source, divisor = node.args[:2]
        if isinstance(source, fx.Node) and isinstance(divisor, (int, float)) and divisor:
            return source, 1.0 / float(divisor)
    return None


def _untransposed(graph: fx.Graph, keys: fx.Node) -> fx.Node:
    """Return keys with one row per key: what was transposed, or its transpose."""
    rank = len(shape(keys))
    if is_op(keys, aten.transpose.int):
        source, *dims = keys.args
        if {d % rank for d in dims if isinstance(d, int)} == {rank - 1, rank - 2}:
            assert isinstance(source, fx.Node)
            return source
    return graph.call_function(aten.transpose.int, (keys, -2, -1))


def number_factors(captured: Captured) -> None:
    """Write factors and divisors that are made of literals alone, as sqrt(tensor(64)) is, as numbers.

    A tensor that is a plain attribute of the module may be exchanged later, and stays.
    """
    fixed = fixed_nodes(captured.graph)
    entries = captured.skeleton.entries
    constants = {e.name: e.tensor for e in entries if e.kind == "constant" and e.name.startswith(LITERALS)}
    for node in calls(captured.graph, aten.mul.Tensor, aten.div.Tensor):
        x, factor = node.args[:2]
        if not isinstance(factor, fx.Node) or factor not in fixed or not is_float32(factor):
            continue
        plain = is_float32(x) and shape(x) == shape(node) and math.prod(shape(factor)) == 1
        if plain and x not in fixed and all(n in constants for n in tensors_of(factor)):
            node.args = (x, evaluate(factor, constants.items()).item())
