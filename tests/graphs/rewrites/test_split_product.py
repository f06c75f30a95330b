"""Split-precision products: what is replaced, compiled without a device, values interpreted."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.split_product import SNIPPET
from kernelevo.graphs.split_dot import WAYS
from tests.few import few
from tests.graphs.compiling import build, units, usual
from tests.graphs.programs import difference, load
from tests.graphs.splitting import QUICK_WAYS, interpret, interpreted

KERNELS = "import torch\nimport torch.nn.functional as F\n" + SNIPPET.text
KERNEL = "split_product_kernel"
POSTS = ("relu", "sigmoid", "silu", "tanh", "gelu", "gelu_tanh")


class Computes(nn.Module):
    """A function of its inputs as a module."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.function(*inputs)


def draw(*sizes: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(torch.randn(size) for size in sizes)


A, B = (40, 48), (48, 36)
CASES = {
    "mm": (torch.mm, (A, B)),
    "transposed": (lambda a, b: a.t() @ b.t(), ((48, 40), (36, 48))),
    "addmm": (lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2.0), ((36,), A, B)),
    "addmm of nothing": (
        lambda c, a, b: torch.addmm(c * float("nan"), a, b, beta=0) + c,
        ((36,), A, B),
    ),
    "baddbmm": (
        lambda c, a, b: torch.baddbmm(c, a, b, alpha=-1).relu() + c, ((3, 40, 36), (3, *A), (3, *B)),
    ),
    "bmm": (lambda a, b: torch.bmm(a, b.transpose(1, 2)) / 8.0, ((3, *A), (3, 36, 48))),
    "shared right": (lambda a, b: torch.tanh(a @ b), ((2, 3, 8, 48), B)),
    "shared left": (lambda a, b, c: F.gelu(a @ b + c, approximate="tanh"), (A, (2, 3, *B), (40, 1))),
    "broadcast": (lambda a, b, c: F.silu(a @ b * 3 + c) + c, ((2, 1, *A), (3, *B), (2, 3, 40, 36))),
    "heads": (
        lambda x, y: x.transpose(1, 2) @ y.permute(0, 2, 3, 1), ((2, 40, 3, 48), (2, 36, 3, 48)),
    ),
    "einsum": (lambda a, b: torch.einsum("bik, bkj -> bij", a, b).sigmoid(), ((3, *A), (3, *B))),
    "einsum, outputs turned": (lambda a, b: torch.einsum("bik,bkj->jbi", a, b), ((3, *A), (3, *B))),
    "einsum, several sizes": (
        lambda a, b: torch.einsum("bhwcd,dce->behw", a, b), ((2, 5, 7, 12, 4), (4, 12, 36)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", few(CASES, 5))
def test_it_fires_and_the_program_is_right_off_the_gpu_too(case, tmp_path):
    function, sizes = CASES[case]
    module, inputs = Computes(function), draw(*sizes)
    captured = capture(module, inputs)
    names = ["dead-work", "no-ops", "split-product", "in-place"]
    applied = {a.name: a for a in apply_reported(captured, names)}["split-product"]
    assert (applied.places, applied.refused) == (1, "")
    text = print_program(captured)
    body = text.split("class ModelNew")[1]
    assert "split_product(" in body
    if "einsum" not in case:
        assert not any(f"torch.{op}" in body for op in ("relu", "tanh", "add", "mul", "div", "sigmoid"))
    assert difference(captured, load(text, tmp_path, module)) == ""


@pytest.mark.parametrize(
    ("function", "sizes"),
    [
        (torch.mm, ((31, 48), (48, 36))),
        (torch.mm, ((40, 48), (48, 31))),
        (torch.mm, ((40, 31), (31, 36))),
        (torch.matmul, ((2, 2, 2, 40, 48), (48, 36))),
        (torch.matmul, ((40, 48), (48,))),
        (lambda a, b: torch.mm(a.double(), b.double()), (A, B)),
        (lambda a: torch.einsum("ii->i", a), ((64, 64),)),
        (lambda a, b: torch.einsum("ij,kj->k", a, b), ((64, 64), (64, 64))),
        (lambda a, b: torch.einsum("ik,kj", a, b), (A, B)),
        (lambda a, b: torch.einsum("...k,kj->...j", a, b), (A, B)),
        (lambda a, b: torch.einsum("ik,jk->ijk", a, b), (A, (36, 48))),
    ],
)
def test_it_leaves_small_products_and_other_types_and_equations(function, sizes):
    captured = capture(Computes(function), draw(*sizes))
    (applied,) = apply_reported(captured, ["split-product"])
    assert (applied.places, applied.refused) == (0, "")


class Chained(nn.Module):
    """What may not be fused: a product read twice, a sum that is wider than it, a factor that is a tensor."""

    def forward(self, a: torch.Tensor, b: torch.Tensor, wide: torch.Tensor) -> torch.Tensor:
        twice = a @ b
        factor = torch.mm(a, b) * twice
        return (torch.mm(a, b) + wide) * (twice + factor)


def test_it_fuses_only_what_has_the_products_shape_and_no_other_reader(tmp_path):
    inputs = draw(A, B, (2, 40, 36))
    captured = capture(Chained(), inputs)
    assert apply_reported(captured, ["split-product"])[0].places == 3
    assert all(len(n.args) == 2 for n in captured.graph.nodes if "split_product" in n.name)
    assert difference(captured, load(print_program(captured), tmp_path, Chained())) == ""


HINTS = {f"{side}_{d}" for side in ("a", "b") for d in ("outer", "batch")} | {"rows", "columns", "inner"}
LAYOUTS = {
    "rows": ({"a_row", "b_inner"}, {"a_inner", "b_column"}),
    "nt": ({"a_row", "b_column"}, {"a_inner", "b_inner"}),
}
ARCHS = [
    "sm_90",
    pytest.param("sm_80", marks=pytest.mark.slow),
    pytest.param("sm_100", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arch", ARCHS)
def test_the_values_in_use_compile_without_spills(arch, way, layout, tmp_path):
    divisible, ones = LAYOUTS[layout]
    fused = {"HAS_ADDED": True, "HAS_RESIDUAL": True, "HAS_BIAS": True, "POST": "gelu"}
    sums = {f"{t}_{d}" for t in ("added", "residual") for d in ("outer", "batch", "row")}
    for more in ({}, fused):
        built = build(
            KERNELS, KERNEL, tmp_path, arch, {**in_use(way), **more}, divisible=HINTS | divisible | sums,
            ones=ones | {"added_column", "residual_column"}, num_warps=8, num_stages=3,
        )  # fmt: skip
        assert built.spilled <= (0 if way == WAYS[0] else 32) and built.fits(arch)
        assert built.matrix == units(way, arch)


def in_use(way: str, **others: int) -> dict[str, object]:
    """Return the constants of the tiles as the wrapper gives them."""
    return {**usual(SNIPPET), "SPLIT_PRODUCT_WAY": way, **others}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arch", ["sm_80", "sm_90", "sm_100"])
def test_the_largest_choices_can_run(arch, way, tmp_path):
    values = {k: max(v) for k, v in SNIPPET.tune.items() if k.endswith(("ROWS", "COLUMNS", "INNER"))}
    if way == "bf16x6" and arch == "sm_100":  # as the wrapper does
        values["SPLIT_PRODUCT_COLUMNS"] = 64
    most = max(SNIPPET.tune["SPLIT_PRODUCT_STAGES"])
    for warps in SNIPPET.tune["SPLIT_PRODUCT_WARPS"]:
        built = build(
            KERNELS, KERNEL, tmp_path, arch, in_use(way, **values), num_warps=warps, num_stages=most
        )
        assert built.fits(arch) and built.matrix, warps


@pytest.mark.parametrize("post", POSTS)
def test_every_activation_compiles(post, tmp_path):
    sizes = {"SPLIT_PRODUCT_ROWS": 16, "SPLIT_PRODUCT_COLUMNS": 16, "SPLIT_PRODUCT_INNER": 16}
    values = in_use("tf32x3", POST=post, **sizes)
    assert build(KERNELS, KERNEL, tmp_path, "sm_90", values, num_warps=4).matrix == {"tf32"}


INTERPRET = """
import sys, torch
import torch.nn.functional as F
torch.manual_seed(0)
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"))
TUNE = {name: [value] for name, value in eval(sys.argv[2]).items()}


def check(a, b, added=None, alpha=1.0, beta=1.0, post="none", residual=None, bias=None):
    def exact(kind):
        y = a.to(kind) @ b.to(kind) * alpha
        y = y if bias is None else y + bias.to(kind)[:, None]
        y = _split_product_posts[post](y if added is None else y + beta * added.to(kind))
        return y if residual is None else y + residual.to(kind)

    got, want = split_product(a, b, added, alpha, beta, post, residual, bias), exact(torch.float64)
    assert got.is_contiguous() and got.shape == want.shape
    error, own = (float((x - want).abs().max()) for x in (got, exact(torch.float32)))
    assert error <= max(4 * own, 1e-6), (a.shape, b.shape, post, error, own)


r = torch.randn
check(r(70, 45), r(45, 33))
check(r(45, 70).t(), r(33, 45).t(), added=r(33), post="relu")
check(r(3, 50, 40), r(3, 35, 40).mT, added=r(3, 1, 35), alpha=0.125, beta=-2.0, post="gelu")
check(r(2, 3, 8, 40), r(40, 35), added=r(35), residual=r(2, 3, 8, 35), post="silu")  # rows of one matrix
check(r(3, 40, 12).mT, r(40, 35), residual=r(3, 12, 35), post="tanh")  # batches that are no such rows
check(r(33, 40), r(2, 2, 40, 66), bias=r(33), added=r(2, 2, 33, 66), post="gelu_tanh")
check(r(2, 1, 34, 40), r(3, 40, 37), added=r(34, 1), post="sigmoid")
check(r(4, 37, 2, 40).transpose(1, 2)[::2], r(2, 33, 2, 80).permute(0, 2, 3, 1)[:, :, ::2])
check(r(33, 40), r(40, 36).expand(3, 40, 36), bias=r(33))
check(r(33, 40), r(1, 40, 36).expand(3, 40, 36))
assert split_product(r(0, 3, 40), r(40, 36)).shape == (0, 3, 36)
x, w, bias = r(3, 37, 5, 9), r(34, 37, 1, 1), r(34)
y = split_pointwise(x.contiguous(memory_format=torch.channels_last), w, bias, r(3, 34, 5, 9) * 0, "relu")
torch.testing.assert_close(y, F.conv2d(x, w, bias).relu(), atol=1e-5, rtol=1e-5)
a, b = r(40, 64), r(64, 36)
for value in (float("inf"), float("-inf"), float("nan")):
    odd = a.clone()
    odd[5, 3] = value
    got, want = split_product(odd, b), odd @ b
    assert torch.equal(got.isnan(), want.isnan()) and torch.equal(got.isinf(), want.isinf())
    assert torch.equal(got[5].sign().nan_to_num(), want[5].sign().nan_to_num())
"""


@pytest.mark.parametrize("way", QUICK_WAYS)
@pytest.mark.parametrize(
    "tune",
    [
        {"ROWS": 64, "COLUMNS": 64, "INNER": 32, "BAND": 8},
        pytest.param({"ROWS": 128, "COLUMNS": 64, "INNER": 16, "BAND": 1}, marks=pytest.mark.slow),
    ],
)
def test_tiles_masks_strides_and_what_is_fused_by_the_interpreter(way, tune, tmp_path):
    values = {f"SPLIT_PRODUCT_{k}": v for k, v in {**tune, "WAY": way, "WARPS": 4, "STAGES": 2}.items()}
    interpret(INTERPRET, interpreted(KERNELS), values, tmp_path)
