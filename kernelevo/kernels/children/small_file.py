"""SmallFile: a few facts by name in a JSON file that processes share."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class SmallFile:
    """Plain data by name; safe to share between processes, the last writer wins.

    Args:
        path: the file; it need not exist, and one that a crash left half written counts as empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, name: str) -> Any:
        """Return what is known under a name; None if nothing is."""
        return self._read().get(name)

    def put(self, name: str, entry: Any) -> None:
        """Take an entry down.

        Raises:
            OSError: if it cannot be written.
        """
        partial = self._path.with_suffix(f".{os.getpid()}-{id(self)}")
        partial.write_text(json.dumps({**self._read(), name: entry}), "utf-8")
        partial.replace(self._path)

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}
