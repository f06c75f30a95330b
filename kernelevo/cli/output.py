"""Where words and data go: data to stdout, talk to stderr."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console


def talk(text: str) -> None:
    """Say something to the person; never mixed with data."""
    print(text, file=sys.stderr, flush=True)


WIDTH = 150  # of tables that go to a file or a pipe


def console(*, stderr: bool = False) -> Console:
    """Return the console that reports and tables are printed on, for people; on stderr beside JSON data."""
    console = Console(highlight=False, markup=False, emoji=False, stderr=stderr)  # texts are what they are
    if console.is_terminal:
        return console
    return Console(highlight=False, markup=False, emoji=False, stderr=stderr, width=WIDTH)


def print_json(data: Any) -> None:
    """Print data as one JSON document; NaN and infinities are not JSON and must have been words by now."""
    json.dump(data, sys.stdout, indent=2, allow_nan=False, ensure_ascii=False)
    sys.stdout.write("\n")
