"""Tile steps: what ATen operators compute along the rows of a tile, as expressions of Triton in fp32.

A tile has one row per line; values along a row have its shape, values per row are columns of width one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import fx

from kernelevo.graphs.matching import arguments, aten, is_float32, is_op, value
from kernelevo.graphs.rows import operations
from kernelevo.graphs.rows.program import Steps

_KEEP = "propagate_nan=tl.PropagateNan.ALL"
# Operators of one or two operands by their schema's names; ``{self}`` and ``{other}`` are values.
TEMPLATES: Mapping[str, str] = {
    "abs": "tl.abs({self})",
    "add": "{self} + {other}",
    "clamp_max": f"tl.minimum({{self}}, {{max}}, {_KEEP})",
    "clamp_min": f"tl.maximum({{self}}, {{min}}, {_KEEP})",
    "cos": "tl.cos({self})",
    "div": "{self} / {other}",
    "erf": "tl.erf({self})",
    "exp": "tl.exp({self})",
    "exp2": "tl.exp2({self})",
    "hardsigmoid": f"tl.minimum(tl.maximum({{self}} + 3.0, 0.0, {_KEEP}), 6.0, {_KEEP}) / 6.0",
    "hardswish": f"{{self}} * tl.minimum(tl.maximum({{self}} + 3.0, 0.0, {_KEEP}), 6.0, {_KEEP}) / 6.0",
    "hardtanh": f"tl.minimum(tl.maximum({{self}}, {{min_val}}, {_KEEP}), {{max_val}}, {_KEEP})",
    "leaky_relu": "tl.where({self} > 0.0, {self}, {self} * {negative_slope})",
    "log": "tl.log({self})",
    "maximum": f"tl.maximum({{self}}, {{other}}, {_KEEP})",
    "minimum": f"tl.minimum({{self}}, {{other}}, {_KEEP})",
    "mul": "{self} * {other}",
    "neg": "-{self}",
    "reciprocal": "1.0 / {self}",
    "relu": "tl.where({self} < 0.0, 0.0, {self})",
    "relu6": f"tl.minimum(tl.maximum({{self}}, 0.0, {_KEEP}), 6.0, {_KEEP})",
    "rsqrt": "1.0 / tl.sqrt_rn({self})",
    "rsub": "{other} - {self}",
    "sigmoid": "1.0 / (1.0 + tl.exp(-{self}))",
    "silu": "{self} / (1.0 + tl.exp(-{self}))",
    "sin": "tl.sin({self})",
    "sqrt": "tl.sqrt_rn({self})",
    "square": "{self} * {self}",
    "sub": "{self} - {other}",
}
_POWERS: Mapping[float, str] = {
    -1.0: "1.0 / {self}",
    -0.5: "1.0 / tl.sqrt_rn({self})",
    0.5: "tl.sqrt_rn({self})",
    1.0: "{self} * 1.0",
    2.0: "{self} * {self}",
    3.0: "{self} * {self} * {self}",
}
_SELU = (1.6732632423543772, 1.0507009873554805, 1.0)  # alpha, scale, scale of the argument


class TileSteps(Steps):
    """The program of a tile's rows; an operand's one value per row is loaded as ``p<number>``."""

    ONE: ClassVar[str] = "p{}"


def understood(node: fx.Node) -> bool:
    """Tell whether a node is an operation along rows, of fp32 tensors, that Triton is written for."""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten":
        return False
    sources = node.all_input_nodes
    if not sources or not all(is_float32(n) for n in (node, *sources)) or not value(node).numel():
        return False
    if operations.expands(node):
        return True
    if not value(node).is_contiguous():
        return False
    if operations.reduced(node):
        return not operations.groups(node) or arguments(node)["weight"] is arguments(node)["bias"] is None
    if operations.is_window(node):
        return True
    known = operations.base(node) in {"clamp", "gelu", "pow", *TEMPLATES, *_WRITTEN}
    return known and operations.is_pointwise(node)


def literal(number: float) -> str:
    """Return a number as Triton's text."""
    number = float(number)
    return repr(number) if math.isfinite(number) else f'float("{number}")'


def write(steps: TileSteps, node: fx.Node, names: Mapping[fx.Node, str], inner: int) -> str:
    """Append what ``node`` computes and return the name of its value.

    Args:
        steps: the program so far.
        node: an operation that is ``understood``.
        names: names of the values it reads.
        inner: length of a row.
    """
    if operations.expands(node):
        return names[operations.operands(node)[0]]
    if not operations.reduced(node):
        return _write_pointwise(steps, node, names)
    for ops, writer in _REDUCTIONS:
        if is_op(node, *ops):
            return writer(steps, node, names, inner)
    raise ValueError(f"no text for {node.target}")


