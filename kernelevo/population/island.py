"""Island: programs that compete with each other, the best first, in clusters; and the recent failures."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from kernelevo.core import Program, Verdict
from kernelevo.population.clusters import Clusters, Yardstick
from kernelevo.population.diversity import Diversity
from kernelevo.population.features import Vector
from kernelevo.population.member import AddStatus, Member, rank
from kernelevo.population.policy import Policy


class Island:
    """A ranked list of distinct programs. Its state is a function of what it was given, in order.

    Args:
        policy: how programs are clustered and how long gains are remembered.
        vectors: vectors of all programs by id, kept by whoever owns the islands; empty without clusters.
        size: length of a vector.
        yardstick: the usual distance.
        elites: how many of the best are elite.
        failures: how many failed programs are remembered for repair.
    """

    def __init__(
        self,
        policy: Policy,
        vectors: Mapping[str, Vector],
        *,
        size: int,
        yardstick: Yardstick,
        elites: int = 8,
        failures: int = 8,
    ) -> None:
        self._policy, self._vectors, self._elites = policy, vectors, elites
        self._none: Vector = np.zeros(size, dtype=np.int16)
        self.members: list[Member] = []
        self._ids: set[str] = set()
        self._failures: deque[Verdict] = deque(maxlen=failures)
        most = policy.most_clusters if policy.needs_features else 1
        self.clusters = Clusters(size, yardstick, closeness=policy.closeness, most=most)
        self.diversity = Diversity(size, policy.window, yardstick)
        self.children: dict[str, int] = {}  # by id: how many told programs name it as a parent
        self.stale = 0  # tells since the last gain
        self.gain, self.tells = 0.0, 0.0  # both decayed
        self.fresh = 0  # trials left of a cold start of its own

    @property
    def elites(self) -> list[Member]:
        """The best members."""
        return self.members[: self._elites]

    @property
    def eldest(self) -> Member:
        """The member of the earliest trial."""
        return min(self.members, key=lambda m: m.number)

    @property
    def failures(self) -> list[Verdict]:
        """The latest failures, newest first."""
        return list(reversed(self._failures))

    def __contains__(self, program: Program) -> bool:
        return program.id in self._ids

    def add(self, member: Member) -> AddStatus:
        """Let a program with a full score live here, unless it does already; never answers ``BEST``."""
        if member.program in self:
            return AddStatus.NOT_ADDED
        self._ids.add(member.id)
        insort(self.members, member, key=rank)
        vector = self._vectors.get(member.id, self._none)
        self.clusters.add(member, vector)
        self.clusters.settle(self.members, self._vectors, self.children)
        self.diversity.add(member.id, vector, self.clusters)
        return AddStatus.ELITE if rank(member) <= rank(self.elites[-1]) else AddStatus.ADDED

    def add_failure(self, verdict: Verdict) -> None:
        """Remember a program that did not pass."""
        self._failures.append(verdict)

    def visit(self, program_id: str) -> None:
        """Note that a program that lives here had a child."""
        if program_id in self._ids:
            self.children[program_id] = self.children.get(program_id, 0) + 1
            self.clusters.visit(program_id)

    def note(self, gain: float) -> None:
        """Note what a tell of this island brought: 0, or up to 1 for a gain."""
        keep = self._policy.forget
        self.gain, self.tells = keep * self.gain + gain, keep * self.tells + 1
        self.stale = 0 if gain else self.stale + 1
        self.fresh = max(0, self.fresh - 1)

    def remove(self, program_id: str) -> None:
        """Forget a program, member or failure."""
        if program_id in self._ids:
            self._ids.discard(program_id)
            self.members = [m for m in self.members if m.id != program_id]
            self.clusters.remove(program_id, self._vectors.get(program_id, self._none))
        kept = [v for v in self._failures if v.program.id != program_id]
        self._failures.clear()
        self._failures.extend(kept)

    def reread(self, change: Callable[[Member], Member], program_id: str | None = None) -> None:
        """Replace members by their changed form (the same program, another score) and rank anew.

        Args:
            change: returns the changed form.
            program_id: the one program that is meant; None for all.
        """
        if program_id is not None and program_id not in self._ids:
            return
        old = {m.id: m for m in self.members if program_id in (None, m.id)}
        new = {name: change(member) for name, member in old.items()}
        self.members = sorted((new.get(m.id, m) for m in self.members), key=rank)
        self.clusters.replace(new)
