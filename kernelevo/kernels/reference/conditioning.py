"""Conditioning: how exact an answer may be asked for, where a module makes much of its inputs' last bits.

A recurrence that runs for hundreds of steps, or a sum of large values that cancel, magnifies rounding: what
PyTorch's own answer is off by is then one draw from a wide range, and a program that rounds elsewhere draws
another (a GRU on inputs scaled by 100: from 0.3 to 4.4 times PyTorch's error on the same inputs). So there
PyTorch answers some more times, on inputs and weights moved by their last bit, and the largest of these
errors counts. Inputs alone do not do: where a far value decides a sum, the others' last bits are lost in it.

Where PyTorch's error is that of a few values, as where they span many powers of ten or where there are only a
few, the largest is as much luck; that is looked into only for a program which needs it (:func:`is_luck`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from kernelevo.errors import KernelEvoError
from kernelevo.kernels.reference.correctness import FACTOR, GATE
from kernelevo.kernels.reference.gaps import Gap, Report, largest_gap
from kernelevo.kernels.reference.magnitude import all_finite, finite_only, largest
from kernelevo.kernels.reference.oracle import Observed, Truth
from kernelevo.kernels.reference.tree import reals

Move = Callable[[nn.Module], nn.Module]
"""Moves a module's weights by their last bits."""

SANE = 0.01
"""The reference is judgeable where its own error is below this share of the oracle's standard deviation."""
_ROUNDINGS = 8  # bfloat16 loses half a percent with each rounding: a chain of so many is still judgeable
MOVES = 3
"""How many more answers are looked at beforehand."""
_MOVED = (torch.float32, torch.float64)  # types of weights whose last bit is like a rounding of their sums
_FEW = 64
_MOST = 8.0  # times PyTorch's error: a jump between two branches is no rounding that grew


def sane_share(dtype: torch.dtype) -> float:
    """Return the share of its deviation that an output's error may reach: 1 %, or 8 eps of a half type."""
    return max(SANE, _ROUNDINGS * torch.finfo(dtype).eps)


def sane(truth: Truth) -> str:
    """Return why nobody could be judged on this case, or an empty text."""
    moved = truth.e_moved or truth.e_ref
    for i, (leaf, oracle, *errors) in enumerate(
        zip(truth.ref32.leaves, truth.oracle.leaves, truth.e_ref, moved, strict=True)
    ):
        own, error = reals(leaf) if isinstance(leaf, torch.Tensor) else None, max(errors)
        if own is None or not own.is_floating_point() or not own.numel():
            continue
        if not all_finite(own):
            return f"output[{i}] is not finite"
        exact = reals(oracle)
        spread = _spread(exact)
        share = sane_share(own.dtype)
        if error > share * spread and error > 1e-5:
            whose = "PyTorch's own error" if error == errors[0] else "PyTorch's error, a last bit moved,"
            return f"{whose} {error:.3g} exceeds {100 * share:.2g} % of output[{i}]'s deviation {spread:.3g}"
    return ""


def conditioned(
    truth: Truth,
    args: Any,
    free: Sequence[bool],
    answer: Callable[[Any, Move], Observed],
    seed: int,
    moves: int = MOVES,
    *,
    few: bool = False,
) -> Truth:
    """Return a case with the error that rounding may well lead to where the module is ill-conditioned.

    Looked for only where ``FACTOR`` times PyTorch's error is beyond the gate: elsewhere the gate decides.
    What it finds counts up to eight times PyTorch's error, and up to where nobody could be judged
    (:func:`sane`).

    Args:
        truth: the case as it was evaluated, or as an earlier look has found it.
        args: its arguments.
        free: for each leaf of them whether its values may be moved.
        answer: PyTorch's own answer to other arguments, with the case's parameters, moved by its second
            argument, and the case's draws.
        seed: equal seeds move alike.
        moves: how many more answers.
        few: look also where PyTorch's error is that of a few values.

    Raises:
        KernelEvoError: if ``answer`` does; what else it raises says that the module takes no such values.
    """
    exact = truth.oracle.leaves
    ill = [
        _is_beyond_gate(leaf, error) or (few and _is_of_few(own, leaf, error))
        for own, leaf, error in zip(truth.ref32.leaves, exact, truth.e_ref, strict=True)
    ]
    if not any(ill):
        return truth
    generator = torch.Generator().manual_seed(seed)
    errors, largest, first = list(truth.e_ref), list(truth.e_moved or truth.e_ref), truth.e_ref
    if truth.e_moved:
        first = tuple(largest_gap(own, leaf) for own, leaf in zip(truth.ref32.leaves, exact, strict=True))
    for _ in range(moves):
        moved = _moved_args(args, free, generator)
        try:
            found = answer(moved, partial(move_weights, generator=generator))
        except KernelEvoError:
            raise
        except Exception:  # a forward may ask that rows sum to one, and raises what its author likes
            continue
        if found.structure != truth.oracle.structure:
            continue
        for i, (leaf, own) in enumerate(zip(found.leaves, first, strict=True)):
            # where sizes follow from values, an answer of another size says nothing of rounding
            if ill[i] and leaf.shape == exact[i].shape:
                gap = largest_gap(leaf, exact[i])
                most = min(_MOST * own, max(own, _judgeable(truth.ref32.leaves[i], exact[i])))
                errors[i], largest[i] = max(errors[i], min(gap, most)), max(largest[i], gap)
    return replace(truth, e_ref=tuple(errors), e_moved=tuple(largest))


