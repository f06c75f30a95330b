"""Trial: one numbered row of a run, a program with its verdict or its fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelevo.core.evaluation import Evaluation, Fault, plain
from kernelevo.core.program import Program


@dataclass(frozen=True)
class Verdict:
    """A program together with what is known of it."""

    program: Program
    evaluation: Evaluation


@dataclass(frozen=True)
class Trial:
    """One row of a run; exactly one of ``evaluation`` and ``fault`` is set.

    Args:
        number: position in the run, from 0; given when the ask is made.
        program: what was judged.
        evaluation: the verdict, or None.
        fault: what broke, or None.
        island: island that asked.
        seen: number of tells that this trial's ask had observed (replay follows these marks).
        cost: what it used, by unit (``tokens``, ``dollars``, ``device_seconds``).
        started: seconds since the epoch when the ask was made.
        ended: seconds since the epoch when the verdict was there.
        reused: number of the trial whose verdict was reused, if the program was known.
        position: place in the order of recording, which no clock that is set back can change; None for one
            that is not read from a store.

    Raises:
        ValueError: unless exactly one of evaluation and fault is given.
    """

    number: int
    program: Program
    evaluation: Evaluation | None = None
    fault: Fault | None = None
    island: int = 0
    seen: int = 0
    cost: Mapping[str, float] = field(default_factory=dict)
    started: float = 0.0
    ended: float = 0.0
    reused: int | None = None
    position: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if (self.evaluation is None) == (self.fault is None):
            raise ValueError(f"trial {self.number} needs an evaluation or a fault, not both, not none")

    @property
    def score(self) -> float | None:
        """The verdict's score, None for a failure or a fault."""
        return self.evaluation.score if self.evaluation else None

    def to_json(self) -> dict[str, Any]:
        """Return this trial as the object that ``show --json`` prints."""
        verdict = self.evaluation.to_json() if self.evaluation else {}
        return {
            "number": self.number,
            "program": {"id": self.program.id, **plain(self.program.to_json())},
            "status": verdict.get("status"),
            "score": verdict.get("score"),
            "metrics": verdict.get("metrics", {}),
            "feedback": verdict.get("feedback", ""),
            "artifacts": verdict.get("artifacts", {}),
            "fidelity": verdict.get("fidelity"),
            "fault": self.fault.to_json() if self.fault else None,
            "island": self.island,
            "seen": self.seen,
            "cost": dict(self.cost),
            "started": self.started,
            "ended": self.ended,
            "reused": self.reused,
        }
