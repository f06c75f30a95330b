"""Lifting: parts of a graph that depend on nothing but the module's tensors, as functions of those."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

from kernelevo.graphs.matching import draws, mutates
from kernelevo.graphs.printing import wrap
from kernelevo.graphs.spelling import Speller


@dataclass(frozen=True)
class Lifted:
    """A value as a function.

    Args:
        text: definition of the function.
        name: its name.
        sources: the ``get_attr`` nodes it takes, in order; empty for a constant.
    """

    text: str
    name: str
    sources: tuple[fx.Node, ...]


def fixed_nodes(graph: fx.Graph) -> set[fx.Node]:
    """Return the nodes whose values change only when parameters, buffers or constants are assigned.

    A tensor that the graph itself writes to (running statistics, anything in place) is not fixed.
    """
    written = written_nodes(graph)
    fixed: set[fx.Node] = set()
    for node in graph.nodes:
        if node in written:
            continue
        if node.op == "get_attr":
            fixed.add(node)
        elif node.op == "call_function" and not draws(node) and not mutates(node):
            pure = isinstance(node.target, torch._ops.OpOverload) or node.target.__name__ == "getitem"
            if pure and all(source in fixed for source in node.all_input_nodes):
                fixed.add(node)
    return fixed


def written_nodes(graph: fx.Graph) -> set[fx.Node]:
    """Return the nodes that share memory with something written to."""
    return _sharing(graph, [target for node in graph.nodes for target in mutates(node)])


def unwritten(values: Iterable[fx.Node | None], reader: fx.Node) -> bool:
    """Tell whether values are at a reader's place what they were when they were made.

    Who moves a read there asks this: in ``y = conv(h); h.relu_(); norm(y)`` the convolution has to stay
    before the write. None is left out.
    """
    graph = reader.graph
    order = {node: place for place, node in enumerate(graph.nodes)}
    writes = [(order[node], written) for node in graph.nodes if (written := mutates(node))]
    for value in values if writes else ():
        if value is None:
            continue
        memory = _sharing(graph, [value])
        between = (written for place, written in writes if order[value] < place < order[reader])
        if any(memory & written for written in between):
            return False
    return True


def _sharing(graph: fx.Graph, nodes: list[fx.Node]) -> set[fx.Node]:
    """Return the nodes that may share memory with these, themselves among them."""
    found: set[fx.Node] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if node in found:
            continue
        found.add(node)
        todo += [other for other in node.users if may_alias(other, node)]
        todo += [other for other in node.all_input_nodes if may_alias(node, other)]
    names = {node.target for node in found if node.op == "get_attr"}
    return found | {node for node in graph.nodes if node.op == "get_attr" and node.target in names}


_MAYBE = frozenset(  # operators that return what they were given where nothing is to do; no schema says so
    (
        "reshape", "contiguous", "to", "flatten", "expand_as", "type_as", "broadcast_tensors", "meshgrid",
        "einsum", "atleast_1d", "atleast_2d", "atleast_3d", "chain_matmul", "dropout", "feature_dropout",
        "alpha_dropout", "feature_alpha_dropout", "clone_if_needed",
    )
)  # fmt: skip


def may_alias(result: fx.Node, source: fx.Node) -> bool:
    """Tell whether a call may return a view of one of its inputs."""
    target = result.target
    if result.op != "call_function":
        return False
    if not isinstance(target, torch._ops.OpOverload):
        return True
    if target._schema.name.partition("::")[2] in _MAYBE:
        return True
    for position, argument in enumerate(target._schema.arguments):
        given = result.args[position] if position < len(result.args) else result.kwargs.get(argument.name)
        if given is source and argument.alias_info is not None:
            return True
    return False


def escapes(node: fx.Node) -> bool:
    """Tell whether a value, or a view of it, is returned: the caller may write to it."""
    todo, seen = [node], set()
    while todo:
        current = todo.pop()
        for user in current.users:
            if user.op == "output":
                return True
            if user not in seen and may_alias(user, current):
                seen.add(user)
                todo.append(user)
    return False


def is_given(node: fx.Node) -> bool:
    """Tell whether a tensor may be one that the caller or the module holds, or a view of it.

    What a function of ours returns is new memory.
    """
    todo, seen = [node], {node}
    while todo:
        current = todo.pop()
        if current.op != "call_function":
            return True
        if current.target is operator.getitem or isinstance(current.target, torch._ops.OpOverload):
            sources = [s for s in current.all_input_nodes if s not in seen and may_alias(current, s)]
            seen.update(sources)
            todo += sources
    return False


def lift(name: str, node: fx.Node, fixed: set[fx.Node]) -> Lifted:
    """Return the value of a fixed node as a function of the tensors it is made from.

    Raises:
        ValueError: if the node is not fixed, or part of it has no textual form.
    """
    if node not in fixed:
        raise ValueError(f"{node.name} depends on more than the module's tensors")
    needed = _cone(node)
    sources = tuple(n for n in needed if n.op == "get_attr")
    names = {n: f"v{i}" for i, n in enumerate(needed)}
    device = f"{names[sources[0]]}.device" if sources else 'torch.device("cpu")'
    speller = Speller(names, device)
    lines = [f"def {name}({', '.join(names[n] for n in sources)}):"]
    for step in needed:
        if step.op == "call_function":
            head, args, tail = speller.call(step)
            lines += wrap(f"    {names[step]} = {head}", args, tail)
    lines.append(f"    return {names[node]}")
    return Lifted("\n".join(lines) + "\n", name, sources)


def _cone(node: fx.Node) -> Sequence[fx.Node]:
    """Return a node and all it is made from, in the order of the graph."""
    cone: set[fx.Node] = set()
    todo = [node]
    while todo:
        current = todo.pop()
        if current not in cone:
            cone.add(current)
            todo += current.all_input_nodes
    return [n for n in node.graph.nodes if n in cone]


def tensors_of(node: fx.Node) -> set[str]:
    """Return the names of the module's tensors that a fixed node is made of."""
    return {str(n.target) for n in _cone(node) if n.op == "get_attr"}


def evaluate(node: fx.Node, tensors: Iterable[tuple[str, torch.Tensor]]) -> torch.Tensor:
    """Return the present value of a fixed node, given the module's tensors by name."""
    state = dict(tensors)
    values: dict[fx.Node, Any] = {}
    for step in _cone(node):
        if step.op == "get_attr":
            values[step] = state[str(step.target)].detach()
        else:
            assert callable(step.target)
            given: Any = fx.node.map_arg((step.args, dict(step.kwargs)), lambda n: values[n])
            values[step] = step.target(*given[0], **given[1])
    result = values[node]
    assert isinstance(result, torch.Tensor)
    return result
