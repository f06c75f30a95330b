"""Replies without a program: a trial that fails with the reason, which no evaluator ever sees."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from kernelevo.core import Brief, Event, Origin, Program, Proposal, Status, TrialEnded
from kernelevo.engine import Engine, Reenactment, Schedule
from kernelevo.population import Islands
from kernelevo.store import Draft, RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench

WHY = "the reply held no code block; answer with the whole file in one fenced cpp block"
# a text of ones: an evaluator of any text would make it the best
STAND_IN = "1" * toys.BITS


def refused(name: str = "mute", text: str = STAND_IN) -> Proposal:
    return Proposal(Program.single(text, origin=Origin(name, "Sorry.", {"refused": WHY})), {"calls": 1.0})


class Mute:
    """Answers every other ask with a refusal, and counts up in between."""

    name = "mute"

    def __init__(self, texts: Sequence[str] = (STAND_IN,)) -> None:
        self.texts, self.asked = texts, 0

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        self.asked += 1
        if self.asked % 2:
            return [refused(text=self.texts[self.asked // 2 % len(self.texts)])]
        return [toys.offer(f"{self.asked:0{toys.BITS}b}", self.name)]


@pytest.mark.parametrize("kind", ["ones", "staged"])
def test_no_evaluator_sees_what_stands_for_a_reply_without_a_program(tmp_path: Path, kind: str) -> None:
    bench, log = Bench(tmp_path / "run"), tmp_path / "log"
    outcome = bench.run(toys.task(kind, log=str(log)), [Mute()], "6")
    trials = bench.trials()
    assert [t.number for t in trials] == list(range(7)) and outcome.used["trials"] == 6
    failed = [t for t in trials if t.program.origin.refusal]
    assert len(failed) == 3 and STAND_IN not in log.read_text()
    for trial in failed:
        assert trial.evaluation is not None and trial.evaluation.status is Status.BUILD_FAILED
        assert trial.evaluation.feedback == WHY and trial.cost == {"calls": 1.0}
    assert [t.reused for t in failed] == [None, failed[0].number, failed[0].number]
    assert outcome.best is not None and not outcome.best.program.origin.refusal


@pytest.mark.parametrize("schedule", [Schedule(thinkers=2), Schedule(deterministic=True, window=3)])
def test_a_run_with_refusals_is_replayed_exactly(tmp_path: Path, schedule: Schedule) -> None:
    bench = Bench(tmp_path / "run")
    texts = ["a", "b", "c", "b"]

    def stop(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, TrialEnded) and event.trial.number == 7:
            engine.abort()

    for meanwhile in (stop, None):
        bench.run(toys.task(), [Mute(texts), toys.Flip()], "20", meanwhile=meanwhile, schedule=schedule)
    assert len(bench.trials()) == 21
    with RunStore.open(bench.folder, readonly=True) as store:
        assert Reenactment(store, Islands()).run().deviation is None


def test_machine_faults_in_a_row_are_counted_across_refusals(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "run")

    class Breaking(Mute):  # the evaluator breaks at every other program
        async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
            (made,) = await super().propose(brief, rng)
            return [made] if made.program.origin.refusal else [toys.offer("raise", self.name)]

    one_by_one = Schedule(deterministic=True, window=1)
    outcome = bench.run(toys.task(), [Breaking([f"{n}" for n in range(30)])], "30", schedule=one_by_one)
    assert "5 times in a row" in outcome.reason


@pytest.mark.parametrize("deterministic", [False, True])
def test_a_kill_before_the_refusal_was_recorded_is_made_good(tmp_path: Path, deterministic: bool) -> None:
    """Its draft is taken up with the rest of the record, behind the order that was obeyed before it."""
    bench, log = Bench(tmp_path / "run"), tmp_path / "log"
    schedule = Schedule(deterministic=True, window=3) if deterministic else Schedule()
    task = toys.task(log=str(log))
    bench.run(task, [toys.Flip()], "4", schedule=schedule)
    with RunStore.open(bench.folder) as store:
        record = store.records_of("decision")[4]
        best = max(store.trials(), key=lambda t: t.score or 0.0)
        store.append_event("ban", {"program": best.program.id, "told": 5})
        proposal = Proposal(refused("flip").program, {"calls": 1.0}, {"decision": record})
        store.add_drafts([Draft(5, 0, proposal, "flip", 5, island=0, seen=5)])
    told: list[str] = []

    class Watching(Islands):
        def ban(self, program_id: str) -> None:
            told.append("ban")
            super().ban(program_id)

        def tell(self, trial):  # type: ignore[no-untyped-def]
            told.append(f"tell {trial.number}")
            return super().tell(trial)

    bench.run(task, [toys.Flip()], "8", schedule=schedule, islands=Watching())
    trials = bench.trials()
    assert [t.number for t in trials] == list(range(9))
    assert trials[5].evaluation is not None and trials[5].evaluation.feedback == WHY
    assert STAND_IN not in log.read_text()
    assert told.index("ban") < told.index("tell 5")
    assert [t.number for t in trials if t.program.origin.refusal] == [5]
