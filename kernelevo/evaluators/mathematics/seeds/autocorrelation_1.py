"""First autocorrelation inequality: gradient descent on a smooth maximum of f * f."""

import numpy as np

TUNE = {
    "STEPS": [60, 100, 150, 200, 300, 400],
    "ROUNDS": [400, 800, 1500, 3000],
    "RATE": [0.02, 0.01, 0.005, 0.04],
    "SHARP": [30.0, 100.0, 300.0, 1000.0],
    "POWER": [0.5, 0.25, 0.0],
    "SEED": [0, 1, 2, 3, 4, 5],
}


def solve():
    rng = np.random.default_rng(TUNE["SEED"][0])
    steps = TUNE["STEPS"][0]
    x = (np.arange(steps) + 0.5) / steps
    free = np.sqrt((x * (1 - x)) ** -TUNE["POWER"][0] * (1 + 0.1 * rng.random(steps)))
    best, lowest = free, 9.0
    first, second = np.zeros(steps), np.zeros(steps)
    rounds = TUNE["ROUNDS"][0]
    for k in range(rounds):
        f = free**2
        total = f.sum()
        sums = np.convolve(f, f) * 2 * steps / total**2
        if sums.max() < lowest:
            best, lowest = free.copy(), sums.max()
        weights = np.exp(TUNE["SHARP"][0] * (0.1 + 0.9 * k / rounds) * (sums - sums.max()))
        weights /= weights.sum()
        gradient = 2 * np.convolve(weights, f[::-1], "valid") * 2 * steps / total**2
        gradient = (gradient - 2 * (weights * sums).sum() / total) * 2 * free
        first, second = 0.9 * first + 0.1 * gradient, 0.99 * second + 0.01 * gradient**2
        free = free - TUNE["RATE"][0] * first / (np.sqrt(second) + 1e-12)
    return (best**2).tolist()
