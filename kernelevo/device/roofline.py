"""Roofline: how fast work could be at a device's measured ceilings, and the floor that no call is under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kernelevo.device.ceilings import SPLIT, Ceilings

Bound = Literal["memory", "compute"]

CACHED_MARGIN = 2.0
"""Times the measured cached bandwidth: more than that no call is believed to move."""
MEMORY_MARGIN = 3.0
"""Times the measured bandwidth of a large copy: such a copy may move three bytes for two that count (a line
that is written is read first), and may have been measured while others used the memory."""
CACHE_MARGIN = 4
"""Times the caches' size as the system tells it: a guest is often told of less than it uses."""

# what may do the work of a program of each precision class; the fastest counts
_UNITS = {
    "fp32-accurate": ("fp32", SPLIT),
    "tf32": ("fp32", "tf32"),
    "bfloat16": ("bf16",),
    "float16": ("fp16",),
}


@dataclass(frozen=True)
class Roofline:
    """The least time of a call at the measured ceilings, if it does the reference's work.

    Args:
        seconds: of one call.
        bound: which side of the roof it lies under.
    """

    seconds: float
    bound: Bound


def roofline(flops: float, moved: float, ceilings: Ceilings, precision: str) -> Roofline | None:
    """Return the larger of two times: bytes at the rate of a large copy, operations at that of products.

    It is a yardstick, not a limit: a program that removes work (pools before it projects, folds two products
    into one) needs fewer operations than the reference, and values that caches hold come faster than a large
    copy. So a measured time may lie below it, and its fraction above 1.

    Args:
        flops: operations of the reference's products, convolutions and attention in one call.
        moved: bytes that one call reads and writes, each once.
        ceilings: of the device.
        precision: the class that was measured of the program (``"fp32-accurate"``, ``"tf32"``, ...); of
            another name, such as ``"lower"``, the fastest unit counts; ``"fp64"`` is a module's in fp64.

    Returns:
        None where a ceiling that it needs was not measured.
    """
    units = ("fp64",) if precision == "fp64" else _UNITS.get(precision, tuple(ceilings.tflops))
    rates = [ceilings.tflops[unit] for unit in units if unit in ceilings.tflops]
    if ceilings.copy_gbs is None or (flops and not rates):
        return None
    memory = moved / (ceilings.copy_gbs * 1e9)
    compute = flops / (max(rates) * 1e12) if flops else 0.0
    if memory <= 0 and compute <= 0:
        return None
    return Roofline(max(memory, compute), "compute" if compute > memory else "memory")


@dataclass(frozen=True)
class Floor:
    """The time below which no batch of honest calls can end.

    It counts only bytes that a call cannot do without: the elements of its inputs that the answer depends
    on, and the elements of its outputs that change with the inputs, both of which are other memory for each
    call. Neither operations nor weights are part of it: a program may remove operations by algebra, and may
    fold weights, pack them, and keep them in its caches.

    Two things bound how fast those bytes move:

    - Every byte passes a core (or the GPU's L2), and together those move no more than ``CACHED_MARGIN``
      times what they were measured to copy within their caches.
    - What the caches do not hold comes from memory. At the beginning they may hold inputs, at the end
      outputs, so of each as many bytes as there are caches are taken off, and the rest moves no faster than
      ``MEMORY_MARGIN`` times what a large copy was measured to.

    The margins stand for units that copy less than they could (a core loads twice as much as it stores; a
    line is read before it is written) and for ceilings that were measured in a busy moment; a batch so small
    that the first level of a cache holds it takes less than a microsecond, and a round trip is many.

    Args:
        cached: bytes per second that pass the cores at the most.
        memory: bytes per second to and from memory at the most; None if not known.
        caches: bytes that caches may hold; None if not known (then memory bounds nothing).
    """

    cached: float
    memory: float | None
    caches: int | None

    @classmethod
    def of(cls, ceilings: Ceilings) -> Floor | None:
        """Return the floor that ceilings mean; None where the cached bandwidth was not measured."""
        if ceilings.cached_gbs is None:
            return None
        memory = None if ceilings.copy_gbs is None else MEMORY_MARGIN * ceilings.copy_gbs * 1e9
        caches = None if ceilings.cache_bytes is None else CACHE_MARGIN * ceilings.cache_bytes
        # a copy that the caches do not hold was faster: then the cached one was disturbed
        cached = max(CACHED_MARGIN * ceilings.cached_gbs * 1e9, memory or 0.0)
        return cls(cached, memory, caches)

    def seconds(self, read: float, written: float, calls: int = 1) -> float:
        """Return the least time of a batch.

        Args:
            read: input bytes of one call that the answer depends on.
            written: output bytes of one call that change with its inputs.
            calls: how many calls, each on memory of its own.
        """
        through = calls * (read + written) / self.cached
        if self.memory is None or self.caches is None:
            return through
        beyond = max(0.0, calls * read - self.caches) + max(0.0, calls * written - self.caches)
        return max(through, beyond / self.memory)
