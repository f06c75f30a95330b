"""Unseen: whether a program takes as long on inputs that were drawn for one call alone.

The free inputs of timed calls are parts of larger sets, each number times a factor from 0.9 to 1: drawing
anew for every call would take longer than the calls. Signs and order of size survive, so a program can find
out which part it was given, and answer from what it has read of the set before: the largest value of a row
from a few candidates. So a winner also gets batches whose inputs were all drawn anew, in turn with others.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kernelevo.core import Status
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.timing.stream import Pick, Stream

PAIRS = 3
"""Batches of each kind, at the most."""
SLOWER = 1.25
"""Times the slowest other batch that the quickest on unseen inputs must take to say something."""

Run = Callable[[list[Pick]], float]


def look(run: Run, stream: Stream, calls: int, seconds: float) -> None:
    """Time batches on unseen inputs in turn with others, twice where the first time says something.

    Args:
        run: takes the device for a batch, runs it and returns its seconds; inputs are drawn before it.
        stream: of values; nothing is looked for where it draws all of them anew anyway.
        calls: as many as a timed batch has.
        seconds: begin no pair after so long, but for a second one where the first is suspicious.

    Raises:
        Failed: if all batches on unseen inputs are clearly slower, both times.
    """
    if not stream.windows:
        return
    ratio = _ratio(run, stream, calls, seconds)
    if ratio <= SLOWER:
        return
    again = _ratio(run, stream, calls, seconds)
    if again > SLOWER:
        saw = f"on inputs that it has never seen the program takes {min(ratio, again):.2f} times as long"
        raise Failed(Status.REJECTED, rules.UNSEEN.broken(saw))


def _ratio(run: Run, stream: Stream, calls: int, seconds: float) -> float:
    """Return the quickest batch on unseen inputs over the slowest other one.

    More pairs only make it smaller, so the first that says nothing is the last. One alone convicts nobody.
    """
    end = time.monotonic() + seconds
    known: list[float] = []
    unseen: list[float] = []
    while True:
        picked = [stream.pick() for _ in range(calls)]
        # of the same kinds: a program may take as long as its data ask for
        drawn = picked, [stream.unlike(pick.distribution) for pick in picked]
        for picks, spent in zip(drawn, (known, unseen), strict=True):
            spent.append(run(picks))
        ratio = min(unseen) / max(known)
        late = len(unseen) > 1 and time.monotonic() >= end
        if ratio <= SLOWER or late or len(unseen) == PAIRS:
            return ratio
