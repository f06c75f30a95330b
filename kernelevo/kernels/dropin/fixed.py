"""Fixed: inputs that were one and the same in every judged call, as masks without padding are.

A program may have left such an input unread, and nobody would have seen it: it is used with these values
alone.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import torch

Values = Sequence[tuple[int, torch.Tensor]]
"""Number of a leaf among a call's arguments, and what it always was."""


class Fixed:
    """Tells calls whose fixed inputs are as proven.

    On a device a tensor once looked at is known until its version moves; on the CPU each call looks, since
    NumPy and others write to a tensor's memory without a word.

    Args:
        values: of one kind of call.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], int]] = {}

    def differs(self, leaves: Sequence[object]) -> str:
        """Return why leaves of the proven kinds are not as in any judged call, or an empty text."""
        for place, value in self._values:
            leaf = leaves[place]
            assert isinstance(leaf, torch.Tensor)
            if self._is_known(place, leaf):
                continue
            if not torch.equal(leaf, value):
                return (
                    f"input {place} was the same in every call that the program was proven on, and has other "
                    "values; optimize with an input in which they differ"
                )
            if (
                leaf.device.type != "cpu" and not leaf.is_inference()
            ):  # such a one does not count what is written to it
                self._known[place] = weakref.ref(leaf), leaf._version
        return ""

    def _is_known(self, place: int, leaf: torch.Tensor) -> bool:
        known, version = self._known.get(place, (None, 0))
        return known is not None and known() is leaf and leaf._version == version
