"""Snippets' TUNE entries: one table per program, and right values, against fp64, for every choice."""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.backends.tune import read_table, values_in_use, with_values
from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import Captured, capture
from kernelevo.graphs.harvest.cpp import harvest
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites import (
    batchnorm,
    conv_branches,
    conv_lanes,
    conv_rows_text,
    direct_conv,
    matrix_units,
    recurrent,
    relu_attention,
)
from kernelevo.graphs.snippet import Snippet, merged, table_text
from tests.graphs.firing import draw
from tests.graphs.programs import load

ATTENDED = (draw(2, 3, 150, 24), draw(2, 3, 150, 24, seed=1), draw(2, 3, 150, 33, seed=2))


class Attention(nn.Module):
    """Attention with ReLU, causal and not, with values of another width and fewer queries than keys."""

    def forward(self, q, k, v):
        hidden = torch.ones(q.shape[2], q.shape[2], dtype=torch.bool).triu(1)
        scores = (q @ k.transpose(-2, -1) * 0.2).masked_fill(hidden, float("-inf"))
        return torch.relu(scores) @ v, torch.relu(q[:, :, :70] @ k.transpose(-2, -1) * 0.3) @ v


class Steps(nn.Module):
    """Every kind of cell: small and shared by no one, and with a weight beyond a core's share."""

    def __init__(self):
        super().__init__()
        self.gru, self.lstm = nn.GRU(6, 130, batch_first=True), nn.LSTM(6, 37, bidirectional=True)
        self.tanh, self.relu = nn.RNN(6, 37), nn.RNN(6, 130, nonlinearity="relu", bias=False)

    def forward(self, x):
        return self.gru(x)[0], *self.lstm(x)[0:1], self.tanh(x)[0], self.relu(x)[0]


class Norms(nn.Module):
    """A residual of two normalised images, large enough to pass the caches by; an odd one; a pooled one."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.BatchNorm2d(8), nn.BatchNorm2d(8)
        self.c, self.d = nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x, y, z):
        return torch.relu(self.a(x) + self.b(y)), F.relu(self.c(z)), F.avg_pool2d(F.relu(self.d(z)), 2)


class Direct(nn.Module):
    """Few input channels; what lies side by side, and a kernel that is not square."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 13, 3, padding=1), nn.Conv2d(3, 7, 1)
        self.c = nn.Conv2d(3, 5, (5, 2), padding=(1, 0), bias=False)

    def forward(self, x):
        return torch.cat([torch.relu(self.a(x)), self.b(x)], 1), self.c(x)


class Branches(nn.Module):
    """A squeezed image and three branches; the result is large enough to pass the caches by."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(7, 5, 1)
        self.rest = nn.ModuleList(nn.Conv2d(5, o, s, padding=s // 2) for o, s in ((9, 1), (13, 3), (1, 5)))

    def forward(self, x):
        x = torch.relu(self.first(x))
        return torch.cat([torch.relu(layer(x)) for layer in self.rest], 1)


class Rows(nn.Module):
    """Products, the fast algorithm with much and with little weight, a stem, a depthwise one; long sums."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 40, 5, 2, 2), nn.BatchNorm2d(40)
        self.wide, self.near = nn.Conv2d(40, 200, 3, padding=1), nn.Conv2d(200, 24, 1)
        self.large, self.each = nn.Conv2d(200, 200, 3), nn.Conv2d(24, 24, 3, groups=24)

    def forward(self, x):
        x = torch.relu(self.wide(torch.relu(self.norm(self.stem(x)))))
        return torch.relu(self.near(x)), self.large(x), self.each(self.near(x))


LANES = nn.Sequential(
    nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 11, 3), nn.ReLU(), nn.AvgPool2d(2)
)

UNITS = nn.Sequential(nn.Linear(1100, 70), nn.GELU(), nn.Linear(70, 140))


@dataclass(frozen=True)
class Case:
    """A snippet, the rewrites that put it into a program, and a module where they do."""

    snippet: Snippet
    rewrites: tuple[str, ...]
    places: int
    module: nn.Module
    inputs: tuple[torch.Tensor, ...]

    def captured(self) -> Captured:
        """Return the rewritten module."""
        captured = capture(self.module, self.inputs)
        applied = apply_reported(captured, list(self.rewrites))
        assert sum(a.places for a in applied) == self.places, [a.refused for a in applied]
        return captured


CASES = {
    "relu_attention": Case(relu_attention.snippet(), ("relu-attention",), 2, Attention(), ATTENDED),
    "recurrent": Case(recurrent.snippet(), ("recurrent-cells",), 4, Steps(), (draw(5, 9, 6),)),
    "batchnorm": Case(
        batchnorm.snippet(),
        ("batchnorm-pool", "batchnorm-relu"),
        3,
        Norms(),
        (draw(2, 8, 256, 128) + 9, draw(2, 8, 256, 128, seed=1), draw(3, 3, 13, 19)),
    ),
    "direct_conv": Case(direct_conv.snippet(), ("direct-convolution",), 3, Direct(), (draw(2, 3, 21, 67),)),
    "conv_rows": Case(conv_rows_text.snippet(), ("convolution-rows",), 6, Rows(), (draw(2, 3, 23, 30),)),
    "conv_lanes": Case(conv_lanes.snippet(), ("small-convolutions",), 1, LANES, (draw(70, 1, 13, 18),)),
    "conv_branches": Case(
        conv_branches.snippet(), ("convolution-branches",), 1, Branches(), (draw(5, 7, 70, 80),)
    ),
}
if matrix_units.available():  # rows for more than one group, sums of more steps than one goes through
    CASES["matrix_units"] = Case(matrix_units.snippet(), ("matrix-units",), 2, UNITS, (draw(300, 1100),))
