"""Traced: a drop-in under an outer ``torch.compile``, one opaque operator of its own."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from kernelevo.kernels.dropin.signature import Signature
from kernelevo.kernels.reference.tree import Leaf, flatten

_BY_NAME = "arguments given by name cannot be traced; give them by position"
_OTHERS = "the inputs are not of a kind it was proven on, or what it returns cannot be traced"
GRADIENT = "a gradient may be needed; call it under torch.no_grad() or torch.inference_mode()"

_LIVE: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
_NUMBERS = itertools.count(1)


def enter(module: nn.Module) -> int:
    """Return the number by which the operator finds a drop-in, for as long as it lives."""
    number = next(_NUMBERS)
    _LIVE[number] = module
    return number


def needs_gradient(module: nn.Module, tensors: Sequence[torch.Tensor]) -> bool:
    """Tell whether somebody may ask for a gradient of a call with these inputs."""
    return torch.is_grad_enabled() and (
        any(t.requires_grad for t in tensors) or any(p.requires_grad for p in module.parameters())
    )


def call(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What dynamo traces: one opaque operator where the call is proven, else the original itself.

    The operator belongs to this process, so what is exported is the original. Inside a compiled graph
    autocast is off, whatever it was when the graph was traced, so it is asked for here.
    """
    original = module.__dict__["_original"]
    tensors = [v for v in args if isinstance(v, torch.Tensor)]
    why = _refused(original, tensors)
    if why:
        _tell(module.__dict__["_number"], why)
        return original(*args, **kwargs)
    for index, proven in enumerate(module.__dict__["_proven"]):
        spec = module.__dict__["_outputs"][index]
        if kwargs or spec is None or proven.mismatch(proven.structure, args):
            continue
        named = dict(original.named_buffers())
        state = [p for _, p in original.named_parameters()]
        changed = [named[name] for name in proven.mutated]
        flat = torch.ops.kernelevo.run(module.__dict__["_number"], index, tensors, state, changed)
        for buffer, new in zip(changed, flat[len(flat) - len(changed) :], strict=True):
            buffer.copy_(new)
        found = iter(flat)
        results = [next(found) if isinstance(kind, Leaf) else kind for kind in proven.outputs]
        return results[0] if spec == "one" else pytree.tree_unflatten(results, spec)
    _tell(module.__dict__["_number"], _BY_NAME if kwargs else _OTHERS)
    return original(*args, **kwargs)


def _refused(original: nn.Module, tensors: Sequence[torch.Tensor]) -> str:
    if torch.compiler.is_exporting():
        return "it is being exported"
    if needs_gradient(original, tensors):
        return GRADIENT
    if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
        return "autocast is on"
    return ""


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _tell(number: int, why: str) -> bool:
    """Warn while a graph is made; a warning is nothing that a graph could hold."""
    _LIVE[number]._tell(why)
    return True


def output_spec(proven: Signature) -> Any:
    """Return how to build the output while tracing: ``"one"`` leaf, a spec, or None if it cannot be traced.

    Only calls with plain positional arguments are traced as one operator, and only results of tensors and
    None: a number may follow from the inputs.
    """
    if flatten((proven.inputs, {}))[0] != proven.structure:
        return None
    if any(not isinstance(kind, Leaf) and kind is not None for kind in proven.outputs):
        return None
    if proven.output_structure == flatten(0)[0]:
        return "one"
    try:
        return pytree.treespec_loads(proven.output_structure)
    except (ValueError, TypeError, KeyError):  # a container without a serialiser
        return None


def _run(
    number: int,
    index: int,
    inputs: list[torch.Tensor],
    state: list[torch.Tensor],
    buffers: list[torch.Tensor],
) -> list[torch.Tensor]:
    """Run for real: outputs, then the new values of the buffers; ``state`` is for the tracer alone."""
    module: Any = _LIVE[number]
    proven: Signature = module.__dict__["_proven"][index]
    given = iter(inputs)
    leaves = [next(given) if isinstance(kind, Leaf) else kind for kind in proven.inputs]
    changed = [b.clone() for b in buffers]
    flat = module._run_flat(leaves, proven.structure, dict(zip(proven.mutated, changed, strict=True)))
    results = [v for v in flat if isinstance(v, torch.Tensor)]
    taken = {_address(t) for t in (*inputs, *state, *buffers, *changed)}
    for i, result in enumerate(results):  # a graph takes results for new memory, and uses it again
        if _address(result) in taken:
            results[i] = torch.empty_strided(
                result.shape, result.stride(), dtype=result.dtype, device=result.device
            ).copy_(result)
        taken.add(_address(results[i]))
    return [*results, *changed]


def _address(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr() or id(tensor)


def _fake(
    number: int,
    index: int,
    inputs: list[torch.Tensor],
    state: list[torch.Tensor],
    buffers: list[torch.Tensor],
) -> list[torch.Tensor]:
    proven: Signature = _LIVE[number].__dict__["_proven"][index]
    outputs = [
        torch.empty_strided(kind.shape, kind.stride, dtype=kind.torch_dtype, device=kind.device)
        for kind in proven.outputs
        if isinstance(kind, Leaf)
    ]
    return [*outputs, *map(torch.empty_like, buffers)]


_LIBRARY = torch.library.Library("kernelevo", "DEF")  # type: ignore[no-untyped-call]
_LIBRARY.define(  # type: ignore[no-untyped-call]
    "run(int number, int index, Tensor[] inputs, Tensor[] state, Tensor[] buffers) -> Tensor[]"
)
_LIBRARY.impl("run", _run, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
torch.library.register_fake("kernelevo::run", _fake, lib=_LIBRARY)
