"""Job: one task of a series to be searched, or one given program to be judged; plain data for a child."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kernelevo.api import read_program
from kernelevo.bench.facts import size_of
from kernelevo.bench.row import BROKEN_TASK, NO_PROGRAM, UNKNOWN, Row
from kernelevo.bench.suite import HE, Suite, folder_name, repaired
from kernelevo.config import Settings
from kernelevo.core import Status
from kernelevo.errors import BadProgram, BadSetting
from kernelevo.kernels.upstream import NOTHING
from kernelevo.tasks import bundled, facts, grade, library, variant_constants
from kernelevo.tasks.upstream import spelled

JOB, ROW, LOG = "job.json", "row.json", "log.txt"  # what a child reads, leaves, and says
PROGRAM, REFERENCE = "program.py", "reference.py"  # the program that the row is of, and its task
BUNDLED = "bundled"  # what stands for the folder of programs that come with kernelevo
_LONGEST = 80  # characters of a program's name in its folder's: file systems take 255 bytes
_NOT_PLAIN = re.compile(r"[^\w.@-]", re.ASCII)
_NUMBERED = re.compile(r"-\d+$")  # as the folder of a second try is


@dataclass(frozen=True)
class Job:
    """What one process of a series does.

    Args:
        task: name of the task.
        settings: of the run, ``out`` left out.
        program: the program to judge, by folder and file; None to search, empty where there is none.
        path: where that program lies.
        program_id: its content hash.
        source: text of the task where it is not bundled.
        problem: why the task cannot be run, empty if it can.
        unfit: the status of a program that cannot be judged here; None if it can.
        unreadable: why that program cannot even be read; empty if it can.
        text: of the program where it is no file.
        claims: what its makers say of it.
        followed: whether a program of the same task comes next, for which its judge stays open.
    """

    task: str
    settings: Settings
    program: str | None = None
    path: Path | None = None
    program_id: str | None = None
    source: str | None = None
    problem: str = ""
    unfit: str | None = None
    unreadable: str = ""
    text: str | None = None
    claims: Mapping[str, float] = field(default_factory=dict)
    followed: bool = False

    @property
    def key(self) -> tuple[str, str | None]:
        """The key of its row."""
        return self.task, self.program or None

    @property
    def missing(self) -> bool:
        """Whether a program was to be judged and there is none."""
        return self.program == ""

    @property
    def size(self) -> str:
        """The size at which its task is judged."""
        return size_of(self.settings, given=self.source is not None)

    @property
    def slug(self) -> str:
        """A name for its folder; no two programs have the same, however theirs are written."""
        name = folder_name(self.task)
        if not self.program:
            return name
        own = self.program.removeprefix(f"{name}/").removesuffix(".py")
        short = _NOT_PLAIN.sub("_", own)[-_LONGEST:]
        if short != own or _NUMBERED.search(own):
            short += f"-{hashlib.sha256(self.program.encode()).hexdigest()[:12]}"
        return f"{name}-{short}"

    def row(self, **more: Any) -> Row:
        """Return its row with what became of it."""
        known = grade(self.task) if self.source is None else UNKNOWN
        about: dict[str, Any] = {
            "program": self.program or None,
            "grade": known,
            "program_id": self.program_id,
            "size": self.size,
        }
        about |= {"claims": dict(self.claims)}
        return Row(self.task, **{**about, **more})

    def to_json(self) -> dict[str, Any]:
        """Return this job as plain data."""
        return {
            "task": self.task,
            "settings": self.settings.to_json(),
            "program": self.program,
            "path": str(self.path) if self.path else None,
            "program_id": self.program_id,
            "source": self.source,
            "text": self.text,
            "unfit": self.unfit,
            "unreadable": self.unreadable,
            "claims": dict(self.claims),
            "followed": self.followed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Job:
        """Rebuild a job from ``to_json``."""
        path = Path(data["path"]) if data["path"] else None
        settings = Settings.from_json(data["settings"])
        return cls(
            data["task"],
            settings,
            data["program"],
            path,
            data["program_id"],
            data.get("source"),
            text=data.get("text"),
            unfit=data.get("unfit"),
            unreadable=data.get("unreadable", ""),
            claims=data.get("claims", {}),
            followed=data.get("followed", False),
        )

    def repaired(self) -> Job:
        """Return the same for the repaired variant of a given task."""
        return replace(self, task=f"{self.task}@{HE}")


def with_sources(suite: Suite, jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs, those on given tasks with the text of their task, or why it cannot be run."""
    found = [(job, suite.source(job.task)) for job in jobs]
    return [job if t is None else replace(job, source=t.text, problem=t.problem) for job, t in found]


def searches(tasks: Sequence[str], settings: Settings) -> list[Job]:
    """Return one search for each task."""
    return [Job(task, settings) for task in tasks]


