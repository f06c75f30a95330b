"""Pruning: the build cache keeps to a size; what nobody has used for longest goes first."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from kernelevo.errors import BadSetting

VARIABLE = "KERNELEVO_CACHE_GB"
DEFAULT_GB = 10.0
IDLE_SECONDS = 7 * 86400.0
"""What was used later than so long ago stays, whatever its size: a run may last for days, and what is loaded
is not read again. Times of access that are kept by the day (``relatime``) are good enough for it."""


class _Entry(NamedTuple):
    used: float
    size: int
    folder: Path


def limit() -> int:
    """Return how many bytes the cache may hold: ``$KERNELEVO_CACHE_GB`` times 10^9, else ten GB.

    Raises:
        BadSetting: if the variable is no number from 0.
    """
    text = os.environ.get(VARIABLE, str(DEFAULT_GB))
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise BadSetting(f"{VARIABLE} is {text!r}, which is no size", now="give GB as a number, e.g. 20")
    return round(number * 1e9)


def prune(root: Path, most: int, *, idle: float = IDLE_SECONDS) -> int:
    """Remove what was not used for longest (objects, baselines, what tools made), until the rest fits.

    Args:
        root: of the build cache; need not exist.
        most: bytes that it may hold.
        idle: seconds for which an entry must not have been used to be removed.

    Returns:
        The bytes that were freed.
    """
    entries = sorted(_entries(root))
    held = sum(entry.size for entry in entries)
    freed = 0
    for entry in entries:
        if held - freed <= most or entry.used > time.time() - idle:
            break
        # gone in one step for those who look now; a rest that a killed process leaves here is an entry too
        aside = root / "scratch" / f"pruned-{os.getpid()}-{entry.folder.name}"
        with suppress(OSError):  # another process has just removed it, or it is another user's
            aside.parent.mkdir(exist_ok=True)
            entry.folder.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
            freed += entry.size
    return freed


def _entries(root: Path) -> Iterator[_Entry]:
    """Give what may go: entries, whole or left half made by a killed process, and what was being removed."""
    for pattern in ("[0-9a-f][0-9a-f]/*", "baselines/*", "inductor/*", "scratch/*"):
        for folder in root.glob(pattern):
            used, size = 0.0, 0
            for inside, _, names in os.walk(folder):
                for name in names:
                    with suppress(OSError):
                        facts = os.lstat(os.path.join(inside, name))
                        used, size = max(used, facts.st_atime, facts.st_mtime), size + facts.st_size
            if not used:  # nothing is in it yet: somebody may be about to build there
                with suppress(OSError):
                    used = os.lstat(folder).st_mtime
            yield _Entry(used, size, folder)
