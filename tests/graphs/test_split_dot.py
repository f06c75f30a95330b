"""Ways to split products, emulated and judged by the judge's own rule: which ones are fp32-accurate."""

from __future__ import annotations

import pytest
import torch

from kernelevo.graphs.rewrites.split_convolution import SNIPPET as CONVOLUTION
from kernelevo.graphs.rewrites.split_linear import SNIPPET as LINEAR
from kernelevo.graphs.rewrites.split_product import SNIPPET as PRODUCT
from kernelevo.graphs.split_dot import WAYS
from kernelevo.kernels.reference.correctness import compare_floats
from tests.graphs.splitting import EMULATED, emulated

SHAPES = [(33, 64, 40), (40, 500, 24), (16, 4096, 16)]


def wide(generator: torch.Generator, *size: int) -> torch.Tensor:
    """Magnitudes over six decades."""
    exponent = torch.rand(size, generator=generator) * 6 - 3
    return torch.randn(size, generator=generator) * 10**exponent


DRAWS = {
    "normal": lambda generator, *size: torch.randn(size, generator=generator),
    "positive": lambda generator, *size: torch.rand(size, generator=generator),
    "wide": wide,
    "fine": lambda generator, *size: 1 + torch.randn(size, generator=generator) * 2**-14,
}


def operands(shape: tuple[int, int, int], draw: str = "normal") -> tuple[torch.Tensor, torch.Tensor]:
    rows, inner, columns = shape
    generator = torch.Generator().manual_seed(rows * inner)
    return DRAWS[draw](generator, rows, inner), DRAWS[draw](generator, inner, columns)


def fine(a: torch.Tensor, b: torch.Tensor, way: str) -> bool:
    """Tell whether the judge would call a way's result fp32-accurate."""
    exact, own = a.double() @ b.double(), a @ b
    e_ref = float((own - exact).abs().max())
    return compare_floats("y", emulated(a, b, way), exact, own, e_ref).fine


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", WAYS)
def test_the_ways_offered_are_fp32_accurate(way, shape, draw):
    assert fine(*operands(shape, draw), way)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", sorted(EMULATED.keys() - set(WAYS)))
def test_fewer_products_are_not_and_are_not_offered(way, shape):
    assert not fine(*operands(shape), way)


def test_the_tables_offer_these_ways_alone():
    for snippet in (LINEAR, PRODUCT, CONVOLUTION):
        (entry,) = (name for name in snippet.tune if name.endswith("_WAY"))
        assert snippet.tune[entry] == WAYS


@pytest.mark.parametrize(("large", "small"), [(1e30, 1e-30), (1e-30, 1e30), (1e18, 1e18), (1e-15, 1e-15)])
@pytest.mark.parametrize("way", WAYS)
def test_large_and_tiny_magnitudes_keep_their_accuracy(way, large, small):
    a, b = operands((24, 256, 24))
    a, b = a * large, b * small
    exact = a.double() @ b.double()
    error, own = (float((y - exact).abs().max()) for y in (emulated(a, b, way), a @ b))
    assert error <= 4 * own


@pytest.mark.parametrize("way", WAYS)
def test_operands_at_the_bottom_of_the_range_lose_their_small_parts(way):
    """A limit: from about 1e-33 on parts fall below the smallest number; the large part still counts."""
    a, b = operands((24, 64, 24))
    a, b = a * 1e-37, b * 1e37
    exact = a.double() @ b.double()
    error, own = (float((y - exact).abs().max()) for y in (emulated(a, b, way), a @ b))
    assert error <= 2.0**-8 * float((a.abs().double() @ b.abs().double()).max())
    if way == "bf16x6":
        assert error > 4 * own


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize("way", WAYS)
def test_values_that_are_no_numbers_stay_where_they_are(way, value):
    a, b = operands((24, 96, 24))
    a[5, 40] = value
    b[70, 3] = value
    b[40, 7] = 0.0
    want, got = a @ b, emulated(a, b, way)
    assert torch.equal(got.isnan(), want.isnan())
    assert torch.equal(got.isposinf(), want.isposinf()) and torch.equal(got.isneginf(), want.isneginf())


@pytest.mark.parametrize("way", WAYS)
def test_sums_overflow_where_fp32_does(way):
    a, b = operands((24, 96, 24))
    a, b = a.abs() * 1e20, b.abs() * 1e20
    assert emulated(a, b, way).isposinf().all() and (a @ b).isposinf().all()
