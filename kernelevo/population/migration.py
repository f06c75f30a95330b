"""Migration: which program an island sends to the next one of the ring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from kernelevo.population.features import Vector, distance
from kernelevo.population.island import Island
from kernelevo.population.member import Member, rank

TWIN = 0.02  # of the usual distance: what is nearer to something that lives there is no news


def migrant(source: Island, target: Island, vectors: Mapping[str, Vector], usual: float) -> Member | None:
    """Return the copy that goes from one island to the next, or None if none is both good and new there.

    It is the best program, born on the source, of that cluster which is most unlike everything on the
    target, among the better half of the source's clusters.

    Args:
        source: where it lives.
        target: where it shall live too.
        vectors: vectors by id; without them the best one goes.
        usual: the usual distance of two programs.
    """
    groups = [[m for m in cluster.members if not m.migrant][:1] for cluster in source.clusters.all]
    leaders = sorted((g[0] for g in groups if g), key=rank)
    best_found: tuple[float, Member] | None = None
    for member in leaders[: (len(leaders) + 1) // 2]:
        if member.program in target:
            continue
        novelty = _novelty(member, target, vectors)
        if novelty < TWIN * usual:
            continue
        if best_found is None or novelty > best_found[0]:
            best_found = (novelty, member)
    if best_found is None:
        return None
    member = best_found[1]
    return replace(member, migrant=True)


def _novelty(member: Member, target: Island, vectors: Mapping[str, Vector]) -> float:
    """Return the distance to the nearest member, of the best of the nearest cluster; 1 on an empty island."""
    if member.id not in vectors or not target.members:
        return 1.0
    exact = vectors[member.id].astype(np.float64)
    cluster, apart = target.clusters.nearest(exact)
    if cluster is None:
        return 1.0
    near = (vectors[m.id].astype(np.float64) for m in cluster.members[:64])
    closest = min(distance(exact, other) for other in near)
    return closest if closest < apart else apart
