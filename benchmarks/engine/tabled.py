"""A table of verdicts that many searches share, so that each program is built, checked and timed once.

Comparing policies by whole searches costs a measurement for every step of every search, though the searches
meet the same programs again and again, and a program measured twice gets two scores that differ by noise.
Here a program's first verdict is written down and is everybody's from then on (what benchmarks of
hyperparameter searches call tabular): differences between policies are differences of their choices. Nothing
is timed against a floor, since a floor belongs to one search, and no winner is timed again: the best of many
noisy figures flatters every policy alike. Every baseline is ready before the first verdict.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kernelevo.core import Artifact, Evaluation, Program, Task
from kernelevo.errors import MachineError
from kernelevo.evaluators import load

OPTION = "verdicts"
"""Task option: the file of the table."""
LOADER = "benchmarks.engine.tabled:tabled"


class Tabled:
    """A staged evaluator in front of the judge, which is made at the first program that the table lacks.

    Args:
        task: a kernel task; ``options["verdicts"]`` names the table, a file of JSON lines.
        judge: judges what the table lacks; None for the task's own.
    """

    def __init__(self, task: Task, judge: Any = None) -> None:
        self._task, self._given, self._ready = task, judge, None
        self._mixed = False  # scores against two baselines do not belong into one table
        self._path = Path(task.options[OPTION])
        self._known: dict[str, Evaluation] = {}
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self._known[row["program"]] = Evaluation.from_json(row["verdict"])

    def seeds(self) -> tuple[Program, ...]:
        """The task's first programs."""
        return tuple(self._judge().seeds())

    def prepare(self, program: Program) -> Artifact:
        """Build what the table lacks."""
        if program.id in self._known:
            return Artifact(program)
        artifact: Artifact = self._settled().prepare(program)
        if artifact.verdict is not None:
            self._record(program.id, artifact.verdict)
        return artifact

    def measure(self, artifact: Artifact, floor: float | None = None) -> Evaluation:
        """Look up, or measure without a floor."""
        if artifact.program.id not in self._known:
            self._record(artifact.program.id, self._settled().measure(artifact))
        return self._known[artifact.program.id]

    def close(self) -> None:
        """End the judge."""
        if self._given is not None:
            self._given.close()

    def _record(self, program: str, verdict: Evaluation) -> None:
        self._mixed |= any(news["kind"] == "rebase" for news in self._settled().notices())
        if self._mixed:
            raise MachineError("a baseline changed while the table was filled", now="begin a new table")
        self._known[program] = verdict
        row = {"program": program, "verdict": verdict.to_json()}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def _judge(self) -> Any:
        if self._given is None:
            self._given = load(self._task)
        return self._given

    def _settled(self) -> Any:
        if self._ready is None:
            judge = self._judge()
            judge.warm()
            while not judge.settle():
                pass
            judge.notices()  # baselines that arrived before the first verdict
            self._ready = judge
        return self._ready


def tabled(task: Task) -> Tabled:
    """Make the evaluator, inside a worker."""
    return Tabled(task)
