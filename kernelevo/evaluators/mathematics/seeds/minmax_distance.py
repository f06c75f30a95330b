"""Points with near-equal distances: local optima by an interior-point method, from many starts."""

import numpy as np

COUNT = 16
TUNE = {
    "SEED": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    "STARTS": [1, 2, 4, 8, 16, 32],
    "SPREAD": [1.0, 1.5, 2.0, 3.0],
    "SHRINK": [0.5, 0.7, 0.35],
}


def solve():
    rng = np.random.default_rng(TUNE["SEED"][0])
    found = [climb(rng) for _ in range(TUNE["STARTS"][0])]
    return min(found, key=lambda z: z[-1])[:-1].reshape(-1, 2).tolist()


def climb(rng):
    """Minimise t where all distances lie between 1 and t, inside a logarithmic barrier."""
    first, second = np.triu_indices(COUNT, 1)
    points = rng.normal(size=(COUNT, 2)) * np.array([1.0, 1.0 + (TUNE["SPREAD"][0] - 1.0) * rng.random()])
    gaps = np.hypot(*(points[first] - points[second]).T)
    points = points * (1.05 / gaps.min())
    z = np.append(points.ravel(), gaps.max() * 1.1 / gaps.min())
    pairs, rows = len(first), np.arange(len(first))
    jacobian = np.zeros((2 * pairs, 2 * COUNT + 1))
    jacobian[pairs:, -1] = 1
    objective = np.zeros(2 * COUNT + 1)
    objective[-1] = -1

    def room(z):
        apart = np.hypot(z[2 * first] - z[2 * second], z[2 * first + 1] - z[2 * second + 1])
        return np.concatenate([apart - 1, z[-1] - apart]), apart

    c, apart = room(z)
    weight = 1.0
    while weight > 1e-14:
        for _ in range(6):
            for axis in (0, 1):
                slope = (z[2 * first + axis] - z[2 * second + axis]) / apart
                jacobian[rows, 2 * first + axis], jacobian[rows, 2 * second + axis] = slope, -slope
                jacobian[pairs + rows, 2 * first + axis] = -slope
                jacobian[pairs + rows, 2 * second + axis] = slope
            scaled = jacobian / c[:, None]
            gradient = objective / weight + scaled.sum(0)
            matrix = scaled.T @ scaled
            matrix[np.diag_indices(len(matrix))] += 1e-10 * matrix.trace() / len(matrix) + 1e-3
            step = np.linalg.solve(matrix, gradient)
            length = min(1.0, 0.9 / max(1e-12, -(scaled @ step).min()))
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
