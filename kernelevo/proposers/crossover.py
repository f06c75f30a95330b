"""CrossoverProposer: joins the rewrites of two parents."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from random import Random

from kernelevo.core import Brief, Proposal, Trial
from kernelevo.errors import CaptureError
from kernelevo.proposers.rewrite import made
from kernelevo.proposers.workbench import Names, rewrites_of, workbench

_log = logging.getLogger(__name__)
_DRAWS = 16  # mixtures drawn per brief


class CrossoverProposer:
    """Makes children of two programs of ours: all rewrites of both first, then random mixtures.

    Parents are re-derived from the rewrites that their origin names, never from their text; a parent that
    was harvested from the compiler takes part with its rewrites. The child is a printed graph.
    """

    name = "crossover"
    parents = 2

    def __init__(self) -> None:
        self._tried: set[Names] = set()

    def observe(self, trial: Trial) -> None:
        """Remember a set that any proposer tried."""
        details = trial.program.origin.details
        names = rewrites_of(details)
        if names is not None and details.get("base", "graph") == "graph":
            self._tried.add(names)

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Return a child of the first two parents that were made by rewrites, or nothing."""
        if "reference" not in brief.task.options:
            return []
        sets = [rewrites_of(verdict.program.origin.details) for verdict in brief.parents]
        known = [names for names in sets if names is not None]
        if len(known) < 2 or known[0] == known[1]:
            return []
        return await asyncio.to_thread(self._propose, brief, rng, known[0], known[1])

    def _propose(self, brief: Brief, rng: Random, one: Names, two: Names) -> list[Proposal]:
        try:
            bench = workbench(brief.task)
        except CaptureError as error:
            _log.info("nothing to cross: %s", error)
            return []
        for wanted in _mixtures(one, two, rng):
            if wanted in self._tried:
                continue
            draft = bench.draft(wanted)
            fired = frozenset(draft.rewrites)
            if fired and fired not in self._tried:
                self._tried |= {fired, wanted}
                return [Proposal(made(self.name, draft, brief, "rewrites of two parents"))]
            self._tried.add(wanted)
        return []


def _mixtures(one: Names, two: Names, rng: Random) -> Iterator[Names]:
    """Yield the union, then sets with what both share and a random part of the rest."""
    yield one | two
    different = sorted(one ^ two)
    for _ in range(_DRAWS):
        yield (one & two) | {name for name in different if rng.random() < 0.5}
