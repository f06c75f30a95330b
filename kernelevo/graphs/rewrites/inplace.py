"""In place: activations that overwrite a value nobody else reads."""

from __future__ import annotations

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import aten, calls, is_op, sole_user, value
from kernelevo.graphs.rows import FRESH

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
    """ReLU, sigmoid, tanh and the like, written over their input where that has no other reader."""

    name = "in-place"
    describes = "activations that overwrite their input, so that no new memory is touched"

    def apply(self, captured: Captured) -> int:
        """Change each activation of a fresh value with one user."""
        places = 0
        for node in calls(captured.graph, *_FORMS):
            source = node.args[0]
            fresh = isinstance(source, fx.Node) and sole_user(source) is node and is_op(source, *FRESH)
            if fresh and value(source).dtype == value(node).dtype:
                node.target = _FORMS[node.target]  # type: ignore[index]
                places += 1
        return places
