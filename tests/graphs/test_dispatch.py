"""One program for several kinds of calls: each gets its own graph, others are refused."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.errors import CaptureError
from kernelevo.graphs.applying import apply_rewrites
from kernelevo.graphs.dispatch import capture_each, print_dispatch
from kernelevo.graphs.harvest.cpp import Variant, harvest
from kernelevo.graphs.rewrites import REWRITES
from tests.few import few
from tests.graphs.programs import difference, load

ALL = [rewrite.name for rewrite in REWRITES]


class Mlp(nn.Module):
    """Flattens by its batch's size, so that a graph of one batch is wrong for another."""

    def __init__(self):
        super().__init__()
        self.up, self.side, self.down = nn.Linear(24, 32), nn.Linear(24, 32), nn.Linear(32, 8)

    def forward(self, x):
        rows = x.shape[0]
        noise = torch.arange(rows, dtype=torch.float32).view(rows, 1) / rows
        y = torch.relu(self.up(x)) * self.side(x) + noise
        return self.down(y.view(rows * 2, 16).view(rows, 32)) / rows


class Attention(nn.Module):
    """Causal; mask, scale and views depend on the sequence's length."""

    def __init__(self, width=16, heads=2):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.place = nn.Parameter(torch.randn(64, width))
        self.register_buffer("hidden", torch.ones(64, 64, dtype=torch.bool).triu(1))

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (
            t.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for t in self.qkv(x + self.place[:length]).chunk(3, dim=-1)
        )
        scores = (q @ k.transpose(-2, -1)) / (width // self.heads) ** 0.5
        scores = scores.masked_fill(self.hidden[:length, :length], float("-inf"))
        return self.out((F.softmax(scores, dim=-1) @ v).transpose(1, 2).reshape(batch, length, width))


CASES = {
    "mlp": (Mlp, [(4, 24), (64, 24)]),
    "attention": (Attention, [(2, 6, 16), (2, 17, 16)]),
}


@pytest.fixture(params=CASES)
def case(request):
    torch.manual_seed(5)
    kind, shapes = CASES[request.param]
    return kind().eval(), [(torch.randn(shape),) for shape in shapes]


def checked(text, captures, module, tmp_path):
    program = load(text, tmp_path, module)
    for captured in captures:
        assert difference(captured, program) == ""
    return program


def test_each_set_has_its_graph_and_others_are_refused(case, tmp_path):
    module, sets = case
    captures = capture_each(module, [*sets, tuple(t + 1 for t in sets[0])])
    assert len(captures) == 2  # the third set is of the first one's kind
    program = checked(print_dispatch(captures), captures, module, tmp_path)
    assert list(program.state_dict()) == list(module.state_dict())
    with pytest.raises(ValueError, match=r"only: x \(.*; x \(.*got .*3, 7"):
        program(torch.randn(3, 7))
    with torch.no_grad():
        next(program.parameters()).mul_(2.0)  # the graphs share their parameters
        next(module.parameters()).mul_(2.0)
        for inputs in sets:
            torch.testing.assert_close(program(*inputs), module(*inputs), rtol=1e-5, atol=1e-5)


def test_rewritten_graphs_in_one_program(case, tmp_path):
    module, sets = case
    captures = capture_each(module, sets)
    fired = [apply_rewrites(captured, ALL) for captured in captures]
    assert all(fired)
    checked(print_dispatch(captures), captures, module, tmp_path)


class Places(nn.Module):
    """What is computed from parameters alone depends on the length."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.randn(64, 16))

    def forward(self, x):
        return x + torch.tanh(self.place[: x.shape[1]] * 2)


def test_snippets_that_clash_are_renamed(tmp_path):
    torch.manual_seed(2)
    module = Places().eval()
    captures = capture_each(module, [(torch.randn(1, n, 16),) for n in (5, 9)])
    for captured in captures:
        assert apply_rewrites(captured, ["precompute"]) == ["precompute"]
    text = print_dispatch(captures)
    assert "def precomputed_0(" in text and "def precomputed_0_2(" in text
    program = checked(text, captures, module, tmp_path)
    with torch.no_grad():
        program.place.mul_(0.5)
        module.place.mul_(0.5)
        for length in (9, 5):
            x = torch.randn(1, length, 16)
            torch.testing.assert_close(program(x), module(x), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("scratch", few([True, False], 1))
def test_harvested_code_of_two_shapes_in_one_program(scratch, tmp_path):
    torch.manual_seed(4)
    module = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16)).eval()
    captures = capture_each(module, [(torch.randn(n, 8),) for n in (3, 20)])
    made = [harvest(captured, Variant("some", scratch=scratch), threads=1) for captured in captures]
    text = print_dispatch(made)
    assert text.count("\ndef reinterpret_tensor(") == text.count("\nTUNE = ") == 1  # shared
    assert "def _harvest_run_2(" in text
    program = load(text, tmp_path, module)
    for captured in (*captures, *captures):  # temporaries of one shape never serve the other
        assert difference(captured, program) == ""


class Optional(nn.Module):
    """Other arguments are other kinds of calls."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 6)
        self.edge = torch.tensor([0.25, float("inf")])

    def forward(self, x, mask=None, power=1):
        y = self.linear(x).clamp(max=self.edge[0])
        y = y if mask is None else y * mask + torch.tensor([1.0] * mask.shape[0]).view(-1, 1)
        return y**power


def test_calls_are_told_apart_by_all_that_their_graphs_depend_on(tmp_path):
    torch.manual_seed(6)
    module, x, mask = Optional().eval(), torch.randn(4, 6), torch.rand(4, 6)
    sets = [(x,), (x, mask), (x, None), (x, mask, 2), (x, mask, 3), (x, mask[:, :1], 3)]
    sets.append((x.t().contiguous().t(),))
    captures = capture_each(module, sets)
    assert len(captures) == len(sets)
    program = checked(print_dispatch(captures), captures, module, tmp_path)
    for wrong in ((x, mask, 4), (x[:3],), (x, mask[:3]), (x, None, 2), ()):
        with pytest.raises(ValueError, match="for these inputs only"):
            program(*wrong)


def test_dtypes_of_equal_shape(tmp_path):
    module = nn.Embedding(7, 3).eval()
    sets = [(torch.arange(5),), (torch.arange(5, dtype=torch.int32),)]
    captures = capture_each(module, sets)
    program = checked(print_dispatch(captures), captures, module, tmp_path)
    with pytest.raises(ValueError, match="only"):
        program(torch.arange(5, dtype=torch.int16))


def test_one_kind_alone_is_printed_without_a_test(case):
    module, sets = case
    assert "run_form" not in print_dispatch(capture_each(module, sets[:1]))


def test_other_nesting_is_refused():
    class First(nn.Module):
        def forward(self, x):
            return x[0] * 2

    with pytest.raises(CaptureError, match="nested in different ways"):
        capture_each(First(), [((torch.ones(2),),), ((torch.ones(2), torch.ones(3)),)])


class Limited(nn.Module):
    def forward(self, x, most):
        return x.clamp(max=most)


def test_an_infinite_argument_is_told_from_a_finite_one(tmp_path):
    module, x = Limited().eval(), torch.randn(4, 6)
    captures = capture_each(module, [(x, float("inf")), (x, 0.5)])
    program = checked(print_dispatch(captures), captures, module, tmp_path)
    with pytest.raises(ValueError, match="for these inputs only"):
        program(x, 0.25)
