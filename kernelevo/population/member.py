"""Member: a program that lives on an island; and where a told trial may come to live."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from kernelevo.core import Program, Verdict, Worth


class AddStatus(IntEnum):
    """Where a told trial lives; false if nowhere."""

    NOT_ADDED = 0
    ADDED = 1
    ELITE = 2
    BEST = 3


@dataclass(frozen=True, slots=True)
class Member:
    """A program with a full-fidelity score, and the number of the trial that earned it.

    Args:
        number: number of that trial.
        verdict: the program and its evaluation.
        migrant: whether it is a copy that came from another island; it is not sent on.
        worth: what the order of programs goes by, where that is not the score.
    """

    number: int
    verdict: Verdict
    migrant: bool = False
    worth: Worth | None = None

    @property
    def value(self) -> Worth:
        """What the order goes by: compared from the left, higher is better."""
        return (self.score,) if self.worth is None else self.worth

    @property
    def score(self) -> float:
        """Its score; members always have one."""
        score = self.verdict.evaluation.score
        assert score is not None
        return score

    @property
    def program(self) -> Program:
        """Its program."""
        return self.verdict.program

    @property
    def id(self) -> str:
        """Its program's id."""
        return self.verdict.program.id


def rank(member: Member) -> tuple[Worth, int]:
    """Best first; of equals the earlier trial leads."""
    return (tuple(-part for part in member.value), member.number)
