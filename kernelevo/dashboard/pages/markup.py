"""Markup: small pieces of HTML; everything that comes from a run is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from nicegui import ui

from kernelevo.core import Objective, Objectives
from kernelevo.report.table import DIGITS

STATUS = {
    "ok": "good", "running": "good", "done": "calm", "paused": "warn", "stopped": "calm",
    "interrupted": "warn", "unreadable": "bad", "wrong": "bad", "crashed": "bad", "fault": "warn",
    "build_failed": "warn", "timed_out": "warn", "rejected": "bad", "new": "calm",
}  # fmt: skip


def raw(html: str, classes: str = "") -> ui.html:
    """Show HTML that was put together here; every text in it went through ``escape``."""
    return ui.html(html, sanitize=False).classes(classes)


def pill(word: str, kind: str | None = None) -> str:
    """Return a state or a status as a coloured word; ``kind`` is the colour of any other word."""
    return f'<span class="pill {kind or STATUS.get(word, "calm")}">{escape(word.replace("_", " "))}</span>'


def score(value: float | None, form: str = DIGITS) -> str:
    """Return a score as text; what does not exist is a dash."""
    return "–" if value is None else form.format(value)


def metrics(values: Iterable[tuple[Objective, Any]]) -> list[str]:
    """Return the metrics that count of one program as cells of a table."""
    return [score(value) if _is_number(value) else escape(str(value)) for _, value in values]


def metric_heads(objectives: Objectives) -> list[str]:
    """Return the heads of columns for the metrics that count, each with the direction that is better."""
    return [f">{metric.name} {'↑' if metric.better == 'higher' else '↓'}" for metric in objectives.metrics]


def seconds(value: float | None) -> str:
    """Return a time as people say it."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f} s"
    if value < 90:
        return f"{value:.0f} s"
    if value < 5400:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h"


def amount(unit: str, value: float) -> str:
    """Return an amount of a budget's unit."""
    if unit in ("seconds", "device_seconds"):
        return seconds(value)
    if unit == "dollars":
        return f"${value:.2f}"
    return (
        f"{value / 1e6:.1f}M" if value >= 1e6 else f"{value / 1e3:.1f}k" if value >= 1e4 else f"{value:.0f}"
    )


def address(run: str) -> str:
    """Return where a run's pages begin, whatever characters its name has."""
    return f"/run/{quote(run, safe='')}"


def link(run: str, number: int, text: str | None = None) -> str:
    """Return a link to a trial."""
    return f'<a href="{address(run)}/trial/{number}">{escape(text or f"#{number}")}</a>'


def diff_link(run: str, a: int, b: int, text: str = "what changed") -> str:
    """Return a link to two programs side by side."""
    return f'<a class="quiet" href="{address(run)}/diff?a={a}&b={b}">{escape(text)}</a>'


def bar(share: float | None, kind: str = "") -> str:
    """Return a thin bar that is filled by a share from 0 to 1."""
    width = 100 * min(1.0, max(0.0, share or 0.0))
    return f'<div class="bar {kind}"><i style="width:{width:.1f}%"></i></div>'


def stack(counts: Mapping[str, int]) -> str:
    """Return verdicts as one bar with a legend."""
    total = sum(counts.values())
    if not total:
        return '<p class="empty">no verdict yet</p>'
    parts = "".join(
        f'<i class="s-{escape(name)}" style="width:{100 * n / total:.2f}%"></i>' for name, n in counts.items()
    )
    rows = "".join(
        f'<li><b class="s-{escape(name)}"></b>{escape(name.replace("_", " "))}<span>{n:,}</span>'
        f"<em>{100 * n / total:.0f}%</em></li>"
        for name, n in counts.items()
    )
    return f'<div class="stack">{parts}</div><ul class="legend">{rows}</ul>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], empty: str, classes: str = "") -> str:
    """Return a table of cells that are HTML already; a sentence if there is no row.

    A head that begins with ``>`` is a column of numbers, one with ``*`` takes the room that is left.
    """
    body = "".join(
        "<tr>" + "".join(f"<td{_place(h)}>{cell}</td>" for h, cell in zip(heads, row, strict=True)) + "</tr>"
        for row in rows
    )
    if not body:
        return f'<p class="empty">{escape(empty)}</p>'
    head = "".join(f"<th{_place(h)}>{escape(h.lstrip('>*'))}</th>" for h in heads)
    return f'<div class="scroll"><table class="t {classes}"><tr>{head}</tr>{body}</table></div>'


def facts(pairs: Iterable[tuple[str, Any]]) -> str:
    """Return names and values as a list of two columns."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in pairs)
    return f'<dl class="facts">{rows}</dl>'


def code(text: str, *, numbers: bool = True) -> str:
    """Return a text as code with line numbers."""
    if not text:
        return '<p class="empty">empty</p>'
    lines = text.splitlines() or [""]
    marks = "".join(f"{n}\n" for n in range(1, len(lines) + 1)) if numbers else ""
    side = f'<pre class="n">{marks}</pre>' if numbers else ""
    return f'<div class="code">{side}<pre>{escape(text)}</pre></div>'


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _place(head: str) -> str:
    return {">": ' class="num"', "*": ' class="wide"'}.get(head[:1], "")
