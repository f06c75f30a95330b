"""The engine's own speed: no waiting for proposals, trivial evaluations, each in a sandboxed child.

``python -m benchmarks.engine.speed``: iterations a second over the first 100 and over the last 100 of 2,000.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.engine.record import arguments, keep
from benchmarks.engine.sleepers import ends_of, options
from kernelevo.core import Evaluation, Evaluator, Program, Task
from kernelevo.evaluators import call
from kernelevo.executors import ProcessExecutor

LOADER = "benchmarks.engine.speed:load"
WORKERS = 2


def load(task: Task) -> Evaluator:
    """Return an evaluator that calls the program's ``answer`` in the sandbox."""

    def judge(program: Program) -> Evaluation:
        return Evaluation.ok(float(call(program, "answer")))

    return judge


def measure(trials: int) -> list[dict[str, Any]]:
    """Run one search and read its speed at several places."""
    seed = Program.single("def answer():\n    return 1.0\n")
    work = Task("speed", "be quick", (seed,), "speed", {})
    executor = ProcessExecutor(cpu=WORKERS, build=0, devices=())
    used = time.process_time()
    try:
        with tempfile.TemporaryDirectory() as folder:
            ends = ends_of(
                Path(folder) / "run", executor, trials=trials, think=0.0, judge=0.0,
                schedule=options(WORKERS), loader=LOADER, more=work,
            )  # fmt: skip
    finally:
        executor.close()
    used = time.process_time() - used
    marks = sorted({100, trials // 4, trials // 2, trials})
    return [
        {
            "iterations": mark,
            "per_second_last_100": 100 / (ends[mark - 1] - (ends[mark - 101] if mark > 100 else 0.0)),
            "per_second_so_far": mark / ends[mark - 1],
            "engine_cpu_ms_each": 1e3 * used / trials,
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        for mark in marks
    ]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    chosen = parser.parse_args()
    rows = measure(chosen.trials)
    note = (
        f"{WORKERS} workers, each evaluation in a child of the torch-free zygote; memory and CPU are of "
        "the engine's process; bars: >= 100 a second over 2,000, the last 100 at >= 80 % of the first 100"
    )
    keep("speed", chosen, rows, note)


if __name__ == "__main__":
    main()
