"""A plain function as an evaluator: whatever it returns, raises or takes too long for becomes a verdict."""

from __future__ import annotations

import base64
import inspect
import math
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kernelevo.core import Evaluation, Program, Status
from kernelevo.core.evaluation import Metric
from kernelevo.errors import BadProgram, KernelEvoError
from kernelevo.evaluators.deadline import OutOfTime, deadline
from kernelevo.evaluators.outcome import ProgramFailed

Plain = Callable[..., Any]
TIME_LIMIT = 600.0
_LONGEST = 64_000


class Function:
    """A plain function as an evaluator.

    Args:
        function: see ``registry.evaluator``.
        seeds: programs to start from.
        time_limit: seconds that judging one program may take; None for no limit.
        better: metric -> ``"higher"`` or ``"lower"``; written beside each verdict.
    """

    def __init__(
        self,
        function: Plain,
        seeds: Sequence[Program] = (),
        *,
        time_limit: float | None = TIME_LIMIT,
        better: Mapping[str, str] | None = None,
    ) -> None:
        self.function, self.time_limit = function, time_limit
        self._seeds, self._better = tuple(seeds), dict(better or {})
        self._wants_text = _wants_text(function)

    def __call__(self, program: Program) -> Evaluation:
        """Judge one program in this process."""
        return self._marked(self._judged(program))

    def _judged(self, program: Program) -> Evaluation:
        try:
            with deadline(self.time_limit):
                result = self.function(program.source if self._wants_text else program)
        except ProgramFailed as failed:
            return failed.outcome.verdict()
        except OutOfTime:
            text = f"judging this program took longer than the evaluator's limit of {self.time_limit:g} s"
            return Evaluation(Status.TIMED_OUT, None, {}, text)
        except KernelEvoError:
            raise  # a machine that broke, or a mistake in the evaluator: nothing about this program
        except Exception as error:
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            text = f"evaluating raises {type(error).__name__}: {error}"
            return Evaluation(Status.CRASHED, None, {}, text, {"traceback": "".join(lines)[-8000:]})
        return as_evaluation(result)

    def seeds(self) -> tuple[Program, ...]:
        """Return the programs to start from."""
        return self._seeds

    def _marked(self, verdict: Evaluation) -> Evaluation:
        directions = [
            {"name": name, "better": way} for name, way in self._better.items() if name in verdict.metrics
        ]
        if not directions:
            return verdict
        metrics = {**verdict.metrics, "directions": directions}
        return Evaluation(
            verdict.status, verdict.score, metrics, verdict.feedback, verdict.artifacts, verdict.fidelity
        )


def as_evaluation(result: Any) -> Evaluation:
    """Turn what a plain evaluator returned into a verdict.

    A mapping has the number under ``score``, and may have ``feedback``, ``artifacts`` (name -> text, bytes or
    the ``Path`` of a file), ``tests`` (name -> score, or a list of ``{"name", "score"}``) and ``metrics``;
    every other key is a metric.

    Raises:
        BadProgram: if it is neither an evaluation, a number, nor a mapping with one under ``score``.
    """
    if isinstance(result, Evaluation):
        return result
    if not isinstance(result, Mapping):
        return _scored(result, {}, "", {})
    given = dict(result)
    score, feedback = given.pop("score", None), str(given.pop("feedback", "") or "")
    artifacts = {str(name): artifact_text(body) for name, body in dict(given.pop("artifacts", {})).items()}
    named = given.pop("metrics", {})
    given |= named if isinstance(named, Mapping) else {"metrics": named}
    metrics: dict[str, Metric] = {str(k): v if _is_metric(v) else repr(v) for k, v in given.items()}
    if "tests" in given:
        metrics["tests"] = _tests(given["tests"])
    return _scored(score, metrics, feedback, artifacts)


def artifact_text(body: Any) -> str:
    """Return an artefact as text of at most 64 kB: a text, bytes, or a file named by a ``Path``."""
    if isinstance(body, Path):
        try:
            body = body.read_bytes()
        except OSError as error:
            return f"(the file {body.name} cannot be read: {error.strerror})"
    if isinstance(body, bytes | bytearray):
        try:
            body = bytes(body).decode()
        except UnicodeDecodeError:
            body = f"data:application/octet-stream;base64,{base64.b64encode(bytes(body)).decode()}"
    text = str(body)
    left_out = len(text) - _LONGEST
    return text if left_out <= 0 else f"{text[:_LONGEST]}\n[{left_out} characters left out]"


def _tests(given: Any) -> Metric:
    """Return per-case scores in the form that the population reads."""
    if isinstance(given, Mapping):
        return [{"name": str(name), "score": _number(score)} for name, score in given.items()]
    if isinstance(given, Sequence) and all(isinstance(case, Mapping) and "name" in case for case in given):
        return [dict(case) for case in given]
    raise BadProgram(
        f"the evaluator returned {str(given)[:80]!r} as tests",
        why="expected a mapping of case name to score, or a list of {'name': ..., 'score': ...}",
        now="name each case",
    )


def _number(score: Any) -> float | None:
    good = isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score)
    return float(score) if good else None


def _is_metric(value: Any) -> bool:
    return isinstance(value, float | int | str | bool | None)


def _scored(score: Any, metrics: dict[str, Metric], feedback: str, artifacts: dict[str, str]) -> Evaluation:
    if score is None:
        text = feedback or "the evaluator gave no score"
        return Evaluation(Status.WRONG, None, metrics, text, artifacts)
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise BadProgram(
            f"the evaluator returned {score!r} as score",
            why="expected a number (higher is better), an Evaluation, or a mapping with 'score'",
            now="return a float",
        )
    if not math.isfinite(score):
        return Evaluation(Status.WRONG, None, metrics, feedback or f"the score is {score!r}", artifacts)
    return Evaluation(Status.OK, float(score), metrics, feedback, artifacts)


def _wants_text(function: Plain) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin has none
        return False
    if not parameters:
        return False
    return parameters[0].annotation in (str, "str") or parameters[0].name in ("source", "text", "code")
