"""Split attention: fused attention on a GPU's matrix units at fp32 accuracy, the scores never stored.

PyTorch's fused kernels multiply fp32 operands by the plain units. Here both products take TF32 operands
split into a large and a small part, as in ``split_linear``. A program keeps a block of query rows and walks
over the keys; what it has summed so far is rescaled whenever a row's maximum grows.
"""

from __future__ import annotations

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import arguments, aten, calls, is_float32, shape
from kernelevo.graphs.snippet import Snippet

SMALLEST = 64  # query rows and keys below which blocks are mostly empty
STEP = 16  # head sizes are multiples of it, so that rows are read in whole vectors
WIDEST = 128  # head size beyond which a block of keys and values outgrows shared memory

SNIPPET = Snippet(
    "split_attention",
    '''
import triton
import triton.language as tl


@triton.jit
def split_attention_kernel(
    query_ptr, key_ptr, value_ptr, y_ptr, heads, rows, keys,
    query_batch, query_head, query_row, key_batch, key_head, key_row, value_batch, value_head, value_row,
    SIZE: tl.constexpr = 64, WIDTH: tl.constexpr = 64,
    SIZE_PADDED: tl.constexpr = 64, WIDTH_PADDED: tl.constexpr = 64,
    CAUSAL: tl.constexpr = False, SCALE: tl.constexpr = 1.0,
    SPLIT_ATTENTION_ROWS: tl.constexpr = 128, SPLIT_ATTENTION_KEYS: tl.constexpr = 32,
    PRECISION: tl.constexpr = "tf32x3",
):
    """One block of rows of y = softmax(SCALE * query key^T) value; SCALE holds log2(e), for exp2."""
    blocks = tl.cdiv(rows, SPLIT_ATTENTION_ROWS)
    attended = (tl.program_id(0) // blocks).to(tl.int64)  # which batch and head
    block = blocks - 1 - tl.program_id(0) % blocks  # under a causal mask the longest come first
    batch, head = attended // heads, attended % heads
    r = block * SPLIT_ATTENTION_ROWS + tl.arange(0, SPLIT_ATTENTION_ROWS)
    j = tl.arange(0, SPLIT_ATTENTION_KEYS)
    d, e = tl.arange(0, SIZE_PADDED), tl.arange(0, WIDTH_PADDED)
    row_in, d_in, e_in = r[:, None] < rows, d < SIZE, e[None, :] < WIDTH
    query = query_ptr + batch * query_batch + head * query_head
    query = query + r[:, None].to(tl.int64) * query_row + d[None, :]
    q = tl.load(query, mask=row_in & d_in[None, :], other=0.0) * SCALE
    key = key_ptr + batch * key_batch + head * key_head + j[None, :].to(tl.int64) * key_row + d[:, None]
    value = value_ptr + batch * value_batch + head * value_head
    value = value + j[:, None].to(tl.int64) * value_row + e[None, :]
    most = tl.full((SPLIT_ATTENTION_ROWS,), float("-inf"), tl.float32)
    weight = tl.zeros((SPLIT_ATTENTION_ROWS,), tl.float32)
    total = tl.zeros((SPLIT_ATTENTION_ROWS, WIDTH_PADDED), tl.float32)
    end = keys
    if CAUSAL:
        end = tl.minimum(keys, (block + 1) * SPLIT_ATTENTION_ROWS)
    for start in range(0, end, SPLIT_ATTENTION_KEYS):
        left = keys - start
        k = tl.load(key, mask=(j[None, :] < left) & d_in[:, None], other=0.0)
        scores = tl.dot(q, k, input_precision=PRECISION)
        seen = j[None, :] < left
        if CAUSAL:
            seen = seen & (start + j[None, :] <= r[:, None])
        scores = tl.where(seen, scores, float("-inf"))
        now = tl.maximum(most, tl.max(scores, 1))  # finite from the first block on: every row sees key 0
        shrunk = tl.exp2(most - now)
        p = tl.exp2(scores - now[:, None])
        weight = weight * shrunk + tl.sum(p, 1)
        v = tl.load(value, mask=(j[:, None] < left) & e_in, other=0.0)
        # the product is added by the plain units, which round where the matrix units truncate
        total = total * shrunk[:, None] + tl.dot(p, v, input_precision=PRECISION)
        most = now
        key += SPLIT_ATTENTION_KEYS * key_row
        value += SPLIT_ATTENTION_KEYS * value_row
    y = y_ptr + (attended * rows + r[:, None]) * WIDTH + e[None, :]
    tl.store(y, total / weight[:, None], mask=row_in & e_in)


def _split_attention_heads(x):
    x = x if x.dim() == 4 else x.unsqueeze(0)
    return x if x.stride(-1) == 1 else x.contiguous()


def split_attention(query, key, value, causal=False, scale=None):
    """Return attention in fp32, new and contiguous; by PyTorch where query is not on a GPU."""
    if not query.is_cuda:
        y = F.scaled_dot_product_attention(query, key, value, is_causal=causal, scale=scale)
        return y.contiguous()
    y = torch.empty(*query.shape[:-1], value.shape[-1], dtype=query.dtype, device=query.device)
    query, key, value = (_split_attention_heads(x) for x in (query, key, value))
    batch, heads, rows, size = query.shape
    keys, width = value.shape[2:]
    down, across = TUNE["SPLIT_ATTENTION_ROWS"][0], TUNE["SPLIT_ATTENTION_KEYS"][0]
    if max(size, width) > 64:  # the table's blocks are those of smaller heads
        down, across = down // 2, max(across // 2, 16)
    if y.numel():
        scale = size**-0.5 if scale is None else scale
        split_attention_kernel[(triton.cdiv(rows, down) * batch * heads,)](
            query, key, value, y, heads, rows, keys,
            *query.stride()[:3], *key.stride()[:3], *value.stride()[:3],
            SIZE=size, WIDTH=width,
            SIZE_PADDED=triton.next_power_of_2(size), WIDTH_PADDED=triton.next_power_of_2(width),
            CAUSAL=causal, SCALE=scale * 1.4426950408889634,
            SPLIT_ATTENTION_ROWS=down, SPLIT_ATTENTION_KEYS=across,
            num_warps=TUNE["SPLIT_ATTENTION_WARPS"][0], num_stages=TUNE["SPLIT_ATTENTION_STAGES"][0],
        )
    return y
''',
    {
        "SPLIT_ATTENTION_ROWS": (128, 64),
        "SPLIT_ATTENTION_KEYS": (32, 16, 64),
        "SPLIT_ATTENTION_WARPS": (8, 4),
        "SPLIT_ATTENTION_STAGES": (2, 1, 3),
    },
)


