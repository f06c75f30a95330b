"""Check: a rewritten graph against its original, within PyTorch's own rounding error."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from kernelevo.graphs.execution import Outcome

ABSOLUTE = RELATIVE = 1e-5
SLACK = 4.0  # multiples of PyTorch's own error against fp64 that are allowed


@dataclass(frozen=True)
class Bound:
    """What one tensor of the original allows: computed once, used for every rewrite.

    Args:
        plain: what the original did in fp32.
        exact: the oracle in fp64 (``plain`` itself where there is none).
        limit: allowed distance from ``exact``, element by element.
        finite: where ``plain`` is finite; None if it is everywhere.
        error: PyTorch's own largest error.
    """

    plain: torch.Tensor
    exact: torch.Tensor
    limit: torch.Tensor
    finite: torch.Tensor | None
    error: float

    def mismatch(self, found: Any) -> str:
        """Return how ``found`` breaks the rule, or an empty string."""
        plain = self.plain
        if not isinstance(found, torch.Tensor):
            return f"is {type(found).__name__}, not a tensor"
        if found.shape != plain.shape or found.dtype != plain.dtype:
            return f"is {found.dtype} {tuple(found.shape)}, not {plain.dtype} {tuple(plain.shape)}"
        if not plain.numel():
            return ""
        difference = (found.to(torch.float64) - self.exact).abs_()
        if self.finite is not None:
            if not torch.equal(self.finite, torch.isfinite(found)):
                return "has NaN or infinity elsewhere"
            difference = torch.where(self.finite, difference, 0.0)
        worst = float(difference.max())  # NaN and infinity in ``found`` show here
        if not math.isfinite(worst):
            return "has NaN or infinity elsewhere"
        if float(difference.sub_(self.limit).max()) > 0:
            return f"largest error {worst:.3g}, PyTorch's own is {self.error:.3g}"
        return ""


def bounds(plain: Sequence[Any], exact: Sequence[Any]) -> list[Bound | None]:
    """Return one bound per call for one output; None for what is not a float tensor.

    PyTorch's own error is shared over the calls, as they share a distribution.
    """
    floats = [isinstance(p, torch.Tensor) and p.is_floating_point() for p in plain]
    error = 0.0
    for p, e, is_float in zip(plain, exact, floats, strict=True):
        if is_float and p.numel():
            difference = (p.to(torch.float64) - e.to(torch.float64)).abs_()
            worst = float(difference.max())
            if not math.isfinite(worst):
                worst = float(torch.nan_to_num(difference, nan=0.0, posinf=0.0).max())
            error = max(error, worst)
    return [
        _bound(p, e.to(torch.float64), error) if is_float else None
        for p, e, is_float in zip(plain, exact, floats, strict=True)
    ]


def _bound(plain: torch.Tensor, exact: torch.Tensor, error: float) -> Bound:
    finite = torch.isfinite(plain)
    everywhere = bool(finite.all())
    limit = exact.abs().mul_(RELATIVE).add_(ABSOLUTE).clamp_(min=SLACK * error)
    if not everywhere:
        limit = torch.where(finite, limit, 0.0)
    return Bound(plain, exact, limit, None if everywhere else finite, error)


@dataclass(frozen=True)
class Reference:
    """What the original did in fp32 (``plain``) and in fp64 (``oracle``; None where fp64 is impossible)."""

    plain: Outcome
    oracle: Outcome | None

    def mismatch(self, other: Outcome) -> str:
        """Return the first difference of ``other`` beyond the rule, or an empty string.

        The rule, for each output and buffer on its own: ``|x - oracle| <= max(1e-5 + 1e-5 |oracle|,
        4 max|plain - oracle|)``, equal structure, shape, dtype and non-finite positions.
        """
        return self._outputs(other) or self._buffers(other) or self._inputs(other)

    @functools.cached_property
    def _bounds(self) -> list[list[Bound | None]]:
        """Per output, one bound per call."""
        exact = self.oracle or self.plain
        return [
            bounds(p, e)
            for p, e in zip(
                zip(*self.plain.outputs, strict=True), zip(*exact.outputs, strict=True), strict=True
            )
        ]

    def _outputs(self, other: Outcome) -> str:
        width = {len(values) for values in (*self.plain.outputs, *other.outputs)}
        if len(width) != 1:
            return f"number of outputs differs: {sorted(width)}"
        for position in range(width.pop()):
            for call, values in enumerate(other.outputs):
                found, bound = values[position], self._bounds[position][call]
                plain = self.plain.outputs[call][position]
                said = bound.mismatch(found) if bound else _equal(found, plain)
                if said:
                    return f"output {position}: call {call}: {said}"
        return ""

    def _buffers(self, other: Outcome) -> str:
        exact = self.oracle or self.plain
        for name, value in self.plain.buffers.items():
            if name not in other.buffers:
                return f"buffer {name} is missing"
            found = compare([other.buffers[name]], [value], [exact.buffers.get(name, value)])
            if found:
                return f"buffer {name}: {found}"
        return ""

    def _inputs(self, other: Outcome) -> str:
        for call, (mine, theirs) in enumerate(zip(self.plain.inputs, other.inputs, strict=True)):
            for position, (a, b) in enumerate(zip(mine, theirs, strict=True)):
                if not (torch.equal(a, b) or torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))):
                    return f"call {call} writes to its input {position}"
        return ""


def compare(found: Sequence[Any], plain: Sequence[Any], exact: Sequence[Any]) -> str:
    """Compare one output over all calls."""
    for call, (f, p, bound) in enumerate(zip(found, plain, bounds(plain, exact), strict=True)):
        said = bound.mismatch(f) if bound else _equal(f, p)
        if said:
            return f"call {call}: {said}"
    return ""


def _equal(found: Any, plain: Any) -> str:
    """Compare what is not a float tensor."""
    if not isinstance(plain, torch.Tensor):
        return "" if found == plain else f"is {found!r}, not {plain!r}"
    if not isinstance(found, torch.Tensor):
        return f"is {type(found).__name__}, not a tensor"
    if found.shape != plain.shape or found.dtype != plain.dtype:
        return f"is {found.dtype} {tuple(found.shape)}, not {plain.dtype} {tuple(plain.shape)}"
    return "" if torch.equal(found, plain) else "differs"
