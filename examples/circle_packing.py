"""Circle packing: 26 circles in the unit square, as large as possible in sum of radii.

    kernelevo run examples/circle_packing.py:score --mailbox box --proposers mailbox --budget 12
    kernelevo run examples/circle_packing.py:score --model NAME --base-url URL --budget 30m

A program prints its circles; nothing that it says about them counts. Each number is read as the double that
it is, and whether circles overlap or leave the square is decided in exact fractions: there is no tolerance.
"""

import json
import math
from fractions import Fraction
from itertools import combinations

from kernelevo.core import Evaluation, Program
from kernelevo.evaluators import evaluator, execute

COUNT = 26
SECONDS = 60
MOST_BYTES = 100_000

SEED = '''
"""Circles on a grid: five rows of five, and one in a gap."""

import json


def circles():
    radius = 0.1
    grid = [(0.1 + 0.2 * i, 0.1 + 0.2 * j, radius) for i in range(5) for j in range(5)]
    return [(x, y, r * (1 - 1e-12)) for x, y, r in grid] + [(0.2, 0.2, 0.0414)]


print(json.dumps(circles()))
'''.lstrip()


@evaluator("circle_packing", seed=SEED)
def score(program: Program) -> Evaluation:
    """Place 26 circles in the unit square so that the sum of their radii is as large as possible.

    The program is one Python file (NumPy may be used; do not count on SciPy). It runs for at most 60 seconds
    and prints one JSON list of 26 entries [x, y, radius] as its last line. Circles may touch but not overlap,
    and must lie inside the square. This is decided exactly, in rational arithmetic on the printed doubles,
    without any tolerance: shrink the radii by a relative 1e-12 or so at the end. Score: the sum of the radii.
    The best known value is about 2.636.
    """
    outcome = execute(program, timeout=SECONDS)  # in the sandbox: a model may have written it
    if not outcome.ok:
        return outcome.verdict()
    lines = outcome.value.strip().splitlines() or [""]
    return judged(lines[-1])


def judged(line: str) -> Evaluation:
    """Return the verdict on one line of JSON."""
    try:
        rows = json.loads(line) if len(line) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list):
        return Evaluation.wrong(f"the last line is no JSON list of circles: {line[:200]!r}")
    if len(rows) != COUNT or not all(isinstance(row, list) and len(row) == 3 for row in rows):
        return Evaluation.wrong(f"wanted {COUNT} entries [x, y, radius], got {len(rows)} entries")
    numbers = [n for row in rows for n in row]
    # a bool is an int, and JSON's own reader lets NaN and infinities pass
    if not all(type(n) in (int, float) and abs(n) <= 1 and math.isfinite(n) for n in numbers):
        return Evaluation.wrong("every coordinate and radius must be a number between -1 and 1")
    circles = [tuple(Fraction(n) for n in row) for row in rows]
    for index, (x, y, r) in enumerate(circles):
        if r <= 0:
            return Evaluation.wrong(f"circle {index} has the radius {float(r)!r}")
        if min(x, y) - r < 0 or max(x, y) + r > 1:
            out = float(max(r - min(x, y), max(x, y) + r - 1))
            return Evaluation.wrong(f"circle {index} leaves the square by {out:.3g}")
    for (i, (ax, ay, ar)), (j, (bx, by, br)) in combinations(enumerate(circles), 2):
        if (ax - bx) ** 2 + (ay - by) ** 2 < (ar + br) ** 2:
            depth = float(ar + br) - math.hypot(float(ax - bx), float(ay - by))
            return Evaluation.wrong(f"circles {i} and {j} overlap by {depth:.3g}")
    total = sum((r for _, _, r in circles), Fraction(0))
    return Evaluation.ok(
        float(total),
        feedback=f"valid, sum of radii {float(total):.15g}; smallest {float(min(c[2] for c in circles)):.4g}",
        exact_sum=str(total),
    )
