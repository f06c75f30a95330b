"""Remembered: whether calls of a batch that could be a timed one leave the buffers that the module's leave.

Outputs of timed calls are verified; what else a call writes (running statistics, a queue of keys) shows in
no output of a task without state. A program could keep it up to date in single calls alone. So after the duel
one more batch of the same length is run, its inputs are wiped while the program stands still, and its buffers
are compared with what the module makes of the same calls, from what the program's buffers were before.

What remains: a program that was asked for its buffers may take that for a sign that they are looked at next.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.reference.correctness import FACTOR, GATE, WIDE_GATE, compare_leaf
from kernelevo.kernels.reference.double import is_double
from kernelevo.kernels.reference.gaps import Gap, Report
from kernelevo.kernels.reference.tree import unflatten
from kernelevo.kernels.timing.stream import Stream

GROWTH = 10
"""Calls over which errors of one call add up: a running average of momentum 0.1 forgets what is older."""


def remembers(pool: Pool) -> bool:
    """Tell whether a call of the module changes its buffers."""
    left = pool.first.truth.ref32.buffers
    return any(not torch.equal(value, pool.state[name]) for name, value in left.items())


def batch(session: Session, pool: Pool, stream: Stream, calls: int) -> Report | None:
    """Run so many calls on fresh values and compare the buffers after them; leaves the child stopped.

    Args:
        session: the program.
        pool: has the module.
        stream: fresh values.
        calls: as many as a timed batch has.

    Returns:
        The comparison; None where there is nothing to compare: no buffer changes, the task is stateful (its
        calls are replayed anyway), or the program's buffers have names of their own.

    Raises:
        Failed: if the program breaks off.
    """
    if session.setting.stateful or session.weights == "by seed" or not remembers(pool):
        return None
    before = {k: v for k, v in session.buffers()[0].items() if _like(v, pool.state.get(k))}
    picks = [stream.pick() for _ in range(calls)]
    session.batch(stream.values(picks), [pick.seed for pick in picks])
    session.wipe()
    after, _ = session.buffers()
    given = [(tuple(unflatten(session.setting.structure, stream.near(p))), p.seed) for p in picks]
    expected = pool.replay(pool.timed, given, {**(pool.timed.state or pool.state), **before})
    errors = pool.first.truth.e_buffers
    gaps = (
        gap(name, after, before, value, errors.get(name, 0.0) * min(calls, GROWTH), wide=expected.wide)
        for name, value in expected.buffers.items()
    )
    return Report(tuple(gaps))


def _like(value: torch.Tensor, own: torch.Tensor | None) -> bool:
    """Tell whether a program's buffer can stand for the module's: nothing follows from NaN but NaN."""
    same = own is not None and (value.shape, value.dtype) == (own.shape, own.dtype)
    return same and (not value.is_floating_point() or bool(torch.isfinite(value).all()))


def gap(
    name: str,
    after: Mapping[str, torch.Tensor],
    before: Mapping[str, torch.Tensor],
    expected: torch.Tensor,
    error: float,
    *,
    wide: bool,
) -> Gap:
    """Compare one buffer; rounding errors of many calls are as large as the largest value that took part.

    Args:
        name: of the buffer.
        after: the program's buffers after the calls.
        before: the same before them.
        expected: what the module makes of the same calls, in its own precision.
        error: what PyTorch's own answer may be off by after as many calls, from fp64: deep in a network it is
            far more than a buffer's own rounding.
        wide: whether the module is held to fp64.
    """
    own = after.get(name)
    if own is None or not expected.is_floating_point():
        return compare_leaf(f"buffer {name!r}", own, expected, expected, 0.0)
    values = (
        v.double().abs().nan_to_num(0.0, 0.0, 0.0)
        for v in (before.get(name, expected), expected)
        if v.numel()
    )
    largest = max((float(v.max()) for v in values), default=0.0)
    strict = wide and is_double(expected)
    rounding = WIDE_GATE if strict else max(GATE, float(torch.finfo(expected.dtype).eps) * 64)
    slack = FACTOR * (rounding * largest + error)
    return compare_leaf(f"buffer {name!r}", own, expected, expected, 0.0, slack=slack, wide=strict)
