"""Rectangles one after the other to the lowest place of the skyline, in some order, which may be improved."""

import random

TUNE = {
    "ORDER": ["given", "height", "area", "width", "longest"],
    "TURN": ["never", "flat", "tall", "best"],
    "SWAPS": [0, 10, 30, 80],
    "WASTE": [0.0, 0.5, 1.0, 2.0],
}


def main():
    count, width = map(int, input().split())
    sizes = [tuple(map(int, input().split())) for _ in range(count)]
    keys = {
        "given": lambda i: 0,
        "height": lambda i: -min(sizes[i]) if TUNE["TURN"][0] == "flat" else -sizes[i][1],
        "area": lambda i: -sizes[i][0] * sizes[i][1],
        "width": lambda i: -max(sizes[i]) if TUNE["TURN"][0] == "flat" else -sizes[i][0],
        "longest": lambda i: -max(sizes[i]),
    }
    order = sorted(range(count), key=keys[TUNE["ORDER"][0]])
    best, height = place(order, sizes, width)
    rng = random.Random(1)
    for _ in range(TUNE["SWAPS"][0]):
        a, b = rng.randrange(count), rng.randrange(count)
        new = list(order)
        new.insert(b, new.pop(a))
        found, top = place(new, sizes, width)
        if top <= height:
            order, best, height = new, found, top
    for i in range(count):
        print(*best[i])


def place(order, sizes, width):
    """The skyline is a list of heights, one for each unit of width."""
    skyline = [0] * width
    found, top = {}, 0
    for i in order:
        w, h = sizes[i]
        ways = [(w, h, 0)] + [(h, w, 1)] * (h <= width)
        turn = TUNE["TURN"][0]
        if turn == "flat":
            ways = [max(ways, key=lambda one: one[0])]
        elif turn == "tall":
            ways = [min(ways, key=lambda one: one[0])]
        elif turn == "never":
            ways = ways[:1]
        choices = []
        for w, h, turned in ways:
            for x in spots(skyline, w):
                base = max(skyline[x : x + w])
                waste = base * w - sum(skyline[x : x + w])
                choices.append((base + h + TUNE["WASTE"][0] * waste / w, x, base, w, h, turned))
        _, x, base, w, h, turned = min(choices)
        skyline[x : x + w] = [base + h] * w
        found[i] = (x, base, turned)
        top = max(top, base + h)
    return found, top


def spots(skyline, w):
    """Places where a step of the skyline begins, or ends at the rectangle's right side."""
    last = len(skyline) - w
    steps = [x for x in range(1, len(skyline)) if skyline[x] != skyline[x - 1]]
    return {0, last} | {x for x in steps if x <= last} | {x - w for x in steps if x >= w}


main()
