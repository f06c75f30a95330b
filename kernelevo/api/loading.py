"""Loading a task's evaluator, once it is sure that the task fits into this machine."""

from __future__ import annotations

import os
from pathlib import Path

from kernelevo.api.casting import KERNEL
from kernelevo.backends.pruning import limit
from kernelevo.config import Settings
from kernelevo.core import Evaluator, StagedEvaluator, Task
from kernelevo.device.facts import cpu_facts
from kernelevo.errors import BadSetting, TaskNotFound, closest
from kernelevo.evaluators import load, names, task_of
from kernelevo.evaluators.foreign import EVALUATOR
from kernelevo.tasks import facts, load_task, refuse_if_too_large

_OF_MODULES: dict[str, str | None] = {"device": "cpu", "size": None, "policy": "any"}
"""Settings that only a PyTorch module's task has, and what they are where nobody says anything."""

LOADER = "kernelevo.api.loading:load_evaluator"
"""What workers call; it may import torch and execute the task's file."""


def find_task(name: str, settings: Settings) -> Task:
    """Return the task that a user names: an evaluator by its name, or whatever ``load_task`` knows.

    Raises:
        TaskNotFound, BadProgram, BadSetting: see ``tasks.load_task``; also for settings of a PyTorch module
            where the task is something else.
    """
    task = _found(name, settings)
    if task.evaluator != KERNEL:
        for setting, usual in _OF_MODULES.items():
            if (value := getattr(settings, setting)) != usual:
                raise BadSetting(
                    f"--{setting} {value} would do nothing for {task.name}",
                    why="it is for PyTorch modules, and this task is something else",
                    now=f"leave --{setting} out",
                )
    return task


def _found(name: str, settings: Settings) -> Task:
    if not name:  # as a path it would be the current folder
        raise TaskNotFound("A task has a name, not an empty one.", now="kernelevo tasks lists some")
    try:
        name.encode()
    except UnicodeEncodeError as error:  # as Python reads the bytes of such a path
        raise TaskNotFound(
            f"The task {name!r} cannot be used.",
            why="its name has bytes that are no UTF-8 text, which records and reports could not name",
            now="rename the file or folder",
        ) from error
    known = task_of(name)
    if known is not None:
        return known
    try:
        return load_task(name, size=settings.size, device=settings.device, policy=settings.policy)
    except TaskNotFound as error:
        _refuse_folder(name)
        if ".py" in name or name.startswith("kernelbench:"):
            raise
        near = closest(name, (n for n in names() if n != "kernel"))
        raise TaskNotFound(error.what, why=f"{error.why}\n  evaluators  {near}", now=error.now) from None


def _refuse_folder(name: str) -> None:
    """Say what is wrong where somebody meant a folder, or the evaluator file of one."""
    path = Path(os.path.expanduser(name))
    form = f"a folder of this kind has {EVALUATOR} beside initial_program.* (OpenEvolve) or init.* (FM Agent)"
    if os.path.isdir(path):
        raise TaskNotFound(f"The folder {path} has no {EVALUATOR}.", why=form, now="name such a folder")
    if path.name == EVALUATOR and os.path.isfile(path):
        raise TaskNotFound(
            f"{path} is not a task by itself.", why=form, now=f"name its folder: {path.parent}"
        )
    if name.startswith((".", "~", "/")) or name.endswith("/"):
        raise TaskNotFound(f"There is no file or folder {path}.", now="check the path")


def load_evaluator(task: Task) -> Evaluator | StagedEvaluator:
    """Return the evaluator of a task that fits into the free memory.

    Raises:
        NotEnoughMemory: if it does not.
        InputError: if the task's file or its evaluator cannot be loaded.
    """
    free = free_bytes(task)
    if free is not None:
        refuse_if_too_large(task, free)
    return load(task)


def refuse_early(task: Task) -> None:
    """Refuse, before anything is made, a device that is not here and a bundled task that is too large for it.

    The task's size is that of its manifest; torch is imported only to look for a device.

    Raises:
        BadSetting: for a size of the build cache that is none.
        MachineError: if the device is not here.
        NotEnoughMemory: if the task does not fit.
    """
    limit()
    if task.options.get("device", "cpu") != "cpu":
        from kernelevo.kernels.children.place import device_of

        device_of(task.options)
    known = facts(task.name).get("sizes", {})
    if task.options.get("device", "cpu") == "cpu" and task.options.get("size") in known:
        free = free_bytes(task)
        if free is not None:
            refuse_if_too_large(task, free)


def free_bytes(task: Task) -> int | None:
    """Free memory of the task's device in bytes; None if nobody can tell."""
    device = str(task.options.get("device", "cpu"))
    if device == "cpu":
        free: int | None = cpu_facts()["memory_available_bytes"]
        return free
    import torch

    return int(torch.cuda.mem_get_info(device)[0]) if torch.cuda.is_available() else None
