"""ReLU attention: relu(scale q k^T) v, causal or not, in one C++ kernel that stores no scores."""

from __future__ import annotations

from torch import fx

from kernelevo.graphs import kernels
from kernelevo.graphs.capture import Captured
from kernelevo.graphs.epilogue import loosen_views
from kernelevo.graphs.lifting import fixed_nodes, lift, unwritten
from kernelevo.graphs.matching import aten, calls, is_op, on_cpu, shape, sole_user, value
from kernelevo.graphs.rewrites.attention import Scores, is_causal, number_factors, read_scores
from kernelevo.graphs.snippet import Snippet, Table

TUNE: Table = {
    "RELU_ATTENTION_QUERIES": (64, 32, 96, 128),  # of a tile
    "RELU_ATTENTION_KEYS": (64, 32, 128),  # of a tile, in whole vectors; its sums stay apart
    "RELU_ATTENTION_ROWS": (0, 4, 6, 12, 14),  # of a register tile; 0: by the width of vectors
    "RELU_ATTENTION_VECTORS": (2, 1, 3, 4),  # of a register tile
    "RELU_ATTENTION_CHUNK": (1, 2, 4, 0),  # tiles that a thread takes at once; 0: all of a head
}

_WRAPPER = """
def _relu_attention_rows(x):
    return x if x.stride(-1) == 1 else x.contiguous()


def relu_attention(query, key, value, scale, mask):
    \"\"\"relu(scale query key^T) value for [batch, heads, rows, size]; the scores are never stored.

    mask: False for none, True for a causal one, or a boolean tensor of the scores that count nothing.
    \"\"\"
    if isinstance(mask, torch.Tensor):
        scores = torch.matmul(query, key.transpose(-2, -1)) * scale
        return torch.matmul(torch.relu(scores.masked_fill(mask, float("-inf"))), value)
    query, key, value = (_relu_attention_rows(x) for x in (query, key, value))
    batch, heads, queries, size = query.shape
    keys, width = value.shape[2:]
    out = query.new_empty(batch, queries, heads, width)
    strides = (*query.stride()[:3], *key.stride()[:3], *value.stride()[:3])
    _relu_attention.relu_attention_forward(
        query.data_ptr(), key.data_ptr(), value.data_ptr(), out,
        batch, heads, queries, keys, size, width, *strides, scale, int(mask),
    )
    return out.transpose(1, 2)
"""

_GUARD = '''
{mask}

def {name}_causal({sources}):
    """Tell whether the mask lets each row see itself and what comes before it, no more."""
    hidden = {name}_mask({sources})
    return bool(torch.equal(hidden, torch.ones_like(hidden).triu(1)))


def {name}({sources}):
    """Return True as long as the mask is causal, else the mask."""
    return True if kernelevo.packed({name}_causal, {sources}) else {name}_mask({sources})
'''


def snippet() -> Snippet:
    """Return the program text that defines ``relu_attention``."""
    library = kernels.library("_relu_attention", "relu_attention", TUNE)
    return Snippet("relu_attention", library + _WRAPPER, TUNE)


class ReluAttention:
    """Attention with ReLU in the place of softmax: 2-, 3- or 4-dimensional operands, causal or unmasked."""

    name = "relu-attention"
    describes = "relu(q k^T) v in one tiled C++ kernel instead of stored scores; causal tiles are skipped"
    devices = frozenset({"cpu"})

    def apply(self, captured: Captured) -> int:
        """Match from each ReLU outwards."""
        number_factors(captured)
        places = 0
        for relu in calls(captured.graph, aten.relu.default, aten.relu_.default):
            product, source = sole_user(relu), relu.args[0]
            if product is None or not is_op(product, aten.matmul.default, aten.bmm.default):
                continue
            scores = read_scores(source) if isinstance(source, fx.Node) else None
            if scores is None or scores.bias is not None or product.args[0] is not relu:
                continue
            places += _replace(captured, scores, product, places)
        if places:
            loosen_views(captured.graph)
        return places


def _replace(captured: Captured, scores: Scores, product: fx.Node, number: int) -> int:
    attended = product.args[1]
    assert isinstance(attended, fx.Node)
    batch = shape(scores.query)[:-2]
    operands = [scores.query, scores.keys, attended]
    if not on_cpu(*operands) or not 1 <= len(batch) <= 2 or any(shape(n)[:-2] != batch for n in operands):
        return 0
    if not unwritten([scores.query, scores.keys, scores.hidden], product):
        return 0
    if 0 in (*shape(scores.query), *shape(scores.keys), *shape(attended)):
        return 0
    kind = _mask(captured, scores)
    if kind is None:
        return 0
    graph = captured.graph
    captured.add_snippet(snippet())
    with graph.inserting_before(product):
        operands[1] = graph.call_function(aten.transpose.int, (scores.keys, -2, -1))
        if len(batch) == 1:
            operands = [graph.call_function(aten.unsqueeze.default, (x, 0)) for x in operands]
        mask = kind if isinstance(kind, bool) else _guard(captured, kind, f"relu_attention_mask_{number}")
        function = captured.snippets["relu_attention"].function("relu_attention")
        made = graph.call_function(function, (*operands, scores.scale, mask))
        if len(batch) == 1:
            made = graph.call_function(aten.squeeze.dim, (made, 0))
    made.meta["val"] = value(product)
    product.replace_all_uses_with(made)
    return 1


def _mask(captured: Captured, scores: Scores) -> bool | fx.Node | None:
    """Return whether the scores are masked causally: no, always, by this node's value, or unknown (None)."""
    if scores.hidden is None:
        return False
    fixed = fixed_nodes(captured.graph)
    if not is_causal(captured, scores, fixed):
        return None
    return scores.hidden if lift("mask", scores.hidden, fixed).sources else True


def _guard(captured: Captured, hidden: fx.Node, name: str) -> fx.Node:
    """Insert a call that looks at the mask's present value, since a buffer may be loaded anew."""
    lifted = lift(f"{name}_mask", hidden, fixed_nodes(captured.graph))
    sources = ", ".join(f"s{i}" for i in range(len(lifted.sources)))
    captured.add_snippet(Snippet(name, _GUARD.format(mask=lifted.text, name=name, sources=sources)))
    function = captured.snippets[name].function(name)
    return captured.graph.call_function(function, lifted.sources)
