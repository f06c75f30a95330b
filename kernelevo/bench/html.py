"""The series as one HTML page that needs nothing else: charts, tables, published figures, programs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Any

from kernelevo.bench import plots
from kernelevo.bench.fates import COLUMNS, fate_cells, fates_lines
from kernelevo.bench.figures import BEST, rank, speedup_key
from kernelevo.bench.job import PROGRAM, REFERENCE
from kernelevo.bench.page import counts_line, excluded_lines, figure_rows, machine_lines, their_word, title
from kernelevo.bench.published import Published, claims, published, sources
from kernelevo.bench.row import Row
from kernelevo.bench.suite import JUDGEABLE
from kernelevo.report.table import NONE, milliseconds, number, ratio

_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:78rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:.5rem 0;display:block;overflow-x:auto}
svg{max-width:100%;height:auto;background:#fff}
td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}
pre{background:#f6f6f6;padding:1rem;overflow:auto;font-size:12px;max-height:40rem}.other{opacity:.55}
.plus{color:#176f2c}.minus{color:#b02a37}.note{color:#666}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}pre{background:#222}.plus{color:#7c7}
.minus{color:#f88}.note{color:#999}}"""
_LABELS = {
    BEST: "the best of them", "eager": "eager", "compile": "torch.compile",
    "compile_max_autotune": "max-autotune", "eager_fp32": "eager without TF32", "graphed": "CUDA graph",
    "compile_graphed": "torch.compile, CUDA graph", "eager_tf32": "eager with TF32",
    "compile_tf32": "torch.compile with TF32",
}  # fmt: skip
_LONGEST = 1_000_000  # characters of one program, and of one difference


def html(
    facts: Mapping[str, Any], rows: Sequence[Row], summary: Mapping[str, Any], folder: Path | None = None
) -> str:
    """Return the page.

    Args:
        facts: of the series.
        rows: its rows, in order.
        summary: their figures.
        folder: of the series, where the programs lie; None leaves them out.
    """
    name = title(facts)
    graded = [row for row in rows if row.grade == JUDGEABLE]
    others = [row for row in rows if row.grade != JUDGEABLE]
    against = [baseline for baseline in summary["baselines"] if baseline != BEST]
    released = "fates" in summary
    heads, *figures = figure_rows(summary)
    parts = [
        f"<h1>{escape(name)}</h1>",
        f"<p>{escape(counts_line(summary))}</p>",
        *(_fates(summary["fates"]) if "fates" in summary else ()),
        "<h2>Figures</h2>",
        _table(heads, figures),
        *(f"<p class=note>{escape(line)}</p>" for line in excluded_lines(summary)),
        "<h2>Per task</h2>",
        _charts(graded, facts["size"], against),
        _rows(graded, against, released=released),
        *(("<h2>Not graded</h2>", _rows(others, against, released=released, lint=True)) if others else ()),
        *_unread(facts.get("unread", ())),
        "<h2>Roofline</h2>",
        _roofline(graded),
        "<h2>Errors</h2>",
        _errors(rows),
        *_published(rows, facts),
        "<h2>Programs</h2>",
        *(_program(row, folder) for row in rows if row.score is not None),
        "<h2>Made with</h2>",
        "<ul>",
        *(f"<li>{escape(line.removeprefix('- '))}</li>" for line in machine_lines(facts, rows)),
        "</ul>",
    ]
    head = f'<meta charset="utf-8"><title>{escape(name)}</title><style>{_STYLE}</style>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are escaped."""
    lines = [f"<tr>{''.join(f'<th>{escape(h)}</th>' for h in heads)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in cells)}</tr>" for cells in rows]
    return f"<table>{''.join(lines)}</table>"


def _fates(found: Mapping[str, Any]) -> list[str]:
    heads, *rows = fates_lines(found)
    return ["<h2>What became of them</h2>", _table(heads, rows)]


def _unread(found: Sequence[str]) -> list[str]:
    """Name the files and rows that could not be read."""
    lines = (f"<li>{escape(words)}</li>" for words in found)
    return ["<h2>Not read</h2>", "<ul>", *lines, "</ul>"] if found else []


