"""Split-precision linear layers: compiled without a device, values interpreted, accuracy emulated."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.backends.triton import compile_source
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrite import apply_reported
from kernelevo.graphs.rewrites.split_linear import SNIPPET
from tests.graphs.programs import difference, load
from tests.graphs.splitting import interpret, tf32

AMPERE_SHARED = 163 * 1024  # bytes that one block may have on sm_80, the least of what is supported
KERNELS = "import torch\nimport torch.nn.functional as F\n" + SNIPPET.text


def rewritten(module: nn.Module, x: torch.Tensor):
    captured = capture(module, (x,))
    (applied,) = apply_reported(captured, ["split-linear"])
    return captured, applied


class Tower(nn.Module):
    """Each layer with another activation; the last without bias and with a sum behind it."""

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
        return self.last(y) + x


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
    assert "F.linear" not in text.split("class ModelNew")[1]
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


@pytest.mark.parametrize(
    "arch",
    ["sm_90", pytest.param("sm_80", marks=pytest.mark.slow), pytest.param("sm_100", marks=pytest.mark.slow)],
)
def test_it_compiles_to_tf32_matrix_instructions(arch, tmp_path):
    (kernel,) = compile_source(KERNELS, tmp_path, arch=arch, options={"num_warps": 8}).values()
    assert kernel.cubin and "tf32" in kernel.ptx


@pytest.mark.parametrize("post", ["relu", "sigmoid", "silu", "gelu"])
def test_every_activation_compiles(post, tmp_path):
    values = {"split_linear_kernel": {"POST": post, "SPLIT_ROWS": 64, "SPLIT_COLUMNS": 64}}
    (kernel,) = compile_source(KERNELS, tmp_path, constexprs=values).values()
    assert kernel.cubin


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["sm_80", "sm_90", "sm_100"])
def test_the_largest_choices_fit_into_shared_memory(arch, tmp_path):
    most = {name: max(choices) for name, choices in SNIPPET.tune.items()}
    values = {k: v for k, v in most.items() if k not in ("SPLIT_WARPS", "SPLIT_STAGES")}
    options = {"num_warps": most["SPLIT_WARPS"], "num_stages": most["SPLIT_STAGES"]}
    built = compile_source(
        KERNELS, tmp_path, arch=arch, constexprs={"split_linear_kernel": values}, options=options
    )
    assert built["split_linear_kernel"].shared <= AMPERE_SHARED


INTERPRET = """
import sys, torch
import torch.nn.functional as F
torch.manual_seed(0)
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"))
TUNE = {name: [value] for name, value in eval(sys.argv[2]).items()}
for rows, inner, columns in ((70, 96, 130), (128, 64, 64), (65, 33, 17)):
    x, w, b = torch.randn(rows, inner), torch.randn(columns, inner), torch.randn(columns)
    for bias in (b, None):
        for post, exact in _split_linear_posts.items():
            want = exact(F.linear(x.double(), w.double(), None if bias is None else bias.double())).float()
            torch.testing.assert_close(split_linear(x, w, bias, post), want, atol=2e-5, rtol=2e-5)
strided = torch.randn(20, 7, 96).transpose(0, 1)
got = split_linear(strided, torch.randn(130, 96, generator=torch.Generator().manual_seed(1)), None)
want = F.linear(strided, torch.randn(130, 96, generator=torch.Generator().manual_seed(1)))
torch.testing.assert_close(got, want, atol=2e-5, rtol=2e-5)
x = torch.full((64, 64), float("nan"))
assert split_linear(x, torch.randn(64, 64), None, "relu").isnan().all()
"""


@pytest.mark.parametrize(
    "tune",
    [
        {"ROWS": 64, "COLUMNS": 64, "INNER": 16, "BAND": 8, "CHUNK": 32},
        pytest.param(
            {"ROWS": 128, "COLUMNS": 256, "INNER": 32, "BAND": 1, "CHUNK": 2048}, marks=pytest.mark.slow
        ),
    ],
)
def test_tiles_masks_and_activations_by_the_interpreter(tune, tmp_path):
    values = {**{f"SPLIT_{name}": value for name, value in tune.items()}, "SPLIT_WARPS": 4, "SPLIT_STAGES": 2}
    interpret(INTERPRET, KERNELS.replace("if not x.is_cuda:", "if False:"), values, tmp_path)


@pytest.mark.parametrize("inner", [64, 512, 4096])
def test_three_products_of_tf32_parts_are_as_good_as_fp32(inner):
    """Emulated: operands as the matrix units take them, sums in fp32 in the kernel's own chunks."""
    generator = torch.Generator().manual_seed(inner)
    x = torch.randn(96, inner, generator=generator)
    w = torch.randn(80, inner, generator=generator) / inner**0.5
    exact = x.double() @ w.double().T
    big_x, big_w = tf32(x), tf32(w)
    small_x, small_w = tf32(x - big_x), tf32(w - big_w)
    total = torch.zeros_like(exact, dtype=torch.float32)
    one = torch.zeros_like(total)
    for a in range(0, inner, SNIPPET.tune["SPLIT_CHUNK"][0]):
        at = slice(a, a + SNIPPET.tune["SPLIT_CHUNK"][0])
        total += (
            small_x[:, at] @ big_w[:, at].T + big_x[:, at] @ small_w[:, at].T + big_x[:, at] @ big_w[:, at].T
        )
        one += big_x[:, at] @ big_w[:, at].T
    own = (x @ w.T - exact).abs().max()
    assert (total - exact).abs().max() <= max(4 * own, 1e-6)
    assert (one - exact).abs().max() > 50 * own  # one product alone is not
