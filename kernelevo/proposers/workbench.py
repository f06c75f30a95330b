"""Workbench: a task's module captured for every input set, and the programs that rewrites make of it."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kernelevo.backends.tune import Choice
from kernelevo.core import Task, Verdict
from kernelevo.errors import BadSetting, CaptureError
from kernelevo.graphs.graphless import advised

if TYPE_CHECKING:
    from kernelevo.graphs.capture import Captured
    from kernelevo.graphs.rewrite import Rewrite

SEED = 0  # weights and inputs on which rewrites are checked; programs are not specialised to their values
Names = frozenset[str]
Graphs = tuple["Captured", ...]


@dataclass(frozen=True)
class Draft:
    """A program text and the rewrites that made it.

    Args:
        rewrites: those that fired, in order of application.
        text: the program.
        careful: values of its ``TUNE`` table with which it rounds least; see ``graphs.snippet``.
    """

    rewrites: tuple[str, ...]
    text: str
    careful: Mapping[str, Choice] = field(default_factory=dict)


class Workbench:
    """Makes programs of one task; safe to use from several threads, one at a time inside.

    Where the task has several input sets there is one graph for each kind of call among them, and each
    program holds them all.

    Args:
        task: a task with ``options["reference"]``.

    Raises:
        CaptureError: if the module cannot be captured as one graph for each of its input sets.
    """

    def __init__(self, task: Task) -> None:
        from kernelevo.backends.reference import load_reference
        from kernelevo.graphs.dispatch import capture_each
        from kernelevo.graphs.rewrites import REWRITES

        self._lock = threading.RLock()
        self._name = task.name
        device = str(task.options.get("device", "cpu")).partition(":")[0]
        self.catalogue = tuple(r.name for r in REWRITES if device in devices_of(r))
        self._sure = frozenset(r.name for r in REWRITES if not getattr(r, "speculative", False))
        reference = load_reference(task.options["reference"])
        self._captured: Graphs = capture_each(reference.build(SEED), reference.input_sets())
        self._drafts: dict[Names, Draft] = {}
        self._graphs: dict[Names, tuple[tuple[str, ...], Graphs]] = {frozenset(): ((), self._captured)}

    def graphs(self, wanted: Iterable[str]) -> tuple[tuple[str, ...], Graphs]:
        """Return which rewrites among ``wanted`` fire, in order, and the graphs they make; do not edit these.

        A rewrite that fires on one of several graphs counts.
        """
        from kernelevo.graphs.applying import apply_rewrites

        names = frozenset(wanted) & frozenset(self.catalogue)
        if (known := self._graphs.get(names)) is not None:  # the lock may be held for another set, for long
            return known
        with self._lock:
            if names not in self._graphs:
                twins = tuple(captured.copy() for captured in self._captured)
                ordered = [n for n in self.catalogue if n in names]
                found = {n for twin in twins for n in apply_rewrites(twin, ordered)}
                fired = tuple(n for n in ordered if n in found)
                self._graphs[names] = self._graphs.setdefault(frozenset(fired), (fired, twins))
            return self._graphs[names]

    def draft(self, wanted: Iterable[str]) -> Draft:
        """Return the program of those rewrites among ``wanted`` that are in the catalogue and fire.

        Raises:
            CaptureError: if a constant of the module is too large to be written down.
        """
        from kernelevo.graphs.dispatch import print_dispatch

        names = frozenset(wanted) & frozenset(self.catalogue)
        if (known := self._drafts.get(names)) is not None:  # the lock may be held for another set, for long
            return known
        with self._lock:
            if names not in self._drafts:
                fired, graphs = self.graphs(names)
                if frozenset(fired) not in self._drafts:
                    done = ", ".join(fired) or "no rewrite"
                    text = print_dispatch(graphs, header=f"{self._name}: {done}.")
                    snippets = (s for graph in graphs for s in graph.snippets.values())
                    careful = dict(entry for snippet in snippets for entry in snippet.careful.items())
                    self._drafts[frozenset(fired)] = Draft(fired, text, careful)
                self._drafts[names] = self._drafts[frozenset(fired)]
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


_benches: dict[str, Workbench | CaptureError] = {}
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
            try:
                _benches[task.digest] = Workbench(task)
            except CaptureError as error:  # every proposer asks in every turn; exporting takes seconds
                _benches[task.digest] = advised(error)
        found = _benches[task.digest]
    if isinstance(found, CaptureError):
        raise CaptureError(found.what, why=found.why, now=found.now)
    return found


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


def body_digest(text: str) -> str:
    """Return a digest of a printed program without the words at its top, which say how it was made."""
    body = text.split('"""', 2)[2] if text.startswith('"""') else text
    return hashlib.sha256(body.encode(errors="replace")).hexdigest()
