"""Proposers and evaluators that only wait, so that what remains is the engine's own; a way to run them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from kernelevo.core import (
    Brief,
    Evaluation,
    Evaluator,
    Event,
    Executor,
    Origin,
    Program,
    Proposal,
    Task,
    TrialEnded,
)
from kernelevo.engine import Budget, Engine, Schedule, run_engine
from kernelevo.population import Islands
from kernelevo.store import RunStore

LOADER = "benchmarks.engine.sleepers:load"


def load(task: Task) -> Evaluator:
    """Return an evaluator that sleeps ``seconds`` and gives a score that depends on the text alone."""
    seconds = float(task.options["seconds"])

    def judge(program: Program) -> Evaluation:
        time.sleep(seconds)
        return Evaluation.ok(int(program.id[:8], 16) / 2**32)

    return judge


def task(seconds: float) -> Task:
    return Task("sleepers", "wait", (Program.single("x = 0\n"),), "sleepers", {"seconds": seconds})


class Sleeper:
    """Thinks for some seconds, then has a program that nobody has had."""

    name = "sleeper"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        if self.seconds:
            await asyncio.sleep(self.seconds)
        parents = tuple(verdict.program.id for verdict in brief.parents)
        text = f"def answer():\n    return {brief.number} + {rng.random()}\n"
        return [Proposal(Program.single(text, parents=parents, origin=Origin(self.name)))]


def ends_of(
    folder: Path,
    executor: Executor,
    *,
    trials: int,
    think: float,
    judge: float,
    schedule: Schedule,
    loader: str = LOADER,
    more: Task | None = None,
    islands: Islands | None = None,
) -> list[float]:
    """Run a search and return when each trial ended, in seconds from the start of the search.

    Args:
        folder: of the run, new.
        executor: where programs are judged.
        trials: how many, the seed not counted.
        think: seconds of each proposal.
        judge: seconds of each evaluation.
        schedule: how much happens at a time.
        loader: another evaluator's.
        more: another task.
        islands: the population.
    """
    ends: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, TrialEnded):
            ends.append(time.perf_counter())

    with RunStore.create(folder, more or task(judge), {}) as store:
        engine = Engine(
            store,
            [Sleeper(think)],
            executor,
            Budget.parse(str(trials)),
            loader=loader,
            device=None,
            schedule=schedule,
            listeners=[listen],
            islands=islands,
        )
        run_engine(engine)
    return [end - ends[0] for end in ends[1:]]


def steady(ends: Sequence[float], workers: int) -> float:
    """Return trials a second without filling and emptying: from the first full round to the last one."""
    first, last = 2 * workers - 1, len(ends) - 1
    return (last - first) / (ends[last] - ends[first])


def options(chosen: Any) -> Schedule:
    """Return a schedule of so many workers on each side."""
    return Schedule(thinkers=chosen, builders=chosen, measurers=chosen)
