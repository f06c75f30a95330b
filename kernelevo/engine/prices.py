"""Prices: what each proposer's asks may cost, what is set aside for them, and who is too dear by now."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

from kernelevo.core import Brief, Proposer
from kernelevo.engine.budget import Meter


class Prices:
    """Sets aside what an ask may cost, and remembers what asks cost and which of them were too dear.

    Args:
        proposers: who may be asked, by name.
        meter: the run's budget.
    """

    def __init__(self, proposers: Mapping[str, Proposer], meter: Meter) -> None:
        self._proposers, self._meter = proposers, meter
        self._dearest: dict[str, dict[str, float]] = defaultdict(dict)  # by proposer, of its asks so far
        self._wanted: dict[str, Mapping[str, float]] = {}  # by proposer: what its last ask was to cost
        # what asks under way have set aside
        self._out: dict[str, list[Mapping[str, float]]] = defaultdict(list)
        self._refused: set[str] = set()  # whose last ask the budget had no room for

    def of(self, name: str, brief: Brief) -> dict[str, float]:
        """Return what an ask may cost, by unit: what the proposer says, else its dearest ask so far."""
        estimate = getattr(self._proposers[name], "estimate", None)
        wanted = dict(estimate(brief)) if estimate else dict(self._dearest[name])
        known = {unit: amount for unit, amount in wanted.items() if amount > 0 and math.isfinite(amount)}
        return {"dollars": 0.0, "tokens": 0.0, **known}

    def reserve(self, name: str, wanted: Mapping[str, float]) -> bool:
        """Set aside what a proposer's ask may cost; False if the budget has no room for it."""
        self._wanted[name] = dict(wanted)
        self._refused.discard(name)
        beside = self._unforeseen()
        if self._meter.reserve({unit: amount + beside[unit] for unit, amount in wanted.items()}):
            self._meter.settle({unit: beside[unit] for unit in wanted}, {})
            self._out[name].append(wanted)
            return True
        self._refused.add(name)
        return False

    def _unforeseen(self) -> dict[str, float]:
        """Return what asks under way may cost beyond what was set aside before their price was known."""
        beside: dict[str, float] = defaultdict(float)
        for name, asks in self._out.items():
            for unit, dearest in self._dearest[name].items():
                beside[unit] += sum(max(0.0, dearest - held.get(unit, 0.0)) for held in asks)
        return beside

    def settle(self, name: str, wanted: Mapping[str, float], spent: Mapping[str, float]) -> None:
        """Give back what was set aside for an ask that has ended, and note what it really cost."""
        if wanted in self._out[name]:
            self._out[name].remove(wanted)
        self._meter.settle(wanted, spent)
        for unit, amount in spent.items():
            self._dearest[name][unit] = max(amount, self._dearest[name].get(unit, 0.0))

    def too_dear(self, name: str) -> bool:
        """Whether a proposer's last ask was refused, and would be even if no other call were under way."""
        return name in self._refused and not self._meter.affords(self._wanted[name])

    @property
    def payers(self) -> list[str]:
        """Names of those whose asks use what the budget limits, or may do so for all that is known."""
        return [name for name in self._proposers if self._pays(name)]

    def _pays(self, name: str) -> bool:
        known = self._wanted.get(name)
        if known is None and hasattr(self._proposers[name], "estimate"):
            return True
        costs = (known or {}, self._dearest.get(name, {}))
        return any(cost.get(unit, 0.0) > 0.0 for cost in costs for unit in self._meter.budget.limits)
