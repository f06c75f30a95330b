"""Lineage: how a program came to be and what was tried from it, for briefs, so that nothing is tried twice.

A third of the lines that evolving coding agents add were taken out before (arXiv 2605.20086), so a step that
helped shows what it removed.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections import defaultdict
from collections.abc import Callable

from kernelevo.core import Attempt, Evaluation, Program, Trial, Verdict

STEPS = 6
"""Steps back from a parent that are shown."""
TRIED = 8
"""Attempts from a parent that are shown, the latest."""
REMOVED = 12
"""Lines of one step that are shown."""


class Lineage:
    """Remembers every told trial of a run: the first that judged a program in full stands for it."""

    def __init__(self) -> None:
        self._first: dict[str, Trial] = {}
        self._children: dict[str, list[str]] = defaultdict(list)
        self._removed: dict[tuple[str, str], tuple[str, ...]] = {}  # by both programs: texts never change

    def told(self, trial: Trial) -> None:
        """Remember a trial; one of a known program only where that had a fault or a rough score until now.

        Whom the program was made from, by whom and why stays as it was first.
        """
        name = trial.program.id
        known = self._first.get(name)
        if known is None:
            self._first[name] = trial
            for parent in trial.program.parents[:1]:
                self._children[parent].append(name)
        elif trial.evaluation is not None and trial.reused is None and not _in_full(known):
            self._first[name] = dataclasses.replace(trial, program=known.program)

    def reread(self, change: Callable[[Evaluation], Evaluation]) -> None:
        """From now on verdicts read as ``change`` makes them."""
        for name, trial in self._first.items():
            if trial.evaluation is not None:
                self._first[name] = dataclasses.replace(trial, evaluation=change(trial.evaluation))

    def of(self, parents: tuple[Verdict, ...]) -> tuple[Attempt, ...]:
        """Return the steps to the first parent, the latest first, then what was tried from it."""
        if not parents:
            return ()
        program = parents[0].program
        children = self._children.get(program.id, [])[-TRIED:]
        tried = [self._attempt(self._first[name], ancestor=False) for name in children]
        return (*self._ancestors(program), *reversed(tried))

    def _ancestors(self, program: Program) -> list[Attempt]:
        steps: list[Attempt] = []
        seen: set[str] = set()
        trial = self._first.get(program.id)
        while trial is not None and trial.program.parents and len(steps) < STEPS:
            seen.add(trial.program.id)
            steps.append(self._attempt(trial, ancestor=True))
            before = self._first.get(trial.program.parents[0])
            trial = before if before is not None and before.program.id not in seen else None
        return steps

    def _attempt(self, trial: Trial, *, ancestor: bool) -> Attempt:
        before = self._first.get(trial.program.parents[0]) if trial.program.parents else None
        earlier = before.score if before else None
        helped = earlier is not None and trial.score is not None and trial.score > earlier
        origin = trial.program.origin
        return Attempt(
            trial.number,
            origin.proposer,
            origin.idea,
            str(trial.evaluation.status) if trial.evaluation else "machine fault",
            trial.score,
            earlier,
            ancestor,
            self._taken_out(before.program, trial.program) if helped and before else (),
        )

    def _taken_out(self, before: Program, after: Program) -> tuple[str, ...]:
        """What a step removed; it is shown in many briefs, and long programs are slow to compare."""
        step = before.id, after.id
        if step not in self._removed:
            self._removed[step] = removed(before, after)
        return self._removed[step]


def _in_full(trial: Trial) -> bool:
    return trial.evaluation is not None and trial.evaluation.fidelity == "full"


def removed(before: Program, after: Program) -> tuple[str, ...]:
    """Return lines of one program that the other has no more, in order, without blank and trivial ones."""
    old, new = _lines(before), _lines(after)
    kept = {line.strip() for line in new}
    gone = [
        line.strip()
        for tag, i1, i2, _, _ in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if tag in ("delete", "replace")
        for line in old[i1:i2]
    ]
    return tuple(line for line in gone if len(line) > 8 and line not in kept)[:REMOVED]


def _lines(program: Program) -> list[str]:
    return [line.rstrip() for text in program.files.values() for line in text.splitlines()][:2000]
