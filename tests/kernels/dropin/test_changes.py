"""A drop-in whose program packs its weights follows every later change of its parameters."""

import copy
import warnings

import pytest
import torch
from torch import nn

import kernelevo
from kernelevo.core import Program
from kernelevo.kernels.dropin.optimized import FallbackWarning, Optimized
from kernelevo.kernels.dropin.signature import Signature

SOURCE = """
import kernelevo
import torch
from torch import nn

packings = []


def pack(weight):
    packings.append(1)
    return weight.detach().t().contiguous()


class ModelNew(nn.Module):
    calls = 0

    def __init__(self, *init_args, **init_kwargs):
        super().__init__()
        self.linear = nn.Linear(12, 5)

    def forward(self, x):
        type(self).calls += 1
        return torch.relu(x @ kernelevo.packed(pack, self.linear.weight) + self.linear.bias)
"""


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(12, 5)

    def forward(self, x):
        return torch.relu(self.linear(x))


@pytest.fixture
def fast(tmp_path):
    torch.manual_seed(0)
    net = Net()
    return Optimized(net, Program.single(SOURCE), [Signature.of(net, (torch.rand(4, 12),))], folder=tmp_path)


def agrees(fast):
    """The program itself runs, on the weights of now."""
    x = torch.rand(4, 12)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.testing.assert_close(fast(x), copy.deepcopy(fast.original)(x), rtol=1e-6, atol=1e-6)


def in_place(fast):
    with torch.no_grad():
        fast.linear.weight.mul_(-3.0)


def loaded(fast):
    fast.load_state_dict({name: value + 1.5 for name, value in fast.state_dict().items()})


def loaded_by_assignment(fast):
    state = {name: nn.Parameter(value + 1.5) for name, value in fast.state_dict().items()}
    fast.load_state_dict(state, assign=True)


def replaced(fast):
    fast.linear.weight = nn.Parameter(torch.rand(5, 12))


def through_the_original(fast):
    with torch.no_grad():
        fast.original.linear.weight.add_(1.0)


def stepped(make):
    def step(fast):
        optimiser = make(fast.parameters())
        with pytest.warns(FallbackWarning, match="gradient"):
            fast(torch.rand(4, 12) + 1).sum().backward()
        optimiser.step()

    return step


def data_and_refresh(fast):
    fast.linear.weight.data.view(-1)[17] = 9.0
    kernelevo.refresh()


CHANGES = {
    "in place": in_place,
    "load_state_dict": loaded,
    "load_state_dict by assignment": loaded_by_assignment,
    "another parameter": replaced,
    "through the original": through_the_original,
    "SGD": stepped(lambda p: torch.optim.SGD(p, lr=0.5)),
    "fused SGD": stepped(lambda p: torch.optim.SGD(p, lr=0.5, fused=True)),
    "fused Adam": stepped(lambda p: torch.optim.Adam(p, lr=0.5, fused=True)),
    ".data and refresh": data_and_refresh,
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_program_follows(fast, name):
    for _ in range(3):
        agrees(fast)
    program = fast._program
    before = fast.linear.weight.detach().clone()
    CHANGES[name](fast)
    assert not torch.equal(before, fast.linear.weight)  # the change is one
    agrees(fast)
    anew = name in ("load_state_dict by assignment", "another parameter")
    assert (fast._program is not program) is anew  # never left, and for other parameters made anew
    assert (type(program).calls, type(fast._program).calls) == ((3, 1) if anew else (4, 4))


def test_a_program_that_counts_writes_alone_follows_new_parameters_too(tmp_path):
    """A new one may have been written to as often as the old one."""
    torch.manual_seed(0)
    net = Net()
    counts = SOURCE.replace("        type(self).calls += 1\n", "").replace(
        "kernelevo.packed(pack, self.linear.weight)", "self.packed()"
    )
    counts += """
    def packed(self):
        if getattr(self, "count", None) != self.linear.weight._version:
            self.count, self.kept = self.linear.weight._version, pack(self.linear.weight)
        return self.kept
"""
    fast = Optimized(net, Program.single(counts), [Signature.of(net, (torch.rand(4, 12),))], folder=tmp_path)
    for change in (replaced, loaded_by_assignment, replaced):
        change(fast)
        assert fast.linear.weight._version == 0
        agrees(fast)


def test_packing_is_done_once_for_a_weight_that_stays(fast):
    for _ in range(5):
        agrees(fast)
    packings = type(fast._program).forward.__globals__["packings"]
    assert len(packings) == 1
    in_place(fast)
    agrees(fast)
    assert len(packings) == 2


def test_a_copy_packs_its_own_weights(fast):
    agrees(fast)
    twin = copy.deepcopy(fast)
    in_place(twin)
    agrees(twin)
    agrees(fast)
