"""Breaker: a model that fails again and again rests for a while instead of being asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Breaker:
    """Counts failures in a row of one model; those of calls, not of attempts.

    Args:
        clock: seconds that only go up.
        after: failures in a row that open it.
        first: seconds of the first rest, doubled with every further failure.
        longest: longest rest, in seconds.
    """

    clock: Callable[[], float]
    after: int = 2
    first: float = 5.0
    longest: float = 120.0
    failures: int = 0
    until: float = 0.0
    said: str = ""
    """What the last failure was."""
    gone: str = ""
    """Why the model is not asked again in this run (wrong key, no such model); empty while it may be."""

    @property
    def rest(self) -> float:
        """Seconds until the model may be asked again; 0 means now."""
        return max(0.0, self.until - self.clock())

    @property
    def open(self) -> bool:
        """Whether the model may not be asked now."""
        return bool(self.gone) or self.rest > 0

    def succeeded(self) -> None:
        """Note an answer."""
        self.failures, self.until = 0, 0.0

    def failed(self, why: str) -> None:
        """Note a failure that may pass."""
        self.failures += 1
        self.said = why
        if self.failures >= self.after:
            self.until = self.clock() + min(self.longest, self.first * 2 ** (self.failures - self.after))

    def refused(self, why: str) -> None:
        """Note a failure that stays."""
        self.gone = why
