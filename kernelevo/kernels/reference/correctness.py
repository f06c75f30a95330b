"""Correctness: the rule that decides whether an answer is right, and how precise it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch

from kernelevo.kernels.reference import heavy_tails
from kernelevo.kernels.reference.double import COARSE, is_double
from kernelevo.kernels.reference.gaps import Gap, Report, compared
from kernelevo.kernels.reference.magnitude import all_finite, largest
from kernelevo.kernels.reference.oracle import Observed
from kernelevo.kernels.reference.tree import Leaf, reals

Precision = Literal["fp32-accurate", "float64", "float16", "bfloat16", "tf32", "lower"]
_HALF: Mapping[torch.dtype, Precision] = {torch.bfloat16: "bfloat16", torch.float16: "float16"}

GATE = 1e-5
"""Absolute and relative tolerance of the gate."""
WIDE_GATE = 1e-11
"""Relative tolerance where a module computes in fp64: 90,000 of its roundings, a 6,000th of one of fp32."""
_WIDE_RULE = f"; a module in fp64 is held to {WIDE_GATE:.0e} of each value, and fp32 rounds by more"
FINE = 1e-6
"""Relative tolerance within which a result counts as fp32-accurate whatever made it; absolute at the most."""
_CANCELLED = 25.0  # times what PyTorch's error allows: values below it are what others have left
FACTOR = 4.0
"""How many times PyTorch's own error an honest program may be away from the oracle."""


def tolerance(oracle: torch.Tensor, e_ref: float, *, wide: bool = False) -> torch.Tensor:
    """Return how far from each oracle value an answer may be: ``max(1e-5 + 1e-5 |oracle|, 4 e_ref)``.

    Of a module that computes in fp64 (``wide``) it is ``max(1e-11 |oracle|, 4 e_ref)``, as long as its own
    error is one that fp64 can have.

    Args:
        oracle: fp64.
        e_ref: PyTorch's own error for this tensor (see ``oracle.Truth``).
        wide: whether the module and this tensor are in fp64.
    """
    atol, rtol = _gate(oracle, e_ref, wide)
    return torch.clamp(atol + rtol * oracle.abs(), min=FACTOR * e_ref)


def least(leaf: Any, e_ref: float) -> float:
    """Return how far from a leaf of PyTorch's an answer may be wherever it is, whatever computes it."""
    return FACTOR * e_ref if is_double(leaf) else max(GATE, FACTOR * e_ref)


def _gate(oracle: torch.Tensor, e_ref: float, wide: bool) -> tuple[float, float]:
    """Return the absolute and the relative tolerance for a tensor.

    Beyond ``COARSE`` the module's own error is not one of fp64, and the tensor is held to what fp32 is.
    """
    if wide:
        most = largest(oracle)
        if most and FACTOR * e_ref <= COARSE * most:
            return 0.0, WIDE_GATE
    return GATE, GATE


