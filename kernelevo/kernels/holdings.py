"""Holdings: what a module is made of, taken down once, so that a later look costs little.

A drop-in has to know before each call that its weights and modes are still of the kind that was proven.
Describing some thirty tensors anew takes longer than many a call of a small block.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn


class Holdings:
    """The submodules, modes, parameters and buffers of a module as they are now.

    Args:
        module: it and all below it are taken down; values are not.
    """

    def __init__(self, module: nn.Module) -> None:
        self._modules = [
            (m, m.training, m._modules, tuple(m._modules.items()), m._parameters, m._buffers)
            for m in module.modules()
        ]
        self._dictionaries = [
            (held, tuple(held.items())) for entry in self._modules for held in (entry[4], entry[5])
        ]
        self._tensors = [
            (value, (value.dtype, value.shape, value.stride(), value.device))
            for _, items in self._dictionaries
            for _, value in items
            if value is not None
        ]

    def same(self) -> bool:
        """Tell whether the very modules and tensors are still there, of the same modes and kinds."""
        for module, training, children, items, parameters, buffers in self._modules:
            if module.training is not training or module._modules is not children:
                return False
            if module._parameters is not parameters or module._buffers is not buffers:
                return False
            if not _alike(children, items):
                return False
        if not all(_alike(held, items) for held, items in self._dictionaries):
            return False
        # ``.data`` gives a tensor other memory, of another kind perhaps
        return all(
            (value.dtype, value.shape, value.stride(), value.device) == kind for value, kind in self._tensors
        )


def _alike(now: Mapping[str, object], then: tuple[tuple[str, object], ...]) -> bool:
    """Tell whether a dictionary holds the very objects that it held, under the same names."""
    if len(now) != len(then):
        return False
    pairs = zip(now.items(), then, strict=True)
    return all(name == known and value is held for (name, value), (known, held) in pairs)
