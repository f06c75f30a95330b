"""Child: does jobs for a series; ``python -m kernelevo.bench.child FOLDER`` reads FOLDER/job.json.

It leaves ``row.json`` beside it, whole or not at all. What it says goes to the log that it was started with.
With ``--serve`` it does job after job, as ``Worker`` tells it by standard input, and writes each one's log.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from kernelevo import api
from kernelevo.api.lint import Linted
from kernelevo.bench.facts import FULL, now
from kernelevo.bench.given import form_of, grade_given, place
from kernelevo.bench.job import JOB, LOG, PROGRAM, REFERENCE, ROW, Job, broken_task, no_program, unfit
from kernelevo.bench.row import BROKEN_TASK, NOTHING_CORRECT, Row
from kernelevo.bench.worker import DONE, SERVE
from kernelevo.config import Settings
from kernelevo.core import Program
from kernelevo.core.readable import readable
from kernelevo.core.tree import listing
from kernelevo.device import allowance
from kernelevo.device.heap import keep_freed
from kernelevo.errors import BadSetting, InputError, KernelEvoError, MachineError, StoreError
from kernelevo.sandbox import scratch, stock
from kernelevo.sandbox.lifeline import die_with_parent

RUN = "run"
GIVEN = "given.py"  # a program that came as text


def main(arguments: list[str]) -> int:
    """Do the job of a folder, or serve."""
    die_with_parent()  # nobody would read the row
    keep_freed()
    if arguments == [SERVE]:
        serve()
        return 0
    with api.Keeper() as keeper:
        do(Path(arguments[0]).absolute(), keeper)
    return 0


def serve() -> None:
    """Do the jobs of the folders that standard input names, with what one has warmed for the next.

    Programs of one task that follow one another have one judge (see ``api.Keeper``).
    """
    told, answers = _private(0, os.O_RDONLY), _private(1, os.O_WRONLY)
    with stock.kept(), api.Keeper() as keeper, os.fdopen(told, "rb") as folders:
        for line in folders:
            folder = Path(json.loads(line))
            with (folder / LOG).open("ab") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            do(folder, keeper)
            gc.collect()
            os.write(answers, DONE)


def _private(number: int, mode: int) -> int:
    """Return a standard stream that no process inherits; in its place there is none."""
    own = os.dup(number)
    nothing = os.open(os.devnull, mode)
    os.dup2(nothing, number)
    os.close(nothing)
    return own


def do(folder: Path, keeper: api.Keeper) -> None:
    """Do the job of a folder.

    Args:
        folder: the job's.
        keeper: has the judge of the job before; what it has after a fault is not used again.
    """
    job = Job.from_json(json.loads((folder / JOB).read_text("utf-8")))
    began = time.monotonic()
    row = tried(job, folder, keeper)
    if row.fault is not None or row.status == BROKEN_TASK:
        keeper.close()
    row = replace(row, seconds=round(time.monotonic() - began, 2), ended=now())
    leave(row, folder)


def tried(job: Job, folder: Path, keeper: api.Keeper) -> Row:
    """Return the job's row; whatever breaks is a fault, and the log says where.

    What breaks in a task that is not ours, because it does not run by itself, is the task's.
    """
    name, source = job.task, job.source
    if source is not None:
        # a copy of one of our files has SIZES: what is given is judged as it stands
        job = replace(job, settings=replace(job.settings, size=FULL))
        os.chdir(folder)  # this process does jobs of that one task alone
        name = place(source, job.task, folder)
    try:
        if job.missing:  # a failure, if its task is one that lint lets into the figures
            row = no_program(job)
        elif job.unfit:
            row = unfit(job)
        else:
            row = judged(job, name, folder, keeper) if job.program else searched(job, name, folder, keeper)
        return row if job.source is None else shaped(graded(row, name, job, folder, keeper), name, job)
    except (BadSetting, StoreError) as error:  # of the series or of the disk, whosever the task is
        return job.row(fault={"kind": type(error).__name__, "message": str(error)})
    except InputError as error:
        if job.source is None:
            return job.row(fault={"kind": type(error).__name__, "message": str(error)})
        return broken_task(replace(job, problem=str(error)))
    except Exception as error:
        traceback.print_exc()
        said = str(error) if isinstance(error, KernelEvoError) else f"a bug of kernelevo: {error!r}"
        return job.row(fault={"kind": type(error).__name__, "message": said})


def judged(job: Job, name: str, folder: Path, keeper: api.Keeper) -> Row:
    """Judge the job's program on the task of that name."""
    path = job.path or folder / GIVEN
    if job.text is not None:
        path.write_text(job.text, "utf-8")
    room = scratch.temporary("built")
    room.chmod(0o711)
    try:
        built = room / "program"
        verdict = api.check(path, name, job.settings, say=_say, built=built, keeper=keeper)
        if not job.followed:
            keeper.close()  # its memory and its processes are for what comes now
        with keeper.resting():
            program = api.read_program(path)
            theirs = by_their_rule(job, name, folder, program, built if built.is_dir() else None)
    finally:
        scratch.remove(room)
    told = verdict.to_json()
    fresh = "processes" in told["metrics"]
    kept = {key: told[key] for key in ("status", "score", "metrics", "feedback")}
    return job.row(**kept, confirmed=fresh, upstream=theirs)


