"""Steering: what people ordered while a run goes on, obeyed before the next ask."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kernelevo.core import CommandObeyed, Origin, Program, Proposal
from kernelevo.engine.budget import Budget
from kernelevo.engine.generation import PERSON
from kernelevo.engine.guidance import FORK_ASKS, Fork, Guidance, Hint
from kernelevo.engine.orders import OF_A_SEARCH, checked
from kernelevo.errors import BadSetting, KernelEvoError
from kernelevo.store import Command, Draft

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine

# obeyed again, silently, when a run is resumed; pins, bans, weights of objectives and budgets are events
LASTING = ("hint", "withdraw", "knowledge", "fork", "weight", "workers", "thinkers")


class Steering:
    """Obeys commands on behalf of one engine and keeps what lasts: guidance and the pause.

    Args:
        engine: whom the commands are for.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._last = 0
        self._command: Command | None = None
        self.paused = False
        self.guidance = Guidance(
            lambda: engine.ledger, engine.now, engine.store.count, lambda: len(engine.islands.islands)
        )

    @property
    def last_command(self) -> int:
        """Number of the last order that was obeyed."""
        return self._last

    def replay(self) -> None:
        """Take up again what earlier sittings were told and what still holds, once the evaluator is known.

        What changed who is best took effect in the middle of what was told: ``replay`` does that.
        """
        store = self._engine.store
        for command in store.commands():
            if command.effect is None:
                break
            self._last = command.id
            if command.verb in LASTING and not command.effect.startswith("refused"):
                with contextlib.suppress(KernelEvoError):  # its island is gone with the cold start
                    self._do(command)
        self._count_again()
        changes = [e for kind in ("pin", "unpin") for e in store.events(kind=kind)]
        for event in sorted(changes, key=lambda event: event.id):
            getattr(self._engine.islands, event.kind)(event.data["program"])
        if budgets := store.events(kind="budget"):
            self._engine.meter.budget = Budget(budgets[-1].data["limits"])

    def obey(self) -> bool:
        """Obey every new command, record its effect and tell it; return whether there was one."""
        found = False
        for command in self._engine.store.commands(after=self._last):
            self._last = command.id
            if command.effect is not None:  # it came when no search went on
                continue
            try:
                effect = self._do(command)
            except KernelEvoError as error:
                effect = f"refused: {error.what}"
            except (KeyError, TypeError, ValueError) as error:
                effect = f"refused: {command.verb} needs other arguments ({error})"
            self._answer(command, effect)
            found = True
        return found

    def lapse(self, why: str, *, before: float = math.inf) -> None:
        """Answer what only a search that goes on can obey; the other orders wait for the next sitting.

        Args:
            why: there is no such search.
            before: seconds since the epoch; later orders are left.
        """
        for command in self._engine.store.commands(after=self._last):
            if command.verb in OF_A_SEARCH and command.effect is None and command.at < before:
                self._answer(command, f"lapsed: {why}")

    def _answer(self, command: Command, effect: str) -> None:
        self._engine.store.obeyed(command, effect)
        told = CommandObeyed(command.id, command.author, command.verb, dict(command.args), effect)
        self._engine.say(told)

    def _do(self, command: Command) -> str:
        self._command = command
        args = checked(command.verb, command.args)
        effect: str = getattr(self, f"_{command.verb}")(**args)
        return effect

    def _count_again(self) -> None:
        """Which asks of earlier sittings had which hint and fork, from their origins."""
        drafts = [(d.number, d.proposal.program) for d in self._engine.store.drafts() if d.number is not None]
        trials = [(t.number, t.program) for t in self._engine.store.trials(raw=True)]
        for number, program in [*trials, *drafts]:
            details = program.origin.details
            for order in details.get("hints", ()):
                if order in self.guidance.hints:
                    self.guidance.hints[order].asked.add(number)
            if details.get("fork") in self.guidance.forks:
                self.guidance.forks[details["fork"]].asked.add(number)

    @property
    def _now(self) -> Command:
        assert self._command is not None
        return self._command

    @property
    def _unread(self) -> str:
        return "" if self._engine.generation.reads else "; but no proposer of this run reads hints and notes"

    def _pause(self) -> str:
        self.paused = True
        return "no new asks; what is in flight is finished"

    def _resume(self) -> str:
        was, self.paused = self.paused, False
        return "asking again" if was else "was not paused"

    def _stop(self) -> str:
        self._engine.end("stopped by command", confirm=True)
        return "no new asks; the run ends when what is measured now is done"

    def _hint(
        self,
        text: str,
        asks: int | None = None,
        island: int | None = None,
        lineage: str | None = None,
        expires: str | None = None,
    ) -> str:
        command = self._now
        limits = Budget.parse(expires).limits if expires else {}
        recorded = self._engine.store.count() if command.after is None else command.after
        hint = Hint(
            command.id,
            text,
            asks,
            island,
            self._engine.ledger.program(lineage) if lineage else None,
            command.at + limits["seconds"] if "seconds" in limits else None,
            recorded + int(limits["trials"]) if "trials" in limits else None,
        )
        self.guidance.add(hint)
        scope = [
            f" of the next {asks} asks" if asks else "",
            f" of island {island}" if island is not None else "",
            f" that builds on {hint.lineage[:12]} or what came of it" if hint.lineage else "",
            f", until {expires} from now" if expires else "",
        ]
        return f"in every brief{''.join(scope)}{self._unread}"

    def _withdraw(self, order: int) -> str:
        return f"{self.guidance.withdraw(order)} {order} holds no longer"

    def _knowledge(self, text: str) -> str:
        self.guidance.notes[self._now.id] = text
        return f"among the notes of every brief{self._unread}"

    def _fork(self, program: str, asks: int = FORK_ASKS, island: int | None = None) -> str:
        found = self._engine.ledger.program(program)
        if self._engine.ledger.best_of_line(found) is None:
            raise _childless(program)
        self.guidance.add(Fork(self._now.id, found, asks, island))
        where = "" if island is None else f" on island {island}"
        return f"the next {asks} asks build on {found[:12]} and the best that comes of it{where}"

    def _pin(self, program: str) -> str:
        found = self._engine.ledger.program(program)
        if not self._engine.ledger.may_have_children(found):
            raise _childless(program)
        self._engine.store.append_event("pin", {"program": found, "told": self._engine.ledger.told})
        self._engine.islands.pin(found)
        return f"every other ask builds on {found[:12]}"

    def _unpin(self, program: str) -> str:
        found = self._engine.ledger.program(program)
        if not self._engine.islands.unpin(found):
            return f"{found[:12]} was not pinned"
        self._engine.store.append_event("unpin", {"program": found, "told": self._engine.ledger.told})
        return f"{found[:12]} is drawn like any other"

    def _ban(self, program: str) -> str:
        found = self._engine.ledger.program(program)
        self._engine.ban(found)
        return f"{found[:12]} is never used again"

    def _submit(
        self,
        source: str = "",
        files: Mapping[str, str] | None = None,
        language: str = "python",
        parents: Sequence[str] = (),
    ) -> str:
        command = self._now
        origin = Origin(
            PERSON, f"submitted by {command.author}", {"author": command.author, "order": command.id}
        )
        made_from = tuple(self._engine.ledger.program(parent) for parent in parents)
        program = (
            Program(dict(files), language, origin=origin)
            if files
            else Program.single(source, language=language, origin=origin)
        )
        program = dataclasses.replace(program, parents=made_from)
        draft = submitted(program, command.id, self._engine.now())
        waiting = {(one.ask, one.position) for one in self._engine.store.drafts()}
        if (draft.ask, draft.position) not in waiting:  # a kill may have come before this order's effect
            self._engine.submit(draft)
        return f"{program.id[:12]} is judged next"

    def _weight(self, proposer: str, weight: float) -> str:
        self._engine.generation.credit.set_weight(proposer, weight)
        return f"{proposer} is asked with weight {weight:g}"

    def _objective(self, metric: str, weight: float) -> str:
        told = self._engine.ledger.told
        self._engine.ledger.reweigh(metric, weight)
        self._engine.store.append_event("objective", {"metric": metric, "weight": weight, "told": told})
        return f"{metric} counts with weight {weight:g}; everybody is ranked anew"

    def _budget(self, budget: str) -> str:
        meter = self._engine.meter
        if budget.startswith("+"):
            new = Budget({**meter.budget.limits, **Budget.parse(budget[1:]).plus(meter.used).limits})
        else:
            new = Budget.parse(budget)
        if not self._engine.generation.reads:
            new.refuse_unspendable("give a time or trials, e.g. budget 90s")
        meter.budget = new
        self._engine.store.append_event("budget", {"limits": dict(new.limits), "text": str(new)})
        return f"the budget is {new}"

    def _workers(self, workers: int) -> str:
        self._engine.sizes.work(workers)
        return f"{workers} are built at a time from now on; how many are thought of: thinkers"

    def _thinkers(self, thinkers: int) -> str:
        self._engine.sizes.think(thinkers)
        return f"{thinkers} are thought of at a time from now on; asks in flight are finished"


def _childless(program: str) -> BadSetting:
    return BadSetting(
        f"nothing can be built on {program}: it has no full score, or it is banned",
        why="asks build on programs that passed and were timed in full",
        now="submit it anew with what is wrong mended",
    )


def submitted(program: Program, command: int, now: float) -> Draft:
    """Return the draft of a program that a person wrote; it answers no ask, only a command."""
    return Draft(ask=-1, position=command, proposal=Proposal(program), proposer=PERSON, started=now)
