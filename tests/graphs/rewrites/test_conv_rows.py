"""Channels-last convolutions with normalisations inside: values, running statistics, and what must stay."""

import copy
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kernelevo.backends.toolchain import compiler
from kernelevo.graphs.harvest.cpp import harvest
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.conv_rows import ConvolutionRows
from kernelevo.graphs.rewrites.conv_rows_text import snippet
from tests.few import few
from tests.graphs.firing import called, draw, fire, warmed
from tests.graphs.programs import difference, load


def rows(*args, **more):
    return snippet().function("conv_rows")(*args, **more)


def assert_close(ours, exact):
    torch.testing.assert_close(ours.double(), exact, atol=2e-6, rtol=2e-6)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_geometry(data):
    """Against fp64: sizes that fill no vector, no panel and no tile, at every stride and padding."""
    size = st.integers
    sequences = data.draw(st.booleans(), "sequences")
    kernel = data.draw(st.sampled_from([(1, 1), (3, 3), (3, 3), (5, 2), (7, 7)]), "kernel")
    stride = data.draw(st.sampled_from([(1, 1), (2, 2), (1, 3)]), "stride")
    padding = (data.draw(size(0, kernel[0])), data.draw(size(0, kernel[1])))
    batch, channels, out = data.draw(size(1, 3)), data.draw(size(1, 70)), data.draw(size(1, 90))
    height, width = (data.draw(size(max(1, k - 2 * p), 34)) for k, p in zip(kernel, padding, strict=True))
    if sequences:
        kernel, stride, padding, height = (1, kernel[1]), (1, stride[1]), (0, padding[1]), 1
        width = data.draw(size(width, 200))
    depthwise = data.draw(st.booleans(), "depthwise") and channels > 1
    torch.manual_seed(0)
    weight = torch.randn(channels if depthwise else out, 1 if depthwise else channels, *kernel)
    weight /= weight[0].numel() ** 0.5
    bias = torch.randn(len(weight)) if data.draw(st.booleans()) else None
    act = data.draw(st.sampled_from(["none", "relu", "relu6", "silu", "hardswish"]), "act")
    after = data.draw(st.sampled_from(["none", "relu"]), "after")
    x = torch.randn(batch, channels, height, width)
    affine = data.draw(st.sampled_from([None, (2, channels), (batch, 2, channels)]), "affine")
    affine = affine if affine is None else torch.randn(affine)
    shared = data.draw(st.booleans(), "side by side") and affine is not None and channels > 2
    given_x = tuple(x.split([1, channels - 1], 1)) if shared else x
    if data.draw(st.booleans(), "last") and not shared:
        given_x = x.contiguous(memory_format=torch.channels_last)
    given_weight = weight
    if sequences:
        given_x = tuple(part.squeeze(2) for part in given_x) if shared else given_x.squeeze(2)
        given_weight = weight.squeeze(2)
    y, moments = rows(
        given_x,
        given_weight,
        bias,
        stride,
        padding,
        after,
        affine,
        act if affine is not None else "none",
        True,
    )
    y = y.unsqueeze(2) if sequences else y
    exact = x.double()
    if affine is not None:
        scale, shift = affine.double().unbind(-2)
        exact = exact * scale[..., None, None] + shift[..., None, None]
        exact = exact if act == "none" else getattr(F, act)(exact)
    exact = F.conv2d(
        exact,
        weight.double(),
        None if bias is None else bias.double(),
        stride,
        padding,
        groups=channels if depthwise else 1,
    )
    exact = F.relu(exact) if after == "relu" else exact
    torch.testing.assert_close(y.double(), exact, atol=2e-5, rtol=1e-5)
    assert y.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(moments[0], y.double().mean((0, 2, 3)), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(moments[1], y.double().var((0, 2, 3), correction=0), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("size", "times"), [((9, 11), 4), ((29, 30), 6)]
)  # tiles of 2 x 2 and of 4 x 4 results
@pytest.mark.parametrize("channels", [(96, 160), (512, 512)])
def test_weights_that_threads_share_and_weights_that_they_read(channels, size, times):
    weight, x = draw(channels[1], channels[0], 3, 3) / 60, draw(2, channels[0], *size, seed=1)
    exact = F.conv2d(x.double(), weight.double(), padding=1)
    ours = rows(x, weight, None, (1, 1), (1, 1))
    theirs = F.conv2d(x, weight, padding=1)
    assert (ours - exact).abs().max() < times * (theirs - exact).abs().max()


FAULTS = """
import resource, torch
from kernelevo.graphs.rewrites.conv_rows_text import snippet

rows = snippet().function("conv_rows")
for channels, groups, size in ((8, 1, 1), (4, 1, 5), (8, 1, 3), (72, 72, 3)):
    x = torch.randn(2, 256, 256, channels).permute(0, 3, 1, 2)
    w = torch.randn(72, channels // groups, size, size)
    call = lambda: rows(x, w, None, (1, 1), (size // 2, size // 2))
    first = call()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    assert torch.equal(call(), first) and first.numel() * 4 == 36 << 20
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_large_results_lie_on_huge_pages():
    """36 MiB in pages of 4 KiB are 9216 faults at each call, more time than some of these calls take."""
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not setting.exists() or "[never]" in setting.read_text():
        pytest.skip("this kernel gives no huge pages")
    # a process that keeps nothing it freed, whose torch asks for no huge pages by itself
    env = {k: v for k, v in os.environ.items() if k != "THP_MEM_ALLOC_ENABLE"}
    told = subprocess.run(
        [sys.executable, "-c", FAULTS], capture_output=True, text=True, check=False, env=env
    )
    assert told.returncode == 0, told.stderr
    kinds = ("product", "direct", "winograd", "depthwise")
    faults = dict(zip(kinds, map(int, told.stdout.split()), strict=True))
    assert all(count < 9216 / 2 for count in faults.values()), faults


NARROW = {
    "avx2": ("-mno-avx512f", "-mavx2", "-mfma"),
    "portable": ("-mno-avx512f", "-mno-avx2", "-mno-fma", "-mno-avx"),
}


@pytest.mark.parametrize("kind", ["avx2", pytest.param("portable", marks=pytest.mark.slow)])
def test_other_vectors(kind):
    """The same text where vectors are narrower and registers fewer."""
    if kind == "avx2" and not compiler().has("avx512f"):
        pytest.skip("this CPU's vectors are no wider")
    whole = snippet()
    flags = "".join(f'    "{flag}",\n' for flag in NARROW[kind])
    text = whole.text.replace("flags=[\n", "flags=[\n" + flags)
    assert text != whole.text
    function = replace(whole, name=f"conv_rows_{kind}", text=text).function("conv_rows")
    for kernel, groups, stride in ((1, 1, 2), (3, 1, 1), (5, 1, 2), (3, 43, 1)):
        weight = draw(43, 43 // groups, kernel, kernel) / (43 / groups) ** 0.5 / kernel
        x, affine = draw(2, 43, 30, 29, seed=1), draw(2, 43, seed=2)
        y, moments = function(x, weight, None, (stride, stride), (1, 1), "relu6", affine, "silu", True)
        given_x = F.silu(x.double() * affine[0].view(-1, 1, 1) + affine[1].view(-1, 1, 1))
        exact = F.relu6(F.conv2d(given_x, weight.double(), None, stride, 1, groups=groups))
        torch.testing.assert_close(y.double(), exact, atol=2e-5, rtol=1e-5)
        torch.testing.assert_close(moments[0], y.double().mean((0, 2, 3)), atol=1e-6, rtol=1e-6)


def test_long_sums_are_as_exact_as_the_librarys():
    x, weight = draw(1, 4096, 6, 6).abs(), draw(32, 4096, 1, 1, seed=1)
    exact = F.conv2d(x.double(), weight.double())
    ours, theirs = rows(x, weight, None, (1, 1), (0, 0)), F.conv2d(x, weight)
    assert (ours - exact).square().mean() < 2 * (theirs - exact).square().mean()


class Bottleneck(nn.Module):
    """A residual block, with a shortcut of its own or without, and what may stand between."""

    def __init__(self, stride=1, act=nn.ReLU, inside=True):
        super().__init__()
        self.one, self.two = nn.Conv2d(32, 16, 1, bias=False), nn.Conv2d(16, 32, 3, stride, 1, bias=False)
        self.deep = nn.Conv2d(32, 32, 5, padding=2, groups=32)
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in (16, 32, 32))
        self.act = act(inplace=inside)
        self.short = nn.Sequential(nn.Conv2d(32, 32, 1, stride), nn.BatchNorm2d(32)) if stride > 1 else None

    def forward(self, x):
        y = self.act(self.norms[0](self.one(x)))
        y = self.act(self.norms[1](self.two(y)))
        y = self.norms[2](self.deep(y))
        y += x if self.short is None else self.short(x)
        return self.act(y)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("act", few([nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish], 1))
@pytest.mark.parametrize("stride", [1, 2])
def test_residual_blocks(stride, act, train):
    module = warmed(Bottleneck(stride, act)).train(train)
    places, captured = fire(ConvolutionRows(), module, draw(2, 32, 9, 14) * 2 + 1)
    assert places == 3 + (stride > 1)
    left = set(called(captured))
    assert left <= {"conv_rows", "conv_rows_norm", "conv_rows_apply", "getitem", "add_.Tensor"}
    assert called(captured).count("conv_rows_apply") == 1


class Dense(nn.Module):
    """Pre-activation layers on growing concatenations, then a transition and pooling."""

    def __init__(self, count=3):
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(20 + 16 * i) for i in range(count))
        self.convs = nn.ModuleList(nn.Conv2d(20 + 16 * i, 16, 3, padding=1, bias=False) for i in range(count))
        self.norm, self.conv = nn.BatchNorm2d(20 + 16 * count), nn.Conv2d(20 + 16 * count, 24, 1)

    def forward(self, x):
        features = [x]
        for norm, conv in zip(self.norms, self.convs, strict=True):
            y = torch.cat(features, 1) if len(features) > 1 else x
            features.append(conv(torch.relu(norm(y))))
        return F.avg_pool2d(self.conv(torch.relu(self.norm(torch.cat(features, 1)))), 2)


@pytest.mark.parametrize("train", [True, False])
def test_dense_blocks_never_concatenate(train):
    places, captured = fire(ConvolutionRows(), warmed(Dense()).train(train), draw(2, 20, 10, 12) + 0.5)
    assert places == 4
    images = [n for n in captured.graph.nodes if "cat" in str(n.target) and len(n.meta["val"].shape) == 4]
    assert not images
    # each image's mean and variance are gathered once, though each is normalised in several layers
    assert called(captured).count("conv_rows_moments") == int(train)


@pytest.mark.slow
def test_of_many_parts_the_first_are_joined_once():
    places, captured = fire(ConvolutionRows(), warmed(Dense(19)), draw(2, 20, 6, 7) + 0.5)
    assert places == 20
    joined = [n for n in captured.graph.nodes if "cat" in str(n.target) and len(n.meta["val"].shape) == 4]
    assert [len(n.args[0]) for n in joined] == [8, 8]  # 20 images: 8, then those and 7, then those and 5


class Odd(nn.Module):
    """What a pass over convolutions must not take for granted."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.conv, self.norm = nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16)
        self.next = nn.Conv2d(16, 16, 1)

    def forward(self, x):
        y = self.conv(x)
        z = self.norm(y)
        if self.kind == "read before and after":
            return self.next(torch.relu(z)) + z + y
        if self.kind == "written after":
            kept = z + 0
            z.mul_(2)
            return self.next(torch.relu(z)) + kept
        if self.kind == "the result is written":
            w = self.next(torch.relu(z))
            y.add_(1)
            return w + y
        if self.kind == "flat":
            return torch.relu(z).view(x.shape[0], -1)[:, ::3]
        if self.kind == "sum of itself":
            return torch.relu(z + z)
        if self.kind == "scaled sum":
            return torch.add(z, y, alpha=2)
        if self.kind == "broadcast":
            return torch.relu(z + y.mean((2, 3), keepdim=True))
        if self.kind == "returned":
            return z, torch.relu(z), y
        if self.kind == "beside others":
            return torch.cat([torch.relu(z), x[:, :3, 1:-1, 1:-1]], 1)
        if self.kind == "an image that changes":
            x = x[:, :, 1:-1, 1:-1].contiguous()
            joined = torch.cat([y, x], 1)
            x.mul_(2)
            return joined, torch.cat([torch.relu(z), x], 1)
        if self.kind == "twice":
            return self.norm(self.next(torch.relu(z)))
        raise ValueError(self.kind)


KINDS = [
    "read before and after",
    "written after",
    "the result is written",
    "flat",
    "sum of itself",
    "scaled sum",
    "broadcast",
    "returned",
    "beside others",
    "an image that changes",
    "twice",
]


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_odd_readers(kind, train, tmp_path):
    module = warmed(Odd(kind)).train(train)
    places, captured = fire(ConvolutionRows(), module, draw(2, 8, 7, 8) + 1)
    assert places >= 1
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""


class Changing(nn.Module):
    """What a convolution or a sum has read is written to before its activation comes."""

    def __init__(self, summand):
        super().__init__()
        self.summand = summand
        self.conv, self.norm = nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16)

    def forward(self, x):
        h = x * 2
        y = self.conv(h)
        if self.summand:
            z, h = self.norm(y), y * 2
            y = z + h
        h.add_(1)
        return torch.relu(y), h


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("summand", [True, False])
def test_what_was_read_may_change_before_the_activation(summand, train):
    places, _ = fire(ConvolutionRows(), warmed(Changing(summand)).train(train), draw(2, 8, 7, 8) + 1)
    assert places == 1


