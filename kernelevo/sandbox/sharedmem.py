"""Shared memory: buffers the parent owns and sees as numpy arrays, mapped by a child as torch tensors."""

from __future__ import annotations

import fcntl
import math
import mmap
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kernelevo.errors import SandboxError

if TYPE_CHECKING:
    import torch

ALIGNMENT = 64
_F_ADD_SEALS = 1033
_SEAL_SEAL, _SEAL_SHRINK, _SEAL_GROW, _SEAL_FUTURE_WRITE = 1, 2, 4, 16

# torch's name -> numpy's; numpy has no bfloat16, its bits are seen as uint16
_NUMPY = {
    "float16": "float16", "bfloat16": "uint16", "float32": "float32", "float64": "float64",
    "int8": "int8", "int16": "int16", "int32": "int32", "int64": "int64", "uint8": "uint8", "bool": "bool",
    "complex64": "complex64", "complex128": "complex128",
}  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """Where one tensor lies in a buffer.

    Args:
        name: its name in the buffer.
        dtype: torch's name without the prefix, e.g. ``"float32"``.
        shape: its shape; always contiguous.
        offset: bytes from the start, a multiple of 64.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape) * np.dtype(_NUMPY[self.dtype]).itemsize

    def to_json(self) -> dict[str, Any]:
        """Return this slot as plain data."""
        return {"name": self.name, "dtype": self.dtype, "shape": list(self.shape), "offset": self.offset}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Slot:
        """Rebuild a slot from ``to_json``."""
        return cls(data["name"], data["dtype"], tuple(data["shape"]), data["offset"])


def lay_out(tensors: Mapping[str, tuple[str, Sequence[int]]]) -> tuple[list[Slot], int]:
    """Place tensors one after the other on 64-byte boundaries.

    Args:
        tensors: name -> (dtype, shape).

    Returns:
        The slots and the buffer's size in bytes (at least one page).

    Raises:
        ValueError: for a dtype that cannot be shared.
    """
    slots, offset = [], 0
    for name, (dtype, shape) in tensors.items():
        if dtype not in _NUMPY:
            raise ValueError(f"{name}: dtype {dtype} cannot be shared; known: {', '.join(_NUMPY)}")
        slots.append(Slot(name, dtype, tuple(int(n) for n in shape), offset))
        offset += -(-slots[-1].nbytes // ALIGNMENT) * ALIGNMENT
    return slots, max(offset, mmap.PAGESIZE)


class Buffer:
    """One anonymous piece of memory with several tensors; its size is sealed, it has no name on disk.

    What a child may see is what lies in a buffer whose descriptor it was given, and nothing else: put
    inputs and outputs here, never an expected value.

    Args:
        tensors: name -> (dtype, shape).
        child_writes: False seals the memory: a child maps it copy-on-write, its writes stay its own,
            while what we write later still reaches pages it has not written.

    Raises:
        SandboxError: if the memory cannot be had.
    """

    def __init__(self, tensors: Mapping[str, tuple[str, Sequence[int]]], *, child_writes: bool) -> None:
        self.slots, self.nbytes = lay_out(tensors)
        self.child_writes = child_writes
        self._fd = os.memfd_create("kernelevo", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self._fd, self.nbytes)
            self._map = mmap.mmap(self._fd, self.nbytes)
            seals = _SEAL_GROW | _SEAL_SHRINK | (0 if child_writes else _SEAL_FUTURE_WRITE)
            fcntl.fcntl(self._fd, _F_ADD_SEALS, seals | _SEAL_SEAL)
        except OSError as error:
            os.close(self._fd)
            raise SandboxError(
                f"no shared memory of {self.nbytes / 2**20:.0f} MiB could be made", why=str(error)
            ) from None
        self._views = {slot.name: self._view(slot) for slot in self.slots}

    def _view(self, slot: Slot) -> NDArray[Any]:
        flat: NDArray[Any] = np.frombuffer(
            self._map, _NUMPY[slot.dtype], math.prod(slot.shape), slot.offset
        )  # fmt: skip
        return flat.reshape(slot.shape)

    def fileno(self) -> int:
        """Return the descriptor to pass to a child; ours stays open."""
        return self._fd

    @property
    def layout(self) -> dict[str, Any]:
        """Plain data that a child needs to map this buffer."""
        return {
            "nbytes": self.nbytes,
            "child_writes": self.child_writes,
            "slots": [slot.to_json() for slot in self.slots],
        }

    def view(self, name: str) -> NDArray[Any]:
        """Return the live array of one tensor (bfloat16 as its bits, uint16)."""
        return self._views[name]

    def copy(self, name: str) -> NDArray[Any]:
        """Return a copy of one tensor that no child can change any more."""
        return self._views[name].copy()

    def close(self) -> None:
        """Close the descriptor and drop our views; memory goes when the last array and child are gone."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
        self._views.clear()

    def __enter__(self) -> Buffer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def attach(fd: int, layout: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Map a buffer in the child, without a copy.

    Args:
        fd: the descriptor as received.
        layout: ``Buffer.layout`` of the parent.

    Returns:
        name -> tensor, contiguous, 64-byte aligned.
    """
    import torch

    access = mmap.ACCESS_WRITE if layout["child_writes"] else mmap.ACCESS_COPY
    memory = mmap.mmap(fd, layout["nbytes"], access=access)
    tensors = {}
    for slot in map(Slot.from_json, layout["slots"]):
        dtype, count = getattr(torch, slot.dtype), math.prod(slot.shape)
        if count == 0:
            tensors[slot.name] = torch.empty(slot.shape, dtype=dtype)
        else:
            flat = torch.frombuffer(memory, dtype=dtype, count=count, offset=slot.offset)
            tensors[slot.name] = flat.reshape(slot.shape)
    return tensors
