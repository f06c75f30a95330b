"""Sparklines: a row of numbers as one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_GAP = " "


def sparkline(values: Sequence[float | None], width: int = 60) -> str:
    """Return values as bars between their smallest and largest; what does not exist is a gap.

    Args:
        values: in order.
        width: characters at the most; each stands for the mean of its share of the values.
    """
    count = min(width, len(values))
    means = [_mean(values[i * len(values) // count : (i + 1) * len(values) // count]) for i in range(count)]
    known = [value for value in means if value is not None]
    if not known:
        return _GAP * count
    low, high = min(known), max(known)
    span = high - low
    return "".join(
        _GAP if v is None else _BARS[min(7, int(8 * (v - low) / span)) if span else 0] for v in means
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return math.fsum(known) / len(known) if known else None
