"""CppText: Inductor's generated C++ and its calls, written as program text without Inductor."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterable, Mapping, Sequence

import torch

from kernelevo.graphs.harvest.opaque import NAMESPACE, HarvestError, OpaqueCall
from kernelevo.graphs.harvest.scratch import reusable
from kernelevo.graphs.harvest.wrapper import Kernel, Wrapper, free_names
from kernelevo.graphs.snippet import Choice, Table

PREFIX = "#include <torch/csrc/inductor/cpp_prefix.h>"
RUN = "_harvest_run"
_LIBRARY = "_harvest_lib"
_PUBLIC = {  # what generated code calls extern_kernels.x, by its public name
    "mm": "torch.mm",
    "bmm": "torch.bmm",
    "addmm": "torch.addmm",
    "bias_addmm": "torch.addmm",
    "baddbmm": "torch.baddbmm",
    "convolution": "torch.convolution",
    "_int_mm": "torch._int_mm",
}
_STANDINS = {
    "reinterpret_tensor": """
def reinterpret_tensor(tensor, shape, stride, offset):
    return torch.as_strided(tensor, shape, stride, tensor.storage_offset() + offset)
""",
    "empty_strided_cpu": """
def empty_strided_cpu(shape, stride, dtype):
    return torch.empty_strided(shape, stride, dtype=dtype)
""",
    "aten": "\naten = torch.ops.aten\n",
    "device": "\ndevice = torch.device\n",
    "inf": '\ninf = float("inf")\n',
    "nan": '\nnan = float("nan")\n',
    "_mm_plus_mm": """
def _mm_plus_mm(a, b, c, d, out):
    torch.mm(a, b, out=out)
    return out.addmm_(c, d)
""",
    "_channels_last": """
def _channels_last(weight):
    return weight.detach().contiguous(memory_format=torch.channels_last)
