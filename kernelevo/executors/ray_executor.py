"""RayExecutor: workers on the nodes of a Ray cluster. The only file that imports ray."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import logging
import os
import pickle
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar, cast

from kernelevo.core import Parcel
from kernelevo.core.parcel import DELIVERED
from kernelevo.errors import BadSetting, MachineError, ToolchainMissing, WorkerDied
from kernelevo.executors import replies
from kernelevo.executors.cluster import clear_away, knock, noted
from kernelevo.executors.link import STOP_SECONDS, Link
from kernelevo.executors.needs import check_needs
from kernelevo.executors.slots import PATIENCE_SECONDS, Slots

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

R = TypeVar("R")
EVAL_CPU, EVAL_GPU, GENERATION = "eval_cpu", "eval_gpu", "generation"
WORKER = "kernelevo.executors.worker:main"
STORE_BYTES = 128 << 20  # of a cluster that we start: only ids and small records travel


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
            words = str(error).strip().splitlines() or [type(error).__name__]
            self._gone = WorkerDied(
                f"a worker of the Ray cluster{' on ' + self.node if self.node else ''} is lost.",
                why=f"{type(error).__name__}: {words[-1].strip()}",
                now="its work is done by another one; `ray status` tells which nodes there are",
            )
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


class RayExecutor:
    """Places for work on the nodes of a Ray cluster; which node has how many is said by named resources.

    A node offers ``eval_cpu`` and ``eval_gpu`` in its resources. Without a GPU to measure, every piece of
    work goes to an ``eval_cpu`` place; with one, builds and measurements go to ``eval_gpu`` places (the
    program is measured where it was built) and the rest to ``eval_cpu`` ones. A node or an actor that is lost
    fails only the calls in flight there, with ``WorkerDied``; places come back as soon as a node offers them.

    Args:
        address: of the cluster (``"10.0.0.1:6379"``); None means that of the variable ``RAY_ADDRESS``, else
            the one that ``ray start`` began on this machine, else a new local one that ends with this one.
        workers: places to use; None means all that the cluster offers now.
        gpu: whether measurements need a GPU.
        timeouts: seconds that one call may take, by need (``"cpu"``, ``"device"``).
        log: file for the output of workers whose node has its folder.
        patience: seconds that work waits while no node offers a place.
        files: what the task names, for nodes that do not have it.

    Raises:
        MachineError: if there is no cluster at the address, or it runs other versions.
        BadSetting: for fewer than one worker.
    """

    def __init__(
        self,
        *,
        address: str | None = None,
        workers: int | None = None,
        gpu: bool = False,
        timeouts: dict[str, float] | None = None,
        log: Path | None = None,
        patience: float = PATIENCE_SECONDS,
        files: Parcel | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise BadSetting(f"{workers} workers on Ray", why="at least 1")
        self._ours = _join(address, {EVAL_CPU: workers or 1, EVAL_GPU: workers or 1})
        self._log, self._patience, self._timeouts = log, patience, timeouts or {}
        self._files = ray.put(files) if files and files.files else None  # once, for all that are started
        main = EVAL_GPU if gpu else EVAL_CPU
        #: how many pieces of work run at a time
        self.workers = workers or max(1, _offered(main))
        self._main = self._slots("device", main, self.workers, gpu=gpu and _offered("GPU") > 0)
        self._cpu = self._slots("cpu", EVAL_CPU, self.workers) if gpu else self._main
        self._closed = False

    def submit(self, fn: Callable[..., R], /, *args: object, needs: str = "cpu") -> Future[R]:
        """Run ``fn(*args)`` on some node; a device's name means one of those that measure.

        Raises:
            BadSetting: for needs that no executor knows.
            RuntimeError: after ``close``.
        """
        check_needs(needs)
        slots = self._cpu if needs == "cpu" else self._main
        return cast("Future[R]", slots.submit(fn, args))

    def resize(self, workers: int, needs: str = "cpu") -> None:
        """Let the caller use so many of the places; there are no more than there were at the start.

        Raises:
            BadSetting: for less than one, or more than these.
        """
        if not 1 <= workers <= self.workers:
            raise BadSetting(f"there cannot be {workers} workers: this run has {self.workers} on its cluster")

    def generation(self) -> Callable[..., RayLink] | None:
        """Return what starts a generation process there; None where no node offers ``generation``."""
        if not _offered(GENERATION):
            return None

        def start(main: str, *, log: Path | None = None, on_start: object = None) -> RayLink:
            return RayLink(main, resource=GENERATION, fresh=False, log=log, files=self._files)

        return start

    def close(self) -> None:
        """Cancel what waits, stop every worker, leave the cluster; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        pools = [self._main] if self._cpu is self._main else [self._main, self._cpu]
        workers = [worker for pool in pools for worker in cast("list[RayLink]", pool.dismiss())]
        for worker in workers:
            worker.dismiss()
        for worker in workers:
            worker.join()
        for pool in pools:
            pool.join()
        if self._ours:
            _leave()

    def _slots(self, needs: str, resource: str, size: int, *, gpu: bool = False) -> Slots:
        def start() -> RayLink:
            return RayLink(WORKER, resource=resource, gpus=int(gpu), log=self._log, files=self._files)

        return Slots(
            needs,
            size,
            start,
            timeout=self._timeouts.get(needs),
            patience=self._patience,
            absent=lambda why: _absent(resource, why),
        )


def _join(address: str | None, resources: dict[str, int]) -> bool:
    """Join a cluster; return whether it is ours to leave. Where Ray is joined already, that is used."""
    if ray.is_initialized():
        return False
    quiet = {"configure_logging": False, "log_to_driver": False}
    logging.getLogger("ray").setLevel(logging.ERROR)
    address = address or os.environ.get("RAY_ADDRESS")
    try:
        if address:
            knock(address)
            ray.init(address=address, **quiet)
        elif noted():
            ray.init(address="auto", **quiet)
        else:
            local = {"resources": resources, "object_store_memory": STORE_BYTES, "include_dashboard": False}
            ray.init(address="local", **local, **quiet)
    except Exception as error:
        clear_away(error)
        _leave()
        where = f"the Ray cluster at {address}" if address else "a Ray cluster"
        raise MachineError(
            f"{where} cannot be joined.",
            why=f"{type(error).__name__}: {str(error).strip()[:500]}",
            now="is it up (`ray status`), with the same versions of Python and Ray, and the same token "
            "(~/.ray/auth_token)? Without --ray-address the cluster of this machine is used, or a new one",
        ) from error
    return True


def _leave() -> None:
    """Leave the cluster; a local one of ours ends, and its processes are gone when this returns."""
    waits = "wait_for_processes" in inspect.signature(ray.shutdown).parameters  # in later versions
    ray.shutdown(**({"wait_for_processes": True} if waits else {}))


def _offered(resource: str) -> int:
    return int(ray.cluster_resources().get(resource, 0))


def _absent(resource: str, why: str) -> MachineError:
    return MachineError(
        f"no node of the Ray cluster has a free place {resource!r}.",
        why=why or f"its nodes offer {resource}: {_offered(resource)} in all",
        now=f"start a node with: ray start --address HEAD:6379 --resources='{{\"{resource}\": 2}}'",
    )
