"""Spelling: how one node of a graph reads as Python."""

from __future__ import annotations

import functools
import math
import operator
import types
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx

_INFIX: Mapping[Any, str] = {  # what export makes of sizes that depend on values, and of checks on them
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.eq: "==",
    operator.ne: "!=",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
}

BOUND = frozenset({"self", "torch", "nn", "F", "kernelevo", "typing"})
"""Names that a program's methods read, so that nothing else there may have them."""

# public bindings that are written by hand in torch and read their arguments unlike the ATen schema
_HAND_WRITTEN = frozenset(
    (
        "to", "split", "size", "stride", "item", "tensor", "from_numpy", "nonzero",
        "index_put", "index_put_",  # they take no None among the indices, which the schema does
        "sparse_coo_tensor", "sparse_compressed_tensor", "sparse_csr_tensor", "sparse_csc_tensor",
        "sparse_bsr_tensor", "sparse_bsc_tensor",
    )
)  # fmt: skip


@functools.cache
def public(op: torch._ops.OpOverload) -> tuple[str, bool] | None:
    """Return the public spelling of an ATen overload and whether it is a method, or None.

    Only bindings that torch generates from the ATen schema are used, since these read their arguments in
    the schema's order; everything else is spelled ``torch.ops.aten.x.y``.
    """
    namespace, _, base = op._schema.name.partition("::")
    if namespace != "aten" or base in _HAND_WRITTEN or base.startswith("_"):
        return None
    function = getattr(torch, base, None)
    if isinstance(function, types.BuiltinFunctionType):
        return f"torch.{base}", False
    function = getattr(F, base, None)
    if isinstance(function, types.BuiltinFunctionType):
        return f"F.{base}", False
    method = getattr(torch.Tensor, base, None)
    first = op._schema.arguments[0] if op._schema.arguments else None
    if type(method).__name__ == "method_descriptor" and first is not None and first.name == "self":
        return base, True
    return None


class Speller:
    """Writes nodes as expressions.

    Args:
        names: Python name of each node spelled so far.
        device: expression for the device of the inputs; stands in for literal devices.
        renamed: what functions of snippets are called in this program, where that is not their own name.
    """

    def __init__(
        self, names: Mapping[fx.Node, str], device: str, renamed: Mapping[str, str] | None = None
    ) -> None:
        self.names = names
        self.device = device
        self.renamed = renamed or {}

    def value(self, value: Any) -> str:
        """Return one argument as text.

        Raises:
            ValueError: for a value that has no literal form.
        """
        if isinstance(value, fx.Node):
            return self.names[value]
        if isinstance(value, torch.device):
            return self.device
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if value is Ellipsis:
            return "..."
        if isinstance(value, slice):
            return f"slice({self.value(value.start)}, {self.value(value.stop)}, {self.value(value.step)})"
        if isinstance(value, tuple):
            return "(" + ", ".join(map(self.value, value)) + ("," if len(value) == 1 else "") + ")"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.value, value)) + "]"
        if isinstance(value, str):
            return '"' + repr(value + '"')[1:-2].replace('"', '\\"') + '"'
        if value is None or isinstance(
            value, (bool, int, float, complex, torch.dtype, torch.layout, torch.memory_format)
        ):
            return repr(value)
        raise ValueError(f"cannot write {type(value).__name__} {value!r} as program text")

    def call(self, node: fx.Node) -> tuple[str, list[str], str]:
        """Return head, arguments and tail of a call, e.g. ``("torch.relu(", ["x"], ")")``."""
        args = [self.value(a) for a in node.args]
        keywords = [f"{k}={self.value(v)}" for k, v in node.kwargs.items()]
        target = node.target
        if target is operator.getitem:
            return f"{args[0]}[{args[1]}]", [], ""
        if target in _INFIX:
            return f"{args[0]} {_INFIX[target]} {args[1]}", [], ""
        if isinstance(target, torch._ops.OpOverload):
            spelled = public(target)
            if spelled and spelled[1] and args:
                return f"{args[0]}.{spelled[0]}(", args[1:] + keywords, ")"
            if spelled and not spelled[1]:
                return f"{spelled[0]}(", args + keywords, ")"
            return f"torch.ops.{target}(", args + keywords, ")"
        assert callable(target)
        name = qualified(target)
        return f"{self.renamed.get(name, name)}(", args + keywords, ")"


def qualified(target: Callable[..., Any]) -> str:
    """Return the name by which a program reaches a function: a snippet's, or a public one of torch.

    Raises:
        ValueError: if it has no such name.
    """
    name = getattr(target, "__name__", "")
    module = getattr(target, "__module__", "") or ""
    if module.startswith("kernelevo_snippet_"):
        return name
    for prefix, owner in (("torch", torch), ("F", F)):
        if getattr(owner, name, None) is target:
            return f"{prefix}.{name}"
    if isinstance(target, torch._ops.OpOverloadPacket):
        return f"torch.ops.{target}"
    raise ValueError(f"a program cannot call {module}.{name}: no ATen operator, snippet or torch function")