def _masks_differ(value: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Where NaN, +inf or -inf stand in one and not in the other."""
    kinds = (torch.isnan, torch.isposinf, torch.isneginf)
    wrong = torch.zeros(value.shape, dtype=torch.bool)
    for kind in kinds:
        wrong |= kind(value) != kind(expected)
    return wrong


def _place(flat: int, shape: Sequence[int]) -> list[int]:
    index: list[int] = []
    for size in reversed(shape):
        index.append(flat % size)
        flat //= size
    return index[::-1]


def compare_floats(
    name: str,
    value: torch.Tensor,
    oracle: torch.Tensor,
    ref32: torch.Tensor,
    e_ref: float,
    *,
    slack: float = 0.0,
    wide: bool = False,
    buffer: bool = False,
) -> Gap:
    """Compare a float tensor with the oracle.

    Args:
        name: what to call it in the feedback.
        value: the candidate's tensor, on CPU, any float dtype.
        oracle: fp64, same shape.
        ref32: PyTorch's own answer; its non-finite places are the right ones.
        e_ref: PyTorch's own error for this tensor, over the cases of one distribution and parameter set.
        slack: added to every bound (used where ``oracle`` itself is only fp32).
        wide: whether the module and this tensor are in fp64.
        buffer: whether it is one: how small statistics are says nothing of how exact they can be.
    """
    exact, own = oracle.double(), ref32
    atol, rtol = _gate(exact, e_ref, wide)
    strict = rtol == WIDE_GATE
    apart = compared(value, own, GATE, GATE)
    if apart.mismatches:
        wrong = _masks_differ(value, ref32)
        at = int(wrong.flatten().to(torch.uint8).argmax())
        place = _place(at, value.shape)
        return Gap(
            name,
            False,
            f"{name}: non-finite values in the wrong places: {int(wrong.sum())} of {value.numel()}, "
            f"first at {place}: expected {float(ref32.flatten()[at])!r}, got {float(value.flatten()[at])!r}",
            e_ref=e_ref,
            meets_gate=False,
            fine=False,
        )
    found = compared(value, exact, atol + slack, rtol, FACTOR * e_ref + slack)
    if found.mismatches:  # fp64 is finite where fp32 has overflowed, or the other way round
        value, exact, own = _finite_only(value, exact, own)
        apart = compared(value, own, GATE, GATE)
        found = compared(value, exact, atol + slack, rtol, FACTOR * e_ref + slack)
    # most answers are so close that no second pass is needed to know it
    gate = found.max_abs_error <= GATE + slack or not compared(value, exact, GATE + slack, GATE).violations
    own_error = FACTOR * e_ref + slack
    fine = not found.violations
    if not strict:
        fine = found.max_abs_error <= own_error or _is_fine(value, exact, own_error, slack, buffer)
    problem = ""
    if FACTOR * e_ref > GATE and not (slack or strict or found.violations):
        problem, coarse = _by_rows(name, value, exact, own, e_ref)
        fine = fine and not coarse
    if found.violations and found.worst_index is not None:
        at = found.worst_index
        right, got = float(exact.flatten()[at]), float(value.flatten()[at])
        allowed = max(atol + rtol * abs(right), FACTOR * e_ref) + slack
        digits, rule = (17, _WIDE_RULE) if strict else (9, "")
        problem = (
            f"{name}: {found.violations} of {value.numel()} values are off by more than allowed; worst at "
            f"{_place(at, value.shape)}: expected {right:.{digits}g}, got {got:.{digits}g}, "
            f"error {abs(got - right):.3g}, allowed {allowed:.3g} "
            f"(PyTorch's own {short_name(ref32.dtype)} error here is at most {e_ref:.3g}{rule})"
        )
    return Gap(
        name,
        not problem,
        problem,
        found.max_abs_error,
        apart.max_abs_error,
        apart.max_rel_error,
        e_ref,
        gate,
        fine,
        ref32.dtype,
        wide,
    )


def _is_fine(value: torch.Tensor, exact: torch.Tensor, own_error: float, slack: float, buffer: bool) -> bool:
    """Whether values are off by a millionth at the most.

    Of small ones, as those of a softmax over many classes, an absolute millionth says nothing. How small one
    number is says as little: a mean of large values that cancel has their error. So has each running mean of
    a BatchNorm, which PyTorch takes in fp64: it may be exact to 1e-11 of values that are 1. And so have many
    such means, of which PyTorch's own error leaves less than two digits.
    """
    most = largest(exact)
    many = exact.numel() >= heavy_tails.LEAST_ROW and not buffer and most > _CANCELLED * own_error
    small = FINE * (min(1.0, most) if many else 1.0) + slack
    return not compared(value, exact, small, FINE, own_error).violations


def _by_rows(
    name: str, value: torch.Tensor, exact: torch.Tensor, own: torch.Tensor, e_ref: float
) -> tuple[str, bool]:
    """Return what is wrong with a tensor's rows, and whether any is less exact than fp32 arithmetic."""
    bound, sizes = FACTOR * e_ref, heavy_tails.Sizes(value, exact, own)
    rows = heavy_tails.rows(sizes, GATE) if heavy_tails.swallowed(exact, bound) else None
    slices = None if rows and rows.wrong else heavy_tails.slices(sizes, GATE, bound)
    kept, part = (rows, "row") if rows and rows.wrong else (slices, "part of the tensor")
    if kept is None or not kept.wrong:
        return "", any(seen is not None and seen.coarse for seen in (rows, slices))
    right, got = float(exact.flatten()[kept.worst]), float(value.flatten()[kept.worst])
    problem = (
        f"{name}: {kept.wrong} of {value.numel()} values are off by more than their {part} allows; "
        f"worst at {_place(kept.worst, value.shape)}: expected {right:.9g}, got {got:.9g}, error "
        f"{abs(got - right):.3g}, allowed {kept.allowed:.3g} (PyTorch's own largest error, {e_ref:.3g}, is "
        f"more than most values there: each {part} is held to {heavy_tails.SHARE:g} of its largest value, or "
        f"to {heavy_tails.TIMES:g} times PyTorch's own error in it)"
    )
    return problem, True


def short_name(dtype: torch.dtype) -> str:
    """Return what a float type is called in messages: ``"fp32"``, ``"fp64"``, ``"bfloat16"``."""
    named = {torch.float32: "fp32", torch.float64: "fp64"}
    return named.get(dtype, str(dtype).removeprefix("torch."))


def _finite_only(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Put zeros where one of several tensors is not finite; the places were compared before."""
    if all(all_finite(t) for t in tensors):
        return tensors
    good = torch.stack([torch.isfinite(t) for t in tensors]).all(0)
    return tuple(t.where(good, t.new_zeros(())) for t in tensors)


def compare_leaf(
    name: str,
    value: Any,
    oracle: Any,
    ref32: Any,
    e_ref: float,
    *,
    slack: float = 0.0,
    wide: bool = False,
    buffer: bool = False,
) -> Gap:
    """Compare one leaf: type, dtype, shape and device exactly, floats by the rule, the rest for equality.

    Complex numbers are compared part by part. What has to be equal may equal the oracle instead.
    Of a module in fp64 (``wide``) those leaves that are in fp64 themselves are held to it. ``buffer``: see
    ``compare_floats``.
    """
    if type(value) is type(ref32) is type(oracle) is float:
        one, exact, own = (torch.tensor([v], dtype=torch.float64) for v in (value, oracle, ref32))
        return compare_floats(name, one, exact, own, e_ref, slack=slack, wide=wide)
    if not isinstance(ref32, torch.Tensor):
        same = _is_same(value, ref32)
        problem = "" if same else f"{name}: expected {ref32!r}, got {_describe(value)}"
        return Gap(name, same, problem, meets_gate=same, fine=same)
    expected = Leaf.of(ref32)
    if not isinstance(value, torch.Tensor):
        return _refused(name, f"{name}: expected a tensor {expected}, got {value!r}")
    got = Leaf.of(value)
    if (got.dtype, got.shape) != (expected.dtype, expected.shape):
        return _refused(name, f"{name}: expected {expected}, got {got}")
    if not value.numel():
        return Gap(name, True)
    wide = wide and is_double(ref32)
    value, oracle, ref32 = reals(value), reals(oracle), reals(ref32)
    if ref32.is_floating_point():
        return compare_floats(name, value, oracle, ref32, e_ref, slack=slack, wide=wide, buffer=buffer)
    exact = oracle if oracle.shape == ref32.shape else ref32
    differs = (value != ref32) & (value != exact)  # where PyTorch itself is off, the oracle is right
    count = int(differs.sum())
    if not count:
        return Gap(name, True)
    at = int(differs.flatten().to(torch.uint8).argmax())
    return _refused(
        name,
        f"{name}: {count} of {value.numel()} values differ, first at {_place(at, value.shape)}: "
        f"expected {ref32.flatten()[at].item()!r}, got {value.flatten()[at].item()!r}",
    )


def _is_same(value: Any, own: Any) -> bool:
    """Whether a leaf that is no tensor equals PyTorch's own; one that cannot be compared does not."""
    if type(value) is not type(own):
        return False
    try:
        return bool(value == own)
    except Exception:  # a dataclass or an array compares part by part, and its answer need not be one
        return False


def _describe(value: Any) -> str:
    return f"a tensor {Leaf.of(value)}" if isinstance(value, torch.Tensor) else repr(value)


def _refused(name: str, problem: str) -> Gap:
    return Gap(name, False, problem, meets_gate=False, fine=False)


def compare(
    answer: Observed,
    ref32: Observed,
    oracle: Observed,
    e_ref: Sequence[float],
    e_buffers: dict[str, float],
    *,
    slack: Sequence[float] | None = None,
) -> Report:
    """Compare a whole answer, outputs and buffers, with the reference.

    Args:
        answer: what the candidate left behind.
        ref32: the reference's own answer (types, structure, non-finite places).
        oracle: the same in fp64.
        e_ref: PyTorch's own error for each output leaf.
        e_buffers: the same for each buffer.
        slack: for each output leaf a number added to its bounds.
    """
    if answer.structure != ref32.structure or len(answer.leaves) != len(ref32.leaves):
        return Report(
            problem=f"the output has another structure: expected {len(ref32.leaves)} value(s) as "
            f"{_short(ref32.structure)}, got {len(answer.leaves)} as {_short(answer.structure)}"
        )
    several = len(ref32.leaves) > 1
    extra = slack or [0.0] * len(e_ref)
    gaps = [
        compare_leaf(
            f"output[{i}]" if several else "output", value, exact, own, error, slack=more, wide=ref32.wide
        )
        for i, (value, exact, own, error, more) in enumerate(
            zip(answer.leaves, oracle.leaves, ref32.leaves, e_ref, extra, strict=True)
        )
    ]
    for key, own in ref32.buffers.items():
        if key not in answer.buffers:
            gaps.append(_refused(key, f"buffer {key!r} is missing after the call"))
            continue
        gaps.append(
            compare_leaf(
                f"buffer {key!r}",
                answer.buffers[key],
                oracle.buffers[key],
                own,
                e_buffers[key],
                wide=ref32.wide,
                buffer=True,
            )
        )
    problem = ""
    if answer.training != ref32.training:
        mode = "train" if ref32.training else "eval"
        problem = f"the module left {mode} mode during the call"
    return Report(tuple(gaps), problem)


def precision(report: Report, e_tf32: Sequence[float] | None) -> Precision:
    """Name the precision class of a program from its measured errors.

    A program as accurate as a module in half precision or in fp64 has the name of that module's type.

    Args:
        report: its worst comparison.
        e_tf32: for each output leaf, the error of the reference with operands rounded to TF32; None if it
            was not measured.
    """
    outputs = [g for g in report.gaps if g.is_output]
    if report.fine:
        if any(g.wide for g in outputs):
            return "float64"
        kinds = {g.dtype for g in outputs}
        return next((name for dtype, name in _HALF.items() if dtype in kinds), "fp32-accurate")
    if e_tf32 is not None and all(g.max_abs <= FACTOR * e for g, e in zip(outputs, e_tf32, strict=False)):
        return "tf32"
    return "lower"


def _short(structure: str) -> str:
    return structure if len(structure) <= 160 else structure[:157] + "..."
