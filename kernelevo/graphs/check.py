"""Check: a rewritten graph against its original, within PyTorch's own rounding error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from kernelevo.graphs.execution import Outcome

ABSOLUTE = RELATIVE = 1e-5
SLACK = 4.0  # multiples of PyTorch's own error against fp64 that are allowed


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

    def _outputs(self, other: Outcome) -> str:
        exact = self.oracle or self.plain
        width = {len(values) for values in (*self.plain.outputs, *other.outputs)}
        if len(width) != 1:
            return f"number of outputs differs: {sorted(width)}"
        for position in range(width.pop()):
            found = compare(
                [values[position] for values in other.outputs],
                [values[position] for values in self.plain.outputs],
                [values[position] for values in exact.outputs],
            )
            if found:
                return f"output {position}: {found}"
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
                if not torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)):
                    return f"call {call} writes to its input {position}"
        return ""


def compare(found: Sequence[Any], plain: Sequence[Any], exact: Sequence[Any]) -> str:
    """Compare one output over all calls; ``e_ref`` is shared over the calls, as they share a distribution."""
    error = 0.0
    for p, e in zip(plain, exact, strict=True):
        if isinstance(p, torch.Tensor) and p.is_floating_point() and p.numel():
            difference = (p.to(e.dtype) - e).abs()
            difference = difference[torch.isfinite(difference)]
            error = max(error, float(difference.max()) if difference.numel() else 0.0)
    for call, (f, p, e) in enumerate(zip(found, plain, exact, strict=True)):
        said = _one(f, p, e, error)
        if said:
            return f"call {call}: {said}"
    return ""


def _one(found: Any, plain: Any, exact: Any, error: float) -> str:
    if not isinstance(plain, torch.Tensor):
        return "" if found == plain else f"is {found!r}, not {plain!r}"
    if not isinstance(found, torch.Tensor):
        return f"is {type(found).__name__}, not a tensor"
    if found.shape != plain.shape or found.dtype != plain.dtype:
        return f"is {found.dtype} {tuple(found.shape)}, not {plain.dtype} {tuple(plain.shape)}"
    if not plain.is_floating_point():
        return "" if torch.equal(found, plain) else "differs"
    finite = torch.isfinite(plain)
    if not torch.equal(finite, torch.isfinite(found)):
        return "has NaN or infinity elsewhere"
    if not plain.numel():
        return ""
    exact = exact.to(torch.float64)
    difference = torch.where(finite, (found.to(torch.float64) - exact).abs(), 0.0)
    limit = (ABSOLUTE + RELATIVE * exact.abs()).clamp(min=SLACK * error)
    excess = torch.where(finite, difference - limit, -1.0)
    if float(excess.max()) > 0:
        worst = float(difference.max())
        return f"largest error {worst:.3g}, PyTorch's own is {error:.3g}"
    return ""
