"""Preparation: seeds first, then what the evaluator makes ready; neither is counted as search."""

import time
from pathlib import Path

import pytest

from kernelevo.core import Notice, SearchStarted, TrialEnded, TrialStarted
from kernelevo.engine import Engine
from kernelevo.executors import ProcessExecutor
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run")


def test_the_search_waits_for_the_evaluator_and_the_seed_does_not(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    bench.run(toys.task("settling", log=str(log)), [toys.Script(["1" * 16])], "5")
    assert log.read_text().split("\n") == ["0" * 16, "part 1", "part 2", "part 3", "1" * 16, ""]
    kinds = [type(e) for e in bench.events if isinstance(e, (TrialStarted, TrialEnded, SearchStarted))]
    assert kinds[:3] == [TrialStarted, TrialEnded, SearchStarted]
    assert [e.text for e in bench.of(Notice)] == ["part 1", "part 2", "part 3"]
    with RunStore.open(bench.folder, readonly=True) as reader:
        assert [e.data["seconds"] > 0 for e in reader.events(kind="prepared")] == [True]


def test_preparation_is_not_counted_as_search(bench: Bench) -> None:
    began = time.monotonic()
    outcome = bench.run(toys.task("settling", settling=0.4), [toys.Flip(seconds=0.02)], "0.6s")
    assert outcome.used["seconds"] < 1.0
    assert time.monotonic() - began > 1.8
    (started,) = bench.of(SearchStarted)
    assert 1.2 <= started.preparation < 10


def test_a_resumed_run_settles_again_before_it_asks(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    task = toys.task("settling", log=str(log))
    bench.run(task, [toys.Counting()], "1")
    log.write_text("")
    bench.run(task, [toys.Counting()], "2")
    lines = log.read_text().split()
    assert lines[:2] == ["part", "4"]  # the inline worker keeps its evaluator: it is settled already
    assert len(bench.of(SearchStarted)) == 2
    with RunStore.open(bench.folder, readonly=True) as reader:
        assert len(reader.events(kind="prepared")) == 2


def test_a_stop_does_not_wait_for_it(bench: Bench) -> None:
    def stop(event: object, engine: Engine, store: object) -> None:
        if isinstance(event, TrialEnded):
            engine.request_stop()

    executor = ProcessExecutor(cpu=0, build=0)
    began = time.monotonic()
    try:
        outcome = bench.run(
            toys.task("settling", settling=30.0), [toys.Flip()], "5", executor=executor, meanwhile=stop
        )
    finally:
        executor.close()
    assert time.monotonic() - began < 15
    assert outcome.reason == "stopped" and not bench.of(SearchStarted)


def test_a_machine_that_cannot_settle_searches_all_the_same(bench: Bench) -> None:
    outcome = bench.run(toys.task("settling", unsettled=True), [toys.Script(["1" * 16])], "5")
    assert "no baseline comes up here" in bench.of(Notice)[0].text
    assert outcome.best is not None and outcome.best.program.source == "1" * 16


def test_evaluators_without_it_start_at_once(bench: Bench) -> None:
    bench.run(toys.task("ones"), [toys.Script(["1" * 16])], "5")
    (started,) = bench.of(SearchStarted)
    assert started.preparation < 5
