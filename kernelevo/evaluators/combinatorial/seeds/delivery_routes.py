"""Routes by nearest neighbours or by savings, then 2-opt, then moves of single customers."""

import random
from itertools import pairwise
from math import exp, hypot

TUNE = {
    "METHOD": ["nearest", "savings"],
    "LAMBDA": [1.0, 0.6, 0.8, 1.2, 1.5],
    "TWO_OPT": [0, 1, 2, 4],
    "MOVES": [0, 500, 1500, 4000],
    "HEAT": [10.0, 3.0, 30.0, 80.0],
}


def main():
    count, capacity = map(int, input().split())
    points = [tuple(map(int, input().split()))]
    demands = [0]
    for _ in range(count):
        x, y, d = map(int, input().split())
        points.append((x, y))
        demands.append(d)
    far = [[hypot(a[0] - b[0], a[1] - b[1]) for b in points] for a in points]
    build = savings if TUNE["METHOD"][0] == "savings" else nearest
    routes = build(far, demands, capacity)
    routes = [two_opt(r, far) for r in routes]
    routes = [two_opt(r, far) for r in anneal(routes, far, demands, capacity) if r]
    print(len(routes))
    for r in routes:
        print(len(r), *r)


def nearest(far, demands, capacity):
    left, routes = set(range(1, len(far))), []
    while left:
        here, load, route = 0, 0, []
        while True:
            fits = [c for c in left if load + demands[c] <= capacity]
            if not fits:
                break
            here = min(fits, key=lambda c: far[here][c])
            route.append(here)
            left.discard(here)
            load += demands[here]
        routes.append(route)
    return routes


def savings(far, demands, capacity):
    routes = {c: [c] for c in range(1, len(far))}
    home = {c: c for c in routes}
    factor = TUNE["LAMBDA"][0]
    pairs = [(far[0][a] + far[0][b] - factor * far[a][b], a, b) for a in routes for b in range(1, a)]
    for gain, a, b in sorted(pairs, reverse=True):
        one, two = home[a], home[b]
        if gain <= 0 or one == two:
            continue
        first, second = routes[one], routes[two]
        if sum(demands[c] for c in first) + sum(demands[c] for c in second) > capacity:
            continue
        if first[0] == a:
            first = first[::-1]
        if second[-1] == b:
            second = second[::-1]
        if first[-1] == a and second[0] == b:
            routes[one] = first + second
            for c in second:
                home[c] = one
            del routes[two]
    return list(routes.values())


def two_opt(route, far):
    for _ in range(TUNE["TWO_OPT"][0]):
        changed = False
        tour = [0, *route, 0]
        for i in range(1, len(tour) - 2):
            for j in range(i + 1, len(tour) - 1):
                a, b, c, d = tour[i - 1], tour[i], tour[j], tour[j + 1]
                if far[a][c] + far[b][d] < far[a][b] + far[c][d] - 1e-9:
                    tour[i : j + 1] = tour[i : j + 1][::-1]
                    changed = True
        route = tour[1:-1]
        if not changed:
            break
    return route


def anneal(routes, far, demands, capacity):
    """Move one customer to another place, also of another route."""
    rng = random.Random(1)
    loads = [sum(demands[c] for c in r) for r in routes]
    moves = TUNE["MOVES"][0]
    for k in range(moves):
        heat = TUNE["HEAT"][0] * (1 - k / moves) + 1e-9
        one = rng.randrange(len(routes))
        if not routes[one]:
            continue
        at = rng.randrange(len(routes[one]))
        route = [0, *routes[one], 0]
        before, c, after = route[at], route[at + 1], route[at + 2]
        gain = far[before][c] + far[c][after] - far[before][after]
        two = rng.randrange(len(routes))
        if two != one and loads[two] + demands[c] > capacity:
            continue
        rest = routes[one][:at] + routes[one][at + 1 :]
        goal = [0, *(rest if two == one else routes[two]), 0]
        costs = [far[a][c] + far[c][b] - far[a][b] for a, b in pairwise(goal)]
        best = min(range(len(costs)), key=costs.__getitem__)
        if costs[best] < gain or rng.random() < exp((gain - costs[best]) / heat):
            loads[one] -= demands[c]
            loads[two] += demands[c]
            routes[one] = rest
            target = goal[1:-1]
            routes[two] = [*target[:best], c, *target[best:]]
    return routes


main()
