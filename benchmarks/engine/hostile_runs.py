"""One program in ten is hostile: it hangs, exits, takes 3 GB or forks without end. Does the run go on?

``python -m benchmarks.engine.hostile_runs``: the same search with and without them. What a hang may cost
is its time-out; the throughput lost beyond that share is what the engine adds.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from benchmarks.engine.record import arguments, keep
from benchmarks.engine.sleepers import options
from kernelevo.core import Brief, Evaluation, Evaluator, Origin, Program, Proposal, Task
from kernelevo.engine import Budget, Engine, run_engine
from kernelevo.evaluators import attempt
from kernelevo.executors import ProcessExecutor
from kernelevo.store import RunStore

LOADER = "benchmarks.engine.hostile_runs:load"
WORKERS = 2
TIMEOUT = 2.0
HONEST = 0.2  # seconds that an honest program takes
EVERY = 10
HOSTILE = {
    "hang": "while True: pass",
    "exit": "import os; os._exit(0)",
    "3 GB": "return len(bytearray(3 << 30))",
    "fork bomb": "import os\n    while True: os.fork()",
}


def load(task: Task) -> Evaluator:
    """Return an evaluator that calls the program in the sandbox."""

    def judge(program: Program) -> Evaluation:
        began = time.perf_counter()
        outcome = attempt(program, "answer", timeout=TIMEOUT)
        verdict = Evaluation.ok(float(outcome.value)) if outcome.ok else outcome.verdict()
        return dataclasses.replace(verdict, metrics={"seconds": time.perf_counter() - began})

    return judge


class Author:
    """Writes honest programs, and a hostile one now and then."""

    name = "author"

    def __init__(self, hostile: bool) -> None:
        self.hostile = hostile

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        number = brief.number
        body = f"import time; time.sleep({HONEST}); return {number}"
        idea = "honest"
        if self.hostile and number % EVERY == 0:
            idea = list(HOSTILE)[number // EVERY % len(HOSTILE)]
            body = f"{HOSTILE[idea]}\n    return {number}"
        text = f"def answer():\n    {body}\n"
        return [Proposal(Program.single(text, origin=Origin(self.name, idea)))]


def run(trials: int, hostile: bool) -> dict[str, Any]:
    """Run one search; return its rate and what became of whom."""
    task = Task("hostile", "survive", (Program.single("def answer():\n    return 0\n"),), "hostile", {})
    executor = ProcessExecutor(cpu=WORKERS, build=0, devices=())
    try:
        with tempfile.TemporaryDirectory() as name, RunStore.create(Path(name) / "run", task, {}) as store:
            engine = Engine(
                store,
                [Author(hostile)],
                executor,
                Budget.parse(str(trials)),
                loader=LOADER,
                device=None,
                schedule=options(WORKERS),
            )
            began = time.perf_counter()
            outcome = run_engine(engine)
            whole = time.perf_counter() - began
            told = store.trials()
    finally:
        executor.close()
    fates: dict[str, Counter[str]] = {}
    seconds_of: dict[str, list[float]] = {}
    for trial in told[1:]:
        fate = str(trial.evaluation.status) if trial.evaluation else "fault"
        if trial.evaluation:
            seconds_of.setdefault(trial.program.origin.idea, []).append(trial.evaluation.metrics["seconds"])
        fates.setdefault(trial.program.origin.idea, Counter())[fate] += 1
    hanging = fates.get("hang", Counter()).total()
    seconds = outcome.used["seconds"]
    return {
        "programs": "1 in 10 hostile" if hostile else "all honest",
        "trials": len(told) - 1,
        "seconds": seconds,
        "with_start": whole,
        "per_second": trials / seconds,
        "time_out_share": hanging * TIMEOUT / (WORKERS * seconds),
        "fates": {idea: dict(fate) for idea, fate in fates.items()},
        "median_s": {idea: round(median(each), 3) for idea, each in seconds_of.items()},
    }


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--trials", type=int, default=200)
    chosen = parser.parse_args()
    rows = [run(chosen.trials, hostile=False), run(chosen.trials, hostile=True)]
    lost = 1 - rows[1]["per_second"] / rows[0]["per_second"]
    note = (
        f"throughput lost {lost:.1%}, time-outs take {rows[1]['time_out_share']:.1%}; honest programs "
        f"sleep {HONEST} s, a hang is ended after {TIMEOUT} s (bar: lost <= share)"
    )
    keep("hostile", chosen, rows, note)


if __name__ == "__main__":
    main()
