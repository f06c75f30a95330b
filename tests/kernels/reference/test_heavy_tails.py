"""Tensors whose values span many powers of ten: no row of them is free."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernelevo.kernels.reference import heavy_tails
from kernelevo.kernels.reference.correctness import FACTOR, GATE, compare_floats
from kernelevo.kernels.reference.heavy_tails import Sizes

ROUNDING = 6e-8


def drawn(seed, powers=14, rows=60, width=64):
    """Return the right values, PyTorch's own and its largest error: rows from 1 to 10^powers."""
    generator = torch.Generator().manual_seed(seed)
    scale = 10.0 ** torch.linspace(0, powers, rows, dtype=torch.float64)
    exact = scale[:, None] * torch.randn(rows, width, generator=generator, dtype=torch.float64)
    own = off(exact, ROUNDING, generator)
    return exact, own, float((own.double() - exact).abs().max()), generator


def off(exact, share, generator):
    """Return values that are off by a share of each row's size, as a sum in another order is."""
    size = exact.abs().amax(-1, keepdim=True)
    return (exact + share * size * torch.randn(exact.shape, generator=generator, dtype=torch.float64)).float()


def judged(value, exact, own, e_ref):
    return compare_floats("output", value, exact, own, e_ref)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 20), st.sampled_from((1.0, 3.0)))
def test_honest_rounding_passes_however_far_values_span(seed, powers, worse):
    exact, own, e_ref, generator = drawn(seed, powers)
    found = judged(off(exact, worse * ROUNDING, generator), exact, own, worse * e_ref)
    assert found.ok and found.fine, found.problem


def test_what_the_largest_values_hide_is_looked_at():
    exact, own, e_ref, _ = drawn(1)
    assert float((exact.abs() <= FACTOR * e_ref).double().mean()) > 0.5
    zeros = own.clone()
    zeros[:20] = 0  # each of them within four times PyTorch's largest error
    found = judged(zeros, exact, own, e_ref)
    assert not found.ok and found.max_abs <= FACTOR * e_ref
    told = re.match(r"output: (\d+) of 3840 values are off by more than their row allows", found.problem)
    assert 1270 <= int(told[1]) <= 1280  # all but those that are near 0 themselves
    one = own.clone()
    one[3, 5] += 0.01 * float(exact[3].abs().max())
    found = judged(one, exact, own, e_ref)
    assert found.problem.startswith(f"output: 1 of {60 * 64} values") and "worst at [3, 5]" in found.problem


def test_an_answer_may_be_right_and_not_as_exact_as_fp32():
    exact, own, e_ref, generator = drawn(2)
    coarse = own.clone()
    coarse[:30] = off(exact[:30], 2.5e-4 / 4, generator)  # as TF32 does, within a thousandth of the row
    found = judged(coarse, exact, own, e_ref)
    assert found.ok and not found.fine


@pytest.mark.parametrize("powers", [0, 3])
def test_where_the_bound_says_something_it_alone_holds(powers):
    exact, own, e_ref, _ = drawn(3, powers)
    assert not heavy_tails.swallowed(exact, FACTOR * e_ref)
    value = own.clone()
    value[0, 0] += 3 * e_ref
    assert judged(value, exact, own, e_ref).ok


def test_an_ill_conditioned_module_is_held_to_its_own_error_alone():
    exact, own, _, generator = drawn(4, 0)
    e_ref = 0.5  # a recurrence that magnifies rounding: nobody is right to less
    assert not heavy_tails.swallowed(exact, FACTOR * e_ref)
    assert judged(off(exact, 0.1, generator), exact, own, e_ref).ok


def test_a_row_that_pytorch_itself_gets_wrong_is_held_to_its_error_there():
    exact, own, e_ref, generator = drawn(5)
    own[2] = off(exact[2], 1e-2, generator)
    assert judged(off(exact, ROUNDING, generator), exact, own, e_ref).ok
    value = off(exact, ROUNDING, generator)
    value[2] = off(exact[2], 1e-2, generator)
    assert judged(value, exact, own, e_ref).ok


