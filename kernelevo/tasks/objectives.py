"""What counts in a task, as its file declares it: ``OBJECTIVES = {"metrics": {...}, "rule": ...}``."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from kernelevo.core import Objectives
from kernelevo.core.objectives import OPTION
from kernelevo.errors import BadSetting
from kernelevo.tasks.literals import values

NAME = "OBJECTIVES"
EXAMPLE = """OBJECTIVES = {"metrics": {"length": "lower", "seconds": "lower"}, "rule": "lexicographic"}"""


def declared(tree: ast.Module) -> dict[str, Any]:
    """Return the options that a task file's declaration gives; none if it has none.

    Raises:
        BadSetting: if it is no literal, or does not say what counts.
    """
    for value in values(tree, NAME):
        if not isinstance(value, ast.Dict):
            continue  # somebody else's use of the name
        try:
            options = {OPTION: ast.literal_eval(value)}
        except (ValueError, TypeError) as error:
            raise _bad(f"line {value.lineno} is not a literal: {error}") from error
        return {OPTION: objectives_of(options).to_json()}
    return {}


def objectives_of(options: Mapping[str, Any]) -> Objectives:
    """Return what counts in a task with these options.

    Raises:
        BadSetting: for a declaration that makes no sense, with an example.
    """
    try:
        return Objectives.of(options)
    except ValueError as error:
        raise _bad(str(error)) from error


def _bad(why: str) -> BadSetting:
    return BadSetting("the task's objectives cannot be used.", why=why, now=f"write them like {EXAMPLE}")
