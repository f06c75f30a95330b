"""Contraction: a sum over a broadcast product becomes a matrix product, and the product is never stored."""

from __future__ import annotations

import string

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.lifting import unwritten
from kernelevo.graphs.matching import arguments, aten, calls, is_float32, is_op, shape, sole_user, value


class Contraction:
    """``(a[..., None] * b[..., None, :]).sum(k)`` as one batched matrix product."""

    name = "contraction"
    describes = "sums over broadcast products as matrix products"

    def apply(self, captured: Captured) -> int:
        """Replace each sum whose product is larger than its operands together."""
        places = 0
        for total in calls(captured.graph, aten.sum.dim_IntList):
            given = arguments(total)
            product = given["self"]
            if not is_op(product, aten.mul.Tensor) or sole_user(product) is not total:
                continue
            if given["dtype"] is not None or not given["dim"] or not is_float32(total):
                continue
            operands = product.args[:2]
            if all(isinstance(x, fx.Node) and is_float32(x) for x in operands) and unwritten(operands, total):
                places += _contract(captured.graph, total, product)
        return places


def _contract(graph: fx.Graph, total: fx.Node, product: fx.Node) -> int:
    given = arguments(total)
    rank = len(shape(product))
    summed = {d % rank for d in given["dim"]}
    left, right = (_present(x, rank) for x in product.args[:2])
    own = [side - other - summed for side, other in ((left, right), (right, left))]
    if not summed <= left & right or not all(own) or rank > len(string.ascii_letters):
        return 0  # a sum over one operand alone, or nothing to gain
    if any(size > 1 for d, size in enumerate(shape(product)) if d not in left | right):
        return 0  # both are constant along it: a product knows no such dimension
    letters = string.ascii_letters[:rank]
    kept = "".join(letter for d, letter in enumerate(letters) if d not in summed and d in left | right)
    terms = ["".join(letter for d, letter in enumerate(letters) if d in side) for side in (left, right)]
    with graph.inserting_before(total):
        operands = [
            _reduced(graph, x, side, rank) for x, side in zip(product.args[:2], (left, right), strict=True)
        ]
        made = graph.call_function(aten.einsum.default, (f"{terms[0]},{terms[1]}->{kept}", operands))
        if len(kept) != len(shape(total)):
            made = graph.call_function(aten.reshape.default, (made, list(shape(total))))
    made.meta = dict(total.meta)
    total.replace_all_uses_with(made)
    graph.erase_node(total)
    graph.erase_node(product)
    return 1


def _present(node: object, rank: int) -> set[int]:
    """Return the dimensions of the product along which an operand really varies."""
    found = value(node)
    offset = rank - found.dim()
    pairs = enumerate(zip(found.shape, found.stride(), strict=True))
    return {offset + d for d, (size, stride) in pairs if size > 1 and stride != 0}


def _reduced(graph: fx.Graph, node: object, present: set[int], rank: int) -> fx.Node:
    """Return an operand without the dimensions along which it is constant."""
    assert isinstance(node, fx.Node)
    offset = rank - len(shape(node))
    for d in reversed(range(len(shape(node)))):
        if offset + d not in present:
            node = graph.call_function(aten.select.int, (node, d, 0))
    return node
