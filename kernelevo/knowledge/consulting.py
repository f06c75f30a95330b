"""Consultant: looks notes up for a brief and says which it gave, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kernelevo.core import Brief, Task
from kernelevo.knowledge.base import KnowledgeBase
from kernelevo.knowledge.distil import KERNEL
from kernelevo.knowledge.kinds import kinds_of
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
    """

    def __init__(self, base: KnowledgeBase, task: Task, most: int = MOST) -> None:
        self._base, self._most = base, most
        self._device = str(task.options.get("device", "cpu"))
        self._kinds = kinds_of(str(task.options.get("reference", {}).get("text", "")))
        self._kernels = task.evaluator == KERNEL
        # a kernel's kinds say what it is like; of another task nothing but its name is known
        self._words = " ".join(self._kinds) if self._kernels else task.name

    def __call__(self, brief: Brief, stagnation: float | None) -> list[Retrieved]:
        """Return notes for a brief, at most one more for each trigger in turn; none without a trigger."""
        reasons = triggers(brief, stagnation)
        lists = [
            [
                Retrieved(note, reason.kind, reason.says)
                for note in self._base.search(
                    f"{reason.words} {self._words}",
                    device=self._device,
                    kinds=self._kinds,
                    kernels=self._kernels,
                    limit=self._most,
                )
            ]
            for reason in reasons
        ]
        found: dict[str, Retrieved] = {}
        for place in range(self._most):
            for listed in lists:
                if place < len(listed) and len(found) < self._most:
                    found.setdefault(listed[place].note.id, listed[place])
        return list(found.values())
