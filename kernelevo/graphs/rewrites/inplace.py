"""In place: activations that overwrite a value nobody else reads."""

from __future__ import annotations

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import FRESH, arguments, aten, calls, is_op, sole_user, value

_FORMS = {
    aten.relu.default: aten.relu_.default,
    aten.sigmoid.default: aten.sigmoid_.default,
    aten.tanh.default: aten.tanh_.default,
    aten.silu.default: aten.silu_.default,
    aten.hardtanh.default: aten.hardtanh_.default,
    aten.leaky_relu.default: aten.leaky_relu_.default,
    aten.elu.default: aten.elu_.default,
}


class InPlace:
    """ReLU, sigmoid, tanh, sums and the like, written over an input that has no other reader."""

    name = "in-place"
    describes = "activations and sums that overwrite an input, so that no new memory is touched"

    def apply(self, captured: Captured) -> int:
        """Change each activation of a fresh value with one user, and each sum with such a term."""
        places = 0
        for node in calls(captured.graph, *_FORMS):
            if _may_go(node.args[0], node):
                node.target = _FORMS[node.target]  # type: ignore[index]
                places += 1
        for node in calls(captured.graph, aten.add.Tensor):
            left, right = node.args
            first = next((term for term in (left, right) if _may_go(term, node)), None)
            other = right if first is left else left
            plain = arguments(node)["alpha"] == 1 and isinstance(other, fx.Node) and other is not first
            if first is not None and plain:
                node.args = (first, other)
                node.target = aten.add_.Tensor
                places += 1
        return places


def _may_go(source: object, node: fx.Node) -> bool:
    """Tell whether a node's result may lie where this operand lies: its only reader, of its very form."""
    if not isinstance(source, fx.Node) or sole_user(source) is not node:
        return False
    if not (is_op(source, *FRESH) or source.meta.get("fresh")):
        return False
    old, new = value(source), value(node)
    return old.dtype == new.dtype and old.shape == new.shape and old.stride() == new.stride()
