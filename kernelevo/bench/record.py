"""Record: ``bench.json``, ``bench.csv``, ``bench.md`` after every row, ``bench.html`` at the end."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kernelevo.bench.facts import refuse_foreign
from kernelevo.bench.fates import MODE, fate, fates
from kernelevo.bench.figures import baselines, speedup_key, summary
from kernelevo.bench.page import page
from kernelevo.bench.row import Row
from kernelevo.errors import InputError, StoreError, refused
from kernelevo.report.table import csv_cell

JSON, CSV, PAGE, HTML = "bench.json", "bench.csv", "bench.md", "bench.html"
LOCK = "bench.lock"
# in the file the speed-ups over each baseline stand between these
_BEFORE = ("name", "program", "status", "score", "score_low", "score_high", "baseline", "latency_ms")
_AFTER = (
    "max_abs_error", "oracle_error", "reference_oracle_error", "meets_1e-5", "precision", "grade", "made_by",
    "confirmed", "seconds", "searched_seconds", "preparation_seconds", "program_id", "upstream_correct",
    "upstream_correct_loose", "upstream_speedup", "fault", "size", "form",
)  # fmt: skip
_RELEASED = ("fate", "claims")  # of a released solution
_BEFORE_THE_FIRST = {LOCK, f".{JSON}.tmp"}  # left by a series that met a full disk

Key = tuple[str, str | None]


class Record:
    """The rows of one series, on disk at any moment.

    Args:
        folder: of the series.
        facts: what the rows were made with.
        rows: rows that are there already.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], rows: Iterable[Row] = ()) -> None:
        self.folder, self.facts = folder, dict(facts)
        self._rows: dict[Key, Row] = {row.key: row for row in rows}
        self._planned: dict[Key, None] = dict.fromkeys(self._rows)

    @classmethod
    def open(cls, folder: Path, facts: Mapping[str, Any]) -> Record:
        """Begin a record in a folder that is held (``alone``), or go on with the one that is there.

        Raises:
            InputError: if the record there is damaged, or of another series.
        """
        path = folder / JSON
        if path.exists():
            found = read(path)
            refuse_foreign(found["bench"], facts, folder)
            sittings = [*found["bench"].get("sittings", []), *facts["sittings"]]
            return cls(folder, {**found["bench"], "sittings": sittings}, map(Row.from_json, found["tasks"]))
        return cls(folder, facts)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows, in the order of the plan."""
        return tuple(self._rows[key] for key in self._planned if key in self._rows)

    def plan(self, keys: Sequence[Key]) -> None:
        """Name the rows to come, in order; rows that are there stay, after them those not named now.

        Of a task whose programs are named, programs that are not among them are gone: they leave the figures,
        and their folders stay.
        """
        named, tasks = set(keys), {name for name, program in keys if program is not None}
        for key in [k for k in self._rows if k[0] in tasks and k[1] is not None and k not in named]:
            del self._rows[key], self._planned[key]
        self._planned = dict.fromkeys([*keys, *self._planned])

    def plan_next(self, key: Key, *, after: Key) -> None:
        """Name one more row to come, in the place after another."""
        keys = [k for k in self._planned if k != key]
        at = keys.index(after) + 1 if after in keys else len(keys)
        self._planned = dict.fromkeys([*keys[:at], key, *keys[at:]])

    def find(self, key: Key) -> Row | None:
        """Return the row of a key, if it is there."""
        return self._rows.get(key)

    def done(self, key: Key, program_id: str | None = None) -> bool:
        """Whether a row has a verdict; a fault has none and is tried again.

        Args:
            key: of the row.
            program_id: of the program that is to be judged; None for a search.
        """
        row = self._rows.get(key)
        return row is not None and row.fault is None and program_id in (row.program_id, None)

    def put(self, row: Row, *, write: bool = True) -> None:
        """Take a row, in the place of an earlier one of its key, and write the files unless told not to."""
        if row.program is not None:  # that there was no program holds no longer
            self._rows.pop((row.name, None), None)
            self._planned.pop((row.name, None), None)
        self._rows[row.key] = row
        self._planned.setdefault(row.key)
        if write:
            self.write()

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``bench --json`` prints: ``bench``, ``tasks`` and ``summary``."""
        missing = dict.fromkeys(name for name, program in self._planned if (name, program) not in self._rows)
        tasks = [row.to_json() for row in self.rows]
        counted = summary(self.rows, list(missing))
        if self.facts["mode"] == MODE:
            counted["fates"] = fates(self.rows)
        return {"bench": self.facts, "tasks": tasks, "summary": counted}

    def page(self) -> str:
        """Return the series as a Markdown page."""
        return self._page(self.to_json())

    def _page(self, data: Mapping[str, Any]) -> str:
        return page(data["bench"], self.rows, data["summary"])

    def write_html(self) -> Path:
        """Write the page with charts and programs, and return where; drawing it takes a second or two.

        Raises:
            StoreError, Unwritable: if it cannot be written.
        """
        from kernelevo.bench.html import html

        data, path = self.to_json(), self.folder / HTML
        try:
            _replace(path, html(data["bench"], self.rows, data["summary"], self.folder))
        except OSError as error:
            raise refused(f"the page {path} cannot be written.", error) from error
        return path

    def write(self) -> None:
        """Write the files; each is the old one or the new one, never a part of one.

        Raises:
            StoreError, Unwritable: if they cannot be written.
        """
        try:
            data = self.to_json()
            document = json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False)
            _replace(self.folder / JSON, document + "\n")
            released = self.facts["mode"] == MODE
            _replace(self.folder / CSV, rows_csv(self.rows, released=released))
            _replace(self.folder / PAGE, self._page(data))
        except OSError as error:
            raise refused(f"the record in {self.folder} cannot be written.", error) from error


