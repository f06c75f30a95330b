"""From a proven program to the drop-in replacement of a live module."""

from __future__ import annotations

from kernelevo.core import Evaluation, Program, Task
from kernelevo.errors import BadSetting
from kernelevo.kernels.dropin import Optimized


def drop_in(task: Task, program: Program, evaluation: Evaluation) -> Optimized:
    """Return the module that ``optimize`` was given, with the program's forward where it is proven.

    Raises:
        BadSetting: if the task is not a live module.
    """
    spec = task.options.get("reference", {})
    if spec.get("kind") != "pickle":
        raise BadSetting(
            f"{task.name} is not a live module, so there is nothing to replace",
            now="use kernelevo.optimize(module, inputs), or import ModelNew from best.py",
        )
    return Optimized.of(spec, program.source, evaluation)
