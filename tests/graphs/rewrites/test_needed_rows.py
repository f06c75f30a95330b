"""Needed rows: the part alone has the values of the part of the whole, and the rest is not computed."""

from math import prod

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.matching import aten, is_op, shape
from kernelevo.graphs.narrowing import is_view
from kernelevo.graphs.printing import print_program
from tests.graphs.programs import difference, load
from tests.graphs.test_rewrites import module_of

X = (4, 6, 8)  # batch, rows, features


def layer(width=8, out=8):
    return nn.Linear(width, out)


NARROWED = {  # what -> function of layers and input, layers, how many calls become narrow
    "a layer": (lambda m, x: m[0](x)[:, 0], [layer()], 1),
    "the last row": (lambda m, x: m[0](x)[:, -1], [layer()], 1),
    "some rows": (lambda m, x: m[0](x)[:, 1:4].tanh(), [layer()], 1),
    "samples": (lambda m, x: m[0](x)[1:3], [layer()], 1),
    "two readers": (lambda m, x: (y := m[0](x))[:, 1] * y[:, 3:4].mean(1), [layer()], 1),
    "a chain": (lambda m, x: m[2](F.gelu(m[1](m[0](x)) + x))[:, 2], [layer(), layer(), nn.LayerNorm(8)], 5),
    "broadcast": (lambda m, x: (x.sin() * x[:, :1].cos() + x[0].exp())[:, 4], [], 4),
    "softmax": (lambda m, x: (x @ x.mT).softmax(-1)[:, 3:5], [], 2),
    "log-softmax": (lambda m, x: torch.log_softmax(x.relu(), 2)[2:3], [], 2),
    "first factor": (lambda m, x: (x.cos() @ x.mT)[:, 5], [], 2),
    "second factor": (lambda m, x: torch.matmul(x, x.mT.cos())[..., 5], [], 2),
    "batched factors": (lambda m, x: torch.bmm(x.cos(), x.mT)[1], [], 2),
    "broadcast factors": (lambda m, x: (x.cos() @ x[0].mT)[1:2], [], 2),
    "a sum and a product": (lambda m, x: torch.addmm(x[0, 0, :6], x[1].cos(), x[2].mT)[1], [], 2),
    "batched sum": (lambda m, x: torch.baddbmm(x[:, :, :6].exp(), x, x.mT)[:, 2], [], 2),
    "mean": (lambda m, x: x.exp().mean(1)[2], [], 2),
    "kept mean": (lambda m, x: x.exp().mean((0, 2), keepdim=True)[:, 2:3], [], 2),
    "largest": (lambda m, x: x.exp().amax(1)[:, 2:3], [], 2),
    "views": (
        lambda m, x: m[0](x).unflatten(-1, (2, 4)).transpose(1, 2).permute(2, 0, 1, 3).contiguous()[3],
        [layer()],
        2,
    ),
    "flat rows": (lambda m, x: m[0](x.transpose(0, 1).reshape(24, 8)).view(6, 4, 8)[2], [layer()], 1),
    "squeezed": (lambda m, x: x.exp().unsqueeze(1).squeeze(1).flatten(2).expand(4, 6, 8)[:, 1], [], 1),
    "spread": (lambda m, x: (x.exp()[:, None].expand(4, 3, 6, 8) * 2)[:, :, 1], [], 2),
    "one of concatenated": (lambda m, x: m[0](torch.cat([x[:, :2].exp(), x], 1))[:, 1], [layer()], 3),
    "concatenated": (lambda m, x: torch.cat([x.exp(), x.sin()], 2)[:, 1], [], 3),
    "one of stacked": (lambda m, x: (torch.stack([x.exp(), x.sin(), x], 1) * 3)[:, 1], [], 2),
    "stacked": (lambda m, x: torch.stack([x.exp(), x.sin()], 1)[:, :, 2], [], 3),
    "chosen": (lambda m, x: x.exp()[:, :, 3].sin()[:, 1:3], [], 2),
    "a slice of a slice": (lambda m, x: x.exp()[:, 1:].sin()[:, 2:4], [], 2),
    "masked": (lambda m, x: x.masked_fill(x > 0, 1.0)[:, 2], [], 2),
    "picked": (lambda m, x: torch.where(x > 0, x, x.exp())[:, 2], [], 3),
    "words": (lambda m, x: m[0]((x[..., 0] > 0).long())[:, 2], [nn.Embedding(2, 3)], 3),
    "another type": (lambda m, x: x.double().exp()[:, 2], [], 2),
}
WHOLE = {  # what cannot be told row by row, or is read
    "who mixes rows": (lambda m, x: x.cumsum(1)[:, -1], []),
    "softmax over rows": (lambda m, x: torch.softmax(x, 1)[:, 0], []),
    "norm over rows": (lambda m, x: F.layer_norm(x, (6, 8))[:, 0], []),
    "features of a norm": (lambda m, x: F.layer_norm(x, (8,))[..., 0], []),
    "read elsewhere": (lambda m, x: ((y := m[0](x))[:, 0], y.sum()), [layer()]),
    "returned": (lambda m, x: ((y := m[0](x))[:, 0], y), [layer()]),
    "most rows": (lambda m, x: m[0](x)[:, 1:], [layer()]),
    "first and last": (lambda m, x: (y := m[0](x))[:, 0] + y[:, -1], [layer()]),
    "every other": (lambda m, x: m[0](x)[:, ::2], [layer()]),
    "rows across": (lambda m, x: m[0](x.reshape(24, 8)).view(6, 4, 8)[:, 1], [layer()]),
    "drawn": (lambda m, x: F.dropout(x, 0.5)[:, 0], []),
    "written to": (lambda m, x: x.exp().add_(1.0)[:, 0], []),
    "random rows": (lambda m, x: torch.rand_like(x)[:, 0] + x[:, 0], []),
}


