"""ReLU attention: on modules of several layouts, against fp64; and where it must not match."""

import copy
import math

import pytest
import torch
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from tests.graphs.programs import difference, load


class Heads(nn.Module):
    """Four-dimensional heads, a causal mask in a buffer."""

    def __init__(self, width=24, heads=3, length=70, activation=torch.relu):
        super().__init__()
        self.project, self.heads, self.activation = nn.Linear(width, 3 * width), heads, activation
        self.register_buffer("mask", torch.ones(length, length).tril())

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (p.view(b, t, self.heads, -1).transpose(1, 2) for p in self.project(x).chunk(3, -1))
        scores = q @ k.transpose(-2, -1) / math.sqrt(c // self.heads)
        scores = scores.masked_fill(self.mask[:t, :t] == 0, -math.inf)
        return (self.activation(scores) @ v).transpose(1, 2).reshape(b, t, c)


class Cross(nn.Module):
    """Three-dimensional operands without a mask; keys and values of another length and size."""

    def forward(self, q, k, v):
        return torch.bmm(torch.relu(0.4 * torch.bmm(q, k.transpose(1, 2))), v)


class Window(Heads):
    """A mask that is not causal: it must stay as it is."""

    def __init__(self):
        super().__init__()
        self.mask = self.mask.triu(-3)


MATCH = {
    "heads": (Heads(), (torch.randn(2, 70, 24),)),
    "short": (Heads(), (torch.randn(1, 5, 24),)),
    "cross": (Cross(), (torch.randn(4, 9, 7), torch.randn(4, 130, 7), torch.randn(4, 130, 33))),
}


@pytest.mark.parametrize("name", MATCH)
def test_values_are_kept(name, tmp_path):
    module, inputs = MATCH[name]
    captured = capture(module, inputs)
    (applied,) = apply_reported(captured, ["relu-attention"])
    assert applied.places == 1, applied.refused
    made = load(print_program(captured), tmp_path, module)
    assert difference(captured, made) == ""
    exact = copy.deepcopy(module).double()(*(i.double() for i in inputs))
    torch.testing.assert_close(made(*inputs).double(), exact, atol=1e-5, rtol=1e-5)


def test_a_mask_loaded_later_is_obeyed(tmp_path):
    module, x = Heads(), torch.randn(2, 70, 24)
    captured = capture(module, (x,))
    assert apply_reported(captured, ["relu-attention"])[0].places == 1
    made = load(print_program(captured), tmp_path, module)
    made(x)
    window = Window()
    state = {**module.state_dict(), "mask": window.mask}
    module.load_state_dict(state)
    made.load_state_dict(state)
    torch.testing.assert_close(made(x), module(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("module", [Window(), Heads(activation=torch.sigmoid)])
def test_other_attention_stays(module):
    captured = capture(module, (torch.randn(2, 70, 24),))
    assert [a.places for a in apply_reported(captured, ["relu-attention"])] == [0]


def test_a_relu_in_place_leaves_no_scores_behind(tmp_path):
    module, x = Heads(activation=torch.relu_), torch.randn(2, 70, 24)
    captured = capture(module, (x,))
    (applied,) = apply_reported(captured, ["relu-attention"])
    assert applied.places == 1, applied.refused
    left = [str(n.target) for n in captured.graph.nodes if n.op == "call_function"]
    assert not any(name.startswith(("aten.relu", "aten.matmul", "aten.masked_fill")) for name in left)
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""
