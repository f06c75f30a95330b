"""Generation: turns an ask into drafts, by way of a proposer that has something to offer."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from kernelevo.core import Brief, Evaluation, Program, Proposal, Proposer, Task, Trial, Verdict
from kernelevo.core.objectives import OPTION
from kernelevo.engine.budget import Meter, uncounted
from kernelevo.engine.credit import Credit
from kernelevo.engine.decision import (
    ANSWERED,
    BUSY,
    FAILED,
    NOTHING,
    RECORD,
    UNAFFORDABLE,
    WAITING,
    Decision,
    Marks,
    described,
)
from kernelevo.engine.guidance import Guidance, Guided
from kernelevo.engine.lineage import Lineage
from kernelevo.engine.prices import Prices
from kernelevo.errors import CaptureError, InputError, MachineError, WorkerDied
from kernelevo.knowledge import Retrieved
from kernelevo.population import Islands
from kernelevo.store import Draft

ATTEMPTS = 3
REDRAWS = 2
PERSON = "person"

Consult = Callable[[Brief, float | None], Sequence[Retrieved]]


class ProposerFailed(Exception):
    """A proposer raised each time it was asked; ``hopeless`` if asking again cannot help."""

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(f"{name}: {type(error).__name__}: {error}")
        self.name = name
        # what a model refuses of one prompt (its length, its words) says nothing of the next one
        ours = isinstance(error, (InputError, MachineError)) and not error.passing
        self.hopeless = ours and getattr(error, "everywhere", True)
        # what has its own retries (a language model) is not tried again here
        self.tried_enough = isinstance(error, (InputError, MachineError)) and not isinstance(
            error, WorkerDied
        )


def rng_for(seed: int, number: int, *names: object) -> Random:
    """Return the random numbers of one purpose within one trial; the same whenever it is asked again."""
    text = "/".join(map(str, (seed, number, *names)))
    return Random(int.from_bytes(hashlib.sha256(text.encode()).digest()))


class Generation:
    """The proposers, their credit, and drafts that wait for a turn.

    Args:
        task: what is optimised.
        proposers: who may be asked, in the order of their first turns.
        islands: where parents come from.
        meter: what proposers may cost.
        seed: seed of the run.
        facts: facts about the device and the run for every brief.
        now: seconds since the epoch.
        asking: called with the trial's number, the proposer's name and the island when a proposer is asked.
        complain: called with a sentence when a proposer fails, and with facts to be kept beside it.
        marks: how far the run is.
        best: the best trial that was told, by what was measured.
        backoff: seconds before a proposer that raised is asked again, doubled each time.
        consult: looks up notes for a brief, given how stagnant its island is.
    """

    def __init__(
        self,
        task: Task,
        proposers: Sequence[Proposer],
        islands: Islands,
        meter: Meter,
        *,
        seed: int,
        facts: Mapping[str, Any],
        now: Callable[[], float],
        asking: Callable[[int, str, int], None],
        complain: Callable[..., None],
        marks: Callable[[], Marks],
        best: Callable[[], Trial | None],
        backoff: float = 0.5,
        consult: Consult | None = None,
    ) -> None:
        self._marks, self._best = marks, best
        self.proposers = {proposer.name: proposer for proposer in proposers}
        self.credit = Credit(list(self.proposers))
        self.waiting: dict[str, deque[Draft]] = defaultdict(deque)
        self.annotate: Callable[[Verdict], Verdict] = lambda verdict: verdict  # what a judge model adds
        self.unaffordable = False  # whether somebody was not asked, the last time, for want of budget
        self.awaited = False  # whether somebody who was asked, the last time, still waits for an answer
        self._task, self._islands, self._meter, self.seed = task, islands, meter, seed
        self._facts, self._now, self._complain, self._backoff = facts, now, complain, backoff
        self._asking, self._consult, self._lineage = asking, consult, Lineage()
        self._deaf: set[str] = set()
        self._failing: dict[str, ProposerFailed] = {}  # by name: what its last ask failed of, the latest last
        self._graphless: list[str] = []  # why those who work on the module's graph have nothing to offer
        self._poor: set[str] = set()
        self._prices = Prices(self.proposers, meter)
        self._thinking: Counter[str] = Counter()  # asks under way, by proposer

    async def drafts(self, number: int, turn: int, seen: int, guidance: Guidance) -> list[Draft]:
        """Return drafts for a trial: the first fills it, others wait. None at all if nobody has anything.

        Args:
            number: the trial.
            turn: its place among the asks of the run.
            seen: number of tells so far.
            guidance: what people want of it.
        """
        self.unaffordable = self.awaited = False
        decision = Decision(turn, began=self._now())
        for redraw in range(REDRAWS):
            decision.orders.append((self._marks(), self.credit.dropped))
            order = self.credit.order(rng_for(self.seed, number, "order", redraw), turn)
            for name in order:
                if self.waiting[name]:
                    decision.asked.append((redraw, name, WAITING))
                    return [self._take(name, number, seen, decision)]
                if redraw + 1 < REDRAWS and self._is_busy(name):  # the last time it is waited for
                    decision.asked.append((redraw, name, BUSY))
                    continue
                try:
                    drafts = await self._ask(name, number, redraw, seen, guidance, decision)
                except ProposerFailed as failed:
                    self._failing.pop(name, None)
                    if isinstance(failed.__cause__, CaptureError):  # it has nothing to offer, as every time
                        decision.asked.append((redraw, name, NOTHING))
                        self.credit.answered(name)
                        self.tell_graphless(failed.__cause__)
                        continue
                    decision.asked.append((redraw, name, FAILED))
                    dropped = self.credit.failed(name, for_good=failed.hopeless)
                    self._failing[name] = failed
                    self._complain(f"{failed}{_for_how_long(failed) if dropped else ''}")
                    continue
                if decision.asked[-1][2] == UNAFFORDABLE:
                    continue  # nobody was asked: that says nothing of the proposer
                self._failing.pop(name, None)
                self.credit.answered(name)
                if drafts:
                    return drafts
                self.awaited |= bool(getattr(self.proposers[name], "waits", False))
        return []

    def _is_busy(self, name: str) -> bool:
        """Whether an ask would wait behind another one of a proposer that answers one after the other."""
        return bool(self._thinking[name] and getattr(self.proposers[name], "serial", False))

    @property
    def reads(self) -> bool:
        """Whether any proposer reads hints and notes."""
        return any(getattr(proposer, "reads", False) for proposer in self.proposers.values())

    @property
    def dry(self) -> str:
        """Why nobody has anything to offer, in words."""
        if self.failure is not None:
            return f"every proposer failed: {list(self._failing.values())[-1]}"
        lacking = "".join(f"; {why}" for why in self._graphless)
        return f"exhausted: no proposer has anything new to offer{lacking}"

    @property
    def stranded(self) -> str:
        """Why nobody will use more of a budget of money or tokens alone, in words; empty if somebody may.

        What other proposers do would never end such a run. People's programs cost nothing: while one waits,
        nothing is over.
        """
        budget, payers = self._meter.budget, self._prices.payers
        if not (budget.only_paid and payers) or self.waiting[PERSON]:
            return ""
        silent = [name for name in payers if name in self.credit.silent]
        asked = [name for name in payers if name not in silent]
        if any(self.waiting[name] or not self._prices.too_dear(name) for name in asked):
            return ""
        if not silent:
            return f"the budget of {budget} is spent"
        return f"nobody is left to spend the budget of {budget}: {', '.join(silent)} not asked any more"

    @property
    def failure(self) -> BaseException | None:
        """What the last proposer failed of, if the last ask of each of them failed."""
        if set(self._failing) != set(self.proposers):
            return None
        return list(self._failing.values())[-1].__cause__

    def tell_graphless(self, error: CaptureError) -> None:
        """Say once, for all who work on the module's graph, that there is none."""
        if error.what not in self._graphless:
            self._graphless.append(error.what)
            self._complain(f"nothing can be proposed from the module's graph: {error}", graphless=True)

    def _tell_price(self, name: str, wanted: Mapping[str, float]) -> None:
        """Say once what an ask was to cost that is not made for want of budget."""
        lack = self._meter.shortage(wanted, held=False)
        if lack and name not in self._poor:
            self._poor.add(name)
            self._complain(f"{name} is not asked: {lack}")

    def submitted(self, number: int, seen: int) -> Draft:
        """Return the next program that a person sent, for this trial; there must be one waiting."""
        return self._take(PERSON, number, seen)

    def keep(self, drafts: Sequence[Draft]) -> None:
        """Let drafts wait until their proposer has its turn again; a person's wait for no proposer."""
        for draft in drafts:
            self.waiting[draft.proposer].append(draft)

    def observe(self, trial: Trial) -> None:
        """Show a told trial to every proposer that wants to learn from it."""
        self._lineage.told(trial)
        self._show("observe", trial)

    def _show(self, word: str, news: object) -> None:
        for name, proposer in self.proposers.items():
            look = getattr(proposer, word, None)
            if look is None or name in self._deaf:
                continue
            try:
                look(news)
            except Exception as error:
                self._deaf.add(name)
                self._complain(f"{name} cannot learn from trials: {type(error).__name__}: {error}")

    def reread(self, change: Callable[[Evaluation], Evaluation]) -> None:
        """From now on verdicts read as ``change`` makes them: in briefs, and for who remembers scores."""
        self._lineage.reread(change)
        self._show("reread", change)

    def proposed(self, name: str, program: Program) -> None:
        """Tell a proposer of a program that it has proposed in an earlier sitting and that is not told."""
        look = getattr(self.proposers.get(name), "proposed", None)
        if look is not None:
            look(program)

    def _take(self, name: str, number: int, seen: int, decision: Decision | None = None) -> Draft:
        draft = self.waiting[name].popleft()
        proposal = draft.proposal
        if decision is not None:
            decision.taken = (draft.ask, draft.position)
            proposal = _with_decision(proposal, decision)
        return dataclasses.replace(draft, number=number, seen=seen, started=self._now(), proposal=proposal)

    async def _ask(
        self, name: str, number: int, redraw: int, seen: int, guidance: Guidance, decision: Decision
    ) -> list[Draft]:
        proposer = self.proposers[name]
        started = self._now()
        rng = rng_for(self.seed, number, "ask", name, redraw)
        decision.marks, decision.wanted = self._marks(), getattr(proposer, "parents", 1)
        drawn = self._islands.ask(rng, parents=decision.wanted, turn=decision.turn)
        decision.ask = described(drawn)  # as drawn: what people want of it is not the engine's decision
        reads = _reads(proposer)
        guided = guidance.guide(number, drawn, words=reads, parents=_builds(proposer))
        asked, (brief, found) = guided.ask, self._brief(number, guided, words=reads)
        wanted = self._prices.of(name, brief)
        if not self._prices.reserve(name, wanted):
            self.unaffordable = True
            self._tell_price(name, wanted)
            decision.asked.append((redraw, name, UNAFFORDABLE))
            return []
        self._asking(number, name, asked.island)
        spent: dict[str, float] = {}
        self._thinking[name] += 1
        try:
            proposals = await self._propose(proposer, brief, number, redraw)
            for proposal in proposals:
                for unit, amount in uncounted(proposal.cost).items():
                    spent[unit] = spent.get(unit, 0.0) + amount
        finally:
            self._thinking[name] -= 1
            self._prices.settle(name, wanted, spent)
        decision.asked.append((redraw, name, ANSWERED if proposals else NOTHING))
        decision.span = (started, self._now())
        signed = [_signed(proposal, name, guided, found) for proposal in proposals]
        signed[:1] = [_with_decision(proposal, decision) for proposal in signed[:1]]
        return [
            Draft(
                ask=number,
                position=position,
                proposal=proposal,
                proposer=name,
                number=None if position else number,
                island=asked.island,
                seen=seen,
                started=started,
            )
            for position, proposal in enumerate(signed)
        ]

    async def _propose(
        self, proposer: Proposer, brief: Brief, number: int, redraw: int
    ) -> Sequence[Proposal]:
        for attempt in range(1, ATTEMPTS + 1):
            # the same random numbers at each attempt: an answer after a failure is the one it would have been
            rng = rng_for(self.seed, number, "propose", proposer.name, redraw)
            try:
                proposals = await proposer.propose(brief, rng)
                for proposal in proposals:
                    _ = proposal.program.id  # text that cannot be encoded is the proposer's failure, not ours
                return proposals
            except Exception as error:
                failed = ProposerFailed(proposer.name, error)
                if attempt == ATTEMPTS or failed.tried_enough:
                    raise failed from error
                await asyncio.sleep(self._backoff * 2 ** (attempt - 1))
        raise AssertionError("unreachable")

    def _brief(self, number: int, guided: Guided, *, words: bool) -> tuple[Brief, Sequence[Retrieved]]:
        """Make a brief; lineage and notes are looked up only for a proposer that reads words."""
        asked = guided.ask
        best = self._best()
        facts = {**self._facts, "best_score": best.score if best else None}
        if not self._islands.objectives.by_score:
            facts[OPTION] = self._islands.objectives.sentence()
        brief = Brief(
            task=self._task,
            number=number,
            parents=tuple(map(self.annotate, asked.parents)),
            inspirations=tuple(map(self.annotate, asked.inspirations)),
            failures=asked.failures,
            hints=guided.hints,
            direction=asked.direction,
            facts=facts,
            lineage=self._lineage.of(asked.parents) if words else (),
        )
        found = self._consult(brief, asked.draw.stagnation) if self._consult and words else ()
        notes = (*guided.notes, *(one.note.shown() for one in found))
        return dataclasses.replace(brief, knowledge=notes), found

    def may_cost(self, number: int) -> dict[str, float]:
        """Return the most that the next ask may cost, by unit, as far as its proposers can tell.

        Args:
            number: the trial that it would fill; nothing is asked or used up.
        """
        most: dict[str, float] = {}
        for name, proposer in self.proposers.items():
            if not hasattr(proposer, "estimate"):
                continue
            asked = self._islands.ask(rng_for(self.seed, number, "ask", name, 0), turn=0)
            brief, _ = self._brief(number, Guided(asked), words=_reads(proposer))
            for unit, amount in self._prices.of(name, brief).items():
                most[unit] = max(amount, most.get(unit, 0.0))
        return most


