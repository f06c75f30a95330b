"""Brief: all that a proposer is told before it proposes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelevo.core.task import Task
from kernelevo.core.trial import Verdict


@dataclass(frozen=True)
class Brief:
    """What a proposer may know: the task, whom to build on, and what people said.

    Args:
        task: what is being optimised.
        number: number of the trial that this brief will fill.
        parents: programs to change; empty at a cold start, two for a crossover.
        inspirations: good programs of other clusters.
        failures: recent programs that did not pass, with their feedback.
        hints: sentences a person sent that apply to this ask.
        knowledge: retrieved notes.
        facts: facts about the device and the run (name, roofline gap, best score so far).
        direction: region of the solutions to explore, in words; empty outside a cold start.
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
