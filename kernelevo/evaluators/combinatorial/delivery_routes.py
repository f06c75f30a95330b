"""Delivery routes: vans of equal capacity leave one depot, visit everybody once and come back."""

from __future__ import annotations

from itertools import pairwise
from math import hypot
from random import Random

from kernelevo.evaluators.combinatorial.problem import Case, Problem, WrongAnswer, tokens, whole

STATEMENT = """Delivery routes (minimise). Read N and the capacity Q, then x y of the depot, then N lines
x y d: place and demand of each customer (coordinates 0 to 1000, 1 <= d <= Q). Print R, then R lines, each
K and the K customers (1 to N) that one van visits in this order; it starts and ends at the depot and may
carry Q in all. Every customer is visited once. The score is the length of all routes, rounded. 2 seconds
for a case."""

_STRATA = ("few customers", "clusters", "many customers", "long routes")


def _make(rng: Random, kind: int) -> Case:
    count = (rng.randint(15, 25), rng.randint(30, 45), rng.randint(50, 70), rng.randint(30, 45))[kind]
    if kind == 1:
        middles = [(rng.randint(100, 900), rng.randint(100, 900)) for _ in range(5)]
        points = [_near(rng, *rng.choice(middles)) for _ in range(count)]
    else:
        points = [(rng.randint(0, 1000), rng.randint(0, 1000)) for _ in range(count)]
    demands = [rng.randint(1, 20) for _ in points]
    capacity = max(20, sum(demands) // (2 if kind == 3 else rng.randint(4, 7)) + 10)
    depot = (500, 500) if rng.random() < 0.5 else (rng.randint(0, 1000), rng.randint(0, 1000))
    lines = [f"{count} {capacity}", f"{depot[0]} {depot[1]}"]
    lines += [f"{x} {y} {d}" for (x, y), d in zip(points, demands, strict=True)]
    hidden = ([depot, *points], [0, *demands], capacity)
    return Case(0, _STRATA[kind], "\n".join(lines) + "\n", hidden)


def _near(rng: Random, x: int, y: int) -> tuple[int, int]:
    return (min(1000, max(0, round(rng.gauss(x, 60)))), min(1000, max(0, round(rng.gauss(y, 60)))))


def _score(case: Case, output: str) -> int:
    points, demands, capacity = case.hidden
    count = len(points) - 1
    words = iter(tokens(output))
    visited: set[int] = set()
    length = 0.0

    def next_number(low: int, high: int, what: str) -> int:
        token = next(words, None)
        if token is None:
            raise WrongAnswer(f"the output ends where {what} is expected")
        return whole(token, low, high, what)

    for route in range(next_number(1, count, "the number of routes")):
        stops = [0]
        for _ in range(next_number(1, count, f"the size of route {route + 1}")):
            stops.append(next_number(1, count, f"a customer of route {route + 1}"))
            if stops[-1] in visited:
                raise WrongAnswer(f"customer {stops[-1]} is visited twice")
            visited.add(stops[-1])
        load = sum(demands[s] for s in stops)
        if load > capacity:
            raise WrongAnswer(f"route {route + 1} carries {load}, more than {capacity}")
        around = [points[s] for s in (*stops, 0)]
        length += sum(hypot(a[0] - b[0], a[1] - b[1]) for a, b in pairwise(around))
    if next(words, None) is not None:
        raise WrongAnswer("there is more output after the last route")
    if len(visited) != count:
        raise WrongAnswer(f"{count - len(visited)} customers are not visited")
    return max(1, round(length))


PROBLEM = Problem("delivery_routes", 1, STATEMENT, "min", _make, score=_score)
