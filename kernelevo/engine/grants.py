"""Grants: what each trial that is in flight may use of the budget, set aside when it is handed out."""

from __future__ import annotations

import math
from collections.abc import Mapping

from kernelevo.engine.budget import Meter, in_words
from kernelevo.engine.pace import Pace
from kernelevo.engine.pipeline import MEASURE

DEVICE = "device_seconds"
_REACHED = {"seconds": 0.0, "dollars": 0.0, "tokens": 0.0}
"""Units that an ask needs some room in; its proposer sets aside what it may cost."""


class Grants:
    """Sets a trial and its time on the device aside for each ask, and settles them when the trial has ended.

    The time on the device is the median of what the run's programs took so far (the task's own programs are
    the first of them); while nothing was measured it is all that is left, so that one trial is measured
    alone. When its turn on the device comes, a trial is held against what the others really took: it stays
    out if the median of now does not fit any more. So a budget of device seconds is passed by no more than
    what the trials on the device take beyond the median, one for each that measures.

    Args:
        meter: the run's budget.
        pace: what programs took.
    """

    def __init__(self, meter: Meter, pace: Pace) -> None:
        self._meter, self._pace = meter, pace
        self._held: dict[int, dict[str, float]] = {}
        self._measuring: dict[int, float] = {}

    @property
    def expected(self) -> float:
        """Seconds of the device that a trial is believed to take."""
        known = self._pace.median(MEASURE)
        if known is not None:
            return known
        left = self._meter.left(DEVICE)
        return left if math.isfinite(left) else 0.0

    @property
    def room(self) -> bool:
        """Whether a new trial would be granted now."""
        wanted = {**self._one, **_REACHED}
        return all(self._meter.fits(u, n, beside=self._meter.reserved(u)) for u, n in wanted.items())

    def ask(self, number: int) -> bool:
        """Set aside what a new trial may use; False if the budget has no room for it."""
        if self.room:
            self.hold(number)
            return True
        return False

    def hold(self, number: int) -> None:
        """Set aside for a trial that was granted in an earlier sitting; nobody asks whether there is room."""
        self._held[number] = self._one
        self._meter.hold(self._held[number])

    def may_measure(self, number: int) -> bool:
        """Whether the device's budget has room for this trial now; it is on the device then.

        One without a grant (the task's own programs) may always.
        """
        if number not in self._held:
            return True
        wanted = self.expected
        if not self._meter.fits(DEVICE, wanted, beside=sum(self._measuring.values())):
            return False
        self._measuring[number] = wanted
        return True

    def settle(self, number: int, device_seconds: float) -> None:
        """Write down what a trial used that has ended, whatever came of it, and give back the rest."""
        if held := self._taken_back(number):
            self._meter.settle(held, {"trials": 1.0, DEVICE: device_seconds})

    def release(self, number: int) -> None:
        """Give everything back: no trial came of it."""
        self._meter.settle(self._taken_back(number), {})

    @property
    def _one(self) -> dict[str, float]:
        return {"trials": 1.0, DEVICE: self.expected}

    def _taken_back(self, number: int) -> Mapping[str, float]:
        self._measuring.pop(number, None)
        return self._held.pop(number, {})

    @property
    def spent(self) -> str:
        """Why nothing more is asked or measured, in words."""
        budget, left = self._meter.budget, self._meter.left(DEVICE)
        if not (self._meter.spent() or self.expected <= left):
            took = in_words(self.expected)
            return f"the budget of {budget} is spent: {in_words(left)} are left, a verdict takes {took}"
        return f"the budget of {budget} is spent"
