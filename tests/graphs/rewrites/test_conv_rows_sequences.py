"""Convolution rows of sequences, and with norms that have a scale and shift for each image."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.conv_rows import ConvolutionRows
from kernelevo.graphs.rewrites.conv_rows_text import snippet
from tests.graphs.firing import called, draw, fire, warmed
from tests.graphs.programs import difference, load


@pytest.mark.parametrize("threads", [1, 3, 8])
@pytest.mark.parametrize("depthwise", [False, True])
def test_a_long_sequence_is_shared_out_among_threads(depthwise, threads):
    """One row, fewer than there are threads: each takes a part of it, with what it reads beyond its ends."""
    weight, x = draw(44, 1 if depthwise else 44, 5) / 5, draw(1, 44, 205, seed=1)  # 103 steps: uneven parts
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        y, moments = snippet().function("conv_rows")(
            x, weight, None, (1, 2), (0, 2), "none", None, "none", True
        )
    finally:
        torch.set_num_threads(before)
    exact = F.conv1d(x.double(), weight.double(), None, 2, 2, groups=44 if depthwise else 1)
    torch.testing.assert_close(y.double(), exact, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(moments[0], exact.mean((0, 2)), atol=1e-6, rtol=1e-5)


class Conditioned(nn.Module):
    """A block as diffusion networks have it, of images or sequences, whose input comes back as a skip."""

    def __init__(self, norm, sides=2):
        super().__init__()
        conv = (nn.Conv1d, nn.Conv2d)[sides - 1]
        self.norms = nn.ModuleList(norm(n) for n in (32, 32, 64))
        self.one, self.two = conv(32, 32, 3, padding=1), conv(32, 32, 3, padding=1)
        self.mixed, self.deep = conv(64, 16, 1), conv(16, 16, 5, padding=2, groups=16)

    def forward(self, x, when):
        y = self.one(F.silu(self.norms[0](x)))
        y = y + when[(..., *[None] * (x.ndim - 2))]
        y = x + self.two(F.silu(self.norms[1](y)))
        return self.deep(self.mixed(F.silu(self.norms[2](torch.cat([x, y], 1)))))


NORMS = {
    "group": lambda sides: lambda n: nn.GroupNorm(4, n),
    "bare group": lambda sides: lambda n: nn.GroupNorm(8, n, eps=1e-3, affine=False),
    "instance": lambda sides: (
        lambda n: (nn.InstanceNorm1d, nn.InstanceNorm2d)[sides - 1](n, affine=True)
    ),
    "batch": lambda sides: (nn.BatchNorm1d, nn.BatchNorm2d)[sides - 1],
}  # fmt: skip


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("kind", NORMS)
def test_norms_of_images_and_of_sequences(kind, sides, tmp_path):
    module = warmed(Conditioned(NORMS[kind](sides), sides))
    for norm in module.norms:
        if getattr(norm, "weight", None) is not None and kind != "batch":
            norm.weight.data, norm.bias.data = draw(norm.weight.numel()), draw(norm.weight.numel(), seed=1)
    x = draw(3, 32, *(9, 14)[-sides:]) * torch.tensor([1.0, 3.0, 0.2]).view(3, *[1] * (sides + 1)) + 1
    places, captured = fire(ConvolutionRows(), module, x, draw(3, 32, seed=2))
    assert places == 4
    left = set(called(captured))
    assert not [name for name in left if "norm." in name or "conv1d" in name or "conv2d" in name]
    # moments are taken once, of what comes back as of a part, and nothing is put side by side
    assert called(captured).count("conv_rows_image_moments") == (0 if kind == "batch" else 3)
    joined = [n.meta["val"].shape for n in captured.graph.nodes if "cat" in str(n.target)]
    assert (3, 64, *x.shape[2:]) not in map(tuple, joined)
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""


class Tower(nn.Module):
    """Sequences, too long for a cache or in more parts than are gathered, padded "same"."""

    def __init__(self, count):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(16, 16, 3, padding="same") for _ in range(count))
        self.norm, self.last = nn.GroupNorm(2, 16 * count), nn.Conv1d(16 * count, 16, 2)

    def forward(self, x):
        return self.last(torch.relu(self.norm(torch.cat([conv(x) for conv in self.convs], 1)))).flatten(1)


@pytest.mark.parametrize(("count", "length"), [(2, 9000), (10, 70)])
def test_sequences_that_are_long_and_sequences_side_by_side(count, length, tmp_path):
    module = Tower(count)
    places, captured = fire(ConvolutionRows(), module, draw(2, length, 16).transpose(1, 2))
    assert places == count + 1
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""


def test_a_group_norm_whose_input_changes_afterwards_is_as_it_was():
    class Written(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.next = nn.Conv2d(8, 16, 3), nn.GroupNorm(4, 16), nn.Conv2d(16, 16, 1)

        def forward(self, x):
            y = self.conv(x)
            z = torch.relu(self.norm(y))
            y.mul_(2)
            return self.next(z) + y

    assert fire(ConvolutionRows(), Written(), draw(2, 8, 7, 8) + 1)[0] == 2


@pytest.mark.parametrize("train", [True, False])
def test_an_instance_norm_that_tracks_statistics_stays(train):
    norm = nn.InstanceNorm2d(16, affine=True, track_running_stats=True)
    places, captured = fire(
        ConvolutionRows(), nn.Sequential(nn.Conv2d(8, 16, 3), norm).train(train), draw(2, 8, 9, 9)
    )
    assert places == 1 and "instance_norm.default" in called(captured)
