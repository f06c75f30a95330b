"""Effects: what came of people's orders, in words, for the terminal, the report and the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernelevo.core import Gain
from kernelevo.core.objectives import SCORE
from kernelevo.report.table import DIGITS, gained, number


def came_of(row: Mapping[str, Any]) -> str:
    """Say what came of an order; empty where nothing can be said.

    Args:
        row: of ``kernelevo steer RUN --json``.
    """
    if "carried" in row:
        if not row["carried"]:
            return "in no brief that was answered yet"
        passed = f"in {len(row['carried'])} briefs, {row['carried_ok']} of them passed"
        return f"{passed}; best {height(row, 'carried')}, before {height(row, 'before')}"
    if row.get("trial") is not None:
        return f"trial #{row['trial']}, {len(row['offspring'])} programs came of it{offspring_gain(row)}"
    return ""


def height(row: Mapping[str, Any], when: str) -> str:
    """Say how good the best was: its score, or what the objectives of the task go by.

    Args:
        row: of an order that was carried by briefs.
        when: ``before`` its first brief, ``carried`` by its briefs, or ``since``: in the run as it is now.
    """
    value, measure = row[f"best_{when}"], row["measure"]["name"]
    if measure == SCORE or value is None:
        return number(value)
    metrics = ", ".join(f"{name} {number(v, DIGITS)}" for name, v in row["metrics"][when].items())
    return metrics if row["rule"] == "lexicographic" else f"{measure} {number(value, DIGITS)} ({metrics})"


def offspring_gain(row: Mapping[str, Any]) -> str:
    """Say by how much the best that came of a person's program is better than it; empty without any."""
    gain = row["gain_in"]
    return f", gain {gained(Gain(gain['name'], gain['better'], row['gain']))}" if gain else ""
