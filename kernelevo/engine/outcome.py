"""Outcome: how a run ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kernelevo.core import Evaluation, Trial
from kernelevo.engine.budget import Budget


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Args:
        reason: why, in words.
        best: the trial of the winner, None if no program passed.
        final: its verdict when it was timed again, None if that was not done.
        used: what was used, by unit.
        failure: what the last proposer failed of, if the last ask of every one of them failed.
        budget: the limits as they were at the end; None for a run that was left at once.
    """

    reason: str
    best: Trial | None = None
    final: Evaluation | None = None
    used: Mapping[str, float] = field(default_factory=dict)
    failure: BaseException | None = None
    budget: Budget | None = None
