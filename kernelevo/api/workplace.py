"""Workplace: where the work of one run is done: in this process, in processes here, or on a Ray cluster."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kernelevo.config import Settings
from kernelevo.core import Executor, Parcel
from kernelevo.errors import BadSetting
from kernelevo.executors import InlineExecutor, Link, ProcessExecutor, WaitingExecutor

RAY = "kernelevo.executors.ray_executor"


@dataclass(frozen=True)
class Workplace:
    """An executor and how much it is given at a time.

    Args:
        executor: where programs are judged; whoever made this closes it.
        builders: programs built at a time.
        measurers: programs measured at a time.
        apart: whether builds and measurements go on side by side.
        generation: what starts the process in which proposers think.
    """

    executor: Executor
    builders: int = 1
    measurers: int = 1
    apart: bool = True
    generation: Callable[..., Link] = Link


def workplace(
    settings: Settings, *, staged: bool, device: str, log: Path, files: Parcel | None = None
) -> Workplace:
    """Make the place that these settings ask for.

    Args:
        settings: of the run.
        staged: whether programs are built first and then measured, alone on a device.
        device: name of the device of this machine.
        log: file for what workers print.
        files: what the task names, for machines of a cluster that do not have it.

    Raises:
        ToolchainMissing: if Ray is asked for and not installed.
        MachineError: if there is no Ray cluster to join.
    """
    workers = settings.workers or 1
    if settings.elsewhere is not None:
        return Workplace(WaitingExecutor(), workers, workers)
    if settings.executor == "inline":
        return Workplace(InlineExecutor())
    if settings.executor == "ray":
        cluster = importlib.import_module(RAY).RayExecutor(
            address=settings.ray_address,
            workers=settings.workers,
            gpu=settings.device != "cpu",
            log=log,
            files=files,
        )
        # a program is built and measured by the same worker of some node, which has its own judge
        return Workplace(cluster, cluster.workers, cluster.workers, generation=cluster.generation() or Link)
    # One worker holds the one judge. On a CPU builds and measurements cannot overlap anyway; on a GPU a
    # build ends with one call there, which must not run while another program is timed.
    executor = ProcessExecutor(cpu=workers, build=0, devices=(device,), log=log)
    at_once = 1 if staged else workers
    return Workplace(executor, at_once, at_once, apart=not staged)


def refuse_workers(settings: Settings, *, staged: bool) -> None:
    """Refuse more workers than a run can have: a kernel is built by the one worker that measures it.

    Raises:
        BadSetting: for more than one on this machine, if programs are built first and then measured.
    """
    elsewhere = settings.elsewhere is not None or settings.executor != "process"
    if staged and not elsewhere and (settings.workers or 1) > 1:
        raise BadSetting(
            f"workers={settings.workers} does nothing here",
            why="on this machine one worker builds and measures kernels, one after the other",
            now="leave it out; thinkers=N for more asks at a time, executor='ray' for more machines",
        )


def need_ray() -> None:
    """Look whether Ray can be used here, before anything is made.

    Raises:
        ToolchainMissing: if it is not installed.
    """
    importlib.import_module(RAY)
