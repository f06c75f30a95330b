"""Changes: what differs between two programs, line by line, side by side."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

LONGEST = 6000  # lines of a text that are compared; what comes after is left out, and said so
CONTEXT = 3


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
    steps = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    for step, (kind, a0, a1, b0, b1) in enumerate(steps):
        if kind == "equal":
            rows += _equal(a, a0, a1, b0, context, first=step == 0, last=step == len(steps) - 1)
            continue
        for i in range(max(a1 - a0, b1 - b0)):
            left = a0 + i if a0 + i < a1 else None
            right = b0 + i if b0 + i < b1 else None
            name = (
                "changed"
                if left is not None and right is not None
                else "added"
                if left is None
                else "removed"
            )
            rows.append(
                Row(
                    name,
                    None if left is None else a[left],
                    None if right is None else b[right],
                    None if left is None else left + 1,
                    None if right is None else right + 1,
                )
            )
    return rows


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
