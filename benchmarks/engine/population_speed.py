"""What the population costs at size: one ask and one tell, features included, and memory.

``python -m benchmarks.engine.population_speed`` prints medians at 1,000, 10,000 and 50,000 programs of about
2 kB; ``--embedding 1536`` gives each program an embedding of that length. Only the measured ones are read:
those before them get the vector of their family with some noise and answer no ask, so that filling is quick.
CPU time of the thread stands beside the time on the wall, which counts other work of the machine too.
"""

from __future__ import annotations

import resource
import time
from random import Random
from statistics import median, quantiles

import numpy as np

from benchmarks.engine.record import arguments, keep
from kernelevo.core import Evaluation, Origin, Program, Trial, Verdict
from kernelevo.population import Ask, Features, Islands
from kernelevo.population.features import Vector

OPERATIONS = "relu sigmoid tanh matmul add mul exp log sum mean softmax cumsum fft conv2d".split()  # noqa: SIM905
FAMILIES = 25
SIZES = (1_000, 10_000, 50_000)
MEASURED = 300


def text(number: int) -> str:
    """Return a program of about 2 kB; programs of a family share their operations."""
    rng = Random(number)
    family = number % FAMILIES
    lines = []
    for _ in range(60):
        name = OPERATIONS[(3 * family + rng.randrange(4)) % len(OPERATIONS)]
        lines.append(f"    x{rng.randrange(9)} = torch.{name}(x{rng.randrange(9)}, {rng.random():.3f})")
    return "\n".join(["import torch", "", "", "def forward(x0, x1):", *lines, "    return x0", ""])


class Filling(Features):
    """Features that may skip the reading."""

    reading = False
    number = 0

    def __call__(self, verdict: Verdict) -> Vector:
        if self.reading:
            return super().__call__(verdict)
        family = np.random.RandomState(self.number % FAMILIES).randn(self.size)
        noise = np.random.RandomState(self.number + FAMILIES).randn(self.size)
        whole = family + 0.5 * noise
        return np.rint(whole * (8192 / np.sqrt(whole @ whole))).astype(np.int16)


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--embedding", type=int, default=0, help="length of each program's embedding")
    parser.add_argument("--islands", type=int, default=4)
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    chosen = parser.parse_args()
    given = Random(7)
    directions = [[given.gauss(0, 1) for _ in range(chosen.embedding)] for _ in range(FAMILIES)]

    def embed(program: Program) -> list[float]:
        return directions[int(program.id[:6], 16) % FAMILIES]

    features = Filling(embed=embed) if chosen.embedding else Filling()
    islands = Islands(chosen.islands, features=features)
    before = megabytes()
    print(f"{chosen.islands} islands, features of {features.size} numbers, {before:.0f} MB at the start")
    filler = text(0)
    costs: list[tuple[float, float, float, float]] = []
    rows: list[dict[str, object]] = []
    for number in range(max(n for n in SIZES if n <= chosen.largest)):
        features.number = number
        features.reading = any(size - MEASURED <= number < size for size in SIZES)
        began, used = time.perf_counter(), time.thread_time()
        ask = features.reading or islands.cold  # filling asks nobody
        asked = (
            islands.ask(Random(number), parents=1 + number % 2, turn=number)
            if ask
            else Ask(number % chosen.islands)
        )
        drawn, drawn_used = time.perf_counter() - began, time.thread_time() - used
        source = text(number) if features.reading else f"{filler}# {number}\n"
        program = Program.single(source, parents=_ids(asked.parents), origin=Origin("stub"))
        trial = Trial(number, program, Evaluation.ok(Random(number).random()), island=asked.island)
        _ = program.id
        began, used = time.perf_counter(), time.thread_time()
        islands.tell(trial)
        costs.append((drawn, drawn_used, time.perf_counter() - began, time.thread_time() - used))
        if number + 1 in SIZES:
            clusters = [len(island.clusters.all) for island in islands.islands]
            print(
                f"{number + 1:>6} programs: {_told(costs)}; {megabytes():.0f} MB, clusters {clusters}",
                flush=True,
            )
            rows.append(_row(number + 1, costs) | {"memory_mb": megabytes(), "clusters": sum(clusters)})
    name = f"population-{chosen.embedding}" if chosen.embedding else "population"
    note = f"{chosen.islands} islands, embeddings of {chosen.embedding} numbers; CPU time beside the wall's"
    keep(name, chosen, rows, note)


def _row(programs: int, costs: list[tuple[float, float, float, float]]) -> dict[str, object]:
    asks, asks_used, tells, tells_used = zip(*costs[-MEASURED:], strict=True)
    both = [ask + tell for ask, tell in zip(asks, tells, strict=True)]
    used = [ask + tell for ask, tell in zip(asks_used, tells_used, strict=True)]
    return {
        "programs": programs,
        "ask_ms": 1e3 * median(asks),
        "tell_ms": 1e3 * median(tells),
        "both_ms": 1e3 * median(both),
        "both_cpu_ms": 1e3 * median(used),
    }


def _told(costs: list[tuple[float, float, float, float]]) -> str:
    asks, asks_used, tells, tells_used = zip(*costs[-MEASURED:], strict=True)
    both = [ask + tell for ask, tell in zip(asks, tells, strict=True)]
    used = [ask + tell for ask, tell in zip(asks_used, tells_used, strict=True)]
    return (
        f"ask {1e3 * median(asks):.2f} ms (CPU {1e3 * median(asks_used):.2f}), "
        f"tell {1e3 * median(tells):.2f} (CPU {1e3 * median(tells_used):.2f}), "
        f"both {1e3 * median(both):.2f} (CPU {1e3 * median(used):.2f}, "
        f"95th {1e3 * quantiles(used, n=20)[-1]:.2f}), "
        f"longest tell so far CPU {1e3 * max(c[3] for c in costs):.0f}"
    )


def _ids(parents: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(verdict.program.id for verdict in parents)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
