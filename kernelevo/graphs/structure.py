"""Structure: nested tuples, lists and dicts of a call's arguments and results, as program text.

Tuples may be named ones, shapes, and what torch's own functions return (``x.max(-1)``).
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils import _pytree as pytree

from kernelevo.errors import CaptureError

_DICTS = (dict, collections.OrderedDict)


def paths(spec: pytree.TreeSpec, expression: str) -> list[str]:
    """Return one accessor per leaf of ``spec``, e.g. ``d["u"][0]``, in the order of the leaves.

    Raises:
        CaptureError: for a container that is no tuple, list or dict.
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
        CaptureError: for a container that is no tuple, list or dict.
    """
    if spec.is_leaf():
        return next(leaves)
    keys = _keys(spec)
    parts = [literal(child, leaves) for child in children(spec)]
    if _is_named(spec):
        return f"{_name(spec)}({', '.join(parts)})"
    if spec.type is collections.OrderedDict:  # of which typing is the module that every program may import
        pairs = ", ".join(f"({k!r}, {p})" for k, p in zip(keys, parts, strict=True))
        return f"typing.OrderedDict([{pairs}])"
    if spec.type is dict:
        return "{" + ", ".join(f"{k!r}: {p}" for k, p in zip(keys, parts, strict=True)) + "}"
    if spec.type is list:
        return "[" + ", ".join(parts) + "]"
    whole = "(" + ", ".join(parts) + ("," if len(parts) == 1 else "") + ")"
    if spec.type is torch.Size:
        return f"torch.Size({whole})"
    return f"torch.return_types.{spec.type.__name__}({whole})" if _is_torchs(spec) else whole


def definitions(spec: pytree.TreeSpec) -> dict[str, str]:
    """Return the named tuples of a structure, by the name that ``literal`` calls them, as program text.

    They have the names and fields of the module's own, by which the judge compares them.
    """
    if spec.is_leaf():
        return {}
    found: dict[str, str] = {}
    for child in children(spec):
        found |= definitions(child)
    if _is_named(spec):
        fields = ", ".join(f'("{name}", typing.Any)' for name in spec.context._fields)
        found[_name(spec)] = f'{_name(spec)} = typing.NamedTuple("{spec.context.__name__}", [{fields}])\n'
    return found


def _is_named(spec: pytree.TreeSpec) -> bool:
    return spec.type is collections.namedtuple


def _name(spec: pytree.TreeSpec) -> str:
    """Return a name in the program that two classes of one name and other fields do not share."""
    return "_of_".join((spec.context.__name__, "_".join(spec.context._fields)))


def _is_torchs(spec: pytree.TreeSpec) -> bool:
    return getattr(torch.return_types, getattr(spec.type, "__name__", ""), None) is spec.type


def _keys(spec: pytree.TreeSpec) -> list[Any]:
    if spec.type in _DICTS:
        return list(spec.context)
    if spec.type in (tuple, list, torch.Size) or _is_torchs(spec):
        return list(range(len(children(spec))))
    if _is_named(spec) and not any(name.startswith("_") for name in spec.context._fields):
        return list(range(len(children(spec))))
    raise CaptureError(
        f"a {getattr(spec.type, '__name__', spec.type)} among the module's arguments or results",
        why="programs can take and return tuples, named or not, lists and dicts of tensors",
        now="wrap the module in one that returns a tuple or a dict",
    )
