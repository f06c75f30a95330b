"""Do generation and evaluation wait for each other? Proposals and evaluations that sleep, two workers each.

``python -m benchmarks.engine.pools``: proposals of 1 s and evaluations of 1 s (ideal 2.0 trials a second if
decoupled, 1.0 if coupled), then proportions from 1:10 to 10:1 with the slower stage at 0.5 s.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.engine.record import arguments, keep
from benchmarks.engine.sleepers import ends_of, options, steady
from kernelevo.executors import ProcessExecutor

WORKERS = 2
PROPORTIONS = ((1, 10), (1, 5), (1, 2), (1, 1), (2, 1), (5, 1), (10, 1))


def measure(think: float, judge: float, trials: int) -> dict[str, Any]:
    """Run one proportion; rates in trials a second, with and without filling the pipeline."""
    executor = ProcessExecutor(cpu=WORKERS, build=0, devices=())
    try:
        with tempfile.TemporaryDirectory() as folder:
            ends = ends_of(
                Path(folder) / "run",
                executor,
                trials=trials,
                think=think,
                judge=judge,
                schedule=options(WORKERS),
            )
    finally:
        executor.close()
    ideal = WORKERS / max(think, judge)
    rate = steady(ends, WORKERS)
    return {
        "think_s": think,
        "judge_s": judge,
        "trials": trials,
        "per_second": rate,
        "with_filling": len(ends) / ends[-1],
        "ideal": ideal,
        "share_of_ideal": rate / ideal,
    }


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--trials", type=int, default=60, help="of the first row; the others half of it")
    chosen = parser.parse_args()
    rows = [measure(1.0, 1.0, chosen.trials)]
    for think, judge in PROPORTIONS:
        scale = 0.5 / max(think, judge)
        rows.append(measure(think * scale, judge * scale, chosen.trials // 2))
    note = (
        "sleeps dominate: meaningful on a busy machine too; bars: first row >= 1.9 trials a second, "
        "every proportion >= 95 % of the slower stage's ideal"
    )
    keep("pools", chosen, rows, note)


if __name__ == "__main__":
    main()
