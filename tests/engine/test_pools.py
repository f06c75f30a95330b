"""Generation and evaluation in their own pools, with real processes."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from kernelevo.core import Brief, Event, Proposal, TrialEnded
from kernelevo.engine import Engine, Reenactment, Schedule
from kernelevo.executors import GenerationHost, ProcessExecutor
from kernelevo.population import Islands
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench
from tests.few import few


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run")


@pytest.mark.slow
def test_neither_pool_waits_for_the_other(bench: Bench) -> None:
    """Thinking 0.25 s and judging 0.25 s, two of each: coupled they give 4 trials a second, decoupled 8."""
    executor = ProcessExecutor(cpu=2, build=1, devices=())
    try:
        outcome = bench.run(
            toys.task(seconds=0.25),
            [toys.Flip(seconds=0.25)],
            "24",
            executor=executor,
            schedule=Schedule(thinkers=2, builders=2, measurers=2),
        )
    finally:
        executor.close()
    assert outcome.used["trials"] == 24
    assert 24 / outcome.used["seconds"] > 6.0


def test_builds_overlap_measurements(bench: Bench) -> None:
    """Build 0.2 s and measurement 0.2 s in two workers: 5 trials a second instead of 2.5."""
    executor = ProcessExecutor(cpu=0, build=1, devices=("device:0",))
    try:
        outcome = bench.run(
            toys.task("staged", seconds=0.2, build=0.2), [toys.Lists()], "15", executor=executor
        )
    finally:
        executor.close()
    assert 15 / outcome.used["seconds"] > 3.6
    assert outcome.final is not None


@pytest.mark.slow
def test_the_engine_rests_while_the_last_evaluations_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks all the time takes a core from what is still being measured."""
    looks: list[float] = []
    obey = Engine._obey

    def counted(engine: Engine) -> None:
        looks.append(time.monotonic())
        obey(engine)

    monkeypatch.setattr(Engine, "_obey", counted)
    executor = ProcessExecutor(cpu=1, build=1, devices=())
    try:
        bench.run(toys.task(seconds=1.0), [toys.Counting()], "0.3s", executor=executor)
    finally:
        executor.close()
    assert len(bench.trials()) >= 2  # the seed, and one that was under way when the budget ended
    assert len(looks) < 60  # five a second, and one for each event


def test_asks_are_held_back_while_evaluation_is_slow(bench: Bench) -> None:
    flip = toys.Flip()
    ahead: list[int] = []

    def look(event: object, engine: object, store: object) -> None:
        ahead.append(len(flip.briefs) - store.count())  # type: ignore[attr-defined]

    executor = ProcessExecutor(cpu=1, build=1, devices=())
    try:
        bench.run(
            toys.task(seconds=0.05),
            [flip],
            "20",
            executor=executor,
            meanwhile=look,
            schedule=Schedule(thinkers=3),
        )
    finally:
        executor.close()
    assert max(ahead) <= 3 + 1 + 1 + 1 + 1  # thinking, queue, building, shelf, measuring


def test_many_thinkers_never_ask_for_more_than_the_budget(bench: Bench) -> None:
    counting = toys.Counting()
    asked: list[int] = []

    class Slow:
        name = "counting"

        async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
            asked.append(brief.number)
            await asyncio.sleep(rng.uniform(0.0, 0.02))
            return await counting.propose(brief, rng)

    schedule = Schedule(thinkers=8, builders=4, measurers=4)
    outcome = bench.run(toys.task(), [Slow()], "20", schedule=schedule)
    assert sorted(asked) == list(range(1, 21)) and outcome.used["trials"] == 20


class Serial:
    """Answers one ask after the other, and notes how many wait at a time."""

    name = "serial"
    serial = True

    def __init__(self, seconds: float) -> None:
        self.seconds, self.waiting, self.most = seconds, 0, 0
        self.inner, self.turn = toys.Counting(), asyncio.Lock()

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        async with self.turn:
            await asyncio.sleep(self.seconds)
        self.waiting -= 1
        return [toys.offer(p.program.source, self.name) for p in await self.inner.propose(brief, rng)]


