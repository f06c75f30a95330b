"""Loading: a subject's parameters and buffers, taken from shared memory in one of several ways."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import nn


def take(
    module: nn.Module,
    names: Sequence[Mapping[str, Any]],
    views: Sequence[torch.Tensor],
    way: str,
    only: Collection[str] = (),
) -> list[torch.Tensor]:
    """Give a module the values of its parameters and buffers.

    Args:
        module: the subject.
        names: for each tensor ``name`` and ``kind`` (parameter, buffer, unsaved buffer, plain).
        views: the values.
        way: one of ``cases.parameters.Way``; buffers are written in place where parameters are moved.
        only: write these alone; none: all. Not for ``load``.

    Returns:
        Memory in which moved parameters lay, filled with NaN: who goes on reading there is seen, as long as
        it is kept.
    """
    pairs = [(n, v) for n, v in zip(names, views, strict=True) if n["kind"] != "plain"]
    if way == "load":
        module.load_state_dict({n["name"]: v for n, v in pairs if n["kind"] != "unsaved buffer"}, strict=True)
        return []
    parameters = dict(module.named_parameters())
    own = {**parameters, **dict(module.named_buffers())}
    left = []
    with torch.no_grad():
        for spec, view in pairs:
            name = spec["name"]
            if name in own and name in (only or own):
                if way == "moved" and name in parameters:
                    left.append(_moved(own[name], view))
                else:
                    own[name].copy_(view)
    return left


def _moved(parameter: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Let a parameter lie in other memory, as ``parameter.data = values`` does; return where it lay.

    No version counter tells of it: the values are there before.
    """
    left = parameter.data
    parameter.data = torch.empty_like(left).copy_(values)
    return left.fill_(torch.nan if left.is_floating_point() or left.is_complex() else 0)
