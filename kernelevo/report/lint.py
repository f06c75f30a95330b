"""Lint's findings as a table: a column for the task as shipped, one for each repaired variant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table

from kernelevo.report.table import NONE, number

_ROWS = (
    "verdict",
    "passes without computing",
    "PyTorch's own error",
    "deviation of the output",
    "depends on its input",
    "draws random numbers",
    "changes buffers",
    "state elsewhere",
    "dead operations",
    "parameters never used",
    "inputs never used",
    "measured at",
)


def lint_table(findings: Sequence[Mapping[str, Any]]) -> Table:
    """Return findings side by side.

    Args:
        findings: plain data, as ``kernelevo lint --json`` prints a task and its ``variants``.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    for found in findings:
        table.add_column(str(found["task"]), overflow="fold")
    columns = [_column(found) for found in findings]
    for name, *cells in zip(_ROWS, *columns, strict=True):
        table.add_row(name, *cells)
    return table


def _column(found: Mapping[str, Any]) -> list[str]:
    conduct, dead = found["conduct"], found["unused"]
    return [
        _verdict(found),
        _listed(found["blind"]),
        number(found["e_ref"]),
        number(found["spread"]),
        "no, not in one bit" if found["independent"] else "yes",
        _draws(conduct),
        _listed(conduct["changes"]),
        "yes" if conduct["keeps_state"] else "no",
        _dead(found, [f"{n} x {name}" for name, n in dead["operations"].items()] if dead else []),
        _dead(found, dead["parameters"] if dead else []),
        _dead(found, dead["inputs"] if dead else []),
        _measured_at(found),
    ]


def _verdict(found: Mapping[str, Any]) -> str:
    if found["unjudgeable"]:
        return f"unjudgeable: {found['unjudgeable']}"
    return "fair" if found["fair"] else "blind"


def _draws(conduct: Mapping[str, Any]) -> str:
    if not conduct["draws"]:
        return "no"
    return "yes, and forgets them" if conduct["forgets_draws"] else "yes"


def _dead(found: Mapping[str, Any], names: Iterable[str]) -> str:
    if found["unused"] is None:
        return f"not known: {found['unused_unknown']}"
    return _listed(names)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or NONE


def _measured_at(found: Mapping[str, Any]) -> str:
    cut = found["batch_cut"]
    size = f"{found['size']}, {found['device']}"
    return f"{size}, {cut['name']} cut from {cut['from']} to {cut['to']} to fit the memory" if cut else size
