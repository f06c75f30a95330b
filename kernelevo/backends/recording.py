"""Recording: a function recorded once; replaying it on new inputs, with packed values brought up to date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from kernelevo.backends import packing
from kernelevo.backends.holdings import is_plain
from kernelevo.backends.recorder import Recorder

PLAIN = (bool, int, float, str, type(None), torch.dtype, torch.device)
On = Callable[[Sequence[torch.Tensor]], Callable[[], Any]]


class Recording:
    """A recorded function: its inputs' and results' memory, and the packed values that it reads.

    Args:
        recorder: what records.
        call: given tensors in the place of a call's own, returns that call.
        tensors: the call's own.

    Raises:
        Exception: of any kind, if the function cannot be recorded.
    """

    def __init__(self, recorder: Recorder, call: On, tensors: Sequence[torch.Tensor]) -> None:
        self._recorder = recorder
        self._last: Any = recorder.follow(None, ())
        with torch.inference_mode(False), torch.no_grad():
            self._inputs = [
                torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=t.device) for t in tensors
            ]
            _copy(self._inputs, tensors)
            readings: list[packing.Reading] = []
            again = call(self._inputs)

            def run() -> Any:
                with packing.recording(readings):
                    return again()

            self._replay, result = recorder.record(run)
        leaves, self._spec = pytree.tree_flatten(result)
        self._leaves = leaves
        self._single = self._spec.is_leaf() and isinstance(leaves[0], torch.Tensor)
        self._readings = list({(id(r.fn), *map(id, r.params)): r for r in readings}.values())
        self._present = [r.value for r in self._readings]
        self._places = [_places(r.params) for r in self._readings]

    def refresh(self) -> bool:
        """Bring the packed values up to date; False if one cannot be put where the graph reads it.

        A value may be a view of its parameter; where that lies elsewhere now, the old memory is not ours.
        """
        for i, (fn, params, kept) in enumerate(self._readings):
            value = packing.packed(fn, *params)
            if value is not self._present[i]:
                self._last = self._recorder.follow(self._last, self._inputs)
                if _places(params) != self._places[i] or not _put(kept, value):
                    return False
                self._present[i] = value
        return True

    def replay(self, tensors: Sequence[torch.Tensor]) -> Any:
        """Return what the function gives for these tensors, in memory of its own."""
        self._last = self._recorder.follow(self._last, self._inputs)
        _copy(self._inputs, tensors)  # gradients are disabled, or the function would have been called plainly
        self._replay()
        if self._single:
            return self._leaves[0].clone()
        made: dict[int, torch.Tensor] = {}
        for leaf in self._leaves:
            if isinstance(leaf, torch.Tensor) and id(leaf) not in made:
                made[id(leaf)] = leaf.clone()
        return pytree.tree_unflatten([made.get(id(leaf), leaf) for leaf in self._leaves], self._spec)


def _places(tensors: Sequence[torch.Tensor]) -> list[int]:
    return [t.data_ptr() for t in tensors]


def _copy(targets: list[torch.Tensor], sources: Sequence[torch.Tensor]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)


def _put(kept: Any, value: Any) -> bool:
    """Copy a packed value over an older one of the same form; False if it has another form."""
    old, old_spec = pytree.tree_flatten(kept)
    new, new_spec = pytree.tree_flatten(value)
    if old_spec != new_spec or not all(map(_fits, old, new)):
        return False
    with torch.inference_mode(False), torch.no_grad():
        for target, source in zip(old, new, strict=True):
            if isinstance(target, torch.Tensor) and target is not source:
                target.copy_(source)
    return True


def _fits(old: Any, new: Any) -> bool:
    if not isinstance(old, torch.Tensor) or not isinstance(new, torch.Tensor):
        return type(old) is type(new) and type(old) in PLAIN and bool(old == new)
    same = (old.shape, old.stride(), old.dtype, old.device) == (
        new.shape,
        new.stride(),
        new.dtype,
        new.device,
    )
    return same and is_plain(old) and is_plain(new)
