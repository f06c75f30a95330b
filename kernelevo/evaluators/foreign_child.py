"""The process of a foreign evaluator: imports ``evaluator.py`` and calls it on a program's path.

Run by its path as ``python foreign_child.py ORDER FD``: it needs nothing of kernelevo's but the way to end
with its parent. The candidate is
usually imported in here, by the foreign evaluator; that is its author's design, and the reason why this is no
process of ours.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import sys
import traceback
import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kernelevo.sandbox.lifeline import die_with_parent

_LONGEST = 64_000
_BITS = 1000  # of an integer: a float holds 1024, and Python writes no number of some thousand digits


@dataclass
class EvaluationResult:
    """Stands for the class of that name where OpenEvolve is not installed."""

    metrics: dict[str, Any]
    artifacts: dict[str, Any] = field(default_factory=dict)


def main(order: Mapping[str, Any], fd: int) -> None:
    """Judge one program and write the result as one JSON object."""
    die_with_parent(order["parent"])
    folder = Path(order["folder"])
    sys.path.insert(0, str(folder))
    _offer_result_class()
    try:
        module = _load(folder / "evaluator.py")
        said = _judge(module, order["program"], order["cascade"], order["thresholds"])
        # in here: what a mapping or an object says of itself may raise
        body = json.dumps(_plain(said)).encode()
    except BaseException as error:
        text = "".join(traceback.format_exception(error))[-8000:]
        said = {"raised": f"{type(error).__name__}: {error}", "artifacts": {"traceback": text}}
        body = json.dumps(_plain(said)).encode()
    for stream in (sys.stdout, sys.stderr):  # the answer is this process's end
        with contextlib.suppress(Exception):  # a candidate may have put anything in their place
            stream.flush()
    view = memoryview(body)
    while view:
        view = view[os.write(fd, view) :]


def score_of(metrics: Mapping[str, Any]) -> float | None:
    """Return the score among foreign metrics: ``combined_score``, ``score``, or the only number there is."""
    for name in ("combined_score", "score"):
        if name in metrics:
            return _float(metrics[name]) if _is_number(metrics[name]) else None
    numbers = [value for name, value in metrics.items() if _is_number(value) and name != "validity"]
    return _float(numbers[0]) if len(numbers) == 1 else None


def _reached(metrics: Mapping[str, Any]) -> float | None:
    """Return what a stage's bar is held against: its score or, as OpenEvolve has it, the mean of its numbers.

    A first stage often says no more than that the program runs; its score comes with a later one.
    """
    if "combined_score" in metrics or "score" in metrics:
        return score_of(metrics)
    return mean_of(metrics)


def mean_of(metrics: Mapping[str, Any], features: Collection[str] = ()) -> float | None:
    """Return the mean of foreign metrics' numbers: OpenEvolve's fitness where there is no ``combined_score``.

    Args:
        metrics: by name; "error" tells of a failure and is none of them, and neither is what is not finite.
        features: names of those that describe a program and do not say how good it is; they are left out
            unless there are no others.

    Returns:
        The mean, None where there is no number.
    """
    known = {name: _plain(value) for name, value in metrics.items() if name != "error"}
    numbers = {name: float(value) for name, value in known.items() if isinstance(value, int | float)}
    counted = [value for name, value in numbers.items() if name not in features] or [*numbers.values()]
    return sum(counted) / len(counted) if counted else None


def _judge(module: Any, path: str, cascade: bool, thresholds: list[float]) -> dict[str, Any]:
    stages: list[Callable[[str], Any]] = []
    while cascade and callable(stage := getattr(module, f"evaluate_stage{len(stages) + 1}", None)):
        stages.append(stage)
    if not stages:
        return {**_said(module.evaluate(path)), "stages": 0, "ran": 0}
    metrics: dict[str, Any] = {}
    artifacts: dict[str, Any] = {}
    ran = 0
    for number, stage in enumerate(stages, 1):
        found = _said(stage(path))
        metrics, artifacts, ran = {**metrics, **found["metrics"]}, {**artifacts, **found["artifacts"]}, number
        bar = thresholds[number - 1] if number <= len(thresholds) else -math.inf
        reached = _reached(found["metrics"])
        if reached is None or not reached >= bar:
            break
    return {"metrics": metrics, "artifacts": artifacts, "stages": len(stages), "ran": ran}


def _said(result: Any) -> dict[str, Any]:
    if isinstance(result, Mapping):
        return {"metrics": dict(result), "artifacts": {}}
    metrics = getattr(result, "metrics", None)
    if isinstance(metrics, Mapping):
        return {"metrics": dict(metrics), "artifacts": dict(getattr(result, "artifacts", {}) or {})}
    raise TypeError(f"evaluate returned a {type(result).__name__}, not a dict of metrics")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value[:1000]]
    if isinstance(value, int) and value.bit_length() > _BITS:
        value = _float(value)
    if value is None or isinstance(value, bool | int | str):
        return value[:_LONGEST] if isinstance(value, str) else value
    if isinstance(value, float) or hasattr(value, "__float__"):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return _written(value)
        return number if math.isfinite(number) else repr(number)
    return _written(value)


def _written(value: Any) -> str:
    """Return how Python writes a value; some have objects inside that refuse."""
    try:
        return repr(value)[:2000]
    except Exception:
        return f"a {type(value).__name__} that cannot be written"


def _float(value: Any) -> float:
    """Return a number as a float; an integer beyond them all is infinite, which no score may be."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool | str) and hasattr(value, "__float__")


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("evaluator", path)
    assert spec is not None and spec.loader is not None  # the path is a .py file
    module = importlib.util.module_from_spec(spec)
    sys.modules["evaluator"] = module
    spec.loader.exec_module(module)
    return module


def _offer_result_class() -> None:
    """Let ``from openevolve.evaluation_result import EvaluationResult`` work without that package."""
    if importlib.util.find_spec("openevolve") is not None:
        return
    package, module = types.ModuleType("openevolve"), types.ModuleType("openevolve.evaluation_result")
    package.__path__ = []
    module.EvaluationResult = EvaluationResult  # type: ignore[attr-defined]
    sys.modules |= {"openevolve": package, "openevolve.evaluation_result": module}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]))
