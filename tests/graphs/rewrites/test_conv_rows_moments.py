"""Means and variances that convolution rows gather: of equal numbers, of far ones, of infinity and NaN."""

import copy
import math

import pytest
import torch
from torch import nn

from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.conv_rows import ConvolutionRows
from kernelevo.graphs.rewrites.conv_rows_text import snippet
from tests.graphs.firing import draw, fire
from tests.graphs.programs import load


def moments(x):
    return snippet().function("conv_rows_moments")(x)


def test_equal_numbers_are_their_own_mean():
    numbers = torch.tensor([0.1, 3.3, -1e6, 1e-20, 0.3, 7.7e12, 0.0])
    found = moments(numbers.view(1, -1, 1, 1).expand(3, 7, 37, 41))
    torch.testing.assert_close(found[0], numbers.double(), rtol=1e-14, atol=0)
    assert (found[1] <= 1e-25 * numbers.double().square()).all()


@pytest.mark.parametrize("norm", [nn.GroupNorm(32, 32), nn.InstanceNorm2d(32), nn.BatchNorm2d(32)], ids=str)
def test_blank_images_are_as_exact_as_torchs(norm, tmp_path):
    """1 / sqrt(eps) magnifies what a mean is off by."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(16, 32, 1), norm).train(isinstance(norm, nn.BatchNorm2d))
    module[0].bias.data.uniform_(-30, 30)
    places, captured = fire(ConvolutionRows(), module, draw(2, 16, 37, 41))
    program = load(print_program(captured), tmp_path, module)
    x = torch.zeros(2, 16, 37, 41)
    with torch.no_grad():
        exact = copy.deepcopy(module).double()(x.double())
        ours, theirs = ((made(x) - exact).abs().max() for made in (program, module))
    assert places == 1
    assert ours <= 1.5 * theirs


def test_one_far_value_leaves_the_rest_their_digits():
    x = draw(1, 16, 33, 30)
    x[0, :, 0, 0] = 1e6
    found, exact = moments(x), x.double()
    torch.testing.assert_close(found[1], exact.var((0, 2, 3), correction=0), rtol=3e-7, atol=0)
    assert (found[0] - exact.mean((0, 2, 3))).abs().max() < 1e-7 * exact.std()


def test_means_without_a_number():
    x = draw(1, 16, 20, 20)
    x[0, 0, 3, 3], x[0, 1, 0, 0], x[0, 2, 19, 19] = math.inf, -math.inf, math.nan
    found = moments(x)
    torch.testing.assert_close(found[0, :3].float(), x.mean((0, 2, 3))[:3], equal_nan=True)
    assert found[1, :3].isnan().all() and found[:, 3:].isfinite().all()
