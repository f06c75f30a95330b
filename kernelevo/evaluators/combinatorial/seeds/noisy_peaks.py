"""Measure coarse squares, then the best of them in finer ones, down to single cells."""

SIZE = 30
TUNE = {
    "COARSE": [6, 3, 5, 10, 15],
    "KEEP": [3, 1, 2, 4, 6],
    "FINE": [2, 1, 3],
    "REPEATS": [2, 1, 3, 5],
    "LAST": [2, 0, 1, 3, 4],
}


def main():
    input()
    k = TUNE["COARSE"][0]
    found = {(r, c, k): ask(r, c, k) for r in range(0, SIZE, k) for c in range(0, SIZE, k)}
    best = sorted(found, key=found.get, reverse=True)[: TUNE["KEEP"][0]]
    fine = TUNE["FINE"][0]
    cells = {}
    for r, c, k in best:
        for y in range(r, r + k, fine):
            for x in range(c, c + k, fine):
                size = min(fine, SIZE - y, SIZE - x)
                cells[y, x, size] = ask(y, x, size)
    order = sorted(cells, key=cells.get, reverse=True)
    y, x, size = order[0]
    single = {}
    for y, x, size in order[: TUNE["LAST"][0]]:
        for r in range(y, y + size):
            for c in range(x, x + size):
                values = [ask(r, c, 1) for _ in range(TUNE["REPEATS"][0])]
                single[r, c] = sum(values) / len(values)
    r, c = max(single, key=single.get) if single else (y + size // 2, x + size // 2)
    print("!", r, c, flush=True)


def ask(r, c, k):
    print("?", r, c, k, flush=True)
    return int(input())


main()
