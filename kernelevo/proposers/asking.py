"""LLMProposer: draws a model and a persona, asks, and makes the reply a program; mends what failed."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from kernelevo.core import ENTRY, Brief, Evaluation, Origin, Program, Proposal, Status, Trial, Verdict
from kernelevo.llm import (
    Answer,
    Arm,
    Bandit,
    EndpointError,
    Models,
    Purpose,
    ReplyTimeout,
    Role,
    read,
)
from kernelevo.proposers.offspring import has_entry
from kernelevo.proposers.writing import Prompt, Writer, is_refusal

REPAIRS = 1
TRIES = 2
"""Asks for one repair that may end without an answer: its prompt may be the one that is never answered."""
MENDABLE = (Status.BUILD_FAILED, Status.WRONG, Status.CRASHED, Status.REJECTED, Status.TIMED_OUT)
_CORRECT = 0.25
"""Reward of a program that is merely correct; the rest is for being better than others."""


@dataclass(frozen=True)
class _Patient:
    """A failed program that may be mended."""

    trial: int
    verdict: Verdict
    persona: str
    done: int
    """Repairs that were made of it or of what it was mended from."""
    failed: int = 0
    """Asks for its repair that ended without an answer, as in an outage."""


@dataclass(frozen=True)
class _Ask:
    """What is sent to whom, and what for; kept to be sent again where nobody answered in time."""

    brief: Brief
    patient: _Patient | None
    arm: Arm
    prompt: Prompt
    seed: int


class LLMProposer:
    """Asks language models (or a mailbox) for programs.

    A reply without a program becomes a program that fails with the reason, so that it is counted and can be
    mended like any other; its reason is in ``Origin.refusal``, and no evaluator sees it. Programs of its own
    that failed are mended first, each (together with what came of mending it) at most ``repairs`` times.

    Args:
        models: who answers; the role ``proposer`` for new programs, ``repair`` for mending if it has models.
        writer: writes the prompts.
        name: name of the proposer.
        repairs: how often a failed program is sent back with its error; 0 never.
        bandit: draws model and persona.
        mended: by program: repairs that an earlier sitting asked for.
    """

    reads = True

    def __init__(
        self,
        models: Models,
        writer: Writer,
        *,
        name: str = "llm",
        repairs: int = REPAIRS,
        bandit: Bandit | None = None,
        mended: Mapping[str, int] | None = None,
    ) -> None:
        self.name = name
        self.models, self.writer = models, writer
        self._repairs, self._bandit = repairs, bandit or Bandit()
        self._mended: Counter[str] = Counter(mended or {})
        self._ward: deque[_Patient] = deque()
        self._open: deque[_Ask] = deque()  # prompts in a mailbox that nobody has answered in time
        self._passed_by = False  # whether the last ask was one of others, though some are open
        self._flying: Counter[Arm] = Counter()
        self._known: dict[str, Evaluation] = {}  # by program, as they read today

    @property
    def waits(self) -> bool:
        """Whether the next ask is that of an open prompt again."""
        return bool(self._open) and (self._passed_by or not self._free(self.models.names("proposer")))

    @property
    def mends(self) -> bool:
        """Whether the next ask mends a failed program instead of building on the brief's parents.

        Where a reply held no program there is none to be mended: that ask builds on the parents again.
        """
        return not self.waits and self._mending and not is_refusal(self._ward[0].verdict)

    def estimate(self, brief: Brief) -> dict[str, float]:
        """Return the most that the next ask may cost, by unit: by the dearest model that may be drawn.

        Where a failed program waits to be mended, those who mend it may be drawn too.
        """
        prompt = self.writer.write(brief, self.writer.personas(brief)[0])
        most = self.models.dearest(prompt.messages, "proposer")
        if self._ward:
            patient = self._ward[0]
            mending = self.writer.repair(brief, patient.verdict, patient.persona)
            for unit, amount in self.models.dearest(mending.messages, self._mender).items():
                most[unit] = max(amount, most.get(unit, 0.0))
        return most

    @property
    def _mender(self) -> Role:
        return "repair" if self.models.names("repair") else "proposer"

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Ask until somebody answers and return one proposal; none if nobody looked into the mailbox in time.

        A prompt that nobody answered in time is asked again as it is, by the next call, whose brief is not
        used then: so a late reply is found, and no more prompts lie open than asks are made at a time. Models
        beside the mailbox have every other call. The proposal builds on what the prompt showed; ``prompt_of``
        in its origin is the trial that it was written for.

        An endpoint that answered before and is down is waited for, see ``Models.hopeful``. A program that was
        to be mended then is mended later, after ``TRIES`` such asks no more.

        Raises:
            EndpointError: if no model gives a reply.
        """
        kept = self._next_open()
        patient = kept.patient if kept else self._next_patient()
        try:
            ask, answer = await self._ask(brief, patient, rng, kept)
        except ReplyTimeout:
            return ()
        except EndpointError as error:
            if patient is not None and error.passing and patient.failed + 1 < TRIES:
                self._mended[patient.verdict.program.id] -= 1
                self._ward.append(replace(patient, failed=patient.failed + 1))
            raise
        details = self._details(ask, answer)
        if ask.brief.number != brief.number:
            details["prompt_of"] = ask.brief.number
        parents = ask.brief.parents
        if patient is not None:
            details |= {"repair_of": patient.trial, "repairs": patient.done + 1}
            parents = parents if is_refusal(patient.verdict) else (patient.verdict,)
        return (self._proposal(answer, ask.brief, parents, details),)

    def _next_open(self) -> _Ask | None:
        again = self.waits
        self._passed_by = bool(self._open) and not again
        return self._open.popleft() if again else None

    def _free(self, models: Sequence[str]) -> Sequence[str]:
        """Return those of some models who owe no answer."""
        owing = {ask.arm.model for ask in self._open}
        return [name for name in models if name not in owing]

    @property
    def _mending(self) -> bool:
        """Whether a failed program waits for somebody who may mend it now."""
        return bool(self._ward) and not (self._open and not self._free(self.models.names(self._mender)))

    def _next_patient(self) -> _Patient | None:
        if not self._mending:
            return None
        patient = self._ward.popleft()
        self._mended[patient.verdict.program.id] += 1
        return patient

    async def _ask(
        self, brief: Brief, patient: _Patient | None, rng: Random, kept: _Ask | None
    ) -> tuple[_Ask, Answer]:
        state = rng.getstate()
        sent: float | None = None
        while True:
            rng.setstate(state)  # an answer after a failure is the one that it would have been
            ask = kept or await self._drawn(brief, patient, rng)
            self._flying[ask.arm] += 1
            try:
                return ask, await self._sent(ask, brief.number)
            except ReplyTimeout:
                self._open.append(ask)
                raise
            except EndpointError as error:  # whoever refused the mending is asked no more: others may do it
                sent, kept = error.sent if sent is None else sent, None
                if not self.models.hopeful(self._mender if patient else "proposer", error, sent):
                    raise
            finally:
                self._flying[ask.arm] -= 1

    async def _drawn(self, brief: Brief, patient: _Patient | None, rng: Random) -> _Ask:
        """Draw who is asked, once somebody may be, and write the prompt."""
        awake = await self.models.rested(self._mender if patient else "proposer")
        models = self._free(awake) or awake
        if patient is not None:
            arm = self._draw(models, (patient.persona,), rng)
            prompt = self.writer.repair(brief, patient.verdict, arm.persona)
        else:
            arm = self._draw(models, self.writer.personas(brief), rng)
            prompt = self.writer.write(brief, arm.persona)
        return _Ask(brief, patient, arm, prompt, rng.randrange(2**31))

    async def _sent(self, ask: _Ask, number: int) -> Answer:
        """Send what is asked, for the trial of this number."""
        arm, prompt, patient = ask.arm, ask.prompt, ask.patient
        if patient is not None:
            purpose = Purpose("repair", patient.trial, arm.persona)
        else:
            purpose = Purpose("proposer", number, arm.persona)
        return await self.models.ask(
            prompt.messages, purpose, model=arm.model, temperature=prompt.temperature, seed=ask.seed
        )

    def observe(self, trial: Trial) -> None:
        """Learn what became of a program, and take in those of our own that failed."""
        origin, details = trial.program.origin, trial.program.origin.details
        if origin.proposer == self.name and trial.evaluation is not None and "arm" in details:
            # one unit for all arms: dollars of one model and tokens of another cannot be compared
            unit = "dollars" if self.models.priced("proposer", "repair") else "tokens"
            self._bandit.told(Arm(*details["arm"]), self._reward(trial), trial.cost.get(unit))
            self._admit(trial)
        if trial.score is not None and trial.evaluation and trial.evaluation.fidelity == "full":
            self._known[trial.program.id] = trial.evaluation

    def reread(self, change: Callable[[Evaluation], Evaluation]) -> None:
        """From now on verdicts read as ``change`` makes them: against a better baseline."""
        self._known = {name: change(evaluation) for name, evaluation in self._known.items()}

    def _admit(self, trial: Trial) -> None:
        evaluation, details = trial.evaluation, trial.program.origin.details
        if "repair_of" in details:
            mended = {p.verdict.program.id for p in self._ward if p.trial == details["repair_of"]}
            mended.update(trial.program.parents)
            self._ward = deque(p for p in self._ward if p.verdict.program.id not in mended)
            for name in mended:
                self._mended[name] = max(1, self._mended[name])
        done = int(details.get("repairs", 0))
        if evaluation is None or evaluation.status not in MENDABLE or trial.reused is not None:
            return
        if done < self._repairs and not self._mended[trial.program.id]:
            verdict = Verdict(trial.program, evaluation)
            self._ward.append(_Patient(trial.number, verdict, details["arm"][1], done))

    def _reward(self, trial: Trial) -> float:
        """Scale-free: by the share of known scores that are beaten, and by whether the parents are."""
        if trial.score is None or trial.reused is not None:
            return 0.0
        scores = {name: e.score for name, e in self._known.items() if e.score is not None}
        known = list(scores.values())
        if trial.evaluation is not None and trial.evaluation.fidelity == "rough":
            return _CORRECT
        if not known or trial.score > max(known):
            return 1.0
        beaten = sum(score < trial.score for score in known) / len(known)
        parents = [scores[p] for p in trial.program.parents if p in scores]
        better = bool(parents) and trial.score > max(parents)
        return _CORRECT + 0.4 * beaten + 0.25 * better

    def _draw(self, models: Sequence[str], personas: Sequence[str], rng: Random) -> Arm:
        arms = [Arm(model, persona) for model in models for persona in personas]
        return self._bandit.choose(arms, rng, flying=self._flying)

    def _details(self, ask: _Ask, answer: Answer) -> dict[str, Any]:
        return {
            "model": answer.reply.model or ask.arm.model,
            "persona": ask.arm.persona,
            "arm": list(ask.arm),
            "prompt_sha256": answer.call.prompt_sha256,
            "temperature": ask.prompt.temperature,
            "seed": ask.seed,
            **ask.prompt.details,
        }

    def _proposal(
        self, answer: Answer, brief: Brief, parents: Sequence[Verdict], details: dict[str, Any]
    ) -> Proposal:
        reply = answer.reply
        # where nothing has passed the task's own program is shown, and is what edits change
        base = parents[0].program if parents else next(iter(brief.task.seeds), None)
        language = base.language if base else "python"
        found = read(
            reply.answer,
            base.files if base else None,
            entry=base.entry if base is not None and has_entry(base) else ENTRY,
            cut_off=reply.cut_off,
            language=language,
        )
        why = f"{found.refusal}; answer with the whole file in one fenced {language} block"
        if found.files is None:
            details["refused"] = why
        else:
            details["form"] = found.form
            if found.overlooked:
                details["overlooked"] = list(found.overlooked)
        program = Program(
            found.files or {ENTRY: _stand_in(why, reply.text)},
            language if found.files else "python",
            tuple(v.program.id for v in parents),
            Origin(self.name, found.idea or found.refusal, details),
        )
        records = {
            "prompt": [{"role": m.role, "content": m.content} for m in answer.call.messages],
            "reply": reply.text,
            "finish": reply.finish,
            "latency_seconds": reply.latency,
        }
        return Proposal(program, answer.cost, records)


def _stand_in(reason: str, text: str) -> str:
    """Return a program that stands for a reply without one; whoever runs it all the same is told why."""
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"# no program in reply {mark}\nraise SyntaxError({reason!r})\n"
