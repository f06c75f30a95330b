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
    since: float = 0.0
    """When the first of the failures in a row came."""
    heard: bool = False
    """Whether the model ever answered, or its endpoint said that it is asked too often."""
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

    @property
    def failing(self) -> float:
        """Seconds since the first of the failures in a row; 0 if the last call was answered."""
        return self.clock() - self.since if self.failures else 0.0

    def succeeded(self) -> None:
        """Note an answer."""
        self.failures, self.until, self.heard = 0, 0.0, True

    def failed(self, why: str, *, there: bool = False) -> None:
        """Note a failure that may pass; ``there`` if it shows that the endpoint serves us."""
        self.heard = self.heard or there
        if not self.failures:
            self.since = self.clock()
        self.failures += 1
        self.said = why
        if self.failures >= self.after:
            doubled = min(self.failures - self.after, 16)  # a crowd fails more often than a float can double
            self.until = self.clock() + min(self.longest, self.first * 2**doubled)

    def refused(self, why: str) -> None:
        """Note a failure that stays."""
        self.gone = why
