"""Gauge: how busy a run is, written down about once a second for those who watch it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernelevo.engine.pipeline import Pipeline
from kernelevo.engine.pool import Pool

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine

EVERY = 1.0  # seconds


class Gauge:
    """Reads the pools at each turn of the loop; busy shares are means over the time of this sitting.

    Args:
        engine: whose run it is.
        thinking: the asks.
        pipeline: builds and measurements.
        every: seconds between two rows.
    """

    def __init__(self, engine: Engine, thinking: Pool, pipeline: Pipeline, *, every: float = EVERY) -> None:
        self._engine, self._thinking, self._pipeline, self._every = engine, thinking, pipeline, every
        self._began = self._seen = engine.clock()
        self._written = float("-inf")
        self._busy: dict[str, float] = {}

    def read(self, *, last: bool = False) -> None:
        """Look now; write if it is time to, or if this is the last look."""
        now = self._engine.clock()
        gone, self._seen = now - self._seen, now
        pools: dict[str, Any] = {}
        for name, (pool, waiting) in {"thinking": (self._thinking, 0), **self._pipeline.pools}.items():
            self._busy[name] = self._busy.get(name, 0.0) + gone * min(1.0, len(pool) / pool.size)
            share = self._busy[name] / (now - self._began) if now > self._began else 0.0
            pools[name] = {
                "busy": len(pool), "size": pool.size, "waiting": waiting, "share": round(share, 4)
            }  # fmt: skip
        if not last and now - self._written < self._every:
            return
        self._written = now
        meter, generation = self._engine.meter, self._engine.generation
        self._engine.store.set_gauge(
            {
                "at": self._engine.now(),
                "pools": pools,
                "drafts": sum(len(queue) for queue in generation.waiting.values()),
                "proposers": list(generation.proposers),
                "used": meter.to_json(),
                "limits": dict(meter.budget.limits),
                "islands": len(self._engine.islands.islands),
                "cold": self._engine.islands.cold,
            }
        )
