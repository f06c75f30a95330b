"""Order: whether a program computes each call from the call's own inputs, when it is called.

All inputs of a batch lie in memory before its first call. A program that computed all calls in the first one,
or left all of them for the last one, could do them in one operation and would look faster than any call of it
is. So a batch is stopped in its midst, and its last call gets other inputs: it has not begun by then, however
slow the machine is, and must be answered from the new ones. A program that is only a few calls ahead of their
turn is not seen by this.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace

import torch

from kernelevo.core import Status
from kernelevo.kernels import rules
from kernelevo.kernels.checking import Checker
from kernelevo.kernels.failed import Failed
from kernelevo.kernels.inputs import Stream
from kernelevo.kernels.series import Tally
from kernelevo.kernels.session import Session

FEWEST = 8
"""Calls below which a batch has no midst to speak of."""
TRIES, SEEN, REFUSED = 8, 3, 2
"""Batches that may be run for it; how many have to be caught in their midst; how many of those must look so
before a program is refused."""
_EARLIEST, _LATEST, _TOO_LATE = 0.15, 0.35, 0.5
"""When a batch is stopped, as a share of the shortest one that was seen; after how much of that it tells
nothing: calls may be done while their outputs are still being described."""


def in_order(session: Session, checker: Checker, stream: Stream, tally: Tally, rng: random.Random) -> None:
    """Refuse a program that answers the last call of a batch before its turn; leaves the child stopped.

    Nothing is done where the parent cannot change inputs in a batch (they were copied elsewhere), where each
    call needs the one before it, or where a batch has few calls.

    Raises:
        Failed: with the status ``wrong``.
    """
    setting = session.setting
    if setting.staged or setting.stateful or tally.calls < FEWEST or not tally.seconds:
        return
    early: list[bool] = []
    for _ in range(TRIES):
        found = _early(session, checker, stream, tally, rng)
        early += [] if found is None else [found]
        if len(early) == SEEN or sum(early) == REFUSED:
            break
    if sum(early) >= REFUSED:
        raise Failed(
            Status.WRONG,
            rules.ORDER.broken(
                "work was moved between the calls of a batch: the last call was answered long before its turn"
            ),
            pid=session.child.pid,
        )


def _early(
    session: Session, checker: Checker, stream: Stream, tally: Tally, rng: random.Random
) -> bool | None:
    """Stop one batch in its midst; tell whether its last call was answered from what it had before.

    None where it could not be stopped in time: a busy machine let us sleep too long.
    """
    calls = tally.calls
    picks = [stream.pick() for _ in range(calls)]
    old = picks[-1]
    new = replace(stream.pick(), seed=old.seed)
    whole = min(tally.seconds) * calls
    begun, caught = 0.0, False

    def write(i: int, views: list[torch.Tensor]) -> None:
        nonlocal begun
        stream.write(picks[i], views)
        begun = time.monotonic()

    def change() -> None:
        nonlocal caught
        caught = time.monotonic() - begun < _TOO_LATE * whole
        if caught:
            stream.write(new, session.slot(calls - 1))

    batch = session.batch(
        write,
        [pick.seed for pick in picks],
        midway=(rng.uniform(_EARLIEST, _LATEST) * whole, change),
    )
    if not caught:
        return None
    structure = session.setting.structure
    answer = session.answer(batch.said, calls - 1, calls)
    before, now = (checker.matches(stream, structure, pick, answer) for pick in (old, new))
    return before and not now
