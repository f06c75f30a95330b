"""Numbers in a program's text: where they stand, what they are, and the text with others in their place."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from kernelevo.proposers.blocks import blocks_of

Number = int | float
# comments, texts and character literals are matched first, so that numbers in them are passed over
_CPP = re.compile(
    r"//[^\n]*|/\*.*?\*/|^[ \t]*#[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    r"|(?P<number>(?<![\w.])(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)(?P<suffix>[uUlLfFzZ]*)(?![\w.'])",
    re.DOTALL | re.MULTILINE,
)
_TABLE = "TUNE"


@dataclass(frozen=True)
class Literal:
    """One number of a text.

    Args:
        start: where it begins, in characters.
        end: where it ends.
        value: what it is.
        weight: how likely a change of it is worth a try: indices, 0 and 1 are rarely parameters.
    """

    start: int
    end: int
    value: Number
    weight: float = 1.0


def numbers_of(source: str, language: str) -> list[Literal]:
    """Return the numbers that may be changed, in their order; empty for a text that cannot be read.

    Args:
        source: text of a program.
        language: ``"python"``; anything else is read like C++.
    """
    found = _in_python(source) if language == "python" else _in_cpp(source)
    blocks = blocks_of(source)
    starts = _line_starts(source)
    lines = [(_line(starts, n.start), _line(starts, n.end)) for n in found]
    return [n for n, (first, last) in zip(found, lines, strict=True) if blocks.hold(first, last)]


def with_numbers(source: str, literals: list[Literal], values: Mapping[int, Number]) -> str:
    """Return the text with other values, by index of the literal."""
    for index in sorted(values, reverse=True):
        literal = literals[index]
        source = source[: literal.start] + written(values[index]) + source[literal.end :]
    return source


def written(value: Number) -> str:
    """Return a number as both languages read it; never with a sign."""
    return repr(abs(value))


def _in_python(source: str) -> list[Literal]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    starts, lines = _line_starts(source), source.split("\n")
    left_out, indices = _passed_over(tree)
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or type(node.value) not in (int, float) or node in left_out:
            continue
        assert node.end_lineno is not None and node.end_col_offset is not None
        # columns of the syntax tree count bytes
        start = starts[node.lineno - 1] + _characters(lines[node.lineno - 1], node.col_offset)
        end = starts[node.end_lineno - 1] + _characters(lines[node.end_lineno - 1], node.end_col_offset)
        number: Number = node.value  # type: ignore[assignment]  # its type was looked at above
        found.append(Literal(start, end, number, 0.1 if node in indices else _weight(number)))
    return sorted(found, key=lambda literal: literal.start)


def _passed_over(tree: ast.Module) -> tuple[set[ast.AST], set[ast.AST]]:
    """Return the numbers of a TUNE table and of f-strings, which are left alone, and those of subscripts."""
    table: set[ast.AST] = set()
    indices: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and any(
            isinstance(target, ast.Name) and target.id == _TABLE for target in _targets(node)
        ):
            table |= set(ast.walk(node))
        elif isinstance(node, ast.JoinedStr):
            table |= set(ast.walk(node))  # their columns are not those of the text before Python 3.12
        elif isinstance(node, ast.Subscript):
            indices |= set(ast.walk(node.slice))
    return table, indices


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _in_cpp(source: str) -> list[Literal]:
    found = []
    for match in _CPP.finditer(source):
        text = match["number"]
        if text is None or (text.isdigit() and len(text) > 1 and text[0] == "0"):
            continue  # an octal number is a mask or a mode
        value: Number = int(text) if text.isdigit() else float(text)
        found.append(Literal(match.start("number"), match.end("number"), value, _weight(value)))
    return found


def _weight(value: Number) -> float:
    return 0.15 if value in (0, 1) else 0.4 if value == 2 else 1.0


def _line_starts(source: str) -> list[int]:
    return [0, *(at + 1 for at, character in enumerate(source) if character == "\n")]


def _line(starts: list[int], at: int) -> int:
    low, high = 0, len(starts)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if starts[middle] <= at else (low, middle)
    return low + 1


def _characters(line: str, column: int) -> int:
    return len(line.encode()[:column].decode(errors="replace"))
