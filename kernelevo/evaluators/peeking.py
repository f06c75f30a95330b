"""Peeking: whether programs in the sandbox could read a file that they must not see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from kernelevo.core import Program
from kernelevo.errors import SandboxError
from kernelevo.evaluators.calling import call

_PEEK = Program.single(
    "def peek(path):\n    try:\n        open(path, 'rb').close()\n    except OSError:\n        return False\n"
    "    return True\n"
)


def refuse_if_seen(paths: Iterable[Path], what: str, *, preload: Sequence[str]) -> None:
    """Try to read files as a program would.

    Args:
        paths: of files that hold what programs shall predict, or give it away.
        what: a sentence on why nobody may see them.
        preload: as for ``call``: those of the programs to come, whose zygote is used.

    Raises:
        SandboxError: if one of them can be read.
    """
    for path in paths:
        if call(_PEEK, "peek", (str(path),), preload=preload):
            raise SandboxError(
                f"programs could read {path} on this machine", why=what,
                now="keep it outside of the Python installation, on a machine where the sandbox can hide it: "
                "`kernelevo doctor` tells what is missing here",
            )  # fmt: skip
