"""KnowledgeBase: our notes and yours, searched by SQLite's FTS5 (bm25), re-ranked by embeddings if you like.

A person's notes and those learnt from runs are rows of one small file; the index over them and over the notes
that we ship lives in memory and is made anew when a base is opened (a thousand notes take some 50 ms).
"""

from __future__ import annotations

import json
import math
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import cache
from importlib.resources import files
from pathlib import Path

from kernelevo.core.readable import readable
from kernelevo.errors import (
    InputError,
    StoreError,
    ToolchainMissing,
    Unwritable,
    closest,
    of_the_machine,
    refused,
)
from kernelevo.knowledge.note import BUILT_IN, RUN, Note, parse_note

VARIABLE = "KERNELEVO_KNOWLEDGE"
_ANOTHER = f"another file with {VARIABLE}"
Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS notes (id TEXT PRIMARY KEY, data TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS hidden (id TEXT PRIMARY KEY)",
)
# weights of bm25: title, symptoms, kinds, text, sample
_WEIGHTS = "4.0, 8.0, 3.0, 1.0, 0.3"
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_FUSION = 20.0
_SECONDS = 10.0


class NoteNotFound(InputError):
    """No note of that name."""


def default_path() -> Path:
    """Return where notes are kept: ``KERNELEVO_KNOWLEDGE``, else the user's folder for data."""
    if named := os.environ.get(VARIABLE):
        return Path(os.path.expanduser(named))
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(os.path.expanduser(home)) / "kernelevo" / "knowledge.db"


@cache
def built_in() -> tuple[Note, ...]:
    """Return the notes that come with the package."""
    folder = Path(str(files("kernelevo.knowledge").joinpath("entries")))
    return tuple(
        parse_note(path.read_text(encoding="utf-8"), path.stem, origin=BUILT_IN)
        for path in sorted(folder.glob("*.md"))
    )


