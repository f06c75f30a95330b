"""Data of a task: parts with labels in the grader's hands alone, and what a candidate gets as CSV text."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Row = Sequence[Any]


@dataclass(frozen=True)
class Part:
    """One split as a candidate meets it: rows to learn from, rows to predict, and the truth beside it.

    Args:
        columns: names of the features, after ``id``.
        target: name of the label's column.
        train: rows of features, to learn from.
        labels: their labels.
        test: rows of features, to predict.
        ids: an id for each row to predict; without order or meaning.
        truth: their labels; never written anywhere.
    """

    columns: tuple[str, ...]
    target: str
    train: list[Row]
    labels: list[Any]
    test: list[Row]
    ids: list[str]
    truth: list[Any]

    def files(self) -> dict[str, str]:
        """Return what the candidate finds in its folder: ``train.csv`` and ``test.csv``."""
        numbered = [
            (f"t{i}", *row, label) for i, (row, label) in enumerate(zip(self.train, self.labels, strict=True))
        ]
        train = as_csv(("id", *self.columns, self.target), numbered)
        test = as_csv(("id", *self.columns), [(i, *row) for i, row in zip(self.ids, self.test, strict=True)])
        return {"train.csv": train, "test.csv": test}


def as_csv(header: Sequence[str], rows: Sequence[Row]) -> str:
    """Return CSV text; a missing number is an empty field."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(["" if isinstance(x, float) and math.isnan(x) else x for x in row])
    return out.getvalue()


def random_ids(rng: np.random.RandomState, count: int) -> list[str]:
    """Return different ids in no order."""
    return [f"r{number}" for number in rng.choice(10**7, count, replace=False)]
