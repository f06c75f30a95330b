"""Pooling: a pointwise convolution and the average pooling after it change places."""

from __future__ import annotations

from typing import Any

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.lifting import unwritten
from kernelevo.graphs.matching import arguments, aten, calls, is_op, shape, sole_user


class PoolFirst:
    """Average pooling before a pointwise convolution instead of after it: both are linear, and commute.

    The mean of ``W x + b`` is ``W mean(x) + b``; this holds with a bias as long as each window divides by
    the number of elements it covers, hence no padding that is counted and no other divisor.
    """

    name = "pool-first"
    describes = "average pooling moved in front of a 1x1 convolution, which then sees fewer pixels"

    def apply(self, captured: Captured) -> int:
        """Swap each pair whose pooling makes the image smaller."""
        places = 0
        for pool in calls(captured.graph, aten.avg_pool2d.default, aten.adaptive_avg_pool2d.default):
            conv = arguments(pool)["self"]
            if not is_pointwise(conv) or sole_user(conv) is not pool or not _divides_evenly(pool, conv):
                continue
            given = arguments(conv)
            if shape(pool)[-1] * shape(pool)[-2] >= shape(conv)[-1] * shape(conv)[-2]:
                continue
            if not unwritten(conv.all_input_nodes, pool):
                continue
            assert callable(pool.target) and callable(conv.target)
            with captured.graph.inserting_before(pool):
                first = captured.graph.call_function(
                    pool.target, (given["input"], *pool.args[1:]), pool.kwargs
                )
                last = captured.graph.call_function(conv.target, (first, *conv.args[1:]), conv.kwargs)
            last.meta, first.meta = dict(pool.meta), {}
            pool.replace_all_uses_with(last)
            captured.graph.erase_node(pool)
            captured.graph.erase_node(conv)
            places += 1
        return places


def is_pointwise(node: Any) -> bool:
    """Tell whether a node is a 2-d convolution with 1x1 kernel, stride 1, no padding, one group."""
    if not is_op(node, aten.conv2d.default):
        return False
    given = arguments(node)
    return (
        shape(given["weight"])[2:] == (1, 1)
        and all(s == 1 for s in given["stride"])
        and all(p == 0 for p in given["padding"])
        and given["groups"] == 1
    )


def _divides_evenly(pool: fx.Node, conv: fx.Node) -> bool:
    if is_op(pool, aten.adaptive_avg_pool2d.default):
        return True
    given = arguments(pool)
    padded = any(p != 0 for p in given["padding"])
    plain = arguments(conv)["bias"] is None
    if given["divisor_override"] is not None:
        return plain
    return not padded or plain or not given["count_include_pad"]
