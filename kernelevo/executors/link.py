"""Link: one process of ours, started fresh (never forked), that answers calls over a socket."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from kernelevo.errors import WorkerDied
from kernelevo.executors import frames, replies

STOP_SECONDS = 6.0  # longer than a worker's own grace


class Link:
    """A running process and the calls it has not answered yet.

    The process leads a session and process group of its own (``pgid``), so that it can be stopped and killed
    together with all that it starts.

    Args:
        main: ``"module:function"`` that the process runs, given the number of its socket.
        log: file that its output is appended to; None means our own stderr.
        on_start: called with the ``pgid``, e.g. to register it with a device lease.
    """

    def __init__(
        self, main: str, *, log: Path | None = None, on_start: Callable[[int], None] | None = None
    ) -> None:
        self._pending: dict[int, Future[Any]] = {}
        self._numbers = itertools.count()
        self._mutex = threading.Lock()
        self._gone: WorkerDied | None = None
        self._socket, theirs = socket.socketpair()
        module, function = main.split(":")
        code = f"from {module} import {function}; {function}({theirs.fileno()})"
        output = open(log, "ab") if log else None  # noqa: SIM115  closed below, once it is handed on
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", code],  # its modules are found where ours are
                stdin=subprocess.DEVNULL,
                stdout=output or 2,  # never our stdout: that one carries data
                stderr=output,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
            )
        finally:
            theirs.close()
            if output:
                output.close()
        self.pid = self.pgid = self._process.pid
        if on_start:
            on_start(self.pgid)
        threading.Thread(target=self._listen, name=f"link-{self.pid}", daemon=True).start()
        threading.Thread(target=self._end_of_line, name=f"link-end-{self.pid}", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it can still be called."""
        return self._gone is None

    def call(self, *request: Any) -> Future[Any]:
        """Send a request; the future gets the answer, the exception raised there, or WorkerDied."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        with self._mutex:
            if self._gone:
                future.set_exception(self._gone)
                return future
            number = next(self._numbers)
            self._pending[number] = future
        self._send((number, *request))
        return future

    def cancel(self, future: Future[Any]) -> None:
        """Forget a call and tell the process that nobody waits for it."""
        with self._mutex:
            numbers = [number for number, pending in self._pending.items() if pending is future]
            for number in numbers:
                del self._pending[number]
        for number in numbers:
            self._send((number, "cancel", number))

    def _send(self, message: Any) -> None:
        try:
            data = frames.encode(message)
        except Exception as error:  # something in the request cannot be pickled: the caller's mistake
            with self._mutex:
                future = self._pending.pop(message[0], None)
            if future:
                future.set_exception(error)
            return
        with self._mutex, contextlib.suppress(OSError):  # a dead process is reported by the listener
            self._socket.sendall(data)

    def _listen(self) -> None:
        try:
            while True:
                number, good, body = frames.receive(self._socket)
                with self._mutex:
                    future = self._pending.pop(number, None)
                if future is None:
                    continue
                replies.settle(future, good, body)
        except EOFError:
            self._bury()

    def _end_of_line(self) -> None:
        """Close the line when the process ends, once all that it sent is read.

        What it has started may hold its end of the line, and live on.
        """
        self._process.wait()
        with contextlib.suppress(OSError):  # closed already
            self._socket.shutdown(socket.SHUT_RD)

    def _bury(self) -> None:
        """The line is closed: say why to everyone who waits, and leave nothing of the group behind."""
        try:
            code = self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        self.kill()
        with self._mutex:
            self._gone = WorkerDied(
                f"a worker process (pid {self.pid}) {_how(code)}.",
                why="whatever it was doing is lost; it is replaced by a new one",
                now="if this repeats, run with --executor inline to see it fail here",
            )
            pending, self._pending = self._pending, {}
        for future in pending.values():
            future.set_exception(self._gone)
        self._socket.close()

    def kill(self) -> None:
        """End the whole process group at once; safe to call twice."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pgid, signal.SIGKILL)

    def dismiss(self) -> None:
        """Ask it to leave after its present call; ``join`` waits for that."""
        with self._mutex, contextlib.suppress(OSError):
            self._socket.sendall(frames.encode(None))
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGCONT)  # a stopped process could not hear it

    def join(self, seconds: float = STOP_SECONDS) -> None:
        """Wait for it to leave, then kill what is left of its group."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=seconds)
        self.kill()
        self._process.wait()


def _how(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
