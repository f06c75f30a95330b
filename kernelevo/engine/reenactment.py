"""Reenactment: a run's decisions made again from its records, in the order of their marks.

What came from outside is taken from the store: what proposers answered, what verdicts said, what people
ordered, whom a sitting had dropped. What the engine makes of it is made again by the same code: who is
asked, on which island, with which parents, inspirations and failures, what may be reused, who is rested.
Every one of these has to equal the record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kernelevo.core import Trial
from kernelevo.engine.credit import Credit
from kernelevo.engine.decision import RECORD, SITTING, WAITING, Decision, Marks, described
from kernelevo.engine.generation import PERSON, rng_for
from kernelevo.engine.ledger import WEIGHED, Ledger
from kernelevo.engine.replay import SEED
from kernelevo.errors import StoreError
from kernelevo.population import AddStatus, Islands
from kernelevo.store import RUN_FILE, EventRow, Rebase, RunStore
from kernelevo.store.database import plain_rows

GIVEN = (SEED, PERSON)
"""Programs that answer no ask."""


@dataclass(frozen=True)
class Deviation:
    """The first thing that came out otherwise.

    Args:
        trial: number of the trial.
        what: which part of its decision.
        recorded: what the store has.
        again: what was decided this time.
    """

    trial: int
    what: str
    recorded: Any
    again: Any

    def to_json(self) -> dict[str, Any]:
        """Return the deviation as plain data."""
        return {"trial": self.trial, "what": self.what, "recorded": self.recorded, "again": self.again}


@dataclass(frozen=True)
class Replayed:
    """What came of replaying a run.

    Args:
        trials: how many it has recorded.
        decisions: how many asks were decided again; the other trials are seeds and people's programs.
        sittings: how often the run was started or resumed.
        lineage: one row for each trial in order, as it came out this time.
        deviation: the first difference from the record, None if there is none.
    """

    trials: int
    decisions: int
    sittings: int
    lineage: tuple[tuple[Any, ...], ...]
    deviation: Deviation | None = None

    @property
    def digest(self) -> str:
        """Hash of the lineage: equal for two replays that decided the same."""
        return hashlib.sha256(json.dumps(self.lineage, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as plain data, the lineage as its hash."""
        return {
            "trials": self.trials,
            "decisions": self.decisions,
            "sittings": self.sittings,
            "exact": self.deviation is None,
            "lineage_sha256": self.digest,
            "deviation": self.deviation.to_json() if self.deviation else None,
        }


class _Differs(Exception):
    def __init__(self, deviation: Deviation) -> None:
        super().__init__(deviation.what)
        self.deviation = deviation