def narrow(function, layers, x, folder):
    """Return how many calls became narrow, and the graph; the program's values are compared on the way."""
    torch.manual_seed(3)
    module = module_of(function, *layers)
    captured = capture(module, (x,))
    (applied,) = [a for a in apply_reported(captured, ["needed-rows"]) if a.name == "needed-rows"]
    program = load(print_program(captured), folder, module)
    assert not difference(captured, program)
    other = torch.randn_like(x)
    torch.manual_seed(4)
    theirs = module(other)
    torch.manual_seed(4)
    torch.testing.assert_close(program(other), theirs)
    return applied.places, captured.graph


@pytest.mark.parametrize("what", NARROWED)
def test_rows_that_nobody_reads_are_not_computed(what, tmp_path):
    function, layers, expected = NARROWED[what]
    places, graph = narrow(function, layers, torch.randn(*X), tmp_path)
    assert places == expected
    whole = capture(module_of(function, *layers), (torch.randn(*X),)).graph
    assert _elements(graph) < _elements(whole)


@pytest.mark.parametrize("what", WHOLE)
def test_rows_that_somebody_needs_stay(what, tmp_path):
    function, layers = WHOLE[what]
    assert narrow(function, layers, torch.randn(*X), tmp_path)[0] == 0


def attention(mask=None, causal=False, rows=slice(2, 3)):
    def forward(m, x):
        q, k, v = (y.unflatten(-1, (2, 4)).transpose(1, 2) for y in (m[0](x), m[1](x), m[2](x)))
        allowed = None if mask is None else mask(x)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed, is_causal=causal)
        return mixed.transpose(1, 2).flatten(2)[:, rows]

    return forward


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"rows": 0},
        {"rows": -1},
        {"rows": slice(1, 4)},
        {"causal": True},
        {"causal": True, "rows": 0},
        {"causal": True, "rows": -1},
        {"mask": lambda x: x[0, :1, :6] > -1},
        {"mask": lambda x: x[0, :, :6] > -1},
        {"mask": lambda x: (x[:, :, :6] * 3)[:, None]},
    ],
)
def test_a_query_alone_meets_all_its_keys(how, tmp_path):
    x = torch.randn(*X)
    x[..., 0] = 1.0  # whatever the mask, there is a key
    places, graph = narrow(attention(**how), [layer(), layer(), layer()], x, tmp_path)
    assert places >= 2  # the attention and the layer of its queries
    (mixed,) = [n for n in graph.nodes if is_op(n, aten.scaled_dot_product_attention)]
    assert shape(mixed)[2] < 6


def test_causal_rows_together_stay_together(tmp_path):
    how = attention(causal=True, rows=slice(1, 3))
    assert narrow(how, [layer(), layer(), layer()], torch.randn(*X), tmp_path)[0] == 0


