"""Hotspots: which submodules stand for a model's time."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from kernelevo.errors import InputError
from kernelevo.kernels import hotspots
from kernelevo.kernels.hotspots import find_hotspots


class Clock:
    """Seconds that pass only while a layer computes, one for each of its outputs' features."""

    now = 0.0


class Linear(nn.Linear):
    """A product that takes as long as it is wide, however busy the machine is."""

    def forward(self, x):
        Clock.now += self.out_features
        return super().forward(x)


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    monkeypatch.setattr(hotspots, "time", SimpleNamespace(perf_counter=lambda: Clock.now))


class Block(nn.Module):
    """A product and a gate, called with one or two arguments."""

    def __init__(self, width: int, slope: float = 0.1) -> None:
        super().__init__()
        self.linear = Linear(width, width)
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
        self.head = Linear(256, 4)

    def forward(self, x):
        return self.head(self.odd(self.blocks(x)))


class Keywords(nn.Module):
    """Calls its block with a keyword."""

    def __init__(self, block) -> None:
        super().__init__()
        self.block = block

    def forward(self, x):
        return self.block(x, add=x)


class ByNameOnly(Block):
    """Takes its second argument by name only."""

    def forward(self, x, *, add):
        return super().forward(x, add)


@pytest.fixture
def tower() -> Tower:
    torch.manual_seed(0)
    return Tower().eval()


def test_repeated_submodules_stand_for_the_container_and_for_what_is_inside(tower):
    x = torch.randn(8, 256)
    first, second = find_hotspots(tower, (x,), 2)
    assert first.kind == "Block" and first.paths == [f"blocks.{i}" for i in range(4)]
    assert second.paths == ["odd"]  # another slope: no program of the others is right for it
    assert (first.seconds, second.seconds) == (1024, 256)
    assert first.share == pytest.approx(1024 / 1284) and second.share == pytest.approx(256 / 1284)
    assert len(first.inputs) == 1 and torch.equal(first.inputs[0][0], x)
    (only,) = find_hotspots(tower, (x,), 1)
    assert only.paths == first.paths


def test_layers_that_a_model_counts_are_alike_and_other_numbers_tell_them_apart(tower):
    x = torch.randn(8, 256)
    for index, block in enumerate(tower.blocks):
        block.index, block.linear.index = index, index + 7
    (spot,) = find_hotspots(tower, (x,), 1)
    assert spot.paths == [f"blocks.{i}" for i in range(4)]
    for block, stride in zip(tower.blocks, (1, 2, 2, 1), strict=True):
        block.stride = stride
    spots = find_hotspots(tower, (x,), 2)
    assert {tuple(spot.paths) for spot in spots} == {("blocks.0", "blocks.3"), ("blocks.1", "blocks.2")}


def test_arguments_by_name_are_put_in_their_places_or_the_submodule_is_looked_into():
    x = torch.randn(8, 256)
    (spot,) = find_hotspots(Keywords(Block(256)), (x,), 3)
    assert spot.paths == ["block"] and all(torch.equal(given, x) for given in spot.inputs[0])
    (spot,) = find_hotspots(Keywords(ByNameOnly(256)), (x,), 3)
    assert spot.paths == ["block.linear"]


def test_a_model_without_submodules_is_an_error_that_says_so():
    with pytest.raises(InputError, match="no submodule"):
        find_hotspots(nn.ReLU(), (torch.randn(4),), 3)
