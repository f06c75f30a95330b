"""Kissing configurations: whole vectors no nearer to one another than the longest is to the origin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kernelevo.evaluators.mathematics import reading
from kernelevo.evaluators.mathematics.reading import NotOne

DIMENSION = 11
MOST = 3000
_SAFE = 1 << 28  # squares of such coordinates, summed over the dimensions, are exact in int64


def repaired(given: Any) -> list[list[int]]:
    """Return a valid configuration: vectors that are too near to others are left out, the worst first.

    A set with min |u - v|^2 >= max |v|^2 gives as many unit spheres that touch one and do not overlap.

    Raises:
        NotOne: for other than rows of 11 integers, or no vector but zero.
    """
    vectors = reading.integers(given, DIMENSION, most=MOST)
    kept = [list(v) for v in dict.fromkeys(tuple(v) for v in vectors) if any(v)]
    if not kept:
        raise NotOne("no vector other than zero")
    longest = max(_square(v) for v in kept)
    near = _nearer(kept, longest)
    alive = np.ones(len(kept), dtype=bool)
    conflicts = near.sum(axis=1)  # with those that stay; of others it is 0 or less
    while conflicts[worst := int(conflicts.argmax())] > 0:
        alive[worst] = False
        conflicts -= near[worst]
        conflicts[worst] = 0
    return [v for v, stays in zip(kept, alive, strict=True) if stays]


def is_configuration(vectors: Sequence[Sequence[int]]) -> bool:
    """Check a configuration with Python's integers alone."""
    longest = max(_square(v) for v in vectors)
    return all(
        sum((a - b) ** 2 for a, b in zip(u, v, strict=True)) >= longest
        for i, u in enumerate(vectors)
        for v in vectors[:i]
    )


def _square(vector: Sequence[int]) -> int:
    return sum(x * x for x in vector)


def _nearer(vectors: Sequence[Sequence[int]], least: int) -> npt.NDArray[np.bool_]:
    """Return which pairs have a squared distance below ``least``, exactly.

    One vector after the other: a table of all distances in Python's integers would take gigabytes.
    """
    small = all(abs(x) < _SAFE for v in vectors for x in v)
    table: npt.NDArray[Any] = np.array(vectors, dtype=np.int64 if small else object)
    squares = (table * table).sum(axis=1)
    near = np.zeros((len(table), len(table)), dtype=np.bool_)
    for i, vector in enumerate(table):
        near[i, :i] = squares[:i] + squares[i] - 2 * (table[:i] @ vector) < least
        near[:i, i] = near[i, :i]
    return near
