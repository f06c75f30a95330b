"""Signature: on what kind of call a program was proven; a drop-in runs it on nothing else."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from kernelevo.backends.candidate import plain_tensors
from kernelevo.backends.pickled import is_fixed
from kernelevo.errors import InputError
from kernelevo.graphs.copying import copied_module
from kernelevo.kernels.dropin.attributes import equal, plain, settings_of
from kernelevo.kernels.dropin.fixed import Values
from kernelevo.kernels.reference.construction import same
from kernelevo.kernels.reference.tree import Leaf, flatten

_PLAIN = (torch.Tensor, nn.Parameter)


@dataclass(frozen=True)
class Signature:
    """Kinds of inputs, weights and modes of one proven call.

    Args:
        structure: structure of (args, {}): arguments that are given by name count as given by position.
        inputs: for each leaf its kind, or the value itself where it is no tensor.
        weights: name -> kind of each parameter, buffer and tensor that is a plain attribute.
        modes: name -> train/eval of each submodule.
        settings: name -> value of each plain attribute, e.g. ``norm.eps``, that a call does not change; see
            ``attributes.settings_of``.
        output_structure: structure of what the module returns.
        outputs: for each leaf of the output its kind, or the value itself.
        mutated: buffers that a call changes.
        classes: name -> class of each submodule, as text.
        attributes: name -> names of the plain attributes that each submodule has before a call or after it.
        changed: settings and inputs that a call changes; a program does not change them.
        fixed: inputs that are the same in all calls drawn like this one; see ``Fixed``.
    """

    structure: str
    inputs: tuple[Any, ...]
    weights: Mapping[str, Leaf]
    modes: Mapping[str, bool]
    settings: Mapping[str, Any]
    output_structure: str
    outputs: tuple[Any, ...]
    mutated: tuple[str, ...]
    classes: Mapping[str, str]
    attributes: Mapping[str, frozenset[str]]
    changed: tuple[str, ...] = ()
    fixed: Values = ()

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
        twin = copied_module(module)
        before = {k: v.detach().clone() for k, v in twin.named_buffers()}
        held = {k: v.detach().clone() for k, v in plain_tensors(twin).items()}
        with torch.no_grad():
            copied = copy.deepcopy(tuple(args))
            structure, leaves = flatten(twin(*copied))
        after = plain_tensors(twin)
        if after.keys() != held.keys() or any(not torch.equal(v, after[k]) for k, v in held.items()):
            raise InputError(
                "the module keeps state in plain attributes",
                why="a call changes tensors that are neither parameters nor buffers",
                now="register them with register_buffer and update them in place",
            )
        settings, left = settings_of(module), settings_of(twin)
        given_structure, given = flatten((tuple(args), {}))
        return cls(
            given_structure,
            tuple(_kind(v) for v in given),
            weights_of(module),
            {name: child.training for name, child in module.named_modules()},
            {k: v for k, v in settings.items() if k in left and equal(v, left[k])},
            structure,
            tuple(_kind(v) for v in leaves),
            tuple(k for k, v in twin.named_buffers() if not torch.equal(v, before[k])),
            _classes(module),
            {
                name: frozenset(plain(child)).union(plain(later))
                for (name, child), later in zip(module.named_modules(), twin.modules(), strict=True)
            },
            (
                *(k for k, v in settings.items() if k not in left or not equal(v, left[k])),
                *(
                    f"input {i}"
                    for i, (now, was) in enumerate(zip(flatten(copied)[1], given, strict=True))
                    if isinstance(was, torch.Tensor) and not was.is_meta and not same(now, was)
                ),
            ),
            tuple(
                (i, leaf.detach().clone())
                for i, leaf in enumerate(given)
                if isinstance(leaf, torch.Tensor) and not leaf.is_meta and is_fixed(leaf)
            ),
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
                    told = f"it is {found} with strides {list(found.stride)}; proven on {proven}"
                    return f"input {i} is not of the proven kind; {told}"
            elif isinstance(proven, Leaf) or isinstance(leaf, torch.Tensor) or not equal(leaf, proven):
                return f"input {i} is not the proven one; it is {leaf!r:.80}; proven on {proven!s:.80}"
        return ""

    def differs(self, module: nn.Module) -> str:
        """Return why a module is no longer the one that was proven, or an empty text.

        Values of parameters and buffers may be any; whatever else a forward reads has to be as it was.
        Forward hooks would not be called by a program: only those of ``torch.nn.utils``, which make a weight
        from others, are what a program was proven with.
        """
        modes = {name: child.training for name, child in module.named_modules()}
        if modes != self.modes:
            changed = [n or "the module" for n, m in modes.items() if self.modes.get(n) is not m]
            return f"train/eval mode is not the proven one; it differs in {', '.join(changed[:3]) or 'names'}"
        if why := next((f"{name} is {why}" for name, t in _held(module) if (why := unusual(t))), ""):
            return f"a parameter or buffer is not of the proven kind; {why}"
        held = weights_of(module)
        if held != self.weights:
            names = [n for n in {*held, *self.weights} if held.get(n) != self.weights.get(n)]
            return f"a parameter or buffer is not of the proven kind; see {min(names)}"
        if (classes := _classes(module)) != self.classes:
            changed = [n or "the module" for n, c in classes.items() if self.classes.get(n) != c]
            return f"a submodule is of another class than proven; see {changed[0] if changed else 'names'}"
        for name, child in module.named_modules():
            if new := plain(child).keys() - self.attributes[name]:
                return (
                    f"an attribute was not there when it was proven; see {min(new)} of {name or 'the module'}"
                )
        settings = settings_of(module)
        for name, value in self.settings.items():
            if name not in settings or not equal(value, settings[name]):
                found = f"{settings[name]!r:.40}" if name in settings else "gone"
                return f"an attribute is not the proven one; {name} was {value!r:.40} and is {found}"
        for name, child in module.named_modules():
            hooks = (*child._forward_hooks.values(), *child._forward_pre_hooks.values())
            if not all(getattr(hook, "__module__", "").startswith("torch.nn.utils.") for hook in hooks):
                return f"a forward hook would not be called; see {name or 'the original'}"
        return ""


def unusual(tensor: torch.Tensor) -> str:
    """Say what keeps a program from reading a tensor's memory as it lies there, or return an empty text."""
    if type(tensor) not in _PLAIN:
        return f"a {type(tensor).__name__}"
    if tensor.layout is not torch.strided:
        return f"of layout {str(tensor.layout).removeprefix('torch.')}"
    if tensor.is_conj() or tensor.is_neg():
        return "a conjugate or negative that was not written to memory"
    return ""


def _kind(value: Any) -> Any:
    return Leaf.of(value) if isinstance(value, torch.Tensor) else value


def _classes(module: nn.Module) -> dict[str, str]:
    return {n: f"{type(m).__module__}.{type(m).__qualname__}" for n, m in module.named_modules()}


def _is(tensor: torch.Tensor, leaf: Leaf) -> bool:
    """Tell whether a tensor is of a kind; strides along a single element say nothing."""
    return (
        tuple(tensor.shape) == leaf.shape
        and tensor.dtype is leaf.torch_dtype
        and tensor.device.type == leaf.device
        and (
            tensor.stride() == leaf.stride
            or all(a == b for n, a, b in zip(leaf.shape, tensor.stride(), leaf.stride, strict=True) if n > 1)
        )
    )


def weights_of(module: nn.Module) -> dict[str, Leaf]:
    """Return name -> kind of all tensors that a module holds."""
    return {name: Leaf.of(value) for name, value in _held(module)}


def _held(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Return all parameters, buffers and tensors in plain attributes of a module, by name."""
    registered = (
        *module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)
    )  # fmt: skip
    return [*registered, *plain_tensors(module).items()]
