"""Smooth optimisation from rings around a centre with circles in the corners, contacts solved by Newton."""

import json
import time

import numpy as np

N = 26
I, J = np.triu_indices(N, 1)
SECONDS = 42.0


def slack(z):
    x, y, r = z[:N], z[N : 2 * N], z[2 * N :]
    dx, dy = x[I] - x[J], y[I] - y[J]
    d = np.sqrt(dx * dx + dy * dy) + 1e-300
    return np.concatenate([d - r[I] - r[J], x - r, 1 - x - r, y - r, 1 - y - r]), dx / d, dy / d


def value(z, lam, mu):
    """Augmented Lagrangian of -sum(r) and its gradient."""
    g, ux, uy = slack(z)
    t = np.maximum(0.0, lam - mu * g)
    f = -z[2 * N :].sum() + (t @ t - lam @ lam) / (2 * mu)
    p, (a, b, c, e) = t[: len(I)], t[len(I) :].reshape(4, N)
    grad = np.empty(3 * N)
    gx = np.bincount(I, p * ux, N) - np.bincount(J, p * ux, N)
    gy = np.bincount(I, p * uy, N) - np.bincount(J, p * uy, N)
    grad[:N] = -gx - a + b
    grad[N : 2 * N] = -gy - c + e
    grad[2 * N :] = -1.0 + np.bincount(I, p, N) + np.bincount(J, p, N) + a + b + c + e
    return f, grad


def lbfgs(z, lam, mu, steps, memory=12):
    f, g = value(z, lam, mu)
    kept = []
    for _ in range(steps):
        q = g.copy()
        alphas = []
        for s, y, rho in reversed(kept):
            a = rho * (s @ q)
            alphas.append(a)
            q -= a * y
        if kept:
            s, y, rho = kept[-1]
            q *= (s @ y) / (y @ y)
        else:
            q *= 1e-2
        for (s, y, rho), a in zip(kept, reversed(alphas)):
            q += s * (a - rho * (y @ q))
        slope = -(g @ q)
        if slope > -1e-16:
            break
        step = 1.0
        for _ in range(25):
            new = z - step * q
            fn, gn = value(new, lam, mu)
            if fn <= f + 1e-4 * step * slope:
                break
            step *= 0.5
        else:
            break
        s, y = new - z, gn - g
        if s @ y > 1e-14:
            kept = (kept + [(s, y, 1.0 / (s @ y))])[-memory:]
        z, f, g = new, fn, gn
        if np.abs(g).max() < 1e-11:
            break
    return z


def solve(z, rounds, steps):
    lam, mu = np.zeros(len(I) + 4 * N), 20.0
    for _ in range(rounds):
        z = lbfgs(z, lam, mu, steps)
        lam = np.maximum(0.0, lam - mu * slack(z)[0])
        mu = min(mu * 2.0, 3e4)
    return z


def feasible(z):
    """Shrink all radii by one factor so that nothing overlaps."""
    z = z.copy()
    x, y, r = z[:N], z[N : 2 * N], z[2 * N :]
    r[:] = np.maximum(r, 1e-6)
    d = np.hypot(x[I] - x[J], y[I] - y[J])
    room = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    if room.min() <= 0:
        return None
    r *= min(1.0, (d / (r[I] + r[J])).min(), (room / r).min()) * (1 - 1e-13)
    return z



def solve_more(z):
    lam, mu = np.zeros(len(I) + 4 * N), 1e3
    for _ in range(14):
        z = lbfgs(z, lam, mu, 150)
        lam = np.maximum(0.0, lam - mu * slack(z)[0])
        mu = min(mu * 1.6, 3e5)
    return z


def polished(z):
    """Newton's method on the constraints that are active: 78 equations where the packing is rigid."""
    for width in (1e-5, 1e-6, 1e-7):
        w = z.copy()
        for _ in range(8):
            g, ux, uy = slack(w)
            act = np.flatnonzero(g < width)
            A = np.zeros((len(act), 3 * N))
            for row, k in enumerate(act):
                if k < len(I):
                    i, j = I[k], J[k]
                    A[row, [i, j, N + i, N + j, 2 * N + i, 2 * N + j]] = ux[k], -ux[k], uy[k], -uy[k], -1, -1
                else:
                    side, i = divmod(k - len(I), N)
                    A[row, [i, N + i][side // 2]] = 1 - 2 * (side % 2)
                    A[row, 2 * N + i] = -1
            step = np.linalg.lstsq(A, -g[act], rcond=1e-12)[0]
            w = w + step
            if np.abs(step).max() < 1e-15:
                break
        w = feasible(w)
        if w is not None and w[2 * N :].sum() > z[2 * N :].sum():
            z = w
    return z


def printed(z):
    return json.dumps([[float(z[k]), float(z[N + k]), float(z[2 * N + k] * (1 - 4e-16))] for k in range(N)])


def ring(rng):
    """A centre, an inner and an outer ring, and corners: counts and phases at random."""
    inner = rng.integers(4, 9)
    outer = N - 5 - inner
    pts = [(0.5, 0.5), (0.08, 0.08), (0.08, 0.92), (0.92, 0.08), (0.92, 0.92)]
    for count, radius in ((inner, 0.21), (outer, 0.41)):
        turn = rng.random() * 6.3
        pts += [(0.5 + radius * np.cos(turn + 6.2832 * k / count), 0.5 + radius * np.sin(turn + 6.2832 * k / count)) for k in range(count)]
    x, y = np.array(pts).T
    return np.concatenate([x, y, np.full(N, 0.06)]) + rng.normal(0, 0.015, 3 * N)


def lattice(rng):
    """Rows of 5 and 6 (or 4 and 5), shifted, with a random row order; cut or filled to N."""
    rows = rng.integers(4, 7)
    counts = rng.multinomial(N - 3 * rows, np.full(rows, 1 / rows)) + 3
    pts = [((i + 0.5) / c, (k + 0.5) / rows) for k, c in enumerate(counts) for i in range(c)]
    x, y = np.array(pts).T
    return np.concatenate([x, y, np.full(N, 0.06)]) + rng.normal(0, 0.02, 3 * N)


def main():
    rng = np.random.default_rng(97)
    end = time.monotonic() + 48
    best, top = None, 0.0
    while time.monotonic() < end:
        z = ring(rng) if rng.random() < 0.5 or best is None else best + rng.normal(0, rng.choice([0.005, 0.02]), 3 * N)
        z[: 2 * N] = z[: 2 * N].clip(0.03, 0.97)
        z = solve(z, 8, 80)
        if z[2 * N :].sum() < top - 2e-3:
            continue
        z = feasible(solve_more(z))
        if z is not None and z[2 * N :].sum() > top:
            best, top = z, z[2 * N :].sum()
    return polished(best)


print(printed(main()))
