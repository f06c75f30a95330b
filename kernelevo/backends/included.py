"""Which headers a source includes, by content: a cache key that is the same wherever they are installed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_NAMED = re.compile(r"(?:#\s*include|__has_include\s*\()\s*([<\"])([^>\"\n]+)[>\"]")
_BY_MACRO = re.compile(r"^\s*#\s*include\s+[A-Za-z_]", re.M)


def included(source: str, folders: Sequence[str]) -> list[tuple[str, str]]:
    """Return every header that a source may include, directly or not, with the hash of its text.

    Conditions are not evaluated, so there may be more than a compiler reads. What is not found in a folder is
    taken as the compiler's own. Where a header is named by a macro nobody can tell without the compiler: the
    folders' paths are part of the answer then.

    Args:
        source: C++ or CUDA.
        folders: searched in order, as by ``-I``.
    """
    found: set[tuple[str, str]] = set()
    read: set[Path] = set()
    waiting: list[tuple[str, tuple[Path, ...]]] = [(source, ())]
    while waiting:
        text, beside = waiting.pop()
        if _BY_MACRO.search(text):
            found.update((str(folder), "") for folder in folders)
        for quote, name in _NAMED.findall(text):
            path = _resolved(name, (*(beside if quote == '"' else ()), *map(Path, folders)))
            if path is None:
                continue
            try:
                facts = path.stat()
                inside, digest = _read(path, facts.st_mtime_ns, facts.st_size)
            except OSError:  # not ours to read: not the compiler's either, which will say so
                continue
            found.add((name, digest))
            if path not in read:
                read.add(path)
                waiting.append((inside, (path.parent,)))
    return sorted(found)


def _resolved(name: str, folders: Sequence[Path]) -> Path | None:
    return next((path for folder in folders if os.path.isfile(path := folder / name)), None)


@cache
def _read(path: Path, changed: int, size: int) -> tuple[str, str]:
    """Return a header's text and its hash, remembered until the file changes."""
    content = path.read_bytes()
    return content.decode("utf-8", "replace"), hashlib.sha256(content).hexdigest()
