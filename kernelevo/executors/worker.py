"""The inside of a worker process: one call after another, until the engine is gone."""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import queue
import signal
import socket
import threading
from typing import Any

from kernelevo.device.heap import keep_freed
from kernelevo.executors import frames, replies

GRACE_SECONDS = 5.0


class Leaving(BaseException):
    """This process was told to leave; a SystemExit would be taken for the call's own, and answered."""


def main(fd: int) -> None:
    """Serve the engine at the other end of socket ``fd``.

    The main thread works and a second one listens, so that a long call notices when the engine dies: it is
    then interrupted like by a SIGTERM. The process has ``GRACE_SECONDS`` for its ``atexit`` duties, which no
    SIGTERM interrupts (evaluators stop their children there), and is ended the hard way.
    """
    keep_freed()
    connection = socket.socket(fileno=fd)
    connection.set_inheritable(False)  # what a call starts is not to hold the line when this process is gone
    os.register_at_fork(after_in_child=connection.close)
    orphaned = threading.Event()
    atexit.register(_sweep, orphaned)  # registered first, so it comes last
    calls: queue.SimpleQueue[tuple[int, bytes] | None] = queue.SimpleQueue()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the engine's to answer
    threading.Thread(target=_listen, args=(connection, calls, orphaned), daemon=True).start()
    with contextlib.suppress(Leaving):
        while (call := calls.get()) is not None:
            connection.sendall(frames.encode(_work(*call)))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a call may be broken off, what follows them not


def _work(number: int, body: bytes) -> tuple[int, bool, bytes]:
    try:
        function, arguments = pickle.loads(body)
        return replies.succeeded(number, function(*arguments))
    except Exception as error:
        return replies.failed(number, error)


def _listen(
    connection: socket.socket, calls: queue.SimpleQueue[tuple[int, bytes] | None], orphaned: threading.Event
) -> None:
    try:
        while (call := frames.receive(connection)) is not None:
            calls.put(call)
    except EOFError:
        orphaned.set()  # the engine is gone: leave as if it had said so
    calls.put(None)
    for seconds, act in ((GRACE_SECONDS / 5, _interrupt), (GRACE_SECONDS, _end)):
        timer = threading.Timer(seconds, act)
        timer.daemon = True
        timer.start()


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _end() -> None:
    os.killpg(0, signal.SIGKILL)


def _sweep(orphaned: threading.Event) -> None:
    """Take everything that was started here along, if there is no engine left to do so."""
    if orphaned.is_set():
        _end()


def _leave(number: int, frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Leaving
