"""Einsum: an equation of two operands as a product of two matrices, in batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import fx

from kernelevo.graphs.matching import is_float32, shape

MOST_BATCHES = 2


@dataclass(frozen=True)
class TwoMatrices:
    """How an equation is a product [*batches, rows, inner] @ [*batches, inner, columns].

    Args:
        rows, columns, inner: sizes of the product.
        operands: each with the order of its dimensions and the sizes they are then given.
        plain: whether the product is the result as it is.
        apart: the product's sizes where several dimensions are its rows or columns, else None.
        order: order of the dimensions of the result in those of the product.
    """

    rows: int
    columns: int
    inner: int
    operands: tuple[tuple[fx.Node, tuple[int, ...], tuple[int, ...]], ...]
    plain: bool
    apart: tuple[int, ...] | None
    order: tuple[int, ...]


def two_matrices(equation: Any, operands: Any) -> TwoMatrices | None:
    """Return how an einsum is one product of matrices; None where it is not."""
    if not isinstance(equation, str) or not isinstance(operands, (list, tuple)) or len(operands) != 2:
        return None
    inputs, arrow, out = equation.replace(" ", "").partition("->")
    left, _, right = inputs.partition(",")
    terms = (left, right, out)
    if not arrow or any(len(set(t)) != len(t) or not (t.isalpha() or t == "") for t in terms):
        return None  # an ellipsis, a diagonal, or an implied result
    if not all(is_float32(x) and len(shape(x)) == len(t) for x, t in zip(operands, terms, strict=False)):
        return None
    sizes: dict[str, int] = {}
    for x, term in zip(operands, terms, strict=False):
        for letter, size in zip(term, shape(x), strict=True):
            if sizes.setdefault(letter, size) != size:
                return None  # one of them is broadcast
    return _grouped(left, right, out, sizes, operands)


def _grouped(
    left: str, right: str, out: str, sizes: dict[str, int], operands: Sequence[fx.Node]
) -> TwoMatrices | None:
    batches = [x for x in out if x in left and x in right]
    rows = [x for x in out if x in left and x not in right]
    columns = [x for x in out if x in right and x not in left]
    inner = [x for x in left if x in right and x not in out]
    complete = {*batches, *rows, *inner} == set(left) and {*batches, *columns, *inner} == set(right)
    if not (complete and rows and columns and inner) or len(batches) > MOST_BATCHES or 0 in sizes.values():
        return None
    lengths = [math.prod(sizes[x] for x in group) for group in (rows, columns, inner)]
    batch = tuple(sizes[x] for x in batches)
    made = [*batches, *rows, *columns]
    apart = len(rows) > 1 or len(columns) > 1
    return TwoMatrices(
        rows=lengths[0],
        columns=lengths[1],
        inner=lengths[2],
        operands=(
            (operands[0], _order(left, batches + rows + inner), (*batch, lengths[0], lengths[2])),
            (operands[1], _order(right, batches + inner + columns), (*batch, lengths[2], lengths[1])),
        ),
        plain=made == list(out) and not apart,
        apart=tuple(sizes[x] for x in made) if apart else None,
        order=tuple(made.index(x) for x in out),
    )


def _order(term: str, wanted: list[str]) -> tuple[int, ...]:
    return tuple(term.index(x) for x in wanted)
