"""Apart: a run started inside a running event loop, as in a notebook's cell, has a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from kernelevo.engine import interrupt

R = TypeVar("R")
_LOOK = 0.1  # seconds between two looks whether it has ended, or whether it can be stopped already


def apart(work: Callable[[], R]) -> R:
    """Do some work with an event loop of its own, here if there is none yet, else in a thread of its own.

    The first interrupt (a notebook's button, Ctrl-C) stops a run in that thread gently, the second at once,
    as they do in the main thread.

    Args:
        work: opens its run's store itself, since a store belongs to the thread that opened it.

    Raises:
        BaseException: what ``work`` raises.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    done: Future[R] = Future()

    def do() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    thread = threading.Thread(target=do, name="kernelevo-run")
    thread.start()
    while True:
        try:
            # in short waits: a signal that another thread got is only looked after between them
            while not wait([done], _LOOK).done:
                pass
            return done.result()
        except KeyboardInterrupt:
            if done.done():  # it is the work's own
                raise
            while not interrupt(thread.ident or 0) and not wait([done], _LOOK).done:
                pass
