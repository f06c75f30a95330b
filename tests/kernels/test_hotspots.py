"""Hotspots: which submodules stand for a model's time, and the model with some replaced."""

import copy

import pytest
import torch
from torch import nn

from kernelevo.errors import InputError
from kernelevo.kernels.hotspots import agree, find_hotspots, gain, stitched


class Block(nn.Module):
    """A product and a gate, called with one or two arguments."""

    def __init__(self, width: int, slope: float = 0.1) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.slope = slope

    def forward(self, x, add=None):
        y = torch.nn.functional.leaky_relu(self.linear(x), self.slope)
        return y if add is None else y + add


class Tower(nn.Module):
    """Four alike blocks in a Sequential, one with another slope, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(256) for _ in range(4)))
        self.odd = Block(256, 0.3)
        self.head = nn.Linear(256, 4)

    def forward(self, x):
        return self.head(self.odd(self.blocks(x)))


class Keywords(nn.Module):
    """Calls its block with a keyword, so that what is inside the block is taken instead."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block(256)

    def forward(self, x):
        return self.block(x, add=x)


@pytest.fixture
def tower() -> Tower:
    torch.manual_seed(0)
    return Tower().eval()


def test_repeated_submodules_stand_for_the_container_and_for_what_is_inside(tower):
    x = torch.randn(512, 256)
    first, second = find_hotspots(tower, (x,), 2)
    assert first.kind == "Block" and first.paths == [f"blocks.{i}" for i in range(4)]
    assert second.paths == ["odd"]  # another slope: no program of the others is right for it
    assert 0.4 < first.share < 1 and first.share > second.share > 0.05
    assert len(first.inputs) == 1 and torch.equal(first.inputs[0][0], x)
    (only,) = find_hotspots(tower, (x,), 1)
    assert only.paths == first.paths


def test_a_call_with_keywords_is_looked_into():
    (spot,) = find_hotspots(Keywords(), (torch.randn(512, 256),), 3)
    assert spot.paths == ["block.linear"]


def test_a_model_without_submodules_is_an_error_that_says_so():
    with pytest.raises(InputError, match="no submodule"):
        find_hotspots(nn.ReLU(), (torch.randn(4),), 3)


def test_stitching_leaves_the_model_alone_and_agreement_sees_small_errors(tower):
    x = torch.randn(64, 256)
    same = stitched(tower, {"blocks.1": copy.deepcopy(tower.blocks[1])})
    assert agree(tower, same, (x,)).ok and same.blocks[1] is not tower.blocks[1]
    off = copy.deepcopy(tower.blocks[1])
    with torch.no_grad():
        off.linear.bias += 1e-2
    wrong = agree(tower, stitched(tower, {"blocks.1": off}), (x,))
    assert not wrong.ok and wrong.max_abs > 1e-5
    assert agree(tower, tower, (x,)).ok


@pytest.mark.slow
def test_the_gain_of_a_model_that_does_half_the_work_is_about_two(tower):
    x = torch.randn(4096, 256)
    less = stitched(tower, {f"blocks.{i}": nn.Identity() for i in (0, 1)} | {"odd": nn.Identity()})
    assert 1.4 < gain(tower, less, [(x,)]).ratio < 4
