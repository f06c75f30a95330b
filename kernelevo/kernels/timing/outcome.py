"""Outcome: what a duel of two subjects came to."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kernelevo.device.statistics import MIN_BLOCKS, Estimate
from kernelevo.kernels.timing.series import Tally

_BY_FAR = 0.7
_LATE, _LAST = 8.0, 24.0  # times its seconds: a duel ends by then, without an interval if need be
_HALVES = 2  # a block gives two ratios


@dataclass(frozen=True)
class Blocks:
    """How many blocks a duel has at the least (one in any case, however slow the machine is).

    Args:
        calm: where enough of them were not disturbed.
        disturbed: where other work disturbs. Each side's shortest time stands for it then, and that needs
            some occasions to be calm.
        patience: a duel that could end but for calm blocks goes on for so many times its seconds at the
            most where that promises enough of them: a process that was disturbed is repeated otherwise, with
            all that precedes its duel.
    """

    calm: int = 3
    disturbed: int = 8
    patience: float = 0.0

    def late(self, usable: int, elapsed: float, seconds: float) -> bool:
        """Tell whether a duel ends with the blocks that it has.

        Where calls take seconds, few blocks fit into any time; it goes on for those that an interval needs.

        Args:
            usable: blocks that would count.
            elapsed: seconds spent.
            seconds: those that the duel was given.
        """
        known = _HALVES * usable >= MIN_BLOCKS
        return elapsed > (_LATE if known else _LAST) * seconds

    def wait(self, calm: int, elapsed: float, seconds: float) -> bool:
        """Tell whether to go on for the sake of calm blocks.

        Args:
            calm: blocks that nothing disturbed, too few so far.
            elapsed: seconds spent.
            seconds: those that the duel was given.
        """
        most = self.patience * seconds
        return elapsed < most and calm * most >= max(self.calm, MIN_BLOCKS) * elapsed


@dataclass(frozen=True)
class Outcome:
    """The result of a duel.

    Args:
        ratio: defender's seconds / challenger's seconds: above 1 the challenger is faster.
        challenger: what was seen of it.
        defender: what was seen of it.
        blocks: blocks of four batches that counted.
        dropped: blocks left out because something else used the machine.
        disturbed: blocks that were disturbed too and had to be used, since calm ones were too few.
    """

    ratio: Estimate
    challenger: Tally
    defender: Tally
    blocks: int
    dropped: int
    disturbed: int = 0

    def below(self, floor: float | None) -> bool:
        """Tell whether the challenger is clearly below a ratio; without an interval, by far."""
        if floor is None:
            return False
        known = math.isfinite(self.ratio.high)
        return self.ratio.high < floor if known else self.ratio.ratio < _BY_FAR * floor
