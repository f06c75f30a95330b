"""Reviewing: opinions of a judge model, asked for after a trial is recorded, kept in rows of their own."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

from kernelevo.core import Event, Notice, SearchStarted, Trial, TrialEnded, Verdict
from kernelevo.engine.ledger import WEIGHED
from kernelevo.evaluators.reviewer import NoOpinion, Opinion, Reviewer

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine


class Reviewing:
    """Lets a model review every new correct program while the run goes on; nobody waits for it.

    An opinion goes into the feedback of the program wherever a brief shows it, breaks ties between equal
    scores, and moves the score by which parents are chosen where the task gives it a weight. What a review
    may cost is set aside before it is asked for; one that the budget has no room for is not made. That, and
    a review that fails of whatever it may be, is written down, told once, and changes nothing. What goes
    wrong with the run itself meanwhile (its store cannot be written) ends it, as anywhere else.

    Args:
        engine: whose run it is.
        reviewer: who is asked.
        at_once: reviews at a time.
    """

    def __init__(self, engine: Engine, reviewer: Reviewer, *, at_once: int = 2) -> None:
        self._engine, self._reviewer = engine, reviewer
        self._places = asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[None]] = set()
        self._opinions: dict[str, Opinion] = {}
        self._begun: set[str] = set()
        self._complained = False
        engine.generation.annotate = self.annotate
        numbers = {trial.number: trial.program.id for trial in engine.store.trials(raw=True)}
        for number, data in engine.store.opinions().items():
            self._opinions[numbers[number]] = Opinion.from_json(data)
            self._begun.add(numbers[number])

    def listen(self, event: Event) -> None:
        """Begin a review of what has just been recorded, if it is a new correct program at full fidelity."""
        if isinstance(event, SearchStarted):  # the islands of earlier sittings are rebuilt by now
            weighed = {row.data["program"] for row in self._engine.store.events(kind=WEIGHED)}
            for program in self._opinions.keys() - weighed:  # a kill came between the opinion and its effect
                self._weigh(program)
        if not isinstance(event, TrialEnded):
            return
        trial = event.trial
        full = trial.evaluation is not None and trial.evaluation.fidelity == "full"
        if trial.score is None or not full or trial.program.id in self._begun:
            return
        self._begun.add(trial.program.id)
        task = asyncio.get_running_loop().create_task(self._review(trial))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._engine.changed(error)

    def annotate(self, verdict: Verdict) -> Verdict:
        """Return a verdict with what the judge said of its program, if it did."""
        opinion = self._opinions.get(verdict.program.id)
        if opinion is None:
            return verdict
        marks = ", ".join(f"{name} {score:g}" for name, score in opinion.scores.items())
        words = f"A reviewer's opinion (of 10): {marks}. {opinion.comment}".strip()
        feedback = f"{verdict.evaluation.feedback}\n\n{words}".strip()
        score = verdict.evaluation.score
        if self._reviewer.rubric.weight:  # what is shown is what was measured, not what parents are chosen by
            score = self._engine.ledger.trial_of(verdict.program.id).score
        return Verdict(
            verdict.program, dataclasses.replace(verdict.evaluation, score=score, feedback=feedback)
        )

    async def _review(self, trial: Trial) -> None:
        async with self._places:
            try:
                opinion = await self._opinion(trial)
            except Exception as reason:
                kind = "" if isinstance(reason, NoOpinion) else f"{type(reason).__name__}: "
                self._without(trial, f"{kind}{reason}")
                return
        self._engine.store.add_opinion(trial.number, opinion.model, opinion.to_json())
        self._opinions[trial.program.id] = opinion
        self._weigh(trial.program.id)

    async def _opinion(self, trial: Trial) -> Opinion:
        meter, wanted = self._engine.meter, self._reviewer.may_cost(trial)
        if not meter.reserve(wanted):
            raise NoOpinion(f"the budget has no room for it: {meter.shortage(wanted)}")
        try:
            return await self._reviewer.review(trial)
        finally:
            meter.settle(wanted, {})  # what it did cost was counted when the call ended
            self._engine.stir()

    def _without(self, trial: Trial, reason: str) -> None:
        self._engine.store.append_event("no opinion", {"reason": reason}, trial=trial.number)
        if not self._complained:
            self._complained = True
            self._engine.say(Notice(f"the judge model gave no opinion of #{trial.number}: {reason}"))

    def _weigh(self, program: str) -> None:
        weight = self._reviewer.rubric.weight
        if weight:
            by = weight * (self._opinions[program].value - 0.5)
            ledger = self._engine.ledger
            facts = {"program": program, "by": by, "told": ledger.told_for_asks}
            self._engine.store.append_event(WEIGHED, facts)
            ledger.weigh(program, by)
