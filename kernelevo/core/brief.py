"""Brief: all that a proposer is told before it proposes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelevo.core.task import Task
from kernelevo.core.trial import Verdict


@dataclass(frozen=True)
class Attempt:
    """A step of a program's history: how it came to be, or what was tried from it.

    Args:
        number: of the trial.
        proposer: who made it.
        idea: one line, what was tried.
        status: how judging it ended.
        score: what it reached; None if it did not pass.
        before: score of the program that it was made from, if that is known.
        ancestor: True for a step that led here, False for one that was tried from here.
        removed: lines of code that a successful step took out.
    """

    number: int
    proposer: str
    idea: str
    status: str
    score: float | None = None
    before: float | None = None
    ancestor: bool = True
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Brief:
    """What a proposer may know: the task, whom to build on, and what people said.

    Args:
        task: what is being optimised.
        number: number of the trial that this brief will fill.
        parents: programs to change; empty at a cold start, two for a crossover.
        inspirations: good programs of other clusters.
        failures: recent programs that did not pass, with their feedback.
        hints: sentences a person sent that apply to this ask; empty, as ``knowledge`` and ``lineage`` are,
            for a proposer that does not say that it ``reads`` them.
        knowledge: a person's notes, and those that were looked up.
        facts: facts about the device and the run (name, roofline gap, best score so far).
        direction: region of the solutions to explore, in words; empty outside a cold start.
        lineage: steps that led to the first parent, and what was tried from it, the latest first.
    """

    task: Task
    number: int
    parents: tuple[Verdict, ...] = ()
    inspirations: tuple[Verdict, ...] = ()
    failures: tuple[Verdict, ...] = ()
    hints: tuple[str, ...] = ()
    knowledge: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    direction: str = ""
    lineage: tuple[Attempt, ...] = ()
