"""Draws: a task's own input sets, all of one form: what a program's process knows of them it is told once."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils import _pytree as pytree

from kernelevo.errors import InputError
from kernelevo.kernels.cases import inputs
from kernelevo.kernels.reference.construction import Builds


class Source(inputs.Source, Builds, Protocol):
    """A reference: module and inputs from seeds."""


class Draws:
    """A reference whose input sets are plain tensors, of the form that its first one has.

    Args:
        source: the reference.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._form: list[str] | None = None

    def build(self, seed: int) -> nn.Module:
        """Return a new module on the CPU; equal seeds give equal weights."""
        return self._source.build(seed)

    def inputs(self, seed: int) -> tuple[Any, ...]:
        """Return one set of arguments of ``forward``; no tensor of it asks for a gradient.

        Raises:
            InputError: if a tensor has not the shape and type that it had in the first set, or something
                else has another value.
        """
        drawn: tuple[Any, ...] = pytree.tree_map_only(torch.Tensor, _plain, self._source.inputs(seed))
        form = [_form(leaf) for leaf in pytree.tree_leaves(drawn)]
        self._form = self._form or form
        for i, (first, now) in enumerate(zip_longest(self._form, form, fillvalue="nothing")):
            if first != now:
                raise InputError(
                    f"argument {i} of forward is not the same in every draw: {first}, then {now}",
                    why="calls differ in the values of their tensors; shapes, and all that is no tensor, are "
                    "part of what a program is built for",
                    now="let get_inputs() return one shape and one value each time; several shapes are "
                    "several input sets of kernelevo.optimize()",
                )
        return drawn


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().resolve_conj().resolve_neg()


def _form(leaf: Any) -> str:
    if isinstance(leaf, torch.Tensor):
        return f"{str(leaf.dtype).removeprefix('torch.')}{list(leaf.shape)}"
    return f"{leaf!r:.80}"
