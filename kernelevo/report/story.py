"""Story: what happened in a run, for its report: key improvements with changes, failures, people's orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from kernelevo.core import Trial, listing
from kernelevo.report.changes import changes_html
from kernelevo.report.table import interval, made_by, number

KEY = 10  # improvements that are shown with their changes
KINDS = 12


def improvements(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that were the best when they ended, in the order in which they ended."""
    found: list[Trial] = []
    for trial in sorted(trials, key=lambda t: (t.ended, t.number)):
        full = trial.evaluation is not None and trial.evaluation.fidelity == "full"
        if full and trial.score is not None and (not found or trial.score > (found[-1].score or 0.0)):
            found.append(trial)
    return found


def key_improvements(trials: Sequence[Trial], most: int = KEY) -> list[tuple[Trial, float]]:
    """Return the improvements with the largest gains, in order, each with its gain over the one before."""
    steps = improvements(trials)
    before = [0.0, *(step.score or 0.0 for step in steps)]
    gains = [(step, (step.score or 0.0) - last) for step, last in zip(steps, before, strict=False)]
    chosen = {
        step.number for step, _ in [*gains[:1], *sorted(gains, key=lambda g: -g[1])[:most], *gains[-1:]]
    }
    return [(step, gain) for step, gain in gains if step.number in chosen]


def story(trials: Sequence[Trial]) -> str:
    """Return the key improvements as HTML: score, author, idea, and what changed since the parent."""
    first: dict[str, Trial] = {}
    for trial in trials:
        first.setdefault(trial.program.id, trial)
    parts: list[str] = []
    for step, gain in key_improvements(trials):
        parent = next((first[name] for name in step.program.parents if name in first), None)
        verdict = step.evaluation
        assert verdict is not None
        more = f" (+{number(gain)})" if parts else ""
        change = ""
        if parent is not None:
            table = changes_html(listing(parent.program), listing(step.program))
            change = f"<details><summary>what changed since #{parent.number}</summary>{table}</details>"
        head = f"<strong>{interval(verdict)}</strong>{more} #{step.number}, {escape(made_by(step))}"
        parts.append(f"<li>{head}{change}</li>")
    left = len(improvements(trials)) - len(parts)
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
        came = ""
        if row.get("carried"):
            came = f"in {len(row['carried'])} briefs, best of them {number(row['best_carried'])}"
            came += f", before {number(row['best_before'])}"
        elif row.get("trial") is not None:
            came = f"trial #{row['trial']}, {len(row['offspring'])} programs came of it"
        cells = (str(row["author"]), f"{row['verb']} {args}"[:200], row["effect"] or "not obeyed yet", came)
        rows.append(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    heads = "".join(f"<th>{head}</th>" for head in ("by", "order", "effect", "came of it"))
    return f"<h2>Orders</h2><table><tr>{heads}</tr>{''.join(rows)}</table>"
