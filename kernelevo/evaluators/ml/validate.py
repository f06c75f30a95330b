"""Check a submission file without scoring it.

``python -m kernelevo.evaluators.ml.validate ml_churn submission.csv`` says whether it is valid (exit code 0)
or what is wrong (exit code 1), never how good it is.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kernelevo.errors import KernelEvoError, TaskNotFound, closest
from kernelevo.evaluators.ml.evaluator import MLEvaluator
from kernelevo.evaluators.ml.submission import CSV_FILE, NPZ_FILE
from kernelevo.evaluators.ml.tasks import TASKS


def check(task: str, file: Path) -> str | None:
    """Return what is wrong with a submission file, None for a valid one.

    Raises:
        TaskNotFound: for an unknown task, or a file that is not there.
    """
    if task not in TASKS:
        raise TaskNotFound(
            f"no machine-learning task {task!r}", why=closest(task, TASKS), now="use one of these"
        )
    if not file.is_file():
        raise TaskNotFound(f"There is no file {file}.", now="check the path")
    name = NPZ_FILE if file.suffix == ".npz" else CSV_FILE
    return MLEvaluator(TASKS[task]).validate({name: file.read_bytes()})


def main(arguments: list[str]) -> int:
    """Run the command line; returns its exit code."""
    if len(arguments) != 2:
        print("usage: python -m kernelevo.evaluators.ml.validate TASK FILE", file=sys.stderr)
        return 2
    try:
        wrong = check(arguments[0], Path(arguments[1]))
    except KernelEvoError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print("valid" if wrong is None else f"not valid: {wrong}")
    return int(wrong is not None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
