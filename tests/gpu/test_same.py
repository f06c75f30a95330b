"""A program against itself: the figures of the row, and one short run on the CPU."""

import math
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gpu import same as module
from benchmarks.gpu.same import FRESH, problem, row, same, share_interval, summary
from kernelevo.device.statistics import estimate


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_interval_holds_the_share_and_shrinks_with_more_pairs(hits: int, misses: int) -> None:
    count = hits + misses
    low, high = share_interval(hits, count)
    assert 0.0 <= low <= high <= 1.0
    if count:
        assert low <= hits / count <= high
        wide = high - low
        low, high = share_interval(10 * hits, 10 * count)
        assert high - low < wide


def test_known_intervals() -> None:
    assert share_interval(0, 0) == (0.0, 1.0)
    # Wilson's interval without a hit is z^2 / (n + z^2)
    assert share_interval(0, 400) == (0.0, pytest.approx(1.96**2 / (400 + 1.96**2)))
    assert share_interval(4, 400) == (pytest.approx(0.00390, abs=1e-4), pytest.approx(0.02541, abs=1e-4))


def test_what_a_row_says() -> None:
    ratios = [1.0] * 38 + [1.02, 0.98]
    row = summary(ratios, ["parity"] * 38 + ["faster", "slower"], 3)
    assert (row["pairs"], row["faster"], row["slower"], row["without_interval"]) == (40, 1, 1, 3)
    assert row["value"] == 1 / 40 and row["low"] < 1 / 40 < row["high"] and row["median_ratio"] == 1.0
    assert 0 < row["spread"] <= math.log(1.02) * 1.01
    empty = summary([], [], 0)
    assert empty["pairs"] == 0 and empty["value"] is None and empty["spread"] is None


@pytest.mark.slow
def test_equals_are_timed_on_the_cpu() -> None:
    row = same("cpu", pairs=3, seconds=60.0)
    assert row["pairs"] == 3 and row["median_ratio"] > 0 and row["faster"] + row["slower"] <= 3


def figures(pairs: int, faster: int, unsure: int = 0) -> dict[str, object]:
    claims = ["faster"] * faster + ["parity"] * (pairs - faster)
    return summary([1.0] * pairs, claims, unsure)


def test_a_row_says_nothing_with_too_few_pairs() -> None:
    assert problem(figures(400, 4)) == problem(figures(100, 2)) == ""
    assert problem(figures(40, 3)) == "more than 1% of equals are called faster: 3 of 40"
    assert problem(figures(99, 0)).startswith("99 pairs")
    assert problem(figures(150, 0, unsure=60)).startswith("90 pairs with an interval")  # nothing was claimed


def test_a_row_that_says_nothing_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    for found, words in ((figures(40, 0), "40 pairs"), (figures(400, 20), "20 of 400")):
        monkeypatch.setattr(module, "same", lambda found=found: found)
        with pytest.raises(AssertionError, match=words):
            row()
    monkeypatch.setattr(module, "same", lambda: figures(400, 1))
    assert row() == figures(400, 1)


def test_each_pair_has_blocks_enough_for_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pair without one is never called faster: a row of such pairs would pass whatever the judge does."""

    class Ring:
        def fight(self, twin: object, eager: object, rule: object, **how: Any) -> SimpleNamespace:
            assert how["trusted"]
            return SimpleNamespace(ratio=estimate([0.0] * how["fewest"].calm))

    closed: list[str] = []
    session = SimpleNamespace(close=lambda: closed.append("eager"))
    baselines = SimpleNamespace(all={"eager": SimpleNamespace(session=session)}, revive=lambda: None)
    ground = SimpleNamespace(ring=Ring(), baselines=baselines, equal=lambda: nullcontext("twin"))
    judge = SimpleNamespace(warm=lambda: None, ground=ground)
    monkeypatch.setattr(module, "KernelJudge", lambda *_, **__: nullcontext(judge))
    found = same("cpu", pairs=120, seconds=60.0)
    assert (found["pairs"], found["without_interval"], problem(found)) == (120, 0, "")
    assert len(closed) == math.ceil(120 / FRESH)  # both sides are new: one may have been lucky
