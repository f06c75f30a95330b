"""Statistics of paired timings: ratios per block, a bootstrap interval, when to stop, what may be claimed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernelevo.core.claims import MARGIN

MIN_BLOCKS = 6  # with fewer, not even the extremes enclose the median in 95 % of cases
_RESAMPLES = 1000


def log_ratio(baseline: Sequence[float], candidate: Sequence[float]) -> float:
    """Return the log of how many times faster the candidate is in one block.

    Args:
        baseline: times of the block's baseline samples (both ends of ABBA), in any unit, positive.
        candidate: times of its candidate samples (the middle of ABBA), in the same unit.

    Raises:
        ValueError: if a side is empty or a time is not positive and finite.
    """
    times = [*baseline, *candidate]
    if not len(baseline) or not len(candidate) or not all(t > 0 and math.isfinite(t) for t in times):
        raise ValueError(f"a block needs positive times on both sides, got {baseline} and {candidate}")
    # in logs, a drift that multiplies each sample by a constant factor cancels over A B B A
    return sum(map(math.log, baseline)) / len(baseline) - sum(map(math.log, candidate)) / len(candidate)


@dataclass(frozen=True)
class Estimate:
    """A ratio (baseline time / candidate time) with its 95 % interval.

    Args:
        ratio: the median over blocks; above 1 the candidate is faster.
        low: lower end of the interval.
        high: upper end; infinite, and ``low`` 0, where there are too few blocks for any.
        blocks: how many blocks it rests on.
        outer: the 99 % interval; a measurement may end early only if this one excludes parity, since a
            rule that looks again and again meets a lucky 95 % interval too often.
    """

    ratio: float
    low: float
    high: float
    blocks: int
    outer: tuple[float, float] = (0.0, math.inf)

    @property
    def half_width(self) -> float:
        """Half the interval's width, relative to the ratio."""
        return (self.high - self.low) / (2 * self.ratio)

    def to_json(self) -> dict[str, Any]:
        """Return this estimate as plain data; ends that do not exist are None."""
        known = math.isfinite(self.high)
        return {
            "ratio": self.ratio,
            "low": self.low if known else None,
            "high": self.high if known else None,
            "blocks": self.blocks,
        }


def estimate(log_ratios: Sequence[float], *, seed: int = 0) -> Estimate:
    """Return the median ratio of some blocks and its bootstrap interval.

    Args:
        log_ratios: one number per block, from ``log_ratio``.
        seed: of the resampling; equal input gives equal output.

    Raises:
        ValueError: if there is no block.
    """
    return combine([log_ratios], [1.0], seed=seed)


def combine(sets: Sequence[Sequence[float]], weights: Sequence[float], *, seed: int = 0) -> Estimate:
    """Return the weighted geometric mean over input sets, each the median of its own blocks.

    Args:
        sets: log ratios per input set.
        weights: one per set, positive; only their proportions matter.
        seed: of the resampling.

    Raises:
        ValueError: if a set is empty or the weights do not fit.
    """
    if not sets or any(len(s) == 0 for s in sets):
        raise ValueError("an estimate needs at least one block of each input set")
    shares = _shares(weights, len(sets))
    rng = np.random.default_rng(seed)
    middle = 0.0
    resampled = np.zeros(_RESAMPLES)
    for values, share in zip(sets, shares, strict=True):
        array = np.asarray(values, dtype=np.float64)
        middle += share * float(np.median(array))
        drawn = array[rng.integers(len(array), size=(_RESAMPLES, len(array)))]
        resampled += share * np.median(drawn, axis=1)
    blocks = min(len(s) for s in sets)
    if blocks < MIN_BLOCKS:
        return Estimate(math.exp(middle), 0.0, math.inf, blocks)
    levels = [0.005, 0.025, 0.975, 0.995]
    far_low, low, high, far_high = np.exp(np.quantile(resampled, levels, method="inverted_cdf")).tolist()
    ratio = math.exp(middle)  # may be one rounding beside the same number from numpy's exp
    low, high = min(low, ratio), max(high, ratio)
    return Estimate(ratio, low, high, blocks, (min(far_low, low), max(far_high, high)))


def geometric_mean(ratios: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Return the weighted geometric mean of positive ratios.

    Raises:
        ValueError: if there is none, one is not positive, or the weights do not fit.
    """
    if not ratios or not all(r > 0 and math.isfinite(r) for r in ratios):
        raise ValueError(f"a geometric mean needs positive ratios, got {list(ratios)}")
    shares = _shares([1.0] * len(ratios) if weights is None else weights, len(ratios))
    return math.exp(float(np.dot(shares, np.log(ratios))))


def _shares(weights: Sequence[float], count: int) -> NDArray[np.float64]:
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (count,) or not np.all(array > 0) or not np.all(np.isfinite(array)):
        raise ValueError(f"{count} positive weights are needed, got {list(weights)}")
    shares: NDArray[np.float64] = array / array.sum()
    return shares


@dataclass(frozen=True)
class StopRule:
    """When a measurement has seen enough.

    Args:
        half_width: relative half-width of the interval that is narrow enough: 0.005 on GPU, 0.02 on CPU.
        seconds: time budget: 2 in search, 20 for a final figure.
        margin: stop as soon as the interval excludes all of 1 +- this.
    """

    half_width: float
    seconds: float
    margin: float = MARGIN

    @classmethod
    def on(cls, device: str, seconds: float) -> StopRule:
        """Return the rule of the judge for a device (``"cpu"`` or ``"cuda..."``)."""
        return cls(0.02 if device.startswith("cpu") else 0.005, seconds)

    def reason(self, current: Estimate, elapsed: float, *, floor: float | None = None) -> str | None:
        """Return why to stop now, or None to go on.

        The interval is looked at only at block counts that grow by a quarter: looking after every block
        would give chance many more occasions to end the measurement at a lucky moment.

        Args:
            current: the estimate so far.
            elapsed: seconds spent.
            floor: the slowest ratio worth more timing; an interval wholly below it ends the measurement.
        """
        if elapsed >= self.seconds:
            return "time"
        if current.blocks < MIN_BLOCKS or not _is_look(current.blocks):
            return None
        if floor is not None and current.high < floor:
            return "below the floor"
        if current.half_width <= self.half_width:
            return "narrow"
        if current.outer[0] > 1 + self.margin or current.outer[1] < 1 - self.margin:
            return "clear"
        return None


def _is_look(blocks: int) -> bool:
    look = MIN_BLOCKS
    while look < blocks:
        look = max(look + 1, round(look * 1.25))
    return look == blocks
