"""Rescore: released solutions as a series: each is judged under our rules."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from kernelevo.bench.facts import facts
from kernelevo.bench.fates import MODE
from kernelevo.bench.job import Job, same_program
from kernelevo.bench.row import NEEDS_CUDA, NO_PROGRAM
from kernelevo.bench.suite import Suite, repaired
from kernelevo.config import Settings
from kernelevo.core import Program, Status
from kernelevo.core.tree import MOST_BYTES
from kernelevo.errors import BadSetting, InputError
from kernelevo.tasks import GivenTask, bundled, load_task, read_level
from kernelevo.tasks.released import Released, read_released
from kernelevo.tasks.upstream import broken

# levels of a checkout by number, or why there is none of it
Levels = dict[str, Mapping[int, GivenTask] | BadSetting]


@dataclass(frozen=True)
class Rescore:
    """What a person asks for.

    Args:
        where: folder of the released solutions.
        settings: device, size, policy; ``out`` is the series' folder.
        tasks_from: an upstream checkout or dataset, whose tasks go before references that solutions bring.
    """

    where: str
    settings: Settings
    tasks_from: str | None = None

    @property
    def suite(self) -> str:
        """Name of the series."""
        return "released"

    @property
    def solutions(self) -> str | None:
        """No folder of ours is judged."""
        return None

    def suite_of(self) -> Suite:
        """Return what is judged on which text as a suite, so that a record knows when one of them changes."""
        found, unread = self._read
        texts = {
            s.place: GivenTask(n, s.task, f"{self._judged_on(s)}\0{s.text}", s.place)
            for n, s in enumerate(found)
        }
        return Suite(self.suite, tuple(texts), texts, tuple(unread))

    def _judged_on(self, given: Released) -> str:
        source, _ = self._reference(given)
        return bundled()[given.task].text if source is None else source

    @cached_property
    def _read(self) -> tuple[list[Released], list[str]]:
        """Read once, so that the jobs are those that the record is of."""
        return read_released(Path(os.path.expanduser(self.where)))

    @cached_property
    def _levels(self) -> Levels:
        """What was read of the folder of tasks."""
        return {}

    def jobs(self) -> list[Job]:
        """Return one job for each solution.

        Where its bundled task grades nothing as shipped, a job for each repaired variant follows that differs
        in its weights alone.

        Raises:
            BadSetting: if the folder, or that of the tasks, is missing or holds nothing of use.
        """
        found = self._read[0]
        if self.tasks_from is not None and not Path(os.path.expanduser(self.tasks_from)).is_dir():
            raise BadSetting(
                f"there is no folder {self.tasks_from}",
                now="--tasks-from takes a KernelBench checkout or its dataset",
            )
        settings = replace(self.settings, out=None)
        jobs = [self._job(solution, settings) for solution in found]
        missing = [level for level in self._levels.values() if isinstance(level, BadSetting)]
        if missing and all(job.problem for job in jobs):
            raise missing[0]
        return [each for job in jobs for each in (job, *_on_repaired(job))]

    def _job(self, given: Released, settings: Settings) -> Job:
        source, problem = self._reference(given)
        if not problem and source is None:
            try:
                load_task(given.task, size=settings.size, device=settings.device, policy=settings.policy)
            except BadSetting:
                raise
            except InputError as error:
                problem = str(error)
        if source is not None:
            settings = replace(settings, size=None)  # --size is for bundled tasks; this one has its own alone
        if not given.text:
            return Job(given.task, settings, given.place, source=source, unfit=NO_PROGRAM)
        own = Program.single(given.text)
        job = Job(
            given.task, settings, given.place, None, own.id, source, problem,
            text=given.text, claims=dict(given.claims),
        )  # fmt: skip
        size = len(given.text.encode())
        if size > MOST_BYTES:  # which would be refused as no program where it is judged
            said = f"its text takes {size >> 10} KiB; a program has {MOST_BYTES >> 10} KiB at the most"
            return replace(job, unfit=Status.BUILD_FAILED, unreadable=said)
        if given.on_a_gpu and settings.device == "cpu":
            return replace(job, unfit=NEEDS_CUDA)
        return job

    def _reference(self, given: Released) -> tuple[str | None, str]:
        """Return the text of a solution's task (None for a bundled one), and why there is none."""
        if self.tasks_from is not None:  # a reference that comes with a solution is its maker's
            text, problem = self._from_checkout(self.tasks_from, given.task)
            if text or not given.reference:
                return text, problem
        if given.reference:
            return given.reference, broken(given.reference)
        if given.task in bundled():
            return None, ""
        return "", f"{given.task} is not bundled and the solution brings no reference; give --tasks-from"

    def _from_checkout(self, where: str, name: str) -> tuple[str, str]:
        """Return the text of a task in a checkout, and why there is none; a level is read once."""
        level, _, number = name.removeprefix("kernelbench:").partition("/")
        if level not in self._levels:
            try:
                self._levels[level] = read_level(Path(os.path.expanduser(where)), int(level)).tasks
            except BadSetting as error:  # other solutions may be for a level that it holds
                self._levels[level] = error
        found = self._levels[level]
        if isinstance(found, BadSetting):
            return "", found.what
        task = found.get(int(number))
        return (task.text, task.problem) if task else ("", f"{where} holds no {name}")

    def facts(self) -> dict[str, Any]:
        """Return what the record says of this series.

        Raises:
            MachineError: if its device is not here.
        """
        where = str(Path(os.path.expanduser(self.where)).resolve())
        sizes = " and ".join(sorted({job.size for job in self.jobs() if not job.problem}))
        settings = replace(self.settings, out=None)
        from_ = (
            str(Path(os.path.expanduser(self.tasks_from)).resolve()) if self.tasks_from is not None else None
        )
        return facts(self.suite_of(), settings, where, from_, MODE, sizes or None)


def _on_repaired(job: Job) -> list[Job]:
    """Return the jobs of a solution on its bundled task with other weights, where as shipped it is blind."""
    # a given task is repaired once it was found blind
    if job.source is not None or job.problem or job.unfit == NEEDS_CUDA:
        return []
    return [replace(job, task=task) for task in repaired(job.task) if same_program(task)]
