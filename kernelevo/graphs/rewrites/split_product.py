"""Split product: products of matrices on a GPU's matrix units at fp32 accuracy, what follows fused in.

Batches, transposed and strided operands are read where they lie. How a product keeps fp32's accuracy says
``split_dot``. Linear layers have a rewrite of their own, ``split-linear``.
"""

from __future__ import annotations

import math
from typing import Any

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.einsum import TwoMatrices, two_matrices
from kernelevo.graphs.epilogue import Epilogue, epilogue, loosen_views, put_chain
from kernelevo.graphs.matching import arguments, aten, calls, is_float32, is_op, shape
from kernelevo.graphs.snippet import Snippet
from kernelevo.graphs.split_dot import IMPORTS, WAYS, dot_text, post_text

SMALLEST = 32  # rows, columns and inner size below which tiles are mostly empty

_KERNEL = '''
@triton.jit
def split_product_kernel(
    a_ptr, b_ptr, bias_ptr, added_ptr, residual_ptr, y_ptr, batch, rows, columns, inner,
    a_outer, a_batch, a_row, a_inner, b_outer, b_batch, b_inner, b_column,
    added_outer, added_batch, added_row, added_column,
    residual_outer, residual_batch, residual_row, residual_column,
    HAS_BIAS: tl.constexpr = False, HAS_ADDED: tl.constexpr = False, HAS_RESIDUAL: tl.constexpr = False,
    POST: tl.constexpr = "none",
    ALPHA: tl.constexpr = 1.0, BETA: tl.constexpr = 1.0,
    SPLIT_PRODUCT_ROWS: tl.constexpr = 128, SPLIT_PRODUCT_COLUMNS: tl.constexpr = 64,
    SPLIT_PRODUCT_INNER: tl.constexpr = 32, SPLIT_PRODUCT_BAND: tl.constexpr = 8,
    SPLIT_PRODUCT_WAY: tl.constexpr = "tf32x3",
):
    """One tile of y = post(ALPHA * a @ b + BETA * added) + residual; y is contiguous."""
    row_tiles = tl.cdiv(rows, SPLIT_PRODUCT_ROWS)
    column_tiles = tl.cdiv(columns, SPLIT_PRODUCT_COLUMNS)
    matrix = (tl.program_id(0) // (row_tiles * column_tiles)).to(tl.int64)
    tile = tl.program_id(0) % (row_tiles * column_tiles)
    outer, inside = matrix // batch, matrix % batch
    band = tile // (SPLIT_PRODUCT_BAND * column_tiles)  # its tiles run together and share caches
    height = tl.minimum(row_tiles - band * SPLIT_PRODUCT_BAND, SPLIT_PRODUCT_BAND)
    within = tile % (SPLIT_PRODUCT_BAND * column_tiles)
    r = (band * SPLIT_PRODUCT_BAND + within % height) * SPLIT_PRODUCT_ROWS + tl.arange(0, SPLIT_PRODUCT_ROWS)
    c = (within // height) * SPLIT_PRODUCT_COLUMNS + tl.arange(0, SPLIT_PRODUCT_COLUMNS)
    k = tl.arange(0, SPLIT_PRODUCT_INNER)
    row_in, column_in = r[:, None] < rows, c[None, :] < columns
    r_wide, c_wide, k_wide = r[:, None].to(tl.int64), c[None, :].to(tl.int64), k.to(tl.int64)
    a = a_ptr + outer * a_outer + inside * a_batch + r_wide * a_row + k_wide[None, :] * a_inner
    b = b_ptr + outer * b_outer + inside * b_batch + c_wide * b_column + k_wide[:, None] * b_inner
    total = tl.zeros((SPLIT_PRODUCT_ROWS, SPLIT_PRODUCT_COLUMNS), tl.float32)
    for start in range(0, inner, SPLIT_PRODUCT_INNER):
        left = inner - start
        left_a = tl.load(a, mask=row_in & (k[None, :] < left), other=0.0)
        right_b = tl.load(b, mask=column_in & (k[:, None] < left), other=0.0)
        total = split_product_dot(left_a, right_b, total, SPLIT_PRODUCT_WAY)
        a += SPLIT_PRODUCT_INNER * a_inner
        b += SPLIT_PRODUCT_INNER * b_inner
    if ALPHA != 1.0:
        total = total * ALPHA
    if HAS_BIAS:
        total += tl.load(bias_ptr + r, mask=r < rows, other=0.0)[:, None]
    y_in = row_in & column_in
    if HAS_ADDED:
        added = added_ptr + outer * added_outer + inside * added_batch
        total += BETA * tl.load(added + r_wide * added_row + c_wide * added_column, mask=y_in, other=0.0)
    total = split_product_post(total, POST)
    if HAS_RESIDUAL:
        residual = residual_ptr + outer * residual_outer + inside * residual_batch
        total += tl.load(residual + r_wide * residual_row + c_wide * residual_column, mask=y_in, other=0.0)
    tl.store(y_ptr + (matrix * rows + r_wide) * columns + c_wide, total, mask=y_in)


def _split_product_rows(x):
    """Return the stride of all rows of x [outer, batch, rows, columns] as one matrix's, or None."""
    step, count = 0, 1
    for d in (2, 1, 0):
        if x.shape[d] > 1:
            if count == 1:
                step = x.stride(d)
            elif x.stride(d) != step * count:
                return None
            count *= x.shape[d]
    return step


def _split_product_folded(shared, others):
    """Return operands whose batches are rows of one matrix, where the right one is shared by all of them."""
    steps = [_split_product_rows(x) for x in others]
    if None in steps or any(shared.stride(d) for d in (0, 1) if shared.shape[d] > 1):
        return None
    rows = others[0].shape[:3].numel()
    return shared[:1, :1], [
        x.as_strided((1, 1, rows, x.shape[3]), (0, 0, step, x.stride(3))) for x, step in zip(others, steps)
    ]


def split_product(a, b, added=None, alpha=1.0, beta=1.0, post="none", residual=None, bias=None):
    """Return post(alpha * a @ b + beta * added) + residual in fp32; by PyTorch where a is not on a GPU.

    a [..., rows, inner] and b [..., inner, columns] with at most two sizes of batches that broadcast; added
    and residual broadcast to the result, which is new and contiguous; bias [rows] is added like ``added``.
    """
    if not a.is_cuda:
        y = torch.matmul(a, b)
        y = y if alpha == 1.0 else y * alpha
        y = y if bias is None else y + bias[:, None]
        y = _split_product_posts[post](y if added is None else torch.add(y, added, alpha=beta))
        return (y if residual is None else y + residual).contiguous()
    batches = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = torch.empty(*batches, a.shape[-2], b.shape[-1], dtype=a.dtype, device=a.device)
    if not y.numel():
        return y
    two = (1, 1, *batches)[-2:]
    right = b.expand(*two, *b.shape[-2:])
    others = [a.expand(*two, *a.shape[-2:])]
    others += [x.expand(*two, *y.shape[-2:]) for x in (added, residual) if x is not None]
    if bias is None:
        right, others = _split_product_folded(right, others) or (right, others)
    outer, batch, rows, inner = others[0].shape
    columns = right.shape[-1]
    way = TUNE["SPLIT_PRODUCT_WAY"][0]
    down = min(TUNE["SPLIT_PRODUCT_ROWS"][0], max(triton.next_power_of_2(rows), 16))
    across = min(TUNE["SPLIT_PRODUCT_COLUMNS"][0], max(triton.next_power_of_2(columns), 16))
    if way == "bf16x6" and across > 64 and torch.cuda.get_device_capability(y.device)[0] >= 10:
        across = min(across, 64)  # six products of more columns outgrow that device's tensor memory
    first = others[0] if added is None else others[1]
    last = others[0] if residual is None else others[-1]
    split_product_kernel[(outer * batch * triton.cdiv(rows, down) * triton.cdiv(columns, across),)](
        others[0], right, y if bias is None else bias.contiguous(), first, last, y,
        batch, rows, columns, inner,
        *others[0].stride(), *right.stride(), *first.stride(), *last.stride(),
        HAS_BIAS=bias is not None, HAS_ADDED=added is not None, HAS_RESIDUAL=residual is not None,
        POST=post, ALPHA=alpha, BETA=beta,
        SPLIT_PRODUCT_ROWS=down, SPLIT_PRODUCT_COLUMNS=across,
        SPLIT_PRODUCT_INNER=TUNE["SPLIT_PRODUCT_INNER"][0], SPLIT_PRODUCT_BAND=TUNE["SPLIT_PRODUCT_BAND"][0],
        SPLIT_PRODUCT_WAY=way,
        num_warps=TUNE["SPLIT_PRODUCT_WARPS"][0], num_stages=TUNE["SPLIT_PRODUCT_STAGES"][0],
    )
    return y


def split_pointwise(x, weight, bias=None, added=None, post="none", residual=None):
    """Return post(convolution + added) + residual for a kernel of one element that takes every element.

    x [batch, channels, ...], weight [out, channels, 1, ...]; added and residual of the result's shape.
    """
    out = (x.shape[0], weight.shape[0], *x.shape[2:])
    added, residual = (None if t is None else t.reshape(*out[:2], -1) for t in (added, residual))
    y = split_product(weight.flatten(1), x.flatten(2), added, 1.0, 1.0, post, residual, bias)
    return y.view(out)
'''

