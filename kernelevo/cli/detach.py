"""Detached runs: the same command in a session of its own, which outlives this terminal."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kernelevo.cli.output import talk
from kernelevo.core.python_path import python_path
from kernelevo.core.shell import word
from kernelevo.errors import MachineError, WorkerDied, refused
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

    Raises:
        StoreError, Unwritable: if ``run.log`` cannot be written.
        MachineError: if the process cannot be started, or a signal ended it as it began.
    """
    words = [sys.executable, "-P", "-m", "kernelevo", "run", task, "--out", str(folder), *_words(flags)]
    log, before = folder / LOG, _settings_of(folder)
    pid = _spawn(words, log)
    end = time.monotonic() + _PATIENCE
    over = status = 0
    try:
        while not over and _settings_of(folder) in (None, before) and time.monotonic() < end:
            time.sleep(_LOOK)
            over, status = os.waitpid(pid, os.WNOHANG)
    except KeyboardInterrupt:  # a terminal's Ctrl-C does not reach another session
        os.kill(pid, signal.SIGINT)
        talk(f"process {pid} is told to stop; what it says: {log}")
        raise
    if over and status != 0:
        talk(log.read_text(encoding="utf-8", errors="replace").rstrip())
        with suppress(OSError):  # what was refused leaves no folder
            if [path.name for path in folder.iterdir()] == [LOG]:
                log.unlink()
                folder.rmdir()
        if os.WIFSIGNALED(status):
            raise WorkerDied(
                "the run was ended by a signal as it began",
                why=f"signal {os.WTERMSIG(status)}: {signal.strsignal(os.WTERMSIG(status))}",
                now="start it again; a signal that nobody sent mostly means that the memory was full",
            )
        return os.waitstatus_to_exitcode(status)
    talk(f"process {pid} runs in {folder}; what it says: {log}")
    talk(f"how far it is: kernelevo show {word(folder)}    stop it early: kill -INT {pid}")
    return 0


def _spawn(words: list[str], log: Path) -> int:
    """Start a process in a session of its own that reads nothing and says everything to a file."""
    try:
        file = log.open("wb")
    except OSError as error:
        raise refused(f"{log} cannot be written.", error) from error
    with file:
        said = file.fileno()
        opened = [
            (os.POSIX_SPAWN_DUP2, said, 1),
            (os.POSIX_SPAWN_DUP2, said, 2),
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        ]
        try:
            environ = {**os.environ, "PYTHONPATH": python_path()}
            # a shell's background jobs ignore Ctrl-C, and hand that on; the run is to be stopped by it
            return os.posix_spawn(
                words[0], words, environ, file_actions=opened, setsid=True, setsigdef=[signal.SIGINT]
            )
        except OSError as error:
            raise MachineError(
                "the process of the run cannot be started",
                why=str(error),
                now="free memory or processes (ulimit -u), or run it without --detach",
            ) from error


def _settings_of(folder: Path) -> tuple[int, int] | None:
    """Return what tells settings that a run wrote from a file that lay there before; None without a file."""
    try:
        found = (folder / CONFIG_FILE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


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
