"""Fused rows: on modules of several kinds and sizes against fp64; extreme inputs; and what must not match."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import kernelevo
from kernelevo.backends.toolchain import compiler
from kernelevo.graphs.applying import apply_one, apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites import REWRITES
from kernelevo.graphs.rewrites.fused_rows import FusedRows
from tests.few import few
from tests.graphs.compositions import composition
from tests.graphs.firing import draw
from tests.graphs.programs import difference, load
from tests.graphs.test_math_header import WIDTHS


class Stream(nn.Module):
    """A residual stream: the sum goes on and is normalised."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.norm.weight.data, self.norm.bias.data = draw(width, seed=5), draw(width, seed=6)

    def forward(self, x, y):
        x = x + y
        return x, self.norm(x)


class Scores(nn.Module):
    """A scaled softmax, and its logarithm."""

    def forward(self, x, y):
        return torch.softmax(x * 0.3 + y, -1), F.log_softmax(x / 3, -1)


class Gated(nn.Module):
    """Root-mean-square and L2 norms, a bias, a gate that is half of a tensor, a scalar per row."""

    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(draw(width, seed=7))

    def forward(self, x, y):
        scaled = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.bias
        gate, value = torch.cat([scaled, y], -1).chunk(2, -1)
        unit = F.normalize(F.gelu(gate, approximate="tanh") * value, dim=-1)
        return unit, F.silu(y + self.bias) * y[..., :1], (x * y).std(-1, unbiased=False)


class Activations(nn.Module):
    """Every operation that has a text of its own."""

    def forward(self, x, y):
        a = F.leaky_relu(torch.tanh(x) - 2 * y, 0.2) + torch.sigmoid(x).mul(3.0)
        b = F.hardtanh(torch.sub(x, y, alpha=2), -0.4, 0.5) / (1 + y.square())
        c = F.relu6(3 - x) + F.hardswish(x * 4) - torch.exp(-y.abs()).clamp(0.1, 0.7)
        d = torch.erf(x) + F.gelu(y) + (x.abs() + 0.1).sqrt() + (1 / (y.abs() + 1)).pow(3)
        return a, b, c, d, F.relu_(x * y).add_(y).clamp_min(0.25), x.clamp(max=0.1) - (y**2 + 1) ** -0.5


class Images(nn.Module):
    """Pooling of images that are computed on the way; a vector per channel."""

    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(draw(channels, 1, 1, seed=8))

    def forward(self, x, y):
        shifted = torch.relu(x * self.scale + y)
        windows = F.avg_pool2d(F.relu(x - y), 2), F.max_pool2d(F.silu(x), 3, 2, 1)
        padded = F.avg_pool2d(x + 1, (3, 2), (2, 1), (1, 0)), F.adaptive_avg_pool2d(x * y, (3, 2))
        return *windows, *padded, shifted, F.adaptive_avg_pool2d(F.silu(y), 1), (x * 2).mean((2, 3))


def pair(*shape):
    return draw(*shape), draw(*shape, seed=1)


def norm_of_rank(*shape):
    norm = nn.LayerNorm(shape)
    norm.weight.data, norm.bias.data = draw(*shape, seed=2), draw(*shape, seed=3)
    return nn.Sequential(nn.SiLU(), norm, nn.ReLU(inplace=True))


CASES = {
    **{f"stream {n}": (lambda n=n: (Stream(n), pair(3, 5, n)), 1) for n in (1, 7, 17, 100, 768)},
    **{f"scores {n}": (lambda n=n: (Scores(), pair(9, n)), 2) for n in (1, 7, 17, 768)},
    **{f"gated {n}": (lambda n=n: (Gated(n), pair(2, 6, n)), 4) for n in (1, 17, 100)},
    "activations": (lambda: (Activations(), pair(2, 10_007)), 6),
    "images": (lambda: (Images(5), pair(2, 5, 9, 14)), 7),
    "large images": (lambda: (Images(3), pair(2, 3, 33, 70)), 7),
    "norm of two dimensions": (lambda: (norm_of_rank(4, 9), (draw(6, 4, 9),)), 1),
    "rows by the thousand": (lambda: (Stream(33), pair(1111, 33)), 1),
}


def fuse(module, inputs, **settings):
    captured = capture(module, inputs)
    applied = apply_one(captured, FusedRows(least=0, **settings))
    assert applied.refused == ""
    return applied.places, captured


QUICK = ("stream 768", "scores 7", "activations")


