import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from tests.graphs.programs import difference, load

ALL = ["dead-work", "no-ops", "fused-attention"]


class Causal(nn.Module):
    """Masked by a buffer, as many hand-written decoders do."""

    def __init__(self, width=16, heads=2, longest=12):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.heads = heads
        self.register_buffer("bias", torch.tril(torch.ones(longest, longest)).view(1, 1, longest, longest))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (
            y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in self.qkv(x).split(c, dim=2)
        )
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.bias[:, :, :t, :t] == 0, float("-inf"))
        return self.out((F.softmax(att, dim=-1) @ v).transpose(1, 2).reshape(b, t, c))


class Plain(nn.Module):
    """Three-dimensional, mask computed in forward, number in front of the product."""

    def forward(self, x):
        scores = torch.bmm(x / 3.0, x.transpose(1, 2))
        hidden = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), 1)
        return torch.bmm(torch.softmax(scores.masked_fill(hidden, -1e9), 2), x)


class Dropped(nn.Module):
    def __init__(self):
        super().__init__()
        self.mha = nn.MultiheadAttention(16, 4, dropout=0.0)

    def forward(self, x):
        return self.mha(x, x, x)[0]


class Chosen(nn.Module):
    def forward(self, x):
        shown = torch.ones(x.shape[-2], x.shape[-2]).tril().bool()
        scores = torch.where(shown, x @ x.mT, -torch.inf)
        return F.dropout(scores.softmax(-1), 0.0) @ x


class Added(nn.Module):
    def __init__(self):
        super().__init__()
        self.position = nn.Parameter(torch.randn(2, 9, 9))

    def forward(self, x):
        return (x @ x.transpose(-1, -2) * 0.3 + self.position).softmax(-1) @ x


class Relative(nn.Module):
    """The bias of windows: a table of numbers for each distance, looked up in forward."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(17, 2))
        self.register_buffer("distance", torch.arange(9)[:, None] - torch.arange(9) + 8)

    def forward(self, x):
        bias = self.table[self.distance.view(-1)].view(9, 9, 2).permute(2, 0, 1).contiguous()
        return (x @ x.transpose(-1, -2) * 0.3 + bias.unsqueeze(0)).softmax(-1) @ x


class Divided(nn.Module):
    """The divisors are tensors that forward makes; a factor may be learnt or exchanged."""

    def __init__(self, factor=None):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        scores = x @ x.mT / torch.tensor([4.0]).sqrt() / torch.tensor(2.0).sqrt()
        return (scores if self.factor is None else scores * self.factor).softmax(-1) @ x


FACTORS = (nn.Parameter(torch.tensor(0.5)), torch.tensor([0.5]))


class KeepsWeights(nn.Module):
    def forward(self, x):
        weights = torch.softmax(x @ x.mT, -1)
        return weights @ x, weights


class OverChannels(nn.Module):
    def forward(self, x):
        return torch.softmax(x @ x.mT, 1) @ x


class Window(Causal):
    def __init__(self):
        super().__init__()
        self.bias.copy_((self.bias[0, 0].triu(-3)).view_as(self.bias))


class Padded(nn.Module):
    """The mask is an input: a row may be masked as a whole, which the fused kernel answers differently."""

    def forward(self, x):
        return (x @ x.mT).masked_fill(x[:, None, :, 0] > 9, -torch.inf).softmax(-1) @ x


def applied(module, x):
    captured = capture(module, (x,))
    return captured, {a.name: a for a in apply_reported(captured, ALL)}


@pytest.mark.parametrize(
    ("module", "x"),
    [
        (Causal(), torch.randn(2, 9, 16)),
        (Plain(), torch.randn(3, 7, 8)),
        (Dropped(), torch.randn(5, 2, 16)),
        (Dropped().eval(), torch.randn(5, 2, 16)),
        (Chosen(), torch.randn(2, 3, 6, 4)),
        (Added(), torch.randn(3, 2, 9, 8)),
        (Relative(), torch.randn(3, 2, 9, 8)),
        (Divided(), torch.randn(3, 2, 9, 8)),
    ],
)
def test_written_out_attention_is_fused(module, x, tmp_path):
    captured, report = applied(module, x)
    assert report["fused-attention"].places == 1, report
    assert not any("softmax" in str(n.target) for n in captured.graph.nodes)
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""


@pytest.mark.parametrize("module", [KeepsWeights(), OverChannels(), Padded(), *map(Divided, FACTORS)])
def test_what_is_not_attention_is_left(module):
    captured, report = applied(module, torch.randn(3, 7, 7))
    assert report["fused-attention"].places == 0
    assert report["fused-attention"].refused == ""
    assert any("softmax" in str(n.target) for n in captured.graph.nodes)


def test_a_mask_that_is_not_causal_is_left():
    assert applied(Window(), torch.randn(2, 9, 16))[1]["fused-attention"].places == 0


def test_a_mask_that_changes_later_is_obeyed(tmp_path):
    module = Causal()
    captured, _ = applied(module, torch.randn(2, 9, 16))
    program = load(print_program(captured), tmp_path, module)
    x = captured.inputs[0]
    torch.testing.assert_close(program(x), module(x))
    other = Window()
    program.load_state_dict(other.state_dict())
    torch.testing.assert_close(program(x), other(x))


def test_dropped_weights_are_not_computed():
    captured, report = applied(Dropped(), torch.randn(5, 2, 16))
    assert report["dead-work"].places > 0
    assert not any("mean" in str(n.target) for n in captured.graph.nodes)


class Overwritten(Causal):
    """As memory is saved by hand: the query is scaled, and the scores are masked, where they lie."""

    def forward(self, x):
        b, t, c = x.shape
        parts = (self.qkv(x)[..., i * c : (i + 1) * c] for i in range(3))
        q, k, v = (y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in parts)
        q *= 0.5
        att = q @ k.transpose(-2, -1)
        att /= 2.0
        att.masked_fill_(self.bias[:, :, :t, :t] == 0, float("-inf"))
        return self.out((F.softmax(att, dim=-1) @ v).transpose(1, 2).reshape(b, t, c))


def test_scores_that_are_written_over_are_not_computed_beside_the_fused_kernel(tmp_path):
    module = Overwritten()
    captured, report = applied(module, torch.randn(2, 9, 16))
    assert report["fused-attention"].places == 1, report
    left = [str(n.target) for n in captured.graph.nodes if n.op == "call_function"]
    assert not any(name.startswith(("aten.matmul", "aten.masked_fill", "aten.div")) for name in left)
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""
