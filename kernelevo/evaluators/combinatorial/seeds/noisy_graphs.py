"""Graphs with different numbers of edges, or cliques of different sizes, told apart by what is left."""

TUNE = {
    "SHAPE": ["edges", "clique"],
    "FEATURE": ["edges", "degrees"],
    "BASE": [5.0, 4.0, 6.0, 8.0, 10.0],
    "SLOPE": [0.4, 0.1, 0.2, 0.3, 0.5],
    "NOISE": [20.0, 0.0, 10.0, 40.0, 60.0, 80.0],
    "POWER": [1.0, 0.5, 2.0],
}


def main():
    words = input().split()
    count, noise = int(words[0]), float(words[1])
    size = TUNE["BASE"][0] + TUNE["SLOPE"][0] * count * 0.25 + TUNE["NOISE"][0] * noise ** TUNE["POWER"][0]
    nodes = max(4, min(40, round(size)))
    while nodes * (nodes - 1) // 2 < count - 1:
        nodes += 1
    pairs = [(i, j) for i in range(nodes) for j in range(i + 1, nodes)]
    graphs = [graph(k / (count - 1), nodes, pairs) for k in range(count)]
    print(nodes)
    for bits in graphs:
        print("".join(map(str, bits)))
    print(end="", flush=True)
    known = [expected(feature(bits, nodes, pairs), noise, nodes) for bits in graphs]
    for _ in range(30):
        seen = feature([int(c) for c in input().strip()], nodes, pairs)
        gaps = [sum((a - b) ** 2 for a, b in zip(seen, one)) for one in known]
        print(gaps.index(min(gaps)), flush=True)


def graph(share, nodes, pairs):
    """The first edges in an order that fills up node after node: the share of all that are there."""
    wanted = round(share * len(pairs))
    if TUNE["SHAPE"][0] == "clique":
        order = sorted(pairs, key=lambda p: (p[1], p[0]))
        chosen = set(order[:wanted])
        return [int(p in chosen) for p in pairs]
    return [int(i < wanted) for i in range(len(pairs))]


def feature(bits, nodes, pairs):
    if TUNE["FEATURE"][0] == "edges":
        return [sum(bits)]
    degrees = [0] * nodes
    for (i, j), there in zip(pairs, bits):
        degrees[i] += there
        degrees[j] += there
    return sorted(degrees)


def expected(values, noise, nodes):
    """What noise makes of a number of edges on average."""
    whole = nodes * (nodes - 1) / 2 if len(values) == 1 else nodes - 1
    return [v * (1 - noise) + (whole - v) * noise for v in values]


main()
