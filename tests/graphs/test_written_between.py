"""Reads are not moved across writes, writes are seen wherever they hide, and copies stay copies."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites import REWRITES
from tests.graphs.programs import load
from tests.graphs.test_rewrites import module_of

ALL = [rewrite.name for rewrite in REWRITES]


def residual(m, x):
    x = x * 1.0
    out = m[0](x)
    beside = F.relu(x, inplace=True)
    return m[1](out) + beside


def pooled(m, x):
    h = x.sin()
    y = m[0](h)
    h.relu_()
    return F.avg_pool2d(y, 2), h


def summed(m, x):
    h = x.sin()
    product = h[:, :, :, None] * x[:, :, None]
    h.relu_()
    return product.sum(1), h


def attended(m, x):
    q = x.sin()
    scores = q @ x.mT
    q.relu_()
    return scores.softmax(-1) @ x, q


def attended_by_relu(m, x):
    q = x.sin()
    scores = q @ x.mT
    q.relu_()
    return scores.relu() @ x, q


def merged(m, x):
    h = x.sin()
    v = h.view(-1, 8)
    a = m[0](v)
    h.relu_()
    return a, m[1](v)


def stepped(m, x):
    w = x[0].sin()
    v = w.view(6, 8)
    out = []
    for t in range(5):
        out.append(F.linear(x[1, t : t + 1], v))
        w.relu_()
    return torch.stack(out)


def split(m, x):
    h, out = x.new_zeros(3, 8), []
    for t in range(5):
        inner = x[:3, t].sin()
        joined = torch.cat([inner, h], 1)
        inner.relu_()
        h = torch.tanh(m[0](joined)) + inner
        out.append(h)
    return torch.stack(out)


def clamped(m, x):
    a, b = m[0](x), m[1](x)
    torch._foreach_clamp_max_([a, b], 3.0)
    return a * 2, b


def kept(m, x):
    h = m[0].weight.tanh().type_as(x)
    h.masked_fill_(x[0, 0, 0] > 5, 9.0)
    return h + x[0, :1, :8]


def handed_out(m, x):
    return m[0].weight.exp().type_as(x), x.sin()


def norm():
    made = nn.BatchNorm2d(3)
    made.running_mean.normal_()
    return made


def lines():
    return [nn.Linear(8, 8), nn.Linear(8, 8)]


CASES = {
    "folded-norm": (residual, [nn.Conv2d(3, 3, 3, padding=1), norm()], (2, 3, 8, 8)),
    "pool-first": (pooled, [nn.Conv2d(3, 4, 1)], (2, 3, 8, 8)),
    "contraction": (summed, [], (2, 5, 4)),
    "fused-attention": (attended, [], (2, 5, 8)),
    "relu-attention": (attended_by_relu, [], (2, 5, 8)),
    "merged-linear": (merged, lines(), (2, 6, 8)),
    "batched-steps": (stepped, [], (2, 6, 8)),
    "split-steps": (split, [nn.Linear(16, 8)], (4, 6, 8)),
    "dead-work": (clamped, lines(), (4, 8)),  # a list is written to
    "precompute": (kept, lines(), (2, 6, 8)),  # what was computed once would be written to
    "precompute, handed out": (handed_out, lines(), (2, 6, 8)),
}


@pytest.mark.parametrize("what", CASES)
def test_a_program_is_right_on_values_that_the_write_changes(what, tmp_path):
    function, layers, size = CASES[what]
    torch.manual_seed(5)
    module = module_of(function, *layers).eval()
    for names in ([what.partition(",")[0]], ALL):
        captured = capture(module, (torch.rand(*size),))  # on these ReLU changes nothing
        if not any(applied.places for applied in apply_reported(captured, names)):
            continue
        program = load(print_program(captured), tmp_path, module)
        with torch.no_grad():
            for scale in (50.0, 1.0):  # a cache that the first call left wrong shows in the second
                other = scale * torch.randn(*size)
                found, wanted = program(other), module(other)
                torch.testing.assert_close(found, wanted, atol=2e-5, rtol=2e-5)
                if what.endswith("handed out"):
                    found[0].zero_()
