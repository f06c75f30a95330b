"""Two runs side by side, for the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kernelevo.report.sparkline import sparkline
from kernelevo.report.table import DIGITS, NONE, number

_FACTS = ("folder", "task", "state", "trials", "searched_seconds", "preparation_seconds", "best")
_LONGEST = 60
_WIDTH = 60


def comparison(found: Mapping[str, Any]) -> RenderableType:
    """Return the object that ``kernelevo diff --json`` prints as tables.

    Args:
        found: see ``kernelevo.api.compare``.
    """
    one, two = found["runs"]
    facts = _table("", "one", "two")
    for name in _FACTS:
        facts.add_row(name.replace("_", " "), _cell(one[name]), _cell(two[name]))
    measures = dict.fromkeys(run["measure"] for run in found["runs"])
    for name in measures:
        heights = (number(run["height"], DIGITS) if run["measure"] == name else NONE for run in (one, two))
        facts.add_row(name, *heights)
    facts.add_row("95 % interval", _interval(one), _interval(two))
    parts: list[RenderableType] = [facts]
    if len(measures) == 1 and one["height"] and two["height"]:
        parts.append(Text(f"two / one: {two['height'] / one['height']:.3f} of the {one['measure']}"))
    for what in ("task", "settings"):
        if not found[what]:
            parts.append(Text(f"\n{what}: the same"))
            continue
        rows = _table(what, "one", "two")
        for name, (mine, other) in found[what].items():
            rows.add_row(name, _cell(mine), _cell(other))
        parts += [Text(""), rows]
    yields = _table("proposer", "one: trials, scored, improved", "two")
    for name, (mine, other) in found["proposers"].items():
        yields.add_row(name, _yield(mine), _yield(other))
    parts += [Text(""), yields, Text("\nbest so far over the trials")]
    parts += [
        Text(f"{label}  {_curve(points, run['trials'])}")
        for label, points, run in zip(("one", "two"), found["curves"], found["runs"], strict=True)
    ]
    parting = found["first_difference"]
    same = "every trial that both have is the same program"
    parts.append(Text(f"\n{same if parting is None else f'their programs differ from trial {parting} on'}"))
    return Group(*parts)


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head)
    return table


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return number(value, "{:.4g}")
    text = NONE if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _interval(run: Mapping[str, Any]) -> str:
    if run["score_low"] is None or run["score_high"] is None:
        return NONE
    sure = "" if run["confirmed"] else ", not timed again"
    return f"{run['score_low']:.3g} to {run['score_high']:.3g}{sure}"


def _yield(row: Mapping[str, int]) -> str:
    return f"{row['trials']}, {row['scored']}, {row['improved']}"


def _curve(points: Sequence[Mapping[str, Any]], trials: int) -> str:
    if not points:
        return "no correct program"
    count = max(trials, points[-1]["trial"] + 1)  # of a run at work: an earlier trial may not have ended
    steps: list[float | None] = [None] * count
    for point in points:
        steps[point["trial"] :] = [point["height"]] * (count - point["trial"])
    first, last = (number(points[end]["height"], DIGITS) for end in (0, -1))
    return f"{sparkline(steps, _WIDTH)}  {first} to {last} at {points[-1]['trial']}"
