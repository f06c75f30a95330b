"""Shell: paths as words of the commands that we tell people to type."""

from __future__ import annotations

from pathlib import Path
from shlex import quote


def word(path: Path) -> str:
    """Return a path as a shell and a command take it: quoted, and never read as a flag.

    Args:
        path: of a file or folder, absolute or from the current folder.
    """
    text = str(path)
    return quote(f"./{text}" if text.startswith("-") else text)
