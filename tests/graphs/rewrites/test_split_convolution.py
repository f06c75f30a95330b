"""Split-precision convolutions: what is replaced, compiled without a device, values interpreted."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.split_convolution import SNIPPET
from kernelevo.graphs.split_dot import WAYS
from tests.few import few
from tests.graphs.compiling import build, units, usual
from tests.graphs.programs import difference, load
from tests.graphs.splitting import QUICK_WAYS, interpret, interpreted

KERNELS = "import kernelevo\nimport torch\nimport torch.nn.functional as F\n" + SNIPPET.text
KERNEL = "split_conv_kernel"


class Block(nn.Module):
    """A residual block with normalisations and a shortcut of one element, then images of other ranks."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(32, 48, 3, stride=2, padding=1, bias=False)
        self.second = nn.Conv2d(48, 48, (3, 1), padding=(1, 0), bias=False)
        self.short = nn.Conv2d(32, 48, 1, stride=2, bias=False)
        self.point = nn.Conv2d(48, 40, 1)
        self.line = nn.Conv1d(40, 32, 5, padding=4, dilation=2)
        self.solid = nn.Conv3d(8, 32, (2, 3, 3), padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(48) for _ in range(3)])

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        y = torch.relu(self.norms[0](self.first(x)))
        y = torch.relu(self.norms[1](self.second(y)) + self.norms[2](self.short(x)))
        z = F.silu(self.point(y)) + y[:, :40]
        line = F.gelu(self.line(z.flatten(2)))
        return y, line, self.solid(x.reshape(x.shape[0], 8, 4, *x.shape[2:])).sigmoid()


@pytest.mark.parametrize("folded", few([False, True], 1))
def test_it_fires_and_the_program_is_right_off_the_gpu_too(folded, tmp_path):
    torch.manual_seed(0)
    module, x = Block().eval(), torch.randn(2, 32, 24, 26)
    with torch.no_grad():
        for norm in module.norms:
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2.0)
    captured = capture(module, (x,))
    names = ["folded-norm"] * folded + ["split-convolution", "split-product", "in-place"]
    applied = {a.name: a for a in apply_reported(captured, names)}
    assert applied["split-convolution"].places == 6
    assert not any(a.refused for a in applied.values())
    text = print_program(captured)
    body = text.split("class ModelNew")[1]
    assert not any(f"F.conv{rank}d" in body for rank in (1, 2, 3)) and "split_pointwise" in body
    if folded:
        assert not any(word in body for word in ("torch.relu", "batch_norm", "silu(", "gelu(", "torch.add"))
    assert difference(captured, load(text, tmp_path, module)) == ""


@pytest.mark.parametrize(
    ("module", "sizes"),
    [
        (nn.Conv2d(3, 64, 3), (2, 3, 40, 40)),  # 27 inputs
        (nn.Conv2d(32, 16, 3), (2, 32, 20, 20)),
        (nn.Conv2d(32, 32, 3), (1, 32, 16, 16)),  # 196 pixels
        (nn.Conv2d(64, 64, 3, groups=2), (1, 64, 20, 20)),
        (nn.Conv2d(32, 32, 3), (32, 20, 20)),  # no batch
        (nn.ConvTranspose2d(32, 32, 3), (1, 32, 20, 20)),
        (nn.Conv2d(32, 32, 3).double(), (1, 32, 20, 20)),
    ],
)
def test_it_leaves_small_grouped_and_transposed_convolutions(module, sizes):
    x = torch.randn(sizes, dtype=module.weight.dtype)
    (applied,) = apply_reported(capture(module, (x,)), ["split-convolution"])
    assert (applied.places, applied.refused) == (0, "")


class Made(nn.Module):
    """A kernel that is new in each call, which no packing can keep."""

    def forward(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, weight)


def test_it_leaves_kernels_that_are_no_tensors_of_the_module():
    captured = capture(Made(), (torch.randn(1, 32, 20, 20), torch.randn(32, 32, 3, 3)))
    assert apply_reported(captured, ["split-convolution"])[0].places == 0


ALIGNED = {"channels", "inner", "weight_row", "x_image", "x_channel"}
ARCHS = [
    "sm_90",
    pytest.param("sm_80", marks=pytest.mark.slow),
    pytest.param("sm_100", marks=pytest.mark.slow),
]


def in_use(way: str, **others: object) -> dict[str, object]:
    """Return the constants of the tiles as the wrapper gives them."""
    return {**usual(SNIPPET), "SPLIT_CONV_WAY": way, **others}


def capped(values: dict[str, object], arch: str) -> dict[str, object]:
    """Return the constants with as few pixels as the wrapper takes on that device."""
    if values["SPLIT_CONV_WAY"] == "bf16x6" and arch == "sm_100":
        return {**values, "SPLIT_CONV_PIXELS": min(values["SPLIT_CONV_PIXELS"], 64)}
    return values


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arch", ARCHS)
def test_the_values_in_use_compile_without_spills(arch, way, whole, tmp_path):
    fused = {"HAS_BIAS": True, "HAS_ADDED": True, "HAS_RESIDUAL": True, "POST": "silu"}
    for more in ({}, fused):
        values = capped(in_use(way, WHOLE=whole, **more), arch)
        built = build(
            KERNELS, KERNEL, tmp_path, arch, values,
            divisible=ALIGNED if whole else {"weight_row"}, ones={"x_column"}, num_warps=8, num_stages=3,
        )  # fmt: skip
        assert built.spilled <= (8 if (arch, way) == ("sm_100", "bf16x6") else 0) and built.fits(arch)
        assert built.matrix == units(way, arch)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arch", ["sm_80", "sm_90", "sm_100"])
