"""Attributes: the settings that a module keeps in plain attributes, containers and configurations.

A drop-in computes what its original computed with the settings it was proven with; who changes
``module.config.scale`` afterwards is to get the original.
"""

from __future__ import annotations

import copy
import enum
import math
import types
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

_INTERNALS = frozenset(vars(nn.Module())) | {"_compiled_call_impl", "_is_torch_compile"}
_ATOMS = (
    type(None), bool, int, float, complex, str, bytes, range, slice, type(...), torch.dtype, torch.device,
    torch.layout, torch.memory_format, enum.Enum, types.FunctionType, types.BuiltinFunctionType, type,
)  # fmt: skip
DEPTH = 3
"""Containers within containers that are looked into."""
LARGEST = 1000
"""Entries of a dictionary, or attributes of an object, that are looked at: more of them are data."""


def settings_of(module: nn.Module) -> dict[str, Any]:
    """Return name -> value of the attributes that are numbers, names and the like, of all modules.

    Tuples and lists of such values are among them. What dictionaries, other lists and configurations hold
    is there under names like ``config.scale`` and ``options['scale']``, and the keys of a dictionary (the
    length of a list) under its own name; tensors and other objects are not.
    """
    return {
        name: value
        for prefix, child in module.named_modules()
        for attribute, held in plain(child).items()
        for name, value in _settings(f"{prefix}.{attribute}" if prefix else attribute, held)
    }


def plain(module: nn.Module) -> dict[str, Any]:
    """Return the attributes of one module that torch did not put there."""
    return {name: value for name, value in vars(module).items() if name not in _INTERNALS}


def inside(value: Any, depth: int = 0) -> Mapping[Any, Any] | list[Any] | tuple[Any, ...] | None:
    """Return what holds a container's entries: itself, or of a configuration its attributes; None for others.

    A configuration is an object that holds nothing but settings (``types.SimpleNamespace``, a dataclass,
    the ``config`` of a language model). One that holds anything else, a trainer say, may change at each step.
    """
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, dict):
        return value if len(value) <= LARGEST else None
    if isinstance(value, (*_ATOMS, torch.Tensor, nn.Module, types.ModuleType)):
        return None
    held = getattr(value, "__dict__", None)
    if not isinstance(held, dict) or not 0 < len(held) <= LARGEST:
        return None
    return held if all(_is_plain(entry, depth + 1) for entry in held.values()) else None


def equal(a: Any, b: Any) -> bool:
    """Tell whether two settings are equal, of the same type (True is not 1), NaN equal to itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(equal, a, b))
    unlike_itself = isinstance(a, float) and math.isnan(a) and math.isnan(b)
    try:
        return bool(a is b or a == b or unlike_itself)
    except (TypeError, ValueError):  # a comparison element by element, say
        return False


def _settings(name: str, value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if _is_setting(value):
        yield name, copy.deepcopy(value) if isinstance(value, tuple | list) else value
    elif depth < DEPTH and (held := inside(value, depth)) is not None:
        if isinstance(held, dict):
            names = {key: f"{name}.{key}" if held is not value else f"{name}[{key!r}]" for key in held}
            yield name, tuple(map(str, held))
            for key, entry in held.items():
                yield from _settings(names[key], entry, depth + 1)
        else:
            yield name, len(held)
            for i, entry in enumerate(held):
                yield from _settings(f"{name}[{i}]", entry, depth + 1)


def _is_setting(value: Any) -> bool:
    if isinstance(value, tuple | list | frozenset):
        return all(map(_is_setting, value))
    return isinstance(value, _ATOMS)


def _is_plain(value: Any, depth: int) -> bool:
    """Tell whether a value is a setting, or holds nothing else."""
    if _is_setting(value):
        return True
    held = inside(value, depth) if depth < DEPTH else None
    entries = held.values() if isinstance(held, dict) else held
    return entries is not None and all(_is_plain(entry, depth + 1) for entry in entries)