@pytest.mark.parametrize("momentum", [0.3, 1.0])
def test_statistics_of_norms_with_a_rule_of_their_own(momentum):
    norm = nn.BatchNorm2d(16, affine=False, eps=0.1, momentum=momentum)
    chain = warmed(nn.Sequential(nn.Conv2d(8, 16, 3), norm, nn.ReLU()))
    fire(ConvolutionRows(), chain, draw(3, 8, 6, 6) + 5)
    bare = nn.Sequential(nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16, track_running_stats=False), nn.ReLU())
    assert fire(ConvolutionRows(), bare, draw(3, 8, 6, 6) + 5)[0] == 1


def test_others_stay():
    for conv in (
        nn.Conv2d(8, 15, 3),
        nn.Conv2d(8, 16, 3, dilation=2),
        nn.Conv2d(8, 16, 3, groups=2),
        nn.Conv2d(8, 16, 4, padding="same"),
    ):
        assert fire(ConvolutionRows(), conv, draw(1, 8, 9, 9))[0] == 0
    for conv in (
        nn.Conv2d(8, 16, 3, padding="same"),
        nn.Conv2d(8, 16, 3, padding=1, padding_mode="reflect"),
    ):
        assert fire(ConvolutionRows(), conv, draw(1, 8, 9, 9))[0] == 1
    assert fire(ConvolutionRows(), nn.Conv2d(8, 16, 3).double(), draw(1, 8, 9, 9).double())[0] == 0
    assert fire(ConvolutionRows(), nn.Conv1d(8, 16, 3), draw(1, 8, 9))[0] == 1
    assert fire(ConvolutionRows(), nn.Conv1d(8, 16, 3), draw(8, 9))[0] == 0
    assert fire(ConvolutionRows(), nn.Conv3d(8, 16, 3), draw(1, 8, 9, 9, 9))[0] == 0


