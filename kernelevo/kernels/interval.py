"""Interval: the median of log ratios with its bootstrap interval."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 400


@dataclass(frozen=True)
class Interval:
    """A ratio with its 95 % interval."""

    middle: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of the interval, relative to the middle."""
        return (self.high - self.low) / 2 / self.middle


def ratio_interval(logs: Sequence[float], rng: random.Random) -> Interval:
    """Return the median ratio of blocks and its bootstrap interval.

    Args:
        logs: natural logarithm of the ratio of each block; at least one.
        rng: draws the resamples.
    """
    middle = statistics.median(logs)
    medians = sorted(statistics.median(rng.choices(logs, k=len(logs))) for _ in range(RESAMPLES))
    low, high = medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES)]
    return Interval(math.exp(middle), math.exp(low), math.exp(high))


def decided(interval: Interval, half_width: float) -> bool:
    """Tell whether to stop: the interval is narrow, or lies wholly off 1 +- 1 %."""
    return interval.half_width < half_width or interval.low > 1.01 or interval.high < 1 / 1.01
