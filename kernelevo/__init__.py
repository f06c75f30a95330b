"""kernelevo makes a PyTorch module faster: it proposes kernels, proves them, times them and evolves them.

Importing this package is cheap; torch is imported when something that needs it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# public name -> module that holds it, resolved on first use so that `import kernelevo` stays light
PUBLIC = {
    "Brief": "kernelevo.core",
    "Evaluation": "kernelevo.core",
    "Program": "kernelevo.core",
    "Proposal": "kernelevo.core",
    "Status": "kernelevo.core",
    "Task": "kernelevo.core",
    "Trial": "kernelevo.core",
    "attempt": "kernelevo.evaluators",
    "call": "kernelevo.evaluators",
    "cascade": "kernelevo.evaluators",
    "converse": "kernelevo.evaluators",
    "evaluator": "kernelevo.evaluators",
    "execute": "kernelevo.evaluators",
    "cpp": "kernelevo.backends.cpp",
    "cuda": "kernelevo.backends.cuda",
    "cupy_stream": "kernelevo.backends.cupy_stream",
    "gemm": "kernelevo.backends.cublas",
    "graphed": "kernelevo.backends.graphed",
    "packed": "kernelevo.backends.packing",
    "refresh": "kernelevo.backends.packing",
    "evolve": "kernelevo.api",
    "load_run": "kernelevo.api",
    "optimize": "kernelevo.api",
    "resume": "kernelevo.api",
    "steer": "kernelevo.api",
}

__all__ = [
    "Brief",
    "Evaluation",
    "Program",
    "Proposal",
    "Status",
    "Task",
    "Trial",
    "__version__",
    "attempt",
    "call",
    "cascade",
    "converse",
    "cpp",
    "cuda",
    "cupy_stream",
    "evaluator",
    "evolve",
    "execute",
    "gemm",
    "graphed",
    "load_run",
    "optimize",
    "packed",
    "refresh",
    "resume",
    "steer",
]

if TYPE_CHECKING:
    from kernelevo.api import evolve, load_run, optimize, resume, steer
    from kernelevo.backends.cpp import cpp
    from kernelevo.backends.cublas import gemm
    from kernelevo.backends.cuda import cuda
    from kernelevo.backends.cupy_stream import cupy_stream
    from kernelevo.backends.graphed import graphed
    from kernelevo.backends.packing import packed, refresh
    from kernelevo.core import Brief, Evaluation, Program, Proposal, Status, Task, Trial
    from kernelevo.evaluators import attempt, call, cascade, converse, evaluator, execute


def __getattr__(name: str) -> Any:
    if name in PUBLIC:
        value = getattr(importlib.import_module(PUBLIC[name]), name)
        globals()[name] = value  # programs say kernelevo.packed(...) in every forward: look it up once
        return value
    raise AttributeError(f"module 'kernelevo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