@pytest.mark.parametrize("name", few(CASES, QUICK))
def test_values_are_kept(name, tmp_path):
    made, places = CASES[name]
    module, inputs = made()
    if inputs[0].shape[-1] == 1:
        places = None  # one element a row: a sum is the element itself, and regions merge
    found, captured = fuse(module, inputs)
    assert found == places or (places is None and found)
    program = load(print_program(captured), tmp_path, module)
    assert difference(captured, program) == ""
    exact = copy.deepcopy(module).double()(*(x.double() for x in inputs))
    for _ in range(2):
        results = program(*inputs)
        for mine, theirs in zip(results, exact, strict=True):
            torch.testing.assert_close(mine.double(), theirs, atol=2e-6, rtol=2e-6)


@pytest.mark.slow
def test_inputs_in_another_layout_than_at_capture(tmp_path):
    module, (x, y) = Gated(12), pair(4, 6, 12)
    _, captured = fuse(module, (x, y))
    program = load(print_program(captured), tmp_path, module)
    other = [t.transpose(0, 1).contiguous().transpose(0, 1) for t in (x, y)]
    for mine, theirs in zip(program(*other), module(x, y), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-5)
    with pytest.raises(ValueError, match="other shapes"):
        program(x[:2], y[:2])


@pytest.mark.slow
@pytest.mark.parametrize("width", ["avx2", "portable"])
def test_narrower_vectors(width):
    if width == "avx2" and not compiler().has("avx2"):
        pytest.skip("this CPU has no AVX2")
    module, (x, y) = Stream(77), pair(19, 77)
    _, captured = fuse(module, (x, y))
    (snippet,) = captured.snippets.values()
    library = kernelevo.cpp(snippet.text.split("'''")[1], flags=WIDTHS[width])
    total, normed = torch.empty_like(x), torch.empty_like(x)
    with torch.no_grad():
        library.fused_rows(x, y, module.norm.weight, module.norm.bias, total, normed)
        exact = copy.deepcopy(module).double()(x.double(), y.double())
    torch.testing.assert_close((total.double(), normed.double()), exact, atol=2e-6, rtol=2e-6)


def both(module, tmp_path, *inputs):
    """Return what the module and its program give for the first of several inputs of one shape."""
    places, captured = fuse(module, inputs)
    assert places
    return load(print_program(captured), tmp_path, module)


def test_large_logits_infinity_and_nan(tmp_path):
    program = both(Scores(), tmp_path, *pair(9, 33))
    x, y = pair(9, 33)
    x[0] *= 1e4
    x[1, 3] = math.inf
    x[2, 4] = -math.inf
    x[3] = -math.inf
    x[4, 5] = math.nan
    x[5] = 3e38
    for mine, theirs in zip(program(x, y), Scores()(x, y), strict=True):
        torch.testing.assert_close(mine, theirs, equal_nan=True, atol=1e-6, rtol=1e-5)


def test_rows_that_are_constant_or_far_from_zero(tmp_path):
    module = Stream(100)
    program = both(module, tmp_path, *pair(7, 100))
    x, y = pair(7, 100)
    y[:] = 0
    x[0], x[1], x[2] = 3.3, -1e6, 0
    x[3] += 1e4
    x[4, 0] = 1e8
    x[5, 9] = math.nan
    x[6, 1] = math.inf
    exact = copy.deepcopy(module).double()(x.double(), y.double())[1]
    mine, theirs = program(x, y)[1], module(x, y)[1]
    torch.testing.assert_close(mine[:5].double(), exact[:5], atol=2e-6, rtol=2e-6)
    torch.testing.assert_close(mine[5:], theirs[5:], equal_nan=True)


@pytest.mark.parametrize("size", [7, 100])
def test_deviations_whose_squares_fp32_does_not_hold(size, tmp_path):
    class Deviation(nn.Module):
        def forward(self, x):
            return (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True), (x + x).var(-1, correction=0)

    scales = torch.tensor([1e-30, 1e-23, 1e-19, 1.0, 1e15, 1e19, 1e20, 1e30])
    program = both(Deviation(), tmp_path, draw(8, size))
    x = draw(8, size, seed=1) * scales[:, None]
    exact = Deviation()(x.double())
    for mine, theirs, expected in zip(program(x), Deviation()(x), exact, strict=True):
        torch.testing.assert_close(mine, expected.float(), atol=2e-6, rtol=2e-6)
        torch.testing.assert_close(mine, theirs, atol=2e-6, rtol=2e-6)


