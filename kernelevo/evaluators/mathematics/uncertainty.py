"""The sign uncertainty inequality: functions that are their own Fourier transform, by python-flint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

from kernelevo.errors import ToolchainMissing
from kernelevo.evaluators.mathematics import reading
from kernelevo.evaluators.mathematics.reading import NotOne

MOST = 16
"""Touching points: twelve give polynomials of degree 100."""
GRID = 1 << 40
_BITS = 400


def missing() -> str | None:
    """Return None if python-flint is there, else what lacks."""
    return None if find_spec("flint") else "python-flint"


def require() -> None:
    """Raise ToolchainMissing unless python-flint is there."""
    if missing():
        raise ToolchainMissing(
            "the uncertainty inequality is judged with python-flint, which is not installed",
            why="its polynomials have coefficients of thousands of digits, whose roots are isolated exactly",
            now="pip install 'kernelevo[math]'",
        )


def repaired(given: Any) -> list[Fraction]:
    """Return the touching points, rounded to multiples of 2^-40 and sorted.

    Args:
        given: ``{"points": [...]}`` and no other key: a number that lies beside is no point.

    Raises:
        NotOne: for another form, and other than 1 to 16 different numbers between 0.01 and 100.
    """
    if not isinstance(given, Mapping) or set(given) != {"points"}:
        raise NotOne('solve() returns {"points": [...]}')
    found = sorted({Fraction(round(z * GRID), GRID) for z in reading.numbers(given["points"], most=MOST)})
    if not Fraction(1, 100) <= found[0] <= found[-1] <= 100:
        raise NotOne("touching points lie between 0.01 and 100")
    return found


def bound(points: Sequence[Fraction]) -> tuple[Fraction, float]:
    """Return a rational just above u = z^2 of the last change of sign, and the bound u / (2 pi) rounded up.

    With k touching points z_i the function is f(x) = P(z) exp(-z^2 / 2), z = sqrt(2 pi) x, where P is the
    one combination of the Hermite polynomials H_0, H_4, ..., H_(4 (2k + 1)) with P(0) = 0, double zeros at
    all z_i and a positive leading coefficient. Each part is its own Fourier transform, so f is, and A(f)^2
    bounds the constant from above (Gonçalves, Oliveira e Silva, Steinerberger 2017; touching points: Cohn
    and Gonçalves 2019). Arb encloses every root; a real one's enclosure has no imaginary part.

    Raises:
        NotOne: where no such combination exists, or it never changes its sign.
        ToolchainMissing: without python-flint.
    """
    require()
    import flint

    rest = _without_double_zeros(points)
    flint.ctx.prec = _BITS
    last = None
    for root, times in rest.complex_roots():
        if times % 2 and root.imag == 0 and root.real > 0 and (last is None or root.real > last):
            last = root.real
    if last is None:
        raise NotOne("the function never changes its sign: no bound follows")
    above = _above(last)
    upper = flint.arb(flint.fmpq(above.numerator, above.denominator)) / (2 * flint.arb.pi())
    return above, _rounded_up(upper)


def confirmed(points: Sequence[Fraction], above: Fraction) -> bool:
    """Check in another way that nothing changes its sign beyond ``above``: the polynomial is shifted there.

    All coefficients positive means no root beyond (Descartes' rule); where complex roots spoil that, Sturm's
    count of roots decides.
    """
    require()
    import flint

    rest = _without_double_zeros(points)
    shift = flint.fmpq_poly([flint.fmpq(above.numerator, above.denominator), 1])
    moved = flint.fmpq_poly(rest.coeffs())(shift)
    if all(c > 0 for c in moved.coeffs()):
        return True
    return _sturm_count(moved) == 0 and moved.coeffs()[0] > 0


def _without_double_zeros(points: Sequence[Fraction]) -> Any:
    """Return P(u) / u / prod (u - u_i)^2 with whole coefficients, the leading one positive."""
    import flint

    squares = [flint.fmpq(z.numerator, z.denominator) ** 2 for z in points]
    basis = _hermite(2 * len(points) + 1)
    lines, right = [], []
    for at, derived in [(flint.fmpq(0), False), *((u, d) for u in squares for d in (False, True))]:
        values = [(p.derivative() if derived else p)(at) for p in basis]
        lines.append(values[:-1])
        right.append([-values[-1]])
    try:
        solved = flint.fmpq_mat(lines).solve(flint.fmpq_mat(right))
    except ZeroDivisionError:
        raise NotOne("these touching points leave no single combination: move one of them") from None
    weights = [*(row[0] for row in solved.tolist()), flint.fmpq(1)]
    whole = sum((w * p for w, p in zip(weights, basis, strict=True)), flint.fmpq_poly([0]))
    for factor in [flint.fmpq_poly([0, 1]), *(flint.fmpq_poly([-u, 1]) ** 2 for u in squares)]:
        whole, over = divmod(whole, factor)
        assert over == 0
    numerator = whole.numer()
    return numerator if numerator.coeffs()[-1] > 0 else -numerator


def _hermite(count: int) -> list[Any]:
    """Return H_0, H_4, ..., H_(4 count) as polynomials in u = z^2."""
    import flint

    one, two = flint.fmpq_poly([1]), flint.fmpq_poly([0, 2])
    found, before, now = [_in_squares(one)], one, two
    for n in range(1, 4 * count):
        before, now = now, two * now - 2 * n * before
        if (n + 1) % 4 == 0:
            found.append(_in_squares(now))
    return found


def _in_squares(even: Any) -> Any:
    import flint

    return flint.fmpq_poly(even.coeffs()[::2])


def _above(root: Any) -> Fraction:
    """Return a rational above an enclosure, by 2^-100 at the most (but for the enclosure's own radius)."""
    scaled = (root * (1 << 100)).upper().ceil().unique_fmpz()
    assert scaled is not None  # a ceiling of an exact number is one integer
    return Fraction(int(scaled) + 1, 1 << 100)


def _rounded_up(value: Any) -> float:
    return math.nextafter(float(value.upper()), math.inf)


def _sturm_count(polynomial: Any) -> int:
    """Return the number of different positive roots, by Sturm's theorem."""
    chain = [polynomial, polynomial.derivative()]
    while chain[-1] != 0 and chain[-1].degree() > 0:
        chain.append(-(chain[-2] % chain[-1]))
    chain = [p for p in chain if p != 0]
    at_zero = [p.coeffs()[0] for p in chain]
    far = [p.coeffs()[-1] for p in chain]
    return _changes(at_zero) - _changes(far)


def _changes(values: Sequence[Any]) -> int:
    signs = [v > 0 for v in values if v != 0]
    return sum(a != b for a, b in pairwise(signs))