def _write_pointwise(steps: TileSteps, node: fx.Node, names: Mapping[fx.Node, str]) -> str:
    given, name = arguments(node), operations.base(node)
    texts = operations.argument_texts(node, names, literal)
    if name in _WRITTEN:
        return _WRITTEN[name](steps, texts)
    template = TEMPLATES.get(name, "{self}")
    if name == "gelu":
        return (_gelu_tanh if given["approximate"] == "tanh" else _gelu)(steps, texts["self"])
    if name == "pow":
        template = _POWERS[float(given["exponent"])]
    elif name == "clamp":
        if given["min"] is not None:
            template = f"tl.maximum({template}, {{min}}, {_KEEP})"
        if given["max"] is not None:
            template = f"tl.minimum({template}, {{max}}, {_KEEP})"
    return steps.compute(
        template.format(**texts), *dict.fromkeys(names[n] for n in operations.operands(node))
    )


def _gelu(steps: TileSteps, x: str) -> str:
    return steps.compute(f"0.5 * {x} * (1.0 + tl.erf({x} * 0.7071067811865476))", x)


def _gelu_tanh(steps: TileSteps, x: str) -> str:
    """Half of one plus tanh(u) is the logistic function of 2 u, which does not cancel."""
    u = steps.compute(f"-1.5957691216057308 * ({x} + 0.044715 * {x} * {x} * {x})", x)
    return steps.compute(f"{x} / (1.0 + tl.exp({u}))", x, u)


def _tanh(steps: TileSteps, x: str) -> str:
    """By its series near 0, where one minus an exponential would lose the digits."""
    size = steps.compute(f"tl.abs({x})", x)
    power = steps.compute(f"tl.exp(-2.0 * {size})", size)
    square = steps.compute(f"{size} * {size}", size)
    series = (
        f"{size} - {size} * {square} * (0.3333333333333333 - {square} * (0.13333333333333333"
        f" - {square} * (0.05396825396825397 - {square} * 0.021869488536155203)))"
    )
    small = steps.compute(series, size, square)
    found = steps.compute(
        f"tl.where({size} < 0.25, {small}, (1.0 - {power}) / (1.0 + {power}))", size, small, power
    )
    return steps.compute(f"tl.where({x} < 0.0, -{found}, {found})", x, found)


def _softplus(steps: TileSteps, texts: Mapping[str, str]) -> str:
    """The logarithm of one plus a small number, divided and multiplied by what rounding left of it."""
    x = texts["self"]
    u = steps.compute(f"{x} * {texts['beta']}", x)
    power = steps.compute(f"tl.exp(-tl.abs({u}))", u)
    one = steps.compute(f"1.0 + {power}", power)
    log = steps.compute(
        f"tl.where({one} == 1.0, {power}, tl.log({one}) * ({power} / ({one} - 1.0)))", one, power
    )
    soft = steps.compute(f"(tl.where({u} > 0.0, {u}, 0.0) + {log}) / {texts['beta']}", u, log)
    return steps.compute(f"tl.where({u} > {texts['threshold']}, {x}, {soft})", u, x, soft)


def _mish(steps: TileSteps, x: str) -> str:
    """The tangent of the logarithm of 1 + e is e (e + 2) over that plus 2."""
    power = steps.compute(f"tl.exp(tl.where({x} > 20.0, 20.0, {x}))", x)
    top = steps.compute(f"{power} * ({power} + 2.0)", power)
    return steps.compute(f"tl.where({x} > 20.0, {x}, {x} * ({top} / ({top} + 2.0)))", x, top)


def _elu(steps: TileSteps, x: str, alpha: str, scale: str, inside: str) -> str:
    """e^u - 1 is 2 t / (1 - t) with t = tanh(u / 2), which keeps small u's digits."""
    half = steps.compute(f"tl.where({x} > 0.0, 0.0, {x} * (0.5 * {inside}))", x)
    t = _tanh(steps, half)
    below = steps.compute(f"({alpha} * {scale}) * (2.0 * {t} / (1.0 - {t}))", t)
    return steps.compute(f"tl.where({x} > 0.0, {x} * {scale}, {below})", x, below)


