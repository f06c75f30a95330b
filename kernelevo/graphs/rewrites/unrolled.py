"""Unrolled loops: linear layers of many steps that need not wait for one another, as one matrix product."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from operator import getitem
from typing import Any

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.lifting import fixed_nodes, unwritten, written_nodes
from kernelevo.graphs.matching import (
    arguments,
    aten,
    calls,
    is_float32,
    is_op,
    last_of,
    shape,
    sole_user,
    value,
)
from kernelevo.graphs.snippet import Snippet

FEWEST = 4  # steps; fewer are not worth a larger product
_PARTS = (  # views of one tensor, and tuples of such views
    aten.select.int, aten.slice.Tensor, aten.narrow.default, aten.squeeze.dim, aten.unbind.int,
    aten.split.Tensor, aten.chunk.default,
)  # fmt: skip

_SPLIT = '''
def {name}_made(weight):
    """Return the columns of a weight in two parts."""
    return weight.detach()[:, :{size}].contiguous(), weight.detach()[:, {size}:].contiguous()


def {name}(weight):
    """Return both parts; they follow the parameter."""
    return kernelevo.packed({name}_made, weight)
'''


class SplitSteps:
    """``W [x_t, h]`` in a loop as ``W_x x_t + W_h h``: the part of the inputs can then leave the loop."""

    name = "split-steps"
    describes = (
        "a layer on concatenated input and state, split in two, so that the input part leaves the loop"
    )

    def apply(self, captured: Captured) -> int:
        """Split the layers of a weight that is used in many steps on two concatenated vectors."""
        graph, fixed = captured.graph, fixed_nodes(captured.graph)
        places = 0
        for weight, members in _by_weight(graph, fixed).items():
            halves = [_halves(member) for member in members]
            pairs = [pair for pair in halves if pair is not None]
            widths = {shape(pair[0])[-1] for pair in pairs}
            if len(members) < FEWEST or None in halves or len(widths) != 1:
                continue
            if not all(unwritten(pair, member) for pair, member in zip(pairs, members, strict=True)):
                continue
            after = _reached(graph, members)
            waits = [tuple(part in after for part in pair) for pair in halves if pair is not None]
            kinds = {flags for flags in waits if any(flags)}
            if len(kinds) == 1 and (True, True) not in kinds:
                # the bias goes with the part that does not wait for the step before
                carrier = kinds.pop().index(False)
                self._split(captured, weight, members, (widths.pop(), carrier, places))
                places += 1
        return places

    def _split(
        self, captured: Captured, weight: fx.Node, members: list[fx.Node], plan: tuple[int, int, int]
    ) -> None:
        size, carrier, number = plan
        name = f"split_columns_{number}"
        snippet = Snippet(name, _SPLIT.format(name=name, size=size))
        captured.add_snippet(snippet)
        graph = captured.graph
        with graph.inserting_after(weight):
            made = graph.call_function(snippet.function(name), (weight,))
        with graph.inserting_after(made):
            columns = [graph.call_function(getitem, (made, i)) for i in (0, 1)]
        for part in columns:
            part.meta = {"settled": True, "val": weight.meta["val"]}
        for member in members:
            given, pair = arguments(member), _halves(member)
            assert pair is not None
            with graph.inserting_before(member):
                biases = [given["bias"] if i == carrier else None for i in range(2)]
                sums = [
                    graph.call_function(aten.linear.default, (part, column, bias))
                    for part, column, bias in zip(pair, columns, biases, strict=True)
                ]
                whole = graph.call_function(aten.add.Tensor, tuple(sums))
            for node in (*sums, whole):
                node.meta = dict(member.meta)
            member.replace_all_uses_with(whole)
            graph.erase_node(member)


class BatchedSteps:
    """Linear layers of equal weight in many steps, none of which waits for another, as one layer."""

    name = "batched-steps"
    describes = "one large product for a layer that is applied to many independent steps"

    def apply(self, captured: Captured) -> int:
        """Batch each group of independent layers of one weight, until there is none.

        Where two layers follow one another in each step, the first can be batched once the second is.
        """
        places = 0
        while self._batch_one(captured.graph):
            places += 1
        return places

    def _batch_one(self, graph: fx.Graph) -> bool:
        written = written_nodes(graph)
        for members in _by_weight(graph, None).values():
            inputs = [arguments(m)["input"] for m in members]
            biases = {arguments(m)["bias"] for m in members}
            alike = {shape(x) for x in inputs}
            read = {*inputs, *biases, arguments(members[0])["weight"]}
            if len(members) < FEWEST or len(biases) != 1 or len(alike) != 1 or written & read:
                continue
            after = _reached(graph, members)
            if any(x in after for x in inputs) or not _in_time(graph, members, inputs):
                continue
            self._batch(graph, members, inputs)
            return True
        return False

    def _batch(self, graph: fx.Graph, members: list[fx.Node], inputs: list[fx.Node]) -> None:
        given = arguments(members[0])
        source, dim = _stacked_already(inputs)
        needed = (*inputs, source, given["weight"], given["bias"])
        with graph.inserting_before(_next(last_of(graph, needed))):
            whole = source or graph.call_function(aten.stack.default, (inputs,))
            wide = graph.call_function(aten.linear.default, (whole, given["weight"], given["bias"]))
            steps = list(shape(members[0]))
            steps.insert(dim % (len(steps) + 1), len(members))
            wide.meta["val"] = value(members[0]).new_empty(steps)  # the next layer asks if it is stacked
            parts = [graph.call_function(aten.select.int, (wide, dim, i)) for i in range(len(members))]
        restacked = sole_user(members[0])
        for member, part in zip(members, parts, strict=True):
            part.meta = dict(member.meta)
            member.replace_all_uses_with(part)
            graph.erase_node(member)
        if restacked is not None and is_op(restacked, aten.stack.default):
            stacked = arguments(restacked)
            if list(stacked["tensors"]) == parts and stacked["dim"] == dim:
                restacked.replace_all_uses_with(wide)


def _by_weight(graph: fx.Graph, fixed: set[fx.Node] | None) -> dict[fx.Node, list[fx.Node]]:
    """Return the linear layers by the node of their weight; only parameters if ``fixed`` is given."""
    groups: dict[fx.Node, list[fx.Node]] = defaultdict(list)
    for node in calls(graph, aten.linear.default):
        given = arguments(node)
        known = fixed is None or (given["weight"].op == "get_attr" and given["weight"] in fixed)
        if known and is_float32(given["input"]) and is_float32(given["weight"]):
            groups[given["weight"]].append(node)
    return groups


def _halves(linear: fx.Node) -> tuple[fx.Node, fx.Node] | None:
    """Return the two vectors that a layer's input is concatenated from."""
    joined = arguments(linear)["input"]
    if not is_op(joined, aten.cat.default):
        return None
    given: dict[str, Any] = arguments(joined)
    tensors, last = given["tensors"], len(shape(joined)) - 1
    if len(tensors) != 2 or given["dim"] % (last + 1) != last:
        return None
    return tensors[0], tensors[1]


