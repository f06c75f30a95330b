"""Loaders: from a name, a file or a live module to a Task."""

from kernelevo.tasks.library import BundledTask, bundled, facts
from kernelevo.tasks.load import load_task
from kernelevo.tasks.names import TaskName, resolve

__all__ = ["BundledTask", "TaskName", "bundled", "facts", "load_task", "resolve"]