def read(path: Path) -> dict[str, Any]:
    """Return what a record holds, its rows checked.

    Raises:
        InputError: if it cannot be read or is not a record.
    """
    now = "choose another folder with --out, or put the file right"
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict) or not isinstance(found.get("bench"), dict):
            raise ValueError("it says nothing of its series")
        if not isinstance(found["bench"].get("sittings", []), list) or not isinstance(
            found.get("tasks"), list
        ):
            raise ValueError("it holds no list of tasks")
        rows = [Row.from_json(row) for row in found["tasks"]]
    except OSError as error:
        raise InputError(f"{path} cannot be read", why=error.strerror or str(error), now=now) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged or not the record of a series", why=str(error), now=now
        ) from error
    if len({row.key for row in rows}) != len(rows):
        raise InputError(f"{path} is damaged: two rows are of the same task", now=now)
    return found


def rows_csv(rows: Sequence[Row], *, released: bool = False) -> str:
    """Return the rows as CSV text; a value that does not exist is empty.

    Args:
        rows: of the series; each baseline that they were compared with has a column.
        released: whether they are of released solutions: with what became of each and its makers' claims.
    """
    columns = (*_BEFORE, *map(speedup_key, baselines(rows)), *_AFTER, *(_RELEASED if released else ()))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        theirs = {f"upstream_{key}": value for key, value in (row.upstream or {}).items()}
        data = {
            **row.metrics,
            **theirs,
            **row.to_json(),
            "fault": row.fault["message"] if row.fault else None,
            "fate": fate(row),
            "claims": json.dumps(dict(row.claims), ensure_ascii=False) if row.claims else None,
        }
        writer.writerow(csv_cell(data.get(name)) for name in columns)
    return out.getvalue()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a series' folder, which is made if it is missing; the kernel frees it when its holder dies.

    Raises:
        StoreError: if another process holds it, or it is somebody else's: nothing is left there then.
        Unwritable: if the folder cannot be made, written or locked.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        inside = set(os.listdir(folder))
        if JSON not in inside and inside - _BEFORE_THE_FIRST:
            raise StoreError(
                f"{folder} is not empty and holds no {JSON}",
                why="a series has a folder of its own",
                now="choose another folder with --out, or leave it out for a new one",
            )
        file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise refused(f"the folder {folder} cannot be used.", error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise StoreError(
            f"another process is at work on the series in {folder}",
            why="a series has one writer at a time",
            now="wait for it, or choose another folder with --out",
        ) from error
    except OSError as error:  # a file system without locks, say: nobody is to be waited for
        os.close(file)
        raise refused(f"the folder {folder} cannot be locked.", error) from error
    try:
        yield
    finally:
        os.close(file)


def _replace(path: Path, text: str) -> None:
    """Write a text beside its place, then put it there in one step."""
    beside = path.with_name(f".{path.name}.tmp")  # what a cut leaves is overwritten by the next
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())  # the name must not come to stand for an empty file if the machine stops
    beside.replace(path)
