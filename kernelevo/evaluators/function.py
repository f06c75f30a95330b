"""A plain function as an evaluator: whatever it returns, raises or takes too long for becomes a verdict."""

from __future__ import annotations

import base64
import contextlib
import inspect
import math
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
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
_LONGEST_METRIC = 2_000
_BITS = 1000  # of an integer: a float holds 1024, JSON and its readers not many more


class NoVerdict(BadProgram):
    """What an evaluator returned is no verdict."""


class Function:
    """A plain function as an evaluator.

    Args:
        function: see ``registry.evaluator``.
        seeds: programs to start from.
        time_limit: seconds that judging one program may take; None for no limit.
        better: metric -> ``"higher"`` or ``"lower"``; written beside each verdict.

    Raises:
        BadProgram: if the function is async, or cannot be called with a program alone.
    """

    def __init__(
        self,
        function: Plain,
        seeds: Sequence[Program] = (),
        *,
        time_limit: float | None = TIME_LIMIT,
        better: Mapping[str, str] | None = None,
    ) -> None:
        _refuse_unfit(function)
        self.function, self.time_limit = function, time_limit
        self._seeds, self._better = tuple(seeds), dict(better or {})
        self._honest = {seed.id for seed in seeds}
        self._wants_text = _wants_text(function)

    def __call__(self, program: Program) -> Evaluation:
        """Judge one program in this process.

        Raises:
            NoVerdict: if not even a seed gets a verdict; a program to which that happens is wrong.
        """
        return self._marked(self._judged(program))

    def _judged(self, program: Program) -> Evaluation:
        try:
            with _talking(), deadline(self.time_limit):
                return as_evaluation(self.function(program.source if self._wants_text else program))
        except ProgramFailed as failed:
            return failed.outcome.verdict()
        except OutOfTime:
            text = f"judging this program took longer than the evaluator's limit of {self.time_limit:g} s"
            return Evaluation(Status.TIMED_OUT, None, {}, text)
        except NoVerdict as error:
            if program.id in self._honest:
                raise  # the evaluator's mistake; others may have answered what it did not look at
            return Evaluation.wrong(f"{error.what}: {error.why}")
        except KernelEvoError:
            raise  # a machine that broke, or a mistake in the evaluator: nothing about this program
        except (Exception, SystemExit) as error:
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            text = _shortened(f"evaluating raises {type(error).__name__}: {error}", _LONGEST)
            return Evaluation(Status.CRASHED, None, {}, text, {"traceback": "".join(lines)[-8000:]})

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
    every other key is a metric. Numbers may be numpy's or torch's; a verdict holds Python's alone.

    Raises:
        NoVerdict: if it is neither an evaluation, a number, nor a mapping with one under ``score``.
    """
    if isinstance(result, Evaluation):
        facts: dict[str, Metric] = {str(name): _deep(value) for name, value in result.metrics.items()}
        score = None if result.score is None else float(result.score)
        words = _shortened(str(result.feedback), _LONGEST)
        kept = {str(name): artifact_text(body) for name, body in result.artifacts.items()}
        return replace(result, score=score, metrics=facts, feedback=words, artifacts=kept)
    if not isinstance(result, Mapping):
        return _scored(result, {}, "", {})
    given = dict(result)
    score, feedback = given.pop("score", None), _shortened(str(given.pop("feedback", "") or ""), _LONGEST)
    artifacts = given.pop("artifacts", None) or {}
    if not isinstance(artifacts, Mapping):
        raise _not_a_mapping("artifacts", artifacts, "a mapping of a name to a text, bytes or a Path")
    artifacts = {str(name): artifact_text(body) for name, body in artifacts.items()}
    named = given.pop("metrics", {})
    given |= named if isinstance(named, Mapping) else {"metrics": named}
    tests = given.pop("tests", None)
    metrics: dict[str, Metric] = {str(name): _metric(value) for name, value in given.items()}
    if tests is not None:
        cases = case_scores(tests)
        if cases is None:
            wanted = "a mapping of case name to score, or a list of {'name': ..., 'score': ...}"
            raise _not_a_mapping("tests", tests, wanted)
        metrics["tests"] = cases
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
    return _shortened(str(body), _LONGEST)


def _shortened(text: str, longest: int) -> str:
    left_out = len(text) - longest
    return text if left_out <= 0 else f"{text[:longest]}\n[{left_out} characters left out]"


def case_scores(given: Any) -> list[dict[str, Any]] | None:
    """Return per-case scores in the form that the population reads; None for anything else."""
    if isinstance(given, Mapping):
        return [{"name": str(name), "score": _number(score)} for name, score in given.items()]
    if not isinstance(given, list | tuple):
        return None
    if all(isinstance(case, Mapping) and "name" in case for case in given):
        scores = ({"score": _number(case["score"])} if "score" in case else {} for case in given)
        return [{**_deep(case), **score} for case, score in zip(given, scores, strict=True)]
    return None


def _not_a_mapping(what: str, given: Any, wanted: str) -> NoVerdict:
    return NoVerdict(
        f"the evaluator returned {_written(given)[:80]} as {what}", why=f"expected {wanted}",
        now="give each one a name",
    )  # fmt: skip


def _plain(value: Any) -> Any:
    """Return numbers of numpy, torch and fractions as Python's own, huge ones as infinity; else the value."""
    if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    huge = -math.inf if value < 0 else math.inf
    if isinstance(value, Integral):
        whole = int(value)
        return whole if whole.bit_length() <= _BITS else huge
    try:
        return float(value)
    except OverflowError:  # of a fraction
        return huge


