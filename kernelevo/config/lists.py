"""Lists that are given as one text with commas: names, and paths, in which a comma may be part of a name."""

from __future__ import annotations

import os


def names(text: str) -> list[str]:
    """Return the names between the commas, without empty ones."""
    return [name.strip() for name in text.split(",") if name.strip()]


def paths(text: str) -> list[str]:
    """Return the paths between the commas; a text that as a whole names what is there is one path."""
    return [text] if os.path.exists(os.path.expanduser(text)) else names(text)
