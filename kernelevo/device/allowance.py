"""Allowance: how many cores and how much memory this process may use, by affinity and by control groups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_CGROUP = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # version 1 writes "no limit" as a huge number of bytes


def cores() -> int:
    """Return how many cores this process can keep busy all the time, one at least.

    A quota that grants part of a core more is rounded down: threads that run beyond it are stopped together
    for the rest of each period (CFS bandwidth control), in the middle of what is timed.
    """
    usable, quota = len(os.sched_getaffinity(0)), cpu_quota()
    return max(1, usable if quota is None else min(usable, int(quota)))


def cpu_quota() -> float | None:
    """Return the cores that this process's control groups grant, the strictest of them; None for no quota."""
    found = []
    for folder in _folders("cpu"):
        version_1 = [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
        limit = _words(folder / "cpu.max") or version_1
        if len(limit) == 2 and all(word.isdigit() and int(word) for word in limit):  # "max" and -1 are none
            found.append(int(limit[0]) / int(limit[1]))
    return min(found, default=None)


def memory_left() -> int | None:
    """Return the bytes that this process's control groups still grant it; None where they set no limit.

    The file cache of the group counts as free: the kernel gives it back before anything is refused.
    """
    found = []
    for folder in _folders("memory"):
        limit = _first(folder / "memory.max") or _first(folder / "memory.limit_in_bytes")
        used = _first(folder / "memory.current") or _first(folder / "memory.usage_in_bytes")
        if limit and used and limit.isdigit() and used.isdigit() and int(limit) < _UNLIMITED:
            found.append(max(0, int(limit) - int(used) + _cache(folder)))
    return min(found, default=None)


def _cache(folder: Path) -> int:
    """Return the bytes of files that nobody used lately, which the kernel drops first."""
    for name in ("inactive_file", "total_inactive_file"):
        for line in _lines(folder / "memory.stat"):
            key, _, value = line.partition(" ")
            if key == name and value.isdigit():
                return int(value)
    return 0


def _folders(controller: str) -> Iterator[Path]:
    """Yield this process's group and those around it, as far as they can be seen here."""
    for line in _lines(_CGROUP):
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = _ROOT / controller if controllers else _ROOT  # version 1 mounts each controller by itself
        folder = root / path.lstrip("/")
        if ".." in folder.parts or not folder.is_dir():  # a container sees its own group as the root
            folder = root
        yield from (folder, *(parent for parent in folder.parents if parent.is_relative_to(root)))


def _first(path: Path) -> str | None:
    return next(iter(_words(path)), None)


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