def _say(text: str) -> None:
    print(text, flush=True)


def graded(row: Row, name: str, job: Job, folder: Path, keeper: api.Keeper) -> Row:
    """Return the row with lint's word on its given task; a verdict is not lost where lint breaks.

    Raises:
        InputError: if the task does not run on its own inputs.
    """

    def lint(name: str, settings: Settings) -> Linted:
        keeper.close()  # it evaluates the module too, and cuts its batch where memory is short
        return api.lint(name, settings)

    try:
        return replace(row, grade=grade_given(name, job.settings, folder.parent, lint))
    except MachineError as error:
        print(f"the task's grade is not known: {error}", file=sys.stderr)
        return row


def shaped(row: Row, name: str, job: Job) -> Row:
    """Return the row with the published form of its given task; one that cannot be told costs no verdict."""
    try:
        return replace(row, form=form_of(name, job.task, job.settings))
    except KernelEvoError as error:
        print(f"the task's form is not known: {error}", file=sys.stderr)
        return replace(row, form="unknown")


def by_their_rule(
    job: Job, name: str, folder: Path, program: Program, built: Path | None = None
) -> dict[str, Any] | None:
    """Keep the program beside its task's text, and return what KernelBench's own rule says of it."""
    from kernelevo.kernels.upstream import judge_as_upstream
    from kernelevo.tasks import load_task

    task = load_task(name, size=job.settings.size, device=job.settings.device)
    spec = task.options.get("reference")
    if spec is None:
        return None
    (folder / PROGRAM).write_text(listing(program), "utf-8")
    (folder / REFERENCE).write_text(spec["text"], "utf-8")
    try:
        threads = allowance.cores()
        return judge_as_upstream(spec, program, job.settings.device, threads=threads, built=built)
    except KernelEvoError as error:  # a figure beside the verdict, which is there
        print(f"what upstream's rule says is not known: {error}", file=sys.stderr)
        return None


def searched(job: Job, name: str, folder: Path, keeper: api.Keeper) -> Row:
    """Search the job's task; a run that is there already is gone on with."""
    from rich.console import Console

    from kernelevo.report.live import LiveReport
    from kernelevo.store import RUN_FILE

    keeper.close()  # a search has judges of its own
    with LiveReport(Console(highlight=False, width=150), budget=job.settings.budget) as report:
        run = folder / RUN
        if not (run / RUN_FILE).is_file():
            settings = replace(job.settings, out=str(run))
            result = api.run_task(name, settings, listener=report)
        elif (result := api.load_run(run)).state != "done":
            result = api.resume(str(run), listener=report)
    row = row_of(job, result)
    if row.score is None or result.best is None:
        return row
    return replace(row, upstream=by_their_rule(job, name, folder, result.best.program))


def row_of(job: Job, result: Any) -> Row:
    """Return the row of a run that ended.

    Args:
        job: what it was started for.
        result: an ``api.Result``.
    """
    verdict, best = result.evaluation, result.best
    statuses = Counter(str(t.evaluation.status) if t.evaluation else "fault" for t in result.trials)
    more: dict[str, Any] = {
        "trials": dict(statuses.most_common()),
        "searched_seconds": round(result.searched, 2),
        "preparation_seconds": round(result.prepared, 2),
        "first_verdict_seconds": min(
            (round(t.ended - result.created, 2) for t in result.trials if t.evaluation), default=None
        ),
    }
    if verdict is None or best is None:
        judged = [t for t in result.trials if t.evaluation]
        if not judged:
            message = next((t.fault.message for t in result.trials if t.fault), "no program was judged")
            return job.row(fault={"kind": "Fault", "message": message}, **more)
        last = judged[-1].evaluation
        return job.row(
            status=NOTHING_CORRECT, metrics=last.to_json()["metrics"], feedback=last.feedback, **more
        )
    from kernelevo.report.table import made_by

    told = verdict.to_json()
    kept = {key: told[key] for key in ("status", "score", "metrics", "feedback")}
    more |= {"made_by": made_by(best), "program_id": best.program.id, "confirmed": result.is_confirmed}
    return job.row(**kept, **more)


def leave(row: Row, folder: Path) -> None:
    """Write the row, in one step."""
    beside = folder / f".{ROW}.tmp"
    # what a program says may hold half a surrogate pair, which no file can
    beside.write_text(json.dumps(readable(row.to_json()), allow_nan=False), "utf-8")
    beside.replace(folder / ROW)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
