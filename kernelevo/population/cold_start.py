"""ColdStart: lines of programs, each steered to its own region, whose pool then becomes the islands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import numpy as np

from kernelevo.core import Trial
from kernelevo.population.agglomeration import balanced
from kernelevo.population.features import Vector
from kernelevo.population.island import Island
from kernelevo.population.member import Member, rank

COMMON = ("seed", "person")
"""Programs of these proposers belong to every line: the task's own, and those that a person sent."""

TREE = 4  # each fourth line branches; the others are chains


class ColdStart:
    """Who asks whom while a run has no islands yet.

    A chain builds on the best of its own line; a tree draws among all of its own alike, so that it branches
    (the law of an island, as cold as runs have it, would nearly always take the best of so few). A line
    without programs builds on the best of the common ones, or on nothing.

    Args:
        lines: one island for each line, and one more for the common programs.
        trials: how many trials of lines make the pool.
    """

    def __init__(self, lines: Sequence[Island], trials: int) -> None:
        *self.lines, self.common = lines
        self.left = trials

    def home(self, trial: Trial) -> Island:
        """Return where a trial's program lives."""
        if trial.program.origin.proposer in COMMON:
            return self.common
        return self.lines[trial.island % len(self.lines)]

    def told(self, trial: Trial) -> None:
        """Count a trial."""
        if trial.program.origin.proposer not in COMMON:
            self.left -= 1

    def draw(self, rng: Random, line: int, count: int) -> list[Member]:
        """Draw distinct parents for a line, a chain's by rank; fewer if the line has fewer."""
        own = self.lines[line].members
        if own and self.branches(line):
            return rng.sample(own, min(count, len(own)))
        return (own or self.common.members[:1])[:count]

    @staticmethod
    def branches(line: int) -> bool:
        """Whether a line is a tree."""
        return line % TREE == TREE - 1


def divide(pool: Sequence[Member], count: int, vectors: Mapping[str, Vector]) -> list[list[Member]]:
    """Divide the pool of a cold start into as many sets as there are islands, by clusters.

    Without vectors the ranked programs are dealt out in turn. Fewer sets if there are fewer programs.
    """
    ranked = sorted({m.id: m for m in sorted(pool, key=lambda m: -m.number)}.values(), key=rank)
    if not ranked:
        return []
    if not vectors:
        return [ranked[start::count] for start in range(min(count, len(ranked)))]
    rows = np.array([vectors[m.id] for m in ranked], dtype=np.float64)
    return [[ranked[row] for row in group] for group in balanced(rows, min(count, len(ranked)))]
