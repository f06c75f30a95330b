"""Replaying a run: its decisions made again from its records."""

from __future__ import annotations

from pathlib import Path

from kernelevo.api.parts import population
from kernelevo.config import settings_of_run
from kernelevo.engine import Reenactment, Replayed
from kernelevo.store import RunStore, find_run


def replay(run: str | Path) -> Replayed:
    """Make every decision of a run again, from its settings and recorded replies and verdicts.

    Nothing is written.

    Args:
        run: folder, name or ``@last``; it may be at work.

    Raises:
        RunNotFound: if there is none.
        StoreError: if it is damaged, or was begun by a version that did not record its decisions.
    """
    with RunStore.open(find_run(str(run)), readonly=True) as store, store.at_one_moment():
        settings = settings_of_run(store.settings)
        return Reenactment(store, population(store.task, settings)).run()
