"""Guidance: hints, notes and forks that people gave, and which ask gets which of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kernelevo.engine.ledger import Ledger
from kernelevo.engine.missing import no_island, no_order
from kernelevo.population import Ask

FORK_ASKS = 5


@dataclass
class Hint:
    """A sentence for proposers.

    Args:
        order: number of the command that gave it.
        text: the sentence.
        asks: of how many asks it is part, of those whose proposer reads hints; None for all.
        island: only asks of this island; None for all.
        lineage: only asks that build on this program or its descendants; None for all.
        until: seconds since the epoch after which it is no longer given; None for never.
        until_trials: number of recorded trials at which it is no longer given; None for never.
        asked: numbers of the asks that had it.
    """

    order: int
    text: str
    asks: int | None = None
    island: int | None = None
    lineage: str | None = None
    until: float | None = None
    until_trials: int | None = None
    asked: set[int] = field(default_factory=set)

    def over(self, now: float, trials: int) -> bool:
        """Whether it will never be given again."""
        late = self.until is not None and now >= self.until
        return late or (self.until_trials is not None and trials >= self.until_trials)

    def open_to(self, number: int) -> bool:
        """Whether an ask of this number may have it, as far as counting goes."""
        return self.asks is None or number in self.asked or len(self.asked) < self.asks


@dataclass
class Fork:
    """A line of its own from one program: so many asks build on the best of its descendants.

    Args:
        order: number of the command.
        program: where the line starts.
        asks: how many asks.
        island: where its programs live; None lets the draw decide.
        asked: numbers of the asks that were made.
    """

    order: int
    program: str
    asks: int = FORK_ASKS
    island: int | None = None
    asked: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Guided:
    """An ask with what people want of it.

    Args:
        ask: the ask; its parents may have been replaced by a fork.
        hints: sentences for the brief.
        notes: knowledge for the brief.
        marks: what goes into the program's origin, so that it is visible what carried what.
    """

    ask: Ask
    hints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    marks: dict[str, Any] = field(default_factory=dict)


class Guidance:
    """Keeps what people said for as long as it holds.

    Args:
        ledger: knows who descends from whom; asked when it is needed.
        now: seconds since the epoch.
        trials: number of recorded trials.
        islands: number of islands now.
    """

    def __init__(
        self,
        ledger: Callable[[], Ledger],
        now: Callable[[], float],
        trials: Callable[[], int],
        islands: Callable[[], int],
    ) -> None:
        self._ledger, self._now, self._trials, self._islands = ledger, now, trials, islands
        self.hints: dict[int, Hint] = {}
        self.notes: dict[int, str] = {}
        self.forks: dict[int, Fork] = {}

    def add(self, kept: Hint | Fork) -> None:
        """Keep a hint or a fork."""
        if kept.island is not None and kept.island >= self._islands():
            raise no_island(kept.island, self._islands())
        if isinstance(kept, Hint):
            self.hints[kept.order] = kept
        else:
            self.forks[kept.order] = kept

    def withdraw(self, order: int) -> str:
        """Forget what a command gave; return what it was.

        Raises:
            BadSetting: if that command gave nothing that still holds.
        """
        for what, kept in (("hint", self.hints), ("note", self.notes), ("fork", self.forks)):
            if order in kept:
                del kept[order]
                return what
        raise no_order(order)

    def guide(self, number: int, ask: Ask, *, words: bool, parents: bool = True) -> Guided:
        """Return an ask as people want it; what is given for a number of asks is used up by it.

        Args:
            number: the trial that the ask fills; asking again for it uses nothing up.
            ask: as drawn.
            words: whether who is asked reads hints and notes; if not, none are given, used up or marked.
            parents: whether who is asked builds on the parents of the ask; if not, no fork is, and no hint
                that is meant for what builds on a program.
        """
        marks: dict[str, Any] = {}
        for fork in list(self.forks.values()) if parents else ():
            if number in fork.asked or len(fork.asked) < fork.asks:
                ask = self._forked(fork, ask)
                fork.asked.add(number)
                marks["fork"] = fork.order
                break
        if not words:
            return Guided(ask, marks=marks)
        now, trials = self._now(), self._trials()
        given = []
        for hint in list(self.hints.values()):
            if hint.over(now, trials):
                del self.hints[hint.order]
            elif hint.open_to(number) and (parents or hint.lineage is None) and self._meant(hint, ask):
                hint.asked.add(number)
                given.append(hint)
        if given:
            marks["hints"] = [hint.order for hint in given]
        if self.notes:
            marks["notes"] = list(self.notes)
        return Guided(ask, tuple(hint.text for hint in given), tuple(self.notes.values()), marks)

    def _meant(self, hint: Hint, ask: Ask) -> bool:
        if hint.island is not None and hint.island != ask.island:
            return False
        if hint.lineage is None:
            return True
        ledger = self._ledger()
        return any(ledger.descends(parent.program.id, hint.lineage) for parent in ask.parents)

    def _forked(self, fork: Fork, ask: Ask) -> Ask:
        best = self._ledger().best_of_line(fork.program)
        if best is None:
            return ask
        others = tuple(parent for parent in ask.parents[1:] if parent.program != best.program)
        island = ask.island if fork.island is None else fork.island
        return dataclasses.replace(ask, island=island, parents=(best, *others))
