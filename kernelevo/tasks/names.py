"""Task names: what a user types after ``kernelevo run`` and which kind of thing it means."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kernelevo.errors import BadProgram, TaskNotFound, closest
from kernelevo.tasks import library

_IN_FILE = re.compile(r"(?P<file>.*\.py)(?::(?P<symbol>[^@:/]*))?(?:@(?P<variant>[^@:/]*))?", re.DOTALL)
"""A name with a file in it; folders may have any sign in theirs."""
Kind = Literal["bundled", "module file", "evaluator"]
DEFAULT_ENTRY = "Model"


@dataclass(frozen=True)
class TaskName:
    """A resolved task name.

    Args:
        name: the canonical form, e.g. ``"kernelbench:3/28@batchfirst"``.
        kind: a bundled task, a file that defines a module, or a file that defines an evaluator.
        path: the file that defines it.
        symbol: class or function in that file.
        variant: what stood after ``@``, or None.
    """

    name: str
    kind: Kind
    path: Path
    symbol: str
    variant: str | None = None


def resolve(name: str, *, folder: Path | None = None) -> TaskName:
    """Find out what a task name means; nothing is imported or executed.

    Args:
        name: e.g. ``"kernelbench:3/13"``, ``"ops/gemm"``, ``"net.py"``, ``"net.py:Block@he"`` or
            ``"tsp.py:tour"``.
        folder: where relative paths start; the current folder if None.

    Raises:
        TaskNotFound: nothing of that name, with the closest known names.
        BadProgram: the file is there but is not readable Python.
    """
    if found := _IN_FILE.fullmatch(name):
        file, symbol, variant = found["file"], found["symbol"] or "", found["variant"] or None
        return _in_file(name, file, symbol, variant, folder or Path())
    base, _, rest = name.partition("@")
    task = library.find(_canonical(base))
    suffix = f"@{rest}" if rest else ""
    return TaskName(task.name + suffix, "bundled", task.path, DEFAULT_ENTRY, rest or None)


def _canonical(base: str) -> str:
    """Accept ``kernelbench:3/07`` for ``kernelbench:3/7``."""
    suite, slash, number = base.rpartition("/")
    numbered = slash and number.isascii() and number.isdigit() and len(number) < 10
    return f"{suite}/{int(number)}" if numbered else base


def _in_file(name: str, file: str, symbol: str, variant: str | None, folder: Path) -> TaskName:
    path = folder / os.path.expanduser(file)
    if not os.path.isfile(path):  # also one in a folder that we may not look into
        beside = os.path.isdir(path.parent)
        near = closest(path.name, (p.name for p in path.parent.glob("*.py"))) if beside else ""
        raise TaskNotFound(f"There is no file {path}.", why=near, now="check the path")
    classes, functions, made = _definitions(path)
    if not symbol:
        if DEFAULT_ENTRY in classes:
            return TaskName(name, "module file", path.resolve(), DEFAULT_ENTRY, variant)
        raise TaskNotFound(
            f"{path} defines no class {DEFAULT_ENTRY!r}.",
            why=closest(DEFAULT_ENTRY, classes | functions),
            now=f"name the class or evaluator: {file}:NAME",
        )
    if symbol in classes:
        return TaskName(name, "module file", path.resolve(), symbol, variant)
    if symbol in functions | made:
        return TaskName(name, "evaluator", path.resolve(), symbol, variant)
    raise TaskNotFound(
        f"{path} defines no class or function {symbol!r}.",
        why=closest(symbol, classes | functions),
        now="use one of these names",
    )


def _definitions(path: Path) -> tuple[set[str], set[str], set[str]]:
    """Return the names of a file's classes, of its functions, and of what calls made, at the top level."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8-sig"), filename=str(path))
    except (SyntaxError, UnicodeDecodeError, ValueError, OSError, RecursionError, MemoryError) as error:
        raise BadProgram(
            f"{path} cannot be read as Python.",
            why=str(error) or "it is nested too deeply",
            now="correct the file and run again",
        ) from error
    classes = {n.name for n in tree.body if isinstance(n, ast.ClassDef)}
    functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    calls = (n.targets for n in tree.body if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call))
    made = {t.id for targets in calls for t in targets if isinstance(t, ast.Name)}
    return classes, functions, made
