"""News: what an evaluator tells beside its verdicts becomes rows, re-based scores and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernelevo.core import BaselineReady, Notice, RunStarted, ScoresRebased
from kernelevo.engine.evaluation import Notices
from kernelevo.errors import CaptureError

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine
    from kernelevo.store import RunStore


def started(store: RunStore) -> RunStarted:
    """Return the event of a sitting that begins."""
    task = store.task
    return RunStarted(str(store.folder), task.name, store.count(), task.is_timed)


def pass_on(engine: Engine, notices: Notices) -> None:
    """Record every notice and tell the listeners.

    Raises:
        ValueError: for a kind of notice that does not exist.
    """
    for notice in notices:
        facts = dict(notice)
        kind = facts.pop("kind", None)
        if kind == "baseline":
            engine.store.append_event("baseline", facts)
            engine.say(BaselineReady(facts["name"], facts.get("latency_ms"), facts.get("reason", "")))
        elif kind == "rebase":
            facts["told"] = engine.ledger.told_for_asks
            row = engine.store.rebase(facts.pop("before"), facts.pop("now"), facts.pop("factor"), facts)
            engine.rebase(row)
            engine.say(ScoresRebased(str(facts.get("baseline", row.now)), row.factor))
        elif kind == "notice":
            engine.say(Notice(facts["text"]))
        elif kind == "graphless":
            engine.generation.tell_graphless(CaptureError(facts["what"], why=facts["why"], now=facts["now"]))
        else:
            raise ValueError(f"an evaluator's notice of the unknown kind {kind!r}")
