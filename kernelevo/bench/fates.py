"""Fates: what becomes of released solutions under our rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from kernelevo.bench.row import BROKEN_TASK, NEEDS_CUDA, NO_PROGRAM, Row
from kernelevo.bench.suite import JUDGEABLE
from kernelevo.core import Status
from kernelevo.kernels.faults import rules
from kernelevo.report.table import NONE, number, printable

MODE = "rescore"
COLUMNS = ("what became of it", "its makers say")
# what may become of a solution, in the order of the table
FATES = {
    "kept": "right under our rules and faster than the best baseline of its precision class by over 1 %: "
    "at the lower end of its interval, or by its score where it has none",
    "lost to baseline": "right, and not faster than that baseline",
    "lost to tolerance": "wrong under our rules, right by upstream's at 1e-2",
    "lost to mode": "right in eval mode alone, or leaves other buffers behind than the module in train mode",
    "rejected": "breaks a rule: frozen weights, changed inputs, another signature, a time that cannot be",
    "broken": "does not build, crashes, takes too long, or is wrong by every rule",
    "no solution": "its makers give none",
    "not judged": "it needs a GPU, its task cannot be run, or the machine failed",
}


def fate(row: Row) -> str:
    """Say what became of a solution: a key of ``FATES``."""
    if row.fault is not None or row.status in (BROKEN_TASK, NEEDS_CUDA):
        return "not judged"
    if row.status == NO_PROGRAM:
        return "no solution"
    if row.status == Status.OK:
        low = row.metrics.get("score_low")
        return "kept" if (low if low is not None else row.score or 0.0) > 1.01 else "lost to baseline"
    if row.status == Status.REJECTED:
        return "rejected"
    return _of_wrong(row) if row.status == Status.WRONG else "broken"


def _of_wrong(row: Row) -> str:
    """Say why a wrong answer is wrong: what rule it breaks, and whether upstream's would have passed it."""
    theirs = row.upstream or {}
    if rules.STATE.why in row.feedback:
        return "lost to mode"
    values = (rules.CORRECT, rules.CORRECT_IN_FP64, rules.FINITE)
    if not any(rule.why in row.feedback for rule in values):
        return "rejected"
    if theirs.get("correct_loose"):
        return "lost to tolerance"
    return "lost to mode" if theirs.get("correct_eval") else "broken"


def fates(rows: Iterable[Row]) -> dict[str, Any]:
    """Return how many solutions met which fate, and each one's.

    Tasks that grade nothing are counted apart: what passes there proves nothing.

    Returns:
        ``judgeable`` and ``others`` (fate -> count), ``each`` (place of the solution -> fate).
    """
    rows = list(rows)
    unjudged = ("not judged", "no solution")
    counted: dict[str, Counter[str]] = {"judgeable": Counter(), "others": Counter()}
    for row in rows:
        known = row.grade == JUDGEABLE or fate(row) in unjudged
        counted["judgeable" if known else "others"][fate(row)] += 1
    return {
        **{name: {f: counts[f] for f in FATES} for name, counts in counted.items()},
        "each": {row.title: fate(row) for row in rows},
    }


def fates_lines(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the table of fates as rows of texts, heads first."""
    heads = ("what became of it", "solutions", "on tasks that grade nothing", "meaning")
    rows = ((f, str(found["judgeable"][f]), str(found["others"][f]), FATES[f]) for f in FATES)
    return [heads, *rows]


def fate_cells(row: Row) -> tuple[str, str]:
    """Return the cells of ``COLUMNS``: a solution's fate, and what its makers claim."""
    claims = (f"{printable(name)} {number(value, '{:.4g}')}" for name, value in row.claims.items())
    return fate(row), ", ".join(claims) or NONE