def _reached(graph: fx.Graph, members: Iterable[fx.Node]) -> set[fx.Node]:
    """Return every node that depends on one of ``members``, these left out unless they do."""
    start, reached = set(members), set()
    for node in graph.nodes:
        if any(source in start or source in reached for source in node.all_input_nodes):
            reached.add(node)
    return reached


def _in_time(graph: fx.Graph, members: list[fx.Node], inputs: list[fx.Node]) -> bool:
    """Tell whether all inputs are there before anything reads one of the results; see to it if need be.

    ``layer(x[:, t])`` in a loop takes its slice when the step before has been read: such views go ahead
    of the first reader, unless what they are views of is made or written to after it.
    """
    order = {node: i for i, node in enumerate(graph.nodes)}
    readers = [user for member in members for user in member.users]
    if not readers:
        return False
    first = min(readers, key=lambda user: order[user])
    late: set[fx.Node] = set()
    for x in inputs:
        part: Any = x
        while isinstance(part, fx.Node) and order[part] > order[first]:
            if not is_op(part, *_PARTS) and part.target is not getitem:
                return False
            if not unwritten(part.all_input_nodes, part):
                return False
            late.add(part)
            part = part.args[0]
    for part in sorted(late, key=lambda node: order[node]):
        first.prepend(part)
    return True


def _stacked_already(inputs: list[fx.Node]) -> tuple[fx.Node | None, int]:
    """Return the tensor that the inputs are all the slices of, in order, and along which dimension."""
    first = inputs[0]
    if not is_op(first, aten.select.int):
        return None, 0
    source, dim = first.args[:2]
    if not isinstance(source, fx.Node) or not isinstance(dim, int) or shape(source)[dim] != len(inputs):
        return None, 0
    rows = all(is_op(x, aten.select.int) and x.args == (source, dim, i) for i, x in enumerate(inputs))
    return (source, dim) if rows and dim not in (-1, len(shape(source)) - 1) else (None, 0)


def _next(node: fx.Node) -> fx.Node:
    return node.next
