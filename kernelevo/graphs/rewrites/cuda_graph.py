"""CUDA graph: the whole forward is recorded once and replayed, so that launches cost next to nothing."""

from __future__ import annotations

import torch
from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.library import LAYERS
from kernelevo.graphs.matching import arguments, aten, draws, is_op, value

_HOST_READS = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)
_MASKS = (torch.bool, torch.uint8)


class CudaGraph:
    """Prints the forward as a method under ``kernelevo.graphed``; nothing else of the program changes.

    Each call then copies its inputs and its results once more, which costs a module of few large kernels
    more than the launches that are saved.
    """

    name = "cuda-graph"
    describes = "whole-module CUDA graph capture"
    devices = frozenset({"cuda"})
    speculative = True

    def apply(self, captured: Captured) -> int:
        """Mark the forward, unless it draws random numbers, reads values back or returns what it holds.

        State outside of buffers was refused when the module was captured.
        """
        if captured.graphed or any(_draws(n) or _reads_back(n) for n in captured.graph.nodes):
            return 0
        output = next(n for n in captured.graph.nodes if n.op == "output")
        computes = any(n.op == "call_function" for n in captured.graph.nodes)
        if not computes or any(n.op in ("get_attr", "placeholder") for n in output.all_input_nodes):
            return 0
        captured.graphed = True
        return 1


def _draws(node: fx.Node) -> bool:
    """Tell whether a node draws; recurrent layers do only where they drop something out."""
    if is_op(node, *LAYERS):
        given = arguments(node)
        return bool(given["train"] and given["dropout"])
    return draws(node)


def _reads_back(node: fx.Node) -> bool:
    if is_op(node, aten.index.Tensor):  # its form depends on values only for masks
        return any(isinstance(i, fx.Node) and value(i).dtype in _MASKS for i in arguments(node)["indices"])
    tags = node.target.tags if isinstance(node.target, torch._ops.OpOverload) else ()
    return any(tag in tags for tag in _HOST_READS)
