"""Consultant: looks notes up for a brief and says which it gave, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kernelevo.core import Brief, Task
from kernelevo.knowledge.base import KnowledgeBase
from kernelevo.knowledge.distil import KERNEL
from kernelevo.knowledge.kinds import kinds_of_task
from kernelevo.knowledge.lookups import Lookup, Lookups
from kernelevo.knowledge.note import Note
from kernelevo.knowledge.triggers import triggers

MOST = 3
"""Notes in one brief."""


@dataclass(frozen=True)
class Retrieved:
    """A note that was found, and what it was found for."""

    note: Note
    trigger: str
    says: str

    def to_json(self) -> dict[str, Any]:
        """Return what a trial's origin keeps of it."""
        return {"note": self.note.id, "trigger": self.trigger, "because": self.says}


class Consultant:
    """Answers briefs from a knowledge base; the same brief gets the same notes.

    Notes about kernels are for tasks that are kernels, notes that runs of other tasks left are for others.

    Args:
        base: the notes.
        task: whose kernels decide which notes fit.
        most: notes in one brief.
        recorded: what the base answered a run that is replayed; it is asked for other words alone.
        keep: called with every answer that is new to it.
    """

    def __init__(
        self,
        base: KnowledgeBase,
        task: Task,
        most: int = MOST,
        *,
        recorded: Iterable[Lookup] = (),
        keep: Callable[[Lookup], None] | None = None,
    ) -> None:
        self._base, self._most = base, most
        self._device = str(task.options.get("device", "cpu"))
        self._kinds = kinds_of_task(task)
        self._kernels = task.evaluator == KERNEL
        # a kernel's kinds say what it is like; of another task nothing but its name is known
        self._words = " ".join(self._kinds) if self._kernels else task.name
        self._recorded, self._keep = Lookups(recorded), keep
        self._kept: dict[str, tuple[Note, ...]] = {}
        self._began: int | None = None

    def __call__(self, brief: Brief, stagnation: float | None) -> list[Retrieved]:
        """Return notes for a brief, at most one more for each trigger in turn; none without a trigger."""
        if self._began is None:
            self._began = brief.number
        lists = [
            [
                Retrieved(note, reason.kind, reason.says)
                for note in self._search(f"{reason.words} {self._words}", brief.number)
            ]
            for reason in triggers(brief, stagnation)
        ]
        found: dict[str, Retrieved] = {}
        for place in range(self._most):
            for listed in lists:
                if place < len(listed) and len(found) < self._most:
                    found.setdefault(listed[place].note.id, listed[place])
        return list(found.values())

    def _search(self, words: str, number: int) -> Sequence[Note]:
        found = self._recorded.find(words, number)
        if found is None:
            found = tuple(
                self._base.search(
                    words,
                    device=self._device,
                    kinds=self._kinds,
                    kernels=self._kernels,
                    limit=self._most,
                )
            )
        if self._keep is not None and self._kept.get(words) != found:
            # several asks are under way at a time: what is looked up first may be for a later one of them
            since = number if words in self._kept or self._began is None else self._began
            self._kept[words] = found
            self._keep(Lookup(words, found, since))
        return found
