"""Hotspots: which submodules stand for a model's time, and the model with some replaced."""

import copy

import pytest
import torch
from torch import nn

from kernelevo.errors import InputError
from kernelevo.kernels.hotspots import agree, find_hotspots, gain, names_of, stitched


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
    x = torch.randn(512, 256)
    first, second = find_hotspots(tower, (x,), 2)
    assert first.kind == "Block" and first.paths == [f"blocks.{i}" for i in range(4)]
    assert second.paths == ["odd"]  # another slope: no program of the others is right for it
    assert 0.4 < first.share < 1 and first.share > second.share > 0.05
    assert len(first.inputs) == 1 and torch.equal(first.inputs[0][0], x)
    (only,) = find_hotspots(tower, (x,), 1)
    assert only.paths == first.paths


def test_arguments_by_name_are_put_in_their_places_or_the_submodule_is_looked_into():
    x = torch.randn(512, 256)
    (spot,) = find_hotspots(Keywords(Block(256)), (x,), 3)
    assert spot.paths == ["block"] and all(torch.equal(given, x) for given in spot.inputs[0])
    (spot,) = find_hotspots(Keywords(ByNameOnly(256)), (x,), 3)
    assert spot.paths == ["block.linear"]


def test_a_model_without_submodules_is_an_error_that_says_so():
    with pytest.raises(InputError, match="no submodule"):
        find_hotspots(nn.ReLU(), (torch.randn(4),), 3)


def test_stitching_leaves_the_model_alone_and_agreement_sees_small_errors(tower):
    x = torch.randn(64, 256)
    same = stitched(tower, {"blocks.1": copy.deepcopy})
    assert agree(tower, same, (x,)).ok and same.blocks[1] is not tower.blocks[1]
    off = copy.deepcopy(tower.blocks[1])
    with torch.no_grad():
        off.linear.bias += 1e-2
    wrong = agree(tower, stitched(tower, {"blocks.1": lambda _: off}), (x,))
    assert not wrong.ok and wrong.max_abs > 1e-5
    assert agree(tower, tower, (x,)).ok


class Shared(nn.Module):
    """One block in five places, for its container has two names; a head that is tied to it."""

    def __init__(self) -> None:
        super().__init__()
        block = Block(16)
        self.pair = nn.Sequential(block, block)
        self.blocks = nn.ModuleList([self.pair, block])
        self.head = nn.Linear(16, 16, bias=False)
        self.head.weight = block.linear.weight

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(self.pair(x))


def test_a_replacement_stands_wherever_the_submodule_stood_and_shares_its_weights():
    model = Shared().eval()
    whole = stitched(model, {"pair.0": nn.Sequential, "head": nn.Sequential})
    places = names_of(model, ["pair.0"])
    assert places == ("pair.0", "pair.1", "blocks.0.0", "blocks.0.1", "blocks.1")
    assert names_of(whole, ["pair.0"]) == places and isinstance(whole.blocks[1], nn.Sequential)
    assert names_of(model, ["head"]) == ("head",) and names_of(model, []) == ()
    assert all(isinstance(model.get_submodule(place), Block) for place in places)
    assert len(list(whole.parameters())) == len(list(model.parameters())) == 2
    assert whole.head[0].weight is whole.blocks[1][0].linear.weight is not model.head.weight
    x = torch.randn(4, 16)
    with torch.no_grad():
        model.head.weight.mul_(0.5)
        whole.head[0].weight.mul_(0.5)
        torch.testing.assert_close(whole(x), model(x))


@pytest.mark.slow
def test_the_gain_of_a_model_that_does_half_the_work_is_about_two(tower):
    x = torch.randn(4096, 256)
    less = stitched(tower, dict.fromkeys(("blocks.0", "blocks.1", "odd"), nn.Identity))
    assert 1.4 < gain(tower, less, [(x,)]).ratio < 4
