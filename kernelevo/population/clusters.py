"""Clusters: an island's programs grouped by likeness, kept up with every insert."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from kernelevo.population.agglomeration import agglomerate
from kernelevo.population.features import Vector, distance
from kernelevo.population.member import Member, rank

FIRST = 24  # programs whose usual distance is the yardstick of a run
SAMPLE = 120  # programs that a full clustering compares with each other
EVERY = 30  # inserts, at least, between two full clusterings


class Yardstick:
    """The usual distance of two programs of a run: the mean over its first ones (its cold start)."""

    def __init__(self) -> None:
        self._sum: npt.NDArray[np.float64] | None = None
        self._count, self._squares = 0, 0.0
        self.mean = 0.3

    def add(self, vector: Vector) -> None:
        """Take a program into account, if it is one of the first."""
        if self._count >= FIRST:
            return
        exact = vector.astype(np.float64)
        length = float(exact @ exact)
        if not length:
            return
        self._sum = exact if self._sum is None else self._sum + exact
        self._count, self._squares = self._count + 1, self._squares + length
        if self._count > 1:
            self.mean = max(0.01, spread(self._sum, self._squares, self._count))


def spread(total: npt.NDArray[np.float64], squares: float, count: int) -> float:
    """Return the mean cosine distance of all pairs, from the sum of their vectors and of their squares."""
    if count < 2 or not squares:
        return 0.0
    pairs = (float(total @ total) - squares) / (count * (count - 1))
    return max(0.0, 1.0 - pairs / (squares / count))


class Cluster:
    """Programs that are alike, the best first; ``total`` is the sum of their vectors."""

    __slots__ = ("members", "total", "visits")

    def __init__(self, total: npt.NDArray[np.float64]) -> None:
        self.members: list[Member] = []
        self.total = total
        self.visits = 0


class Clusters:
    """The clusters of one island. Which there are is a function of what was added, in order.

    A program joins the cluster with the nearest centre, or founds one if that is far. After a while all are
    clustered anew by average linkage over a sample of the best and of the rest.

    Args:
        size: length of a vector.
        yardstick: the usual distance.
        closeness: distance up to which programs are of one cluster, as part of the usual distance.
        most: largest number of clusters; 1 puts all into one.
    """

    def __init__(self, size: int, yardstick: Yardstick, *, closeness: float, most: int) -> None:
        self._size, self._yardstick, self._closeness, self._most = size, yardstick, closeness, most
        self.all: list[Cluster] = []
        self._where: dict[str, Cluster] = {}
        self._since = 0

    def of(self, program_id: str) -> Cluster | None:
        """Return the cluster in which a program lives."""
        return self._where.get(program_id)

    def add(self, member: Member, vector: Vector) -> None:
        """Let a member live in the nearest cluster, or in a new one."""
        exact = vector.astype(np.float64)
        nearest, apart = self.nearest(exact)
        far = apart > self._closeness * self._yardstick.mean
        if nearest is None or (far and len(self.all) < self._most):
            nearest = Cluster(np.zeros(self._size))
            self.all.append(nearest)
        nearest.total += exact
        insort(nearest.members, member, key=rank)
        self._where[member.id] = nearest
        self._since += 1

    def nearest(self, exact: npt.NDArray[np.float64]) -> tuple[Cluster | None, float]:
        """Return the cluster whose centre is nearest, and how far it is."""
        if len(self.all) <= 1 and self._most == 1:
            return (self.all[0] if self.all else None), 0.0
        apart = [distance(cluster.total, exact) for cluster in self.all]
        index = min(range(len(apart)), key=apart.__getitem__, default=None)
        return (None, math.inf) if index is None else (self.all[index], apart[index])

    def remove(self, program_id: str, vector: Vector) -> None:
        """Forget a program; an empty cluster is gone."""
        cluster = self._where.pop(program_id)
        cluster.members = [m for m in cluster.members if m.id != program_id]
        cluster.total = cluster.total - vector.astype(np.float64)
        if not cluster.members:
            self.all.remove(cluster)

    def replace(self, members: Mapping[str, Member]) -> None:
        """Take new verdicts of members (the same programs) and rank their clusters anew."""
        for cluster in {id(c): c for c in map(self._where.__getitem__, members)}.values():
            cluster.members = sorted((members.get(m.id, m) for m in cluster.members), key=rank)

    def visit(self, program_id: str) -> None:
        """Note that a member of this cluster had a child."""
        cluster = self._where.get(program_id)
        if cluster:
            cluster.visits += 1

    def settle(
        self, ranked: Sequence[Member], vectors: Mapping[str, Vector], visits: Mapping[str, int]
    ) -> None:
        """Cluster all anew if enough came in since the last time.

        Args:
            ranked: the island's members, best first.
            vectors: their vectors, by id.
            visits: how many children each had, by id.
        """
        if self._most == 1 or self._since < max(EVERY, len(ranked) // 2):
            return
        self._since = 0
        half = SAMPLE // 2
        rest = ranked[half:]
        sample = [*ranked[:half], *rest[:: max(1, math.ceil(len(rest) / half))]]
        matrix = np.array([vectors[m.id] for m in sample], dtype=np.float64)
        within = self._closeness * self._yardstick.mean
        groups = agglomerate(matrix, within=within, at_most=self._most)
        self.all = [Cluster(matrix[group].sum(axis=0)) for group in groups]
        placed = {
            sample[row].id: cluster for group, cluster in zip(groups, self.all, strict=True) for row in group
        }
        self._place_rest([m for m in ranked if m.id not in placed], vectors, placed)
        self._where = placed
        for member in ranked:
            cluster = placed[member.id]
            cluster.members.append(member)
            cluster.visits += visits.get(member.id, 0)

    def _place_rest(
        self, rest: Sequence[Member], vectors: Mapping[str, Vector], placed: dict[str, Cluster]
    ) -> None:
        """Put members that were not in the sample to the nearest centre, some thousand at a time."""
        centres = np.array([cluster.total for cluster in self.all])
        centres /= np.maximum(1.0, np.sqrt(np.einsum("ij,ij->i", centres, centres)))[:, None]
        for start in range(0, len(rest), 2048):
            some = rest[start : start + 2048]
            block = np.array([vectors[m.id] for m in some], dtype=np.float64)
            # rounded, so that the order in which a library adds up cannot decide between equals
            choice = np.argmax(np.round(block @ centres.T, 3), axis=1)
            for member, row, index in zip(some, block, choice, strict=True):
                self.all[index].total += row
                placed[member.id] = self.all[index]
