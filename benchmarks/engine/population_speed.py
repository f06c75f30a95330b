"""What the population costs at size: one ask and one tell, features included, and memory.

``python -m benchmarks.engine.population_speed`` prints medians at 1,000, 10,000 and 50,000 programs of about
2 kB; ``--embedding 1536`` gives each program an embedding of that length.
"""

from __future__ import annotations

import argparse
import resource
import time
from random import Random
from statistics import median, quantiles

from kernelevo.core import Evaluation, Origin, Program, Trial
from kernelevo.population import Features, Islands

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


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedding", type=int, default=0, help="length of each program's embedding")
    parser.add_argument("--islands", type=int, default=4)
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    chosen = parser.parse_args()
    given = Random(7)
    directions = [[given.gauss(0, 1) for _ in range(chosen.embedding)] for _ in range(FAMILIES)]

    def embed(program: Program) -> list[float]:
        return directions[int(program.id[:6], 16) % FAMILIES]

    features = Features(embed=embed) if chosen.embedding else Features()
    islands = Islands(chosen.islands, features=features)
    before = megabytes()
    print(f"{chosen.islands} islands, features of {features.size} numbers, {before:.0f} MB at the start")
    asks: list[float] = []
    tells: list[float] = []
    for number in range(max(n for n in SIZES if n <= chosen.largest)):
        began = time.perf_counter()
        asked = islands.ask(Random(number), parents=1 + number % 2, turn=number)
        drawn = time.perf_counter()
        program = Program.single(text(number), parents=_ids(asked.parents), origin=Origin("stub"))
        trial = Trial(number, program, Evaluation.ok(Random(number).random()), island=asked.island)
        _ = program.id
        handed = time.perf_counter()
        islands.tell(trial)
        tells.append(time.perf_counter() - handed)
        asks.append(drawn - began)
        if number + 1 in SIZES:
            both = [a + t for a, t in zip(asks[-MEASURED:], tells[-MEASURED:], strict=True)]
            print(
                f"{number + 1:>6} programs: ask {1e3 * median(asks[-MEASURED:]):.2f} ms, "
                f"tell {1e3 * median(tells[-MEASURED:]):.2f} ms, both {1e3 * median(both):.2f} ms "
                f"(95th {1e3 * quantiles(both, n=20)[-1]:.2f}, longest tell so far {1e3 * max(tells):.0f}); "
                f"{megabytes():.0f} MB in all, clusters {[len(i.clusters.all) for i in islands.islands]}",
                flush=True,
            )


def _ids(parents: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(verdict.program.id for verdict in parents)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
