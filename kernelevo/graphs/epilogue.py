"""Epilogue: what follows a product and can be computed while its result is still in registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import fx

from kernelevo.graphs.matching import arguments, aten, is_float32, is_op, shape, sole_user, value

_POSTS = {
    "relu": (aten.relu, aten.relu_),
    "sigmoid": (aten.sigmoid, aten.sigmoid_),
    "silu": (aten.silu, aten.silu_),
    "tanh": (aten.tanh, aten.tanh_),
}


@dataclass
class Epilogue:
    """A chain of readers, each the only one of the value before it: ``post(scale * y + added) + residual``.

    Args:
        nodes: the product and what is fused with it, in order.
        scale: a number that the product is multiplied by.
        added: a tensor added before the activation, which broadcasts to the product's shape.
        post: the activation's name, ``"none"`` without one.
        residual: a tensor added after everything else.
    """

    nodes: list[fx.Node]
    scale: float = 1.0
    added: fx.Node | None = None
    post: str = "none"
    residual: fx.Node | None = None

    @property
    def last(self) -> fx.Node:
        """The node whose value the chain computes."""
        return self.nodes[-1]

    def take(self, user: fx.Node, *, scale: bool, whole: bool) -> bool:
        """Take one more reader into the chain; False where it does not fit (see ``epilogue``)."""
        factor = _factor(user, self.last) if scale else None
        if factor is not None and len(self.nodes) == 1 and self.added is None:
            self.scale = factor
            return True
        post = _post(user, self.last)
        if post and self.post == "none" and self.residual is None:
            self.post = post
            return True
        other = _summand(user, self.last)
        if other is None or (whole and shape(other) != shape(user)) or self.residual is not None:
            return False
        if self.post == "none" and self.added is None:
            self.added = other
        else:
            self.residual = other
        return True


def epilogue(
    node: fx.Node, *, added: fx.Node | None = None, scale: bool = True, whole: bool = False
) -> Epilogue:
    """Return the longest chain behind a product.

    Args:
        node: the product.
        added: a tensor that the product itself adds.
        scale: whether a factor may be part of it.
        whole: whether tensors added must have the product's own shape.
    """
    found = Epilogue([node], added=added)
    while (user := sole_user(found.last)) is not None and found.take(user, scale=scale, whole=whole):
        found.nodes.append(user)
    return found


def put_chain(graph: fx.Graph, chain: Epilogue, function: Any, given: tuple[Any, ...]) -> fx.Node:
    """Put one call, whose result is new and contiguous memory, where the chain's last node stands."""
    with graph.inserting_before(chain.last):
        made = graph.call_function(function, given)
    made.meta = {**chain.last.meta, "fresh": True}
    chain.last.replace_all_uses_with(made)
    for node in reversed(chain.nodes):
        graph.erase_node(node)
    return made


def loosen_views(graph: fx.Graph) -> None:
    """Turn views into reshapes: a result that is contiguous now may have had other strides before."""
    for view in graph.nodes:
        if is_op(view, aten.view.default):
            view.target = aten.reshape.default


def _factor(user: fx.Node, node: fx.Node) -> float | None:
    if not is_op(user, aten.mul.Tensor, aten.mul.Scalar, aten.div.Tensor, aten.div.Scalar):
        return None
    first, second = user.args[:2]
    number = second if first is node else first
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not is_float32(user):
        return None
    if is_op(user, aten.mul.Tensor, aten.mul.Scalar):
        return float(number)
    return 1.0 / number if first is node and number != 0 else None


def _post(user: fx.Node, node: fx.Node) -> str:
    if user.op != "call_function" or not user.args or user.args[0] is not node:
        return ""
    for name, operators in _POSTS.items():
        if is_op(user, *operators):
            return name
    if is_op(user, aten.gelu.default):
        return "gelu" if arguments(user)["approximate"] == "none" else "gelu_tanh"
    return ""


def _summand(user: fx.Node, node: fx.Node) -> fx.Node | None:
    """Return what is added to ``node``: another fp32 tensor that does not widen it."""
    if not is_op(user, aten.add.Tensor, aten.add_.Tensor):
        return None
    given = arguments(user)
    first = given["self"] is node
    other = given["other"] if first else given["self"]
    if other is node or given["alpha"] != 1 or not is_float32(other) or not is_float32(user):
        return None
    if is_op(user, aten.add_.Tensor) and not first:
        return None  # the sum is written into another tensor, which someone may read
    same = shape(user) == shape(node) and value(other).device == value(user).device
    return other if same else None
