"""Budget: what a search may use; Meter: what it has used and reserved so far."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelevo.core.budgets import BUDGETS
from kernelevo.errors import BadSetting

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_MANY = {"": 1.0, "k": 1e3, "M": 1e6}
_NUMBER = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_FORMS = (
    (re.compile(rf"{_NUMBER}([smh])"), "seconds", _SECONDS),
    (re.compile(rf"{_NUMBER}()"), "trials", _MANY),
    (re.compile(rf"\${_NUMBER}()"), "dollars", _MANY),
    (re.compile(rf"tokens:{_NUMBER}([kM]?)"), "tokens", _MANY),
    (re.compile(rf"device:{_NUMBER}([smh])"), "device_seconds", _SECONDS),
)
_WORDS = {
    "seconds": "{}s",
    "trials": "{}",
    "dollars": "${}",
    "tokens": "tokens:{}",
    "device_seconds": "device:{}s",
}
PAID: Mapping[str, str] = {"dollars": "${:.4f}", "tokens": "{:.0f} tokens"}
"""What calls of language models use, and how an amount of it is written."""


@dataclass(frozen=True)
class Budget:
    """Limits by unit: ``seconds`` (of search), ``trials``, ``dollars``, ``tokens``, ``device_seconds``.

    The run ends when the first of them is reached; where only money or tokens are limited, also when nobody
    is left who would use more of them. The task's own seeds and all preparation are not counted.
    """

    limits: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read a budget as people write it.

        Raises:
            BadSetting: for anything that is not a positive amount of something, with examples.
        """
        limits: dict[str, float] = {}
        for part in text.split(","):
            unit, amount = _read(part.strip(), text)
            if unit in limits:
                raise _bad(text, f"it limits {unit.replace('_', ' ')} twice")
            limits[unit] = amount
        return cls(limits)

    def plus(self, used: Mapping[str, float]) -> Budget:
        """Return a budget that allows this much beyond what is used already."""
        return Budget({unit: limit + used.get(unit, 0.0) for unit, limit in self.limits.items()})

    @property
    def only_paid(self) -> bool:
        """Whether money and tokens are all that it limits."""
        return bool(self.limits) and not set(self.limits) - PAID.keys()

    def refuse_unspendable(self, now: str) -> None:
        """Refuse limits of money and tokens alone, for a run that asks no language model for programs.

        Args:
            now: what its author can do.

        Raises:
            BadSetting: if nothing would ever be used of any limit.
        """
        if self.only_paid:
            raise BadSetting(
                f"a budget of {self} would never be spent",
                why="no language model is asked for programs in this run",
                now=now,
            )

    def __str__(self) -> str:
        return ",".join(_WORDS[unit].format(_plain(limit)) for unit, limit in self.limits.items())


