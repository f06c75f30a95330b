"""What runs inside workers: evaluators are loaded once per process and kept; only plain data comes in.

An evaluator may offer more than its protocol; everything here is optional:
``seeds()`` returns programs to start from where the task has none; ``warm()`` gets ready for the first
program; ``settle()`` goes on for a few seconds with what the search is to wait for, and returns whether all
of it is done; ``notices()`` returns news since the last call (see ``Notices``); ``finalize(artifact)``
(``finalize(program)`` without stages) times a winner again, in fresh processes; ``close()`` ends it. For
``api.check`` alone: ``expect_final(artifact)`` says early that a built program is to be finalized if it is
right, ``prove(artifact)`` checks it without a clock and returns the verdict of one that is wrong.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernelevo.core import Artifact, Evaluation, Program, StagedEvaluator, Task
from kernelevo.device.lease import waited_seconds

Notices = tuple[Mapping[str, Any], ...]
"""News of an evaluator as plain data. ``{"kind": "baseline", "name", "latency_ms" (or None), "reason"}``,
``{"kind": "rebase", "before", "now", "factor", "baseline"}`` (see ``store.Rebase``; before and now are values
of ``metrics["baseline"]``), ``{"kind": "notice", "text"}``, ``{"kind": "graphless", "what", "why", "now"}``
(why a module has no graph, told once)."""

_LOADED: dict[tuple[str, str], Any] = {}


@dataclass(frozen=True)
class Measured:
    """A verdict, the news that came with it, and the seconds that it took."""

    evaluation: Evaluation
    notices: Notices = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Offer:
    """What an evaluator can do, and the programs it starts from."""

    staged: bool
    final: bool
    settles: bool = False
    seeds: tuple[Program, ...] = ()
    notices: Notices = ()


@dataclass(frozen=True)
class Settled:
    """Whether an evaluator is ready for the search, and the news of getting there."""

    done: bool
    notices: Notices = ()


def evaluator(loader: str, task: Task) -> Any:
    """Return this process's evaluator of a task, loading it the first time.

    Args:
        loader: ``"module:function"`` that makes an evaluator from a task.
        task: what is judged; equal digests share an evaluator.
    """
    key = (loader, task.digest)
    if key not in _LOADED:
        module, _, name = loader.partition(":")
        _LOADED[key] = getattr(importlib.import_module(module), name)(task)
    return _LOADED[key]


def offer(loader: str, task: Task) -> Offer:
    """Load the evaluator and say what it offers."""
    judge = evaluator(loader, task)
    seeds = task.seeds or (tuple(judge.seeds()) if hasattr(judge, "seeds") else ())
    return Offer(
        staged=isinstance(judge, StagedEvaluator),
        final=hasattr(judge, "finalize"),
        settles=hasattr(judge, "settle"),
        seeds=seeds,
        notices=_notices(judge),
    )


def warm(loader: str, task: Task) -> None:
    """Let an evaluator make its standing equipment, if it wants to."""
    judge = evaluator(loader, task)
    if hasattr(judge, "warm"):
        judge.warm()


def settle(loader: str, task: Task) -> Settled:
    """Let an evaluator go on with what the search waits for."""
    judge = evaluator(loader, task)
    return Settled(bool(judge.settle()), _notices(judge))


def prepare(loader: str, task: Task, program: Program) -> Artifact:
    """First stage of a staged evaluator."""
    artifact: Artifact = evaluator(loader, task).prepare(program)
    return artifact


def measure(loader: str, task: Task, artifact: Artifact, floor: float | None) -> Measured:
    """Second stage of a staged evaluator."""
    judge = evaluator(loader, task)
    if artifact.folder is not None and not artifact.folder.is_dir():  # built by a worker that is lost
        artifact = judge.prepare(artifact.program)
    began = _own_seconds()
    verdict = artifact.verdict or judge.measure(artifact, floor)
    return Measured(verdict, _notices(judge), _own_seconds() - began)


def judge(loader: str, task: Task, program: Program) -> Measured:
    """The one stage of a plain evaluator."""
    function = evaluator(loader, task)
    began = time.perf_counter()
    verdict = function(program)
    return Measured(verdict, _notices(function), time.perf_counter() - began)


def finalize(loader: str, task: Task, program: Program) -> Measured:
    """Time a winner again."""
    judge = evaluator(loader, task)
    began = _own_seconds()
    if not isinstance(judge, StagedEvaluator):
        return Measured(judge.finalize(program), _notices(judge), _own_seconds() - began)
    artifact = judge.prepare(program)  # the search's own build may lie with another worker, or be gone
    verdict = artifact.verdict or judge.finalize(artifact)  # type: ignore[attr-defined]
    return Measured(verdict, _notices(judge), _own_seconds() - began)


def _own_seconds() -> float:
    """Return seconds by a clock that stands still while this thread waits for another run's measurements."""
    return time.perf_counter() - waited_seconds()


def close_all() -> None:
    """Close every evaluator of this process."""
    while _LOADED:
        _, judge = _LOADED.popitem()
        if hasattr(judge, "close"):
            with contextlib.suppress(Exception):  # the process ends; nobody is left to tell
                judge.close()


def _notices(judge: Any) -> Notices:
    return tuple(judge.notices()) if hasattr(judge, "notices") else ()


atexit.register(close_all)
