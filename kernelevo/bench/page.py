"""The series as one Markdown page: rows, figures against each baseline, who is left out, the machine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kernelevo.bench.figures import THRESHOLDS
from kernelevo.bench.row import Row
from kernelevo.bench.suite import JUDGEABLE
from kernelevo.report.table import NONE, milliseconds, number

_ROWS = ("task", "status", "eager", "compile", "ours", "speed-up [95 %]", "error vs fp64", "made by", "s")


def page(facts: Mapping[str, Any], rows: Sequence[Row], summary: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        facts: of the series.
        rows: its rows, in order.
        summary: their figures.
    """
    lines = [f"# kernelevo bench {facts['suite']}, {facts['size']}, {facts['device']}", ""]
    graded = [row for row in rows if row.grade == JUDGEABLE]
    others = [row for row in rows if row.grade != JUDGEABLE]
    lines += [*_table(_ROWS, map(_cells, graded)), "", "## Figures", "", *_figures(summary), ""]
    lines += [_counts(summary), "", *_excluded(summary), ""]
    if others:
        lines += [
            "## Not graded",
            "",
            "By lint these tasks cannot tell right from wrong; they enter no figure.",
            "",
        ]
        lines += [*_table((*_ROWS, "lint"), ((*_cells(row), row.grade) for row in others)), ""]
    return "\n".join([*lines, "## Made with", "", *_machine(facts)]) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    ours = row.metrics.get("latency_ms") if row.score is not None else None

    def times(key: str) -> str:
        other = row.metrics.get(key)
        return milliseconds(ours * other) if ours is not None and other is not None else NONE

    told = row.fault["message"] if row.fault else row.feedback
    who = row.program or row.made_by or NONE
    return (
        row.name,
        row.word,
        times("speedup_vs_eager"),
        times("speedup_vs_compile"),
        milliseconds(ours) if ours is not None else NONE,
        row.interval,
        number(row.metrics.get("oracle_error"), "{:.1e}"),
        who if row.score is not None else f"{who}: {next(iter(told.splitlines()), '')[:120]}",
        f"{row.seconds:.0f}" if row.seconds is not None else NONE,
    )


def _figures(summary: Mapping[str, Any]) -> list[str]:
    heads = ("against", "tasks", *(f"fast_{p:g}" for p in THRESHOLDS), "geometric mean [95 % over tasks]")

    def cells(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
        shares = (number(found["fast_p"][f"{p:g}"], "{:.2f}") for p in THRESHOLDS)
        mean = number(found["geometric_mean"], "{:.2f}")
        if found["low"] is not None:
            mean += f" [{found['low']:.2f}, {found['high']:.2f}]"
        return name, str(found["tasks"]), *shares, mean

    return _table(heads, (cells(name, found) for name, found in summary["baselines"].items()))


def _counts(summary: Mapping[str, Any]) -> str:
    def counted(counts: Mapping[str, int]) -> str:
        return ", ".join(f"{n} {word}" for word, n in counts.items()) or "none"

    return (
        f"{summary['tasks']} tasks are counted, {summary['correct']} of them with a correct program "
        f"(the means are over these: {counted(summary['claims'])}). All rows: {counted(summary['statuses'])}."
    )


def _excluded(summary: Mapping[str, Any]) -> list[str]:
    left = summary["excluded"]
    graded = ", ".join(f"{name} ({why})" for name, why in left["not_judgeable"].items())
    lines = [
        f"- not graded: {graded or 'none'}",
        f"- faults of the machine: {', '.join(left['faults']) or 'none'}",
    ]
    if left["missing"]:
        lines.append(f"- not done yet: {', '.join(left['missing'])}")
    for name, found in summary["baselines"].items():
        if found["not_compared"]:
            lines.append(f"- without a figure for {name}: {', '.join(found['not_compared'])}")
    return ["Left out:", "", *lines]


def _machine(facts: Mapping[str, Any]) -> list[str]:
    ours, cpu = facts["kernelevo"], facts["hardware"]["cpu"]
    lines = [
        f"- dates: {', '.join(facts['sittings'])}",
        f"- kernelevo {ours['version']}, commit {ours['commit'] or 'unknown'}, sources {ours['sources']}, "
        f"task files {facts['tasks']}",
        "- " + ", ".join(f"{name} {version or 'missing'}" for name, version in facts["versions"].items()),
        f"- {cpu['name']}, {cpu['cores']} cores, {', '.join(cpu['features'])}",
    ]
    cuda = facts["hardware"].get("cuda")
    if cuda:
        lines.append(f"- {cuda['name']}, {cuda['arch']}, driver {cuda['driver'] or 'unknown'}")
    if facts["solutions"] is not None:
        lines.append(f"- programs: {facts['solutions']}")
    return [*lines, f"- settings: {json.dumps(facts['settings'], ensure_ascii=False)}"]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"

    return [line(heads), line(["---"] * len(heads)), *map(line, rows)]
