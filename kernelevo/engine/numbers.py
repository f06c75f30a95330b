"""Numbers: which trial number the next ask fills."""

from __future__ import annotations

import heapq
from collections.abc import Set


class Numbers:
    """Counts up from 0, after filling the gaps that a killed run or an unanswered ask left.

    Args:
        taken: numbers that trials or drafts have already.
    """

    def __init__(self, taken: Set[int]) -> None:
        self._end = max(taken, default=-1) + 1
        self._gaps = sorted(set(range(self._end)) - taken)

    @property
    def next(self) -> int:
        """The number that ``take`` would return."""
        return self._gaps[0] if self._gaps else self._end

    def take(self) -> int:
        """Return the smallest free number; it is taken then."""
        if self._gaps:
            return heapq.heappop(self._gaps)
        self._end += 1
        return self._end - 1

    def give_back(self, number: int) -> None:
        """Let the next ask fill this one."""
        heapq.heappush(self._gaps, number)