def _label(baseline: str) -> str:
    return _LABELS.get(baseline, baseline.replace("_", "-"))


def _rows(rows: Sequence[Row], against: Sequence[str], *, released: bool, lint: bool = False) -> str:
    heads = (
        "task", "status", "ours", *(f"vs {_label(baseline)}" for baseline in against), "vs the best [95 %]",
        "by upstream's rule", "made by", *(COLUMNS if released else ()), *(("lint",) if lint else ()),
    )  # fmt: skip

    def cells(row: Row) -> tuple[str, ...]:
        ours = row.metrics.get("latency_ms") if row.score is not None else None
        told = row.fault["message"] if row.fault else row.feedback
        who = row.program or row.made_by or NONE
        who = who if row.score is not None else f"{who}: {next(iter(told.splitlines()), '')[:160]}"
        speedups = (ratio(row.metrics.get(speedup_key(baseline))) for baseline in against)
        return (
            row.name, row.word, milliseconds(ours) if ours is not None else NONE, *speedups, row.interval,
            their_word(row), who, *(fate_cells(row) if released else ()), *((row.grade,) if lint else ()),
        )  # fmt: skip

    return _table(heads, map(cells, rows))


def _best(rows: Sequence[Row]) -> list[Row]:
    """Of several programs for one task the fastest correct one, in order of the tasks."""
    found: dict[str, Row] = {}
    for row in rows:
        if row.score is not None and (row.name not in found or rank(row) > rank(found[row.name])):
            found[row.name] = row
    return list(found.values())


def _charts(rows: Sequence[Row], size: str, against: Sequence[str]) -> str:
    best = _best(rows)
    if not best:
        return "<p>no correct program for a task that is graded</p>"
    if not plots.available():
        return "<p class=note>no charts: matplotlib is missing (pip install 'kernelevo[plot]')</p>"
    series: dict[str, dict[str, float]] = {}
    for name in (BEST, *against):
        values = {r.name: r.score if name == BEST else r.metrics.get(speedup_key(name)) for r in best}
        found = {task: float(v) for task, v in values.items() if v}
        if found:
            series[f"{plots.OURS} vs {_label(name)}"] = found
    ends = {
        r.name: (float(r.metrics["score_low"]), float(r.metrics["score_high"]))
        for r in best
        if r.metrics.get("score_low") is not None and r.metrics.get("score_high") is not None
    }
    for row in best:
        for other in published(row.name, _form(row, size)):
            if other.same_shape:
                label = f"{other.system} vs {_label(other.against)} ({other.hardware}, {other.tolerance})"
                series.setdefault(label, {})[row.name] = other.speedup
    return plots.bars([r.name for r in best], series, {f"{plots.OURS} vs {_label(BEST)}": ends})


def _roofline(rows: Sequence[Row]) -> str:
    best = _best(rows)
    chart = plots.roofline(best) if plots.available() else None
    cells = (
        (
            r.name,
            number(r.metrics.get("roofline_fraction"), "{:.2f}"),
            milliseconds(r.metrics.get("roofline_ms")),
            milliseconds(r.metrics.get("latency_ms")),
            str(r.metrics.get("roofline_bound") or NONE),
            str(r.metrics.get("precision") or NONE),
        )
        for r in best
    )
    note = (
        "<p class=note>Of the module's own work at this machine's measured ceilings. Above 1 a program "
        "removes work, or caches hold its values.</p>"
    )
    heads = ("task", "fraction", "at the ceilings", "ours", "bound", "precision")
    return (chart or "") + note + _table(heads, cells)


def _errors(rows: Sequence[Row]) -> str:
    heads = ("task", "error vs fp64", "PyTorch's own", "from PyTorch", "within 1e-5", "precision")
    keys = ("oracle_error", "reference_oracle_error", "max_abs_error")
    known = [r for r in rows if r.metrics.get("oracle_error") is not None]
    cells = (
        (
            r.title,
            *(number(r.metrics.get(key), "{:.1e}") for key in keys),
            number(r.metrics.get("meets_1e-5")),
            str(r.metrics.get("precision") or NONE),
        )
        for r in known
    )
    return _table(heads, cells)


