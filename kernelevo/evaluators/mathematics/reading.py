"""Reading a construction: what a program returned, as exact numbers, or one sentence why it is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

LARGEST = 10**40
"""Magnitude beyond which no coordinate of a construction lies."""


class NotOne(ValueError):
    """What came back is not a construction of this problem; the text says where and why."""


def rows(given: Any, width: int, *, count: int | None = None, most: int = 100_000) -> list[list[Fraction]]:
    """Return rows of ``width`` exact numbers; every float is a rational, nothing is rounded.

    Args:
        given: what the program returned.
        width: numbers in a row.
        count: how many rows there have to be; None for any number from 1 to ``most``.
        most: the largest number of rows.

    Raises:
        NotOne: for another shape, a bool, a text, or a number that is not finite.
    """
    listed = _listed(given, "the result", count, most)
    return [
        [number(x, f"row {i}, entry {j}") for j, x in enumerate(_listed(row, f"row {i}", width, width))]
        for i, row in enumerate(listed)
    ]


def numbers(given: Any, *, most: int, least: int = 1) -> list[Fraction]:
    """Return a list of exact numbers; raises as :func:`rows`."""
    listed = _listed(given, "the result", None, most)
    if len(listed) < least:
        raise NotOne(f"the result has {len(listed)} entries, at least {least} are needed")
    return [number(x, f"entry {i}") for i, x in enumerate(listed)]


def integers(given: Any, width: int, *, most: int) -> list[list[int]]:
    """Return rows of Python integers; a float is refused even where it is whole; raises as :func:`rows`."""
    listed = _listed(given, "the result", None, most)
    found = []
    for i, row in enumerate(listed):
        entries = _listed(row, f"row {i}", width, width)
        for j, x in enumerate(entries):
            if type(x) is not int or abs(x) > LARGEST:
                raise NotOne(f"row {i}, entry {j} is {_shown(x)}: expected an integer below 1e40")
        found.append(list(entries))
    return found


def number(given: Any, where: str) -> Fraction:
    """Return one finite int or float as a fraction.

    Raises:
        NotOne: for anything else.
    """
    if type(given) not in (int, float):
        raise NotOne(f"{where} is {_shown(given)}: expected a number")
    if not (type(given) is int or math.isfinite(given)) or not abs(given) <= LARGEST:
        raise NotOne(f"{where} is {_shown(given)}: expected a finite number below 1e40")
    return Fraction(given)


def _listed(given: Any, what: str, count: int | None, most: int) -> Sequence[Any]:
    if isinstance(given, np.ndarray):
        given = given.tolist()
    if not isinstance(given, list | tuple):
        raise NotOne(f"{what} is {_shown(given)}: expected a list")
    if count is not None and len(given) != count:
        raise NotOne(f"{what} has {len(given)} entries, expected {count}")
    if not 1 <= len(given) <= most:
        raise NotOne(f"{what} has {len(given)} entries, expected 1 to {most}")
    return given


def _shown(given: Any) -> str:
    if type(given) is int and abs(given) > LARGEST:  # Python refuses to write one of many digits
        return f"an integer of {given.bit_length()} bits"
    text = repr(given) if type(given) in (int, float, bool, str, type(None)) else f"a {type(given).__name__}"
    return text if len(text) <= 60 else text[:60] + "..."
