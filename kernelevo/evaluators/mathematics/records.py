"""Records: the best values known, with source and date, from a table that is data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Record:
    """The best value known of one problem.

    Args:
        value: what was published; a score may exceed it.
        source: who, when.
        date: when it was known to us.
        verified: whether this project's own exact check gave that value for its construction.
    """

    value: float
    source: str
    date: str
    verified: bool


@cache
def _table() -> dict[str, Any]:
    text = files("kernelevo.evaluators.mathematics").joinpath("records.toml").read_text("utf-8")
    return tomllib.loads(text)


def version() -> str:
    """Return the version of the table; it is part of every verdict."""
    return str(_table()["version"])


def record(name: str) -> Record:
    """Return the record of a problem.

    Raises:
        KeyError: for a problem without one.
    """
    row = _table()[name]
    return Record(float(row["value"]), row["source"], row["date"], row["verified"])
