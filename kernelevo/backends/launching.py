"""Launching: CUDA launches whose arguments are checked and converted in C.

The extension is built once per machine into the build cache. Where it cannot be (no compiler, no headers of
Python, the run stage of the sandbox) ``kernelevo.cuda`` converts in Python and launches through
cuda.bindings: the same launches, several microseconds later each. :func:`missing` says why.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sysconfig
from collections.abc import Callable
from functools import cache
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from kernelevo.backends import source_tree, toolchain
from kernelevo.backends.cache import BuildCache, digest
from kernelevo.backends.signatures import Parameter
from kernelevo.errors import MachineError, ToolchainMissing

SOURCE, NAME = "launch.cpp", "kernelevo_launch"
FLAGS = ("-O3", "-std=c++20", "-fPIC", "-fno-strict-aliasing")
KINDS = {
    "float32": "f", "float64": "d", "int64": "q", "int32": "i", "int16": "h", "int8": "b", "uint64": "Q",
    "uint32": "I", "uint16": "H", "uint8": "B", "bool": "?",
}  # fmt: skip
Quick = Callable[..., int | None]  # the driver's status, or None: the arguments are no plain case


def quick(
    parameters: tuple[Parameter, ...],
    function: int,
    size: tuple[int, ...],
    shared: int,
    device: int,
    *,
    driver: int | None = None,
    current: Callable[[], int] | None = None,
    stream: Callable[[int], int] | None = None,
) -> Quick | None:
    """Return a function that launches a kernel with these arguments, or None where there is none.

    Args:
        parameters: of the kernel; the type of each number must be known.
        function: the driver's handle of the kernel, loaded on ``device``.
        size: the grid's three sizes and the block's.
        shared: dynamic shared memory in bytes.
        device: index of the device that the tensors must lie on.
        driver: address of ``cuLaunchKernel``; default: libcuda's.
        current: gives the index of the current device; default: torch's.
        stream: gives the handle of a device's current stream; default: torch's.
    """
    import torch

    module = _loaded()[0]
    if module is None or not all(p.pointer or p.type in KINDS for p in parameters):
        return None
    address = driver if driver is not None else _driver_address()
    if address is None:
        return None
    kinds = "".join("p" if p.pointer else KINDS[str(p.type)] for p in parameters)
    dtypes = tuple(_dtype(p) for p in parameters)
    made: Quick = module.Launch(
        address, function, size, shared, device, kinds.encode(), dtypes, (torch.Tensor, torch.nn.Parameter),
        current or torch._C._cuda_getDevice, stream or torch._C._cuda_getCurrentRawStream,
    )  # fmt: skip
    return made


def prepare() -> None:
    """Have the extension built, so that it is there in the sandbox."""
    _loaded()


def missing() -> str | None:
    """Return None if launches are converted in C, else why they are not."""
    return _loaded()[1]


def _dtype(parameter: Parameter) -> Any:
    import torch

    found = getattr(torch, str(parameter.type), None) if parameter.pointer else None
    return found if isinstance(found, torch.dtype) else None


@cache
def _driver_address() -> int | None:
    try:
        return ctypes.cast(ctypes.CDLL("libcuda.so.1").cuLaunchKernel, ctypes.c_void_p).value
    except (OSError, AttributeError):
        return None  # cuda.bindings finds the driver its own way, or says what is missing


@cache
def _loaded() -> tuple[Any, str | None]:
    try:
        path = str(_built() / f"{NAME}.so")
        spec = spec_from_file_location(NAME, path, loader=ExtensionFileLoader(NAME, path))
        assert spec is not None and spec.loader is not None  # it was given
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    except (MachineError, OSError, ImportError, subprocess.SubprocessError) as error:
        return None, f"CUDA launches are converted in Python: {error}"
    return module, None


def _built() -> Path:
    compiler, text = toolchain.compiler(), (source_tree.csrc() / SOURCE).read_text()
    key = digest("launch", text, FLAGS, compiler.version, compiler.arch, sysconfig.get_config_var("SOABI"))
    return BuildCache.here().get(key, _build, what="the launcher of CUDA kernels")


def _build(scratch: Path) -> None:
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").is_file():
        raise ToolchainMissing(
            "the headers of Python are not installed",
            why=f"no Python.h in {headers}",
            now="install python3-dev",
        )
    command = [toolchain.compiler().path, *FLAGS, f"-I{headers}", "-shared"]
    command += [str(source_tree.csrc() / SOURCE), "-o", f"{NAME}.so"]
    environment = {**os.environ, "LC_ALL": "C", "TMPDIR": str(scratch)}
    done = subprocess.run(
        command, cwd=scratch, capture_output=True, text=True, timeout=120, check=False, env=environment
    )
    if done.returncode != 0:
        raise ToolchainMissing(
            "the launcher of CUDA kernels does not compile here",
            why=(done.stdout + done.stderr)[-1500:],
            now="report this with the compiler's version; launches are converted in Python meanwhile",
        )
