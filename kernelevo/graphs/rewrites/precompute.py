"""Precompute: what is made of parameters alone is computed once, and again when they change."""

from __future__ import annotations

import torch
from torch import fx

from kernelevo.graphs.capture import Captured
from kernelevo.graphs.lifting import escapes, fixed_nodes, lift, may_alias
from kernelevo.graphs.matching import value
from kernelevo.graphs.snippet import Snippet

_TEXT = '''
{text}

def {name}({sources}):
    """Return that value from memory while what it is made of is unchanged."""
    return kernelevo.packed({name}_made, {sources})
'''


class Precompute:
    """Values that depend on parameters, buffers and constants only: normalised weights, decays, masks."""

    name = "precompute"
    describes = "values made of parameters alone are kept until a parameter changes"

    def apply(self, captured: Captured) -> int:
        """Replace each such value that something else reads; plain views are left as they are."""
        graph, fixed = captured.graph, fixed_nodes(captured.graph)
        frontier = [
            node
            for node in graph.nodes
            if node in fixed and node.op == "call_function" and any(user not in fixed for user in node.users)
        ]
        places = 0
        for node in frontier:
            if not isinstance(node.meta.get("val"), torch.Tensor) or _is_view(node) or escapes(node):
                continue
            name = f"precomputed_{places}"
            lifted = lift(f"{name}_made", node, fixed)
            if not lifted.sources or len(set(lifted.sources)) != len(lifted.sources):
                continue
            sources = ", ".join(f"s{i}" for i in range(len(lifted.sources)))
            snippet = Snippet(name, _TEXT.format(text=lifted.text, name=name, sources=sources))
            captured.add_snippet(snippet)
            with graph.inserting_before(node):
                made = graph.call_function(snippet.function(name), lifted.sources)
            made.meta = {"settled": True, "val": value(node)}
            node.replace_all_uses_with(made)
            places += 1
        return places


def _is_view(node: fx.Node) -> bool:
    """Tell whether a value is a parameter seen in another shape: nothing to save."""
    while node.op == "call_function":
        sources = node.all_input_nodes
        if len(sources) != 1 or not may_alias(node, sources[0]):
            return False
        (node,) = sources
    return True
