"""The process in which an audited evaluator runs: one program after another, a verdict each.

Run as ``python -m kernelevo.evaluators.audit.victim FD_IN FD_OUT``; the first line is the task.
"""

from __future__ import annotations

import json
import os
import sys

from kernelevo.core import Program, Task
from kernelevo.evaluators.registry import load
from kernelevo.sandbox.lifeline import die_with_parent


def main(source: int, sink: int) -> None:
    """Judge programs until the auditor is gone."""
    die_with_parent()
    # out of the way of a candidate that writes to every small descriptor
    answers = os.fdopen(os.dup(sink), "w")
    with os.fdopen(source) as lines:
        judge = load(Task.from_json(json.loads(lines.readline())))
        for line in lines:
            try:
                verdict = judge(Program.from_json(json.loads(line)))  # type: ignore[operator]
                said = verdict.to_json()
            except Exception as error:
                said = {"raised": f"{type(error).__name__}: {error}"}
            answers.write(json.dumps(said) + "\n")
            answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
