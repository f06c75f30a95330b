"""Named evaluators: how a task's programs are judged."""

from kernelevo.evaluators.registry import evaluator, load, names

__all__ = ["evaluator", "load", "names"]
