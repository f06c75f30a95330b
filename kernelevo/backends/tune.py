"""The ``TUNE`` table of a program: the numbers its author leaves to the tuner.

A program declares at its top level ``TUNE = {"BLOCK": [64, 128, 256], "STAGES": [2, 3]}``: literals only,
one non-empty list of choices for each name. It reads a value as ``TUNE["BLOCK"][0]``: the first entry is the
one in use.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from kernelevo.backends import taskfile
from kernelevo.errors import BadProgram, closest

NAME = "TUNE"

Choice = int | float | str | bool


def read_table(source: str) -> dict[str, list[Choice]]:
    """Return the choices of each tuned name; an empty table for a program that has none.

    Raises:
        BadProgram: if the text does not parse, or its table is not one of literals as described above.
    """
    value = _value(taskfile.parse(source, "program.py"))
    return {} if value is None else _choices(value)


def values_in_use(source: str) -> dict[str, Choice]:
    """Return the value in use of each tuned name: the first choice.

    Raises:
        BadProgram: as :func:`read_table`.
    """
    return {name: choices[0] for name, choices in read_table(source).items()}


def with_values(source: str, values: Mapping[str, Choice], *, keep_choices: bool = False) -> str:
    """Return the program with values fixed; the rest of its text is untouched, its line numbers too.

    Args:
        source: a program with a ``TUNE`` table.
        values: name -> the value to use; names that are not mentioned keep their choices.
        keep_choices: leave the other choices behind the chosen one (sorted, so that equal choices give equal
            text whatever was chosen before) instead of making it the only one.

    Raises:
        BadProgram: as :func:`read_table`, or if a name is not in the table.
    """
    table = read_table(source)
    unknown = sorted(set(values) - set(table))
    if unknown:
        raise BadProgram(
            f"the program tunes no {unknown[0]!r}",
            why=closest(unknown[0], table),
            now="choose among the names of its TUNE table",
        )
    if not table:
        return source
    for name, chosen in values.items():
        rest = [c for c in table[name] if _key(c) != _key(chosen)] if keep_choices else []
        table[name] = [chosen, *sorted(rest, key=_key)]
    return taskfile.with_constants(source, {NAME: table}, "program.py")


def _value(tree: ast.Module) -> ast.expr | None:
    """Return the table's expression, None if there is no table."""
    try:
        return taskfile.plain_value(tree, NAME)
    except LookupError as error:
        raise BadProgram(
            f"the program's {NAME} is not one plain assignment",
            why=str(error),
            now=f'write {NAME} = {{"BLOCK": [64, 128]}} once at the top level',
        ) from error


def _choices(value: ast.expr) -> dict[str, list[Choice]]:
    try:
        table: Any = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        table = None
    good = isinstance(table, dict) and all(
        isinstance(name, str) and isinstance(choices, list | tuple) and choices
        and all(isinstance(c, bool | int | float | str) for c in choices)
        for name, choices in table.items()
    )  # fmt: skip
    if not good:
        raise BadProgram(
            f"the program's {NAME} is not a table of choices",
            why=f"line {value.lineno}: expected literals, a non-empty list of numbers or words for each name",
            now=f'write it as {NAME} = {{"BLOCK": [64, 128], "UNROLL": [1, 2]}}',
        )
    return {name: list(choices) for name, choices in table.items()}


def _key(choice: Choice) -> tuple[str, float, str]:
    """Order choices of mixed types, and tell 1, 1.0 and True apart."""
    number = float(choice) if isinstance(choice, int | float) else 0.0
    return type(choice).__name__, number, str(choice)
