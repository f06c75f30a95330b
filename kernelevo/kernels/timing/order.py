"""Order: whether a program computes each call from the call's own inputs, when it is called.

All inputs of a batch lie in memory before its first call. A program that computed several calls in one
operation would look faster than any call of it is. So some secret batches are stopped at a secret moment.
The child notes in shared memory which calls are done (``ledger``). What it notes may be a lie, so both sides
of it are held against the program:

- what it says is done must be in memory then, and must not change any more;
- what it does not say is done, save the one call that may be under way, gets other inputs, and must be
  answered from these.

A call that was computed together with the one under way is wrong on either side. No clock is asked, so
however slow or busy a machine is, it makes no honest program look guilty.

What remains: a program that computes ahead, but compares the inputs of each call with what it had computed
from and computes anew where they differ, is right whatever is written when. Nothing is looked for where a
batch has one call, or where the parent cannot write to a device's memory. On a device the outputs that are
done are looked at only where they lie in memory that was shared before the batch.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from kernelevo.core import Status
from kernelevo.kernels.cases.parameters import ParameterSet
from kernelevo.kernels.children.answer import Answer, Batch
from kernelevo.kernels.children.ledger import NOWHERE
from kernelevo.kernels.children.results import parse
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.reference.gaps import Report
from kernelevo.kernels.timing.checking import Checker, Sample
from kernelevo.kernels.timing.series import Stop, Tally
from kernelevo.kernels.timing.stream import Pick, Stream

ENOUGH, TRIES = 6, 16
"""Batches that have to be stopped in their midst, and how many may be run for it: a program that computes two
calls at a time is met between the two in every other one, so it passes once in 64 times, and a winner, judged
in three more processes, once in 17 million."""
ENOUGH_SEARCHING = 2
"""The same in a search whose time for checking is used up: each takes an evaluation of the reference."""
FEWEST = 2
"""Calls below which nothing can be moved from one to another."""
_ASKED, _ASKED_STATEFUL = 6, 2
"""Calls of such a batch that are verified; of a stateful subject all calls before them are replayed."""
_EARLIEST, _LATEST = 0.02, 0.9
_SOONER, _SOONEST = 0.7, 0.05
_KEPT_BYTES = 64 << 20
"""Most bytes that are kept of one such batch."""
_CASE = "in a call of a stopped batch, whose inputs were replaced before its turn"


def can_stop(session: Session, tally: Tally) -> bool:
    """Tell whether a batch of this subject can be stopped to some purpose."""
    return tally.calls >= FEWEST and tally.pace < math.inf and session.rewrites


def stopped(
    session: Session, checker: Checker, stream: Stream, tally: Tally, rng: random.Random
) -> Stop | None:
    """Run one batch that is stopped in its midst; leaves the child stopped.

    Args:
        session: the subject.
        checker: brings it into the shipped state, where it has one.
        stream: fresh values.
        tally: what was seen of it so far: how long a batch takes.
        rng: secret choices.

    Returns:
        What is to be verified; None where hardly a call was left to be begun.

    Raises:
        Failed: with the status ``wrong``, if a call was noted as done before it was.
    """
    setting, calls = session.setting, tally.calls
    picks = [stream.pick() for _ in range(calls)]
    asked = list(picks)
    done: list[int] = []
    there: dict[int, bytes | None] = {}
    changed = False
    whole = tally.pace * calls
    if setting.stateful:
        checker.place(session, checker.timed(session), fresh=True)

    def change(noted: list[int]) -> None:
        nonlocal changed
        done.extend(noted)
        if len(done) + 1 >= calls:
            return
        if setting.on_device:
            time.sleep(whole)  # what was queued when the host was stopped ends without it
        there.update(_outputs(session, done))
        later = range(len(done) + 1, calls)
        for i in later:
            asked[i] = replace(stream.pick(), seed=picks[i].seed)
        changed = session.rewrite(later, stream.values(asked))

    batch = session.batch(
        stream.values(picks),
        [pick.seed for pick in picks],
        midway=(rng.uniform(_EARLIEST, _LATEST) * tally.reach * whole, change),
    )
    if not changed:
        tally.reach = max(_SOONEST, tally.reach * _SOONER)  # what the host queues is queued sooner
        return None
    _were_there(session, batch, done, there)
    first = len(done) + 1
    most = _ASKED_STATEFUL if setting.stateful else _ASKED
    most = max(2, min(most, _KEPT_BYTES // max(setting.output_bytes, 1)))
    others = rng.sample(range(first + 1, calls), min(most - 1, calls - first - 1))
    return _to_verify(session, batch, picks, asked, [first, *others], checker.timed(session))


def _outputs(session: Session, done: Sequence[int]) -> dict[int, bytes | None]:
    """Read the first output of calls that are done, the latest first, as it lies in the child's memory."""
    leaves = [leaf for leaf in session.setting.outputs["leaves"] if "dtype" in leaf]
    if not leaves:
        return {}
    one = torch.empty(0, dtype=getattr(torch, leaves[0]["dtype"])).itemsize
    nbytes = one
    for size in leaves[0]["shape"]:
        nbytes *= size
    found: dict[int, bytes | None] = {}
    for call in reversed(range(len(done))):
        if nbytes * (len(found) + 1) > max(_KEPT_BYTES, nbytes):
            break
        if nbytes and done[call] != NOWHERE:
            found[call] = session.peek(done[call], nbytes) or session.peek(done[call], one)
    return found


