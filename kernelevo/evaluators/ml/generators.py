"""Data from a secret seed: nothing that a library ships, nothing that two machines share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from kernelevo.evaluators.ml.data import Floats, Part, Row, random_ids

Split = Literal["validation", "sealed"]
Rng = np.random.RandomState
TRAIN, TEST = 1200, 900
SERIES, HISTORY, HORIZON = 25, 200, 28
_SYLLABLES = ("ba", "ko", "mi", "ru", "te", "sa", "lo", "ni", "ve", "da", "pu", "xi", "go", "fe", "za", "hu")
Drawn = tuple[tuple[str, ...], str, list[Row], list[Any]]
Make = Callable[[Rng, Rng], Drawn]


def split(make: Make) -> Callable[[int, Split], Part]:
    """Turn a generator of rows into one of parts: the same training rows, other rows to predict.

    ``make(world, rng)`` draws the task's law from ``world`` and its rows from ``rng``.
    """

    def part(seed: int, which: Split) -> Part:
        columns, target, rows, labels = make(_rng(seed, 1), _rng(seed, 2))
        first = TRAIN + (0 if which == "validation" else TEST)
        chosen = slice(first, first + TEST)
        ids = random_ids(_rng(seed, 3 if which == "validation" else 4), TEST)
        return Part(columns, target, rows[:TRAIN], labels[:TRAIN], rows[chosen], ids, labels[chosen])

    return part


def churn(world: Rng, rng: Rng) -> Drawn:
    """Three classes from interacting numbers and two categories; a tenth is missing, not at random."""
    count = TRAIN + 2 * TEST
    x = rng.normal(size=(count, 8))
    groups = rng.randint(0, 5, (count, 2))
    linear, pairs = world.normal(size=(8, 3)), world.normal(size=(8, 8, 3)) * 0.35
    effects = world.normal(size=(2, 5, 3)) * 0.9
    bend = world.normal(size=(8, 3)) * 0.6
    logits = x @ linear * 0.7 + np.einsum("ni,nj,ijk->nk", x, x, pairs) * 0.5 + np.abs(x) @ bend
    logits += effects[0, groups[:, 0]] + effects[1, groups[:, 1]]
    logits += rng.gumbel(size=logits.shape) * 1.2
    labels = ["abc"[k] for k in logits.argmax(1)]
    x = _gaps(world, rng, x)
    rows: list[Row] = [
        [*map(float, np.round(r, 4)), f"g{a}", f"h{b}"] for r, (a, b) in zip(x, groups, strict=True)
    ]
    return (*(f"x{i}" for i in range(8)), "group", "kind"), "label", rows, labels


def prices(world: Rng, rng: Rng) -> Drawn:
    """A price from a product, a wave, a square and a category (after Friedman, 1991); parts are missing."""
    count = TRAIN + 2 * TEST
    x = rng.uniform(size=(count, 9))
    order, weights = world.permutation(9), world.uniform(0.6, 1.4, 4)
    u = x[:, order]
    group = rng.randint(0, 6, count)
    value = 10 * weights[0] * np.sin(np.pi * u[:, 0] * u[:, 1]) + 20 * weights[1] * (u[:, 2] - 0.5) ** 2
    value += (
        10 * weights[2] * u[:, 3] + 5 * weights[3] * u[:, 4] * (group % 2) + world.normal(size=6)[group] * 3
    )
    value += rng.normal(size=count) * 1.5
    x = _gaps(world, rng, x)
    rows: list[Row] = [[*map(float, np.round(r, 4)), f"area{g}"] for r, g in zip(x, group, strict=True)]
    return (*(f"f{i}" for i in range(9)), "area"), "price", rows, [round(float(v), 4) for v in value]


def reviews(world: Rng, rng: Rng) -> Drawn:
    """Texts of a made-up language: words with a feeling, others that turn or strengthen them, and noise."""
    words = sorted({"".join(world.choice(_SYLLABLES, world.randint(2, 4))) for _ in range(420)})
    world.shuffle(words)
    turning, strong = words[:3], words[3:6]
    feeling = {w: float(world.normal()) for w in words[6:126]}
    neutral = words[126:]
    rows: list[Row] = []
    labels = []
    for _ in range(TRAIN + 2 * TEST):
        mood, total, text = rng.normal() * 0.8, 0.0, []
        for _ in range(rng.randint(12, 30)):
            if rng.uniform() < 0.45:
                one, two = rng.choice(126 - 6, 2)
                word = min((list(feeling)[one], list(feeling)[two]), key=lambda w: abs(feeling[w] - mood))
                value = feeling[word]
                draw = rng.uniform()
                if draw < 0.22:
                    text.append(turning[rng.randint(3)])
                    value = -value
                elif draw < 0.4:
                    text.append(strong[rng.randint(3)])
                    value *= 2.5
                total += value
                text.append(word)
            else:
                text.append(neutral[int(len(neutral) * rng.uniform() ** 2)])
        rows.append([" ".join(text)])
        labels.append("good" if total + rng.normal() * 0.4 > 0 else "bad")
    return ("text",), "label", rows, labels


def features(world: Rng, rng: Rng) -> Drawn:
    """A target that is linear in ratios, products, waves and thresholds of the raw columns, not in them."""
    count = TRAIN + 2 * TEST
    x = rng.uniform(0.2, 3, (count, 8))
    a, b, c, d, e, f, g, h = x[:, world.permutation(8)].T
    parts = np.stack([a / b, c * d, np.sin(3 * e), (f > 1.6).astype(float), np.log(g), h**2, a * (e > 1.5)])
    scaled = (parts - parts.mean(1, keepdims=True)) / parts.std(1, keepdims=True)
    value = world.uniform(0.7, 1.5, 7) * world.choice([-1, 1], 7) @ scaled + rng.normal(size=count) * 0.4
    rows: list[Row] = [list(map(float, np.round(r, 4))) for r in x]
    return tuple(f"v{i}" for i in range(8)), "y", rows, [round(float(v), 4) for v in value]


def demand(seed: int, which: Split) -> Part:
    """Daily demand of shops, four weeks ahead; the sealed part has other shops, with their own histories."""
    world, rng = _rng(seed, 1), _rng(seed, 5 if which == "validation" else 6)
    week = world.normal(size=7) * 0.25
    train: list[Row] = []
    test: list[Row] = []
    labels, truth = [], []
    for shop in range(SERIES):
        values = _one_shop(world, rng, week)
        name = f"{'s' if which == 'validation' else 'z'}{shop}"
        for day, value in enumerate(values):
            row, label = [name, day, day % 7], round(float(value), 3)
            if day < HISTORY:
                train.append(row)
                labels.append(label)
            else:
                test.append(row)
                truth.append(label)
    ids = random_ids(rng, len(test))
    return Part(("shop", "day", "weekday"), "demand", train, labels, test, ids, truth)


def _one_shop(world: Rng, rng: Rng, week: Floats) -> Floats:
    days = np.arange(HISTORY + HORIZON)
    level, slope = rng.uniform(20, 80), rng.normal() * 0.03
    season = rng.uniform(0.05, 0.25) * np.sin(2 * np.pi * (days / 91 + rng.uniform()))
    own = week[days % 7] * rng.uniform(0.5, 1.5)
    noise = np.zeros(len(days))
    for i in range(1, len(days)):
        noise[i] = 0.75 * noise[i - 1] + rng.normal() * 0.05
    peaks = np.where(rng.uniform(size=len(days)) < 0.02, rng.uniform(0.5, 1.2, len(days)), 0.0)
    found: Floats = np.maximum(0, (level + slope * days) * np.exp(own + season + noise + peaks))
    return found


def _gaps(world: Rng, rng: Rng, x: Floats) -> Floats:
    """Leave a tenth out, large values more often in half of the columns."""
    chance = np.full(x.shape, 0.1)
    columns = world.permutation(x.shape[1])[: x.shape[1] // 2]
    chance[:, columns] = np.where(x[:, columns] > np.median(x[:, columns], axis=0), 0.16, 0.04)
    return np.where(rng.uniform(size=x.shape) < chance, np.nan, x)


def _rng(seed: int, stream: int) -> Rng:
    """RandomState's draws and Philox are frozen: the same data from the same secret for ever.

    The state of a Mersenne twister can be computed from some thousand of its numbers, and with it the noise
    of hidden rows from training rows; the key of a Philox cannot.
    """
    key = hashlib.sha256(f"{seed}/{stream}".encode()).digest()[:16]
    return np.random.RandomState(np.random.Philox(key=int.from_bytes(key, "big")))
