"""Ledger: what a run knows by now; who was told what, and in which order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kernelevo.core import Trial, Verdict, Worth
from kernelevo.engine.missing import no_program
from kernelevo.population import AddStatus, Islands
from kernelevo.store import Rebase, RunStore, program_called, rebased

WEIGHED = "weighed"
"""Events that say by which part of its size a program's score is moved when parents are chosen."""

Tell = Callable[[Trial, AddStatus], None]


class Ledger:
    """Records trials in the store and passes them on to the islands.

    A trial is recorded the moment it ends. It is told to the islands (and through ``tell`` to whoever else
    learns) at once, or, in a deterministic run, in the order of the numbers and only when an ask needs it.

    Args:
        store: the run's store.
        islands: the population.
        tell: called with every told trial and where it lives now.
        deterministic: tell by number, on demand.
    """

    def __init__(self, store: RunStore, islands: Islands, tell: Tell, *, deterministic: bool) -> None:
        self._store, self._islands, self._tell, self._deterministic = store, islands, tell, deterministic
        self._known: dict[str, Trial] = {}  # by program: the trial whose verdict may be used again
        self._tried: dict[str, str] = {}  # by a recorded trial's number: its program
        self._parents: dict[str, set[str]] = {}
        self._children: dict[str, set[str]] = {}
        self._untold: dict[int, Trial] = {}
        self._rebases: list[Rebase] = []
        self._banned: set[str] = set()
        self._best: Trial | None = None  # of all that is recorded, told or not
        self._searched: int | None = None  # how much was told for asks, once the rest is told too
        self.told = 0

    def record(self, trial: Trial, *, searched: float, records: Mapping[str, Any] | None = None) -> bool:
        """Write a finished trial and records beside it down; return whether it is the best so far."""
        self._store.record(trial, searched=searched, records=records)
        return self._take_in(trial)

    def restore(self, trial: Trial) -> None:
        """Take in a trial that an earlier sitting recorded."""
        self._take_in(trial)

    def rebase(self, rebase: Rebase) -> None:
        """From now on all scores against the replaced baseline read as re-based ones."""
        self._rebases.append(rebase)
        self._islands.reread(lambda v: Verdict(v.program, rebase.apply(v.evaluation)))
        self._look_again()

    def reweigh(self, metric: str, weight: float) -> None:
        """From now on a metric of a weighted sum counts so much; ValueError if there is no such metric."""
        self._islands.reweigh(metric, weight)
        self._look_again()

    def weigh(self, program_id: str, by: float) -> None:
        """From now on parents are chosen as if a program's score were higher by this part of its size."""
        self._islands.reread(lambda v: _moved(v, by), program_id)

    def ban(self, program_id: str) -> None:
        """Never use a program again."""
        self._banned.add(program_id)
        self._islands.ban(program_id)
        if self._best and self._best.program.id == program_id:
            self._look_again()

    @property
    def best(self) -> Trial | None:
        """The trial with the best full score that is recorded, as it reads today; of equals the earliest.

        It goes by what was measured, whatever weight an opinion has in the choice of parents.
        """
        return self._best

    @property
    def best_told(self) -> Trial | None:
        """The best of all that is told: what an ask may know of."""
        if not self._untold:
            return self._best
        return self._best_of(t for t in self._known.values() if t.number not in self._untold)

    def _look_again(self) -> None:
        """The best may be another one now: of all that is recorded, told or not, as it reads today."""
        self._best = self._best_of(self._known.values())

    def reusable(self, program_id: str, floor: float | None) -> Trial | None:
        """The trial whose verdict holds for this program too, if there is one.

        A rough verdict says only that a program is below the floor it was measured for; it holds for asks
        with a floor at least as high.
        """
        trial = self._known.get(program_id)
        if trial is None or trial.evaluation is None or trial.evaluation.fidelity == "full":
            return trial
        measured_for = trial.evaluation.metrics.get("floor")
        enough = floor is not None and isinstance(measured_for, float | int) and floor >= measured_for
        return trial if enough else None

    def find(self, name: str) -> str | None:
        """Return the id of the judged program that is called so; None if that is none or several."""
        return program_called(name, self._tried, self._known)

    def program(self, name: str) -> str:
        """Return the id of a judged program by the beginning of its id or its trial's number.

        Raises:
            BadSetting: if that is none or several.
        """
        found = self.find(name)
        if found is None:
            raise no_program(name)
        return found

    def trial_of(self, program_id: str) -> Trial:
        """The trial that judged a program first, as it reads today."""
        return self.reread(self._known[program_id])

    def reread(self, trial: Trial) -> Trial:
        """A trial as it reads today."""
        return rebased(trial, self._rebases)

    def may_have_children(self, program_id: str) -> bool:
        """Whether a judged program can be a parent: it has a full score and is not banned."""
        return self._best_of([self._known[program_id]]) is not None

    def descends(self, program_id: str, ancestor: str) -> bool:
        """Whether a program is another one or was made from it, over any number of generations."""
        return ancestor in _reach(program_id, self._parents)

    def best_of_line(self, program_id: str) -> Verdict | None:
        """The best full verdict among a program and its descendants; None if none has a score."""
        best = self._best_of(self._known[n] for n in _reach(program_id, self._children) if n in self._known)
        if best is None or best.evaluation is None:
            return None
        return Verdict(best.program, best.evaluation)

    def _best_of(self, trials: Iterable[Trial]) -> Trial | None:
        """The best full score among trials, as they read today; of equals the earliest."""
        read = [self.reread(t) for t in trials if t.program.id not in self._banned and not _is_rough(t)]
        return max(
            (t for t in read if t.score is not None), key=lambda t: (self._worth(t), -t.number), default=None
        )

    @property
    def judged(self) -> int:
        """How many different programs have a verdict, however often one came again."""
        return len(self._known)

    @property
    def rebased_times(self) -> int:
        """How many faster baselines have arrived."""
        return len(self._rebases)

    # telling

    def can_tell(self, number: int) -> bool:
        """Whether everything up to this trial is told or could be."""
        return all(n in self._untold for n in range(self.told, number + 1))

    def tell_up_to(self, number: int) -> None:
        """Tell everything up to this trial, in order (deterministic runs)."""
        while self.told <= number and self.told in self._untold:
            self._pass_on(self._untold.pop(self.told))

    @property
    def told_for_asks(self) -> int:
        """How much was told for asks, without the rest behind the last of them.

        What changes now (a ban, say) is recorded as changed after so many tells. A resume of a deterministic
        run has told no more when it makes the change again, and its next asks do not see the rest yet.
        """
        return self.told if self._searched is None else self._searched

    def tell_rest(self) -> None:
        """Tell all that waits, in order: the search is over, and nobody is asked again in this sitting."""
        if self._deterministic:
            seen = [trial.seen for trial in self._store.trials(raw=True)]
            seen += [draft.seen for draft in self._store.drafts() if draft.number is not None]
            self._searched = max(seen, default=0)
        for number in sorted(self._untold):
            self._pass_on(self._untold.pop(number))

    def _take_in(self, trial: Trial) -> bool:
        self._tried[str(trial.number)] = trial.program.id
        for parent in trial.program.parents:
            self._parents.setdefault(trial.program.id, set()).add(parent)
            self._children.setdefault(parent, set()).add(trial.program.id)
        if trial.evaluation is not None:
            known = self._known.get(trial.program.id)
            if known is None or (trial.reused is None and _is_rough(known)):
                self._known[trial.program.id] = trial
        if self._deterministic:
            self._untold[trial.number] = trial
        else:
            self._pass_on(trial)
        return self._is_best(trial)

    def _pass_on(self, trial: Trial) -> None:
        self.told += 1
        current = rebased(trial, self._rebases)
        self._tell(current, self._islands.tell(current))

    def _is_best(self, trial: Trial) -> bool:
        current = rebased(trial, self._rebases)
        if current.score is None or _is_rough(current) or current.program.id in self._banned:
            return False
        if self._best is not None and self._worth(current) <= self._worth(self._best):
            return False
        self._best = current
        return True

    def _worth(self, trial: Trial) -> Worth:
        assert trial.evaluation is not None
        return self._islands.worth(trial.evaluation)


def _moved(verdict: Verdict, by: float) -> Verdict:
    """Return a verdict whose score is moved by a share of its size; a score below 0 moves up as well."""
    score = verdict.evaluation.score
    if score is None:
        return verdict
    moved = dataclasses.replace(verdict.evaluation, score=score + by * abs(score))
    return Verdict(verdict.program, moved)


def _is_rough(trial: Trial) -> bool:
    return trial.evaluation is not None and trial.evaluation.fidelity == "rough"


def _reach(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    """Everything that can be reached from a program, itself included."""
    found, border = {start}, [start]
    while border:
        new = edges.get(border.pop(), set()) - found
        found |= new
        border += new
    return found
