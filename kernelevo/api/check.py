"""Judging one program file against one task, outside of any run."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from kernelevo.api.keeper import Keeper
from kernelevo.api.loading import find_task, refuse_early
from kernelevo.config import Settings
from kernelevo.core import (
    Artifact,
    Evaluation,
    Evaluator,
    Origin,
    Program,
    StagedEvaluator,
    Status,
    read_tree,
)
from kernelevo.errors import BadProgram, BadSetting

_log = logging.getLogger(__name__)


def check(
    file: Path,
    task_name: str,
    settings: Settings,
    *,
    profile: bool = False,
    say: Callable[[str], None] = lambda _: None,
    built: Path | None = None,
    keeper: Keeper | None = None,
) -> Evaluation:
    """Prove a program and time it against every baseline.

    Args:
        file: a Python file with class ``ModelNew``, or a file or folder that the task's evaluator takes.
        task_name: the task.
        settings: device, size and policy are used.
        profile: let a program that passes run under a profiler too; its report is the artifact ``profile``.
        say: told what is being done.
        built: where what the program was built to goes in the end, a folder that is not there yet. The
            program's own process made it: it is good for that program's sandbox alone.
        keeper: who opens the evaluator, and may keep it open for the next program; None for this one alone.

    Raises:
        BadProgram: if the file cannot be read as text.
        TaskNotFound: if there is no such task.
        BadSetting: for the task, or where its programs cannot be profiled.
        MachineError: if this machine cannot judge it.
    """
    program = read_program(file)
    task = find_task(task_name, settings)
    refuse_early(task)
    with ExitStack() as stack:
        owner = keeper if keeper is not None else stack.enter_context(Keeper())
        evaluator = stack.enter_context(owner.lent(task))
        if profile and not hasattr(evaluator, "profiled"):
            raise BadSetting(
                f"programs for {task.name} cannot be profiled.",
                why="its evaluator runs them in its own way; the profiler knows kernels of PyTorch modules",
                now="leave --profile out",
            )
        say("preparing the reference and the judge")
        return judge(evaluator, program, say, profile=profile, built=built)


def is_timed(task_name: str, settings: Settings) -> bool:
    """Whether the scores of a task are ratios of times.

    Raises:
        TaskNotFound: if there is no such task.
    """
    return find_task(task_name, settings).is_timed


def judge(
    evaluator: Evaluator | StagedEvaluator,
    program: Program,
    say: Callable[[str], None],
    *,
    profile: bool = False,
    built: Path | None = None,
) -> Evaluation:
    """Judge one program with an evaluator that stays open; a correct kernel is timed in fresh processes.

    With ``profile`` the evaluator's ``profiled`` adds its report to the verdict on a program that passed.
    ``built``: see ``check``. In the end the evaluator is told by ``dismiss`` that the program is done with.
    """
    if not isinstance(evaluator, StagedEvaluator):
        return evaluator(program)
    artifact = evaluator.prepare(program)
    try:
        return _staged(evaluator, artifact, say, profile, built)
    finally:
        if hasattr(evaluator, "dismiss"):
            evaluator.dismiss(artifact)


def _staged(
    evaluator: StagedEvaluator,
    artifact: Artifact,
    say: Callable[[str], None],
    profile: bool,
    built: Path | None,
) -> Evaluation:
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
    if profile and verdict.status is Status.OK and hasattr(evaluator, "profiled"):
        say("timed; looking where its time goes")
        verdict = evaluator.profiled(artifact, verdict)
    if built is not None and artifact.folder is not None and artifact.folder.is_dir():
        try:
            shutil.move(artifact.folder, built)
        except OSError as error:  # whoever wants it builds it again
            _log.warning("what %s was built to could not be kept: %s", artifact.program.id, error)
    return verdict


def read_program(file: Path) -> Program:
    """Read a program's file, or its folder.

    Raises:
        BadProgram: if it is missing, not text, or empty.
    """
    program = read_tree(file, origin=Origin("file", file.name))
    if not program.source.strip():
        raise BadProgram(
            f"{file} is empty",
            why="expected a Python file with class ModelNew",
            now="write the program into it, or name another file",
        )
    return program
