"""From a proven program to the drop-in replacement of a live module."""

from __future__ import annotations

from kernelevo.backends.pickled import PickledReference
from kernelevo.core import Program, Task
from kernelevo.errors import BadSetting
from kernelevo.kernels.dropin import Optimized
from kernelevo.kernels.signature import Signature
from kernelevo.tasks import is_live


def drop_in(task: Task, program: Program) -> Optimized:
    """Return the module that ``optimize`` was given, with the program's forward where it is proven.

    It is a copy of the module as it was then: same weights, same mode.

    Raises:
        BadSetting: if the task is not a live module.
        TaskNotFound, BadProgram: if its file beside the run is gone or cannot be read back.
    """
    spec = task.options.get("reference", {})
    if not is_live(task):
        raise BadSetting(
            f"{task.name} is not a live module, so there is nothing to replace",
            now="use kernelevo.optimize(module, inputs), or import ModelNew from best.py",
        )
    reference = PickledReference(spec["path"])
    module = reference.build(0)
    proven = [Signature.of(module, reference.given(i)) for i in range(reference.sets)]
    return Optimized(module, program, proven)
