"""Filling: what goes into the calls of a batch: written by the host, or where the child's own copies lie."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from kernelevo.device.filling import Row

_STEP = 1 << 18
Fill = Callable[[int, Sequence[int]], "Piece | None"]


@dataclass(frozen=True)
class Piece:
    """The rows that write one call's tensors.

    Args:
        rows: what is written where.
        held: tensors that the rows read, to be kept until they are written.
    """

    rows: tuple[Row, ...]
    held: tuple[torch.Tensor, ...] = ()


def _by_the_host(call: int, addresses: Sequence[int]) -> None:
    """See ``Values.fill``: there is no way but through the host's memory."""


@dataclass(frozen=True)
class Values:
    """The inputs of a batch's calls.

    Args:
        write: called as ``write(i, views)``; fills the tensors of call i.
        fill: called as ``fill(i, addresses)`` with where the child has the tensors of call i; returns what
            writes them there from memory that lies where the child's does, None where nothing does.
    """

    write: Callable[[int, list[torch.Tensor]], None]
    fill: Fill = _by_the_host


def copied(source: int, out: int, nbytes: int) -> list[Row]:
    """Return the rows that copy so many bytes: several, so that many multiprocessors take part."""
    return [Row(source + at, 0, out + at, min(_STEP, nbytes - at)) for at in range(0, nbytes, _STEP)]


def zeros(out: int, nbytes: int) -> list[Row]:
    """Return the rows that write so many zeros."""
    return [Row(0, 0, out + at, min(_STEP, nbytes - at)) for at in range(0, nbytes, _STEP)]


class Writer(Protocol):
    """Writes rows in this process's address space (``device.filling.Filler``, or ``HostFiller``)."""

    @property
    def place(self) -> str:
        """Where the memory lies that it reads and writes, as torch names it."""
        ...

    def fill(self, rows: Sequence[Row]) -> None:
        """Write all rows."""
        ...


class HostFiller:
    """The same in the host's memory: what the protocol is tried with where there is no device."""

    place = "cpu"

    def fill(self, rows: Sequence[Row]) -> None:
        """See ``Writer``."""
        for row in rows:
            values = computed(row)
            ctypes.memmove(row.out, values.ctypes.data, values.nbytes)


def computed(row: Row) -> NDArray[np.uint8]:
    """Return the bytes that a row writes, given that it reads this process's memory."""
    if not row.factors:
        return memory(row.values, row.extent).copy() if row.values else np.zeros(row.extent, np.uint8)
    values, factors = (memory(a, 4 * row.extent).view(np.float32) for a in (row.values, row.factors))
    found = values * factors
    return (found if row.factor == 1.0 else found * np.float32(row.factor)).view(np.uint8)


def memory(address: int, nbytes: int) -> NDArray[np.uint8]:
    """Return this process's memory at an address, not a copy of it."""
    return np.frombuffer(memoryview((ctypes.c_char * nbytes).from_address(address)), np.uint8)
