"""Outcome: how a candidate's run in the sandbox ended, and ProgramFailed, which carries it to the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelevo.core import Evaluation, Status


@dataclass(frozen=True)
class Outcome:
    """One run of a candidate.

    Args:
        status: ``OK``, or how it failed: ``BUILD_FAILED`` (does not compile or load), ``CRASHED`` (raised,
            exited, ran out of memory), ``TIMED_OUT``, ``WRONG`` (its answer is not plain data, or too large).
        value: what it returned or printed, as plain data; None unless the status is OK.
        error: what went wrong, for the next proposer.
        seconds: wall time by our own clock, from the fork to the answer; loading the program is in it.
        cpu_seconds: processor time of its process, None if nobody could tell.
        peak_bytes: largest resident memory of its process, None if nobody could tell.
        output: the last 20 kB of what it printed beside its answer.
        files: the files that were asked for, as bytes; one it did not write is missing.
    """

    status: Status
    value: Any = None
    error: str = ""
    seconds: float = 0.0
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    output: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.status is Status.OK

    def verdict(self) -> Evaluation:
        """Return the verdict on a program that failed like this.

        Raises:
            ValueError: if it did not fail: only an evaluator can score an answer.
        """
        if self.ok:
            raise ValueError("an answer is not a verdict: score outcome.value")
        artifacts = {"output": self.output} if self.output.strip() else {}
        return Evaluation(self.status, None, {"seconds": round(self.seconds, 4)}, self.error, artifacts)


class ProgramFailed(Exception):
    """The candidate gave no answer; an evaluator that lets it pass gets ``outcome.verdict()`` as its verdict.

    Args:
        outcome: how it failed.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome

    def __str__(self) -> str:
        return f"{self.outcome.status}: {self.outcome.error}"
