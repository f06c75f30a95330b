"""Orders from outside the run's process: recorded as rows, obeyed at the next ask; and what came of them."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from kernelevo.api.check import read_program
from kernelevo.api.targets import refuse_missing
from kernelevo.core import Evaluation, Objectives, Status, Worth
from kernelevo.engine import VERBS, checked
from kernelevo.engine.generation import PERSON
from kernelevo.errors import BadSetting
from kernelevo.store import Command, Digest, Line, RunStore, find_run


def steer(run: str | Path, verb: str, *, author: str | None = None, **args: Any) -> Command:
    """Give a run an order; it is obeyed at the next ask, or when the run is resumed.

    Args:
        run: folder, name or ``@last``.
        verb: ``pause``, ``resume``, ``stop``, ``hint``, ``withdraw``, ``knowledge``, ``pin``, ``unpin``,
            ``ban``, ``fork``, ``submit``, ``weight``, ``objective``, ``budget``, ``workers`` or ``thinkers``.
        author: who says so; the name of the account by default.
        args: of the order, e.g. ``text="try split-k", asks=5``.

    Raises:
        BadSetting: for an order that does not exist, arguments that it cannot have, or a program, order or
            metric that is not there, while the run goes on also a proposer or island; and to pause, resume or
            stop what does not go on.
        RunNotFound: if there is no such run.
        StoreError: if the run's folder cannot be written.
    """
    clean = checked(verb, args)
    folder = find_run(str(run))
    with closing(Digest(folder)) as digest:
        digest.refresh()
        refuse_missing(digest, verb, clean)
    with RunStore.open(folder, readonly=True) as store:
        # a name whose bytes are no text could not be stored
        name = (author or account()).encode(errors="replace").decode()
        return store.append_command(name, verb, clean)


def account() -> str:
    """Name of the account that this process runs under; ``someone`` if it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without an entry, as in containers
        return "someone"


def orders(run: str | Path) -> list[dict[str, Any]]:
    """Return every order of a run as plain data, oldest first, with what came of it; see ``effects``."""
    with closing(Digest(find_run(str(run)))) as digest:
        digest.refresh()
        return effects(digest)


def effects(digest: Digest) -> list[dict[str, Any]]:
    """Return every order of a run as plain data, oldest first, with what came of it.

    A hint, a note and a fork have ``carried``: the trials whose briefs had it, and how good the best was
    before it, among those, and since. A submitted program has ``offspring`` and ``gain``: what was made from
    it, over any number of generations, and by how much the best of those is better than the program itself.

    What is best goes by the objectives of the task, as they are weighed now. ``rule`` names theirs and
    ``measure`` the number that is told: the score, the weighted sum, or the first metric of a lexicographic
    order. Where that is not the score, ``metrics`` has all that count. ``gain_in`` (``name better``) says in
    what the ``gain`` is: under a lexicographic rule the first metric in which the two differ.
    Programs that are banned, or were refuted when they were timed again, are the best of nothing.

    Args:
        digest: of the run, refreshed.
    """
    standing = _Standing(digest.objectives, digest.out)
    lines: Sequence[Line] = digest.lines
    if digest.settings.get("deterministic"):  # its trials are told in the order of their numbers
        lines = sorted(lines, key=lambda line: line.number)
    return [_effect(command, lines, standing) for command in digest.commands]


class _Standing:
    """How good trials are by the objectives of their task.

    Args:
        objectives: with the weights that people gave last.
        out: ids of the programs that count no more.
    """

    def __init__(self, objectives: Objectives, out: frozenset[str]) -> None:
        self.objectives, self._out = objectives, out
        self._worth: dict[int, Worth] = {}

    def verdict(self, line: Line) -> Evaluation:
        """Return what counts of a trial that has a score."""
        return line.evaluation or Evaluation(Status.OK, line.score)

    def best(self, lines: Iterable[Line]) -> Line | None:
        """Return the best full verdict, the earliest of equals."""
        full = (n for n in lines if n.full and n.score is not None and n.program not in self._out)
        return max(full, key=lambda line: (self._of(line), -line.number), default=None)

    def _of(self, line: Line) -> Worth:
        if line.number not in self._worth:  # it is asked for each order
            self._worth[line.number] = self.objectives.worth(self.verdict(line))
        return self._worth[line.number]

    def height(self, line: Line | None) -> float | None:
        """Return the number that stands for the rule."""
        return self.objectives.height(self.verdict(line)) if line else None

    def metrics(self, line: Line | None) -> dict[str, Any] | None:
        """Return the metrics that count."""
        return {m.name: m.value(self.verdict(line)) for m in self.objectives.metrics} if line else None


