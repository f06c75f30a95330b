"""Reviewing: opinions while a run goes on; what they may cost, what they change, what they leave alone."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from kernelevo.core import Event, Notice, Trial, WinnerConfirmed
from kernelevo.engine import Budget, Engine, Outcome, Reenactment, Schedule
from kernelevo.engine.reviewing import Reviewing
from kernelevo.errors import StoreError
from kernelevo.evaluators.reviewer import NoOpinion, Opinion, Rubric
from kernelevo.executors import InlineExecutor
from kernelevo.population import Islands, Policy
from kernelevo.store import RUN_FILE, RunStore
from tests.engine import toys

ONE, TWO, THREE = "1" * 12 + "0000", "0000" + "1" * 12, "00" + "1" * 12 + "00"
"""Three programs with the score 12."""
REFINE = Policy(cold_start=False, sampler="refine")


class Critic:
    """Likes what it is told to, or raises it; a review costs dollars, and takes its time."""

    def __init__(
        self, engine: Engine, values: dict[str, float | Exception], weight: float, cost: float, hold: float
    ) -> None:
        self.rubric = Rubric({"a": "b"}, weight)
        self._engine, self._values, self._cost, self._hold = engine, values, cost, hold
        self.asked: list[int] = []
        self.most = 0.0

    def may_cost(self, trial: Trial) -> dict[str, float]:
        return {"tokens": 0.0, "dollars": self._cost}

    async def review(self, trial: Trial) -> Opinion:
        self.asked.append(trial.number)
        await asyncio.sleep(self._hold)
        self._engine.meter.settle({}, {"dollars": self._cost / 10})  # as the ledger of calls does
        if trial.program.source not in self._values:
            raise NoOpinion("it is speechless")
        value = self._values[trial.program.source]
        if isinstance(value, Exception):
            raise value
        return Opinion({"a": 10 * value}, "Split it.", "critic")


class Held:
    """Has a review of everything under way when the search ends; the engine does not wait, so a seed does."""

    def __init__(self, texts: Sequence[str], wait: Callable[[], bool], dollars: float = 0.0) -> None:
        self._inner, self._wait = toys.Script(texts), wait
        self.name, self.parents, self.dollars = "held", 1, dollars
        self.briefs: list[Any] = []

    def estimate(self, brief: Any) -> dict[str, float]:
        return {"dollars": self.dollars}

    async def propose(self, brief: Any, rng: Any) -> Any:
        self.briefs.append(brief)
        while not self._wait():
            await asyncio.sleep(0.01)
        return await self._inner.propose(brief, rng)


class Run:
    """A run with a critic."""

    def __init__(self, folder: Path, texts: Sequence[str], values: Any, budget: str = "3",
                 *, weight: float = 0.0, cost: float = 0.0, hold: float = 0.0, dollars: float = 0.0,
                 kind: str = "staged", resumed: bool = False, **options: Any) -> None:  # fmt: skip
        self.events: list[Event] = []
        task = toys.task(kind, **options)
        with RunStore.open(folder) if resumed else RunStore.create(folder, task, {}) as store:
            self.proposer = Held(texts, lambda: not self.critic.asked or self.calm(), dollars)
            self.engine = Engine(
                store,
                [self.proposer],
                InlineExecutor(),
                Budget.parse(budget),
                loader="tests.engine.toys:load",
                device="device:0" if kind == "staged" else None,
                listeners=[self.listen],
                schedule=Schedule(thinkers=1),
                poll=0.02,
                islands=Islands(policy=REFINE),
            )
            self.critic = Critic(self.engine, values, weight, cost, hold)
            self.reviewing = Reviewing(self.engine, self.critic)  # type: ignore[arg-type]
            self.outcome: Outcome = asyncio.run(asyncio.wait_for(self.engine.run(), 30))
            self.opinions = store.opinions()
            self.none = {e.trial: e.data["reason"] for e in store.events(kind="no opinion")}
            self.trials = store.trials()

    def calm(self) -> bool:
        """Every review that was begun has ended, unless it is meant to last."""
        return self.critic._hold > 0 or not self.reviewing._tasks

    def listen(self, event: Event) -> None:
        self.events.append(event)
        self.reviewing.listen(event)

    @property
    def confirmed(self) -> list[int]:
        return [e.trial for e in self.events if isinstance(e, WinnerConfirmed)]


def test_of_equal_scores_the_one_that_is_liked_is_timed_again_and_wins(tmp_path: Path) -> None:
    texts = [ONE, TWO, THREE, "0" * 16]  # the last one gives the reviews of the others time to end
    plain = Run(tmp_path / "plain", texts, {}, "4")
    assert plain.confirmed == [1] and plain.outcome.best is not None and plain.outcome.best.number == 1
    liked = Run(tmp_path / "liked", texts, {ONE: 0.2, TWO: 0.9, THREE: 0.4}, "4")
    assert liked.confirmed == [2] and liked.outcome.best is not None and liked.outcome.best.number == 2
    one_disliked = Run(tmp_path / "third", texts, {ONE: 0.2}, "4")  # no opinion is one in the middle
    assert one_disliked.confirmed == [2]


def test_of_equals_when_timed_again_the_one_that_is_liked_wins(tmp_path: Path) -> None:
    low = {ONE: 5.0, TWO: 5.0, THREE: 5.0}  # all look worse than in the search: each is timed again
    texts, values = [ONE, TWO, THREE, "0" * 16], {ONE: 0.2, TWO: 0.4, THREE: 0.9}
    liked = Run(tmp_path / "run", texts, values, "4", sobered=low)
    assert sorted(liked.confirmed) == [1, 2, 3]
    assert liked.outcome.best is not None and liked.outcome.best.number == 3
    plain = Run(tmp_path / "plain", texts, {}, "4", sobered=low)
    assert plain.outcome.best is not None and plain.outcome.best.number == 1


def test_a_tie_is_broken_where_nothing_is_timed_again(tmp_path: Path) -> None:
    liked = Run(tmp_path / "run", [ONE, TWO, "0" * 16], {TWO: 0.9}, "3", kind="ones")
    assert liked.confirmed == [] and liked.outcome.best is not None and liked.outcome.best.number == 2


@pytest.mark.parametrize(("weight", "leader"), [(0.0, "1" * 13 + "000"), (0.5, ONE)])
def test_a_weight_moves_parents_and_nothing_that_was_measured(
    tmp_path: Path, weight: float, leader: str
) -> None:
    better = "1" * 13 + "000"
    texts, values = [ONE, better, *("0" * (16 - n) + "1" * n for n in (1, 2, 3))], {ONE: 1.0, better: 0.0}
    run = Run(tmp_path / "run", texts, values, "5", weight=weight)
    (parent,) = run.proposer.briefs[-1].parents
    assert parent.program.source == leader
    (best, *_) = run.engine.islands.ranked()
    assert best.program.source == leader
    assert best.score == pytest.approx(12 * 1.25 if weight else 13)
    # what was recorded, what briefs show and what wins are the measured scores
    assert [t.score for t in run.trials] == [0.0, 12.0, 13.0, 1.0, 2.0, 3.0]
    shown = {v.program.source: v.evaluation for b in run.proposer.briefs for v in b.parents}
    assert all(e.score == float(source.count("1")) for source, e in shown.items())
    assert run.proposer.briefs[-1].facts["best_score"] == 13.0
    assert any("Split it." in e.feedback for e in shown.values())
    assert run.confirmed == [2] and run.outcome.best is not None and run.outcome.best.number == 2


def test_a_run_with_weighed_opinions_is_decided_again_and_rebuilt_exactly(tmp_path: Path) -> None:
    better = "1" * 13 + "000"
    texts, values = [ONE, better, TWO, THREE, *("0" * 15 + "1", "0" * 16)], {ONE: 1.0, better: 0.0, TWO: 0.9}
    run = Run(tmp_path / "run", texts, values, "6", weight=0.5)
    ranked = [(m.program.id, m.score) for m in run.engine.islands.ranked()]
    with RunStore.open(tmp_path / "run", readonly=True) as store:
        assert len(store.events(kind="weighed")) == 3
        replayed = Reenactment(store, Islands(policy=REFINE)).run()
        assert replayed.deviation is None and replayed.decisions == 6
    again = Run(tmp_path / "run", [], {}, "6", weight=0.5, resumed=True)
    assert [(m.program.id, m.score) for m in again.engine.islands.ranked()] == ranked
    assert not again.critic.asked
    db = sqlite3.connect(tmp_path / "run" / RUN_FILE)
    db.execute("DELETE FROM events WHERE kind = 'weighed'")  # as if killed between opinion and effect
    db.commit()
    db.close()
    with RunStore.open(tmp_path / "run", readonly=True) as store:
        assert Reenactment(store, Islands(policy=REFINE)).run().deviation is not None
    mended = Run(tmp_path / "run", [], {}, "6", weight=0.5, resumed=True)
    assert [(m.program.id, m.score) for m in mended.engine.islands.ranked()] == ranked


def test_what_a_review_may_cost_is_set_aside_and_there_is_none_without_room(tmp_path: Path) -> None:
    texts = [ONE, TWO, THREE, "1" * 13 + "000"]
    run = Run(tmp_path / "run", texts, dict.fromkeys(texts, 0.5), "4,$1", cost=0.6)
    # each sets 0.6 aside and uses 0.06: of those after the seed's the one with 0.42 left has no room
    assert run.critic.asked and run.engine.meter.used["dollars"] <= 1.0
    dear = Run(tmp_path / "dear", texts, dict.fromkeys(texts, 0.5), "4,$1", cost=1.5)
    assert not dear.critic.asked and not dear.opinions and len(dear.trials) == 5
    assert set(dear.none) == {0, 1, 2, 3, 4}
    assert (
        dear.none[1] == "the budget has no room for it: its next call may cost $1.5000, and $1.0000 is left"
    )
    said = [e.text for e in dear.events if isinstance(e, Notice) and "no opinion" in e.text]
    assert len(said) == 1 and "$1.5000" in said[0]  # once


def test_two_reviews_at_a_time_are_never_promised_the_same_money(tmp_path: Path) -> None:
    texts = [ONE, TWO, THREE]
    run = Run(tmp_path / "run", texts, dict.fromkeys(texts, 0.5), "3,$1", cost=0.7, hold=0.3)
    assert len(run.critic.asked) == 1  # of the second 0.7 only 0.3 was left
    assert "may cost $0.7000, and $0.3000 is left" in run.none[1]


def test_a_run_does_not_end_for_want_of_what_a_review_gives_back(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", [ONE, TWO], {"0" * 16: 0.5}, "2,$1", cost=0.9, hold=0.4, dollars=0.5)
    # the seed's review held 0.9 of the dollar and used 0.09: the proposer's 0.5 had to wait for that
    assert run.critic.asked[0] == 0 and [t.number for t in run.trials] == [0, 1, 2]
    assert "spent" in run.outcome.reason


def test_opinions_are_kept_as_they_were_given(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", [ONE, "0" * 16], {ONE: 0.5}, "2")
    assert json.loads(json.dumps(run.opinions[1]))["model"] == "critic"
    assert run.none[0] == "it is speechless"


def test_a_review_that_fails_of_whatever_it_may_be_is_written_down_and_told(tmp_path: Path) -> None:
    values = {"0" * 16: 0.5, ONE: RuntimeError("a mistake of ours"), TWO: 0.9}
    run = Run(tmp_path / "run", [ONE, TWO, "0" * 16], values, "3")
    assert run.none == {1: "RuntimeError: a mistake of ours"} and set(run.opinions) == {0, 2}
    said = [e.text for e in run.events if isinstance(e, Notice)]
    assert "the judge model gave no opinion of #1: RuntimeError: a mistake of ours" in said


def test_an_opinion_that_cannot_be_written_down_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(RunStore, "add_opinion", full)
    with pytest.raises(StoreError, match="the disk is full"):
        Run(tmp_path / "run", [ONE, TWO], {"0" * 16: 0.5}, "2")
