"""Series: every task of a suite one after another, each recorded the moment it ends, resumable."""

from __future__ import annotations

import datetime
import os
import shlex
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from kernelevo.api.language import prompt_files, refuse_unspendable
from kernelevo.bench.facts import FULL, facts
from kernelevo.bench.job import (
    BUNDLED,
    Job,
    broken_task,
    judgements,
    no_program,
    searches,
    strangers,
    unfit,
    with_sources,
)
from kernelevo.bench.record import Record, alone
from kernelevo.bench.row import NEEDS_CUDA, UNKNOWN, Row
from kernelevo.bench.runner import ProcessRunner
from kernelevo.bench.suite import Suite
from kernelevo.config import Settings
from kernelevo.engine import Budget
from kernelevo.errors import BadSetting, MachineError
from kernelevo.report.table import printable
from kernelevo.store import new_run_folder
from kernelevo.tasks import load_task

BLIND = "blind"
RUNS = "runs"  # beside the record: a folder for each job

Say = Callable[[str], None]


class Runner(Protocol):
    """Does one job."""

    def __call__(self, job: Job, *, afresh: bool = False) -> Row:
        """Return the job's row; ``afresh``: whatever was begun before is left alone."""


@dataclass(frozen=True)
class Order:
    """What a person asks for.

    Args:
        suite: name of the suite.
        settings: of every run; ``out`` is the series' folder, None for a new one under ``runs/``.
        tasks: which tasks, as ``Suite.select`` reads them.
        solutions: judge the programs of this folder instead of searching; ``bundled`` for those that come
            with kernelevo.
        where: read the suite from this folder, an upstream checkout or dataset.
    """

    suite: str
    settings: Settings
    tasks: str | None = None
    solutions: str | None = None
    where: str | None = None

    def suite_of(self) -> Suite:
        """Return the suite, read once from its folder where it has one."""
        return self._suite

    @cached_property
    def _suite(self) -> Suite:
        return Suite.find(self.suite, self.where)

    def jobs(self) -> list[Job]:
        """Return what is to be done, checked as far as it can be without running anything.

        Raises:
            InputError: for a suite, tasks, a size, a budget or programs that are not there or make no sense.
        """
        Budget.parse(self.settings.budget)
        settings = replace(self.settings, out=None)
        suite = self.suite_of()
        names = suite.select(self.tasks)
        if self.solutions is None:
            prompt_files(settings)  # what is wrong is said once, not by each child
            refuse_unspendable(settings, Budget.parse(settings.budget))
            jobs = searches(names, settings)
        else:
            jobs = judgements(suite, names if self.tasks is not None else None, self.solutions, settings)
        if not suite.given:
            for name in dict.fromkeys(job.task for job in jobs):
                load_task(name, size=settings.size, device=settings.device, policy=settings.policy)
        elif settings.size not in (None, FULL):
            raise BadSetting(
                f"the tasks of {self.where} have no size {settings.size!r}",
                why="files that are not ours have the size full only",
                now="leave --size out, or use the bundled tasks (without --from)",
            )
        return with_sources(suite, jobs)

    def facts(self) -> dict[str, Any]:
        """Return what the record says of this series.

        Raises:
            MachineError: if its device is not here.
        """
        where = self.solutions
        if where is not None and where != BUNDLED:
            where = str(Path(os.path.expanduser(where)).resolve())
        from_ = str(Path(os.path.expanduser(self.where)).resolve()) if self.where is not None else None
        return facts(self.suite_of(), replace(self.settings, out=None), where, from_)


@dataclass(frozen=True)
class Series:
    """A series that ended or was cut off.

    Args:
        record: its rows, on disk.
        interrupted: whether Ctrl-C or SIGTERM cut it off.
    """

    record: Record
    interrupted: bool

    @property
    def correct(self) -> bool:
        """Whether a correct program was found for any task."""
        return any(row.score is not None for row in self.record.rows)

    @property
    def broken(self) -> bool:
        """Whether nothing but faults of the machine came out."""
        rows = self.record.rows
        return bool(rows) and all(row.fault is not None for row in rows)


class Ordered(Protocol):
    """What a series is made of: an ``Order``, or released solutions."""

    @property
    def suite(self) -> str:
        """Name of the series."""

    @property
    def settings(self) -> Settings:
        """Settings of every run."""

    @property
    def solutions(self) -> str | None:
        """The folder of programs of ours that are judged, if any."""

    def suite_of(self) -> Suite:
        """Return what it is over."""

    def jobs(self) -> list[Job]:
        """Return what is to be done."""

    def facts(self) -> dict[str, Any]:
        """Return what the record says of it."""


