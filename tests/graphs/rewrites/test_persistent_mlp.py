"""A chain of linear layers in one launch: compiled without a device, values by the emulation."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.backends.nvrtc import compile_cubin
from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites import persistent_mlp
from tests.cuda_on_host.host import Device, HostCuda, worst
from tests.graphs.programs import difference, load

SNIPPET = persistent_mlp.snippet()
POSTS = ("relu", "tanh", "sigmoid", "swish", "gelu", "gelu_tanh", "none")
FUNCTIONS = {
    "relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "swish": F.silu, "gelu": F.gelu,
    "gelu_tanh": lambda y: F.gelu(y, approximate="tanh"), "none": lambda y: y,
}  # fmt: skip
V0 = {
    "mlp": (1000, 400, 800, 500),
    "wide": (1000, 2000, 2000, 10),
    "deep": (1000, *[50] * 8, 10),
}
SMALL = {"PERSISTENT_MLP_THREADS": 64, "PERSISTENT_MLP_LOADS": 2, "PERSISTENT_MLP_SOLO": 0}


def layers(sizes, seed=0):
    """Weights and biases, every third layer without one."""
    torch.manual_seed(seed)
    parameters = []
    for index, (before, after) in enumerate(itertools.pairwise(sizes)):
        parameters.append(nn.Parameter(torch.randn(after, before) * (2 / before) ** 0.5))
        parameters.append(nn.Parameter(torch.randn(after)) if index % 3 != 2 else None)
    return parameters


def exact(x, parameters, posts):
    y = x.double()
    for weight, bias, post in zip(parameters[::2], parameters[1::2], posts, strict=True):
        y = FUNCTIONS[post](F.linear(y, weight.double(), None if bias is None else bias.double()))
    return y


@pytest.mark.parametrize(
    ("sizes", "rows", "solo", "launched"),
    [
        ((33, 70, 41, 7), 1, 0, 4),
        ((300, 50, 51, 49, 3), 3, 3000, 4),  # the first layer by all blocks, the rest by one
        ((9, 13, 1, 10), 16, 8192, 1),  # one block does it all
        ((1, 130, 2), 2, 0, 4),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
@torch.no_grad()
def test_values_at_odd_sizes(sizes, rows, solo, launched, backwards):
    device = Device(SNIPPET, "persistent_mlp", SMALL | {"PERSISTENT_MLP_SOLO": solo}, backwards=backwards)
    parameters, posts = layers(sizes), POSTS[: len(sizes) - 1]
    for call in range(2):  # the second one finds the barrier as the first left it
        x = torch.randn(rows, sizes[0])
        found = device["persistent_mlp"](x, parameters, posts)
        assert worst(found, exact(x, parameters, posts)) < 0.5
        assert device.launches[call][1] == (launched, 1, 1, 64, 1, 1)
    assert device.barrier[0].item() == device.barrier[2].item() == 0
    assert (device.barrier[1].item() > 0) == (launched > 1)


@pytest.mark.parametrize(
    ("name", "seed"), [("mlp", 0), pytest.param("wide", 1, marks=pytest.mark.slow), ("deep", 2)]
)
@torch.no_grad()
def test_it_is_as_accurate_as_fp32(name, seed):
    """At KernelBench's sizes for one row: the judge's rule for the class fp32-accurate."""
    device = Device(SNIPPET, "persistent_mlp", {"PERSISTENT_MLP_THREADS": 64})
    parameters, posts = layers(V0[name], seed), ("relu",) * (len(V0[name]) - 2) + ("none",)
    x = torch.randn(1, V0[name][0])
    wanted = exact(x, parameters, posts)
    plain = device["persistent_mlp_plainly"](x, parameters, posts)
    found = device["persistent_mlp"](x, parameters, posts)
    own = (plain - wanted).abs().max().item()
    limit = (1e-6 + 1e-6 * wanted.abs()).clamp(min=4 * own)
    assert ((found - wanted).abs() <= limit).all()
    assert device.launches[0][1][0] == 4


@torch.no_grad()
def test_every_activation_and_the_shape_of_the_rows():
    device = Device(SNIPPET, "persistent_mlp", SMALL)
    sizes = (20, *[24] * len(POSTS))
    parameters, x = layers(sizes), torch.randn(2, 1, 2, 20)
    found = device["persistent_mlp"](x, parameters, POSTS)
    assert worst(found, exact(x, parameters, POSTS)) < 0.5


@torch.no_grad()
def test_changed_weights_are_seen():
    device = Device(SNIPPET, "persistent_mlp", SMALL)
    parameters, x = layers((20, 24, 5)), torch.randn(1, 20)
    for _ in range(2):
        found = device["persistent_mlp"](x, parameters, ("relu", "none"))
        assert worst(found, exact(x, parameters, ("relu", "none"))) < 0.5
        parameters[2].mul_(-2)


@torch.no_grad()
def test_infinite_and_nan_stay():
    device = Device(SNIPPET, "persistent_mlp", SMALL)
    parameters = layers((5, 6, 7))
    for value in (float("nan"), float("inf")):
        x = torch.ones(2, 5)
        x[1, 3] = value
        found = device["persistent_mlp"](x, parameters, ("relu", "none"))
        wanted = exact(x, parameters, ("relu", "none"))
        torch.testing.assert_close(found.double(), wanted, equal_nan=True, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_blocks_that_never_come_give_nan(monkeypatch):
    """The launch is made with one block fewer than the blocks wait for: they give up."""
    device = Device(SNIPPET, "persistent_mlp", SMALL)
    monkeypatch.setattr(
        HostCuda, "__init__", _with_source("gridDim.x, stays", "gridDim.x + 1, stays", "-DGRID_SPINS=500")
    )
    found = device["persistent_mlp"](torch.randn(2, 33), layers((33, 70, 7)), ("relu", "none"))
    assert found.isnan().all()


def _with_source(old, new, option):
    plain = HostCuda.__init__

    def made(self, source, options=(), **rest):
        assert old in source
        plain(self, source.replace(old, new), (*options, option), **rest)

    return made


@torch.no_grad()
def test_what_does_not_fit_is_left_to_torch():
    parameters, x = layers((40, 24, 5)), torch.randn(16, 40)
    small = Device(SNIPPET, "persistent_mlp", SMALL, shared=2048)
    refusing = Device(SNIPPET, "persistent_mlp", SMALL)
    refusing.namespace["persistent_mlp_plan"] = lambda *_: (_Refusing(), 24)
    for device in (small, refusing):
        found = device["persistent_mlp"](x, parameters, ("relu", "none"))
        assert device.launches == []
        assert worst(found, exact(x, parameters, ("relu", "none"))) < 0.5


class _Refusing:
    def together(self, *_):
        return False


CHOICES = [(e, c) for e, choices in SNIPPET.tune.items() for c in choices]


@pytest.mark.slow
@pytest.mark.parametrize(("entry", "choice"), CHOICES)
@torch.no_grad()
def test_every_choice_gives_right_values(entry, choice):
    device = Device(SNIPPET, "persistent_mlp", {entry: choice})
    parameters, x = layers((70, 150, 90, 40)), torch.randn(3, 70)
    found = device["persistent_mlp"](x, parameters, POSTS[:3])
    assert worst(found, exact(x, parameters, POSTS[:3])) < 0.5


class Sized(nn.Module):
    """As KernelBench's perceptrons."""

    def __init__(self, *sizes):
        super().__init__()
        pairs = list(itertools.pairwise(sizes))
        made = [m for a, b in pairs[:-1] for m in (nn.Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(*made, nn.Linear(*pairs[-1]))

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize("name", V0)
def test_it_fires_and_the_program_is_right_off_the_gpu_too(name, tmp_path):
    module, x = Sized(*V0[name]), torch.randn(1, 1000)
    captured = capture(module, (x,))
    (applied,) = apply_reported(captured, ["persistent-mlp"])
    assert (applied.places, applied.refused) == (1, "")
    text = print_program(captured)
    assert "F.linear" not in text.split("class ModelNew")[1]
    assert difference(captured, load(text, tmp_path, module)) == ""


def test_chains_end_where_a_value_is_read_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c, self.d = (nn.Linear(8, 8) for _ in range(4))

        def forward(self, x):
            y = torch.tanh(self.b(torch.relu_(self.a(x))))
            return self.d(F.gelu(self.c(y))) + y

    captured = capture(Twice(), (torch.randn(4, 8),))
    (applied,) = apply_reported(captured, ["persistent-mlp"])
    assert (applied.places, applied.refused) == (2, "")


@pytest.mark.parametrize(
    ("module", "x"),
    [
        (Sized(8, 9, 10), torch.randn(17, 8)),
        (Sized(4000, 9, 10), torch.randn(16, 4000)),
        (Sized(8, 9, 10).double(), torch.randn(1, 8).double()),
        (nn.Sequential(nn.Linear(8, 8), nn.ReLU()), torch.randn(1, 8)),
        (nn.Sequential(nn.Linear(8, 8), nn.Softmax(-1), nn.Linear(8, 8)), torch.randn(1, 8)),
    ],
)
def test_it_leaves_other_layers(module, x):
    assert apply_reported(capture(module, (x,)), ["persistent-mlp"])[0].places == 0


def plan_of(sizes, rows, tune=None):
    device = Device(SNIPPET, "persistent_mlp", tune, multiprocessors=132, shared=227 << 10)
    device["persistent_mlp_plan"]("cuda:0", rows, sizes, ("relu",) * (len(sizes) - 1))
    return device.modules[0]


@pytest.mark.parametrize(
    ("arch", "name", "rows"),
    [
        ("sm_90", "mlp", 1),
        ("sm_90", "deep", 16),
        *(pytest.param(a, n, 16, marks=pytest.mark.slow) for a in ("sm_80", "sm_100") for n in V0),
    ],
)
def test_it_compiles_without_spills(arch, name, rows):
    made = plan_of(V0[name], rows)
    cubin = compile_cubin(made.source, arch=arch, options=made.options)
    assert cubin.spills == 0
    (usage,) = cubin.usage().values()
    assert usage.registers * 256 <= 65536 and usage.local == 0
