"""Flags: how the texts of several verbs are read."""

from __future__ import annotations

from kernelevo.config import lists
from kernelevo.store import list_runs


def listed(text: str | None) -> list[str] | None:
    """Return the names of a list with commas; None where the flag was not given."""
    return None if text is None else lists.names(text)


def listed_paths(text: str | None) -> list[str] | None:
    """Return the paths of a list with commas, or the one path that the whole text is; None if not given."""
    return None if text is None else lists.paths(text)


def complete_run(incomplete: str) -> list[str]:
    """Return the runs of this folder that begin so, for the shell."""
    names = ["@last", *(folder.name for folder in reversed(list_runs()))]
    return [name for name in names if name.startswith(incomplete)]
