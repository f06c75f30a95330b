"""Report: the record of one part, written after every row so that a cut loses nothing, and its table.

A record is one JSON file, ``{"facts": ..., "rows": [...]}``, and a Markdown table beside it. A row is
``{"name", "status", ...}``; a status of null means that there is no verdict and ``why`` says the reason.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kernelevo.errors import InputError

Row = dict[str, Any]

# what rows of one file must share, in the words of the refusal
SAME = {
    "part": "part",
    "device": "device",
    "commit": "commit",
    "sources": "state of the source files",
    "size": "size",
    "driver": "driver",
    "torch": "version of torch",
    "cuda": "version of CUDA",
    "triton": "version of Triton",
}
NOT_BEGUN = "not begun"


class Record:
    """The rows of one part, on disk at any moment.

    Args:
        path: the JSON file; the table has the same name with ``.md``.
        facts: what the rows were measured on; the keys of ``SAME`` decide whether a file may be resumed.
        rows: rows that are there already.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any], rows: Sequence[Row] = ()) -> None:
        self.path, self.facts = path, dict(facts)
        self.rows: dict[str, Row] = {row["name"]: row for row in rows}

    @classmethod
    def resume(cls, path: Path, facts: Mapping[str, Any]) -> Record:
        """Go on with a file: what it was measured on must be what is here.

        Raises:
            InputError: if the file cannot be read, or is of another device, commit, part, size or version.
        """
        found = read(path)
        for key, words in SAME.items():
            there, here = found["facts"].get(key), facts.get(key)
            if there != here:
                raise InputError(
                    f"{path} cannot be resumed: it is of another {words}",
                    why=f"the file says {there!r}, here it is {here!r}; one file holds rows of one kind",
                    now=f"start a new file (leave --resume out), or go back to that {words}",
                )
        dates = [*found["facts"].get("resumed", []), facts.get("date")]
        return cls(path, {**found["facts"], "resumed": dates}, found["rows"])

    def plan(self, rows: Sequence[Row]) -> None:
        """Name the rows to come, so that a file that was cut says what it lacks; known rows stay."""
        for row in rows:
            self.rows.setdefault(row["name"], {**row, "status": None, "why": NOT_BEGUN})
        self.write()

    def done(self, name: str) -> bool:
        """Whether a row has a verdict."""
        return self.rows.get(name, {}).get("status") is not None

    def put(self, row: Row) -> None:
        """Take a row down, in the place of the one of its name, and write the files."""
        self.rows[row["name"]] = row
        self.write()

    @property
    def good(self) -> bool:
        """Whether every row is ok."""
        return all(row["status"] == "ok" for row in self.rows.values())

    def write(self) -> None:
        """Write both files; each is the old one or the new one, never a part of one."""
        rows = list(self.rows.values())
        _replace(self.path, json.dumps({"facts": self.facts, "rows": rows}, indent=1) + "\n")
        _replace(self.path.with_suffix(".md"), table(self.facts, rows))


def read(path: Path) -> dict[str, Any]:
    """Return a record's facts and rows.

    Raises:
        InputError: if it is missing, cannot be read, or is not a record.
    """
    now = "name a JSON file that `make gpu` wrote, or start a new one (leave --resume out)"
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read", why=error.strerror or str(error), now=now) from error
    except ValueError as error:
        raise InputError(f"{path} is damaged: it is not JSON", why=str(error), now=now) from error
    wrong = _fault(found)
    if wrong:
        raise InputError(f"{path} is damaged or not a record of `make gpu`", why=wrong, now=now)
    return dict(found)


def _fault(found: Any) -> str:
    if not isinstance(found, dict) or not isinstance(found.get("facts"), dict):
        return "it holds no facts"
    if not isinstance(found["facts"].get("resumed", []), list):
        return "its dates of resumption are no list"
    if not isinstance(found.get("rows"), list):
        return "it holds no rows"
    for number, row in enumerate(found["rows"], 1):
        if not isinstance(row, dict) or not isinstance(row.get("name"), str) or "status" not in row:
            return f"row {number} has no name or no status"
        if not isinstance(row["status"], str | None) or not isinstance(row.get("figures"), dict | None):
            return f"row {number} has a status or figures of another kind than ours"
    names = [row["name"] for row in found["rows"]]
    return "" if len(set(names)) == len(names) else "two rows have the same name"


def table(facts: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Return the record in Markdown: what it was measured on, then a line per row."""
    columns = list(dict.fromkeys(key for row in rows for key in row.get("figures") or {}))
    lines = [f"# GPU: {facts.get('part')}, {facts.get('date')}", ""]
    lines += [f"- {key}: {_cell(facts[key])}" for key in facts if key not in ("part", "date")]
    lines += ["", _line(["row", "status", *columns, "remark"]), _line(["---"] * (len(columns) + 3))]
    for row in rows:
        figures = row.get("figures") or {}
        values = [_number(figures.get(column)) for column in columns]
        status = "no verdict" if row["status"] is None else row["status"]
        lines.append(_line([row["name"], status, *values, _remark(row)]))
    return "\n".join(lines) + "\n"


def words(row: Mapping[str, Any]) -> str:
    """Return a row in one line, for the terminal."""
    figures = [
        f"{key} {_number(value)}" for key, value in (row.get("figures") or {}).items() if value is not None
    ]
    return ", ".join(filter(None, [str(row["status"] or "no verdict"), *figures, _remark(row)]))


def _remark(row: Mapping[str, Any]) -> str:
    """Return what a row says for itself: of an error's text the last line that is not indented names it."""
    if row.get("why"):
        lines = [line for line in str(row["why"]).splitlines() if line.strip()]
        return next((line for line in reversed(lines) if not line[0].isspace()), "")[:200]
    told = row.get("remark") or (row.get("feedback") if row["status"] != "ok" else "")
    return str(told or "").partition("\n")[0][:200]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, list | dict) else str(value)
    return " ".join(text.split()).replace("|", "\\|")


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _replace(path: Path, text: str) -> None:
    """Write a text beside its place, then put it there in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.tmp")  # what a cut leaves is overwritten by the next
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # the name must not come to stand for an empty file if the machine stops
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
