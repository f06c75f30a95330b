"""How long judging a trivial wrong program takes from a warm zygote, beside a fresh Python process.

Run: python benchmarks/bench_judge.py [repeats]; prints one JSON object, times in milliseconds.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

from kernelevo.core import Program, Task
from kernelevo.kernels.judge import KernelJudge

TASK = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(256, 256)

    def forward(self, x):
        return torch.relu(self.linear(x))


def get_inputs():
    return [torch.rand(128, 256)]


def get_init_inputs():
    return []
"""
WRONG = TASK.replace("class Model(", "class ModelNew(").replace("torch.relu(self.linear(x))", "x * {}.0")


def quantiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "p50": statistics.median(ordered) * 1e3,
        "p90": ordered[int(0.9 * (len(ordered) - 1))] * 1e3,
        "runs": len(ordered),
    }


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    reference = {"kind": "source", "text": TASK, "filename": "bench.py"}
    with KernelJudge(Task("bench", "", options={"reference": reference}), compiled=()) as judge:
        judge.warm()
        judge.ground.pool.fill()
        both, stages = [], []
        for i in range(repeats + 1):
            program = Program.single(WRONG.format(i + 2))
            start = time.perf_counter()
            artifact = judge.prepare(program)
            built = time.perf_counter()
            verdict = judge.measure(artifact)
            end = time.perf_counter()
            assert str(verdict.status) == "wrong", verdict
            if i:  # the first one warms up
                both.append(end - start)
                stages.append(built - start)
    fresh = []
    for _ in range(min(repeats, 5)):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch"], check=True)
        fresh.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "wrong_program_ms": quantiles(both),
                "of_which_build_stage_ms": quantiles(stages),
                "fresh_process_import_torch_ms": quantiles(fresh),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
