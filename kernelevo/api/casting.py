"""Casting: which of the proposers that a run names work on its task, and where they live."""

from __future__ import annotations

from importlib.util import find_spec

from kernelevo.config import GENERAL, MODEL_FREE, Settings
from kernelevo.core import Task
from kernelevo.errors import BadSetting

KERNEL = "kernel"

# name -> what makes it inside the generation process, and how many parents its briefs shall have
HOSTED = {
    "compiler": ("kernelevo.proposers.compiler:CompilerProposer", 1),
    "rewrite": ("kernelevo.proposers.rewrite:RewriteProposer", 1),
    "crossover": ("kernelevo.proposers.crossover:CrossoverProposer", 2),
    "tune": ("kernelevo.proposers.tune:TuneProposer", 1),
    "constants": ("kernelevo.proposers.constants:ConstantsProposer", 1),
    "mutate": ("kernelevo.proposers.mutate:MutateProposer", 1),
    "recombine": ("kernelevo.proposers.recombine:RecombineProposer", 2),
}
SERIAL = ("compiler",)
"""Those that answer asks one after the other; see ``core.Proposer``."""
AHEAD = ("compiler", "rewrite")
"""Those that begin the first brief's work when they are made, while the baselines are being prepared."""
_TREES = ("mutate", "recombine")


def cast(task: Task, settings: Settings) -> tuple[str, ...]:
    """Return the names of the proposers that work on a task, in the order in which they are first asked.

    The usual ones of the settings are those for PyTorch modules; for any other task they stand for those that
    work on programs in general.
    """
    named = settings.proposers
    if task.evaluator == KERNEL:
        return named
    if set(MODEL_FREE) <= set(named):
        usual = [name for name in GENERAL if name not in _TREES or find_spec("libcst") is not None]
        named = (*usual, *(name for name in named if name not in usual))
    return tuple(name for name in named if name in GENERAL or name not in MODEL_FREE)


def refuse_idle(task: Task, settings: Settings) -> None:
    """Refuse a run in which nobody could propose anything.

    Raises:
        BadSetting: if every proposer is one for PyTorch modules and the task is something else.
    """
    if not cast(task, settings):
        raise BadSetting(
            f"none of the proposers can work on {task.name}",
            why=f"{', '.join(settings.proposers)} work on PyTorch modules; this task is something else",
            now=f"leave out --proposers, or name some of: {', '.join(GENERAL)}, llm, mailbox",
        )
