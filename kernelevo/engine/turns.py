"""Turns: which trial number the next ask fills, and whether it may be made yet."""

from __future__ import annotations

import heapq
from collections.abc import Set
from dataclasses import dataclass

from kernelevo.engine.ledger import Ledger
from kernelevo.errors import BadSetting


@dataclass(frozen=True)
class Schedule:
    """How much happens at a time, and how far an ask looks; all numbers are at least 1.

    Args:
        thinkers: asks at a time.
        builders: builds at a time.
        measurers: measurements at a time.
        apart: whether builds and measurements go on side by side. Where one worker does both, one program
            waits behind those that it works on, and no more: every other ask would know less.
        deterministic: ask n sees exactly the tells of trials up to n - window, whatever else has ended;
            there is one ask at a time then.
        window: that distance.
        leaves: whether a run that ends leaves what is being measured to a later sitting instead of waiting
            for it (verdicts that another machine gives may take days).

    Raises:
        BadSetting: for a number below 1.
    """

    thinkers: int = 2
    builders: int = 1
    measurers: int = 1
    apart: bool = True
    deterministic: bool = False
    window: int = 4
    leaves: bool = False

    def __post_init__(self) -> None:
        for name in ("thinkers", "builders", "measurers", "window"):
            if getattr(self, name) < 1:
                raise BadSetting(f"{name} cannot be {getattr(self, name)}", why="it is at least 1")
        if self.deterministic:
            object.__setattr__(self, "thinkers", 1)


FREE = Schedule()


class Turns:
    """Gives out numbers, gaps of a killed run first, and knows when everybody had nothing to offer.

    Args:
        ledger: what was told.
        schedule: how far an ask looks.
        taken: numbers that trials, drafts or seeds have already.
        seeds: how many of the first numbers are seeds.
        given: numbers of programs that people sent, which answer no ask; None counts those as asks too, as
            runs of earlier versions did.
    """

    def __init__(
        self,
        ledger: Ledger,
        schedule: Schedule,
        taken: Set[int] = frozenset(),
        seeds: int = 0,
        given: Set[int] | None = frozenset(),
    ) -> None:
        self._ledger, self._schedule, self.seeds = ledger, schedule, seeds
        self._given = None if given is None else set(given)
        self._end = max(taken, default=-1) + 1
        self._gaps = sorted(set(range(self._end)) - taken)
        self._dry: int | None = None  # how much was told when nobody had an answer

    @property
    def dry(self) -> bool:
        """Whether nobody had an answer and nothing was told since."""
        return self._dry is not None and self._ledger.told <= self._dry

    def may_ask(self) -> bool:
        """Whether the next ask would see what it should, and somebody may have an answer."""
        if self._schedule.deterministic:
            horizon = max(self.seeds - 1, self.next - self._schedule.window)
            if self._dry is not None:  # look one verdict further
                horizon = max(horizon, self._dry)
            if not self._ledger.can_tell(horizon):
                return False
            self._ledger.tell_up_to(horizon)
        if self.dry:
            return False
        self._dry = None
        return True

    @property
    def next(self) -> int:
        """The smallest free number."""
        return self._gaps[0] if self._gaps else self._end

    def take(self, *, given: bool = False) -> int:
        """Return the smallest free number; it is taken then, by an ask or by a program that is given."""
        number = self.next
        if self._gaps:
            heapq.heappop(self._gaps)
        else:
            self._end += 1
        if given and self._given is not None:
            self._given.add(number)
        return number

    def turn(self, number: int) -> int:
        """Return the place of a number among the asks of the run, seeds and people's programs left out."""
        return number - self.seeds - sum(sent < number for sent in self._given or ())

    def unanswered(self, number: int, seen: int) -> None:
        """Nobody had an answer for this number, knowing so many tells; a later ask fills it."""
        heapq.heappush(self._gaps, number)
        self._dry = seen

    def stir(self) -> None:
        """Something other than a verdict happened: somebody may have an answer now."""
        self._dry = None
