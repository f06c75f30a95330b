"""The rule on honest and dishonest values."""

import math
import random
from dataclasses import dataclass

import pytest
import torch

from kernelevo.kernels.reference.correctness import (
    compare,
    compare_floats,
    compare_leaf,
    precision,
    tolerance,
)
from kernelevo.kernels.reference.oracle import Observed
from kernelevo.kernels.reference.precision import round_to_tf32
from kernelevo.kernels.reference.tree import flatten


def observed(tree, buffers=None, training=True):
    structure, leaves = flatten(tree)
    return Observed(structure, tuple(leaves), buffers or {}, training, tuple(False for _ in leaves))


def floats(value, oracle, e_ref=0.0):
    return compare_floats("output", value, oracle, oracle.to(value.dtype), e_ref)


def reordered(a, b, rng):
    """An honest fp32 product whose sum runs in another order."""
    k = a.shape[1]
    order = torch.tensor(rng.sample(range(k), k)) if rng.random() < 0.5 else torch.arange(k)
    a, b = a[:, order], b[order]
    size = rng.choice([1, 8, 64, 256, k])
    match rng.randrange(3):
        case 0:  # partial sums of blocks, added up one after the other
            total = torch.zeros(a.shape[0], b.shape[1])
            for i in range(0, k, size):
                total += a[:, i : i + size] @ b[i : i + size]
            return total
        case 1:  # one running sum, element by element
            total = torch.zeros(a.shape[0], b.shape[1])
            for i in range(k):
                total.addcmul_(a[:, i : i + 1], b[i : i + 1])
            return total
        case _:  # partial sums stacked, then summed
            return torch.stack([a[:, i : i + size] @ b[i : i + size] for i in range(0, k, size)]).sum(0)


def calibrate(factor_free=4.0, trials=160):
    rng = random.Random(7)
    passed = meets = 0
    for i in range(trials):
        generator = torch.Generator().manual_seed(i)
        m, k, n = (rng.choice(c) for c in ([8, 32, 96], [256, 512], [8, 32, 96]))
        scale = rng.choice([10.0, 100.0])
        draw = rng.choice([torch.randn, torch.rand])
        e_ref, cases = 0.0, []
        for _ in range(2):
            a, b = draw(m, k, generator=generator) * scale, draw(k, n, generator=generator)
            exact = a.double() @ b.double()
            e_ref = max(e_ref, float((a @ b - exact).abs().max()))
            cases.append((a, b, exact))
        a, b, exact = cases[0]
        gap = floats(reordered(a, b, rng), exact, e_ref * factor_free / 4.0)
        passed += gap.ok
        meets += gap.meets_gate
    return passed, meets


def test_159_of_160_honest_reorderings_pass():
    passed, meets = calibrate()
    assert passed >= 159
    assert meets < 160  # the constant gate alone would refuse honest programs
    assert (
        calibrate(factor_free=0.5)[0] < 159
    )  # the factor is no formality: half of PyTorch's own error refuses them


def test_the_gate_is_1e_5_where_the_reference_is_exact():
    exact = torch.tensor([0.0, 1.0, 100.0], dtype=torch.float64)
    good = exact.float() + torch.tensor([0.9e-5, 1.9e-5, 0.9e-3])
    assert floats(good, exact).ok
    bad = floats(exact.float() + torch.tensor([1.1e-5, 0, 0]), exact)
    assert not bad.ok and "[0]" in bad.problem and "expected 0" in bad.problem
    assert torch.allclose(tolerance(exact, 1.0), torch.full((3,), 4.0, dtype=torch.float64))


def test_four_times_the_reference_error_passes_and_is_reported():
    exact = torch.ones(4, dtype=torch.float64)
    gap = floats(torch.full((4,), 1.003), exact, e_ref=1e-3)
    assert gap.ok and not gap.meets_gate and gap.fine
    assert not floats(torch.full((4,), 1.0051), exact, e_ref=1e-3).ok


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_masks_must_be_equal(bad):
    exact = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    value = exact.float().clone()
    value[1, 0] = bad
    gap = floats(value, exact)
    assert not gap.ok and "[1, 0]" in gap.problem
    truth = exact.clone()
    truth[1, 0] = bad
    assert floats(value, truth).ok
    assert not floats(exact.float(), truth).ok
    assert not floats(-value, truth).ok


