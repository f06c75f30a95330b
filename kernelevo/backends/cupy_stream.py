"""CuPy on torch's streams: CuPy keeps a current stream of its own, which is not torch's."""

from __future__ import annotations

import importlib
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from kernelevo.errors import ToolchainMissing


def cupy_stream() -> AbstractContextManager[Any]:
    """Return a context inside of which CuPy works on torch's current stream, as it is at this call.

    A program that launches ``cupy.RawKernel`` or ``RawModule`` kernels needs it wherever torch may be on a
    stream other than the default one: under a capture, or in a module that uses streams itself.

        with kernelevo.cupy_stream():
            kernel((blocks,), (256,), (x.data_ptr(), y.data_ptr(), n))

    Raises:
        ToolchainMissing: without CuPy, or without a CUDA device.
    """
    cupy = imported("cupy")
    if not torch.cuda.is_available():
        raise ToolchainMissing(
            "CuPy has no stream to work on",
            why="torch sees no CUDA device",
            now="run it where torch sees a GPU: kernelevo doctor",
        )
    return _external(cupy, torch.cuda.current_stream())


def following(stream: torch.cuda.Stream) -> AbstractContextManager[Any]:
    """Return a context that puts CuPy on a stream of torch if this process has imported CuPy."""
    cupy = sys.modules.get("cupy")
    return nullcontext() if cupy is None else _external(cupy, stream)


def imported(name: str) -> Any:
    """Return a module of CuPy.

    Raises:
        ToolchainMissing: if it cannot be imported; it says why (CuPy not installed, a library not found).
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ToolchainMissing(
            "CuPy cannot be used here",
            why=f"import {name}: {error}",
            now='pip install "kernelevo[cuda13]" (or [cuda12])',
        ) from error


def _external(cupy: Any, stream: torch.cuda.Stream) -> AbstractContextManager[Any]:
    made: AbstractContextManager[Any] = cupy.cuda.ExternalStream(stream.cuda_stream, stream.device_index)
    return made
