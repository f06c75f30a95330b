"""A process of its own for code that is neither ours nor a candidate's: no keys, a time limit, one answer."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kernelevo.core.python_path import python_path
from kernelevo.sandbox import freeze
from kernelevo.sandbox.syscalls import signal_name

_MOST = 16 << 20
_PRINTED = 8_000
_PART = 1 << 16
_SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")


class Answer(NamedTuple):
    """What came of a process.

    Args:
        said: the object that it wrote, or None.
        how: how it ended without one: ``"timeout"``, ``"nonsense"``, ``"exit 3"``, ``"SIGKILL"``; else empty.
        printed: the last 8 kB of what it and those that it started printed.
    """

    said: dict[str, Any] | None
    how: str
    printed: str


def ask(script: str, order: Mapping[str, Any], *, cwd: str | Path, timeout: float) -> Answer:
    """Run ``python SCRIPT ORDER FD`` and return the object that it wrote to FD, or how it ended without one.

    What it prints is read all the time and thrown away but for the last of it: endless words fill no disk.

    Args:
        script: path of the file to run.
        order: plain data, handed over as JSON.
        cwd: its working folder.
        timeout: seconds until it is killed, with all that it started.
    """
    back, theirs = os.pipe()
    words, their_words = os.pipe()
    environ = {k: v for k, v in os.environ.items() if not any(word in k.upper() for word in _SECRET_WORDS)}
    environ["PYTHONPATH"] = python_path(environ)
    printed = bytearray()
    try:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", script, json.dumps(order), str(theirs)],
                pass_fds=(theirs,), cwd=cwd, env=environ, stdin=subprocess.DEVNULL,
                stdout=their_words, stderr=their_words, start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(theirs)
            os.close(their_words)
        try:
            body = _read(back, words, printed, timeout)
        finally:
            _end(process.pid)
            code = process.wait()
        os.set_blocking(words, False)
        end = time.monotonic() + 1.0  # a process that fled its group may still print
        with contextlib.suppress(BlockingIOError):
            while time.monotonic() < end and _keep(words, printed):
                pass
    finally:
        os.close(back)
        os.close(words)
    text = printed.decode(errors="replace")
    if body is None:
        return Answer(None, "timeout", text)
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return Answer(None, f"exit {code}" if code >= 0 else signal_name(-code), text)
    return Answer(said, "", text) if isinstance(said, dict) else Answer(None, "nonsense", text)


def _end(pid: int) -> None:
    """Kill a process and all that it started, also what leads a group of its own.

    Evaluators with a time limit of their own start programs in a session that they can kill as a whole; where
    ours rings first, nobody else would end these.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGSTOP)  # it starts no more while we look
    for started in [*freeze.descendants(pid), pid]:
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(started, signal.SIGKILL)


def _read(fd: int, words: int, printed: bytearray, timeout: float) -> bytes | None:
    """Read the answer to its end, and meanwhile what is printed; None at the deadline."""
    end, parts, size = time.monotonic() + timeout, [], 0
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    poller.register(words, select.POLLIN)
    while size <= _MOST:
        left = end - time.monotonic()
        if left <= 0:
            return None
        ready = {which for which, _ in poller.poll(min(left, 60.0) * 1e3)}
        if words in ready and not _keep(words, printed):
            poller.unregister(words)
        if fd not in ready:
            continue
        part = os.read(fd, _PART)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if _complete(parts):
            break
    return b"".join(parts)


def _keep(words: int, printed: bytearray) -> bool:
    """Read some of what is printed and keep the last of it; False at the end."""
    part = os.read(words, _PART)
    printed += part
    del printed[:-_PRINTED]
    return bool(part)


def _complete(parts: list[bytes]) -> bool:
    """Tell whether the message is whole: a candidate's stray process may hold the pipe open for ever."""
    if not parts[-1].endswith(b"}"):
        return False
    try:
        json.loads(b"".join(parts))
    except (ValueError, RecursionError):
        return False
    return True