def test_values_that_are_not_finite_and_tensors_of_one_row():
    exact, own, e_ref, _ = drawn(6)
    exact[-1, :3], own[-1, :3] = float("inf"), float("inf")
    value = own.clone()
    assert judged(value, exact, own, e_ref).ok
    value[0] = 0
    assert not judged(value, exact, own, e_ref).ok
    flat = exact[:, 0].clone()
    assert heavy_tails.rows(Sizes(flat.float(), flat, flat), GATE) is None


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31), st.integers(0, 14), st.sampled_from((0.0, 1e-9, 1e-4, 1.0)),
    st.sampled_from((1.0, 10.0, 1e3)),
)  # fmt: skip
def test_rows_are_held_to_what_their_definition_says(seed, powers, least, worse):
    exact, own, _, generator = drawn(seed, powers, rows=20, width=40)
    exact, own = exact * least, own * least
    value = off(exact, worse * ROUNDING, generator)
    value[seed % 20, seed % 40] += 5e-4 * float(exact[seed % 20].abs().max())  # beyond FINE_SHARE
    found = heavy_tails.rows(Sizes(value, exact, own), GATE)
    wrong = coarse = 0
    for v, e, o in zip(value.double().tolist(), exact.tolist(), own.double().tolist(), strict=True):
        most, luck = max(map(abs, e)), 32 * max(abs(a - b) for a, b in zip(o, e, strict=True))
        errors = [(abs(a - b), GATE + GATE * abs(b)) for a, b in zip(v, e, strict=True)]
        wrong += sum(error > max(1e-3 * most, luck, gate) for error, gate in errors)
        coarse += sum(error > max(1e-4 * most, luck, gate) for error, gate in errors)
    assert (found.wrong, found.coarse) == (wrong, coarse)


def side_by_side(seed, classes=40, rows=64):
    """Return the right values of four coordinates beside shares, PyTorch's own, and its largest error."""
    generator = torch.Generator().manual_seed(seed)
    far = 8192 * torch.rand(rows, 4, generator=generator, dtype=torch.float64)
    shares = torch.softmax(torch.randn(rows, classes, generator=generator, dtype=torch.float64), -1) / 300
    exact = torch.cat([far, shares], 1)
    size = torch.cat([far.amax(0), shares.amax(0)])
    own = (
        exact + ROUNDING * size * torch.randn(exact.shape, generator=generator, dtype=torch.float64)
    ).float()
    return exact, own, float((own.double() - exact).abs().max()), size, generator


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 200), st.sampled_from((1.0, 3.0)))
def test_honest_rounding_of_unlike_parts_passes(seed, classes, worse):
    exact, own, e_ref, size, generator = side_by_side(seed, classes)
    noise = torch.randn(exact.shape, generator=generator, dtype=torch.float64)
    found = judged((exact + worse * ROUNDING * size * noise).float(), exact, own, worse * e_ref)
    assert found.ok and found.fine, found.problem


@pytest.mark.parametrize("classes", [3, 40])  # a small and a large share of all values
@pytest.mark.parametrize("turned", [False, True])
def test_parts_that_the_others_hide_are_looked_at(classes, turned):
    exact, own, e_ref, _, _ = side_by_side(5, classes)
    lazy = own.clone()
    lazy[:, 4:] = lazy[:, 4:].mean()  # no share is off by more than PyTorch's error at the coordinates allows
    assert FACTOR * e_ref > float((lazy[:, 4:] - exact[:, 4:]).abs().max()) > GATE
    laid = [t.T.contiguous() if turned else t for t in (lazy, exact, own)]
    found = judged(*laid, e_ref)
    assert not found.ok and re.search("more than their (row|part of the tensor) allows", found.problem)
    assert judged(laid[2], laid[1], laid[2], e_ref).ok
