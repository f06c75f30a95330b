"""ProcessExecutor: worker processes of this machine, some for builds, exactly one for each device."""

from __future__ import annotations

import pickle
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, TimeoutError
from pathlib import Path
from typing import Any, TypeVar, cast

from kernelevo.errors import BadSetting, WorkerDied
from kernelevo.executors.link import Link
from kernelevo.executors.needs import check_needs

R = TypeVar("R")
OnStart = Callable[[str, int], None]

WORKER = "kernelevo.executors.worker:main"


class ProcessExecutor:
    """Pools of processes by what they offer; a process starts when its first work arrives.

    A worker that dies (segfault, ``os._exit``, a kill) fails only the call it was working on, with
    ``WorkerDied``, and the next call gets a new one. Functions must be importable, arguments picklable.

    Args:
        cpu: number of workers for ``needs="cpu"``.
        build: number of workers for ``needs="build"``; 0 sends builds to the first device's worker.
        devices: names of the devices (``"device:0"``, ``"device:cpu"``), one worker each: work of one device
            never runs at the same time.
        timeouts: seconds that one call may take, by need (``"device"`` for all devices); a last resort,
            since whoever runs strange code limits it itself. Without an entry a call may take for ever.
        log: file that the workers' own output is appended to; None means our stderr.
        on_start: called with the need and the process group of every worker that starts.

    Raises:
        BadSetting: for a negative number of workers, or a device twice.
    """

    def __init__(
        self,
        *,
        cpu: int = 1,
        build: int = 1,
        devices: Sequence[str] = ("device:0",),
        timeouts: Mapping[str, float] | None = None,
        log: Path | None = None,
        on_start: OnStart | None = None,
    ) -> None:
        if cpu < 0 or build < 0 or len(set(devices)) != len(devices):
            raise BadSetting(f"{cpu} cpu workers, {build} build workers, devices {', '.join(devices)}")
        for device in devices:
            check_needs(device)
        sizes = {"cpu": cpu, "build": build, **dict.fromkeys(devices, 1)}
        limits = dict(timeouts or {})
        self._pools = {
            needs: _Pool(needs, size, limits.get(needs.split(":")[0]), log, on_start)
            for needs, size in sizes.items()
            if size
        }
        if not build and devices:
            self._pools["build"] = self._pools[devices[0]]

    def submit(self, fn: Callable[..., R], /, *args: object, needs: str = "cpu") -> Future[R]:
        """Run ``fn(*args)`` in a worker that offers ``needs``.

        Raises:
            BadSetting: if no worker of this executor offers it.
            RuntimeError: after ``close``.
        """
        check_needs(needs)
        if needs not in self._pools:
            raise BadSetting(f"no worker offers {needs!r}", why=f"here: {', '.join(sorted(self._pools))}")
        return cast("Future[R]", self._pools[needs].submit(fn, args))

    def resize(self, workers: int, needs: str = "cpu") -> None:
        """Have so many workers for ``cpu`` or ``build`` from now on; surplus ones idle until the end.

        Raises:
            BadSetting: for less than one, if this executor was made without any, or if a device's worker,
                of which there is one, does that too.
        """
        pool = self._pools.get(needs)
        if workers < 1 or pool is None:
            raise BadSetting(f"there cannot be {workers} {needs} workers here")
        if pool.needs != needs:
            raise BadSetting(
                f"there cannot be {workers} workers: programs are built by the one that measures them",
                why=f"nothing else may run while it holds {pool.needs}",
            )
        pool.size = workers

    def close(self) -> None:
        """Cancel what waits, stop every worker; safe to call twice."""
        pools = list(dict.fromkeys(self._pools.values()))
        for pool in pools:
            pool.dismiss()
        for pool in pools:
            pool.join()


class _Pool:
    """Workers that offer the same; one thread of ours looks after each."""

    def __init__(
        self, needs: str, size: int, timeout: float | None, log: Path | None, on_start: OnStart | None
    ) -> None:
        self.needs, self.size, self._timeout = needs, size, timeout
        self._log, self._on_start = log, on_start
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Any, Any] | None] = queue.SimpleQueue()
        self._links: dict[int, Link] = {}
        self._threads: list[threading.Thread] = []
        self._mutex = threading.Lock()
        self._closed = False

    def submit(self, fn: Any, args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._mutex:
            if self._closed:
                raise RuntimeError("this executor is closed")
            if len(self._threads) < self.size:
                index = len(self._threads)
                thread = threading.Thread(
                    target=self._attend, args=(index,), name=f"{self.needs}-{index}", daemon=True
                )
                self._threads.append(thread)
                thread.start()
            self._jobs.put((future, fn, args))
        return future

    def dismiss(self) -> None:
        with self._mutex:
            self._closed = True
            links, threads = list(self._links.values()), list(self._threads)
        try:
            while (job := self._jobs.get_nowait()) is not None:
                job[0].cancel()
                job[0].set_running_or_notify_cancel()
        except queue.Empty:
            pass
        for _ in threads:
            self._jobs.put(None)
        for link in links:
            link.dismiss()

    def join(self) -> None:
        for link in list(self._links.values()):
            link.join()
        for thread in self._threads:
            thread.join(timeout=5.0)

    def _attend(self, index: int) -> None:
        while (job := self._jobs.get()) is not None:
            future, fn, args = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._run(index, fn, args))
            except BaseException as error:
                future.set_exception(error)

    def _run(self, index: int, fn: Any, args: Any) -> Any:
        body = pickle.dumps((fn, args), pickle.HIGHEST_PROTOCOL)
        link = self._link(index)
        answer = link.call(body)
        try:
            return answer.result(timeout=self._timeout)
        except TimeoutError:
            if answer.done():  # the function itself raised a TimeoutError
                raise
            link.kill()
            answer.exception()  # once that is set the link knows that it is dead
            raise WorkerDied(
                f"a {self.needs} worker (pid {link.pid}) took longer than {self._timeout:g} s.",
                why=f"it was running {getattr(fn, '__qualname__', fn)}",
            ) from None

    def _link(self, index: int) -> Link:
        with self._mutex:
            link = self._links.get(index)
            if self._closed:
                raise WorkerDied("the executor was closed before this work began.")
            if link is None or not link.alive:
                started = self._on_start
                note = (lambda pgid: started(self.needs, pgid)) if started else None
                link = self._links[index] = Link(WORKER, log=self._log, on_start=note)
            return link
