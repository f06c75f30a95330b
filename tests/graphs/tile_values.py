"""Run by test_fused_tiles where Triton interprets: programs of fused tiles against fp64."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.applying import apply_one
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.fused_tiles import FusedRowsGpu
from tests.graphs.firing import draw
from tests.graphs.programs import load


class Function(nn.Module):
    def __init__(self, function: Callable) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor):
        return self.function(*inputs)


class Normed(nn.Module):
    """A layer norm of a sum, which goes on; a GELU behind it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.norm.weight.data, self.norm.bias.data = draw(width, seed=5), draw(width, seed=6)

    def forward(self, x, y):
        x = x + y
        return x, F.gelu(self.norm(x))


def scores(x, y):
    return torch.softmax(x * 0.3 + y, -1), F.log_softmax(x / 3, -1)


def gated(x, y):
    scaled = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)
    unit = F.normalize(F.gelu(scaled, approximate="tanh") * y, dim=-1)
    return unit, F.rms_norm(x - 2, x.shape[-1:]) * y[..., :1], (x * y).std(-1, unbiased=False)


def sums(x, y):
    return (x + y).sum(-1), (x - y).mean((-2, -1), keepdim=True) + x, (x * y).amax(-1), (x * 3).var(-1)


def activations(x, y):
    a = F.leaky_relu(torch.tanh(x) - 2 * y, 0.2) + torch.sigmoid(x).mul(3.0) + F.silu(y)
    b = F.hardtanh(torch.sub(x, y, alpha=2), -0.4, 0.5) / (1 + y.square()) + F.mish(x * 3)
    c = F.relu6(3 - x) + F.hardswish(x * 4) - torch.exp(-y.abs()).clamp(0.1, 0.7) + F.softplus(y * 9)
    d = torch.erf(x) + F.gelu(y) + (x.abs() + 0.1).sqrt() + (1 / (y.abs() + 1)).pow(3) + F.elu(x, 0.7)
    e = F.hardsigmoid(x) * F.selu(y) + torch.maximum(x, y) - torch.minimum(x.cos(), y.sin())
    f = x.clamp(max=0.1) - (y**2 + 1) ** -0.5 + (x.square() + 1).log()
    return a, b, c, d, e, f, F.relu_(x * y).add_(y).clamp_min(0.25), F.softplus(x, 2.0, 1.0) + 1e-3 * x


def broadcasts(x, y):
    """A scalar, a vector, a column and a transposed matrix, some computed before they are repeated."""
    vector, column = torch.sigmoid(y[0]) + 1, y[:, :1] * 2
    square = torch.relu(x.transpose(0, 1).contiguous().transpose(0, 1) + y)
    return square * vector - column, (x + y.mean() * 0 + x[3, 2]) * column, torch.relu(x[:, ::2] - y[:, 1::2])


class Images(nn.Module):
    """Batch norm with a residual that is normalised too, group norm, a sum over the image."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one, self.two, self.three = (nn.BatchNorm2d(channels) for _ in range(3))
        self.groups = nn.GroupNorm(2, channels)
        self.conv = nn.Conv2d(channels, channels, 1)
        for number, norm in enumerate((self.one, self.two, self.three, self.groups)):
            norm.weight.data, norm.bias.data = draw(channels, seed=number), draw(channels, seed=9 + number)
        self.one.running_mean.data = draw(channels, seed=3)
        self.one.running_var.data = draw(channels, seed=4).abs() + 0.1

    def forward(self, x, y):
        z = torch.relu(self.one(self.conv(x)) + self.two(self.conv(y)))
        z = F.silu(self.three(z)) * 0.5
        return z, torch.relu(self.groups(z + y)), F.adaptive_avg_pool2d(z * y, 1)


class Channels(nn.Module):
    """Batch and group norm of the very input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.batch, self.groups = nn.BatchNorm2d(channels), nn.GroupNorm(2, channels)

    def forward(self, x):
        return torch.relu(self.batch(x)), F.silu(self.groups(x)) + x


