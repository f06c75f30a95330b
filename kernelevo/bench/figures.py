"""Figures of a series: fast_p and geometric means against each baseline, and who is counted in them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kernelevo.bench.row import BROKEN_TASK, NEEDS_CUDA, NO_PROGRAM, Row
from kernelevo.bench.suite import JUDGEABLE
from kernelevo.core import Status
from kernelevo.core.claims import word
from kernelevo.device.statistics import MIN_BLOCKS, geometric_mean

THRESHOLDS = (0, 0.5, 0.8, 1, 1.5, 2, 4)
BEST = "best"
# baselines that every machine has
USUAL = ("eager", "compile", "compile_max_autotune")
_SPEEDUP = "speedup_vs_"
# what a module's products alone take on the vendor's libraries: no way to run the whole module
_BOUNDS = ("cublas", "library")
_RESAMPLES = 2000


def fast_p(speedups: Sequence[float | None], p: float) -> float | None:
    """Return the share of tasks with a correct program that is more than ``p`` times as fast as the baseline.

    ``fast_0`` is the share of tasks with a correct program.

    Args:
        speedups: one for each task, positive; None where no correct program was found.
        p: the threshold, at least 0.

    Returns:
        A share from 0 to 1, None without any task.

    Raises:
        ValueError: for a speed-up that is not positive, or a negative threshold.
    """
    if p < 0 or not all(s is None or (s > 0 and math.isfinite(s)) for s in speedups):
        raise ValueError(f"fast_p takes positive speed-ups and p >= 0, got {list(speedups)} and {p}")
    if not speedups:
        return None
    return sum(s is not None and s > p for s in speedups) / len(speedups)


def mean_over_tasks(speedups: Sequence[float]) -> dict[str, float | None]:
    """Return the geometric mean over tasks with a 95 % bootstrap interval.

    The tasks are what is drawn again and again, so the interval says how much the mean hangs on the choice of
    tasks; the uncertainty of one task's timing is in its own interval.

    Args:
        speedups: one for each task with a correct program, in any order; equal sets give equal intervals.

    Returns:
        ``geometric_mean``, ``low`` and ``high``; None without any task, and no interval with fewer than six.

    Raises:
        ValueError: for a speed-up that is not positive.
    """
    if not speedups:
        return {"geometric_mean": None, "low": None, "high": None}
    ordered = sorted(speedups)
    mean = geometric_mean(ordered)
    if len(ordered) < MIN_BLOCKS:
        return {"geometric_mean": mean, "low": None, "high": None}
    logs = np.log(np.asarray(ordered))
    drawn = np.random.default_rng(0).integers(len(logs), size=(_RESAMPLES, len(logs)))
    low, high = np.exp(np.quantile(logs[drawn].mean(axis=1), [0.025, 0.975])).tolist()
    return {"geometric_mean": mean, "low": min(low, mean), "high": max(high, mean)}


def speedup_key(baseline: str) -> str:
    """Return the metric that holds a program's speed-up over a baseline."""
    return f"{_SPEEDUP}{baseline}"


