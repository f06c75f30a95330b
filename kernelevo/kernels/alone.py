"""Alone: whether calls that come one at a time take much longer than the same calls in a batch.

A program that computes some calls of a batch ahead, and compares each call's inputs with what it has computed
from before it hands out the answer, is right whatever is written when (see ``order``). But where a batch has
one call nothing can be computed ahead, and whether the program knows that it is watched then does not matter:
it can only be as fast as it is. So its quickest lone call may not be much slower than a call of its batches.

Every doubt is in the program's favour, since a process that is woken for a single call has cold caches and
sleeping threads, and on a busy machine waits for a core: the quickest of many calls in a row counts, half of
a call's time and the cost of waking are granted, and nothing is said where the duel was disturbed, or where
one in four lone calls of the baseline, taken in between, would be held against it. So what remains is a gain
of less than a half, one on calls of less than some 0.5 ms, and one on a machine that is never calm. On a
device, where a lone call waits for its launch, nothing is compared, nor of a stateful subject, whose lone
call is the first after its construction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import quantiles

from kernelevo.core import Status
from kernelevo.kernels import rules
from kernelevo.kernels.failed import Failed
from kernelevo.kernels.series import Tally

CALLS, WARMING = 8, 2
"""Lone calls in a row, and how many of them do not count."""
ROUNDS = 4
SLACK = 0.5
"""How much longer, as a share of a call in a batch, a lone call may take."""
WAKING = 4e-4
"""Seconds that waking a process, its threads among them, may cost a lone call."""

One = Callable[[], float]


def one_at_a_time(ours: One, theirs: One, challenger: Tally, defender: Tally, pid: int) -> None:
    """Refuse a program whose calls are far slower alone than in a batch.

    Args:
        ours: times one lone call of the program, in seconds, the protocol's cost taken off.
        theirs: the same of the baseline.
        challenger: what was seen of the program in its duel.
        defender: what was seen of the baseline.
        pid: the program's process.

    Raises:
        Failed: with the status ``wrong``.
    """
    if challenger.calls < 2 or not challenger.seconds:
        return
    quickest = math.inf
    baseline: list[float] = []
    for _ in range(ROUNDS):
        quickest = min([quickest, *_row(ours)])
        if quickest <= _allowed(challenger):
            return
        baseline += _row(theirs)
    if quantiles(baseline, n=4)[-1] <= _allowed(defender):
        saw = (
            "work was moved between the calls of a batch: in one a call takes "
            f"{challenger.median * 1e3:.3g} ms, but of {len(baseline)} that came alone none took less than "
            f"{quickest * 1e3:.3g} ms"
        )
        raise Failed(Status.WRONG, rules.ORDER.broken(saw), pid=pid)


def _allowed(tally: Tally) -> float:
    """Return what a lone call of a subject may take, in seconds."""
    return (1 + SLACK) * tally.median + WAKING


def _row(one: One) -> list[float]:
    return [one() for _ in range(CALLS)][WARMING:]
