"""Confirming the winner: leaders are timed again after the search, and the best of those verdicts counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernelevo.core import Evaluation, Notice, Trial, WinnerConfirmed
from kernelevo.core.claims import best_of
from kernelevo.engine.judging import MachineBroke
from kernelevo.engine.news import pass_on
from kernelevo.population import Member

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine

CANDIDATES = 3
LONGEST = 60.0
"""Seconds of confirming after which no other rival is begun: a busy machine makes each of them long."""


async def confirm(engine: Engine) -> tuple[Trial | None, Evaluation | None]:
    """Return the winner's trial and its verdict when timed again (None where that is not offered).

    The best score of many noisy ones is too high (the winner's curse). So as long as a rival's score from
    the search is above the best confirmed one, it is timed again too, ``CANDIDATES`` at the most, and none
    after ``LONGEST`` seconds. What is then said of the best holds for all that were timed again together.
    """
    sure: dict[str, Evaluation] = {}
    tried = 0
    began = engine.clock()
    for _ in range(CANDIDATES):
        rival = _rival(engine, sure)
        if rival is None or (sure and engine.clock() - began > LONGEST):
            break
        trial = engine.ledger.trial_of(rival.program.id)
        try:
            measured = await engine.judging.finalize(rival.program)
        except MachineBroke as broke:
            engine.say(Notice(f"trial {trial.number} could not be timed again: {broke.fault.message}"))
            break
        if measured is None:
            break
        pass_on(engine, measured.notices)
        verdict = measured.evaluation
        tried += 1
        if verdict.score is not None:
            verdict = best_of(verdict, 1, engine.ledger.verdicts)
        engine.store.append_event("final", verdict.to_json(), trial=trial.number)
        engine.say(WinnerConfirmed(trial.number, verdict))
        if verdict.score is None:
            engine.ban(rival.program.id, trial.number)
        else:
            sure[rival.program.id] = verdict
    if sure:
        best = max(sure, key=lambda program: engine.islands.worth(sure[program]))
        trial = engine.ledger.trial_of(best)
        if tried == 1:
            return trial, sure[best]
        final = best_of(sure[best], tried, engine.ledger.verdicts)  # takes the place of its earlier row
        engine.store.append_event("final", final.to_json(), trial=trial.number)
        words = final.feedback.partition("\n")[0] or f"score {final.score:.4g}"
        engine.say(Notice(f"trial {trial.number} is the best of {tried} timed again: {words}"))
        return trial, final
    leader = engine.islands.best
    return (engine.ledger.trial_of(leader.program.id) if leader else None), None


def _rival(engine: Engine, sure: dict[str, Evaluation]) -> Member | None:
    """Return the best member that is not timed again yet, if its score is above all that are."""
    rival = next((m for m in engine.islands.ranked() if m.program.id not in sure), None)
    reached = max((engine.islands.worth(verdict) for verdict in sure.values()), default=None)
    return rival if rival and (reached is None or rival.value > reached) else None
