"""WaitingExecutor: a thread for each piece of work, for work that only waits for somebody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from kernelevo.executors.needs import check_needs

R = TypeVar("R")


class WaitingExecutor:
    """Runs each function in a thread of its own; threads that still wait do not keep the process alive."""

    def __init__(self) -> None:
        self._closed = False

    def submit(self, fn: Callable[..., R], /, *args: object, needs: str = "cpu") -> Future[R]:
        """Run ``fn(*args)`` in a thread.

        Raises:
            BadSetting: for needs that no executor knows.
            RuntimeError: after ``close``.
        """
        check_needs(needs)
        if self._closed:
            raise RuntimeError("this executor is closed")
        future: Future[R] = Future()
        future.set_running_or_notify_cancel()

        def work() -> None:
            try:
                result = fn(*args)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, name="kernelevo-waiting", daemon=True).start()
        return future

    def resize(self, workers: int, needs: str = "cpu") -> None:
        """Whatever their number, there is a thread for each; for who asks whether so many can work."""
        check_needs(needs)

    def close(self) -> None:
        """Refuse further work and wait for none; safe to call twice."""
        self._closed = True