def baselines(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the baselines of a series: the usual ones, then those that its rows were compared with beside.

    On a device these are the CUDA graphs and the modes of TF32.

    Args:
        rows: of the series.
    """
    keys = (key for row in rows for key in row.metrics if key.startswith(_SPEEDUP))
    found = dict.fromkeys(key.removeprefix(_SPEEDUP) for key in keys)
    return (*USUAL, *(name for name in found if name not in (*USUAL, *_BOUNDS)))


def summary(rows: Iterable[Row], missing: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a series comes to.

    Figures against a baseline that some tasks lack are over the others; ``fast_0`` is over all.
    Of several programs for one task the fastest correct one counts. A task enters the figures if lint calls
    it judgeable and it has a verdict; a fault of the machine is neither a success nor a failure, and so is a
    program for a GPU on a machine without one.

    Args:
        rows: rows of the series.
        missing: tasks of the series without a row: it was cut off.
    """
    rows = list(rows)
    tasks = _by_task(rows)
    judged = {n: row for n, row in tasks.items() if row.fault is None and row.status != NEEDS_CUDA}
    graded = {name: row for name, row in judged.items() if row.grade == JUDGEABLE}
    correct = [row for row in graded.values() if row.score is not None]
    return {
        "tasks": len(graded),
        "correct": len(correct),
        "statuses": dict(Counter(row.word for row in rows).most_common()),
        "claims": dict(Counter(_claim(row) for row in correct).most_common()),
        "forms": dict(Counter(row.form for row in tasks.values() if row.form).most_common()),
        "baselines": {
            BEST: _against(None, graded),
            **{name: _against(speedup_key(name), graded) for name in baselines(rows)},
        },
        "upstream": {
            "today": _by_their_rule(rows, "correct"),
            "loose": _by_their_rule(rows, "correct_loose"),
        },
        "graded": sorted(graded, key=list(tasks).index),
        "excluded": {
            "not_judgeable": {name: row.grade for name, row in tasks.items() if row.grade != JUDGEABLE},
            "faults": [name for name, row in tasks.items() if row.fault is not None],
            "needs_cuda": [name for name, row in tasks.items() if row.status == NEEDS_CUDA],
            "missing": list(missing),
        },
    }


def _by_task(rows: Iterable[Row]) -> dict[str, Row]:
    """Return each task's best row: one that counts, then the highest score, else a verdict, else a fault."""
    found: dict[str, Row] = {}
    for row in rows:
        if row.name not in found or rank(row) > rank(found[row.name]):
            found[row.name] = row
    return found


def rank(row: Row) -> tuple[bool, bool, bool, float]:
    """Return what puts one program before another of a task; solutions may bring texts of their own."""
    unjudged = (None, NO_PROGRAM, BROKEN_TASK, NEEDS_CUDA)
    judged = row.status not in unjudged
    return judged and row.grade == JUDGEABLE, row.score is not None, judged, row.score or 0.0


def _against(metric: str | None, graded: Mapping[str, Row]) -> dict[str, Any]:
    """Return the figures against one baseline.

    ``fast_p["0"]`` is the share of all graded tasks with a correct program: it needs no baseline's figure.
    The shares for other p are over the tasks that are compared (``tasks``); those that are not are named
    (``not_compared``): a correct program without a figure for the baseline, and a failed one where the
    baseline is known to have none either. A failure tells it by the reason in its own row; and where no
    correct program of the series has a figure, as on a machine that cannot make this baseline, none of the
    failures has one.

    Args:
        metric: the speed-up over it; None for the best one, whose speed-up is the score.
        graded: rows by task.
    """
    correct = {name: row for name, row in graded.items() if row.status == Status.OK}
    found = {n: row.score if metric is None else row.metrics.get(metric) for n, row in correct.items()}
    nowhere = bool(correct) and all(value is None for value in found.values())
    speedups: list[float | None] = []
    not_compared = []
    for name, row in graded.items():
        unknown = found[name] is None if name in found else nowhere or _lacks(row, metric)
        if unknown:
            not_compared.append(name)
        else:
            speedups.append(found.get(name))
    return {
        "tasks": len(speedups),
        "fast_p": {
            f"{p:g}": fast_p(speedups, p) if p else len(correct) / len(graded) if graded else None
            for p in THRESHOLDS
        },
        **mean_over_tasks([s for s in speedups if s is not None]),
        "not_compared": not_compared,
    }


def _lacks(row: Row, metric: str | None) -> bool:
    """Whether a row says why its task has no figure for a baseline (``compile_missing``)."""
    why = {name.replace("-", "_") for name in row.metrics if name.endswith("_missing")}
    return metric is not None and f"{metric.removeprefix(_SPEEDUP)}_missing" in why


def _by_their_rule(rows: Iterable[Row], key: str) -> dict[str, Any]:
    """Return the figures by KernelBench's own rule: every task as shipped, blind ones too, against eager.

    Of several programs for one task the best by that rule counts; a task without one counts as a failure, as
    in our own figures. A fault of the machine is left out, and so is a program of which nobody could ask it.

    Args:
        rows: of the series.
        key: ``correct`` (at today's tolerance) or ``correct_loose`` (at 1e-2, as in its first form).
    """
    best: dict[str, float | None] = {}
    for row in rows:
        if row.fault is not None or "@" in row.name or row.word in (BROKEN_TASK, NEEDS_CUDA):
            continue
        if row.upstream is None and row.status in set(Status):
            continue  # it was judged by us, and the machine broke when it was to be by them
        told = row.upstream or {}
        speedup = told.get("speedup") if told.get(key) else None
        best[row.name] = max(filter(None, (best.get(row.name), speedup)), default=None)
    known = [value for value in best.values() if value is not None]
    return {
        "tasks": len(best),
        "fast_p": {f"{p:g}": fast_p(list(best.values()), p) for p in THRESHOLDS},
        **mean_over_tasks(known),
    }


def _claim(row: Row) -> str:
    """Say faster, parity or slower, as verdicts do; ``unclear`` where the interval allows no word."""
    low, high = row.metrics.get("score_low"), row.metrics.get("score_high")
    if low is None or high is None or row.score is None:
        return "unclear"
    return word(low, high) or "unclear"
