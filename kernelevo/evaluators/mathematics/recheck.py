"""A second opinion on a saved construction: other formulas, a fresh process, nothing of the search.

``python -m kernelevo.evaluators.mathematics.recheck construction.json`` prints the exact value.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

from kernelevo.errors import BadProgram, KernelEvoError
from kernelevo.evaluators.mathematics import kissing, uncertainty
from kernelevo.evaluators.mathematics.step_functions import UNIT

_FRACTION = re.compile(r"-?\d+(?:/\d+)?", re.ASCII)


def saved(name: str, construction: Any) -> str:
    """Return a construction as JSON text: whole numbers, and fractions as ``"p/q"``."""
    return json.dumps({"problem": name, "construction": _plain(construction)})


def recheck(text: str) -> Fraction | float:
    """Return the value of a saved construction, computed in another way than by the search.

    Args:
        text: what :func:`saved` returned.

    Raises:
        BadProgram: if it is not one, or not a valid construction.
    """
    try:
        data = json.loads(text)
        name, given = data["problem"], [_exact(part) for part in data["construction"]]
        whole = len(given) == COUNTS.get(name, len(given))
        value = CHECKS[name](given) if whole and given else None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise BadProgram(
            "not a saved construction",
            why=f"{type(error).__name__}: {error}",
            now="give the artifact construction.json of a winner's verdict: kernelevo show RUN --json",
        ) from error
    if value is None:
        raise BadProgram(
            f"this is not a valid construction for {data['problem']}",
            now="only what holds exactly is a record: look at the verdict's feedback",
        )
    return value


def _circles(circles: list[list[Fraction]]) -> Fraction | None:
    """All numbers over one denominator: comparisons of whole numbers."""
    whole = math.lcm(*(x.denominator for c in circles for x in c))
    rows = [[int(x * whole) for x in c] for c in circles]
    inside = all(r >= 0 and min(x, y, whole - x, whole - y) >= r for x, y, r in rows)
    apart = all(
        (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 >= (a[2] + b[2]) ** 2 for a, b in combinations(rows, 2)
    )
    return Fraction(sum(r for *_, r in rows), whole) if inside and apart else None


def _distances(points: list[list[Fraction]]) -> Fraction | None:
    whole = math.lcm(*(x.denominator for p in points for x in p))
    rows = [(int(x * whole), int(y * whole)) for x, y in points]
    squares = sorted((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 for a, b in combinations(rows, 2))
    return Fraction(squares[-1], squares[0]) if squares[0] else None


def _triangles(points: list[list[Fraction]]) -> Fraction | None:
    """The shoelace formula over one denominator."""
    if not all(x >= 0 and y >= 0 and x + y <= 1 for x, y in points):
        return None
    whole = math.lcm(*(x.denominator for p in points for x in p))
    rows = [(int(x * whole), int(y * whole)) for x, y in points]
    areas = (
        abs(a[0] * b[1] - a[1] * b[0] + b[0] * c[1] - b[1] * c[0] + c[0] * a[1] - c[1] * a[0])
        for a, b, c in combinations(rows, 3)
    )
    return Fraction(min(areas), whole * whole)


def _overlap(heights: list[int]) -> Fraction | None:
    if not all(0 <= h <= UNIT for h in heights) or 2 * sum(heights) != len(heights) * UNIT:
        return None
    return Fraction(2 * max(_sums(heights, [UNIT - h for h in heights][::-1])), len(heights) * UNIT * UNIT)


def _autocorrelation(heights: list[int]) -> Fraction | None:
    if min(heights) < 0 or not any(heights):
        return None
    return Fraction(2 * len(heights) * max(_sums(heights, heights)), sum(heights) ** 2)


def _kissing(vectors: list[list[int]]) -> Fraction | None:
    good = all(len(v) == kissing.DIMENSION and any(v) for v in vectors)
    return Fraction(len(vectors)) if good and kissing.is_configuration(vectors) else None


def _uncertainty(points: list[Fraction]) -> float | None:
    above, value = uncertainty.bound(points)
    return value if uncertainty.confirmed(points, above) else None


CHECKS: dict[str, Callable[[Any], Fraction | float | None]] = {
    "circle_packing": _circles,
    "circle_packing_32": _circles,
    "minmax_distance": _distances,
    "heilbronn_triangle": _triangles,
    "erdos_minimum_overlap": _overlap,
    "autocorrelation_1": _autocorrelation,
    "kissing_number": _kissing,
    "uncertainty": _uncertainty,
}

COUNTS = {"circle_packing": 26, "circle_packing_32": 32, "minmax_distance": 16, "heilbronn_triangle": 11}
"""How many circles or points there have to be."""


def _sums(a: Sequence[int], b: Sequence[int]) -> list[int]:
    """Convolve by python-flint where it is installed, else term by term."""
    try:
        from flint import fmpz_poly
    except ImportError:
        found = [0] * (len(a) + len(b) - 1)
        for i, x in enumerate(a):
            for j, y in enumerate(b):
                found[i + j] += x * y
        return found
    return [int(c) for c in (fmpz_poly(list(a)) * fmpz_poly(list(b))).coeffs()]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Fraction) else value


def _exact(value: Any) -> Any:
    if isinstance(value, list):
        return [_exact(v) for v in value]
    if isinstance(value, str):
        if not _FRACTION.fullmatch(value):  # an exponent would be computed, whatever it takes
            raise ValueError(f"{value[:40]!r} is no fraction of whole numbers")
        return Fraction(value)
    if type(value) is not int:
        raise TypeError(f"{value!r} is no exact number")
    return value


def main(arguments: list[str]) -> int:
    """Print the exact value of the construction in a file; returns the command line's exit code.

    Beside it stands the value as a decimal, null where that is beyond what a float can hold.
    """
    if len(arguments) != 1:
        print("usage: python -m kernelevo.evaluators.mathematics.recheck FILE", file=sys.stderr)
        return BadProgram.exit_code
    try:
        value = recheck(_read(Path(arguments[0])))
    except KernelEvoError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps({"value": str(value), "decimal": _decimal(value)}))
    return 0


def _decimal(value: Fraction | float) -> float | None:
    """Return a value as a float; None for one beyond them all, which JSON could not name either."""
    try:
        return float(value)
    except OverflowError:
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadProgram(f"{path} cannot be read", why=str(error), now="name a saved construction") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
