"""Narrowing: which part of its operands an operator needs for some rows of its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import fx

from kernelevo.graphs.matching import arguments, aten, draws, mutates, shape, value


@dataclass(frozen=True)
class Rows:
    """A range of one dimension.

    Args:
        dim: the dimension, not negative.
        start: the first index.
        end: behind the last one.
    """

    dim: int
    start: int
    end: int

    @property
    def length(self) -> int:
        """How many they are."""
        return self.end - self.start

    def at(self, dim: int) -> Rows:
        """Return the same range of another dimension."""
        return Rows(dim, self.start, self.end)


@dataclass(frozen=True)
class Part:
    """Some rows of a node."""

    node: fx.Node
    rows: Rows


@dataclass(frozen=True)
class Call:
    """A call that computes some rows alone; a ``Part`` among its arguments stands for the rows themselves."""

    target: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)


Narrow = Call | Part
Rule = Callable[[fx.Node, Rows], Narrow | None]


def narrowed(node: fx.Node, rows: Rows) -> Narrow | None:
    """Return how an operator computes some rows of its result alone; None where it cannot, or is not known.

    A ``Part`` says that they are rows of an operand.

    Args:
        node: a call without effect; its dimension ``rows.dim`` is longer than the range.
        rows: what is needed of its result.
    """
    target = node.target
    if node.op != "call_function" or not isinstance(target, torch._ops.OpOverload):
        return None
    if draws(node) or mutates(node):
        return None
    rule = _RULES.get(target.overloadpacket)
    try:
        if rule is not None:
            return rule(node, rows)
        return _pointwise(node, rows) if torch.Tag.pointwise in target.tags else None
    except TypeError:  # an operand whose shape nobody recorded
        return None


def may_copy(node: fx.Node) -> bool:
    """Tell whether a call copies, but perhaps no longer once it is narrowed to a part or to one row."""
    return getattr(node.target, "overloadpacket", None) in _COPIES


def is_view(node: fx.Node) -> bool:
    """Tell whether a call computes nothing: it only names elements anew."""
    return getattr(node.target, "overloadpacket", None) in _VIEWS


def _with(node: fx.Node, changed: Mapping[str, Any]) -> Call:
    """Return a node's call with some arguments, by name of the schema, changed."""
    assert isinstance(node.target, torch._ops.OpOverload)
    names = [argument.name for argument in node.target._schema.arguments]
    args, kwargs = list(node.args), dict(node.kwargs)
    for name, given in changed.items():
        place = names.index(name)
        if place < len(args):
            args[place] = given
        else:
            kwargs[name] = given
    return Call(node.target, tuple(args), kwargs)


def _rank(node: fx.Node) -> int:
    return len(shape(node))


def _typed(operand: fx.Node, result: fx.Node) -> bool:
    """Tell whether an operand has the result's type: others beside it may have a wider one."""
    return value(operand).dtype == value(result).dtype


def _aligned(operand: Any, rank: int, rows: Rows) -> Any:
    """Return what is needed of an operand that is broadcast to a result of that rank."""
    if not isinstance(operand, fx.Node):
        return operand
    dim = rows.dim - (rank - _rank(operand))
    return operand if dim < 0 or shape(operand)[dim] == 1 else Part(operand, rows.at(dim))


def _pointwise(node: fx.Node, rows: Rows) -> Call:
    rank = _rank(node)
    given = {name: v for name, v in arguments(node).items() if isinstance(v, fx.Node)}
    return _with(node, {name: _aligned(v, rank, rows) for name, v in given.items()})


def _same(node: fx.Node, rows: Rows) -> Call:
    """A copy, or another name for the same."""
    return _with(node, {"self": Part(arguments(node)["self"], rows)})


def _leading(name: str, own: Callable[[dict[str, Any], int], int]) -> Rule:
    """Return the rule of operators for which leading dimensions of one operand are independent.

    Args:
        name: the operand.
        own: how many of the last dimensions of the result are not.
    """

    def rule(node: fx.Node, rows: Rows) -> Narrow | None:
        given, rank = arguments(node), _rank(node)
        return _with(node, {name: Part(given[name], rows)}) if rows.dim < rank - own(given, rank) else None

    return rule


def _softmax(node: fx.Node, rows: Rows) -> Narrow | None:
    return None if arguments(node)["dim"] % _rank(node) == rows.dim else _same(node, rows)


