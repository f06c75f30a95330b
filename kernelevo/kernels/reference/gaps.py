"""Gaps: how far an answer is from the truth, tensor by tensor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from kernelevo.backends import native
from kernelevo.kernels.reference.magnitude import largest
from kernelevo.kernels.reference.tree import reals

_NO_LIMIT = 1e150  # an absolute tolerance: only how large a gap is is asked for


@dataclass(frozen=True)
class Gap:
    """How far one output tensor (or buffer) is from the oracle.

    Args:
        name: e.g. ``"output[0]"`` or ``"buffer 'bn.running_mean'"``.
        ok: whether it passes the rule.
        problem: why not, in words, with the worst place; empty if ok.
        max_abs: largest absolute distance from the oracle over finite places.
        from_ref: largest absolute distance from PyTorch's own fp32 answer.
        rel_from_ref: the same relative to ``|ref32|`` where that is not 0.
        e_ref: the reference's own largest error.
        meets_gate: whether it is within 1e-5 + 1e-5 |oracle| everywhere.
        fine: whether it is within ``max(4 e_ref, 1e-6 + 1e-6 |oracle|)`` everywhere; of a module in fp64
            whether it passes.
        dtype: of the reference's tensor, None where it is no float tensor.
        wide: whether it is held to the rule of modules in fp64.
    """

    name: str
    ok: bool
    problem: str = ""
    max_abs: float = 0.0
    from_ref: float = 0.0
    rel_from_ref: float = 0.0
    e_ref: float = 0.0
    meets_gate: bool = True
    fine: bool = True
    dtype: torch.dtype | None = None
    wide: bool = False

    @property
    def is_output(self) -> bool:
        """Whether it is one of an output, not of a buffer."""
        return self.name.startswith("output")


@dataclass(frozen=True)
class Report:
    """The comparison of one whole answer with the truth."""

    gaps: tuple[Gap, ...] = ()
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether structure, types and every value pass."""
        return not self.problem and all(g.ok for g in self.gaps)

    @property
    def max_abs(self) -> float:
        """Largest distance of any tensor from the oracle."""
        return max((g.max_abs for g in self.gaps), default=0.0)

    @property
    def from_ref(self) -> float:
        """Largest distance of any tensor from PyTorch's own answer."""
        return max((g.from_ref for g in self.gaps), default=0.0)

    @property
    def times(self) -> float:
        """Largest distance of an output that is not fine from the oracle, in units of PyTorch's own error."""
        rough = [g for g in self.gaps if g.is_output and not g.fine]
        return max((g.max_abs / g.e_ref if g.e_ref else math.inf for g in rough), default=0.0)

    @property
    def rel_from_ref(self) -> float:
        """The same, relative."""
        return max((g.rel_from_ref for g in self.gaps), default=0.0)

    @property
    def e_ref(self) -> float:
        """Largest error of PyTorch itself for any tensor."""
        return max((g.e_ref for g in self.gaps), default=0.0)

    @property
    def meets_gate(self) -> bool:
        """Whether every tensor is within 1e-5 + 1e-5 |oracle|."""
        return not self.problem and all(g.meets_gate for g in self.gaps)

    @property
    def fine(self) -> bool:
        """Whether every tensor is as accurate as fp32 arithmetic."""
        return not self.problem and all(g.fine for g in self.gaps)

    def explain(self) -> str:
        """Return what is wrong, one line for each tensor, for whoever writes the next program."""
        if self.problem:
            return self.problem
        return "\n".join(g.problem for g in self.gaps if g.problem)


def largest_gap(value: Any, exact: Any) -> float:
    """Return ``max |value - exact|`` over elements that are finite on both sides, in fp64.

    0 for leaves that are neither floats nor tensors of floats; complex numbers are compared part by part.
    """
    if type(value) is float and type(exact) is float:
        value, exact = (torch.tensor([v], dtype=torch.float64) for v in (value, exact))
    if not isinstance(value, torch.Tensor) or not value.numel():
        return 0.0
    value, exact = reals(value), reals(exact)
    if not value.is_floating_point():
        return 0.0
    gap = compared(value, exact, _NO_LIMIT, 0.0).max_abs_error
    if math.isfinite(gap):
        return gap
    return largest(value.double() - exact.double())  # two values whose distance fp64 cannot hold


def compared(
    value: torch.Tensor, exact: torch.Tensor, atol: float, rtol: float, slack: float = 0.0
) -> native.Comparison:
    """Compare two float tensors of one shape on the CPU, in fp64 (see ``native.compare``)."""
    out, kind = _as_numpy(value)
    right = exact if exact.dtype in (torch.float32, torch.float64) else exact.double()
    return native.compare(out, right.contiguous().numpy(), atol, rtol, slack, dtype=kind)


def _as_numpy(value: torch.Tensor) -> tuple[Any, str | None]:
    """Return a tensor's values for the native comparison; bfloat16, which numpy lacks, as its bits."""
    value = value.contiguous()
    if value.dtype is torch.bfloat16:
        return value.view(torch.int16).numpy().view("uint16"), "bfloat16"
    if value.dtype not in (torch.float16, torch.float32, torch.float64):
        value = value.float()  # eight bits or fewer, which numpy has no name for
    return value.numpy(), None
