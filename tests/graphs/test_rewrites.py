"""Every rewrite on two modules that match and one that must not; then all of them on random compositions."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.execution import Call, observe
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrite import Rewrite
from kernelevo.graphs.rewrites import REWRITES
from tests.few import few
from tests.graphs.compositions import Branches, Residual, composition
from tests.graphs.programs import difference, load


def module_of(function, *layers):
    """Return a module whose forward is ``function(layers, x)``."""

    class Made(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(layers)

        def forward(self, x):
            return function(self.layers, x)

    return Made()


def image(channels=4, size=8):
    return torch.randn(2, channels, size, size)


def normed(layer, norm, training=False):
    module = nn.Sequential(layer, norm).train(training)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    return module


def dead(m, x):
    m[1](x)
    return m[0](x)


def noisy(m, x):
    torch.rand(3)
    return m[0](x)


def loop(m, x):
    """A recurrent cell written out: concatenated input and state, an output layer in each step."""
    h, out = x.new_zeros(x.shape[1], 6), []
    for t in range(x.shape[0]):
        h = torch.tanh(m[0](torch.cat([x[t], h], 1)))
        out.append(m[1](h))
    return torch.stack(out), h


def batch_first_loop(m, x):
    h = x.new_zeros(x.shape[0], 6)
    for t in range(x.shape[1]):
        h = torch.sigmoid(m[0](torch.cat((h, x[:, t, :]), dim=-1)))
    return h


def gated_loop(m, x):
    h = x.new_zeros(x.shape[1], 4)
    for x_t in x.unbind(0):
        h = torch.tanh(m[0](x_t) + m[1](h))
    return h


def chain(m, x):
    for _ in range(5):
        x = m[0](x)
    return x


def short_loop(m, x):
    return loop(m, x[:3])


class Joined(nn.Module):
    """A layer whose output and states another one takes."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LSTM(4, 5), nn.LSTM(5, 5)

    def forward(self, x):
        y, states = self.first(x)
        return self.second(y, states)


class Decay(nn.Module):
    def __init__(self):
        super().__init__()
        self.log = nn.Parameter(torch.randn(6, 4))

    def forward(self, x):
        return x * torch.exp(-torch.exp(self.log)).sum(0) + F.linear(x, F.normalize(self.log[:4], dim=1))


class Returned(Decay):
    def forward(self, x):
        return x, torch.exp(self.log)


class Seen(Decay):
    def forward(self, x):
        return x @ self.log.t()[:, :3]


def written_gelu(m, x):
    x = m[0](x)
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


def rough_gelu(m, x):
    return x * torch.sigmoid(1.702 * x)


class Product(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.randn(4, 6)), nn.Parameter(torch.randn(6))

    def forward(self, x):
        return x @ self.w + torch.addmm(self.b, x, self.w)


def copied_heads(m, x):
    q, k, v = m[0](x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4).contiguous()
    return F.scaled_dot_product_attention(q, k, v)


def copied_keys(m, x):
    keys = x.view(2, 5, 2, 4).transpose(1, 2).clone()
    return F.scaled_dot_product_attention(keys.view(2, 2, 5, 4), x.view(2, 2, 5, 4), keys.view(2, 2, 5, 4))


def copied_and_returned(m, x):
    keys = x.view(2, 5, 2, 4).transpose(1, 2).contiguous()
    return F.scaled_dot_product_attention(keys.view(2, 2, 5, 4), keys, keys), keys


