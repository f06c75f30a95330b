"""Structure: nested tuples, lists and dicts of a call's arguments and results, as program text."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

from torch.utils import _pytree as pytree

from kernelevo.errors import CaptureError

_DICTS = (dict, collections.OrderedDict)


def paths(spec: pytree.TreeSpec, expression: str) -> list[str]:
    """Return one accessor per leaf of ``spec``, e.g. ``d["u"][0]``, in the order of the leaves.

    Raises:
        CaptureError: for a container that is not a tuple, list or dict.
    """
    if spec.is_leaf():
        return [expression]
    found: list[str] = []
    for key, child in zip(_keys(spec), children(spec), strict=True):
        found += paths(child, f"{expression}[{key!r}]")
    return found


def children(spec: pytree.TreeSpec) -> list[pytree.TreeSpec]:
    """Return the parts of a structure; torch before 2.12 has them under another name."""
    if hasattr(spec, "children"):
        return list(spec.children())
    return list(spec.children_specs)


def literal(spec: pytree.TreeSpec, leaves: Iterator[str]) -> str:
    """Return the text of a value of structure ``spec`` whose leaves are the next ``leaves``.

    Raises:
        CaptureError: for a container that is not a tuple, list or dict.
    """
    if spec.is_leaf():
        return next(leaves)
    keys = _keys(spec)
    parts = [literal(child, leaves) for child in children(spec)]
    if spec.type is collections.OrderedDict:  # of which typing is the module that every program may import
        pairs = ", ".join(f"({k!r}, {p})" for k, p in zip(keys, parts, strict=True))
        return f"typing.OrderedDict([{pairs}])"
    if spec.type is dict:
        return "{" + ", ".join(f"{k!r}: {p}" for k, p in zip(keys, parts, strict=True)) + "}"
    if spec.type is list:
        return "[" + ", ".join(parts) + "]"
    return "(" + ", ".join(parts) + ("," if len(parts) == 1 else "") + ")"


def _keys(spec: pytree.TreeSpec) -> list[Any]:
    if spec.type in _DICTS:
        return list(spec.context)
    if spec.type in (tuple, list):
        return list(range(len(children(spec))))
    raise CaptureError(
        f"a {getattr(spec.type, '__name__', spec.type)} among the module's arguments or results",
        why="programs can take and return tuples, lists and dicts of tensors",
        now="wrap the module in one that returns a tuple or a dict",
    )
