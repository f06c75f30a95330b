"""Ledger: what a child notes of each call of a batch as soon as it is done, where the parent can read it.

Like all that a child says it may be a lie. Noted too early, an output is named that is not there yet; noted
too late, a call counts as not begun whose inputs were read already: the parent sees both (see ``order``).

Beside it lie the seeds of the calls, written while the child stands still. Told with a command before the
clock starts, they would let a program draw all its random numbers (a dropout's masks) on nobody's account.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

NOWHERE = 1
"""Stands for an output that has no memory."""


def ledger_bytes(capacity: int) -> int:
    """Bytes that a ledger of so many calls takes, their seeds with it."""
    return 16 * capacity


class Ledger:
    """One number for each call of a batch: 0, or the address of the first tensor that it returned.

    Args:
        block: of shared memory, sixteen bytes for each call.

    Attributes:
        seeds: seed of each call, as they lie there now.
    """

    def __init__(self, block: torch.Tensor) -> None:
        numbers = block.numpy().view(np.int64)
        self._numbers, self._seeds = np.split(numbers, 2)
        self._written = self._numbers.data  # an item of it is set in a third of the time
        self.seeds = self._seeds.data

    def tell(self, seeds: Sequence[int], first: int = 0) -> None:
        """Write the seeds of calls, from one on (in the parent, while the child stands still)."""
        self._seeds[first : first + len(seeds)] = seeds

    def note(self, call: int, result: Any) -> None:
        """Note that a call is done (in the child, inside the clock: in few steps)."""
        first = result[0] if type(result) is tuple and result else result
        try:
            self._written[call] = first.data_ptr() or NOWHERE
        except (AttributeError, TypeError, ValueError, RuntimeError):  # no plain tensor
            self._written[call] = _address(result)

    def clear(self) -> None:
        """Forget all calls (in the parent, before a batch)."""
        self._numbers.fill(0)

    def noted(self, calls: int) -> list[int]:
        """Return what was noted of the first calls of a batch that are done, one after the other."""
        numbers = self._numbers[:calls]
        open_calls = np.flatnonzero(numbers == 0)
        return [int(n) for n in (numbers[: open_calls[0]] if open_calls.size else numbers)]


def _address(result: Any) -> int:
    """Return the address of the first tensor of a tree."""
    for leaf in pytree.tree_leaves(result):
        if isinstance(leaf, torch.Tensor):
            here = leaf.device.type in ("cpu", "cuda") and leaf.layout is torch.strided
            return (leaf.data_ptr() if here else 0) or NOWHERE
    return NOWHERE
