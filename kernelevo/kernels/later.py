"""Later: a call that is made in a thread of its own, and waited for when its result is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

R = TypeVar("R")


class Later(Generic[R]):
    """A call made in a thread of its own; starts at once.

    Args:
        call: what is called.
    """

    def __init__(self, call: Callable[[], R]) -> None:
        self._value: list[R] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def _run(self, call: Callable[[], R]) -> None:
        try:
            self._value.append(call())
        except BaseException as error:
            self._error = error

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds at most; return whether the call has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def result(self) -> R:
        """Wait for the call, and return or raise what it did."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._value[0]
