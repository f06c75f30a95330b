"""Published figures of other systems: what they say of a task, at which shapes, on which hardware."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("published.toml")
_TASK = re.compile(r"kernelbench:3/(\d+)")


@dataclass(frozen=True)
class Published:
    """One speed-up that somebody published for a task.

    Args:
        system: whose.
        against: ``eager`` or ``compile``.
        speedup: theirs.
        hardware: it was measured on.
        tolerance: it was accepted at.
        same_shape: whether the task had the shapes that ours had.
        source: where it stands.
    """

    system: str
    against: str
    speedup: float
    hardware: str
    tolerance: str
    same_shape: bool
    source: str

    @property
    def mark(self) -> str:
        """Hardware, tolerance and, where it is so, that the shape is another."""
        return f"{self.hardware}, {self.tolerance}" + ("" if self.same_shape else ", another shape")


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(_FILE.read_text("utf-8"))


def published(task: str, form: str) -> list[Published]:
    """Return what is published for a task.

    Args:
        task: its name; only level 3 as shipped has figures.
        form: in which ours was run: ``v0``, ``full``, or anything else (never the same shape), like ``small``
            or ``other``.
    """
    found = _TASK.fullmatch(task)
    if found is None:
        return []
    number, changed = found[1], int(found[1]) in _data()["changed"]
    told = []
    for system in _data()["system"]:
        value = system["speedups"].get(number)
        if value is not None:
            theirs = system["form"] if system["form"] != "mixed" else "v0"
            same = form == theirs or (not changed and form in ("v0", "full"))
            told.append(
                Published(
                    system["name"], system["against"], float(value), system["hardware"],
                    system["tolerance"], same, system["source"],
                )
            )  # fmt: skip
    return told


def claims() -> list[Mapping[str, str]]:
    """Return what is published without a figure for each task: ``name``, ``says`` and its circumstances."""
    return list(_data()["claim"])


def sources() -> list[str]:
    """Return where the figures stand, each once."""
    return list(dict.fromkeys(f"{s['name']}: {s['source']}" for s in _data()["system"]))
