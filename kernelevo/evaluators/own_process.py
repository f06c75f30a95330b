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
from typing import Any

from kernelevo.sandbox.syscalls import signal_name

_MOST = 16 << 20
_SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")


def ask(
    script: str, order: Mapping[str, Any], *, cwd: str | Path, timeout: float, output: int
) -> tuple[dict[str, Any] | None, str]:
    """Run ``python SCRIPT ORDER FD``; return the object that it wrote to FD, or how it ended without one.

    Args:
        script: path of the file to run.
        order: plain data, handed over as JSON.
        cwd: its working folder.
        timeout: seconds until it is killed, with all that it started.
        output: descriptor that takes what it prints.

    Returns:
        (the object, ``""``), or (None, one of ``"timeout"``, ``"nonsense"``, ``"exit 3"``, ``"SIGKILL"``).
    """
    back, theirs = os.pipe()
    root = str(Path(__file__).resolve().parents[2])
    environ = {k: v for k, v in os.environ.items() if not any(word in k.upper() for word in _SECRET_WORDS)}
    environ["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [environ.get("PYTHONPATH")])])
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", script, json.dumps(order), str(theirs)],
            pass_fds=(theirs,), cwd=cwd, env=environ, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(theirs)
    try:
        body = _read(back, timeout)
    finally:
        os.close(back)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    if body is None:
        return None, "timeout"
    try:
        said = json.loads(body)
    except ValueError:
        return None, f"exit {code}" if code >= 0 else signal_name(-code)
    return (said, "") if isinstance(said, dict) else (None, "nonsense")


def _read(fd: int, timeout: float) -> bytes | None:
    """Read to the end; None at the deadline."""
    end, parts, size = time.monotonic() + timeout, [], 0
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    while size <= _MOST:
        if not poller.poll(max(0.0, end - time.monotonic()) * 1e3):
            return None
        part = os.read(fd, 1 << 16)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if _complete(parts):
            break
    return b"".join(parts)


def _complete(parts: list[bytes]) -> bool:
    """Tell whether the message is whole: a candidate's stray process may hold the pipe open for ever."""
    if not parts[-1].endswith(b"}"):
        return False
    try:
        json.loads(b"".join(parts))
    except ValueError:
        return False
    return True
