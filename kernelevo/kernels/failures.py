"""Failures: preparations that failed on this machine, kept for a day so that nobody waits for them again."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

DAY = 86400.0
"""Seconds for which a failure is believed: the machine may only have been busy."""


class Failures:
    """A small file of reasons by name, safe to share between processes; the last writer wins.

    Args:
        path: the file; it need not exist, and one that a crash left half written counts as empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def reason(self, name: str) -> str:
        """Return why ``name`` failed within the last day, or an empty text."""
        entry = self._read().get(name)
        if not isinstance(entry, dict) or not isinstance(entry.get("at"), int | float):
            return ""
        return str(entry.get("reason", "")) if 0 <= time.time() - entry["at"] < DAY else ""

    def remember(self, name: str, reason: str) -> None:
        """Take a failure down."""
        partial = self._path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps({**self._read(), name: {"reason": reason, "at": time.time()}}))
        partial.replace(self._path)

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}
