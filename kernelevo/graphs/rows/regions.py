"""Rows: regions of a graph that one pass over the rows of their tensors can compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from torch import fx

from kernelevo.graphs.matching import FRESH, is_op, matters, shape, value
from kernelevo.graphs.rows import operations
from kernelevo.graphs.rows.layout import Layout, layout
from kernelevo.graphs.rows.window import read_window

MOST = 48  # operations of one region; longer chains are cut, so that a loop body stays compilable


@dataclass(frozen=True)
class Region:
    """Operations that one pass computes.

    Args:
        nodes: the operations, in the order of the graph.
        domain: shape of the tensors that are walked through row by row.
        operands: tensors from outside that the operations read.
        outputs: the operations whose values are read outside.
        layout: rows of the domain, and where each operand has them.
        groups: number of groups of dimension 1 that count rows; 0 where no operation works by groups.
    """

    nodes: tuple[fx.Node, ...]
    domain: tuple[int, ...]
    operands: tuple[fx.Node, ...]
    outputs: tuple[fx.Node, ...]
    layout: Layout
    groups: int = 0

    @property
    def window(self) -> fx.Node | None:
        """The pooling over windows that ends the region, if there is one."""
        return self.nodes[-1] if operations.is_window(self.nodes[-1]) else None

    @property
    def passes(self) -> float:
        """How many passes over a tensor as large as the domain the operations take when done one by one."""
        size = math.prod(self.domain)
        walking = (
            n for n in self.nodes if any(value(s).numel() >= size for s in (n, *operations.operands(n)))
        )
        return sum(operations.weight(node) for node in walking)


@dataclass(frozen=True)
class Target:
    """What the text that is printed of a region can do.

    Args:
        understood: tells of a node whether there is text for it.
        narrow: whether values smaller than the domain may be computed again wherever they are repeated.
        strided: whether a row may be spread over memory.
        fits: tells of a region whether its rows suit the device.
    """

    understood: Callable[[fx.Node], bool]
    narrow: bool = False
    strided: bool = False
    fits: Callable[[Region], bool] = lambda region: True


CPU = Target(operations.understood)


def regions(graph: fx.Graph, target: Target = CPU) -> list[Region]:
    """Return disjoint regions of one operation and more, each as large as greedy growth makes it."""
    order = {node: position for position, node in enumerate(graph.nodes)}
    found: dict[fx.Node, Region] = {}
    for node in graph.nodes:
        if node.op != "call_function" or not target.understood(node) or operations.expands(node):
            continue
        if operations.is_window(node) and read_window(node) is None:
            continue
        seed = {node, *(s for s in operations.operands(node) if operations.expands(s) and len(s.users) == 1)}
        sources = [found[s].nodes for n in seed for s in operations.operands(n) if s in found]
        own = _read(frozenset(seed), order, target)
        together = _read(frozenset(seed).union(*sources), order, target)
        if together is not None:
            own = together
        else:
            for nodes in sources:
                own = _read(frozenset({*(own.nodes if own else seed), *nodes}), order, target) or own
        if own is not None:
            found.update(dict.fromkeys(own.nodes, own))
    return list({id(region): region for region in found.values()}.values())


def _read(members: frozenset[fx.Node], order: Mapping[fx.Node, int], target: Target) -> Region | None:
    """Return the region that these operations make, or None if one pass cannot compute them."""
    if len(members) > MOST:
        return None
    nodes = sorted(members, key=order.__getitem__)
    windows = [n for n in nodes if operations.is_window(n)]
    kinds = {
        (shape(operations.operands(n)[0]), operations.reduced(n), operations.groups(n))
        for n in nodes
        if operations.reduced(n)
    }
    if len(kinds) > 1 or len(windows) > 1 or (kinds and windows):
        return None
    domain, trailing, groups = next(iter(kinds), (shape(operations.operands(nodes[-1])[0]), 1, 0))
    if not kinds and not windows:
        domain, trailing = shape(nodes[-1]), 0
    if windows and windows[0] is not nodes[-1]:
        return None
    operands = list(dict.fromkeys(s for n in nodes for s in operations.operands(n) if s not in members))
    outputs = [n for n in nodes if any(user not in members for user in n.users)]
    narrow = _narrow(nodes, domain, trailing if kinds else 0, groups, target)
    if narrow is None or any(operations.expands(n) or n in narrow for n in outputs):
        return None
    if windows and outputs != windows:
        return None
    laid = layout(domain, [value(n) for n in operands], trailing, strided=target.strided, groups=groups)
    if laid is None or not _safe(nodes, operands, outputs, members, order):
        return None
    region = Region(tuple(nodes), domain, tuple(operands), tuple(outputs), laid, groups)
    return region if target.fits(region) else None


def _narrow(
    nodes: Iterable[fx.Node], domain: tuple[int, ...], trailing: int, groups: int, target: Target
) -> set[fx.Node] | None:
    """Return the values that are smaller than the domain and no value per row; None if one does not fit.

    Every other value has the domain's shape, or one value per row in a shape that broadcasts. A reduction
    that drops its dimensions gives a shape that does not: nothing in the region may read it.
    """
    column = domain[: len(domain) - trailing] + (1,) * trailing if not groups else None
    columns: set[fx.Node] = set()
    narrow: set[fx.Node] = set()
    inside = set(nodes)
    for node in nodes:
        own = shape(node)
        if operations.is_window(node):
            continue
        if operations.reduced(node) and not operations.keeps_shape(node):
            if own != column and any(user in inside for user in node.users):
                return None
            columns.add(node)
            continue
        sources = operations.operands(node)
        if operations.reduced(node) or own == domain:
            fits = own == domain
        elif trailing and not operations.expands(node) and own == column:
            fits = all(s in columns or s in narrow or s not in inside for s in sources)
            columns.add(node)
        else:
            fits = target.narrow and _broadcasts(own, domain) and not any(s in columns for s in sources)
            narrow.add(node)
        if not fits:
            return None
    return narrow


def _broadcasts(own: tuple[int, ...], domain: tuple[int, ...]) -> bool:
    missing = len(domain) - len(own)
    return missing >= 0 and all(s in (1, d) for s, d in zip(own, domain[missing:], strict=True))


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
        if not operations.in_place(node):
            continue
        target = node.args[0]
        if not isinstance(target, fx.Node) or len(target.users) != 1:
            return False
        if target not in members and not is_op(target, *FRESH):
            return False
        if target in members and operations.expands(target):
            return False
    return True
