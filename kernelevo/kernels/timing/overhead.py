"""Overhead: what the protocol itself costs, measured with the empty program, taken off both sides alike."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

from kernelevo.kernels.children.answer import Batch

AGREEMENT = 0.05
"""A batch whose child's own clock is further off than this counts as one in which clocks disagree."""
EVENT_SECONDS = 0.5e-6
"""Resolution of a device's events, which each call is bracketed by two of."""
MARKS_SECONDS = 40e-6
"""Host time of a flush and of both events of a call, at the most: the device's clock leaves it out, ours does
not where the host is what a call waits for, as it is where a program is bound by launches."""
LAUNCH_SECONDS = 1e-6
"""Less than that no call takes that launches a kernel."""
KEPT = 9


@dataclass(frozen=True)
class Overhead:
    """Seconds that the empty program takes: a round trip, and a share for each call.

    Args:
        trip: of a batch, whatever it holds.
        per_call: of each call; the flush is part of it where there is one.
        own_per_call: what the child's own clock says of an empty call.
        flushed: whether per_call may be the greater part of a batch and is measured again and again.
    """

    trip: float
    per_call: float
    own_per_call: float = 0.0
    flushed: bool = False

    def of(self, calls: int) -> float:
        """Seconds to take off a batch of so many calls."""
        return self.trip + self.per_call * calls

    def taken_off(self, seconds: float, calls: int) -> float:
        """Return a batch's seconds without the protocol's share, half of them at the least.

        An overhead that was measured in a busy moment may exceed a whole batch; no program is to look fast
        for that. Behind a flush, which takes longer than many a call, less than half may be left, but not
        less than a hundredth or than launching anything takes; below that nothing was measured (``drowned``).
        """
        left = seconds - self.of(calls)
        return left if self.flushed and left > self._least(seconds, calls) else max(left, seconds / 2)

    def _least(self, seconds: float, calls: int) -> float:
        return max(seconds / 100, LAUNCH_SECONDS * calls)

    def drowned(self, batch: Batch) -> bool:
        """Tell whether a flush's own ups and downs have swallowed a batch's calls."""
        least = self._least(batch.seconds, batch.calls)
        return self.flushed and batch.seconds - self.of(batch.calls) <= least

    def own(self, batch: Batch) -> float:
        """Return what the child's own clock says of a batch's calls, an empty call's share taken off."""
        return max(batch.own_seconds - self.own_per_call * batch.calls, 0.0)

    def agrees(self, batch: Batch) -> bool:
        """Tell whether the child's own clock says of a batch what ours says."""
        ours = self.taken_off(batch.seconds, batch.calls)
        gap = self.own(batch) - ours
        if not self.flushed:
            return abs(gap) <= AGREEMENT * batch.seconds + self.trip
        # of the calls themselves, not of the flushes between them; events and the trip are only so exact
        slack = AGREEMENT * ours + EVENT_SECONDS * batch.calls + self.trip / 2
        return -slack - MARKS_SECONDS * batch.calls <= gap <= slack


class Anchors:
    """The latest measurements of an overhead that drifts, as a flush does with the memory's clock.

    Their median stands for it: a single one is as noisy as a batch, and behind a flush that is ten times as
    long as a call, one per cent of it is ten per cent of the call.

    Args:
        first: what calibration found.
    """

    def __init__(self, first: Overhead) -> None:
        self._trip = first.trip
        self._per_call = deque([first.per_call], KEPT)
        self._own = deque([first.own_per_call], KEPT)

    def add(self, batch: Batch) -> Overhead:
        """Take in a batch of the empty program; return the overhead as it now is."""
        self._per_call.append(max(0.0, (batch.seconds - self._trip) / batch.calls))
        self._own.append(batch.own_seconds / batch.calls)
        return Overhead(self._trip, median(self._per_call), median(self._own), True)
