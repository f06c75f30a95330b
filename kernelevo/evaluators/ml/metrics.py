"""Metrics: a value for each row, so that its noise can be told, and how rows become one number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kernelevo.evaluators.ml.data import Floats

_SMALLEST = 1e-6


@dataclass(frozen=True)
class Metric:
    """How predictions are judged.

    Args:
        name: shown with every value.
        direction: whether smaller or larger values are better; stated, never inferred from a table.
        perfect: the best value there can be.
        rows: (truth, predictions) -> one number for each row.
        whole: mean of the rows -> the metric.
    """

    name: str
    direction: Literal["min", "max"]
    perfect: float
    rows: Callable[[Sequence[Any], Floats], Floats]
    whole: Callable[[float], float] = float

    def value(self, rows: Floats) -> float:
        """Return the metric of a set of rows."""
        return self.whole(float(rows.mean()))

    def skill(self, value: float, trivial: float) -> float:
        """Return the score: 0 for the trivial prediction, 1 for a perfect one."""
        return (value - trivial) / (self.perfect - trivial)

    def better(self, one: float, two: float) -> bool:
        """Whether one value is strictly better than another."""
        return one < two if self.direction == "min" else one > two


def log_loss(classes: str) -> Metric:
    """Return the mean negative logarithm of the true class's probability, cut off at 1e-6."""

    def rows(truth: Sequence[Any], probabilities: Floats) -> Floats:
        place = [classes.index(label) for label in truth]
        chosen = probabilities[np.arange(len(place)), place]
        found: Floats = -np.log(np.clip(chosen, _SMALLEST, 1))
        return found

    return Metric("log loss", "min", 0.0, rows)


def _squares(truth: Sequence[Any], predicted: Floats) -> Floats:
    found: Floats = (predicted[:, 0] - np.asarray(truth, dtype=np.float64)) ** 2
    return found


def _distances(truth: Sequence[Any], predicted: Floats) -> Floats:
    return np.abs(predicted[:, 0] - np.asarray(truth, dtype=np.float64))


def accuracy(positive: str) -> Metric:
    """Return the share of right answers, where a row's number of at least 0.5 says ``positive``."""

    def rows(truth: Sequence[Any], predicted: Floats) -> Floats:
        right = (predicted[:, 0] >= 0.5) == np.array([t == positive for t in truth])
        found: Floats = right.astype(np.float64)
        return found

    return Metric("accuracy", "max", 1.0, rows)


RMSE = Metric("root mean squared error", "min", 0.0, _squares, lambda mean: float(np.sqrt(mean)))
MAE = Metric("mean absolute error", "min", 0.0, _distances)


def gain_and_error(metric: Metric, new: Floats, old: Floats) -> tuple[float, float]:
    """Return by how much rows got better on average, and the standard error of that (paired, same rows).

    The ladder's rule (Blum and Hardt, The Ladder, 2015) counts a gain only where it is beyond its error.
    """
    difference = old - new if metric.direction == "min" else new - old
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))
