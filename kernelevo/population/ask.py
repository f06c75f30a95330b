"""Ask: whom to build on; Draw: how that was decided, for people to plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kernelevo.core import Verdict


@dataclass(frozen=True)
class Draw:
    """How parents were drawn.

    Args:
        phase: ``cold start``, ``fresh`` (an island that starts anew) or ``evolve``.
        sampler: who drew them.
        cluster: position of the first parent's cluster on its island; None if it has none there.
        temperature: how flat the choice was; None outside ``adaptive``.
        diversity: of the island, 0 to 1; None without clusters.
        stagnation: of the island, 0 to 1.
        effective_parents: 1 / sum of p^2 of the island's draw law; None if nothing was drawn from it.
        clusters: how many the island has.
    """

    phase: str
    sampler: str
    cluster: int | None = None
    temperature: float | None = None
    diversity: float | None = None
    stagnation: float | None = None
    effective_parents: float | None = None
    clusters: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, numbers rounded to what a plot shows."""
        data = {
            "phase": self.phase,
            "sampler": self.sampler,
            "cluster": self.cluster,
            "temperature": self.temperature,
            "diversity": self.diversity,
            "stagnation": self.stagnation,
            "effective_parents": self.effective_parents,
            "clusters": self.clusters,
        }
        return {k: round(v, 6) if isinstance(v, float) else v for k, v in data.items() if v is not None}


@dataclass(frozen=True)
class Ask:
    """Whom to build on.

    Args:
        island: island that was chosen; during a cold start the line.
        parents: programs to change; empty as long as nothing passed.
        inspirations: good programs of other clusters.
        failures: the latest programs that did not pass, newest first.
        direction: region to explore, in words; empty outside a cold start.
        draw: how parents were drawn.
    """

    island: int = 0
    parents: tuple[Verdict, ...] = ()
    inspirations: tuple[Verdict, ...] = ()
    failures: tuple[Verdict, ...] = ()
    direction: str = ""
    draw: Draw = Draw("evolve", "adaptive")
