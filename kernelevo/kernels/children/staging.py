"""Staging: a batch's inputs where the child has them; the parent writes and reads them while it rests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from kernelevo.kernels.children.filling import Piece, Values, zeros
from kernelevo.kernels.children.setting import Setting
from kernelevo.kernels.children.shared_outputs import SharedOutputs


class Staging:
    """The inputs of the latest batch, in a child's own memory.

    Where its memory fails once to be read or written, the reader is given up, and says why.

    Args:
        setting: the task's shapes.
        block: the slots that parent and child share, as bytes.
        views: of each slot, its tensors.
    """

    def __init__(self, setting: Setting, block: torch.Tensor, views: Sequence[list[torch.Tensor]]) -> None:
        self._inputs, self._block, self._views = setting.inputs, block.numpy(), views
        #: (first address, last) of every tensor of every call, as the child says
        self.places: list[tuple[int, int]] = []

    def _addresses(self, slot: int) -> list[int]:
        width = len(self._inputs.leaves)
        places = self.places[slot * width : (slot + 1) * width]
        if len(places) != width:
            raise LookupError("the child did not say where all inputs lie")
        return [start for start, _ in places]

    def ranges(self) -> list[tuple[int, int]]:
        """(First address, end) of every tensor of every call; how large each is, we know ourselves."""
        sizes = [leaf.nbytes for leaf in self._inputs.leaves]
        return [(start, start + sizes[i % len(sizes)]) for i, (start, _) in enumerate(self.places)]

    def _copies(self, slot: int) -> list[tuple[int, int, int]]:
        """Where one call's inputs lie: (first byte in the slots, bytes, address in the child) of each."""
        layout = self._inputs
        rows = zip(layout.leaves, layout.offsets, self._addresses(slot), strict=True)
        return [(slot * layout.nbytes + o, leaf.nbytes, a) for leaf, o, a in rows if leaf.nbytes]

    def rewrite(self, reader: SharedOutputs, slots: Sequence[int], values: Values) -> bool:
        """Let the child find other inputs in some slots; False if that fails.

        What can be written where it lies is: a call's values would else cross from host to device each time.
        """

        def write() -> bool:
            pieces: list[Piece] = []
            for slot in slots:
                piece = values.fill(slot, self._addresses(slot))
                if piece is not None:
                    pieces.append(piece)
                    continue
                values.write(slot, self._views[slot])
                for at, nbytes, address in self._copies(slot):
                    reader.write(address, self._block[at : at + nbytes])
            reader.fill([row for piece in pieces for row in piece.rows])
            return True

        return _reached(reader, write)

    def wipe(self, reader: SharedOutputs) -> bool:
        """Zero all inputs; False if that fails."""

        def write() -> bool:
            reader.fill([row for start, end in self.ranges() for row in zeros(start, end - start)])
            return True

        return _reached(reader, write)

    def read_back(self, reader: SharedOutputs, slot: int) -> bool:
        """Copy the inputs of one call back into their slot; False if that fails."""

        def read() -> bool:
            for at, nbytes, address in self._copies(slot):
                self._block[at : at + nbytes] = reader.plain_read(address, nbytes)
            return True

        return _reached(reader, read)

    def holds(self, reader: SharedOutputs, slot: int, given: Sequence[torch.Tensor]) -> bool:
        """Tell whether one call's inputs surely are these tensors, which lie where the child's do."""
        if any(g.stride() != leaf.stride for g, leaf in zip(given, self._inputs.leaves, strict=True)):
            return False
        near = [g.data_ptr() for g in given if g.numel()]

        def same() -> bool:
            copies = self._copies(slot)
            return reader.same([(a, here, n) for (_, n, a), here in zip(copies, near, strict=True)])

        return _reached(reader, same)


def _reached(reader: SharedOutputs, do: Callable[[], bool]) -> bool:
    """Return what is found in the child's memory; False, and the reader given up, if that is out of reach."""
    try:
        return do()
    except (RuntimeError, LookupError) as error:
        reader.give_up(str(error))
        return False