class Classifier(nn.Module):
    """Two encoder layers, of which the class token is read."""

    def __init__(self, norm_first):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        one = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True, norm_first=norm_first)
        self.encoder = nn.TransformerEncoder(one, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        return self.head(self.encoder(x)[:, 0])


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_classifiers_last_layer_computes_its_token_alone(norm_first, tmp_path):
    module = Classifier(norm_first)
    x = torch.randn(3, 5, 16)
    captured = capture(module, (x,))
    before = sum(_products(captured.graph))
    places = {a.name: a.places for a in apply_reported(captured, ["no-ops", "needed-rows"])}
    assert places["needed-rows"] >= 6
    # attention's own layer and the two behind it are left out for all but one of six tokens
    last = 3 * 6 * (16 * 16 + 2 * 16 * 32)
    assert before - sum(_products(captured.graph)) == last * 5 // 6
    program = load(print_program(captured), tmp_path, module)
    assert not difference(captured, program)


def _elements(graph):
    """Return how many numbers are computed."""
    calls = (n for n in graph.nodes if n.op == "call_function" and not is_view(n))
    return sum(prod(shape(n)) for n in calls if not is_op(n, aten._assert_tensor_metadata))


def _products(graph):
    """Yield the multiplications of each layer."""
    for node in graph.nodes:
        if is_op(node, aten.linear):
            yield prod(shape(node)) * shape(node.args[1])[1]


WIDER = {
    "one of concatenated": lambda i, x: ((y := torch.cat([i, x], 1)[:, 0]) * y).float(),
    "one of stacked": lambda i, x: ((y := torch.stack([i, x, x], 1)[:, 0]) * y).float(),
    "the bits of a number": lambda i, x: (x.sin().view(torch.int32)[:, 0] < 0).float(),
}


@pytest.mark.parametrize("what", WIDER)
def test_rows_keep_the_type_of_the_whole(what, tmp_path):
    class Made(nn.Module):
        def forward(self, i, x):
            return WIDER[what](i, x)

    i, x = torch.arange(8, dtype=torch.int32).view(4, 2), torch.randn(4, 2)
    captured = capture(Made(), (i, x))
    apply_reported(captured, ["needed-rows"])
    program = load(print_program(captured), tmp_path, Made())
    far, zeros = torch.full((4, 2), 50000, dtype=torch.int32), torch.full((4, 2), -0.0)
    for given in ((far, x), (i, zeros)):
        torch.testing.assert_close(program(*given), Made()(*given))


SHARED = {
    "the input's": (lambda m, x: torch.cat([x.sin(), x], 2)[:, :, 10:], []),
    "a parameter's": (lambda m, x: torch.cat([m[0].weight, x[0]])[:3], [layer()]),
    "another result's": (lambda m, x: (a := m[0](x), torch.cat([a, x], 1)[:, :6]), [layer()]),
    "a turned input's": (lambda m, x: x.transpose(0, 1).contiguous()[:, 0], []),
    "a flat input's": (lambda m, x: x.transpose(0, 1).reshape(24, 8)[:4], []),
}


@pytest.mark.parametrize("what", SHARED)
def test_a_result_owns_its_memory(what, tmp_path):
    function, layers = SHARED[what]
    x = torch.randn(*X)
    module = module_of(function, *layers)
    captured = capture(module, (x,))
    apply_reported(captured, ["needed-rows"])
    program = load(print_program(captured), tmp_path, module)
    given = x.clone()
    results = program(given)
    results = results if isinstance(results, tuple) else (results,)
    held = [given, *program.parameters()]
    for place, result in enumerate(results):
        others = (*held, *results[:place])
        memory = result.untyped_storage().data_ptr()
        assert all(memory != other.untyped_storage().data_ptr() for other in others)


def test_readers_that_view_a_part_reshape_it(tmp_path):
    def forward(m, x):
        return torch.cat([x.mT.exp(), x.sin().view(4, 8, 6)], 0)[:4].view(4, 48)

    assert narrow(forward, [], torch.randn(*X), tmp_path)[0] == 1


def test_what_nobody_reads_stops_nothing(tmp_path):
    """Before a cast stands export's assertion of the type, whose result nobody reads."""

    def forward(m, x):
        y = m[0](x)
        return (y * torch.rsqrt(y.to(torch.float32).square().mean(-1, keepdim=True)))[:, -1]

    places, graph = narrow(forward, [layer()], torch.randn(*X), tmp_path)
    (linear,) = [n for n in graph.nodes if is_op(n, aten.linear)]
    assert places >= 5 and shape(linear) == (4, 1, 8)
