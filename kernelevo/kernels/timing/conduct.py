"""Conduct: what a program may not do besides answering wrongly, as its stopped process shows it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from kernelevo.core import Status
from kernelevo.kernels.children.answer import Answer, Batch
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import Failed

REST_SECONDS = 0.002


@dataclass(frozen=True)
class Held:
    """A result that its caller holds on to while others come.

    Args:
        batch: the batch that it came from.
        index: number of its call.
        answer: what it was when it was returned.
    """

    batch: Batch
    index: int
    answer: Answer


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Tell whether two tensors hold the same bytes (so NaN equals NaN), on this thread alone."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    first, second = (v.contiguous().flatten().view(torch.uint8).numpy() for v in (a, b))
    whole = first.size // 8 * 8  # eight bytes a comparison: inputs may be hundreds of MB
    words = np.array_equal(first[:whole].view(np.int64), second[:whole].view(np.int64))
    return bool(words) and bool(np.array_equal(first[whole:], second[whole:]))


def inputs_kept(session: Session, slot: int, given: Sequence[torch.Tensor]) -> None:
    """Refuse a program that has written to its inputs."""
    near = any(value.device.type != "cpu" for value in given)
    if near and session.holds(slot, given):
        return
    for i, (view, value) in enumerate(zip(session.inputs(slot), given, strict=True)):
        if not same(view, value.cpu()):
            saw = f"the program writes to its input number {i}; inputs must stay as they are"
            raise Failed(Status.REJECTED, rules.INPUTS.broken(saw))


def own_memory(session: Session, answers: Sequence[Answer]) -> None:
    """Refuse outputs that lie in an input, in a shared weight, or in one another across calls."""
    if not any(session.setting.returns_input):
        shared = session.shared_ranges()
        for answer in answers:
            if any(a < end and start < b for a, b in answer.spans for start, end in shared):
                saw = "an output shares memory with an input or a weight"
                raise Failed(Status.REJECTED, rules.OWN_MEMORY.broken(saw))
    spans = sorted((span, i) for i, answer in enumerate(answers) for span in answer.spans)
    first = second = (0, -1)  # how far a call has reached so far, and the farthest of another one
    for (start, end), i in spans:
        if any(start < reached and j != i for reached, j in (first, second)):
            saw = "outputs of different calls share memory"
            raise Failed(Status.REJECTED, rules.ACROSS_CALLS.broken(saw))
        if i == first[1]:
            first = max(first, (end, i))
        elif end > first[0]:
            first, second = (end, i), first
        else:
            second = max(second, (end, i))


def leaves_apart(session: Session, answer: Answer) -> None:
    """Refuse a result whose tensors share memory with one another, where the module's own do not.

    Looked at are those without gaps: two may lie in one piece of memory and share no element.
    """
    if session.setting.shares:
        return
    tensors = [v for v in answer.leaves if isinstance(v, torch.Tensor) and v.numel()]
    spans = [(start, end) for start, end in answer.spans if start < end]
    dense = sorted(
        (start, end)
        for v, (start, end) in zip(tensors, spans, strict=True)
        if v.numel() * v.element_size() == end - start
    )
    if any(start < end for (_, end), (start, _) in pairwise(dense)):
        saw = "two tensors of one result share memory"
        raise Failed(Status.REJECTED, rules.OWN_MEMORY.broken(saw))


def parameters_kept(session: Session, expected: Mapping[str, torch.Tensor]) -> None:
    """Refuse a program whose parameters are others than those it was given: they are its caller's too.

    Args:
        session: the subject, placed under the module's own names.
        expected: what it was given, by name.
    """
    for name, value in session.parameters().items():
        if name in expected and not same(value, expected[name]):
            saw = f"the program writes to its own parameter {name!r}"
            raise Failed(Status.REJECTED, rules.STATE.broken(saw))


def still(session: Session, held: Held) -> None:
    """Refuse a program of which a later call has written to a result that is held; asked for at the end.

    A few buffers in turn look like fresh memory to whoever compares the calls of one batch.
    """
    setting = session.setting
    theirs = [a or b for a, b in zip(setting.returns_input, setting.returns_held, strict=True)]
    if _changed(held.answer, session.held(held.batch, held.index), theirs):
        saw = "a result that is still held was overwritten by a later call"
        raise Failed(Status.REJECTED, rules.ACROSS_CALLS.broken(saw))


def final(session: Session, batch: Batch, index: int, answer: Answer) -> None:
    """Refuse outputs that still change after the call; leaves the child stopped."""
    session.ask("rest", seconds=REST_SECONDS)
    session.stop()
    again = session.answer(batch.said, index, batch.calls)
    if _changed(answer, again):
        saw = "an output changed after it was returned (a deferred write)"
        raise Failed(Status.REJECTED, rules.FINAL.broken(saw))


def digest(session: Session, batch: Batch) -> bytes:
    """Hash a batch's outputs as they are now; where that takes copies, of the first and last call."""
    digest = hashlib.sha256()
    if session.setting.staged:
        if session.reading is not None and not session.reading.unchanged():
            saw = "outputs changed after they were returned (a deferred write)"
            raise Failed(Status.REJECTED, rules.FINAL.broken(saw))
        for index in sorted({0, batch.calls - 1}):
            for leaf in session.answer(batch.said, index, batch.calls).leaves:
                if isinstance(leaf, torch.Tensor) and leaf.numel():
                    digest.update(leaf.contiguous().flatten().view(torch.uint8).numpy().data)
    else:
        for spans in session.places(batch):
            if sum(size for _, size in spans) > session.setting.most_bytes:
                raise Failed(Status.REJECTED, rules.SIZE.broken(rules.TOO_LARGE))
            for piece in session.child.read_many(spans):
                digest.update(piece.data)
    return digest.digest()


def _changed(before: Answer, after: Answer, but: Sequence[bool] = ()) -> bool:
    """Tell whether a result's tensors are others than before, but for some of its leaves."""
    if len(before.leaves) != len(after.leaves):
        return True
    skipped = but if len(but) == len(before.leaves) else [False] * len(before.leaves)
    leaves = zip(before.leaves, after.leaves, skipped, strict=True)
    pairs = [(a, b) for a, b, skip in leaves if isinstance(a, torch.Tensor) and not skip]
    return any(not isinstance(b, torch.Tensor) or not same(a, b) for a, b in pairs)
