"""The evaluator "kernel": the judge of kernel programs."""

from __future__ import annotations

from kernelevo.core import StagedEvaluator, Task
from kernelevo.evaluators.registry import staged


@staged("kernel")
def kernel(task: Task) -> StagedEvaluator:
    """Return the judge of a kernel task; its standing equipment is made at the first program."""
    from kernelevo.kernels.judge import KernelJudge

    if task.options.get("reference", {}).get("sets", 1) > 1:
        from kernelevo.kernels.sets import SetsJudge

        return SetsJudge(task, KernelJudge)
    return KernelJudge(task)
