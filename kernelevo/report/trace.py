"""The timeline of both pools as a Chrome trace: open it at ui.perfetto.dev or chrome://tracing.

Format: Trace Event Format of Chromium's ``about:tracing`` (complete events "X", instants "i", counters "C",
metadata "M"); times are whole microseconds since the run's first event. What Perfetto's importer asks for is
kept too: slices of one thread never overlap, and a thread's number is that of no other thread and no process
(threads are named by number alone, and one with its process's own is its main thread).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kernelevo.core import Objectives, Trial
from kernelevo.report.story import improvements
from kernelevo.report.table import BY_SCORE

GENERATION, EVALUATION, RUN = 1, 2, 3
_LANES = 101  # number of the first lane
_POOLS = {GENERATION: "generation", EVALUATION: "evaluation", RUN: "run"}
_STAGES = {"build": "builder", "measure": "measurer"}
_TOLD = ("sitting", "prepared", "baseline", "final", "ban", "pin", "rested", "complaint", "estimate")


@dataclass(frozen=True)
class Timeline:
    """What a run has recorded about when things happened; all times in seconds since the epoch.

    Args:
        trials: every trial.
        asked: by trial: when its proposer was asked, and when it had answered.
        stages: by trial: for each stage, when it began and ended.
        events: kind, time and plain data of what happened beside the trials, orders of people included.
        out: ids of programs that count no more.
    """

    trials: Sequence[Trial]
    asked: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    stages: Mapping[int, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    events: Sequence[tuple[str, float, Mapping[str, Any]]] = ()
    out: Collection[str] = ()


def chrome_trace(timeline: Timeline, *, name: str, objectives: Objectives = BY_SCORE) -> dict[str, Any]:
    """Return the trace as one JSON object.

    Pools are processes, workers are threads: a span goes to the first lane that is free, so there are as many
    lanes as there were spans at the same time.

    Args:
        timeline: what happened when.
        name: of the run, shown in the viewer.
        objectives: what is best; the curve shows the number that stands for their rule.
    """
    spans = list(_spans(timeline))
    begins = [span[2] for span in spans] + [at for _, at, _ in timeline.events]
    start = min([*begins, *(trial.ended for trial in timeline.trials)], default=0.0)
    events: list[dict[str, Any]] = [
        {"ph": "M", "name": "process_name", "pid": pid, "tid": pid, "args": {"name": f"{name}: {pool}"}}
        for pid, pool in _POOLS.items()
    ]
    for tid, ((pid, lane, number), rows) in enumerate(sorted(_laned(spans).items()), _LANES):
        events.append(
            {"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": f"{lane} {number}"}}
        )
        for title, began, ended, args in rows:
            events.append(
                {
                    "ph": "X", "name": title, "cat": _POOLS[pid], "pid": pid, "tid": tid,
                    # both ends are rounded alike: a rounded length could reach into the next slice
                    "ts": _micro(began - start), "dur": _micro(ended - start) - _micro(began - start),
                    "args": _plain(args),
                }
            )  # fmt: skip
    events += _instants(timeline, start)
    events += _counter(timeline, start, objectives)
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"run": name}}


Row = tuple[int, str, float, float, str, dict[str, Any]]
Placed = tuple[str, float, float, dict[str, Any]]


def _spans(timeline: Timeline) -> Iterable[Row]:
    """Yield pool, lane, begin, end, title and facts of every span."""
    for trial in timeline.trials:
        proposer = trial.program.origin.proposer
        title = f"#{trial.number} {proposer}"
        if trial.number in timeline.asked:
            began, ended = timeline.asked[trial.number]
            asked = {"trial": trial.number, "island": trial.island, "seen": trial.seen}
            yield GENERATION, "ask", began, max(began, ended), title, asked
        verdict = trial.evaluation
        outcome = str(verdict.status) if verdict else f"fault: {trial.fault.kind if trial.fault else ''}"
        for stage, (began, ended) in timeline.stages.get(trial.number, {}).items():
            facts: dict[str, Any] = {
                "trial": trial.number,
                "outcome": outcome,
                "score": trial.score,
                "idea": trial.program.origin.idea,
            }
            yield EVALUATION, _STAGES.get(stage, stage), began, max(began, ended), title, facts


def _laned(spans: Iterable[Row]) -> dict[tuple[int, str, int], list[Placed]]:
    """Give each span the lowest lane of its kind that is free when it begins."""
    placed: dict[tuple[int, str, int], list[Placed]] = {}
    busy: dict[tuple[int, str], list[tuple[float, int]]] = {}
    free: dict[tuple[int, str], list[int]] = {}
    for pid, lane, began, ended, title, args in sorted(spans, key=lambda row: (row[2], row[3], row[4])):
        key = (pid, lane)
        running, idle = busy.setdefault(key, []), free.setdefault(key, [])
        while running and running[0][0] <= began:
            heapq.heappush(idle, heapq.heappop(running)[1])
        number = heapq.heappop(idle) if idle else len(running)
        heapq.heappush(running, (ended, number))
        placed.setdefault((pid, lane, number), []).append((title, began, ended, args))
    return placed


def _instants(timeline: Timeline, start: float) -> Iterable[dict[str, Any]]:
    for kind, at, data in timeline.events:
        if kind in _TOLD or kind.startswith("order"):
            yield {
                "ph": "i", "s": "g", "name": kind, "cat": "run", "pid": RUN, "tid": RUN,
                "ts": _micro(at - start), "args": _plain(data),
            }  # fmt: skip


def _counter(timeline: Timeline, start: float, objectives: Objectives) -> Iterable[dict[str, Any]]:
    """How good the best full verdict so far is, as a curve."""
    standing = [trial for trial in timeline.trials if trial.program.id not in timeline.out]
    for trial in improvements(standing, objectives):
        height = objectives.height(trial.evaluation) if trial.evaluation else None
        if height is not None:
            yield {
                "ph": "C", "name": "best", "pid": RUN, "tid": RUN,
                "ts": _micro(trial.ended - start), "args": {objectives.measure.name: height},
            }  # fmt: skip


def _micro(seconds: float) -> int:
    return max(0, round(seconds * 1e6))


def _plain(value: Any) -> Any:
    """The same facts as JSON has them: a number that is none becomes a word."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value
