"""Judging: the engine's side of evaluation; sends work to the pools, tries broken machines again."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from kernelevo.core import Artifact, Executor, Fault, Program, Task
from kernelevo.engine import evaluation
from kernelevo.engine.evaluation import Measured, Offer, Settled
from kernelevo.errors import BadSetting, InputError, KernelEvoError

R = TypeVar("R")
ATTEMPTS = 3


class MachineBroke(Exception):
    """Judging one program failed ``ATTEMPTS`` times for reasons that are not the program's.

    Args:
        fault: what goes into the trial's row.
        error: the last exception.
    """

    def __init__(self, fault: Fault, error: Exception) -> None:
        super().__init__(fault.message)
        self.fault, self.error = fault, error


class Judging:
    """Asks workers for verdicts on programs of one task.

    Args:
        executor: where the work runs.
        task: what is judged.
        loader: ``"module:function"`` that makes the evaluator inside the worker.
        device: name of the device that measures (``"device:0"``); None for evaluators without stages.
        backoff: seconds before the second try, doubled before the third.
    """

    def __init__(
        self, executor: Executor, task: Task, loader: str, device: str | None, *, backoff: float = 0.5
    ) -> None:
        self._executor, self._task, self._loader, self._device = executor, task, loader, device
        self._backoff = backoff
        self.offer = Offer(staged=False, final=False)
        self._warmed: Future[None] | None = None

    async def open(self) -> Offer:
        """Load the evaluator; what it raises is the user's to see, so it is not tried again."""
        self.offer = await asyncio.wrap_future(
            self._executor.submit(evaluation.offer, self._loader, self._task, needs=self._place())
        )
        return self.offer

    def resize(self, workers: int) -> None:
        """Have so many workers for builds, or for verdicts where nothing is built first.

        Raises:
            BadSetting: if the executor cannot have so many of them.
        """
        resize = getattr(self._executor, "resize", None)
        if resize is None:
            raise BadSetting(
                f"there cannot be {workers} workers: this run's executor has a fixed number of them",
                why=f"it is {type(self._executor).__name__}",
                now="begin a run with --executor process and --workers N",
            )
        resize(workers, needs="build" if self.offer.staged else "cpu")

    def warm(self) -> None:
        """Let a staged evaluator get ready while the first programs are thought of; nobody waits for it.

        What goes wrong meanwhile goes wrong again, and is reported, at the first verdict; a run without any
        verdict asks for it here.
        """
        if self.offer.staged:
            self._warmed = self._executor.submit(
                evaluation.warm, self._loader, self._task, needs=self._place()
            )

    async def warmed(self) -> Exception | None:
        """Wait for ``warm`` and return what it raised, if anything."""
        try:
            if self._warmed is not None:
                await asyncio.wrap_future(self._warmed)
        except Exception as error:
            return error
        return None

    async def settle(self) -> Settled:
        """Let the evaluator go on with what the search waits for, a few seconds at a time.

        Raises:
            MachineBroke: if no attempt got through.
        """
        return await self._try(evaluation.settle, needs=self._place())

    async def prepare(self, program: Program) -> Artifact:
        """Build a program in the build pool; evaluators without stages have nothing to build.

        Raises:
            MachineBroke: if no attempt got through.
        """
        if not self.offer.staged:
            return Artifact(program)
        return await self._try(evaluation.prepare, program, needs="build")

    async def measure(self, artifact: Artifact, floor: float | None) -> Measured:
        """Return the verdict on a built program; a rough one says for which floor it was made.

        Raises:
            MachineBroke: if no attempt got through.
        """
        if artifact.verdict is not None:
            return Measured(artifact.verdict)
        if not self.offer.staged:
            return await self._try(evaluation.judge, artifact.program, needs="cpu")
        measured = await self._try(evaluation.measure, artifact, floor, needs=self._place())
        if measured.evaluation.fidelity == "rough":
            metrics = {**measured.evaluation.metrics, "floor": floor}
            verdict = dataclasses.replace(measured.evaluation, metrics=metrics)
            return dataclasses.replace(measured, evaluation=verdict)
        return measured

    async def finalize(self, program: Program) -> Measured | None:
        """Time a winner again; None if the evaluator has no such stage.

        Raises:
            MachineBroke: if no attempt got through.
        """
        if not self.offer.final:
            return None
        return await self._try(evaluation.finalize, program, needs=self._place())

    def _place(self) -> str:
        return self._device or "cpu"

    async def _try(self, stage: Callable[..., R], *arguments: Any, needs: str) -> R:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                future = self._executor.submit(stage, self._loader, self._task, *arguments, needs=needs)
                return await asyncio.wrap_future(future)
            except InputError:
                raise
            except Exception as error:
                if attempt == ATTEMPTS:
                    raise MachineBroke(Fault(type(error).__name__, str(error), attempt), error) from error
                await asyncio.sleep(self._backoff * 2 ** (attempt - 1))
        raise AssertionError("unreachable")


def first_failure(error: Exception, task: str) -> Exception:
    """Nothing could be judged yet: whatever broke is the user's to see, in plain words."""
    if isinstance(error, KernelEvoError):
        return error
    told = InputError(
        f"the evaluator of {task} failed on the first program.",
        why=f"{type(error).__name__}: {error}",
        now="mend the evaluator; a program that is merely bad must be an Evaluation, not an exception",
    )
    told.__cause__ = error
    return told
