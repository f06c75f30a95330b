"""Triton programs compiled ahead of time, for an architecture given by name, without GPU or driver.

A program's ``@triton.jit`` functions need types and constants to be compiled. They come from, in this order:
what the caller says; the program's own table ``AOT``, literals as in
``AOT = {"kernel": {"signature": {"x_ptr": "*fp32"}, "constexprs": {"BLOCK": 128}, "num_warps": 4}}``;
else from names: ``tl.constexpr`` parameters take the first choice of that name in ``TUNE`` or their default,
parameters that end in ``_ptr`` are fp32 pointers, the rest int32.
"""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelevo.backends import nvrtc, taskfile, toolchain, tune
from kernelevo.errors import BadProgram, BuildError, KernelEvoError, ToolchainMissing

WARP = 32


@dataclass(frozen=True)
class TritonKernel:
    """One compiled kernel.

    Args:
        name: of the function in the program.
        arch: e.g. ``"sm_90"``.
        cubin: the image; PTX beside it.
        ptx: its text.
        shared: dynamic shared memory in bytes (static memory is in ``usage``).
        num_warps: warps of a program instance.
        usage: registers and the rest, None without cuobjdump.
    """

    name: str
    arch: str
    cubin: bytes
    ptx: str
    shared: int
    num_warps: int
    usage: nvrtc.Usage | None


def pin_fusion() -> None:
    """Fix ``TRITON_DEFAULT_FP_FUSION`` to 1 unless it is set: Triton's releases differ in its default."""
    os.environ.setdefault(toolchain.TRITON_FUSION, "1")


def compile_source(
    source: str,
    folder: Path,
    *,
    arch: str = "sm_90",
    signature: Mapping[str, Mapping[str, str]] | None = None,
    constexprs: Mapping[str, Mapping[str, Any]] | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, TritonKernel]:
    """Compile every ``@triton.jit`` function at the top level of a program that is used as a kernel.

    Functions that return a value, or that other functions of the program call, are taken as parts of kernels,
    not as kernels. Runs the program's top level.

    Args:
        source: the program.
        folder: where its text is written: Triton reads a kernel's source from a file.
        arch: e.g. ``"sm_80"``, ``"sm_90"``, ``"sm_100"``.
        signature: kernel -> parameter -> Triton type.
        constexprs: kernel -> parameter -> value.
        options: passed to Triton for all kernels (``num_warps``, ``num_stages``).

    Raises:
        BuildError: if the program cannot be imported or a kernel does not compile.
        BadProgram: if the value of a ``tl.constexpr`` parameter cannot be found.
        ToolchainMissing: without Triton, or in a process in which Triton interprets.
    """
    pin_fusion()
    _require_triton()
    names = _kernels(source)
    table = _aot_table(source)
    module = _imported(source, folder)
    compiled = {}
    for name in names:
        told = table.get(name, {})
        types = {**told.get("signature", {}), **(signature or {}).get(name, {})}
        values = {**told.get("constexprs", {}), **(constexprs or {}).get(name, {})}
        more = {k: v for k, v in told.items() if k not in ("signature", "constexprs")}
        arguments = _arguments(getattr(module, name), name, types, values, tune.values_in_use(source))
        compiled[name] = _compile(module, name, arguments, arch, {**more, **(options or {})})
    return compiled


def _require_triton() -> None:
    try:
        import triton  # noqa: F401
    except ImportError as error:
        raise ToolchainMissing(
            "Triton is not installed", why=str(error), now="pip install triton (Linux only)"
        ) from error
    if os.environ.get("TRITON_INTERPRET") == "1":
        raise ToolchainMissing(
            "Triton interprets in this process, so it cannot compile",
            why="TRITON_INTERPRET=1",
            now="compile in a process without it",
        )


def _kernels(source: str) -> list[str]:
    """Return the jit functions that are kernels: no value returned, called by no other jit function."""
    tree = taskfile.parse(source, "program.py")
    jitted = [n for n in tree.body if isinstance(n, ast.FunctionDef) and any(map(_is_jit, n.decorator_list))]
    called = {
        call.func.id
        for node in jitted
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    }
    return [
        node.name
        for node in jitted
        if node.name not in called
        and not any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(node))
    ]


def _is_jit(decorator: ast.expr) -> bool:
    text = ast.unparse(decorator)
    return text.split("(")[0] in ("triton.jit", "jit")


def _aot_table(source: str) -> dict[str, dict[str, Any]]:
    try:
        value = taskfile.plain_value(taskfile.parse(source, "program.py"), "AOT")
        table = ast.literal_eval(value) if value is not None else {}
    except (LookupError, ValueError, TypeError):
        table = None
    if not isinstance(table, dict) or not all(isinstance(v, dict) for v in table.values()):
        raise BadProgram(
            "the program's AOT table is not one of literals", now="see kernelevo.backends.triton"
        )
    return table


def _imported(source: str, folder: Path) -> Any:
    """Import the program without asking for ``ModelNew``: a file of kernels alone will do."""
    from kernelevo.backends.candidate import import_program

    return import_program(source, folder)


def _arguments(
    function: Any, name: str, types: Mapping[str, str], values: Mapping[str, Any], tuned: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Complete the types and constants of one kernel from its parameters."""
    plain = inspect.signature(_unwrapped(function).fn).parameters
    signature: dict[str, str] = {}
    constants: dict[str, Any] = {}
    for parameter, facts in plain.items():
        if "constexpr" in str(facts.annotation) or parameter in values:
            signature[parameter] = "constexpr"
            if parameter in values:
                constants[parameter] = values[parameter]
            elif parameter in tuned:
                constants[parameter] = tuned[parameter]
            elif facts.default is not inspect.Parameter.empty:
                constants[parameter] = facts.default
            else:
                raise BadProgram(
                    f"the Triton kernel {name} cannot be compiled ahead of time: {parameter} has no value",
                    why=f"{parameter} is a tl.constexpr that neither AOT nor TUNE names",
                    now=f'add AOT = {{"{name}": {{"constexprs": {{"{parameter}": 128}}}}}} to the program',
                )
        else:
            signature[parameter] = types.get(parameter) or ("*fp32" if parameter.endswith("_ptr") else "i32")
    return signature, constants


def _unwrapped(function: Any) -> Any:
    """Return the jit function inside autotune and heuristics wrappers."""
    while not hasattr(function, "params") and hasattr(function, "fn"):
        function = function.fn
    return function


def _compile(
    module: Any,
    name: str,
    arguments: tuple[dict[str, str], dict[str, Any]],
    arch: str,
    options: dict[str, Any],
) -> TritonKernel:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    signature, constants = arguments
    target = GPUTarget("cuda", int(arch.removeprefix("sm_").rstrip("a")), WARP)
    try:
        text = ASTSource(fn=_unwrapped(getattr(module, name)), signature=signature, constexprs=constants)
        built = triton.compile(text, target=target, options={"enable_fp_fusion": True, **options})
    except KernelEvoError:
        raise
    except Exception as error:  # Triton's compiler raises errors of many kinds
        log = f"{type(error).__name__}: {error}".replace(str(module.__file__), "program.py")
        what = f"the Triton kernel {name} does not compile for {arch}"
        raise BuildError(what, why=log[:500], log=log) from error
    cubin = built.asm["cubin"]
    found = nvrtc.usage(cubin) if toolchain.nvidia_tool("cuobjdump") else {}
    return TritonKernel(
        name, arch, cubin, built.asm["ptx"], built.metadata.shared, built.metadata.num_warps,
        next(iter(found.values()), None),
    )  # fmt: skip
