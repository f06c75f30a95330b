"""RayLink: a process of ours on some node of a Ray cluster. The only file that imports ray itself."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import pickle
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from kernelevo.core import Parcel
from kernelevo.core.parcel import DELIVERED
from kernelevo.errors import MachineError, ToolchainMissing, WorkerDied
from kernelevo.executors import replies
from kernelevo.executors.link import STOP_SECONDS, Link

# Ray's own statistics, and a warning about a default that it will change: off
for _name in ("RAY_USAGE_STATS_ENABLED", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"):
    os.environ.setdefault(_name, "0")
if "ray" not in sys.modules and (Path.home() / ".ray" / "auth_token").exists():
    # `ray start --head` asks for it then, its guests do not. Ray reads this when it is imported: set later,
    # it would reach the servers that we start and not ourselves, and they would let nobody in
    os.environ.setdefault("RAY_AUTH_MODE", "token")

try:
    import ray
except ImportError as _error:
    raise ToolchainMissing(
        "Ray is not installed.",
        why="--executor ray runs evaluations on a Ray cluster",
        now="pip install 'kernelevo[ray]', or use --executor process",
    ) from _error

__all__ = ["Post", "RayLink", "ray"]


class Post:
    """An actor: one place on a node, with one process of ours behind it (see ``Link``).

    The process does the work, so that a crash costs a process and not the actor, and Ray is never loaded
    where programs are judged.

    Args:
        main: what the process runs.
        fresh: whether a process that died is replaced; False for one with a memory.
        log: file for the process's output, if its folder exists on this node.
        paths: where the engine's modules come from; used as far as they exist here.
        folder: the engine's working folder; used if it exists here.
        files: what the task names; unpacked where this node lacks some of it.
    """

    def __init__(
        self, main: str, fresh: bool, log: str | None, paths: list[str], folder: str, files: Parcel | None
    ) -> None:
        self._main, self._fresh = main, fresh
        self._log = Path(log) if log and Path(log).parent.is_dir() else None
        if os.path.isdir(folder):
            os.chdir(folder)
        sys.path += [path for path in paths if path not in sys.path and os.path.exists(path)]
        self._delivered: tempfile.TemporaryDirectory[str] | None = None
        if files and not files.is_here:
            self._delivered = tempfile.TemporaryDirectory(prefix="kernelevo-files-")
            os.environ[DELIVERED] = self._delivered.name
            files.unpack(Path(self._delivered.name))
        os.environ.pop("OMP_NUM_THREADS", None)  # Ray sets it to 1 for an actor without CPUs of its own
        self._link = Link(main, log=self._log)
        self._turn = 0
        self._turned = asyncio.Condition()
        self._running: dict[int, Future[Any]] = {}

    async def where(self) -> str:
        """Return the node's address."""
        return str(ray.util.get_node_ip_address())

    async def call(self, turn: int, body: bytes) -> tuple[bool, bytes, bool]:
        """Pass a request on, in the order of ``turn``; return the reply, and whether the process lives."""
        async with self._turned:
            await self._turned.wait_for(lambda: self._turn == turn)
            self._turn += 1
            self._turned.notify_all()
            if self._fresh and not self._link.alive:
                self._link = Link(self._main, log=self._log)
            answer = self._running[turn] = self._link.call(*pickle.loads(body))
        try:
            _, good, reply = replies.succeeded(turn, await asyncio.wrap_future(answer))
        except Exception as error:
            _, good, reply = replies.failed(turn, error)
        finally:
            self._running.pop(turn, None)
        return good, reply, self._link.alive

    async def cancel(self, turn: int) -> None:
        """Forget a request."""
        if answer := self._running.get(turn):
            self._link.cancel(answer)

    async def leave(self) -> None:
        """End the process, with time to tidy up."""
        self._link.dismiss()
        await asyncio.to_thread(self._link.join)
        if self._delivered:
            self._delivered.cleanup()


