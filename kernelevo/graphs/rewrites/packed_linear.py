"""Packed linear: linear layers on oneDNN's own weight layout, with what follows them fused in."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.lifting import fixed_nodes
from kernelevo.graphs.matching import (
    arguments,
    aten,
    calls,
    is_float32,
    is_op,
    put_in_place,
    shape,
    sole_user,
    value,
)
from kernelevo.graphs.snippet import Snippet

SNIPPET = Snippet(
    "packed_linear",
    '''
def packed_linear_weight(weight):
    """Return a weight [out, in] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), None)


def packed_matmul_weight(weight):
    """Return a weight [in, out] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().t().contiguous(), None)


def packed_matmul(x, weight, bias):
    """Product with a constant matrix [in, out]; the packed matrix follows its parameter."""
    weight = kernelevo.packed(packed_matmul_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def packed_linear(x, weight, bias, post="none", algorithm=""):
    """Linear layer with a fused activation; the packed weight follows its parameter."""
    weight = kernelevo.packed(packed_linear_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, post, [], algorithm)
''',
)


@dataclass(frozen=True)
class Post:
    """An activation that oneDNN applies to the result while it is in registers."""

    name: str = "none"
    algorithm: str = ""


_TRIED: tuple[tuple[str, str, Callable[[torch.Tensor], torch.Tensor]], ...] = (
    ("none", "", lambda t: t),
    ("tanh", "", torch.tanh),
    ("sigmoid", "", torch.sigmoid),
    ("swish", "", F.silu),
    ("gelu", "none", F.gelu),
    ("gelu", "tanh", functools.partial(F.gelu, approximate="tanh")),
)


class PackedLinear:
    """Every linear layer with constant weights, fused with a following activation.

    Not with a following sum: oneDNN makes that primitive anew in each call (0.5 to 2 ms here).
    """

    name = "packed-linear"
    describes = "linear layers on oneDNN's pre-packed weights, with the activation fused"
    devices = frozenset({"cpu"})

    def apply(self, captured: Captured) -> int:
        """Replace each linear layer and what it is fused with."""
        if not available():
            return 0
        fixed = fixed_nodes(captured.graph)
        places = 0
        for node in calls(captured.graph, aten.linear.default):
            given = arguments(node)
            if _fits(given["input"], given["weight"]) and is_settled(given["weight"], fixed):
                _replace(captured, node, given["input"], given["weight"], given["bias"])
                places += 1
        return places + _products(captured, fixed)


def _products(captured: Captured, fixed: set[fx.Node]) -> int:
    """Replace products with a constant matrix, written without a linear layer."""
    graph, places = captured.graph, 0
    for node in calls(graph, aten.matmul.default, aten.mm.default, aten.addmm.default):
        given = arguments(node)
        bias = None
        if is_op(node, aten.addmm.default):
            x, weight, bias = given["mat1"], given["mat2"], given["self"]
            plain = given["beta"] == 1 and given["alpha"] == 1 and len(shape(bias)) == 1
        else:
            x, weight = node.args
            plain = True
        if plain and _fits(x, weight) and weight in fixed and weight.op == "get_attr":
            captured.add_snippet(SNIPPET)
            put_in_place(graph, node, node, SNIPPET.function("packed_matmul"), (x, weight, bias))
            places += 1
    return places


def is_settled(node: fx.Node, fixed: set[fx.Node]) -> bool:
    """Tell whether a weight is a tensor of the module or something already packed from one.

    A weight computed in forward from parameters is a fresh object in each call and cannot be a key.
    """
    if node.op == "get_attr":
        return node in fixed
    return bool(node.meta.get("settled"))


def post_of(node: fx.Node) -> tuple[fx.Node, Post]:
    """Return the last node of ``node`` and the activation after it, and that activation."""
    user = sole_user(node)
    if user is None or user.op != "call_function" or user.args[0] is not node:
        return node, Post()
    simple = {
        "relu": (aten.relu, aten.relu_),
        "tanh": (aten.tanh, aten.tanh_),
        "sigmoid": (aten.sigmoid, aten.sigmoid_),
        "swish": (aten.silu, aten.silu_),
    }
    for name, ops in simple.items():
        if is_op(user, *ops):
            return user, Post(name)
    if is_op(user, aten.gelu.default):
        return user, Post("gelu", arguments(user)["approximate"])
    return node, Post()


def fuse_post(node: fx.Node) -> tuple[fx.Node, Post]:
    """Return the last node that a call of oneDNN stands for, and the activation that it applies.

    A ReLU stays behind the call, written over its result, which is new memory: oneDNN's own turns NaN into 0.
    """
    last, post = post_of(node)
    if post.name != "relu":
        return last, post
    last.target = aten.relu_.default
    return node, Post()


@functools.cache
def available() -> bool:
    """Tell whether oneDNN's private operators are there and give right values on this machine."""
    if not torch._C._has_mkldnn or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (torch.randn(*s, generator=generator) for s in ((4, 24), (16, 24), (16,)))
    x[3] = math.nan
    try:
        packed = reordered(weight, None)
        for post, algorithm, reference in _TRIED:
            found = torch.ops.mkldnn._linear_pointwise(x, packed, bias, post, [], algorithm)
            exact = reference(F.linear(x, weight, bias))
            torch.testing.assert_close(found, exact, atol=1e-4, rtol=1e-4, equal_nan=True)
    except (RuntimeError, AttributeError, AssertionError):
        return False
    return True


def reordered(weight: torch.Tensor, rows: int | None) -> torch.Tensor:
    """Return a weight in oneDNN's layout."""
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    assert isinstance(packed, torch.Tensor)
    return packed


def _fits(x: fx.Node, weight: fx.Node) -> bool:
    floats = is_float32(x) and is_float32(weight)
    return floats and value(x).device.type == "cpu" and len(shape(weight)) == 2 and len(shape(x)) >= 2


def _replace(captured: Captured, node: fx.Node, x: fx.Node, weight: fx.Node, bias: fx.Node | None) -> None:
    captured.add_snippet(SNIPPET)
    last, post = fuse_post(node)
    extra = (post.name, post.algorithm) if post.algorithm else (post.name,)
    arguments_ = (x, weight, bias) if post == Post() else (x, weight, bias, *extra)
    put_in_place(captured.graph, node, last, SNIPPET.function("packed_linear"), arguments_)
