"""Keeper: opens evaluators for programs that come one after another, and keeps the last one open."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import TracebackType

from kernelevo.api.loading import load_evaluator
from kernelevo.core import Evaluator, StagedEvaluator, Task


class Keeper:
    """Has one evaluator open at most: that of the last task, for the next program of just that task.

    What a judge prepares for a task (secret cases, their oracles, compiled baselines) takes half of the time
    that one program costs. It is used again only where nothing of the task differs, where no call failed with
    it, and where it is as good as a new one; else it is closed, and the task gets a new one. So no verdict
    depends on which programs were judged before. Not safe to use from several threads.
    """

    def __init__(self) -> None:
        self._evaluator: Evaluator | StagedEvaluator | None = None
        self._of = ""

    def __enter__(self) -> Keeper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def lent(self, task: Task) -> Iterator[Evaluator | StagedEvaluator]:
        """Lend the evaluator of a task: the one that is open if it is the task's, else a new one.

        It is closed at once where the body raises, whatever that is, and where it cannot be used again.

        Args:
            task: the task.

        Raises:
            NotEnoughMemory: if the task does not fit.
            InputError: if its file or its evaluator cannot be loaded.
        """
        of = _identity(task)
        if not (of and of == self._of and self._is_as_new()):
            self.close()
            self._evaluator, self._of = load_evaluator(task), of
        assert self._evaluator is not None
        try:
            yield self._evaluator
        except BaseException:
            self.close()
            raise
        if not (of and self._is_as_new()):
            self.close()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Let what is open do no work of its own inside, where something else is timed."""
        with getattr(self._evaluator, "resting", nullcontext)():
            yield

    def close(self) -> None:
        """Close what is open; may be called at any time."""
        evaluator, self._evaluator, self._of = self._evaluator, None, ""
        if isinstance(evaluator, StagedEvaluator):
            evaluator.close()
        if evaluator is not None:
            del evaluator
            gc.collect()  # a judge's tensors hang in cycles, and whoever comes next needs the room

    def _is_as_new(self) -> bool:
        """Whether what is open says of itself that nothing is missing; who says nothing is used once."""
        return bool(getattr(self._evaluator, "as_new", False))


def _identity(task: Task) -> str:
    """Return all that a task's evaluator is made from; empty where that lies elsewhere, in files say.

    The label of a file whose text the task holds is left out: the same text in another folder is the same.
    """
    reference = task.options.get("reference")
    if not isinstance(reference, dict) or reference.get("kind") != "source":
        return ""
    text = {key: value for key, value in reference.items() if key != "filename"}
    return json.dumps([task.name, task.evaluator, {**task.options, "reference": text}], sort_keys=True)
