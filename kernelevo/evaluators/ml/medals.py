"""Medals against a reference pool, by the rules of MLE-Bench (Chan et al., 2024, table 1), and sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median, stdev
from typing import Literal

Direction = Literal["min", "max"]


@dataclass(frozen=True)
class Standing:
    """How a score does against a board.

    Args:
        medal: ``gold``, ``silver``, ``bronze`` or None; always "vs reference pool", never of a contest.
        above_median: strictly better than the board's median.
        rank: 1 and the number of strictly better entries.
        entries: size of the board.
    """

    medal: str | None
    above_median: bool
    rank: int
    entries: int


def places(entries: int) -> dict[str, int]:
    """Return the last rank of each medal on a board of this size.

    Below 100 entries the best 10, 20 and 40 %; below 250 rank 10, 20 % and 40 %; below 1000 rank
    10 + 0.2 %, rank 50 and rank 100; beyond 10 + 0.2 %, 5 % and 10 %. At least one entry gets each.

    Raises:
        ValueError: for an empty board.
    """
    if entries < 1:
        raise ValueError("an empty board has no places")
    if entries < 100:
        found = (0.1 * entries, 0.2 * entries, 0.4 * entries)
    elif entries < 250:
        found = (10, 0.2 * entries, 0.4 * entries)
    elif entries < 1000:
        found = (10 + math.floor(0.002 * entries), 50, 100)
    else:
        found = (10 + math.floor(0.002 * entries), 0.05 * entries, 0.1 * entries)
    return {m: max(1, math.floor(v)) for m, v in zip(("gold", "silver", "bronze"), found, strict=True)}


def standing(score: float, board: Sequence[float], direction: Direction) -> Standing:
    """Place a score on a board; the score itself is no entry of it.

    Args:
        score: of the program.
        board: scores of the pool, in any order.
        direction: whether smaller or larger is better: stated, not inferred.
    """
    sign = 1 if direction == "max" else -1
    ordered = sorted((sign * s for s in board), reverse=True)
    own = sign * score
    medal = next((m for m, last in places(len(board)).items() if own >= ordered[last - 1]), None)
    rank = 1 + sum(other > own for other in ordered)
    return Standing(medal, own > median(ordered), rank, len(board))


def summary(standings: Sequence[Standing | None]) -> dict[str, float | None]:
    """Return the shares of medals (with standard error), of above the median and of valid results.

    Args:
        standings: one for each run (several seeds of several tasks); None for a run without a valid result.

    Raises:
        ValueError: without a run.
    """
    if not standings:
        raise ValueError("no run to sum up")
    medals = [float(s is not None and s.medal is not None) for s in standings]
    error = stdev(medals) / math.sqrt(len(medals)) if len(medals) >= 3 else None
    return {
        "any_medal": mean(medals),
        "any_medal_sem": error,
        "above_median": mean(float(s is not None and s.above_median) for s in standings),
        "valid": mean(float(s is not None) for s in standings),
        "runs": len(standings),
    }
