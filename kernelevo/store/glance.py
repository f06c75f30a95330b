"""Glance: a run in one row, read without its trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kernelevo.store.digest import read_score
from kernelevo.store.lock import writer_of
from kernelevo.store.store import RunStore

_UNFINISHED = {"new", "running", "paused"}
_BEST = """
SELECT score, json_extract(evaluation, '$.metrics.baseline') AS baseline,
       json_extract(evaluation, '$.metrics.precision') AS precision
FROM trials WHERE score IS NOT NULL AND json_extract(evaluation, '$.fidelity') = 'full'
"""


def glance(folder: Path) -> dict[str, Any]:
    """Return name, task, state, number of trials, best score and times of a run.

    ``state`` is ``interrupted`` where the run is not over and no process works on it.

    Raises:
        RunNotFound, StoreError: as ``RunStore.open``.
    """
    with RunStore.open(folder, readonly=True) as store:
        rebases = store.rebases()
        scores = [read_score(row, rebases) for row in store.rows(_BEST)]
        sure = store.rows("SELECT json_extract(data, '$.score') AS score FROM events WHERE kind = 'final'")
        final = [row["score"] for row in sure if row["score"] is not None]
        live = writer_of(folder) is not None
        state = store.state
        return {
            "run": folder.name,
            "task": store.task.name,
            "state": "interrupted" if state in _UNFINISHED and not live else state,
            "live": live,
            "trials": store.count(),
            "best": max(final or scores, default=None),
            "created": store.created,
            "searched_seconds": store.searched,
        }
