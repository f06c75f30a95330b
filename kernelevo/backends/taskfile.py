"""The text of a task file: its sizes and variants, its constants overridden, executed as a module.

A task file is a KernelBench file: a class ``Model``, ``get_inputs()``, ``get_init_inputs()`` and module
constants. Ours may add two tables of literals:

- ``SIZES = {"small": {"batch_size": 2}, "v0": {...}}``: the plain constants are the size ``full``; another
  size overrides constants by name. Where the file defines ``ModelV0``, size ``v0`` builds that class;
- ``VARIANTS = {"he": {"WEIGHTS": "he"}}``: the same mechanism, applied on top of the size. The file's own
  code reads those constants.

Overrides are written into the text before it runs, so constants computed from others follow. They may only
name constants that are assigned exactly once, plainly, at the top level of the file.
"""

from __future__ import annotations

import ast
import hashlib
import linecache
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from kernelevo.errors import BadProgram, BadSetting, closest

_TRACEBACK = "run the file with python to see the whole traceback"
_ALONE = (
    "a task file is run by its text, away from its folder and package: put the folder that its imports start "
    "from on PYTHONPATH and import by full names, or call kernelevo.optimize(module, inputs) from Python"
)
FULL = "full"
V0 = "v0"


def parse(text: str, filename: str) -> ast.Module:
    """Parse a task file; a syntax error is a :class:`BadProgram` that names the line."""
    try:
        return ast.parse(text, filename)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two: nested too deeply
        line = getattr(error, "lineno", None)
        raise BadProgram(
            f"{filename} is not valid Python" + (f" (line {line})" if line else ""),
            why=str(error) or "it is nested too deeply",
            now="fix the line and run again",
        ) from error


def sizes(text: str, filename: str = "task.py") -> tuple[str, ...]:
    """Return the sizes that the file has, ``full`` first."""
    tree = parse(text, filename)
    found = [FULL, *(name for name in _table(tree, "SIZES", filename) if name != FULL)]
    if V0 not in found and "ModelV0" in classes(tree):
        found.append(V0)
    return tuple(found)


def variants(text: str, filename: str = "task.py") -> tuple[str, ...]:
    """Return the names of the file's variants."""
    return tuple(_table(parse(text, filename), "VARIANTS", filename))


def classes(tree: ast.Module) -> tuple[str, ...]:
    """Return the names of the classes defined at the top level."""
    return tuple(node.name for node in tree.body if isinstance(node, ast.ClassDef))


def overrides(text: str, size: str, variant: str | None, filename: str = "task.py") -> dict[str, Any]:
    """Return the constants that a size and a variant set.

    Raises:
        BadSetting: for a size or variant the file does not have.
    """
    known = sizes(text, filename)
    if size not in known:
        raise BadSetting(
            f"{filename} has no size {size!r}",
            why=f"sizes it has: {', '.join(known)}",
            now=f"use --size {known[0]}" if len(known) == 1 else f"use one of {', '.join(known)}",
        )
    tree = parse(text, filename)
    values = dict(_table(tree, "SIZES", filename).get(size, {}))
    if variant:
        table = _table(tree, "VARIANTS", filename)
        if variant not in table:
            raise BadSetting(
                f"{filename} has no variant {variant!r}",
                why=closest(variant, table),
                now="use one of these after the @, or none",
            )
        values.update(table[variant])
    return values


def with_constants(text: str, values: Mapping[str, Any], filename: str = "task.py") -> str:
    """Return the text with the values of module constants replaced; line numbers stay.

    Raises:
        BadProgram: if a name is not assigned exactly once, plainly, at the top level.
    """
    if not values:
        return text
    spans = {name: _span(parse(text, filename), name, filename) for name in values}
    lines = text.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    data = text.encode()
    # from the end: what is replaced moves all that follows, in its line too
    for name, node in sorted(spans.items(), key=lambda item: (-item[1].lineno, -item[1].col_offset)):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        written, breaks = repr(values[name]), data[begin:end].count(b"\n")
        if breaks:  # the old value stood on several lines: keep their number
            written = f"({written}" + "\n" * breaks + ")"
        data = data[:begin] + written.encode() + data[end:]
    return data.decode()


