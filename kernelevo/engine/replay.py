"""Replay: brings an engine to where its store says that the run is."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kernelevo.core import Trial
from kernelevo.engine.budget import uncounted
from kernelevo.engine.decision import COUNTS_ASKS, SITTING
from kernelevo.engine.generation import PERSON
from kernelevo.engine.ledger import WEIGHED
from kernelevo.store import Draft, RunStore

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine

SEED = "seed"


def used_so_far(store: RunStore) -> dict[str, float]:
    """What a run has used, by unit; seeds are not counted."""
    used: dict[str, float] = {"seconds": store.searched}
    for trial in store.trials(raw=True):
        if trial.program.origin.proposer == SEED:
            continue
        used["trials"] = used.get("trials", 0.0) + 1.0
        for unit, amount in uncounted(trial.cost).items():
            used[unit] = used.get(unit, 0.0) + amount
    for draft in store.drafts():
        for unit, amount in uncounted(draft.proposal.cost).items():
            used[unit] = used.get(unit, 0.0) + amount
    for unit, amount in store.spent_on_calls().items():
        used[unit] = used.get(unit, 0.0) + amount
    return used


def given_so_far(store: RunStore) -> set[int] | None:
    """Numbers of the programs that people sent; None for a run whose turns count those as asks."""
    trials, sittings = store.trials(raw=True), store.events(kind=SITTING)
    begun_earlier = bool(trials) and not sittings
    if begun_earlier or (sittings and not sittings[0].data.get(COUNTS_ASKS, False)):
        return None
    sent = {trial.number for trial in trials if trial.program.origin.proposer == PERSON}
    return sent | {d.number for d in store.drafts() if d.number is not None and d.proposer == PERSON}


def replay(engine: Engine, *, deterministic: bool) -> set[int]:
    """Tell the islands everything in the old order, take drafts up again; return the numbers that are taken.

    A free run replays rows as they were recorded. A deterministic one replays asks: by number, each draft
    with exactly the tells that it had seen.
    """
    engine.meter.used.update(used_so_far(engine.store))
    engine.forecast.recall()
    drafts: list[tuple[int, Draft]] = []
    for draft in engine.store.drafts():
        if draft.number is None:
            engine.generation.keep([draft])
        else:
            drafts.append((draft.number, draft))
    changes = _Changes(engine)
    trials: list[Trial] = []
    for entry in engine.store.history():
        changes.catch_up()
        if isinstance(entry, Trial):
            engine.ledger.restore(entry)
            trials.append(entry)
        else:
            engine.rebase(entry)
    asks: list[tuple[int, Trial | Draft]] = [*drafts]
    if deterministic:
        asks += [(trial.number, trial) for trial in trials]
    for _, ask in sorted(asks, key=lambda pair: pair[0]):
        if deterministic:
            for number in range(engine.ledger.told, ask.seen):  # told by number: `seen` tells are 0 .. seen-1
                changes.catch_up()
                engine.ledger.tell_up_to(number)
        else:
            changes.catch_up()  # a draft may end at once and be told: what came before it goes first
        if isinstance(ask, Draft):
            engine.take_up(ask)
    changes.catch_up(all_of_them=True)
    _remind(engine, trials if deterministic else ())
    return {trial.number for trial in trials} | {number for number, _ in drafts}


def _remind(engine: Engine, judged: Sequence[Trial]) -> None:
    """Tell proposers of their own programs that are in flight, or judged and told to later asks alone."""
    for draft in engine.store.drafts():
        engine.generation.proposed(draft.proposer, draft.proposal.program)
    for trial in judged:
        if trial.number >= engine.ledger.told:
            engine.generation.proposed(trial.program.origin.proposer, trial.program)


class _Changes:
    """Bans, weighed opinions and objectives' weights of earlier sittings: each takes effect where it did."""

    def __init__(self, engine: Engine) -> None:
        self._ledger = engine.ledger
        # one that does not say after how many tells it came takes effect last
        rows = [row for row in engine.store.events() if row.kind in ("ban", "objective", WEIGHED)]
        changes = [(row.data.get("told", math.inf), row) for row in rows]
        self._left = deque(sorted(changes, key=lambda change: (change[0], change[1].id)))

    def catch_up(self, *, all_of_them: bool = False) -> None:
        while self._left and (all_of_them or self._left[0][0] <= self._ledger.told):
            row = self._left.popleft()[1]
            if row.kind == WEIGHED:
                self._ledger.weigh(row.data["program"], row.data["by"])
            elif row.kind == "objective":
                self._ledger.reweigh(row.data["metric"], row.data["weight"])
            else:
                self._ledger.ban(row.data["program"])