class Reenactment:
    """Makes the decisions of one run again; nothing is written.

    Args:
        store: the run, open for reading.
        islands: its population, empty, made from its settings.

    Raises:
        StoreError: if the run was recorded without what this needs.
    """

    def __init__(self, store: RunStore, islands: Islands) -> None:
        self._store, self._islands = store, islands
        sittings = store.events(kind=SITTING)
        if not sittings:
            raise _unrecorded(store, "it does not say who proposed, and from which seed")
        facts = sittings[0].data
        with plain_rows(store.folder / RUN_FILE):
            self._sittings, self._seed = len(sittings), int(facts["seed"])
            proposers, deterministic = list(facts["proposers"]), bool(facts["deterministic"])
        self._ledger = Ledger(store, islands, self._told, deterministic=False)
        self._credit = Credit(proposers)
        self._rested: set[tuple[int, str]] = set()
        trials = store.trials(raw=True)
        self._numbered = {trial.number: trial for trial in trials}
        told = [entry for entry in store.history() if isinstance(entry, Trial)]
        self._history = sorted(told, key=lambda t: t.number) if deterministic else told
        self._rebases = store.rebases()
        kinds = ("ban", "pin", "unpin", "objective", WEIGHED)
        changes = [event for event in store.events() if event.kind in kinds]
        self._changes = [event for event in changes if event.kind != "ban" or "told" in event.data]
        self._weights = [
            c
            for c in store.commands()
            if c.verb == "weight" and c.effect and not c.effect.startswith("refused")
        ]
        self._at = Marks()

    def run(self) -> Replayed:
        """Decide everything again, up to the first difference.

        Raises:
            StoreError: if some of its trials have no decision on record.
        """
        records = self._store.records_of(RECORD)
        with plain_rows(self._store.folder / RUN_FILE):
            decisions = {n: Decision.from_json(d) for n, d in records.items() if n in self._numbered}
        made: dict[int, tuple[Any, ...]] = {}
        for number, trial in self._numbered.items():
            if trial.program.origin.proposer in GIVEN:
                made[number] = _row(trial, trial.program.origin.proposer, {}, trial.seen)
            elif number not in decisions:
                raise _unrecorded(self._store, f"trial {number} has no decision on record")
        deviation = None
        try:
            for _, number, draw in sorted(_steps(decisions), key=lambda s: s[:2]):
                trial, decision = self._numbered[number], decisions[number]
                if draw is not None:
                    self._order(trial, decision, draw)
                if draw is None or decision.taken:
                    made[number] = self._ask(trial, decision)
            self._reused()
            self._advance(Marks(len(self._history), 1 << 60, 1 << 60, len(self._rebases)))
            self._was_rested()
        except _Differs as differs:
            deviation = differs.deviation
        lineage = tuple(made[number] for number in sorted(made))
        return Replayed(len(self._numbered), len(decisions), self._sittings, lineage, deviation)

    # one decision

    def _order(self, trial: Trial, decision: Decision, draw: int) -> None:
        """Draw the order of the proposers again: those it turned to have to be the first of it."""
        marks, dropped = decision.orders[draw]
        self._advance(marks)
        self._credit.drop(dropped)
        order = self._credit.order(rng_for(self._seed, trial.number, "order", draw), decision.turn)
        turned_to = [name for which, name, _ in decision.asked if which == draw]
        _same(trial, f"whom it turned to (draw {draw})", turned_to, order[: len(turned_to)])

    def _ask(self, trial: Trial, decision: Decision) -> tuple[Any, ...]:
        """Draw island and parents again, for the proposer that answered."""
        draw, name, ended = decision.asked[-1]
        _same(trial, "proposer", trial.program.origin.proposer, name)
        _same(trial, "verdicts seen", trial.seen, decision.orders[0][0].told)
        if ended == WAITING:
            return _row(trial, name, {"draw": _draw(trial)}, trial.seen)
        self._advance(decision.marks)
        rng = rng_for(self._seed, trial.number, "ask", name, draw)
        again = described(self._islands.ask(rng, parents=decision.wanted, turn=decision.turn))
        for part, recorded in decision.ask.items():
            _same(trial, part, recorded, again.get(part))
        _same(trial, "draw in its origin", _draw(trial), again["draw"])
        return _row(trial, name, again, decision.orders[0][0].told)

    # bringing the population to where it was

    def _advance(self, marks: Marks) -> None:
        while self._at.told < marks.told:
            if self._at.told >= len(self._history):
                told = len(self._history)
                raise _Differs(Deviation(self._history[-1].number, "verdicts told", marks.told, told))
            self._change(self._at.told, marks)
            self._ledger.restore(self._history[self._at.told])
            self._at = self._at._replace(told=self._at.told + 1)
        self._change(self._at.told, marks)

    def _change(self, told: int, marks: Marks) -> None:
        """Apply what happened between two verdicts, as far as the marks go."""
        behind = told < marks.told
        while self._rebases and (behind or self._at.rebases < marks.rebases):
            if _told_at(self._rebases[0]) > told:
                break
            self._ledger.rebase(self._rebases.pop(0))
            self._at = self._at._replace(rebases=self._at.rebases + 1)
        while self._changes and self._changes[0].id <= marks.events:
            if self._changes[0].data.get("told", 0) > told:
                break
            self._apply(self._changes.pop(0))
        while self._weights and self._weights[0].id <= marks.commands:
            args = self._weights.pop(0).args
            self._credit.set_weight(args["proposer"], float(args["weight"]))

    def _apply(self, event: EventRow) -> None:
        if event.kind == "objective":
            self._ledger.reweigh(event.data["metric"], event.data["weight"])
            return
        program = event.data["program"]
        if event.kind == "ban":
            self._ledger.ban(program)
        elif event.kind == WEIGHED:
            self._ledger.weigh(program, event.data["by"])
        else:
            getattr(self._islands, event.kind)(program)

    def _told(self, trial: Trial, status: AddStatus) -> None:
        self._rested |= {(trial.number, name) for name in self._credit.told(trial, status)}

    # what is checked over the whole run

    def _reused(self) -> None:
        """A program with a full verdict is never judged again; a reused verdict is that of its program."""
        full: dict[str, int] = {}
        for trial in (entry for entry in self._store.history() if isinstance(entry, Trial)):
            evaluation, known = trial.evaluation, full.get(trial.program.id)
            if trial.reused is None:
                _same(trial, "verdict reused", None, known)
                if evaluation is not None and evaluation.fidelity == "full":
                    full[trial.program.id] = trial.number
            else:
                first = self._numbered[trial.reused]
                _same(trial, "program of the reused verdict", trial.program.id, first.program.id)

    def _was_rested(self) -> None:
        for event in self._store.events(kind="rested"):
            who = (event.trial if event.trial is not None else -1, event.data["proposer"])
            if who not in self._rested:
                raise _Differs(Deviation(who[0], "proposer rested after it", who[1], None))


def _steps(decisions: Mapping[int, Decision]) -> Iterator[tuple[Marks, int, int | None]]:
    """Yield each draw of an order (its number) and each answered ask (None), with its marks."""
    for number, decision in decisions.items():
        for draw, (marks, _) in enumerate(decision.orders):
            yield marks, number, draw
        if not decision.taken:
            yield decision.marks, number, None


def _unrecorded(store: RunStore, why: str) -> StoreError:
    return StoreError(
        f"{store.folder} cannot be replayed.",
        why=f"{why}: it was begun by an earlier version of kernelevo",
        now="runs that this version begins can be replayed",
    )


def _told_at(rebase: Rebase) -> int:
    return int(rebase.data.get("told", rebase.after))


def _draw(trial: Trial) -> Any:
    return trial.program.origin.details.get("draw")


def _row(trial: Trial, proposer: str, ask: Mapping[str, Any], seen: int) -> tuple[Any, ...]:
    """One row of the lineage: what was decided, and the program that was answered."""
    return (
        trial.number,
        proposer,
        ask.get("island", trial.island),
        ask.get("draw"),
        list(ask.get("parents", ())),
        list(trial.program.parents),
        trial.program.id,
        seen,
        trial.reused,
    )


def _same(trial: Trial, what: str, recorded: Any, again: Any) -> None:
    if recorded != again:
        raise _Differs(Deviation(trial.number, what, recorded, again))
