"""Sharing: a program's modules hold the very parameters and buffers of the original's."""

from __future__ import annotations

import torch
from torch import nn

from kernelevo.backends.candidate import plain_tensors
from kernelevo.errors import InputError


def share(original: nn.Module, program: nn.Module) -> None:
    """Let a program's modules hold the very parameters and buffers of the original's.

    Raises:
        InputError: if the program has other names (a program proven "by seed" cannot be a drop-in).
    """
    theirs = dict(program.named_modules(remove_duplicate=False))
    if _names(program) != _names(original):
        raise InputError("the program's weights have other names", now="search with this module")
    for path, module in original.named_modules(remove_duplicate=False):
        if not module._parameters and not module._buffers:
            continue
        twin = theirs.get(path)
        if twin is None or any(
            {k for k, v in getattr(twin, kind).items() if v is not None}
            != {k for k, v in getattr(module, kind).items() if v is not None}
            for kind in ("_parameters", "_buffers")
        ):
            raise InputError(f"the program's {path!r} holds other tensors", now="search with this module")
        twin._parameters, twin._buffers = module._parameters, module._buffers
        twin._non_persistent_buffers_set = module._non_persistent_buffers_set
    share_plain(original, program)


def _names(module: nn.Module) -> set[str]:
    """Return the names in a state dict, without those of ``get_extra_state``: that stays the original's."""
    return {name for name in module.state_dict() if not name.endswith("_extra_state")}


def share_plain(original: nn.Module, program: nn.Module) -> None:
    """Let a program's modules hold the tensors that the original's have as plain attributes."""
    theirs = dict(program.named_modules(remove_duplicate=False))
    for name, value in plain_tensors(original).items():
        path, _, last = name.rpartition(".")
        if "[" not in name and path in theirs and isinstance(getattr(theirs[path], last, None), torch.Tensor):
            object.__setattr__(theirs[path], last, value)