SNIPPET = Snippet(
    "split_product",
    IMPORTS + dot_text("split_product") + post_text("split_product") + _KERNEL,
    {
        "SPLIT_PRODUCT_ROWS": (128, 64),
        "SPLIT_PRODUCT_COLUMNS": (64, 128),
        "SPLIT_PRODUCT_INNER": (32, 16),
        "SPLIT_PRODUCT_BAND": (8, 1),
        "SPLIT_PRODUCT_WARPS": (8, 4),
        "SPLIT_PRODUCT_STAGES": (3, 2),
        "SPLIT_PRODUCT_WAY": WAYS,
    },
)
_PRODUCTS = (
    aten.matmul.default, aten.mm.default, aten.bmm.default, aten.addmm.default, aten.baddbmm.default,
    aten.einsum.default,
)  # fmt: skip


class SplitProduct:
    """Every large fp32 product of two matrices, in batches or not, with what follows it."""

    name = "split-product"
    describes = "matrix products as split TF32 or bf16 products on the GPU's matrix units, what follows fused"
    devices = frozenset({"cuda"})

    def apply(self, captured: Captured) -> int:
        """Replace each product that fills at least one tile; what views its result then reshapes it."""
        places = 0
        for node in calls(captured.graph, *_PRODUCTS):
            if is_op(node, aten.einsum.default):
                places += _einsum(captured, node)
            else:
                places += _product(captured, node)
        if places:
            loosen_views(captured.graph)
        return places


