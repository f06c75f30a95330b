"""Changes: what differs between two programs, line by line, side by side."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

LONGEST = 6000  # lines of a text that are compared; what comes after is left out, and said so
CONTEXT = 3
THOROUGH = 1_000_000
"""Pairs of lines up to which every match is looked for; beyond, lines that a text is full of begin none: each
of thousands of equal lines would be compared with each."""


Step = tuple[str, int, int, int, int]
"""What is done, from which line to which one on the left, and on the right."""


@dataclass(frozen=True)
class Row:
    """One row of a side-by-side view.

    Args:
        kind: ``same``, ``changed``, ``added``, ``removed`` or ``gap`` (equal lines left out).
        left: text on the left, None if there is no line.
        right: text on the right.
        left_number: number of the left line, from 1.
        right_number: number of the right line.
    """

    kind: str
    left: str | None = None
    right: str | None = None
    left_number: int | None = None
    right_number: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return {
            "kind": self.kind, "left": self.left, "right": self.right,
            "left_number": self.left_number, "right_number": self.right_number,
        }  # fmt: skip


def side_by_side(one: str, two: str, *, context: int = CONTEXT) -> list[Row]:
    """Return the rows of a view of two texts; long equal stretches become one ``gap``.

    Args:
        one: text on the left.
        two: text on the right.
        context: equal lines kept around every change.
    """
    a, b = _lines(one), _lines(two)
    rows: list[Row] = []
    steps = list(_steps(a, b))
    for step, (kind, a0, a1, b0, b1) in enumerate(steps):
        if kind == "equal":
            rows += _equal(a, a0, a1, b0, context, first=step == 0, last=step == len(steps) - 1)
            continue
        for i in range(max(a1 - a0, b1 - b0)):
            left, left_number = (a[a0 + i], a0 + i + 1) if a0 + i < a1 else (None, None)
            right, right_number = (b[b0 + i], b0 + i + 1) if b0 + i < b1 else (None, None)
            rows.append(Row(_kind(left, right), left, right, left_number, right_number))
    return rows


def _kind(left: str | None, right: str | None) -> str:
    if left is None or right is None:
        return "added" if left is None else "removed"
    return "same" if left == right else "changed"


def _steps(a: list[str], b: list[str]) -> Iterator[Step]:
    """Yield the steps from one text to the other, as ``SequenceMatcher.get_opcodes`` does."""
    short = min(len(a), len(b))  # what both begin and end with needs no search
    head = next((n for n in range(short) if a[n] != b[n]), short)
    tail = next((n for n in range(short - head) if a[-1 - n] != b[-1 - n]), short - head)
    if head:
        yield "equal", 0, head, 0, head
    one, two = a[head : len(a) - tail], b[head : len(b) - tail]
    matcher = difflib.SequenceMatcher(None, one, two, autojunk=len(one) * len(two) > THOROUGH)
    for kind, a0, a1, b0, b1 in matcher.get_opcodes():
        if a1 - a0 == b1 - b0:
            yield from _pairwise(a, b, head + a0, head + a1, head + b0)
        else:
            yield kind, head + a0, head + a1, head + b0, head + b1
    if tail:
        yield "equal", len(a) - tail, len(a), len(b) - tail, len(b)


def _pairwise(a: list[str], b: list[str], a0: int, a1: int, b0: int) -> Iterator[Step]:
    """Yield steps of as many lines on both sides, compared one by one."""
    shift = b0 - a0
    for same, run in itertools.groupby(range(a0, a1), key=lambda n: a[n] == b[n + shift]):
        lines = list(run)
        yield "equal" if same else "replace", lines[0], lines[-1] + 1, lines[0] + shift, lines[-1] + 1 + shift


def changes_html(one: str, two: str) -> str:
    """Return two texts side by side as an HTML table; every text in it is escaped."""
    return rows_html(side_by_side(one, two))


def rows_html(rows: Sequence[Row]) -> str:
    """Return rows as an HTML table with the classes ``diff same changed added removed gap``."""
    if not any(row.kind not in ("same", "gap") for row in rows):
        return "<p>the same text</p>"
    cells = []
    for row in rows:
        if row.kind == "gap":
            cells.append('<tr class="gap"><td colspan="4">...</td></tr>')
            continue
        left, right = (escape(text) if text is not None else "" for text in (row.left, row.right))
        marks = [' class="none"' if text is None else "" for text in (row.left, row.right)]
        numbers = [row.left_number or "", row.right_number or ""]
        halves = [
            f'<td class="n">{number}</td><td{mark}><pre>{text}</pre></td>'
            for number, mark, text in zip(numbers, marks, (left, right), strict=True)
        ]
        cells.append(f'<tr class="{row.kind}">{"".join(halves)}</tr>')
    return f'<table class="diff">{"".join(cells)}</table>'


def _equal(a: list[str], a0: int, a1: int, b0: int, context: int, *, first: bool, last: bool) -> list[Row]:
    rows = [Row("same", a[i], a[i], i + 1, b0 + i - a0 + 1) for i in range(a0, a1)]
    head, tail = (0 if first else context), (0 if last else context)
    if len(rows) <= head + tail + 1 or (first and last):
        return rows
    return [*rows[:head], Row("gap"), *(rows[-tail:] if tail else [])]


def _lines(text: str) -> list[str]:
    lines = text.splitlines()
    if len(lines) > LONGEST:
        return [*lines[:LONGEST], f"[... {len(lines) - LONGEST} lines left out ...]"]
    return lines
