"""Bandit: which model and which persona is asked next, by what their programs earned and what they cost."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple


class Arm(NamedTuple):
    """A model together with the persona that its prompt speaks to."""

    model: str
    persona: str


@dataclass
class _Sum:
    """Discounted outcomes."""

    tries: float = 0.0
    reward: float = 0.0
    cost: float = 0.0
    priced: float = 0.0

    def fade(self, factor: float) -> None:
        self.tries *= factor
        self.reward *= factor
        self.cost *= factor
        self.priced *= factor

    def add(self, reward: float, cost: float | None) -> None:
        self.tries += 1.0
        self.reward += reward
        if cost is not None:
            self.cost += cost
            self.priced += 1.0


class Bandit:
    """An upper confidence bound over arms, per cost. Pure: its state is a function of what it was told.

    There are more arms than a short run has replies, so an arm borrows from its likes: its expected reward
    is drawn towards the mean of its model's and its persona's, and those towards the mean of all (shrinkage,
    as of ``prior`` outcomes). The bonus for little evidence is that of UCB1 (P. Auer, N. Cesa-Bianchi,
    P. Fischer, Finite-time Analysis of the Multiarmed Bandit Problem, Machine Learning 47, 2002) with
    ``explore`` for its constant; outcomes fade, because what improves a slow program may not improve a fast
    one. The sum is divided by (cost of the model / cost of the cheapest) ** ``thrift``.

    Args:
        explore: weight of the bonus.
        thrift: 0 ignores costs, 1 maximises reward per dollar.
        fade: what an outcome weighs after one more.
        prior: outcomes that the expectation of an arm's likes counts for.
    """

    def __init__(
        self, *, explore: float = 0.35, thrift: float = 0.5, fade: float = 0.98, prior: float = 2.0
    ) -> None:
        self._explore, self._thrift, self._fade, self._prior = explore, thrift, fade, prior
        self._arms: dict[Arm, _Sum] = {}
        self._models: dict[str, _Sum] = {}
        self._personas: dict[str, _Sum] = {}
        self._all = _Sum()

    def told(self, arm: Arm, reward: float, cost: float | None = None) -> None:
        """Learn from one outcome.

        Args:
            arm: who made the program.
            reward: between 0 (nothing came of it) and 1.
            cost: in any one unit, the same for all arms; None where nobody knows.

        Raises:
            ValueError: for a reward or a cost outside its range.
        """
        if not 0 <= reward <= 1 or (cost is not None and not 0 <= cost < math.inf):
            raise ValueError(f"a reward of {reward} at a cost of {cost}")
        sums = (*self._arms.values(), *self._models.values(), *self._personas.values(), self._all)
        for known in sums:
            known.fade(self._fade)
        for total in (
            self._arms.setdefault(arm, _Sum()),
            self._models.setdefault(arm.model, _Sum()),
            self._personas.setdefault(arm.persona, _Sum()),
            self._all,
        ):
            total.add(reward, cost)

    def choose(self, arms: Sequence[Arm], rng: Random, *, flying: Mapping[Arm, int] | None = None) -> Arm:
        """Return the arm to ask; nothing is changed by it. Equal ones are drawn by ``rng``.

        Args:
            arms: those that may be asked.
            rng: source of the draw.
            flying: how many replies of each arm are awaited; they count as tries without a reward yet.

        Raises:
            ValueError: if there is none.
        """
        if not arms:
            raise ValueError("no arm may be asked")
        worth = {arm: self.index(arm, arms, (flying or {}).get(arm, 0)) for arm in dict.fromkeys(arms)}
        top = max(worth.values())
        return rng.choice([arm for arm, value in worth.items() if value >= top - 1e-12])

    def index(self, arm: Arm, arms: Collection[Arm], flying: int = 0) -> float:
        """Return what an arm is worth among others: expectation and bonus, per cost."""
        own = self._arms.get(arm, _Sum())
        bonus = self._explore * math.sqrt(math.log(2 + self._all.tries) / (own.tries + flying + 1))
        dear = self._price(arm.model)
        known = [price for other in arms if (price := self._price(other.model)) is not None]
        factor = 1.0
        if dear is not None and known and min(known) > 0:
            factor = (dear / min(known)) ** self._thrift
        return (self.expected(arm) + bonus) / factor

    def expected(self, arm: Arm) -> float:
        """Return the reward that an arm may be expected to bring, between 0 and 1."""
        everywhere = self._shrunk(self._all, 0.5)
        model = self._shrunk(self._models.get(arm.model, _Sum()), everywhere)
        persona = self._shrunk(self._personas.get(arm.persona, _Sum()), everywhere)
        return self._shrunk(self._arms.get(arm, _Sum()), (model + persona) / 2)

    def _shrunk(self, total: _Sum, towards: float) -> float:
        return (total.reward + self._prior * towards) / (total.tries + self._prior)

    def _price(self, model: str) -> float | None:
        total = self._models.get(model)
        return total.cost / total.priced if total and total.priced else None
