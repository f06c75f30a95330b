"""Island: programs that compete with each other, the best first, and the recent failures."""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from random import Random

from kernelevo.core import Program, Verdict


class AddStatus(IntEnum):
    """Where a told trial lives; false if nowhere."""

    NOT_ADDED = 0
    ADDED = 1
    ELITE = 2
    BEST = 3


@dataclass(frozen=True)
class Member:
    """A program with a full-fidelity score, and the number of the trial that earned it."""

    number: int
    verdict: Verdict

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


def _rank(member: Member) -> tuple[float, int]:
    """Best first; of equal scores the earlier trial leads."""
    return (-member.score, member.number)


class Island:
    """A ranked list of distinct programs.

    Args:
        elites: how many of the best are elite.
        temperature: how flat the choice of parents is, in ranks: a program k places further down is drawn
            exp(-k / temperature) times as often.
        failures: how many failed programs are remembered for repair.
    """

    def __init__(self, *, elites: int = 8, temperature: float = 3.0, failures: int = 8) -> None:
        self._size, self._temperature = elites, temperature
        self.members: list[Member] = []
        self._ids: set[str] = set()
        self._failures: deque[Verdict] = deque(maxlen=failures)

    @property
    def elites(self) -> list[Member]:
        """The best members."""
        return self.members[: self._size]

    @property
    def failures(self) -> list[Verdict]:
        """The latest failures, newest first."""
        return list(reversed(self._failures))

    def __contains__(self, program: Program) -> bool:
        return program.id in self._ids

    def add(self, member: Member) -> AddStatus:
        """Let a program with a full score live here, unless it does already; never answers ``BEST``."""
        if member.program in self:
            return AddStatus.NOT_ADDED
        self._ids.add(member.program.id)
        insort(self.members, member, key=_rank)
        last = self.elites[-1]
        return AddStatus.ELITE if _rank(member) <= _rank(last) else AddStatus.ADDED

    def add_failure(self, verdict: Verdict) -> None:
        """Remember a program that did not pass."""
        self._failures.append(verdict)

    def remove(self, program_id: str) -> None:
        """Forget a program, member or failure."""
        self._ids.discard(program_id)
        self.members = [m for m in self.members if m.program.id != program_id]
        kept = [v for v in self._failures if v.program.id != program_id]
        self._failures.clear()
        self._failures.extend(kept)

    def reread(self, change: Callable[[Verdict], Verdict]) -> None:
        """Replace every verdict by its changed form (the same program, a re-based score) and rank anew."""
        self.members = sorted((Member(m.number, change(m.verdict)) for m in self.members), key=_rank)

    def draw(self, rng: Random, count: int) -> list[Verdict]:
        """Draw distinct parents, better ones more often; fewer if there are fewer."""
        # beyond this rank the weight is below 1e-9 and draws stay cheap for any size of island
        rest = self.members[: math.ceil(21 * self._temperature)]
        drawn: list[Verdict] = []
        while rest and len(drawn) < count:
            weights = [math.exp(-rank / self._temperature) for rank in range(len(rest))]
            (index,) = rng.choices(range(len(rest)), weights)
            drawn.append(rest.pop(index).verdict)
        return drawn