class Fire(nn.Module):
    """Two convolutions of one image side by side, of which one may have too few products to be covered."""

    def __init__(self, squeezed, more):
        super().__init__()
        self.one, self.three = nn.Conv2d(squeezed, 16, 1), nn.Conv2d(squeezed, 16, 3, padding=1)
        self.last = nn.Conv2d(32, 16, 3) if more else None

    def forward(self, x):
        y = torch.cat([F.relu(self.one(x)), F.relu(self.three(x))], 1)
        return y if self.last is None else self.last(y)


@pytest.mark.parametrize(
    ("squeezed", "more", "places"), [(6, False, 0), (6, True, 1), (16, False, 2), (16, True, 3)]
)
def test_what_stands_beside_convolutions_of_another_order_is_left_to_them(squeezed, more, places):
    """Concatenating parts of two orders costs more than either order."""
    found, captured = fire(ConvolutionRows(), Fire(squeezed, more), draw(2, squeezed, 12, 12))
    assert found == places == called(captured).count("conv_rows")


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_what_is_not_fp32_is_refused_wherever_it_is_read(dtype):
    x, y, weight, affine = draw(1, 4, 5, 5), draw(1, 4, 5, 5).to(dtype), draw(16, 4, 3, 3), torch.randn(2, 4)
    call = snippet().function
    for name, arguments in (
        ("conv_rows", (y, weight, None, (1, 1), (0, 0))),
        ("conv_rows", (y.repeat(1, 2, 1, 1), draw(16, 8, 3, 3), None, (1, 1), (0, 0))),
        ("conv_rows", ((x, y), draw(16, 8, 3, 3), None, (1, 1), (0, 0), "none", torch.randn(2, 8))),
        ("conv_rows", (y[0], draw(16, 5, 3), None, (1, 1), (0, 0))),
        ("conv_rows_moments", (y,)),
        ("conv_rows_image_moments", (y[0],)),
        ("conv_rows_apply", (x, affine, "none", y)),
    ):
        with pytest.raises(TypeError, match="float32"):
            call(name)(*arguments)