class Pooled(nn.Module):
    """Windows that touch, overlap or hang over into padding, of what is computed on the way."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x, y):
        stem = F.max_pool2d(torch.relu(self.norm(x)), 3, 2, 1)
        windows = F.avg_pool2d(F.relu(x - y), 2), F.max_pool2d(F.silu(x), (2, 3))
        padded = F.avg_pool2d(x + 1, (3, 2), (2, 1), (1, 0)), F.adaptive_avg_pool2d(x * y, (3, 2))
        return stem, *windows, *padded, F.max_pool2d(x[:, 1:] * y[:, :1], 2)


def holed(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = pair(*shape)
    x[0, 0, 1, 1], x[0, 1, 3, 4], x[0, 1, 2, 5], y[1, 2, 5] = math.nan, math.inf, math.nan, -math.inf
    return x, y


def pair(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    return draw(*shape), draw(*shape, seed=1)


def extreme(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = pair(*shape)
    x[0] *= 1e4
    x[1, 3], x[2, 4], x[3], x[4, 5], x[5] = math.inf, -math.inf, -math.inf, math.nan, 3e38
    y[6, 1] = math.nan
    return x, y


def vectors(train: bool) -> nn.Module:
    norm = nn.BatchNorm1d(37, momentum=0.3, eps=0.1, affine=not train)
    return nn.Sequential(norm, nn.Hardswish()).train(train)


def far(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers around a thousand that differ by a hundredth."""
    return draw(*shape) * 1e-2 + 1e3, torch.zeros(shape)


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[torch.Tensor, ...], int]] = {
    **{f"normed {n}": (lambda n=n: Normed(n), pair(3, 5, n), 1) for n in (7, 17, 100)},
    "long rows normed": (lambda: Normed(8200), pair(65, 8200), 1),
    "far from zero": (lambda: Normed(333), far(9, 333), 1),
    "far images": (lambda: Channels(4).train(), far(2, 4, 9, 70)[:1], 2),
    **{f"scores {n}": (lambda: Function(scores), pair(9, n), 2) for n in (7, 100)},
    "long scores": (lambda: Function(scores), pair(64, 8195), 2),
    "extreme scores": (lambda: Function(scores), extreme(9, 33), 2),
    **{f"gated {n}": (lambda: Function(gated), pair(2, 6, n), 3) for n in (17, 100)},
    "sums": (lambda: Function(sums), pair(5, 3, 21), 4),
    "extreme sums": (lambda: Function(lambda x, y: (x * y).amax(-1)), extreme(9, 33), 1),
    "activations": (lambda: Function(activations), pair(3, 1007), 8),
    "extreme activations": (lambda: Function(activations), extreme(9, 33), 8),
    "large activations": (lambda: Function(activations), tuple(30 * x for x in pair(3, 107)), 8),
    "broadcasts": (lambda: Function(broadcasts), pair(24, 24), 3),
    "images in training": (lambda: Images(6).train(), pair(3, 6, 5, 9), 2),
    "images": (lambda: Images(6).eval(), pair(3, 6, 5, 9), 1),
    "pooled": (lambda: Pooled(3).eval(), holed(2, 3, 9, 14), 6),
    "pooled in training": (lambda: Pooled(3).train(), pair(2, 3, 9, 14), 6),
    "vectors in training": (lambda: vectors(True), (draw(300, 37),), 1),
    "vectors": (lambda: vectors(False), (draw(30, 37),), 1),
}


def check(name: str, folder: Path, tune: dict[str, int]) -> str:
    """Return how a program that Triton interprets differs from fp64 by more than PyTorch does."""
    made, inputs, places = CASES[name]
    torch.manual_seed(0)
    module = made()
    captured = capture(module, inputs)
    applied = apply_one(captured, FusedRowsGpu())
    if applied.refused or applied.places != places:
        return f"{applied}"
    text = print_program(captured)
    assert "is_cuda" in text
    for entry, choice in tune.items():
        text = text.replace(f"'{entry}': [", f"'{entry}': [{choice}, ")
    text = text.replace("if not a0.is_cuda:", "if False:").replace("if not x.is_cuda:", "if False:")
    program = load(text, folder, module)
    exact, plain = copy.deepcopy(module).double(), copy.deepcopy(module)
    with torch.no_grad():
        wanted = exact(*(x.double() for x in inputs)), plain(*inputs), program(*(x.clone() for x in inputs))
    lists = [list(w) if isinstance(w, tuple) else [w] for w in wanted]
    lists = [[*outs, *m.buffers()] for outs, m in zip(lists, (exact, plain, program), strict=True)]
    for number, values in enumerate(zip(*lists, strict=True)):
        best, theirs, mine = (v.double() for v in values)
        if not torch.equal(theirs.isfinite(), mine.isfinite()):
            return f"output {number}: not finite elsewhere"
        if not torch.equal(theirs.isnan(), mine.isnan()):
            return f"output {number}: NaN elsewhere"
        finite = theirs.isfinite() & best.isfinite()
        error, own = (mine - best).abs()[finite], (theirs - best).abs()[finite]
        if not error.numel():
            continue
        limit = 2e-6 + 2e-6 * best.abs()[finite]
        if (error > limit.clamp(min=1.5 * float(own.max()))).any():
            return f"output {number}: error {float(error.max()):.3g}, PyTorch's {float(own.max()):.3g}"
    return ""


def main() -> None:
    folder, tune, names = Path(sys.argv[1]), eval(sys.argv[2]), sys.argv[3:] or list(CASES)
    bad = {name: said for name in names if (said := check(name, folder, tune))}
    assert not bad, bad


if __name__ == "__main__":
    main()
