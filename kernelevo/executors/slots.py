"""Slots: workers that come, die and come back anywhere; each takes the next work when it is there."""

from __future__ import annotations

import pickle
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from kernelevo.core import Artifact
from kernelevo.errors import MachineError, WorkerDied

LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 60.0
RESPITE_SECONDS = 1.0
IDLE_SECONDS, ANSWER_SECONDS = 5.0, 10.0
"""After how long without a call a worker is asked whether it is there, and how long it may take to say so."""


class Remote(Protocol):
    """A worker somewhere, which a slot holds while it lives."""

    @property
    def alive(self) -> bool:
        """Whether it can still be called."""
        ...

    def ready(self, seconds: float) -> bool:
        """Wait until it is there; False if it is not yet. Raises MachineError if it never will be."""
        ...

    def call(self, *request: Any) -> Future[Any]:
        """Send a request; the future gets the answer, what was raised there, or WorkerDied."""
        ...

    def answers(self, seconds: float) -> bool:
        """Whether it says within so many seconds that it is there."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


@dataclass
class _Job:
    future: Future[Any]
    body: bytes
    what: str
    home: Remote | None  # where the artifact lies that this job is about


class Slots:
    """A queue of work and the slots that take from it, one thread of ours for each.

    Work on an artifact with a folder goes to the worker that made it, as long as that lives: the folder lies
    on its node. If it died, any other takes it (and makes the artifact again).

    Args:
        needs: what the slots offer, in words.
        size: how many there are.
        start: starts a worker.
        timeout: seconds that one call may take; None for ever.
        patience: seconds that work waits while there is no worker at all.
        idle: seconds without a call after which a worker is asked whether it is there before it gets work.
        absent: what to raise then; gets the reason why the last worker did not come up, if one is known.
    """

    def __init__(
        self,
        needs: str,
        size: int,
        start: Callable[[], Remote],
        *,
        timeout: float | None = None,
        patience: float = PATIENCE_SECONDS,
        idle: float = IDLE_SECONDS,
        absent: Callable[[str], MachineError],
    ) -> None:
        self.idle = idle
        self._needs, self._size, self._start = needs, size, start
        self._timeout, self._patience, self._absent = timeout, patience, absent
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._held: dict[int, Remote] = {}  # by slot; those that are there
        self._starting: dict[int, Remote] = {}
        self._homes: dict[str, Remote] = {}
        self._lonely = 0.0  # since when work waits without any worker
        self._closed = False

    def submit(self, fn: Any, args: tuple[Any, ...]) -> Future[Any]:
        """Queue ``fn(*args)``.

        Raises:
            RuntimeError: after ``dismiss``.
        """
        future: Future[Any] = Future()
        try:
            body = pickle.dumps((fn, args), pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # the caller's mistake
            future.set_exception(error)
            return future
        with self._changed:
            if self._closed:
                raise RuntimeError("this executor is closed")
            home = next((self._homes.pop(key) for a in args if (key := _key(a)) in self._homes), None)
            if not (self._held or self._jobs):
                self._lonely = time.monotonic()
            self._jobs.append(_Job(future, body, getattr(fn, "__qualname__", str(fn)), home))
            if not self._threads:
                for index in range(self._size):
                    name = f"{self._needs}-{index}"
                    thread = threading.Thread(target=self._attend, args=(index,), name=name, daemon=True)
                    self._threads.append(thread)
                    thread.start()
            self._changed.notify_all()
        return future

    def dismiss(self) -> list[Remote]:
        """Cancel what waits, take no more, and return the workers there are."""
        with self._changed:
            self._closed = True
            waiting, self._jobs = list(self._jobs), deque()
            workers = [*self._held.values(), *self._starting.values()]
            self._changed.notify_all()
        for job in waiting:
            job.future.cancel()
            job.future.set_running_or_notify_cancel()
        return workers

    def join(self) -> None:
        """Wait for the threads; the workers are gone by then."""
        for thread in self._threads:
            thread.join(timeout=5.0)

    # one slot

    def _attend(self, index: int) -> None:
        while (worker := self._worker(index)) is not None:
            while worker.alive and (job := self._take(worker)) is not None:
                self._do(worker, job)
            with self._changed:
                self._held.pop(index, None)
                if not self._held:
                    self._lonely = time.monotonic()
                self._changed.notify_all()  # work that waited for this one may go elsewhere
                if self._closed:
                    return

    def _worker(self, index: int) -> Remote | None:
        """Start a worker and wait until it is there; None when the executor is closed."""
        why = ""
        while not self._over():
            worker: Remote | None = None
            try:
                worker = self._start()
                with self._changed:
                    self._starting[index] = worker
                while not worker.ready(LOOK_SECONDS):
                    self._lament(why)
                    if self._over():
                        return None
                with self._changed:
                    self._held[index] = worker
                return worker
            except Exception as error:
                why = str(error)
                self._lament(why)
                time.sleep(RESPITE_SECONDS)
            finally:
                with self._changed:
                    self._starting.pop(index, None)
                if worker is not None and self._held.get(index) is not worker:
                    worker.kill()
        return None

    def _over(self) -> bool:
        return self._closed

    def _lament(self, why: str) -> None:
        """Fail all that waits, once there has been no worker for too long: nobody shall wait for ever."""
        with self._changed:
            if self._held or time.monotonic() - self._lonely < self._patience or not self._jobs:
                return
            waiting, self._jobs = list(self._jobs), deque()
        for job in waiting:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(self._absent(why))

    def _take(self, worker: Remote) -> _Job | None:
        """Wait for work that this worker may do; None when it is dead, or the executor is closed."""
        heard = time.monotonic()
        while True:
            with self._changed:
                while not self._closed and worker.alive and (job := self._fitting(worker)) is None:
                    self._changed.wait(timeout=5 * LOOK_SECONDS)  # a worker may die without a word
                if self._closed or not worker.alive or job is None:
                    return None
                if time.monotonic() - heard < self.idle:
                    self._jobs.remove(job)
                    return job
            # its node may have gone meanwhile, and it would take the work along
            if not worker.answers(ANSWER_SECONDS):
                worker.kill()
                return None
            heard = time.monotonic()

    def _fitting(self, worker: Remote) -> _Job | None:
        return next((j for j in self._jobs if j.home in (None, worker) or not j.home.alive), None)

    def _do(self, worker: Remote, job: _Job) -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        try:
            answer = worker.call(job.body)
        except BaseException as error:  # it was not sent: this thread lives on, its worker does not
            worker.kill()
            job.future.set_exception(error)
            return
        try:
            value = answer.result(timeout=self._timeout)
        except TimeoutError as error:
            if not answer.done():
                worker.kill()
                late = f"a {self._needs} worker took longer than {self._timeout:g} s."
                job.future.set_exception(WorkerDied(late, why=f"it was running {job.what}"))
            else:  # the function itself raised one
                job.future.set_exception(error)
        except BaseException as error:
            job.future.set_exception(error)
        else:
            if (key := _key(value)) is not None:
                with self._changed:
                    self._homes[key] = worker
            job.future.set_result(value)


def _key(value: object) -> str | None:
    """Where an artifact lies; None for everything else."""
    if not isinstance(value, Artifact) or value.folder is None or value.verdict is not None:
        return None
    return str(value.folder)
