"""Judging a whole folder of programs, one line a program; and taking such lines into a run."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelevo.api.check import judge
from kernelevo.api.loading import find_task, load_evaluator, refuse_early
from kernelevo.config import Settings, settings_of_run
from kernelevo.core import Fault, Program, StagedEvaluator, Status, Task
from kernelevo.errors import BadSetting, InputError, MachineError, StoreError, refused
from kernelevo.evaluators.elsewhere import RESULTS, Line, append, lines_of, programs_in, write_program
from kernelevo.store import RunStore, find_run

FAULTS_IN_A_ROW = 3
Say = Callable[[str], None]


@dataclass(frozen=True)
class Batch:
    """What came of a folder: how many programs, how many of them judged now, how many correct."""

    programs: int
    judged: int
    correct: int
    results: Path


def check_folder(
    folder: Path,
    task_name: str,
    settings: Settings,
    *,
    results: Path | None = None,
    say: Say = lambda _: None,
    ended: Callable[[Line], None] = lambda _: None,
) -> Batch:
    """Judge every program of a folder that has no result yet; each result is written the moment it is there.

    Args:
        folder: programs, see ``programs_in``.
        task_name: the task they claim to solve.
        settings: device, size and policy are used.
        results: file that results are added to; ``checked.jsonl`` in the folder if None.
        say: told what is being done.
        ended: called with every result, those of earlier calls first.

    Raises:
        BadProgram, TaskNotFound, BadSetting: for the folder and the task.
        MachineError: if this machine cannot judge, or broke three times in a row.
        StoreError, Unwritable: if the results cannot be written.
    """
    task = find_task(task_name, settings)
    programs = programs_in(folder)
    refuse_early(task)
    file = results or folder / RESULTS
    known = {
        line.program.id: line
        for line in lines_of(file, lambda number, why: say(f"line {number} of {file} is damaged: {why}"))
        if line.digest == task.digest and line.evaluation is not None
    }
    wanted = {program.id: path for path, program in programs}
    for mark in wanted:
        if mark in known:
            ended(known[mark])
    waiting = [(path, program) for path, program in programs if program.id not in known]
    say(f"{len(programs)} programs, {len(wanted) - len({p.id for _, p in waiting})} judged already")
    if waiting:
        _open(file)  # refused now rather than after the first program was judged
    new = _judge(waiting, task, file, say, ended) if waiting else {}
    both = {**{k: v for k, v in known.items() if k in wanted}, **new}
    correct = sum(
        line.evaluation is not None and line.evaluation.status is Status.OK for line in both.values()
    )
    return Batch(len(programs), len(new), correct, file)


def import_results(run: str, file: Path, *, say: Say = lambda _: None) -> int:
    """Give a run that is judged elsewhere the results of a file; return how many are new to it.

    Programs that the run does not know are handed in as if a person had submitted them.

    Raises:
        RunNotFound: if there is no such run.
        BadSetting: if the run judges its programs itself, or the file holds nothing for its task.
        StoreError, Unwritable: if the folder that it waits for cannot be written.
    """
    folder = find_run(run)
    with RunStore.open(folder, readonly=True) as store:
        settings, task = settings_of_run(store.settings), store.task
        if settings.elsewhere is None:
            raise BadSetting(
                f"{folder} judges its programs on this machine.",
                why="verdicts of two machines cannot be compared in one run",
                now="start a run with --elsewhere FOLDER for programs that another machine judges",
            )
        exchange = Path(settings.elsewhere)
        if not file.is_file():
            raise BadSetting(f"there is no file {file}", now="give the checked.jsonl of the other machine")
        found = list(lines_of(file, lambda n, why: say(f"line {n} of {file} is damaged and left out: {why}")))
        fitting = [line for line in found if line.digest == task.digest]
        if not fitting:
            others = ", ".join(sorted({line.task for line in found})) or "nothing that can be read"
            raise BadSetting(
                f"{file} has no result for {task.name} as this run judges it.",
                why=f"it has {others}; size, device, policy and the task's text must be the same too",
                now="judge the programs with the size, device and policy of this run",
            )
        try:
            exchange.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(f"the folder {exchange} cannot be made.", error) from error
        here = exchange / RESULTS
        had = {line.program.id for line in lines_of(here, lambda n, why: None) if line.evaluation is not None}
        known = {trial.program.id for trial in store.trials(raw=True)}
        known |= {draft.proposal.program.id for draft in store.drafts()}
        for order in store.commands():
            if order.verb == "submit" and order.args.get("files"):
                known.add(Program(dict(order.args["files"]), order.args.get("language", "python")).id)
        new = 0
        for line in {line.program.id: line for line in fitting}.values():
            if line.program.id not in had:
                try:
                    write_program(exchange, line.program)
                    append(here, line)
                except OSError as error:
                    raise refused(f"the results cannot be added to {exchange}.", error) from error
                new += 1
            if line.program.id not in known:
                args = {"files": dict(line.program.files), "language": line.program.language}
                store.append_command(f"import of {file.name}", "submit", args)
    say(f"{len(fitting)} results of {file}, {new} of them new")
    return new


def _open(file: Path) -> None:
    try:
        file.open("ab").close()
    except OSError as error:
        raise _unwritable(file, error) from error


def _add(file: Path, line: Line) -> None:
    try:
        append(file, line)
    except OSError as error:
        raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> StoreError:
    return refused(f"the results {file} cannot be written.", error, "another file with --results")


def _judge(
    waiting: list[tuple[Path, Program]], task: Task, file: Path, say: Say, ended: Callable[[Line], None]
) -> dict[str, Line]:
    done: dict[str, Line] = {}
    evaluator = load_evaluator(task)
    machine = _machine(task)
    faults, broke = 0, None
    try:
        for number, (path, program) in enumerate(waiting, 1):
            if program.id in done:
                continue
            say(f"{number} of {len(waiting)}: {path.name}")
            try:
                verdict, fault = judge(evaluator, program, lambda _: None), None
                faults = 0
            except InputError:
                raise
            except MachineError as error:
                verdict, fault, broke = None, Fault(type(error).__name__, str(error)), error
                faults += 1
                if faults == FAULTS_IN_A_ROW:
                    raise
            line = Line(
                program, task.name, task.digest, verdict, fault, {**machine, "at": round(time.time())}
            )
            _add(file, line)
            done[program.id] = line
            ended(line)
    finally:
        if isinstance(evaluator, StagedEvaluator):
            evaluator.close()
    if broke is not None and all(line.evaluation is None for line in done.values()):
        raise broke  # not one program was judged
    return done


def _machine(task: Task) -> dict[str, Any]:
    """Where verdicts are from."""
    from kernelevo import __version__
    from kernelevo.device import smi
    from kernelevo.device.facts import cpu_facts

    device = str(task.options.get("device", "cpu"))
    name = cpu_facts()["name"] if device == "cpu" else smi.named()
    return {"on": name, "device": device, "by": f"kernelevo {__version__}", "host": platform.machine()}