MATCHES = [
    ("strided-heads", module_of(copied_heads, nn.Linear(8, 24)), torch.randn(2, 5, 8)),
    ("strided-heads", module_of(copied_keys), torch.randn(2, 5, 8)),
    ("named-activation", module_of(written_gelu, nn.Linear(4, 6)), torch.randn(3, 4)),
    ("named-activation", module_of(lambda m, x: (y := x.sin()) / (1 + torch.exp(-y))), torch.randn(3, 4)),
    ("packed-linear", Product(), torch.randn(3, 4)),
    ("contraction", module_of(lambda m, x: (x.unsqueeze(3) * x.unsqueeze(2)).sum(1)), torch.randn(2, 5, 4)),
    (
        "contraction",
        module_of(
            lambda m, x: (x.unsqueeze(-1) * m[0](x).unsqueeze(-2)).sum(0, keepdim=True), nn.Linear(4, 3)
        ),
        torch.randn(6, 4),
    ),
    ("needed-rows", module_of(lambda m, x: m[0](x).relu()[:, 0], nn.Linear(4, 6)), torch.randn(2, 5, 4)),
    ("needed-rows", module_of(lambda m, x: m[0](x)[:, -2:], nn.Linear(4, 6)), torch.randn(2, 5, 4)),
    ("split-steps", module_of(loop, nn.Linear(10, 6), nn.Linear(6, 3)), torch.randn(5, 2, 4)),
    ("split-steps", module_of(batch_first_loop, nn.Linear(10, 6, bias=False)), torch.randn(2, 7, 4)),
    ("batched-steps", module_of(loop, nn.Linear(10, 6), nn.Linear(6, 3)), torch.randn(5, 2, 4)),
    ("batched-steps", module_of(gated_loop, nn.Linear(3, 4), nn.Linear(4, 4)), torch.randn(6, 2, 3)),
    ("precompute", Decay(), torch.randn(3, 4)),
    ("precompute", nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)), torch.randn(3, 4)),
    ("dead-work", module_of(dead, nn.Linear(4, 4), nn.Linear(4, 2)), torch.randn(3, 4)),
    ("dead-work", module_of(lambda m, x: (x.cos(), m[0](x))[1], nn.Tanh()), torch.randn(3, 4)),
    ("no-ops", nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.0)), torch.randn(3, 4)),
    ("no-ops", nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).eval(), torch.randn(3, 4)),
    ("pool-first", nn.Sequential(nn.Conv2d(4, 6, 1), nn.AvgPool2d(2)), image()),
    ("pool-first", nn.Sequential(nn.Conv2d(4, 6, 1, bias=False), nn.AvgPool2d(3, padding=1)), image()),
    ("pool-first", nn.Sequential(nn.Conv2d(4, 6, 1), nn.AdaptiveAvgPool2d(3)), image()),
    ("folded-norm", normed(nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6)), image()),
    ("folded-norm", normed(nn.Linear(4, 6), nn.BatchNorm1d(6, affine=False, eps=0.1)), torch.randn(3, 4)),
    ("folded-norm", normed(nn.Conv1d(4, 6, 3), nn.BatchNorm1d(6)), torch.randn(2, 4, 9)),
    ("folded-norm", normed(nn.Conv3d(4, 6, 2), nn.BatchNorm3d(6)), torch.randn(2, 4, 3, 4, 5)),
    ("folded-norm", normed(nn.ConvTranspose1d(4, 6, 3), nn.BatchNorm1d(6)), torch.randn(2, 4, 9)),
    ("folded-norm", normed(nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, bias=False), nn.BatchNorm2d(6)), image()),
    ("folded-norm", normed(nn.ConvTranspose3d(6, 6, 2), nn.BatchNorm3d(6)), torch.randn(2, 6, 3, 4, 5)),
    (
        "merged-linear",
        module_of(lambda m, x: m[0](x) * m[1](x) + m[2](x), *(nn.Linear(4, 6) for _ in range(3))),
        torch.randn(3, 4),
    ),
    (
        "merged-linear",
        Branches(nn.Linear(4, 2, bias=False), nn.Linear(4, 5, bias=False), dim=-1),
        image(size=4),
    ),
    (
        "merged-linear",
        module_of(lambda m, x: m[0](x).view(2, 30) * m[1](x).view(2, 30), nn.Linear(4, 6), nn.Linear(4, 6)),
        torch.randn(2, 5, 4),
    ),
    (
        "merged-convolution",
        module_of(lambda m, x: torch.cat([m[0](x), m[1](x)]), nn.Conv2d(4, 3, 1), nn.Conv2d(4, 5, 1)),
        image()[0],
    ),
    ("merged-convolution", Branches(nn.Conv2d(4, 3, 1), nn.Conv2d(4, 5, 1)), image()),
    (
        "merged-convolution",
        Branches(*(nn.Conv2d(4, n, 3, 2, 1, bias=False) for n in (2, 3)), nn.Conv2d(4, 2, 1, 2)),
        image(),
    ),
    ("embedded-convolution", Branches(nn.Conv2d(4, 3, 1), nn.Conv2d(4, 5, 3, padding=1)), image()),
    ("embedded-convolution", Branches(nn.Conv2d(4, 3, 3), nn.Conv2d(4, 5, 5, padding=1)), image()),
    (
        "channels-last",
        nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Conv2d(6, 2, 3), nn.Flatten()),
        image(),
    ),
    ("channels-last", module_of(lambda m, x: m[0](x).view(2, -1), nn.Conv2d(4, 6, 3)), image()),
    ("packed-convolution", nn.Sequential(nn.Conv2d(4, 6, 3, 2, 1, groups=2), nn.Sigmoid()), image()),
    (
        "packed-convolution",
        nn.Sequential(nn.Conv2d(4, 6, (1, 3)), nn.GELU("tanh"), nn.Conv2d(6, 6, 1)),
        image(),
    ),
    (
        "packed-convolution",
        nn.Sequential(
            nn.Conv3d(4, 6, 3, (1, 2, 1), 1, groups=2), nn.ReLU(True), nn.Conv3d(6, 2, 1, bias=False)
        ),
        torch.randn(2, 4, 5, 6, 7),
    ),
    (
        "packed-linear",
        nn.Sequential(nn.Linear(4, 6), nn.ReLU(True), nn.Linear(6, 2), nn.GELU()),
        torch.randn(3, 4),
    ),
    ("packed-linear", Residual(nn.Linear(4, 4, bias=False)), torch.randn(3, 5, 4)),
    ("packed-linear", module_of(lambda m, x: F.silu(m[0](x.mT)), nn.Linear(3, 4)), torch.randn(2, 3, 4)),
    (
        "convolution-rows",
        nn.Sequential(nn.Conv2d(4, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 20, 1), nn.SiLU()),
        image(),
    ),
    ("convolution-rows", Residual(nn.Conv2d(16, 16, 5, 1, 2, groups=16)), image(16)),
    (
        "counters",
        nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.BatchNorm2d(4)),
        image(),
    ),
    ("counters", nn.Sequential(*(nn.BatchNorm1d(4) for _ in range(2))), torch.randn(3, 4)),
    ("in-place", nn.Sequential(nn.Linear(4, 6), nn.ReLU()), torch.randn(3, 4)),
    ("in-place", nn.Sequential(nn.Conv2d(4, 6, 1), nn.BatchNorm2d(6), nn.SiLU()), image()),
    ("in-place", Residual(nn.Linear(4, 4)), torch.randn(3, 5, 4)),
]

