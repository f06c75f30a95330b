"""Claims: what may be said of a score's interval, also where it is the best of several that were measured."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

from kernelevo.core.evaluation import Evaluation

MARGIN = 0.01
"""``faster`` begins this far above 1."""
LEVEL = 0.05
"""Chance that an interval misses the truth; of all intervals of one run together."""


def word(low: float, high: float) -> str:
    """Name what an interval means: faster beyond a margin of 1 %, parity, slower, or nothing clear."""
    if low > 1 + MARGIN:
        return "faster"
    if high < 1 / (1 + MARGIN):
        return "slower"
    return "parity" if low <= 1 <= high else ""


def phrase(low: float, high: float) -> str:
    """Put an interval and its meaning into words."""
    said = word(low, high)
    return f"(95 % interval {low:.3g} to {high:.3g})" + (f": {said}" if said else "")


def widened(score: float, low: float, high: float, candidates: int) -> tuple[float, float]:
    """Return the interval that may be quoted for the best of several candidates.

    The best of n is said to be faster only where it is at the level 0.05 / n: the first step of Holm's
    procedure (S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6, 1979), which for one claim is Bonferroni's bound: some wrong claim among n is made with a
    chance of 0.05 at the most, however the candidates depend on one another. The ends are moved away from the
    score, in logarithms, as far as normal quantiles of the two levels are apart.

    Args:
        score: a ratio.
        low: lower end of its 95 % interval.
        high: upper end.
        candidates: how many were measured for it to be the best of.

    Raises:
        ValueError: if this is no interval of positive ratios around a score, or there is no candidate.
    """
    if candidates < 1 or not 0 < low <= score <= high < math.inf:
        raise ValueError(f"no interval of a best one: {low} to {high} around {score}, of {candidates}")
    if candidates == 1:
        return low, high
    normal = NormalDist()
    further = normal.inv_cdf(LEVEL / candidates / 2) / normal.inv_cdf(LEVEL / 2)
    return score * (low / score) ** further, score * (high / score) ** further


def best_of(verdict: Evaluation, candidates: int, judged: int) -> Evaluation:
    """Return a winner's verdict with the interval that holds for the best of so many, and their numbers.

    Args:
        verdict: of the timing in fresh processes; nothing of the search, whose best is lucky, is in it.
        candidates: programs that were timed so.
        judged: programs that the search judged.
    """
    metrics = {**verdict.metrics, "candidates_confirmed": candidates, "candidates_judged": judged}
    low, high, feedback = metrics.get("score_low"), metrics.get("score_high"), verdict.feedback
    if verdict.score is not None and isinstance(low, float) and isinstance(high, float) and candidates > 1:
        now = widened(verdict.score, min(low, verdict.score), max(high, verdict.score), candidates)
        metrics["score_low"], metrics["score_high"] = now
        feedback = feedback.replace(phrase(low, high), phrase(*now))
        feedback += f"\nbest of {candidates} timed anew: its interval holds for all of them together (Holm)"
    return replace(verdict, metrics=metrics, feedback=feedback)
