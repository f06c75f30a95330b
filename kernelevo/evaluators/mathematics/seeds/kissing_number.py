"""Kissing spheres in 11 dimensions: four entries of +-1 on sets that meet in two places at most, and +-2."""

from itertools import combinations, product
from random import Random

DIMENSION = 11
TUNE = {
    "SEED": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    "TRIES": [1, 2, 4, 8, 16],
    "SWAPS": [0, 20, 100, 400, 2000],
    "OUT": [2, 1, 3],
}


def solve():
    rng = Random(TUNE["SEED"][0])
    best = []
    for _ in range(TUNE["TRIES"][0]):
        chosen = improve(greedy([], rng), rng)
        best = max(best, chosen, key=len)
    vectors = []
    for places in best:
        for signs in product((1, -1), repeat=4):
            vector = [0] * DIMENSION
            for place, sign in zip(places, signs):
                vector[place] = sign
            vectors.append(vector)
    for place in range(DIMENSION):
        for sign in (2, -2):
            vectors.append([sign if k == place else 0 for k in range(DIMENSION)])
    return vectors


def greedy(chosen, rng):
    sets = list(combinations(range(DIMENSION), 4))
    rng.shuffle(sets)
    for one in sets:
        if all(len(set(one) & set(other)) <= 2 for other in chosen):
            chosen.append(one)
    return chosen


def improve(chosen, rng):
    """Take some sets out, fill up again, keep what is not smaller."""
    for _ in range(TUNE["SWAPS"][0]):
        kept = list(chosen)
        for _ in range(TUNE["OUT"][0]):
            kept.pop(rng.randrange(len(kept)))
        kept = greedy(kept, rng)
        if len(kept) >= len(chosen):
            chosen = kept
    return chosen