class KnowledgeBase:
    """Notes that can be searched, added and removed.

    Args:
        path: file of a person's notes; it is made when the first is added. None keeps them in memory.
        embed: texts -> vectors; if given, what bm25 finds is re-ranked by both.

    Raises:
        StoreError: if the file is no knowledge base.
        Unwritable: if it may not be read here.
        ToolchainMissing: if this Python's SQLite has no FTS5.
    """

    def __init__(self, path: Path | None = None, *, embed: Embed | None = None) -> None:
        self.path, self._embed = path, embed
        self._own: dict[str, Note] = {}
        self._hidden: set[str] = set()
        try:
            there = path is not None and path.exists()
        except OSError as error:  # a folder above it is closed to us
            raise refused(f"the knowledge base {path} cannot be read.", error, _ANOTHER) from error
        if path is not None and there:
            self._read(path)
        self._index = sqlite3.connect(":memory:")
        try:
            self._index.execute(
                "CREATE VIRTUAL TABLE notes USING fts5(id UNINDEXED, title, symptoms, kinds, text, sample, "
                "tokenize = 'porter unicode61')"
            )
        except sqlite3.OperationalError as error:
            raise ToolchainMissing(
                "notes need SQLite's FTS5",
                why=str(error),
                now="use a Python whose SQLite has it; python.org's and Debian's do",
            ) from error
        self._fill(self.notes())

    def notes(self) -> list[Note]:
        """Return all notes: ours first, then a person's and runs' in the order in which they came."""
        ours = [n for n in built_in() if n.id not in self._own and n.id not in self._hidden]
        return [*ours, *self._own.values()]

    def get(self, id: str) -> Note:
        """Return one note.

        Raises:
            NoteNotFound: if there is none.
        """
        for note in self.notes():
            if note.id == id:
                return note
        raise NoteNotFound(f"there is no note {id!r}", why=closest(id, [n.id for n in self.notes()]))

    def add(self, note: Note) -> None:
        """Add a note; one of the same name is replaced, but for what other runs measured of a run's note.

        Half a surrogate pair in it (of a run's name that is no text, say) becomes ``?``.

        Raises:
            StoreError, Unwritable: if the file cannot be written.
        """
        note = Note.from_json(readable(note.to_json()))

        def put(file: sqlite3.Connection) -> None:
            nonlocal note
            row = file.execute("SELECT data FROM notes WHERE id = ?", (note.id,)).fetchone()
            if row is not None and note.origin == RUN:  # two runs may end at once, and each knew the old one
                note = note.united(Note.from_json(json.loads(row[0])))
            file.execute("DELETE FROM hidden WHERE id = ?", (note.id,))
            data = json.dumps(note.to_json())
            file.execute("INSERT OR REPLACE INTO notes (id, data) VALUES (?, ?)", (note.id, data))

        self._write(put)
        self._hidden.discard(note.id)
        self._own.pop(note.id, None)
        self._own[note.id] = note
        self._fill([note])

    def remove(self, id: str) -> None:
        """Remove a note.

        One of ours is hidden from now on, until one of its name is added; when that is removed ours is back.

        Raises:
            NoteNotFound: if there is none.
            StoreError, Unwritable: if the file cannot be written.
        """
        self.get(id)
        hides = id not in self._own

        def take(file: sqlite3.Connection) -> None:
            file.execute("DELETE FROM notes WHERE id = ?", (id,))
            if hides:
                file.execute("INSERT OR IGNORE INTO hidden (id) VALUES (?)", (id,))

        self._write(take)
        self._own.pop(id, None)
        if hides:
            self._hidden.add(id)
        self._index.execute("DELETE FROM notes WHERE id = ?", (id,))
        self._fill(note for note in self.notes() if note.id == id)

    def search(
        self,
        words: str,
        *,
        device: str | None = None,
        kinds: Iterable[str] = (),
        kernels: bool | None = None,
        limit: int = 5,
    ) -> list[Note]:
        """Return notes that fit, the best first.

        Args:
            words: any text; a note needs to hold one of its words.
            device: leave out notes that are for another device only.
            kinds: leave out notes that are for other kinds of kernels only.
            kernels: leave out notes that are about something else than kernels (True), or about them (False).
            limit: how many at most.
        """
        # a word with hyphens counts as a phrase and by its parts
        whole = [w.lower() for w in _WORD.findall(words)]
        parts = [part for w in whole for part in {w: None, **dict.fromkeys(w.split("-"))}]
        long = [part for part in parts if len(part) > 1]
        terms = list(dict.fromkeys(long or parts))[:60]  # letters alone where nothing else is asked: C++
        if not terms or limit < 1:
            return []
        query = " OR ".join(f'"{term}"' for term in terms)
        rows = self._index.execute(
            f"SELECT id FROM notes WHERE notes MATCH ? ORDER BY bm25(notes, 0.0, {_WEIGHTS}), id", (query,)
        )
        known, wanted = {note.id: note for note in self.notes()}, set(kinds)
        kind = device.partition(":")[0] if device else None
        found = [
            known[id]
            for (id,) in rows
            if (kind is None or not known[id].devices or kind in known[id].devices)
            and (not wanted or not known[id].kinds or wanted & set(known[id].kinds))
            and (kernels is None or known[id].about_kernels in (None, kernels))
        ]
        return self._reranked(words, found[: 4 * limit])[:limit] if self._embed else found[:limit]

    def _reranked(self, words: str, found: list[Note]) -> list[Note]:
        """Order by the sum of both ranks' reciprocals (Cormack, Clarke and Buettcher 2009)."""
        if self._embed is None or len(found) < 2:
            return found
        wanted, *vectors = self._embed([words, *(f"{n.title}. {n.symptoms}. {n.text}" for n in found)])
        near = sorted(range(len(found)), key=lambda i: -_cosine(wanted, vectors[i]))
        score = {i: 1 / (_FUSION + i) + 1 / (_FUSION + rank) for rank, i in enumerate(near)}
        return [found[i] for i in sorted(score, key=lambda i: (-score[i], i))]

    def _fill(self, notes: Iterable[Note]) -> None:
        for note in notes:
            self._index.execute("DELETE FROM notes WHERE id = ?", (note.id,))
            row = (note.id, note.title, note.symptoms, " ".join(note.kinds), note.text, note.sample)
            self._index.execute("INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?)", row)

    def _read(self, path: Path) -> None:
        try:
            with closing(sqlite3.connect(path, timeout=_SECONDS)) as file:
                tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master")}
                if not tables:  # the first note was not written: a full disk, a kill
                    return
                rows = file.execute("SELECT data FROM notes ORDER BY rowid").fetchall()
                if "hidden" in tables:
                    self._hidden = {id for (id,) in file.execute("SELECT id FROM hidden")}
            notes = [Note.from_json(readable(json.loads(data))) for (data,) in rows]
        except (sqlite3.Error, ValueError, TypeError, AttributeError) as error:
            if of_the_machine(error):
                now = f"check who may read it, or choose {_ANOTHER}"
                raise Unwritable(
                    f"the knowledge base {path} cannot be read", why=str(error), now=now
                ) from error
            raise StoreError(
                f"{path} is no knowledge base, or a damaged one", why=str(error), now="move it away"
            ) from error
        self._own = {note.id: note for note in notes}

    def _write(self, change: Callable[[sqlite3.Connection], None]) -> None:
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_SECONDS, isolation_level=None)) as file:
                file.execute("BEGIN IMMEDIATE")  # what is read for it, tables and note together, or nothing
                for table in _SCHEMA:
                    file.execute(table)
                change(file)
                file.execute("COMMIT")
        except OSError as error:
            raise refused(f"the knowledge base {self.path} cannot be written.", error, _ANOTHER) from error
        except sqlite3.Error as error:
            kind = Unwritable if of_the_machine(error) else StoreError
            raise kind(
                f"the knowledge base {self.path} cannot be written",
                why=str(error),
                now="check who may write there, and whether the disk is full",
            ) from error


def _cosine(one: Sequence[float], two: Sequence[float]) -> float:
    sizes = math.sqrt(sum(x * x for x in one)) * math.sqrt(sum(x * x for x in two))
    return sum(x * y for x, y in zip(one, two, strict=True)) / sizes if sizes else 0.0
