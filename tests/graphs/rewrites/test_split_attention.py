"""Split-precision attention: compiled without a device, values interpreted."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.backends.triton import compile_source
from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites.split_attention import SNIPPET
from tests.few import few
from tests.graphs.programs import difference, load
from tests.graphs.splitting import interpret, tf32

AMPERE_SHARED = 163 * 1024  # bytes that one block may have on sm_80, the least of what is supported
KERNELS = "import torch\nimport torch.nn.functional as F\n" + SNIPPET.text
KERNEL = "split_attention_kernel"


class Heads(nn.Module):
    """A causal layer that calls the fused operator; its result is viewed, which needs no copy in PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(64, 192), nn.Linear(64, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, rows, width = x.shape
        q, k, v = (y.view(b, rows, 4, 16).transpose(1, 2) for y in self.into(x).split(64, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).contiguous().view(b, rows, width))


class Written(nn.Module):
    """Attention to a memory, written out for one head without a batch of heads; then once more, scaled."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = nn.Linear(32, 48), nn.Linear(24, 48), nn.Linear(24, 32)

    def forward(self, x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        q, k, v = self.query(x), self.key(memory), self.value(memory)
        x = x + torch.softmax(q @ k.transpose(-2, -1) / 7.0, dim=-1) @ v
        return x - F.scaled_dot_product_attention(x, v, v, scale=0.3)


@pytest.mark.parametrize(
    ("module", "inputs", "places"),
    [
        (Heads(), (torch.randn(2, 70, 64),), 1),
        (Written(), (torch.randn(3, 66, 32), torch.randn(3, 90, 24)), 2),
    ],
)
def test_it_fires_and_the_program_is_right_off_the_gpu_too(module, inputs, places, tmp_path):
    captured = capture(module, inputs)
    names = ["dead-work", "no-ops", "fused-attention", "split-linear", "split-attention"]
    applied = apply_reported(captured, names)[-1]
    assert (applied.places, applied.refused) == (places, "")
    text = print_program(captured)
    assert "scaled_dot_product_attention" not in text.split("class ModelNew")[1]
    assert difference(captured, load(text, tmp_path, module)) == ""


class Fused(nn.Module):
    """The fused operator under some options."""

    def __init__(self, **options: object) -> None:
        super().__init__()
        self.options = options

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *mask: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, *mask, **self.options)


def operands(rows: int = 64, keys: int = 64, size: int = 16, width: int = 16, groups: int = 2, **kind):
    shapes = ((1, 2, rows, size), (1, groups, keys, size), (1, groups, keys, width))
    return tuple(torch.randn(shape, **kind) for shape in shapes)


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 2.0}])
def test_the_smallest_attention_is_replaced(options):
    assert apply_reported(capture(Fused(**options), operands()), ["split-attention"])[0].places == 1


@pytest.mark.parametrize(
    ("options", "inputs"),
    [
        ({}, (*operands(), torch.randn(64, 64))),
        ({}, (*operands(), torch.ones(64, 64, dtype=torch.bool).tril())),
        ({}, operands(dtype=torch.float64)),
        ({}, operands(rows=63)),
        ({}, operands(keys=63)),
        ({}, operands(size=24)),
        ({}, operands(width=144)),
        ({"enable_gqa": True}, operands(groups=1)),
        ({}, operands(groups=1)),  # keys shared by broadcasting
        ({}, tuple(x[0, 0] for x in operands())),
    ],
)
def test_it_leaves_masks_small_sizes_shared_keys_and_other_types(options, inputs):
    (applied,) = apply_reported(capture(Fused(**options), inputs), ["split-attention"])
    assert (applied.places, applied.refused) == (0, "")


def test_it_leaves_attention_that_drops_weights():
    captured = capture(Fused(dropout_p=0.5), operands())
    assert apply_reported(captured, ["split-attention"])[0].places == 0


def sizes(size: int, width: int) -> dict[str, int]:
    """Return the constants of a head, as the wrapper gives them."""
    padded = {"SIZE_PADDED": 1 << (size - 1).bit_length(), "WIDTH_PADDED": 1 << (width - 1).bit_length()}
    return {"SIZE": size, "WIDTH": width, **padded}


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(
    "arch",
    ["sm_90", pytest.param("sm_80", marks=pytest.mark.slow), pytest.param("sm_100", marks=pytest.mark.slow)],
)
def test_it_compiles_to_tf32_matrix_instructions(arch, causal, tmp_path):
    values = {KERNEL: {"CAUSAL": causal}}
    built = compile_source(KERNELS, tmp_path, arch=arch, constexprs=values, options={"num_warps": 8})
    (kernel,) = built.values()
    assert kernel.cubin and "tf32" in kernel.ptx


def test_padded_heads_compile(tmp_path):
    blocks = {"SPLIT_ATTENTION_ROWS": 32, "SPLIT_ATTENTION_KEYS": 16}
    (kernel,) = compile_source(KERNELS, tmp_path, constexprs={KERNEL: {**sizes(80, 16), **blocks}}).values()
    assert kernel.cubin


@pytest.mark.slow
@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("arch", ["sm_80", "sm_90", "sm_100"])
def test_the_largest_choices_fit_into_shared_memory(arch, size, tmp_path):
    most = {name.removeprefix("SPLIT_ATTENTION_"): max(choices) for name, choices in SNIPPET.tune.items()}
    part = 2 if size > 64 else 1  # the wrapper halves the blocks of large heads
    blocks = {f"SPLIT_ATTENTION_{name}": most[name] // part for name in ("ROWS", "KEYS")}
    options = {"num_warps": most["WARPS"], "num_stages": most["STAGES"]}
    values = {KERNEL: {**sizes(size, size), **blocks}}
    built = compile_source(KERNELS, tmp_path, arch=arch, constexprs=values, options=options)
    assert built[KERNEL].shared <= AMPERE_SHARED


INTERPRET = """
import sys, torch
import torch.nn.functional as F
torch.manual_seed(0)
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"))
TUNE = {name: [value] for name, value in eval(sys.argv[2]).items()}


def check(q, k, v):
    for causal, scale in KINDS:
        exact, own = (
            F.scaled_dot_product_attention(*(x.to(kind) for x in (q, k, v)), is_causal=causal, scale=scale)
            for kind in (torch.float64, torch.float32)
        )
        got = split_attention(q, k, v, causal, scale)
        assert got.is_contiguous() and got.shape == exact.shape
        error, theirs = (float((x - exact).abs().max()) for x in (got, own))
        assert error <= max(3 * theirs, 1e-6), (q.shape, k.shape, v.shape, causal, scale, error, theirs)


for batch, rows, keys, size, width in (
    ((2, 3), 70, 90, 16, 16), ((1, 2), 128, 64, 32, 64), ((3,), 65, 131, 64, 32), ((1, 1), 90, 70, 48, 80),
    ((2,), 64, 64, 128, 16),
):
    check(*(torch.randn(*batch, *shape) for shape in ((rows, size), (keys, size), (keys, width))))
packed = torch.randn(2, 75, 3, 3, 32)
check(*packed.permute(2, 0, 3, 1, 4))  # heads side by side in a row
q, k, v = packed.permute(2, 0, 3, 4, 1)[..., :64]
check(q, k, v)  # head size 64 across the 32 rows of a slice
check(*(x.transpose(-2, -1).contiguous().transpose(-2, -1) for x in packed.permute(2, 0, 3, 1, 4)))
shared = torch.randn(1, 1, 70, 32).expand(2, 3, 70, 32)
check(torch.randn(2, 3, 66, 32) * 9, shared, shared)  # a stride of zero; scores far apart
q = torch.randn(1, 1, 64, 16)
q[0, 0, 5] = float("nan")
broken = split_attention(q, torch.randn(1, 1, 64, 16), torch.randn(1, 1, 64, 16)).isnan()
assert broken[0, 0, 5].all() and broken.sum() == 16
assert split_attention(q[:0], q[:0], q[:0]).shape == (0, 1, 64, 16)
"""


ALL = [(False, None), (True, None), (True, 0.5), (False, -1.0)]


@pytest.mark.parametrize(
    ("tune", "kinds"),
    few(
        [
            ({"ROWS": 64, "KEYS": 32}, [(True, 0.5)]),
            ({"ROWS": 64, "KEYS": 32}, ALL),
            ({"ROWS": 128, "KEYS": 16}, ALL),
            ({"ROWS": 128, "KEYS": 64}, ALL),
        ],
        1,
    ),
)
def test_blocks_masks_and_strides_by_the_interpreter(tune, kinds, tmp_path):
    values = {f"SPLIT_ATTENTION_{name}": value for name, value in {**tune, "WARPS": 4, "STAGES": 2}.items()}
    text = INTERPRET.replace("in KINDS", f"in {kinds}")
    interpret(text, KERNELS.replace("if not query.is_cuda:", "if False:"), values, tmp_path)


def product(a: torch.Tensor, b: torch.Tensor, times: int) -> torch.Tensor:
    """Multiply by one or three products of TF32 parts, summed in fp32."""
    large_a, large_b = tf32(a), tf32(b)
    if times == 1:
        return large_a @ large_b
    return tf32(a - large_a) @ large_b + large_a @ tf32(b - large_b) + large_a @ large_b


@pytest.mark.parametrize("size", [16, 64, 128])
def test_products_of_tf32_parts_are_as_good_as_fp32(size):
    """Emulated: operands as the matrix units take them; weights are divided by their sum at the end."""
    generator = torch.Generator().manual_seed(size)
    q, k, v = (torch.randn(1, 2, 256, size, generator=generator) for _ in range(3))
    exact = F.scaled_dot_product_attention(q.double(), k.double(), v.double())
    own = (F.scaled_dot_product_attention(q, k, v) - exact).abs().max()
    errors = {}
    for times in (1, 3):
        scores = product(q * size**-0.5, k.mT, times)
        weights = torch.exp(scores - scores.amax(-1, keepdim=True))
        y = product(weights, v, times) / weights.sum(-1, keepdim=True)
        errors[times] = (y - exact).abs().max()
    assert errors[3] <= max(4 * own, 1e-6)
    assert errors[1] > 50 * own  # one product alone is not
