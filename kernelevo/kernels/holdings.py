"""Holdings: what a module is made of, taken down once, so that a later look costs little.

A drop-in has to know before each call that its weights, modes and settings are still those that were proven.
Describing some thirty tensors anew takes longer than many a call of a small block.
"""

from __future__ import annotations

from operator import is_

from torch import nn


class Holdings:
    """The submodules, attributes, parameters, buffers and forward hooks of a module as they are now.

    Args:
        module: it and all below it are taken down; values of tensors are not.
    """

    def __init__(self, module: nn.Module) -> None:
        modules = list(module.modules())
        # the mode and the dictionaries themselves are among a module's attributes
        self._attributes = [(vars(m), tuple(vars(m).values())) for m in modules]
        held = [
            kind
            for m in modules
            for kind in (m._modules, m._parameters, m._buffers, m._forward_hooks, m._forward_pre_hooks)
        ]
        self._empty = [kind for kind in held if not kind]
        self._filled = [(kind, tuple(kind), tuple(kind.values())) for kind in held if kind]
        self._lists = [
            (value, tuple(value)) for _, values in self._attributes for value in values if type(value) is list
        ]
        self._tensors = [
            (value, (value.dtype, value.shape, value.stride(), value.device))
            for m in modules
            for value in (*m._parameters.values(), *m._buffers.values())
            if value is not None
        ]

    def same(self) -> bool:
        """Tell whether the very modules, attributes and tensors are still there, of the same kinds.

        Of an attribute that is a list the entries are looked at, too; what other containers hold is not.
        """
        for attributes, values in self._attributes:
            if len(attributes) != len(values) or not all(map(is_, attributes.values(), values)):
                return False
        if any(self._empty):
            return False
        for kind, names, entries in self._filled:
            if tuple(kind) != names or not all(map(is_, kind.values(), entries)):
                return False
        for found, entries in self._lists:
            if len(found) != len(entries) or not all(map(is_, found, entries)):
                return False
        # ``.data`` gives a tensor other memory, of another kind perhaps
        return all(
            (value.dtype, value.shape, value.stride(), value.device) == kind for value, kind in self._tensors
        )
