"""Heads: query, key and value go to the fused attention as views, without a copy in between."""

from __future__ import annotations

from operator import getitem

from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.matching import aten, calls, is_op, value

_VIEWS = (
    aten.select.int, aten.view.default, aten.reshape.default, aten.transpose.int, aten.permute.default,
    aten.unsqueeze.default, aten.squeeze.dim, aten.squeeze.default, aten.slice.Tensor, aten.unbind.int,
    aten.split.Tensor, aten.chunk.default,
)  # fmt: skip


class StridedHeads:
    """The fused attention reads any strides whose last one is 1, so making heads contiguous is wasted."""

    name = "strided-heads"
    describes = "no copy of query, key and value in front of fused attention"

    def apply(self, captured: Captured) -> int:
        """Remove copies that only fused attention reads, through views."""
        places = 0
        for copy in calls(captured.graph, aten.contiguous.default, aten.clone.default):
            source = copy.args[0]
            views = _views_to_attention(copy)
            if views is None or not isinstance(source, fx.Node) or value(source).stride()[-1] != 1:
                continue
            for view in views:
                if is_op(view, aten.view.default):
                    view.target = aten.reshape.default
            copy.replace_all_uses_with(source)
            captured.graph.erase_node(copy)
            places += 1
        return places


def _views_to_attention(copy: fx.Node) -> list[fx.Node] | None:
    """Return the views between a copy and the attention that reads it; None if anything else does."""
    views: list[fx.Node] = []
    todo = list(copy.users)
    while todo:
        user = todo.pop()
        if is_op(user, *_VIEWS) or user.target is getitem:
            views.append(user)
            todo += user.users
        elif not is_op(user, aten.scaled_dot_product_attention.default):
            return None
    return views or None
