"""Skeleton: the parameters, buffers and constants of a module, by name, without its classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from kernelevo.errors import CaptureError

Kind = Literal["parameter", "buffer", "constant"]


@dataclass(frozen=True)
class Entry:
    """One tensor that a module owns.

    Args:
        name: dotted name, as in ``state_dict``.
        kind: parameter, buffer, or a constant (a plain tensor attribute, a tensor literal in forward).
        tensor: the tensor itself (shared, not copied).
        persistent: whether it is in ``state_dict``.
        alias: name of an earlier entry that is the same object (tied weights), or None.
    """

    name: str
    kind: Kind
    tensor: torch.Tensor
    persistent: bool
    alias: str | None = None


@dataclass(frozen=True)
class Skeleton:
    """All tensors of a module in the order of registration."""

    entries: tuple[Entry, ...]

    @property
    def by_name(self) -> Mapping[str, Entry]:
        """Entries by dotted name."""
        return {entry.name: entry for entry in self.entries}

    def parameters(self) -> Iterable[Entry]:
        """Entries that are parameters."""
        return (entry for entry in self.entries if entry.kind == "parameter")

    def tree(self) -> nn.Module:
        """Return plain nested modules that hold these very tensors under the same names."""
        root = nn.Module()
        for entry in self.entries:
            parent, leaf = attach(root, entry.name)
            if entry.kind == "parameter":
                assert isinstance(entry.tensor, nn.Parameter)
                parent.register_parameter(leaf, entry.tensor)
            else:
                parent.register_buffer(leaf, entry.tensor, persistent=entry.persistent)
        return root


def attach(root: nn.Module, name: str) -> tuple[nn.Module, str]:
    """Return the module that holds ``name`` (made where missing) and the last part of the name."""
    *path, leaf = name.split(".")
    for part in path:
        child = root._modules.get(part)
        if child is None:
            child = nn.Module()
            root.add_module(part, child)
        root = child
    return root, leaf


LITERALS = ("lifted_tensor_", "_tensor_constant")
"""How names begin that ``torch.export`` gives to tensors that forward makes from numbers."""


def skeleton_of(module: nn.Module, constants: Mapping[str, torch.Tensor]) -> Skeleton:
    """Read parameters, buffers and ``constants`` of ``module``.

    Raises:
        CaptureError: if ``state_dict`` holds something that is neither parameter nor buffer.
    """
    keys = set(module.state_dict().keys())
    first: dict[int, str] = {}
    entries: list[Entry] = []

    def add(name: str, kind: Kind, tensor: torch.Tensor, persistent: bool) -> None:
        alias = first.setdefault(id(tensor), name)
        entries.append(Entry(name, kind, tensor, persistent, None if alias == name else alias))

    for name, parameter in module.named_parameters(remove_duplicate=False):
        add(name, "parameter", parameter, True)
    for name, buffer in module.named_buffers(remove_duplicate=False):
        add(name, "buffer", buffer, name in keys)
    known = {entry.name for entry in entries}
    strange = keys - known
    if strange:
        raise CaptureError(
            f"{type(module).__name__}.state_dict holds {sorted(strange)[0]!r}, no parameter or buffer",
            why="a program takes weights over by a strict load_state_dict of plain parameters and buffers",
            now="remove get_extra_state or the hook that adds it, or optimise a submodule",
        )
    for name, tensor in constants.items():
        if name not in known:
            add(name, "constant", tensor, False)
    return Skeleton(tuple(entries))
