"""Guard: what can be said of a program's text without running it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from kernelevo.core import Program

ENTRY_CLASS = "ModelNew"
_ALLOWED_IMPORTS = {"torch", "kernelevo", "triton", "cupy", "math", "typing", "__future__"}
# what launches or describes kernels in CuPy; all else of it computes, or reaches further
_CUPY_LAUNCHERS = {
    "RawKernel", "RawModule", "cuda.Stream", "cuda.ExternalStream", "cuda.Device", "float16", "float32",
    "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool_",
}  # fmt: skip
_HOST_REACH = {
    "open",
    "exec",
    "eval",
    "compile",
    "__import__",
    "globals",
    "vars",
    "setattr",
    "delattr",
    "input",
}
_LAUNCHER_OPS = {
    "empty", "empty_like", "empty_strided", "new_empty", "data_ptr", "size", "stride", "shape", "numel",
    "dim",
    "view", "reshape", "contiguous", "permute", "transpose", "unsqueeze", "squeeze", "expand", "to", "device",
    "dtype", "is_contiguous", "element_size", "storage_offset", "detach", "flatten", "as_strided", "cdiv",
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """What the static guard read.

    Args:
        problem: why the program is refused before it runs, or an empty text.
        form: ``"declared"`` if all it computes is declared kernels and torch calls around a plain forward,
            ``"free-form"`` if it reaches further into Python.
        reasons: why it is free-form.
        against_policy: whether the problem is what it computes with, rather than that it cannot be read.
    """

    problem: str = ""
    form: str = "declared"
    reasons: tuple[str, ...] = ()
    against_policy: bool = False


def read(source: str, *, policy: str = "any") -> Reading:
    """Read a program's text.

    Args:
        source: the program.
        policy: ``"any"``, or ``"no-aten"``: apart from launching, no torch compute.
    """
    return _read_text(source, policy, entry=True)


def _read_text(source: str, policy: str, *, entry: bool = False) -> Reading:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        text = getattr(error, "text", None) or ""
        where = f" in line {line}: {text.strip()}" if line else ""
        return Reading(f"the program is not valid Python: {getattr(error, 'msg', error)}{where}")
    if entry and not _defines_entry(tree):
        return Reading(f"the program defines no class {ENTRY_CLASS} at its top level")
    if policy == "no-aten":
        used = sorted(_torch_compute(tree))
        if used:
            return Reading(
                f"the policy is no-aten, and the program computes with torch: {', '.join(used[:8])}",
                against_policy=True,
            )
    reasons = tuple(sorted(_free_form(tree)))
    return Reading("", "free-form" if reasons else "declared", reasons)


def read_program(program: Program, *, policy: str = "any") -> Reading:
    """Read all of a program's files; those beside the entry that are Python are held to the same policy.

    Raises:
        ValueError: if there are several files and none is the entry.
    """
    reading = read(program.source, policy=policy)
    if reading.problem or not program.beside:
        return reading
    reasons = {*reading.reasons, "has several files"}
    for path, text in program.beside.items():
        if path.endswith(".py"):
            part = _read_text(text, policy)
            if part.problem:
                return replace(part, problem=f"{path}: {part.problem}")
            reasons |= set(part.reasons)
    return Reading("", "free-form", tuple(sorted(reasons)))


def _defines_entry(tree: ast.Module) -> bool:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == ENTRY_CLASS:
            return True
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == ENTRY_CLASS for t in node.targets
        ):
            return True
        if isinstance(node, ast.ImportFrom | ast.Import) and any(
            (a.asname or a.name) == ENTRY_CLASS for a in node.names
        ):
            return True
        # a definition may be conditional; the build stage decides
        if isinstance(node, ast.If | ast.Try) and any(
            isinstance(n, ast.ClassDef) and n.name == ENTRY_CLASS for n in ast.walk(node)
        ):
            return True
    return False


def _free_form(tree: ast.Module) -> set[str]:
    reasons = {f"uses {name}" for name in _cupy_compute(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [a.name.split(".")[0] for a in node.names]
            reasons |= {f"imports {n}" for n in names if n not in _ALLOWED_IMPORTS}
        elif isinstance(node, ast.ImportFrom):
            name = (node.module or "").split(".")[0]
            if name not in _ALLOWED_IMPORTS:
                reasons.add(f"imports {name or 'a relative module'}")
            if (node.module or "").startswith("torch.utils.cpp_extension"):
                reasons.add("builds its own extension")
        elif isinstance(node, ast.Name) and node.id in _HOST_REACH:
            reasons.add(f"uses {node.id}")
        elif isinstance(node, ast.Attribute) and node.attr.startswith("__") and node.attr != "__init__":
            reasons.add(f"uses {node.attr}")
        elif isinstance(node, ast.Attribute) and node.attr == "cpp_extension":
            reasons.add("builds its own extension")
        elif isinstance(node, ast.Try):
            reasons.add("catches exceptions")
        elif isinstance(node, ast.Global | ast.Nonlocal):
            reasons.add("keeps global state")
    return reasons


def _cupy_compute(tree: ast.Module) -> set[str]:
    """Names of CuPy that are used and neither launch nor describe a kernel."""
    aliases, used = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named = [a for a in node.names if a.name.split(".")[0] == "cupy"]
            aliases |= {a.asname or "cupy" for a in named}
            used |= {a.name for a in named if a.name not in ("cupy", "cupy.cuda")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cupy":
            path = f"{node.module}.".removeprefix("cupy.")
            used |= {f"cupy.{path}{a.name}" for a in node.names if f"{path}{a.name}" not in _CUPY_LAUNCHERS}
    inner = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            base = node.value
            while isinstance(base, ast.Attribute):
                base = base.value
            if not isinstance(base, ast.Name) or base.id not in aliases:
                continue
            path = ast.unparse(node).partition(".")[2]
            if not any(path == name or path.startswith(f"{name}.") for name in _CUPY_LAUNCHERS):
                used.add(f"cupy.{path}")
    return used


def _torch_compute(tree: ast.Module) -> set[str]:
    """Names of torch calls that compute, outside of functions decorated as kernels."""
    kernels = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and any("jit" in ast.unparse(d) for d in node.decorator_list)
        for inner in ast.walk(node)
    }
    used = _cupy_compute(tree)
    for node in ast.walk(tree):
        if id(node) in kernels:
            continue
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            used.add("@")
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        last = name.rsplit(".", 1)[-1]
        roots = ("torch.nn.functional.", "F.", "torch.ops.", "torch.special.", "torch.linalg.", "torch.fft.")
        if (
            name.startswith(roots)
            or (
                name.startswith("torch.")
                and name.count(".") == 1
                and last not in _LAUNCHER_OPS
                and last not in ("no_grad", "device", "Size", "zeros", "ones", "full")
            )
            or (
                last in ("matmul", "mm", "bmm", "softmax", "sum", "mean", "conv2d", "relu", "einsum")
                and "." in name
            )
        ):
            used.add(name)
    return used
