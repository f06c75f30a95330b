"""Digest: a run in a form that is quick to look at; what is new is read, never the whole again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kernelevo.core import Evaluation, Objectives, Status
from kernelevo.core.evaluation import Fidelity
from kernelevo.core.objectives import directed
from kernelevo.core.readable import readable
from kernelevo.errors import RunNotFound
from kernelevo.store.database import RUN_FILE, plain_rows, stamp
from kernelevo.store.rows import Command, EventRow, Rebase
from kernelevo.store.store import RunStore

_DIRECTED = "directions"
_LINES = """
SELECT t.position, t.number, t.program, t.parents, t.origin, t.status, t.score, t.fault, t.island, t.cost,
       t.seen, t.started, t.ended, t.reused,
       substr(json_extract(t.evaluation, '$.feedback'), 1, 600) AS feedback,
       json_extract(t.evaluation, '$.fidelity') AS fidelity,
       json_extract(t.evaluation, '$.metrics.baseline') AS baseline,
       json_extract(t.evaluation, '$.metrics.precision') AS precision,
       json_extract(t.evaluation, '$.metrics.latency_ms') AS latency_ms,
       json_extract(t.evaluation, '$.metrics.roofline_ms') AS roofline_ms,
       json_extract(t.evaluation, '$.metrics.roofline_bound') AS roofline_bound,
       CASE WHEN ?2 OR json_type(t.evaluation, '$.metrics.directions') = 'array'
            THEN json_extract(t.evaluation, '$.metrics') END AS metrics
FROM trials t WHERE t.position > ?1 ORDER BY t.position
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One trial without its program's text.

    Args:
        number: of the trial.
        program: id of its program.
        parents: ids of the programs it was made from.
        proposer: who made it.
        idea: in one line.
        status: of the verdict; ``fault`` where the machine broke.
        score: as it reads today, None without one.
        full: whether the score is of full fidelity.
        island: that asked.
        seen: how many trials had been told when it was asked.
        started: seconds since the epoch.
        ended: seconds since the epoch.
        cost: by unit.
        words: first line of the feedback or the fault.
        draw: how its parents were drawn.
        marks: orders that it carried: ``hints``, ``notes``, ``fork``, ``order``.
        reused: trial whose verdict was used again.
        latency_ms: measured time, where there is one.
        roofline_ms: time of the same work at the device's ceiling.
        roofline_bound: which ceiling that is.
        metrics: those that count in the task, by name; empty where the score alone does.
        evaluation: the verdict with the metrics that count, as it reads today; only where there is a score
            and the task, or the verdict itself, says which metrics count.
    """

    number: int
    program: str
    parents: tuple[str, ...]
    proposer: str
    idea: str
    status: str
    score: float | None
    full: bool
    island: int
    started: float
    ended: float
    cost: Mapping[str, float]
    words: str
    draw: Mapping[str, Any] = field(default_factory=dict)
    marks: Mapping[str, Any] = field(default_factory=dict)
    reused: int | None = None
    latency_ms: float | None = None
    roofline_ms: float | None = None
    roofline_bound: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Evaluation | None = None
    seen: int = 0


class Digest:
    """What a page shows of one run, kept up to date by ``refresh``.

    Args:
        folder: of the run; it is only read.

    Raises:
        RunNotFound, StoreError: as ``RunStore.open``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._file = folder, _identity(folder)
        self._copied: object = stamp(self.folder)  # before it is copied, where it has to be
        self._store = RunStore.open(folder, readonly=True)
        self._stamp: object = None
        self._position = 0
        self._raw: list[tuple[Line, Evaluation | None]] = []
        self.lines: list[Line] = []
        self.commands: list[Command] = []
        self.events: list[EventRow] = []
        self.rebases: list[Rebase] = []
        self.gauge: dict[str, Any] = {}
        self.state, self.searched = "new", 0.0
        try:
            with plain_rows(folder / RUN_FILE):
                task, self.created = self._store.task, self._store.created
                self._declared = Objectives.of(task.options)
                self.settings: dict[str, Any] = readable(self._store.settings)
        except BaseException:
            self.close()
            raise
        # what pages show of it; programs and options are what they are
        self.task = replace(task, name=readable(task.name), goal=readable(task.goal))
        self.drafts = 0
        self.version = 0

    def close(self) -> None:
        """Free the file."""
        self._store.close()

    @property
    def store(self) -> RunStore:
        """The open store, for single trials; of the thread that made this digest."""
        return self._store

    @property
    def objectives(self) -> Objectives:
        """What counts in the task, with the weights that people gave last; the score alone by default.

        Metrics to which the evaluator itself gave a direction make a front beside the score.
        """
        found = self._declared.after(e.data for e in self.events if e.kind == "objective")
        return found if found.metrics else Objectives(directed(self.lines))

    @property
    def finals(self) -> dict[int | None, Mapping[str, Any]]:
        """By a trial's number its verdict in fresh processes as plain data, the last one of several."""
        return {event.trial: event.data for event in self.events if event.kind == "final"}

    @property
    def out(self) -> frozenset[str]:
        """Ids of the programs that count no more: banned, or refuted when they were timed again."""
        found = {str(event.data["program"]) for event in self.events if event.kind == "ban"}
        refuted = {number for number, final in self.finals.items() if final["score"] is None}
        if refuted:
            found |= {line.program for line in self.lines if line.number in refuted}
        return frozenset(found)

    def refresh(self) -> bool:
        """Read what is new; return whether anything was.

        Raises:
            RunNotFound: if its file was removed or replaced, as by another run in the same folder.
            StoreError: if it is damaged.
        """
        seen = self._look()
        if seen == self._stamp:
            return False
        self._stamp = seen
        with plain_rows(self.folder / RUN_FILE):
            self._read_on()
        self.version += 1
        return True

    def _read_on(self) -> None:
        store = self._store
        self.state, self.searched, self.gauge = store.state, store.searched, store.gauge
        self.commands = store.commands()
        self.events += store.events(after=self.events[-1].id if self.events else 0)
        rebases = store.rebases()
        names = [metric.name for metric in self._declared.metrics]
        new = [_line(row, names) for row in store.rows(_LINES, self._position, bool(names))]
        if new:
            self._position = new[-1][0]
            self._raw += [(line, verdict) for _, line, verdict in new]
        if len(rebases) != len(self.rebases):
            self.rebases = rebases
            self.lines = [_reread(line, verdict, rebases) for line, verdict in self._raw]
        else:
            self.lines += [_reread(line, verdict, rebases) for _, line, verdict in new]
        self.drafts = int(store.rows("SELECT COUNT(*) AS n FROM drafts")[0]["n"])

    def _look(self) -> object:
        """Something that changes whenever the file does."""
        if _identity(self.folder) != self._file:
            raise self._replaced()
        if not self._store.is_copy:
            return int(self._store.rows("PRAGMA data_version")[0][0])
        written = stamp(self.folder)  # before it is copied: what comes while that is done is read next time
        if written != self._copied:
            self._store.close()
            self._store = RunStore.open(self.folder, readonly=True)
            self._copied = written
            if self._store.created != self.created:  # nobody holds the file: another may have its number
                raise self._replaced()
        return self._copied

    def _replaced(self) -> RunNotFound:
        return RunNotFound(
            f"the run in {self.folder} is not the one that was opened.",
            why="its file was removed or replaced",
            now="open it again",
        )


