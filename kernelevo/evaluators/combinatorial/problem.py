"""A heuristic problem: a statement, a generator, a scorer that reads strictly and recomputes everything."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from kernelevo.evaluators.conversing import Conversation
from kernelevo.evaluators.secret import derived

PUBLIC = 200
"""Public cases have the seeds 0 to 199."""
_WIDEST = 18


class WrongAnswer(ValueError):
    """What a program printed is not a valid answer; the text says where and why."""


@dataclass(frozen=True)
class Case:
    """One case.

    Args:
        seed: what it was made from.
        stratum: kind of case, for feedback.
        text: what the program reads first.
        hidden: what only the judge knows.
    """

    seed: int | str
    stratum: str
    text: str
    hidden: Any = None


@dataclass(frozen=True)
class Problem:
    """One problem; exactly one of ``score`` and ``talk`` is given.

    Programs can read this package, so whatever follows from public seeds is known to them.

    Args:
        name: what a user types.
        version: of generator and scorer; part of every verdict.
        statement: for people and models.
        direction: whether larger or smaller absolute scores are better.
        make: makes a case from a random source and the number of its stratum (0 to 3).
        score: absolute score (at least 1) of what a program printed for a case.
        talk: reactive problems: holds the conversation and returns the absolute score.
        hide: draws what only the judge may know of a case, from a source that a secret gives.
        kept: returns the public cases that are kept as text, since making them tells how to solve them.
        seconds: wall time for one case.
    """

    name: str
    version: int
    statement: str
    direction: Literal["max", "min"]
    make: Callable[[Random, int], Case]
    score: Callable[[Case, str], int] | None = None
    talk: Callable[[Case, Conversation], int] | None = None
    hide: Callable[[Random, Case], Case] | None = None
    kept: Callable[[int], Case | None] | None = None
    seconds: float = 2.0

    def case(self, seed: int | str, secret: bytes | None = None) -> Case:
        """Return the case of a seed, always the same; seed i of the public ones has stratum i mod 4.

        Args:
            seed: a public seed, or a private one (see ``private_seed``).
            secret: makes what the case hides; what programs read of it does not depend on this.

        Raises:
            ValueError: for a problem that hides something, without a secret.
        """
        if isinstance(seed, int) and self.kept is not None and (kept := self.kept(seed)) is not None:
            return replace(kept, seed=seed)
        number = seed if isinstance(seed, int) else int(seed[:8], 16)
        rng = Random(f"{self.name}/{self.version}/{seed}")  # texts seed by their bytes: the same everywhere
        made = self.make(rng, number % 4)
        if self.hide is not None:
            if secret is None:
                raise ValueError(f"a case of {self.name} hides something: give the secret that makes it")
            made = self.hide(Random(derived(secret, "hidden", self.name, self.version, seed)), made)
        return replace(made, seed=seed)


def private_seed(secret: bytes, problem: str, number: int) -> str:
    """Return a private seed, HMAC-SHA256(secret, name / number): nobody foresees it without the secret."""
    return hmac.new(secret, f"{problem}/{number}".encode(), hashlib.sha256).hexdigest()


def digest(cases: list[Case]) -> str:
    """Return a hash of what programs read, so that two verdicts can be seen to be about the same cases."""
    text = "\0".join(f"{c.seed}\0{c.text}" for c in cases)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tokens(output: str, *, most: int = 1_000_000) -> list[str]:
    """Return what a program printed, word by word.

    Raises:
        WrongAnswer: if there is too much.
    """
    if len(output) > most:
        raise WrongAnswer(f"{len(output)} characters were printed, more than {most}")
    return output.split()


def whole(token: str, low: int, high: int, what: str) -> int:
    """Read one integer in a range: ASCII digits and a sign, nothing else.

    Raises:
        WrongAnswer: for anything else.
    """
    digits = token.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _WIDEST:
        raise WrongAnswer(f"{what} is {token[:30]!r}: expected an integer")
    value = int(token)
    if not low <= value <= high:
        raise WrongAnswer(f"{what} is {value}: expected {low} to {high}")
    return value
