"""Holdings: which tensors a module holds at one moment, and whether it still holds the same ones.

In-place changes of values are not a difference: who reads the tensors' memory sees them.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import torch
from torch import nn

from kernelevo.backends import packing

_TABLES = ("_parameters", "_buffers", "_modules")
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_PLAIN = (bool, int, float, str)


class Holdings:
    """What modules hold: parameters, buffers, submodules, tensors in plain attributes, train or eval mode.

    The tensors' storages are kept alive, so that no other tensor can come to lie at their addresses.

    Args:
        modules: modules, with all their submodules.
        tensors: more tensors to watch.
    """

    def __init__(self, modules: Iterable[nn.Module], tensors: Iterable[torch.Tensor] = ()) -> None:
        every = list({id(m): m for root in modules for m in root.modules()}.values())
        spaces = [m.__dict__ for m in every]
        self._modes = [(space, space["training"]) for space in spaces]
        self._homes = [(space, name) for space in spaces for name in _TABLES]
        tables = [space[name] for space, name in self._homes]
        self._sizes, self._held = list(map(len, tables)), list(chain.from_iterable(map(dict.values, tables)))
        self._attributes = [row for space in spaces for row in _attributes(space)]
        held = [t for t in self._held if isinstance(t, torch.Tensor)]
        held += [t for _, _, t in self._attributes if isinstance(t, torch.Tensor)] + list(tensors)
        self.tensors: tuple[torch.Tensor, ...] = tuple({id(t): t for t in held}.values())
        self._numbers = [_numbers(space) for space in spaces]
        self._hooked = [bool(space[name]) for space in spaces for name in _HOOKS]
        self._spaces = spaces
        self.strange = (
            "" if all(map(is_plain, self.tensors)) else "a tensor of the module has no plain memory"
        )
        self._pointers: list[int] = []
        self._layouts: list[Any] = []
        self._aliases: tuple[torch.Tensor, ...] = ()
        self._events = packing.events()
        if not self.strange:
            self._pointers = list(map(torch.Tensor.data_ptr, self.tensors))
            self._layouts = list(map(_layout, self.tensors))
            with torch.inference_mode(False), torch.no_grad():
                self._aliases = tuple(t.detach() for t in self.tensors)

    def hooked(self, first: bool) -> bool:
        """Tell whether a module has forward hooks, the first one counted or not."""
        return any(self._hooked if first else self._hooked[len(_HOOKS) :])

    def same(self) -> bool:
        """Tell whether the modules hold the same objects at the same addresses, in the same modes.

        Layouts, plain numbers and hooks are compared too where ``packing`` heard of an event since the last
        time (a switch of mode, an optimiser's step, ``kernelevo.refresh()``).
        """
        if not all([space["training"] is mode for space, mode in self._modes]):
            return False
        tables = [space[name] for space, name in self._homes]
        if list(map(len, tables)) != self._sizes:
            return False
        if not all(map(operator.is_, chain.from_iterable(map(dict.values, tables)), self._held)):
            return False
        if any([_item(place, key) is not value for place, key, value in self._attributes]):
            return False
        if list(map(torch.Tensor.data_ptr, self.tensors)) != self._pointers:
            return False
        return self._events == packing.events() or self._wholly()

    def _wholly(self) -> bool:
        same = self.unmoved() and [bool(s[name]) for s in self._spaces for name in _HOOKS] == self._hooked
        if same and list(map(_layout, self.tensors)) == self._layouts:
            self._events = packing.events()
            return True
        return False

    def unmoved(self) -> bool:
        """Tell whether the modules' plain numbers and texts are what they were."""
        return [_numbers(space) for space in self._spaces] == self._numbers

    def storages(self) -> set[int]:
        """Return the addresses of the tensors' storages."""
        return {storage(t) for t in self.tensors}


def is_plain(tensor: Any) -> bool:
    """Tell whether it is a strided tensor with memory of its own: no subclass, not sparse, not fake."""
    return type(tensor) in (torch.Tensor, nn.Parameter) and tensor.layout is torch.strided


def storage(tensor: torch.Tensor) -> int:
    """Return the address of a tensor's storage."""
    return tensor.untyped_storage().data_ptr()


def _layout(tensor: torch.Tensor) -> tuple[Any, ...]:
    return tensor.shape, tensor.stride(), tensor.dtype


def _item(place: Any, key: Any) -> Any:
    try:
        return place[key]
    except (KeyError, IndexError):
        return None


def _attributes(space: dict[str, Any]) -> Iterator[tuple[Any, Any, Any]]:
    """Yield where tensors lie that are no parameters or buffers: attributes, and containers with tensors."""
    for name, value in space.items():
        if name in _TABLES:
            continue
        if isinstance(value, torch.Tensor):
            yield space, name, value
        elif isinstance(value, list | tuple | dict):
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            inside = [(value, key, v) for key, v in pairs if isinstance(v, torch.Tensor)]
            yield from ([(space, name, value), *inside] if inside else [])


def _numbers(space: dict[str, Any]) -> dict[str, Any]:
    return {name: (type(v), v) for name, v in space.items() if type(v) in _PLAIN and name != "training"}
