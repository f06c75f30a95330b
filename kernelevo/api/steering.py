"""Orders from outside the run's process: recorded as rows, obeyed at the next ask; and what came of them."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

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
        BadSetting: for an order that does not exist, or arguments that it cannot have.
        RunNotFound: if there is no such run.
        StoreError: if the run's folder cannot be written.
    """
    clean = checked(verb, args)
    with RunStore.open(find_run(str(run)), readonly=True) as store:
        return store.append_command(author or account(), verb, clean)


def account() -> str:
    """Name of the account that this process runs under; ``someone`` if it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without an entry, as in containers
        return "someone"


def orders(run: str | Path) -> list[dict[str, Any]]:
    """Return every order of a run as plain data, oldest first, with what came of it.

    A hint, a note and a fork have ``carried``: the trials whose briefs had it, with their scores, and the
    best score before it and since. A submitted program has ``offspring`` and ``gain``: what was made from it,
    over any number of generations, and by how much the best of those is above the program itself.
    """
    digest = Digest(find_run(str(run)))
    try:
        digest.refresh()
        return [effect_of(command, digest.lines) for command in digest.commands]
    finally:
        digest.close()


def effect_of(command: Command, trials: Sequence[Line]) -> dict[str, Any]:
    """Return one order with what came of it; see ``orders``."""
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
        row |= _carried(command, trials, key)
    elif command.verb == "submit":
        row |= _offspring(command, trials)
    return row


def _carried(command: Command, trials: Sequence[Line], key: str) -> dict[str, Any]:
    carried = []
    for trial in trials:
        marked = trial.marks.get(key, ())
        if command.id in (marked if isinstance(marked, list | tuple) else (marked,)):
            carried.append(trial)
    begin = min((trial.started for trial in carried), default=float("inf"))
    return {
        "carried": [trial.number for trial in carried],
        "carried_ok": sum(trial.score is not None for trial in carried),
        "best_before": _best(t for t in trials if t.ended <= begin),
        "best_carried": _best(carried),
        "best_since": _best(trials),
    }


def _offspring(command: Command, trials: Sequence[Line]) -> dict[str, Any]:
    own = [t for t in trials if t.proposer == PERSON and t.marks.get("order") == command.id]
    if not own:
        return {"trial": None, "offspring": [], "gain": None}
    line = {own[0].program}
    offspring: list[Line] = []
    for trial in sorted(trials, key=lambda t: t.ended):
        if trial.program not in line and line & set(trial.parents):
            line.add(trial.program)
            offspring.append(trial)
    best, score = _best(offspring), own[0].score
    return {
        "trial": own[0].number,
        "offspring": [trial.number for trial in offspring],
        "gain": best - score if best is not None and score is not None else None,
    }


def _best(trials: Iterable[Line]) -> float | None:
    return max((t.score for t in trials if t.full and t.score is not None), default=None)


def parse_order(words: list[str], options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Read an order as it stands on a command line: a verb, one value or a value and a number.

    Args:
        words: e.g. ``["hint", "try split-k"]`` or ``["weight", "llm", "2"]``.
        options: further arguments by name; None is left out.

    Raises:
        BadSetting: for words that do not fit the order.
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
        path = Path(given.pop("file"))
        try:
            given["source"] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(f"the program {path} cannot be read", why=str(error)) from error
    return verb, checked(verb, given)
