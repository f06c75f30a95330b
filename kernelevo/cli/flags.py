"""Flags: how the texts of several verbs are read."""

from __future__ import annotations

from kernelevo.store import list_runs


def listed(text: str | None) -> list[str] | None:
    """Return the names of a list with commas; None where the flag was not given."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def complete_run(incomplete: str) -> list[str]:
    """Return the runs of this folder that begin so, for the shell."""
    names = ["@last", *(folder.name for folder in reversed(list_runs()))]
    return [name for name in names if name.startswith(incomplete)]
