"""Reading a run's timeline: when its asks, builds and measurements were, and what happened beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kernelevo.core import Objectives
from kernelevo.engine import decision, pipeline
from kernelevo.report.trace import Timeline, chrome_trace
from kernelevo.store import RunStore, find_run


def trace(run: str | Path) -> dict[str, Any]:
    """Return the timeline of a run, which may be at work, as a Chrome trace (JSON for ui.perfetto.dev).

    Args:
        run: folder, name or ``@last``.

    Raises:
        RunNotFound: if there is none.
        StoreError: if it is damaged.
    """
    with RunStore.open(find_run(str(run)), readonly=True) as store:
        asked = {
            number: (float(row["span"][0]), float(row["span"][1]))
            for number, row in store.records_of(decision.RECORD).items()
            if row.get("span")
        }
        stages = {
            number: {stage: (float(span[0]), float(span[1])) for stage, span in row.items()}
            for number, row in store.records_of(pipeline.SPANS).items()
        }
        events = [(event.kind, event.at, event.data) for event in store.events()]
        orders = [
            (f"order {c.verb}", c.at, {"author": c.author, "effect": c.effect, **c.args})
            for c in store.commands()
        ]
        return chrome_trace(
            Timeline(store.trials(), asked, stages, [*events, *orders], store.out()),
            name=store.folder.name,
            objectives=Objectives.of(store.task.options).after(
                event.data for event in store.events(kind="objective")
            ),
        )
