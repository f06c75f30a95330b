"""Step functions: Erdős' minimum overlap and the first autocorrelation inequality, in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from kernelevo.evaluators.mathematics import reading
from kernelevo.evaluators.mathematics.reading import NotOne

UNIT = 1 << 44
"""Heights are multiples of 1 / UNIT (overlap) or of the highest step / UNIT (autocorrelation)."""
MOST = 20_000


def repaired_overlap(given: Any) -> list[int]:
    """Return heights of a function on [0, 2] with values in [0, 1] and integral 1, in units of 1 / UNIT.

    Heights are rounded and kept within [0, 1]; what the integral lacks or has too much of is spread over the
    room that the steps have.

    Raises:
        NotOne: for no list of numbers, or an odd number of steps.
    """
    values = reading.numbers(given, most=MOST, least=2)
    if len(values) % 2:
        raise NotOne(f"{len(values)} steps: expected an even number, so that half of them can be 1")
    heights = [min(max(round(v * UNIT), 0), UNIT) for v in values]
    missing = len(heights) // 2 * UNIT - sum(heights)
    room = [UNIT - h if missing > 0 else h for h in heights]
    total, sign = sum(room), 1 if missing > 0 else -1
    if missing:
        shares = [abs(missing) * r // total for r in room]
        heights = [h + sign * s for h, s in zip(heights, shares, strict=True)]
        rest = abs(missing) - sum(shares)
        for i, _ in sorted(enumerate(room), key=lambda one: -one[1])[:rest]:
            heights[i] += sign
    assert sum(heights) == len(heights) // 2 * UNIT and all(0 <= h <= UNIT for h in heights)
    return heights


def overlap(heights: Sequence[int]) -> Fraction:
    """Return max_x of the integral of h(t) (1 - h(t + x)), an upper bound of Erdős' constant.

    It is linear in x between multiples of a step's width, so these are all that count (Haugland 1996, 2016).
    """
    free = [UNIT - h for h in reversed(heights)]
    return Fraction(max(convolved(heights, free)) * 2, len(heights) * UNIT * UNIT)


def repaired_autocorrelation(given: Any) -> list[int]:
    """Return heights of a function on [-1/4, 1/4] as whole numbers, the highest one UNIT.

    Raises:
        NotOne: for no list of numbers, a negative one, or zeros alone.
    """
    values = reading.numbers(given, most=MOST)
    low, high = min(values), max(values)
    if low < 0:
        raise NotOne(f"step {values.index(low)} is {float(low):.3g}: the function may not be negative")
    if high == 0:
        raise NotOne("the function is zero: its integral is what the result is divided by")
    return [round(v * UNIT / high) for v in values]


def autocorrelation(heights: Sequence[int]) -> Fraction:
    """Return max (f * f) / (integral of f)^2, an upper bound of the constant of the first inequality."""
    return Fraction(2 * len(heights) * max(convolved(heights, heights)), sum(heights) ** 2)


def convolved(a: Sequence[int], b: Sequence[int]) -> list[int]:
    """Return the convolution of whole numbers >= 0, exactly.

    Kronecker's substitution: both lists are written as digits of one long number, whose product has the sums
    as its digits; Python multiplies long numbers fast enough for thousands of steps.
    """
    width = (max(a).bit_length() + max(b).bit_length() + min(len(a), len(b)).bit_length()) // 8 + 1
    product = _packed(a, width) * _packed(b, width)
    count = len(a) + len(b) - 1
    digits = product.to_bytes(width * (count + 1), "little")
    return [int.from_bytes(digits[i * width : (i + 1) * width], "little") for i in range(count)]


def _packed(values: Sequence[int], width: int) -> int:
    return int.from_bytes(b"".join(v.to_bytes(width, "little") for v in values), "little")
