"""Diversity: how unlike an island's latest programs are, live."""

from __future__ import annotations

import math
from collections import Counter, deque

import numpy as np

from kernelevo.population.clusters import Clusters, Yardstick, spread
from kernelevo.population.features import Vector

_SMOOTH = 0.85  # what an insert leaves of the value before
_MANY = 8  # even shares of so many clusters are full diversity


class Diversity:
    """A number from 0 (copies) to 1 (as unlike as the cold start, spread over many clusters), smoothed.

    Half of it is the entropy of the clusters of the latest inserts, half their mean distance over the
    usual one. Its state is a function of the inserts.

    Args:
        size: length of a vector.
        window: how many of the latest inserts count.
        yardstick: the usual distance.
    """

    def __init__(self, size: int, window: int, yardstick: Yardstick) -> None:
        self._latest: deque[tuple[str, Vector]] = deque()
        self._window, self._yardstick = window, yardstick
        self._sum, self._squares = np.zeros(size), 0.0
        self._value: float | None = None

    @property
    def value(self) -> float:
        """Diversity now; 1 as long as there are not two programs."""
        return 1.0 if self._value is None else self._value

    def add(self, program_id: str, vector: Vector, clusters: Clusters) -> None:
        """Take an insert into account; the program has its cluster by then."""
        self._latest.append((program_id, vector))
        self._count_in(vector, 1.0)
        if len(self._latest) > self._window:
            self._count_in(self._latest.popleft()[1], -1.0)
        if len(self._latest) < 2:
            return
        now = self._now(clusters)
        self._value = now if self._value is None else _SMOOTH * self._value + (1 - _SMOOTH) * now

    def _count_in(self, vector: Vector, sign: float) -> None:
        exact = vector.astype(np.float64)
        self._sum += sign * exact
        self._squares += sign * float(exact @ exact)

    def _now(self, clusters: Clusters) -> float:
        count = len(self._latest)
        sizes = Counter(id(clusters.of(program_id)) for program_id, _ in self._latest)
        # math.fsum: exact, so that the order of the clusters' addresses cannot matter
        entropy = -math.fsum(n / count * math.log(n / count) for n in sizes.values())
        even = min(1.0, entropy / math.log(min(count, _MANY)))
        return even / 2 + min(1.0, spread(self._sum, self._squares, count) / self._yardstick.mean) / 2
