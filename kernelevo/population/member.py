"""Member: a program that lives on an island; and where a told trial may come to live."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from kernelevo.core import Program, Verdict


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
    """

    number: int
    verdict: Verdict
    migrant: bool = False

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


def rank(member: Member) -> tuple[float, int]:
    """Best first; of equal scores the earlier trial leads."""
    return (-member.score, member.number)
