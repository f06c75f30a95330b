"""Credit: which proposer is asked, by the weights people gave and by what its programs earned."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random

from kernelevo.core import Trial
from kernelevo.engine.missing import no_proposer
from kernelevo.errors import BadSetting
from kernelevo.population import AddStatus

REWARDS = {AddStatus.BEST: 1.0, AddStatus.ELITE: 0.3}
FORGET = 0.9  # an outcome weighs a third after ten more of the same proposer
REPEATS = 20
FAILURES = 3


@dataclass
class _Account:
    weight: float = 1.0
    tries: float = 0.0  # discounted
    wins: float = 0.0
    repeats: int = 0  # known programs in a row
    failures: int = 0  # asks in a row that raised
    rested: bool = False
    dropped: bool = False
    hopeless: bool = False  # dropped for what no later answer mends

    @property
    def credit(self) -> float:
        """Expected reward, drawn towards 1/2 while there is little evidence; never zero."""
        return (1.0 + self.wins) / (2.0 + self.tries)


class Credit:
    """A small bandit over proposers. Its state is a function of what was told, in order.

    Args:
        names: the proposers, in the order in which they get their first turn.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._accounts = {name: _Account() for name in names}

    @property
    def dropped(self) -> tuple[str, ...]:
        """Whom this sitting asks no more, because they kept failing."""
        return tuple(name for name, account in self._accounts.items() if account.dropped)

    @property
    def silent(self) -> tuple[str, ...]:
        """Whom nobody asks any more until a person says otherwise: they kept failing, or have no weight."""
        return tuple(n for n, account in self._accounts.items() if account.dropped or not account.weight)

    def drop(self, names: Collection[str]) -> None:
        """Ask exactly these no more: a replay takes over whom a sitting had dropped."""
        for name, account in self._accounts.items():
            account.dropped = name in names

    def order(self, rng: Random, turn: int) -> list[str]:
        """Return all that may be asked, the chosen one first.

        The first turns go round once, so that everyone is heard; later ones are drawn by weight times
        credit, and so is the order of those who are asked if the chosen one has nothing to offer.

        Args:
            rng: source of the draws.
            turn: number of the ask in the run, seeds not counted.
        """
        open_ = {n: a.weight * a.credit for n, a in self._accounts.items() if self._may(a)}
        order = []
        names = list(self._accounts)
        if 0 <= turn < len(names) and names[turn] in open_:
            order.append(names[turn])
            del open_[names[turn]]
        while open_:
            (name,) = rng.choices(list(open_), list(open_.values()))
            order.append(name)
            del open_[name]
        return order

    @staticmethod
    def _may(account: _Account) -> bool:
        return account.weight > 0 and not account.rested and not account.dropped

    def told(self, trial: Trial, status: AddStatus) -> list[str]:
        """Learn from a verdict; return the names of proposers that are rested because of it.

        A proposer that repeats itself ``REPEATS`` times in a row rests until there is a new best program.
        """
        if status is AddStatus.BEST:
            for account in self._accounts.values():
                account.rested, account.repeats = False, 0
        name = trial.program.origin.proposer
        mine = self._accounts.get(name)
        if mine is None:
            return []
        mine.tries = FORGET * mine.tries + 1.0
        mine.wins = FORGET * mine.wins + REWARDS.get(status, 0.0)
        mine.repeats = mine.repeats + 1 if trial.reused is not None else 0
        if mine.repeats < REPEATS or mine.rested:
            return []
        mine.rested = True
        return [name]

    def failed(self, name: str, *, for_good: bool = False) -> bool:
        """Note that an ask raised; return whether the proposer is asked no more in this sitting.

        Args:
            name: of the proposer.
            for_good: whether no answer to an ask that is still under way changes that.
        """
        account = self._accounts[name]
        account.failures += 1
        account.hopeless |= for_good
        account.dropped |= account.hopeless or account.failures >= FAILURES
        return account.dropped

    def answered(self, name: str) -> None:
        """Note that an ask did not raise: asks made at the same time may fail together, and this one did not.

        It takes back a drop, unless that was for good.
        """
        account = self._accounts[name]
        account.failures, account.dropped = 0, account.hopeless

    def set_weight(self, name: str, weight: float) -> None:
        """Set how often a proposer is asked relative to the others (1); 0 silences it.

        Raises:
            BadSetting: for an unknown proposer or a negative weight.
        """
        if name not in self._accounts:
            raise no_proposer(name, self._accounts)
        if not 0 <= weight < float("inf"):
            raise BadSetting(
                f"a weight cannot be {weight}",
                why="it is 0 or more",
                now="give 0 to let it rest, 1 for its usual share",
            )
        self._accounts[name].weight = weight