""",
}
_GIVEN = {"torch", "kernelevo", "math", _LIBRARY}
TUNED_FLAGS: Mapping[str, tuple[str, ...]] = {
    "CONTRACT": ("", "-ffp-contract=fast"),
    "LOOPS": ("", "-ftree-loop-vectorize"),
    "UNROLL": ("", "-funroll-loops"),
}
_CAPABILITY = {256: ("-UCPU_CAPABILITY_AVX512", "-UCPU_CAPABILITY_AVX2", "-DCPU_CAPABILITY_AVX2")}
SCHEDULES = ("schedule(static)", "schedule(static,1)", "schedule(static,4)")


def cpp_text(
    wrapper: Wrapper,
    calls: Mapping[str, OpaqueCall],
    tensors: Sequence[torch.Tensor],
    *,
    threads: int,
    scratch: bool,
    vector_bits: int,
    packed: Iterable[int] = (),
) -> tuple[str, Table]:
    """Return program text that defines ``_harvest_run(*tensors)``, and its ``TUNE`` entries.

    The function gives a tuple of tensors.

    Args:
        wrapper: generated code, for the CPU.
        calls: calls that were kept whole.
        tensors: examples of what ``_harvest_run`` gets.
        threads: OpenMP threads the code was generated for.
        scratch: whether temporaries that do not leave the call are kept from call to call.
        vector_bits: width of the vectors in the generated code, 0 for scalar code.
        packed: positions of the tensors that the generated code wants channels-last, through ``packed``.

    Raises:
        HarvestError: if the code uses something that has no stand-in here.
    """
    if len(wrapper.arguments) != len(tensors):
        raise HarvestError(f"generated code takes {len(wrapper.arguments)} inputs, expected {len(tensors)}")
    writer = CallWriter({k.name: k for k in wrapper.kernels})
    body = [ast.fix_missing_locations(writer.visit(copy.deepcopy(s))) for s in wrapper.body]
    returned = [ast.fix_missing_locations(writer.visit(copy.deepcopy(e))) for e in wrapper.returned]
    kept = reusable(body, returned, frozenset(writer.kernels)) if scratch else frozenset()
    lines = [f"{name} = kernelevo.packed(_channels_last, {name})" for name in _names(wrapper, packed)]
    for statement in body:
        lines += _line(statement, kept)
    lines.append("return (" + "".join(f"{ast.unparse(e)}, " for e in returned) + ")")
    text = "\n".join(lines)
    unknown = free_names([*body, *returned]) - {*wrapper.arguments, *calls, *_GIVEN, *_STANDINS}
    if unknown:
        raise HarvestError(f"the generated code uses {sorted(unknown)[0]!r}, which has no stand-in")
    standins = _standins(text)
    library, tuned = _library(wrapper.kernels, threads, vector_bits) if wrapper.kernels else ("", {})
    parts = [library, standins]
    parts += [call.text for call in calls.values() if re.search(rf"\b{call.name}\b", text)]
    parts.append(fitting(tensors, _written(wrapper)))
    if "_scratch." in text or "_harvest_scratch(" in text:
        parts.append(_SCRATCH)
    head = f"@torch.no_grad()\ndef {RUN}({', '.join(wrapper.arguments)}):"
    given = "".join(f"{a}, " for a in wrapper.arguments)
    first = f"{given}= _harvest_fit(({given}))" if given else "pass"
    parts.append("\n".join([head, *(f"    {line}" for line in [first, *lines])]) + "\n")
    return _numbered("\n\n".join(p.strip("\n") for p in parts if p.strip()) + "\n", list(calls)), tuned


def _numbered(text: str, calls: Sequence[str]) -> str:
    """Number the calls kept whole from 0, so that equal graphs give equal programs."""
    places = {name: f"_call_{i}" for i, name in enumerate(calls)}
    return re.sub(r"_call_\d+", lambda found: places.get(found.group(), found.group()), text)


_SCRATCH = '''
import threading

_harvest_kept = threading.local()


def _harvest_scratch(key, shape, stride, dtype):
    """Temporaries never leave a call, so each thread keeps its own: fresh pages cost a fault each."""
    found = getattr(_harvest_kept, key, None)
    if found is None:
        with torch.inference_mode(False):  # the next call may be in another mode
            found = torch.empty_strided(shape, stride, dtype=dtype)
        setattr(_harvest_kept, key, found)
    return found
'''


class CallWriter(ast.NodeTransformer):
    """Turns generated calls into calls that need no Inductor."""

    def __init__(self, kernels: Mapping[str, Kernel]) -> None:
        self.kernels = kernels

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Rewrite one call: a kernel, an extern kernel, or a call kept whole."""
        self.generic_visit(node)
        name = ast.unparse(node.func)
        if name in self.kernels:
            return self._kernel(node, self.kernels[name])
        if name.startswith("extern_kernels."):
            short = name.removeprefix("extern_kernels.")
            public = _PUBLIC.get(short, "_mm_plus_mm" if short == "_mm_plus_mm" else None)
            if public is None:
                raise HarvestError(f"the generated code calls {name}, which has no public name")
            return ast.Call(ast.parse(public, mode="eval").body, node.args, node.keywords)
        mark = f"torch.ops.{NAMESPACE}."
        if name.startswith(mark):
            whole = name.removeprefix(mark).removesuffix(".default")
            return ast.Call(ast.Name(whole, ast.Load()), node.args, node.keywords)
        return node

    def _kernel(self, node: ast.Call, kernel: Kernel) -> ast.Call:
        if node.keywords or len(node.args) != len(kernel.types):
            raise HarvestError(f"kernel {kernel.name} is called with other arguments than it declares")
        args: list[ast.expr] = []
        for value, kind in zip(node.args, kernel.types, strict=True):
            pointer = kind.rstrip().endswith("*")
            args.append(ast.Call(ast.Attribute(value, "data_ptr", ast.Load()), [], []) if pointer else value)
        return ast.Call(ast.Attribute(ast.Name(_LIBRARY, ast.Load()), kernel.name, ast.Load()), args, [])


def _line(statement: ast.stmt, kept: frozenset[str]) -> list[str]:
    """One statement as text; allocations of kept temporaries become a look-up."""
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        name = statement.targets[0].id
        if name in kept and isinstance(statement.value, ast.Call):
            args = ", ".join(ast.unparse(a) for a in statement.value.args)
            return [f"{name} = _harvest_scratch({name!r}, {args})"]
    return [ast.unparse(statement)]


def _names(wrapper: Wrapper, positions: Iterable[int]) -> list[str]:
    return [wrapper.arguments[i] for i in positions]


def _standins(text: str) -> str:
    """Return the stand-ins that the text needs."""
    used = [s for name, s in _STANDINS.items() if re.search(rf"(?<![\w.]){name}\b", text)]
    return "\n\n".join(s.strip("\n") for s in used)