class RayLink:
    """A process on some node of the cluster and the calls it has not answered yet; ``Link``'s twin.

    Args:
        main: ``"module:function"`` that the process runs, as for ``Link``.
        resource: named resource that it takes one of.
        gpus: GPUs that it takes beside that.
        fresh: whether its process is replaced there when it dies; the link lives on then.
        log: file for its output, used where its folder exists.
        files: where Ray keeps the files that the task names (a ``Parcel``), if there are any.
    """

    pgid: int | None = None  # of another machine: nothing that could be stopped from here

    def __init__(
        self,
        main: str,
        *,
        resource: str,
        gpus: int = 0,
        fresh: bool = True,
        log: Path | None = None,
        files: Any = None,
    ) -> None:
        self._gone: WorkerDied | None = None
        self._turns = itertools.count()
        self._pending: dict[Future[Any], int] = {}
        self._mutex = threading.Lock()
        self._fresh = fresh
        self.node = ""
        options = {"num_cpus": 0, "num_gpus": gpus, "resources": {resource: 1}, "max_restarts": 0}
        made = ray.remote(Post).options(scheduling_strategy="SPREAD", **options)
        place = os.path.abspath(log) if log else None
        paths = [path or os.getcwd() for path in sys.path]
        self._post = made.remote(main, fresh, place, paths, os.getcwd(), files)
        self._there = self._post.where.remote()

    @property
    def alive(self) -> bool:
        """Whether it can still be called."""
        return self._gone is None

    def ready(self, seconds: float) -> bool:
        """Wait until its node has started it; False if it is not there yet.

        Raises:
            WorkerDied: if it could not be started.
        """
        try:
            self.node = ray.get(self._there, timeout=seconds)
        except ray.exceptions.GetTimeoutError:
            return False
        except Exception as error:
            raise self._bury(error) from error
        return True

    def answers(self, seconds: float) -> bool:
        """Whether its actor says within so many seconds that it is there; a node goes without a word."""
        if self._gone is not None:
            return False
        try:
            ray.get(self._post.where.remote(), timeout=seconds)
        except Exception as error:  # whatever Ray says: actor or node are lost, or too slow
            self._bury(error)
            return False
        return True

    def expect(self, seconds: float, absent: Callable[[str], MachineError]) -> None:
        """Give it up, from a thread, unless its actor is there within so many seconds."""

        def wait() -> None:
            with contextlib.suppress(WorkerDied):  # who called it is told
                if not self.ready(seconds) and self._gone is None:
                    self._bury(absent(""))

        threading.Thread(target=wait, daemon=True).start()

    def call(self, *request: Any) -> Future[Any]:
        """Send a request; the future gets the answer, the exception raised there, or WorkerDied."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        body = pickle.dumps(request, pickle.HIGHEST_PROTOCOL)
        with self._mutex:
            if self._gone is None:
                turn = self._pending[future] = next(self._turns)
                answer = self._post.call.remote(turn, body).future()
        if self._gone is not None:
            future.set_exception(self._gone)
        else:
            answer.add_done_callback(lambda done: self._answered(future, done))
        return future

    def cancel(self, future: Future[Any]) -> None:
        """Forget a call and tell the process that nobody waits for it."""
        with self._mutex:
            turn = self._pending.pop(future, None)
        if turn is not None and self._gone is None:
            self._post.cancel.remote(turn)

    def _answered(self, future: Future[Any], done: Future[Any]) -> None:
        with self._mutex:
            wanted = self._pending.pop(future, None) is not None
        try:
            good, body, lives = done.result()
        except Exception as error:  # whatever Ray says: actor or node are lost
            gone = self._bury(error)
            if wanted:
                future.set_exception(gone)
            return
        if not (lives or self._fresh):
            self._bury(WorkerDied("the process behind it died"))
        if not wanted:
            return
        replies.settle(future, good, body)

    def _bury(self, error: Exception) -> WorkerDied:
        if self._gone is None:
            now = "its work is done by another one; `ray status` tells which nodes there are"
            if isinstance(error, MachineError):  # ours
                why, now = f"{error.what} {error.why}".strip(), error.now or now
            else:
                words = str(error).strip().splitlines() or [type(error).__name__]
                why = f"{type(error).__name__}: {words[-1].strip()}"
            where = f" on {self.node}" if self.node else ""
            self._gone = WorkerDied(f"a worker of the Ray cluster{where} is lost.", why=why, now=now)
        # not from here: this may be a thread of Ray's, and ray.kill would wait for that
        threading.Thread(target=self.kill, daemon=True).start()
        return self._gone

    def dismiss(self) -> None:
        """Ask it to leave in good order; ``join`` waits for that."""
        self._left = self._post.leave.remote() if self._gone is None else None

    def join(self, seconds: float = STOP_SECONDS) -> None:
        """Wait for it to leave, then take its actor away."""
        if getattr(self, "_left", None) is not None:
            with contextlib.suppress(ray.exceptions.RayError):
                ray.get(self._left, timeout=seconds)
        self.kill()

    def kill(self) -> None:
        """End the actor; its process follows when the line between them breaks. Safe to call twice."""
        if self._gone is None:
            self._gone = WorkerDied("a worker of the Ray cluster was ended by the executor.")
        with contextlib.suppress(Exception):  # it is dead already, or Ray is: what was wanted
            ray.kill(self._post)
