"""A new domain in one file: short round trips. `kernelevo run examples/tour.py:tour --budget 60s`."""

import math
import random

from kernelevo import call, evaluator

SEED = """
import math

def solve(cities):
    # EVOLVE-BLOCK-START
    left, tour = set(range(1, len(cities))), [0]
    while left:
        here = cities[tour[-1]]
        scores = {c: math.dist(here, cities[c]) + 0.5 * cities[c][0] for c in sorted(left)}
        tour.append(min(scores, key=scores.get))
        left.remove(tour[-1])
    for _ in range(2):
        for i in range(1, len(tour) - 8):
            for j in range(i + 1, i + 8):
                a, b, c, d = (cities[tour[k]] for k in (i - 1, i, j, j + 1))
                if math.dist(a, b) + math.dist(c, d) > 1.2 * (math.dist(a, c) + math.dist(b, d)):
                    tour[i : j + 1] = reversed(tour[i : j + 1])
    # EVOLVE-BLOCK-END
    return tour
"""
CASES = 4


def cities_of(case):
    """Return the cities of one case, in the unit square."""
    rng = random.Random(1000 + case)
    return [(rng.random(), rng.random()) for _ in range(60)]


@evaluator("tour", seed=SEED, better={"mean length": "lower"})
def tour(program):
    """Write solve(cities): a round trip through all cities, a list of numbers, as short as it gets."""
    tests = {}
    for case in range(CASES):
        cities = cities_of(case)
        found = call(program, "solve", [cities], timeout=2.0)
        if type(found) is not list or any(type(c) is not int for c in found):
            return {"score": None, "feedback": f"case {case}: not a list of integers"}
        if sorted(found) != list(range(len(cities))):
            return {"score": None, "feedback": f"case {case}: not every city exactly once"}
        pairs = zip(found, found[1:] + found[:1], strict=True)
        tests[f"case {case}"] = 1.0 / sum(math.dist(cities[a], cities[b]) for a, b in pairs)
    length = sum(1.0 / score for score in tests.values()) / CASES
    return {"score": 1.0 / length, "mean length": length, "tests": tests}
