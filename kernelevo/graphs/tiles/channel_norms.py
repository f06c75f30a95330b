"""Channel norms: batch and group normalisation written as elementwise operations of vectors per channel.

What is left of them joins the activations and sums behind them in one pass.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import (
    FRESH,
    arguments,
    aten,
    calls,
    is_float32,
    is_op,
    shape,
    sole_user,
    value,
)
from kernelevo.graphs.tiles.batch_moments import SNIPPET
from kernelevo.graphs.tiles.steps import understood


def spread_norms(captured: Captured) -> int:
    """Write each batch or group normalisation that has a fusible neighbour as operations; return how many.

    In training a batch normalisation's moments are taken by ``batch_moments``; the rest of it, and all of it
    in evaluation, is elementwise.
    """
    places = 0
    for node in calls(captured.graph, aten.batch_norm.default, aten.group_norm.default):
        given = arguments(node)
        if not _is_plain(node, given) or not _has_company(node, given["input"]):
            continue
        group = node.target is aten.group_norm.default
        counter = _counter(node) if given.get("training") else None
        before = node.prev
        last = _group(captured, node, given) if group else _batch(captured, node, given, counter)
        node.replace_all_uses_with(last)
        captured.graph.erase_node(node)
        _sink(before.next, last)
        places += 1
    return places


def _is_plain(node: fx.Node, given: dict[str, Any]) -> bool:
    tensors = (given[k] for k in ("weight", "bias", "running_mean", "running_var") if k in given)
    found = [node, given["input"], *(t for t in tensors if t is not None)]
    if not all(is_float32(n) and value(n).is_contiguous() for n in found):
        return False
    if (given["weight"] is None) != (given["bias"] is None):
        return False
    sizes = shape(node)
    if not math.prod(sizes) or len(sizes) < 2:
        return False
    if node.target is aten.group_norm.default:
        return given["weight"] is not None
    if (given["running_mean"] is None) != (given["running_var"] is None):
        return False
    return given["running_mean"] is not None if not given["training"] else sizes[0] * math.prod(sizes[2:]) > 1


def _has_company(node: fx.Node, x: fx.Node) -> bool:
    """Tell whether an operation beside a normalisation can share its pass."""
    user = sole_user(node)
    if user is not None and understood(user):
        return True
    return any(understood(u) for u in node.users) or (understood(x) and sole_user(x) is node)


def _sink(first: fx.Node, last: fx.Node) -> None:
    """Move operations down to where they are first used, moments left where they are.

    So nothing stands between them and a sum with another branch. The input must be no one else's, since it
    is then read later.
    """
    made = [first]
    while made[-1] is not last:
        made.append(made[-1].next)
    moments = first if not isinstance(first.target, torch._ops.OpOverload) else None
    entries = [n for node in made for n in node.all_input_nodes if n not in made and n.op == "call_function"]
    own = all(is_op(n, *FRESH) and all(u in made for u in n.users) for n in entries)
    if moments is None or not own or not last.users:
        return
    order = {node: number for number, node in enumerate(last.graph.nodes)}
    reader = min(last.users, key=order.__getitem__)
    for node in made[1:]:
        reader.prepend(node)


def _call(captured: Captured, node: fx.Node, target: Any, *args: Any) -> fx.Node:
    """Put a call before ``node``, with its recorded value."""
    with captured.graph.inserting_before(node):
        made = captured.graph.call_function(target, args)
    values = [value(a) if isinstance(a, fx.Node) else a for a in args]
    made.meta["val"] = target(*values)
    return made


def _channels(captured: Captured, node: fx.Node, vector: fx.Node) -> fx.Node:
    """Return a vector per channel in a shape that broadcasts to the node's."""
    sizes = [1, shape(node)[1], *(1 for _ in shape(node)[2:])]
    return _call(captured, node, aten.view.default, vector, sizes)


def _batch(captured: Captured, node: fx.Node, given: dict[str, Any], counter: fx.Node | None) -> fx.Node:
    x, weight, bias = given["input"], given["weight"], given["bias"]
    running = (given["running_mean"], given["running_var"])
    if given["training"]:
        captured.add_snippet(SNIPPET)
        told = (weight, bias, *running, float(given["momentum"]), float(given["eps"]), counter)
        with captured.graph.inserting_before(node):
            moments = captured.graph.call_function(SNIPPET.function("batch_moments"), (x, *told))
        moments.meta["val"] = value(x).new_empty(3, shape(x)[1])
        rows = [_call(captured, node, aten.select.int, moments, 0, n) for n in range(3)]
        mean, scale = (_channels(captured, node, row) for row in rows[:2])
        shift: fx.Node | None = _channels(captured, node, rows[2])
    else:
        mean, spread = (_channels(captured, node, vector) for vector in running)
        around = _call(captured, node, aten.add.Tensor, spread, float(given["eps"]))
        scale = _call(captured, node, aten.rsqrt.default, around)
        if weight is not None:
            scale = _call(captured, node, aten.mul.Tensor, scale, _channels(captured, node, weight))
        shift = None if bias is None else _channels(captured, node, bias)
    y = _call(captured, node, aten.sub.Tensor, x, mean)
    y = _call(captured, node, aten.mul.Tensor, y, scale)
    return y if shift is None else _call(captured, node, aten.add.Tensor, y, shift)


def _counter(node: fx.Node) -> fx.Node | None:
    """Return the counter of batches that moves on before a normalisation, after taking that step away.

    Nothing else may read it, so that it does not matter when it moves.
    """
    step = node.prev
    while step.op == "get_attr" or is_op(step, aten.view.default):
        step = step.prev
    if not is_op(step, aten.add_.Tensor) or step.users or step.args[1:] != (1,) or step.kwargs:
        return None
    counter = step.args[0]
    if not isinstance(counter, fx.Node) or counter.op != "get_attr" or len(counter.users) != 1:
        return None
    readers = [n for n in node.graph.nodes if n.op == "get_attr" and n.target == counter.target]
    if len(readers) != 1 or value(counter).dtype != torch.int64 or value(counter).numel() != 1:
        return None
    node.graph.erase_node(step)
    return counter


def _group(captured: Captured, node: fx.Node, given: dict[str, Any]) -> fx.Node:
    told = (given["input"], given["num_groups"], None, None, given["eps"])
    y = _call(captured, node, aten.group_norm.default, *told)
    y = _call(captured, node, aten.mul.Tensor, y, _channels(captured, node, given["weight"]))
    return _call(captured, node, aten.add.Tensor, y, _channels(captured, node, given["bias"]))
