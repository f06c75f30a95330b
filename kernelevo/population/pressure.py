"""Pressure: how strictly the better are preferred. It falls when diversity falls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kernelevo.core import Worth
from kernelevo.population.policy import Policy


def temperature(policy: Policy, diversity: float, stagnation: float) -> float:
    """Return the temperature of a draw: low diversity or stagnation make it hot, and the choice flat.

    Args:
        policy: gives the coldest and the hottest temperature, the target and the steepness.
        diversity: from 0 to 1.
        stagnation: from 0 (a gain just now) to 1.
    """
    place = 0.5
    if policy.pressure:
        place = 1 / (1 + math.exp(-policy.steepness * (policy.target - diversity)))
        place = min(1.0, place + policy.boredom * stagnation)
    return policy.coldest * math.exp(place * math.log(policy.hottest / policy.coldest))


def standard_ranks(values: Sequence[float | Worth]) -> list[float]:
    """Return each value's rank (ties share one) with mean 0 and standard deviation about 1.

    Ranks, not scores: an island with one outlier, or with scores that a new baseline multiplied, is pressed
    just like any other.
    """
    order: list[Any] = sorted(values)
    first = {v: i for i, v in reversed(list(enumerate(order)))}
    last = {v: i for i, v in enumerate(order)}
    middle, scale = (len(values) - 1) / 2, math.sqrt(max(1, len(values) ** 2 - 1) / 12)
    return [((first[v] + last[v]) / 2 - middle) / scale for v in values]