def _for_how_long(failed: ProposerFailed) -> str:
    if failed.hopeless:
        return " (not asked again in this run)"
    return " (not asked again, unless an ask that is under way is answered)"


def _reads(proposer: Proposer) -> bool:
    """Whether the next ask of a proposer takes in what is said in words."""
    return bool(getattr(proposer, "reads", False)) and not getattr(proposer, "waits", False)


def _builds(proposer: Proposer) -> bool:
    """Whether the next ask of a proposer builds on the parents that it is given."""
    return not (getattr(proposer, "waits", False) or getattr(proposer, "mends", False))


def _signed(proposal: Proposal, name: str, guided: Guided, found: Sequence[Retrieved]) -> Proposal:
    """Credit goes by the name in the origin, so that a replay knows whom; draw and notes are kept there."""
    program = proposal.program
    own = {k: v for k, v in program.origin.details.items() if k != "knowledge"}  # that one is a parent's
    details = {**own, "draw": guided.ask.draw.to_json(), **guided.marks}
    if found:
        details["knowledge"] = [one.to_json() for one in found]
    origin = dataclasses.replace(program.origin, proposer=name, details=details)
    return dataclasses.replace(proposal, program=dataclasses.replace(program, origin=origin))


def _with_decision(proposal: Proposal, decision: Decision) -> Proposal:
    """The record of how it came about is written with the draft, so that no kill can part them."""
    return dataclasses.replace(proposal, records={**proposal.records, RECORD: decision.to_json()})