def _reduced(node: fx.Node, rows: Rows) -> Narrow | None:
    given = arguments(node)
    rank = _rank(given["self"])
    dims = given["dim"] if isinstance(given["dim"], (list, tuple)) else [given["dim"]]
    gone = {d % rank for d in dims if d is not None}
    if not gone:
        return None
    kept = range(rank) if given["keepdim"] else [d for d in range(rank) if d not in gone]
    return _with(node, {"self": Part(given["self"], rows.at(kept[rows.dim]))})


def _matrix_product(left: str, right: str) -> Rule:
    def rule(node: fx.Node, rows: Rows) -> Narrow | None:
        given, rank = arguments(node), _rank(node)
        first, second = given[left], given[right]
        if min(_rank(first), _rank(second)) < 2:
            return None
        changed = {"self": _aligned(given["self"], rank, rows)} if left != "self" else {}
        if rows.dim == rank - 2:
            changed[left] = Part(first, rows.at(_rank(first) - 2))
        elif rows.dim == rank - 1:
            changed[right] = Part(second, rows.at(_rank(second) - 1))
        else:
            changed |= {left: _aligned(first, rank, rows), right: _aligned(second, rank, rows)}
        return _with(node, changed)

    return rule


def _attention(node: fx.Node, rows: Rows) -> Narrow | None:
    """Rows of queries need all keys, under a causal mask those up to their own; heads need their own."""
    given, rank = arguments(node), _rank(node)
    query, key, mask = (given[k] for k in ("query", "key", "attn_mask"))
    if given["dropout_p"] or given.get("enable_gqa") or rows.dim == rank - 1:
        return None
    masked = {} if mask is None else {"attn_mask": _aligned(mask, rank, rows)}
    if rows.dim != rank - 2:
        heads = ("query", "key", "value")
        return _with(node, {k: _aligned(given[k], rank, rows) for k in heads} | masked)
    changed = {"query": Part(query, rows.at(_rank(query) - 2)), **masked}
    if given["is_causal"]:
        if rows.length > 1:
            return None
        seen = min(rows.end, shape(key)[-2])
        changed["is_causal"] = False
        if seen < shape(key)[-2]:
            changed |= {k: Part(given[k], Rows(_rank(given[k]) - 2, 0, seen)) for k in ("key", "value")}
    return _with(node, changed)


def _concatenated(node: fx.Node, rows: Rows) -> Narrow | None:
    given, rank = arguments(node), _rank(node)
    tensors = given["tensors"]
    if any(_rank(t) != rank for t in tensors):  # an old form: empty vectors are left out
        return None
    if given["dim"] % rank != rows.dim:
        return _with(node, {"tensors": [Part(t, rows) for t in tensors]})
    before = 0
    for tensor in tensors:
        size = shape(tensor)[rows.dim]
        if before <= rows.start and rows.end <= before + size and _typed(tensor, node):
            return Part(tensor, Rows(rows.dim, rows.start - before, rows.end - before))
        before += size
    return None


def _stacked(node: fx.Node, rows: Rows) -> Narrow | None:
    given, rank = arguments(node), _rank(node)
    dim = given["dim"] % rank
    if dim == rows.dim:
        needed = list(given["tensors"][rows.start : rows.end])
        return _with(node, {"tensors": needed}) if all(_typed(t, node) for t in needed) else None
    within = rows.at(rows.dim - (rows.dim > dim))
    return _with(node, {"tensors": [Part(t, within) for t in given["tensors"]]})


def _expanded(node: fx.Node, rows: Rows) -> Call:
    size = list(shape(node))
    size[rows.dim] = rows.length
    return _with(node, {"self": _aligned(arguments(node)["self"], len(size), rows), "size": size})


def _transposed(node: fx.Node, rows: Rows) -> Call:
    given, rank = arguments(node), _rank(node)
    swapped = (given["dim0"] % rank, given["dim1"] % rank)
    dim = swapped[1 - swapped.index(rows.dim)] if rows.dim in swapped else rows.dim
    return _with(node, {"self": Part(given["self"], rows.at(dim))})


def _permuted(node: fx.Node, rows: Rows) -> Call:
    given = arguments(node)
    return _with(node, {"self": Part(given["self"], rows.at(given["dims"][rows.dim] % _rank(node)))})


