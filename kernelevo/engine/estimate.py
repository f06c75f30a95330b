"""Estimate: what a budget will buy on this machine, told before the search from what was measured so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kernelevo.core import BudgetEstimated
from kernelevo.engine.budget import Budget
from kernelevo.engine.pipeline import BUILD, MEASURE, Span
from kernelevo.engine.turns import Schedule

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine

_WORDS = {
    "seconds": "time",
    "trials": "programs",
    "device_seconds": "device time",
    "dollars": "dollars",
    "tokens": "tokens",
}


@dataclass
class Pace:
    """Mean seconds of each stage of a program's way, over all that was judged in this run."""

    _sums: dict[str, float] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def note(self, spans: Mapping[str, Span], inside: float | None = None) -> None:
        """Take the times of one judged program into account.

        Args:
            spans: when its stages began and ended.
            inside: seconds of the measurement itself, without waiting for a worker that is being started.
        """
        for stage, (began, ended) in spans.items():
            seconds = inside if inside and stage == MEASURE else max(0.0, ended - began)
            self._sums[stage] = self._sums.get(stage, 0.0) + seconds
            self._counts[stage] = self._counts.get(stage, 0) + 1

    def mean(self, stage: str) -> float | None:
        """Return the mean seconds of a stage, None if no program went through it."""
        return self._sums[stage] / self._counts[stage] if stage in self._counts else None


def estimate(
    budget: Budget,
    used: Mapping[str, float],
    pace: Pace,
    costs: Mapping[str, float],
    *,
    builders: int,
    measurers: int,
) -> BudgetEstimated | None:
    """Return what is left of a budget in programs and in seconds; None before anything was judged.

    It is a range: at the least builds and measurements do not overlap at all, at the most they do so fully.
    Proposers' own time is not in it, since nobody was asked yet.

    Args:
        budget: the limits, earlier sittings included.
        used: what was used of it.
        pace: seconds that programs took.
        costs: the most that one ask may cost, by unit; what nobody knows is left out.
        builders: builds at a time.
        measurers: measurements at a time.
    """
    build, measure = pace.mean(BUILD) or 0.0, pace.mean(MEASURE)
    if measure is None:
        return None
    slow, fast = build + measure, max(build / builders, measure / measurers)
    rates = {"device_seconds": measure, "trials": 1.0, **{u: c for u, c in costs.items() if c > 0}}
    low, high, ends = math.inf, math.inf, ""
    for unit, limit in budget.limits.items():
        left = max(0.0, limit - used.get(unit, 0.0))
        if unit == "seconds":
            few, many = _over(left, slow), _over(left, fast)
        elif unit in rates:
            few = many = _over(left, rates[unit])
        else:
            continue
        if many < high or (many == high and few < low):
            ends = unit
        low, high = min(low, few), min(high, many)
    if not math.isfinite(high):
        return BudgetEstimated(f"what {budget} will buy cannot be told: {_pace(build, measure)}")
    low, high = math.floor(low), math.ceil(high)
    left = max(0.0, budget.limits.get("seconds", math.inf) - used.get("seconds", 0.0))
    seconds = (min(low * fast, left), min(high * slow, left))
    about = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
    text = (
        f"{budget} buys about {about} programs here, in {_time(seconds[0])} to {_time(seconds[1])}: "
        f"{_pace(build, measure)}; {_WORDS.get(ends, ends)} will run out first"
    )
    return BudgetEstimated(text, (low, high), seconds, ends)


class Forecast:
    """Tells an engine's listeners once what its budget will buy, as soon as that is known.

    Args:
        engine: whose budget.
        schedule: how much happens at a time.
    """

    def __init__(self, engine: Engine, schedule: Schedule) -> None:
        self._engine, self._schedule, self._told = engine, schedule, False
        self.pace = Pace()

    def tell(self) -> None:
        """Record and say it, unless it was said or nothing was judged yet."""
        engine = self._engine
        if self._told or self.pace.mean(MEASURE) is None:
            return
        found = estimate(
            engine.meter.budget,
            engine.meter.used,
            self.pace,
            engine.generation.may_cost(engine.store.count()),
            builders=self._schedule.builders,
            measurers=self._schedule.measurers,
        )
        if found is not None:
            self._told = True
            engine.store.append_event("estimate", found.to_json())
            engine.say(found)


def _over(amount: float, each: float) -> float:
    return amount / each if each > 0 else math.inf


def _pace(build: float, measure: float) -> str:
    took = f"a verdict takes {_time(measure)}"
    return f"a build takes {_time(build)}, {took}" if build >= 0.001 else took


def _time(seconds: float) -> str:
    if seconds >= 120:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
