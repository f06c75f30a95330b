"""Summation: one product, its sums run in many honest fp32 orders, or with operands rounded as units do."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from kernelevo.kernels.reference.precision import round_to_tf32

Order = Callable[[Tensor, Tensor, Tensor, random.Random], Tensor]
Product = Callable[[Tensor, Tensor, Tensor], Tensor]
Label = Literal["fp32-accurate", "tf32", "lower"]


def _slices(length: int, size: int) -> list[slice]:
    return [slice(i, min(i + size, length)) for i in range(0, length, size)]


def _blocked(size: int, *, backwards: bool = False) -> Order:
    """Partial products of blocks, added up one after the other."""

    def order(a: Tensor, b: Tensor, bias: Tensor, rng: random.Random) -> Tensor:
        total = torch.zeros(a.shape[0], b.shape[1])
        parts = _slices(a.shape[1], size)
        for k in reversed(parts) if backwards else parts:
            total = total + a[:, k] @ b[k]
        return total + bias

    return order


def _split(ways: int, *, as_tree: bool = False) -> Order:
    """Split-K: the length cut into so many parts, whose products are added in a row or as a tree."""

    def order(a: Tensor, b: Tensor, bias: Tensor, rng: random.Random) -> Tensor:
        parts = [a[:, k] @ b[k] for k in _slices(a.shape[1], -(-a.shape[1] // ways))]
        return (_tree(parts) if as_tree else torch.stack(parts).sum(0)) + bias

    return order


def _tree(parts: Sequence[Tensor]) -> Tensor:
    level = list(parts)
    while len(level) > 1:
        pairs = [level[i] + level[i + 1] for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def _one_by_one(*, backwards: bool = False, fused: bool = True, bias_first: bool = False) -> Order:
    """One running sum, an element at a time, with or without a fused multiply-add."""

    def order(a: Tensor, b: Tensor, bias: Tensor, rng: random.Random) -> Tensor:
        total = bias.expand(a.shape[0], -1).clone() if bias_first else torch.zeros(a.shape[0], b.shape[1])
        steps = range(a.shape[1])
        for i in reversed(steps) if backwards else steps:
            left, right = a[:, i : i + 1], b[i : i + 1]
            if fused:  # one rounding: the product of two fp32 numbers is exact in fp64
                total = (total.double() + left.double() * right.double()).float()
            else:
                total = total + left * right
        return total if bias_first else total + bias

    return order


def _lanes(width: int) -> Order:
    """As a vector unit sums a row: so many running sums side by side, folded in half at the end."""

    def order(a: Tensor, b: Tensor, bias: Tensor, rng: random.Random) -> Tensor:
        lanes = torch.zeros(width, a.shape[0], b.shape[1])
        for k in _slices(a.shape[1], width):
            wide = a[:, k].T[:, :, None] * b[k][:, None, :]
            lanes[: wide.shape[0]] += wide
        while lanes.shape[0] > 1:
            half = lanes.shape[0] // 2
            lanes = lanes[:half] + lanes[half:]
        return lanes[0] + bias

    return order


def _pairwise(a: Tensor, b: Tensor, bias: Tensor, rng: random.Random) -> Tensor:
    terms = a.T[:, :, None] * b[:, None, :]
    return _tree(list(terms.unbind(0))) + bias


def _shuffled(a: Tensor, b: Tensor, bias: Tensor, rng: random.Random) -> Tensor:
    at = torch.tensor(rng.sample(range(a.shape[1]), a.shape[1]))
    return a[:, at] @ b[at] + bias


def _shuffled_chunks(a: Tensor, b: Tensor, bias: Tensor, rng: random.Random) -> Tensor:
    parts = _slices(a.shape[1], 32)
    rng.shuffle(parts)
    total = bias.expand(a.shape[0], -1)
    for k in parts:
        total = total + a[:, k] @ b[k]
    return total


def _transposed(a: Tensor, b: Tensor, bias: Tensor, rng: random.Random) -> Tensor:
    return (b.T.contiguous() @ a.T.contiguous()).T.contiguous() + bias


def _bias_first(a: Tensor, b: Tensor, bias: Tensor, rng: random.Random) -> Tensor:
    total = bias.expand(a.shape[0], -1)
    for k in _slices(a.shape[1], 64):
        total = torch.addmm(total, a[:, k], b[k])
    return total


def _bias_column(a: Tensor, b: Tensor, bias: Tensor, rng: random.Random) -> Tensor:
    """The bias as one more row of b, met by a column of ones."""
    return torch.cat([torch.ones(a.shape[0], 1), a], 1) @ torch.cat([bias[None], b])


ORDERS: dict[str, Order] = {
    "blocks of 16": _blocked(16),
    "blocks of 64": _blocked(64),
    "blocks of 256": _blocked(256),
    "blocks, last first": _blocked(32, backwards=True),
    "split in 2": _split(2),
    "split in 4": _split(4),
    "split in 8, a tree": _split(8, as_tree=True),
    "pairwise": _pairwise,
    "one by one": _one_by_one(fused=False),
    "one by one, fused": _one_by_one(),
    "reversed": _one_by_one(backwards=True, fused=False),
    "reversed, fused": _one_by_one(backwards=True),
    "one by one onto bias": _one_by_one(bias_first=True),
    "8 lanes": _lanes(8),
    "16 lanes": _lanes(16),
    "shuffled": _shuffled,
    "shuffled chunks": _shuffled_chunks,
    "transposed operands": _transposed,
    "fused bias first": _bias_first,
    "bias as a row": _bias_column,
}
"""Honest fp32 sums of ``bias + a @ b``."""


def _bf16(x: Tensor) -> Tensor:
    return x.to(torch.bfloat16).float()


def _in_parts(narrow: Callable[[Tensor], Tensor], pairs: Sequence[tuple[int, int]]) -> Product:
    """Operands as sums of narrow parts; the named products of parts are added in fp32, the largest last."""

    def product(a: Tensor, b: Tensor, bias: Tensor) -> Tensor:
        count = 1 + max(max(pair) for pair in pairs)
        left, right = _parts(a, narrow, count), _parts(b, narrow, count)
        total = torch.zeros(a.shape[0], b.shape[1])
        for i, j in pairs:
            total = total + left[i] @ right[j]
        return total + bias

    return product


def _parts(x: Tensor, narrow: Callable[[Tensor], Tensor], count: int) -> list[Tensor]:
    parts = []
    for _ in range(count):
        parts.append(narrow(x))
        x = x - parts[-1]
    return parts


_SPLIT = ((1, 0), (0, 1), (0, 0))
PRECISIONS: dict[str, tuple[Product, Label]] = {
    "fp32": (lambda a, b, bias: _blocked(64)(a, b, bias, random.Random(0)), "fp32-accurate"),
    "tf32": (_in_parts(round_to_tf32, ((0, 0),)), "tf32"),
    "3xTF32": (_in_parts(round_to_tf32, _SPLIT), "fp32-accurate"),
    "bf16x3": (_in_parts(_bf16, _SPLIT), "tf32"),
    "bf16": (_in_parts(_bf16, ((0, 0),)), "lower"),
}
"""Products with rounded operands, and the class that each should be named: two parts of bf16 hold 16 bits, so
three of their products are far better than TF32 and far from fp32."""
