"""Triton harvest: what Inductor generates for CUDA, as a program; made without a device, values unproven."""

from __future__ import annotations

import ast
import copy
import time
from collections.abc import Callable, Mapping, Sequence

import torch
from torch.fx import Node

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.execution import TURN
from kernelevo.graphs.harvest.codegen import generate
from kernelevo.graphs.harvest.cpp_text import RUN, CallWriter, fitting
from kernelevo.graphs.harvest.flat import FlatGraph, as_one_call, flatten
from kernelevo.graphs.harvest.opaque import HarvestError, OpaqueCall, opaque_calls
from kernelevo.graphs.harvest.stub_driver import pretended
from kernelevo.graphs.harvest.triton_text import TritonText, helper_texts, triton_text
from kernelevo.graphs.harvest.wrapper import Wrapper, free_names, parse_wrapper
from kernelevo.graphs.snippet import Snippet, Table, merged

_OPTIONS = {
    "triton.autotune_at_compile_time": False,
    "joint_graph_constant_folding": False,  # it would run operators on the device
    "max_autotune": False,
    "shape_padding": False,  # it would measure on the device
    "cpp_wrapper": False,
}
_IMPORTS = """
import triton
import triton.language as tl
from triton.language import math as tl_math
from triton.language.extra import libdevice
"""
_STANDINS = """
aten = torch.ops.aten
device = torch.device
inf, nan = float("inf"), float("nan")


def reinterpret_tensor(tensor, shape, stride, offset):
    return torch.as_strided(tensor, shape, stride, tensor.storage_offset() + offset)


def empty_strided_cuda(shape, stride, dtype):
    return torch.empty_strided(shape, stride, dtype=dtype, device="cuda")
"""
_GIVEN = {
    "torch",
    "triton",
    "TUNE",
    "aten",
    "device",
    "inf",
    "nan",
    "reinterpret_tensor",
    "empty_strided_cuda",
}
_CUDA = torch.device("cuda", 0)


def harvest_triton(
    captured: Captured,
    *,
    arch: str = "sm_90",
    seconds: float = 60.0,
    clock: Callable[[], float] = time.monotonic,
) -> Captured:
    """Return a copy of ``captured`` whose graph is one call of what Inductor generates for CUDA.

    No device is needed and none is used, so the result has not been run: the judge proves it. Blocks and
    warps of each kernel stand in ``TUNE``, types for compiling ahead of time in ``AOT``. Buffers are
    updated by one copy at the end. GEMM templates that need measuring are left to the libraries.

    Args:
        captured: a captured module, rewritten or not, on the CPU.
        arch: architecture to generate for.
        seconds: limit on code generation.
        clock: monotonic clock in seconds.

    Raises:
        HarvestError: if Inductor refuses or is too slow, or its code uses something without a stand-in.
    """
    flat = flatten(captured)
    changed = _functional(flat)
    with opaque_calls(flat.module, flat.examples, device=_CUDA) as calls:
        for node in flat.module.graph.nodes:
            if "device" in node.kwargs:
                node.kwargs = {**node.kwargs, "device": _CUDA}
        flat.module.recompile()
        with pretended(arch):
            made = generate(flat.module, _on_cuda(flat), _OPTIONS, seconds=seconds, clock=clock)
    wrapper = parse_wrapper(made.text)
    if len(wrapper.returned) != len(flat.outputs) + len(changed):
        raise HarvestError("the generated code returns another number of tensors than the module")
    text, tuned = _text(wrapper, calls, flat, changed)
    texts = [snippet.text.strip("\n") for snippet in captured.snippets.values()]
    table = {**merged(captured.snippets.values()), **tuned}
    return as_one_call(captured, flat, Snippet("harvest", "\n\n".join([*texts, text]), table), RUN, run=False)


def _on_cuda(flat: FlatGraph) -> list[torch.Tensor]:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        return [torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=_CUDA) for t in flat.examples]


