"""Journal: the part of a run's database that is not trials (commands, events, rebases)."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kernelevo.errors import StoreError
from kernelevo.store import database
from kernelevo.store.lock import WriterLock
from kernelevo.store.rows import Command, EventRow, Rebase, dumps, texts

Clock = Callable[[], float]


class Journal:
    """An open run database: who may write, reading and writing, and the rows beside the trials.

    Args:
        folder: the run's folder.
        db: the open connection.
        lock: the writer's lock; None for a reader.
        shelter: temporary folder to remove at the end, if the file had to be copied to be read.
        clock: gives the seconds since the epoch for rows that carry a time.
    """

    def __init__(
        self,
        folder: Path,
        db: sqlite3.Connection,
        *,
        lock: WriterLock | None,
        shelter: Path | None,
        clock: Clock,
    ) -> None:
        self.folder = folder
        self._db, self._lock, self._shelter, self._clock = db, lock, shelter, clock
        self._path = folder / database.RUN_FILE
        self._last_event: int | None = None

    def close(self) -> None:
        """Free the file and the writer's lock; safe to call twice."""
        self._db.close()
        if self._lock:
            self._lock.release()
        if self._shelter:
            shutil.rmtree(self._shelter, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def readonly(self) -> bool:
        """Whether this store may not write trials."""
        return self._lock is None

    @property
    def is_copy(self) -> bool:
        """Whether this reads a copy, in which what comes later is not.

        So it is where the folder cannot be written, and for a file of an earlier version of kernelevo.
        """
        return self._shelter is not None

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Rows of a query that only reads, for views of the run.

        Raises:
            StoreError: if it is no such query, or the file is damaged.
        """
        return self._read(query, *values)

    @contextmanager
    def at_one_moment(self) -> Iterator[Self]:
        """Read everything inside as it was at one moment, whatever its writer adds meanwhile.

        Raises:
            StoreError: if the file cannot be read.
        """
        with database.plain_errors(self._path):
            self._db.execute("BEGIN")
        try:
            yield self
        finally:
            with contextlib.suppress(sqlite3.Error):  # nothing was written: there is nothing to lose
                self._db.execute("ROLLBACK")

    def append_command(self, author: str, verb: str, args: Mapping[str, Any]) -> Command:
        """Record an order; anyone may, also while a run is being written by another process.

        Raises:
            StoreError: if the folder cannot be written.
        """
        if self._lock:
            with database.plain_errors(self._path):
                return self._append_command(self._db, author, verb, args)
        with database.plain_errors(self._path):
            uri = f"{self._path.absolute().as_uri()}?mode=rw"
            db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30.0)
            try:
                return self._append_command(db, author, verb, args)
            finally:
                db.close()

    def commands(self, after: int = 0) -> list[Command]:
        """Commands with an id above ``after``, in order."""
        rows = self._read("SELECT * FROM commands WHERE id > ? ORDER BY id", after)
        with database.plain_rows(self._path):
            return [Command(**{**dict(row), "args": json.loads(row["args"])}) for row in rows]

    def obeyed(self, command: Command, effect: str) -> None:
        """Write down what came of a command."""
        with self._write() as db:
            db.execute(
                "UPDATE commands SET effect = ?, after = (SELECT COUNT(*) FROM trials) WHERE id = ?",
                (effect, command.id),
            )

    def append_event(self, kind: str, data: Mapping[str, Any], *, trial: int | None = None) -> EventRow:
        """Record something that happened beside the trials."""
        at = self._clock()
        with self._write() as db:
            cursor = db.execute(
                "INSERT INTO events (at, kind, trial, data) VALUES (?, ?, ?, ?)",
                (at, kind, trial, texts(dict(data))),
            )
        self._last_event = int(cursor.lastrowid or 0)
        return EventRow(self._last_event, at, kind, trial, dict(data))

    @property
    def last_event(self) -> int:
        """Id of the latest event as its writer knows it, 0 if there is none."""
        if self._last_event is None:
            self._last_event = int(self._read("SELECT COALESCE(MAX(id), 0) FROM events")[0][0])
        return self._last_event

    def events(self, after: int = 0, *, kind: str | None = None) -> list[EventRow]:
        """Events with an id above ``after``, in order, all or those of one kind."""
        rows = self._read(
            "SELECT * FROM events WHERE id > ? AND (? IS NULL OR kind = ?) ORDER BY id", after, kind, kind
        )
        with database.plain_rows(self._path):
            return [EventRow(r["id"], r["at"], r["kind"], r["trial"], json.loads(r["data"])) for r in rows]

    def rebase(self, before: str, now: str, factor: float, data: Mapping[str, Any]) -> Rebase:
        """Record that scores against one baseline read as scores against another from now on.

        Raises:
            ValueError: if the factor is not positive, or the baselines are the same.
        """
        if not factor > 0 or before == now:
            raise ValueError(f"a rebase from {before!r} to {now!r} by {factor}")
        at = self._clock()
        with self._write() as db:
            (after,) = db.execute("SELECT COUNT(*) FROM trials").fetchone()
            db.execute(
                "INSERT INTO rebases (at, before, now, factor, data, after) VALUES (?, ?, ?, ?, ?, ?)",
                (at, before, now, factor, dumps(dict(data)), after),
            )
        return Rebase(before, now, factor, dict(data), after, at)

    def rebases(self) -> list[Rebase]:
        """All rebases, in order."""
        rows = self._read("SELECT before, now, factor, data, after, at FROM rebases ORDER BY id")
        with database.plain_rows(self._path):
            return [Rebase(**{**dict(row), "data": json.loads(row["data"])}) for row in rows]

    @contextmanager
    def _write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction of the run's writer; without ``durable`` a power cut (no kill) may lose it."""
        if self._lock is None:
            raise StoreError(f"{self._path} was opened for reading only.")
        with database.plain_errors(self._path):
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            with database.transaction(self._db) as db:
                yield db

    def _read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        with database.plain_errors(self._path):
            return self._db.execute(query, values).fetchall()

    def _append_command(
        self, db: sqlite3.Connection, author: str, verb: str, args: Mapping[str, Any]
    ) -> Command:
        at = self._clock()
        with database.transaction(db):
            cursor = db.execute(
                "INSERT INTO commands (at, author, verb, args) VALUES (?, ?, ?, ?)",
                (at, author, verb, dumps(dict(args))),
            )
        return Command(int(cursor.lastrowid or 0), at, author, verb, dict(args))
