"""Setting: what every child of a task must know: weights' names, layouts of inputs and outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from kernelevo.errors import InputError
from kernelevo.kernels.children.arena import Layout, dense
from kernelevo.kernels.children.equipment import Equipment
from kernelevo.kernels.children.ledger import ledger_bytes
from kernelevo.kernels.reference.construction import named_weights
from kernelevo.kernels.reference.oracle import Truth
from kernelevo.kernels.reference.tree import Leaf, flatten

SLOT_BYTES = 256 << 20
"""Most bytes of inputs, and of outputs, that one batch may hold (one call is always allowed)."""
DEVICE_SLOT_BYTES = 2 << 30
"""The same on a device, whose calls are large and short."""
SLOT_COUNT = 1024


@dataclass(frozen=True)
class Setting:
    """Shapes and names of one task.

    Args:
        init_args: positional constructor arguments, plain data.
        init_kwargs: keyword constructor arguments, plain data.
        names: for each weight ``name``, ``kind`` and ``requires_grad``, in the order of ``weights``.
        weights: layout of parameters, buffers and plain tensors.
        structure: structure of the arguments.
        plain: for each argument leaf None for a tensor, else the value in a list.
        inputs: layout of one call's tensors.
        outputs: structure and leaves of the reference's output.
        draws: whether torch is seeded before each call.
        stateful: whether forward changes plain tensors (then each case needs a fresh construction).
        training: train or eval mode.
        returns_input: for each output leaf whether the reference hands out an input's memory.
        returns_held: the same of what the module holds, such as a weight: a caller gets that in each call.
        overlaps: whether elements of an output of the reference share memory, as in an expanded tensor.
        shares: whether two leaves of the reference's output lie in one piece of memory.
        lays_out: whether results are brought into the strides of the reference's as part of a call, as where
            a program stands in for a live module.
        device: where children compute, ``"cpu"`` or ``"cuda:0"``.
        staged: whether inputs and outputs are copied there and back, since the parent cannot see them there.
        equipment: what stands around a batch there; None where nothing does.
    """

    init_args: list[Any]
    init_kwargs: dict[str, Any]
    names: list[dict[str, Any]]
    weights: Layout
    structure: str
    plain: list[list[Any] | None]
    inputs: Layout
    outputs: dict[str, Any]
    draws: bool
    stateful: bool
    training: bool
    returns_input: tuple[bool, ...]
    returns_held: tuple[bool, ...]
    overlaps: bool = False
    shares: bool = False
    lays_out: bool = False
    device: str = "cpu"
    staged: bool = False
    equipment: Equipment | None = None

    @property
    def on_device(self) -> bool:
        """Whether children compute elsewhere than on the CPU."""
        return self.device != "cpu"

    @property
    def output_bytes(self) -> int:
        """Bytes of one call's output."""
        return sum(
            Leaf(o["dtype"], tuple(o["shape"]), tuple(o["stride"])).nbytes
            for o in self.outputs["leaves"]
            if "dtype" in o
        )

    @property
    def most_bytes(self) -> int:
        """Bytes that are read of one result at the most: what is far larger is no result of this module."""
        held = sum(leaf.nbytes for leaf in self.weights.leaves)
        return 4 * self.output_bytes + held + (1 << 20)

    @property
    def capacity(self) -> int:
        """How many calls one batch may hold."""
        one = max(self.inputs.nbytes, self.output_bytes, 1)
        most = DEVICE_SLOT_BYTES if self.on_device else SLOT_BYTES
        return max(1, min(SLOT_COUNT, most // one))

    @property
    def slots_bytes(self) -> int:
        """Bytes of the block that holds the inputs of a batch, and behind them the ledger."""
        return self.inputs.nbytes * self.capacity + ledger_bytes(self.capacity)

    @property
    def footprint(self) -> int:
        """Bytes of shared memory and outputs that a child is given anyway."""
        return (self.inputs.nbytes + 2 * self.output_bytes) * self.capacity + 4 * self.weights.nbytes

    def payload(self) -> dict[str, Any]:
        """Return what a child is told."""
        return {
            "init_args": self.init_args,
            "init_kwargs": self.init_kwargs,
            "weights": {"layout": self.weights.to_json(), "names": self.names},
            "slots": {
                "layout": self.inputs.to_json(),
                "structure": self.structure,
                "plain": self.plain,
                "bytes": self.slots_bytes,
                "ledger": self.inputs.nbytes * self.capacity,
            },
            "outputs": self.outputs,
            "draws": self.draws,
            "training": self.training,
            "lays_out": self.lays_out,
            "device": self.device,
            "staged": self.staged,
            "instruments": None if self.equipment is None else self.equipment.payload(),
        }


def survey(
    module: nn.Module,
    args: tuple[Any, ...],
    truth: Truth,
    init_args: list[Any],
    init_kwargs: dict[str, Any],
    *,
    lays_out: bool = False,
    device: str = "cpu",
    staged: bool = False,
) -> Setting:
    """Take down what children must know.

    Args:
        module: the reference, fresh from its constructor.
        args: one input set.
        truth: the reference's answer to it.
        init_args: constructor arguments of the task.
        init_kwargs: keyword arguments of the same.
        lays_out: see ``Setting``.
        device: where children are to compute.
        staged: see ``Setting``; a device is always staged.

    Raises:
        InputError: if the constructor's arguments are not plain data, if an argument or an output is of a
            kind that cannot be handed to another process, or if there is nothing to check.
    """
    try:
        json.dumps([init_args, init_kwargs])
    except (TypeError, ValueError) as error:
        raise InputError(
            "the constructor's arguments are not plain data",
            why=f"{error}; they are handed to another process as JSON",
            now="let get_init_inputs() return numbers, strings, lists and dicts",
        ) from error
    weights = named_weights(module)
    structure, leaves = flatten(args)
    for leaf in leaves:
        if not isinstance(leaf, torch.Tensor | bool | int | float | str | None):
            raise InputError(
                f"an argument of forward is a {type(leaf).__name__}",
                why="inputs may be tensors, numbers, texts and None, nested in lists, tuples and dicts",
                now="wrap the module in one whose forward takes tensors",
            )
    try:
        pytree.treespec_loads(structure)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            "the arguments of forward are nested in an unknown container",
            now="wrap the module in one whose forward takes lists, tuples and dicts of tensors",
        ) from error
    refuse_outputs(module, truth)
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    out_leaves = [
        asdict(Leaf.of(v)) if isinstance(v, torch.Tensor) else {"plain": v} for v in truth.ref32.leaves
    ]
    return Setting(
        init_args,
        init_kwargs,
        [{"name": n, "kind": k, "requires_grad": g} for n, (k, g, _) in weights.items()],
        Layout.of([dense(t) for _, _, t in weights.values()]),
        structure,
        [None if isinstance(leaf, torch.Tensor) else [leaf] for leaf in leaves],
        Layout.of([dense(t) for t in tensors]),
        {"structure": truth.ref32.structure, "leaves": out_leaves},
        truth.draws,
        truth.stateful,
        module.training,
        truth.ref32.returns_input,
        truth.ref32.returns_held,
        truth.ref32.overlaps,
        truth.ref32.shares,
        lays_out,
        device,
        staged or device != "cpu",
    )


def _tells(leaf: Any) -> bool:
    """Whether an output holds anything that a wrong program could get wrong."""
    return leaf.numel() > 0 if isinstance(leaf, torch.Tensor) else isinstance(leaf, bool | int | float)


def _changed(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]) -> bool:
    return any(name in after and not torch.equal(value, after[name]) for name, value in before.items())


def refuse_outputs(module: nn.Module, truth: Truth) -> None:
    """Refuse outputs that cannot be handed over, and those by which nobody could be wrong.

    Args:
        module: the reference.
        truth: its answer to one input set.

    Raises:
        InputError: if an output is of a kind that has no place in another process, or nothing is checked.
    """
    for leaf in truth.ref32.leaves:
        if not isinstance(leaf, torch.Tensor | bool | int | float | str | None):
            raise InputError(
                f"forward returns a {type(leaf).__name__}",
                why="outputs may be tensors, numbers, texts and None, nested in tuples, lists and dicts",
                now="return the parts that matter as a tuple or a dict",
            )
    changes = truth.stateful or _changed(dict(module.named_buffers()), truth.ref32.buffers)
    if not changes and not any(map(_tells, truth.ref32.leaves)):
        raise InputError(
            "forward returns nothing by which it could be checked",
            why="any program would be right that returns no number and no element of a tensor",
            now="let it return the tensors that it computes",
        )
