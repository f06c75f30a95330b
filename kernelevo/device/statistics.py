"""Statistics of paired timings: ratios per block, an interval, when to stop, what may be claimed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from kernelevo.core.claims import LEVEL, MARGIN

MIN_BLOCKS = 6  # with fewer, not even the extremes enclose the median in 95 % of cases
_STRICT = 0.01  # chance that the outer interval misses the truth
_FURTHER = 1.57  # quantiles of Student's t for six numbers, 99.5 % over 97.5 %


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


def estimate(log_ratios: Sequence[float]) -> Estimate:
    """Return the median ratio of some blocks and its interval.

    Args:
        log_ratios: one number per block, from ``log_ratio``.

    Raises:
        ValueError: if there is no block.
    """
    if not len(log_ratios):
        raise ValueError("an estimate needs at least one block")
    ordered = sorted(log_ratios)
    middle, blocks = median(ordered), len(ordered)
    if blocks < MIN_BLOCKS:
        return Estimate(math.exp(middle), 0.0, math.inf, blocks)
    low, high = _around_median(ordered, LEVEL)
    low, high = min(low, middle), max(high, middle)  # of equals one may be a rounding off
    if 2 / (1 << blocks) <= _STRICT:
        far_low, far_high = _around_median(ordered, _STRICT)
    else:  # not even the extremes enclose it so often
        far_low, far_high = middle - _FURTHER * (middle - low), middle + _FURTHER * (high - middle)
    outer = math.exp(min(far_low, low)), math.exp(max(far_high, high))
    return Estimate(math.exp(middle), math.exp(low), math.exp(high), blocks, outer)


def _around_median(ordered: Sequence[float], level: float) -> tuple[float, float]:
    """Return the interval that encloses the median of what these numbers are drawn from.

    Two order statistics enclose it with a chance that is known whatever the distribution; between the two
    pairs whose chances are next to the wanted one it is interpolated (T. Hettmansperger and S. Sheather,
    Confidence intervals based on interpolated order statistics, Statistics and Probability Letters 4, 1986).

    Args:
        ordered: numbers, the smallest first; so many that all of them enclose it often enough.
        level: chance of missing it.
    """
    count = len(ordered)
    depth, within = 0, 1.0  # how many are left out at each end, and the chance of enclosing it without them
    while True:
        inner = within - 2 * math.comb(count, depth) / (1 << count)
        if inner < 1 - level:
            break
        depth, within = depth + 1, inner
    # the pair at this depth from 1 encloses it often enough, the next one does not
    share = (within - (1 - level)) / (within - inner)
    weight = (count - depth) * share / (depth + (count - 2 * depth) * share)

    def between(values: Sequence[float]) -> float:
        return values[depth - 1] + weight * (values[depth] - values[depth - 1])

    return between(ordered), between(ordered[::-1])


def geometric_mean(ratios: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Return the weighted geometric mean of positive ratios.

    Raises:
        ValueError: if there is none, one is not positive, or the weights do not fit.
    """
    if not ratios or not all(r > 0 and math.isfinite(r) for r in ratios):
        raise ValueError(f"a geometric mean needs positive ratios, got {list(ratios)}")
    parts = [1.0] * len(ratios) if weights is None else list(weights)
    if len(parts) != len(ratios) or not all(w > 0 and math.isfinite(w) for w in parts):
        raise ValueError(f"{len(ratios)} positive weights are needed, got {parts}")
    return math.exp(math.fsum(w * math.log(r) for w, r in zip(parts, ratios, strict=True)) / math.fsum(parts))


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