OTHERS = [
    ("strided-heads", module_of(copied_and_returned), torch.randn(2, 5, 8)),
    ("named-activation", module_of(rough_gelu), torch.randn(3, 4)),
    ("named-activation", module_of(lambda m, x: (y := torch.exp(-x)) * (x / (1 + y))), torch.randn(3, 4)),
    ("contraction", module_of(lambda m, x: (x * x).sum(1)), torch.randn(2, 5, 4)),
    ("contraction", module_of(lambda m, x: (x[:, :, None] * x[:, None]).sum(2)), torch.randn(2, 5)),
    ("needed-rows", module_of(lambda m, x: m[0](x)[:, 1:], nn.Linear(4, 6)), torch.randn(2, 5, 4)),
    ("split-steps", module_of(short_loop, nn.Linear(10, 6), nn.Linear(6, 3)), torch.randn(5, 2, 4)),
    ("split-steps", module_of(chain, nn.Linear(4, 4)), torch.randn(5, 4)),
    ("batched-steps", module_of(chain, nn.Linear(4, 4)), torch.randn(5, 4)),
    ("precompute", Returned(), torch.randn(3, 4)),
    ("precompute", Seen(), torch.randn(3, 4)),
    ("dead-work", module_of(noisy, nn.Dropout(0.5)), torch.randn(3, 4)),
    ("no-ops", nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)), torch.randn(3, 4)),
    ("pool-first", nn.Sequential(nn.Conv2d(4, 6, 1), nn.AvgPool2d(2, padding=1)), image()),
    ("pool-first", nn.Sequential(nn.Conv2d(4, 6, 3), nn.AvgPool2d(2)), image()),
    ("pool-first", nn.Sequential(nn.Conv2d(4, 6, 1), nn.MaxPool2d(2)), image()),
    ("folded-norm", normed(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), training=True), image()),
    ("folded-norm", normed(nn.ConvTranspose2d(4, 4, 3, groups=2), nn.BatchNorm2d(4)), image()),
    (
        "folded-norm",
        module_of(lambda m, x: m[1](y := m[0](x)) + y, *normed(nn.Linear(4, 6), nn.BatchNorm1d(6))).eval(),
        torch.randn(3, 4),
    ),
    (
        "merged-linear",
        module_of(lambda m, x: m[1](m[0](x)), nn.Linear(4, 4), nn.Linear(4, 4)),
        torch.randn(3, 4),
    ),
    ("merged-convolution", Branches(nn.Conv2d(4, 3, 1), nn.Conv2d(4, 5, 3, padding=1)), image()),
    (
        "embedded-convolution",
        Branches(nn.Conv2d(4, 3, 1), nn.Conv2d(4, 5, 3, padding=2, dilation=2)),
        image(),
    ),
    ("convolution-rows", nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6)), image()),
    ("counters", nn.BatchNorm2d(4), image()),
    (
        "counters",
        module_of(lambda m, x: m[0](m[0](x)) + m[0].num_batches_tracked, nn.BatchNorm2d(4)),
        image(),
    ),
    ("channels-last", nn.Conv1d(4, 6, 3), torch.randn(2, 4, 9)),
    ("packed-convolution", nn.Conv2d(4, 6, 3), image()[0]),
    ("packed-convolution", nn.Conv2d(4, 6, 3).double(), image().double()),
    ("packed-linear", nn.Linear(4, 4).double(), torch.randn(3, 4).double()),
    ("in-place", module_of(lambda m, x: torch.relu(y := m[0](x)) + y, nn.Linear(4, 4)), torch.randn(3, 4)),
    ("in-place", nn.Sequential(nn.Flatten(0), nn.ReLU()), torch.randn(3, 4)),
    ("in-place", module_of(lambda m, x: m[0](x) + x, nn.Linear(4, 1)), torch.randn(3, 4)),  # it grows
    ("in-place", module_of(lambda m, x: torch.add(x, m[0](x), alpha=2), nn.Linear(4, 4)), torch.randn(3, 4)),
    ("in-place", module_of(lambda m, x: x.mT + m[0](x), nn.Linear(4, 4)), torch.randn(2, 4, 4)),  # strides
]


