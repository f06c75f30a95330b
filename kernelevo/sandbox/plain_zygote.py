"""The torch-free zygotes of this process, one per set of preloaded modules, shared by all plain calls."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from kernelevo.sandbox.zygote import Zygote

_LOCK = threading.Lock()
_RUNNING: dict[tuple[int, tuple[str, ...]], Zygote] = {}
_ENTRIES = ("kernelevo.sandbox.guest", "kernelevo.sandbox.plain_data")


def plain_zygote(preload: Sequence[str] = ("numpy",)) -> Zygote:
    """Return a zygote without torch, started at the first call (about 0.4 s) and ended with this process.

    Its children may read the interpreter, its packages and kernelevo, and nothing of the user's: the folders
    that this process imports from are not handed on, since an evaluator may lie there beside its answers.

    Args:
        preload: modules its children find imported already; they must start no thread.

    Raises:
        SandboxError: if it cannot be started.
    """
    key = (os.getpid(), tuple(dict.fromkeys(preload)))
    with _LOCK:
        zygote = _RUNNING.get(key)
        if zygote is not None and not zygote.alive():
            zygote.close()
            zygote = None
        if zygote is None:
            root = str(Path(__file__).resolve().parents[2])
            zygote = Zygote((*key[1], *_ENTRIES), threads=1, environ={"PYTHONPATH": root})
            _RUNNING[key] = zygote
        return zygote


def close_all() -> None:
    """End every zygote that this process started."""
    with _LOCK:
        own = [key for key in _RUNNING if key[0] == os.getpid()]
        for key in own:
            _RUNNING.pop(key).close()


atexit.register(close_all)
