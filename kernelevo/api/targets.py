"""What an order speaks of, looked for in the run's record: what is not there is refused at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernelevo.core.shell import word
from kernelevo.engine import OF_A_SEARCH
from kernelevo.engine.missing import no_island, no_order, no_program, no_proposer
from kernelevo.errors import BadSetting
from kernelevo.store import Digest, program_called, state_of

# orders whose effect can be withdrawn, and what they give
_GIVES = {"hint": "hint", "knowledge": "note", "fork": "fork"}


def refuse_missing(digest: Digest, verb: str, args: Mapping[str, Any]) -> None:
    """Refuse an order whose target is not in the run's record, or that needs a search where none goes on.

    Programs that are judged later are refused as well: nobody can know their names yet. Proposers and
    islands may be others when a run goes on again, and are looked for only while it goes on.

    Args:
        digest: of the run, refreshed.
        verb: of the order.
        args: as ``kernelevo.engine.checked`` returned them.

    Raises:
        BadSetting: for a program, order, metric, proposer or island that is not there, and for a pause, a
            stop or the end of a pause where nothing goes on.
    """
    state = state_of(digest.store)
    alive = state in ("running", "paused")
    if verb in OF_A_SEARCH and not (alive or state == "new"):
        raise _nothing_goes_on(digest, verb, state)
    for name, value in args.items():
        if name in ("program", "lineage"):
            _program(digest, value)
        elif name == "parents":
            for parent in value:
                _program(digest, parent)
        elif name == "order":
            _order(digest, value)
        elif name == "metric":
            _metric(digest, value, args["weight"])
        elif name == "proposer" and alive:
            _proposer(digest, value)
        elif name == "island" and alive:
            _island(digest, value)


def _nothing_goes_on(digest: Digest, verb: str, state: str) -> BadSetting:
    was = "was interrupted" if state == "interrupted" else "has ended"
    onward = f"kernelevo resume {word(digest.folder)}"
    return BadSetting(
        f"there is nothing to {verb}: the run {was}",
        why="pause, resume and stop are orders to a search that goes on",
        now=f"to search on: {onward}{'' if state == 'interrupted' else ' --budget 60s'}",
    )


def _program(digest: Digest, name: str) -> None:
    tried = {str(line.number): line.program for line in digest.lines}
    judged = {line.program for line in digest.lines if line.status != "fault"}
    if program_called(name, tried, judged) is None:
        numbers = [line.number for line in digest.lines]
        had = f"the run has trials {min(numbers)} to {max(numbers)}" if numbers else "it has no trial yet"
        raise no_program(name, why=had)


def _order(digest: Digest, number: int) -> None:
    given = {
        command.id: _GIVES[command.verb]
        for command in digest.commands
        if command.verb in _GIVES and not (command.effect or "").startswith("refused")
    }
    for command in digest.commands:
        if command.verb == "withdraw":
            given.pop(command.args["order"], None)
    if number not in given:
        held = ", ".join(f"{order} ({what})" for order, what in given.items())
        raise no_order(number, why=f"those that do: {held or 'none'}")


def _metric(digest: Digest, metric: str, weight: float) -> None:
    try:
        digest.objectives.weighing(metric, weight)
    except ValueError as error:
        raise BadSetting(
            f"the weight of {metric!r} cannot become {weight:g}",
            why=str(error),
            now=f"in this run {digest.objectives.sentence()}",
        ) from error


def _proposer(digest: Digest, name: str) -> None:
    known = digest.gauge.get("proposers")
    if known is not None and name not in known:
        raise no_proposer(name, known)


def _island(digest: Digest, number: int) -> None:
    known = digest.gauge.get("islands")
    if known is not None and number >= known and not digest.gauge.get("cold"):  # its lines become islands
        raise no_island(number, known)