def _product(captured: Captured, node: fx.Node) -> int:
    given = arguments(node)
    a, b, added, alpha, beta = _operands(node, given)
    if not (_fills(a, b) and isinstance(alpha, (int, float)) and isinstance(beta, (int, float))):
        return 0
    if added is not None and not is_float32(added):
        return 0
    chain = epilogue(node, added=added)
    _put(captured, chain, a, b, float(alpha), float(beta))
    return 1


def _operands(node: fx.Node, given: dict[str, Any]) -> tuple[Any, Any, fx.Node | None, Any, Any]:
    """Return both matrices, what is added, and the factors of the product and of what is added."""
    if is_op(node, aten.addmm.default, aten.baddbmm.default):
        left, right = ("mat1", "mat2") if is_op(node, aten.addmm.default) else ("batch1", "batch2")
        if given["beta"] == 0:  # a factor of zero drops even what is no number
            return given[left], given[right], None, given["alpha"], 1.0
        return given[left], given[right], given["self"], given["alpha"], given["beta"]
    return *node.args[:2], None, 1.0, 1.0  # type: ignore[return-value]


def _put(captured: Captured, chain: Epilogue, a: fx.Node, b: fx.Node, alpha: float, beta: float) -> fx.Node:
    captured.add_snippet(SNIPPET)
    given = (a, b, chain.added, alpha * chain.scale, beta, chain.post, chain.residual)
    plain = (None, 1.0, 1.0, "none", None)
    count = max((i + 1 for i, (g, p) in enumerate(zip(given[2:], plain, strict=True)) if g != p), default=0)
    return put_chain(captured.graph, chain, SNIPPET.function("split_product"), given[: 2 + count])


def _fills(a: object, b: object) -> bool:
    if not (is_float32(a) and is_float32(b)):
        return False
    left, right = shape(a), shape(b)
    if not (2 <= len(left) <= 4 and 2 <= len(right) <= 4):
        return False
    rows = math.prod(left[:-1]) if len(right) == 2 else left[-2]
    return 0 not in left + right and min(rows, left[-1], right[-1]) >= SMALLEST


def _einsum(captured: Captured, node: fx.Node) -> int:
    equation, operands = node.args[:2]
    found = two_matrices(equation, operands)
    if found is None or min(found.rows, found.columns, found.inner) < SMALLEST:
        return 0
    graph = captured.graph
    with graph.inserting_before(node):
        a, b = (_arranged(graph, *each) for each in found.operands)
    chain = epilogue(node) if found.plain else Epilogue([node])
    if found.plain:
        _put(captured, chain, a, b, 1.0, 1.0)
        return 1
    _unarranged(captured, node, a, b, found)
    return 1


def _arranged(graph: fx.Graph, x: fx.Node, order: tuple[int, ...], sizes: tuple[int, ...]) -> fx.Node:
    """Return an operand with its batches first and one size each of rows and columns."""
    if order != tuple(range(len(order))):
        x = graph.call_function(aten.permute.default, (x, list(order)))
    return x if len(sizes) == len(order) else graph.call_function(aten.reshape.default, (x, list(sizes)))


def _unarranged(captured: Captured, node: fx.Node, a: fx.Node, b: fx.Node, found: TwoMatrices) -> None:
    """Put the product where the einsum stood, its sizes taken apart and ordered as they were."""
    captured.add_snippet(SNIPPET)
    graph = captured.graph
    with graph.inserting_before(node):
        y = graph.call_function(SNIPPET.function("split_product"), (a, b))
        if found.apart is not None:
            y = graph.call_function(aten.reshape.default, (y, list(found.apart)))
        if found.order != tuple(range(len(found.order))):
            y = graph.call_function(aten.permute.default, (y, list(found.order)))
    y.meta = dict(node.meta)
    node.replace_all_uses_with(y)
    graph.erase_node(node)
