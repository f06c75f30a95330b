"""Steering: what people ordered while a run goes on, obeyed before the next ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernelevo.core import Origin, Program, Proposal
from kernelevo.engine.budget import Budget
from kernelevo.engine.generation import PERSON
from kernelevo.errors import BadSetting, KernelEvoError, closest
from kernelevo.store import Command, Draft

if TYPE_CHECKING:
    from kernelevo.engine.engine import Engine

VERBS = ("pause", "resume", "stop", "hint", "pin", "ban", "submit", "weight", "budget")
LASTING = ("hint", "weight")  # obeyed again, silently, when a run is resumed; pin, ban and budget are events


@dataclass
class Hint:
    """A sentence for proposers; ``asks`` counts down, None means for the rest of the run."""

    text: str
    asks: int | None = None


class Steering:
    """Obeys commands on behalf of one engine and keeps what lasts: hints and the pause.

    Args:
        engine: whom the commands are for.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._hints: list[Hint] = []
        self._last = 0
        self.paused = False

    @property
    def last_command(self) -> int:
        """Number of the last order that was obeyed."""
        return self._last

    def hints(self) -> tuple[str, ...]:
        """Hints for the next ask; those given for a number of asks are used up by it."""
        texts = tuple(hint.text for hint in self._hints)
        for hint in self._hints:
            hint.asks = None if hint.asks is None else hint.asks - 1
        self._hints = [hint for hint in self._hints if hint.asks is None or hint.asks > 0]
        return texts

    def replay(self) -> None:
        """Take up again what earlier sittings were told and what still holds."""
        store = self._engine.store
        recorded = store.count()
        for command in store.commands():
            if command.effect is None:
                break
            self._last = command.id
            if command.verb in LASTING and not command.effect.startswith("refused"):
                args = dict(command.args)
                if args.get("asks") is not None:
                    args["asks"] = int(args["asks"]) - (recorded - (command.after or 0))
                    if args["asks"] < 1:
                        continue
                self._do(command.verb, args)
        for event in store.events(kind="pin"):
            self._engine.islands.pin(event.data["program"])
        if budgets := store.events(kind="budget"):
            self._engine.meter.budget = Budget(budgets[-1].data["limits"])

    def obey(self) -> list[tuple[Command, str]]:
        """Obey every new command; return each with its effect, which is recorded by then."""
        done = []
        for command in self._engine.store.commands(after=self._last):
            self._last = command.id
            try:
                effect = self._do(command.verb, command.args)
            except KernelEvoError as error:
                effect = f"refused: {error.what}"
            except (KeyError, TypeError, ValueError) as error:
                effect = f"refused: {command.verb} needs other arguments ({error})"
            self._engine.store.obeyed(command, effect)
            done.append((command, effect))
        return done

    def _do(self, verb: str, args: Mapping[str, Any]) -> str:
        if verb not in VERBS:
            raise BadSetting(f"there is no order {verb!r}; {closest(verb, VERBS)}")
        effect: str = getattr(self, f"_{verb}")(**args)
        return effect

    def _pause(self) -> str:
        self.paused = True
        return "no new asks; what is in flight is finished"

    def _resume(self) -> str:
        was, self.paused = self.paused, False
        return "asking again" if was else "was not paused"

    def _stop(self) -> str:
        self._engine.end("stopped by command", confirm=True)
        return "no new asks; the run ends when what is measured now is done"

    def _hint(self, text: str, asks: int | None = None) -> str:
        self._hints.append(Hint(str(text), None if asks is None else int(asks)))
        return f"in every brief{'' if asks is None else f' of the next {asks} asks'}"

    def _pin(self, program: str) -> str:
        found = self._engine.find_program(program)
        self._engine.store.append_event("pin", {"program": found})
        self._engine.islands.pin(found)
        return f"every other ask builds on {found[:12]}"

    def _ban(self, program: str) -> str:
        found = self._engine.find_program(program)
        self._engine.ban(found)
        return f"{found[:12]} is never used again"

    def _submit(
        self, source: str = "", files: Mapping[str, str] | None = None, language: str = "python"
    ) -> str:
        origin = Origin(PERSON, "submitted")
        program = (
            Program(dict(files), language, origin=origin)
            if files
            else Program.single(source, language=language, origin=origin)
        )
        self._engine.submit(submitted(program, self._last, self._engine.now()))
        return f"{program.id[:12]} is judged next"

    def _weight(self, proposer: str, weight: float) -> str:
        self._engine.generation.credit.set_weight(proposer, float(weight))
        return f"{proposer} is asked with weight {float(weight):g}"

    def _budget(self, budget: str) -> str:
        meter = self._engine.meter
        if budget.startswith("+"):
            new = Budget({**meter.budget.limits, **Budget.parse(budget[1:]).plus(meter.used).limits})
        else:
            new = Budget.parse(budget)
        meter.budget = new
        self._engine.store.append_event("budget", {"limits": dict(new.limits), "text": str(new)})
        return f"the budget is {new}"


def submitted(program: Program, command: int, now: float) -> Draft:
    """Return the draft of a program that a person wrote; it answers no ask, only a command."""
    return Draft(ask=-1, position=command, proposal=Proposal(program), proposer=PERSON, started=now)
