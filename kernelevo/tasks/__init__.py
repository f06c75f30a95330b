"""Loaders: from a name, a file or a live module to a Task."""

from kernelevo.tasks.library import BundledTask, bundled, facts, grade, variant_constants
from kernelevo.tasks.load import load_task
from kernelevo.tasks.memory import MemoryNeed, estimate, refuse_if_too_large
from kernelevo.tasks.module import freeze, input_sets, is_live
from kernelevo.tasks.names import TaskName, resolve
from kernelevo.tasks.objectives import objectives_of
from kernelevo.tasks.upstream import GivenTask, read_level

__all__ = [
    "BundledTask",
    "GivenTask",
    "MemoryNeed",
    "TaskName",
    "bundled",
    "estimate",
    "facts",
    "freeze",
    "grade",
    "input_sets",
    "is_live",
    "load_task",
    "objectives_of",
    "read_level",
    "refuse_if_too_large",
    "resolve",
    "variant_constants",
]
