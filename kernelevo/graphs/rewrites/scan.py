"""Loops written out in Python: a chain of plain recurrent steps becomes one call of the fused C++ cell."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.lifting import escapes, fixed_nodes, is_given, written_nodes
from kernelevo.graphs.matching import arguments, aten, calls, is_op, on_cpu, same, shape
from kernelevo.graphs.rewrites.recurrent import snippet
from kernelevo.graphs.snippet import Snippet

FEWEST = 4  # steps; fewer are not worth a parallel region
_ADDS = (aten.add.Tensor, aten.add_.Tensor)
_KINDS = {
    "rnn_tanh": (aten.tanh.default, aten.tanh_.default),
    "rnn_relu": (aten.relu.default, aten.relu_.default),
}


@dataclass(frozen=True)
class _Step:
    """``after = activation(given + before W^T + bias)``."""

    kind: str
    given: fx.Node
    before: fx.Node
    weight: fx.Node
    bias: Any
    after: fx.Node


class RecurrentScan:
    """Chains ``h = tanh(g_t + W h)`` (or ReLU) whose g_t are the slices of one tensor, step by step."""

    name = "recurrent-scan"
    describes = "a recurrent loop over slices of one tensor in one C++ call for all steps"
    devices = frozenset({"cpu"})

    def apply(self, captured: Captured) -> int:
        """Replace each maximal chain."""
        return replace_chains(captured, snippet(), "recurrent_layer")


def replace_chains(captured: Captured, made: Snippet, function: str, most_rows: int | None = None) -> int:
    """Replace each maximal chain of steps, of at most so many rows, by a call; return how many.

    Args:
        captured: the graph.
        made: the snippet that defines the function.
        function: takes and returns what ``recurrent_layer`` does.
        most_rows: largest batch.
    """
    places = 0
    fixed = fixed_nodes(captured.graph)
    for chain in _chains(captured.graph, fixed):
        if most_rows is None or shape(chain[0].after)[0] <= most_rows:
            places += _replace(captured, chain, made, function)
    if places:
        _join_stacks(captured.graph)
    return places


def _step(node: fx.Node, fixed: set[fx.Node]) -> list[_Step]:
    """Return the ways to read ``node`` as a step; either summand may be the recurrent one."""
    kind = next((name for name, ops in _KINDS.items() if is_op(node, *ops)), None)
    total = node.args[0] if kind else None
    if kind is None or not is_op(total, *_ADDS):
        return []
    assert isinstance(total, fx.Node)
    given = arguments(total)
    found = []
    for layer, other in ((given["self"], given["other"]), (given["other"], given["self"])):
        if not is_op(layer, aten.linear.default) or not isinstance(other, fx.Node) or given["alpha"] != 1:
            continue
        before, weight, bias = (arguments(layer)[k] for k in ("input", "weight", "bias"))
        square = _constant(weight, fixed) and on_cpu(weight, other, before, node) and len(shape(node)) == 2
        if square and shape(weight) == (shape(node)[1],) * 2 and shape(other) == shape(before) == shape(node):
            found.append(_Step(kind, other, before, weight, bias, node))
    return found


def _constant(weight: fx.Node, fixed: set[fx.Node]) -> bool:
    """Return whether a weight is the same in every call: fixed, or a packed part of something fixed."""
    if weight in fixed:
        return True
    source = weight.args[0] if weight.target is operator.getitem else None
    snippet_call = isinstance(source, fx.Node) and source.op == "call_function"
    return snippet_call and all(n in fixed for n in source.all_input_nodes)  # type: ignore[union-attr]


def _chains(graph: fx.Graph, fixed: set[fx.Node]) -> list[list[_Step]]:
    """Return the maximal chains of steps with one weight, long enough to be worth it."""
    chains: list[list[_Step]] = []
    ends: dict[fx.Node, list[_Step]] = {}
    for node in graph.nodes:
        steps = _step(node, fixed)
        if not steps:
            continue
        linked = next((s for s in steps if s.before in ends and _alike(ends[s.before][-1], s)), None)
        if linked is not None:
            chain = ends.pop(linked.before)
            chain.append(linked)
        else:
            # Which summand is the recurrent one shows at the second step: keep the reading that continues.
            chain = [_first_reading(steps)]
            chains.append(chain)
        ends[node] = chain
    return [chain for chain in chains if len(chain) >= FEWEST]


def _first_reading(steps: list[_Step]) -> _Step:
    """Prefer the reading whose other summand is a slice, as in a loop over the slices of one tensor."""
    return next((s for s in steps if _slice(s.given) is not None), steps[0])


def _alike(a: _Step, b: _Step) -> bool:
    return a.kind == b.kind and same(a.weight, b.weight) and same(a.bias, b.bias)


def _slice(node: fx.Node) -> tuple[fx.Node, int, int] | None:
    """Return (tensor, axis, index) if ``node`` is one slice of a tensor."""
    if is_op(node, aten.select.int):
        given = arguments(node)
        source = given["self"]
        size = shape(source)
        axis = given["dim"] % len(size)
        return source, axis, given["index"] % size[axis]
    if node.op == "call_function" and node.target is operator.getitem:
        source, index = node.args
        if is_op(source, aten.unbind.int) and isinstance(source, fx.Node) and isinstance(index, int):
            given = arguments(source)
            size = shape(given["self"])
            axis = given["dim"] % len(size)
            return given["self"], axis, index % size[axis]
    return None


def _replace(captured: Captured, chain: list[_Step], made: Snippet, name: str) -> int:
    """Put one call in place of the chain; readers of a step get a view of it. Returns 1 if it did."""
    slices = [_slice(step.given) for step in chain]
    known = [s for s in slices if s is not None]
    if len(known) != len(slices):
        return 0
    source, axis, start = known[0]
    stride = 1 if known[1][2] > start else -1
    wanted = [(source, axis, start + stride * i) for i in range(len(chain))]
    if known != wanted or axis not in (0, 1) or len(shape(source)) != 3:
        return 0
    first, graph = chain[0], captured.graph
    captured.add_snippet(made)
    function = made.function(name)
    low = min(start, known[-1][2])
    with graph.inserting_before(first.after):
        gates = source
        if len(chain) != shape(source)[axis]:
            gates = graph.call_function(aten.slice.Tensor, (gates, axis, low, low + len(chain)))
        if axis == 1:
            gates = graph.call_function(aten.transpose.int, (gates, 0, 1))
        if stride < 0:
            gates = graph.call_function(aten.flip.default, (gates, [0]))
        call: tuple[Any, ...] = (first.kind, [gates], [first.before], [], [first.weight], [first.bias], False)
        both = graph.call_function(function, call)
        states = graph.call_function(operator.getitem, (both, 0))
        views = [graph.call_function(aten.select.int, (states, 0, i)) for i in range(len(chain))]
    states.meta["val"] = _recorded(chain)
    for step, view in zip(chain, views, strict=True):
        step.after.replace_all_uses_with(view)
        view.meta["val"] = step.after.meta["val"]
    for step in reversed(chain):
        _erase_step(step)
    return 1


def _recorded(chain: list[_Step]) -> Any:
    """Return a fake tensor of the shape of all states."""
    one = chain[0].after.meta["val"]
    return one.new_empty((len(chain), *one.shape))


def _join_stacks(graph: fx.Graph) -> None:
    """Replace ``stack`` of all slices of one tensor, in their order, by that tensor.

    Not where somebody could write to one of the two and meant the other to stay: the graph itself, or who
    gets the result and holds the tensor too.
    """
    written = written_nodes(graph)
    for user in list(calls(graph, aten.stack.default)):
        tensors, axis = (arguments(user)[k] for k in ("tensors", "dim"))
        slices = [_slice(tensor) for tensor in tensors]
        if slices[0] is None:
            continue
        source, along, _ = slices[0]
        rank = len(shape(source))
        if len(slices) != shape(source)[along] or slices != [(source, along, i) for i in range(len(slices))]:
            continue
        if user in written or source in written or (is_given(source) and escapes(user)):
            continue
        whole = source
        if axis % rank != along:
            with graph.inserting_before(user):
                whole = graph.call_function(aten.movedim.int, (source, along, axis % rank))
                whole = graph.call_function(aten.contiguous.default, (whole,))
        whole.meta["val"] = user.meta["val"]
        user.replace_all_uses_with(whole)
        graph.erase_node(user)


def _erase_step(step: _Step) -> None:
    """Erase a step's nodes; one of them may write in place, so it would not count as dead."""
    total = step.after.args[0]
    assert isinstance(total, fx.Node)
    for node in (step.after, total):
        if not node.users:
            node.graph.erase_node(node)
