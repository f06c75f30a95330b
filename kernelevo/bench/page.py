"""The series as one Markdown page: rows, figures against each baseline, who is left out, the machine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kernelevo.bench.fates import COLUMNS, MODE, fate_cells, fates_lines
from kernelevo.bench.figures import BEST, THRESHOLDS, USUAL, speedup_key
from kernelevo.bench.row import Row
from kernelevo.bench.suite import JUDGEABLE
from kernelevo.report.table import NONE, milliseconds, number, printable

_FIRST = ("task", "status", "eager", "compile")
_LAST = ("ours", "speed-up [95 %]", "error vs fp64", "upstream's rule", "made by", "s")


def page(facts: Mapping[str, Any], rows: Sequence[Row], summary: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        facts: of the series.
        rows: its rows, in order.
        summary: their figures.
    """
    lines = [f"# {title(facts)}", ""]
    graded = [row for row in rows if row.grade == JUDGEABLE]
    others = [row for row in rows if row.grade != JUDGEABLE]
    beside = [name for name in summary["baselines"] if name not in (BEST, *USUAL)]
    released = "fates" in summary
    heads = (*_FIRST, *beside, *_LAST, *(COLUMNS if released else ()))

    def cells(row: Row) -> tuple[str, ...]:
        return (*_cells(row, beside), *(fate_cells(row) if released else ()))

    if released:
        lines += [*_table(*_split(fates_lines(summary["fates"]))), ""]
    lines += [
        *_table(heads, map(cells, graded)),
        "",
        "## Figures",
        "",
        *_table(*_split(figure_rows(summary))),
        "",
    ]
    lines += [counts_line(summary), "", "Left out:", "", *excluded_lines(summary), ""]
    if others:
        lines += [
            "## Not graded",
            "",
            "Blind, unjudgeable or broken, or nothing is known: these enter no figure of ours.",
            "",
        ]
        lines += [*_table((*heads, "lint"), ((*cells(row), row.grade) for row in others)), ""]
    if facts.get("unread"):
        lines += ["## Not read", "", *(f"- {printable(words)}" for words in facts["unread"]), ""]
    return "\n".join([*lines, "## Made with", "", *machine_lines(facts, rows)]) + "\n"


def title(facts: Mapping[str, Any]) -> str:
    """Return the series' name for people."""
    what = "rescore" if facts.get("mode") == MODE else f"bench {facts['suite']}"
    return f"kernelevo {what}, {facts['size']}, {facts['device']}"


def _cells(row: Row, beside: Iterable[str]) -> tuple[str, ...]:
    """Return a row's cells; ``beside`` names the baselines that not every machine has."""
    ours = row.metrics.get("latency_ms") if row.score is not None else None

    def times(baseline: str) -> str:
        other = row.metrics.get(speedup_key(baseline))
        return milliseconds(ours * other) if ours is not None and other is not None else NONE

    told = row.fault["message"] if row.fault else row.feedback
    who = row.program or row.made_by or NONE
    return (
        row.name,
        row.word,
        times("eager"),
        times("compile"),
        *map(times, beside),
        milliseconds(ours) if ours is not None else NONE,
        row.interval,
        number(row.metrics.get("oracle_error"), "{:.1e}"),
        their_word(row),
        who if row.score is not None else f"{who}: {next(iter(told.splitlines()), '')[:120]}",
        f"{row.seconds:.0f}" if row.seconds is not None else NONE,
    )


def their_word(row: Row) -> str:
    """Say what KernelBench's own rule says of a row's program: how fast over eager, and how close."""
    told = row.upstream
    if told is None:
        return NONE
    if told["correct_loose"]:
        close = number(told.get("tolerance"), "{:g}") if told["correct"] else "1e-2 only"
        return f"{number(told.get('speedup'), '{:.2f}x')} eager ({close})"
    return "1e-2 in eval mode only" if told["correct_eval"] else "wrong"


