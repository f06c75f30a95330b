"""What a compiler said, cut so that all of it fits into a verdict: from its first error on.

The first error is a program's own, most of the later ones follow from it. Who passes a log on keeps its end,
as is right for a traceback; so a log is no longer than what is kept.
"""

from __future__ import annotations

import re

MOST_LINES = 28
LONGEST_LINE = 240
_BEFORE = 4  # lines that lead up to an error: which header was included from where, in which function it is
_ERROR = re.compile(r"\berror\b")


def shortened(log: str) -> str:
    """Return the lines from some before the first error on, as far as there is room; blank ones left out."""
    lines = [line for line in log.splitlines() if line.strip()]
    first = next((i for i, line in enumerate(lines) if _ERROR.search(line)), 0)
    kept = lines[max(0, first - _BEFORE) :][:MOST_LINES]
    cut = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ..." for line in kept]
    left = len(lines) - len(kept)
    return "\n".join([*cut, f"... {left} more lines"] if left else cut)


def first_error(log: str) -> str:
    """Return the first line that is an error, else how the log begins; 240 characters of it."""
    return next((line for line in log.splitlines() if _ERROR.search(line)), log)[:LONGEST_LINE]
