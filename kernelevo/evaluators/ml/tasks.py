"""The bundled tasks: data, metric, what a submission looks like, and the trivial prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kernelevo.evaluators.ml import generators
from kernelevo.evaluators.ml.data import Floats, Part
from kernelevo.evaluators.ml.generators import Split
from kernelevo.evaluators.ml.metrics import MAE, RMSE, Metric, accuracy, log_loss

MOST_FEATURES = 40
_FORM = """Write a program with a function main(). In its folder it finds train.csv (id, features, label) and
test.csv (id, features). It writes {form} No labels of test.csv are anywhere; there is no network.
numpy and scikit-learn are there. The score is 0 for the trivial prediction and 1 for a perfect one, by
{metric}, on hidden rows. Limits: {seconds:g} s, {memory} MiB, one core."""


@dataclass(frozen=True)
class MLTask:
    """One task.

    Args:
        name: what a user types.
        version: of its generator; part of every verdict.
        about: what the data is.
        part: makes a split from a number that the machine's secret gives.
        metric: how predictions are judged.
        columns: of a submission, after ``id``; empty for features for a fixed model.
        trivial: predictions that look at the training labels alone.
        low: smallest number in a submission.
        high: largest.
        simplex: whether a row's columns add up to 1.
        kind: which reference baselines fit.
        seconds: wall time of a program.
    """

    name: str
    version: int
    about: str
    part: Callable[[int, Split], Part]
    metric: Metric
    columns: tuple[str, ...]
    trivial: Callable[[Part], Floats]
    low: float = -1e9
    high: float = 1e9
    simplex: bool = False
    kind: str = "table"
    seconds: float = 30.0

    @property
    def goal(self) -> str:
        """The aim in words, for proposers."""
        form = f"submission.csv with the header id,{','.join(self.columns)}, one row for each id of test.csv."
        if not self.columns:
            form = (
                "submission.npz with the arrays train and test: features of the rows of both files in their "
                f"order, at most {MOST_FEATURES} columns. A ridge regression (penalty 1, standardised "
                "features) is fitted to them."
            )
        words = _FORM.format(form=form, metric=self.metric.name, seconds=self.seconds, memory=MEMORY >> 20)
        return f"{self.about}\n{' '.join(words.split())}"


MEMORY = 2 << 30


def _shares(classes: str) -> Callable[[Part], Floats]:
    def trivial(part: Part) -> Floats:
        shares = np.array([part.labels.count(c) for c in classes]) / len(part.labels)
        return np.tile(shares, (len(part.ids), 1))

    return trivial


def _mean(part: Part) -> Floats:
    return np.full((len(part.ids), 1), float(np.mean(part.labels)))


def _majority(part: Part) -> Floats:
    return np.full((len(part.ids), 1), float(part.labels.count("good") * 2 >= len(part.labels)))


def _last_value(part: Part) -> Floats:
    last: dict[str, float] = {}
    for row, label in zip(part.train, part.labels, strict=True):
        last[row[0]] = label
    return np.array([[last[row[0]]] for row in part.test])


TASKS = {
    task.name: task
    for task in (
        MLTask(
            "ml_churn", 2,
            "Predict which of three things a customer does, a, b or c, from eight numbers and two "
            "categories; a tenth of the numbers is missing.",
            generators.split(generators.churn), log_loss("abc"), ("a", "b", "c"), _shares("abc"),
            low=0.0, high=1.0, simplex=True,
        ),
        MLTask(
            "ml_prices", 2,
            "Predict a price from nine numbers and an area; a tenth of the numbers is missing.",
            generators.split(generators.prices), RMSE, ("price",), _mean,
        ),
        MLTask(
            "ml_reviews", 2,
            "Tell good from bad reviews in a made-up language. Some words carry a feeling, some turn or "
            "strengthen the next one. The column good is a number from 0 to 1; 0.5 and more means good.",
            generators.split(generators.reviews), accuracy("good"), ("good",), _majority,
            low=0.0, high=1.0, kind="text",
        ),
        MLTask(
            "ml_demand", 2,
            "Forecast the daily demand of 25 shops for the four weeks after the 200 days of train.csv. "
            "Demand has a trend, a week, a season, slow noise and rare peaks.",
            generators.demand, MAE, ("demand",), _last_value, low=0.0, kind="series",
        ),
        MLTask(
            "ml_features", 2,
            "Make features for a fixed linear model. y depends on ratios, products, waves, logarithms and "
            "thresholds of eight raw columns.",
            generators.split(generators.features), RMSE, (), _mean, kind="features",
        ),
    )
}  # fmt: skip


def ridge(part: Part, train: Floats, test: Floats, penalty: float = 1.0) -> Floats:
    """Return the predictions of the fixed model: standardised features, an intercept, a ridge penalty."""
    middle, width = train.mean(0), train.std(0)
    width = np.where(width > 0, width, 1.0)
    a, b = np.clip((train - middle) / width, -20, 20), np.clip((test - middle) / width, -20, 20)
    labels = np.asarray(part.labels, dtype=np.float64)
    matrix = a.T @ a + penalty * np.eye(a.shape[1])
    weights = np.linalg.solve(matrix, a.T @ (labels - labels.mean()))
    found: Floats = (b @ weights + labels.mean())[:, None]
    return found
