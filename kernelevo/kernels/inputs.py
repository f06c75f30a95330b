"""Inputs: the distributions a program is tried on, perturbed parameters, and fresh values for timed calls."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils import _pytree as pytree

SHIPPED = "shipped"
_NO_NUMPY = (torch.bfloat16, torch.complex32)
DISTRIBUTIONS = (SHIPPED, "normal", "signed", "small", "large", "sparse", "rows", "outlier")
"""As the task ships them; standard normal; uniform in [-1, 1); shipped times 1e-2; shipped times 1e2; one
value in ten kept; rows that are nearly constant; one value of each row far larger than the others."""
# Of such a row. Whether the mean of a constant row comes out exact is luck, PyTorch's or a program's, and a
# normalisation makes three hundred times as much of what is left.
_UNEVEN = 1e-3
# Times the deviation, and at least this: exp of it is beyond fp32.
_FAR = 128.0
_CHUNK, _SHIFTS = 1 << 16, 1 << 18
"""Elements that share one place in the table of factors, and how many places there are."""


class Source(Protocol):
    """Where input sets come from (a reference of the backends room)."""

    def inputs(self, seed: int) -> tuple[Any, ...]:
        """Return one set of arguments of ``forward``, on the CPU; equal seeds give equal values."""
        ...


def is_free(first: Any, second: Any) -> bool:
    """Tell whether a leaf looks like freely drawn reals, given two draws of it.

    Masks, one-hot rows, lengths, constants and index tensors are not free: they mean something, so they are
    only ever redrawn as the task draws them.
    """
    if not (isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor)):
        return False
    if not first.is_floating_point() or first.numel() < 2 or first.shape != second.shape:
        return False
    sample = first.flatten()[:65536].float()
    if not bool(torch.isfinite(sample).all()) or torch.equal(first, second):
        return False
    return np.unique(sample.numpy()).size > max(1, min(sample.numel(), 4096) // 2)


def free_leaves(source: Source, seed: int) -> list[bool]:
    """Tell for each leaf of an input set whether its values may be replaced by other distributions."""
    first = pytree.tree_leaves(source.inputs(seed))
    second = pytree.tree_leaves(source.inputs(seed + 1))
    return [is_free(a, b) for a, b in zip(first, second, strict=True)]


def draw(source: Source, distribution: str, seed: int, free: Sequence[bool]) -> tuple[Any, ...]:
    """Draw one input set.

    Args:
        source: the task's own draws.
        distribution: one of ``DISTRIBUTIONS``.
        seed: equal seeds give equal values.
        free: for each leaf whether the distribution applies to it; others stay as shipped.

    Raises:
        ValueError: for a name that is not in ``DISTRIBUTIONS``.
    """
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"unknown distribution {distribution!r}")
    shipped = source.inputs(seed)
    if distribution == SHIPPED:
        return shipped
    generator = torch.Generator().manual_seed(seed ^ 0x5DEECE66D)
    leaves, spec = pytree.tree_flatten(shipped)
    changed = [
        _redraw(leaf, distribution, generator) if may else leaf
        for leaf, may in zip(leaves, free, strict=True)
    ]
    return tuple(pytree.tree_unflatten(changed, spec))


def _redraw(leaf: torch.Tensor, distribution: str, generator: torch.Generator) -> torch.Tensor:
    result = torch.empty_like(leaf)
    match distribution:
        case "normal":
            return result.copy_(torch.randn(leaf.shape, generator=generator))
        case "signed":
            return result.copy_(torch.rand(leaf.shape, generator=generator) * 2 - 1)
        case "small":
            return result.copy_(leaf * 1e-2)
        case "large":
            return result.copy_(leaf * 1e2)
        case "sparse":
            return result.copy_(leaf * (torch.rand(leaf.shape, generator=generator) < 0.1))
        case "outlier":
            return result.copy_(_with_outliers(leaf, generator))
        case _:  # rows
            noise = torch.randn(leaf.shape, generator=generator)
            return result.copy_(leaf[..., :1] * (1 + _UNEVEN * noise))


def _with_outliers(leaf: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return a copy in which one value of each row is far from the others, with the sign that it had.

    In a third of the rows it is the first, in a third the last: what a loop forgets is there.
    """
    rows = leaf.reshape(-1, leaf.shape[-1])
    count, width = rows.shape
    place = torch.randint(width, (count,), generator=generator)
    kind = torch.randint(3, (count,), generator=generator)
    place = torch.where(kind == 0, 0, torch.where(kind == 1, width - 1, place)).unsqueeze(1)
    far = _FAR * max(1.0, float(leaf.float().std(correction=0)))
    size = far * (1 + 0.5 * torch.rand(count, 1, generator=generator))
    value = torch.copysign(size, rows.gather(1, place).float()).to(leaf.dtype)
    return rows.scatter(1, place, value).view(leaf.shape)


