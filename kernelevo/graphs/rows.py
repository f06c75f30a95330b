"""Rows: regions of a graph that one pass over the rows of their tensors can compute."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from torch import fx

from kernelevo.graphs import row_ops
from kernelevo.graphs.matching import aten, is_op, matters, shape, value
from kernelevo.graphs.row_layout import Layout, layout
from kernelevo.graphs.row_window import read_window

MOST = 48  # operations of one region; longer chains are cut, so that a loop body stays compilable

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
    aten.bmm,
    aten.mm,
    aten.matmul,
    aten.cat,
)


@dataclass(frozen=True)
class Region:
    """Operations that one pass computes.

    Args:
        nodes: the operations, in the order of the graph.
        domain: shape of the tensors that are walked through row by row.
        operands: tensors from outside that the operations read.
        outputs: the operations whose values are read outside.
        layout: rows of the domain, and where each operand has them.
    """

    nodes: tuple[fx.Node, ...]
    domain: tuple[int, ...]
    operands: tuple[fx.Node, ...]
    outputs: tuple[fx.Node, ...]
    layout: Layout

    @property
    def window(self) -> fx.Node | None:
        """The pooling over windows that ends the region, if there is one."""
        return self.nodes[-1] if row_ops.is_window(self.nodes[-1]) else None

    @property
    def passes(self) -> float:
        """How many passes over a tensor as large as the domain the operations take when done one by one."""
        size = math.prod(self.domain)
        walking = (n for n in self.nodes if any(value(s).numel() >= size for s in (n, *row_ops.operands(n))))
        return sum(row_ops.weight(node) for node in walking)


def regions(graph: fx.Graph) -> list[Region]:
    """Return disjoint regions of one operation and more, each as large as greedy growth makes it."""
    order = {node: position for position, node in enumerate(graph.nodes)}
    found: dict[fx.Node, Region] = {}
    for node in graph.nodes:
        if node.op != "call_function" or not row_ops.understood(node) or row_ops.expands(node):
            continue
        if row_ops.is_window(node) and read_window(node) is None:
            continue
        seed = {node, *(s for s in row_ops.operands(node) if row_ops.expands(s) and len(s.users) == 1)}
        sources = [found[s].nodes for n in seed for s in row_ops.operands(n) if s in found]
        own = _read(frozenset(seed), order)
        together = _read(frozenset(seed).union(*sources), order)
        if together is not None:
            own = together
        else:
            for nodes in sources:
                own = _read(frozenset({*(own.nodes if own else seed), *nodes}), order) or own
        if own is not None:
            found.update(dict.fromkeys(own.nodes, own))
    return list({id(region): region for region in found.values()}.values())


def _read(members: frozenset[fx.Node], order: Mapping[fx.Node, int]) -> Region | None:
    """Return the region that these operations make, or None if one pass cannot compute them."""
    if len(members) > MOST:
        return None
    nodes = sorted(members, key=order.__getitem__)
    windows = [n for n in nodes if row_ops.is_window(n)]
    kinds = {(shape(row_ops.operands(n)[0]), row_ops.reduced(n)) for n in nodes if row_ops.reduced(n)}
    if len(kinds) > 1 or len(windows) > 1 or (kinds and windows):
        return None
    domain, trailing = next(iter(kinds), (shape(row_ops.operands(nodes[-1])[0]), 1))
    if not kinds and not windows:
        domain, trailing = shape(nodes[-1]), 0
    if windows and windows[0] is not nodes[-1]:
        return None
    operands = list(dict.fromkeys(s for n in nodes for s in row_ops.operands(n) if s not in members))
    outputs = [n for n in nodes if any(user not in members for user in n.users)]
    if not _shapes(nodes, domain, trailing if kinds else 0) or any(row_ops.expands(n) for n in outputs):
        return None
    if windows and outputs != windows:
        return None
    laid = layout(domain, [value(n) for n in operands], trailing)
    if laid is None or not _safe(nodes, operands, outputs, members, order):
        return None
    return Region(tuple(nodes), domain, tuple(operands), tuple(outputs), laid)


def _shapes(nodes: Iterable[fx.Node], domain: tuple[int, ...], trailing: int) -> bool:
    """Tell whether each value has the domain's shape, or one value per row in a shape that broadcasts.

    A reduction that drops its dimensions gives a shape that does not: nothing in the region may read it.
    """
    column = domain[: len(domain) - trailing] + (1,) * trailing
    columns: set[fx.Node] = set()
    inside = set(nodes)
    for node in nodes:
        own = shape(node)
        if row_ops.is_window(node):
            continue
        if row_ops.reduced(node) and not row_ops.keeps_shape(node):
            if own != column and any(user in inside for user in node.users):
                return False
            columns.add(node)
            continue
        if row_ops.reduced(node):
            wide = own == domain
        elif trailing and not row_ops.expands(node) and own == column != domain:
            sources = row_ops.operands(node)
            wide = all(s in columns or s not in inside for s in sources)
            columns.add(node)
        else:
            wide = own == domain
        if not wide:
            return False
    return True


def _safe(
    nodes: list[fx.Node],
    operands: Collection[fx.Node],
    outputs: Collection[fx.Node],
    members: frozenset[fx.Node],
    order: Mapping[fx.Node, int],
) -> bool:
    """Tell whether there is a place in the graph where the operations may be computed together.

    All operands must exist before the first reader of an output; nothing else may write to memory or draw
    random numbers meanwhile; what the operations overwrite must be a value of their own.
    """
    readers = [order[u] for n in outputs for u in n.users if u not in members]
    last = max(operands, key=order.__getitem__)
    if readers and order[last] >= min(readers):
        return False
    node = nodes[0]
    while node is not nodes[-1]:
        node = node.next
        if node not in members and node.op == "call_function" and matters(node):
            return False
    for node in nodes:
        if not row_ops.in_place(node):
            continue
        target = node.args[0]
        if not isinstance(target, fx.Node) or len(target.users) != 1:
            return False
        if target not in members and not is_op(target, *FRESH):
            return False
        if target in members and row_ops.expands(target):
            return False
    return True
