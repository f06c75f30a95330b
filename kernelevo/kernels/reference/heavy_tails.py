"""Heavy tails: values so unlike in size that PyTorch's error at the largest swallows most of the others.

The rule lets an answer be off by four times PyTorch's own error, the largest of a tensor. Where values span
many powers of ten (products of unbounded decays: level 3 tasks 48 and 49), that is more than 99 of 100 values
are, and these could be anything. There each row is held to PyTorch's own error in that row, or to a small
share of the row's largest value. The same holds of parts of a tensor: where coordinates and probabilities
stand side by side, the error at the former swallows the latter. So each index of each dimension whose values
are swallowed is held to what PyTorch's error and the largest value are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch

from kernelevo.kernels.reference.magnitude import finite_only, largest

SWALLOWED = 0.5
"""Share of a tensor's values, zeros left out, from which it counts as swallowed."""
WELL = 1e-3
"""Of the largest value: a bound beyond this share is not one of rounding, the module is ill-conditioned."""
SHARE = 1e-3
"""Of a row's largest value: how far off a right answer may be there."""
FINE_SHARE = 1e-4
"""The same for an answer that counts as fp32-accurate."""
TIMES = 32.0
"""How many times PyTorch's own error in a row an answer may be off: one row's error is partly luck."""
LEAST_ROW = 32
"""Values of a row: with fewer PyTorch's own error there says little."""
_SAMPLE = 4096


class Rows(NamedTuple):
    """What became of a tensor's rows.

    Args:
        wrong: values that are off by more than their row allows.
        coarse: values that are off by more than fp32 arithmetic is.
        worst: place of the worst value in the flattened tensor.
        allowed: how far off that one may be.
    """

    wrong: int
    coarse: int
    worst: int
    allowed: float


@dataclass(frozen=True)
class Sizes:
    """What rows and parts of a tensor are held to.

    Args:
        value: the candidate's, any float type.
        exact: fp64, the right values.
        own: PyTorch's own, any float type.
    """

    value: torch.Tensor
    exact: torch.Tensor
    own: torch.Tensor

    @cached_property
    def right(self) -> torch.Tensor:
        """How large the right values are, fp64; zeros where one is not finite, as in the other two."""
        return finite_only(self.exact.abs())

    @cached_property
    def errors(self) -> torch.Tensor:
        """How far off the candidate's values are."""
        return finite_only((self.value - self.exact).abs_())

    @cached_property
    def theirs(self) -> torch.Tensor:
        """How far off PyTorch's values are."""
        return finite_only((self.own - self.exact).abs_())


def swallowed(exact: torch.Tensor, bound: float) -> bool:
    """Tell whether a bound for all values says nothing of most of them.

    Args:
        exact: fp64, the right values.
        bound: four times PyTorch's own error.
    """
    flat = exact.flatten()
    sample = flat[:: max(1, flat.numel() // _SAMPLE) | 1].abs()
    sample = sample[(sample > 0) & torch.isfinite(sample)]
    if not sample.numel() or float((sample <= bound).double().mean()) <= SWALLOWED:
        return False
    return bound <= WELL * largest(exact)


def rows(sizes: Sizes, gate: float) -> Rows | None:
    """Hold each row of a tensor to its own size and to PyTorch's own error in it.

    A row is as many of the last dimensions as it takes for ``LEAST_ROW`` values.

    Args:
        sizes: of the tensor.
        gate: what is always allowed, absolute and relative to a value.

    Returns:
        None for a tensor of one row.
    """
    width = 1
    for size in reversed(sizes.exact.shape):
        width *= size
        if width >= LEAST_ROW:
            break
    if sizes.exact.numel() < 2 * width:
        return None
    right, errors, theirs = (t.reshape(-1, width) for t in (sizes.right, sizes.errors, sizes.theirs))
    return _held(right, errors, theirs, [1], gate)


def slices(sizes: Sizes, gate: float, bound: float) -> Rows | None:
    """Hold each index of each dimension whose values a bound swallows to its own size and error.

    Args:
        sizes: of the tensor.
        gate: what is always allowed, absolute and relative to a value.
        bound: four times PyTorch's own error.

    Returns:
        None where no index of any dimension is swallowed.
    """
    if sizes.exact.ndim < 2 or bound > WELL * largest(sizes.exact):
        return None
    right = sizes.right
    zero, within = right == 0, right <= bound
    there = (~zero).double()  # sums of masks take ten times as long as sums of numbers
    small = (within & ~zero).double() if bool(zero.any()) else within.double()
    if not bool(within.any()):
        return None
    found: Rows | None = None
    for axis, size in enumerate(right.shape):
        if size < 2 or right.numel() // size < LEAST_ROW:
            continue
        others = [d for d in range(right.ndim) if d != axis]
        count = there.sum(others, keepdim=True)
        hidden = (count >= LEAST_ROW) & (small.sum(others, keepdim=True) > SWALLOWED * count)
        if not bool(hidden.any()):
            continue
        seen = _held(right, sizes.errors, sizes.theirs, others, gate, hidden)
        if found is None or (seen.wrong, seen.coarse) > (found.wrong, found.coarse):
            found = seen
    return found


def _held(
    right: torch.Tensor,
    errors: torch.Tensor,
    theirs: torch.Tensor,
    over: list[int],
    gate: float,
    where: torch.Tensor | None = None,
) -> Rows:
    """Hold each error to the largest value and to PyTorch's own largest error over some dimensions.

    Args:
        right: see ``Sizes``, as are the next two.
        errors: the candidate's.
        theirs: PyTorch's.
        over: the dimensions.
        gate: what is always allowed, absolute and relative to a value.
        where: of which indices of the other dimensions; None for all.
    """
    most, luck = right.amax(over, keepdim=True), TIMES * theirs.amax(over, keepdim=True)
    within = errors.amax(over, keepdim=True) <= torch.maximum(FINE_SHARE * most, luck).clamp(min=gate)
    if bool((within if where is None else within | ~where).all()):
        return Rows(0, 0, 0, 0.0)  # as nearly always: no value has to be looked at by itself
    if where is not None:
        errors = torch.where(where, errors, 0.0)
    limits = torch.maximum(torch.maximum(SHARE * most, luck), gate + gate * right)
    fine = torch.maximum(torch.maximum(FINE_SHARE * most, luck), gate + gate * right)
    worst = int((errors / limits).argmax())
    return Rows(
        int((errors > limits).sum()),
        int((errors > fine).sum()),
        worst,
        float(limits.expand_as(errors).flatten()[worst]),
    )