def in_words(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds >= 120:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def _plain(amount: float) -> str:
    """A number without an exponent and without trailing zeros."""
    return f"{amount:.6f}".rstrip("0").rstrip(".")


def _read(part: str, whole: str) -> tuple[str, float]:
    for form, unit, factors in _FORMS:
        if match := form.fullmatch(part):
            amount = float(match[1]) * factors[match[2]]
            if unit in ("trials", "tokens") and amount != int(amount):
                raise _bad(whole, f"{part!r} is not a whole number")
            if amount <= 0 or not math.isfinite(amount):
                raise _bad(whole, f"{part!r} is not above zero")
            return unit, amount
    raise _bad(whole, f"{part!r} is not an amount of time, trials, money or tokens")


def _bad(text: str, why: str) -> BadSetting:
    return BadSetting(f"the budget {text!r} cannot be used.", why=why, now=f"write it like {BUDGETS}")


class Meter:
    """What was used, and what those who are still at work may use: reserved before, settled after.

    Args:
        budget: the limits; may be replaced while running.
        used: what earlier sittings of the run used.
    """

    def __init__(self, budget: Budget, used: Mapping[str, float] | None = None) -> None:
        self.budget = budget
        self.used: defaultdict[str, float] = defaultdict(float, used or {})
        self._reserved: defaultdict[str, float] = defaultdict(float)

    def reserve(self, wanted: Mapping[str, float]) -> bool:
        """Set amounts aside, if every wanted unit still has room for them.

        An amount of 0 stands for one that nobody can tell beforehand: it asks that the limit is not reached
        yet, and the overshoot is what was in flight.
        """
        for unit, amount in wanted.items():
            if not self.fits(unit, amount, beside=self._reserved[unit]):
                return False
        self.hold(wanted)
        return True

    def fits(self, unit: str, amount: float, *, beside: float) -> bool:
        """Whether a limit has room for an amount beside what is used and what others may use yet."""
        limit = self.budget.limits.get(unit, math.inf)
        taken = self.used[unit] + beside
        return taken < limit and taken + amount <= limit * (1 + 1e-9)

    def affords(self, wanted: Mapping[str, float]) -> bool:
        """Whether the limits have room for amounts, were all that is set aside for others given back."""
        return all(self.fits(unit, amount, beside=0.0) for unit, amount in wanted.items())

    def hold(self, wanted: Mapping[str, float]) -> None:
        """Set an amount aside without asking, e.g. what was granted in an earlier sitting."""
        for unit, amount in wanted.items():
            self._reserved[unit] += amount

    def settle(self, reserved: Mapping[str, float], actual: Mapping[str, float]) -> None:
        """Give a reservation back and write down what was really used."""
        for unit, amount in reserved.items():
            self._reserved[unit] = max(0.0, self._reserved[unit] - amount)  # sums of floats drift
        for unit, amount in actual.items():
            self.used[unit] += amount

    def spent(self, units: Iterable[str] | None = None) -> str | None:
        """Return the first unit whose limit is reached, None if there is none."""
        for unit, limit in self.budget.limits.items():
            if self.used[unit] >= limit and (units is None or unit in units):
                return unit
        return None

    def left(self, unit: str) -> float:
        """How much of a unit may still be used; infinite without a limit."""
        return max(0.0, self.budget.limits.get(unit, math.inf) - self.used[unit])

    def reserved(self, unit: str) -> float:
        """How much of a unit is set aside."""
        return self._reserved[unit]

    @property
    def awaits(self) -> bool:
        """Whether a call may give back money or tokens that are set aside for it, no limit being reached."""
        return not self.spent() and any(self._reserved[unit] > 1e-9 for unit in PAID)

    def shortage(self, wanted: Mapping[str, float], *, held: bool = True) -> str:
        """Say which money or tokens a call lacks; an empty text if none.

        Args:
            wanted: the most that it may use, by unit.
            held: whether what is set aside for other calls counts as gone.
        """
        for unit, form in PAID.items():
            room = self.left(unit) - (self._reserved[unit] if held else 0.0)
            if wanted.get(unit, 0.0) > room:
                price, rest = form.format(wanted[unit]), form.format(max(0.0, room))
                return f"its next call may cost {price}, and {rest} is left"
        return ""

    def to_json(self) -> dict[str, Any]:
        """What was used, by unit."""
        return {unit: amount for unit, amount in self.used.items() if amount}


def uncounted(cost: Mapping[str, float]) -> dict[str, float]:
    """Return what of a proposal's cost is to be counted with it.

    A cost with ``calls`` is that of a language model, whose tokens and dollars are counted where the call is
    written down, whatever came of it.
    """
    known = ("tokens", "dollars") if "calls" in cost else ()
    return {unit: amount for unit, amount in cost.items() if unit not in known}


class Stopwatch:
    """Seconds of search over all sittings; it stands still during preparation and pauses."""

    def __init__(self, before: float = 0.0) -> None:
        self._before = before
        self._since: float | None = None

    def read(self, now: float) -> float:
        """Seconds so far."""
        return self._before + (now - self._since if self._since is not None else 0.0)

    def set_running(self, running: bool, now: float) -> None:
        """Let it run or stand still."""
        if running and self._since is None:
            self._since = now
        elif not running and self._since is not None:
            self._before, self._since = self.read(now), None
