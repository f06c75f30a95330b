"""A program against itself: the figures of the row, and one short run on the CPU."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gpu.same import same, share_interval, summary


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
