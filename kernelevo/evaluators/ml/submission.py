"""Reading a submission: CSV or npz without pickle, each mistake with an exact message and without a score."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np

from kernelevo.evaluators.ml.data import Floats

CSV_FILE, NPZ_FILE = "submission.csv", "submission.npz"
MOST_BYTES = 16 << 20
_SUM_TOLERANCE = 1e-6


class Invalid(ValueError):
    """A submission that cannot be scored; the text says what is wrong and where."""


def read(
    files: Mapping[str, bytes],
    ids: Sequence[str],
    columns: Sequence[str],
    *,
    low: float = -1e12,
    high: float = 1e12,
    simplex: bool = False,
) -> Floats:
    """Return predictions in the order of ``ids``.

    ``submission.csv`` has the header ``id`` and the columns; ``submission.npz`` has an array for each of
    these names.

    Args:
        files: what the program wrote.
        ids: every one has to be there once.
        columns: names of the predicted columns.
        low: smallest number allowed.
        high: largest number allowed.
        simplex: whether the columns of a row are probabilities, which add up to 1.

    Raises:
        Invalid: with one sentence.
    """
    if CSV_FILE in files:
        given, table = _csv(files[CSV_FILE], columns)
    elif NPZ_FILE in files:
        given, table = _npz(files[NPZ_FILE], columns)
    else:
        raise Invalid(f"neither {CSV_FILE} nor {NPZ_FILE} was written")
    if len(given) != len(ids):
        raise Invalid(f"{len(given)} rows, expected {len(ids)}")
    place = {name: i for i, name in enumerate(given)}
    if len(place) != len(given):
        twice = next(name for i, name in enumerate(given) if place[name] != i)
        raise Invalid(f"id {twice[:40]!r} is there more than once")
    missing = [name for name in ids if name not in place]
    if missing:
        raise Invalid(f"{len(missing)} ids are missing, the first is {missing[0]!r}")
    ordered: Floats = table[[place[name] for name in ids]]
    _check_numbers(ordered, ids, columns, low, high)
    if simplex:
        sums = ordered.sum(1)
        off = np.abs(sums - 1) > _SUM_TOLERANCE
        if off.any():
            row = int(off.argmax())
            raise Invalid(f"the probabilities of id {ids[row]!r} add up to {sums[row]:.6g}, not to 1")
    return ordered


def read_features(files: Mapping[str, bytes], train: int, test: int, most: int) -> tuple[Floats, Floats]:
    """Return the arrays ``train`` and ``test`` of ``submission.npz``: features for a fixed model.

    Args:
        files: what the program wrote.
        train: rows of the first.
        test: rows of the second.
        most: columns allowed.

    Raises:
        Invalid: with one sentence.
    """
    if NPZ_FILE not in files:
        raise Invalid(f"{NPZ_FILE} was not written")
    arrays = _arrays(files[NPZ_FILE], ("train", "test"))
    found = []
    for name, count in (("train", train), ("test", test)):
        array = arrays[name]
        if array.ndim != 2 or array.shape[0] != count or not 1 <= array.shape[1] <= most:
            raise Invalid(f"{name} has the shape {array.shape}, expected ({count}, 1 to {most})")
        found.append(_numbers(array, name))
    if found[0].shape[1] != found[1].shape[1]:
        raise Invalid(f"train has {found[0].shape[1]} columns, test has {found[1].shape[1]}")
    for name, table in zip(("train", "test"), found, strict=True):
        _check_numbers(table, [f"row {i}" for i in range(len(table))], [name] * table.shape[1], -1e12, 1e12)
    return found[0], found[1]


def _check_numbers(
    table: Floats, ids: Sequence[str], columns: Sequence[str], low: float, high: float
) -> None:
    good = np.isfinite(table) & (table >= low) & (table <= high)
    if not good.all():
        row, column = np.argwhere(~good)[0]
        raise Invalid(
            f"{columns[column]} of id {ids[row]!r} is {float(table[row, column])!r}: "
            f"expected a number from {low:g} to {high:g}"
        )


def _csv(content: bytes, columns: Sequence[str]) -> tuple[list[str], Floats]:
    if len(content) > MOST_BYTES:
        raise Invalid(f"{CSV_FILE} has {len(content)} bytes, more than {MOST_BYTES}")
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"{CSV_FILE} is not CSV text in UTF-8: {error}") from None
    wanted = ["id", *columns]
    if not lines or lines[0] != wanted:
        shown = ",".join(lines[0])[:80] if lines else ""
        raise Invalid(f"the header is {shown!r}, expected {','.join(wanted)!r}")
    names, rows = [], []
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(wanted):
            raise Invalid(f"line {number} has {len(line)} fields, expected {len(wanted)}")
        names.append(line[0])
        rows.append([_number(text, number) for text in line[1:]])
    return names, np.array(rows, dtype=np.float64).reshape(len(rows), len(columns))


def _number(text: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Invalid(f"line {line}: {text[:40]!r} is not a number") from None
    if math.isnan(value):
        raise Invalid(f"line {line}: {text[:40]!r} is not a number")
    return value


def _npz(content: bytes, columns: Sequence[str]) -> tuple[list[str], Floats]:
    arrays = _arrays(content, ("id", *columns))
    names = arrays["id"]
    if names.ndim != 1 or names.dtype.kind != "U":
        raise Invalid(
            f"the array id has the type {names.dtype} and {names.ndim} axes, expected texts on one axis"
        )
    parts = []
    for name in columns:
        if arrays[name].shape != names.shape:
            raise Invalid(f"the array {name} has the shape {arrays[name].shape}, expected {names.shape}")
        parts.append(_numbers(arrays[name], name))
    return [str(n) for n in names], np.stack(parts, axis=1)


def _arrays(content: bytes, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read named arrays; sizes are checked before anything is unpacked, pickles are refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > MOST_BYTES:
                raise Invalid(f"{NPZ_FILE} holds {size} bytes, more than {MOST_BYTES}")
        with np.load(io.BytesIO(content), allow_pickle=False) as loaded:
            missing = [name for name in names if name not in loaded.files]
            if missing:
                raise Invalid(
                    f"{NPZ_FILE} has no array {missing[0]!r}; it has {', '.join(loaded.files)[:80]!r}"
                )
            return {name: loaded[name] for name in names}
    except Invalid:
        raise
    except Exception as error:  # zlib.error, struct.error, RuntimeError ...: a program wrote these bytes
        raise Invalid(f"{NPZ_FILE} cannot be read without pickle: {str(error)[:120]}") from None


def _numbers(array: np.ndarray, name: str) -> Floats:
    if array.dtype.kind not in "fiu":
        raise Invalid(f"the array {name} has the type {array.dtype}, expected numbers")
    return array.astype(np.float64)
