"""Confirming the winner: leaders are timed again after the search, and the best of those verdicts counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kernelevo.core import Evaluation, Notice, Trial, WinnerConfirmed, Worth
from kernelevo.core.claims import best_of
from kernelevo.engine.judging import MachineBroke
from kernelevo.engine.news import pass_on
from kernelevo.engine.replay import SEED

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine

Liking = Callable[[Trial], tuple[float, int]]

POLL = 0.2  # seconds between two looks at what is ordered meanwhile
CANDIDATES = 3
LONGEST = 60.0
"""Seconds of confirming after which no other rival is begun: a busy machine makes each of them long.

Somebody's proposal is timed again however long what the search began with took: that one may have read too
high, and nothing that was found would be left.
"""


class Confirmation:
    """The end of a run: its winner is timed again, unless nobody wants to wait for that.

    Args:
        engine: whose run it is.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._task: asyncio.Task[tuple[Trial | None, Evaluation | None]] | None = None
        #: whether the winner shall be timed again
        self.wanted = True

    def skip(self) -> None:
        """Time nothing again, and leave what is being timed."""
        self.wanted = False
        if self._task:
            self._task.cancel()

    async def winner(self) -> tuple[Trial | None, Evaluation | None]:
        """Return the winner's trial and its verdict when timed again, if it was."""
        if not self.wanted:
            return self.leader, None
        self._task = asyncio.create_task(confirm(self._engine))
        while not self._task.done():
            await asyncio.wait([self._task], timeout=POLL)
            self._engine.steering.lapse("the search had ended, and its winner was timed again")
        return (self.leader, None) if self._task.cancelled() else self._task.result()

    @property
    def leader(self) -> Trial | None:
        """The best trial of the search; None if no program passed."""
        return self._engine.ledger.best


async def confirm(engine: Engine) -> tuple[Trial | None, Evaluation | None]:
    """Return the winner's trial and its verdict when timed again (None where that is not offered).

    The best score of many noisy ones is too high (the winner's curse). So as long as a rival's score from
    the search is above the best confirmed one, it is timed again too, ``CANDIDATES`` at the most, and after
    ``LONGEST`` seconds only until one that was proposed passes. What earlier sittings timed again stands
    beside it and is not timed once more: the winner is the best of all, as readers of the run have it, and
    what is then said of it holds for all that were ever timed again together.

    Of equals the one that a judge model likes best leads, then the earlier one. Scores are the recorded ones
    here, whatever weight an opinion has in the choice of parents.
    """
    liked = _likings(engine)
    timed = _earlier(engine)
    sure = {p: v for p, v in timed.items() if v.score is not None and engine.ledger.may_have_children(p)}
    began = engine.clock()
    for _ in range(CANDIDATES):
        trial = _rival(engine, sure, liked)
        found = any(engine.ledger.trial_of(p).program.origin.proposer != SEED for p in sure)
        if trial is None or (found and engine.clock() - began > LONGEST):
            break
        try:
            measured = await engine.judging.finalize(trial.program)
        except MachineBroke as broke:
            engine.say(Notice(f"trial {trial.number} could not be timed again: {broke.fault.message}"))
            break
        if measured is None:
            break
        pass_on(engine, measured.notices)
        verdict = measured.evaluation
        if verdict.score is not None:
            verdict = best_of(verdict, 1, engine.ledger.judged)
        engine.store.append_event("final", verdict.to_json(), trial=trial.number)
        engine.say(WinnerConfirmed(trial.number, verdict, engine.islands.objectives))
        timed[trial.program.id] = verdict
        if verdict.score is None:
            engine.ban(trial.program.id, trial.number)
        else:
            sure[trial.program.id] = verdict
    return _best(engine, sure, len(timed), liked) if sure else (_rival(engine, sure, liked), None)


def _earlier(engine: Engine) -> dict[str, Evaluation]:
    """Return what earlier sittings found when they timed programs again, by program.

    Of each the last row counts that is of this program alone: the interval of one that speaks for several
    was widened, and would be so once more.
    """
    found: dict[str, Evaluation] = {}
    for row in engine.store.events(kind="final"):
        verdict, program = Evaluation.from_json(row.data), engine.ledger.find(f"#{row.trial}")
        if program is not None and verdict.metrics.get("candidates_confirmed", 1) == 1:
            found[program] = verdict
    return found


def _best(
    engine: Engine, sure: Mapping[str, Evaluation], timed: int, liked: Liking
) -> tuple[Trial, Evaluation]:
    """Return the best of the confirmed trials; its last row says of how many it is the best.

    Args:
        engine: whose run it is.
        sure: the verdicts of those that may win, by program.
        timed: how many programs were timed again, those that did not hold among them.
        liked: what breaks ties.
    """
    trials = map(engine.ledger.trial_of, sure)
    trial = max(trials, key=lambda t: (engine.islands.worth(sure[t.program.id]), *liked(t)))
    final = best_of(sure[trial.program.id], timed, engine.ledger.judged)
    rows = [row.data["metrics"] for row in engine.store.events(kind="final") if row.trial == trial.number]
    told = rows[-1] if rows else {}
    if any(told.get(name) != final.metrics[name] for name in ("candidates_confirmed", "candidates_judged")):
        engine.store.append_event("final", final.to_json(), trial=trial.number)  # in place of earlier rows
        if timed > 1:
            words = final.feedback.partition("\n")[0] or f"score {final.score:.4g}"
            engine.say(Notice(f"trial {trial.number} is the best of {timed} timed again: {words}"))
    return trial, final


def _likings(engine: Engine) -> Liking:
    """What breaks ties: a judge model's opinion (in the middle where there is none), then the number."""
    opinions = engine.store.opinions()
    return lambda trial: (float(opinions.get(trial.number, {}).get("value", 0.5)), -trial.number)


def _rival(engine: Engine, sure: Mapping[str, Evaluation], liked: Liking) -> Trial | None:
    """Return the best trial that is not timed again yet, if its score is above all that are."""
    members = (m.program.id for m in engine.islands.ranked())
    trials = [engine.ledger.trial_of(program) for program in members if program not in sure]
    rival = max(trials, key=lambda t: (_worth(engine, t), *liked(t)), default=None)
    reached = max((engine.islands.worth(verdict) for verdict in sure.values()), default=None)
    return rival if rival and (reached is None or _worth(engine, rival) > reached) else None


def _worth(engine: Engine, trial: Trial) -> Worth:
    assert trial.evaluation is not None  # a program without a verdict is no member
    return engine.islands.worth(trial.evaluation)