class SplitAttention:
    """Every large fp32 attention without a mask, or with a causal one, as two split-precision products."""

    name = "split-attention"
    describes = "attention as TF32 products on the GPU's matrix units, three for each, scores never stored"
    devices = frozenset({"cuda"})

    def apply(self, captured: Captured) -> int:
        """Replace each attention that fills at least one block; what views its result then reshapes it."""
        graph = captured.graph
        places = 0
        for node in calls(graph, aten.scaled_dot_product_attention.default):
            given = arguments(node)
            query, key, value = given["query"], given["key"], given["value"]
            plain = given["attn_mask"] is None and given["dropout_p"] == 0 and not given["enable_gqa"]
            if not (plain and _fills(query, key, value)):
                continue
            captured.add_snippet(SNIPPET)
            with graph.inserting_before(node):
                made = graph.call_function(
                    SNIPPET.function("split_attention"),
                    (query, key, value, given["is_causal"], given["scale"]),
                )
            made.meta = {**node.meta, "fresh": True}
            node.replace_all_uses_with(made)
            graph.erase_node(node)
            places += 1
        if places:  # PyTorch's own result may have rows outside heads, and views that lean on it
            for view in calls(graph, aten.view.default):
                view.target = aten.reshape.default
        return places


def _fills(query: fx.Node, key: fx.Node, value: fx.Node) -> bool:
    if not (is_float32(query) and is_float32(key) and is_float32(value)):
        return False
    *batch, rows, size = shape(query)
    width = shape(value)[-1]
    if len(batch) not in (1, 2) or not (batch == [*shape(key)[:-2]] == [*shape(value)[:-2]]):
        return False
    sizes = all(STEP <= s <= WIDEST and s % STEP == 0 for s in (size, width))
    return sizes and min(rows, shape(key)[-2]) >= SMALLEST
