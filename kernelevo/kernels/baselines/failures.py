"""Failures: preparations that failed here, kept for a while so that nobody waits for them twice."""

from __future__ import annotations

import os
import time
from pathlib import Path

from kernelevo.core import Status
from kernelevo.kernels.children.small_file import SmallFile
from kernelevo.kernels.faults.failed import Failed

DAY, QUARTER = 86400.0, 900.0
"""Seconds for which a failure is believed; the second where more time, or a machine with less other work,
might have ended otherwise: a baseline left out by mistake makes every program look better."""
_LONGEST = 500  # characters of a reason
_BUSY = 0.5
"""Processes that may wait for each core's turn before a machine counts as busy (``getloadavg``)."""


class Failures:
    """A small file of reasons by name.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._file = SmallFile(path)

    def reason(self, name: str) -> str:
        """Return why ``name`` failed a while ago, or an empty text."""
        entry = self._file.get(name)
        if not isinstance(entry, dict) or not isinstance(entry.get("at"), int | float):
            return ""
        believed = QUARTER if entry.get("brief", True) else DAY
        return str(entry.get("reason", "")) if 0 <= time.time() - entry["at"] < believed else ""

    def remember(self, name: str, failed: Failed) -> str:
        """Take a failure down; return its reason."""
        reason = failed.saw[:_LONGEST]
        brief = failed.status is Status.TIMED_OUT or _busy()
        self._file.put(name, {"reason": reason, "at": time.time(), "brief": brief})
        return reason

    def forget(self, name: str) -> None:
        """Let a preparation be tried again at once."""
        if self.reason(name):
            self._file.put(name, {})


def _busy() -> bool:
    """Whether more processes wanted the processors of late than a compile has."""
    return os.getloadavg()[0] > (os.cpu_count() or 1) * (1 + _BUSY)
