"""Confirming the winner: timed again after the search; one that does not hold gives way to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernelevo.core import Evaluation, Notice, Trial, WinnerConfirmed
from kernelevo.engine.judging import MachineBroke
from kernelevo.engine.news import pass_on

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine

CANDIDATES = 3


async def confirm(engine: Engine) -> tuple[Trial | None, Evaluation | None]:
    """Return the winner's trial and its verdict when timed again (None where that is not offered)."""
    for _ in range(CANDIDATES):
        best = engine.islands.best
        if best is None:
            return None, None
        trial = engine.ledger.trial_of(best.program.id)
        try:
            measured = await engine.judging.finalize(best.program)
        except MachineBroke as broke:
            engine.say(Notice(f"the winner could not be timed again: {broke.fault.message}"))
            return trial, None
        if measured is None:
            return trial, None
        pass_on(engine, measured.notices)
        verdict = measured.evaluation
        engine.store.append_event("final", verdict.to_json(), trial=trial.number)
        engine.say(WinnerConfirmed(trial.number, verdict))
        if verdict.score is not None:
            return engine.ledger.trial_of(best.program.id), verdict
        engine.store.append_event("ban", {"program": best.program.id}, trial=trial.number)
        engine.ban(best.program.id)
    best = engine.islands.best
    return (engine.ledger.trial_of(best.program.id) if best else None), None
