"""Loaders: from a name, a file or a live module to a Task."""

from kernelevo.tasks.library import BundledTask, bundled, facts
from kernelevo.tasks.load import load_task
from kernelevo.tasks.memory import MemoryNeed, estimate, refuse_if_too_large
from kernelevo.tasks.module import freeze, input_sets
from kernelevo.tasks.names import TaskName, resolve

__all__ = [
    "BundledTask",
    "MemoryNeed",
    "TaskName",
    "bundled",
    "estimate",
    "facts",
    "freeze",
    "input_sets",
    "load_task",
    "refuse_if_too_large",
    "resolve",
]