def test_others_are_asked_while_a_serial_proposer_thinks(bench: Bench) -> None:
    serial = Serial(seconds=0.02)
    bench.run(toys.task(), [serial, toys.Flip()], "40", schedule=Schedule(thinkers=3))
    proposers = [t.program.origin.proposer for t in bench.trials()]
    assert serial.most == 1
    assert proposers.count("flip") > 25 and proposers.count("serial") >= 2
    with RunStore.open(bench.folder, readonly=True) as store:
        asked = [decision["asked"] for decision in store.records_of("decision").values()]
        replayed = Reenactment(store, Islands(1)).run()
    assert any("busy" in (came for _, _, came in each) for each in asked)
    assert replayed.deviation is None, replayed.deviation


def test_a_serial_proposer_is_waited_for_where_nobody_else_has_anything(bench: Bench) -> None:
    serial, script = Serial(seconds=0.01), toys.Script([])
    outcome = bench.run(toys.task(), [serial, script], "12", schedule=Schedule(thinkers=2))
    assert outcome.used["trials"] == 12 and "budget" in outcome.reason
    assert serial.most == 2


@pytest.mark.parametrize(("apart", "most"), [(True, 2), (False, 1)])
def test_where_one_worker_does_both_one_program_waits_and_no_more(
    bench: Bench, apart: bool, most: int
) -> None:
    ahead: list[int] = []

    class Quick:
        name = "counting"
        asked = 0

        async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
            self.asked += 1
            return await toys.Counting().propose(brief, rng)

    quick = Quick()

    def look(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, TrialEnded):
            ahead.append(quick.asked - event.trial.number)  # trial 0 is the seed

    executor = ProcessExecutor(cpu=0, build=0)
    try:
        schedule = Schedule(thinkers=1, apart=apart)
        task = toys.task("staged", seconds=0.03)
        bench.run(task, [quick], "12", executor=executor, meanwhile=look, schedule=schedule)
    finally:
        executor.close()
    assert len(bench.trials()) == 13
    assert max(ahead[:-most]) == most


def test_an_artifact_whose_folder_is_lost_is_built_again(tmp_path: Path) -> None:
    """Its worker died, or it lies on another machine."""
    from kernelevo.core import Artifact, Program
    from kernelevo.engine import evaluation

    program = Program.single("1" * 16)
    lost = Artifact(program, folder=tmp_path / "gone", facts={"pid": 0})
    measured = evaluation.measure("tests.engine.toys:load", toys.task("staged"), lost, None)
    assert measured.evaluation.score == 16.0
    unbuildable = Artifact(Program.single("unbuildable"), folder=tmp_path / "gone")
    measured = evaluation.measure("tests.engine.toys:load", toys.task("staged"), unbuildable, None)
    assert measured.evaluation.status == "build_failed"


@pytest.mark.parametrize("kind", few(["staged", "ones"], 1))
def test_programs_that_kill_their_worker_are_faults_and_the_run_goes_on(bench: Bench, kind: str) -> None:
    executor = ProcessExecutor(cpu=1, build=1, devices=("device:0",))
    try:
        outcome = bench.run(toys.task(kind), [toys.Script(["die", "1" * 16])], executor=executor)
    finally:
        executor.close()
    _, dead, alive = bench.trials()
    assert dead.fault is not None and dead.fault.kind == "WorkerDied" and "exit code 5" in dead.fault.message
    assert dead.fault.attempts == 3
    assert alive.score == 16.0
    assert outcome.best is not None and outcome.best.number == 2


def test_evaluators_are_closed_with_their_worker(bench: Bench, tmp_path: Path) -> None:
    executor = ProcessExecutor(cpu=0, build=0)
    bench.run(toys.task("staged", closed=str(tmp_path / "note")), [toys.Flip()], "2", executor=executor)
    assert not (tmp_path / "note").exists()
    executor.close()
    assert (tmp_path / "note").read_text() == "closed"


