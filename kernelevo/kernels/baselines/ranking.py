"""Ranking: which baseline a program of some precision has to beat, and what a better one changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kernelevo.kernels.baselines.baseline import Baseline
from kernelevo.kernels.reference.correctness import Precision

CLASSES: tuple[Precision, ...] = ("fp32-accurate", "float64", "float16", "bfloat16", "tf32", "lower")
"""Precision classes from the finest on. A task has one of the first four only: that of its own dtype."""
RANK: dict[Precision, int] = {
    "fp32-accurate": 0,
    "float64": 0,
    "float16": 0,
    "bfloat16": 0,
    "tf32": 1,
    "lower": 2,
}
"""How coarse a class is; CPU bounds and baselines are all of rank 0."""


@dataclass(frozen=True)
class Opponent:
    """Whom a program is scored against, and who is timed beside it.

    Args:
        best: the fastest baseline that the program's precision admits.
        anchor: a live baseline; another one than ``best`` where the best one's ratio to it was kept.
    """

    best: Baseline
    anchor: Baseline

    @property
    def factor(self) -> float:
        """What a ratio to the anchor is multiplied by: seconds of the best / seconds of the anchor."""
        return (self.best.slowdown or 1.0) / (self.anchor.slowdown or 1.0)


@dataclass(frozen=True)
class Rebase:
    """A better baseline arrived: multiply every score measured against ``old`` by ``factor``.

    Args:
        old: baseline that scores were relative to.
        new: baseline that they are relative to from now on.
        factor: seconds of new / seconds of old; above 1 only where the old one was less precise than they.
        low: lower end of the factor's interval; None where it is not known.
        high: upper end.
        precisions: only scores of programs of these classes change.
    """

    old: str
    new: str
    factor: float
    low: float | None
    high: float | None
    precisions: tuple[Precision, ...] = CLASSES

    def to_json(self) -> dict[str, Any]:
        """Return this event as plain data."""
        return {
            "old": self.old,
            "new": self.new,
            "factor": self.factor,
            "low": self.low,
            "high": self.high,
            "precisions": list(self.precisions),
        }


def admits(precision: Precision, baseline: Baseline) -> bool:
    """Tell whether a program of a class must beat a baseline: one that is at least as precise."""
    return baseline.precision is None or RANK[baseline.precision] <= RANK[precision]


def best(baselines: Iterable[Baseline], precision: Precision) -> Baseline | None:
    """Return the fastest baseline of known speed that a class admits; None if there is none yet."""
    known = [b for b in baselines if b.slowdown is not None and b.state == "ready" and admits(precision, b)]
    return min(known, key=lambda b: b.slowdown or 0.0, default=None)


def fastest_live(baselines: Iterable[Baseline]) -> Baseline:
    """Return the fastest baseline of known speed that has a process.

    Raises:
        ValueError: if there is none.
    """
    live = [b for b in baselines if b.slowdown is not None and b.session is not None]
    return min(live, key=lambda b: b.slowdown or 0.0)


def opponent(baselines: Mapping[Any, Baseline], precision: Precision) -> Opponent:
    """Return whom a program of a class is scored against.

    A kept ratio was measured against eager, so eager is timed beside the program then. Where no baseline is
    as precise as the program, eager as it ships stands for them all.
    """
    eager = baselines["eager"]
    chosen = best(baselines.values(), precision) or eager
    return Opponent(chosen, chosen if chosen.session is not None else eager)


def leaders(baselines: Mapping[Any, Baseline]) -> dict[Precision, tuple[str, float]]:
    """Return for each class the name and slowdown of the baseline that its programs are scored against."""
    found: dict[Precision, tuple[str, float]] = {}
    for precision in CLASSES:
        first = opponent(baselines, precision).best
        if first.slowdown is not None:
            found[precision] = (first.name, first.slowdown)
    return found


def changes(
    before: Mapping[Precision, tuple[str, float]], after: Mapping[Precision, tuple[str, float]]
) -> list[Rebase]:
    """Return one event for each change of a leader, classes with the same change together; no intervals."""
    moved: dict[tuple[str, str, float], list[Precision]] = {}
    for precision, (name, slowdown) in after.items():
        old = before.get(precision)
        if old is not None and old[0] != name:
            moved.setdefault((old[0], name, slowdown / old[1]), []).append(precision)
    return [Rebase(a, b, factor, None, None, tuple(who)) for (a, b, factor), who in moved.items()]