def run_series(
    order: Ordered, *, say: Say = lambda _: None, ended: Say = lambda _: None, runner: Runner | None = None
) -> Series:
    """Do every job that has no verdict yet; Ctrl-C ends the series with what is done.

    Args:
        order: what is asked for.
        say: told what is going on.
        ended: told each row as one line.
        runner: does one job; the default starts a process for each.

    Raises:
        InputError: for an order that makes no sense, or a folder that holds another series.
        StoreError, Unwritable: if the folder cannot be used.
        MachineError: if the device is not here.
    """
    jobs = order.jobs()
    found = order.facts()
    out = order.settings.out
    folder = Path(out) if out else new_run_folder(f"bench-{order.suite}", datetime.date.today())
    with alone(folder):
        record = Record.open(folder, found)
        record.plan([job.key for job in jobs])
        record.write()
        _announce(order, jobs, record, say)
        try:
            with _sigterm_as_interrupt(), ProcessRunner(folder / RUNS) as own:
                _work(jobs, record, runner or own, ended)
        except KeyboardInterrupt:
            record.write()
            return Series(record, interrupted=True)
        return Series(record, interrupted=False)


def _work(jobs: Sequence[Job], record: Record, runner: Runner, ended: Say) -> None:
    faulty = {row.key for row in record.rows if row.fault is not None}
    todo, named = deque(_together(jobs)), {job.key for job in jobs}
    while todo:
        job = todo.popleft()
        if job.unreadable or not _is_done(record, job):  # a row may be of what it was before
            known = _known(job)
            row = known or _done(runner, _with_next(job, todo, record), job.key in faulty)
            # of thousands that nobody judges here each would cost a whole record: they wait for the next
            record.put(row, write=known is None)
            ended(row.line())
        if _is_blind(record, job) and job.repaired().key not in named:
            named.add(job.repaired().key)
            record.plan_next(job.repaired().key, after=job.key)
            todo.insert(_ahead(todo, job), job.repaired())
    record.write()


def _together(jobs: Sequence[Job]) -> list[Job]:
    """Return the programs of each task one after another, tasks in the order of their first ones."""
    tasks: dict[tuple[str, str | None], list[Job]] = {}
    for job in jobs:
        tasks.setdefault((job.task, job.source), []).append(job)
    return [job for each in tasks.values() for job in each]


def _with_next(job: Job, todo: Iterable[Job], record: Record) -> Job:
    """Return a job that knows whether another program of its task is to be judged right after it."""
    mates = takewhile(lambda other: (other.task, other.source) == (job.task, job.source), todo)
    left = (m for m in mates if not (_is_done(record, m) or _known(m) or m.missing or m.unfit))
    return replace(job, followed=next(left, None) is not None)


def _ahead(todo: Iterable[Job], done: Job) -> int:
    """Return how many of the jobs to come are first, of the same text as one that is done."""
    return sum(1 for _ in takewhile(lambda job: job.source == done.source, todo))


def _is_blind(record: Record, job: Job) -> bool:
    """Whether lint found of a given task, as shipped, that it grades nothing."""
    found = record.find(job.key)
    return job.source is not None and "@" not in job.task and found is not None and found.grade == BLIND


def _known(job: Job) -> Row | None:
    """Return the row of a job with which nothing is to be done."""
    if job.problem:
        return broken_task(job)
    if job.unfit and (job.source is None or job.unfit == NEEDS_CUDA):
        return unfit(job)
    # of a given task lint has yet to say whether it counts
    return no_program(job) if job.missing and job.source is None else None


def _is_done(record: Record, job: Job) -> bool:
    """Whether nothing is left to do for a job; of a given task lint's word may be missing still."""
    found = record.find(job.key)
    unasked = job.source is not None and job.unfit != NEEDS_CUDA and found and found.grade == UNKNOWN
    return record.done(job.key, job.program_id) and not unasked


def _done(runner: Runner, job: Job, afresh: bool) -> Row:
    try:
        return runner(job, afresh=afresh)
    except MachineError as error:  # this one's machine trouble may not cost the others
        return job.row(fault={"kind": type(error).__name__, "message": str(error)})


def _announce(order: Ordered, jobs: Sequence[Job], record: Record, say: Say) -> None:
    done = sum(_is_done(record, job) for job in jobs)
    before = f", {done} of them done before" if done else ""
    what = "programs" if any(job.program is not None for job in jobs) else "tasks"
    say(f"{len(jobs)} {what}{before}; everything is in {record.folder}")
    say(f"if it is cut off, the same command with --out {shlex.quote(str(record.folder))} goes on")
    suite = order.suite_of()
    covered = {job.task.partition("@")[0] for job in jobs}
    if order.solutions is not None and len(covered) < len(suite.ids):
        say(f"these are for {len(covered)} of the suite's {len(suite.ids)} tasks, and so are all figures")
    for words in suite.unread:
        say(f"not read: {printable(words)}")
    strange = strangers(order.solutions, suite, order.settings.device) if order.solutions is not None else []
    if strange:
        say(printable(f"left alone, since no task has that name: {', '.join(strange)}"))


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM cut the series off as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