def execute(text: str, filename: str, *, prefix: str) -> ModuleType:
    """Run the text as a module of its own and return it.

    The module is registered in ``sys.modules`` under a name made from ``prefix`` and the text's hash, and its
    source in ``linecache``: pickling, ``inspect.getsource`` and dynamo work as for a file.

    Raises:
        BadProgram: if the text does not parse or raises while it runs.
    """
    parse(text, filename)
    name = f"{prefix}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    taken = sum(1 for known in list(sys.modules) if known == name or known.startswith(name + "_"))
    name = f"{name}_{taken}" if taken else name
    place = f"<{name}>/{filename}"
    linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
    module = ModuleType(name)
    module.__file__ = place
    module.__spec__ = ModuleSpec(name, None, origin=place)
    sys.modules[name] = module
    try:
        exec(compile(text, place, "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[name]
        raise BadProgram(
            f"{filename} raises {type(error).__name__} when it is imported",
            why=f"{error} ({where(error, place) or 'in a library it calls'})",
            now=_ALONE if isinstance(error, ImportError) else _TRACEBACK,
        ) from error
    return module


def where(error: BaseException, place: str) -> str:
    """Return ``line N`` of the innermost frame of the error that lies in the file, or an empty text."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == place]
    return f"line {lines[-1]}" if lines else ""


def bound_names(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """Yield (name, node) for every name that these statements bind in their own scope."""
    waiting = [iter(nodes)]  # no recursion: a text may be the sum of a thousand lines
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0], node
        waiting.append(ast.iter_child_nodes(node))


def _assignments(tree: ast.Module, name: str) -> list[ast.stmt]:
    """Return every top-level statement that binds the name, however it does."""
    return [node for node in tree.body if any(bound == name for bound, _ in bound_names([node]))]


def _value(node: ast.stmt, name: str) -> ast.expr | None:
    """Return the value expression of ``name = value`` or ``name: type = value``, else None."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        return node.value if isinstance(target, ast.Name) and target.id == name else None
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
        return node.value
    return None


def plain_value(tree: ast.Module, name: str) -> ast.expr | None:
    """Return the value of a name that is assigned once, plainly, at the top level; None if it is not bound.

    Raises:
        LookupError: if it is bound in any other way.
    """
    bound = _assignments(tree, name)
    if not bound:
        return None
    value = _value(bound[0], name) if len(bound) == 1 else None
    if value is None:
        lines = ", ".join(str(node.lineno) for node in bound)
        raise LookupError(f"line {lines}: expected {name} = value once at the top level of the file")
    return value


def _span(tree: ast.Module, name: str, filename: str) -> ast.expr:
    try:
        value = plain_value(tree, name)
        why = f"{filename} does not assign it at its top level"
    except LookupError as error:
        value, why = None, str(error)
    if value is None:
        raise BadProgram(
            f"{filename} overrides the constant {name!r}, which is not a plain constant",
            why=why,
            now=f"write {name} = value once at the top level of the file",
        )
    return value


def _table(tree: ast.Module, name: str, filename: str) -> dict[str, dict[str, Any]]:
    """Return a table of literals (``SIZES``, ``VARIANTS``), empty if the file has none."""
    try:
        value = plain_value(tree, name)
        if value is None:
            return {}
        table = ast.literal_eval(value)
    except (LookupError, ValueError, TypeError):
        table = None
    good = isinstance(table, dict) and all(
        isinstance(k, str) and isinstance(v, dict) and all(isinstance(c, str) for c in v)
        for k, v in table.items()
    )
    if not good:
        raise BadProgram(
            f"{filename}: {name} is not a table of constants",
            why="expected one top-level assignment of literals, as in "
            + f'{name} = {{"small": {{"batch_size": 2}}}}',
            now="write it with literals only",
        )
    return table  # type: ignore[no-any-return]