def perturbed(
    state: Mapping[str, torch.Tensor], parameters: frozenset[str], seed: int
) -> dict[str, torch.Tensor]:
    """Return a state with other parameter values of about the same size.

    Parameters get noise of a tenth of their own deviation (at least 0.01), so biases of 0 and gains of 1
    move. Float buffers move only where they are one-dimensional and constant, as fresh running statistics
    are: a mask or a table is not a weight. Positive constants stay positive.

    Args:
        state: the module's state dict.
        parameters: which of its names are parameters.
        seed: equal seeds give equal values.
    """
    generator = torch.Generator().manual_seed(seed)
    result = {}
    for name, value in state.items():
        if not value.is_floating_point() or not value.numel():
            result[name] = value.clone()
            continue
        noise = torch.randn(value.shape, generator=generator, dtype=torch.float32).to(value.dtype)
        if name in parameters:
            spread = float(value.double().std(correction=0)) if value.numel() > 1 else 0.0
            result[name] = value + noise * max(0.1 * spread, 0.01)
        elif value.ndim == 1 and bool((value == value[0]).all()):
            positive = bool(value[0] > 0)
            result[name] = value * torch.exp(0.1 * noise) if positive else value + 0.1 * noise
        else:
            result[name] = value.clone()
    return result


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
    """

    base: int
    distribution: str
    offset: tuple[int, ...]
    factor: float
    seed: int
    uneven: int


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
    """

    def __init__(
        self,
        source: Source,
        free: Sequence[bool],
        distributions: Sequence[str],
        rng: random.Random,
        slack: int = 1 << 18,
    ) -> None:
        self._rng = rng
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
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # see ``_copy``
        try:
            return pytree.tree_leaves(self._source.inputs(pick.uneven % (1 << 31)))
        finally:
            torch.set_num_threads(threads)

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
            0 if wide is None else rng.randrange(wide.numel() - leaf.numel() + 1)
            for leaf, wide in zip(*self._base(base), strict=True)
        )
        return Pick(base, distribution, offsets, factor, rng.getrandbits(31), rng.getrandbits(63))

    def write(self, pick: Pick, views: Sequence[torch.Tensor]) -> None:
        """Write a pick's tensor leaves into memory."""
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

    def _scale(self, source: torch.Tensor, factor: float, target: torch.Tensor, rng: random.Random) -> None:
        """Write flat values, each times a factor of its own, chunk by chunk, on this thread alone."""
        if self._factors is None:
            generator = torch.Generator().manual_seed(self._factors_seed)
            self._factors = 0.9 + 0.1 * torch.rand(_CHUNK + _SHIFTS, generator=generator)
        straight = target.is_contiguous()
        flat = target.view(-1) if straight else torch.empty_like(source)
        for start in range(0, source.numel(), _CHUNK):
            values, out = source[start : start + _CHUNK], flat[start : start + _CHUNK]
            at = rng.randrange(_SHIFTS + 1)
            _multiply(values, self._factors[at : at + values.numel()], out)
            if factor != 1.0:
                _multiply(out, factor, out)
        if not straight:
            target.copy_(flat.view(target.shape))

    @staticmethod
    def write_leaves(args: Any, views: Sequence[torch.Tensor]) -> None:
        """Write the tensors of a whole input set into memory."""
        tensors = [v for v in pytree.tree_leaves(args) if isinstance(v, torch.Tensor)]
        for value, view in zip(tensors, views, strict=True):
            view.copy_(value)

    def leaves(self, pick: Pick) -> list[Any]:
        """Return a pick's leaves as tensors of their own, equal to what ``write`` writes."""
        leaves = self._base(pick.base)[0]
        result = [torch.empty_like(v) if isinstance(v, torch.Tensor) else v for v in leaves]
        self.write(pick, [v for v in result if isinstance(v, torch.Tensor)])
        return result


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


def _wide(first: torch.Tensor, second: torch.Tensor, slack: int) -> torch.Tensor:
    return torch.cat([first.flatten(), second.flatten()[:slack]])
