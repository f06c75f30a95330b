"""Generated: the code that Inductor made in a process, and which baselines it shows to be one and the same.

On the CPU ``max-autotune`` nearly always ends with the very code of plain ``torch.compile``, and of a module
that torch.compile leaves alone (a recurrent layer) there is no code at all: that is eager. To time the same
code twice says nothing but how lucky its processes are, and takes longer than to look.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kernelevo.kernels.children.small_file import SmallFile

NONE = ""
"""The digest where nothing was generated: all of the module runs as it does in eager mode."""
_REMARK = re.compile(r"^[ \t]*# .*\n", re.M)  # the number of the graph, nodes that a kernel stands for
_KERNEL = re.compile(r"\b(cpp_fused)\w*?_(\d+)\b")  # named by such nodes too


def count() -> int:
    """Return how many modules of generated code this process holds: a fork has those of its zygote."""
    return len(_modules() or ())


def digest(earlier: int = 0) -> str | None:
    """Return the digest of what Inductor has generated in this process; None if that cannot be told.

    Args:
        earlier: what ``count`` was before.
    """
    made = _modules()
    try:
        return (
            None if made is None else of_texts([Path(m.__file__).read_text("utf-8") for m in made[earlier:]])
        )
    except (AttributeError, TypeError, OSError):  # of another torch
        return None


def _modules() -> Sequence[Any] | None:
    cache = sys.modules.get("torch._inductor.codecache")
    if cache is None:
        return ()
    found = getattr(getattr(cache, "PyCodeCache", None), "modules", None)
    return found if isinstance(found, list) else None


def of_texts(texts: Iterable[str]) -> str:
    """Return the digest of modules' texts, but for remarks and the names of kernels."""
    bare = sorted(_KERNEL.sub(r"\1_\2", _REMARK.sub("", text)) for text in texts)
    return hashlib.sha256(json.dumps(bare).encode()).hexdigest() if bare else NONE


class Codes:
    """The digests of one task's compiled baselines by name, kept between processes.

    Args:
        path: of their file.
    """

    def __init__(self, path: Path) -> None:
        self._file = SmallFile(path)

    def of(self, name: str) -> str | None:
        """Return what a baseline's code was; None if that is not known."""
        found = self._file.get(name)
        return found if isinstance(found, str) else None

    def remember(self, name: str, code: str) -> None:
        """Take a baseline's code down.

        Raises:
            OSError: if it cannot be written.
        """
        if self.of(name) != code:
            self._file.put(name, code)