def test_clamps_keep_nan_of_values_and_bounds(tmp_path):
    class Clamped(nn.Module):
        def forward(self, x, low, high):
            pairs = torch.clamp(x + 1, low, high), torch.clamp(x * 2, min=low), torch.clamp(x - 1, max=high)
            single = torch.clamp_min(x * 3, low) + 1, torch.clamp_max(x * 4, high) + 1
            return *pairs, *single, torch.clamp(x + 2, -1, 1) * 2, torch.clamp(x + 3, min=math.nan)

    module, (x, high) = Clamped(), pair(9, 33)
    program = both(module, tmp_path, x, high - 1, high)
    low = high - 1
    x[0, 3], low[1, 4], high[2, 5], low[3, 32], high[8, 32] = (math.nan,) * 5
    x[4, 0], low[4, 1], high[4, 2], low[4, 3] = math.inf, math.inf, -math.inf, -math.inf
    for mine, theirs in zip(program(x, low, high), module(x, low, high), strict=True):
        torch.testing.assert_close(mine, theirs, equal_nan=True)


def test_pooling_keeps_nan(tmp_path):
    class Pooled(nn.Module):
        def forward(self, x):
            return F.max_pool2d(F.relu(x), 2), F.avg_pool2d(F.relu(x), 2), (x + 1).amax(-1)

    program = both(Pooled(), tmp_path, draw(1, 2, 8, 40))
    x = draw(1, 2, 8, 40)
    x[0, 0, 1, 1], x[0, 0, 3, 4], x[0, 1, 2, 39], x[0, 1, 5] = math.nan, math.inf, math.nan, -math.inf
    for mine, theirs in zip(program(x), Pooled()(x), strict=True):
        torch.testing.assert_close(mine, theirs, equal_nan=True)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x, y):
        return self.function(x, y)


def written_between(x, y):
    """The sum is written to before the softmax reads it, by an operation that the pass does not know."""
    z = x + y
    z.floor_()
    return torch.softmax(z, -1)


OTHERS = {
    "one operation": (lambda x, y: (torch.tanh(x), F.layer_norm(y, (12,))), pair(6, 12)),
    "where ATen is faster": (lambda x, y: (F.gelu(x + y), torch.tanh(torch.tanh(x))), pair(6, 12)),
    "fp64": (lambda x, y: torch.relu(x + y), tuple(t.double() for t in pair(6, 12))),
    "softmax over rows": (lambda x, y: torch.softmax(x.sin(), 0) @ y.T, pair(6, 12)),
    "columns": (lambda x, y: torch.relu(x.t() + y.t()), pair(6, 12)),
    "few long rows": (lambda x, y: torch.softmax(x * y, -1), pair(2, 40_000)),
    "written between": (written_between, pair(6, 12)),
    "overhanging windows": (lambda x, y: F.avg_pool2d(x * 2, 2, ceil_mode=True), pair(1, 2, 5, 5)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_does_not_match(name):
    function, inputs = OTHERS[name]
    assert fuse(Function(function), inputs)[0] == 0


def test_small_tensors_are_left_alone():
    module, inputs = Function(lambda x, y: torch.relu(x + y)), pair(6, 12)
    assert apply_one(capture(module, inputs), FusedRows()).places == 0
    assert apply_one(capture(module, pair(600, 120)), FusedRows()).places == 1


def test_equal_regions_share_their_text():
    class Layers(nn.Module):
        def __init__(self):
            super().__init__()
            self.streams = nn.ModuleList(Stream(20) for _ in range(3))

        def forward(self, x, y):
            for stream in self.streams:
                x, y = stream(x, y)
                y = y.sin()
            return x, y

    places, captured = fuse(Layers(), pair(4, 20))
    assert (places, len(captured.snippets)) == (3, 1)


def test_a_value_read_before_the_region_ends():
    def forward(x, y):
        z = x + y
        return torch.relu(z) * torch.cumsum(z, -1)

    module = Function(forward)
    places, captured = fuse(module, pair(5, 30))
    assert places == 1
    assert captured.mismatch() == ""


@pytest.mark.parametrize("seed", few(range(20), 2))
def test_on_random_compositions(seed, tmp_path):
    module, inputs = composition(seed)
    captured = capture(module, inputs)
    apply_reported(captured, [r.name for r in REWRITES if r.name not in ("fused-rows", "in-place")])
    applied = apply_one(captured, FusedRows(least=0))
    assert applied.refused == ""
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""
