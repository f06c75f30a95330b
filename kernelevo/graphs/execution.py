"""Execution: running graphs and modules on given calls, recording shapes, computing the fp64 oracle."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils import _pytree as pytree

SEED = 20_231  # drawn before each call, so that random draws inside forward are comparable
TURN = threading.RLock()
"""Whoever runs a graph for its values holds it: torch draws from one random state for all threads."""


_LARGE, _PIECE = 1 << 20, 61  # elements; odd, so that rows of a power of two are cut in different places


@dataclass(frozen=True)
class Call:
    """One call of a module: positional and keyword arguments."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def leaves(self) -> list[Any]:
        """Return the flattened arguments in the order of the graph's placeholders."""
        return list(pytree.tree_leaves((self.args, dict(self.kwargs))))

    def map(self, change: Any) -> Call:
        """Return a call whose tensors went through ``change``."""
        args, kwargs = pytree.tree_map_only(torch.Tensor, change, (self.args, dict(self.kwargs)))
        return Call(args, kwargs)

    def shuffled(self, seed: int) -> Call:
        """Return a call with the elements of each tensor in another order: other inputs, same values."""
        generator = torch.Generator().manual_seed(seed)

        def shuffle(tensor: torch.Tensor) -> torch.Tensor:
            flat = tensor.detach().reshape(-1)
            # large tensors in pieces: a permutation of every element takes seconds
            piece = 1 if flat.numel() < _LARGE else _PIECE
            whole = flat.numel() // piece
            order = torch.randperm(whole, generator=generator).to(tensor.device)
            mixed = flat[: whole * piece].view(whole, piece)[order].view(-1)
            return torch.cat([mixed, flat[whole * piece :]]).reshape(tensor.shape)

        return self.map(shuffle)


@dataclass(frozen=True)
class Outcome:
    """What consecutive calls of one module left behind.

    Args:
        outputs: per call, the flattened outputs (tensors detached and copied).
        buffers: buffers by name after the last call.
        inputs: per call, the flattened tensor inputs after the call (a module may write to them).
    """

    outputs: tuple[tuple[Any, ...], ...]
    buffers: Mapping[str, torch.Tensor]
    inputs: tuple[tuple[torch.Tensor, ...], ...]


def _keep(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def overlaps(tensor: torch.Tensor) -> bool:
    """Tell whether elements of a tensor share memory, as an expanded one's do."""
    return any(stride == 0 and size > 1 for size, stride in zip(tensor.shape, tensor.stride(), strict=True))


def observe(module: nn.Module, calls: Sequence[Call], owner: nn.Module | None = None) -> Outcome:
    """Run ``calls`` one after the other on ``module``, whose state moves on, seeding before each.

    Args:
        module: what to run; its buffers are changed as its forward does.
        calls: the calls; their tensors are copied first.
        owner: the module that holds the buffers to report (default: ``module``).
    """
    outputs, inputs = [], []
    for call in calls:
        own = call.map(lambda t: t.detach().clone())
        with TURN, torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            result = module(*own.args, **own.kwargs)
        outputs.append(tuple(_keep(leaf) for leaf in pytree.tree_leaves(result)))
        inputs.append(tuple(_keep(leaf) for leaf in own.leaves() if isinstance(leaf, torch.Tensor)))
    after = (owner or module).named_buffers(remove_duplicate=False)
    return Outcome(tuple(outputs), {name: _keep(buffer) for name, buffer in after}, tuple(inputs))


class Recorder(fx.Interpreter):
    """Runs a graph and writes ``meta["val"]`` (a FakeTensor, or a tuple of them) on every node."""

    def __init__(self, gm: fx.GraphModule) -> None:
        super().__init__(gm, garbage_collect_values=True)
        self._mode = FakeTensorMode(allow_non_fake_inputs=True)

    def _fake(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor) and not isinstance(value, FakeTensor):
            return self._mode.from_tensor(value.detach(), static_shapes=True)
        return value

    def run_node(self, n: fx.Node) -> Any:
        """Run one node and note what it produced."""
        result = super().run_node(n)
        if n.op != "output":
            n.meta["val"] = pytree.tree_map(self._fake, result)
        return result


def copied(graph: fx.Graph) -> fx.Graph:
    """Return a graph with its own nodes; the call's structure is shared."""
    twin = fx.Graph()
    returned: Any = twin.graph_copy(graph, {}, return_output_node=True)
    value, old = returned
    twin.output(value).meta = copy.copy(old.meta)
    twin.set_codegen(graph._codegen)
    return twin


def record(gm: fx.GraphModule, call: Call) -> None:
    """Run ``gm`` once for its shapes; buffers move on as in any call."""
    own = call.map(lambda t: t.detach().clone())
    with TURN, torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        Recorder(gm).run(*own.leaves(), enable_io_processing=False)


class _Double(fx.Interpreter):
    """Runs a graph of fp32 or half-precision operations in fp64: the oracle.

    Casts to another floating type become casts to float64; tensors that are made inside (zeros, random
    draws) are made as the graph says and converted, so that random draws are those of the original.
    """

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        if not isinstance(target, torch._ops.OpOverload):
            return super().call_function(target, args, kwargs)
        fed = any(isinstance(leaf, torch.Tensor) for leaf in pytree.tree_leaves((args, kwargs)))
        if fed:
            args, kwargs = pytree.tree_map_only(torch.dtype, _widen, (args, dict(kwargs)))
        result = super().call_function(target, args, kwargs)
        return pytree.tree_map_only(torch.Tensor, widen, result)


def _widen(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype.is_floating_point else dtype


def widen(tensor: torch.Tensor) -> torch.Tensor:
    """Return a floating-point tensor as fp64, any other unchanged."""
    return tensor.double() if tensor.dtype.is_floating_point else tensor


class Oracle(nn.Module):
    """A captured graph evaluated in fp64 on its own copy of the state."""

    def __init__(self, gm: fx.GraphModule) -> None:
        super().__init__()
        twin = fx.GraphModule(gm, copied(gm.graph))
        made: dict[int, torch.Tensor] = {}  # a tensor with two names stays one
        for module in twin.modules():
            for name, parameter in list(module._parameters.items()):
                if parameter is not None:
                    wide = nn.Parameter(widen(parameter.detach()), requires_grad=False)
                    module._parameters[name] = made.setdefault(id(parameter), wide)  # type: ignore[assignment]
            for name, buffer in list(module._buffers.items()):
                if buffer is not None:
                    if id(buffer) not in made:
                        made[id(buffer)] = widen(buffer).clone()
                    module._buffers[name] = made[id(buffer)]
        self.twin = twin

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the flattened outputs in fp64."""
        wide = Call(args, kwargs).map(widen)
        return _Double(self.twin).run(*wide.leaves(), enable_io_processing=False)

    def named_buffers(self, *args: Any, **kwargs: Any) -> Any:
        """Return the buffers under the names they have in the graph."""
        return self.twin.named_buffers(*args, **kwargs)
