"""RunStore: everything that happened in one run, written by one, read by anyone."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from kernelevo.core import Program, Proposal, Task, Trial
from kernelevo.errors import StoreError, refused
from kernelevo.store import database
from kernelevo.store.calls import CallLedger
from kernelevo.store.journal import Clock
from kernelevo.store.lock import WriterLock
from kernelevo.store.rows import (
    TRIAL_COLUMNS,
    Draft,
    Rebase,
    dumps,
    program_from,
    rebased,
    trial_from,
    trial_row,
)

T = TypeVar("T")
_TRIALS = "SELECT t.*, p.language, p.files FROM trials t JOIN programs p ON p.id = t.program"
_INSERT_TRIAL = (
    f"INSERT INTO trials ({TRIAL_COLUMNS}) VALUES ({', '.join('?' * len(TRIAL_COLUMNS.split(',')))})"
)


class RunStore(CallLedger):
    """The database of one run folder; make one with ``create`` or ``open``.

    Readers see every committed row while the writer is at work. Appending a command is open to everyone.
    A store belongs to the thread that opened it.
    """

    @classmethod
    def create(
        cls, folder: Path | str, task: Task, settings: Mapping[str, Any], *, clock: Clock = time.time
    ) -> RunStore:
        """Start a new run in a folder, which is made if need be.

        Args:
            folder: the run's folder.
            task: what is optimised.
            settings: plain data, all that ``resume`` needs.
            clock: gives the seconds since the epoch for every row that carries a time.

        Raises:
            StoreError: if the folder holds a run already or cannot be used.
            Unwritable: if it cannot be written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(f"the run folder {folder} cannot be made.", error) from error
        lock = WriterLock(folder)
        facts = {
            "task": dumps(task.to_json()),
            "settings": dumps(dict(settings)),
            "state": dumps("new"),
            "created": dumps(clock()),
            "searched": dumps(0.0),
        }
        try:
            db = database.create(folder, facts)
        except BaseException:
            lock.release()
            raise
        return cls(folder, db, lock=lock, shelter=None, clock=clock)

    @classmethod
    def open(cls, folder: Path | str, readonly: bool = False, *, clock: Clock = time.time) -> RunStore:
        """Open an existing run, by default as its one writer.

        Raises:
            RunNotFound: if the folder holds no run.
            StoreError: if the file is damaged, of a later version, or another process is the writer.
        """
        folder = Path(folder)
        if readonly:
            db, shelter = database.open_for_reading(folder)
            return cls(folder, db, lock=None, shelter=shelter, clock=clock)
        if not (folder / database.RUN_FILE).exists():
            database.open_for_writing(folder)  # says that there is no run, and leaves no lock file behind
        lock = WriterLock(folder)
        try:
            db = database.open_for_writing(folder)
        except BaseException:
            lock.release()
            raise
        store = cls(folder, db, lock=lock, shelter=None, clock=clock)
        try:
            store._lose_calls()
        except BaseException:
            store.close()
            raise
        return store

    # the run itself

    @property
    def task(self) -> Task:
        """What is optimised."""
        return self._fact("task", Task.from_json)

    @property
    def settings(self) -> dict[str, Any]:
        """Plain data given to ``create``."""
        return self._fact("settings", _table)

    @property
    def state(self) -> str:
        """``new``, ``running``, ``paused``, ``stopped`` or ``done``; a killed run still says ``running``."""
        return self._fact("state", str)

    @property
    def created(self) -> float:
        """Seconds since the epoch when the run was made."""
        return self._fact("created", float)

    @property
    def searched(self) -> float:
        """Seconds of search so far, over all sittings."""
        return self._fact("searched", float)

    def set_state(self, state: str, *, searched: float | None = None) -> None:
        """Record what the run is doing now, and its seconds of search."""
        with self._write() as db:
            self._set_facts(db, state=state, searched=searched)

    @property
    def gauge(self) -> dict[str, Any]:
        """How busy the run was when it last said so; empty if it never did."""
        rows = self._read("SELECT value FROM run WHERE name = 'gauge'")
        return dict(json.loads(rows[0][0])) if rows else {}

    def set_gauge(self, data: Mapping[str, Any]) -> None:
        """Record how busy the run is now; only the last one is kept."""
        with self._write(durable=False) as db:
            db.execute("INSERT OR REPLACE INTO run VALUES ('gauge', ?)", (dumps(dict(data)),))

    @property
    def lookups(self) -> list[dict[str, Any]]:
        """What the run asked its knowledge base and was answered, in order; none if it did not keep that."""
        rows = self._read("SELECT value FROM run WHERE name = 'lookups'")
        return list(json.loads(rows[0][0])) if rows else []

    def add_lookup(self, data: Mapping[str, Any]) -> None:
        """Write down what was asked of the knowledge base and what it answered, for replays of the run."""
        told = [*self.lookups, dict(data)]
        with self._write(durable=False) as db:
            db.execute("INSERT OR REPLACE INTO run VALUES ('lookups', ?)", (dumps(told),))

    # trials

    def record(
        self, trial: Trial, *, searched: float | None = None, records: Mapping[str, Any] | None = None
    ) -> None:
        """Write one finished trial, in one transaction: afterwards nothing can lose it.

        Args:
            trial: the row.
            searched: seconds of search so far.
            records: plain data to keep beside it.

        Raises:
            StoreError: if a trial of that number is there already.
        """
        with self._write() as db:
            self._put_program(db, trial.program)
            try:
                db.execute(_INSERT_TRIAL, trial_row(trial))
            except sqlite3.IntegrityError as error:
                raise StoreError(
                    f"trial {trial.number} is recorded already.",
                    why="a number is given to one trial only",
                    now="report this: it is a defect of kernelevo",
                ) from error
            db.execute("DELETE FROM drafts WHERE number = ?", (trial.number,))
            self._put_records(db, trial.number, records or {})
            self._set_facts(db, searched=searched)

    def trials(self, *, raw: bool = False) -> list[Trial]:
        """All trials by number, with the scores as they read today, or as first recorded (``raw``)."""
        rebases = [] if raw else self.rebases()
        return [rebased(trial, rebases) for trial in self._trials(f"{_TRIALS} ORDER BY t.number")]

    def out(self) -> frozenset[str]:
        """Ids of the programs that count no more: banned, or refuted when they were timed again."""
        found = {str(event.data["program"]) for event in self.events(kind="ban")}
        # the last of several such verdicts on a trial holds
        final = {event.trial: event.data["score"] for event in self.events(kind="final")}
        refuted = [number for number, score in final.items() if score is None]
        held = ", ".join("?" * len(refuted))
        rows = self._read(f"SELECT program FROM trials WHERE number IN ({held})", *refuted)
        return frozenset(found | {str(row["program"]) for row in rows})

    def count(self) -> int:
        """How many trials are recorded."""
        return int(self._read("SELECT COUNT(*) FROM trials")[0][0])

    def history(self) -> list[Trial | Rebase]:
        """Trials as recorded and rebases, in the order in which they happened: what a resume replays."""
        past: list[Trial | Rebase] = []
        rebases = self.rebases()
        for index, trial in enumerate(self._trials(f"{_TRIALS} ORDER BY t.position")):
            while rebases and rebases[0].after <= index:
                past.append(rebases.pop(0))
            past.append(trial)
        return past + list(rebases)

    # drafts

    def add_drafts(self, drafts: list[Draft]) -> None:
        """Keep proposals before they are judged; their records are readable at once.

        What cost nothing is not worth waiting for the disk: it can be proposed again.
        """
        with self._write(durable=any(draft.proposal.cost for draft in drafts)) as db:
            for draft in drafts:
                program = draft.proposal.program
                self._put_program(db, program)
                db.execute(
                    "INSERT INTO drafts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        draft.ask,
                        draft.position,
                        draft.number,
                        program.id,
                        dumps(list(program.parents)),
                        dumps(program.origin.to_json()),
                        draft.proposer,
                        dumps(dict(draft.proposal.cost)),
                        dumps(dict(draft.proposal.records)),
                        draft.island,
                        draft.seen,
                        draft.started,
                    ),
                )
                if draft.number is not None:
                    self._put_records(db, draft.number, draft.proposal.records)

    def take_draft(self, draft: Draft) -> None:
        """Write down which trial a waiting draft fills now, and from when."""
        with self._write(durable=False) as db:
            db.execute(
                "UPDATE drafts SET number = ?, seen = ?, started = ? WHERE ask = ? AND position = ?",
                (draft.number, draft.seen, draft.started, draft.ask, draft.position),
            )
            if draft.number is not None:
                self._put_records(db, draft.number, draft.proposal.records)

    def drafts(self) -> list[Draft]:
        """Proposals that no recorded trial holds yet, in order of their asks."""
        rows = self._read(
            "SELECT d.*, p.language, p.files FROM drafts d JOIN programs p ON p.id = d.program "
            "ORDER BY d.ask, d.position"
        )
        return [
            Draft(
                ask=row["ask"],
                position=row["position"],
                proposal=Proposal(
                    program_from(row["language"], row["files"], row["parents"], row["origin"]),
                    json.loads(row["cost"]),
                    json.loads(row["records"]),
                ),
                proposer=row["proposer"],
                number=row["number"],
                island=row["island"],
                seen=row["seen"],
                started=row["started"],
            )
            for row in rows
        ]

    def records(self, number: int) -> dict[str, Any]:
        """What the proposer kept beside a trial: prompt, reply, by name."""
        rows = self._read("SELECT kind, value FROM records WHERE trial = ? ORDER BY kind", number)
        with database.plain_rows(self._path):
            return {row["kind"]: json.loads(row["value"]) for row in rows}

    def records_of(self, kind: str) -> dict[int, Any]:
        """One kind of record of all trials, by their numbers."""
        rows = self._read("SELECT trial, value FROM records WHERE kind = ? ORDER BY trial", kind)
        with database.plain_rows(self._path):
            return {row["trial"]: json.loads(row["value"]) for row in rows}

    # inside

    def _fact(self, name: str, read: Callable[[Any], T]) -> T:
        """Return one fact of the run, as ``read`` makes it of plain data."""
        rows = self._read("SELECT value FROM run WHERE name = ?", name)
        if not rows:
            raise self._damaged(f"it has no {name}")
        try:
            return read(json.loads(rows[0][0]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            told = f"its {name} cannot be read: {type(error).__name__}: {error}"
            raise self._damaged(told) from error

    def _damaged(self, why: str) -> StoreError:
        return StoreError(
            f"{self._path} is damaged.", why=why, now="restore it from a copy, or start a new run"
        )

    def _trials(self, query: str) -> Iterator[Trial]:
        for row in self._read(query):
            yield self._trial(row)

    def _trial(self, row: sqlite3.Row) -> Trial:
        try:
            return trial_from({key: row[key] for key in row.keys()})  # noqa: SIM118  a Row iterates over values
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(f"trial {row['number']} cannot be read: {error}") from error

    @staticmethod
    def _set_facts(db: sqlite3.Connection, **facts: Any) -> None:
        given = [(dumps(value), name) for name, value in facts.items() if value is not None]
        db.executemany("UPDATE run SET value = ? WHERE name = ?", given)

    @staticmethod
    def _put_program(db: sqlite3.Connection, program: Program) -> None:
        db.execute(
            "INSERT OR IGNORE INTO programs VALUES (?, ?, ?)",
            (program.id, program.language, dumps(dict(program.files))),
        )

    @staticmethod
    def _put_records(db: sqlite3.Connection, number: int, records: Mapping[str, Any]) -> None:
        rows = [(number, kind, dumps(value)) for kind, value in records.items()]
        db.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", rows)


def _table(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TypeError(f"{type(data).__name__} where names and values should be")
    return data
