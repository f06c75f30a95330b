"""Row layout: how tensors that are broadcast against each other lie when read row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

SHORT = 16  # elements of a row; a processor with wide loads then does better to see all rows as one


@dataclass(frozen=True)
class Layout:
    """Rows of equal length, and where each operand has them.

    Args:
        outer: sizes of the dimensions that count rows.
        inner: length of a row.
        strides: per operand, its strides over ``outer``, 0 where it is broadcast.
        along: per operand, whether it has one value for each place of a row; else one for the row.
        within: sizes of the dimensions that make a row.
        steps: per operand, its strides over ``within``.
    """

    outer: tuple[int, ...]
    inner: int
    strides: tuple[tuple[int, ...], ...]
    along: tuple[bool, ...]
    within: tuple[int, ...] = ()
    steps: tuple[tuple[int, ...], ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return math.prod(self.outer)

    def offset(self, operand: int, row: str) -> str:
        """Return what C++ adds to an operand's pointer to reach row number ``row``, e.g. `` + r * 768``."""
        return "".join(f" + {term}" for term in _terms(self.outer, self.strides[operand], row, "/"))

    def reach(self, operand: int, row: str, place: str) -> tuple[str, str]:
        """Return what Python adds to an operand's pointer to reach a row, and a place of it; may be empty."""
        outer = _terms(self.outer, self.strides[operand], row, "//")
        inner = _terms(self.within, self.steps[operand], place, "//") if self.along[operand] else []
        return "".join(f" + {t}" for t in outer), "".join(f" + {t}" for t in inner)

    def extent(self, operand: int) -> int:
        """Return how many elements lie between an operand's first and its last, both counted."""
        sizes, strides = self.outer + self.within, self.strides[operand] + self.steps[operand]
        return 1 + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))


def _terms(sizes: Sequence[int], strides: Sequence[int], index: str, divide: str) -> list[str]:
    """Return the addends of the offset of element number ``index`` of dimensions of these strides."""
    terms: list[str] = []
    below = 1
    merged: list[tuple[int, int, int]] = []  # size, stride, elements below; innermost first
    for size, stride in zip(reversed(sizes), reversed(strides), strict=True):
        if merged and stride == merged[-1][1] * merged[-1][0]:
            merged[-1] = (merged[-1][0] * size, *merged[-1][1:])
        else:
            merged.append((size, stride, below))
        below *= size
    for size, stride, under in merged:
        if stride and size > 1:
            at = index if under == 1 else f"{index} {divide} {under}"
            at = at if under * size == below else f"{at} % {size}"
            at = at if at == index else f"({at})"
            terms.append(at if stride == 1 and divide == "//" else f"{at} * {stride}")
    return terms


def layout(
    domain: Sequence[int],
    tensors: Sequence[torch.Tensor],
    trailing: int,
    *,
    strided: bool = False,
    groups: int = 0,
) -> Layout | None:
    """Return the layout of ``tensors`` over ``domain``, or None if some row is not contiguous in memory.

    Args:
        domain: the shape that all tensors broadcast to.
        tensors: shapes and strides.
        trailing: how many trailing dimensions make a row; 0 for as many as lie behind each other in all.
        strided: whether rows may be spread over memory; then rows that would be very short become one.
        groups: number of groups that dimension 1 falls into, which count rows; 0 where it is left whole.
    """
    found = [_spread(domain, t) for t in tensors]
    spread = [s for s in found if s is not None]
    if len(spread) < len(found):
        return None
    if groups:
        size = domain[1] // groups
        spread = [[s[0], s[1] * size, *s[1:]] for s in spread]
        domain = [domain[0], groups, size, *domain[2:]]
    kept = [d for d, size in enumerate(domain) if size != 1]
    inner_from = len(domain) - trailing
    strides = [[s[d] for d in kept] for s in spread]
    sizes = [domain[d] for d in kept]
    count = sum(d >= inner_from for d in kept) if trailing else _common(sizes, strides)
    if strided and not trailing and math.prod(sizes[len(sizes) - count :]) < SHORT:
        count = len(sizes)
    split = len(sizes) - count
    along = []
    for own in strides:
        if not any(own[split:]):
            along.append(False)
        elif strided or _dense(sizes[split:], own[split:]):
            along.append(True)
        else:
            return None
    outer = tuple(tuple(own[:split]) for own in strides)
    steps = tuple(tuple(own[split:]) for own in strides)
    within = tuple(sizes[split:])
    return Layout(tuple(sizes[:split]), math.prod(within), outer, tuple(along), within, steps)


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
