"""Memory of a device read from another process: one side exports its allocations, the other opens them."""

from __future__ import annotations

import ctypes
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernelevo.device.driver import Driver, Image
from kernelevo.device.filling import Buffer, Filler, Row


class Exports:
    """What a process tells another so that it can read this one's tensors.

    Args:
        driver: of the device.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._handles: dict[tuple[int, int, int], bytes] = {}

    def of(self, addresses: Iterable[int]) -> list[list[Any]]:
        """Return ``[base, bytes, id, handle in hex]`` of every allocation that an address lies in.

        The driver is asked once for each allocation, not for each address; an allocation that was freed and
        made anew at the same place has another id.

        Raises:
            RuntimeError: where the driver knows no allocation there, or cannot share it.
        """
        found: list[tuple[int, int, int]] = []
        for address in addresses:
            at = bisect_right(found, (address, 1 << 63, 0)) - 1
            if at < 0 or not found[at][0] <= address < found[at][0] + found[at][1]:
                insort(found, self._driver.allocation(address))
        return [[*key, self._handle(key).hex()] for key in found]

    def _handle(self, key: tuple[int, int, int]) -> bytes:
        if key not in self._handles:
            # an allocation with the same base is gone: its handle must not be handed out again
            self._handles = {k: v for k, v in self._handles.items() if k[0] != key[0]}
            self._handles[key] = self._driver.share(key[0])
        return self._handles[key]


@dataclass(frozen=True)
class _Opened:
    identity: tuple[int, str]
    here: int
    nbytes: int


class Imports:
    """Another process's allocations, mapped into this one.

    Args:
        driver: of the device.
        image: has the kernels ``gather``, ``fill`` and ``differ``.
    """

    def __init__(self, driver: Driver, image: Image) -> None:
        self._driver, self._image = driver, image
        self._filler = Filler(driver, image)
        self._table, self._out = Buffer(driver), Buffer(driver)
        self._opened: dict[int, _Opened] = {}
        self._bases: list[int] = []

    def take(self, segments: Sequence[Sequence[Any]]) -> None:
        """Open what is new among the allocations that ``Exports.of`` told; close what they replace.

        How large each is, is asked of our own driver: the other process's word counts for nothing.

        Raises:
            RuntimeError: if the driver cannot open one.
            ValueError: if it is no such list.
        """
        self._driver.enter()
        for base, _, serial, handle in segments:
            identity, old = (int(serial), str(handle)), self._opened.get(int(base))
            if old is not None and old.identity == identity:
                continue
            if old is not None:
                self._close(int(base))
            here = self._driver.open(bytes.fromhex(str(handle)))
            start, size, _ = self._driver.allocation(here)
            self._opened[int(base)] = _Opened(identity, here, start + size - here)
            insort(self._bases, int(base))

    def here(self, address: int, nbytes: int) -> int:
        """Return where a piece of the other process's memory lies in this one.

        Raises:
            LookupError: if it is not wholly inside one allocation that was opened.
        """
        at = bisect_right(self._bases, address) - 1
        if at >= 0:
            base = self._bases[at]
            if address + nbytes <= base + self._opened[base].nbytes:
                return self._opened[base].here + address - base
        raise LookupError(f"{nbytes} bytes at {address:#x} are in no allocation that was shared")

    def read(self, address: int, nbytes: int) -> NDArray[np.uint8]:
        """Return a copy of a piece of memory, as it is now.

        Raises:
            LookupError: as ``here``.
            RuntimeError: if the driver cannot copy it.
        """
        copy = np.empty(nbytes, np.uint8)
        place = self.here(address, nbytes)
        self._driver.enter()
        self._driver.read(place, copy.ctypes.data, nbytes)
        return copy

    def write(self, address: int, values: NDArray[np.uint8]) -> None:
        """Write bytes to a piece of memory, at once: no stream of the other process is waited for.

        Raises:
            LookupError: as ``here``.
            RuntimeError: if the driver cannot copy it.
        """
        source = np.ascontiguousarray(values)
        place = self.here(address, source.nbytes)
        self._driver.enter()
        self._driver.write(place, source.ctypes.data, source.nbytes)

    def fill(self, rows: Sequence[Row]) -> None:
        """Write rows whose ``out`` is the other process's, from this one's memory.

        Raises:
            LookupError: as ``here``, or where floats would come to lie at an odd address, which no device
                forgives.
            RuntimeError: if the driver refuses.
        """
        placed = []
        for row in rows:
            width = 4 if row.factors else 1
            here = self.here(row.out, row.extent * width)
            if here % width:
                raise LookupError(f"no float lies at the odd address {row.out:#x}")
            placed.append(row._replace(out=here))
        self._filler.fill(placed)

    def same(self, pairs: Sequence[tuple[int, int, int]]) -> bool:
        """Tell whether pieces, each (address of the other process's, of this one's, bytes), are equal.

        Raises:
            LookupError: as ``here``.
            RuntimeError: if the driver refuses.
        """
        return self._filler.same([(self.here(a, n), b, n) for a, b, n in pairs])

    def gather(self, pieces: Sequence[tuple[int, int]]) -> bytes:
        """Return several (address, bytes) pieces one after the other: one kernel, one copy.

        Raises:
            LookupError: as ``here``.
            RuntimeError: if the driver refuses.
        """
        if not pieces:
            return b""
        sizes = np.array([n for _, n in pieces], np.int64)
        ends = sizes.cumsum()
        rows = np.stack([[self.here(a, n) for a, n in pieces], sizes, ends - sizes], axis=1)
        table = np.ascontiguousarray(rows, np.int64)
        gathered = np.empty(int(ends[-1]), np.uint8)
        driver = self._driver
        driver.enter()
        place, out = self._table.of(table.nbytes), self._out.of(gathered.nbytes)
        driver.write(place, table.ctypes.data, table.nbytes)
        kinds = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)
        self._image.launch("gather", min(len(pieces), 2048), 64, 0, (place, out, len(pieces)), kinds)
        driver.read(out, gathered.ctypes.data, gathered.nbytes)
        return gathered.tobytes()

    def _close(self, base: int) -> None:
        self._bases.remove(base)
        self._driver.close(self._opened.pop(base).here)

    def close(self) -> None:
        """Unmap everything; the first error of the driver is raised when all was tried."""
        problems: list[RuntimeError] = []
        todo: list[Callable[[], None]] = [
            self._table.free,
            self._out.free,
            self._filler.close,
            *(partial(self._close, base) for base in self._bases),
        ]
        for do in todo:
            try:
                self._driver.enter()
                do()
            except RuntimeError as error:
                problems.append(error)
        if problems:
            raise problems[0]
