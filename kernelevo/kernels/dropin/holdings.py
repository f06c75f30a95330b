"""Holdings: what a module is made of, taken down once, so that a later look costs little.

A drop-in has to know before each call that its weights, modes and settings are still those that were proven.
Describing some thirty tensors anew takes longer than many a call of a small block.
"""

from __future__ import annotations

from operator import is_
from typing import Any

from torch import nn

from kernelevo.kernels.dropin.attributes import DEPTH, inside, plain


class Holdings:
    """The submodules, attributes, parameters, buffers and forward hooks of a module as they are now.

    Args:
        module: it and all below it are taken down; values of tensors are not.
    """

    def __init__(self, module: nn.Module) -> None:
        modules = list(module.modules())
        self._classes = [(m, type(m)) for m in modules]
        # the mode and the dictionaries themselves are among a module's attributes
        self._attributes = [(vars(m), tuple(vars(m).values())) for m in modules]
        held = [
            kind
            for m in modules
            for kind in (m._modules, m._parameters, m._buffers, m._forward_hooks, m._forward_pre_hooks)
        ]
        self._empty = [kind for kind in held if not kind]
        self._filled = [(kind, tuple(kind), tuple(kind.values())) for kind in held if kind]
        self._keys: list[tuple[dict[Any, Any], tuple[Any, ...]]] = []
        self._lists: list[tuple[list[Any], tuple[Any, ...]]] = []
        seen: set[int] = set()  # the layers of a model share its configuration
        for m in modules:
            for value in plain(m).values():
                self._take(value, seen)
        self._tensors = [
            (value, (value.data_ptr(), value.dtype, value.shape, value.stride(), value.device))
            for m in modules
            for value in (*m._parameters.values(), *m._buffers.values())
            if value is not None
        ]

    def _take(self, value: Any, seen: set[int], depth: int = 0) -> None:
        """Take down what a container or a configuration holds, as far as settings are looked for in it."""
        if depth >= DEPTH or id(value) in seen:
            return
        held = inside(value, depth)
        if held is not None:
            seen.add(id(value))
        if isinstance(held, dict):
            self._attributes.append((held, tuple(held.values())))
            self._keys.append((held, tuple(held)))
        elif isinstance(held, list):
            self._lists.append((held, tuple(held)))
        for entry in held.values() if isinstance(held, dict) else held or ():
            self._take(entry, seen, depth + 1)

    def same(self) -> bool:
        """Tell whether the very modules, attributes and tensors are still there, of the same kinds.

        What lists, dictionaries and configurations in attributes hold is looked at too, see ``attributes``.
        """
        if not all(type(m) is cls for m, cls in self._classes):
            return False
        for attributes, values in self._attributes:
            if len(attributes) != len(values) or not all(map(is_, attributes.values(), values)):
                return False
        if any(self._empty) or any(tuple(held) != names for held, names in self._keys):
            return False
        for kind, names, entries in self._filled:
            if tuple(kind) != names or not all(map(is_, kind.values(), entries)):
                return False
        for found, entries in self._lists:
            if len(found) != len(entries) or not all(map(is_, found, entries)):
                return False
        # ``.data`` gives a tensor other memory, of another kind perhaps
        return all(
            (value.data_ptr(), value.dtype, value.shape, value.stride(), value.device) == kind
            for value, kind in self._tensors
        )
