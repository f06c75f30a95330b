"""Snippet: program text with callables that a rewritten graph may call, and the callables themselves."""

from __future__ import annotations

import ast
import functools
import hashlib
import linecache
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Snippet:
    """Python text placed at a program's top level.

    Its top-level names must be unique within a program (prefix private ones with the snippet's name);
    imports may repeat. ``torch``, ``kernelevo`` and ``F`` (torch.nn.functional) are imported for it.

    Args:
        name: unique name of the snippet; two snippets of one name must have equal text.
        text: the Python text, usually a ``kernelevo.cpp(...)`` library and wrapper functions.
    """

    name: str
    text: str

    def function(self, name: str) -> Callable[..., Any]:
        """Return the callable of that name, executing the text once per process.

        Raises:
            KeyError: if the text defines no such name.
        """
        found = _namespace(self.name, self.text)[name]
        assert callable(found)
        return found  # type: ignore[no-any-return]

    def defines(self) -> frozenset[str]:
        """Names the text binds at its top level, imports left out."""
        names: set[str] = set()
        for statement in ast.parse(self.text).body:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                names.add(statement.name)
            elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                names.update(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
        return frozenset(names)


PREAMBLE = "import kernelevo\nimport torch\nimport torch.nn.functional as F\n"


@functools.cache
def _namespace(name: str, text: str) -> dict[str, Any]:
    """Execute a snippet as a module of its own; the source is kept for tracebacks and inspection."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    filename = f"<snippet {name} {digest}>"
    source = PREAMBLE + text
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": f"kernelevo_snippet_{name}_{digest}"}
    exec(compile(source, filename, "exec"), namespace)  # our own text, never a candidate's
    return namespace
