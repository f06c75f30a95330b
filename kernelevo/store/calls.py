"""The ledger of a run: one row for each request to a language model, written before it is sent."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelevo.store.database import plain_rows
from kernelevo.store.journal import Journal
from kernelevo.store.lock import writer_of
from kernelevo.store.rows import dumps

_LOST = "the run was killed before the reply was received; what it cost is not known"


@dataclass(frozen=True)
class CallRow:
    """One request to a language model; see ``llm.Call`` for the fields.

    Args:
        id: position among the calls, from 1; 0 for one that is not recorded yet.
        prompt: messages as ``{"role", "content"}``.
        state: ``asked`` when it was sent, then ``answered`` or ``failed``; ``lost`` if its run was killed
            in between.
    """

    role: str
    model: str
    prompt_sha256: str
    prompt: tuple[Mapping[str, str], ...] = ()
    id: int = 0
    at: float = 0.0
    trial: int | None = None
    persona: str = ""
    served: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    reply: str | None = None
    finish: str = ""
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None
    dollars: float | None = None
    estimated: bool = False
    latency: float = 0.0
    attempts: int = 1
    error: str = ""
    state: str = "answered"

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return {**vars(self), "prompt": [dict(m) for m in self.prompt], "settings": dict(self.settings)}


class CallLedger(Journal):
    """The part of a run's database that holds requests to language models."""

    def add_call(self, row: CallRow) -> int:
        """Write a call down and return its id. A prompt that was sent before is kept once.

        One that is only asked survives a kill of the run, not a power cut: it is not worth waiting for the
        disk before each request.

        Raises:
            StoreError: if the store cannot be written.
        """
        values, prompt = _columns(row)
        names = ", ".join(values)
        with self._write(durable=row.state != "asked") as db:
            db.execute("INSERT OR IGNORE INTO prompts VALUES (?, ?)", (row.prompt_sha256, prompt))
            cursor = db.execute(
                f"INSERT INTO calls ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
            )
        return int(cursor.lastrowid or 0)

    def end_call(self, number: int, row: CallRow) -> None:
        """Write down what came of a call that was asked.

        Raises:
            StoreError: if the store cannot be written.
        """
        values, _ = _columns(row)
        given = ", ".join(f"{name} = ?" for name in values)
        with self._write() as db:
            db.execute(f"UPDATE calls SET {given} WHERE id = ?", (*values.values(), number))

    def lost_calls(self) -> int:
        """How many calls were sent, and maybe paid for, whose replies were not received: the run was killed.

        What is only asked while somebody writes the run is under way, not lost.
        """
        states = ("lost", "lost" if writer_of(self.folder) else "asked")
        return int(self._read("SELECT COUNT(*) FROM calls WHERE state IN (?, ?)", *states)[0][0])

    def _lose_calls(self) -> None:
        """A new writer knows that the one before it is gone, and that nobody waits for its calls any more."""
        with self._write() as db:
            db.execute("UPDATE calls SET state = 'lost', error = ? WHERE state = 'asked'", (_LOST,))

    def calls(self, *, role: str | None = None, after: int = 0) -> list[CallRow]:
        """Calls with an id above ``after``, in order, of all roles or of one."""
        rows = self._read(
            "SELECT c.*, p.messages FROM calls c LEFT JOIN prompts p ON p.sha256 = c.prompt_sha256 "
            "WHERE c.id > ? AND (? IS NULL OR c.role = ?) ORDER BY c.id",
            after,
            role,
            role,
        )
        with plain_rows(self._path):
            return list(_rows(rows))

    def add_opinion(self, trial: int, judge: str, opinion: Mapping[str, Any]) -> None:
        """Write down what a judge model thinks of a trial's program."""
        at = self._clock()
        with self._write() as db:
            db.execute(
                "INSERT OR REPLACE INTO opinions VALUES (?, ?, ?, ?)",
                (trial, judge, at, dumps(dict(opinion))),
            )

    def opinions(self) -> dict[int, dict[str, Any]]:
        """The latest opinion of each trial that has one."""
        rows = self._read("SELECT trial, opinion FROM opinions ORDER BY at, judge")
        with plain_rows(self._path):
            return {row["trial"]: json.loads(row["opinion"]) for row in rows}

    def spent_on_calls(self) -> dict[str, float]:
        """What all calls together used, by unit."""
        return {
            unit: total
            for row in self.cost_of_calls()
            for unit, total in (("tokens", row["tokens"]), ("dollars", row["dollars"]))
            if row["role"] is None and total
        }

    def cost_of_calls(self) -> list[dict[str, Any]]:
        """One row of plain data for each model and role, and a last one (model and role None) for all.

        There is none without calls. Dollars and tokens that nobody knows are not in the sums; ``unpriced``
        counts such calls that were answered, ``lost`` those whose reply was not received.
        """
        columns = (
            "COUNT(*) AS calls, SUM(state = 'failed') AS failed, SUM(state = 'lost') AS lost, "
            "SUM(attempts) AS attempts, "
            "SUM(COALESCE(tokens_in, 0)) AS tokens_in, SUM(COALESCE(tokens_cached, 0)) AS tokens_cached, "
            "SUM(COALESCE(tokens_out, 0)) AS tokens_out, "
            "SUM(COALESCE(tokens_in, 0) + COALESCE(tokens_out, 0)) AS tokens, "
            "SUM(dollars) AS dollars, SUM(reply IS NOT NULL AND dollars IS NULL) AS unpriced, "
            "SUM(latency) AS seconds"
        )
        grouped = f"SELECT model, role, {columns} FROM calls GROUP BY model, role ORDER BY model, role"
        total = f"SELECT NULL AS model, NULL AS role, {columns} FROM calls"
        return [dict(row) for query in (grouped, total) for row in self._read(query) if row["calls"]]


def _columns(row: CallRow) -> tuple[dict[str, Any], str]:
    """Values by column, and the prompt's messages, which have a table of their own."""
    values = row.to_json()
    values["settings"], prompt = dumps(values["settings"]), dumps(values.pop("prompt"))
    del values["id"]
    return values, prompt


def _rows(rows: Iterable[sqlite3.Row]) -> Iterable[CallRow]:
    for row in rows:
        values = {key: row[key] for key in row.keys()}  # noqa: SIM118  a Row iterates over values
        messages = values.pop("messages")
        values["prompt"] = tuple(json.loads(messages)) if messages else ()
        values["settings"] = json.loads(values["settings"])
        values["estimated"] = bool(values["estimated"])
        yield CallRow(**values)
