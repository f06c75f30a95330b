"""Resume: a run that was killed at any instant goes on as if nothing had happened."""

import json
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from kernelevo.core import Event, Trial, TrialEnded
from kernelevo.engine import Engine, Schedule
from kernelevo.population import Islands
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench
from tests.few import few

STRICT = Schedule(deterministic=True, window=8)

RUN = """
    import sys; sys.path[:] = {path!r}
    import asyncio
    from pathlib import Path
    from kernelevo.engine import Budget, Engine, Schedule
    from kernelevo.executors import InlineExecutor
    from kernelevo.population import Islands
    from kernelevo.store import RunStore
    from tests.engine import toys

    folder = Path({folder!r})
    fresh = not (folder / "run.db").exists()
    task = toys.task("staged", log={log!r}, seconds=0.01)
    store = RunStore.create(folder, task, {{}}) if fresh else RunStore.open(folder)
    proposers = [toys.Flip(), toys.Lists(), toys.Same(), toys.Moody(), toys.Counts()]
    engine = Engine(
        store, proposers, InlineExecutor(), Budget.parse("{trials}"), loader="tests.engine.toys:load", seed=5,
        schedule=Schedule({schedule}), backoff=0.0,
        islands=Islands(2, elites=3, policy=toys.LIVELY),
    )
    asyncio.run(engine.run())
"""


def script(folder: Path, log: Path, schedule: str, trials: int) -> str:
    text = textwrap.dedent(RUN)
    return text.format(path=sys.path, folder=str(folder), log=str(log), schedule=schedule, trials=trials)


def lineage(trials: list[Trial]) -> list[Any]:
    """All that a run decides; times apart."""
    data = [trial.to_json() for trial in trials]
    for entry in data:
        del entry["started"], entry["ended"], entry["cost"]
    return data


