"""Harvest: what Inductor generates for a captured module, as a program that needs no Inductor."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.fx import Node

from kernelevo.graphs.capture import Captured, capture
from kernelevo.graphs.harvest.codegen import generate
from kernelevo.graphs.harvest.cpp_text import RUN, cpp_text
from kernelevo.graphs.harvest.flat import FlatGraph, as_one_call, flatten
from kernelevo.graphs.harvest.opaque import HarvestError, opaque_calls
from kernelevo.graphs.harvest.wrapper import parse_wrapper
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.snippet import Snippet, merged

__all__ = ["PLAIN", "HarvestError", "Variant", "harvest", "harvest_program", "variants"]
SECONDS = 60.0
_CONVOLUTIONS = ("aten::conv2d", "aten::convolution")


@dataclass(frozen=True)
class Variant:
    """One way to let Inductor generate code.

    Args:
        name: what ``details["variant"]`` says.
        options: settings of ``torch._inductor.config``.
        scratch: keep temporaries from call to call.
        packed: give convolutions channels-last weights through ``kernelevo.packed``, instead of
            converting them in each call.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    scratch: bool = False
    packed: bool = False


PLAIN = Variant("plain")


def variants(captured: Captured) -> tuple[Variant, ...]:
    """Return the variants worth trying for this graph, the plain one first."""
    convolves = any(_is_convolution(n) for n in captured.graph.nodes)
    found = [PLAIN, Variant("scratch", scratch=True)]
    if convolves:
        found.append(Variant("packed-layout", scratch=True, packed=True))
        found.append(Variant("no-layout", {"layout_optimization": False}, scratch=True))
    if "avx512" in torch.backends.cpu.get_cpu_capability().lower():
        found.append(Variant("simdlen-256", {"cpp.simdlen": 256}, scratch=True))
    found.append(
        Variant("wide-fusion", {"realize_opcount_threshold": 200, "realize_reads_threshold": 64}, True)
    )
    return tuple(found)


def harvest(
    captured: Captured,
    variant: Variant = PLAIN,
    *,
    seconds: float = SECONDS,
    threads: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Captured:
    """Return a copy of ``captured`` whose graph is one call of what Inductor generates for it.

    Print it with ``print_program``. Calls of snippets and recurrent layers are kept as they are; buffers
    are updated in place; numbers that may be tuned, those of the snippets too, stand in ``TUNE``. The
    result has been run and compared with the original module.

    Args:
        captured: a captured module, rewritten or not, on the CPU.
        variant: how Inductor is set.
        seconds: limit on code generation.
        threads: OpenMP threads the code is for; default: torch's setting.
        clock: monotonic clock in seconds.

    Raises:
        HarvestError: if Inductor refuses or is too slow, if its code uses something that has no stand-in
            (the message says what), or if the result differs from the original.
        BuildError: if the generated C++ does not compile here.
    """
    count = threads or torch.get_num_threads()
    flat = flatten(captured)
    packed = _packable(flat) if variant.packed else frozenset()
    examples = [_channels_last(t) if i in packed else t for i, t in enumerate(flat.examples)]
    if any(t.device.type != "cpu" for t in examples):
        raise HarvestError("a tensor of the module is not on the CPU")
    options = {"cpp.threads": count, **variant.options}
    with opaque_calls(flat.module, flat.examples) as calls:
        made = generate(flat.module, examples, options, seconds=seconds, clock=clock)
    wrapper = parse_wrapper(made.text)
    if len(wrapper.returned) != len(flat.outputs):
        raise HarvestError(
            f"the generated code returns {len(wrapper.returned)} tensors, the module {len(flat.outputs)}",
            why="results that share memory need Inductor's own wrapper",
        )
    body, tuned = cpp_text(
        wrapper,
        calls,
        flat.examples,
        threads=count,
        scratch=variant.scratch,
        vector_bits=made.vector_bits,
        packed=sorted(packed),
    )
    texts = [snippet.text.strip("\n") for snippet in captured.snippets.values()]
    table = {**merged(captured.snippets.values()), **tuned}
    snippet = Snippet("harvest", "\n\n".join([*texts, body]), table)
    twin = as_one_call(captured, flat, snippet, RUN)
    mismatch = twin.mismatch()
    if mismatch:
        raise HarvestError(f"the harvested program of variant {variant.name!r} differs", why=mismatch)
    return twin


def harvest_program(module: nn.Module, inputs: Sequence[Any], variant: Variant = PLAIN) -> str:
    """Capture, harvest and print ``module`` for the CPU: a program text (see :func:`harvest`)."""
    return print_program(harvest(capture(module, inputs), variant), header=header(variant))


def header(variant: Variant, rewrites: Sequence[str] = ()) -> str:
    """Return what a harvested file says about itself."""
    version = ".".join(torch.__version__.split(".")[:2])
    after = f" after {', '.join(rewrites)}" if rewrites else ""
    return (
        f"Inductor of torch {version} generated these kernels (variant {variant.name}){after}.\n\n"
        f"They include torch's headers and were made for torch {version}."
    )


def _channels_last(weight: torch.Tensor) -> torch.Tensor:
    laid = weight.detach().contiguous(memory_format=torch.channels_last)
    return laid.requires_grad_(weight.requires_grad)


def _is_convolution(node: Node) -> bool:
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.name in _CONVOLUTIONS


def _packable(flat: FlatGraph) -> frozenset[int]:
    """Positions of state tensors that are only ever the weight of a 2-D convolution."""
    found = set()
    placeholders = [n for n in flat.module.graph.nodes if n.op == "placeholder"]
    for i, node in enumerate(placeholders[: len(flat.state)]):
        weight = node.users and all(_is_convolution(u) and u.args[1] is node for u in node.users)
        if weight and flat.examples[i].dim() == 4 and flat.examples[i].is_contiguous():
            found.add(i)
    return frozenset(found)
