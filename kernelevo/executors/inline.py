"""InlineExecutor: everything in this very process, one after the other; for debugging and tests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from kernelevo.executors.needs import check_needs

R = TypeVar("R")


class InlineExecutor:
    """Runs a function when it is submitted; the returned future is done."""

    def __init__(self) -> None:
        self._closed = False

    def submit(self, fn: Callable[..., R], /, *args: object, needs: str = "cpu") -> Future[R]:
        """Run ``fn(*args)`` now.

        Raises:
            BadSetting: for needs that no executor knows.
            RuntimeError: after ``close``.
        """
        check_needs(needs)
        if self._closed:
            raise RuntimeError("this executor is closed")
        future: Future[R] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Refuse further work; safe to call twice."""
        self._closed = True
