"""Grants: time on the device is set aside for a trial when it is asked for, and given back at its end."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Event, Notice
from kernelevo.engine import Budget, Engine, Outcome, Schedule, evaluation, used_so_far
from kernelevo.engine.budget import Meter
from kernelevo.engine.grants import DEVICE, Grants
from kernelevo.engine.pace import Pace
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench

BUSY = Schedule(thinkers=4, builders=3, measurers=1)


class Clock:
    """Stands in for the module ``time`` where verdicts are made: sleeping takes no time and is counted."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(evaluation, "time", made)
    monkeypatch.setattr(toys, "time", made)
    return made


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run")


class Watched:
    """A run whose engine is looked at after every event."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.engine, self.most = bench, None, 0.0

    def __call__(self, *args: Any, **options: Any) -> Outcome:
        return self.bench.run(*args, meanwhile=self.look, **options)

    def look(self, event: Event, engine: Engine, store: RunStore) -> None:
        self.engine = engine
        assert engine.meter.reserved(DEVICE) >= 0.0
        self.most = max(self.most, engine.meter.reserved(DEVICE))

    def left_behind(self) -> dict[str, float]:
        assert self.engine is not None
        return {unit: self.engine.meter.reserved(unit) for unit in ("trials", DEVICE)}


def durations(bench: Bench) -> list[float]:
    return [t.cost[DEVICE] for t in bench.trials() if DEVICE in t.cost]


@pytest.mark.parametrize("kind", ["ones", "staged"])
def test_a_budget_of_device_seconds_is_used_up_and_not_passed(bench: Bench, kind: str) -> None:
    run = Watched(bench)
    outcome = run(toys.task(kind, seconds=1.0), [toys.Counting()], "device:10s", schedule=BUSY)
    assert outcome.used[DEVICE] == pytest.approx(10.0) and outcome.used["trials"] == 10
    assert len(bench.trials()) == 11 and outcome.reason == "the budget of device:10s is spent"
    assert run.most >= 3.0  # several were asked for before the first of them was measured
    assert run.left_behind() == {"trials": 0.0, DEVICE: 0.0}


def test_trials_that_take_longer_and_longer_pass_it_by_one_error(bench: Bench) -> None:
    """The others stay out, are kept, and are judged when the run gets more."""
    task = toys.task("staged", seconds=1.0, uneven=0.5)
    texts = ["1" * n + "0" * (16 - n) for n in range(1, 12)]
    outcome = Watched(bench)(task, [toys.Script([texts])], "device:14s", schedule=BUSY)
    took = durations(bench)
    assert took[1:] == sorted(took[1:]) and outcome.reason.startswith("the budget of device:14s is spent: ")
    assert outcome.used[DEVICE] - 14.0 <= took[-1] - median(took[:-1])
    assert 14.0 - outcome.used[DEVICE] < median(took)  # as much as fits was measured
    judged = bench.sources()
    with RunStore.open(bench.folder, readonly=True) as reader:
        kept = [draft.proposal.program.source for draft in reader.drafts()]
        assert used_so_far(reader)[DEVICE] == pytest.approx(outcome.used[DEVICE])
    assert sorted([*judged[1:], *kept]) == sorted(texts)
    again = Watched(bench)
    more = again(task, [toys.Script([])], "device:500s", schedule=BUSY)
    assert sorted(bench.sources()[1:]) == sorted(texts) and more.reason.startswith("exhausted")
    assert more.used[DEVICE] == pytest.approx(sum(durations(bench)[1:]))
    assert again.left_behind() == {"trials": 0.0, DEVICE: 0.0}


def test_a_budget_below_one_verdict_buys_none_and_says_why(bench: Bench) -> None:
    outcome = bench.run(toys.task("staged", seconds=3.0), [toys.Counting()], "device:2s", schedule=BUSY)
    assert outcome.used == {} or outcome.used.get("trials", 0) == 0
    assert outcome.reason == "the budget of device:2s is spent: 2 s are left, a verdict takes 3 s"
    assert len(bench.trials()) == 1  # the task's own program, which no budget counts


def test_without_a_first_cost_trials_are_measured_one_by_one_until_there_is_one(bench: Bench) -> None:
    run = Watched(bench)
    task = toys.task("staged", seeds=[], seconds=4.0)
    texts = [["unbuildable", *("1" * n + "0" * (16 - n) for n in range(1, 6))]]
    outcome = run(task, [toys.Script(texts)], "device:10s", schedule=BUSY)
    assert run.most == 10.0  # all of it for the first
    assert outcome.used[DEVICE] == pytest.approx(8.0) and outcome.used["trials"] == 3


def test_what_breaks_gives_everything_back(bench: Bench) -> None:
    run = Watched(bench)
    texts = ["raise" if n % 4 == 0 else "1" * n + "0" * (16 - n) for n in range(1, 12)]
    outcome = run(toys.task("staged", seconds=1.0), [toys.Script(texts)], "device:100s", schedule=BUSY)
    assert [t.fault is not None for t in bench.trials()].count(True) == 2
    assert outcome.reason.startswith("exhausted")
    assert run.left_behind() == {"trials": 0.0, DEVICE: 0.0}


def test_asks_without_an_answer_and_known_programs_take_none_of_it(bench: Bench) -> None:
    run = Watched(bench)
    task = toys.task("staged", seconds=1.0)
    outcome = run(task, [toys.Same(), toys.Moody()], "12,device:100s", schedule=BUSY)
    assert outcome.used["trials"] == 12 and outcome.used[DEVICE] < 12.0
    assert run.left_behind() == {"trials": 0.0, DEVICE: 0.0}


def test_a_person_may_raise_it_while_something_waits(bench: Bench) -> None:
    """A run that was told more in time goes on with what it had to leave out."""
    told: list[Event] = []

    def meanwhile(event: Event, engine: Engine, store: RunStore) -> None:
        told.append(event)
        if not isinstance(event, Notice) and len(told) == 3:
            store.append_command("ana", "budget", {"budget": "device:6s"})

    task = toys.task("staged", seconds=2.0)
    outcome = bench.run(task, [toys.Counting()], "device:4s", schedule=BUSY, meanwhile=meanwhile)
    assert outcome.used[DEVICE] == pytest.approx(6.0) and outcome.reason == "the budget of device:6s is spent"


STEPS = st.lists(st.tuples(st.sampled_from("abcde"), st.floats(0.01, 5.0)), max_size=60)


@given(STEPS, st.floats(0.5, 30.0), st.integers(1, 3), st.booleans())
def test_it_is_never_negative_and_all_given_back(
    steps: list[tuple[str, float]], limit: float, measurers: int, seeded: bool
) -> None:
    """Whatever the order of asking, resuming, measuring, breaking and finding nothing."""
    meter, pace = Meter(Budget({DEVICE: limit})), Pace()
    if seeded:
        pace.note({"measure": (0.0, 1.0)})
    grants, passed = Grants(meter, pace), 0.0
    waiting: list[int] = []
    on_device: dict[int, float] = {}  # with what they were believed to take
    number = 0

    def end(which: int, seconds: float) -> None:
        nonlocal passed
        believed = on_device.pop(which)
        passed += max(0.0, seconds - believed)
        pace.note({"measure": (0.0, seconds)}, seconds)
        grants.settle(which, seconds)

    actions: dict[str, Callable[[float], Any]] = {
        "a": lambda _: grants.ask(number) and waiting.append(number),
        "b": lambda _: (grants.hold(number), waiting.append(number)),
        "c": lambda _: (
            waiting
            and len(on_device) < measurers
            and (believed := grants.expected) is not None
            and grants.may_measure(waiting[0])
            and on_device.update({waiting.pop(0): believed})
        ),
        "d": lambda seconds: on_device and end(next(iter(on_device)), seconds),
        "e": lambda seconds: waiting and (grants.release if seconds < 2.5 else broken)(waiting.pop()),
    }

    def broken(which: int) -> None:
        grants.settle(which, 0.0)

    for action, seconds in steps:
        number += 1
        before = passed
        actions[action](seconds)
        assert meter.reserved(DEVICE) >= 0.0 and meter.reserved("trials") == len(waiting) + len(on_device)
        # one that had its turn passes the limit by what it took too long; up to `measurers` at a time
        assert meter.used[DEVICE] <= limit * (1 + 1e-6) + passed
        assert passed - before <= seconds
    for which in list(on_device):
        end(which, 0.5)
    for which in waiting:
        grants.settle(which, 0.0)
    assert meter.reserved("trials") == 0.0
    assert meter.reserved(DEVICE) == pytest.approx(0.0, abs=1e-9)
    assert grants.ask(number + 1) == meter.fits(DEVICE, grants.expected, beside=0.0)


@given(st.lists(st.floats(0.01, 5.0), min_size=1, max_size=40), st.floats(0.5, 30.0))
def test_with_one_measurer_the_last_trial_alone_passes_it(costs: list[float], limit: float) -> None:
    meter, pace = Meter(Budget({DEVICE: limit})), Pace()
    pace.note({"measure": (0.0, 1.0)})
    grants = Grants(meter, pace)
    for number in range(len(costs)):
        grants.hold(number)
    for number, seconds in enumerate(costs):
        believed = grants.expected
        if not grants.may_measure(number):
            break
        pace.note({"measure": (0.0, seconds)}, seconds)
        grants.settle(number, seconds)
        assert meter.used[DEVICE] <= limit * (1 + 1e-6) + max(0.0, seconds - believed)
