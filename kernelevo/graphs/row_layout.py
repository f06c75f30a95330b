"""Row layout: how tensors that are broadcast against each other lie when read row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Layout:
    """Rows of equal length, and where each operand has them.

    Args:
        outer: sizes of the dimensions that count rows.
        inner: length of a row.
        strides: per operand, its strides over ``outer``, 0 where it is broadcast.
        along: per operand, whether it has one value for each place of a row; else one for the row.
    """

    outer: tuple[int, ...]
    inner: int
    strides: tuple[tuple[int, ...], ...]
    along: tuple[bool, ...]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return math.prod(self.outer)

    def offset(self, operand: int, row: str) -> str:
        """Return what C++ adds to an operand's pointer to reach row number ``row``, e.g. `` + r * 768``."""
        terms: list[str] = []
        below = 1
        merged: list[tuple[int, int, int]] = []  # size, stride, rows below; innermost first
        for size, stride in zip(reversed(self.outer), reversed(self.strides[operand]), strict=True):
            if merged and stride == merged[-1][1] * merged[-1][0]:
                merged[-1] = (merged[-1][0] * size, *merged[-1][1:])
            else:
                merged.append((size, stride, below))
            below *= size
        for size, stride, under in merged:
            if stride and size > 1:
                index = row if under == 1 else f"{row} / {under}"
                index = index if under * size == below else f"{index} % {size}"
                terms.append(f"({index}) * {stride}" if index != row else f"{row} * {stride}")
        return "".join(f" + {term}" for term in terms)


def layout(domain: Sequence[int], tensors: Sequence[torch.Tensor], trailing: int) -> Layout | None:
    """Return the layout of ``tensors`` over ``domain``, or None if some row is not contiguous in memory.

    Args:
        domain: the shape that all tensors broadcast to.
        tensors: shapes and strides.
        trailing: how many trailing dimensions make a row; 0 for as many as lie behind each other in all.
    """
    kept = [d for d, size in enumerate(domain) if size != 1]
    inner_from = len(domain) - trailing
    spread = [_spread(domain, t) for t in tensors]
    if any(s is None for s in spread):
        return None
    strides = [[s[d] for d in kept] for s in spread if s is not None]
    sizes = [domain[d] for d in kept]
    count = sum(d >= inner_from for d in kept) if trailing else _common(sizes, strides)
    split = len(sizes) - count
    along = []
    for own in strides:
        if not any(own[split:]):
            along.append(False)
        elif _dense(sizes[split:], own[split:]):
            along.append(True)
        else:
            return None
    outer = tuple(tuple(own[:split]) for own in strides)
    return Layout(tuple(sizes[:split]), math.prod(sizes[split:]), outer, tuple(along))


def _spread(domain: Sequence[int], tensor: torch.Tensor) -> list[int] | None:
    """Return one stride per dimension of ``domain``; None if the tensor does not broadcast to it."""
    missing = len(domain) - tensor.dim()
    if missing < 0:
        return None
    found = [0] * missing
    for size, stride, wanted in zip(tensor.shape, tensor.stride(), domain[missing:], strict=True):
        if size not in (1, wanted):
            return None
        found.append(stride if size != 1 else 0)
    return found


def _dense(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    below = 1
    for size, stride in zip(reversed(sizes), reversed(strides), strict=True):
        if stride != below:
            return False
        below *= size
    return True


def _common(sizes: Sequence[int], strides: Sequence[Sequence[int]]) -> int:
    """Return how many trailing dimensions every operand either has in one piece or is constant over."""
    count = 0
    while count < len(sizes):
        tail = slice(len(sizes) - count - 1, None)
        if not all(not any(own[tail]) or _dense(sizes[tail], own[tail]) for own in strides):
            break
        count += 1
    return count
