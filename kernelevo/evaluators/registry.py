"""Registry: evaluators by name, from a file's function, or from an installed entry point."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import math
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from kernelevo.core import Evaluation, Evaluator, Program, StagedEvaluator, Status, Task
from kernelevo.errors import BadProgram, TaskNotFound, closest

GROUP = "kernelevo.evaluators"
"""Entry point group in which installed packages offer evaluators."""
_OURS = {"kernel": "kernelevo.evaluators.kernel"}

Plain = Callable[..., Any]
Maker = Callable[[Task], Evaluator | StagedEvaluator]
F = TypeVar("F", bound=Plain)
M = TypeVar("M", bound=Maker)


@dataclass(frozen=True)
class Entry:
    """A registered evaluator.

    Args:
        name: its name.
        make: makes the evaluator of a task.
        seed: program to start from, or None.
        function: the plain function behind it, or None.
    """

    name: str
    make: Maker
    seed: Program | None = None
    function: Plain | None = None


_REGISTERED: dict[str, Entry] = {}


def evaluator(name: str, *, seed: str | Program | None = None) -> Callable[[F], F]:
    """Register a plain function as an evaluator.

    The function takes a ``Program`` (or, if its parameter is annotated ``str`` or named ``source``, the
    program's text) and returns an ``Evaluation``, a number (higher is better), or a mapping with the number
    under ``score``. An exception it raises is the program's failure.

    Args:
        name: what ``Task.evaluator`` says.
        seed: program to start from, or its text.
    """

    def register(function: F) -> F:
        start = Program.single(seed) if isinstance(seed, str) else seed
        _REGISTERED[name] = Entry(name, lambda task: Function(function, start), start, function)
        return function

    return register


def staged(name: str) -> Callable[[M], M]:
    """Register a function that makes an evaluator for a task (one with two stages, usually)."""

    def register(make: M) -> M:
        _REGISTERED[name] = Entry(name, make)
        return make

    return register


class Function:
    """A plain function as an evaluator: whatever it returns or raises becomes a verdict.

    Args:
        function: see ``evaluator``.
        seed: program to start from, or None.
    """

    def __init__(self, function: Plain, seed: Program | None = None) -> None:
        self.function, self.seed = function, seed
        self._wants_text = _wants_text(function)

    def __call__(self, program: Program) -> Evaluation:
        """Judge one program in this process."""
        try:
            result = self.function(program.source if self._wants_text else program)
        except Exception as error:
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            text = f"evaluating raises {type(error).__name__}: {error}"
            return Evaluation(Status.CRASHED, None, {}, text, {"traceback": "".join(lines)[-8000:]})
        return as_evaluation(result)

    def seeds(self) -> tuple[Program, ...]:
        """Return the program to start from, if there is one."""
        return () if self.seed is None else (self.seed,)


def as_evaluation(result: Any) -> Evaluation:
    """Turn what a plain evaluator returned into a verdict.

    Raises:
        BadProgram: if it is neither an evaluation, a number, nor a mapping with one under ``score``.
    """
    if isinstance(result, Evaluation):
        return result
    if isinstance(result, Mapping):
        metrics = {
            str(k): v if isinstance(v, float | int | str | bool | None) else repr(v)
            for k, v in result.items()
        }
        score = metrics.pop("score", None)
        feedback = str(metrics.pop("feedback", "") or "")
        return _scored(score, metrics, feedback)
    return _scored(result, {}, "")


def _scored(score: Any, metrics: dict[str, Any], feedback: str) -> Evaluation:
    if score is None:
        return Evaluation(Status.WRONG, None, metrics, feedback or "the evaluator gave no score")
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise BadProgram(
            f"the evaluator returned {score!r} as score",
            why="expected a number (higher is better), an Evaluation, or a mapping with 'score'",
            now="return a float",
        )
    if not math.isfinite(score):
        return Evaluation(Status.WRONG, None, metrics, feedback or f"the score is {score!r}")
    return Evaluation(Status.OK, float(score), metrics, feedback)


def _wants_text(function: Plain) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin has none
        return False
    if not parameters:
        return False
    return parameters[0].annotation in (str, "str") or parameters[0].name in ("source", "text", "code")


def names() -> list[str]:
    """Return every evaluator name that is known: ours, registered ones, installed ones."""
    installed = [e.name for e in importlib.metadata.entry_points(group=GROUP)]
    return sorted({*_OURS, *_REGISTERED, *installed})


def find(reference: str) -> Entry:
    """Find an evaluator by name, or as ``file.py:function``.

    Raises:
        TaskNotFound: if there is none.
        BadProgram: if its file raises on import.
    """
    if ":" in reference and reference.rpartition(":")[0].endswith(".py"):
        return _from_file(reference)
    if reference not in _REGISTERED and reference in _OURS:
        importlib.import_module(_OURS[reference])
    if reference not in _REGISTERED:
        for point in importlib.metadata.entry_points(group=GROUP):
            if point.name == reference:
                return _as_entry(reference, point.load())
    if reference not in _REGISTERED:
        raise TaskNotFound(f"no evaluator {reference!r}", why=closest(reference, names()))
    return _REGISTERED[reference]


def _as_entry(name: str, loaded: Any) -> Entry:
    for entry in _REGISTERED.values():
        if entry.function is loaded or entry.make is loaded:
            return entry
    if not callable(loaded):
        raise BadProgram(f"{name} is not a function", now="name a function that takes a program")
    return Entry(name, lambda task: Function(loaded), None, loaded)


def _from_file(reference: str) -> Entry:
    path_text, _, function = reference.rpartition(":")
    path = Path(path_text).expanduser().resolve()
    if not path.is_file():
        raise TaskNotFound(f"no such file: {path_text}", now="give the path of a Python file")
    name = f"kernelevo_evaluator_{path.stem}_{abs(hash(str(path))):x}"
    module = sys.modules.get(name)
    if module is None:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None  # the path is a .py file
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[name]
            raise BadProgram(
                f"{path_text} raises {type(error).__name__} when it is imported",
                why=str(error),
                now="run it with python to see the whole traceback",
            ) from error
    if not hasattr(module, function):
        public = [k for k, v in vars(module).items() if callable(v) and not k.startswith("_")]
        raise TaskNotFound(f"{path_text} has no function {function!r}", why=closest(function, public))
    return _as_entry(reference, getattr(module, function))


def load(task: Task) -> Evaluator | StagedEvaluator:
    """Return the evaluator of a task.

    Raises:
        TaskNotFound: if ``task.evaluator`` names none.
        BadProgram: if its file raises on import.
    """
    return find(task.evaluator).make(task)
