"""ConstantsProposer: other values for the numbers that stand in a program's text, Python or C++.

Steps are those of an evolution strategy with mixed step sizes (log-normal for magnitudes, Schwefel 1981):
one to three numbers are moved, small and large steps are drawn alike, and a move that paid is repeated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from kernelevo.core import Brief, Program, Proposal, Trial, Verdict
from kernelevo.proposers.numbers import Literal, Number, numbers_of, with_numbers
from kernelevo.proposers.offspring import Known, acceptable, has_entry, proposal

_TRIES = 24
_STEPS = (0.03, 0.15, 0.5, 1.2)  # standard deviations of the logarithm of a factor
_AGAIN = 0.35
_LARGEST = 10**15


class ConstantsProposer:
    """Moves numbers of the first parent; those of a ``TUNE`` table are left to the tuner."""

    name = "constants"
    parents = 1

    def __init__(self) -> None:
        self._known = Known()

    def observe(self, trial: Trial) -> None:
        """Remember a program that anybody proposed."""
        self._known.proposed(trial.program)

    def proposed(self, program: Program) -> None:
        """Remember a program of ours that an earlier process of this run proposed."""
        self._known.proposed(program)

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Return the parent with one to three other numbers, or nothing if it has none."""
        if not brief.parents or not has_entry(brief.parents[0].program):
            return []
        parent = brief.parents[0]
        source, language = parent.program.source, parent.program.language
        literals = numbers_of(source, language)
        if not literals:
            return []
        for _ in range(_TRIES):
            values = _again(parent, literals, rng) or _moved(literals, rng)
            text = with_numbers(source, literals, values)
            if text not in self._known and acceptable(source, text, language):
                self._known.add(text)
                moved = [[index, literals[index].value, value] for index, value in sorted(values.items())]
                words = ", ".join(f"{before!r} -> {now!r}" for _, before, now in moved)
                return [proposal(self.name, text, [parent], words, {"moved": moved})]
        return []


def _again(parent: Verdict, literals: list[Literal], rng: Random) -> Mapping[int, Number] | None:
    """Return the move that made the parent, done once more; the parent was chosen, so it may have paid."""
    moved: Any = parent.program.origin.details.get("moved")
    if parent.program.origin.proposer != ConstantsProposer.name or not moved or rng.random() > _AGAIN:
        return None
    values: dict[int, Number] = {}
    for index, before, now in moved:
        if not (0 <= index < len(literals)) or literals[index].value != now:
            return None
        if isinstance(now, int) and isinstance(before, int):
            values[index] = max(0, 2 * now - before)
        elif before and math.isfinite(now * now / before):
            values[index] = _rounded(abs(now * now / before))
    return values or None


def _moved(literals: list[Literal], rng: Random) -> Mapping[int, Number]:
    count = rng.choice((1, 1, 1, 2, 3))
    weights = [literal.weight for literal in literals]
    chosen = sorted(set(rng.choices(range(len(literals)), weights, k=count)))
    return {index: _other(literals[index].value, rng) for index in chosen}


def _other(value: Number, rng: Random) -> Number:
    factor = math.exp(rng.gauss(0.0, rng.choice(_STEPS)))
    if isinstance(value, float):
        new = value * factor if value and math.isfinite(value * factor) else abs(rng.gauss(0.0, 0.1))
        return _rounded(new)
    if value > _LARGEST:  # a mask or a modulus: scaling it means nothing
        return value
    near = value + rng.choice((-2, -1, 1, 2))
    return max(0, near if value < 8 or rng.random() < 0.3 else round(value * factor))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
