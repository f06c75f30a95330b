"""Auditing an evaluator that a user names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from kernelevo.api.loading import find_task
from kernelevo.config import Settings
from kernelevo.errors import BadSetting

if TYPE_CHECKING:
    from kernelevo.evaluators.audit import Audit, Finding


def audit(
    name: str, settings: Settings, *, patience: float = 120.0, say: Callable[[Finding], None] = lambda _: None
) -> Audit:
    """Attack the evaluator of a task with the corpus of known exploits.

    Args:
        name: of the task, as for ``run``.
        settings: of the task.
        patience: seconds to wait for one verdict, above 0.
        say: told of each finding.

    Raises:
        TaskNotFound, BadProgram: for a task that is not there, or has no honest seed.
        BadSetting: for a PyTorch module: its judge has attacks of its own, in ``tests/adversarial``; for a
            patience that is none.
    """
    if not 0 < patience < math.inf:
        raise BadSetting(
            f"the patience for a verdict cannot be {patience:g} s: 0, less, or without end",
            now="--patience with seconds above 0",
        )
    from kernelevo.evaluators.audit import audit as attack

    task = find_task(name, settings)
    if task.evaluator == "kernel":
        raise BadSetting(
            f"{name} is a PyTorch module",
            why="the judge of kernels has another corpus: `pytest tests/adversarial`",
            now="name an evaluator; `kernelevo lint TASK` tells what a module's task would let through",
        )
    return attack(task, patience=patience, say=say)
