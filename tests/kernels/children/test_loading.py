"""Parameters reach a subject in three ways; where they lay is noted, and whoever reads there on is seen."""

import pytest
import torch
from torch import nn

from kernelevo.kernels.children.loading import take


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.norm = nn.Linear(3, 2), nn.BatchNorm1d(2)
        self.register_buffer("cache", torch.zeros(2), persistent=False)


NAMES = [
    {"name": "linear.weight", "kind": "parameter"},
    {"name": "linear.bias", "kind": "parameter"},
    {"name": "norm.running_mean", "kind": "buffer"},
    {"name": "cache", "kind": "unsaved buffer"},
    {"name": "table", "kind": "plain"},
]


def views():
    return [
        torch.full((2, 3), 7.0),
        torch.full((2,), 8.0),
        torch.full((2,), 9.0),
        torch.ones(2),
        torch.ones(1),
    ]


def held(net):
    return {**dict(net.named_parameters()), **dict(net.named_buffers())}


@pytest.mark.parametrize("way", ["in place", "moved"])
def test_values_are_written_and_others_stay(way):
    net = Net()
    before = {n: (v.data_ptr(), v._version) for n, v in held(net).items()}
    objects = held(net)
    lay = net.linear.weight.data
    left = take(net, NAMES, views(), way)
    now = held(net)
    assert all(objects[n] is v for n, v in now.items())  # the same parameters, wherever they lie
    for spec, value in zip(NAMES[:4], views(), strict=False):
        assert torch.equal(now[spec["name"]], value)
    same = {n: (v.data_ptr(), v._version) == before[n] for n, v in now.items()}
    assert same["norm.running_var"] and same["norm.weight"]
    weight = now["linear.weight"]
    if way == "moved":
        assert (
            weight.data_ptr() != before["linear.weight"][0] and weight._version == before["linear.weight"][1]
        )
        assert len(left) == 2 and lay.isnan().all() and left[0].data_ptr() == lay.data_ptr()
        assert now["norm.running_mean"].data_ptr() == before["norm.running_mean"][0]  # a buffer stays
    else:
        assert (
            weight.data_ptr() == before["linear.weight"][0] and weight._version > before["linear.weight"][1]
        )
        assert not left


def test_some_alone_and_by_state_dict():
    net = Net()
    bias = net.linear.bias.detach().clone()
    assert len(take(net, NAMES, views(), "moved", {"linear.weight"})) == 1
    assert torch.equal(net.linear.bias, bias) and bool((net.linear.weight == 7).all())
    pairs = [(n, v) for n, v in zip(NAMES, views(), strict=True) if n["kind"] != "unsaved buffer"]
    names = [n for n, _ in pairs] + [
        {"name": n, "kind": "buffer"} for n in ("norm.weight", "norm.bias", "norm.running_var")
    ]
    given = [v for _, v in pairs] + [torch.full((2,), 3.0)] * 3
    names.append({"name": "norm.num_batches_tracked", "kind": "buffer"})
    assert take(net, names, [*given, torch.tensor(5)], "load") == []
    assert bool((net.norm.running_var == 3).all()) and bool((net.linear.bias == 8).all())
