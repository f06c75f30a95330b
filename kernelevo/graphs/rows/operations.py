"""Row operations: which ATen calls work along rows, and what they ask of their operands."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import fx

from kernelevo.graphs.matching import arguments, aten, is_dense, is_float32, is_op, shape, value

HEAVY = 10  # cost of an operation that is dearer than reading a vector back from the first-level cache
_OVERLOADS = frozenset({"default", "Tensor", "Scalar", "Tensor_Scalar"})

# Operators of one or two operands by their schema's names; ``{self}`` and ``{other}`` are vectors.
TEMPLATES: Mapping[str, tuple[str, int]] = {
    "abs": ("abs({self})", 1),
    "add": ("{self} + {other}", 1),
    "div": ("{self} / {other}", 3),
    "erf": ("erf({self})", HEAVY),
    "exp": ("exp({self})", HEAVY),
    "hardswish": ("{self} * min(splat(6.0f), max(splat(0.0f), {self} + 3.0f)) / 6.0f", 6),
    "hardtanh": ("min({max_val}, max({min_val}, {self}))", 2),
    "leaky_relu": ("({self} > 0.0f ? {self} : {self} * {negative_slope})", 2),
    "mul": ("{self} * {other}", 1),
    "neg": ("-{self}", 1),
    "reciprocal": ("1.0f / {self}", 3),
    "relu": ("relu({self})", 1),
    "relu6": ("min(splat(6.0f), max(splat(0.0f), {self}))", 2),
    "rsqrt": ("1.0f / sqrt({self})", 5),
    "rsub": ("{other} - {self}", 1),
    "sigmoid": ("sigmoid({self})", HEAVY),
    "silu": ("silu({self})", HEAVY),
    "sqrt": ("sqrt({self})", 3),
    "square": ("{self} * {self}", 1),
    "sub": ("{self} - {other}", 1),
    "tanh": ("tanh({self})", HEAVY),
}
POWERS: Mapping[float, str] = {
    -1.0: "1.0f / {self}",
    -0.5: "1.0f / sqrt({self})",
    0.5: "sqrt({self})",
    1.0: "{self}",
    2.0: "{self} * {self}",
    3.0: "{self} * {self} * {self}",
}
CLAMPS = frozenset({"clamp", "clamp_max", "clamp_min"})
NORMS = (aten.layer_norm.default, aten.rms_norm.default)
SOFTMAXES = (aten.softmax.int, aten._softmax.default, aten.log_softmax.int, aten._log_softmax.default)
EXPANDS = (aten.expand_as.default, aten.expand.default)
SUMS = (aten.mean.dim, aten.sum.dim_IntList, aten.amax.default, aten.linalg_vector_norm.default)
VARIANCES = (aten.var.dim, aten.var.correction, aten.std.dim, aten.std.correction)
_WINDOWS = (aten.avg_pool2d.default, aten.max_pool2d.default, aten.adaptive_avg_pool2d.default)


def understood(node: fx.Node) -> bool:
    """Tell whether a node is an operation along rows, of fp32 tensors on the CPU, that C++ is written for."""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten" or not _plain(node):
        return False
    if is_op(node, *EXPANDS):
        return True
    if not is_dense(node):
        return False
    if (reduced(node) and not groups(node)) or is_op(node, *_WINDOWS):
        return True
    return base(node) in {"gelu", "pow", *CLAMPS, *TEMPLATES} and is_pointwise(node)


def _plain(node: fx.Node) -> bool:
    sources = node.all_input_nodes
    floats = all(is_float32(n) and value(n).device.type == "cpu" for n in (node, *sources))
    return bool(sources) and floats and value(node).numel() > 0


def is_pointwise(node: fx.Node) -> bool:
    """Tell whether an elementwise operator comes in a form of tensors and numbers that can be written."""
    target, given = node.target, arguments(node)
    assert isinstance(target, torch._ops.OpOverload)
    if target._overloadname not in _OVERLOADS:
        return False
    if base(node) == "pow":
        return isinstance(given["exponent"], (int, float)) and float(given["exponent"]) in POWERS
    numbers = (given[k] for k in ("other", "alpha", "min", "max") if k in given)
    return all(isinstance(n, (int, float, fx.Node)) or n is None for n in numbers)


def base(node: fx.Node) -> str:
    """Return the name of an operator without overload and without the mark of writing in place."""
    assert isinstance(node.target, torch._ops.OpOverload)
    return str(node.target._schema.name).partition("::")[2].removesuffix("_")


def in_place(node: fx.Node) -> bool:
    """Tell whether an operation writes its result over its first operand."""
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable


def operands(node: fx.Node) -> list[fx.Node]:
    """Return the tensors whose values an operation reads; the target of an expansion gives only a shape."""
    if is_op(node, *EXPANDS):
        return [n for n in node.args[:1] if isinstance(n, fx.Node)]
    return node.all_input_nodes


def expands(node: fx.Node) -> bool:
    """Tell whether a node repeats its operand and computes nothing."""
    return is_op(node, *EXPANDS)


def weight(node: fx.Node) -> float:
    """Return for how many light passes over memory ATen's operator stands, less what our text costs more.

    Measured on one thread: ATen's variance and root-mean-square norm are several passes; our erf and tanh
    are slower than ATen's by about one pass and half a pass.
    """
    if expands(node):
        return 0.0
    if is_op(node, aten.rms_norm.default):
        return 3.0
    if is_op(node, *VARIANCES):
        return 2.0
    if base(node) == "erf" or (base(node) == "gelu" and arguments(node)["approximate"] == "none"):
        return 0.0
    return 0.5 if base(node) == "tanh" else 1.0


def is_dear(node: fx.Node) -> bool:
    """Tell whether ATen takes several times as long for a node as ours does: pooling, GELU's tanh form."""
    if base(node) == "gelu":
        return bool(arguments(node)["approximate"] == "tanh")
    return is_op(node, *_WINDOWS, *VARIANCES)


