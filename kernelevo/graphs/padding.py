"""Padding in words: convolutions padded "same" or "valid" with the numbers that this means."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from kernelevo.graphs.matching import arguments, aten, calls


def number_paddings(gm: fx.GraphModule) -> None:
    """Give convolutions their padding in numbers, as everything that reads a graph expects it.

    ATen does the same before it computes. Where "same" takes one element more on one side it is left.
    """
    for node in calls(gm.graph, aten.conv1d.padding, aten.conv2d.padding, aten.conv3d.padding):
        given = arguments(node)
        sizes = _shape(gm, given["weight"])[2:]
        gaps = list(given["dilation"])
        gaps = gaps * len(sizes) if len(gaps) == 1 else gaps
        added = [gap * (size - 1) for gap, size in zip(gaps, sizes, strict=True)]
        if given["padding"] == "valid":
            added = [0] * len(sizes)
        if not sizes or any(total % 2 for total in added):
            continue
        assert isinstance(node.target, torch._ops.OpOverload)
        node.target = node.target.overloadpacket.default
        before, after = ("input", "weight", "bias", "stride"), ("dilation", "groups")
        padding = [total // 2 for total in added]
        node.args = (*(given[k] for k in before), padding, *(given[k] for k in after))
        node.kwargs = {}


def _shape(gm: fx.GraphModule, node: Any) -> tuple[int, ...]:
    """Return the shape that export recorded of a node or its attribute has; empty if neither is known."""
    found: Any = node.meta.get("val")
    if node.op == "get_attr":
        found = gm
        for part in node.target.split("."):
            found = getattr(found, part)
    return tuple(found.shape) if isinstance(found, torch.Tensor) else ()
