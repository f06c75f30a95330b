"""Triton kernels compiled as a launch compiles them: with what it knows of its arguments."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelevo.backends import nvrtc
from kernelevo.backends.candidate import import_program
from kernelevo.graphs.snippet import Snippet

SHARED = {"sm_80": 163 * 1024, "sm_90": 227 * 1024, "sm_100": 227 * 1024}  # bytes that one block may have
TENSOR_MEMORY = 512  # columns of it on sm_100


@dataclass(frozen=True)
class Built:
    """One kernel: what it takes of a multiprocessor, and its text."""

    registers: int
    spilled: int
    shared: int
    tensor_memory: int
    ttgir: str
    matrix: frozenset[str]

    def fits(self, arch: str) -> bool:
        """Tell whether a block of it can run."""
        return self.shared <= SHARED[arch] and self.tensor_memory <= TENSOR_MEMORY


def build(
    text: str,
    name: str,
    folder: Path,
    arch: str,
    values: Mapping[str, Any],
    *,
    divisible: Collection[str] = (),
    ones: Collection[str] = (),
    **options: int,
) -> Built:
    """Compile one kernel of a text.

    Args:
        values: its constants; those it has a default for may be missing.
        divisible: parameters that are multiples of 16; pointers always are.
        ones: parameters that are 1.
        options: ``num_warps``, ``num_stages``.
    """
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    function = getattr(import_program(text, folder), name)
    signature: dict[str, str] = {}
    constants = dict(values)
    hints = {}
    for index, (key, facts) in enumerate(inspect.signature(function.fn).parameters.items()):
        if "constexpr" in str(facts.annotation) or key in ones:
            signature[key] = "constexpr"
            constants.setdefault(key, 1 if key in ones else facts.default)
            continue
        signature[key] = "*fp32" if key.endswith("_ptr") else "i32"
        if key.endswith("_ptr") or key in divisible:
            hints[(index,)] = [["tt.divisibility", 16]]
    source = ASTSource(fn=function, signature=signature, constexprs=constants, attrs=hints)
    target = GPUTarget("cuda", int(arch.removeprefix("sm_")), 32)
    made = triton.compile(source, target=target, options={"enable_fp_fusion": True, **options})
    usage = next(iter(nvrtc.usage(made.asm["cubin"]).values()))
    kinds = r"(wgmma\.mma_async|mma\.sync|tcgen05\.mma)\S*\.(tf32|bf16|kind::tf32|kind::f16)"
    matrix = frozenset(found.group(2).removeprefix("kind::") for found in re.finditer(kinds, made.asm["ptx"]))
    memory = getattr(made.metadata, "tmem_size", None) or 0
    return Built(usage.registers, usage.stack, made.metadata.shared, memory, made.asm["ttgir"], matrix)


def usual(snippet: Snippet) -> dict[str, object]:
    """Return the usual values of a snippet's table that its kernel takes as constants."""
    return {k: v[0] for k, v in snippet.tune.items() if not k.endswith(("WARPS", "STAGES"))}


def units(way: str, arch: str) -> set[str]:
    """Return which matrix instructions a way of splitting is to become."""
    if way == "tf32x3":
        return {"tf32"}
    return {"f16" if arch == "sm_100" else "bf16"}
