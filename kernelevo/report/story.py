"""Story: what happened in a run, for its report: key improvements with changes, failures, people's orders."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from kernelevo.core import Gain, Objectives, Trial, Worth, listing
from kernelevo.report.changes import changes_html
from kernelevo.report.effects import came_of
from kernelevo.report.table import BY_SCORE, gained, made_by, merit, worth

KEY = 10  # improvements that are shown with their changes
KINDS = 12


def improvements(trials: Sequence[Trial], objectives: Objectives = BY_SCORE) -> list[Trial]:
    """Return the trials that were the best when they ended, in the order in which they ended.

    That is the order in which they were recorded; their clock decides where no store recorded them.

    Args:
        trials: of one run.
        objectives: what is best.
    """
    found: list[Trial] = []
    top: Worth = ()
    for trial in sorted(trials, key=lambda t: (t.position or 0, t.ended, t.number)):
        full = trial.evaluation is not None and trial.evaluation.fidelity == "full"
        mine = worth(trial, objectives) if full else ()
        if mine > top:
            found.append(trial)
            top = mine
    return found


def key_improvements(
    trials: Sequence[Trial], objectives: Objectives = BY_SCORE, most: int = KEY
) -> list[tuple[Trial, Gain | None]]:
    """Return the improvements with the largest gains, in order, each with its gain over the one before.

    The first and the last are always among them; the first has no gain. Which of two gains is larger is
    decided as between programs: by the sum of a weighted rule, by the first metric of a lexicographic one.
    """
    steps = improvements(trials, objectives)
    pairs = list(itertools.pairwise(steps))
    largest = sorted(pairs, key=lambda pair: _size(pair[0], pair[1], objectives), reverse=True)[:most]
    chosen = {after.number for _, after in [*largest, *pairs[-1:]]}
    told: list[tuple[Trial, Gain | None]] = [(step, None) for step in steps[:1]]
    for before, after in pairs:
        if after.number in chosen:
            assert after.evaluation is not None and before.evaluation is not None
            told.append((after, objectives.gain_over(after.evaluation, before.evaluation)))
    return told


def _size(before: Trial, after: Trial, objectives: Objectives) -> Worth:
    both = zip(worth(after, objectives), worth(before, objectives), strict=True)
    return tuple(0.0 if one == other else one - other for one, other in both)


def story(trials: Sequence[Trial], objectives: Objectives = BY_SCORE, *, timed: bool = True) -> str:
    """Return the key improvements as HTML: how good, by how much, author, idea, and what changed.

    Args:
        trials: of one run.
        objectives: what is best.
        timed: whether scores are ratios of times (``Task.is_timed``).
    """
    first: dict[str, Trial] = {}
    for trial in trials:
        first.setdefault(trial.program.id, trial)
    parts: list[str] = []
    for step, gain in key_improvements(trials, objectives):
        parent = next((first[name] for name in step.program.parents if name in first), None)
        verdict = step.evaluation
        assert verdict is not None
        more = f" ({escape(gained(gain))})" if gain is not None else ""
        change = ""
        if parent is not None:
            table = changes_html(listing(parent.program), listing(step.program))
            change = f"<details><summary>what changed since #{parent.number}</summary>{table}</details>"
        good = escape(merit(verdict, objectives, timed=timed))
        parts.append(
            f"<li><strong>{good}</strong>{more} #{step.number}, {escape(made_by(step))}{change}</li>"
        )
    left = len(improvements(trials, objectives)) - len(parts)
    also = f"<p>{left} smaller steps between them are in the table</p>" if left > 0 else ""
    return f'<ol class="story">{"".join(parts)}</ol>{also}' if parts else "<p>no correct program yet</p>"


def failures(trials: Sequence[Trial]) -> str:
    """Return what went wrong, by kind, as an HTML table."""
    kinds: Counter[tuple[str, str]] = Counter()
    for trial in trials:
        if trial.fault is not None:
            kinds["fault", f"{trial.fault.kind}: {trial.fault.message}".splitlines()[0][:160]] += 1
        elif trial.evaluation is not None and trial.score is None:
            words = next(iter(trial.evaluation.feedback.splitlines()), "")
            kinds[str(trial.evaluation.status), words[:160]] += 1
    if not kinds:
        return "<p>every program passed</p>"
    rows = "".join(
        f"<tr><td>{count}</td><td>{escape(status)}</td><td>{escape(words)}</td></tr>"
        for (status, words), count in kinds.most_common(KINDS)
    )
    left = len(kinds) - KINDS
    also = f"<p>and {left} further kinds</p>" if left > 0 else ""
    return f"<table><tr><th>times</th><th>verdict</th><th>words</th></tr>{rows}</table>{also}"


def people(orders: Sequence[Mapping[str, Any]]) -> str:
    """Return the orders of people and what came of them as an HTML table; empty if there were none."""
    if not orders:
        return ""
    rows = []
    for row in orders:
        args = ", ".join(f"{name} {value}" for name, value in row["args"].items())
        cells = (
            str(row["author"]),
            f"{row['verb']} {args}"[:200],
            row["effect"] or "not obeyed yet",
            came_of(row),
        )
        rows.append(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    heads = "".join(f"<th>{head}</th>" for head in ("by", "order", "effect", "came of it"))
    return f"<h2>Orders</h2><table><tr>{heads}</tr>{''.join(rows)}</table>"
