"""Process memory: what the kernel says of the memory that a process holds (proc(5))."""

from __future__ import annotations


def huge_bytes(pid: int) -> int:
    """Return the bytes of a process that lie on huge pages; 0 where the kernel does not say."""
    return 1024 * _said(f"/proc/{pid}/smaps_rollup", "AnonHugePages:")


def peak_megabytes(pid: int) -> float | None:
    """Return a process's largest resident size so far in MB, as the kernel says; None once it is gone."""
    return _said(f"/proc/{pid}/status", "VmHWM:") / 1000 or None


def _said(path: str, name: str) -> int:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(name)), 0)
    except OSError:
        return 0
