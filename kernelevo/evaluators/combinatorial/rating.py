"""From ranks to performance and from performances to a rating, as AtCoder's heuristic contests do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

S = 724.4744301
R = 0.8271973364
BONUS, DECAY = 150.0, 100.0
REPEATS = 100


@dataclass(frozen=True)
class Result:
    """One contest of a participant.

    Args:
        performance: inner performance.
        days: days from this contest to the latest one (to the day of the rating).
        weight: 1 for most contests, 0.5 for short ones since 2025.
    """

    performance: float
    days: float = 0.0
    weight: float = 1.0


def rating(results: Sequence[Result]) -> float:
    """Return the rating after some contests (AHC rating system, version 2, 2025).

    Each performance counts as performance + 150 - 100 days / 365, a hundred times with S ln j off; sorted,
    the k-th has the weight R^(W before) - R^(W with it). Below 400 it is bent so that it stays positive.

    Raises:
        ValueError: without a contest.
    """
    return _rated([(r.performance + BONUS - DECAY * r.days / 365, r.weight) for r in results], whole=False)


def first_rating(performances: Sequence[float]) -> float:
    """Return the rating of the first version of the system (until 2024): no bonus, no decay, equal weights.

    The weights of the hundred best are made to add up to 1.

    Raises:
        ValueError: without a contest.
    """
    return _rated([(p, 1.0) for p in performances], whole=True)


def _rated(performances: Sequence[tuple[float, float]], *, whole: bool) -> float:
    if not performances:
        raise ValueError("no contest, no rating")
    spread = [(p - S * math.log(j), w) for p, w in performances for j in range(1, REPEATS + 1)]
    spread.sort(key=lambda one: -one[0])
    total = used = 0.0
    for value, weight in spread[:REPEATS] if whole else spread:
        total += value * (R**used - R ** (used + weight))
        used += weight
    raw = total / (1 - R**used) if whole else total
    return raw if raw >= 400 else 400 / math.exp((400 - raw) / 400)


def performance(rank: float, standings: Sequence[tuple[float, float]]) -> float:
    """Return the performance of a rank, from a table of what ranks were worth.

    Equal ranks of the table are averaged; between two the line through them holds, beyond the first or the
    last the nearest two go on.

    Args:
        rank: 1 is the best; a shared rank may be a half.
        standings: (rank, performance), at least two different ranks.

    Raises:
        ValueError: for a rank below 1, or too few ranks in the table.
    """
    if rank < 1:
        raise ValueError(f"a rank is at least 1, got {rank}")
    sums: dict[float, list[float]] = {}
    for place, value in standings:
        sums.setdefault(place, []).append(value)
    table = sorted((place, sum(values) / len(values)) for place, values in sums.items())
    if len(table) < 2:
        raise ValueError("at least two different ranks are needed")
    after = next((i for i, (place, _) in enumerate(table) if place >= rank), len(table) - 1)
    after = max(1, after)
    (x0, y0), (x1, y1) = table[after - 1], table[after]
    return y0 + (y1 - y0) * (rank - x0) / (x1 - x0)


def pool_strengths(scores: Sequence[Sequence[float]], rounds: int = 200) -> list[float]:
    """Return a strength for each program of a pool on the scale of chess ratings, 1500 on average.

    A Bradley-Terry model (Bradley and Terry, 1952) of who beats whom on which case, ties half, fitted by
    Zermelo's iteration with half a win against everybody added, so that nobody is infinitely strong.

    Args:
        scores: for each program its relative score on each case.
        rounds: of the iteration.

    Raises:
        ValueError: for fewer than two programs.
    """
    count = len(scores)
    if count < 2:
        raise ValueError("a pool needs at least two programs")
    wins = [[0.5] * count for _ in range(count)]
    for i in range(count):
        for j in range(count):
            for a, b in zip(scores[i], scores[j], strict=True):
                wins[i][j] += (a > b) + (a == b) / 2
    strength = [1.0] * count
    for _ in range(rounds):
        fresh = []
        for i in range(count):
            won = sum(wins[i][j] for j in range(count) if j != i)
            played = ((wins[i][j] + wins[j][i]) / (strength[i] + strength[j]) for j in range(count) if j != i)
            fresh.append(won / sum(played))
        middle = math.exp(sum(math.log(v) for v in fresh) / count)
        strength = [v / middle for v in fresh]
    return [1500 + 400 * math.log10(v) for v in strength]
