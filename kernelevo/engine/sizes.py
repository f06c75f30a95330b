"""Sizes: how many programs are thought of, built and measured at a time, while a run goes on."""

from __future__ import annotations

from collections.abc import Mapping

from kernelevo.engine.pipeline import Pipeline
from kernelevo.engine.pool import Pool
from kernelevo.engine.turns import Schedule
from kernelevo.errors import BadSetting


class Sizes:
    """Knows the sizes of now and changes those that the schedule gave; what is in flight is finished.

    Args:
        schedule: of the run.
        thinking: the asks.
        pipeline: builds and measurements.
    """

    def __init__(self, schedule: Schedule, thinking: Pool, pipeline: Pipeline) -> None:
        self._schedule, self._thinking, self._pipeline = schedule, thinking, pipeline

    def now(self) -> Mapping[str, int]:
        """Return how many may be in work at a time by now: ``thinkers``, ``builders``, ``measurers``."""
        sizes = {name: pool.size for name, (pool, _) in self._pipeline.pools.items()}
        thinkers = self._thinking.size
        return {"thinkers": thinkers, "builders": sizes["building"], "measurers": sizes["measuring"]}

    def work(self, workers: int) -> None:
        """Build so many programs at a time from now on; how many are thought of stays as it is.

        Raises:
            BadSetting: if the executor cannot have so many workers.
        """
        self._pipeline.resize(workers)

    def think(self, thinkers: int) -> None:
        """Have so many asks at a time from now on.

        Raises:
            BadSetting: in a deterministic run, whose asks come one by one.
        """
        if self._schedule.deterministic and thinkers != 1:
            raise BadSetting(
                f"a deterministic run cannot have {thinkers} asks at a time",
                why="it has one",
                now="leave --thinkers or --deterministic out",
            )
        self._thinking.resize(thinkers)