def test_the_catalogue():
    names = [rewrite.name for rewrite in REWRITES]
    assert len(set(names)) == len(names)
    assert all(isinstance(rewrite, Rewrite) and rewrite.describes for rewrite in REWRITES)


@pytest.mark.parametrize(("name", "module", "x"), MATCHES)
def test_matches_and_follows_its_parameters(name, module, x, tmp_path):
    captured = capture(module, (x,))
    (applied,) = apply_reported(captured, [name])
    assert applied.places > 0, applied
    program = load(print_program(captured), tmp_path, module)
    assert difference(captured, program) == ""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.5).add_(0.1)
    program.load_state_dict(module.state_dict())
    call = [Call((x,), {})]
    for mine, theirs in zip(observe(program, call).outputs, observe(module, call).outputs, strict=True):
        torch.testing.assert_close(mine, theirs, atol=2e-5, rtol=2e-5)


def pairs_of_linear(m, x):
    return torch.stack([m[1](m[0](x[:, t])) for t in range(5)], 1)


def layers_of_linear(m, x):
    inner = [m[0](x[:, t]) for t in range(5)]
    return torch.stack([m[1](y) for y in inner], 1)


def hops(m, x):
    s = x
    for _ in range(3):
        s = torch.softmax(2.0 * s @ m[0](x).transpose(-2, -1), -1) @ x
    return s


