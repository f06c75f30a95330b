"""CrossoverProposer: joins the rewrites of two parents."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from kernelevo.core import Brief, Program, Proposal, Trial, Verdict
from kernelevo.errors import CaptureError
from kernelevo.proposers.rewrite import choices_of, made, tuned_values
from kernelevo.proposers.workbench import Names, rewrites_of, workbench

_log = logging.getLogger(__name__)
_DRAWS = 16  # mixtures drawn per brief


class CrossoverProposer:
    """Makes children of two programs of ours: all rewrites of both first, then random mixtures.

    Parents are re-derived from the rewrites that their origin names, never from their text; a parent that
    was harvested from the compiler takes part with its rewrites. The child is a printed graph. Values that
    a parent was tuned to are kept where the child tunes the same entry; the better parent's where both were.
    """

    name = "crossover"
    parents = 2

    def __init__(self) -> None:
        self._tried: set[Names] = set()

    def observe(self, trial: Trial) -> None:
        """Remember a set that any proposer tried."""
        self.proposed(trial.program)

    def proposed(self, program: Program) -> None:
        """Remember the set that a program was made by, if it was."""
        names = rewrites_of(program.origin.details)
        if names is not None and program.origin.details.get("base", "graph") == "graph":
            self._tried.add(names)

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Return a child of the first two parents that were made by rewrites, or nothing."""
        if "reference" not in brief.task.options:
            return []
        sets = [(rewrites_of(verdict.program.origin.details), verdict) for verdict in brief.parents]
        known = [(names, verdict) for names, verdict in sets if names is not None][:2]
        if len(known) < 2 or known[0][0] == known[1][0]:
            return []
        (one, first), (two, second) = known
        return await asyncio.to_thread(self._propose, brief, rng, one, two, _tuned(first, second))

    def _propose(
        self, brief: Brief, rng: Random, one: Names, two: Names, tuned: Mapping[str, Any]
    ) -> list[Proposal]:
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
                kept = choices_of(draft.text, tuned)
                return [Proposal(made(self.name, draft, brief, "rewrites of two parents", kept))]
            self._tried.add(wanted)
        return []


def _tuned(*parents: Verdict) -> dict[str, Any]:
    """Return the values that programs were tuned to; of those of one name the best program's."""
    values: dict[str, Any] = {}
    for verdict in sorted(parents, key=lambda v: v.evaluation.score or 0.0):
        values.update(tuned_values(verdict.program))
    return values


def _mixtures(one: Names, two: Names, rng: Random) -> Iterator[Names]:
    """Yield the union, then sets with what both share and a random part of the rest."""
    yield one | two
    different = sorted(one ^ two)
    for _ in range(_DRAWS):
        yield (one & two) | {name for name in different if rng.random() < 0.5}
