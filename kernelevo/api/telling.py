"""Telling: what became of one trial, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kernelevo.core import Evaluation, Trial
from kernelevo.report import table

if TYPE_CHECKING:
    from kernelevo.api.result import Result


def explain(trial: Trial, result: Result | None = None) -> str:
    """Say in words what became of a trial: verdict, feedback or fault.

    Args:
        trial: of a run.
        result: the run, which knows how the trial was judged in fresh processes, whether its program still
            counts, and whether scores are ratios of times.
    """
    if trial.evaluation is None:
        told = f"the machine failed: {trial.fault.message if trial.fault else ''}"
        return f"#{trial.number}: {table.printable_lines(told)}"
    timed = result is None or result.task.is_timed
    status = table.status_told(str(trial.evaluation.status), trial, result.out if result else ())
    lines = [f"#{trial.number} {table.made_by(trial)}: {_verdict(trial.evaluation, status, timed=timed)}"]
    final = result.confirmed.get(trial.number) if result else None
    if final is not None:
        told = _verdict(final, str(final.status), timed=timed)
        lines.append(f"judged again in fresh processes, which is what counts: {told}")
    return "\n".join(lines)


def _verdict(verdict: Evaluation, status: str, *, timed: bool) -> str:
    score = table.interval(verdict, timed=timed) if verdict.score is not None else table.NONE
    return f"{status}, score {score}\n{table.printable_lines(verdict.feedback)}"


def more_of(trial: Trial, opinion: Mapping[str, Any] | None) -> str:
    """Return every metric of a trial that exists, and a judge model's opinion, a line each."""
    metrics = trial.evaluation.metrics if trial.evaluation else {}
    lines = [f"  {name}: {table.number(v, '{:.4g}')}" for name, v in metrics.items() if v is not None]
    if opinion is not None:
        marks = ", ".join(f"{name} {score:g}" for name, score in opinion["scores"].items())
        lines.append(
            f"  {opinion['model'] or 'a model'} thinks (of 10): {marks}. {opinion['comment']}".rstrip()
        )
    return table.printable_lines("\n".join(lines))
