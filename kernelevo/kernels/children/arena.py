"""Arena: tensors of known size laid out in one block of memory that parent and child share."""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from kernelevo.kernels.reference.tree import Leaf

_ALIGN = 4096
_F_ADD_SEALS, _SEAL_SEAL, _SEAL_SHRINK, _SEAL_GROW = 1033, 1, 2, 4


@dataclass(frozen=True)
class Layout:
    """Where each tensor lies in a block.

    Args:
        leaves: the tensors.
        offsets: first byte of each; page-aligned, so that two tensors never share a page.
        nbytes: size of the whole block.
    """

    leaves: tuple[Leaf, ...]
    offsets: tuple[int, ...]
    nbytes: int

    @classmethod
    def of(cls, leaves: Sequence[Leaf]) -> Layout:
        """Lay tensors out one after the other."""
        offsets, at = [], 0
        for leaf in leaves:
            offsets.append(at)
            at += -(-max(leaf.nbytes, 1) // _ALIGN) * _ALIGN
        return cls(tuple(leaves), tuple(offsets), at)

    def repeated(self, count: int) -> Layout:
        """Return a layout with ``count`` copies of this one, one after the other."""
        return Layout(
            self.leaves * count,
            tuple(o + i * self.nbytes for i in range(count) for o in self.offsets),
            self.nbytes * count,
        )

    def views(self, block: torch.Tensor) -> list[torch.Tensor]:
        """Return the tensors over a block of bytes; new tensor objects each time."""
        found = []
        for leaf, offset in zip(self.leaves, self.offsets, strict=True):
            dtype = leaf.torch_dtype
            typed = block[offset : offset + max(leaf.nbytes, dtype.itemsize)].view(dtype)
            found.append(typed.as_strided(leaf.shape, leaf.stride))
        return found

    def to_json(self) -> dict[str, Any]:
        """Return this layout as plain data."""
        return {
            "leaves": [asdict(leaf) for leaf in self.leaves],
            "offsets": list(self.offsets),
            "nbytes": self.nbytes,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Layout:
        """Rebuild a layout from ``to_json``."""
        leaves = tuple(
            Leaf(d["dtype"], tuple(d["shape"]), tuple(d["stride"]), d["device"]) for d in data["leaves"]
        )
        return cls(leaves, tuple(data["offsets"]), data["nbytes"])


def dense(tensor: torch.Tensor) -> Leaf:
    """Describe how a tensor is laid out in an arena: its own strides where it is dense, else row by row."""
    leaf = Leaf.of(tensor)
    if leaf.extent == tensor.numel():
        return leaf
    return Leaf.of(torch.empty(tensor.shape, dtype=tensor.dtype))


class Arena:
    """A block of memory behind a descriptor; the parent makes it, children map the same pages.

    Args:
        nbytes: its size.
        fd: descriptor of an existing block, or None to make one.
    """

    def __init__(self, nbytes: int, fd: int | None = None) -> None:
        self.nbytes = max(nbytes, _ALIGN)
        if fd is None:
            self.fd = os.memfd_create("kernelevo-arena", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.ftruncate(self.fd, self.nbytes)
            # a child that could shrink the block would make the parent's next access a bus error
            fcntl.fcntl(self.fd, _F_ADD_SEALS, _SEAL_SEAL | _SEAL_SHRINK | _SEAL_GROW)
        else:
            self.fd = fd
        self._map = mmap.mmap(self.fd, self.nbytes)
        self.block = torch.frombuffer(self._map, dtype=torch.uint8)

    @property
    def inode(self) -> int:
        """Inode of the block: marks every mapping of it in ``/proc/PID/maps``."""
        return os.fstat(self.fd).st_ino

    def close(self) -> None:
        """Give the descriptor back; pages go when the last view does."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def mapped_at(pid: int, *inodes: int) -> list[tuple[int, int]]:
    """Return the address ranges at which a process has mapped some blocks, from its ``/proc/PID/maps``."""
    ranges = []
    marks = tuple(b" %d" % inode for inode in inodes)
    with open(f"/proc/{pid}/maps", "rb") as file:
        for line in file:
            if any(mark in line for mark in marks):  # splitting thousands of lines takes milliseconds
                fields = line.split(maxsplit=5)
                if len(fields) >= 5 and int(fields[4]) in inodes:
                    start, _, end = fields[0].partition(b"-")
                    ranges.append((int(start, 16), int(end, 16)))
    return ranges
