"""Which cases of a test `make test` runs; the others wait for `make test-all`."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any

import pytest


def few(
    cases: Iterable[Any], keep: int | Container[Any], *, name: Callable[[Any], str] | None = None
) -> list[Any]:
    """Return a parameter's cases, marked ``slow`` but for a few.

    Args:
        cases: a tuple holds the values of several arguments.
        keep: how many of the first ones, or which ones, stay quick.
        name: what a case is called in the test's id, and in ``keep``.
    """
    marked = []
    for number, case in enumerate(cases):
        key = case if name is None else name(case)
        quick = number < keep if isinstance(keep, int) else key in keep
        values = case if isinstance(case, tuple) else (case,)
        marks = () if quick else pytest.mark.slow
        marked.append(pytest.param(*values, marks=marks, id=None if name is None else key))
    return marked
