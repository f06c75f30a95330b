"""Rescore: released solutions as a series: each is judged under our rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from kernelevo.bench.facts import facts
from kernelevo.bench.fates import MODE
from kernelevo.bench.job import Job
from kernelevo.bench.row import NEEDS_CUDA, NO_PROGRAM
from kernelevo.bench.suite import Suite
from kernelevo.config import Settings
from kernelevo.core import Program
from kernelevo.errors import BadSetting, InputError
from kernelevo.tasks import GivenTask, bundled, load_task, read_level
from kernelevo.tasks.released import Released, read_released
from kernelevo.tasks.upstream import broken


@dataclass(frozen=True)
class Rescore:
    """What a person asks for.

    Args:
        where: folder of the released solutions.
        settings: device, size, policy; ``out`` is the series' folder.
        tasks_from: an upstream checkout or dataset, for solutions that come without their reference.
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
        """Return the texts that are judged as a suite, so that a record knows when they change."""
        found, unread = self._read
        texts = {
            s.place: GivenTask(n, s.task, f"{s.reference}\0{s.text}", s.place) for n, s in enumerate(found)
        }
        return Suite(self.suite, tuple(texts), texts, tuple(unread))

    @cached_property
    def _read(self) -> tuple[list[Released], list[str]]:
        """Read once, so that the jobs are those that the record is of."""
        return read_released(Path(self.where).expanduser())

    def jobs(self) -> list[Job]:
        """Return one job for each solution.

        Raises:
            BadSetting: if the folder, or that of the tasks, holds nothing.
        """
        settings = replace(self.settings, out=None)
        levels: dict[str, Mapping[int, GivenTask]] = {}
        return [self._job(solution, settings, levels) for solution in self._read[0]]

    def _job(self, given: Released, settings: Settings, levels: dict[str, Mapping[int, GivenTask]]) -> Job:
        source, problem = self._reference(given, levels)
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
        if given.on_a_gpu and settings.device == "cpu":
            return replace(job, unfit=NEEDS_CUDA)
        return job

    def _reference(
        self, given: Released, levels: dict[str, Mapping[int, GivenTask]]
    ) -> tuple[str | None, str]:
        """Return the text of a solution's task (None for a bundled one), and why there is none."""
        if given.reference:
            return given.reference, broken(given.reference)
        suite, _, number = given.task.partition("/")
        if self.tasks_from is not None:
            if suite not in levels:
                found = read_level(Path(self.tasks_from).expanduser(), int(suite[-1]))
                levels[suite] = found.tasks
            task = levels[suite].get(int(number))
            return (task.text, task.problem) if task else ("", f"{self.tasks_from} holds no {given.task}")
        if given.task in bundled():
            return None, ""
        return "", f"{given.task} is not bundled and the solution brings no reference; give --tasks-from"

    def facts(self) -> dict[str, Any]:
        """Return what the record says of this series.

        Raises:
            MachineError: if its device is not here.
        """
        where = str(Path(self.where).expanduser().resolve())
        sizes = " and ".join(sorted({job.size for job in self.jobs() if not job.problem}))
        settings = replace(self.settings, out=None)
        return facts(self.suite_of(), settings, where, self.tasks_from, MODE, sizes or None)
