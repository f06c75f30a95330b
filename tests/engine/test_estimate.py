"""Estimates: what a budget will buy, from what was measured."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import BudgetEstimated, SearchStarted, TrialEnded
from kernelevo.engine import Budget, Schedule
from kernelevo.engine import estimate as module
from kernelevo.engine.estimate import estimate
from kernelevo.engine.pace import Pace
from kernelevo.executors import WaitingExecutor
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench
from tests.engine.test_steering import order_at


def pace(build: float = 1.0, measure: float = 2.0) -> Pace:
    found = Pace()
    found.note({"build": (10.0, 10.0 + build), "measure": (20.0, 20.0 + measure)})
    return found


def test_what_the_evaluator_itself_took_counts_where_it_is_known() -> None:
    found = pace()
    found.note({"measure": (0.0, 9.0)}, inside=4.0)  # five seconds went into starting a worker
    assert found.mean("measure") == 3.0 and found.mean("build") == 1.0


def told(budget: str, used: Any = (), costs: Any = (), **more: Any) -> Any:
    pools = {"thinkers": 1, "builders": 1, "measurers": 1, **more}
    found = estimate(Budget.parse(budget), dict(used), pace(), dict(costs), **pools)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("budget", "more", "programs", "unit"),
    [
        ("90s", {}, (30, 45), "seconds"),
        ("90s", {"used": {"seconds": 60.0}}, (10, 15), "seconds"),
        ("90s", {"builders": 2, "measurers": 4}, (30, 180), "seconds"),
        ("90s", {"apart": False}, (30, 30), "seconds"),
        ("200", {"used": {"trials": 50.0}}, (150, 150), "trials"),
        ("device:60s", {}, (30, 30), "device_seconds"),
        ("$5", {"costs": {"dollars": 0.1}}, (50, 50), "dollars"),
        ("tokens:10k", {"costs": {"tokens": 2500.0}}, (4, 4), "tokens"),
        ("90s,$1", {"costs": {"dollars": 0.1}}, (10, 10), "dollars"),
        ("90s,200", {}, (30, 45), "seconds"),
        ("90s", {"thinking": 6.0}, (10, 15), "seconds"),
        ("90s", {"thinking": 6.0, "thinkers": 6}, (22, 45), "seconds"),
        ("200", {"thinking": 6.0}, (200, 200), "trials"),
        ("device:60s", {"thinking": 6.0}, (30, 30), "device_seconds"),
    ],
)
def test_programs_and_what_runs_out(budget: str, more: Any, programs: Any, unit: str) -> None:
    found = told(budget, **more)
    assert (found.programs, found.unit) == (programs, unit)
    assert str(Budget.parse(budget)) in found.text


def test_what_cannot_be_known_is_said() -> None:
    assert estimate(Budget.parse("90s"), {}, Pace(), {}, thinkers=1, builders=1, measurers=1) is None
    unpriced = told("$5")
    assert unpriced.programs is None and "cannot be told" in unpriced.text
    assert "how long proposers take is not known yet" in told("90s").text
    known = told("90s", thinking=6.0)
    assert "not known" not in known.text and "a program is thought of in 6 s" in known.text
    assert told("200", thinking=6.0).seconds == (1200.0, 1800.0) and told("200").seconds == (400.0, 600.0)


def test_what_is_left_is_told_as_such() -> None:
    assert told("90s", {"seconds": 30.0}).text.startswith("what is left of 90s buys about 20 to 30 programs")
    assert told("90s", {"dollars": 3.0}).text.startswith("90s buys")


def test_the_time_of_proposers_is_their_median_by_how_often_they_are_asked() -> None:
    found = Pace()
    assert found.thinking is None and found.asks == 0
    for seconds in (1.0, 2.0, 30.0):  # the median is 2
        found.asked("quick", {"span": [100.0, 100.0 + seconds], "began": None})
    found.asked("slow", {"span": [100.0, 110.0], "began": 88.0})  # nobody else had anything: 22 s in all
    assert (found.asks, found.thinking) == (4, (3 * 2.0 + 22.0) / 4)
    for _ in range(4):
        found.asked("slow", {"span": None, "began": 0.0})  # answers that waited
    assert (found.asks, found.thinking) == (4, (3 * 2.0 + 22.0) / 8)


@given(st.floats(0, 100), st.floats(0.01, 100), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_a_range_is_one(build: float, measure: float, builders: int, measurers: int, apart: bool) -> None:
    found = estimate(
        Budget.parse("1h,100"),
        {},
        pace(build, measure),
        {},
        thinkers=1,
        builders=builders,
        measurers=measurers,
        apart=apart,
        thinking=build,
    )
    assert found is not None and found.programs is not None and found.seconds is not None
    assert 0 <= found.programs[0] <= found.programs[1] <= 100
    assert 0 <= found.seconds[0] <= found.seconds[1] <= 3600


def test_it_is_told_before_the_search_and_is_about_right(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "run")
    task = toys.task("staged", build=0.02, seconds=0.05)
    bench.run(task, [toys.Flip()], "1s,1000", schedule=Schedule(thinkers=2))
    event, again = bench.of(BudgetEstimated)
    order = [type(e) for e in bench.events]
    assert order.index(SearchStarted) < order.index(BudgetEstimated)
    assert event.unit == "seconds" and event.programs is not None
    judged = len([t for t in bench.trials()[1:] if t.reused is None])
    assert 0.3 * event.programs[0] <= judged <= 2 * event.programs[1]
    assert "not known yet" in event.text and "not known" not in again.text
    thought = re.search(r"is thought of in (\S+) s", again.text)
    assert thought is None or float(thought[1]) < 0.05  # in no time, or in little where others compute
    bench.run(task, [toys.Flip()], "1s,1000")
    with RunStore.open(bench.folder, readonly=True) as reader:
        rows = reader.events(kind="estimate")
    assert next(row.data["text"] for row in rows) == event.text


def test_without_seeds_it_is_told_after_the_first_verdict(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "run")
    bench.run(toys.task(seeds=[], seconds=0.01), [toys.Flip(dollars=0.5)], "$2")
    kinds = [type(e) for e in bench.events]
    assert kinds.index(BudgetEstimated) > kinds.index(TrialEnded)
    assert bench.of(BudgetEstimated)[0].programs is None  # nobody said what an ask costs


def test_it_goes_by_how_many_people_ordered_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int, int]] = []

    def look(*args: Any, **sizes: Any) -> Any:
        seen.append((sizes["thinkers"], sizes["builders"], sizes["measurers"]))
        return estimate(*args, **sizes)

    monkeypatch.setattr(module, "estimate", look)
    bench, more = Bench(tmp_path / "run"), {"schedule": Schedule(thinkers=1), "executor": WaitingExecutor()}
    orders = order_at(2, ("thinkers", {"thinkers": 4}), ("workers", {"workers": 3}))
    bench.run(toys.task(), [toys.Flip()], "4,1h", meanwhile=orders, **more)
    assert set(seen) == {(1, 1, 1)}
    seen.clear()
    bench.run(toys.task(), [toys.Flip()], "6,1h", **more)
    assert set(seen) == {(4, 3, 3)}


@pytest.mark.slow
def test_it_is_told_again_when_each_proposer_had_its_turn(tmp_path: Path) -> None:
    """From then on their time is in it; a resumed run knows it at once."""
    bench = Bench(tmp_path / "run")
    task = toys.task("staged", seconds=0.01)
    slow = [toys.Flip("one", seconds=0.2), toys.Flip("two", seconds=0.2)]
    bench.run(task, slow, "5,1h", schedule=Schedule(thinkers=1))
    before, after = bench.of(BudgetEstimated)
    order = [type(e) for e in bench.events]
    assert order[: order.index(SearchStarted)].count(TrialEnded) == 1
    second = len(order) - 1 - order[::-1].index(BudgetEstimated)
    assert order[:second].count(TrialEnded) == 3  # the task's own, and one of each
    assert before.programs == (5, 5) and before.seconds[1] < 0.5 and "not known yet" in before.text
    assert after.text.startswith("what is left of 5,3600s buys about 3 programs")
    assert after.seconds[0] >= 3 * 0.2 and "a program is thought of in 0.2" in after.text
    bench.events.clear()
    bench.run(task, slow, "8,1h", schedule=Schedule(thinkers=1))
    (at_once,) = bench.of(BudgetEstimated)
    assert at_once.text.startswith("what is left of 8,3600s buys about 3 programs")
    assert at_once.seconds[0] >= 3 * 0.2
