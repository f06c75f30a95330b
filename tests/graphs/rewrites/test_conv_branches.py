"""Concatenated convolutions of a squeezed image in C++: against fp64; and where they must not match."""

import copy

import pytest
import torch
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from tests.graphs.programs import difference, load


class Module(nn.Module):
    """A squeeze and branches; the options are what a match may and may not differ in."""

    def __init__(self, sizes, outs, squeezed=5, bias=True, padded=True, dim=1, **options):
        super().__init__()
        self.first = nn.Conv2d(7, squeezed, 1, bias=bias)
        self.rest = nn.ModuleList(
            nn.Conv2d(squeezed, out, size, padding=size // 2 if padded else 0, bias=bias)
            for size, out in zip(sizes, outs, strict=True)
        )
        self.dim, self.options = dim, options

    def forward(self, x):
        x = self.first(x)
        if not self.options.get("linear"):
            x = x.relu_()
        parts = [layer(x) for layer in self.rest]
        if self.options.get("first_only"):
            parts[0] = torch.relu(parts[0])
        joined = torch.cat(parts, self.dim)
        if self.options.get("relu_last"):
            joined = torch.relu(joined)
        return joined + x.mean() if self.options.get("read_twice") else joined


MATCH = {
    "two": (Module((1, 3), (9, 10), first_only=True), (3, 7, 37, 41)),
    "whole vectors": (Module((3, 1), (16, 8), squeezed=8, relu_last=True), (4, 7, 40, 64)),
    "three": (Module((1, 5, 3), (1, 8, 17), bias=False, linear=True), (12, 7, 13, 27)),
}
STAY = {
    "read twice": (Module((1, 3), (4, 4), read_twice=True), (3, 7, 37, 41)),
    "other dimension": (Module((3, 3), (4, 4), dim=2), (3, 7, 37, 41)),
    "unpadded": (Module((3, 3), (4, 4), padded=False), (3, 7, 40, 41)),
    "few places": (Module((1, 3), (4, 4)), (1, 7, 14, 14)),
    "narrow": (Module((1, 3), (4, 4)), (30, 7, 20, 20)),
    "many channels": (Module((1, 3), (4, 4), squeezed=96), (2, 7, 50, 50)),
}


@pytest.mark.parametrize("name", MATCH)
def test_values_are_kept(name, tmp_path):
    module, size = MATCH[name]
    x = torch.randn(size)
    captured = capture(module, (x,))
    (applied,) = apply_reported(captured, ["convolution-branches"])
    assert applied.places == 1, applied.refused
    made = load(print_program(captured), tmp_path, module)
    assert difference(captured, made) == ""
    exact = copy.deepcopy(module).double()(x.double())
    torch.testing.assert_close(made(x).double(), exact, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", STAY)
def test_others_stay(name):
    module, size = STAY[name]
    captured = capture(module, (torch.randn(size),))
    assert [a.places for a in apply_reported(captured, ["convolution-branches"])] == [0]
