"""Where a process that we start finds this kernelevo, whatever folder it begins in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def python_path(environ: Mapping[str, str] = os.environ) -> str:
    """Return a ``PYTHONPATH`` that has our own root before what an environment names."""
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, [root, environ.get("PYTHONPATH")]))
