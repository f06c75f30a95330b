"""Answer: what one batch of calls gave: its time, where its outputs lie, and a call's output once read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Batch:
    """One timed batch, whose outputs still lie in the stopped child.

    Args:
        calls: number of calls.
        seconds: the parent's clock, from before ``go`` until every thread was confirmed stopped.
        own_seconds: what the child says; shown, compared, never the score.
        said: the child's description of its outputs.
        megahertz: the multiprocessors' clock as the child says; None where it is not known.
        missing: instruments that the child does not have, and why.
    """

    calls: int
    seconds: float
    own_seconds: float
    said: dict[str, Any]
    megahertz: float | None = None
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """One call's output as read from the child's memory."""

    structure: str
    leaves: tuple[Any, ...]
    spans: tuple[tuple[int, int], ...]