STACKED = [
    ("recurrent-cells", Joined(), torch.randn(3, 2, 4), 2),
    ("batched-steps", module_of(pairs_of_linear, nn.Linear(4, 3), nn.Linear(3, 6)), torch.randn(2, 5, 4), 2),
    ("batched-steps", module_of(layers_of_linear, nn.Linear(4, 3), nn.Linear(3, 6)), torch.randn(2, 5, 4), 2),
    ("fused-attention", module_of(hops, nn.Linear(8, 8)), torch.randn(2, 5, 8), 3),
]


@pytest.mark.parametrize(("name", "module", "x", "places"), STACKED)
def test_what_reads_the_result_of_another_match_matches_too(name, module, x, places, tmp_path):
    captured = capture(module, (x,))
    (applied,) = apply_reported(captured, [name])
    assert (applied.places, applied.refused) == (places, "")
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""


@pytest.mark.parametrize(("name", "module", "x"), OTHERS)
def test_does_not_match(name, module, x):
    captured = capture(module, (x,))
    before = str(captured.graph)
    (applied,) = apply_reported(captured, [name])
    assert applied.places == 0
    assert applied.refused == ""
    assert str(captured.graph) == before


@pytest.mark.parametrize("seed", few(range(20), 2))
def test_everything_at_once_on_random_compositions(seed, tmp_path):
    module, inputs = composition(seed)
    captured = capture(module, inputs)
    report = apply_reported(captured, [rewrite.name for rewrite in REWRITES])
    for applied in report:  # a layout changes what is drawn where, which the check must notice
        assert not applied.refused or has_dropout(module), applied
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""


def has_dropout(module):
    return module.training and any(isinstance(m, nn.Dropout) and m.p > 0 for m in module.modules())


def test_pooling_needs_no_name():
    module = module_of(lambda m, x: F.avg_pool2d(m[0](x), 2), nn.Conv2d(4, 6, 1))
    assert apply_reported(capture(module, (image(),)), ["pool-first"])[0].places == 1


def logistic(x):
    return 1 / (1 + torch.exp(-x))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.relu(x).clamp(max=100.0),
        lambda x: (x * logistic(x)).clamp(-1e4, 1e4),
        lambda x: torch.log(logistic(x).clamp(1e-10, 1.0)),
        lambda x: torch.exp(x) / (1 + torch.exp(x)),
    ],
)
def test_an_activation_is_not_named_where_its_bounds_or_its_overflow_would_be_lost(function):
    """None of these differ from ReLU, SiLU and sigmoid on the inputs that the module was captured with."""
    module, far = module_of(lambda m, x: function(x)), torch.tensor([[-200.0, -40.0, 90.0, 2e4]])
    captured = capture(module, (torch.randn(3, 4),))
    apply_reported(captured, ["named-activation"])
    torch.testing.assert_close(captured.gm(far), module(far), atol=1e-6, rtol=1e-6, equal_nan=True)