def test_a_hosted_proposer_takes_part_and_observes(bench: Bench) -> None:
    host = GenerationHost()
    try:
        hosted = host.proposer("flip", "tests.engine.toys:Flip")
        local = toys.Lists()
        bench.run(toys.task(), [hosted, local], "20")
    finally:
        host.close()
    names = {t.program.origin.proposer for t in bench.trials()}
    assert names == {"seed", "flip", "lists"}


def test_a_hosted_proposer_that_dies_is_asked_again(bench: Bench, tmp_path: Path) -> None:
    host = GenerationHost()
    try:
        hosted = host.proposer("mortal", "tests.engine.test_pools:Mortal", {"note": str(tmp_path / "note")})
        bench.run(toys.task(), [hosted], "2", schedule=Schedule(thinkers=1))
    finally:
        host.close()
    assert [t.program.source for t in bench.trials()][1:] == ["1", "11"]
    assert (tmp_path / "note").read_text() == "xxx"  # one death, two answers


class Mortal:
    """Dies at its first ask; then two programs."""

    name = "mortal"

    def __init__(self, note: str) -> None:
        self.note = Path(note)

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        import os

        self.note.write_text((self.note.read_text() if self.note.exists() else "") + "x")
        if len(self.note.read_text()) == 1:
            os._exit(9)
        return [toys.offer("1" * brief.number, "mortal")]


@pytest.mark.slow
def test_the_engine_is_quick_and_stays_quick(bench: Bench) -> None:
    """Nothing to wait for: what remains is the engine's own cost (peers: 20 to 120 trials a second)."""
    bench.run(toys.task(), [toys.Counting()], "600")
    trials = bench.trials()
    ends = [t.ended for t in trials]
    first, last = 100 / (ends[150] - ends[50]), 100 / (ends[590] - ends[490])
    assert last > 40 and last > 0.4 * first


def test_engine_and_executors_never_import_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys, time; began = time.perf_counter();"
        "import kernelevo.engine, kernelevo.executors, kernelevo.store;"
        "heavy = [m for m in ('torch', 'triton', 'pydantic') if m in sys.modules];"
        "print(heavy, time.perf_counter() - began)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] ") and float(done.stdout.split()[-1]) < 2.0


def test_time_out_of_a_budget_leaves_nothing_running(bench: Bench) -> None:
    executor = ProcessExecutor(cpu=1, build=1, devices=())
    began = time.monotonic()
    try:
        outcome = bench.run(
            toys.task(), [toys.Flip(seconds=0.05), toys.Flip("slow", seconds=30.0)], "1s", executor=executor
        )
    finally:
        executor.close()
    assert outcome.reason == "the budget of 1s is spent"
    assert time.monotonic() - began < 8
    assert outcome.used["seconds"] < 1.5


@pytest.mark.slow
def test_a_stop_during_the_final_timing_leaves_it(bench: Bench) -> None:
    def stop(event: object, engine: Engine, store: object) -> None:
        if isinstance(event, TrialEnded):  # the last one: the budget is one trial
            asyncio.get_running_loop().call_later(1.5, engine.request_stop)

    executor = ProcessExecutor(cpu=0, build=0)
    began = time.monotonic()
    try:
        outcome = bench.run(
            toys.task("staged", seeds=[], final=30.0), [toys.Flip()], "1", executor=executor, meanwhile=stop
        )
    finally:
        executor.close()
    assert time.monotonic() - began < 15
    assert outcome.best is not None and outcome.final is None
    with RunStore.open(bench.folder, readonly=True) as reader:
        assert reader.state == "stopped" and reader.events(kind="final") == []


def test_a_staged_evaluator_is_warmed_up(bench: Bench, tmp_path: Path) -> None:
    bench.run(toys.task("staged", warmed=str(tmp_path / "note")), [toys.Flip()], "1")
    assert (tmp_path / "note").read_text() == "warm"
