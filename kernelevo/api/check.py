"""Judging one program file against one task, outside of any run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kernelevo.api.loading import find_task, load_evaluator, refuse_early
from kernelevo.config import Settings
from kernelevo.core import Evaluation, Evaluator, Origin, Program, StagedEvaluator, Status, read_tree
from kernelevo.errors import BadProgram


def check(
    file: Path, task_name: str, settings: Settings, *, say: Callable[[str], None] = lambda _: None
) -> Evaluation:
    """Prove a program and time it against every baseline.

    Args:
        file: a Python file with class ``ModelNew``, or a file or folder that the task's evaluator takes.
        task_name: the task.
        settings: device, size and policy are used.
        say: told what is being done.

    Raises:
        BadProgram: if the file cannot be read as text.
        TaskNotFound, BadSetting: for the task.
        MachineError: if this machine cannot judge it.
    """
    program = read_program(file)
    task = find_task(task_name, settings)
    refuse_early(task)
    evaluator = load_evaluator(task)
    try:
        say("preparing the reference and the judge")
        return judge(evaluator, program, say)
    finally:
        if isinstance(evaluator, StagedEvaluator):
            evaluator.close()


def judge(evaluator: Evaluator | StagedEvaluator, program: Program, say: Callable[[str], None]) -> Evaluation:
    """Judge one program with an evaluator that stays open; a correct kernel is timed in fresh processes."""
    if not isinstance(evaluator, StagedEvaluator):
        return evaluator(program)
    artifact = evaluator.prepare(program)
    if artifact.verdict is not None:
        return artifact.verdict
    finalize = getattr(evaluator, "finalize", None)
    if finalize is None:
        return evaluator.measure(artifact)
    if hasattr(evaluator, "expect_final"):
        evaluator.expect_final(artifact)
    say("built; checking it")
    # what is wrong need not wait for compiled baselines, and what is right is timed by `finalize`
    first = getattr(evaluator, "prove", evaluator.measure)(artifact)
    if first is not None and first.status is not Status.OK:
        return first
    say("correct; timing it against every baseline in fresh processes")
    verdict: Evaluation = finalize(artifact)
    return verdict


def read_program(file: Path) -> Program:
    """Read a program's file, or its folder.

    Raises:
        BadProgram: if it is missing, not text, or empty.
    """
    program = read_tree(file, origin=Origin("file", file.name))
    if not program.source.strip():
        raise BadProgram(f"{file} is empty", why="expected a Python file with class ModelNew")
    return program
