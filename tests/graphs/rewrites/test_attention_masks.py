"""Masks that are inputs: attention is fused where none of them can leave a row without a weight."""

import math

import pytest
import torch
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from tests.graphs.firing import draw
from tests.graphs.programs import difference, load

LOWEST = torch.finfo(torch.float32).min


class Masked(nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.mask = mask

    def forward(self, x, given):
        return self.mask(x @ x.mT / math.sqrt(x.shape[-1]), given).softmax(-1) @ x


def ones_and_zeros(dtype, whole=False):
    """Return a mask of two samples, of which the first hides some keys, or all of them."""
    mask = torch.ones(2, 1, 1, 7, dtype=dtype)
    mask[0, ..., 0 if whole else 4 :] = 0
    return mask


def inverted(scores, given):
    """As transformers' encoders make it of a mask of whole numbers."""
    hidden = 1.0 - given.expand(2, 1, 7, 7).to(scores.dtype)
    return scores + hidden.masked_fill(hidden.to(torch.bool), LOWEST)


def written(scores, given):
    bias = (given == 0).float() * -1e9
    bias.masked_fill_(given == 0, -torch.inf)
    return scores + bias


FINITE = [
    (lambda s, m: s.masked_fill(m == 0, -1e9), torch.int64),
    (lambda s, m: torch.where(m, s, -1e9), torch.bool),
    (lambda s, m: s.masked_fill(~m, LOWEST), torch.bool),
    (lambda s, m: s + (1.0 - m.float()) * LOWEST, torch.bool),
    (lambda s, m: s + (1.0 - m) * -10000.0, torch.int64),
    (lambda s, m: (m == 0).to(s.dtype) * -1e9 + s, torch.int64),
    (lambda s, m: s + torch.where(m, 0.0, -1e9), torch.bool),
    (inverted, torch.int64),
]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("mask", "dtype"), FINITE)
def test_a_mask_that_stays_finite_is_an_addend_of_the_fused_kernel(mask, dtype, whole, tmp_path):
    module, given = Masked(mask), ones_and_zeros(dtype, whole)
    captured = capture(module, (draw(2, 3, 7, 8), given))
    (report,) = apply_reported(captured, ["fused-attention"])
    assert (report.places, report.refused) == (1, "")
    program = load(print_program(captured), tmp_path, module)
    assert difference(captured, program) == ""
    x = draw(2, 3, 7, 8, seed=1) * 20
    for other in (given, given.roll(2, -1), ones_and_zeros(dtype, not whole)):
        torch.testing.assert_close(program(x, other), module(x, other))


@pytest.mark.parametrize(
    ("mask", "dtype"),
    [
        (lambda s, m: s.masked_fill(m == 0, -torch.inf), torch.int64),
        (lambda s, m: s + torch.where(m, 0.0, -torch.inf), torch.bool),
        (lambda s, m: s + (1.0 - m) * LOWEST, torch.int64),  # three times the lowest is infinite
        (lambda s, m: s + (1.0 - m) * -1e9, torch.float32),
        (lambda s, m: s + m, torch.float32),
        (lambda s, m: s + (m.float() * LOWEST - 1e38), torch.bool),
        (written, torch.int64),
    ],
)
def test_a_mask_that_may_be_infinite_is_left(mask, dtype):
    captured = capture(Masked(mask), (draw(2, 3, 7, 8), ones_and_zeros(dtype)))
    (report,) = apply_reported(captured, ["fused-attention"])
    assert (report.places, report.refused) == (0, "")
