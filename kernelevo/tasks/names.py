"""Task names: what a user types after ``kernelevo run`` and which kind of thing it means."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kernelevo.errors import BadProgram, TaskNotFound, closest
from kernelevo.tasks import library

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
    base, _, variant = name.partition("@")
    if ".py" in base:
        return _in_file(name, base, variant or None, folder or Path())
    task = library.find(_canonical(base))
    suffix = f"@{variant}" if variant else ""
    return TaskName(task.name + suffix, "bundled", task.path, DEFAULT_ENTRY, variant or None)


def _canonical(base: str) -> str:
    """Accept ``kernelbench:3/07`` for ``kernelbench:3/7``."""
    suite, slash, number = base.rpartition("/")
    return f"{suite}/{int(number)}" if slash and number.isascii() and number.isdigit() else base


def _in_file(name: str, base: str, variant: str | None, folder: Path) -> TaskName:
    file, _, symbol = base.partition(":")
    path = folder / Path(file).expanduser()
    if not path.is_file():
        near = closest(path.name, (p.name for p in path.parent.glob("*.py"))) if path.parent.is_dir() else ""
        raise TaskNotFound(f"There is no file {path}.", why=near, now="check the path")
    classes, functions = _definitions(path)
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
    if symbol in functions:
        return TaskName(name, "evaluator", path.resolve(), symbol, variant)
    raise TaskNotFound(
        f"{path} defines no class or function {symbol!r}.",
        why=closest(symbol, classes | functions),
        now="use one of these names",
    )


def _definitions(path: Path) -> tuple[set[str], set[str]]:
    """Return the names of the classes and of the functions at a file's top level."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8-sig"), filename=str(path))
    except (SyntaxError, UnicodeDecodeError, ValueError, OSError) as error:
        raise BadProgram(
            f"{path} cannot be read as Python.", why=str(error), now="correct the file and run again"
        ) from error
    classes = {n.name for n in tree.body if isinstance(n, ast.ClassDef)}
    functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    return classes, functions
