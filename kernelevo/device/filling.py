"""Filling: device memory written in many pieces by one kernel, from values that lie on the device already."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kernelevo.device.driver import Driver, Image

_MOST_BLOCKS = 4096


class Row(NamedTuple):
    """One piece of memory that is to be written.

    Args:
        values: address of what it is written from; 0 for zeros.
        factors: address of a factor for each float of it; 0 if bytes are copied as they are.
        out: address of the piece.
        extent: floats, or bytes where there are no factors.
        factor: for all of them; rounded in fp32 after the other one, where it is not 1.
    """

    values: int
    factors: int
    out: int
    extent: int
    factor: float = 1.0


class Buffer:
    """Device memory that grows and is kept: an allocation inside the clock would stall it.

    Args:
        driver: of the device.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._address = self._nbytes = 0

    def of(self, nbytes: int) -> int:
        """Return the address of at least so many bytes."""
        if nbytes > self._nbytes:
            self.free()
            size = 1 << (nbytes - 1).bit_length()
            self._address, self._nbytes = self._driver.allocate(size), size
        return self._address

    def free(self) -> None:
        """Give it back."""
        if self._address:
            address, self._address, self._nbytes = self._address, 0, 0
            self._driver.free(address)


class Filler:
    """Writes rows on one device, in this process's address space.

    Args:
        driver: of the device.
        image: has the kernels ``fill`` and ``differ``.
    """

    def __init__(self, driver: Driver, image: Image) -> None:
        self._driver, self._image = driver, image
        self._table = Buffer(driver)

    @property
    def place(self) -> str:
        """The device, as torch names it."""
        return f"cuda:{self._driver.device}"

    def fill(self, rows: Sequence[Row]) -> None:
        """Write all rows; they are there when this returns.

        Raises:
            RuntimeError: if the driver refuses.
        """
        self._over(
            "fill", [(*row[:4], struct.unpack("<I", struct.pack("<f", row.factor))[0]) for row in rows]
        )

    def same(self, pairs: Sequence[tuple[int, int, int]]) -> bool:
        """Tell whether pieces of memory, each (address, address, bytes), hold the same bytes.

        Raises:
            RuntimeError: if the driver refuses.
        """
        return not self._over("differ", [(a, b, 0, n, 0) for a, b, n in pairs])

    def _over(self, kernel: str, rows: Sequence[tuple[int, ...]]) -> int:
        """Run a kernel over a table; return the number that it leaves behind."""
        if not rows:
            return 0
        table = np.array([(0, 0, 0, 0, 0), *rows], np.uint64)
        driver = self._driver
        driver.enter()
        place = self._table.of(table.nbytes)  # its first entry is where the kernel leaves its number
        driver.write(place, table.ctypes.data, table.nbytes)
        kinds = (ctypes.c_void_p, ctypes.c_int32)
        self._image.launch(kernel, min(len(rows), _MOST_BLOCKS), 256, 0, (place, len(rows)), kinds)
        left = np.zeros(1, np.uint64)
        driver.read(place, left.ctypes.data, left.nbytes)  # waits for the kernel
        return int(left[0])

    def close(self) -> None:
        """Give the table's memory back."""
        self._table.free()
