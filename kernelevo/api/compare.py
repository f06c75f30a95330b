"""Comparing two runs: what differs in what they were asked, and in what they found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kernelevo.api.result import Result
from kernelevo.core import Objectives, Trial, Worth
from kernelevo.report import table


def compare(one: str | Path, two: str | Path) -> dict[str, Any]:
    """Compare two runs, which may be at work.

    Args:
        one: folder, name or ``@last``.
        two: the same.

    Returns:
        ``runs`` (one row of facts each), ``task`` and ``settings`` (what differs, as pairs; None where a run
        has no such setting), ``proposers`` (by name, per run: trials, scored, improved the best), ``curves``
        (per run: score and ``height``, the number of what ``measure`` names, of each trial that was the best
        so far, with the seconds since the run began) and
        ``first_difference`` (number of the first trial whose programs differ, None if one run begins like the
        whole of the other).

    Raises:
        RunNotFound: if one of them is not there.
    """
    results = [Result.read(one), Result.read(two)]
    tasks = [{"name": r.task.name, "evaluator": r.task.evaluator, **r.task.options} for r in results]
    names = sorted({t.program.origin.proposer for r in results for t in r.trials})
    yields = [_yields(r) for r in results]
    return {
        "runs": [_facts(r) for r in results],
        "task": _differences(*tasks),
        "settings": _differences(*(r.settings for r in results)),
        "proposers": {name: [found.get(name, _NONE) for found in yields] for name in names},
        "curves": [curve(r.standing, r.objectives) for r in results],
        "first_difference": _parting(results[0].trials, results[1].trials),
    }


_NONE = {"trials": 0, "scored": 0, "improved": 0}


def _facts(result: Result) -> dict[str, Any]:
    verdict = result.evaluation
    metrics = verdict.metrics if verdict else {}
    return {
        "folder": str(result.folder),
        "task": result.task.name,
        "state": result.state,
        "trials": len(result.trials),
        "searched_seconds": result.searched,
        "preparation_seconds": result.prepared,
        "best": result.best.number if result.best else None,
        "measure": result.objectives.measure.name,
        "height": result.objectives.height(verdict) if verdict else None,
        "score": verdict.score if verdict else None,
        "score_low": metrics.get("score_low"),
        "score_high": metrics.get("score_high"),
        "confirmed": result.is_confirmed,
        "program": result.program.id if result.program else None,
    }


def _differences(one: dict[str, Any], two: dict[str, Any]) -> dict[str, list[Any]]:
    names = [*one, *(name for name in two if name not in one)]
    return {n: [one.get(n), two.get(n)] for n in names if n != "out" and one.get(n) != two.get(n)}


def _yields(result: Result) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    raised = {point["trial"] for point in curve(result.standing, result.objectives)}
    for trial in result.trials:
        row = found.setdefault(trial.program.origin.proposer, dict(_NONE))
        row["trials"] += 1
        row["scored"] += trial.score is not None
        row["improved"] += trial.number in raised
    return found


def curve(trials: Sequence[Trial], objectives: Objectives) -> list[dict[str, Any]]:
    """Return the trials that were the best so far, with the seconds since the first one was asked.

    Args:
        trials: of one run, those left out whose programs count no more.
        objectives: what makes the best; the scores of these trials only rise if it is the score.
    """
    start = min((t.started for t in trials), default=0.0)
    best: Worth | None = None
    points = []
    for trial in sorted(trials, key=lambda t: t.number):
        if trial.evaluation is None or trial.evaluation.fidelity != "full" or trial.score is None:
            continue
        worth = table.worth(trial, objectives)
        if best is None or worth > best:
            best = worth
            height = objectives.height(trial.evaluation)
            seconds = trial.ended - start
            points.append({"trial": trial.number, "seconds": seconds, "score": trial.score, "height": height})
    return points


def _parting(one: Sequence[Trial], two: Sequence[Trial]) -> int | None:
    others = {t.number: t for t in two}
    for trial in one:
        if trial.number in others and others[trial.number].program != trial.program:
            return trial.number
    return None