def is_luck(report: Report, truth: Truth) -> bool:
    """Tell whether more answers of PyTorch's might show that a program is as exact as it is.

    They might where each of its tensors that is not exact enough is further off than PyTorch's error allows,
    and no further than the largest error that more answers can show.

    Args:
        report: the program, held to the error that PyTorch has shown so far.
        truth: the case.
    """
    gaps = [gap for gap in report.gaps if not (gap.ok and gap.fine)]
    if report.problem or not gaps or not all(_may_be_luck(gap) for gap in gaps):
        return False
    leaves = zip(truth.ref32.leaves, truth.oracle.leaves, truth.e_ref, strict=True)
    return bool(truth.e_moved) or any(_is_of_few(*leaf) for leaf in leaves)


def _may_be_luck(gap: Gap) -> bool:
    return gap.is_output and 1 < gap.max_abs / (FACTOR * gap.e_ref or torch.inf) <= _MOST


def _is_of_few(own: Any, exact: Any, error: float) -> bool:
    """Tell whether an error is that of a few values: fewer than ``_FEW`` as large would weigh as much as all.

    Among a million errors that are spread like most sums' the largest is 5 times the typical one, and 30,000
    as large would weigh as much as all.
    """
    if not isinstance(exact, torch.Tensor) or not error:
        return False
    errors = finite_only(reals(own).double() - reals(exact).double())
    return _FEW * error**2 > float(torch.linalg.vector_norm(errors)) ** 2


def _is_beyond_gate(exact: Any, error: float) -> bool:
    if not isinstance(exact, torch.Tensor) or not exact.numel() or not error:
        return False
    return FACTOR * error > GATE + GATE * largest(reals(exact))


def _judgeable(own: torch.Tensor, exact: torch.Tensor) -> float:
    return sane_share(reals(own).dtype) * _spread(reals(exact))


def _spread(exact: torch.Tensor) -> float:
    return float(exact.double().std(correction=0)) if exact.numel() > 1 else float(exact.abs().max())


def move_weights(module: nn.Module, generator: torch.Generator) -> nn.Module:
    """Give a module parameters moved by one bit either way or not at all; return it.

    Buffers, which may be masks or counts, stay, and so do half types: their last bit is far more than the
    rounding of their sums, which are fp32.
    """
    for parameter in module.parameters():
        if parameter.dtype in _MOVED:
            parameter.data = _moved(parameter.data, generator, -1)
    return module


def _moved_args(args: Any, free: Sequence[bool], generator: torch.Generator) -> Any:
    """Move half of the values by one bit towards zero: what lies within bounds stays within them."""
    leaves, spec = pytree.tree_flatten(args)
    moved = [_moved(leaf, generator, 0) if may else leaf for leaf, may in zip(leaves, free, strict=True)]
    return pytree.tree_unflatten(moved, spec)


def _moved(values: torch.Tensor, generator: torch.Generator, least: int) -> torch.Tensor:
    # drawn on the host, wherever the values lie: equal seeds move alike
    bits = torch.randint(least, 2, values.shape, generator=generator, dtype=torch.int8)
    return values * (1 - torch.finfo(values.dtype).eps * bits.to(values.device, values.dtype))
