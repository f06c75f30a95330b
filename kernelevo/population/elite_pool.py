"""ElitePool: the best programs of all islands, few of any one cluster; never evicted by age."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random

from kernelevo.population.clusters import Cluster
from kernelevo.population.island import Island
from kernelevo.population.member import Member, rank


@dataclass(frozen=True)
class Elite:
    """A member of the pool, and where it lives."""

    member: Member
    island: int
    cluster: Cluster


class ElitePool:
    """What the islands hold now, seen from above: it keeps nothing of its own, so nothing can fall out of it.

    Each island's best is in it; the rest are the best of all, at most ``per_cluster`` of one cluster.

    Args:
        islands: the islands, in order.
        size: how many there are at most (more only if there are more islands).
        per_cluster: how many of one cluster.
    """

    def __init__(self, islands: Sequence[Island], size: int, per_cluster: int) -> None:
        found: dict[str, Elite] = {}
        for index, island in enumerate(islands):
            for cluster in island.clusters.all:
                for member in cluster.members[:per_cluster]:
                    known = found.get(member.id)
                    if known is None or (known.member.migrant and not member.migrant):
                        found[member.id] = Elite(member, index, cluster)
        everyone = sorted(found.values(), key=lambda elite: rank(elite.member))
        leaders = {island.members[0].id for island in islands if island.members}
        room = max(0, size - len(leaders))
        self.all: list[Elite] = []
        for elite in everyone:
            if elite.member.id in leaders:
                self.all.append(elite)
            elif room:
                self.all.append(elite)
                room -= 1

    def draw(self, rng: Random) -> Elite:
        """Draw one, all alike; there must be one."""
        return self.all[rng.randrange(len(self.all))]

    def inspirations(
        self, rng: Random, count: int, *, beside: Collection[Cluster], without: Collection[str]
    ) -> list[Member]:
        """Draw distinct elites of other clusters than these; of these only where others are too few."""
        left = [elite for elite in self.all if elite.member.id not in without]
        others = [elite.member for elite in left if elite.cluster not in beside]
        same = [elite.member for elite in left if elite.cluster in beside]
        drawn = rng.sample(others, min(count, len(others)))
        return drawn + rng.sample(same, min(count - len(drawn), len(same)))
