"""From a proven program to the drop-in replacement of a live module."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils import _pytree as pytree

from kernelevo.backends.pickled import PickledReference
from kernelevo.core import Program, Task
from kernelevo.errors import BadSetting, MachineError
from kernelevo.kernels.dropin.optimized import Optimized
from kernelevo.kernels.dropin.signature import Signature
from kernelevo.tasks import is_live
from kernelevo.tasks.module import FILE


class UnchangedWarning(UserWarning):
    """A call of the original changes inputs or plain attributes, which one of the drop-in leaves alone."""


def drop_in(task: Task, program: Program, folder: Path) -> Optimized:
    """Return the module that ``optimize`` was given, with the program's forward where it is proven.

    It is a copy of the module as it was then, on the device that the program was judged on: same weights,
    same mode.

    Args:
        task: what was optimised.
        program: what the copy runs.
        folder: of the run, which may have been moved since.

    Warns:
        UnchangedWarning: if the module writes to its inputs, counts in a plain attribute, or the like.

    Raises:
        BadSetting: if the task is not a live module.
        TaskNotFound, BadProgram: if its file beside the run is gone or cannot be read back.
        MachineError: if the program is for a GPU and none is at hand.
    """
    spec = task.options.get("reference", {})
    if not is_live(task):
        raise BadSetting(
            f"{task.name} is not a live module, so there is nothing to replace",
            now="use kernelevo.optimize(module, inputs), or import ModelNew from best.py",
        )
    device = str(task.options["device"])
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise MachineError(
            f"The program is for {device}, and torch finds no GPU here.",
            why="a drop-in is made where it is used: weights and inputs are put on that device",
            now="call module() on a machine with a GPU; the program itself lies in the run folder",
        )
    reference = PickledReference(_kept(spec, folder))
    module = reference.build(0).to(device)
    given = [_moved(reference.given(i), device) for i in range(reference.sets)]
    proven = [Signature.of(module, args) for args in given]
    if changed := sorted({name for one in proven for name in one.changed}):
        warnings.warn(
            f"a call of the original changes {', '.join(changed[:5])}, and one of the drop-in does not",
            UnchangedWarning,
            stacklevel=3,
        )
    return Optimized(module, program, proven)


def _kept(spec: Mapping[str, Any], folder: Path) -> Path:
    """Return where the module's file lies: a run folder that was moved or copied has it still."""
    stored, beside = Path(spec["path"]), folder / FILE
    if stored.exists() or not beside.is_file():
        return stored
    same = hashlib.sha256(beside.read_bytes()).hexdigest() == spec["sha256"]
    return beside if same else stored


def _moved(args: tuple[Any, ...], device: str) -> tuple[Any, ...]:
    moved: tuple[Any, ...] = pytree.tree_map_only(torch.Tensor, lambda t: t.to(device), args)
    return moved
