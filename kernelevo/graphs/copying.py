"""Copying: a module's deep copy, where it holds tensors that ``copy.deepcopy`` refuses."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree


def copied_module(module: nn.Module) -> nn.Module:
    """Return a deep copy of a module that may hold tensors with a gradient history as plain attributes.

    Those are what ``copy.deepcopy`` refuses, and what the old ``torch.nn.utils.weight_norm`` leaves on each
    layer: in the copy they are values without a history, which the next call computes anew.

    Args:
        module: it is not changed.
    """
    memo: dict[int, Any] = {}
    for part in module.modules():
        for leaf in pytree.tree_leaves(list(vars(part).values())):
            if isinstance(leaf, torch.Tensor) and not leaf.is_leaf:
                memo[id(leaf)] = copy.deepcopy(leaf.detach(), memo)  # views keep to what they are views of
    return copy.deepcopy(module, memo)
