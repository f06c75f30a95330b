"""Replay: brings an engine to where its store says that the run is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernelevo.core import Trial
from kernelevo.engine.budget import uncounted
from kernelevo.store import Draft, RunStore

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine

SEED = "seed"


def used_so_far(store: RunStore) -> dict[str, float]:
    """What a run has used, by unit; seeds are not counted as trials."""
    used: dict[str, float] = {"seconds": store.searched}
    for trial in store.trials(raw=True):
        if trial.program.origin.proposer != SEED:
            used["trials"] = used.get("trials", 0.0) + 1.0
        for unit, amount in uncounted(trial.cost).items():
            used[unit] = used.get(unit, 0.0) + amount
    for draft in store.drafts():
        for unit, amount in uncounted(draft.proposal.cost).items():
            used[unit] = used.get(unit, 0.0) + amount
    for unit, amount in store.spent_on_calls().items():
        used[unit] = used.get(unit, 0.0) + amount
    return used


def replay(engine: Engine, *, deterministic: bool) -> set[int]:
    """Tell the islands everything in the old order, take drafts up again; return the numbers that are taken.

    A free run replays rows as they were recorded. A deterministic one replays asks: by number, each draft
    with exactly the tells that it had seen.
    """
    engine.meter.used.update(used_so_far(engine.store))
    numbered = []
    for draft in engine.store.drafts():
        if draft.number is None:
            engine.generation.keep([draft])
        else:
            numbered.append((draft.number, draft))
    trials: list[Trial] = []
    for entry in engine.store.history():
        if isinstance(entry, Trial):
            engine.ledger.restore(entry)
            trials.append(entry)
        else:
            engine.ledger.rebase(entry)
    asks: list[tuple[int, Trial | Draft]] = [*numbered]
    if deterministic:
        asks += [(trial.number, trial) for trial in trials]
    for _, ask in sorted(asks, key=lambda pair: pair[0]):
        if deterministic:
            engine.ledger.tell_up_to(ask.seen - 1)  # numbers are told in order: `seen` tells are 0 .. seen-1
        if isinstance(ask, Draft):
            engine.take_up(ask)
    return {trial.number for trial in trials} | {number for number, _ in numbered}
