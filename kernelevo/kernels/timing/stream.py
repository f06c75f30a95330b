"""Stream: endless fresh input sets for the calls that are timed, written where a child computes."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from kernelevo.device.filling import Row
from kernelevo.kernels.cases.inputs import SHIPPED, Source, draw
from kernelevo.kernels.children.filling import HostFiller, Piece, Values, Writer, copied

_NO_NUMPY = (torch.bfloat16, torch.complex32)
_CHUNK, _SHIFTS = 1 << 16, 1 << 18
"""Elements that share one place in the table of factors, and how many places there are."""
_WINDOWS = 64
"""So many places of a window are many."""


@dataclass(frozen=True)
class Pick:
    """How one timed call's values are made: a window into a base set, times a factor.

    Args:
        base: which base set.
        distribution: the distribution these values belong to (its errors bound the answer's).
        offset: where each leaf's window starts.
        factor: multiplies every free leaf.
        seed: seeds torch before the call; the program's process learns it.
        uneven: decides the factors of single elements; it never leaves the judge.
        whole: an input set of its own, leaf by leaf, instead of a window; such calls are never timed.
    """

    base: int
    distribution: str
    offset: tuple[int, ...]
    factor: float
    seed: int
    uneven: int
    whole: tuple[Any, ...] | None = field(default=None, compare=False, repr=False)


class Stream:
    """Endless fresh input sets at the speed of one copy, for the calls that are timed.

    Free leaves are windows into a larger secret buffer, each element scaled by a secret factor from 0.9 to 1
    (one factor for all would make two calls' values multiples of one another in places, which a task that is
    homogeneous answers from a table). Leaves that are not free (token numbers, masks, bfloat16) are drawn
    anew by the task itself for every call, so no content that the task would not draw ever appears, and none
    appears twice: of a few sets that came again and again a program would keep the answers.

    Args:
        source: the task's own draws.
        free: see ``free_leaves``.
        distributions: those under which the reference is judgeable; may be set anew as more are known.
        rng: secret; decides everything.
        slack: how many extra elements each buffer holds.
        writer: writes values where children compute; keeps copies of the buffers there.
    """

    def __init__(
        self,
        source: Source,
        free: Sequence[bool],
        distributions: Sequence[str],
        rng: random.Random,
        slack: int = 1 << 18,
        writer: Writer | None = None,
    ) -> None:
        self._rng = rng
        self._writer: Writer = writer or HostFiller()
        self._near: dict[Any, torch.Tensor] = {}
        self._copying = threading.Lock()  # baselines are prepared beside a duel
        self._free = list(free)
        self.distributions = tuple(distributions)
        self._source, self._slack = source, slack
        kinds = [SHIPPED, SHIPPED, *(["normal", "signed"] if any(free) else [])]
        self._kinds = [(kind, rng.getrandbits(40), rng.getrandbits(40)) for kind in kinds]
        self._factors: torch.Tensor | None = None
        self._factors_seed = rng.getrandbits(40)
        self._made: dict[int, tuple[list[Any], list[torch.Tensor | None]]] = {}
        self._drawn: list[bool] | None = None

    def _base(self, index: int) -> tuple[list[Any], list[torch.Tensor | None]]:
        """Return a base set's leaves and, for the free ones, the wider buffers; made when first needed."""
        if index not in self._made:
            kind, one, two = self._kinds[index]
            leaves = pytree.tree_leaves(draw(self._source, kind, one, self._free))
            more = pytree.tree_leaves(draw(self._source, kind, two, self._free))
            wide = [
                _wide(a, b, self._slack) if may else None
                for a, b, may in zip(leaves, more, self._free, strict=True)
            ]
            self._made[index] = (leaves, wide)
        return self._made[index]

    def _anew(self, pick: Pick) -> list[Any] | None:
        """Draw the leaves that are not free, and change from draw to draw, for one call; None without any."""
        if self._drawn is None:
            first, second = (() if all(self._free) else self._base(i)[0] for i in range(2))
            self._drawn = [
                not may and isinstance(a, torch.Tensor) and not torch.equal(a, b)
                for a, b, may in zip(first, second, self._free, strict=False)
            ]
        if not any(self._drawn):
            return None
        with _on_this_thread():
            return pytree.tree_leaves(self._source.inputs(pick.uneven % (1 << 31)))

    @property
    def windows(self) -> bool:
        """Whether the inputs of timed calls are parts of larger sets."""
        return any(self._free)

    def pick(self) -> Pick:
        """Choose the next call's values; seven in ten are as shipped."""
        rng = self._rng
        factor = 1.0
        base = rng.randrange(2)
        distribution = SHIPPED
        if rng.random() < 0.3:
            others: list[int | str] = [
                i for i in range(2, len(self._kinds)) if self._kinds[i][0] in self.distributions
            ]
            if any(self._free):
                others += [d for d in ("small", "large") if d in self.distributions]
            choice = rng.choice(others) if others else base
            if isinstance(choice, int):
                base, distribution = choice, self._kinds[choice][0]
            else:
                distribution = choice
                factor = 1e-2 if choice == "small" else 1e2
        offsets = tuple(
            0 if wide is None else _offset(leaf.shape, wide.numel() - leaf.numel(), rng)
            for leaf, wide in zip(*self._base(base), strict=True)
        )
        return Pick(base, distribution, offsets, factor, rng.getrandbits(31), rng.getrandbits(63))

    def unlike(self, distribution: str) -> Pick:
        """Draw a whole input set under any of the distributions, for a call that is not timed."""
        rng = self._rng
        with _on_this_thread():
            args = draw(self._source, distribution, rng.getrandbits(40), self._free)
        return Pick(0, distribution, (), 1.0, rng.getrandbits(31), 0, tuple(pytree.tree_leaves(args)))

    def write(self, pick: Pick, views: Sequence[torch.Tensor]) -> None:
        """Write a pick's tensor leaves into memory."""
        if pick.whole is not None:
            self.write_leaves(pick.whole, views)
            return
        targets = iter(views)
        rng = random.Random(pick.uneven)
        leaves, wides = self._base(pick.base)
        anew = self._anew(pick)
        for i, (leaf, wide, offset) in enumerate(zip(leaves, wides, pick.offset, strict=True)):
            if not isinstance(leaf, torch.Tensor):
                continue
            target = next(targets)
            if wide is None:
                _copy(leaf if anew is None else anew[i], target)
            else:
                self._scale(wide[offset : offset + leaf.numel()], pick.factor, target, rng)

    def _table(self) -> torch.Tensor:
        """Return the factors of single elements, from 0.9 to 1."""
        if self._factors is None:
            generator = torch.Generator().manual_seed(self._factors_seed)
            self._factors = 0.9 + 0.1 * torch.rand(_CHUNK + _SHIFTS, generator=generator)
        return self._factors

    def _scale(self, source: torch.Tensor, factor: float, target: torch.Tensor, rng: random.Random) -> None:
        """Write flat values, each times a factor of its own, chunk by chunk, on this thread alone."""
        table = self._table()
        straight = target.is_contiguous()
        flat = target.view(-1) if straight else torch.empty_like(source)
        for start, count, at in _chunks(source.numel(), rng):
            out = flat[start : start + count]
            _multiply(source[start : start + count], table[at : at + count], out)
            if factor != 1.0:
                _multiply(out, factor, out)
        if not straight:
            target.copy_(flat.view(target.shape))

    # ------------------------------------------------------------------ where children compute

    def values(self, picks: Sequence[Pick]) -> Values:
        """Return what writes the inputs of a batch's calls; ``picks`` may be changed until it does."""
        return Values(
            lambda i, views: self.write(picks[i], views), lambda i, addresses: self.fill(picks[i], addresses)
        )

    def fill(self, pick: Pick, addresses: Sequence[int]) -> Piece | None:
        """Return what writes a pick's tensors to addresses where children compute, as ``write`` would.

        None where a tensor has gaps, or reals of another kind than float32 are to be scaled, or where there
        is no room for copies of the buffers.
        """
        if pick.whole is not None:
            return self._fill_whole(pick.whole, addresses)
        leaves, wides = self._base(pick.base)
        anew = self._anew(pick)
        rng, rows, held = random.Random(pick.uneven), list[Row](), list[torch.Tensor]()
        places = iter(addresses)
        for i, (leaf, wide, offset) in enumerate(zip(leaves, wides, pick.offset, strict=True)):
            if not isinstance(leaf, torch.Tensor):
                continue
            out = next(places)
            if not leaf.is_contiguous() or (wide is not None and wide.dtype is not torch.float32):
                return None
            changes = wide is None and anew is not None
            values = anew[i] if changes and anew is not None else leaf if wide is None else wide
            if wide is None and (values.shape, values.dtype) != (leaf.shape, leaf.dtype):
                return None
            near = self._copy_of(values.contiguous(), None if changes else (pick.base, i))
            if near is None:
                return None
            held.append(near)
            if wide is None:
                rows += copied(near.data_ptr(), out, near.numel() * near.element_size())
                continue
            factors = self._copy_of(self._table(), "factors")
            if factors is None:
                return None
            held.append(factors)
            for start, count, at in _chunks(leaf.numel(), rng):
                here, by = near.data_ptr() + 4 * (offset + start), factors.data_ptr() + 4 * at
                rows.append(Row(here, by, out + 4 * start, count, pick.factor))
        return Piece(tuple(rows), tuple(held))

    def _fill_whole(self, leaves: Sequence[Any], addresses: Sequence[int]) -> Piece | None:
        rows, held = list[Row](), list[torch.Tensor]()
        tensors = [v for v in leaves if isinstance(v, torch.Tensor)]
        for value, out in zip(tensors, addresses, strict=True):
            near = self._copy_of(value, None) if value.is_contiguous() else None
            if near is None:
                return None
            held.append(near)
            rows += copied(near.data_ptr(), out, near.numel() * near.element_size())
        return Piece(tuple(rows), tuple(held))

    def _copy_of(self, values: torch.Tensor, name: Any) -> torch.Tensor | None:
        """Return a copy of a tensor where children compute, kept by its name; None where it has no room."""
        with self._copying:
            if name is not None and name in self._near:
                return self._near[name]
            try:
                near = values.to(self._writer.place)
            except torch.OutOfMemoryError:
                self._near.clear()  # children need the device's memory; pieces hold what they read
                torch.cuda.empty_cache()
                return None
            if name is not None:
                self._near[name] = near
            return near

    def near(self, pick: Pick) -> list[Any]:
        """Return a pick's leaves as ``leaves`` does, but where children compute, if they can be made so."""
        if pick.whole is not None:
            return list(pick.whole)
        leaves, place = self._base(pick.base)[0], self._writer.place
        if place == "cpu":
            return self.leaves(pick)
        try:
            made = [torch.empty_like(v, device=place) if isinstance(v, torch.Tensor) else v for v in leaves]
            piece = self.fill(pick, [v.data_ptr() for v in made if isinstance(v, torch.Tensor)])
            if piece is None:
                return self.leaves(pick)
            self._writer.fill(piece.rows)
        except RuntimeError:  # no room on the device, or no kernel: the host's values are the same
            return self.leaves(pick)
        return made

    @staticmethod
    def write_leaves(args: Any, views: Sequence[torch.Tensor]) -> None:
        """Write the tensors of a whole input set into memory."""
        tensors = [v for v in pytree.tree_leaves(args) if isinstance(v, torch.Tensor)]
        for value, view in zip(tensors, views, strict=True):
            _copy(value, view)

    def leaves(self, pick: Pick) -> list[Any]:
        """Return a pick's leaves as tensors of their own, equal to what ``write`` writes."""
        leaves = self._base(pick.base)[0]
        result = [torch.empty_like(v) if isinstance(v, torch.Tensor) else v for v in leaves]
        self.write(pick, [v for v in result if isinstance(v, torch.Tensor)])
        return result


@contextmanager
def _on_this_thread() -> Iterator[None]:
    """Draw on one thread: see ``_copy``."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _copy(source: torch.Tensor, target: torch.Tensor) -> None:
    """Copy on this thread alone: an OpenMP worker of ours would spin on while the child is timed."""
    if source.dtype in _NO_NUMPY:
        target.copy_(source)
    else:
        np.copyto(target.numpy(), source.numpy())


def _multiply(values: torch.Tensor, by: torch.Tensor | float, out: torch.Tensor) -> None:
    """Write ``values * by`` on this thread alone."""
    if values.dtype in _NO_NUMPY:
        torch.mul(values, by, out=out)
    else:
        other = by.numpy() if isinstance(by, torch.Tensor) else by
        np.multiply(values.numpy(), other, out=out.numpy(), casting="same_kind")


def _chunks(count: int, rng: random.Random) -> Iterator[tuple[int, int, int]]:
    """Yield (first element, elements, place in the table of factors) of every chunk of so many elements."""
    for start in range(0, count, _CHUNK):
        yield start, min(_CHUNK, count - start), rng.randrange(_SHIFTS + 1)


def _offset(shape: Sequence[int], room: int, rng: random.Random) -> int:
    """Choose where a window starts: whole samples further on where many fit, else channels, rows or elements.

    A column of its own may hold numbers of classes, or bounds that its neighbours go beyond.
    """
    steps = [math.prod(shape[d:]) for d in range(1, len(shape))]
    step = next((s for s in steps if s > 0 and _WINDOWS * s <= room), 1)
    return step * rng.randrange(room // step + 1)


def _wide(first: torch.Tensor, second: torch.Tensor, slack: int) -> torch.Tensor:
    return torch.cat([first.flatten(), second.flatten()[:slack]])
