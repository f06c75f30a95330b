"""The plug-in kinds: what a proposer, an evaluator, an executor and a backend must offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol, TypeVar, runtime_checkable

from kernelevo.core.brief import Brief
from kernelevo.core.evaluation import Evaluation
from kernelevo.core.program import Program

R = TypeVar("R")


@dataclass(frozen=True)
class Proposal:
    """What a proposer returns: a program, and what making it cost.

    Args:
        program: the new program.
        cost: what it used, by unit (``tokens``, ``dollars``).
        records: plain data to keep beside the trial (prompt, reply).
    """

    program: Program
    cost: Mapping[str, float] = field(default_factory=dict)
    records: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Proposer(Protocol):
    """Turns a brief into programs.

    ``propose`` returns an empty sequence when it has nothing (more) to offer for this brief; the engine
    then asks another proposer. ``CaptureError`` means the same of one that works on a graph of the module,
    where there is none; the user is told why. It must draw all randomness from ``rng``.

    Three plain methods are optional: ``observe(trial)`` is called with every trial that was told;
    ``proposed(program)``, when a run is resumed, with each program of its own that is not told yet: what a
    proposer remembers of its proposals has to come out the same as if the run had never stopped; and
    ``reread(change)`` when a better baseline has arrived: verdicts that were told read from now on as
    ``change(evaluation)`` makes them, for who remembers their scores.

    Five attributes are optional: ``parents``, how many its briefs shall have (1); ``reads``, whether it
    reads what a brief says in words (hints, notes, lineage): who does not say so gets briefs without them,
    and uses up no hint that was given for a number of asks; ``serial``, whether it answers asks one after
    the other: while one is under way others are asked, if they have something to offer; ``waits``,
    whether it waits for an answer from outside to an ask that it was made before, and its next one is that
    again: nothing of its brief is read then, and a run in which nobody has more to offer asks it again; and
    ``mends``, whether its next one mends a program of its own instead of building on the brief's parents:
    no fork, and no hint for what builds on a program, is used up by it.
    """

    name: str

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Return programs for this brief, at best one the run has not seen."""
        ...


@runtime_checkable
class Evaluator(Protocol):
    """A function ``Program -> Evaluation``. A bad program is data; an exception is a broken machine."""

    def __call__(self, program: Program) -> Evaluation:
        """Judge one program."""
        ...


@dataclass(frozen=True)
class Artifact:
    """What ``prepare`` hands to ``measure``: a built program, or the verdict that already failed it.

    Args:
        program: the program.
        verdict: set if the program failed before it needed the device.
        folder: where its build lies, if it has one.
        facts: plain data of the build (seconds, registers).
    """

    program: Program
    verdict: Evaluation | None = None
    folder: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class StagedEvaluator(Protocol):
    """Two stages: ``prepare`` on any CPU worker (cacheable), ``measure`` under a device lease."""

    def prepare(self, program: Program) -> Artifact:
        """Guard, build and load the program once; never raises for a bad program."""
        ...

    def measure(self, artifact: Artifact, floor: float | None = None) -> Evaluation:
        """Check and time; ``floor`` is the slowest score that is worth full timing."""
        ...

    def close(self) -> None:
        """Stop every child process."""
        ...


@runtime_checkable
class Executor(Protocol):
    """Runs functions somewhere: here, in processes, on Ray. Shaped like ``concurrent.futures``.

    One that can change how much of it goes on at a time offers ``resize(workers, needs="cpu")``, which raises
    ``BadSetting`` for a number that it cannot have.
    """

    def submit(self, fn: Callable[..., R], /, *args: object, needs: str = "cpu") -> Future[R]:
        """Run ``fn(*args)``; ``needs`` is ``"cpu"``, ``"build"`` or ``"device:0"``."""
        ...

    def close(self) -> None:
        """Wait for nothing, stop every worker."""
        ...


@runtime_checkable
class Backend(Protocol):
    """Kernel source -> loadable object, one per language."""

    language: str

    def missing(self) -> str | None:
        """Return None if ready, else the sentence that ``doctor`` prints."""
        ...