# number k takes the k-th choice of every entry, so that few builds see each choice
QUICK = ("recurrent", "direct_conv", "matrix_units")
TOGETHER = [
    pytest.param(name, k, marks=[] if k == 1 and name in QUICK else [pytest.mark.slow])
    for name, case in CASES.items()
    for k in range(1, max(map(len, case.snippet.tune.values())))
]
ALONE = [
    (name, entry, choice)
    for name, case in CASES.items()
    for entry, choices in case.snippet.tune.items()
    for choice in choices[1:]
]


def demand(case: Case, values, folder):
    """Run the printed program under these values and compare all results with fp64."""
    text = with_values(print_program(case.captured()), values, keep_choices=True)
    assert values_in_use(text) == {e: c[0] for e, c in case.snippet.tune.items()} | values
    got = load(text, folder, case.module)(*case.inputs)
    exact = copy.deepcopy(case.module).double()(*(x.double() for x in case.inputs))
    pairs = zip(got, exact, strict=True) if isinstance(got, tuple) else [(got, exact)]
    for ours, theirs in pairs:
        torch.testing.assert_close(ours.double(), theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "k"), TOGETHER)
def test_every_choice_gives_right_values(name, k, tmp_path):
    table = CASES[name].snippet.tune
    demand(CASES[name], {entry: choices[k % len(choices)] for entry, choices in table.items()}, tmp_path)


def test_values_reach_the_compiler(tmp_path):
    case = CASES["direct_conv"]
    program = load(
        with_values(print_program(case.captured()), {"DIRECT_CONV_CHANNELS": 6}), tmp_path, Direct()
    )
    assert sys.modules[type(program).__module__]._direct_conv.channel_block() == 6


@pytest.mark.slow
@pytest.mark.parametrize(("name", "entry", "choice"), ALONE)
def test_every_choice_alone_gives_right_values(name, entry, choice, tmp_path):
    demand(CASES[name], {entry: choice}, tmp_path)


def test_entries_belong_to_one_snippet():
    names = [(entry, case.snippet.name) for case in CASES.values() for entry in case.snippet.tune]
    assert len({entry for entry, _ in names}) == len(names)
    assert all(entry.startswith(name.upper() + "_") for entry, name in names)
    assert all(len(set(c)) == len(c) > 1 for case in CASES.values() for c in case.snippet.tune.values())


def scaled(name, entries):
    """A snippet that multiplies by its first entry's value."""
    text = f'def {name}(x):\n    return x * TUNE["{next(iter(entries))}"][0]\n'
    return Snippet(name, text, entries)


def test_a_program_has_one_table_of_all_its_snippets(tmp_path):
    class TwoLayers(nn.Module):
        def forward(self, x):
            return x * 3 + x * 7

    captured = capture(TwoLayers(), (draw(5),))
    one, two = scaled("one", {"ONE": (3, 4), "BOTH": (1, 2)}), scaled("two", {"TWO": (7.0,), "BOTH": (1, 2)})
    for snippet, node in zip((one, two), list(captured.graph.nodes)[1:3], strict=True):
        captured.add_snippet(snippet)
        node.target, node.args = snippet.function(snippet.name), node.args[:1]
    captured.gm.recompile()
    text = print_program(captured)
    assert read_table(text) == {"ONE": [3, 4], "BOTH": [1, 2], "TWO": [7.0]}
    assert text.index("TUNE =") < text.index("def one")
    x = draw(5, seed=3)
    torch.testing.assert_close(load(text, tmp_path, TwoLayers())(x), x * 10)
    moved = load(with_values(text, {"ONE": 4}), tmp_path, TwoLayers())
    torch.testing.assert_close(moved(x), x * 11)


def test_tables_that_do_not_fit_together_are_refused():
    captured = capture(nn.ReLU(), (draw(3),))
    captured.add_snippet(scaled("one", {"BOTH": (1, 2)}))
    for choices in ((1, 3), (2, 1), (True, 2)):
        with pytest.raises(ValueError, match="other choices for BOTH"):
            captured.add_snippet(scaled("two", {"BOTH": choices}))
    with pytest.raises(ValueError, match="tune="):
        captured.add_snippet(Snippet("three", "TUNE = {'A': [1]}\n"))
    assert merged(captured.snippets.values()) == {"BOTH": (1, 2)}
    assert table_text({}) == ""


@pytest.mark.slow
def test_a_harvested_program_keeps_the_tables_of_its_snippets(tmp_path):
    class Scaled(nn.Module):
        def forward(self, q, k, v):
            return torch.tanh(torch.relu(q @ k.transpose(-2, -1) * 0.3) @ v)

    inputs = tuple(draw(2, 2, 40, 16, seed=s) for s in range(3))
    captured = capture(Scaled(), inputs)
    assert apply_reported(captured, ["relu-attention"])[0].places == 1
    text = print_program(harvest(captured))
    table = read_table(text)
    assert table.items() >= {e: list(c) for e, c in relu_attention.TUNE.items()}.items()
    assert {"CONTRACT", "UNROLL"} <= set(table)
    values = {"RELU_ATTENTION_QUERIES": 32, "RELU_ATTENTION_ROWS": 4}
    exact = Scaled()(*(x.double() for x in inputs))
    for program in (text, with_values(text, values, keep_choices=True)):
        got = load(program, tmp_path, Scaled())(*inputs)
        torch.testing.assert_close(got.double(), exact, atol=1e-5, rtol=1e-5)
