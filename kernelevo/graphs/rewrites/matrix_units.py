"""Matrix units: linear layers on the processor's matrix units (AMX) at fp32 accuracy, activation fused in.

The units multiply bfloat16, sixteen times as fast as vector units multiply fp32. Each number is split into
three bfloat16 parts that together are all of it, and six of the nine products of parts make a product as
exact as fp32's (the kernel's text has the error bound). A GPU's counterpart is ``split_linear``.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import fx

from kernelevo.errors import KernelEvoError
from kernelevo.graphs import kernels
from kernelevo.graphs.capture import Captured
from kernelevo.graphs.lifting import fixed_nodes
from kernelevo.graphs.matching import arguments, aten, calls, is_float32, is_op, put_in_place, shape, value
from kernelevo.graphs.rewrites.packed_linear import is_settled, post_of
from kernelevo.graphs.snippet import Snippet, Table

FEWEST = 96
"""Rows below which a weight of half as many bytes again costs what the units save."""
MANY, LARGE = 512, 32 << 20
"""A weight whose parts take more bytes than this comes from memory, and pays only for so many rows."""
_BYTES = 6  # of a number's three parts
SMALLEST = 32  # columns and inner size below which tiles are mostly empty

TUNE: Table = {
    "MATRIX_UNITS_STEPS": (32, 16),  # steps of 32 inner places whose parts of x stay in a core's cache
    "MATRIX_UNITS_ROWS": (4, 8, 2),  # blocks of 32 rows that take turns with a block of the weight
}

_WRAPPER = '''
_MATRIX_POSTS = {
    "none": (0, lambda y: y),
    "relu": (1, torch.relu_),
    "tanh": (2, torch.tanh_),
    "sigmoid": (3, torch.sigmoid_),
    "swish": (4, lambda y: F.silu(y, inplace=True)),
    "gelu": (5, F.gelu),
    "gelu_tanh": (6, lambda y: F.gelu(y, approximate="tanh")),
}


def matrix_units_weight(weight):
    """Return a weight [out, in] as parts for the matrix units; None on a machine without them."""
    if not _matrix_units.matrix_units_here():
        return None
    weight = weight.detach().contiguous()
    columns, inner = weight.shape
    packed = torch.empty(_matrix_units.matrix_units_size(columns, inner), dtype=torch.int16)
    _matrix_units.matrix_units_pack(weight, inner, packed, columns, inner)
    return packed


def matrix_units_matrix(weight):
    """Return a weight [in, out] as parts for the matrix units."""
    return matrix_units_weight(weight.t())


def _matrix_units_product(x, packed, bias, columns, post):
    """Return post(x weight^T + bias) on the units; None where a product, or a part of one, is not finite."""
    inner = x.shape[-1]
    rows, bias = x.reshape(-1, inner).contiguous(), None if bias is None else bias.contiguous()
    y = x.new_empty(*x.shape[:-1], columns)
    code = _MATRIX_POSTS[post][0]
    done = _matrix_units.matrix_units_linear(
        rows, inner, packed, bias, y, columns, rows.shape[0], columns, inner, code,
    )
    return y if done else None


def matrix_units_linear(x, weight, bias=None, post="none"):
    """Linear layer with an activation; the parts of the weight follow their parameter."""
    packed = kernelevo.packed(matrix_units_weight, weight)
    y = None if packed is None else _matrix_units_product(x, packed, bias, weight.shape[0], post)
    return _MATRIX_POSTS[post][1](F.linear(x, weight, bias)) if y is None else y


def matrix_units_matmul(x, weight, bias=None, post="none"):
    """Product with a constant matrix [in, out], then an activation; its parts follow their parameter."""
    packed = kernelevo.packed(matrix_units_matrix, weight)
    y = None if packed is None else _matrix_units_product(x, packed, bias, weight.shape[1], post)
    return _MATRIX_POSTS[post][1](F.linear(x, weight.t(), bias)) if y is None else y
'''


def snippet() -> Snippet:
    """Return the program text that defines ``matrix_units_linear`` and ``matrix_units_matmul``."""
    return Snippet("matrix_units", kernels.library("_matrix_units", "matrix_units", TUNE) + _WRAPPER, TUNE)


@functools.cache
def available() -> bool:
    """Tell whether this machine's compiler and system let a program use the processor's matrix units."""
    supported = getattr(torch.cpu, "_is_amx_tile_supported", None)  # asked first: it costs no build
    if supported is not None and not supported():
        return False
    try:
        library = snippet().function("matrix_units_weight").__globals__["_matrix_units"]
    except KernelEvoError:  # no compiler, or none for these units
        return False
    return bool(library.matrix_units_here())


class MatrixUnits:
    """Every linear layer with a constant weight and rows enough, fused with a following activation."""

    name = "matrix-units"
    describes = "linear layers on the processor's matrix units at fp32 accuracy, with the activation fused"
    devices = frozenset({"cpu"})
    # Short of power a processor runs these units alone at a quarter of their speed: then vector units are as
    # fast, and on a shared machine nobody says when that is so.
    speculative = True

    def apply(self, captured: Captured) -> int:
        """Replace each linear layer and product with a constant matrix, and the activation after it."""
        if not available():
            return 0
        graph, places = captured.graph, 0
        fixed = fixed_nodes(graph)
        products = (aten.linear.default, aten.matmul.default, aten.mm.default, aten.addmm.default)
        for node in calls(graph, *products):
            found = _linear(node, fixed) if is_op(node, aten.linear.default) else _matmul(node, fixed)
            if found is None:
                continue
            function, x, weight, bias = found
            captured.add_snippet(snippet())
            last, post = post_of(node)
            name = f"{post.name}_tanh" if post.algorithm == "tanh" else post.name
            given = (x, weight) if bias is None and name == "none" else (x, weight, bias)
            given = given if name == "none" else (*given, name)
            put_in_place(graph, node, last, snippet().function(function), given)
            places += 1
        return places


Found = tuple[str, fx.Node, fx.Node, fx.Node | None]


def _linear(node: fx.Node, fixed: set[fx.Node]) -> Found | None:
    given = arguments(node)
    x, weight = given["input"], given["weight"]
    if not _fits(x, weight) or not is_settled(weight, fixed):
        return None
    return "matrix_units_linear", x, weight, given["bias"]


def _matmul(node: fx.Node, fixed: set[fx.Node]) -> Found | None:
    """Return the parts of a product with a constant matrix [in, out]."""
    bias = None
    if is_op(node, aten.addmm.default):
        given = arguments(node)
        x, weight, bias = given["mat1"], given["mat2"], given["self"]
        if given["beta"] != 1 or given["alpha"] != 1 or len(shape(bias)) != 1:
            return None
    else:
        x, weight = node.args
    if (
        not isinstance(weight, fx.Node)
        or weight not in fixed
        or weight.op != "get_attr"
        or not _fits(x, weight)
    ):
        return None
    return "matrix_units_matmul", x, weight, bias


def _fits(x: fx.Node, weight: fx.Node) -> bool:
    if not (is_float32(x) and is_float32(weight)) or value(x).device.type != "cpu":
        return False
    if len(shape(weight)) != 2 or len(shape(x)) < 2:
        return False
    rows, size = math.prod(shape(x)[:-1]), math.prod(shape(weight)) * _BYTES
    return rows >= (FEWEST if size <= LARGE else MANY) and min(shape(weight)) >= SMALLEST
