"""Fused rows: chains of elementwise operations, normalisation, softmax and pooling in one C++ pass."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.rows import operations
from kernelevo.graphs.rows.code import fused
from kernelevo.graphs.rows.regions import Region, regions
from kernelevo.graphs.snippet import Snippet

SHARED = 16  # rows; a sum along fewer, longer rows keeps threads idle
SHORT = 32768  # elements that one thread gets through before a second one would matter
LEAST = 65536  # elements walked through; below, a call of ours costs more than the passes it saves
MANY = 4  # passes that cost more than one call of ours however few the elements
DEAR = 4  # passes as light as a sum that ATen takes for pooling and the like
SAVED = 1.5  # passes that a region must stand for; one is what it takes itself
NARROW = 4  # elements of a row; shorter ones leave most lanes of a vector empty


class FusedRows:
    """Regions of elementwise operations around reductions of trailing dimensions, in one pass over rows.

    A row stays in the first-level cache from the first operation to the last; what other nodes read comes
    out as further results of the same pass. Needs dense fp32 tensors on the CPU.

    Args:
        least: elements that the operations of a region together must walk through, unless these are many.
    """

    name = "fused-rows"
    describes = "elementwise chains with layer norm, softmax, GELU or pooling in one generated C++ pass"
    devices = frozenset({"cpu"})

    def __init__(self, least: int = LEAST) -> None:
        self.least = least

    def apply(self, captured: Captured) -> int:
        """Replace each region that saves a pass over memory."""
        places = 0
        now: dict[fx.Node, fx.Node] = {}  # outputs of regions already replaced, which later ones read
        for region in regions(captured.graph):
            if _worth_it(region, self.least):
                now.update(put_region(captured, region, now, lambda r: (fused(r), r.operands)))
                places += 1
        return places


def _worth_it(region: Region, least: int) -> bool:
    """Tell whether one pass is known to be faster than the operations one by one."""
    if len(region.nodes) < 2 or region.passes < SAVED:
        return False
    dear = sum(operations.is_dear(node) for node in region.nodes)
    if region.passes < MANY and (region.passes + (DEAR - 1) * dear) * math.prod(region.domain) < least:
        return False
    if region.window is not None:
        return True
    laid = region.layout
    if any(operations.reduced(node) for node in region.nodes):
        return laid.rows >= SHARED or laid.rows * laid.inner <= SHORT
    return laid.inner > NARROW


def put_region(
    captured: Captured,
    region: Region,
    now: Mapping[fx.Node, fx.Node],
    printed: Callable[[Region], tuple[Snippet, tuple[fx.Node, ...]]],
) -> dict[fx.Node, fx.Node]:
    """Put one call in the place of a region; return the new node of each output.

    The call stands where the region began, or behind the last of its operands if that comes later.

    Args:
        captured: what the region is part of.
        region: the operations to replace.
        now: nodes that have taken the place of operands since the region was found.
        printed: returns a region's text, and what its function is called with.
    """
    snippet, operands = printed(replace(region, operands=tuple(now.get(n, n) for n in region.operands)))
    captured.add_snippet(snippet)
    graph, first = captured.graph, region.nodes[0]
    last = [node for node in graph.nodes if node is first or node in operands][-1]
    with graph.inserting_before(first) if last is first else graph.inserting_after(last):
        made = graph.call_function(snippet.function(snippet.name), operands)
    results: list[fx.Node] = [made]
    if len(region.outputs) == 1:
        made.meta["val"] = region.outputs[0].meta["val"]
    else:
        made.meta["val"] = tuple(node.meta["val"] for node in region.outputs)
        results = []
        for number, node in reversed(list(enumerate(region.outputs))):
            with graph.inserting_after(made):
                part = graph.call_function(operator.getitem, (made, number))
            part.meta["val"] = node.meta["val"]
            results.insert(0, part)
    for node, result in zip(region.outputs, results, strict=True):
        node.replace_all_uses_with(result)
    for node in reversed(region.nodes):  # erased here, since a node that writes is never dead
        graph.erase_node(node)
    return dict(zip(region.outputs, results, strict=True))