def _number(score: Any) -> float | None:
    score = _plain(score)
    good = isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score)
    return float(score) if good else None


def _metric(value: Any) -> Metric:
    value = _plain(value)
    if isinstance(value, float | int | bool | None):
        return value
    if isinstance(value, str):
        return _shortened(str(value), _LONGEST)
    return _shortened(_written(value), _LONGEST_METRIC)


def _deep(value: Any) -> Any:
    """Return a metric with whatever it holds as plain data; what is not finite inside is a word."""
    if isinstance(value, Mapping):
        return {str(name): _inner(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_inner(item) for item in value]
    return _metric(value)


def _inner(value: Any) -> Any:
    value = _deep(value)
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _written(value: Any) -> str:
    """Return how Python writes a value; some have objects inside that refuse."""
    try:
        return repr(value)
    except Exception:
        return f"a {type(value).__name__} that cannot be written"


def _scored(score: Any, metrics: dict[str, Metric], feedback: str, artifacts: dict[str, str]) -> Evaluation:
    if score is None:
        text = feedback or "the evaluator gave no score"
        return Evaluation(Status.WRONG, None, metrics, text, artifacts)
    number = _plain(score)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise NoVerdict(
            f"the evaluator returned {_written(score)[:200]} as score",
            why="expected a number (higher is better), an Evaluation, or a mapping with 'score'",
            now="return a float",
        )
    if not math.isfinite(number):
        return Evaluation(Status.WRONG, None, metrics, feedback or f"the score is {number!r}", artifacts)
    return Evaluation(Status.OK, float(number), metrics, feedback, artifacts)


def _talking() -> contextlib.AbstractContextManager[Any]:
    """What an evaluator prints is talk: the stdout of a process that judges by itself carries data.

    Only in the main thread, since there is one stdout for all of them.
    """
    here = threading.current_thread() is threading.main_thread()
    return contextlib.redirect_stdout(sys.stderr) if here else contextlib.nullcontext()


def _refuse_unfit(function: Plain) -> None:
    """Refuse what would fail for every program, before there is one."""
    name = getattr(function, "__name__", "the evaluator")
    if inspect.iscoroutinefunction(function):
        raise BadProgram(
            f"{name} is async", why="an evaluator is called, and what it returns is the verdict",
            now="make it a plain function; asyncio.run(...) inside it may wait for others",
        )  # fmt: skip
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin has none
        return
    try:
        signature.bind(None)
    except TypeError as error:
        raise BadProgram(
            f"{name}{signature} cannot judge a program", why=f"it is called with the program alone: {error}",
            now="let it take one argument, and give every other one a default",
        ) from error  # fmt: skip


def _wants_text(function: Plain) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin has none
        return False
    if not parameters:
        return False
    return parameters[0].annotation in (str, "str") or parameters[0].name in ("source", "text", "code")
