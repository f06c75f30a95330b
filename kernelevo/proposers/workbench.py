"""Workbench: a task's module captured once, and the programs that sets of rewrites make of it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernelevo.core import Task, Verdict
from kernelevo.errors import BadSetting

if TYPE_CHECKING:
    from kernelevo.graphs.capture import Captured
    from kernelevo.graphs.rewrite import Rewrite

SEED = 0  # weights and inputs on which rewrites are checked; programs are not specialised to their values
Names = frozenset[str]


@dataclass(frozen=True)
class Draft:
    """A program text and the rewrites that made it.

    Args:
        rewrites: those that fired, in order of application.
        text: the program.
    """

    rewrites: tuple[str, ...]
    text: str


class Workbench:
    """Makes programs of one task; safe to use from several threads, one at a time inside.

    Args:
        task: a task with ``options["reference"]``.

    Raises:
        CaptureError: if the module cannot be captured as one graph.
    """

    def __init__(self, task: Task) -> None:
        from kernelevo.backends.reference import load_reference
        from kernelevo.graphs.capture import capture
        from kernelevo.graphs.rewrites import REWRITES

        self._lock = threading.RLock()
        self._name = task.name
        device = str(task.options.get("device", "cpu")).partition(":")[0]
        self.catalogue = tuple(r.name for r in REWRITES if device in devices_of(r))
        self._sure = frozenset(r.name for r in REWRITES if not getattr(r, "speculative", False))
        reference = load_reference(task.options["reference"])
        self._captured: Captured = capture(reference.build(SEED), reference.inputs(SEED))
        self._drafts: dict[Names, Draft] = {}
        self._graphs: dict[Names, tuple[tuple[str, ...], Captured]] = {}

    def graph(self, wanted: Iterable[str]) -> tuple[tuple[str, ...], Captured]:
        """Return which rewrites among ``wanted`` fire, in order, and the graph they make; do not edit it."""
        from kernelevo.graphs.rewrite import apply_rewrites

        names = frozenset(wanted) & frozenset(self.catalogue)
        with self._lock:
            if names not in self._graphs:
                twin = self._captured.copy()
                fired = tuple(apply_rewrites(twin, [n for n in self.catalogue if n in names]))
                self._graphs[names] = self._graphs.setdefault(frozenset(fired), (fired, twin))
            return self._graphs[names]

    def draft(self, wanted: Iterable[str]) -> Draft:
        """Return the program of those rewrites among ``wanted`` that are in the catalogue and fire."""
        from kernelevo.graphs.printing import print_program

        names = frozenset(wanted) & frozenset(self.catalogue)
        with self._lock:
            if names not in self._drafts:
                fired, graph = self.graph(names)
                done = ", ".join(fired) or "no rewrite"
                draft = Draft(fired, print_program(graph, header=f"{self._name}: {done}."))
                self._drafts[names] = self._drafts.setdefault(frozenset(fired), draft)
            return self._drafts[names]

    @functools.cached_property
    def greedy(self) -> tuple[str, ...]:
        """Every rewrite that fires when all are applied one after the other."""
        return self.draft(self.catalogue).rewrites

    @functools.cached_property
    def sure(self) -> tuple[str, ...]:
        """Every rewrite that fires when all are applied but those as likely to slow a module down."""
        return self.draft(self._sure).rewrites

    @functools.cached_property
    def useful(self) -> tuple[str, ...]:
        """Every rewrite that fires in the greedy set or alone, in the catalogue's order."""
        return tuple(n for n in self.catalogue if n in self.greedy or self.draft([n]).rewrites)


def devices_of(rewrite: Rewrite) -> frozenset[str]:
    """Return the kinds of device a rewrite is for: its ``devices``, or both."""
    return frozenset(getattr(rewrite, "devices", ("cpu", "cuda")))


_benches: dict[str, Workbench] = {}
_lock = threading.Lock()


def workbench(task: Task) -> Workbench:
    """Return the workbench of a task, shared by the proposers of this process.

    Raises:
        BadSetting: if the task has no reference module.
        CaptureError: if its module cannot be captured.
    """
    if "reference" not in task.options:
        raise BadSetting(
            f"{task.name} has no reference module",
            why="rewriting works on modules",
            now="leave the proposers 'rewrite' and 'crossover' out",
        )
    with _lock:
        if task.digest not in _benches:
            _benches[task.digest] = Workbench(task)
        return _benches[task.digest]


def rewrites_of(details: Mapping[str, Any]) -> Names | None:
    """Return the rewrites that made a program of ours, None if it was made otherwise."""
    found = details.get("rewrites")
    if not isinstance(found, (list, tuple)) or not all(isinstance(name, str) for name in found):
        return None
    return frozenset(found)


def plain_rewrites(verdict: Verdict) -> Names | None:
    """Return the rewrites of a program that is a printed graph, None for any other."""
    details = verdict.program.origin.details
    return rewrites_of(details) if details.get("base", "graph") == "graph" else None
