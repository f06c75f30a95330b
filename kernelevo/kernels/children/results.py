"""Results: how a child describes what its calls returned, and how the parent reads that description."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from kernelevo.core import Status
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.reference.tree import Leaf, flatten

Result = tuple[str, list[dict[str, Any]], list[tuple[int, Leaf]]]
"""One call's: its structure, the kind of each leaf, and (address, leaf) of each that is a tensor."""
_MOST = 1 << 40
"""Elements and bytes of one output, strides too: with strides of 0 a tensor of any size has four bytes."""


def describe(results: list[Any]) -> dict[str, Any]:
    """Say of each result its structure and, for each leaf, what it is and where; equal kinds said once."""
    kinds: dict[Any, int] = {}
    table: list[Any] = []
    structures: dict[str, int] = {}
    found = []
    for result in results:
        leaves: list[Any]
        if type(result) is torch.Tensor:  # the common case, in few steps: this lies inside the clock
            structure, leaves = "*", [result]
        else:
            structure, leaves = flatten(result)
        places = []
        for leaf in leaves:
            if isinstance(leaf, torch.Tensor):
                exact = type(leaf) is torch.Tensor or type(leaf) is nn.Parameter
                lazy = leaf.is_conj(), leaf.is_neg()
                key: Any = (exact, leaf.dtype, tuple(leaf.shape), leaf.stride(), leaf.device.type, lazy)
                here = leaf.device.type in ("cpu", "cuda") and leaf.layout is torch.strided
                address = leaf.data_ptr() if here else 0
            else:
                key, address = ("plain", repr(leaf)[:200]), 0
            if key not in kinds:
                kinds[key] = len(table)
                table.append(_kind(leaf, key))
            places.append([kinds[key], address])
        found.append([structures.setdefault(structure, len(structures)), places])
    return {"structures": list(structures), "kinds": table, "results": found}


def _kind(leaf: Any, key: tuple[Any, ...]) -> dict[str, Any]:
    if not isinstance(leaf, torch.Tensor):
        plain = leaf if isinstance(leaf, bool | int | float | str | None) else None
        return {"plain": plain, "type": type(leaf).__name__}
    described = Leaf.of(leaf)
    return {
        "exact": key[0],
        "dtype": described.dtype,
        "shape": list(described.shape),
        "stride": list(described.stride),
        "device": described.device,
        "conjugated": leaf.is_conj(),
        "negated": leaf.is_neg(),
    }


def ranges(said: dict[str, Any]) -> list[tuple[int, int]]:
    """Return the addresses (from, to) at which a child says its staged inputs lie.

    Raises:
        Failed: if it says something else.
    """
    try:
        return [(int(start), int(end)) for start, end in said["ranges"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        saw = f"the program's process does not say where its inputs lie: {error}"
        raise Failed(Status.REJECTED, rules.PROTOCOL.broken(saw)) from error


def parse(said: dict[str, Any], count: int, device: str = "cpu", *, overlaps: bool = True) -> list[Result]:
    """Check a child's description and return (structure, kinds, [(address, leaf)]) for each result.

    Args:
        said: the child's words.
        count: how many results there must be.
        device: the kind of device that every tensor must lie on.
        overlaps: whether elements of a tensor may share memory.

    Raises:
        Failed: if it is malformed, or a leaf is of a type or on a device that cannot be judged.
    """
    try:
        kinds, structures, results = said["kinds"], said["structures"], said["results"]
        if len(results) != count:
            raise ValueError(f"{len(results)} results for {count} calls")
        if not all(isinstance(kind, dict) for kind in kinds):
            raise ValueError("a kind that is none")
        leaves = [_leaf(kind, device) for kind in kinds]
        if not overlaps and any(leaf is not None and leaf.overlaps for leaf in leaves):
            saw = "elements of an output share memory (a view that is expanded or overlaps itself)"
            raise Failed(Status.REJECTED, rules.OWN_MEMORY.broken(saw))
        found = []
        for structure, places in results:
            mine = [kinds[k] for k, _ in places]
            tensors = [(int(a), leaf) for k, a in places if (leaf := leaves[k]) is not None]
            found.append((str(structures[structure]), mine, tensors))
        return found
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        saw = f"the program's process does not describe its outputs: {error}"
        raise Failed(Status.REJECTED, rules.PROTOCOL.broken(saw)) from error


def places(result: Result, but: Sequence[bool] = ()) -> list[tuple[int, int]]:
    """Return (address, bytes) of a result's tensors that have memory.

    Args:
        result: from ``parse``.
        but: for each leaf whether it is to be left out; ignored where there are not as many leaves.
    """
    _, kinds, tensors = result
    skipped = but if len(but) == len(kinds) else [False] * len(kinds)
    of_tensors = [skip for skip, kind in zip(skipped, kinds, strict=True) if "dtype" in kind]
    pairs = zip(tensors, of_tensors, strict=True)
    return [(address, leaf.nbytes) for (address, leaf), skip in pairs if leaf.nbytes and not skip]


def _leaf(kind: dict[str, Any], device: str) -> Leaf | None:
    if "dtype" not in kind:
        return None
    if kind["exact"] is not True:
        saw = "an output is a subclass of torch.Tensor"
        raise Failed(Status.REJECTED, rules.PLAIN_TENSORS.broken(saw))
    shape, stride = tuple(map(int, kind["shape"])), tuple(map(int, kind["stride"]))
    leaf = Leaf(str(kind["dtype"]), shape, stride, str(kind["device"]))
    if leaf.dtype.startswith(("q", "bits")):  # their memory cannot be read as plain numbers
        raise ValueError(f"an output of {leaf.dtype}")
    if leaf.device != device:
        wanted = "the CPU" if device == "cpu" else device
        saw = f"an output lies on {leaf.device!r}, expected it on {wanted}"
        raise Failed(Status.WRONG, rules.PLACE.broken(saw))
    if len(shape) != len(stride) or min((*shape, *stride), default=0) < 0:
        raise ValueError("negative sizes")
    if max(*shape, *stride, math.prod(shape), leaf.nbytes, 0, 0) > _MOST:
        raise ValueError("an output of more than a terabyte")
    return leaf


def resolved(stored: torch.Tensor, kind: dict[str, Any]) -> torch.Tensor:
    """Return what a tensor means whose memory holds its conjugate or its negative, as some views' does."""
    if stored.dtype not in (torch.float32, torch.float64, torch.complex64, torch.complex128):
        return stored
    if kind.get("conjugated") is True:
        stored = stored.conj_physical()
    return -stored if kind.get("negated") is True else stored


def plain(kind: dict[str, Any]) -> Any:
    """Return the value of a leaf that is no tensor; of a type that is not plain data its name."""
    value = kind.get("plain")
    if value is None and kind.get("type") != "NoneType":
        return f"<{kind.get('type')}>"
    return value
