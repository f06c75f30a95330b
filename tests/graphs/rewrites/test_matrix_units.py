"""Matrix units: as exact as fp32, whatever the sizes and values; PyTorch's own where they cannot be."""

import math

import pytest
import torch
from torch import nn

from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites import matrix_units
from kernelevo.graphs.rewrites.matrix_units import FEWEST, MatrixUnits
from tests.graphs.firing import called, draw, fire
from tests.graphs.programs import load
from tests.graphs.rewrites.test_packed import ACTIVATIONS

needs_units = pytest.mark.skipif(not matrix_units.available(), reason="this processor has no matrix units")


def linear(*given):
    return matrix_units.snippet().function("matrix_units_linear")(*given)


def errors(x, weight, bias, found):
    """Largest errors of a result and of PyTorch's, against fp64."""
    exact = nn.functional.linear(x.double(), weight.double(), bias.double())
    own = nn.functional.linear(x, weight, bias)
    return [float((one.double() - exact).abs().max()) for one in (found, own)]


@needs_units
@pytest.mark.parametrize(
    ("rows", "columns", "inner"),
    [(1, 1, 1), (3, 7, 5), (33, 65, 70), (64, 32, 32), (130, 31, 1100), (257, 300, 2050), (700, 48, 33)],
)
def test_sums_are_as_exact_as_those_of_fp32(rows, columns, inner):
    generator = torch.Generator().manual_seed(rows)
    x = torch.randn(rows, inner, generator=generator)
    weight = torch.randn(columns, inner, generator=generator)
    bias = torch.randn(columns, generator=generator)
    ours, own = errors(x, weight, bias, linear(x, weight, bias))
    assert ours <= 2.5 * own + 1e-7


@needs_units
def test_nothing_need_lie_side_by_side():
    x, weight, bias = draw(5, 40, 20).mT, draw(40, 70).t(), draw(70, 2)[:, 0]
    found = linear(x, weight, bias)
    torch.testing.assert_close(found, nn.functional.linear(x, weight, bias), atol=1e-5, rtol=1e-5)
    assert found.is_contiguous() and found.shape == (5, 20, 70)


@needs_units
@pytest.mark.parametrize("scale", [1e-25, 1e-4, 1e4, 1e25])
def test_values_of_any_size_keep_their_last_bits(scale):
    """A product of three parts has 24 bits of either number, whatever their exponents."""
    generator = torch.Generator().manual_seed(1)
    x = scale * torch.exp(4 * torch.randn(64, 256, generator=generator))
    weight = torch.randn(64, 256, generator=generator) / scale
    ours, own = errors(x, weight, torch.zeros(64), linear(x, weight, None))
    assert ours <= 2.5 * own


@needs_units
@pytest.mark.parametrize("far", [math.nan, math.inf, -math.inf, 3.4e38])
@pytest.mark.parametrize("where", ["input", "weight"])
def test_what_is_not_finite_is_what_pytorch_makes_of_it(far, where):
    x, weight = torch.ones(64, 64), torch.ones(64, 64)
    {"input": x, "weight": weight}[where][5, 7] = far
    torch.testing.assert_close(
        linear(x, weight), nn.functional.linear(x, weight), equal_nan=True, rtol=1e-6, atol=0.0
    )


@needs_units
def test_sums_that_overflow_are_infinite_and_not_nan():
    x, weight = torch.full((64, 64), 1.0000001e30), torch.full((64, 64), 1.0000001e30)
    assert linear(x, weight).isposinf().all()


@needs_units
@pytest.mark.parametrize("act", ACTIVATIONS, ids=str)
def test_programs_compute_what_the_module_does(act, tmp_path):
    module = nn.Sequential(nn.Linear(48, 80), act, nn.Linear(80, 40, bias=False)).eval()
    x = draw(4, FEWEST, 48)
    places, captured = fire(MatrixUnits(), module, x)
    assert places == 2 and called(captured) == ["matrix_units_linear", "matrix_units_linear"]
    program = load(print_program(captured), tmp_path, module)
    with torch.no_grad():
        torch.testing.assert_close(program(x), module(x), atol=1e-5, rtol=1e-5)
        module[0].weight.mul_(1.5)  # the parts follow the parameter
        program.load_state_dict(module.state_dict())
        torch.testing.assert_close(program(x), module(x), atol=1e-5, rtol=1e-5)


class Product(nn.Module):
    def __init__(self, added):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(64, 40)), nn.Parameter(torch.randn(40))
        self.added = added

    def forward(self, x):
        return torch.addmm(self.bias, x, self.weight) if self.added else torch.relu(x @ self.weight)


@needs_units
@pytest.mark.parametrize("added", [True, False])
def test_products_with_a_constant_matrix_are_taken_too(added, tmp_path):
    module, x = Product(added), draw(FEWEST, 64)
    places, captured = fire(MatrixUnits(), module, x)
    assert places == 1 and called(captured) == ["matrix_units_matmul"]
    program = load(print_program(captured), tmp_path, module)
    with torch.no_grad():
        torch.testing.assert_close(program(x), module(x), atol=1e-5, rtol=1e-5)


@needs_units
@pytest.mark.parametrize(
    ("module", "x"),
    [
        (nn.Linear(64, 64), (FEWEST - 1, 64)),
        (nn.Linear(64, 16), (256, 64)),
        (nn.Linear(16, 64), (256, 16)),
        (nn.Linear(64, 64).double(), (256, 64)),
        (nn.Linear(4096, 1400), (FEWEST, 4096)),
    ],
    ids=["few rows", "few columns", "short sums", "fp64", "a weight beyond the caches"],
)
def test_what_they_are_no_gain_for_is_left(module, x):
    given = draw(*x).to(module.weight.dtype)
    assert fire(MatrixUnits(), module, given)[0] == 0


def test_without_units_a_program_is_pytorchs(monkeypatch):
    function = matrix_units.snippet().function("matrix_units_linear")
    library = type("Library", (), {"matrix_units_here": staticmethod(lambda: 0)})
    monkeypatch.setitem(function.__globals__, "_matrix_units", library)
    x, weight, bias = draw(64, 32), draw(48, 32), draw(48)
    assert torch.equal(function(x, weight, bias, "relu"), torch.relu(nn.functional.linear(x, weight, bias)))


def test_nothing_is_rewritten_on_a_machine_without_units(monkeypatch):
    monkeypatch.setattr(matrix_units, "available", lambda: False)
    assert fire(MatrixUnits(), nn.Linear(64, 64), draw(256, 64))[0] == 0
