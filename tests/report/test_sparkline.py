"""Sparklines: numbers as one line of text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.report.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        ([1.0], "▁"),
        ([None, None], "  "),
        ([0.0, 7.0], "▁█"),
        ([0.0, None, 8.0, 4.0], "▁ █▅"),
        ([2.0, 2.0, 2.0], "▁▁▁"),
        ([math.nan, 1.0, 2.0], " ▁█"),
    ],
)
def test_bars(values: list[float | None], text: str) -> None:
    assert sparkline(values) == text


def test_many_values_are_averaged_into_the_width() -> None:
    assert sparkline([0.0, 0.0, 1.0, 1.0, 2.0, 2.0], width=3) == "▁▅█"


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=300), st.integers(1, 80))
def test_never_wider_and_order_is_kept(values: list[float | None], width: int) -> None:
    text = sparkline(values, width)
    assert len(text) == min(width, len(values))
    if len(values) <= width:
        marks = [(v, c) for v, c in zip(values, text, strict=True) if v is not None]
        assert all((v is None) == (c == " ") for v, c in zip(values, text, strict=True))
        assert [c for _, c in sorted(marks)] == sorted(c for _, c in marks)