def test_types_shapes_and_structure_are_exact():
    one = torch.ones(2, 3)
    for wrong in (one.double(), one.half(), one.t(), one[0], 1.0, None):
        assert not compare_leaf("output", wrong, one.double(), one, 0.0).ok
    assert not compare_leaf("output", torch.ones(2, dtype=torch.int32), one, torch.ones(2).long(), 0.0).ok
    truth = observed((one, {"a": one}))
    good = observed((one.clone(), {"a": one.clone()}))
    assert compare(good, truth, truth, (0.0, 0.0), {}).ok
    for tree in (one, [one, {"a": one}], (one, {"b": one}), (one,)):
        report = compare(observed(tree), truth, truth, (0.0, 0.0), {})
        assert not report.ok and "structure" in report.explain()


@dataclass
class Pair:
    values: torch.Tensor


def test_what_cannot_be_compared_is_no_equal_and_breaks_nothing():
    own = Pair(torch.ones(3))
    gap = compare_leaf("output", Pair(torch.ones(3)), own, own, 0.0)
    assert not gap.ok and "expected Pair" in gap.problem
    assert compare_leaf("output", 3, 3, 3, 0.0).ok and not compare_leaf("output", 3, 4, 4, 0.0).ok


def test_integers_are_compared_for_equality():
    a = torch.tensor([1, 2, 3])
    assert compare_leaf("output", a.clone(), a, a, 0.0).ok
    gap = compare_leaf("output", torch.tensor([1, 5, 3]), a, a, 0.0)
    assert not gap.ok and "expected 2, got 5" in gap.problem


def test_buffers_and_mode_count():
    one = torch.ones(2)
    truth = observed(one, {"mean": one, "count": torch.tensor(1)})
    errors = {"mean": 0.0, "count": 0.0}
    assert compare(observed(one, {"mean": one, "count": torch.tensor(1)}), truth, truth, (0.0,), errors).ok
    stale = observed(one, {"mean": one * 0, "count": torch.tensor(0)})
    report = compare(stale, truth, truth, (0.0,), errors)
    assert "buffer 'mean'" in report.explain() and "buffer 'count'" in report.explain()
    assert "missing" in compare(observed(one), truth, truth, (0.0,), errors).explain()
    eval_mode = observed(one, {"mean": one, "count": torch.tensor(1)}, training=False)
    assert "left train mode" in compare(eval_mode, truth, truth, (0.0,), errors).explain()


def test_each_tensor_has_its_own_error_bound():
    exact = observed((torch.ones(2).double(), torch.ones(2).double()))
    ref = observed((torch.ones(2), torch.ones(2)))
    value = observed((torch.ones(2), torch.full((2,), 1.001)))
    assert not compare(value, ref, exact, (1.0, 0.0), {}).ok
    assert compare(value, ref, exact, (0.0, 1.0), {}).ok


def test_precision_is_read_off_the_error():
    torch.manual_seed(0)
    a, b = torch.rand(32, 512), torch.rand(512, 32)
    exact, own = a.double() @ b.double(), a @ b
    e_ref = float((own - exact).abs().max())
    rounded = round_to_tf32(a) @ round_to_tf32(b)
    e_tf32 = float((rounded - exact).abs().max())
    halves = a.bfloat16().float() @ b.bfloat16().float()

    def label(value):
        truth = observed(own)
        report = compare(observed(value), truth, observed(exact), (e_ref,), {})
        return precision(report, (e_tf32,))

    assert label(own) == "fp32-accurate"
    assert label(rounded) == "tf32"
    assert label(halves) == "lower"


def test_many_small_values_show_their_arithmetic_and_one_does_not():
    """Of a mean of values that cancel, PyTorch's own error is as small as the mean only by luck."""
    for values, fine in ((64, False), (1, True)):
        exact = torch.full((values,), 1e-3, dtype=torch.float64)
        off = compare_leaf("output", (exact + 1e-7).float(), exact, exact.float(), 1e-9)
        assert off.ok and off.fine == fine
    assert not compare_leaf("output", torch.tensor([2e-6 + 1e-3]), exact, exact.float(), 1e-9).fine


