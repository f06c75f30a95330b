"""Worker: a process that does one job after another, so that what is warm stays warm."""

from __future__ import annotations

import contextlib
import json
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

SERVE = "--serve"
DONE = b"done\n"
_GOODBYE = 10.0
_LIFE = 16  # jobs: a reference that leaks memory cannot fill the machine


class Worker:
    """Does jobs that their folders tell of; one that goes wrong takes its process along, and no other job.

    Args:
        start: called with an argument, standard input, output and error; starts a process that reads folders
            as JSON strings, a line each, and answers each with ``DONE``.
    """

    def __init__(self, start: Callable[..., subprocess.Popen[bytes]]) -> None:
        self._start = start
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0
        self._of: object = None

    def do(self, folder: Path, log: int, seconds: float | None, of: object = None) -> int | None:
        """Have a job done; return 0, the code that its process ended with, or None if it took too long.

        Args:
            folder: the job's, absolute.
            log: descriptor for what a process says before it reads the job.
            seconds: that the job may take; None for as long as it likes.
            of: what its process may do jobs of alone; one that has done others' is ended before.
        """
        if self._process is not None and (
            self._count == _LIFE or self._of != of or self._process.poll() is not None
        ):
            self.end()
        if self._process is None:
            self._process = self._start(SERVE, subprocess.PIPE, subprocess.PIPE, log)
            self._count, self._of = 0, of
        self._count += 1
        went_well = False
        try:
            said = _ask(self._process, folder, seconds)
            went_well = said == DONE
            if went_well:
                return 0
            return None if said is None else self._process.wait(_GOODBYE)
        except subprocess.TimeoutExpired:  # it says no more, and does not end
            return None
        finally:
            if not went_well:
                self._drop()

    def end(self) -> None:
        """Let the process end, if there is one; it has no job now."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()  # there are no more jobs
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GOODBYE)
        self._drop()

    def _drop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


def _ask(process: subprocess.Popen[bytes], folder: Path, seconds: float | None) -> bytes | None:
    """Return what a process answers: nothing where it ended, None where it takes too long."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(json.dumps(str(folder)).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return b""
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    return process.stdout.readline() if ready else None


def end(process: subprocess.Popen[bytes]) -> None:
    """End a child that is still there: a run stops gently at the first SIGTERM, at once at the second."""
    for number, seconds in ((signal.SIGTERM, 0.5), (signal.SIGTERM, _GOODBYE), (signal.SIGKILL, None)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
