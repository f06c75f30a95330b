"""Lengths: how many calls a batch has, on either side of a duel, and when a process is ready to be timed."""

from __future__ import annotations

import math
from collections.abc import Callable

from kernelevo.device.clock import page_faults
from kernelevo.kernels.children.answer import Batch
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.timing.overhead import Overhead
from kernelevo.kernels.timing.series import Tally

SHARE = 0.01
"""Most of a batch that the round trip may take; half of that behind a flush."""
SHORTEST = 0.01
"""Seconds below which a batch is too short to be stopped and resumed sensibly."""
_TOO_SHORT = 0.5  # of what a batch should take
_SETTLING, _FAULTS, _FEWER = 3, 1, 0.8
"""Batches before the first that counts, at the most; page faults of a call that are no reason for another;
what is left of a batch's faults in the next one where it still settles: some fault in every call."""

Run = Callable[[Session, int], Batch]


class Lengths:
    """Makes batches of both sides last alike, so that what a batch's start costs weighs the same on both.

    Args:
        overhead: what the protocol costs.
        longest: seconds that a batch may take where it has more than one call.
        run: runs a batch of so many calls on fresh values.
    """

    def __init__(self, overhead: Overhead, longest: float, run: Run) -> None:
        self._overhead, self._longest, self._run = overhead, longest, run
        share = SHARE / 2 if overhead.flushed else SHARE
        self.wanted = min(max(overhead.trip / share, SHORTEST), longest)
        self._seen, self._sized = math.inf, 0  # page faults of a call, and calls, of the last batch counted

    def size(self, session: Session, tally: Tally) -> None:
        """Find how many calls a batch needs so that the round trip is a small share of it."""
        self._run(session, 1)
        calls = 1
        while True:
            batch = self._counted(session, calls)
            needed = self._needed(session, self._per_call(batch))
            if needed <= 2 * calls:
                tally.calls = max(1, min(calls, needed) if batch.seconds > self._longest else needed)
                return
            calls = min(needed, calls * 8)

    def settle(self, session: Session, tally: Tally) -> None:
        """Run batches that do not count while each asks the kernel for less memory than the one before.

        The last one of ``size`` is the first of them, where it was as long as those to come.
        """
        known = self._seen if self._sized >= tally.calls else math.inf
        for _ in range(_SETTLING):
            if known <= _FAULTS:
                return
            before = known
            self.correct(session, tally, self._counted(session, tally.calls))
            known = self._seen
            if known >= _FEWER * before:
                return

    def _counted(self, session: Session, calls: int) -> Batch:
        """Run a batch, and keep how many page faults a call of it had."""
        before = page_faults(session.child.pid)
        batch = self._run(session, calls)
        self._seen, self._sized = (page_faults(session.child.pid) - before) / batch.calls, batch.calls
        return batch

    def correct(self, session: Session, tally: Tally, batch: Batch) -> None:
        """Give the next batch more calls where the sizing met a slow moment, fewer where this one met it."""
        if tally.calls > 1 and batch.seconds > self._longest > 0:
            tally.calls = max(1, tally.calls // 2)  # the machine became busy: sooner done
        elif batch.seconds < _TOO_SHORT * self.wanted:
            needed = self._needed(session, self._per_call(batch))
            if needed > tally.calls:
                tally.calls, tally.short = needed, tally.short + 1

    def _per_call(self, batch: Batch) -> float:
        return max(self._overhead.taken_off(batch.seconds, batch.calls) / batch.calls, 1e-7)

    def _needed(self, session: Session, per_call: float) -> int:
        return max(1, min(math.ceil(self.wanted / per_call), session.setting.capacity))
