"""Decision: how one ask was decided, and what the run knew then; kept beside the trial for ``replay``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from kernelevo.core import Verdict
from kernelevo.population import Ask

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine

RECORD = "decision"
"""Name of the record beside a trial."""
SITTING = "sitting"
"""Kind of the event that each sitting of a run begins with."""
COUNTS_ASKS = "counts_asks"
"""Fact of it: whether turns count asks alone; those of earlier versions count people's programs too."""
ANSWERED, NOTHING, FAILED, UNAFFORDABLE, WAITING = "answered", "nothing", "failed", "too dear", "waiting"
BUSY = "busy"
_LENGTH = 16  # characters of a program's id that are kept


class Marks(NamedTuple):
    """How far a run was: each number only grows, so marks put the decisions of a run into an order.

    Args:
        told: verdicts that the islands had seen.
        commands: the last order that was obeyed.
        events: the last event of the journal.
        rebases: faster baselines that had arrived.
    """

    told: int = 0
    commands: int = 0
    events: int = 0
    rebases: int = 0

    @classmethod
    def of(cls, engine: Engine) -> Marks:
        """How far a run is now."""
        ledger, store = engine.ledger, engine.store
        return cls(ledger.told, engine.steering.last_command, store.last_event, ledger.rebased_times)


START = Marks()


@dataclass
class Decision:
    """The way from an ask to its draft. What proposers, workers and people did is in it as a fact.

    Args:
        turn: place of the ask among the asks of the run.
        orders: for each draw of an order of proposers: the marks, and whom the sitting had dropped.
        asked: whom the engine turned to, in order: number of the draw, name, what came of it.
        marks: marks of the ask that was answered.
        wanted: how many parents its proposer takes.
        ask: the ask as drawn, see ``described``; empty if a waiting draft was taken.
        taken: ask and position of the waiting draft that was taken.
        span: seconds since the epoch when the proposer was asked and when it had answered.
        began: seconds since the epoch when the first proposer was turned to; None in earlier records.
    """

    turn: int = 0
    orders: list[tuple[Marks, tuple[str, ...]]] = field(default_factory=list)
    asked: list[tuple[int, str, str]] = field(default_factory=list)
    marks: Marks = START
    wanted: int = 1
    ask: dict[str, Any] = field(default_factory=dict)
    taken: tuple[int, int] | None = None
    span: tuple[float, float] | None = None
    began: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return this decision as plain data."""
        return {
            "turn": self.turn,
            "orders": [[*marks, list(dropped)] for marks, dropped in self.orders],
            "asked": [list(entry) for entry in self.asked],
            "marks": list(self.marks),
            "wanted": self.wanted,
            "ask": self.ask,
            "taken": list(self.taken) if self.taken else None,
            "span": list(self.span) if self.span else None,
            "began": self.began,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Decision:
        """Rebuild a decision from ``to_json``."""
        return cls(
            data["turn"],
            [(Marks(*entry[:4]), tuple(entry[4])) for entry in data["orders"]],
            [(entry[0], entry[1], entry[2]) for entry in data["asked"]],
            Marks(*data["marks"]),
            data["wanted"],
            data["ask"],
            tuple(data["taken"]) if data["taken"] else None,
            tuple(data["span"]) if data["span"] else None,
            data.get("began"),
        )


def described(ask: Ask) -> dict[str, Any]:
    """Return all that an ask says as plain data, programs by the beginning of their ids."""
    return {
        "island": ask.island,
        "parents": _names(ask.parents),
        "inspirations": _names(ask.inspirations),
        "failures": _names(ask.failures),
        "direction": ask.direction,
        "draw": ask.draw.to_json(),
    }


def _names(verdicts: Sequence[Verdict]) -> list[str]:
    return [verdict.program.id[:_LENGTH] for verdict in verdicts]
