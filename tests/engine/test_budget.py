"""Budget, Meter and Stopwatch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core.budgets import BUDGETS
from kernelevo.engine.budget import Budget, Meter, Stopwatch
from kernelevo.errors import BadSetting


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("90s", {"seconds": 90}),
        ("30m", {"seconds": 1800}),
        ("1.5h", {"seconds": 5400}),
        ("200", {"trials": 200}),
        ("$5", {"dollars": 5}),
        ("$.50", {"dollars": 0.5}),
        ("tokens:200k", {"tokens": 200_000}),
        ("tokens:1.5M", {"tokens": 1_500_000}),
        ("device:60s", {"device_seconds": 60}),
        ("90s,200", {"seconds": 90, "trials": 200}),
        (" 30m , $5 ", {"seconds": 1800, "dollars": 5}),
    ],
)
def test_what_people_write(text: str, limits: dict[str, float]) -> None:
    assert Budget.parse(text).limits == limits
    assert Budget.parse(str(Budget.parse(text))).limits == limits


@pytest.mark.parametrize(
    "text",
    ["0", "0s", "$0", "abc", "", "-5", "-5s", "1.5", "90 s", "90s,", "90s,60s", "$", "s", "nan", "inf", "1e3",
     "5d", "tokens:0", "device:60", "90s;200", "٣s", "$-1"],
)  # fmt: skip
def test_what_is_refused_with_examples(text: str) -> None:
    with pytest.raises(BadSetting) as told:
        Budget.parse(text)
    assert repr(text) in told.value.what and told.value.why and BUDGETS in told.value.now
    assert told.value.exit_code == 2


def test_plus_goes_beyond_what_is_used() -> None:
    assert Budget.parse("90s,10").plus({"seconds": 30.5, "dollars": 3.0}).limits == {
        "seconds": 120.5,
        "trials": 10,
    }


amounts = st.floats(0.01, 10.0)


@given(st.lists(st.tuples(amounts, amounts, st.booleans()), max_size=40), st.floats(0.5, 20.0))
def test_honest_estimates_are_never_overshot(asks: list[tuple[float, float, bool]], limit: float) -> None:
    """Whatever the order of reserving and settling: used + reserved stays within the limit."""
    meter = Meter(Budget({"dollars": limit}))
    open_: list[tuple[float, float]] = []
    for estimate, part, settle_first in asks:
        if settle_first and open_:
            reserved, actual = open_.pop(0)
            meter.settle({"dollars": reserved}, {"dollars": actual})
        if meter.reserve({"dollars": estimate}):
            open_.append((estimate, min(estimate, part)))
        assert meter.used["dollars"] + sum(r for r, _ in open_) <= limit * (1 + 1e-6)
    while open_:
        reserved, actual = open_.pop()
        meter.settle({"dollars": reserved}, {"dollars": actual})
    assert meter.used["dollars"] <= limit * (1 + 1e-6)
    assert meter.reserve({"dollars": limit}) == (meter.used["dollars"] <= limit * 1e-9)


def test_unknown_amounts_wait_only_for_the_limit() -> None:
    meter = Meter(Budget.parse("$1,3"))
    assert meter.reserve({"dollars": 0.0, "trials": 1.0})
    assert meter.reserve({"seconds": 1e9})  # not limited
    meter.settle({"dollars": 0.0, "trials": 1.0}, {"dollars": 1.25, "trials": 1.0})
    assert not meter.reserve({"dollars": 0.0})
    assert meter.reserve({"trials": 2.0}) and not meter.reserve({"trials": 1.0})
    assert meter.spent() == "dollars" and meter.spent(["trials"]) is None
    assert (meter.left("trials"), meter.left("dollars"), meter.left("tokens")) == (2.0, 0.0, float("inf"))
    meter.hold({"trials": 5.0})
    meter.settle({"trials": 7.0}, {})
    assert meter.reserve({"trials": 2.0})
    assert meter.to_json() == {"dollars": 1.25, "trials": 1.0}


def test_the_stopwatch_stands_still_in_pauses() -> None:
    watch = Stopwatch(100.0)
    assert watch.read(5.0) == 100.0
    watch.set_running(True, 10.0)
    watch.set_running(True, 11.0)
    assert watch.read(14.0) == 104.0
    watch.set_running(False, 15.0)
    watch.set_running(False, 99.0)
    assert watch.read(99.0) == 105.0
    watch.set_running(True, 100.0)
    assert watch.read(101.0) == 106.0
