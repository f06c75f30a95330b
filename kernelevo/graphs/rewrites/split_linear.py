"""Split linear: linear layers on a GPU's matrix units at fp32 accuracy, with what follows them fused in.

Plain fp32 units are what cuBLAS uses already. How a product of parts on the matrix units keeps fp32's
accuracy says ``split_dot``.
"""

from __future__ import annotations

import math

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.epilogue import epilogue, loosen_views, put_chain
from kernelevo.graphs.matching import arguments, aten, calls, is_float32, shape
from kernelevo.graphs.snippet import Snippet
from kernelevo.graphs.split_dot import IMPORTS, WAYS, dot_text, post_text

SMALLEST = 64  # rows, columns and inner size below which tiles are mostly empty

_KERNEL = '''
@triton.jit
def split_linear_kernel(
    x_ptr, weight_ptr, bias_ptr, added_ptr, residual_ptr, y_ptr, rows, columns, inner,
    HAS_BIAS: tl.constexpr = True, HAS_ADDED: tl.constexpr = False, HAS_RESIDUAL: tl.constexpr = False,
    POST: tl.constexpr = "none",
    SPLIT_ROWS: tl.constexpr = 128, SPLIT_COLUMNS: tl.constexpr = 64, SPLIT_INNER: tl.constexpr = 32,
    SPLIT_BAND: tl.constexpr = 8, SPLIT_WAY: tl.constexpr = "tf32x3",
):
    """One tile of y = post(x @ weight.T + bias + added) + residual; the tiles of a band share caches."""
    tile = tl.program_id(0)
    row_tiles, column_tiles = tl.cdiv(rows, SPLIT_ROWS), tl.cdiv(columns, SPLIT_COLUMNS)
    band = tile // (SPLIT_BAND * column_tiles)
    height = tl.minimum(row_tiles - band * SPLIT_BAND, SPLIT_BAND)
    within = tile % (SPLIT_BAND * column_tiles)
    r = (band * SPLIT_BAND + within % height) * SPLIT_ROWS + tl.arange(0, SPLIT_ROWS)
    c = (within // height) * SPLIT_COLUMNS + tl.arange(0, SPLIT_COLUMNS)
    k = tl.arange(0, SPLIT_INNER)
    row_in, column_in = r[:, None] < rows, c[None, :] < columns
    x = x_ptr + r[:, None].to(tl.int64) * inner + k[None, :]
    weight = weight_ptr + c[None, :].to(tl.int64) * inner + k[:, None]
    total = tl.zeros((SPLIT_ROWS, SPLIT_COLUMNS), tl.float32)
    for start in range(0, inner, SPLIT_INNER):
        left = inner - start
        a = tl.load(x + start, mask=row_in & (k[None, :] < left), other=0.0)
        b = tl.load(weight + start, mask=column_in & (k[:, None] < left), other=0.0)
        total = split_linear_dot(a, b, total, SPLIT_WAY)
    if HAS_BIAS:
        total += tl.load(bias_ptr + c, mask=c < columns, other=0.0)[None, :]
    at = r[:, None].to(tl.int64) * columns + c[None, :]
    if HAS_ADDED:
        total += tl.load(added_ptr + at, mask=row_in & column_in, other=0.0)
    total = split_linear_post(total, POST)
    if HAS_RESIDUAL:
        total += tl.load(residual_ptr + at, mask=row_in & column_in, other=0.0)
    tl.store(y_ptr + at, total, mask=row_in & column_in)


def split_linear(x, weight, bias=None, added=None, post="none", residual=None):
    """Return post(linear(x, weight, bias) + added) + residual in fp32; by PyTorch where x is not on a GPU.

    added and residual have the result's shape.
    """
    if not x.is_cuda:
        y = F.linear(x, weight, bias)
        y = _split_linear_posts[post](y if added is None else y + added)
        return (y if residual is None else y + residual).contiguous()
    x, weight = x.contiguous(), weight.contiguous()
    columns, inner = weight.shape
    rows = x.numel() // inner
    y = torch.empty(*x.shape[:-1], columns, dtype=x.dtype, device=x.device)
    added, residual = (None if t is None else t.contiguous() for t in (added, residual))
    if y.numel():
        across, down, way = TUNE["SPLIT_COLUMNS"][0], TUNE["SPLIT_ROWS"][0], TUNE["SPLIT_WAY"][0]
        if way == "bf16x6" and across > 64 and torch.cuda.get_device_capability(y.device)[0] >= 10:
            across = 64  # six products of more columns outgrow that device's tensor memory
        split_linear_kernel[(triton.cdiv(rows, down) * triton.cdiv(columns, across),)](
            x, weight, x if bias is None else bias,
            y if added is None else added, y if residual is None else residual, y, rows, columns, inner,
            HAS_BIAS=bias is not None, HAS_ADDED=added is not None, HAS_RESIDUAL=residual is not None,
            POST=post, SPLIT_ROWS=down, SPLIT_COLUMNS=across, SPLIT_INNER=TUNE["SPLIT_INNER"][0],
            SPLIT_BAND=TUNE["SPLIT_BAND"][0], SPLIT_WAY=way,
            num_warps=TUNE["SPLIT_WARPS"][0], num_stages=TUNE["SPLIT_STAGES"][0],
        )
    return y
'''

SNIPPET = Snippet(
    "split_linear",
    IMPORTS + dot_text("split_linear") + post_text("split_linear") + _KERNEL,
    {
        "SPLIT_ROWS": (128, 64),
        "SPLIT_COLUMNS": (64, 128),
        "SPLIT_INNER": (32, 16),
        "SPLIT_BAND": (8, 1),
        "SPLIT_WARPS": (8, 4),
        "SPLIT_STAGES": (3, 2),
        "SPLIT_WAY": WAYS,
    },
)


class SplitLinear:
    """Every large fp32 linear layer as a split-precision product, with sums and the activation behind it."""

    name = "split-linear"
    describes = "linear layers as split TF32 or bf16 products on the GPU's matrix units, what follows fused"
    devices = frozenset({"cuda"})

    def apply(self, captured: Captured) -> int:
        """Replace each linear layer that fills at least one tile, and what is fused with it."""
        places = 0
        for node in calls(captured.graph, aten.linear.default):
            given = arguments(node)
            x, weight, bias = given["input"], given["weight"], given["bias"]
            if _fills(x, weight):
                captured.add_snippet(SNIPPET)
                _replace(captured.graph, node, x, weight, bias)
                places += 1
        if places:  # a sum with a tensor of other strides may have taken those
            loosen_views(captured.graph)
        return places


def _fills(x: fx.Node, weight: fx.Node) -> bool:
    if not (is_float32(x) and is_float32(weight) and len(shape(weight)) == 2 and len(shape(x)) >= 2):
        return False
    *rows, inner = shape(x)
    return min(math.prod(rows), inner, shape(weight)[0]) >= SMALLEST


def _replace(graph: fx.Graph, node: fx.Node, x: fx.Node, weight: fx.Node, bias: fx.Node | None) -> None:
    chain = epilogue(node, scale=False, whole=True)
    extra = [chain.added, chain.post, chain.residual]
    plain = [None, "none", None]
    while extra and extra[-1] == plain[len(extra) - 1]:
        extra.pop()
    put_chain(graph, chain, SNIPPET.function("split_linear"), (x, weight, bias, *extra))
