"""Linear layers on the processor's matrix units beside oneDNN's packed ones, call by call in one process.

Usage: ``python -m benchmarks.bench_matrix_units [seconds] [threads]``. Both sides of a round run A B B A;
the table gives the ratio packed / units of all rounds (median and quartiles), the median rates of both, and
in how many rounds the units ran at less than half the best rate that they had for this shape: short of power,
a processor slows these units alone, and what a shared one is short of nobody says. Judge the ratios.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from kernelevo.graphs.rewrites import matrix_units, packed_linear

SHAPES = (  # rows, columns, inner size
    (64, 1024, 1024), (512, 1024, 1024), (2048, 1024, 1024), (4096, 512, 512), (3136, 768, 192),
    (8192, 384, 96), (128, 4096, 4096),
)  # fmt: skip
OF_A_BATCH = 2e9  # operations, so that a batch takes some milliseconds
SLOWED = 0.5


def main(seconds: float, threads: int) -> None:
    torch.set_num_threads(threads)
    units = matrix_units.snippet().function("matrix_units_linear")
    packed = packed_linear.SNIPPET.function("packed_linear")
    print("| rows x columns x inner | packed / units [quartiles] | units GFLOP/s | packed GFLOP/s | slowed |")
    print("|---|---|---|---|---|")
    for shape in SHAPES:
        rows, columns, inner = shape
        given = torch.randn(rows, inner), torch.randn(columns, inner), torch.randn(columns)
        work = 2.0 * rows * columns * inner
        rounds = alternated(partial(units, *given), partial(packed, *given), work, seconds / len(SHAPES))
        ratios = sorted(theirs / ours for ours, theirs in rounds)
        rates = [work / ours / 1e9 for ours, _ in rounds]
        slowed = sum(rate < SLOWED * max(rates) for rate in rates) / len(rates)
        quarter = len(ratios) // 4
        theirs = statistics.median(work / theirs / 1e9 for _, theirs in rounds)
        print(
            f"| {rows} x {columns} x {inner} | {statistics.median(ratios):.2f} "
            f"[{ratios[quarter]:.2f}, {ratios[-1 - quarter]:.2f}] | {statistics.median(rates):.0f} "
            f"(best {max(rates):.0f}) | {theirs:.0f} | {slowed:.0%} of {len(rounds)} |",
            flush=True,
        )


def alternated(
    ours: Callable[[], object], theirs: Callable[[], object], work: float, seconds: float
) -> list[tuple[float, float]]:
    """Return the seconds of a call of either side, for each round."""
    count, rounds = max(1, round(OF_A_BATCH / work)), []
    for call in (ours, theirs):
        call()  # packs the weight

    def batch(call: Callable[[], object]) -> float:
        began = time.perf_counter()
        for _ in range(count):
            call()
        return (time.perf_counter() - began) / count

    end = time.perf_counter() + seconds
    with torch.no_grad():
        while time.perf_counter() < end:
            one, two, three, four = batch(ours), batch(theirs), batch(theirs), batch(ours)
            rounds.append(((one + four) / 2, (two + three) / 2))
    return rounds


if __name__ == "__main__":
    if not matrix_units.available():
        sys.exit("this processor has no matrix units that a program may use")
    given = sys.argv[1:]
    main(float(given[0]) if given else 60.0, int(given[1]) if given[1:] else 2)
