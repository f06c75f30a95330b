"""RewriteProposer: graph rewrites of the task's module, as programs, the most promising sets first."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from kernelevo.backends import tune as table
from kernelevo.core import Brief, Evaluation, Origin, Program, Proposal, Status, Task, Trial
from kernelevo.errors import KernelEvoError
from kernelevo.proposers.family import has
from kernelevo.proposers.workbench import (
    Draft,
    Names,
    Workbench,
    body_digest,
    plain_rewrites,
    rewrites_of,
    workbench,
)

_log = logging.getLogger(__name__)
_DRAWS = 64  # random subsets drawn before the proposer says that it has no more


@dataclass(frozen=True)
class _Judged:
    """The best verdict of a set of rewrites, and the values that the program's ``TUNE`` table had."""

    evaluation: Evaluation
    values: Mapping[str, table.Choice]

    @property
    def score(self) -> float:
        """The score of a verdict that has one."""
        assert self.evaluation.score is not None
        return self.evaluation.score


class RewriteProposer:
    """Searches the sets of rewrites that apply to a module; it never proposes one program twice.

    First everything that fires, without and then with what is as likely to slow a module down. A set whose
    program gave wrong values comes once more with the choices that round least, where it has such. Then, by
    what was scored so far: neighbours of the best set (one rewrite more or less) with the values that its
    best program had, which are the ablations of the full set as long as there is no gain; and random subsets
    with those.
    """

    name = "rewrite"
    parents = 1

    def __init__(self, task: Task | None = None) -> None:
        self._tried: set[Names] = set()
        self._best: dict[Names, _Judged] = {}
        self._failed: set[Names] = set()
        self._coarse: deque[Names] = deque()  # whose program was wrong: once more, with less rounding
        self._bodies: set[str] = set()  # digests of what was proposed: one text may have several names
        if task is not None:
            threading.Thread(target=_begin, args=(task,), name="capture", daemon=True).start()

    def observe(self, trial: Trial) -> None:
        """Learn the score of a set, also one that another proposer or an earlier process tried."""
        names = self.proposed(trial.program)
        if names is not None and trial.evaluation is not None:
            self._learn(names, trial.program, trial.evaluation)

    def reread(self, change: Callable[[Evaluation], Evaluation]) -> None:
        """From now on verdicts read as ``change`` makes them: against a better baseline."""
        self._best = {n: replace(j, evaluation=change(j.evaluation)) for n, j in self._best.items()}

    def _learn(self, names: Names, program: Program, evaluation: Evaluation) -> None:
        judged, known = _Judged(evaluation, tuned_values(program)), self._best.get(names)
        if evaluation.score is not None and (known is None or judged.score > known.score):
            self._best[names] = judged
        if evaluation.status is Status.WRONG and names not in self._failed:
            self._coarse.append(names)
        if evaluation.score is None:
            self._failed.add(names)

    def proposed(self, program: Program) -> Names | None:
        """Remember and return the set that a program was made by; None for one that was made otherwise."""
        names = rewrites_of(program.origin.details)
        if names is None or program.origin.details.get("base", "graph") != "graph":
            return None
        self._tried.add(names)
        self._bodies.add(body_digest(program.source))
        return names

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Return the next program, or nothing when every set was tried.

        Raises:
            CaptureError: if the module has no graph.
        """
        if "reference" not in brief.task.options:
            return []
        return await asyncio.to_thread(self._propose, brief, rng)

    def _propose(self, brief: Brief, rng: Random) -> list[Proposal]:
        bench = workbench(brief.task)
        for verdict in brief.parents:
            names = plain_rewrites(verdict)
            if names is not None:
                self._learn(names, verdict.program, verdict.evaluation)
        while self._coarse:  # verdicts are told meanwhile, from another thread
            draft = bench.draft(self._coarse.popleft())
            if draft.careful and (found := self._new(brief, draft, draft.careful, "least rounding")):
                return [found]
        for wanted, values in self._wanted(bench, rng):
            draft = bench.draft(wanted)
            fired = frozenset(draft.rewrites)
            is_new = fired and fired not in self._tried
            if is_new and (found := self._new(brief, draft, values, "graph rewrites")):
                self._tried |= {fired, wanted}
                return [found]
            self._tried.add(wanted)
        return []

    def _new(
        self, brief: Brief, draft: Draft, values: Mapping[str, table.Choice], idea: str
    ) -> Proposal | None:
        """Return a draft's program with these values, None if there was one of its text before."""
        program = made(self.name, draft, brief, idea, choices_of(draft.text, values))
        body = body_digest(program.source)
        if body in self._bodies:
            return None
        self._bodies.add(body)
        return Proposal(program)

    def _wanted(self, bench: Workbench, rng: Random) -> Iterator[tuple[Names, Mapping[str, table.Choice]]]:
        """Yield sets not tried yet, most promising first, each with the values that are to be kept."""
        for name in ("sure", "greedy"):  # each costs seconds on a large module: the first before the second
            first = frozenset(getattr(bench, name))
            if first and first not in self._tried:
                yield first, {}
        full = frozenset(bench.greedy)
        known = dict(self._best)
        if full not in self._failed or not known:
            # while nobody knows it, it is worth more than what is no gain
            known.setdefault(full, _Judged(Evaluation.ok(1.0), {}))
        centres = sorted(known.items(), key=lambda entry: -entry[1].score)
        for centre, judged in centres:
            near = [centre ^ {name} for name in bench.useful]
            rng.shuffle(near)
            yield from ((names, judged.values) for names in near if names not in self._tried)
        for _ in range(_DRAWS):
            drawn = frozenset(name for name in bench.useful if rng.random() < 0.6)
            if drawn not in self._tried:
                yield drawn, centres[0][1].values


def _begin(task: Task) -> None:
    """Do the first brief's work; what fails here fails again there, where somebody is told."""
    try:
        bench = workbench(task)
        _ = bench.sure, bench.greedy  # in the order in which they are proposed
    except KernelEvoError as error:
        _log.info("no graph ahead of the first brief: %s", error)


def made(
    proposer: str, draft: Draft, brief: Brief, idea: str, tuned: Mapping[str, table.Choice] | None = None
) -> Program:
    """Return a draft as a program whose origin says how to make it again.

    Args:
        proposer: who made it.
        draft: its text and rewrites.
        brief: what it was made for; its parents become the program's.
        idea: a few words; the rewrites are named behind them.
        tuned: values for entries of the draft's ``TUNE`` table, each one of the entry's choices.
    """
    details: dict[str, Any] = {"rewrites": list(draft.rewrites), "base": "graph"}
    text = draft.text
    if tuned:
        details["tuned"] = dict(tuned)
        usual = table.values_in_use(text)
        moved = {name: value for name, value in tuned.items() if value != usual[name]}
        text = table.with_values(text, moved, keep_choices=True)
    parents = tuple(v.program.id for v in brief.parents)
    origin = Origin(proposer, f"{idea}: {', '.join(draft.rewrites)}", details)
    return Program.single(text, parents=parents, origin=origin)


def tuned_values(program: Program) -> Mapping[str, table.Choice]:
    """Return the values that a program of ours was tuned to, none for one with the usual ones."""
    found = program.origin.details.get("tuned")
    return found if isinstance(found, Mapping) else {}


def choices_of(text: str, values: Mapping[str, table.Choice]) -> dict[str, table.Choice]:
    """Return those of the values that are choices of a program's own table."""
    space = table.read_table(text) if values else {}
    return {name: value for name, value in values.items() if has(space.get(name, ()), value)}
