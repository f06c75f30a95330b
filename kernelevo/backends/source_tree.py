"""Where our native sources lie: beside the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from kernelevo.errors import ToolchainMissing


@cache
def csrc() -> Path:
    """Return the folder of the native sources (``csrc`` of the checkout, ``kernelevo/_csrc`` of the wheel).

    Raises:
        ToolchainMissing: if the installation has neither.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_csrc", package.parent / "csrc"):
        if (folder / "include" / "kernelevo.h").is_file():
            return folder
    raise ToolchainMissing(
        "the native sources of kernelevo are not installed",
        why=f"looked for include/kernelevo.h in {package / '_csrc'} and {package.parent / 'csrc'}",
        now="reinstall kernelevo from its wheel, or work from a checkout",
    )


def include() -> Path:
    """Return the folder from which ``#include <kernelevo.h>`` is found."""
    return csrc() / "include"


@cache
def headers_digest() -> str:
    """Return one hash over all headers that programs may include."""
    total = hashlib.sha256()
    for path in sorted(include().rglob("*.h")):
        total.update(path.relative_to(include()).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()
