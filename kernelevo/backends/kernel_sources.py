"""KernelSources: the ``kernelevo.cuda`` and ``kernelevo.cpp`` calls of a program, read from its text."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

_OPTIONS = {"cuda": ("name_expressions", "options"), "cpp": ("flags", "torch_headers")}


@dataclass(frozen=True)
class KernelSource:
    """One call whose source and options are literals.

    Args:
        language: ``"cuda"`` or ``"cpp"``.
        text: the source.
        options: the call's keywords.
        node: the literal in the program's tree.
        only: whether the literal is used for nothing else than such calls.
    """

    language: Literal["cuda", "cpp"]
    text: str
    options: Mapping[str, Any] = field(default_factory=dict)
    node: ast.Constant | None = None
    only: bool = False


def find(tree: ast.Module) -> list[KernelSource]:
    """Return every call ``kernelevo.cuda(...)`` and ``kernelevo.cpp(...)`` with literal arguments, in order.

    A literal is one on the spot, or a name of the module's top level that is bound once, to a literal.
    Nothing is found in a program that binds the name ``kernelevo`` other than by importing it.
    """
    stores = Counter(_bound(tree))
    imported = sum(
        1
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) and any(a.name == "kernelevo" and not a.asname for a in node.names)
    )
    if not imported or stores["kernelevo"] != imported:
        return []
    constants = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        if stores[node.targets[0].id] == 1
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _language(node)]
    loads = Counter(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    first = Counter(c.args[0].id for c in calls if c.args and isinstance(c.args[0], ast.Name))
    found = []
    for call in calls:
        given = _source(call, constants, loads, first)
        if given is not None:
            found.append(given)
    return found


def _source(
    call: ast.Call, constants: Mapping[str, ast.expr], loads: Counter[str], first: Counter[str]
) -> KernelSource | None:
    language = _language(call)
    if language is None or len(call.args) != 1:
        return None
    node, only = call.args[0], True
    if isinstance(node, ast.Name):
        only = loads[node.id] == first[node.id]
        node = constants.get(node.id, node)
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return None
    options = {}
    for keyword in call.keywords:
        value = keyword.value
        value = constants.get(value.id, value) if isinstance(value, ast.Name) else value
        try:
            options[str(keyword.arg)] = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None
    if not set(options) <= set(_OPTIONS[language]):
        return None
    return KernelSource(language, node.value, options, node, only)


def _language(call: ast.Call) -> Literal["cuda", "cpp"] | None:
    function = call.func
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return None
    if function.value.id != "kernelevo":
        return None
    return "cuda" if function.attr == "cuda" else "cpp" if function.attr == "cpp" else None


def _bound(tree: ast.Module) -> Iterator[str]:
    """Yield every name as often as something binds or deletes it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((a.asname or a.name).split(".")[0] for a in node.names)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest
