"""SmClock: at how many MHz the multiprocessors ran during a batch, and whether a block's batches agree."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from statistics import median

import numpy as np

from kernelevo.device.driver import Driver, Image

TOLERANCE = 0.02
"""A batch whose clock is further than this from its block's median is not to be compared with the others."""

Row = Sequence[int]


def megahertz(first: Iterable[Row], last: Iterable[Row]) -> float | None:
    """Return the median clock over the multiprocessors that two stamps share, in MHz.

    Args:
        first: rows (nanoseconds, cycles, multiprocessor) of the earlier stamp.
        last: rows of the later one.

    Returns:
        None where no multiprocessor is in both with time and cycles that went on.
    """
    begun = {sm: (ns, cycles) for ns, cycles, sm in first}
    found = []
    for ns, cycles, sm in last:
        if sm in begun:
            spent, ticks = ns - begun[sm][0], cycles - begun[sm][1]
            if spent > 0 and ticks > 0:
                found.append(ticks / spent * 1e3)
    return median(found) if found else None


def steady(clocks: Iterable[float | None], tolerance: float = TOLERANCE) -> bool:
    """Tell whether a block's batches ran at one clock: none is further from their median than a share of it.

    Clocks that are not known are no reason to drop a block.
    """
    known = [c for c in clocks if c is not None]
    middle = median(known) if known else 0.0
    return all(abs(c - middle) <= tolerance * middle for c in known)


def spread(clocks: Iterable[float | None]) -> float | None:
    """Return (fastest - slowest) / median of the clocks that are known; None without any."""
    known = [c for c in clocks if c is not None]
    return (max(known) - min(known)) / median(known) if known else None


class SmClock:
    """Stamps on one stream.

    Args:
        driver: of the device.
        image: has the kernel ``stamp``.
        stream: handle of the stream.
    """

    def __init__(self, driver: Driver, image: Image, stream: int) -> None:
        self._driver, self._image, self._stream = driver, image, stream
        self._blocks = driver.attribute("MULTIPROCESSOR_COUNT")
        self._rows = np.zeros((2, self._blocks, 3), np.int64)
        first = driver.allocate(self._rows.nbytes)
        self._addresses = (first, first + self._rows.nbytes // 2)

    def stamp(self, which: int) -> None:
        """Queue the first (0) or last (1) stamp; returns at once."""
        self._image.launch(
            "stamp", self._blocks, 32, self._stream, (self._addresses[which],), (ctypes.c_void_p,)
        )

    def read(self) -> float | None:
        """Return the clock between both stamps in MHz; the stream must be done."""
        self._driver.read(self._addresses[0], self._rows.ctypes.data, self._rows.nbytes)
        first, last = self._rows.tolist()
        return megahertz(first, last)