def _form(row: Row, size: str) -> str:
    """Return the form or size that a row's task was judged in; ``size`` is the series'."""
    return row.form or row.size or size


def _published(rows: Sequence[Row], facts: Mapping[str, Any]) -> list[str]:
    best = {row.name: row for row in _best(rows)}
    shown = {**{row.name: row for row in rows}, **best}
    told = [
        (name, other) for name, row in shown.items() for other in published(name, _form(row, facts["size"]))
    ]
    if not told:
        return []
    heads = ("task", "system", "against", "theirs", "ours", "theirs measured on, accepted at")
    here = facts["hardware"].get("cuda") or facts["hardware"]["cpu"]

    def line(name: str, other: Published) -> str:
        ours = best[name].metrics.get(speedup_key(other.against)) if name in best else None
        cells = (
            name, other.system, _label(other.against), ratio(other.speedup),
            ratio(ours) if other.same_shape else NONE, other.mark,
        )  # fmt: skip
        mark = "" if other.same_shape else " class=other"
        return f"<tr{mark}>{''.join(f'<td>{escape(c)}</td>' for c in cells)}</tr>"

    head = f"<tr>{''.join(f'<th>{escape(h)}</th>' for h in heads)}</tr>"
    table = f"<table>{head}{''.join(line(*pair) for pair in told)}</table>"
    more = [f"{c['name']}: {c['says']} ({c['hardware']}; {c['tolerance']}; {c['source']})" for c in claims()]
    return [
        "<h2>Published figures</h2>",
        f"<p>None of them was measured here. Ours: {escape(str(here['name']))}, within 1e-5 of fp64 or four "
        "times PyTorch's own error. Other hardware and looser tolerances make them no like-for-like "
        "comparison; where the shapes differ too, ours is left out.</p>",
        table,
        "<ul>",
        *(f"<li>{escape(text)}</li>" for text in (*more, *sources())),
        "</ul>",
    ]


def _program(row: Row, folder: Path | None) -> str:
    """Return a winner's source, and what it changed: who made it with which rewrites, and the difference."""
    texts = {
        name: _text(folder / row.folder / name) if folder is not None and row.folder else None
        for name in (PROGRAM, REFERENCE)
    }
    what = f"{row.title}: {row.interval}"
    made = f"<p>made by {escape(row.made_by)}</p>" if row.made_by else ""
    source = texts[PROGRAM]
    if source is None:
        made += "<p>its source is not in the folder</p>"
        return f"<details><summary>{escape(what)}</summary>{made}</details>"
    kept, left = _whole(source.splitlines())
    text = "\n".join(kept)
    changed = ""
    if (reference := texts[REFERENCE]) is not None:
        different = difflib.unified_diff(
            reference.splitlines(), source.splitlines(), "the module", "the program", lineterm="", n=2
        )
        shown, more = _whole(list(different))
        changed = f"<details><summary>what it changed</summary><pre>{_coloured(shown)}</pre>{more}</details>"
    return (
        f"<details><summary>{escape(what)}</summary>{made}{changed}<pre>{escape(text)}</pre>{left}</details>"
    )


def _whole(lines: Sequence[str]) -> tuple[Sequence[str], str]:
    """Return the lines that a page has room for, none of them cut, and a note on the others."""
    fit = sum(used <= _LONGEST for used in accumulate(len(line) + 1 for line in lines))
    left = len(lines) - fit
    if not left:
        return lines, ""
    words = "one more line" if left == 1 else f"{left} more lines"
    return lines[:fit], f"<p class=note>{words}: the whole program is in the series' folder</p>"


def _coloured(lines: Iterable[str]) -> str:
    kinds = {"+": "plus", "-": "minus"}
    return "\n".join(
        f"<span class={kinds[line[0]]}>{escape(line)}</span>" if line[:1] in kinds else escape(line)
        for line in lines
    )


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
