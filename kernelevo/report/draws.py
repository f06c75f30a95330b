"""How parents were drawn over a run: temperature, diversity and effective number of parents, as lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kernelevo.core import Trial
from kernelevo.report.sparkline import sparkline

FACTS = ("temperature", "diversity", "stagnation", "effective_parents", "clusters")
_SHOWN = ("temperature", "diversity", "effective_parents")
_WIDTH = 60


def draws(trials: Sequence[Trial]) -> dict[str, list[Any]]:
    """Return what each trial's draw was, as columns of equal length; trials without a draw are left out.

    Args:
        trials: in order.

    Returns:
        ``trial``, ``phase``, ``island`` and the columns ``FACTS``; None where a draw has no such number (a
        cold start has no temperature, an island without clusters no diversity).
    """
    found = [(t, t.program.origin.details.get("draw")) for t in trials]
    rows = [(t, draw) for t, draw in found if isinstance(draw, Mapping)]
    columns: dict[str, list[Any]] = {
        "trial": [t.number for t, _ in rows],
        "phase": [draw.get("phase") for _, draw in rows],
        "island": [t.island for t, _ in rows],
    }
    return columns | {name: [_number(draw.get(name)) for _, draw in rows] for name in FACTS}


def draw_lines(trials: Sequence[Trial], width: int = _WIDTH) -> list[str]:
    """Return a line of bars for each number over the draws, with its range; none if no draw has one."""
    columns = draws(trials)
    lines = []
    for name in _SHOWN:
        known = [value for value in columns[name] if value is not None]
        if not known and name == "diversity" and any(t is not None for t in columns["temperature"]):
            lines.append(f"{name:<18}not measured: an island is one cluster (--clusters)")
        if not known:
            continue
        bars = sparkline(columns[name], width)
        ends = f"{min(known):.3g} to {max(known):.3g}, now {known[-1]:.3g}"
        lines.append(f"{name.replace('_', ' '):<18}{bars}  {ends}")
    if lines:
        lines.insert(0, f"draws of parents, trial {columns['trial'][0]} to {columns['trial'][-1]}")
    return lines


def _number(value: Any) -> float | int | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if known else None
