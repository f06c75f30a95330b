"""Estimate: what a budget will buy on this machine, told from what was measured so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kernelevo.core import BudgetEstimated
from kernelevo.engine.budget import Budget, in_words
from kernelevo.engine.decision import RECORD
from kernelevo.engine.pace import Pace
from kernelevo.engine.pipeline import BUILD, MEASURE, SPANS, Judged
from kernelevo.engine.turns import Schedule
from kernelevo.store import Draft

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine

_WORDS = {
    "seconds": "time",
    "trials": "programs",
    "device_seconds": "device time",
    "dollars": "dollars",
    "tokens": "tokens",
}


def estimate(
    budget: Budget,
    used: Mapping[str, float],
    pace: Pace,
    costs: Mapping[str, float],
    *,
    thinkers: int,
    builders: int,
    measurers: int,
    apart: bool = True,
    thinking: float | None = None,
) -> BudgetEstimated | None:
    """Return what is left of a budget in programs and in seconds; None before anything was judged.

    It is a range: at the least thinking, builds and measurements do not overlap at all, at the most they do
    so fully. Asks overlap with each other in any case, since most of them wait for an answer.

    Args:
        budget: the limits, earlier sittings included.
        used: what was used of it.
        pace: seconds that programs took.
        costs: the most that one ask may cost, by unit; what nobody knows is left out.
        thinkers: asks at a time.
        builders: builds at a time.
        measurers: measurements at a time.
        apart: whether builds and measurements go on side by side.
        thinking: seconds of asking for one program; None if nobody knows yet: it is left out then, and said.
    """
    build, measure = pace.mean(BUILD) or 0.0, pace.mean(MEASURE)
    if measure is None:
        return None
    think = (thinking or 0.0) / thinkers
    judging = max(build / builders, measure / measurers) if apart else build + measure
    slow, fast = think + build + measure, max(think, judging)
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
        return BudgetEstimated(f"what {budget} will buy cannot be told: {_pace(thinking, build, measure)}")
    low, high = math.floor(low), math.ceil(high)
    left = max(0.0, budget.limits.get("seconds", math.inf) - used.get("seconds", 0.0))
    seconds = (min(low * fast, left), min(high * slow, left))
    about = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
    what = f"what is left of {budget}" if any(used.get(unit, 0.0) for unit in budget.limits) else str(budget)
    unknown = "" if thinking is not None else " (how long proposers take is not known yet, nor counted)"
    text = (
        f"{what} buys about {about} programs here, in {in_words(seconds[0])} to {in_words(seconds[1])}: "
        f"{_pace(thinking, build, measure)}; {_WORDS.get(ends, ends)} will run out first{unknown}"
    )
    return BudgetEstimated(text, (low, high), seconds, ends)


class Forecast:
    """Tells an engine's listeners what its budget will buy, as soon as that is known.

    It is told before the search where the task's own programs were judged, else after the first verdict. If
    nobody knew by then how long proposers take, it is told once more when as many asks were answered as there
    are proposers: each has its first turn by then.

    Args:
        engine: whose budget.
        schedule: whether builds and measurements go on side by side.
    """

    def __init__(self, engine: Engine, schedule: Schedule) -> None:
        self._engine, self._schedule = engine, schedule
        self._told = self._complete = False
        self.pace = Pace()

    def recall(self) -> None:
        """Take into account what earlier sittings of the run recorded."""
        store = self._engine.store
        spans, decisions = store.records_of(SPANS), store.records_of(RECORD)
        for trial in store.trials(raw=True):
            self.pace.note(spans.get(trial.number, {}), trial.cost.get("device_seconds"))
            if trial.number in decisions:
                self.pace.asked(trial.program.origin.proposer, decisions[trial.number])

    def note(self, draft: Draft, judged: Judged) -> None:
        """Take a trial that has ended into account."""
        self.pace.note(judged.spans, judged.device_seconds)
        if decision := draft.proposal.records.get(RECORD):
            self.pace.asked(draft.proposer, decision)

    def tell(self) -> None:
        """Record and say it, unless there is nothing new to say."""
        engine = self._engine
        asked = self.pace.asks >= len(engine.generation.proposers)
        if self.pace.mean(MEASURE) is None or self._complete or (self._told and not asked):
            return
        found = estimate(
            engine.meter.budget,
            engine.meter.used,
            self.pace,
            engine.generation.may_cost(engine.store.count()),
            **engine.sizes.now(),
            apart=self._schedule.apart,
            thinking=self.pace.thinking if asked else None,
        )
        if found is not None:
            self._told, self._complete = True, asked
            engine.store.append_event("estimate", found.to_json())
            engine.say(found)


def _over(amount: float, each: float) -> float:
    return amount / each if each > 0 else math.inf


def _pace(thinking: float | None, build: float, measure: float) -> str:
    parts = [f"a program is thought of in {in_words(thinking)}"] if thinking and thinking >= 0.001 else []
    parts += [f"a build takes {in_words(build)}"] if build >= 0.001 else []
    return ", ".join([*parts, f"a verdict takes {in_words(measure)}"])
