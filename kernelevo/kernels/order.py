"""Order: whether a program computes each call from the call's own inputs, when it is called.

All inputs of a batch lie in memory before its first call. A program that computed later calls early, or left
earlier ones for later, could do many in one operation and would look faster than any call of it is. So a
batch is stopped in its midst: its first and its last call get other inputs. By then the first call was
answered, from its old inputs; the last one has not begun, and must be answered from the new ones. A program
that fills in calls one after the other at the pace of the batch, a few ahead, is not seen by this.
"""

from __future__ import annotations

import random
from dataclasses import replace

import torch

from kernelevo.core import Status
from kernelevo.device.clock import process_time_ns
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
_EARLIEST, _LATEST = 0.3, 0.5
_BEGUN = 0.15


def in_order(session: Session, checker: Checker, stream: Stream, tally: Tally, rng: random.Random) -> None:
    """Refuse a program that answers a batch's calls before or after their turn; leaves the child stopped.

    Nothing is done where the parent cannot change inputs in a batch (they were copied elsewhere), where each
    call needs the one before it, or where a batch has few calls.

    Raises:
        Failed: with the status ``wrong``.
    """
    setting = session.setting
    if setting.staged or setting.stateful or tally.calls < FEWEST or not tally.seconds:
        return
    moved: list[str] = []
    for _ in range(TRIES):
        found = _moved(session, checker, stream, tally, rng)
        moved += [] if found is None else [found]
        if len(moved) == SEEN or sum(map(bool, moved)) == REFUSED:
            break
    words = [each for each in moved if each]
    if len(words) >= REFUSED:
        raise Failed(
            Status.WRONG,
            f"work was moved between the calls of a batch: {words[0]}\n"
            "compute each call from its own inputs, when it is called",
            pid=session.child.pid,
        )


def _moved(
    session: Session, checker: Checker, stream: Stream, tally: Tally, rng: random.Random
) -> str | None:
    """Stop one batch in its midst; return what was computed out of turn, or an empty text.

    None where it was done before it could be stopped: a busy machine let us sleep too long.
    """
    calls, pid = tally.calls, session.child.pid
    whole = min(tally.seconds) * calls
    picks = [stream.pick() for _ in range(calls)]
    others = {i: replace(stream.pick(), seed=picks[i].seed) for i in (0, calls - 1)}
    worked: list[int] = []
    begun = 0

    def write(i: int, views: list[torch.Tensor]) -> None:
        nonlocal begun
        stream.write(picks[i], views)
        begun = process_time_ns(pid)

    def change() -> None:
        worked.append(process_time_ns(pid) - begun)
        for i, pick in others.items():
            stream.write(pick, session.slot(i))

    batch = session.batch(
        write,
        [pick.seed for pick in picks],
        midway=(rng.uniform(_EARLIEST, _LATEST) * whole, change),
    )
    if not worked:
        return None
    structure = session.setting.structure

    def answers(index: int, *, new: bool) -> bool:
        """Whether a call was answered from these inputs, and not from the others."""
        answer = session.answer(batch.said, index, calls)
        right, other = (others[index], picks[index]) if new else (picks[index], others[index])
        return checker.matches(stream, structure, right, answer) and not checker.matches(
            stream, structure, other, answer
        )

    if answers(calls - 1, new=False):
        return "the last call was computed long before it was made"
    if worked[0] > _BEGUN * whole * 1e9 and answers(0, new=True):
        return "the first call was computed long after it had returned"
    return ""