def _selected(node: fx.Node, rows: Rows) -> Call:
    given = arguments(node)
    dim = given["dim"] % _rank(given["self"])
    return _with(node, {"self": Part(given["self"], rows.at(rows.dim + (rows.dim >= dim)))})


def _sliced(node: fx.Node, rows: Rows) -> Narrow | None:
    own = taken(node)
    if own is None:
        return None
    source = arguments(node)["self"]
    if own.dim != rows.dim:
        return _with(node, {"self": Part(source, rows)})
    return Part(source, Rows(own.dim, own.start + rows.start, own.start + rows.end))


def _reshaped(node: fx.Node, rows: Rows) -> Narrow | None:
    """The rows are one block of each of some equal blocks of memory; so they have to be of the operand."""
    source = arguments(node)["self"]
    if not _typed(source, node):  # the same bits as numbers of another kind
        return None
    before, after = shape(source), list(shape(node))
    block = prod(after[rows.dim + 1 :])
    after[rows.dim] = rows.length
    for dim in range(len(before)):
        own = prod(before[dim + 1 :])
        if prod(before[:dim]) != prod(after[: rows.dim]) or not own or before[dim] == 1:
            continue
        (start, left), (end, over) = (divmod(at * block, own) for at in (rows.start, rows.end))
        if not left and not over:
            return Call(aten.reshape.default, (Part(source, Rows(dim, start, end)), after))
    return None


def taken(node: Any) -> Rows | None:
    """Return which rows of its operand a selection takes; None for other calls and for steps.

    Args:
        node: any node; ``aten.select`` and ``aten.slice`` are selections.
    """
    packet = getattr(getattr(node, "target", None), "overloadpacket", None)
    if packet not in (aten.select, aten.slice) or not isinstance(node.target, torch._ops.OpOverload):
        return None
    given = arguments(node)
    source = given["self"]
    dim = given["dim"] % _rank(source)
    size = shape(source)[dim]
    if packet is aten.select:
        index = given["index"]
        return Rows(dim, index % size, index % size + 1) if isinstance(index, int) else None
    start, end = given["start"] or 0, size if given["end"] is None else given["end"]
    if given["step"] != 1 or not isinstance(start, int) or not isinstance(end, int):
        return None
    start, end, _ = slice(start, end).indices(size)
    return Rows(dim, start, end) if start < end else None


_RESHAPES = (
    aten.view, aten.reshape, aten._unsafe_view, aten.flatten, aten.unflatten, aten.unsqueeze, aten.squeeze,
)  # fmt: skip
_VIEWS = frozenset(
    (*_RESHAPES, aten.select, aten.slice, aten.expand, aten.transpose, aten.permute, aten.detach, aten.alias)
)
_NORM = _leading("input", lambda given, rank: len(given["normalized_shape"]))
_RULES: dict[Any, Rule] = {
    **dict.fromkeys(_RESHAPES, _reshaped),
    **dict.fromkeys((aten.contiguous, aten.clone, aten.detach, aten.alias, aten.to, aten._to_copy), _same),
    **dict.fromkeys((aten.dropout, aten.feature_dropout), _leading("input", lambda given, rank: 0)),
    **dict.fromkeys((aten.softmax, aten.log_softmax, aten._softmax, aten._log_softmax), _softmax),
    **dict.fromkeys((aten.mean, aten.sum, aten.amax, aten.amin), _reduced),
    aten.matmul: _matrix_product("self", "other"),
    **dict.fromkeys((aten.mm, aten.bmm), _matrix_product("self", "mat2")),
    aten.addmm: _matrix_product("mat1", "mat2"),
    aten.baddbmm: _matrix_product("batch1", "batch2"),
    aten.linear: _leading("input", lambda given, rank: 1),
    aten.embedding: _leading("indices", lambda given, rank: 1),
    aten.layer_norm: _NORM,
    aten.rms_norm: _NORM,
    aten.scaled_dot_product_attention: _attention,
    aten.cat: _concatenated,
    aten.stack: _stacked,
    aten.expand: _expanded,
    aten.transpose: _transposed,
    aten.permute: _permuted,
    aten.select: _selected,
    aten.slice: _sliced,
}
_COPIES = frozenset((aten.cat, aten.contiguous, aten.reshape, aten.flatten, aten.to))
