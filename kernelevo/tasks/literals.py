"""Literals: what a file's top level assigns to a name, read from its syntax tree without executing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def values(tree: ast.Module, name: str) -> Iterator[ast.expr]:
    """Yield what is assigned to a name, with a type beside it or without, in order."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        if node.value is not None and any(isinstance(t, ast.Name) and t.id == name for t in targets):
            yield node.value


def text(tree: ast.Module, node: ast.expr) -> str | None:
    """Return the text that an expression stands for: a literal, or the name of one; None for all else."""
    if isinstance(node, ast.Name):
        *_, node = [node, *values(tree, node.id)]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
