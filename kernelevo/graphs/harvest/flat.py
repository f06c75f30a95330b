"""FlatGraph: a captured graph with its state as inputs, and a captured graph made of one single call."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.harvest.opaque import HarvestError
from kernelevo.graphs.snippet import Snippet


@dataclass(frozen=True)
class FlatGraph:
    """A graph of tensors only: ``module(*state, *inputs)`` gives a tuple of tensors.

    Args:
        module: the graph; mutated buffers are written in place.
        state: names of the state tensors it takes, in order.
        inputs: positions of the tensors among the captured graph's placeholders, in order.
        examples: one tensor per input, state first.
        outputs: positions of the tensors among the leaves of the captured graph's output.
    """

    module: GraphModule
    state: tuple[str, ...]
    inputs: tuple[int, ...]
    examples: tuple[torch.Tensor, ...]
    outputs: tuple[int, ...]


def flatten(captured: Captured) -> FlatGraph:
    """Return the captured graph with every tensor it owns as an input.

    Raises:
        HarvestError: if two state tensors share storage without being one object, or an input is a
            number that the graph uses.
    """
    placeholders = [n for n in captured.graph.nodes if n.op == "placeholder"]
    values = captured.calls[0].leaves()
    if len(values) != len(placeholders):
        raise HarvestError(f"the graph has {len(placeholders)} inputs, the call {len(values)}")
    graph, copies = Graph(), {}
    entries = captured.skeleton.by_name
    taken: dict[str, Node] = {}
    for node in captured.graph.nodes:
        if node.op == "get_attr":
            name = entries[node.target].alias or node.target
            if name not in taken:
                taken[name] = graph.placeholder(f"state_{len(taken)}")
            copies[node] = taken[name]
    state = [_like_state(entries[name].tensor) for name in taken]
    _refuse_overlaps(list(taken), state)
    inputs = tuple(i for i, v in enumerate(values) if isinstance(v, torch.Tensor))
    for i, node in enumerate(placeholders):
        if i in inputs:
            copies[node] = graph.placeholder(f"input_{i}")
        elif node.users:
            raise HarvestError(f"input {node.name} is no tensor ({type(values[i]).__name__}) but is used")
    outputs = _copy_body(captured.graph, graph, copies)
    graph.lint()
    examples = (*state, *(_dense(values[i].detach()) for i in inputs))
    return FlatGraph(GraphModule({}, graph), tuple(taken), inputs, examples, outputs)


def _copy_body(source: Graph, target: Graph, copies: dict[Node, Node]) -> tuple[int, ...]:
    """Copy all but inputs and state; return which leaves of the output are tensors."""
    for node in source.nodes:
        if node.op == "output":
            leaves = node.args[0]
            tensors = tuple(i for i, leaf in enumerate(leaves) if isinstance(leaf, Node))
            target.output(tuple(copies[leaves[i]] for i in tensors))
            return tensors
        if node.op not in ("get_attr", "placeholder"):
            copies[node] = target.node_copy(node, lambda n: copies[n])
    raise HarvestError("the graph has no output")


def _like_state(tensor: torch.Tensor) -> torch.Tensor:
    """A parameter that may be trained says so: ATen folds its products with stacked matrices only then."""
    return tensor.detach().requires_grad_(tensor.requires_grad)


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of the same layout without gaps."""
    return torch.empty_like(tensor).copy_(tensor)


def _refuse_overlaps(names: Sequence[str], tensors: Sequence[torch.Tensor]) -> None:
    """Compilers assume that state tensors do not overlap."""
    owners: dict[int, str] = {}
    for name, tensor in zip(names, tensors, strict=True):
        if tensor.numel() == 0:
            continue
        other = owners.setdefault(tensor.untyped_storage().data_ptr(), name)
        if other != name:
            raise HarvestError(f"{name} and {other} share storage without being one tensor")


def as_one_call(
    captured: Captured, flat: FlatGraph, snippet: Snippet, function: str, *, run: bool = True
) -> Captured:
    """Return a copy of ``captured`` whose graph is ``function(*state, *inputs)`` of ``snippet``.

    The snippet takes the place of all others: it must hold the text of those it needs. ``run=False`` is for
    code that cannot run here.
    """
    twin = captured.copy()
    twin.snippets = {}
    twin.add_snippet(snippet)
    graph = twin.graph
    placeholders = [n for n in graph.nodes if n.op == "placeholder"]
    output = next(n for n in graph.nodes if n.op == "output")
    call: Callable[..., Any] = snippet.function(function)
    with graph.inserting_before(output):
        state = [graph.get_attr(name) for name in flat.state]
        result = graph.call_function(call, (*state, *(placeholders[i] for i in flat.inputs)))
        parts = [graph.call_function(operator.getitem, (result, k)) for k in range(len(flat.outputs))]
    leaves = list(output.args[0])
    for k, i in enumerate(flat.outputs):
        leaves[i] = parts[k]
    output.args = (tuple(leaves),)
    kept = {output, result, *parts, *state, *placeholders}
    for node in reversed(list(graph.nodes)):
        if node not in kept:
            graph.erase_node(node)
    graph.lint()
    twin.gm.recompile()
    if run:
        twin.annotate()
    return twin
