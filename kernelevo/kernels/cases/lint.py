"""Lint: what a task would let through (blind), and what nobody could pass (unjudgeable)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch.utils import _pytree as pytree

from kernelevo.kernels.cases.case import Case, Group
from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.reference.conditioning import sane_share
from kernelevo.kernels.reference.correctness import GATE, compare, short_name
from kernelevo.kernels.reference.oracle import Observed

Answer = Callable[[Case, Case], Observed | None]


@dataclass(frozen=True)
class Conduct:
    """What forward does besides computing its output.

    Args:
        draws: whether it draws random numbers.
        forgets_draws: whether the answer after another seed passes for this one's, so that the draw may be
            left out; None where nothing is drawn.
        changes: buffers that a call changes.
        keeps_state: whether it keeps state where no ``state_dict`` has it.
    """

    draws: bool
    forgets_draws: bool | None
    changes: tuple[str, ...]
    keeps_state: bool

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {**asdict(self), "changes": list(self.changes)}


@dataclass(frozen=True)
class Finding:
    """What the linter found out about a task.

    Args:
        blind: cheats that pass on the task as shipped: ``"zeros"``, ``"constant"``, ``"input copy"``,
            ``"another input's output"``.
        independent: whether the oracle's output is the same, bit for bit, for another input.
        unjudgeable: why nobody could be judged fairly, or an empty text.
        e_ref: PyTorch's own error, the largest of any output.
        spread: the oracle's standard deviation, of the output where the error's share is largest.
    """

    blind: tuple[str, ...]
    independent: bool
    unjudgeable: str
    e_ref: float
    spread: float

    @property
    def fair(self) -> bool:
        """Whether the task may enter a mean."""
        return not self.blind and not self.unjudgeable

    def to_json(self) -> dict[str, Any]:
        """Return this finding as plain data."""
        return {
            "fair": self.fair,
            "blind": list(self.blind),
            "independent": self.independent,
            "unjudgeable": self.unjudgeable or None,
            "e_ref": self.e_ref,
            "spread": self.spread,
        }


def lint(pool: Pool) -> Finding:
    """Try the cheats that need no computation on the task as shipped.

    Two cases with shipped inputs and parameters are compared; the pool makes them if need be.
    """
    pool.ensure(2)
    group = pool.groups[0]
    first, second = group.cases[0], group.cases[1]
    blind = tuple(name for name, cheat in CHEATS.items() if _passes(cheat, group, first, second))
    independent = all(
        not isinstance(a, torch.Tensor) or torch.equal(a, b)
        for a, b in zip(first.truth.oracle.leaves, second.truth.oracle.leaves, strict=True)
    )
    error, spread, problem = _share(group, first)
    return Finding(blind, independent, problem, error, spread)


def conduct(pool: Pool) -> Conduct:
    """Say what forward does besides computing, on a case as shipped; the pool makes it if need be."""
    case, group = pool.first, pool.groups[0]
    truth, forgets = case.truth, None
    if truth.draws:
        other = pool.answer(case.parameters, case.args, case.seed + 1)
        report = compare(other, truth.ref32, truth.oracle, group.e_ref, group.e_buffers)
        forgets = report.ok
    changes = tuple(
        name for name, value in truth.ref32.buffers.items() if not torch.equal(value, pool.state[name])
    )
    return Conduct(truth.draws, forgets, changes, truth.stateful)


def _passes(cheat: Answer, group: Group, case: Case, other: Case) -> bool:
    answer = cheat(case, other)
    if answer is None:
        return False
    report = compare(answer, case.truth.ref32, case.truth.oracle, group.e_ref, group.e_buffers)
    return report.ok


def _share(group: Group, case: Case) -> tuple[float, float, str]:
    """Largest share of the reference's error in the oracle's deviation, over outputs."""
    worst, result = -1.0, (max(group.e_ref, default=0.0), 0.0, "")
    truth = case.truth
    for i, (exact, own, error) in enumerate(
        zip(truth.oracle.leaves, truth.ref32.leaves, group.e_ref, strict=True)
    ):
        if not isinstance(exact, torch.Tensor) or not exact.is_floating_point() or exact.numel() < 2:
            continue
        spread = float(exact.double().std(correction=0))
        share = error / spread if spread else (math.inf if error > GATE else 0.0)
        if share > worst:
            worst = share
            problem = (
                f"PyTorch's own {short_name(own.dtype)} error in output[{i}] is {error:.3g}, "
                f"{100 * share:.1f} % of its deviation {spread:.3g}"
                if share > sane_share(own.dtype)
                else ""
            )
            result = (error, spread, problem)
    return result


def _with_leaves(case: Case, make: Callable[[torch.Tensor], torch.Tensor]) -> Observed:
    truth = case.truth.ref32
    leaves = tuple(make(v) if isinstance(v, torch.Tensor) else v for v in truth.leaves)
    return replace(truth, leaves=leaves)


def _zeros(case: Case, other: Case) -> Observed:
    return _with_leaves(case, torch.zeros_like)


def _constant(case: Case, other: Case) -> Observed:
    def mean(value: torch.Tensor) -> torch.Tensor:
        if not value.is_floating_point():
            return value
        return torch.full_like(value, float(value.double().mean()))

    return _with_leaves(case, mean)


def _input_copy(case: Case, other: Case) -> Observed | None:
    given = [a for a in pytree.tree_leaves(case.args) if isinstance(a, torch.Tensor)]
    leaves = []
    for value in case.truth.ref32.leaves:
        same = [g for g in given if isinstance(value, torch.Tensor) and g.shape == value.shape]
        if not same:
            return None
        leaves.append(same[0].to(value.dtype))
    return replace(case.truth.ref32, leaves=tuple(leaves))


def _others_output(case: Case, other: Case) -> Observed:
    return replace(case.truth.ref32, leaves=other.truth.ref32.leaves)


CHEATS: dict[str, Answer] = {
    "zeros": _zeros,
    "constant": _constant,
    "input copy": _input_copy,
    "another input's output": _others_output,
}
