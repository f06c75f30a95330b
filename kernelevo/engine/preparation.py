"""Preparation: what comes before the search and is not counted as search: seeds, baselines, secret cases."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from kernelevo.core import Notice, Origin, Proposal, SearchStarted, TrialStarted
from kernelevo.engine.evaluation import Offer
from kernelevo.engine.judging import MachineBroke
from kernelevo.engine.news import pass_on
from kernelevo.engine.pool import Pool
from kernelevo.engine.replay import SEED
from kernelevo.store import Draft

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine


class Preparation:
    """The task's own seeds are judged first, so that a verdict is seen soon; then the evaluator settles.

    Settling takes the machine for itself (a baseline is compiled): a search beside it would lose processor
    time to it, and its first programs would be measured against a baseline that is replaced later. So the
    search, and its clock, start when both are over.

    Args:
        engine: whose run it is.
        changed: called whenever a part has ended, with its exception if it raised one.
    """

    def __init__(
        self,
        engine: Engine,
        changed: Callable[[BaseException | None], None],
    ) -> None:
        self._engine = engine
        self._settling = Pool(1, changed)
        self._seeds: set[int] = set()
        self._started = self._settled = self._told = False
        self._began = engine.clock()

    @property
    def over(self) -> bool:
        """Whether the search may begin."""
        return not self._seeds and self._settled

    @property
    def announced(self) -> bool:
        """Whether the run was told that the search begins."""
        return self._told

    @property
    def resting(self) -> bool:
        """Whether nothing of it runs."""
        return not self._settling

    def begin(self, offer: Offer, taken: set[int]) -> None:
        """Hand in the seeds that are not judged yet; ``taken`` are numbers that the store knows."""
        engine = self._engine
        self._settled = not offer.settles
        numbers = set(range(len(offer.seeds)))
        self._seeds = numbers - {trial.number for trial in engine.store.trials(raw=True)}
        for number in sorted(self._seeds - taken):
            origin = Origin(SEED, offer.seeds[number].origin.idea)
            program = dataclasses.replace(offer.seeds[number], origin=origin)
            draft = Draft(number, 0, Proposal(program), SEED, number, started=engine.now())
            engine.store.add_drafts([draft])
            engine.say(TrialStarted(number, SEED))
            engine.take_up(draft)

    def seed_done(self, number: int) -> None:
        """Note that a seed has its verdict."""
        self._seeds.discard(number)

    def go_on(self) -> None:
        """Start what is next, and tell the run when all is over."""
        if not (self._seeds or self._settled or self._started):
            self._started = True
            self._settling.start(self._settle())
        if self.over and not self._told:
            self._told = True
            seconds = self._engine.clock() - self._began
            self._engine.store.append_event("prepared", {"seconds": seconds})
            self._engine.say(SearchStarted(seconds))
            self._engine.forecast.tell()

    def cancel(self) -> None:
        """Wait for it no longer."""
        self._settling.cancel()

    async def _settle(self) -> None:
        try:
            while not self._settled:
                said = await self._engine.judging.settle()
                pass_on(self._engine, said.notices)
                self._settled = said.done
        except MachineBroke as broke:
            self._engine.say(Notice(f"the search begins without all baselines: {broke.fault.message}"))
            self._settled = True
