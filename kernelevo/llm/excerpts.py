"""Excerpts: whether a Python text is a whole program or only shows a part of one."""

from __future__ import annotations

import ast
import builtins
import re
import warnings

_BUILTIN = frozenset(dir(builtins))
_LEFT_OUT = re.compile(
    r"^[ \t]*(?:\.\.\.[ \t]*$|#.*(?:\.\.\.|…|\b(?:unchanged|as before|rest of|same as)\b).*)",
    re.IGNORECASE | re.MULTILINE,
)


def defined(source: str) -> set[str]:
    """Return the names of classes and functions at the top of Python text; none if it does not parse."""
    tree = _parsed(source)
    body = tree.body if tree else []
    return {n.name for n in body if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}


def is_piece(source: str, before: str) -> bool:
    """Whether a text defines nothing, or less than half of what the program before it defines."""
    mine, known = defined(source), defined(before)
    return not mine or 2 * len(mine & known) < len(known)


def is_excerpt(source: str, before: str) -> bool:
    """Whether a text may be less than a program: for one that goes before edits which can be made.

    It is where it is a piece, leaves something out (``...``, ``# unchanged``), uses a name that the program
    before it binds and it does not, or where nothing can be compared: that program defines nothing.

    Args:
        source: the text.
        before: the program that the prompt showed.
    """
    if not defined(before) or is_piece(source, before):
        return True
    known = set(before.splitlines())
    if any(found[0] not in known for found in _LEFT_OUT.finditer(source)):
        return True
    (used, bound), (_, there) = _names(source), _names(before)
    return "*" not in bound and bool((used - bound - _BUILTIN) & there)


def is_same(source: str, before: str) -> bool:
    """Whether two texts have the same lines, but for white space at their ends, blank ones and comments."""
    return _lines(source) == _lines(before)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip() and line.lstrip()[0] != "#"]


def _names(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a text uses, and those that it binds anywhere (``*`` for a star import)."""
    used: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(_parsed(source) or ast.Module([], [])):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            bound.add(node.name)
    return used, bound


def _parsed(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in a foreign text are not our warnings
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
