"""Law: with which probability each member of an island is the next parent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from kernelevo.population.features import distance
from kernelevo.population.island import Island
from kernelevo.population.member import Member
from kernelevo.population.policy import Policy
from kernelevo.population.pressure import standard_ranks, temperature

_DEEPEST = 64  # places of a cluster's ranking that are ever drawn; the rest would have less than a billionth


@dataclass(frozen=True)
class Group:
    """Members that are drawn together: a cluster, or a whole island.

    Args:
        name: position of the cluster on its island.
        weight: how likely the group is, relative to the others.
        members: who may be drawn.
        weights: how likely each is, relative to the others; None if all alike.
    """

    name: int
    weight: float
    members: Sequence[Member]
    weights: Sequence[float] | None = None

    def draw(self, rng: Random, without: set[str]) -> Member | None:
        """Draw one member that is not among these ids; None if there is none."""
        if self.weights is None:
            for _ in range(16):  # of many members hardly any is excluded
                member = self.members[rng.randrange(len(self.members))]
                if member.id not in without:
                    return member
        weights = self.weights or [1.0] * len(self.members)
        left = [(m, w) for m, w in zip(self.members, weights, strict=True) if m.id not in without]
        if not left:
            return None
        return rng.choices([m for m, _ in left], [w for _, w in left])[0]

    def squares(self) -> float:
        """Return the sum of the squared probabilities of the members within this group."""
        if self.weights is None:
            return 1 / len(self.members)
        total = math.fsum(self.weights)
        return math.fsum((w / total) ** 2 for w in self.weights)


class Law:
    """The draw law of an island as it is now.

    Args:
        island: an island with at least one member.
        policy: how to draw.
    """

    def __init__(self, island: Island, policy: Policy) -> None:
        self.diversity = island.diversity.value if policy.needs_features else None
        self.stagnation = min(1.0, island.stale / policy.patience)
        self.temperature = temperature(
            policy, policy.target if self.diversity is None else self.diversity, self.stagnation
        )
        self._island, self._policy = island, policy
        self.groups = self._adaptive() if policy.sampler == "adaptive" else [self._plain()]

    @property
    def effective_parents(self) -> float:
        """Return 1 / sum of p^2: how many equally likely parents would be as varied."""
        total = math.fsum(group.weight for group in self.groups)
        return 1 / math.fsum((group.weight / total) ** 2 * group.squares() for group in self.groups)

    def draw(self, rng: Random, count: int) -> list[tuple[Member, int]]:
        """Draw distinct parents and the name of the group of each; fewer if there are fewer."""
        drawn: list[tuple[Member, int]] = []
        while len(drawn) < count:
            groups = self._second(drawn[0][1]) if drawn else self.groups
            found = self._pick(rng, groups, {m.id for m, _ in drawn})
            if found is None and drawn:
                found = self._pick(rng, self.groups, {m.id for m, _ in drawn})
            if found is None:
                break
            drawn.append(found)
        return drawn

    def _pick(self, rng: Random, groups: list[Group], without: set[str]) -> tuple[Member, int] | None:
        left = list(groups)
        while left:
            group = rng.choices(left, [g.weight for g in left])[0]
            member = group.draw(rng, without)
            if member is not None:
                return member, group.name
            left.remove(group)
        return None

    def _second(self, first: int) -> list[Group]:
        """Groups for a second parent: those whose distance from the first one's is not below the median."""
        if not self._policy.distant or len(self.groups) < 2:
            return self.groups
        clusters = self._island.clusters.all
        apart = {
            g.name: distance(clusters[g.name].total, clusters[first].total)
            for g in self.groups
            if g.name != first
        }
        median = sorted(apart.values())[len(apart) // 2] if apart else 0.0
        return [g for g in self.groups if g.name in apart and apart[g.name] >= median]

    def _plain(self) -> Group:
        members = self._island.members
        if self._policy.sampler == "topk":
            return Group(0, 1.0, members[: self._policy.top])
        if self._policy.sampler == "refine":
            return Group(0, 1.0, members[:1])
        if self._policy.sampler == "best_of_n":
            return Group(0, 1.0, [self._island.eldest])
        return Group(0, 1.0, members)

    def _adaptive(self) -> list[Group]:
        clusters = self._island.clusters.all
        heights = standard_ranks([cluster.members[0].value for cluster in clusters])
        depth = self._policy.depth * self.temperature
        groups = []
        for name, (cluster, height) in enumerate(zip(clusters, heights, strict=True)):
            weight = math.exp(height / self.temperature) * (1 + cluster.visits) ** -self._policy.discount
            members = cluster.members[: min(_DEEPEST, math.ceil(21 * depth))]
            weights = [
                math.exp(-place / depth) * (1 + self._island.children.get(m.id, 0)) ** -self._policy.discount
                for place, m in enumerate(members)
            ]
            groups.append(Group(name, weight, members, weights))
        return groups
