"""Row program: a region's operations as steps along a row, whatever language they are printed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

SUM_KINDS = {"sum": "Sum", "squares": "Squares"}  # with the class of rows.h that adds each up
ROW_KINDS = frozenset({*SUM_KINDS, "largest", "top"})  # steps whose value is known when the row is done


@dataclass(frozen=True)
class Step:
    """One value of a row's program.

    Args:
        name: its name in the printed text.
        kind: ``load`` (an operand's elements), ``vector`` (one value per element), ``column`` (one value per
            row), ``sum`` (of a vector along the row), ``squares`` (their sum, taken in fp64), ``largest``
            (NaN if there is one) or ``top`` (the largest number, whatever NaN says).
        text: the expression; of a load the operand's number, of a sum the vector it adds.
        uses: names that the text reads.
        cost: rough number of instructions.
    """

    name: str
    kind: Literal["load", "vector", "column", "sum", "squares", "largest", "top"]
    text: str
    uses: tuple[str, ...] = ()
    cost: int = 1


@dataclass
class Steps:
    """The program of a row, written node by node; ``ONE`` is how an operand's one value per row reads."""

    ONE: ClassVar[str] = "splat(*p{})"

    steps: dict[str, Step] = field(default_factory=dict)

    def _add(self, kind: Any, text: str, uses: Sequence[str], cost: int = 1) -> str:
        name = f"v{len(self.steps)}"
        self.steps[name] = Step(name, kind, text, tuple(uses), cost)
        return name

    def load(self, operand: int, *, along: bool) -> str:
        """Read an operand: its elements ``along`` the row, or its one value for the row."""
        return self._add(
            "load" if along else "column", f"{operand}" if along else self.ONE.format(operand), ()
        )

    def compute(self, text: str, *uses: str, cost: int = 1) -> str:
        """Compute a vector; a column if all it reads are columns."""
        along = any(self.steps[use].kind in ("load", "vector") for use in uses)
        return self._add("vector" if along else "column", text, uses, cost)

    def affine(self, x: str, weight: str | None, bias: str | None) -> str:
        """Multiply by a weight and add a bias, where they are there."""
        y = x if weight is None else self.compute(f"{x} * {weight}", x, weight)
        return y if bias is None else self.compute(f"{y} + {bias}", y, bias)

    def sum(self, x: str) -> str:
        """Sum along the row; in C++ the result is a double, for columns only."""
        return self._add("sum", x, (x,))

    def squares(self, x: str) -> str:
        """Sum the squares along the row, in fp64, where those of small or large numbers do not vanish."""
        return self._add("squares", x, (x,))

    def largest(self, x: str, *, with_nan: bool = True) -> str:
        """Return the largest element of the row, as a column."""
        return self._add("largest" if with_nan else "top", x, (x,))
