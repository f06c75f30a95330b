"""Tables of a competition: the form of its answers, rows kept back for validation, checked submissions."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from kernelevo.errors import BadSetting
from kernelevo.evaluators.ml.submission import CSV_FILE, MOST_BYTES, Invalid
from kernelevo.evaluators.mlebench.competition import Competition

MOST_TABLES = 64 << 20
SHARE = 5
"""One row in so many is kept back for validation."""
FEWEST = 20
Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A CSV table as text.

    Args:
        columns: its header.
        rows: its lines, as many fields in each.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def text(self) -> str:
        """Return it as CSV."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([self.columns, *self.rows])
        return out.getvalue()

    def column(self, name: str) -> list[str]:
        """Return one column."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def only(self, columns: Sequence[str]) -> Table:
        """Return some columns, in that order."""
        places = [self.columns.index(name) for name in columns]
        return Table(tuple(columns), tuple(tuple(row[p] for p in places) for row in self.rows))


@dataclass(frozen=True)
class Data:
    """What a competition's public tables hold.

    Args:
        ident: the column of ids.
        labels: columns that only the training table has.
        classes: the label column whose values are a submission's columns; None where those are label columns.
        train: the public training table.
        test: the public test table, with the columns that the training table has too.
        sample: a submission with the test's ids.
        answers: header of the table that the grader compares with.
    """

    ident: str
    labels: tuple[str, ...]
    classes: str | None
    train: Table
    test: Table
    sample: Table
    answers: tuple[str, ...]

    @property
    def ids(self) -> list[str]:
        """The ids that a submission has to have, in order."""
        return self.sample.column(self.ident)

    def files(self) -> dict[str, str]:
        """Return what a candidate finds in its folder."""
        tables = {"train.csv": self.train, "test.csv": self.test, "sample_submission.csv": self.sample}
        return {name: table.text() for name, table in tables.items()}

    def validation(self, seed: int) -> tuple[Data, Table]:
        """Keep rows back from the training table.

        Args:
            seed: which rows, and their order.

        Returns:
            the same competition with other rows to predict, and the answers to these.
        """
        order = list(range(len(self.train.rows)))
        Random(seed).shuffle(order)
        cut = max(FEWEST, len(order) // SHARE)
        hidden, seen = order[:cut], sorted(order[cut:])
        kept = Table(self.train.columns, tuple(self.train.rows[i] for i in hidden))
        constant = dict(zip(self.sample.columns, self.sample.rows[0], strict=True))
        rows = tuple(
            tuple(ident if name == self.ident else constant[name] for name in self.sample.columns)
            for ident in kept.column(self.ident)
        )
        carved = replace(
            self,
            train=Table(self.train.columns, tuple(self.train.rows[i] for i in seen)),
            test=kept.only(self.test.columns),
            sample=Table(self.sample.columns, rows),
        )
        return carved, self._answers(kept)

    def _answers(self, kept: Table) -> Table:
        columns = []
        for name in self.answers:
            if name in kept.columns:
                columns.append(kept.column(name))
            else:
                assert self.classes is not None  # read_data refuses anything else
                columns.append(["1" if value == name else "0" for value in kept.column(self.classes)])
        return Table(self.answers, tuple(zip(*columns, strict=True)))


def read_data(competition: Competition) -> Data:
    """Read a competition's public tables and find out how its answers follow from them.

    Raises:
        BadSetting: for a competition whose validation answers cannot be made from ``train.csv``.
    """

    def refuse(why: str) -> BadSetting:
        return BadSetting(
            f"the competition {competition.id} cannot be searched with validation rows of its own", why=why,
            now="only competitions of one table can; for others write an evaluator: kernelevo new evaluator",
        )  # fmt: skip

    files = (competition.train, competition.test, competition.sample)
    size = sum(path.stat().st_size for path in files)
    if size > MOST_TABLES:
        raise refuse(f"its tables have {size >> 20} MiB, more than {MOST_TABLES >> 20}")
    train, test, sample = (_read(path, refuse) for path in files)
    ident = sample.columns[0]
    shared = tuple(name for name in test.columns if name in train.columns)
    labels = tuple(name for name in train.columns if name not in test.columns)
    needed = [name for name in competition.answers_header if name not in train.columns]
    targets = sample.columns[1:]
    if ident not in shared or ident not in competition.answers_header:
        raise refuse(f"not every table has the column of ids, {ident!r}")
    if len(shared) < 2 or not labels or not targets:
        raise refuse("train.csv and test.csv share no features, or train.csv has no labels")
    if sorted(test.column(ident)) != sorted(sample.column(ident)) or len(set(train.column(ident))) != len(
        train.rows
    ):
        raise refuse("ids are not one for each row, or those of the sample submission are others")
    if len(train.rows) < 2 * FEWEST or not sample.rows:
        raise refuse(f"train.csv has {len(train.rows)} rows")
    classes = None
    if needed:
        fits = (name for name in labels if set(train.column(name)) <= set(targets) >= set(needed))
        classes = next(fits, None)
        if classes is None:
            raise refuse(f"the answers have columns that train.csv has not: {', '.join(needed)[:200]}")
    return Data(ident, labels, classes, train, test.only(shared), sample, competition.answers_header)


def read_submission(written: Mapping[str, bytes], data: Data) -> Table:
    """Return a submission in the order of the ids asked for.

    Args:
        written: what the program wrote, by name.
        data: the rows that it had to predict.

    Raises:
        Invalid: with one sentence, and without a score.
    """
    content = written.get(CSV_FILE)
    if content is None:
        raise Invalid(f"{CSV_FILE} was not written")
    if len(content) > MOST_BYTES:
        raise Invalid(f"{CSV_FILE} has {len(content)} bytes, more than {MOST_BYTES}")
    try:
        text = io.StringIO(content.decode("utf-8"), newline="")
        lines = [line for line in csv.reader(text) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"{CSV_FILE} is not CSV text in UTF-8: {error}") from None
    wanted, ids = data.sample.columns, data.ids
    if not lines or tuple(lines[0]) != wanted:
        shown = ",".join(lines[0])[:80] if lines else ""
        raise Invalid(f"the header is {shown!r}, expected {','.join(wanted)[:200]!r}")
    rows: dict[str, Row] = {}
    numbers = _numeric(data.sample)
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(wanted):
            raise Invalid(f"line {number} has {len(line)} fields, expected {len(wanted)}")
        if line[0] in rows:
            raise Invalid(f"id {line[0][:40]!r} is there more than once")
        for place in numbers:
            if not _finite(line[place]):
                raise Invalid(f"line {number}: {line[place][:40]!r} is not a finite number")
        rows[line[0]] = tuple(line)
    if len(rows) != len(ids):
        raise Invalid(f"{len(rows)} rows, expected {len(ids)}")
    missing = [name for name in ids if name not in rows]
    if missing:
        raise Invalid(f"{len(missing)} ids are missing, the first is {missing[0]!r}")
    return Table(wanted, tuple(rows[name] for name in ids))


def _numeric(sample: Table) -> list[int]:
    """Return the places of a submission's columns that hold numbers in the sample."""
    places = range(1, len(sample.columns))
    return [p for p in places if all(_finite(row[p]) for row in sample.rows[:100])]


def _finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _read(path: Path, refuse: Callable[[str], BadSetting]) -> Table:
    try:
        with open(path, newline="", encoding="utf-8") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise refuse(f"{path} cannot be read: {error}") from error
    if not lines or not lines[0] or len(set(lines[0])) != len(lines[0]):
        raise refuse(f"{path} has no header, or a name in it twice")
    odd = next((n for n, line in enumerate(lines, 1) if len(line) != len(lines[0])), None)
    if odd is not None:
        raise refuse(f"line {odd} of {path} has {len(lines[odd - 1])} fields, expected {len(lines[0])}")
    return Table(tuple(lines[0]), tuple(map(tuple, lines[1:])))
