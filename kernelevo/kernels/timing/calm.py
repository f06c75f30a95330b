"""Calm: whether other work took part in one block's times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kernelevo.device.clock import Disturbance

# Measured on an idle machine: threads wait about 1 ms in all to be put back on their cores when a batch
# begins, and up to 5 % of a core for one another inside it. Only more than that is somebody else's work.
_WAKE_NS = 1_000_000
_LOST = 0.05

Loss = tuple[int | None, float]
"""One batch: nanoseconds that others may have taken from it (None if not known), and its seconds."""


def alone(block: Disturbance, batches: Sequence[Loss]) -> bool:
    """Return whether nothing else used the machine while a block's batches ran.

    What is lost counts inside the batches alone: between them inputs are written and outputs are read, and
    threads that meet there delay nothing that is timed.

    Args:
        block: what was seen over the whole block.
        batches: its batches.
    """
    lost = [ns for ns, _ in batches if ns is not None]
    if len(lost) < len(batches):
        return not block.too_much(_LOST, len(batches) * _WAKE_NS)
    timed = sum(seconds for _, seconds in batches)
    if sum(lost) > _LOST * timed * 1e9 + len(batches) * _WAKE_NS:
        return False
    return not replace(block, waited_ns=None).too_much(_LOST)
