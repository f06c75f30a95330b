"""Detached runs: the same command in a session of its own, which outlives this terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kernelevo.cli.output import talk
from kernelevo.store import CONFIG_FILE

LOG = "run.log"
_PATIENCE, _LOOK = 60.0, 0.1  # seconds


def detach(task: str, flags: Mapping[str, Any], folder: Path) -> int:
    """Start ``kernelevo run`` in a session of its own, and wait until it has begun.

    Args:
        task: as on the command line.
        flags: the other flags, by their names; None and False are left out.
        folder: of the run; it is there, and gets the run's words in ``run.log``.

    Returns:
        0 once the run has begun (its settings are written after its store), else the exit code of what
        could not begin.
    """
    words = [sys.executable, "-m", "kernelevo", "run", task, "--out", str(folder), *_words(flags)]
    log = folder / LOG
    opened = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawn(sys.executable, words, os.environ, file_actions=opened, setsid=True)
    end = time.monotonic() + _PATIENCE
    over = status = 0
    while not over and not (folder / CONFIG_FILE).is_file() and time.monotonic() < end:
        time.sleep(_LOOK)
        over, status = os.waitpid(pid, os.WNOHANG)
    if over and status != 0:
        talk(log.read_text(encoding="utf-8", errors="replace").rstrip())
        return abs(os.waitstatus_to_exitcode(status))
    talk(f"process {pid} runs in {folder}; what it says: {log}")
    talk(f"how far it is: kernelevo show {folder}    stop it early: kill -INT {pid}")
    return 0


def _words(flags: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in flags.items():
        if value is False and name.startswith("no_"):  # switched on against the default
            words.append(f"--{name.removeprefix('no_')}")
        if value is None or value is False:
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(",".join(value) if isinstance(value, list) else str(value))
    return words
