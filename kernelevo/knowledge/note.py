"""Note: one thing that is known, by its symptom, with scope, source and a small sample."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from kernelevo.errors import InputError, closest
from kernelevo.knowledge.kinds import KINDS

BUILT_IN, PERSON, RUN = "built-in", "person", "run"
MOST_EVIDENCE = 8
_BEGIN = re.compile(r"\A\+\+\+[ \t]*\n")
_HEAD = re.compile(r"\A\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_SAMPLE = re.compile(r"^```(\w+)\n(.*?)^```\s*$", re.DOTALL | re.MULTILINE)
_KEYS = {"title", "symptoms", "devices", "kinds", "source"}
_DEVICES = ("cpu", "cuda")


class BadNote(InputError):
    """A note that cannot be read."""


@dataclass(frozen=True)
class Evidence:
    """One measurement behind a note.

    Args:
        run: name of the run.
        trial: number of the trial there.
        gain: its score over that of the program it came from (or over parity), above 1 if it was faster; over
            a score below 0: 1 and the difference as a share of it.
        low, high: interval of the score, where one was measured.
    """

    run: str
    trial: int
    gain: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Note:
    """Something worth knowing.

    Args:
        id: name, unique in a knowledge base.
        title: one line.
        symptoms: words by which the situation is recognised; they weigh most in a search.
        text: what to do and why.
        devices: ``cpu``, ``cuda``; empty for any.
        kinds: kinds of kernels (see ``kinds_of``); empty for any.
        sample: program text that shows it, possibly empty.
        language: of the sample: ``cpp``, ``cuda``, ``triton``, ``python``.
        source: where the fact comes from.
        origin: ``built-in``, ``person`` or ``run``.
        evidence: measurements behind it.
    """

    id: str
    title: str
    symptoms: str
    text: str
    devices: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    sample: str = ""
    language: str = ""
    source: str = ""
    origin: str = BUILT_IN
    evidence: tuple[Evidence, ...] = ()

    @property
    def about_kernels(self) -> bool | None:
        """Whether it is about kernels, or about a task that is something else; None if it does not say."""
        if self.origin == BUILT_IN or self.devices or self.kinds:
            return True
        return False if self.origin == RUN else None

    def united(self, other: Note) -> Note:
        """Return this note with the measurements of both, at most eight, the largest gains first.

        What this one says of a trial holds, whatever the other one says.
        """
        rows: dict[tuple[str, int], Evidence] = {}
        for row in (*self.evidence, *other.evidence):
            rows.setdefault((row.run, row.trial), row)
        return replace(self, evidence=tuple(sorted(rows.values(), key=lambda row: -row.gain)[:MOST_EVIDENCE]))

    def shown(self) -> str:
        """Return the note as Markdown, for a prompt or a terminal."""
        parts = [f"### {self.title} [{self.id}]", self.text]
        if self.evidence:
            rows = ", ".join(f"x{e.gain:.3g} in {e.run} #{e.trial}" for e in self.evidence[:4])
            parts.append(f"Measured: {rows}.")
        if self.sample:
            mark = "`" * (1 + max([2, *map(len, re.findall("`+", self.sample))]))  # longer than any inside
            parts.append(f"{mark}{self.language}\n{self.sample.rstrip()}\n{mark}")
        if self.source:
            parts.append(f"Source: {self.source}")
        return "\n\n".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Note:
        """Rebuild a note from ``to_json``."""
        evidence = tuple(Evidence(**row) for row in data.get("evidence", ()))
        lists = {key: tuple(data.get(key, ())) for key in ("devices", "kinds")}
        return cls(**{**data, **lists, "evidence": evidence})


def parse_note(text: str, id: str = "", *, origin: str = PERSON) -> Note:
    """Read a note from Markdown.

    A head of TOML between two lines ``+++`` may hold ``title``, ``symptoms``, ``source`` (texts), ``devices``
    and ``kinds`` (lists). Without a head the first line is the title and all words are symptoms. The first
    fenced block is the sample.

    Args:
        text: Markdown; its lines may end as on Windows.
        id: the note's name; made of title and content if empty.
        origin: who wrote it.

    Raises:
        BadNote: for an empty text, or a head that cannot be read.
    """
    data: dict[str, Any] = {}
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    body = text
    if head := _HEAD.match(text):
        try:
            data = tomllib.loads(head[1])
        except tomllib.TOMLDecodeError as error:
            raise BadNote("the head of the note cannot be read", why=str(error)) from error
        body = text[head.end() :]
    elif _BEGIN.match(text):
        raise BadNote("the head of the note has no end", now="close it by a second line +++")
    _check(data)
    sample = _SAMPLE.search(body)
    prose = (body[: sample.start()] + body[sample.end() :] if sample else body).strip()
    first = prose.partition("\n")[0].lstrip("# ").strip()
    title = str(data.get("title") or first)[:120]
    if not title or not prose:
        raise BadNote("the note is empty", now="write a title, a blank line, and what is worth knowing")
    if not id:
        stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "note"
        id = f"{stem}-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:6]}"
    return Note(
        id,
        title,
        str(data.get("symptoms", "" if head else prose)),
        prose,
        tuple(data.get("devices", ())),
        tuple(data.get("kinds", ())),
        sample[2] if sample else "",
        sample[1] if sample else "",
        str(data.get("source", "")),
        origin,
    )


def _check(data: Mapping[str, Any]) -> None:
    for key, value in data.items():
        if key not in _KEYS:
            raise BadNote(f"the head of the note has an unknown key {key!r}", why=", ".join(sorted(_KEYS)))
        listed = key in ("devices", "kinds")
        good = (
            isinstance(value, list) and all(isinstance(v, str) for v in value)
            if listed
            else isinstance(value, str)
        )
        if not good:
            raise BadNote(f"{key} of the note must be {'a list of texts' if listed else 'a text'}")
    for device in data.get("devices", ()):
        if device not in _DEVICES:
            raise BadNote(f"the note names a device {device!r}", why=f"known: {', '.join(_DEVICES)}")
    for kind in data.get("kinds", ()):
        if kind not in KINDS:  # no search of a run would ever find it
            raise BadNote(f"the note names a kind {kind!r}", why=closest(kind, KINDS))