def _library(kernels: Sequence[Kernel], threads: int, vector_bits: int) -> tuple[str, Table]:
    """All kernels as one translation unit, and the numbers that may be tuned.

    The first choice of each flag is to add none, so that the precompiled header fits.
    """
    source = _width_check(vector_bits) + "\n" + "\n".join(_unit(k) for k in kernels)
    if "'''" in source:
        raise HarvestError("the generated C++ cannot be put into a Python string")
    tuned: dict[str, tuple[Choice, ...]] = dict(TUNED_FLAGS)
    defines = []
    if "KE_THREADS" in source:
        tuned["THREADS"] = (threads, threads // 2) if threads > 1 else (threads,)
        defines.append("#define KE_THREADS {TUNE['THREADS'][0]}\\n")
    if "KE_SCHEDULE" in source:
        tuned["SCHEDULE"] = SCHEDULES
        defines.append("#define KE_SCHEDULE {TUNE['SCHEDULE'][0]}\\n")
    flags = ", ".join(f'TUNE["{name}"][0]' for name in TUNED_FLAGS)
    capability = _CAPABILITY.get(vector_bits, ())
    head = "".join(f'    f"{line}"\n' for line in [*defines, ""])
    text = (
        f"_harvest_flags = [flag for flag in ({flags}) if flag]"
        + (f" + {list(capability)!r}" if capability else "")
        + f"\n_harvest_source = (\n{head}    r'''\n{PREFIX}\n{source}'''\n)\n"
        f"{_LIBRARY} = kernelevo.cpp(_harvest_source, flags=_harvest_flags, torch_headers=True)\n"
    )
    return text, tuned


def _width_check(vector_bits: int) -> str:
    """Code made for one vector width writes past its buffers with another."""
    if not vector_bits:
        return ""
    return (
        f"static_assert(at::vec::Vectorized<float>::size() == {vector_bits // 32},\n"
        f'              "these kernels were generated for vectors of {vector_bits} bits");\n'
    )


def _unit(kernel: Kernel) -> str:
    """One kernel under its own name, its parallel regions under the tuned thread count and schedule."""
    if kernel.kind not in ("cpp_pybinding", "cpp"):
        raise HarvestError(f"kernel {kernel.name} is of kind {kernel.kind}, not C++")
    source = kernel.source.replace(PREFIX, "").strip("\n")
    source, count = re.subn(r"(extern\s+\"C\"\s+void\s+)kernel\(", rf"\1{kernel.name}(", source)
    if count != 1:
        raise HarvestError(f"kernel {kernel.name} has {count} entry points")
    source = re.sub(r"num_threads\(\d+\)", "num_threads(KE_THREADS)", source)
    return re.sub(r"(#pragma omp for\b[^\n]*)", r"\1 KE_SCHEDULE", source) + "\n"


def fitting(tensors: Sequence[torch.Tensor], written: Sequence[bool], device: str = "cpu") -> str:
    """Text that gives the kernels the layout they were made for: they get bare pointers."""
    rows = "".join(
        f"    ({tuple(t.shape)}, {tuple(t.stride())}, {t.dtype}, {w}),\n"
        for t, w in zip(tensors, written, strict=True)
    )
    return f"""_harvest_forms = (  # shape, stride, dtype, whether the call writes to it
{rows})


def _harvest_fit(tensors):
    for tensor, (shape, stride, dtype, _) in zip(tensors, _harvest_forms):
        fits = tensor.shape == shape and tensor.stride() == stride and tensor.dtype is dtype
        if fits and tensor.is_{device}:
            continue
        return [_harvest_moved(t, *form) for t, form in zip(tensors, _harvest_forms)]
    return tensors


def _harvest_moved(tensor, shape, stride, dtype, written):
    if tensor.shape != shape or tensor.dtype is not dtype or not tensor.is_{device}:
        found = f"{{tuple(tensor.shape)}} {{tensor.dtype}} on {{tensor.device}}"
        raise ValueError(f"made for {{shape}} {{dtype}} on {device}, got {{found}}")
    if all(n == 1 or a == b for n, a, b in zip(shape, tensor.stride(), stride)):
        return tensor
    if written:
        raise ValueError(f"writes to a tensor of strides {{stride}}, got {{tensor.stride()}}")
    return torch.empty_strided(shape, stride, dtype=dtype, device=tensor.device).copy_(tensor)
"""


def _written(wrapper: Wrapper) -> list[bool]:
    """Tell for each input whether the generated code may write to it."""
    kernels = {k.name: k for k in wrapper.kernels}
    found: set[str] = set()
    for call in (n for s in wrapper.body for n in ast.walk(s) if isinstance(n, ast.Call)):
        name = ast.unparse(call.func)
        kernel = kernels.get(name)
        types = kernel.types if kernel else ("const",) * len(call.args)
        public = name.startswith("extern_kernels.")
        for value, kind in zip(call.args, types, strict=False):
            if (kernel and "const" not in kind) or not (kernel or public or name == "reinterpret_tensor"):
                found |= {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
        for keyword in call.keywords:
            if keyword.arg == "out":
                found |= {n.id for n in ast.walk(keyword.value) if isinstance(n, ast.Name)}
    return [name in found for name in wrapper.arguments]
