"""Trusted: what runs in children that never load a program: the reference as it is, compiled, or in part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

Subject = Callable[..., Any]


def build_baseline(spec: dict[str, Any], seed: int, device: torch.device) -> tuple[nn.Module, Subject]:
    """Build the reference and what is called in its place.

    Args:
        spec: ``kind`` (eager, compiled, graphed or library), ``reference``, ``tf32`` (shipped, off or on),
            and ``compile`` or ``products_only``.
        seed: of the construction.
        device: where it computes.
    """
    from kernelevo.backends.reference import load_reference

    allow_tf32(spec["tf32"])
    reference = load_reference(spec["reference"])
    module = reference.build(seed)
    if spec["kind"] == "library":
        from kernelevo.graphs.library import library_calls

        calls = library_calls(module, reference.inputs(seed), device, products_only=spec["products_only"])
        return module, calls
    module.to(device)
    if spec["kind"] == "eager":
        return module, module
    if spec["kind"] == "graphed":
        from kernelevo.backends.graphed import graphed
        from kernelevo.kernels.reference.oracle import plain_tensors

        for owner, name, value in list(plain_tensors(module)):
            # ``to`` leaves them where they are, and a graph is recorded on one device alone
            object.__setattr__(owner, name, value.to(device))
        return module, graphed(module)
    compiled: Subject = torch.compile(module, **spec["compile"])
    replays = spec["compile"].get("mode") == "reduce-overhead" and device.type == "cuda"
    return module, own_outputs(compiled) if replays else compiled


def allow_tf32(way: str) -> None:
    """Let this process round operands to TF32: off, on, or as PyTorch ships (in convolutions alone)."""
    torch.backends.cuda.matmul.allow_tf32 = way == "on"
    torch.backends.cudnn.allow_tf32 = way != "off"


def own_outputs(replaying: Subject) -> Subject:
    """Return a call whose results stay as they are: a replay writes where the last one did."""

    def call(*args: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return pytree.tree_map_only(torch.Tensor, torch.clone, replaying(*args))

    return call
