"""Plain data that every reader can hold."""

from __future__ import annotations

import json
from typing import Any


def readable(value: Any) -> Any:
    """Return plain data as pages, prompts and JSON can hold it.

    Half a surrogate pair is ``?``: so Python reads the bytes of a path that are no text, and a task's name or
    a run's settings may hold one.
    """
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(text.encode(errors="replace"))