def judgements(suite: Suite, tasks: Sequence[str] | None, folder: str, settings: Settings) -> list[Job]:
    """Return one job for each program ``<folder>/<suite>_<id>/<name>.py`` of a suite.

    Args:
        suite: whose tasks.
        tasks: only these; a task without a program has a job that says so. None: those with a program.
        folder: of the programs, or ``bundled``.
        settings: device, size and policy are used.

    Raises:
        BadSetting: if the folder is missing or holds no program for any of these tasks.
    """
    roots = _roots(folder, settings.device)
    if not any(root.is_dir() for root in roots):
        raise BadSetting(
            f"there is no folder of programs {folder}",
            why=f"--solutions takes a folder, or the word {BUNDLED}",
            now="programs lie in FOLDER/<suite>_<id>/<name>.py, e.g. FOLDER/ops_softmax/mine.py",
        )
    found: dict[str, list[Path]] = {}
    for root in roots:
        for path in sorted(root.glob("*")):
            if path.is_dir() and path.name not in found and (files := _programs(path)):
                found[path.name] = files
    names = tasks if tasks is not None else _with_programs(suite, found)
    jobs = []
    for task in names:
        files = next((found[name] for name in (folder_name(task), *_kin(task)) if name in found), [])
        jobs += [_judgement(task, path, settings) for path in files] or [Job(task, settings, "")]
    if all(job.missing for job in jobs):
        wanted = [folder_name(task) for task in tasks or suite.tasks()]
        raise BadSetting(
            f"{folder} holds no program for the tasks asked for",
            why=f"its folders with programs are {', '.join(found) or '(none)'}; looked for "
            f"{', '.join(wanted[:3])} and the like",
            now="programs lie in FOLDER/<suite>_<id>/<name>.py",
        )
    return jobs


def strangers(folder: str, suite: Suite, device: str) -> list[str]:
    """Return the folders of programs that belong to no task of any suite, misspelt ones say."""
    names = (*bundled(), *(f"{suite.name}/{found}" for found in suite.ids))
    known = {folder_name(task) for task in names}
    variants = {task: facts(task).get("variants", {}) for task in bundled()}
    known |= {folder_name(f"{task}@{variant}") for task, found in variants.items() for variant in found}
    known |= {folder_name(f"{suite.name}/{found}@{HE}") for found in suite.given}
    folders = (path.parent.name for root in _roots(folder, device) for path in root.glob("*/*.py"))
    return sorted({name for name in folders if name not in known})


def same_program(task: str) -> str:
    """Return the folder of the task as shipped, for a variant that differs in its weights alone; else ""."""
    base, _, variant = task.partition("@")
    if not variant or base not in bundled():
        return ""
    return folder_name(base) if set(variant_constants(task)) == {"INIT"} else ""


def _kin(task: str) -> list[str]:
    """Return the folders of the tasks that differ from this one in their weights alone."""
    if "@" in task:
        return [same_program(task)]
    return [folder_name(variant) for variant in repaired(task) if same_program(variant)]


def _roots(folder: str, device: str) -> list[Path]:
    """Return where programs are looked for; a task's are taken from the first folder that has any."""
    if folder != BUNDLED:
        return [Path(os.path.expanduser(folder))]
    return [library.root() / "solutions" / shelf for shelf in library.shelves(device)]


def _with_programs(suite: Suite, found: Mapping[str, Any]) -> list[str]:
    """Return the tasks with programs, their own or those of one that differs in its weights alone.

    Folders of variants that the suite does not have are left alone (see ``strangers``).
    """
    names: list[str] = []
    for found_id in suite.ids:
        base = f"{suite.name}/{found_id}"
        stem = folder_name(base)
        for folder in found:
            name, at, variant = folder.partition("@")
            if name == stem and (not at or suite.knows(found_id, variant)):
                names += suite.select(f"{found_id}{at}{variant}")
    return [n for n in dict.fromkeys(names) if found.keys() & {folder_name(n), *_kin(n)}]


def _programs(folder: Path) -> list[Path]:
    """Return the programs of a folder; an empty ``__init__.py`` says only that it is a package."""
    return [p for p in sorted(folder.glob("*.py")) if p.name != "__init__.py" or p.stat().st_size]


def _judgement(task: str, path: Path, settings: Settings) -> Job:
    job = Job(task, settings, spelled(f"{path.parent.name}/{path.name}"), path.resolve())
    try:
        return replace(job, program_id=read_program(path).id)
    except BadProgram as error:  # the others are judged
        said = f"{error.what}: {error.why}" if error.why else error.what
        return replace(job, unfit=Status.BUILD_FAILED, unreadable=said)


def broken_task(job: Job) -> Row:
    """Return the row of a task that cannot be run."""
    return job.row(status=BROKEN_TASK, feedback=job.problem, grade="broken")


def unfit(job: Job) -> Row:
    """Return the row of a program that is not judged: it is for a GPU, cannot be read, or is not there."""
    if job.unfit == NO_PROGRAM:
        return no_program(job)
    if job.unreadable:  # which is wrong by upstream's rule too
        return job.row(status=job.unfit, feedback=job.unreadable, upstream=dict(NOTHING))
    return job.row(status=job.unfit, feedback="it holds CUDA or Triton, or asks for a GPU: use --device cuda")


def no_program(job: Job) -> Row:
    """Return the row of a task for which there is no program."""
    return job.row(status=NO_PROGRAM, feedback="no program was given for it")
