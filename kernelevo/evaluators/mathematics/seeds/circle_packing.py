"""Circles in the unit square: local optima by an interior-point method, from many starts and by hops."""

import numpy as np

COUNT = 26
TUNE = {
    "SEED": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23],
    "STARTS": [4, 8, 16],
    "HOPS": [0, 25, 50, 100, 150],
    "WARMTH": [0.002, 0.0005, 0.005],
    "LATTICE": [0.5, 0.0, 0.25, 0.75, 1.0],
    "JITTER": [0.08, 0.02, 0.04, 0.06, 0.1],
    "SHRINK": [0.35, 0.5, 0.25],
}


def solve():
    rng = np.random.default_rng(TUNE["SEED"][0])
    found = []
    for _ in range(TUNE["STARTS"][0]):
        lattice = rng.random() < TUNE["LATTICE"][0]
        found.append(climb(rows_of_circles(rng) if lattice else rng.random((COUNT, 2)) * 0.9 + 0.05))
    here = best = max(found, key=total)
    for _ in range(TUNE["HOPS"][0]):
        new = climb(hopped(here.reshape(-1, 3)[:, :2].copy(), rng))
        if total(new) > total(here) - TUNE["WARMTH"][0] * rng.exponential():
            here = new
        best = max(best, here, key=total)
    return best.reshape(-1, 3).tolist()


def total(z):
    return z[2::3].sum()


def hopped(points, rng):
    """Put up to three circles elsewhere, or shake all of them."""
    if rng.random() < 0.6:
        few = rng.permutation(COUNT)[: rng.integers(1, 4)]
        points[few] = rng.random((len(few), 2)) * 0.94 + 0.03
        points += rng.normal(0, 0.004, points.shape)
    else:
        points += rng.normal(0, rng.choice([0.02, 0.04, 0.07]), points.shape)
    return np.clip(points, 0.01, 0.99)


def rows_of_circles(rng):
    """Centres in rows, shifted at random: neighbours as in the densest packing of the plane."""
    rows = int(rng.integers(4, 7))
    sizes = np.full(rows, COUNT // rows)
    sizes[rng.permutation(rows)[: COUNT - sizes.sum()]] += 1
    points = [((i + 0.5) / n, (j + 0.5) / rows) for j, n in enumerate(sizes) for i in range(n)]
    return np.clip(np.array(points) + rng.normal(0, TUNE["JITTER"][0], (COUNT, 2)), 0.02, 0.98)


def climb(points):
    """Maximise the sum of radii inside a logarithmic barrier, which is lowered in steps."""
    first, second = np.triu_indices(COUNT, 1)
    gaps = np.hypot(*(points[first] - points[second]).T)
    radius = 0.4 * min(gaps.min(), points.min(), 1 - points.max())
    z = np.column_stack([points, np.full(COUNT, radius)]).ravel()
    objective = np.tile([0.0, 0.0, 1.0], COUNT)
    pairs, rows, walls = len(first), np.arange(len(first)), np.arange(COUNT)
    jacobian = np.zeros((pairs + 4 * COUNT, 3 * COUNT))
    jacobian[rows, 3 * first + 2] = jacobian[rows, 3 * second + 2] = -1
    for k, (axis, sign) in enumerate([(0, 1), (0, -1), (1, 1), (1, -1)]):
        row = pairs + k * COUNT + walls
        jacobian[row, 3 * walls + axis], jacobian[row, 3 * walls + 2] = sign, -1

    def room(z):
        x, y, r = z[0::3], z[1::3], z[2::3]
        apart = np.hypot(x[first] - x[second], y[first] - y[second])
        return np.concatenate([apart - r[first] - r[second], x - r, 1 - x - r, y - r, 1 - y - r]), apart

    c, apart = room(z)
    weight = 0.0005
    while weight > 1e-14:
        for _ in range(4):
            for axis in (0, 1):
                slope = (z[3 * first + axis] - z[3 * second + axis]) / apart
                jacobian[rows, 3 * first + axis], jacobian[rows, 3 * second + axis] = slope, -slope
            scaled = jacobian / c[:, None]
            gradient = objective / weight + scaled.sum(0)
            matrix = scaled.T @ scaled
            matrix[np.diag_indices(3 * COUNT)] += 1e-9 * matrix.trace() / len(matrix) + 1.0
            step = np.linalg.solve(matrix, gradient)
            change = scaled @ step
            length = min(1.0, 0.9 / max(1e-12, -change.min()))
            for _ in range(30):
                new, far = room(z + length * step)
                if new.min() > 0 and (objective @ step * length / weight + np.log(new / c).sum()) > 0:
                    z, c, apart = z + length * step, new, far
                    break
                length *= 0.5
            else:
                break
            if gradient @ step < 0.05:
                break
        weight *= TUNE["SHRINK"][0]
    return z
