"""Evaluation: the verdict on one program; Fault: a machine that broke while judging it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Metric = float | int | str | bool | None | list[dict[str, Any]]
Fidelity = Literal["rough", "full"]


class Status(StrEnum):
    """How judging a program ended."""

    OK = "ok"
    BUILD_FAILED = "build_failed"
    WRONG = "wrong"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Evaluation:
    """The verdict on a program. A score exists if and only if the status is OK.

    Args:
        status: how judging ended.
        score: higher is better; for kernels, fastest equal-precision baseline / ours (1.0 is parity).
        metrics: named facts; a number that does not exist is None, never 0 or -1.
        feedback: what the next proposer should read.
        artifacts: larger texts by name (compiler log, profile).
        fidelity: ``"rough"`` if timing stopped early because the program was clearly slower than the
            ``floor`` asked for; such a score is never elite, never best.

    Raises:
        ValueError: for a score without OK, OK without a score, or a score that is not finite.
    """

    status: Status
    score: float | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    feedback: str = ""
    artifacts: Mapping[str, str] = field(default_factory=dict)
    fidelity: Fidelity = "full"

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", Status(self.status))
        if (self.status is Status.OK) != (self.score is not None):
            raise ValueError(f"status {self.status} with score {self.score}: a score means OK")
        if self.score is not None and not math.isfinite(self.score):
            raise ValueError(f"score must be finite, got {self.score}")

    @classmethod
    def ok(cls, score: float, *, feedback: str = "", **metrics: Metric) -> Evaluation:
        """Return a verdict with a score; every other keyword is a metric."""
        return cls(Status.OK, score, metrics, feedback)

    @classmethod
    def wrong(cls, feedback: str, **metrics: Metric) -> Evaluation:
        """Return the verdict on a program that ran and gave a wrong answer."""
        return cls(Status.WRONG, None, metrics, feedback)

    def to_json(self) -> dict[str, Any]:
        """Return this verdict as plain data."""
        return {
            "status": str(self.status),
            "score": None if self.score is None else float(self.score),
            "metrics": {k: plain(v) for k, v in self.metrics.items()},
            "feedback": self.feedback,
            "artifacts": dict(self.artifacts),
            "fidelity": self.fidelity,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evaluation:
        """Rebuild a verdict from ``to_json``."""
        return cls(
            Status(data["status"]),
            data["score"],
            data["metrics"],
            data["feedback"],
            data["artifacts"],
            data["fidelity"],
        )


def plain(value: Any) -> Any:
    """Return plain data; what JSON does not have (NaN, infinity, other packages' numbers) is a word."""
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


@dataclass(frozen=True)
class Fault:
    """The machine broke while a program was judged or made; never a score, never the program's fault.

    Args:
        kind: class of the exception, e.g. ``"SandboxError"``.
        message: what it said.
        attempts: how many tries were made (the first one included).
    """

    kind: str
    message: str
    attempts: int = 1

    def to_json(self) -> dict[str, Any]:
        """Return this fault as plain data."""
        return {"kind": self.kind, "message": self.message, "attempts": self.attempts}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fault:
        """Rebuild a fault from ``to_json``."""
        return cls(data["kind"], data["message"], data["attempts"])