def is_window(node: fx.Node) -> bool:
    """Tell whether a node pools over windows smaller than the image."""
    return is_op(node, *_WINDOWS) and not reduced(node)


def reduced(node: fx.Node) -> int:
    """Return over how many trailing dimensions of its input a node works as a whole; 0 if over none."""
    if not isinstance(node.target, torch._ops.OpOverload) or not node.args:
        return 0
    given = arguments(node)
    source = given.get("self", given.get("input"))
    if not isinstance(source, fx.Node) or not is_float32(source):
        return 0
    rank = len(shape(source))
    if is_op(node, *NORMS):
        fits = tuple(given["normalized_shape"]) == shape(source)[rank - len(given["normalized_shape"]) :]
        return len(given["normalized_shape"]) if fits else 0
    if is_op(node, aten.group_norm.default):
        return rank - 1 if rank > 1 and value(source).numel() else 0
    if is_op(node, aten.adaptive_avg_pool2d.default):
        return 2 if all(size == 1 for size in given["output_size"]) else 0
    if is_op(node, *SOFTMAXES):
        settled = given.get("dtype") is None and not given.get("half_to_float")
        return _trailing([given["dim"]], rank) if settled else 0
    if is_op(node, *VARIANCES):
        return _trailing(given["dim"], rank)
    if is_op(node, *SUMS) and given.get("dtype") is None and given.get("ord", 2) == 2:
        return _trailing(given["dim"], rank)
    return 0


def groups(node: fx.Node) -> int:
    """Return the number of groups of a group normalisation, 0 of any other node."""
    return int(arguments(node)["num_groups"]) if is_op(node, aten.group_norm.default) else 0


def _trailing(dims: Sequence[int] | None, rank: int) -> int:
    if not dims or not rank:
        return 0
    found = sorted({dim % rank for dim in dims})
    return len(found) if found == list(range(rank - len(found), rank)) else 0


def keeps_shape(node: fx.Node) -> bool:
    """Tell whether a node that ``reduced`` knows gives one value per element, not one per row."""
    return is_op(node, *NORMS, *SOFTMAXES, aten.group_norm.default)


def one_per_row(node: fx.Node, domain: Sequence[int], inner: int) -> bool:
    """Tell whether a value has one element per row of ``inner`` elements of ``domain``."""
    return inner > 1 and value(node).numel() * inner == math.prod(domain)


# ---------------------------------------------------------------------- what both printers read


def argument_texts(
    node: fx.Node, names: Mapping[fx.Node, str], literal: Callable[[float], str]
) -> dict[str, str]:
    """Return the text of each argument of an elementwise operation; a sum's ``alpha`` is in already.

    Args:
        node: the operation.
        names: names of the values it reads.
        literal: a number's text in the language that is printed.
    """
    given = arguments(node)
    texts: dict[str, str] = {}
    for key, argument in given.items():
        if isinstance(argument, fx.Node):
            texts[key] = names[argument]
        elif isinstance(argument, (int, float)):
            texts[key] = literal(argument)
    if "other" in given and given.get("alpha", 1) != 1:  # of a sum; elu's means something else
        scaled = "self" if base(node) == "rsub" else "other"
        texts[scaled] = f"{texts['alpha']} * {texts[scaled]}"
    return texts


def correction(node: fx.Node) -> int:
    """Return what a variance takes off the number of elements."""
    given = arguments(node)
    if "unbiased" in given:
        return int(given["unbiased"])
    found = given.get("correction", 1)
    return 1 if found is None else int(found)


def epsilon(node: fx.Node) -> float:
    """Return what a norm adds to the mean of the squares."""
    given = arguments(node)["eps"]
    return torch.finfo(torch.float32).eps if given is None else float(given)
