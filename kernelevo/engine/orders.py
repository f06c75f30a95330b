"""Orders: what people may tell a run, and which arguments each order takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernelevo.engine.budget import Budget
from kernelevo.errors import BadSetting, closest


@dataclass(frozen=True)
class Argument:
    """One argument of an order.

    Args:
        kind: ``text``, ``whole`` (a number from ``least`` on), ``number``, ``texts`` or ``files``.
        needed: whether the order makes no sense without it.
        least: smallest whole number.
    """

    kind: str = "text"
    needed: bool = False
    least: int = 1


_PROGRAM = {"program": Argument(needed=True)}
ORDERS: Mapping[str, Mapping[str, Argument]] = {
    "pause": {},
    "resume": {},
    "stop": {},
    "hint": {
        "text": Argument(needed=True),
        "asks": Argument("whole"),
        "island": Argument("whole", least=0),
        "lineage": Argument(),
        "expires": Argument(),
    },
    "withdraw": {"order": Argument("whole", needed=True)},
    "knowledge": {"text": Argument(needed=True)},
    "pin": _PROGRAM,
    "unpin": _PROGRAM,
    "ban": _PROGRAM,
    "fork": {**_PROGRAM, "asks": Argument("whole"), "island": Argument("whole", least=0)},
    "submit": {
        "source": Argument(),
        "files": Argument("files"),
        "language": Argument(),
        "parents": Argument("texts"),
    },
    "weight": {"proposer": Argument(needed=True), "weight": Argument("number", needed=True)},
    "objective": {"metric": Argument(needed=True), "weight": Argument("number", needed=True)},
    "budget": {"budget": Argument(needed=True)},
    "workers": {"workers": Argument("whole", needed=True)},
    "thinkers": {"thinkers": Argument("whole", needed=True)},
}
"""Every order and its arguments."""
VERBS = tuple(ORDERS)
OF_A_SEARCH = ("pause", "resume", "stop")
"""Orders that make sense only while a search goes on: none of them waits for the next one."""
_HELP = "kernelevo steer --help says what each order takes"
_NEEDED = {
    "text": "a text",
    "order": "the number of an order",
    "program": "a program: the number of its trial, or the beginning of its id",
    "proposer": "the name of a proposer",
    "metric": "the name of a metric",
    "weight": "a weight",
    "budget": "a budget, e.g. 90s or +10m",
    "workers": "a number of workers",
    "thinkers": "a number of thinkers",
}


def checked(verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an order as plain data, those that are None left out.

    Args:
        verb: one of ``VERBS``.
        args: as given by a person or a script; numbers may be texts.

    Raises:
        BadSetting: for an unknown order, an unknown, missing or impossible argument.
    """
    if verb not in ORDERS:
        raise BadSetting(f"there is no order {verb!r}; {closest(verb, VERBS)}", now="use one of these")
    known = ORDERS[verb]
    given = {name: value for name, value in args.items() if value is not None}
    for name in given:
        if name not in known:
            takes = ", ".join(known) or "no argument"
            raise BadSetting(f"{verb} takes no {name}", why=f"it takes {takes}", now=_HELP)
    for name, argument in known.items():
        if argument.needed and name not in given:
            raise BadSetting(f"{verb} needs {_NEEDED[name]}", why=f"its {name} is missing", now=_HELP)
    clean = {name: _read(verb, name, known[name], value) for name, value in given.items()}
    if verb == "submit" and not (clean.get("source") or clean.get("files")):
        raise BadSetting("submit needs a file", why="its program is missing", now="steer RUN submit FILE")
    for name in {"budget", "expires"} & set(clean):
        if name == "budget":
            Budget.parse(clean[name].removeprefix("+"))
        elif not _is_span(clean[name]):
            raise BadSetting(
                f"a hint cannot expire after {clean[name]!r}",
                why="give a time or trials",
                now="write it like 30m or 20",
            )
    return clean


def _is_span(text: str) -> bool:
    """Tell whether a text is a time, a number of trials, or both."""
    try:
        return not set(Budget.parse(text).limits) - {"seconds", "trials"}
    except BadSetting:
        return False


def _read(verb: str, name: str, argument: Argument, value: Any) -> Any:
    try:
        if argument.kind == "whole":
            if isinstance(value, bool) or int(value) != float(value) or int(value) < argument.least:
                raise ValueError(f"a whole number from {argument.least} on is wanted")
            return int(value)
        if argument.kind == "number":
            if isinstance(value, bool) or not 0 <= float(value) < math.inf:
                raise ValueError("a number from 0 on is wanted")
            return float(value)
        if argument.kind == "texts":
            if isinstance(value, str):  # its characters would be taken one by one
                raise TypeError("a list of texts is wanted")
            return [_text(item) for item in value]
        if argument.kind == "files":
            return {_text(path): _text(text) for path, text in dict(value).items()}
        text = _text(value)
        if argument.needed and not text.strip():
            raise ValueError("it is empty")
    except (TypeError, ValueError, OverflowError) as error:
        what = name if name == verb else f"{name} of {verb}"
        raise BadSetting(f"{what} cannot be {value!r}", why=str(error), now=_HELP) from error
    return text


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text is wanted")
    value.encode()  # half a surrogate pair could not be stored
    return value
