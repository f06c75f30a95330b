"""Stitching: a model with some submodules replaced."""

import copy

import pytest
import torch
from torch import nn

from kernelevo.kernels.stitching import agree, gain, names_of, stitched
from tests.kernels.test_hotspots import Block, Tower


@pytest.fixture
def tower() -> Tower:
    torch.manual_seed(0)
    return Tower().eval()


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