def _effect(command: Command, trials: Sequence[Line], standing: _Standing) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": command.id,
        "at": command.at,
        "author": command.author,
        "verb": command.verb,
        "args": dict(command.args),
        "effect": command.effect,
        "after": command.after,
    }
    key = {"hint": "hints", "knowledge": "notes", "fork": "fork"}.get(command.verb)
    if key:
        row |= _told_by(standing) | _carried(command, trials, key, standing)
    elif command.verb == "submit":
        row |= _told_by(standing) | _offspring(command, trials, standing)
    return row


def _told_by(standing: _Standing) -> dict[str, Any]:
    measure = standing.objectives.measure
    return {
        "rule": standing.objectives.rule,
        "measure": {"name": measure.name, "better": measure.better},
    }


def _carried(command: Command, trials: Sequence[Line], key: str, standing: _Standing) -> dict[str, Any]:
    carried = []
    for trial in trials:
        marked = trial.marks.get(key, ())
        if command.id in (marked if isinstance(marked, list | tuple) else (marked,)):
            carried.append(trial)
    begin = min((trial.seen for trial in carried), default=None)  # None: all of them
    best = {
        "before": standing.best(trials[:begin]),
        "carried": standing.best(carried),
        "since": standing.best(trials),
    }
    row: dict[str, Any] = {
        "carried": [trial.number for trial in carried],
        "carried_ok": sum(trial.score is not None for trial in carried),
        **{f"best_{when}": standing.height(line) for when, line in best.items()},
    }
    if not standing.objectives.by_score:
        row["metrics"] = {when: standing.metrics(line) for when, line in best.items()}
    return row


def _offspring(command: Command, trials: Sequence[Line], standing: _Standing) -> dict[str, Any]:
    own = [t for t in trials if t.proposer == PERSON and t.marks.get("order") == command.id]
    if not own:
        return {"trial": None, "offspring": [], "gain": None, "gain_in": None}
    line = {own[0].program}
    offspring: list[Line] = []
    for trial in trials:
        if trial.program not in line and line & set(trial.parents):
            line.add(trial.program)
            offspring.append(trial)
    best, gain = standing.best(offspring), None
    if best is not None and own[0].score is not None:
        gain = standing.objectives.gain_over(standing.verdict(best), standing.verdict(own[0]))
    return {
        "trial": own[0].number,
        "offspring": [trial.number for trial in offspring],
        "gain": gain.amount if gain else None,
        "gain_in": {"name": gain.name, "better": gain.better} if gain else None,
    }


def parse_order(words: list[str], options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Read an order as it stands on a command line: a verb, one value or a value and a number.

    Args:
        words: e.g. ``["hint", "try split-k"]`` or ``["weight", "llm", "2"]``.
        options: further arguments by name; None is left out.

    Raises:
        BadSetting: for words that do not fit the order.
        BadProgram: for a program that cannot be read.
    """
    verb, *values = words
    if verb not in VERBS:
        checked(verb, {})  # says which there are
    places = {
        "hint": ("text",), "knowledge": ("text",), "withdraw": ("order",), "pin": ("program",),
        "unpin": ("program",), "ban": ("program",), "fork": ("program",), "submit": ("file",),
        "weight": ("proposer", "weight"), "objective": ("metric", "weight"), "budget": ("budget",),
        "workers": ("workers",), "thinkers": ("thinkers",),
    }.get(verb, ())  # fmt: skip
    if len(values) > len(places):
        raise BadSetting(
            f"{verb} takes {len(places)} words, not {len(values)}",
            why=f"it got {' '.join(values)!r}",
            now="put quotation marks around a sentence",
        )
    given = {**{k: v for k, v in options.items() if v is not None}, **dict(zip(places, values, strict=False))}
    if verb == "submit" and "file" in given:
        program = read_program(Path(given.pop("file")))
        given |= {"files": dict(program.files), "language": program.language}
    return verb, checked(verb, given)
