"""Pool: asyncio tasks of one kind, at most so many at a time; a failure of one reaches the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Pool:
    """A bounded set of running tasks.

    Args:
        size: how many may run at a time.
        changed: called whenever one ends, with its exception if it raised one.
    """

    def __init__(self, size: int, changed: Callable[[BaseException | None], None]) -> None:
        self.size, self._changed = size, changed
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def free(self) -> bool:
        """Whether another one may start."""
        return len(self._tasks) < self.size

    def resize(self, size: int) -> None:
        """Let so many run at a time from now on."""
        self.size = size

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def cancel(self) -> None:
        """Cancel all that run; they leave when the loop comes round to them."""
        for task in self._tasks:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed(None if task.cancelled() else task.exception())
