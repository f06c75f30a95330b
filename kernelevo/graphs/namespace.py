"""Namespace: snippets of several graphs in one program, renamed where their names clash."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Container, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from kernelevo.graphs.snippet import TUNE, Choice, Snippet, merged

_Definitions = dict[str, ast.stmt]
_AOT = "AOT"  # what is compiled ahead of time, by kernel; a program has one such table: see backends.triton
_Ahead = dict[str, Any]


@dataclass
class Namespace:
    """The top-level names of one program.

    Args:
        snippets: those admitted so far, without their tables, under names of their own.
        tune: the program's ``TUNE`` table, joined from the snippets'.
        ahead: its ``AOT`` table, likewise.
    """

    snippets: dict[str, Snippet] = field(default_factory=dict)
    tune: dict[str, tuple[Choice, ...]] = field(default_factory=dict)
    ahead: _Ahead = field(default_factory=dict)

    def admit(self, snippets: Iterable[Snippet]) -> Mapping[str, str]:
        """Add the snippets of one more graph; return, by its old name, the new name of what was renamed.

        A snippet that is already there is shared. Of the others, names that are bound already get a
        number, except functions and literals that would be the same there: these are dropped. State (a
        library, a ``threading.local``) is never shared between snippets that differ. An entry of ``TUNE``
        with other choices than the one there gets a number too.

        Raises:
            ValueError: if a name cannot be replaced in the text: it is a parameter too, or stands in an
                f-string.
        """
        given, ahead = self._without_tables(snippets)
        rest = self._not_here(given)
        mine = _definitions(rest)
        shared = self._shared(mine)
        bound = set(_definitions(self.snippets.values()))
        names: dict[str, str] = {}
        for name in sorted((mine.keys() - shared) & bound):
            names[name] = unused(name, bound | mine.keys() | set(names.values()))
        for snippet in rest:
            text = _renamed(_without(snippet.text, shared), names)
            key = unused(snippet.name, self.snippets) if snippet.name in self.snippets else snippet.name
            self.snippets[key] = Snippet(key, text)
        self.ahead |= {names.get(kernel, kernel): entry for kernel, entry in ahead.items()}
        return names

    def whole(self) -> dict[str, Snippet]:
        """Return all snippets, the tables first, as one of them."""
        if not (self.tune or self.ahead):
            return dict(self.snippets)
        rows = "".join(f"    {kernel!r}: {entry!r},\n" for kernel, entry in self.ahead.items())
        text = f"{_AOT} = {{\n{rows}}}\n" if rows else ""
        return {"tables": Snippet("tables", text, self.tune), **self.snippets}

    def _without_tables(self, snippets: Iterable[Snippet]) -> tuple[list[Snippet], _Ahead]:
        """Join the ``TUNE`` tables into ours; return the snippets without tables, and their ``AOT`` rows."""
        texts: dict[str, str] = {}
        ahead: _Ahead = {}
        given = list(snippets)
        for snippet in given:
            found = _ahead(snippet)
            texts[snippet.name] = _without(snippet.text, {_AOT}) if found else snippet.text
            ahead |= found
        ours, tune = self.tune, merged(given)
        for key, choices in tune.items():
            differs = repr(ours.get(key, choices)) != repr(choices)  # True is not 1
            new = unused(key, ours.keys() | tune.keys()) if differs else key
            ours[new] = choices
            if new != key:
                entry = re.compile(rf"(\b{TUNE}\[)(['\"]){re.escape(key)}\2\]")
                texts = {n: entry.sub(rf"\1\g<2>{new}\2]", text) for n, text in texts.items()}
        return [Snippet(name, text) for name, text in texts.items()], ahead

    def _not_here(self, given: list[Snippet]) -> list[Snippet]:
        """Return those that cannot be shared whole; one that reads the names of another goes with it."""
        rest = [s for s in given if self.snippets.get(s.name) != s]
        while True:
            foreign = _definitions(rest).keys()
            more = [s for s in given if s not in rest and _reads(ast.parse(s.text)) & foreign]
            if not more:
                return rest
            rest += more

    def _shared(self, mine: _Definitions) -> Set[str]:
        """Names of functions and literals that are bound to the very same thing already."""
        there = {name: ast.dump(node) for name, node in _definitions(self.snippets.values()).items()}
        found = {n for n, node in mine.items() if _settled(node) and there.get(n) == ast.dump(node)}
        while True:  # what reads something that is not shared is not the same either
            kept = {n for n in found if not _reads(mine[n]) & (mine.keys() - found)}
            if kept == found:
                return found
            found = kept


def _definitions(snippets: Iterable[Snippet]) -> _Definitions:
    """Return the top-level statement that binds each name, imports left out."""
    found: _Definitions = {}
    for snippet in snippets:
        for statement in ast.parse(snippet.text).body:
            for name in Snippet("", ast.unparse(statement)).defines():
                found[name] = statement
    return found


def _ahead(snippet: Snippet) -> _Ahead:
    """Return the ``AOT`` table of a snippet if it is a literal."""
    node = _definitions([snippet]).get(_AOT)
    if not isinstance(node, ast.Assign) or not _settled(node):
        return {}
    table = ast.literal_eval(node.value)
    return table if isinstance(table, dict) else {}


def _settled(node: ast.stmt) -> bool:
    """Tell whether a definition holds no state: a function, a literal, or another name of torch's own."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        if re.fullmatch(r"torch(\.\w+)+", ast.unparse(node.value)):
            return True
        try:
            ast.literal_eval(node.value)
        except ValueError:
            return False
        return True
    return isinstance(node, ast.FunctionDef)


def _reads(tree: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def unused(name: str, taken: Container[str]) -> str:
    """Return the name with the first number, from 2 on, that makes it one that is not taken."""
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _without(text: str, names: Set[str]) -> str:
    """Return the text without the top-level statements that bind these names."""
    lines = io.StringIO(text).readlines()
    for statement in ast.parse(text).body:
        if Snippet("", ast.unparse(statement)).defines() & names:
            first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
            assert statement.end_lineno is not None
            for i in range(first - 1, statement.end_lineno):
                lines[i] = ""
    return "".join(lines)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """Return the text with top-level names replaced; comments, strings and layout stay."""
    if not names:
        return text
    tree = ast.parse(text)
    parameters = {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg | ast.keyword)}
    clash = sorted(names.keys() & parameters)
    if clash:
        raise ValueError(f"{clash[0]!r} is a top-level name and a parameter of one snippet")
    lines = io.StringIO(text).readlines()
    before, moved = "", [0] * (len(lines) + 1)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.string in names and before != ".":
            row, column = token.start[0], token.start[1] + moved[token.start[0]]
            line, new = lines[row - 1], names[token.string]
            lines[row - 1] = line[:column] + new + line[column + len(token.string) :]
            moved[row] += len(new) - len(token.string)
        before = token.string
    made = "".join(lines)
    left = sorted(_reads(ast.parse(made)) & names.keys())
    if left:  # an f-string is one token before Python 3.12
        raise ValueError(f"{left[0]!r} stands in an f-string and cannot be renamed")
    return made
