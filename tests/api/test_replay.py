"""A run may go on while its decisions are made again."""

import pytest

from kernelevo import api
from kernelevo.api import parts
from kernelevo.config import load_settings
from kernelevo.core import Evaluation, Origin, Program, Proposal, Trial
from kernelevo.engine import Reenactment, Replayed
from kernelevo.store import RunStore


class Counts:
    """Proposes one more each time."""

    name = "counts"

    async def propose(self, brief, rng):
        return [Proposal(Program.single(f"ANSWER = {brief.number}\n", origin=Origin(self.name)))]


def test_a_run_that_goes_on_meanwhile_is_replayed_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_proposers", lambda plan, host, talk: [Counts()])
    given = {"proposers": ["mailbox"], "mailbox": "box", "executor": "inline", "out": "out", "budget": "6"}
    before = len(api.run_task("tour.py:tour", load_settings(given, environ={})).trials)
    decide = Reenactment.run

    def overtaken(again: Reenactment) -> Replayed:
        with RunStore.open("out") as writer:
            number = writer.count()
            program = Program.single("ANSWER = 99\n", origin=Origin(Counts.name))
            for reused in (None, number):
                late = Trial(number + (reused is not None), program, Evaluation.ok(99.0), reused=reused)
                writer.record(late)
            facts = {"proposer": Counts.name, "reason": "it only repeated itself"}
            writer.append_event("rested", facts, trial=number + 1)
        return decide(again)

    monkeypatch.setattr(Reenactment, "run", overtaken)
    replayed = api.replay("out")
    assert replayed.deviation is None and replayed.trials == before
    assert len(api.load_run("out").trials) == before + 2
