"""Split-precision linear layers: compiled without a device, values interpreted, accuracy emulated."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.split_linear import SNIPPET
from kernelevo.graphs.split_dot import WAYS
from tests.few import few
from tests.graphs.compiling import build, units, usual
from tests.graphs.programs import difference, load
from tests.graphs.splitting import QUICK_WAYS, interpret, interpreted

KERNEL = "split_linear_kernel"
KERNELS = "import torch\nimport torch.nn.functional as F\n" + SNIPPET.text


def rewritten(module: nn.Module, x: torch.Tensor):
    captured = capture(module, (x,))
    (applied,) = apply_reported(captured, ["split-linear"])
    return captured, applied


class Tower(nn.Module):
    """Each layer with another activation, one with a sum before it; the last without bias and with sums."""

    def __init__(self) -> None:
        super().__init__()
        sizes = (96, 72, 130, 64, 64, 96)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.last = nn.Linear(96, 96, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        posts = (F.gelu, torch.relu, torch.sigmoid, F.silu, torch.tanh)
        y = x
        for layer, post in zip(self.layers, posts, strict=True):
            y = post(layer(y))
        return torch.relu(self.last(y) + x) + y


@pytest.mark.parametrize(
    ("module", "x"),
    [
        (Tower(), torch.randn(2, 35, 96)),
        (nn.Sequential(nn.LayerNorm(80), nn.Linear(80, 66), nn.GELU("tanh")), torch.randn(70, 80)),
    ],
)
def test_it_fires_and_the_program_is_right_off_the_gpu_too(module, x, tmp_path):
    torch.manual_seed(1)
    captured, applied = rewritten(module, x)
    assert applied.places == sum(isinstance(m, nn.Linear) for m in module.modules())
    text = print_program(captured)
    body = text.split("class ModelNew")[1]
    assert not any(word in body for word in ("F.linear", "torch.relu", "torch.tanh", "F.gelu", "torch.add"))
    assert difference(captured, load(text, tmp_path, module)) == ""


@pytest.mark.parametrize(
    ("module", "x"),
    [
        (nn.Linear(96, 96), torch.randn(63, 96)),
        (nn.Linear(96, 32), torch.randn(128, 96)),
        (nn.Linear(96, 96).double(), torch.randn(128, 96).double()),
        (nn.Bilinear(64, 64, 64), None),
    ],
)
def test_it_leaves_small_layers_and_other_types(module, x):
    given = (x,) if x is not None else (torch.randn(70, 64), torch.randn(70, 64))
    assert apply_reported(capture(module, given), ["split-linear"])[0].places == 0


ALIGNED = {"rows", "columns", "inner"}
ARCHS = [
    "sm_90",
    pytest.param("sm_80", marks=pytest.mark.slow),
    pytest.param("sm_100", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arch", ARCHS)
def test_the_values_in_use_compile_without_spills(arch, way, tmp_path):
    fused = {"HAS_ADDED": True, "HAS_RESIDUAL": True, "POST": "gelu"}
    for more in ({}, fused):
        values = {**in_use(way), **more}
        built = build(KERNELS, KERNEL, tmp_path, arch, values, divisible=ALIGNED, num_warps=8, num_stages=3)
        assert built.spilled <= (0 if way == WAYS[0] else 32) and built.fits(arch)
        assert built.matrix == units(way, arch)


def in_use(way: str, **others: int) -> dict[str, object]:
    """Return the constants of the tiles as the wrapper gives them."""
    return {**usual(SNIPPET), "SPLIT_WAY": way, **others}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arch", ["sm_80", "sm_90", "sm_100"])
def test_the_largest_choices_can_run(arch, way, tmp_path):
    values = {k: max(v) for k, v in SNIPPET.tune.items() if k.endswith(("ROWS", "COLUMNS", "INNER"))}
    if way == "bf16x6" and arch == "sm_100":  # as the wrapper does
        values["SPLIT_COLUMNS"] = 64
    most = max(SNIPPET.tune["SPLIT_STAGES"])
    for warps in SNIPPET.tune["SPLIT_WARPS"]:
        built = build(
            KERNELS, KERNEL, tmp_path, arch, in_use(way, **values), num_warps=warps, num_stages=most
        )
        assert built.fits(arch) and built.matrix, warps


INTERPRET = """
import sys, torch
import torch.nn.functional as F
torch.manual_seed(0)
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"))
TUNE = {name: [value] for name, value in eval(sys.argv[2]).items()}
for shape, columns in (((70, 96), 66), ((2, 3, 45), 17), ((129, 33), 131)):
    x, w, b = torch.randn(*shape), torch.randn(columns, shape[-1]), torch.randn(columns)
    more = torch.randn(2, *shape[:-1], columns)
    for bias in BIASES:
        for post, exact in _split_linear_posts.items():
            want = F.linear(x.double(), w.double(), None if bias is None else bias.double())
            got = split_linear(x, w, bias, None, post)
            torch.testing.assert_close(got, exact(want).float(), atol=2e-5, rtol=2e-5)
    got = split_linear(x, w, b, more[0], "relu", more[1])
    want = torch.relu(F.linear(x, w, b) + more[0]) + more[1]
    torch.testing.assert_close(got, want, atol=2e-5, rtol=2e-5)
strided = torch.randn(20, 7, 96).transpose(0, 1)
got = split_linear(strided, torch.randn(130, 96, generator=torch.Generator().manual_seed(1)), None)
want = F.linear(strided, torch.randn(130, 96, generator=torch.Generator().manual_seed(1)))
torch.testing.assert_close(got, want, atol=2e-5, rtol=2e-5)
x = torch.full((64, 64), float("nan"))
assert split_linear(x, torch.randn(64, 64), None, None, "relu").isnan().all()
"""


@pytest.mark.parametrize("way", QUICK_WAYS)
@pytest.mark.parametrize(
    ("tune", "biases"),
    few(
        [
            ({"ROWS": 64, "COLUMNS": 64, "INNER": 16, "BAND": 8}, "(b,)"),
            ({"ROWS": 64, "COLUMNS": 64, "INNER": 16, "BAND": 8}, "(b, None)"),
            ({"ROWS": 128, "COLUMNS": 64, "INNER": 32, "BAND": 1}, "(b, None)"),
        ],
        1,
    ),
)
def test_tiles_masks_and_activations_by_the_interpreter(tune, biases, way, tmp_path):
    values = {f"SPLIT_{k}": v for k, v in {**tune, "WAY": way, "WARPS": 4, "STAGES": 2}.items()}
    interpret(INTERPRET.replace("in BIASES", f"in {biases}"), interpreted(KERNELS), values, tmp_path)