def test_the_largest_choices_can_run(arch, way, tmp_path):
    most = {k: max(v) for k, v in SNIPPET.tune.items() if k.endswith(("OUT", "PIXELS", "INNER"))}
    stages = max(SNIPPET.tune["SPLIT_CONV_STAGES"])
    for warps in SNIPPET.tune["SPLIT_CONV_WARPS"]:
        values = capped(in_use(way, DEEP=True, **most), arch)
        built = build(KERNELS, KERNEL, tmp_path, arch, values, num_warps=warps, num_stages=stages)
        assert built.fits(arch) and built.matrix, warps


INTERPRET = """
import sys, torch
import torch.nn.functional as F
torch.manual_seed(0)
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"))
TUNE = {name: [value] for name, value in eval(sys.argv[2]).items()}


def check(x, weight, stride=1, padding=0, dilation=1, bias=True, added=False, post="none", residual=False):
    rank = x.dim() - 2
    stride, padding, dilation = (
        v if isinstance(v, tuple) else (v,) * rank for v in (stride, padding, dilation)
    )
    bias = torch.randn(weight.shape[0]) if bias else None
    layer = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    size = layer(x, weight, None, stride, padding, dilation).shape
    added, residual = (torch.randn(size) if asked else None for asked in (added, residual))

    def exact(kind):
        given = (None if t is None else t.to(kind) for t in (x, weight, bias))
        y = layer(*given, stride, padding, dilation)
        y = _split_conv_posts[post](y if added is None else y + added.to(kind))
        return y if residual is None else y + residual.to(kind)

    got = split_conv(x, weight, bias, stride, padding, dilation, added, post, residual)
    want = exact(torch.float64)
    assert got.is_contiguous() and got.shape == want.shape, (got.shape, want.shape)
    error, own = (float((y - want).abs().max()) for y in (got, exact(torch.float32)))
    assert error <= max(4 * own, 1e-6), (x.shape, weight.shape, post, error, own)


r = torch.randn
check(r(2, 16, 9, 11), r(35, 16, 3, 3), padding=1, post="relu", added=True)
check(r(2, 5, 13, 8), r(18, 5, 3, 2), stride=(2, 3), padding=(2, 1), post="silu", residual=True)
check(r(1, 32, 9, 10), r(16, 32, 3, 3), stride=2, dilation=(1, 2), bias=False, post="gelu")
check(r(2, 16, 7, 6).contiguous(memory_format=torch.channels_last), r(16, 16, 2, 2), padding=(0, 1))
check(r(2, 32, 12, 9)[:, ::2, 1::2], r(17, 16, 3, 3), padding=3, dilation=3, post="tanh")
check(r(3, 7, 40), r(20, 7, 5), stride=2, padding=4, dilation=2, post="sigmoid", added=True, residual=True)
check(r(2, 3, 4, 6, 5), r(18, 3, 2, 3, 3), padding=(1, 1, 0), stride=(1, 2, 1))
check(r(1, 16, 5, 6, 5), r(16, 16, 3, 2, 1), padding=(1, 0, 1), dilation=(2, 1, 1), post="gelu_tanh")
check(r(1, 16, 3, 6, 5), r(16, 16, 1, 3, 3), padding=(0, 1, 1))
check(r(2, 16, 8, 8), r(16, 16, 1, 1), stride=2)
odd = r(1, 16, 6, 6)
odd[0, 3, 2, 2] = float("inf")
weight = r(16, 16, 3, 3)
got, want = split_conv(odd, weight, None, (1, 1), (1, 1), (1, 1)), F.conv2d(odd, weight, None, 1, 1)
assert torch.equal(got.isinf(), want.isinf()) and not got.isnan().any()
weight = torch.nn.Parameter(r(16, 16, 3, 3))
for _ in range(2):  # the packed kernel follows its parameter
    check(r(1, 16, 6, 6), weight)
    with torch.no_grad():
        weight.mul_(-2)
assert split_conv(r(0, 16, 6, 6), weight, None, (1, 1), (1, 1), (1, 1)).shape == (0, 16, 6, 6)
"""


@pytest.mark.slow  # split-product's, of the same sums, runs always
@pytest.mark.parametrize("way", QUICK_WAYS)
@pytest.mark.parametrize(
    "tune",
    [
        {"OUT": 32, "PIXELS": 64, "INNER": 16, "BAND": 8},
        {"OUT": 64, "PIXELS": 64, "INNER": 32, "BAND": 1},
    ],
)
def test_windows_masks_and_what_is_fused_by_the_interpreter(way, tune, tmp_path):
    values = {f"SPLIT_CONV_{k}": v for k, v in {**tune, "WAY": way, "WARPS": 4, "STAGES": 2}.items()}
    interpret(INTERPRET, interpreted(KERNELS), values, tmp_path)
