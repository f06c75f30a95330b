"""EVOLVE-BLOCK markers: the lines of a program that may be changed; without markers, all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_START = re.compile(r"^\s*(#|//|/\*|--)\s*EVOLVE-BLOCK-START\b")
_END = re.compile(r"^\s*(#|//|/\*|--)\s*EVOLVE-BLOCK-END\b")


@dataclass(frozen=True)
class Blocks:
    """Which lines of a text may be changed.

    Args:
        ranges: first and last line (counted from 1) of each block, markers left out; an empty block has its
            last line before its first.
        marked: whether there are markers at all.
    """

    ranges: tuple[tuple[int, int], ...]
    marked: bool

    def hold(self, first: int, last: int) -> bool:
        """Return whether all these lines lie in one block."""
        return any(start <= first and last <= end for start, end in self.ranges)


def blocks_of(source: str) -> Blocks:
    """Read the markers of a text; a block that is never closed reaches to the end."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    marked = False
    lines = source.split("\n")
    for number, line in enumerate(lines, 1):
        if start is None and _START.match(line):
            start, marked = number + 1, True
        elif start is not None and _END.match(line):
            found.append((start, number - 1))
            start = None
    if start is not None:
        found.append((start, len(lines)))
    return Blocks(tuple(found), True) if marked else Blocks(((1, len(lines)),), False)


def same_outside(before: str, after: str) -> bool:
    """Return whether two texts differ in their blocks only; True for texts without markers."""
    old, new = blocks_of(before), blocks_of(after)
    if old.marked != new.marked or (old.marked and len(old.ranges) != len(new.ranges)):
        return False
    return not old.marked or _outside(before, old) == _outside(after, new)


def _outside(text: str, blocks: Blocks) -> list[str]:
    lines = text.split("\n")
    kept, at = [], 0
    for first, last in blocks.ranges:
        kept += [*lines[at : first - 1], "\0"]
        at = last
    return kept + lines[at:]