def killed_at_random(tmp_path: Path, schedule: str, trials: int, kills: int) -> tuple[list[Trial], list[str]]:
    """Run to the end through several kill -9; return the trials and all that was judged."""
    rng = random.Random(trials)
    folder, log = tmp_path / "killed", tmp_path / "log"
    code = script(folder, log, schedule, trials)
    progress = 0
    for _ in range(kills):
        process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
        wanted = progress + rng.randrange(1, trials // kills - 3)
        while process.poll() is None and recorded(folder) < wanted:
            time.sleep(0.005)
        time.sleep(rng.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL  # it was still at work
        before, progress = progress, recorded(folder)
        assert progress >= before
        with RunStore.open(folder, readonly=True) as reader:
            assert len(reader.trials()) == progress  # no half row
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with RunStore.open(folder, readonly=True) as reader:
        assert reader.state == "done"
        return reader.trials(), log.read_text().split("\n")[:-1]


def recorded(folder: Path) -> int:
    if not (folder / "run.db").exists():
        return 0
    try:
        with RunStore.open(folder, readonly=True) as reader:
            return reader.count()
    except Exception:  # its creation is not finished
        return 0


def test_kill_9_and_resume_lose_and_repeat_nothing(tmp_path: Path) -> None:
    trials, judged = killed_at_random(tmp_path, "thinkers=3", 60, kills=5)
    assert [t.number for t in trials] == list(range(61))
    for trial in trials:
        assert trial.score == trial.program.source.count("1")
        assert trial.reused is None or trial.program == trials[trial.reused].program
    again = len(judged) - len(set(judged))
    rough = sum(t.evaluation is not None and t.evaluation.fidelity == "rough" for t in trials)
    assert again <= 5 + rough  # at most the one verdict in flight at each kill was made twice


@pytest.mark.slow
def test_a_deterministic_run_survives_kill_9_without_a_trace(tmp_path: Path) -> None:
    trials, _ = killed_at_random(tmp_path, "deterministic=True, window=8", 60, kills=5)
    straight = tmp_path / "straight"
    code = script(straight, tmp_path / "log2", "deterministic=True, window=8", 60)
    subprocess.run([sys.executable, "-c", code], check=True)
    with RunStore.open(straight, readonly=True) as reader:
        assert json.dumps(lineage(trials)) == json.dumps(lineage(reader.trials()))
    assert len({t.program.origin.proposer for t in trials}) == 6  # all five proposers and the seed took part


def run(
    folder: Path, trials: int, *, schedule: Schedule = STRICT, stop_at: int | None = None, **more: Any
) -> Bench:
    bench = Bench(folder)

    def stop(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, TrialEnded) and event.trial.number == stop_at:
            engine.abort()

    bench.run(
        toys.task("staged"),
        [toys.Flip(), toys.Lists(), toys.Same(), toys.Moody()],
        str(trials),
        meanwhile=stop,
        seed=5,
        schedule=schedule,
        islands=Islands(2, elites=3, policy=toys.LIVELY),
        **more,
    )
    return bench


@pytest.mark.parametrize("window", few([2, 9], 1))
def test_aborted_anywhere_a_deterministic_run_ends_the_same(tmp_path: Path, window: int) -> None:
    schedule = Schedule(deterministic=True, window=window)
    whole = lineage(run(tmp_path / "whole", 40, schedule=schedule).trials())
    for stop in (0, 1, 7, 20, 38):
        folder = tmp_path / f"stopped-{stop}"
        assert len(run(folder, 40, schedule=schedule, stop_at=stop).trials()) <= stop + 4
        assert lineage(run(folder, 40, schedule=schedule).trials()) == whole


@pytest.mark.parametrize("window", few([2, 1, 5], 1))
def test_the_number_of_workers_does_not_change_a_deterministic_run(tmp_path: Path, window: int) -> None:
    from kernelevo.executors import ProcessExecutor

    one = run(tmp_path / "one", 25, schedule=Schedule(deterministic=True, window=window))
    executor = ProcessExecutor(build=3, devices=("device:0",))
    try:
        many = run(
            tmp_path / "many", 25, executor=executor,
            schedule=Schedule(deterministic=True, window=window, builders=3),
        )  # fmt: skip
    finally:
        executor.close()
    assert lineage(one.trials()) == lineage(many.trials())
    for trial in one.trials()[
        1:
    ]:  # exactly: the seed and all up to number - window, or more if nobody had any
        assert trial.seen >= max(1, trial.number - window + 1)
    assert any(trial.seen == trial.number - window + 1 for trial in one.trials()[8:])


def test_drafts_that_were_paid_for_are_judged_and_not_asked_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "run")
    flip = toys.Flip(dollars=1.0)

    def stop(event: Event, engine: Engine, store: RunStore) -> None:
        if isinstance(event, TrialEnded) and event.trial.number == 3:
            engine.abort()

    bench.run(toys.task(), [flip], "10", meanwhile=stop, schedule=Schedule(thinkers=4))
    asked = len(flip.briefs)
    with RunStore.open(bench.folder, readonly=True) as reader:
        waiting = reader.drafts()
        assert len(waiting) + reader.count() - 1 == asked > reader.count() - 1
        assert all(reader.records(d.number or 0) for d in waiting)
    outcome = bench.run(toys.task(), [flip], "10", schedule=Schedule(thinkers=4))
    assert outcome.used["dollars"] == len(flip.briefs) == 10
    assert [t.number for t in bench.trials()] == list(range(11))
    by_number = {t.number: t.program for t in bench.trials()}
    assert all(by_number[d.number or 0] == d.proposal.program for d in waiting)


def test_a_run_that_is_over_stays_over(tmp_path: Path) -> None:
    bench = run(tmp_path / "run", 10)
    before = lineage(bench.trials())
    again = run(tmp_path / "run", 10)
    assert lineage(again.trials()) == before
    assert again.of(TrialEnded) == []


def test_draws_are_recorded_with_the_trials_and_everything_happens(tmp_path: Path) -> None:
    trials = run(tmp_path / "run", 60).trials()
    draws = [t.program.origin.details["draw"] for t in trials[1:]]
    assert {d["phase"] for d in draws} == {"cold start", "evolve", "fresh"}
    evolved = [d for d in draws if d["phase"] == "evolve" and "temperature" in d]
    assert all(d["effective_parents"] >= 1 and 0 <= d["diversity"] <= 1 for d in evolved)
    assert len({d["temperature"] for d in evolved}) > 3
    assert {
        t.island for t in trials if t.program.origin.details.get("draw", {}).get("phase") != "cold start"
    } == {0, 1}


def test_the_population_knows_whose_programs_are_common() -> None:
    from kernelevo.engine.generation import PERSON
    from kernelevo.engine.replay import SEED
    from kernelevo.population import COMMON

    assert set(COMMON) == {SEED, PERSON}


def test_the_direction_of_a_cold_start_reaches_the_brief(tmp_path: Path) -> None:
    bench, flip = Bench(tmp_path / "run"), toys.Flip()
    bench.run(toys.task(), [flip], "16", islands=Islands(2, policy=toys.LIVELY, directions=["a", "b"]))
    assert [b.direction for b in flip.briefs[:3]] == ["a", "b", "a"]
    assert flip.briefs[-1].direction == ""
