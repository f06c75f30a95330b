"""The problems of the mathematics pack: goal, repair, fast value, exact value, each under its name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from kernelevo.evaluators.mathematics import geometry, kissing, step_functions, uncertainty

Exact = Fraction | int | float


@dataclass(frozen=True)
class Problem:
    """One problem. A construction is what ``repair`` returns: exact, and valid without any tolerance.

    Args:
        name: what a user types.
        goal: in words, for proposers: what ``solve()`` has to return, and what counts.
        direction: whether a larger or a smaller value is better.
        repair: turns what a program returned into a construction; raises ``NotOne`` where it is none.
        fast: value of a construction in floating point, for the search.
        exact: the same in exact arithmetic (or rounded away from the record), for claims.
        require: raises where this machine lacks a package that the problem needs.
        seconds: how long ``solve()`` may take.
    """

    name: str
    goal: str
    direction: Literal["up", "down"]
    repair: Callable[[Any], Any]
    fast: Callable[[Any], float]
    exact: Callable[[Any], Exact]
    require: Callable[[], None] = lambda: None
    seconds: float = 30.0

    def ratio(self, value: float, record: float) -> float:
        """Return the score: 1 is as good as the record, more is better than it."""
        return value / record if self.direction == "up" else record / value


def _circles(count: int, name: str) -> Problem:
    return Problem(
        name,
        f"Pack {count} circles into the unit square so that the sum of their radii is as large as possible. "
        f"solve() returns {count} rows [x, y, radius]. Circles that overlap or leave the square are all made "
        "smaller by the same amount until nothing does, in exact arithmetic; the sum of what is left counts.",
        "up",
        lambda given: geometry.repaired_circles(given, count),
        lambda circles: float(sum(float(c[2]) for c in circles)),
        geometry.total_radius,
    )


def rounded(value: Exact) -> float:
    """Return an exact value as a float; infinity for one beyond all of them."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _fast_overlap(heights: Any) -> float:
    h = np.array(heights, dtype=np.float64) / step_functions.UNIT
    return float(np.convolve(h, 1 - h[::-1]).max() * 2 / len(h))


def _fast_autocorrelation(heights: Any) -> float:
    h = np.array(heights, dtype=np.float64) / step_functions.UNIT
    return float(2 * len(h) * np.convolve(h, h).max() / h.sum() ** 2)


PROBLEMS = {
    problem.name: problem
    for problem in (
        _circles(26, "circle_packing"),
        _circles(32, "circle_packing_32"),
        Problem(
            "minmax_distance",
            "Place 16 points in the plane so that the largest distance between two of them over the smallest "
            "is as small as possible. solve() returns 16 rows [x, y]; the square of that ratio counts.",
            "down",
            lambda given: geometry.distinct_points(given, 16),
            # in doubles the squares of tiny distances are a few whole steps, and their ratio anything
            lambda points: rounded(geometry.squared_distance_ratio(points)),
            geometry.squared_distance_ratio,
        ),
        Problem(
            "heilbronn_triangle",
            "Place 11 points in the triangle (0, 0), (1, 0), (0, 1) so that the smallest triangle that three "
            "of them form is as large as possible. solve() returns 11 rows [x, y]; points outside are moved "
            "to the border; the smallest area over the area of the big triangle (1/2) counts.",
            "up",
            lambda given: geometry.points_in_triangle(given, 11),
            lambda points: float(geometry.smallest_triangle(points)),
            geometry.smallest_triangle,
        ),
        Problem(
            "erdos_minimum_overlap",
            "Find a step function h on [0, 2] with values in [0, 1] and integral 1 whose largest overlap, "
            "max over x of the integral of h(t) (1 - h(t + x)), is as small as possible: an upper bound of "
            "Erdős' minimum overlap constant. solve() returns the heights of any even number of equally wide "
            "steps; they are kept within [0, 1] and their integral is set to 1.",
            "down",
            step_functions.repaired_overlap,
            _fast_overlap,
            step_functions.overlap,
        ),
        Problem(
            "autocorrelation_1",
            "Find a step function f >= 0 on [-1/4, 1/4] for which max (f * f) / (integral of f)^2 is as "
            "small as possible. solve() returns the heights of any number of equally wide steps.",
            "down",
            step_functions.repaired_autocorrelation,
            _fast_autocorrelation,
            step_functions.autocorrelation,
        ),
        Problem(
            "kissing_number",
            "Find as many vectors of 11 integers as possible such that no two are nearer to each other than "
            "the longest one is long: so many unit spheres can touch one in 11 dimensions. solve() returns "
            "rows of 11 Python integers; vectors that are too near to others are left out.",
            "up",
            kissing.repaired,
            lambda vectors: float(len(vectors)),
            len,
        ),
        Problem(
            "uncertainty",
            "Lower the upper bound of the sign uncertainty inequality. solve() returns a mapping with one "
            "key points: up to 16 touching points z_i > 0. f(z) = P(z) exp(-z^2 / 2), where P is the "
            "combination of the Hermite polynomials H_0, H_4, ..., H_(4 (2k + 1)) with P(0) = 0 and double "
            "zeros at all k points. "
            "u / (2 pi) counts, where u = z^2 is the last change of sign of f; the smaller the better.",
            "down",
            uncertainty.repaired,
            lambda points: uncertainty.bound(points)[1],
            lambda points: uncertainty.bound(points)[1],
            uncertainty.require,
        ),
    )
}
