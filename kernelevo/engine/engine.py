"""Engine: the loop of a run (obey, ask, propose, judge, record, tell), busy and never ahead of itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kernelevo.core import (
    Event,
    Executor,
    Notice,
    Proposer,
    ProposerRested,
    RunEnded,
    SearchEnded,
    Trial,
    TrialEnded,
    TrialStarted,
)
from kernelevo.core.events import Listener
from kernelevo.engine.budget import Budget, Meter, Stopwatch
from kernelevo.engine.confirm import Confirmation
from kernelevo.engine.decision import COUNTS_ASKS, SITTING, Marks
from kernelevo.engine.estimate import Forecast
from kernelevo.engine.gauge import Gauge
from kernelevo.engine.generation import PERSON, Consult, Generation
from kernelevo.engine.grants import Grants
from kernelevo.engine.judging import Judging, first_failure
from kernelevo.engine.ledger import Ledger
from kernelevo.engine.news import pass_on, started
from kernelevo.engine.outcome import Outcome
from kernelevo.engine.pipeline import Judged, Pipeline
from kernelevo.engine.pool import Pool
from kernelevo.engine.preparation import Preparation
from kernelevo.engine.replay import SEED, given_so_far, replay
from kernelevo.engine.sizes import Sizes
from kernelevo.engine.steering import Steering
from kernelevo.engine.turns import FREE, Schedule, Turns
from kernelevo.errors import BadSetting
from kernelevo.population import AddStatus, Islands
from kernelevo.store import Draft, Rebase, RunStore

FAULTS_IN_A_ROW = 5


class Engine:
    """One run, from its store's last row to the end of its budget. Make one, ``await run()`` once.

    Generation and evaluation are decoupled: an ask is made when a builder is about to fall idle, a build
    starts when a measurement is about to, and neither waits for the other. The engine owns nothing that it
    is given: store, executor and proposers are closed by whoever made them.

    Args:
        store: the run; open for writing, new or to be resumed. It holds the task.
        proposers: who proposes; each once, in the order of their first turns.
        executor: where programs are judged.
        budget: what the search may use, earlier sittings included.
        islands: the population, empty; a plain one by default.
        loader: ``"module:function"`` that makes the evaluator from the task, inside a worker.
        device: device that measures, e.g. ``"device:0"``; None if the evaluator has no stages.
        seed: seed of every random choice.
        schedule: how much happens at a time, and what an ask sees.
        facts: facts about device and run for every brief.
        listeners: told of every event.
        clock, now: monotonic seconds; seconds since the epoch.
        poll, backoff: seconds between looks at the commands; before what failed is tried again.
        consult: looks up notes for a brief.

    Raises:
        BadSetting: for two proposers of one name, or none at all.
    """

    def __init__(
        self,
        store: RunStore,
        proposers: Sequence[Proposer],
        executor: Executor,
        budget: Budget,
        *,
        islands: Islands | None = None,
        loader: str = "kernelevo.evaluators:load",
        device: str | None = "device:0",
        seed: int = 0,
        schedule: Schedule = FREE,
        facts: Mapping[str, Any] | None = None,
        listeners: Sequence[Listener] = (),
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        poll: float = 0.2,
        backoff: float = 0.5,
        consult: Consult | None = None,
    ) -> None:
        names = [proposer.name for proposer in proposers]
        if not names or len({*names, SEED, PERSON}) != len(names) + 2:
            known = ", ".join(names) or "(none)"
            raise BadSetting(f"the proposers cannot be: {known}", why="each has a name of its own")
        self.store, self.now = store, now
        self.islands, self.meter = islands or Islands(), Meter(budget)
        self.steering = Steering(self)
        self.clock, self._poll, self._listeners = clock, poll, tuple(listeners)
        self._schedule = schedule
        self._wake = asyncio.Event()
        self._main: asyncio.Task[Any] | None = None
        self._confirmation = Confirmation(self)
        self._stopwatch = Stopwatch(store.searched)
        self.forecast = Forecast(self, schedule)
        self._grants = Grants(self.meter, self.forecast.pace)
        self._faults = 0  # in a row
        self._ending: str | None = None
        self._aborted = self._replaying = False
        self._crash: BaseException | None = None
        task = store.task
        self.generation = Generation(
            task,
            proposers,
            self.islands,
            self.meter,
            seed=seed,
            facts=facts or {},
            now=now,
            asking=lambda *ask: self.say(TrialStarted(*ask)),
            complain=self._complain,
            marks=lambda: Marks.of(self),
            best=lambda: self.ledger.best_told,
            backoff=backoff,
            consult=consult,
        )
        self.ledger = Ledger(store, self.islands, self._told, deterministic=schedule.deterministic)
        self.judging = Judging(executor, task, loader, device, backoff=backoff)
        self._pipeline = Pipeline(
            self.judging,
            builders=schedule.builders,
            measurers=schedule.measurers,
            apart=schedule.apart,
            may_measure=self._grants.may_measure,
            floor=self.islands.floor,
            reusable=self.ledger.reusable,
            finish=self._finish,
            changed=self.changed,
            now=now,
            fixed_floors=schedule.deterministic,
        )
        self._thinking = Pool(schedule.thinkers, self.changed)
        self._turns = Turns(self.ledger, schedule)
        self._preparation = Preparation(self, self.changed)
        self.sizes = Sizes(schedule, self._thinking, self._pipeline)
        self._gauge = Gauge(self, self._thinking, self._pipeline)

    # from outside

    async def run(self) -> Outcome:
        """Search until the budget is spent, all are exhausted or someone stops it; then confirm the winner.

        Raises:
            KernelEvoError: if the evaluator cannot be loaded, or the machine cannot judge the first program.
        """
        self._main = asyncio.current_task()
        self.say(started(self.store))
        self.store.set_state("running")
        outcome = None
        try:
            await self._open()
            await self._search()
            self.ledger.tell_rest()
            confirms = self._confirmation.wanted and self.judging.offer.final
            self.say(SearchEnded(str(self._ending), confirms))
            unjudged = self._confirmation.wanted and not self.ledger.judged
            if unjudged and (error := await self.judging.warmed()):
                raise first_failure(error, self.store.task.name)
            best, final = await self._confirmation.winner()
            used, failure = self.meter.to_json(), self.generation.failure
            outcome = Outcome(str(self._ending), best, final, used, failure, self.meter.budget)
        except asyncio.CancelledError:
            if not self._aborted:
                raise
            outcome = Outcome(str(self._ending), self._confirmation.leader, None, self.meter.to_json())
        finally:
            self._thinking.cancel()
            self._preparation.cancel()
            self._pipeline.cancel(measurements=True)
            self._gauge.read(last=True)
            state = "done" if outcome and self._confirmation.wanted else "stopped"
            self.store.set_state(state, searched=self._seconds())
            self._main = None
        self.say(RunEnded(outcome.reason, dict(outcome.used)))
        return outcome

    def request_stop(self) -> None:
        """Make no new asks, finish what is being measured, skip or leave the final timing (first Ctrl-C)."""
        self.end("stopped", confirm=False)

    def abort(self) -> None:
        """Leave at once; what is recorded stays recorded, what is not is asked again (the second Ctrl-C)."""
        self._aborted = True
        self.end("aborted", confirm=False)
        if self._main:  # soon, not now: a task that cancels itself in its last step loses its result
            self._main.get_loop().call_soon(self._break_off)

    def _break_off(self) -> None:
        if self._main:  # else the run has ended by itself, and what follows it in its task is not to break
            self._main.cancel()

    # for steering, news and replay

    def say(self, event: Event) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            listener(event)

    def end(self, reason: str, *, confirm: bool) -> None:
        """Ask no more; the first reason counts, but nobody can be made to wait for a final timing."""
        self._ending = self._ending or reason
        if not confirm:
            self._confirmation.skip()
        self._wake.set()

    def ban(self, program_id: str, trial: int | None = None) -> None:
        """Never use a program again; ``trial`` is the one that showed why."""
        facts = {"program": program_id, "told": self.ledger.told_for_asks}
        self.store.append_event("ban", facts, trial=trial)
        self.ledger.ban(program_id)

    def rebase(self, rebase: Rebase) -> None:
        """From now on all scores against the replaced baseline read as re-based ones, for everybody."""
        self.ledger.rebase(rebase)
        self.generation.reread(rebase.apply)

    def stir(self) -> None:
        """Something else than a verdict came back: somebody may be asked again."""
        self._turns.stir()
        self._wake.set()

    def submit(self, draft: Draft) -> None:
        """Judge a person's program next."""
        self.store.add_drafts([draft])
        self.generation.keep([draft])

    def take_up(self, draft: Draft) -> None:
        """Go on with a draft of an earlier sitting."""
        if draft.proposer != SEED:
            self._grants.hold(draft.trial)
        self._pipeline.admit(draft)

    # the loop

    async def _open(self) -> None:
        self._replaying = True
        taken = replay(self, deterministic=self._schedule.deterministic)
        self._replaying = False
        names, strict = list(self.generation.proposers), self._schedule.deterministic
        given = given_so_far(self.store)
        sitting = {"proposers": names, "seed": self.generation.seed, "deterministic": strict}
        begun = self.store.append_event(SITTING, {**sitting, COUNTS_ASKS: given is not None})
        offer = await self.judging.open()
        self.steering.replay()  # how many workers there are for what depends on the stages
        self.steering.lapse("no search went on when it was given", before=begun.at)
        self.judging.warm()
        pass_on(self, offer.notices)
        seeds = set(range(len(offer.seeds)))
        self._turns = Turns(self.ledger, self._schedule, taken | seeds, len(seeds), given)
        self._preparation.begin(offer, taken)

    async def _search(self) -> None:
        while True:
            self._obey()
            if self._ending is None:
                self._preparation.go_on()
            self._watch_time()
            if self._ending is None:
                self._pipeline.pump()
                self._ask_more()
            else:
                self._thinking.cancel()
                self._preparation.cancel()
                self._pipeline.cancel(measurements=self._schedule.leaves)
            self._gauge.read()
            if self._crash:
                raise self._crash
            if self._is_over():
                return
            left = self._poll if self._ending else self.meter.left("seconds") + 0.001
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), min(self._poll, left))
            self._wake.clear()

    def _obey(self) -> None:
        before = self.steering.paused
        if self.steering.obey():
            self._turns.stir()
        if before != self.steering.paused:
            self.store.set_state("paused" if self.steering.paused else "running", searched=self._seconds())

    def _watch_time(self) -> None:
        now = self.clock()
        searching = self._preparation.over and not (self.steering.paused or self._ending)
        self._stopwatch.set_running(searching, now)
        self.meter.used["seconds"] = self._stopwatch.read(now)
        if not self._ending and self.meter.spent(["seconds"]):  # once: an end wakes the loop
            self.end(f"the budget of {self.meter.budget} is spent", confirm=True)

    def _seconds(self) -> float:
        return self._stopwatch.read(self.clock())

    def _ask_more(self) -> None:
        while (
            self._preparation.over
            and not (self._ending or self.steering.paused or self.generation.stranded)
            and self._pipeline.wants_more
            and (self._thinking.free or self._may_jump_in())
            and self._turns.may_ask()
        ):
            if not self._grants.ask(self._turns.next):
                return
            given = bool(self.generation.waiting[PERSON])
            number = self._turns.take(given=given)
            if given:
                draft = self.generation.submitted(number, self.ledger.told)
                self.store.take_draft(draft)
                self._pipeline.admit(draft)
            else:
                self._thinking.start(self._think(number))

    def _may_jump_in(self) -> bool:
        """A person's program waits for no proposer, however long that thinks (if order is not promised)."""
        return bool(self.generation.waiting[PERSON]) and not self._schedule.deterministic

    async def _think(self, number: int) -> None:
        seen = self.ledger.told
        drafts = await self.generation.drafts(number, self._turns.turn(number), seen, self.steering.guidance)
        if not drafts:
            self._grants.release(number)
            self._turns.unanswered(number, seen)
            return
        first, *others = drafts
        if (first.ask, first.position) == (number, 0):
            self.store.add_drafts(drafts)
        else:
            self.store.take_draft(first)
        self.generation.keep(others)
        self._pipeline.admit(first)

    def _is_over(self) -> bool:
        if self._aborted:  # wait_for may swallow the cancellation that came with it
            return True
        if self._ending:
            return self._pipeline.resting and self._preparation.resting and not self._thinking
        if self._thinking or not (self._pipeline.idle and self._preparation.over) or self.steering.paused:
            return False
        dry, stranded = self._turns.dry, self.generation.stranded
        spent = not self._grants.room or self._pipeline.barred or (dry and self.generation.unaffordable)
        if dry and not spent and self.generation.awaited:
            self._turns.stir()
        elif dry and not spent:
            self.end(self.generation.dry, confirm=True)
        elif (spent or stranded) and not self.meter.awaits:  # a review may give some of its money back
            self.end(self._grants.spent if spent else stranded, confirm=True)
        return False  # ending is noticed in the next round

    # what comes back

    def _finish(self, draft: Draft, judged: Judged) -> None:
        number = draft.trial
        if judged.error and not self.ledger.judged:
            self.changed(first_failure(judged.error, self.store.task.name))
            return  # not recorded: a resume on a mended machine judges it
        trial = judged.trial(draft, number, ended=self.now())
        pass_on(self, judged.notices)
        is_best = self.ledger.record(trial, searched=self._seconds(), records=judged.records)
        if draft.proposer == SEED:
            self._preparation.seed_done(number)
        self._grants.settle(number, judged.device_seconds)
        self.say(TrialEnded(self.ledger.reread(trial), is_best, self.islands.objectives))
        self.forecast.note(draft, judged)
        if self._preparation.announced:
            self.forecast.tell()
        if judged.spans or judged.fault:  # what nobody worked on says nothing of the machine
            self._faults = self._faults + 1 if judged.fault else 0
        if self._faults >= FAULTS_IN_A_ROW and judged.fault:
            self.end(f"the machine broke {self._faults} times in a row: {judged.fault.message}", confirm=True)

    def _told(self, trial: Trial, status: AddStatus) -> None:
        for name in self.generation.credit.told(trial, status):
            if not self._replaying:
                reason = "it only repeated itself; it is asked again after the next best program"
                self.store.append_event("rested", {"proposer": name, "reason": reason}, trial=trial.number)
                self.say(ProposerRested(name, reason))
        self.generation.observe(trial)

    def changed(self, error: BaseException | None) -> None:
        """Something in the background has ended; what it raised, if anything, breaks the run."""
        self._crash = self._crash or error
        self._wake.set()

    def _complain(self, sentence: str, **facts: Any) -> None:
        self.store.append_event("complaint", {"text": sentence, **facts})
        self.say(Notice(sentence))
