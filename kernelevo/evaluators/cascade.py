"""Cascade: cheap stages first; a program that does not reach a stage's bar is not taken to the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from kernelevo.core import Evaluation, Program, Status
from kernelevo.evaluators.function import as_evaluation

Stage = Callable[[Program], Any]


def cascade(*stages: Stage, bars: Sequence[float]) -> Callable[[Program], Evaluation]:
    """Return an evaluator function that runs stages in order and stops at the first that is not passed.

    The last stage that ran gives the verdict. A program that was stopped before the last one keeps its
    score as a rough one (never elite, never best); ``metrics["stage"]`` counts the stages that ran, and
    earlier scores are kept as ``stage_1``, ``stage_2`` ...

    Args:
        stages: functions as for ``registry.evaluator``, cheap ones first, e.g. on 5, 50 and 200 cases.
        bars: score that a program needs in each stage but the last to go on.

    Raises:
        ValueError: if there is not exactly one bar fewer than stages.
    """
    if len(bars) != len(stages) - 1:
        raise ValueError(f"{len(stages)} stages need {len(stages) - 1} bars, not {len(bars)}")

    def judge(program: Program) -> Evaluation:
        earlier: dict[str, Any] = {}
        for number, stage in enumerate(stages, 1):
            verdict = as_evaluation(stage(program))
            verdict = replace(verdict, metrics={**earlier, **verdict.metrics, "stage": number})
            if verdict.status is not Status.OK or verdict.score is None or number == len(stages):
                return verdict
            if verdict.score < bars[number - 1]:
                text = f"stopped after stage {number} of {len(stages)}: {verdict.score:.6g} is below "
                text += f"{bars[number - 1]:.6g}\n{verdict.feedback}"
                return replace(verdict, feedback=text.strip(), fidelity="rough")
            earlier[f"stage_{number}"] = verdict.score
        raise AssertionError("the last stage returns")

    judge.__doc__ = stages[-1].__doc__
    return judge