def _functional(flat: FlatGraph) -> list[int]:
    """Append new values of the inputs that the graph writes to; return which those are.

    A CPU build of torch cannot trace writes to CUDA tensors.
    """
    with TURN, torch.no_grad(), torch.random.fork_rng(devices=[]):  # nobody else moves buffers on meanwhile
        copies = [t.clone() for t in flat.examples]
        flat.module(*copies)
        changed = [
            i
            for i, (a, b) in enumerate(zip(copies, flat.examples, strict=True))
            if not torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))
        ]
    graph = flat.module.graph
    placeholders = [n for n in graph.nodes if n.op == "placeholder"]
    output = next(n for n in graph.nodes if n.op == "output")
    extra: list[Node] = []
    for i in changed:
        with graph.inserting_after(placeholders[-1]):
            twin = graph.call_function(torch.ops.aten.clone.default, (placeholders[i],))
        placeholders[i].replace_all_uses_with(twin, delete_user_cb=lambda user, twin=twin: user is not twin)
        extra.append(twin)
    output.args = ((*output.args[0], *extra),)
    graph.lint()
    flat.module.recompile()
    return changed


class _Writer(CallWriter):
    """Turns ``kernel.run(..., stream=s)`` into a launch of ours."""

    def __init__(self, kernels: Mapping[str, TritonText]) -> None:
        super().__init__({})
        self.launched = kernels

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Rewrite one call."""
        name = ast.unparse(node.func)
        kernel = self.launched.get(name.removesuffix(".run"))
        if kernel is not None and name.endswith(".run"):
            self.generic_visit(node)
            return kernel.launch(node.args)
        return super().visit_Call(node)


def _text(
    wrapper: Wrapper, calls: Mapping[str, OpaqueCall], flat: FlatGraph, changed: Sequence[int]
) -> tuple[str, Table]:
    """Return program text that defines ``_harvest_run(*tensors)``, and its ``TUNE`` entries."""
    kernels = [triton_text(kernel, i) for i, kernel in enumerate(wrapper.kernels)]
    writer = _Writer({k.name: k for k in kernels})
    body = [ast.fix_missing_locations(writer.visit(copy.deepcopy(s))) for s in wrapper.body if not _idle(s)]
    returned = [ast.fix_missing_locations(writer.visit(copy.deepcopy(e))) for e in wrapper.returned]
    known = {*wrapper.arguments, *calls, *_GIVEN, *(k.name for k in kernels)}
    unknown = free_names([*body, *returned]) - known
    if unknown:
        raise HarvestError(f"the generated code uses {sorted(unknown)[0]!r}, which has no stand-in")
    tuned = {name: tuple(choices) for k in kernels for name, choices in k.tuned.items()}
    ahead = "".join(f"    {k.name!r}: {k.ahead()!r},\n" for k in kernels)
    parts = [_IMPORTS, f"AOT = {{\n{ahead}}}", *helper_texts(kernels)]
    parts += [*(k.text for k in kernels), _STANDINS, *(call.text for call in calls.values())]
    written = [i in changed for i in range(len(flat.examples))]
    parts.append(fitting(flat.examples, written, "cuda"))
    given = "".join(f"{name}, " for name in wrapper.arguments)
    lines = [f"{given}= _harvest_fit(({given}))"] if given else []
    if changed:
        lines.append(f"written = [{', '.join(wrapper.arguments[i] for i in changed)}]")
    lines += [ast.unparse(s) for s in body]
    if changed:
        values = [ast.unparse(e) for e in returned[len(flat.outputs) :]]
        lines.append(f"torch._foreach_copy_(written, [{', '.join(values)}])")
    lines.append("return (" + "".join(f"{ast.unparse(e)}, " for e in returned[: len(flat.outputs)]) + ")")
    run = "\n".join(
        ["@torch.no_grad()", f"def {RUN}({', '.join(wrapper.arguments)}):", *(f"    {s}" for s in lines)]
    )
    return "\n\n\n".join(p.strip("\n") for p in [*parts, run] if p.strip()) + "\n", tuned


def _idle(statement: ast.stmt) -> bool:
    """Whether a statement only sets the device or stream, or mends alignment that Triton checks itself."""
    text = ast.unparse(statement)
    return (
        text.startswith(("torch.cuda.set_device(", "raw_stream", "stream")) or "copy_if_misaligned(" in text
    )
