"""Work of known modules against numbers computed by hand."""

import copy
import inspect

import pytest
import torch
from torch import nn

from kernelevo.kernels.cases.inputs import is_free
from kernelevo.kernels.reference.oracle import evaluate
from kernelevo.kernels.reference.precision import Watch
from kernelevo.kernels.reference.work import survey_work


def work_of(module, draw, *, seed=5):
    """The work of a module whose inputs are drawn by ``draw``; both inputs are other draws."""
    torch.manual_seed(0)
    args, other = draw(), draw()
    flat = torch.utils._pytree.tree_leaves
    free = [is_free(a, b) for a, b in zip(flat(args), flat(other), strict=True)]
    truth = evaluate(lambda: copy.deepcopy(module), None, other, seed)
    return survey_work(lambda: copy.deepcopy(module), args, truth, free, seed)


def test_a_product():
    found = work_of(nn.Linear(64, 32), lambda: (torch.randn(16, 64),))
    assert found.flops == 2 * 16 * 64 * 32
    assert found.read_bytes == 4 * (16 * 64 + 64 * 32 + 32) and found.written_bytes == 4 * 16 * 32
    assert 0.98 * 4 * 16 * 64 <= found.needed_bytes <= 4 * 16 * 64 and found.dtype == "float32"
    assert 0.98 * 4 * 16 * 32 <= found.changing_bytes <= 4 * 16 * 32


def test_a_convolution():
    found = work_of(nn.Conv2d(3, 8, 3, padding=1, bias=False), lambda: (torch.randn(2, 3, 10, 12),))
    assert found.flops == 2 * 2 * 8 * 10 * 12 * 3 * 9
    assert found.read_bytes == 4 * (2 * 3 * 120 + 8 * 27) and found.written_bytes == 4 * 2 * 8 * 120


class Attention(nn.Module):
    def forward(self, q, k, v):
        return nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def test_attention():
    found = work_of(Attention(), lambda: tuple(torch.randn(2, 4, 32, 16) for _ in range(3)))
    assert found.flops == 2 * (2 * 4) * 32 * 32 * (16 + 16)
    assert found.read_bytes == 3 * found.written_bytes == 3 * 4 * 2 * 4 * 32 * 16
    # the first query has one key to look at, so neither decides anything
    row = 4 * 2 * 4 * 16
    assert 3 * found.written_bytes - 3 * row <= found.needed_bytes <= 3 * found.written_bytes - row


@pytest.mark.parametrize(("layer", "gates"), [(nn.LSTM, 4), (nn.GRU, 3)])
def test_recurrent_layers(layer, gates):
    found = work_of(layer(8, 16, 2, batch_first=True), lambda: (torch.randn(3, 5, 8),))
    matrices = gates * 16 * (8 + 16) + gates * 16 * (16 + 16)
    assert found.flops == 2 * 3 * 5 * matrices
    assert found.read_bytes == pytest.approx(4 * (3 * 5 * 8 + matrices + 4 * gates * 16))


class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(1000, 8)
        self.never = nn.Linear(500, 500)
        self.long = nn.Parameter(torch.randn(1, 64, 8))

    def forward(self, index):
        return self.table(index) + self.long[:, : index.shape[1]]


def test_of_tables_only_what_is_looked_up():
    found = work_of(Lookup(), lambda: (torch.arange(40).view(2, 20) + torch.randint(0, 500, ()),))
    assert found.flops == 0 and found.needed_bytes == 0  # indices are not drawn freely
    # the indices, forty rows of the table, twenty of the other; the layer that is never called counts nothing
    assert found.read_bytes == 8 * 40 + 4 * 8 * 40 + 4 * 8 * 20
    assert found.written_bytes == 4 * 8 * 40


class Bent(nn.Module):
    """Reads half of x, all of y, and z in vain."""

    def forward(self, x, y, z):
        dead = z * 2
        return torch.softmax(x[:, :10] + y + dead.sum() * 0, 1)


def test_expanded_and_dead_inputs():
    def draw():
        return torch.randn(6, 20), torch.randn(6, 1).expand(6, 10), torch.randn(50)

    found = work_of(Bent(), draw)
    # of x ten columns are read, of y all that the judge hands out, which is dense; z too, in vain
    assert found.read_bytes == 4 * (6 * 10 + 6 * 10 + 50)
    # what is added to all of a row has no influence on its softmax, and neither has z
    assert found.needed_bytes == 4 * 6 * 10


class Same(nn.Module):
    def __init__(self, what):
        super().__init__()
        self.what, self.kept = what, nn.Parameter(torch.randn(8))

    def forward(self, x):
        return {
            "zeros": lambda: torch.zeros_like(x),
            "the input": lambda: x,
            "constant up to rounding": lambda: torch.softmax(x, 1).sum(1),
            "a weight": lambda: self.kept * 1,
            "an integer": lambda: x.argmax(1),
            "negative parts only": lambda: torch.relu(-x.abs() - 1),
        }[self.what]()


@pytest.mark.parametrize(
    "what",
    ["zeros", "the input", "constant up to rounding", "a weight", "an integer", "negative parts only"],
)
def test_what_need_not_be_written_is_not_demanded(what):
    found = work_of(Same(what), lambda: (torch.randn(16, 32),))
    assert found.changing_bytes == 0 and found.needed_bytes == 0


def test_elements_that_stay_zero_are_not_demanded():
    found = work_of(nn.Sequential(nn.ReLU()), lambda: (torch.randn(100, 100),))
    assert 0.7 < found.changing_bytes / found.written_bytes < 0.8  # zero in both in a quarter
    assert 0.3 < found.needed_bytes / found.written_bytes < 0.55  # the gradient passes half of them


class InPlace(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            y = x * 2
        return y.add_(1)


def test_a_module_without_gradients_demands_no_input():
    found = work_of(InPlace(), lambda: (torch.randn(16, 32),))
    assert found.needed_bytes == 0 and found.changing_bytes > 0.9 * 4 * 16 * 32


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.randn(8, 1))

    def forward(self, x):
        return x * self.gain.expand(8, 8) + self.gain


def test_an_expanded_weight_counts_once():
    assert work_of(Wide(), lambda: (torch.randn(8, 8),)).read_bytes == 4 * (64 + 8)


def test_the_module_and_its_inputs_stay_as_they_were():
    module = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(8, 4))
    torch.manual_seed(1)
    args, other = (torch.randn(4, 8),), (torch.randn(4, 8),)
    kept = args[0].clone()
    truth = evaluate(lambda: copy.deepcopy(module), None, other, 1)
    found = survey_work(lambda: copy.deepcopy(module), args, truth, [True], 1)
    assert torch.equal(args[0], kept) and found.flops == 2 * 4 * 8 * 4
    assert found.needed_bytes == 4 * int((kept > 0).sum())


def test_half_precision():
    module = nn.Linear(64, 32).bfloat16()
    found = work_of(module, lambda: (torch.randn(16, 64).bfloat16(),))
    assert found.flops == 2 * 16 * 64 * 32 and found.written_bytes == 2 * 16 * 32
    assert found.dtype == "bfloat16" and found.changing_bytes > 0.5 * found.written_bytes


def test_no_mode_waits_for_torchs_compiler():
    """torch wraps the modes of others into a function that imports its compiler."""
    assert {mode.__name__ for mode in Watch.__subclasses__()} >= {"_Widened", "_Rounded", "_Flops", "_Reads"}
    for mode in Watch.__subclasses__():
        assert inspect.unwrap(mode.__torch_dispatch__) is mode.__torch_dispatch__
