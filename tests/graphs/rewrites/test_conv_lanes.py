"""Chains of small convolutions in C++: on several shapes, against fp64; and where they must not match."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from tests.graphs.programs import difference, load


class Odd(nn.Module):
    """Odd sizes, strides and margins, a relu behind a pool, no bias; one value read twice."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 7, (3, 2), padding=(1, 2))
        self.b = nn.Conv2d(7, 13, 3, stride=2, padding=1, bias=False)
        self.c = nn.Conv2d(13, 2, 1)
        self.d = nn.Conv2d(2, 5, 2, stride=(1, 2))

    def forward(self, x):
        x = F.max_pool2d(self.a(x), 2)
        x = F.relu(F.avg_pool2d(F.relu(self.b(x)), 2))
        x = F.relu(F.avg_pool2d(self.c(x), 2))
        return self.d(F.pad(x, (1, 1, 1, 1))), x


class Glyphs(nn.Sequential):
    """A plain chain without pooling at its end."""

    def __init__(self, *tail):
        super().__init__(
            nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.AvgPool2d(2), nn.Conv2d(4, 19, 3), *tail
        )


class Changed(nn.Module):
    """Something is written to between a convolution and its activation."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 4, 3)

    def forward(self, x):
        x = x + 1
        y = self.a(x)
        x.mul_(2)
        return torch.relu(y) + x.mean()


MATCH = {
    "odd": (Odd(), (70, 3, 21, 18), 3),
    "glyphs": (Glyphs(), (65, 1, 12, 9), 1),
    "whole blocks in a chain": (nn.Sequential(nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 2)), (80, 3, 6, 7), 1),
    "glyphs activated": (Glyphs(nn.ReLU()), (64, 1, 8, 8), 1),
}
STAY = {
    "few images": (Glyphs(), (8, 1, 12, 12)),
    "large images": (Glyphs(), (64, 1, 220, 220)),
    "dilated": (nn.Sequential(nn.Conv2d(1, 4, 3, dilation=2)), (64, 1, 12, 12)),
    "groups": (nn.Sequential(nn.Conv2d(4, 4, 3, groups=2)), (64, 4, 12, 12)),
    "many taps": (nn.Sequential(nn.Conv2d(128, 8, 3)), (64, 128, 6, 6)),
    "whole blocks": (nn.Sequential(nn.Conv2d(16, 32, 3), nn.ReLU()), (64, 16, 8, 8)),
    "disturbed": (Changed(), (64, 1, 8, 8)),
}


@pytest.mark.parametrize("name", MATCH)
def test_values_are_kept(name, tmp_path):
    module, size, places = MATCH[name]
    x = torch.randn(size)
    captured = capture(module, (x,))
    (applied,) = apply_reported(captured, ["small-convolutions"])
    assert applied.places == places, applied.refused
    made = load(print_program(captured), tmp_path, module)
    assert difference(captured, made) == ""
    exact = copy.deepcopy(module).double()(x.double())
    found = made(x)
    for mine, true in zip(*((v if isinstance(v, tuple) else (v,)) for v in (found, exact)), strict=True):
        torch.testing.assert_close(mine.double(), true, atol=1e-5, rtol=1e-5)


def test_not_a_number_stays_one():
    module, x = Glyphs(nn.ReLU(), nn.MaxPool2d(2)), torch.randn(66, 1, 14, 14)
    x[3, 0, 5, 5], x[64, 0, 0, 0] = float("nan"), float("inf")
    captured = capture(module, (x,))
    (applied,) = apply_reported(captured, ["small-convolutions"])
    assert applied.places == 1, applied.refused
    assert torch.equal(captured.gm(x).isnan(), module(x).isnan())


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n == "large images" else []) for n in STAY]
)
def test_others_stay(name):
    module, size = STAY[name]
    captured = capture(module, (torch.randn(size),))
    assert [a.places for a in apply_reported(captured, ["small-convolutions"])] == [0]
