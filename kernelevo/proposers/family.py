"""Family: programs that are equal but for the values in use in their ``TUNE`` table, searched together."""

from __future__ import annotations

import ast
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kernelevo.backends import tune as table
from kernelevo.core import Evaluation, Program
from kernelevo.errors import BadProgram

Point = tuple[int, ...]  # one index into each entry's choices, entries by name
FAILED = -math.inf  # below every score


@dataclass
class Family:
    """One search.

    Args:
        space: choices by name.
        verdicts: the best of each point.
        pending: points proposed and not judged yet.
        since_best: points judged since the last improvement.
    """

    space: dict[str, list[Any]]
    verdicts: dict[Point, Evaluation] = field(default_factory=dict)
    pending: dict[Point, None] = field(default_factory=dict)
    since_best: int = 0

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(len(choices) for choices in self.space.values())

    def point(self, values: Mapping[str, Any]) -> Point | None:
        """Return the point of these values, None if one is no choice."""
        try:
            return tuple(_index(choices, values[name]) for name, choices in self.space.items())
        except (KeyError, ValueError):
            return None

    def covers(self, space: Mapping[str, Sequence[Any]]) -> bool:
        """Tell whether every choice of a table is one here too."""
        return all(has(self.space[name], choice) for name, choices in space.items() for choice in choices)

    def settings(self, point: Point) -> dict[str, Any]:
        """Return the values at a point."""
        return {name: self.space[name][i] for name, i in zip(self.space, point, strict=True)}

    def tell(self, point: Point, verdict: Evaluation) -> None:
        """Record a verdict; the best of several counts, since a rough score is a lower bound."""
        values, value = self.values, _value(verdict)
        better = not values or value > max(values.values())
        self.since_best = 0 if better else self.since_best + (point not in values)
        if point not in values or value > values[point]:
            self.verdicts[point] = verdict
        self.pending.pop(point, None)

    def reread(self, change: Callable[[Evaluation], Evaluation]) -> None:
        """From now on verdicts read as ``change`` makes them: against a better baseline."""
        self.verdicts = {point: change(verdict) for point, verdict in self.verdicts.items()}

    @property
    def values(self) -> dict[Point, float]:
        """Best score seen at each point, ``FAILED`` where it did not pass."""
        return {point: _value(verdict) for point, verdict in self.verdicts.items()}

    @property
    def best(self) -> Point | None:
        """The best point that worked."""
        worked = {p: v for p, v in self.values.items() if v > FAILED}
        return max(worked, key=lambda p: worked[p]) if worked else None


def read_family(program: Program) -> tuple[str, dict[str, list[Any]]] | None:
    """Return a program's family and its table, by name; None without one."""
    if program.language != "python":
        return None
    try:
        source = program.source
        space = {name: list(choices) for name, choices in sorted(table.read_table(source).items()) if choices}
        rest = _without_table(source)
    except (BadProgram, SyntaxError, ValueError):
        return None
    if not space:
        return None
    text = repr((program.language, rest, sorted(program.beside.items()), list(space)))
    return hashlib.sha256(text.encode()).hexdigest(), space


def _without_table(source: str) -> str:
    """Return the source with its tables blanked."""
    lines = source.split("\n")
    for statement in ast.parse(source).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        if any(isinstance(t, ast.Name) and t.id in (table.NAME,) for t in targets):
            assert statement.end_lineno is not None
            for i in range(statement.lineno - 1, statement.end_lineno):
                lines[i] = ""
    return "\n".join(line for line in lines if line.strip())


def wider(known: Family | None, space: dict[str, list[Any]]) -> Family:
    """Return a family over ``space`` and what is known: it keeps what an earlier table taught and has out."""
    if known is None:
        return Family(space)
    family = Family(
        {
            name: choices + [c for c in known.space[name] if not has(choices, c)]
            for name, choices in space.items()
        }
    )
    for point, verdict in known.verdicts.items():
        moved = family.point(known.settings(point))
        if moved is not None:
            family.tell(moved, verdict)
    for point in known.pending:
        moved = family.point(known.settings(point))
        if moved is not None and moved not in family.verdicts:
            family.pending[moved] = None
    return family


def _value(verdict: Evaluation) -> float:
    return FAILED if verdict.score is None else verdict.score


def _index(choices: Sequence[Any], value: Any) -> int:
    """Position of a value, ``True`` and ``1`` apart."""
    for i, choice in enumerate(choices):
        if type(choice) is type(value) and choice == value:
            return i
    raise ValueError(f"{value!r} is none of {choices!r}")


def has(choices: Sequence[Any], value: Any) -> bool:
    """Tell whether a value is a choice, ``True`` and ``1`` apart."""
    return any(type(choice) is type(value) and choice == value for choice in choices)
