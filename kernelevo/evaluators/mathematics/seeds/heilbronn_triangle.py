"""Heilbronn's triangle: local optima by an interior-point method, from many starts and by hops."""

from itertools import combinations

import numpy as np

COUNT = 11
TUNE = {
    "SEED": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    "STARTS": [8, 16, 32, 64],
    "HOPS": [0, 20, 50, 100],
    "WARMTH": [0.0005, 0.0002, 0.001],
    "BORDER": [0.0, 0.3, 0.5, 0.7],
    "SHRINK": [0.5, 0.7, 0.35],
}
A, B, C = np.array(list(combinations(range(COUNT), 3))).T


def solve():
    rng = np.random.default_rng(TUNE["SEED"][0])
    here = best = max((climb(start(rng)) for _ in range(TUNE["STARTS"][0])), key=height)
    for _ in range(TUNE["HOPS"][0]):
        new = climb(hopped(here[:-1].reshape(-1, 2).copy(), rng))
        if height(new) > height(here) - TUNE["WARMTH"][0] * rng.exponential():
            here = new
        best = max(best, here, key=height)
    return best[:-1].reshape(-1, 2).tolist()


def height(z):
    return z[-1]


def hopped(points, rng):
    """Put up to three points elsewhere, and shake all of them."""
    few = rng.permutation(COUNT)[: rng.integers(1, 4)]
    points[few] = rng.dirichlet([1, 1, 1], len(few))[:, :2]
    return points + rng.normal(0, rng.choice([0.001, 0.01, 0.03]), points.shape)


def start(rng):
    """Random points, some of them moved towards the border."""
    weights = rng.dirichlet([1, 1, 1], COUNT)
    for row in range(COUNT):
        if rng.random() < TUNE["BORDER"][0]:
            weights[row, rng.integers(3)] = 0.01
    return (weights / weights.sum(1, keepdims=True))[:, :2]


def areas(x, y):
    return (x[B] - x[A]) * (y[C] - y[A]) - (x[C] - x[A]) * (y[B] - y[A])


def climb(points):
    """Maximise t where all areas, with the signs they start with, are at least t, inside a barrier."""
    points = np.clip(points, 0.002, 0.99)
    points = points * np.minimum(1, 0.997 / points.sum(1, keepdims=True))
    signs = np.sign(areas(*points.T))
    smallest = np.abs(areas(*points.T)).min()
    z = np.append(points.ravel(), 0.5 * smallest)
    count, rows, each = len(A), np.arange(len(A)), np.arange(COUNT)
    jacobian = np.zeros((count + 3 * COUNT, 2 * COUNT + 1))
    jacobian[:count, -1] = -1
    jacobian[count + each, 2 * each] = jacobian[count + COUNT + each, 2 * each + 1] = 1
    jacobian[count + 2 * COUNT + each, 2 * each] = jacobian[count + 2 * COUNT + each, 2 * each + 1] = -1
    objective = np.zeros(2 * COUNT + 1)
    objective[-1] = 1

    def room(z):
        x, y = z[:-1:2], z[1:-1:2]
        return np.concatenate([signs * areas(x, y) - z[-1], x, y, 1 - x - y])

    c, weight = room(z), 0.0002
    while weight > 1e-12:
        for _ in range(6):
            x, y = z[:-1:2], z[1:-1:2]
            jacobian[rows, 2 * A], jacobian[rows, 2 * A + 1] = signs * (y[B] - y[C]), signs * (x[C] - x[B])
            jacobian[rows, 2 * B], jacobian[rows, 2 * B + 1] = signs * (y[C] - y[A]), signs * (x[A] - x[C])
            jacobian[rows, 2 * C], jacobian[rows, 2 * C + 1] = signs * (y[A] - y[B]), signs * (x[B] - x[A])
            scaled = jacobian / c[:, None]
            gradient = objective / weight + scaled.sum(0)
            matrix = scaled.T @ scaled
            matrix[np.diag_indices(len(matrix))] += 1e-10 * matrix.trace() / len(matrix) + 1e-3
            step = np.linalg.solve(matrix, gradient)
            length = min(1.0, 0.9 / max(1e-12, -(scaled @ step).min()))
            for _ in range(30):
                new = room(z + length * step)
                if new.min() > 0 and (objective @ step * length / weight + np.log(new / c).sum()) > 0:
                    z, c = z + length * step, new
                    break
                length *= 0.5
            else:
                break
            if gradient @ step < 0.05:
                break
        weight *= TUNE["SHRINK"][0]
    return z
