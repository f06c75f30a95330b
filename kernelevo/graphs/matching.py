"""Matching: questions that rewrites ask about nodes, with arguments read through the operator's schema."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import fx

aten = torch.ops.aten


FRESH = (  # operators whose result is newly allocated and never a view of an input
    aten.linear,
    aten.conv1d,
    aten.conv2d,
    aten.conv3d,
    aten.conv_transpose2d,
    aten.batch_norm,
    aten.layer_norm,
    aten.group_norm,
    aten.add,
    aten.sub,
    aten.mul,
    aten.div,
    aten.addmm,
    aten.baddbmm,
    aten.bmm,
    aten.mm,
    aten.masked_fill,
    aten.matmul,
    aten.cat,
)


def is_op(node: Any, *ops: Any) -> bool:
    """Tell whether ``node`` calls one of ``ops`` (overloads, or packets for any overload)."""
    if not isinstance(node, fx.Node) or node.op != "call_function":
        return False
    packet = getattr(node.target, "overloadpacket", None)
    return any(node.target is op or (packet is not None and packet is op) for op in ops)


def arguments(node: fx.Node) -> dict[str, Any]:
    """Return the arguments of an ATen call by schema name, defaults filled in.

    Raises:
        TypeError: if the node does not call an operator overload.
    """
    target = node.target
    if not isinstance(target, torch._ops.OpOverload):
        raise TypeError(f"{node.name} does not call an operator overload")
    found: dict[str, Any] = {}
    for position, argument in enumerate(target._schema.arguments):
        if position < len(node.args):
            found[argument.name] = node.args[position]
        elif argument.name in node.kwargs:
            found[argument.name] = node.kwargs[argument.name]
        else:
            found[argument.name] = argument.default_value
    return found


def value(node: Any) -> torch.Tensor:
    """Return the FakeTensor recorded for a node: its shape, dtype, strides and device.

    Raises:
        TypeError: if the node was not recorded or produces no single tensor.
    """
    found = node.meta.get("val") if isinstance(node, fx.Node) else None
    if not isinstance(found, torch.Tensor):
        raise TypeError(f"{node} has no recorded tensor value")
    return found


def shape(node: Any) -> tuple[int, ...]:
    """Return the recorded shape of a node."""
    return tuple(value(node).shape)


def is_float32(node: Any) -> bool:
    """Tell whether a node is recorded as one fp32 tensor."""
    found = node.meta.get("val") if isinstance(node, fx.Node) else None
    return isinstance(found, torch.Tensor) and found.dtype == torch.float32


def calls(graph: fx.Graph, *ops: Any) -> Iterator[fx.Node]:
    """Yield the nodes that call one of ``ops``, in order, safe against erasing the one yielded."""
    for node in list(graph.nodes):
        if is_op(node, *ops):
            yield node


def sole_user(node: fx.Node) -> fx.Node | None:
    """Return the only user of a node, or None."""
    return next(iter(node.users)) if len(node.users) == 1 else None


def parts(node: fx.Node) -> dict[int, fx.Node] | None:
    """Return the getitem users of a tuple-valued node by index; None if it has other users."""
    found: dict[int, fx.Node] = {}
    for user in node.users:
        if user.target is not operator.getitem or user.args[1] in found:
            return None
        index = user.args[1]
        assert isinstance(index, int)
        found[index] = user
    return found


def mutates(node: fx.Node) -> frozenset[fx.Node]:
    """Return the nodes whose tensors an ATen call writes to (in place, out=, running statistics)."""
    if is_op(node, aten.batch_norm, aten.instance_norm):
        given = arguments(node)
        training = given.get("training", given.get("use_input_stats"))
        running = (given["running_mean"], given["running_var"])
        return frozenset(n for n in running if isinstance(n, fx.Node)) if training else frozenset()
    target = node.target
    if not isinstance(target, torch._ops.OpOverload) or not target._schema.is_mutable:
        return frozenset()
    given = arguments(node)
    written = (a.name for a in target._schema.arguments if a.alias_info is not None and a.alias_info.is_write)
    held = (given[name] for name in written)
    flat = (n for one in held for n in (one if isinstance(one, (list, tuple)) else (one,)))
    return frozenset(n for n in flat if isinstance(n, fx.Node))


def draws(node: fx.Node) -> bool:
    """Tell whether a node advances the random generator."""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload):
        return False
    if torch.Tag.nondeterministic_seeded not in target.tags:
        return False
    if is_op(node, aten.dropout, aten.feature_dropout, aten.alpha_dropout):
        given = arguments(node)
        return bool(given["train"]) and given["p"] > 0
    if is_op(node, aten.scaled_dot_product_attention):
        return bool(arguments(node)["dropout_p"])
    return True


def matters(node: fx.Node) -> bool:
    """Tell whether a node has an effect besides its value: it writes, draws, or is input or output.

    A snippet's function counts as writing if it is given a buffer; snippets that update running
    statistics must therefore take them as arguments.
    """
    if node.op != "call_function":
        return node.op in ("placeholder", "output")
    if mutates(node) or draws(node):
        return True
    if isinstance(node.target, torch._ops.OpOverload):
        return False
    module = getattr(node.target, "__module__", "") or ""
    return module.startswith("kernelevo_snippet_") and any(
        n.op == "get_attr" and n.meta.get("buffer", False) for n in node.all_input_nodes
    )


def put_in_place(
    graph: fx.Graph, first: fx.Node, last: fx.Node, function: Any, given: tuple[Any, ...]
) -> None:
    """Put one call, whose result is new memory, where ``first`` and its reader ``last`` (or itself) stand."""
    with graph.inserting_before(last):
        made = graph.call_function(function, given)
    made.meta = {**last.meta, "fresh": True}
    last.replace_all_uses_with(made)
    graph.erase_node(last)
    if last is not first:
        graph.erase_node(first)


def remove_dead(graph: fx.Graph) -> int:
    """Erase nodes without users and without effect; return how many calls went.

    A write over a value that nobody else sees has no effect once nobody reads what was written.
    """
    erased = 0
    for node in reversed(list(graph.nodes)):
        if not node.users and (not matters(node) or _writes_for_nobody(node)):
            erased += node.op == "call_function"
            graph.erase_node(node)
    return erased


def _writes_for_nobody(node: fx.Node) -> bool:
    written = mutates(node)
    return bool(written) and not draws(node) and all(_is_private(value, node) for value in written)


def _is_private(value: fx.Node, reader: fx.Node) -> bool:
    """Tell whether a value, new or written over one that was, is seen by ``reader`` alone."""
    if set(value.users) != {reader}:
        return False
    if is_op(value, *FRESH) or value.meta.get("fresh"):
        return True
    written = mutates(value)
    return bool(written) and all(_is_private(before, value) for before in written)


def is_dense(*nodes: Any) -> bool:
    """Tell whether every node is recorded as one fp32 tensor on the CPU, contiguous in row-major order."""
    return all(is_float32(n) and value(n).device.type == "cpu" and value(n).is_contiguous() for n in nodes)


def on_cpu(*nodes: Any) -> bool:
    """Tell whether every node is recorded as one fp32 tensor on the CPU, in any layout."""
    return all(is_float32(n) and value(n).device.type == "cpu" for n in nodes)


def pair(given: Any) -> tuple[int, int]:
    """Return a size given once or twice as two numbers."""
    values = list(given) if isinstance(given, (list, tuple)) else [given]
    return (values[0], values[-1])


def per_dimension(given: Any, rank: int) -> tuple[Any, ...]:
    """Return what is given once or for each spatial dimension as one value for each."""
    values = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    return values * rank if len(values) == 1 else values


def last_of(graph: fx.Graph, nodes: Iterable[fx.Node | None]) -> fx.Node:
    """Return the one of these nodes, at least one, that stands last in a graph; None is left out."""
    wanted = {node for node in nodes if node is not None}
    *_, last = (node for node in graph.nodes if node in wanted)
    assert isinstance(last, fx.Node)
    return last


def same(a: Any, b: Any) -> bool:
    """Tell whether two arguments are one value: one node, one attribute, or equal literals."""
    if isinstance(a, fx.Node) and isinstance(b, fx.Node):
        return a is b or (a.op == b.op == "get_attr" and a.target == b.target)
    return not isinstance(a, fx.Node) and not isinstance(b, fx.Node) and bool(a == b)