def test_running_means_of_values_that_cancel_are_as_exact_as_these_values():
    """Inputs of size 1 around zero: PyTorch sums a channel in fp64, a program in fp32 is off by 2e-9."""
    mean = torch.linspace(-2e-4, 2e-4, 64, dtype=torch.float64)
    output = torch.zeros(3)
    truth, exact = observed(output, {"mean": mean.float()}), observed(output, {"mean": mean})
    for off, label in ((2e-9, "fp32-accurate"), (2e-6, "lower")):
        left = observed(output, {"mean": (mean + off).float()})
        report = compare(left, truth, exact, (0.0,), {"mean": 1e-11})
        assert report.ok and precision(report, None) == label


def test_rounding_to_tf32():
    values = torch.tensor([1.0, 1 + 2**-10, 1 + 2**-11, 1 + 2**-12, math.inf, math.nan, 0.0, -1 - 2**-11])
    rounded = round_to_tf32(values)
    expected = torch.tensor([1.0, 1 + 2**-10, 1 + 2**-10, 1.0, math.inf, math.nan, 0.0, -1 - 2**-10])
    assert torch.equal(rounded.nan_to_num(7), expected.nan_to_num(7))
    assert torch.isnan(rounded[5])


def test_what_must_be_equal_may_equal_the_oracle_instead():
    """Of two values that fp32 cannot tell apart PyTorch may name the wrong one as the largest."""
    own, exact = torch.tensor([4, 7, 2]), torch.tensor([4, 6, 2])
    for right in (own, exact):
        assert compare_leaf("output", right.clone(), exact, own, 0.0).ok
    for wrong in (torch.tensor([4, 5, 2]), torch.tensor([3, 6, 2])):
        assert not compare_leaf("output", wrong, exact, own, 0.0).ok
    assert compare_leaf("output", own.clone(), exact[:2], own, 0.0).ok


def test_numbers_of_python_are_compared_by_the_rule():
    def passes(value, right, e_ref=0.0):
        return compare_leaf("output", value, right, right, e_ref).ok

    assert passes(0.5 + 9e-6, 0.5) and not passes(0.5 + 2e-5, 0.5) and passes(0.5 + 3e-5, 0.5, 1e-5)
    assert passes(math.nan, math.nan) and not passes(math.nan, 0.5) and not passes(math.inf, -math.inf)
    assert not passes(1, 1.0) and not passes(True, 1.0) and not passes(torch.tensor(0.5), 0.5)


def test_complex_numbers_are_compared_part_by_part():
    exact = torch.tensor([[1 + 2j, 0], [3j, 4]], dtype=torch.complex128)
    own = exact.to(torch.complex64)
    assert compare_leaf("output", own + 9e-6j, exact, own, 0.0).ok
    bad = own.clone()
    bad[0, 1] += 2e-5j
    gap = compare_leaf("output", bad, exact, own, 0.0)
    assert not gap.ok and "[0, 1, 1]" in gap.problem and gap.max_abs == pytest.approx(2e-5, rel=1e-3)
    assert compare_leaf("output", bad, exact, own, 1e-5).ok
    bad[1, 1] = complex(4, math.nan)
    assert "non-finite" in compare_leaf("output", bad, exact, own, 1.0).problem
    assert not compare_leaf("output", own.real, exact, own, 1.0).ok


def test_means_of_what_cancels_are_as_exact_as_numbers_near_one():
    """Of a hundred means of normalised values, 1e-17 each, PyTorch's own are off by some 1e-9."""
    exact = torch.linspace(-1e-17, 1e-17, 128, dtype=torch.float64)
    own = (exact + 4e-9).float()
    for off, fine in ((2e-8, True), (9e-7, True), (2e-6, False)):
        gap = compare_leaf("output", (exact + off).float(), exact, own, 4e-9)
        assert gap.ok and gap.fine is fine, off
    shares = exact + 1e-4  # values that are only small keep their digits
    assert not compare_leaf("output", (shares + 2e-8).float(), shares, shares.float(), 4e-12).fine
