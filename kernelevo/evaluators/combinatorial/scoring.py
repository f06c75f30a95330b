"""Relative scores of cases, and whether one program is better than another on the same cases."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np

Kind = Literal["max", "min", "rank_max", "rank_min"]
DRAWS = 2000
LEVEL = 0.05


@dataclass(frozen=True)
class BestKnown:
    """Best absolute scores known of a problem's public cases, by seed.

    Args:
        version: raised whenever a score improves; part of every verdict.
        problem_version: of the generator that the scores belong to.
        scores: one for each public seed.
    """

    version: int
    problem_version: int
    scores: tuple[int, ...]


@cache
def best_known(problem: str) -> BestKnown:
    """Return the table of a problem; it is data, and a relative score may exceed 1."""
    text = files("kernelevo.evaluators.combinatorial").joinpath("best_known.toml").read_text("utf-8")
    row = tomllib.loads(text)[problem]
    return BestKnown(row["version"], row["problem_version"], tuple(row["scores"]))


def relative(score: int | None, best: int, direction: Literal["max", "min"]) -> float:
    """Return score / best (or best / score where smaller is better); 0 for a case without a valid answer."""
    if score is None:
        return 0.0
    return score / best if direction == "max" else best / score


def contest_score(score: int | None, others: Sequence[int | None], kind: Kind, most: int) -> int:
    """Return a case's relative score as contests give it (AtCoder Heuristic Contest; ALE-Bench, 2025).

    Args:
        score: absolute score; None for no valid answer, which gets 0.
        others: absolute scores of the others, None for no valid answer.
        kind: ``max``: round(most * score / best); ``min``: round(most * best / score); ``rank_*``:
            round(most * (1 - (lost + tied / 2) / n)), n everybody, this one included.
        most: what the best one gets.
    """
    if score is None:
        return 0
    valid = [o for o in others if o is not None]
    if kind == "max":
        return round(most * score / max(1, *valid, score)) if valid else round(most * score / max(1, score))
    if kind == "min":
        return round(most * min([*valid, score]) / score)
    lost = sum(o > score if kind == "rank_max" else o < score for o in valid)
    tied = sum(o == score for o in valid)
    return round(most * (1 - (lost + tied / 2) / (len(others) + 1)))


@dataclass(frozen=True)
class Paired:
    """Mean difference of two programs on the same cases, with a bootstrap interval.

    Args:
        mean: of new minus old.
        low: lower end of the 95 % interval of the mean.
        high: upper end.
    """

    mean: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0

    @property
    def hopeless(self) -> bool:
        """Whether nothing of the interval is above 0: worse, or the same on every case."""
        return self.high <= 0


def paired(new: Sequence[float], old: Sequence[float]) -> Paired:
    """Compare two programs on common cases (percentile bootstrap of the mean difference, fixed draws).

    Raises:
        ValueError: for no cases, or lists of different length.
    """
    difference = np.array(new, dtype=np.float64) - np.array(old, dtype=np.float64)
    if not len(difference):
        raise ValueError("no cases to compare")
    rng = np.random.RandomState(len(difference))  # its streams are frozen, those of newer generators are not
    drawn = difference[rng.randint(0, len(difference), (DRAWS, len(difference)))].mean(1)
    low, high = np.quantile(drawn, [LEVEL / 2, 1 - LEVEL / 2])
    return Paired(float(difference.mean()), float(low), float(high))
