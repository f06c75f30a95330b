"""Offspring: a changed text as a proposal, if it parses, differs, keeps to its blocks and is new."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from kernelevo.core import Origin, Program, Proposal, Verdict
from kernelevo.core.program import ENTRY
from kernelevo.proposers.blocks import same_outside


class Known:
    """The texts that were judged or proposed already."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def proposed(self, program: Program) -> None:
        """Remember a program that anybody proposed."""
        if has_entry(program):
            self._seen.add(_digest(program.source))

    def add(self, text: str) -> None:
        """Remember a text."""
        self._seen.add(_digest(text))

    def __contains__(self, text: str) -> bool:
        return _digest(text) in self._seen


def has_entry(program: Program) -> bool:
    """Whether a program has an entry file; of several files it may be none."""
    return ENTRY in program.files or len(program.files) == 1


def acceptable(before: str, after: str, language: str) -> bool:
    """Return whether a changed text parses, differs, and differs in its blocks only."""
    if before == after or not same_outside(before, after):
        return False
    return language != "python" or parses(after)


def parses(text: str) -> bool:
    """Return whether a text is Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful `is` or escape is not this proposer's business
            compile(text, "program.py", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
            compile(text, "program.py", "exec", dont_inherit=True)  # a return outside a function parses
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True


def proposal(
    name: str, text: str, parents: Sequence[Verdict], idea: str, details: Mapping[str, Any] | None = None
) -> Proposal:
    """Return the first parent with another text in its entry file."""
    first = parents[0].program
    return Proposal(
        Program(
            {**first.files, first.entry: text},
            first.language,
            tuple(v.program.id for v in parents),
            Origin(name, idea, dict(details or {})),
        )
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
