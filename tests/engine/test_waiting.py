"""A proposer whose answer may still come: the run is not exhausted, and asks it again."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from kernelevo.core import Brief, Event, Proposal, TrialEnded
from kernelevo.engine import Engine, Reenactment, Schedule
from kernelevo.population import Islands
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench


class Late(toys.Script):
    """Has nothing for so many asks, then what it was asked for; says meanwhile that it waits, or does not."""

    def __init__(self, asks: int, *, waits: bool) -> None:
        super().__init__(["1" * toys.BITS], "late")
        self.asks, self.waits = asks, waits

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        if len(self.briefs) < self.asks:
            self.briefs.append(brief)
            return []
        self.waits = False
        return await super().propose(brief, rng)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run")


@pytest.mark.parametrize("schedule", [Schedule(thinkers=1), Schedule(deterministic=True)])
def test_a_run_in_which_only_a_late_answer_is_to_come_goes_on(bench: Bench, schedule: Schedule) -> None:
    outcome = bench.run(toys.task(), [toys.Script([]), Late(5, waits=True)], schedule=schedule, poll=0.01)
    assert bench.sources() == ["0" * toys.BITS, "1" * toys.BITS]
    assert outcome.reason.startswith("exhausted")  # once nobody waits any more


def test_the_time_ends_the_waiting(bench: Bench) -> None:
    late = Late(10**9, waits=True)
    outcome = bench.run(toys.task(), [late], "0.5s", schedule=Schedule(thinkers=1), poll=0.01)
    assert outcome.reason == "the budget of 0.5s is spent" and len(late.briefs) > 2
    assert bench.sources() == ["0" * toys.BITS]


def test_who_does_not_wait_has_nothing_to_offer(bench: Bench) -> None:
    outcome = bench.run(toys.task(), [Late(5, waits=False)], schedule=Schedule(thinkers=1))
    assert outcome.reason.startswith("exhausted") and bench.sources() == ["0" * toys.BITS]


def test_who_waits_and_is_asked_no_more_does_not_hold_the_run(bench: Bench) -> None:
    def silence(store):
        store.append_command("ana", "weight", {"proposer": "late", "weight": 0.0})

    late = Late(5, waits=True)
    outcome = bench.run(toys.task(), [late, toys.Script([])], before=silence, schedule=Schedule(thinkers=1))
    assert outcome.reason.startswith("exhausted") and late.briefs == []


class Owing(toys.Flip):
    """Answers its first ask when it is asked for the second time."""

    waits = True

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        if not self.waits:
            return await super().propose(brief, rng)
        self.waits = False
        self.briefs.append(brief)
        return []


def test_an_ask_that_is_made_again_uses_up_no_hint(bench: Bench) -> None:
    def tell(store):
        store.append_command("ana", "hint", {"text": "once", "asks": 1})

    owing = Owing()
    proposers = [owing, toys.Script(["1" + "0" * 15])]
    bench.run(toys.task(), proposers, "3", before=tell, schedule=Schedule(thinkers=1))
    assert [brief.hints for brief in owing.briefs[:2]] == [(), ("once",)]


class Answered(toys.Flip):
    """Gives its first answer to an ask that it was made before."""

    @property
    def waits(self) -> bool:
        return not self.briefs


def test_an_answer_to_an_earlier_ask_uses_up_no_fork(bench: Bench) -> None:
    bench.run(toys.task(), [toys.Flip()], "1")

    def tell(store):
        store.append_command("ana", "fork", {"program": "#0", "asks": 1})

    bench.run(toys.task(), [Answered()], "4", before=tell, schedule=Schedule(thinkers=1))
    assert forked(bench) == [3]


class Mending(toys.Flip):
    """Has two programs of its own to mend before it builds on what it is shown."""

    @property
    def mends(self) -> bool:
        return len(self.briefs) < 2

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        if not self.mends:
            return await super().propose(brief, rng)
        self.briefs.append(brief)
        return [toys.offer(f"{len(self.briefs):016b}", self.name)]


def forked(bench: Bench) -> list[int]:
    return [t.number for t in bench.trials() if "fork" in t.program.origin.details]


@pytest.mark.parametrize("deterministic", [False, True])
def test_who_mends_uses_up_no_fork_and_no_hint_for_a_line(bench: Bench, deterministic: bool) -> None:
    def tell(event: Event, engine: Engine, store: RunStore) -> None:
        if not isinstance(event, TrialEnded) or event.trial.number:
            return
        store.append_command("ana", "fork", {"program": "#0", "asks": 2})
        for text, lineage in (("for the line", "#0"), ("for all", None)):
            store.append_command("ana", "hint", {"text": text, "lineage": lineage, "asks": 2})

    mending, schedule = Mending(), Schedule(thinkers=1, deterministic=deterministic)
    bench.run(toys.task(), [mending], "5", meanwhile=tell, schedule=schedule)
    assert forked(bench) == [3, 4]
    told = [brief.hints for brief in mending.briefs[:4]]
    assert told == [("for all",)] * 2 + [("for the line",)] * 2
    with RunStore.open(bench.folder, readonly=True) as store:
        assert Reenactment(store, Islands()).run().deviation is None
