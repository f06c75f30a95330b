"""Pace: how long the programs of a run took so far, stage by stage, and those who proposed them."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean, median
from typing import Any

from kernelevo.engine.pipeline import MEASURE, Span


class Pace:
    """Times of a run, from what was judged in it; the task's own programs are among them."""

    def __init__(self) -> None:
        self._stages: dict[str, list[float]] = defaultdict(list)  # in order of size
        self._asks: dict[str, list[float]] = defaultdict(list)  # by proposer, likewise
        self._answers = 0

    def note(self, spans: Mapping[str, Span], inside: float | None = None) -> None:
        """Take the times of one judged program into account.

        Args:
            spans: when its stages began and ended.
            inside: seconds of the measurement itself, without waiting for a worker that is being started.
        """
        for stage, (began, ended) in spans.items():
            insort(self._stages[stage], inside if inside and stage == MEASURE else max(0.0, ended - began))

    def asked(self, name: str, decision: Mapping[str, Any]) -> None:
        """Take into account how a program was come by.

        Args:
            name: its proposer.
            decision: the record beside it (see ``Decision``); one that waited took no further time.
        """
        self._answers += 1
        if span := decision.get("span"):
            began = decision.get("began") or span[0]
            insort(self._asks[name], max(0.0, span[1] - began))

    def mean(self, stage: str) -> float | None:
        """Return the mean seconds of a stage, None if no program went through it."""
        return fmean(self._stages[stage]) if self._stages.get(stage) else None

    def median(self, stage: str) -> float | None:
        """Return the median seconds of a stage, None if no program went through it."""
        return median(self._stages[stage]) if self._stages.get(stage) else None

    @property
    def asks(self) -> int:
        """How many asks were answered."""
        return sum(map(len, self._asks.values()))

    @property
    def thinking(self) -> float | None:
        """Seconds of asking for one program; None before the first answer.

        Of each proposer's asks the median counts, as often as it was asked; an ask may bring several
        programs.
        """
        if not self._asks:
            return None
        return sum(len(asks) * median(asks) for asks in self._asks.values()) / self._answers