def test_nothing_and_nan_pass_as_they_do_in_torch():
    x, weight = draw(1, 16, 5, 5), draw(16, 16, 1, 1)
    x[0, 3, 2, 2] = float("nan")
    x[0, 4, 0, 0] = float("inf")
    ours, theirs = rows(x, weight, None, (1, 1), (0, 0), "relu"), F.relu(F.conv2d(x, weight))
    torch.testing.assert_close(ours, theirs, equal_nan=True, atol=1e-5, rtol=1e-5)
    for act in (F.relu, F.relu6, F.silu, F.hardswish):
        made = snippet().function("conv_rows_apply")(x, torch.eye(2)[:, :1].repeat(1, 16), act.__name__)
        torch.testing.assert_close(made, act(x), equal_nan=True, atol=1e-6, rtol=1e-6)


class Steps(nn.Module):
    """Sequences that come steps first and leave so."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv1d(32, 32, 3, padding=1), nn.Conv1d(32, 16, 1)
        self.norm, self.end = nn.GroupNorm(4, 32), nn.GroupNorm(1, 16)

    def forward(self, x):
        y = x.transpose(1, 2)
        y = y + self.one(F.silu(self.norm(y)))
        return torch.tanh(self.end(self.two(y))).transpose(1, 2)


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("sequences", [False, True])
def test_the_program_follows_its_weights_and_survives_inductor(compiled, sequences, tmp_path):
    last = (nn.Conv2d(32, 16, 3, padding=1), nn.BatchNorm2d(16), nn.Tanh())
    module = Steps() if sequences else warmed(nn.Sequential(Bottleneck(), *last))
    x = draw(2, 24, 32) if sequences else draw(2, 32, 8, 8)
    captured = fire(ConvolutionRows(), module, x)[1]
    made = harvest(captured, seconds=60, threads=2) if compiled else captured
    program = load(print_program(made), tmp_path, module)
    assert difference(captured, program) == ""
    other = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(1.5).add_(0.1)
    program.load_state_dict(other.state_dict())
    exact = copy.deepcopy(other).double()(x.double())
    assert_close(program(x), exact)


def test_the_careful_choices_round_as_little_as_the_library():
    usual = snippet()
    assert all(value in usual.tune[name][1:] for name, value in usual.careful.items()) and usual.careful
    tune = {name: (usual.careful.get(name, choices[0]), *choices) for name, choices in usual.tune.items()}
    careful = replace(usual, name="conv_rows_careful", tune=tune).function("conv_rows")
    x, weight = draw(1, 64, 40, 40), draw(48, 64, 3, 3, seed=1) / 24
    x[0, :, 20, ::9] *= 1000  # far values, whose rounding reaches every result of a tile
    exact = F.conv2d(x.double(), weight.double(), padding=1)

    def error(made):
        return float((made - exact).square().mean().sqrt())

    given_all = (x, weight, None, (1, 1), (1, 1))
    theirs = error(F.conv2d(x, weight, padding=1))
    assert error(careful(*given_all)) < 1.5 * theirs
    assert error(careful(*given_all)) < 0.75 * error(rows(*given_all))
