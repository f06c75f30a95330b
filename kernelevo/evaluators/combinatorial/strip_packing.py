"""Strip packing: rectangles, turned or not, on a strip of fixed width, as low as possible."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from random import Random

from kernelevo.evaluators.combinatorial.problem import Case, Problem, WrongAnswer, tokens, whole

STATEMENT = """Strip packing (minimise). Read N and the width W, then N lines w h (1 <= w, h <= W). Print
N lines x y t: the lower left corner of each rectangle, x, y >= 0, and t = 1 if it is turned by 90
degrees, else 0. No two may overlap, none may leave the strip of width W. The score is the height of the
highest upper edge. 2 seconds for a case."""

_STRATA = ("few", "many", "flat and tall", "cut from one rectangle")


def _make(rng: Random, kind: int) -> Case:
    width = rng.randint(60, 120)
    count = (rng.randint(12, 20), rng.randint(40, 60), rng.randint(25, 40), rng.randint(20, 35))[kind]
    if kind == 3:
        sizes = _cut(rng, width, count)
    elif kind == 2:
        sizes = [(rng.randint(2, 8), rng.randint(20, width // 2 + 10)) for _ in range(count)]
        sizes = [s if rng.random() < 0.5 else s[::-1] for s in sizes]
    else:
        sizes = [(rng.randint(5, width // 3), rng.randint(5, width // 3)) for _ in range(count)]
    return _case(kind, sizes, width)


def _case(kind: int, sizes: list[tuple[int, int]], width: int) -> Case:
    lines = [f"{len(sizes)} {width}", *(f"{w} {h}" for w, h in sizes)]
    return Case(0, _STRATA[kind], "\n".join(lines) + "\n", (sizes, width))


def _kept(seed: int) -> Case | None:
    """Return a public case that was cut from one rectangle: whoever cuts it again has packed it."""
    numbers = _cut_cases().get(str(seed))
    if numbers is None:
        return None
    width, *sides = numbers
    return _case(3, list(zip(sides[::2], sides[1::2], strict=True)), width)


@cache
def _cut_cases() -> dict[str, list[int]]:
    text = files("kernelevo.evaluators.combinatorial").joinpath("cut_rectangles.toml").read_text("utf-8")
    return tomllib.loads(text)


def _cut(rng: Random, width: int, count: int) -> list[tuple[int, int]]:
    """Cut one rectangle into parts: a packing without gaps exists."""
    parts = [(width, rng.randint(width // 2, width))]
    while len(parts) < count:
        big = max(range(len(parts)), key=lambda i: parts[i][0] * parts[i][1] * rng.uniform(0.3, 1))
        w, h = parts.pop(big)
        if w >= h:
            at = rng.randint(max(1, w // 4), max(1, w - w // 4 - 1))
            parts += [(at, h), (w - at, h)] if w > 1 else [(w, h)]
        else:
            at = rng.randint(max(1, h // 4), max(1, h - h // 4 - 1))
            parts += [(w, at), (w, h - at)]
    rng.shuffle(parts)
    return [p if rng.random() < 0.5 or p[1] > width else p[::-1] for p in parts]


def _score(case: Case, output: str) -> int:
    sizes, width = case.hidden
    words = tokens(output)
    if len(words) != 3 * len(sizes):
        raise WrongAnswer(f"{len(words)} numbers were printed, expected {3 * len(sizes)}")
    placed = []
    for i, (w, h) in enumerate(sizes):
        x = whole(words[3 * i], 0, width, f"x of rectangle {i + 1}")
        y = whole(words[3 * i + 1], 0, 1_000_000, f"y of rectangle {i + 1}")
        turned = whole(words[3 * i + 2], 0, 1, f"t of rectangle {i + 1}")
        w, h = (h, w) if turned else (w, h)  # noqa: PLW2901
        if x + w > width:
            raise WrongAnswer(f"rectangle {i + 1} leaves the strip: x = {x}, width {w}")
        placed.append((x, y, x + w, y + h))
    for i, a in enumerate(placed):
        for j, b in enumerate(placed[:i]):
            if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]:
                raise WrongAnswer(f"rectangles {j + 1} and {i + 1} overlap")
    return max(int(place[3]) for place in placed)


PROBLEM = Problem("strip_packing", 2, STATEMENT, "min", _make, score=_score, kept=_kept)
