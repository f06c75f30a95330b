"""Signature: on what kind of call a program was proven; a drop-in runs it on nothing else."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from kernelevo.backends.candidate import plain_tensors
from kernelevo.errors import InputError
from kernelevo.kernels.tree import Leaf, flatten


@dataclass(frozen=True)
class Signature:
    """Kinds of inputs, weights and modes of one proven call.

    Args:
        structure: structure of (args, {}): arguments that are given by name count as given by position.
        inputs: for each leaf its kind, or the value itself where it is no tensor.
        weights: name -> kind of each parameter and buffer.
        modes: name -> train/eval of each submodule.
        output_structure: structure of what the module returns.
        outputs: for each leaf of the output its kind, or the value itself.
        mutated: buffers that a call changes.
    """

    structure: str
    inputs: tuple[Any, ...]
    weights: Mapping[str, Leaf]
    modes: Mapping[str, bool]
    output_structure: str
    outputs: tuple[Any, ...]
    mutated: tuple[str, ...]

    @classmethod
    def of(cls, module: nn.Module, args: Sequence[Any]) -> Signature:
        """Take the signature of a call by making it once, on a copy of the module.

        Args:
            module: it is not changed.
            args: arguments of its forward, by position.

        Raises:
            InputError: if a call changes tensors that the module holds as plain attributes; nothing could
                hand those on to another implementation.
        """
        twin = copy.deepcopy(module)
        before = {k: v.detach().clone() for k, v in twin.named_buffers()}
        plain = {k: v.detach().clone() for k, v in plain_tensors(twin).items()}
        with torch.no_grad():
            structure, leaves = flatten(twin(*copy.deepcopy(tuple(args))))
        after = plain_tensors(twin)
        if after.keys() != plain.keys() or any(not torch.equal(v, after[k]) for k, v in plain.items()):
            raise InputError(
                "the module keeps state in plain attributes",
                why="a call changes tensors that are neither parameters nor buffers",
                now="register them with register_buffer and update them in place",
            )
        given_structure, given = flatten((tuple(args), {}))
        return cls(
            given_structure,
            tuple(_kind(v) for v in given),
            weights_of(module),
            {name: child.training for name, child in module.named_modules()},
            structure,
            tuple(_kind(v) for v in leaves),
            tuple(k for k, v in twin.named_buffers() if not torch.equal(v, before[k])),
        )

    def mismatch(self, structure: str, leaves: Sequence[Any]) -> str:
        """Return why a call's inputs are not the proven ones, or an empty text."""
        if structure != self.structure:
            return "the arguments are nested or named in another way than proven"
        if len(leaves) != len(self.inputs):
            return f"{len(leaves)} arguments were given; proven on {len(self.inputs)}"
        for i, (leaf, proven) in enumerate(zip(leaves, self.inputs, strict=True)):
            if isinstance(proven, Leaf) and isinstance(leaf, torch.Tensor):
                if not _is(leaf, proven):
                    found = Leaf.of(leaf)
                    return f"input {i} is {found} with strides {list(found.stride)}; proven on {proven}"
            elif isinstance(proven, Leaf) or isinstance(leaf, torch.Tensor) or leaf != proven:
                return f"input {i} is {leaf!r:.80}; proven on {proven!s:.80}"
        return ""


def _kind(value: Any) -> Any:
    return Leaf.of(value) if isinstance(value, torch.Tensor) else value


def _is(tensor: torch.Tensor, leaf: Leaf) -> bool:
    return (
        tuple(tensor.shape) == leaf.shape
        and tensor.dtype is leaf.torch_dtype
        and tensor.device.type == leaf.device
        and tuple(tensor.stride()) == leaf.stride
    )


def weights_of(module: nn.Module) -> dict[str, Leaf]:
    """Return name -> kind of all parameters and buffers of a module."""
    held = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    return {name: Leaf.of(value) for name, value in held}
