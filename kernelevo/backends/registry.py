"""The backends by language, and what each lacks on this machine; ``doctor`` prints it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from kernelevo.backends import launching, native, toolchain
from kernelevo.errors import MachineError


@dataclass(frozen=True)
class LanguageBackend:
    """One language that programs may be written in (a :class:`kernelevo.core.Backend`).

    Args:
        language: ``"cpp"``, ``"cuda"`` or ``"triton"``.
        needs: returns None if ready, else what is missing and how to get it.
        launches: returns None if what is built can also run here, else why not.
    """

    language: str
    needs: Callable[[], str | None]
    launches: Callable[[], str | None]

    def missing(self) -> str | None:
        """Return None if sources of this language can be built here, else the sentence for ``doctor``."""
        return self.needs()


def _cpp() -> str | None:
    try:
        toolchain.compiler()
    except MachineError as error:
        return str(error)
    return None


def _cuda() -> str | None:
    if importlib.util.find_spec("cuda") is None or toolchain.package("cuda-core", "cuda.core") is None:
        return 'cuda.core is not installed: pip install "kernelevo[cuda13]" (or [cuda12])'
    if toolchain.nvrtc() is None:
        return "NVRTC is not installed: pip install nvidia-cuda-nvrtc"
    return None


def _triton() -> str | None:
    return None if toolchain.triton() else "Triton is not installed: pip install triton (Linux only)"


def _runs_on_cpu() -> str | None:
    return None


def _cuda_device() -> str | None:
    import torch

    if torch.cuda.is_available():
        return None
    built = (
        f"torch {torch.__version__} is a CPU build" if torch.version.cuda is None else "the driver shows none"
    )
    return f"no CUDA device: {built}; sources are compiled but not run"


BACKENDS: tuple[LanguageBackend, ...] = (
    LanguageBackend("cpp", _cpp, _runs_on_cpu),
    LanguageBackend("cuda", _cuda, _cuda_device),
    LanguageBackend("triton", _triton, _cuda_device),
)


def facts() -> dict[str, dict[str, str | None]]:
    """Return, for ``doctor``: what each language lacks to build and to run, the tools, the native parts."""
    return {
        "missing": {backend.language: backend.missing() for backend in BACKENDS},
        "not runnable": {backend.language: backend.launches() for backend in BACKENDS},
        "tools": toolchain.facts(),
        "native": {"comparison": native.missing(), "launches": launching.missing()},
    }
