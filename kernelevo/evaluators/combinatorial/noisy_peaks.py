"""Noisy peaks: find the highest place of a landscape with as few noisy measurements as possible."""

from __future__ import annotations

from dataclasses import replace
from math import exp
from random import Random

from kernelevo.evaluators.combinatorial.problem import Case, Problem, WrongAnswer, whole
from kernelevo.evaluators.conversing import Conversation

SIZE = 30
QUERIES = 300

STATEMENT = f"""Noisy peaks (maximise, reactive). A landscape of {SIZE} x {SIZE} cells has hidden heights
between 0 and 1000, a sum of some round hills. Read the number of hills and the noise s. Print "? r c k"
(0 <= r, c, 1 <= k, r + k <= {SIZE}, c + k <= {SIZE}) to measure the mean height of the k x k cells from
row r and column c on; read an integer, the mean plus normal noise of standard deviation s / k, rounded.
At most {QUERIES} measurements. Print "! r c" to end. Flush after each line. The score is 1e6 * (height
there / largest height)^4 * 0.99^(number of measurements), rounded. 4 seconds for a case."""

_STRATA = ("one hill", "few hills", "many hills", "much noise")


def _make(rng: Random, kind: int) -> Case:
    hills = (1, rng.randint(2, 4), rng.randint(5, 9), rng.randint(2, 6))[kind]
    noise = rng.randint(150, 300) if kind == 3 else rng.randint(10, 120)
    return Case(0, _STRATA[kind], f"{hills} {noise}\n", (hills, noise))


def _hide(rng: Random, case: Case) -> Case:
    """Draw the hills, and where the noise comes from."""
    hills, noise = case.hidden
    places = [
        (rng.uniform(0, SIZE), rng.uniform(0, SIZE), rng.uniform(2, 7), rng.uniform(0.4, 1))
        for _ in range(hills)
    ]
    raw = [
        [
            sum(a * exp(-((r - y) ** 2 + (c - x) ** 2) / (2 * w * w)) for y, x, w, a in places)
            for c in range(SIZE)
        ]
        for r in range(SIZE)
    ]
    highest = max(max(row) for row in raw)
    heights = [[1000 * v / highest for v in row] for row in raw]
    return replace(case, hidden=(heights, noise, rng.getrandbits(64)))


def _talk(case: Case, talk: Conversation) -> int:
    heights, noise, seed = case.hidden
    rng = Random(seed)
    words = talk.ask(case.text.strip()).split()
    for measured in range(QUERIES + 1):
        kind = words[0] if words else ""
        if kind == "!" and len(words) == 3:
            row, column = (whole(w, 0, SIZE - 1, "the answer") for w in words[1:])
            value = heights[row][column] / max(max(line) for line in heights)
            return max(1, round(float(1e6 * value**4 * 0.99**measured)))
        if kind != "?" or len(words) != 4:
            raise WrongAnswer(f"{' '.join(words)[:60]!r}: expected '? r c k' or '! r c'")
        k = whole(words[3], 1, SIZE, "k")
        row, column = (whole(w, 0, SIZE - k, "a corner") for w in words[1:3])
        mean = sum(heights[row + i][column + j] for i in range(k) for j in range(k)) / (k * k)
        if measured < QUERIES:
            words = talk.ask(str(round(mean + rng.gauss(0, noise / k)))).split()
    raise WrongAnswer(f"more than {QUERIES} measurements")


PROBLEM = Problem("noisy_peaks", 2, STATEMENT, "max", _make, talk=_talk, hide=_hide, seconds=4.0)
