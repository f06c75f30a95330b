"""Named evaluators: how a task's programs are judged.

A plug-in is one function ``Program -> Evaluation`` under the decorator ``evaluator``; it runs programs by
``call`` (one function), ``execute`` (a whole program on a text) or ``converse`` (line by line).
"""

from kernelevo.evaluators.calling import attempt, call, execute
from kernelevo.evaluators.cascade import cascade
from kernelevo.evaluators.conversing import Conversation, converse
from kernelevo.evaluators.outcome import Outcome, ProgramFailed
from kernelevo.evaluators.registry import evaluator, load, names, staged, task_of

__all__ = [
    "Conversation",
    "Outcome",
    "ProgramFailed",
    "attempt",
    "call",
    "cascade",
    "converse",
    "evaluator",
    "execute",
    "load",
    "names",
    "staged",
    "task_of",
]
