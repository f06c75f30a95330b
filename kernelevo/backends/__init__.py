"""Backends: kernel source -> callable, one per language, and the loaders of references and candidates.

Nothing here imports torch until a name is used. ``kernelevo.cpp``, ``kernelevo.cuda`` and
``kernelevo.packed`` come from the modules ``cpp``, ``cuda`` and ``packing`` of this room.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# public name -> module that holds it
_PUBLIC = {
    "BuildCache": "kernelevo.backends.cache",
    "Reference": "kernelevo.backends.reference",
    "adopt": "kernelevo.backends.candidate",
    "load_candidate": "kernelevo.backends.candidate",
    "load_reference": "kernelevo.backends.reference",
}

__all__ = ["BuildCache", "Reference", "adopt", "load_candidate", "load_reference"]

if TYPE_CHECKING:
    from kernelevo.backends.cache import BuildCache
    from kernelevo.backends.candidate import adopt, load_candidate
    from kernelevo.backends.reference import Reference, load_reference


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'kernelevo.backends' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
