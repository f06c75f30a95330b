"""What comes with kernelevo: tasks of PyTorch modules with programs for them, and the tasks of the packs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kernelevo.errors import BadSetting, KernelEvoError, closest
from kernelevo.tasks import bundled, facts, grade
from kernelevo.tasks.library import shelves, solutions

PACKS = "packs"
"""Name of the group of everything that is no PyTorch module."""


def catalogue(group: str | None = None, device: str = "cpu") -> list[dict[str, Any]]:
    """Return a row for each task that ``run`` knows by a name of its own, in the order of the suites.

    Args:
        group: a suite, or ``"packs"``; None for all.
        device: whose shipped programs are counted.

    Returns:
        Rows of plain data: ``name``, ``group``, ``title``, ``grade`` (lint's word; a pack's has none), the
        ``variants`` that may stand after ``@``, and ``programs``, how many come with kernelevo for this
        machine.

    Raises:
        BadSetting: for a group that is not there.
    """
    rows = [*_modules(device), *_packs()]
    groups = list(dict.fromkeys(row["group"] for row in rows))
    if group is None:
        return rows
    if group not in groups:
        raise BadSetting(
            f"there is no group of tasks {group!r}.", why=closest(group, groups), now="use one of these"
        )
    return [row for row in rows if row["group"] == group]


def _modules(device: str) -> Iterator[dict[str, Any]]:
    programs: dict[str, int] = {}
    for shelf in reversed(shelves(device)):  # of the first one that has any, as bench takes them
        programs |= {name: len(paths) for name, paths in solutions(shelf).items()}
    for name, task in bundled().items():
        known = facts(name)
        yield {
            "name": name,
            "group": name.rpartition("/")[0],
            "title": known.get("title") or task.title,
            "grade": grade(name),
            "variants": list(known.get("variants", {})),
            "programs": sum(n for found, n in programs.items() if found.partition("@")[0] == name),
        }


def _packs() -> Iterator[dict[str, Any]]:
    from kernelevo.evaluators import registry

    for name in registry.names():
        if name == "kernel":  # what judges the modules
            continue
        try:
            title = " ".join(registry.find(name).goal.partition("\n\n")[0].split()).partition(". ")[0]
        except KernelEvoError as error:  # an installed package that cannot be imported
            title = f"cannot be used: {error.what}"
        yield {
            "name": name,
            "group": PACKS,
            "title": title.rstrip("."),
            "grade": None,
            "variants": [],
            "programs": 0,
        }
