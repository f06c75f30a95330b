"""Row steps: what ATen operators compute along a row, as lines of C++ over vectors of floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import fx

from kernelevo.graphs.matching import arguments, aten, is_op
from kernelevo.graphs.rows.operations import (
    CLAMPS,
    EXPANDS,
    HEAVY,
    NORMS,
    POWERS,
    SOFTMAXES,
    SUMS,
    TEMPLATES,
    VARIANCES,
    argument_texts,
    base,
    correction,
    epsilon,
    operands,
)
from kernelevo.graphs.rows.program import Steps


def literal(number: float) -> str:
    """Return a number as a C++ vector of equal lanes."""
    number = float(number)
    if math.isnan(number):
        return 'splat(__builtin_nanf(""))'
    if math.isinf(number):
        return f"splat({'-' if number < 0 else ''}__builtin_inff())"
    return f"splat({number!r}f)"


def write(steps: Steps, node: fx.Node, names: Mapping[fx.Node, str]) -> str:
    """Append what ``node`` computes and return the name of its value.

    Args:
        steps: the row's program so far.
        node: an operation that is ``understood`` and no window.
        names: names of the values it reads.
    """
    for ops, writer in _WRITERS:
        if is_op(node, *ops):
            return writer(steps, node, names)
    return _write_pointwise(steps, node, names)


def _write_pointwise(steps: Steps, node: fx.Node, names: Mapping[fx.Node, str]) -> str:
    given, name = arguments(node), base(node)
    texts = argument_texts(node, names, literal)
    template, cost = TEMPLATES.get(name, ("", 1))
    if name == "gelu":
        template, cost = ("gelu_tanh" if given["approximate"] == "tanh" else "gelu") + "({self})", HEAVY
    elif name == "pow":
        template, cost = POWERS[float(given["exponent"])], 3
    elif name in CLAMPS:
        template = _clamped(given)
    return steps.compute(
        template.format(**texts), *dict.fromkeys(names[n] for n in operands(node)), cost=cost
    )


def _clamped(given: Mapping[str, Any]) -> str:
    """Return the template of a clamp.

    ``max`` and ``min`` give their second operand where either is NaN. So a bound that is a number leaves a
    NaN of the tensor, and one that may be NaN itself takes a function that keeps both.
    """
    text = "{self}"
    for key, quick, careful in (("min", "max", "larger"), ("max", "min", "smaller")):
        bound = given.get(key)
        if bound is not None:
            settled = not isinstance(bound, fx.Node) and not math.isnan(bound)
            text = f"{quick if settled else careful}({{{key}}}, {text})"
    return text


def _write_softmax(steps: Steps, node: fx.Node, names: Mapping[fx.Node, str]) -> str:
    x = names[operands(node)[0]]
    top = steps.largest(x, with_nan=False)  # NaN comes through the sum
    if is_op(node, aten.softmax.int, aten._softmax.default):
        power = steps.compute(f"exp({x} - {top})", x, top, cost=HEAVY)
        total = steps.sum(power)
        share = steps.compute(f"splat((float)(1.0 / {total}))", total)
        return steps.compute(f"{power} * {share}", power, share)
    shifted = steps.compute(f"{x} - {top}", x, top)
    total = steps.sum(steps.compute(f"exp({shifted})", shifted, cost=HEAVY))
    log = steps.compute(f"splat((float)::log({total}))", total)
    return steps.compute(f"{shifted} - {log}", shifted, log)


def _squares(steps: Steps, x: str) -> str:
    return steps.sum(steps.compute(f"{x} * {x}", x))


def _centred(steps: Steps, x: str, *, wide: bool = False) -> tuple[str, str, str, tuple[str, str]]:
    """Write the difference of x from its mean, and a rest to be taken off the difference.

    The mean in fp32 is off by its rounding; what that leaves behind is summed too, so that rows far from 0
    keep their digits. Squares are taken in fp64 if they are ``wide``. The third result is C++ text for the
    sum of squares around the mean, the last the names that this text uses.
    """
    total = steps.sum(x)
    mean = steps.compute(f"splat((float)({total} / kInner))", total)
    difference = steps.compute(f"{x} - {mean}", x, mean)
    left = steps.sum(difference)
    squares = steps.squares(difference) if wide else _squares(steps, difference)
    rest = steps.compute(f"splat((float)({left} / kInner))", left)
    return difference, rest, f"spread({squares}, {left}, kInner)", (squares, left)


def _write_norm(steps: Steps, node: fx.Node, names: Mapping[fx.Node, str]) -> str:
    given = arguments(node)
    x = names[given["input"]]
    eps = epsilon(node)
    if is_op(node, aten.layer_norm.default):
        x, rest, squares, uses = _centred(steps, x)
    else:
        squares, rest = _squares(steps, x), ""
        uses = (squares, squares)
    factor = steps.compute(f"splat((float)(1.0 / ::sqrt({squares} / kInner + {eps!r})))", *uses)
    if rest:
        shift = steps.compute(f"-{rest} * {factor}", rest, factor)
        y = steps.compute(f"fma({x}, {factor}, {shift})", x, factor, shift)
    else:
        y = steps.compute(f"{x} * {factor}", x, factor)
    weight, bias = (names[v] if v is not None else None for v in (given["weight"], given.get("bias")))
    return steps.affine(y, weight, bias)


def _write_variance(steps: Steps, node: fx.Node, names: Mapping[fx.Node, str]) -> str:
    given = arguments(node)
    taken_off = correction(node)
    _, _, squares, uses = _centred(steps, names[given["self"]], wide=True)  # a deviation's square may vanish
    text = f"{squares} / (kInner > {taken_off} ? (double)kInner - {taken_off} : 0.0)"
    if base(node) == "std":
        text = f"::sqrt({text})"
    return steps.compute(f"splat((float)({text}))", *uses)


def _write_sum(steps: Steps, node: fx.Node, names: Mapping[fx.Node, str]) -> str:
    x = names[operands(node)[0]]
    if is_op(node, aten.amax.default):
        return steps.largest(x)
    if is_op(node, aten.linalg_vector_norm.default):
        squares = _squares(steps, x)
        return steps.compute(f"splat((float)::sqrt({squares}))", squares)
    total = steps.sum(x)
    divided = total if is_op(node, aten.sum.dim_IntList) else f"{total} / kInner"
    return steps.compute(f"splat((float)({divided}))", total)


def _write_expanded(steps: Steps, node: fx.Node, names: Mapping[fx.Node, str]) -> str:
    return names[operands(node)[0]]


_Writer = Callable[[Steps, fx.Node, Mapping[fx.Node, str]], str]
_WRITERS: tuple[tuple[tuple[Any, ...], _Writer], ...] = (
    (NORMS, _write_norm),
    (SOFTMAXES, _write_softmax),
    (VARIANCES, _write_variance),
    ((*SUMS, aten.adaptive_avg_pool2d.default), _write_sum),
    (EXPANDS, _write_expanded),
)
