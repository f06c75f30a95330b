"""Split linear: linear layers on a GPU's matrix units at fp32 accuracy, with what follows them fused in.

Plain fp32 units are what cuBLAS uses already. The matrix units take TF32 operands (10 bits of mantissa), so
each operand is split into a large and a small part and three products are summed; the fourth is below fp32's
own rounding. Partial sums of ``SPLIT_CHUNK`` columns are added by the plain units, which round where the
matrix units truncate.
"""

from __future__ import annotations

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import (
    arguments,
    aten,
    calls,
    is_float32,
    is_op,
    put_in_place,
    shape,
    sole_user,
)
from kernelevo.graphs.snippet import Snippet

SMALLEST = 64  # rows, columns and inner size below which tiles are mostly empty

SNIPPET = Snippet(
    "split_linear",
    '''
import triton
import triton.language as tl


@triton.jit
def split_linear_kernel(
    x_ptr, weight_ptr, bias_ptr, y_ptr, rows, columns, inner,
    HAS_BIAS: tl.constexpr = True, POST: tl.constexpr = "none",
    SPLIT_ROWS: tl.constexpr = 128, SPLIT_COLUMNS: tl.constexpr = 128, SPLIT_INNER: tl.constexpr = 32,
    SPLIT_BAND: tl.constexpr = 8, SPLIT_CHUNK: tl.constexpr = 512,
    PRECISION: tl.constexpr = "tf32x3",
):
    """One tile of y = post(x @ weight.T + bias); tiles of a band of rows run together and share caches."""
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
    for chunk in range(0, inner, SPLIT_CHUNK):
        part = tl.zeros((SPLIT_ROWS, SPLIT_COLUMNS), tl.float32)
        for start in range(chunk, tl.minimum(chunk + SPLIT_CHUNK, inner), SPLIT_INNER):
            left = inner - start
            a = tl.load(x + start, mask=row_in & (k[None, :] < left), other=0.0)
            b = tl.load(weight + start, mask=column_in & (k[:, None] < left), other=0.0)
            part = tl.dot(a, b, part, input_precision=PRECISION)
        total += part
    if HAS_BIAS:
        total += tl.load(bias_ptr + c, mask=c < columns, other=0.0)[None, :]
    if POST == "relu":
        total = tl.where(total < 0.0, 0.0, total)
    elif POST == "sigmoid":
        total = 1.0 / (1.0 + tl.exp(-total))
    elif POST == "silu":
        total = total / (1.0 + tl.exp(-total))
    elif POST == "gelu":
        total = 0.5 * total * (1.0 + tl.erf(total * 0.7071067811865476))
    y = y_ptr + r[:, None].to(tl.int64) * columns + c[None, :]
    tl.store(y, total, mask=row_in & column_in)


_split_linear_posts = {
    "none": lambda y: y, "relu": torch.relu, "sigmoid": torch.sigmoid, "silu": F.silu, "gelu": F.gelu
}


def split_linear(x, weight, bias=None, post="none"):
    """Return post(linear(x, weight, bias)) in fp32; by PyTorch where x is not on a GPU."""
    if not x.is_cuda:
        return _split_linear_posts[post](F.linear(x, weight, bias))
    x, weight = x.contiguous(), weight.contiguous()
    columns, inner = weight.shape
    rows = x.numel() // inner
    y = torch.empty(*x.shape[:-1], columns, dtype=x.dtype, device=x.device)
    if y.numel():
        across, down = TUNE["SPLIT_COLUMNS"][0], TUNE["SPLIT_ROWS"][0]
        split_linear_kernel[(triton.cdiv(rows, down) * triton.cdiv(columns, across),)](
            x, weight, x if bias is None else bias, y, rows, columns, inner,
            HAS_BIAS=bias is not None, POST=post,
            SPLIT_ROWS=down, SPLIT_COLUMNS=across, SPLIT_INNER=TUNE["SPLIT_INNER"][0],
            SPLIT_BAND=TUNE["SPLIT_BAND"][0], SPLIT_CHUNK=TUNE["SPLIT_CHUNK"][0],
            num_warps=TUNE["SPLIT_WARPS"][0], num_stages=TUNE["SPLIT_STAGES"][0],
        )
    return y
''',
    {
        "SPLIT_ROWS": (128, 64),
        "SPLIT_COLUMNS": (128, 64, 256),
        "SPLIT_INNER": (32, 16),
        "SPLIT_BAND": (8, 1),
        "SPLIT_CHUNK": (512, 128, 2048),
        "SPLIT_WARPS": (8, 4),
        "SPLIT_STAGES": (3, 2),
    },
)
_POSTS = {"relu": aten.relu, "sigmoid": aten.sigmoid, "silu": aten.silu}


class SplitLinear:
    """Every large fp32 linear layer as a split-precision product, fused with a following activation."""

    name = "split-linear"
    describes = "linear layers as three TF32 products on the GPU's matrix units, activation fused"
    devices = frozenset({"cuda"})

    def apply(self, captured: Captured) -> int:
        """Replace each linear layer that fills at least one tile, and the activation after it."""
        places = 0
        for node in calls(captured.graph, aten.linear.default):
            given = arguments(node)
            x, weight, bias = given["input"], given["weight"], given["bias"]
            if _fills(x, weight):
                captured.add_snippet(SNIPPET)
                _replace(captured.graph, node, x, weight, bias)
                places += 1
        return places


def _fills(x: fx.Node, weight: fx.Node) -> bool:
    if not (is_float32(x) and is_float32(weight) and len(shape(weight)) == 2 and len(shape(x)) >= 2):
        return False
    *rows, inner = shape(x)
    count = 1
    for size in rows:
        count *= size
    return min(count, inner, shape(weight)[0]) >= SMALLEST


def _replace(graph: fx.Graph, node: fx.Node, x: fx.Node, weight: fx.Node, bias: fx.Node | None) -> None:
    last, post = _post(node)
    given = (x, weight, bias) if post == "none" else (x, weight, bias, post)
    put_in_place(graph, node, last, SNIPPET.function("split_linear"), given)


def _post(node: fx.Node) -> tuple[fx.Node, str]:
    """Return the last node of a layer and its activation, and that activation's name."""
    user = sole_user(node)
    if user is None or user.op != "call_function" or user.args[0] is not node:
        return node, "none"
    for name, operator in _POSTS.items():
        if is_op(user, operator):
            return user, name
    if is_op(user, aten.gelu.default) and arguments(user)["approximate"] == "none":
        return user, "gelu"
    return node, "none"