def _identity(folder: Path) -> tuple[int, int] | None:
    """Which file a run lies in; None if there is none."""
    try:
        found = os.stat(folder / RUN_FILE)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _line(row: Any, names: Sequence[str]) -> tuple[int, Line, Evaluation | None]:
    origin = json.loads(row["origin"])
    details = origin.get("details", {})
    fault = json.loads(row["fault"]) if row["fault"] else None
    words = f"{fault['kind']}: {fault['message']}" if fault else row["feedback"] or ""
    full = row["fidelity"] == "full" and row["score"] is not None
    counting = _counting(row["metrics"], names) if row["score"] is not None else {}
    verdict = None
    if row["score"] is not None:
        facts = {"baseline": row["baseline"], "precision": row["precision"]}
        known = {k: v for k, v in facts.items() if v is not None} | counting
        fidelity: Fidelity = "full" if full else "rough"
        verdict = Evaluation(Status.OK, row["score"], known, fidelity=fidelity)
    line = Line(
        number=row["number"],
        program=row["program"],
        parents=tuple(json.loads(row["parents"])),
        proposer=origin["proposer"],
        idea=origin.get("idea", ""),
        status=row["status"] or "fault",
        score=row["score"],
        full=full,
        island=row["island"],
        started=row["started"],
        ended=row["ended"],
        cost=json.loads(row["cost"]),
        words=next((text for text in words.splitlines() if text.strip()), ""),
        draw=details.get("draw", {}),
        marks={k: details[k] for k in ("hints", "notes", "fork", "order", "author") if k in details},
        reused=row["reused"],
        latency_ms=_number(row["latency_ms"]),
        roofline_ms=_number(row["roofline_ms"]),
        roofline_bound=row["roofline_bound"],
        metrics={k: v for k, v in counting.items() if k != _DIRECTED},
        evaluation=verdict if row["metrics"] else None,
        seen=row["seen"],
    )
    return row["position"], line, verdict


def _counting(metrics: str | None, names: Sequence[str]) -> dict[str, Any]:
    """The metrics that count in the task; without any, those to which the verdict gives a direction."""
    found = json.loads(metrics) if metrics else {}
    directions = found.get(_DIRECTED) if not names else None
    rows = [row for row in directions if isinstance(row, Mapping)] if isinstance(directions, list) else []
    wanted = [*names, *(str(row.get("name", "")) for row in rows), *([_DIRECTED] if rows else [])]
    return {name: found[name] for name in wanted if name in found}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def read_score(row: Any, rebases: list[Rebase]) -> float:
    """Return the score of a row with ``score``, ``baseline`` and ``precision`` as it reads today."""
    facts = {"baseline": row["baseline"], "precision": row["precision"]}
    verdict = Evaluation(Status.OK, row["score"], {k: v for k, v in facts.items() if v is not None})
    for rebase in rebases:
        verdict = rebase.apply(verdict)
    assert verdict.score is not None
    return verdict.score


def _reread(line: Line, verdict: Evaluation | None, rebases: list[Rebase]) -> Line:
    if verdict is None:
        return line
    for rebase in rebases:
        verdict = rebase.apply(verdict)
    if verdict.score == line.score:
        return line
    metrics = {name: verdict.metrics[name] for name in line.metrics}
    return replace(line, score=verdict.score, metrics=metrics, evaluation=line.evaluation and verdict)
