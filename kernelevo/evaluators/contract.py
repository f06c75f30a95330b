"""The contract of evaluators, as a check that any plug-in can run in its own tests."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from kernelevo.core import Evaluation, Evaluator, Program, StagedEvaluator, Status, Task
from kernelevo.evaluators.audit.auditor import Victim
from kernelevo.evaluators.registry import find, load, task_of

# what a candidate may be: text of the entry file -> how a broken promise calls it
_BROKEN = {
    "": "an empty program",
    "def solve(:\n": "a program that does not parse",
    "raise RuntimeError('no')\n": "a program that raises when it is loaded",
    "import os\nos._exit(3)\n": "a program that ends its process",
}
_PATIENCE = 60.0


def broken_promises(evaluator: str | Task, *, seed: Program | None = None) -> list[str]:
    """Return what an evaluator does not keep of the contract; an empty list if it keeps all.

    The promises: it has a goal and a program to start from, which gets a finite score, the same each time
    (10 % are left to timings), also in a process that only knows the task's name; verdicts are plain data; a
    program that is broken gets a failing verdict, never an exception, a score, or the evaluator's end.

    Args:
        evaluator: its name, ``file.py:function``, a foreign folder, or a task.
        seed: a program to start from, instead of its own.

    Raises:
        TaskNotFound, BadProgram: if it cannot be loaded.
    """
    task = evaluator if isinstance(evaluator, Task) else _task(evaluator)
    judge = load(task)
    broken = [] if task.goal.strip() else ["it has no goal: write a docstring"]
    seeds = (seed,) if seed else task.seeds or (tuple(judge.seeds()) if hasattr(judge, "seeds") else ())
    if not seeds:
        return [*broken, "it has no program to start from"]
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory(prefix="kernelevo-contract-") as place:
        victim = Victim(task, _PATIENCE, log, Path(place))
        try:
            broken += _seed_promises(judge, victim, seeds[0])
            broken += _failure_promises(victim, seeds[0])
        finally:
            victim.stop()
            if hasattr(judge, "close"):
                judge.close()
    return broken


def _task(name: str) -> Task:
    known = task_of(name)
    if known is not None:
        return known
    entry = find(name)
    reference = name
    if ":" in name:
        path, _, function = name.rpartition(":")
        reference = f"{Path(os.path.expanduser(path)).resolve()}:{function}"
    return Task(name, entry.goal, entry.seeds, reference)


def _seed_promises(judge: Evaluator | StagedEvaluator, victim: Victim, seed: Program) -> list[str]:
    if isinstance(judge, StagedEvaluator):
        return []  # its device and its stages are the engine's to prove
    here = judge(seed)
    if here.status is not Status.OK or here.score is None:
        return [f"its own program gets no score: {here.status}, {here.feedback[:300]}"]
    broken = []
    if Evaluation.from_json(json.loads(json.dumps(here.to_json()))) != here:
        broken.append("its verdict is not plain data: it changes on the way through JSON")
    there = victim.judge(seed)
    if there.get("status") != Status.OK:
        broken.append(f"a process that knows the task only by name cannot judge: {str(there)[:300]}")
    elif abs(float(there["score"]) - here.score) > 0.1 * abs(here.score):
        broken.append(f"one program gets two scores: {here.score:g} and {there['score']:g}")
    return broken


def _failure_promises(victim: Victim, seed: Program) -> list[str]:
    broken = []
    entry = "program.py" if "program.py" in seed.files else next(iter(seed.files))
    for text, called in _BROKEN.items():
        said = victim.judge(Program({**seed.files, entry: text}, seed.language))
        if "down" in said:
            broken.append(f"{called} takes the evaluator down: {said['down']}")
        elif "raised" in said:
            broken.append(f"{called} makes it raise: {said['raised']}")
        elif said.get("status") == Status.OK:
            broken.append(f"{called} gets a score: {said['score']}")
        elif not said.get("feedback"):
            broken.append(f"{called} fails without a word of feedback")
    return broken
