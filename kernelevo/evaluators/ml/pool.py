"""The reference pool of a task: scripted baselines of scikit-learn on the sealed test, a board for medals."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kernelevo.evaluators.ml.data import Floats, Part
from kernelevo.evaluators.ml.tasks import MLTask, ridge

VERSION = 1


@dataclass(frozen=True)
class Board:
    """Scores of the pool, the best first is not implied.

    Args:
        names: what each baseline is.
        scores: the metric of each.
        digest: hash of names and scores, so that two medals can be seen to be of the same board.
    """

    names: tuple[str, ...]
    scores: tuple[float, ...]
    digest: str

    def to_json(self) -> dict[str, Any]:
        """Return what a report says of the board."""
        entries = dict(zip(self.names, self.scores, strict=True))
        return {"version": VERSION, "digest": self.digest, "entries": len(self.scores), "scores": entries}


Model = Callable[[Floats, Any, Floats], Floats]


def board(task: MLTask, part: Part, seed: int) -> Board:
    """Fit every baseline on a part's training rows and score it on the rows to predict.

    Args:
        task: which task.
        part: the sealed one.
        seed: of models that draw.
    """
    names, scores = ["trivial"], [task.metric.value(task.metric.rows(part.truth, task.trivial(part)))]
    for name, predicted in _baselines(task, part, seed % 2**31):
        names.append(name)
        scores.append(task.metric.value(task.metric.rows(part.truth, predicted)))
    text = json.dumps([VERSION, names, [f"{s:.9g}" for s in scores]])
    return Board(tuple(names), tuple(scores), hashlib.sha256(text.encode()).hexdigest()[:16])


def _baselines(task: MLTask, part: Part, seed: int) -> Iterator[tuple[str, Floats]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # models that did not converge are part of a pool, too
        yield from _KINDS[task.kind](task, part, seed)


def _tables(task: MLTask, part: Part, seed: int) -> Iterator[tuple[str, Floats]]:
    train, test = _encoded(part)
    for name, model in _models(task, seed):
        model.fit(train, part.labels)
        yield name, _predicted(task, model, test)


def _texts(task: MLTask, part: Part, seed: int) -> Iterator[tuple[str, Floats]]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.svm import LinearSVC

    words, asked = [r[0] for r in part.train], [r[0] for r in part.test]
    for longest in (1, 2, 3):
        for least in (1, 2):
            to_matrix = TfidfVectorizer(ngram_range=(1, longest), min_df=least)
            train, test = to_matrix.fit_transform(words), to_matrix.transform(asked)
            models = [LogisticRegression(C=c, max_iter=200) for c in (0.3, 3, 30)]
            for model in (*models, MultinomialNB(alpha=0.3), LinearSVC(C=0.3)):
                model.fit(train, part.labels)
                said = np.array([[float(label == "good")] for label in model.predict(test)])
                yield f"{model} on words of {longest}, {least}", said


def _forecasts(task: MLTask, part: Part, seed: int) -> Iterator[tuple[str, Floats]]:
    history: dict[str, list[float]] = {}
    for row, label in zip(part.train, part.labels, strict=True):
        history.setdefault(row[0], []).append(label)
    for window in (7, 14, 28, 56, 112, 200):
        level = {s: float(np.mean(v[-window:])) for s, v in history.items()}
        middle = {s: float(np.median(v[-window:])) for s, v in history.items()}
        yield f"mean of {window} days", np.array([[level[r[0]]] for r in part.test])
        yield f"median of {window} days", np.array([[middle[r[0]]] for r in part.test])
        for how, average in (("mean", np.mean), ("median", np.median)):
            week = {
                (s, d): float(average([x for i, x in enumerate(v) if i >= len(v) - window and i % 7 == d]))
                for s, v in history.items() for d in range(7)
            }  # fmt: skip
            yield f"weekday {how} of {window} days", np.array([[week[r[0], r[2]]] for r in part.test])
    for rate in (0.02, 0.05, 0.1, 0.2, 0.4):
        smooth = {s: _smoothed(v, rate) for s, v in history.items()}
        yield f"smoothing {rate}", np.array([[smooth[r[0]]] for r in part.test])


def _smoothed(values: list[float], rate: float) -> float:
    level = values[0]
    for value in values[1:]:
        level += rate * (value - level)
    return level


def _engineered(task: MLTask, part: Part, seed: int) -> Iterator[tuple[str, Floats]]:
    train, test = np.array(part.train, dtype=np.float64), np.array(part.test, dtype=np.float64)
    single: dict[str, Callable[[Floats], Floats]] = {
        "raw": lambda x: x, "log": np.log, "inverse": lambda x: 1 / x, "square": np.square, "root": np.sqrt,
        "sine": lambda x: np.sin(3 * x), "steps": lambda x: (x > 1.6).astype(np.float64),
    }  # fmt: skip
    names = list(single)
    for count in range(1, 4):
        for first in range(len(names)):
            chosen = [names[(first + k) % len(names)] for k in range(count)]
            a, b = (np.hstack([single[n](x) for n in chosen]) for x in (train, test))
            yield f"ridge on {', '.join(chosen)}", ridge(part, a, b)
    for name in names:
        i, j = np.triu_indices(8, 1)
        a, b = (np.hstack([x, single[name](x)[:, i] * single[name](x)[:, j]]) for x in (train, test))
        yield f"ridge on products of {name}", ridge(part, a, b)
        a, b = (np.hstack([x, x[:, i] / x[:, j]]) for x in (train, test))
        yield f"ridge on ratios and {name}", ridge(part, np.hstack([a, single[name](train)]),
                                                   np.hstack([b, single[name](test)]))  # fmt: skip


_KINDS = {"table": _tables, "text": _texts, "series": _forecasts, "features": _engineered}


def _models(task: MLTask, seed: int) -> Iterator[tuple[str, Any]]:
    """Yield unfitted models of a table, about forty."""
    from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, tree

    kind = "Classifier" if task.simplex else "Regressor"
    for strength in (0.01, 0.1, 1.0, 10.0, 100.0):
        model = linear_model.LogisticRegression(C=strength, max_iter=200) if task.simplex else None
        yield f"linear, {strength}", model or linear_model.Ridge(alpha=1 / strength)
    for near in (3, 10, 30, 60):
        yield f"{near} neighbours", getattr(neighbors, f"KNeighbors{kind}")(near)
    for depth in (2, 4, 6, 9):
        yield (
            f"tree of depth {depth}",
            getattr(tree, f"DecisionTree{kind}")(max_depth=depth, random_state=seed),
        )
    for name in ("RandomForest", "ExtraTrees"):
        for leaf in (1, 3, 10, 30):
            chosen = getattr(ensemble, name + kind)
            yield f"{name} with leaves of {leaf}", chosen(40, min_samples_leaf=leaf, random_state=seed)
    for rate in (0.03, 0.1, 0.3):
        for leaves in (4, 8, 31):
            chosen = getattr(ensemble, f"HistGradientBoosting{kind}")
            yield (
                f"boosting at {rate} with {leaves} leaves",
                chosen(learning_rate=rate, max_leaf_nodes=leaves, max_iter=80, random_state=seed),
            )
    for width in (8, 32):
        chosen = getattr(neural_network, f"MLP{kind}")
        yield f"network of {width}", chosen(hidden_layer_sizes=(width,), max_iter=60, random_state=seed)
    if task.simplex:
        yield "naive Bayes", naive_bayes.GaussianNB()


def _predicted(task: MLTask, model: Any, test: Floats) -> Floats:
    if task.simplex:
        found: Floats = model.predict_proba(test)
        return found
    return np.asarray(model.predict(test), dtype=np.float64)[:, None]


def _encoded(part: Part) -> tuple[Floats, Floats]:
    """Numbers with medians for gaps and marks where they were; categories as marks."""
    columns = list(zip(*part.train, strict=True)), list(zip(*part.test, strict=True))
    made: list[list[Floats]] = [[], []]
    for learnt, asked in zip(*columns, strict=True):
        if isinstance(learnt[0], str):
            for value in sorted(set(learnt)):
                for out, column in zip(made, (learnt, asked), strict=True):
                    out.append(np.array([float(v == value) for v in column]))
            continue
        middle = float(np.nanmedian(np.array(learnt)))
        scale = float(np.nanstd(np.array(learnt))) or 1.0
        for out, column in zip(made, (learnt, asked), strict=True):
            gaps = np.array([math.isnan(v) for v in column])
            out.append((np.where(gaps, middle, np.array(column)) - middle) / scale)
            out.append(gaps.astype(np.float64))
    return np.stack(made[0], axis=1), np.stack(made[1], axis=1)
