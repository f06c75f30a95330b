"""ProcessRunner: has each job done by another process, waits, and makes of whatever happens to it a row."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from kernelevo.backends.cache import default_root
from kernelevo.bench.job import JOB, LOG, ROW, Job
from kernelevo.bench.row import Row
from kernelevo.bench.worker import Worker, end
from kernelevo.core.python_path import python_path
from kernelevo.engine import Budget
from kernelevo.errors import refused

_PATIENCE = 1800.0  # beside the search: preparation, final timing, a slow machine


class ProcessRunner:
    """Runs jobs, each in a folder of its own, until it is closed.

    A program for a task of ours is judged by a process that has judged others before: to load torch and its
    compilers anew takes some 8 s. A task that is not ours runs its own text there, and has a process for its
    programs alone. Each search gets one.

    Args:
        folder: where the jobs' folders are made.
        module: what ``python -m`` starts with a folder that holds ``job.json``; or with ``worker.SERVE``.
        patience: seconds that a job may take beside its search before it is killed.
    """

    def __init__(
        self, folder: Path, *, module: str = "kernelevo.bench.child", patience: float = _PATIENCE
    ) -> None:
        self._folder, self._module, self._patience = folder.absolute(), module, patience
        self._worker = Worker(self._start)

    def __enter__(self) -> ProcessRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.end()

    def __call__(self, job: Job, *, afresh: bool = False) -> Row:
        """Return the job's row; a process that dies or hangs is a fault.

        Args:
            job: what to do.
            afresh: leave an earlier run of this job alone and begin a new one.

        Raises:
            KeyboardInterrupt: passed on once the process has ended.
            StoreError, Unwritable: if its folder cannot be written.
        """
        folder = self._place(job, afresh)
        began = time.monotonic()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / ROW).unlink(missing_ok=True)
            (folder / JOB).write_text(json.dumps(job.to_json()), "utf-8")
            log = (folder / LOG).open("ab")
        except OSError as error:
            raise refused(f"the folder {folder} cannot be written.", error) from error
        with log:
            if job.program:
                of = None if job.source is None else (job.task, job.source)
                code = self._worker.do(folder, log.fileno(), self._limit(job), of)
            else:
                code = self._alone(folder, log.fileno(), self._limit(job))
        return self._row(job, folder, code, time.monotonic() - began)

    def _alone(self, folder: Path, log: int, seconds: float | None) -> int | None:
        """Have a job done by a process of its own; what comes back is as for ``Worker.do``."""
        process = self._start(str(folder), subprocess.DEVNULL, log, log)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            end(process)

    def _start(self, argument: str, stdin: int, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
        # a session of its own: Ctrl-C at the terminal reaches the series, which then ends its child
        return subprocess.Popen(
            [sys.executable, "-P", "-m", self._module, argument],  # a file beside us is nobody's module
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env={
                **os.environ,
                "PYTHONPATH": python_path(),
                "PYTHONUNBUFFERED": "1",
                "KERNELEVO_CACHE": str(default_root()),  # absolute: it goes into the folders of its jobs
            },
            start_new_session=True,
        )

    def _row(self, job: Job, folder: Path, code: int | None, seconds: float) -> Row:
        place = str(folder.relative_to(self._folder.parent))
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError):
            told = json.loads((folder / ROW).read_text("utf-8"))
            row = Row.from_json({**told, "folder": place})
            if row.key == job.key:
                return row
        said = "its process did not end in time" if code is None else f"its process ended with {_word(code)}"
        message = f"{said} and left no verdict; see {folder / LOG}"
        fault = {"kind": "ProcessDied", "message": message}
        return job.row(fault=fault, folder=place, seconds=round(seconds, 2))

    def _place(self, job: Job, afresh: bool) -> Path:
        """Return the job's newest folder, or a new one."""
        base, number = self._folder / job.slug, 1
        while True:
            following = base.with_name(f"{base.name}-{number + 1}")
            here = base if number == 1 else base.with_name(f"{base.name}-{number}")
            if not here.exists() or (not afresh and not following.exists()):
                return here
            number += 1

    def _limit(self, job: Job) -> float | None:
        """Seconds for the whole job; None where nobody can tell how long its search is."""
        if job.program:
            return self._patience
        seconds = Budget.parse(job.settings.budget).limits.get("seconds")
        return None if seconds is None else 2 * seconds + self._patience


def _word(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