def figure_rows(summary: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the figures against each baseline as rows of texts, heads first."""
    heads = ("against", "tasks", *(f"fast_{p:g}" for p in THRESHOLDS), "geometric mean [95 % over tasks]")

    def cells(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
        shares = (number(found["fast_p"][f"{p:g}"], "{:.2f}") for p in THRESHOLDS)
        mean = number(found["geometric_mean"], "{:.2f}")
        if found["low"] is not None:
            mean += f" [{found['low']:.2f}, {found['high']:.2f}]"
        return name, str(found["tasks"]), *shares, mean

    theirs = {
        "eager, by upstream's rule (1e-4)": summary["upstream"]["today"],
        "eager, by upstream's first rule (1e-2)": summary["upstream"]["loose"],
    }
    return [heads, *(cells(name, found) for name, found in {**summary["baselines"], **theirs}.items())]


def _split(rows: list[tuple[str, ...]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    return rows[0], rows[1:]


def counts_line(summary: Mapping[str, Any]) -> str:
    """Say how many tasks are counted, how many are solved, and what the rows are."""

    def counted(counts: Mapping[str, int]) -> str:
        return ", ".join(f"{n} {word}" for word, n in counts.items()) or "none"

    forms = f" Published forms of the tasks read: {counted(summary['forms'])}." if summary["forms"] else ""
    return (
        f"{summary['tasks']} tasks are counted, {summary['correct']} of them with a correct program "
        f"(the means are over these: {counted(summary['claims'])}). All rows: {counted(summary['statuses'])}."
    ) + forms


def excluded_lines(summary: Mapping[str, Any]) -> list[str]:
    """Say which tasks are left out of the figures, and why."""
    left = summary["excluded"]
    graded = ", ".join(f"{name} ({why})" for name, why in left["not_judgeable"].items())
    lines = [
        f"- not graded: {graded or 'none'}",
        f"- faults of the machine: {', '.join(left['faults']) or 'none'}",
    ]
    if left["needs_cuda"]:
        lines.append(f"- for a GPU, not judged here: {', '.join(left['needs_cuda'])}")
    if left["missing"]:
        lines.append(f"- not done yet: {', '.join(left['missing'])}")
    for name, found in summary["baselines"].items():
        if found["not_compared"]:
            left = ", ".join(found["not_compared"])
            lines.append(f"- without a figure for {name}, so in its fast_0 alone: {left}")
    return lines


def machine_lines(facts: Mapping[str, Any], rows: Sequence[Row] = ()) -> list[str]:
    """Say with what and on what the series was made, and at which clocks its rows were timed."""
    ours, cpu = facts["kernelevo"], facts["hardware"]["cpu"]
    lines = [
        f"- dates: {', '.join(facts['sittings'])}",
        f"- kernelevo {ours['version']}, commit {ours['commit'] or 'unknown'}, sources {ours['sources']}, "
        f"task files {facts['tasks']}",
        "- " + ", ".join(f"{name} {version or 'missing'}" for name, version in facts["versions"].items()),
        *_seeds(facts.get("seeds", {})),
        f"- {cpu['name']}, {cpu['cores']} cores, {', '.join(cpu['features'])}",
    ]
    cuda = facts["hardware"].get("cuda")
    if cuda:
        lines.append(f"- {cuda['name']}, {cuda['arch']}, driver {cuda['driver'] or 'unknown'}")
    lines += _clocks(rows)
    if facts.get("from") is not None:
        lines.append(f"- tasks: {facts['from']}")
    if facts["solutions"] is not None:
        lines.append(f"- programs: {facts['solutions']}")
    return [*lines, f"- settings: {json.dumps(facts['settings'], ensure_ascii=False)}"]


def _clocks(rows: Sequence[Row]) -> list[str]:
    """Say the lowest and the highest clock of each kind; earlier records have none."""
    told = []
    for words, name in (("cores", "core_clock_mhz"), ("multiprocessors", "sm_clock_mhz")):
        timed = [row.metrics.get(name) for row in rows if row.score is not None]
        seen = [mhz for mhz in timed if mhz is not None]
        if seen:
            ends = dict.fromkeys(f"{mhz:.0f}" for mhz in (min(seen), max(seen)))
            told.append(f"{words} {' to '.join(ends)} MHz")
    return [f"- clocks: {', '.join(told)}"] if told else []


def _seeds(found: Mapping[str, int | None]) -> list[str]:
    """Say the seeds that are known; earlier records have none."""
    known = [f"{who} {seed}" for who, seed in found.items() if seed is not None]
    return [f"- seeds: {', '.join(known)}; the judge's own are secret"] if known else []


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def told(cell: str) -> str:
        return printable(" ".join(cell.split())).replace("|", "\\|")

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(map(told, cells))} |"

    return [line(heads), line(["---"] * len(heads)), *map(line, rows)]
