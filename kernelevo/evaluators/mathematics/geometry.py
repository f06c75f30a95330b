"""Point sets: circle packings, the ratio of largest to smallest distance, Heilbronn's triangle."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import isqrt
from typing import Any

from kernelevo.evaluators.mathematics import reading
from kernelevo.evaluators.mathematics.reading import NotOne

Point = Sequence[Fraction]
_ROOT_BITS = 128


def repaired_circles(given: Any, count: int) -> list[list[Fraction]]:
    """Return circles ``[x, y, radius]`` that lie in the unit square and do not overlap, exactly.

    All radii are made smaller by one amount, the smallest (but for 2^-128) after which nothing overlaps: a
    solver's rounding of 1e-13 costs 1e-13 for each circle, and a tolerance that a program allowed itself
    costs what it was worth.

    Args:
        given: what a program returned.
        count: circles.

    Raises:
        NotOne: for another shape, or where a circle would vanish.
    """
    circles = reading.rows(given, 3, count=count)
    excess = max(max(r - x, r - (1 - x), r - y, r - (1 - y)) for x, y, r in circles)
    for (ax, ay, ar), (bx, by, br) in combinations(circles, 2):
        apart = _root_below((ax - bx) ** 2 + (ay - by) ** 2)
        excess = max(excess, (ar + br - apart) / 2)
    shrunk = [[x, y, r - max(excess, Fraction(0))] for x, y, r in circles]
    worst = min(range(count), key=lambda i: shrunk[i][2])
    if shrunk[worst][2] <= 0:
        raise NotOne(
            f"circles overlap, or leave the square, by {float(excess):.3g} each: "
            f"circle {worst} of radius {float(circles[worst][2]):.3g} vanishes when all are made smaller"
        )
    assert is_packing(shrunk)
    return shrunk


def is_packing(circles: Sequence[Point]) -> bool:
    """Whether circles lie in the unit square and do not overlap: squares of rationals, no root."""
    inside = all(r >= 0 and r <= x <= 1 - r and r <= y <= 1 - r for x, y, r in circles)
    return inside and all(
        (ax - bx) ** 2 + (ay - by) ** 2 >= (ar + br) ** 2
        for (ax, ay, ar), (bx, by, br) in combinations(circles, 2)
    )


def total_radius(circles: Sequence[Point]) -> Fraction:
    """Return the sum of the radii."""
    return sum((c[2] for c in circles), Fraction(0))


def distinct_points(given: Any, count: int) -> list[list[Fraction]]:
    """Return points of the plane, all different.

    Raises:
        NotOne: for another shape, or two equal points.
    """
    points = reading.rows(given, 2, count=count)
    if len({tuple(p) for p in points}) != count:
        raise NotOne("two points are equal: their distance is 0")
    return points


def squared_distance_ratio(points: Sequence[Point]) -> Fraction:
    """Return (largest distance / smallest distance) squared; it needs no repair, any points have one."""
    squares = [sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) for p, q in combinations(points, 2)]
    return Fraction(max(squares)) / Fraction(min(squares))


def points_in_triangle(given: Any, count: int) -> list[list[Fraction]]:
    """Return points of the triangle (0, 0), (1, 0), (0, 1); those outside are moved to its border, exactly.

    Raises:
        NotOne: for another shape.
    """
    moved = []
    for x, y in reading.rows(given, 2, count=count):
        u, v = max(x, Fraction(0)), max(y, Fraction(0))
        total = u + v
        moved.append([u / total, v / total] if total > 1 else [u, v])
    return moved


def smallest_triangle(points: Sequence[Point]) -> Fraction:
    """Return the smallest area of a triangle of three points over the area of the one around them (1/2)."""
    return min(
        abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]))
        for a, b, c in combinations(points, 3)
    )


def _root_below(square: Fraction) -> Fraction:
    """Return a rational below the root of a rational, by at most 2^-128."""
    scaled = (square.numerator << 2 * _ROOT_BITS) // square.denominator
    return Fraction(isqrt(scaled), 1 << _ROOT_BITS)
