"""RayExecutor: workers on the nodes of a Ray cluster."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar, cast

from kernelevo.core import Parcel
from kernelevo.errors import BadSetting, MachineError
from kernelevo.executors.cluster import clear_away, knock, noted
from kernelevo.executors.needs import check_needs
from kernelevo.executors.ray_link import RayLink, ray
from kernelevo.executors.slots import PATIENCE_SECONDS, Slots

R = TypeVar("R")
EVAL_CPU, EVAL_GPU, GENERATION = "eval_cpu", "eval_gpu", "generation"
WORKER = "kernelevo.executors.worker:main"
STORE_BYTES = 128 << 20  # of a cluster that we start: only ids and small records travel


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
            link = RayLink(main, resource=GENERATION, fresh=False, log=log, files=self._files)
            link.expect(self._patience, lambda why: _absent(GENERATION, why))
            return link

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