def _were_there(session: Session, batch: Batch, done: Sequence[int], there: dict[int, bytes | None]) -> None:
    """Refuse a program that had noted a call as done whose output is elsewhere, or another, in the end."""
    parsed = parse(batch.said, batch.calls, session.setting.device.partition(":")[0])
    for call, seen in there.items():
        tensors = parsed[call][2]
        if seen is None and session.setting.staged:
            continue  # memory that the child shares with us only after the batch
        if not tensors or tensors[0][0] != done[call]:
            raise _early(session, "a call was said to be done whose output turned up elsewhere")
        nbytes = min(len(seen or b""), tensors[0][1].nbytes)
        if seen is None or session.peek(done[call], nbytes) != seen[:nbytes]:
            raise _early(session, "a call was said to be done whose output was not there yet")


def _to_verify(
    session: Session,
    batch: Batch,
    picks: Sequence[Pick],
    asked: Sequence[Pick],
    calls: Sequence[int],
    parameters: ParameterSet,
) -> Stop:
    def sample(given: Sequence[Pick], call: int, answer: Answer) -> Sample:
        start = 0 if session.setting.stateful else call
        return Sample(tuple(given[start : call + 1]), answer, parameters)

    answers = [(call, session.answer(batch.said, call, batch.calls)) for call in calls]
    return Stop(
        tuple(sample(asked, call, answer) for call, answer in answers),
        tuple(sample(picks, call, answer) for call, answer in answers),
    )


def verify(
    session: Session,
    checker: Checker,
    stream: Stream,
    stops: Sequence[Stop],
    seconds: float,
    fewest: int = ENOUGH,
) -> int:
    """Compare what was kept of stopped batches with the reference; return how many calls were verified.

    Args:
        session: the subject.
        checker: has the reference.
        stream: what the inputs came from.
        stops: the batches.
        seconds: begin no comparison after so long.
        fewest: of so many batches the call after the one under way is verified however long it takes.

    Raises:
        Failed: with the status ``wrong``: work was moved if a call is right for the inputs that lay in its
            place before; else nobody knows why its answer is wrong, and it is only shown where.
    """
    setting = session.setting

    def wrong(sample: Sample) -> Report | None:
        return checker.verify(setting.stateful, stream, setting.structure, [sample], 0.0)[1]

    end = time.monotonic() + seconds
    order = sorted((i, n) for n, stop in enumerate(stops) for i in range(len(stop.asked)))
    for verified, (i, n) in enumerate(order):
        if (i or n >= fewest) and time.monotonic() > end:
            return verified
        report = wrong(stops[n].asked[i])
        if report is None:
            continue
        if wrong(stops[n].before[i]) is None:
            raise _early(session, "a call was answered from what lay in its place before its turn")
        raise Failed(Status.WRONG, rules.wrong_result(report, _CASE), pid=session.child.pid)
    return len(order)


def _early(session: Session, saw: str) -> Failed:
    return Failed(
        Status.WRONG,
        rules.ORDER.broken(f"work was moved between the calls of a batch, before its turn: {saw}"),
        pid=session.child.pid,
    )
