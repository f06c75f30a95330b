"""Answer: what one batch of calls gave: its time, where its outputs lie, and a call's output once read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_MOST = 1e18  # JSON knows whole numbers that no float can hold


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
        lost_ns: processor time that others may have taken from the child (see ``Toll``); None if not known.
    """

    calls: int
    seconds: float
    own_seconds: float
    said: dict[str, Any]
    megahertz: float | None = None
    missing: dict[str, str] = field(default_factory=dict)
    lost_ns: int | None = None

    @classmethod
    def of(cls, calls: int, seconds: float, reply: dict[str, Any], lost_ns: int | None = None) -> Batch:
        """Make one of the parent's seconds and the child's reply, of which nothing is taken for granted."""
        own, clock, missing = reply.get("ns"), reply.get("mhz"), reply.get("missing")
        own_seconds = own * 1e-9 if isinstance(own, int | float) and abs(own) < _MOST else 0.0
        megahertz = float(clock) if isinstance(clock, int | float) and 0 < clock < _MOST else None
        reasons = {str(k): str(v)[:200] for k, v in missing.items()} if isinstance(missing, dict) else {}
        return cls(calls, seconds, own_seconds, reply, megahertz, reasons, lost_ns)


@dataclass(frozen=True)
class Answer:
    """One call's output as read from the child's memory."""

    structure: str
    leaves: tuple[Any, ...]
    spans: tuple[tuple[int, int], ...]
