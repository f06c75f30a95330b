"""Program: one immutable candidate, a file or a small tree of files, named by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

ENTRY = "program.py"
_LONGEST_PATH = 200  # bytes: file systems take 255 in a name


def path_problem(paths: Iterable[str]) -> str:
    """Say why these paths cannot be a program's files in one folder, or an empty text.

    Args:
        paths: as they are written, with ``/`` between folders.
    """
    folders: set[str] = set()
    for path in (known := list(paths)):
        parts = path.split("/")
        if not path.isprintable() or "\\" in path or any(p in ("", ".", "..") for p in parts):
            return f"not a path inside a program: {path!r}"
        if len(path.encode()) > _LONGEST_PATH:
            return f"the path of a file is too long: {path[:40]!r}..."
        folders.update("/".join(parts[:end]) for end in range(1, len(parts)))
    both = folders.intersection(known)
    return f"{min(both)!r} is a file of the program and a folder, too" if both else ""


@dataclass(frozen=True)
class Origin:
    """Where a program came from.

    Args:
        proposer: name of the proposer, e.g. ``"rewrite"``; ``"seed"`` for the task's own programs.
        idea: one line, what was tried.
        details: plain data a proposer wants back later (rewrites applied, tuned values, model, prompt hash).
    """

    proposer: str = "seed"
    idea: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def refusal(self) -> str:
        """Why the reply that this program stands for held none; empty for a program that is one."""
        found = self.details.get("refused")
        return found if isinstance(found, str) else ""

    def to_json(self) -> dict[str, Any]:
        """Return this origin as plain data."""
        return {"proposer": self.proposer, "idea": self.idea, "details": dict(self.details)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Origin:
        """Rebuild an origin from ``to_json``."""
        return cls(data["proposer"], data.get("idea", ""), data.get("details", {}))


@dataclass(frozen=True)
class Program:
    """An immutable candidate; equal content is the same program, wherever it came from.

    Args:
        files: path inside the program -> text; ``program.py`` is the entry of a Python program.
        language: language of the entry, e.g. ``"python"`` or ``"cpp"``.
        parents: ids of the programs it was made from.
        origin: who made it and why.

    Raises:
        ValueError: if there is no file, or the paths cannot lie in one folder (see :func:`path_problem`).
    """

    files: Mapping[str, str]
    language: str = "python"
    parents: tuple[str, ...] = ()
    origin: Origin = Origin()

    def __post_init__(self) -> None:
        if not self.files:
            raise ValueError("a program needs at least one file")
        problem = path_problem(self.files)
        if problem:
            raise ValueError(problem)
        object.__setattr__(self, "files", dict(sorted(self.files.items())))

    @classmethod
    def single(
        cls,
        source: str,
        *,
        language: str = "python",
        parents: tuple[str, ...] = (),
        origin: Origin | None = None,
    ) -> Program:
        """Make a program of one file."""
        return cls({ENTRY: source}, language, parents, origin or Origin())

    @cached_property
    def id(self) -> str:
        """Content hash (sha256 over language and files); parents and origin do not count."""
        text = json.dumps([self.language, self.files], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def entry(self) -> str:
        """Path of the entry file: ``program.py``, or the only file there is.

        Raises:
            ValueError: if there are several files and none of that name.
        """
        if ENTRY in self.files:
            return ENTRY
        if len(self.files) == 1:
            return next(iter(self.files))
        raise ValueError(f"program {self.id[:12]} has several files and no {ENTRY}")

    @property
    def source(self) -> str:
        """Text of the entry file."""
        return self.files[self.entry]

    @property
    def beside(self) -> dict[str, str]:
        """The files other than the entry: path -> text."""
        entry = self.entry
        return {path: text for path, text in self.files.items() if path != entry}

    def changed(
        self,
        files: Mapping[str, str | None],
        *,
        parents: tuple[str, ...] | None = None,
        origin: Origin | None = None,
    ) -> Program:
        """Return a child with some files written anew, added, or (None) left out.

        Args:
            files: path -> whole new text, or None.
            parents: ids of the programs that it was made from; this one alone by default.
            origin: who made it and why; this program's by default.

        Raises:
            KeyError: if a file is left out that is not there.
            ValueError: if nothing is left, or a path leaves the program's folder.
        """
        for path, text in files.items():
            if text is None and path not in self.files:
                raise KeyError(path)
        whole = {path: text for path, text in {**self.files, **files}.items() if text is not None}
        made_from = (self.id,) if parents is None else parents
        return Program(whole, self.language, made_from, origin or self.origin)

    def __hash__(self) -> int:
        return hash(self.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and self.id == other.id

    def to_json(self) -> dict[str, Any]:
        """Return this program as plain data."""
        return {
            "files": dict(self.files),
            "language": self.language,
            "parents": list(self.parents),
            "origin": self.origin.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Program:
        """Rebuild a program from ``to_json``."""
        return cls(
            data["files"],
            data["language"],
            tuple(data["parents"]),
            Origin.from_json(data["origin"]),
        )
