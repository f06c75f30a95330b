"""Glance: a run in one row, read without its trials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kernelevo.core import Evaluation, Objectives, Status
from kernelevo.core.readable import readable
from kernelevo.store.database import RUN_FILE, plain_rows, stamp
from kernelevo.store.digest import read_score
from kernelevo.store.lock import writer_of
from kernelevo.store.store import RunStore

_UNFINISHED = {"new", "running", "paused"}
_METRICS = ", json_extract(evaluation, '$.metrics') AS metrics"
_BEST = """
SELECT number, program, score, json_extract(evaluation, '$.metrics.baseline') AS baseline,
       json_extract(evaluation, '$.metrics.precision') AS precision{}
FROM trials WHERE score IS NOT NULL AND json_extract(evaluation, '$.fidelity') = 'full'
"""


def glance(folder: Path) -> dict[str, Any]:
    """Return name, task, state, number of trials, score of the best program and times of a run.

    ``state`` is ``interrupted`` where the run is not over and no process works on it.

    Raises:
        RunNotFound, StoreError: as ``RunStore.open``.
    """
    with RunStore.open(folder, readonly=True) as store, plain_rows(folder / RUN_FILE):
        return {
            "run": folder.name,
            "task": readable(store.task.name),
            "state": state_of(store),
            "live": writer_of(folder) is not None,
            "trials": store.count(),
            "best": _best(store),
            "created": store.created,
            "searched_seconds": store.searched,
        }


def state_of(store: RunStore) -> str:
    """Return a run's state: ``interrupted`` where it is not over and no process works on it."""
    state = store.state
    return "interrupted" if state in _UNFINISHED and writer_of(store.folder) is None else state


def glanced(folder: Path) -> tuple[object, ...]:
    """Return what changes whenever a glance would say something else, without opening the run."""
    return (*stamp(folder), writer_of(folder))


def _best(store: RunStore) -> float | None:
    """The score of the best confirmed program, else of the best one, by the rule of the task.

    Programs that are banned, or that a final timing refuted, count no more, whichever trial they are in.
    """
    changes = [event.data for event in store.events(kind="objective")]
    objectives, rebases = Objectives.of(store.task.options).after(changes), store.rebases()
    rows = store.rows(_BEST.format("" if objectives.by_score else _METRICS))
    finals = {event.trial: Evaluation.from_json(event.data) for event in store.events(kind="final")}
    out = store.out()
    rows = [row for row in rows if row["program"] not in out]
    sure = [finals[row["number"]] for row in rows if row["number"] in finals]
    if sure:
        return max(sure, key=objectives.worth).score
    if objectives.by_score:
        return max((read_score(row, rebases) for row in rows), default=None)
    verdicts = [Evaluation(Status.OK, row["score"], json.loads(row["metrics"])) for row in rows]
    for rebase in rebases:
        verdicts = [rebase.apply(verdict) for verdict in verdicts]
    best = max(verdicts, key=objectives.worth, default=None)
    return best.score if best else None