_WRITTEN: Mapping[str, Callable[[TileSteps, Mapping[str, str]], str]] = {
    "elu": lambda steps, t: _elu(steps, t["self"], t["alpha"], t["scale"], t["input_scale"]),
    "mish": lambda steps, t: _mish(steps, t["self"]),
    "selu": lambda steps, t: _elu(steps, t["self"], *map(literal, _SELU)),
    "softplus": _softplus,
    "tanh": lambda steps, t: _tanh(steps, t["self"]),
}


def _write_softmax(steps: TileSteps, node: fx.Node, names: Mapping[fx.Node, str], inner: int) -> str:
    x = names[operations.operands(node)[0]]
    top = steps.largest(x, with_nan=False)  # NaN comes through the sum
    shifted = steps.compute(f"{x} - {top}", x, top)
    power = steps.compute(f"tl.exp({shifted})", shifted)
    total = steps.sum(power)
    if is_op(node, aten.softmax.int, aten._softmax.default):
        return steps.compute(f"{power} / {total}", power, total)
    log = steps.compute(f"tl.log({total})", total)
    return steps.compute(f"{shifted} - {log}", shifted, log)


def _squares(steps: TileSteps, x: str) -> str:
    return steps.sum(steps.compute(f"{x} * {x}", x))


def _centred(steps: TileSteps, x: str, inner: int) -> tuple[str, str, str]:
    """Write the difference of x from its mean, a rest to be taken off that, and the mean of the squares.

    The mean in fp32 is off by its rounding. What that leaves behind is summed too, so that rows far from 0
    keep their digits.
    """
    total = steps.sum(x)
    mean = steps.compute(f"{total} / {float(inner)}", total)
    difference = steps.compute(f"{x} - {mean}", x, mean)
    left = steps.sum(difference)
    rest = steps.compute(f"{left} / {float(inner)}", left)
    squares = _squares(steps, difference)
    spread = steps.compute(f"tl.maximum({squares} / {float(inner)} - {rest} * {rest}, 0.0, {_KEEP})",
                           squares, rest)  # fmt: skip
    return difference, rest, spread


def _write_norm(steps: TileSteps, node: fx.Node, names: Mapping[fx.Node, str], inner: int) -> str:
    given = arguments(node)
    x = names[given["input"]]
    eps = operations.epsilon(node)
    if is_op(node, aten.rms_norm.default):
        total = _squares(steps, x)
        spread = steps.compute(f"{total} / {float(inner)}", total)
    else:
        difference, rest, spread = _centred(steps, x, inner)
        x = steps.compute(f"{difference} - {rest}", difference, rest)
    factor = steps.compute(f"1.0 / tl.sqrt_rn({spread} + {eps!r})", spread)
    y = steps.compute(f"{x} * {factor}", x, factor)
    weight, bias = (names[v] if v is not None else None for v in (given["weight"], given.get("bias")))
    return steps.affine(y, weight, bias)


def _write_variance(steps: TileSteps, node: fx.Node, names: Mapping[fx.Node, str], inner: int) -> str:
    given = arguments(node)
    correction = operations.correction(node)
    _, _, spread = _centred(steps, names[given["self"]], inner)
    if inner <= correction:  # as PyTorch: NaN without spread, else infinity
        return steps.compute(f"{spread} / tl.zeros_like({spread})", spread)
    text = f"{spread} * {inner / (inner - correction)!r}"
    return steps.compute(f"tl.sqrt_rn({text})" if operations.base(node) == "std" else text, spread)


def _write_sum(steps: TileSteps, node: fx.Node, names: Mapping[fx.Node, str], inner: int) -> str:
    x = names[operations.operands(node)[0]]
    if is_op(node, aten.amax.default):
        return steps.largest(x)
    if is_op(node, aten.linalg_vector_norm.default):
        squares = _squares(steps, x)
        return steps.compute(f"tl.sqrt_rn({squares})", squares)
    total = steps.sum(x)
    return total if is_op(node, aten.sum.dim_IntList) else steps.compute(f"{total} / {float(inner)}", total)


_Writer = Callable[[TileSteps, fx.Node, Mapping[fx.Node, str], int], str]
_REDUCTIONS: tuple[tuple[tuple[Any, ...], _Writer], ...] = (
    ((*operations.NORMS, aten.group_norm.default), _write_norm),
    (operations.SOFTMAXES, _write_softmax),
    (operations.VARIANCES, _write_variance),
    ((*operations.SUMS, aten.adaptive_avg_pool2d.default), _write_sum),
)
