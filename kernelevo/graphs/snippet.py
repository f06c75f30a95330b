"""Snippet: program text with callables that a rewritten graph may call, and the callables themselves."""

from __future__ import annotations

import ast
import functools
import hashlib
import linecache
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Choice = int | float | str | bool
Table = Mapping[str, tuple[Choice, ...]]  # choices by entry, the one in use first
TUNE = "TUNE"


@dataclass(frozen=True)
class Snippet:
    """Python text placed at a program's top level.

    Its top-level names must be unique within a program (prefix private ones with the snippet's name);
    imports may repeat. ``torch``, ``kernelevo`` and ``F`` (torch.nn.functional) are imported for it.

    Args:
        name: unique name of the snippet; two snippets of one name must have equal text.
        text: the Python text, usually a ``kernelevo.cpp(...)`` library and wrapper functions.
        tune: the numbers in it that a tuner may change. The text reads one as ``TUNE["ENTRY"][0]``; the
            program's one ``TUNE`` table, merged from those of all its snippets, stands above it. Every
            choice must give a right program. An entry's name begins with what it belongs to, since programs
            with entries of one name learn from one another.
        careful: choices with which it rounds least, where these are not the usual ones: for programs that
            were refused for their rounding.
    """

    name: str
    text: str
    tune: Table = field(default_factory=dict, hash=False)
    careful: Mapping[str, Choice] = field(default_factory=dict, hash=False)

    def function(self, name: str) -> Callable[..., Any]:
        """Return the callable of that name, executing the text once per process, with the values in use.

        Raises:
            KeyError: if the text defines no such name.
        """
        found = _namespace(self.name, table_text(self.tune) + self.text)[name]
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


def merged(snippets: Iterable[Snippet]) -> dict[str, tuple[Choice, ...]]:
    """Return the table of a program with these snippets; they may share entries.

    Raises:
        ValueError: if two of them give one entry other choices.
    """
    table: dict[str, tuple[Choice, ...]] = {}
    for snippet in snippets:
        for entry, choices in snippet.tune.items():
            if repr(table.setdefault(entry, choices)) != repr(choices):  # True is not 1
                raise ValueError(f"snippet {snippet.name!r} has other choices for {entry}: {choices}")
    return table


def table_text(table: Table) -> str:
    """Return the table as program text, nothing for an empty one."""
    rows = "".join(f"    {entry!r}: {list(choices)!r},\n" for entry, choices in table.items())
    return f"{TUNE} = {{\n{rows}}}\n" if rows else ""


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
