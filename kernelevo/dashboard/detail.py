"""Detail: one trial with all that is recorded of it, and two programs side by side."""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from kernelevo.core import Trial, listing
from kernelevo.core.evaluation import plain
from kernelevo.core.program import ENTRY
from kernelevo.core.readable import readable
from kernelevo.engine.replay import SEED
from kernelevo.errors import BadSetting
from kernelevo.report.changes import side_by_side
from kernelevo.store import RUN_FILE, Digest, rebased
from kernelevo.store.database import plain_rows
from kernelevo.store.rows import trial_from

_ONE = "SELECT t.*, p.language, p.files FROM trials t JOIN programs p ON p.id = t.program WHERE t.number = ?"


def trial(digest: Digest, number: int) -> dict[str, Any]:
    """Return a trial as ``show --json`` prints it, with its records, relatives and the orders it carried.

    ``final`` is its verdict in fresh processes, the last one of several; None where it was not judged again.
    ``knowledge`` are the notes that were looked up for its brief: ``note`` (its id), ``trigger``,
    ``because``, ``title`` and ``in_prompt``: whether the recorded prompt has it (long prompts drop notes);
    both are None where no prompt is recorded.

    Raises:
        BadSetting: if there is none of this number.
    """
    found = _trial(digest, number)
    first: dict[str, int] = {}
    for line in digest.lines:
        first.setdefault(line.program, line.number)
    told = {command.id: command for command in digest.commands}
    details = found.program.origin.details
    fork = [details["fork"]] if "fork" in details else []
    records = readable(plain(digest.store.records(number)))
    given = [*details.get("hints", ()), *details.get("notes", ()), *fork]
    return {
        **found.to_json(),
        "final": _final(digest, number),
        "records": records,
        "made_from": [first[name] for name in found.program.parents if name in first],
        "made_into": [line.number for line in digest.lines if found.program.id in line.parents][:200],
        "carried": [
            {"id": n, "verb": told[n].verb, "author": told[n].author, "args": dict(told[n].args)}
            for n in given
            if n in told
        ],
        "knowledge": [_note(row, prompt_text(records)) for row in details.get("knowledge", ())],
        "source": listing(found.program),
    }


def diff(digest: Digest, a: int, b: int) -> dict[str, Any]:
    """Return what changed from one trial's program to another's: rows side by side, and a unified text.

    Raises:
        BadSetting: if one of them does not exist.
    """
    one, two = (listing(_trial(digest, number).program) for number in (a, b))
    unified = difflib.unified_diff(one.splitlines(), two.splitlines(), f"#{a}", f"#{b}", lineterm="")
    rows = side_by_side(one, two)
    return {
        "a": a,
        "b": b,
        "added": sum(row.kind in ("added", "changed") and row.right is not None for row in rows),
        "removed": sum(row.kind in ("removed", "changed") and row.left is not None for row in rows),
        "rows": [row.to_json() for row in rows],
        "unified": "\n".join(unified),
    }


def languages(digest: Digest) -> dict[str, str]:
    """Return the languages of the programs that a run began with, each with the path of its one file."""
    seeds = [_trial(digest, line.number).program for line in digest.lines if line.proposer == SEED]
    return {p.language: p.entry for p in seeds if len(p.files) == 1} or {"python": ENTRY}


def prompt_text(records: Mapping[str, Any]) -> str:
    """Return the prompt of a trial as one text; empty if there was none."""
    prompt = records.get("prompt")
    if isinstance(prompt, list):
        return "\n\n".join(f"[{m.get('role', '')}]\n{m.get('content', '')}" for m in prompt)
    return str(prompt) if prompt else ""


def _final(digest: Digest, number: int) -> dict[str, Any] | None:
    told = digest.finals.get(number)
    found: dict[str, Any] | None = readable(plain(dict(told))) if told is not None else None
    return found


def _note(row: Mapping[str, Any], prompt: str) -> dict[str, Any]:
    """A note that was looked up, with its title as the prompt has it."""
    heading = re.search(rf"^### (.+) \[{re.escape(str(row['note']))}\]$", prompt, re.MULTILINE)
    return {
        **row,
        "title": heading[1] if heading else None,
        "in_prompt": heading is not None if prompt else None,
    }


def _trial(digest: Digest, number: int) -> Trial:
    row = _row(digest, number)
    with plain_rows(digest.folder / RUN_FILE):
        return rebased(trial_from({key: row[key] for key in row.keys()}), digest.rebases)  # noqa: SIM118


def _row(digest: Digest, number: int) -> sqlite3.Row:
    rows = digest.store.rows(_ONE, number) if abs(number) < 1 << 63 else []  # what SQLite has
    if not rows:
        raise BadSetting(f"there is no trial {number}", why=f"{len(digest.lines)} are recorded")
    return rows[0]
