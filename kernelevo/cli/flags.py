"""Flags: how the texts of several verbs are read."""

from __future__ import annotations


def listed(text: str | None) -> list[str] | None:
    """Return the names of a list with commas; None where the flag was not given."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]
