"""Locating: where in a text the lines that a model quotes are, also if it quotes them not quite exactly."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass


class NotFound(Exception):
    """Quoted lines are nowhere, or in several places; the text says which."""


@dataclass(frozen=True)
class Place:
    """Lines of a text, and how they differ from the quoted ones.

    Args:
        begin: index of the first line.
        end: index after the last one.
        shift: indentation that the text has beyond the quoted lines; negative where it has less.
        how: ``""`` for an exact quote, else what had to be overlooked.
    """

    begin: int
    end: int
    shift: int = 0
    how: str = ""


Key = Callable[[str], str]
_EXACT: Key = lambda line: line  # noqa: E731
_RIGHT: Key = str.rstrip
_INNER: Key = lambda line: re.sub(r"\s+", " ", line.strip())  # noqa: E731
_TIERS: tuple[tuple[str, Key], ...] = (
    ("", _EXACT),
    ("white space at the ends of lines", _RIGHT),
    ("indentation and white space", _INNER),
)


def locate(lines: Sequence[str], quoted: Sequence[str]) -> Place:
    """Find quoted lines in a text; each difference that is overlooked must leave exactly one place.

    First an exact quote is looked for, then one that differs in white space at the ends of lines, then in
    indentation (which must be off by the same amount in every line) and white space, then in blank lines.
    Words are never guessed: a line that says something else is somewhere else.

    Args:
        lines: the text, without line ends.
        quoted: what a model quotes.

    Raises:
        NotFound: if there is no place, or several.
    """
    wanted = _without_blank_ends(quoted)
    if not wanted:
        raise NotFound("the quoted text is empty")
    for how, key in _TIERS:
        places = _all(lines, wanted, key)
        if how == _TIERS[-1][0]:
            places = [p for p in places if _one_shift(lines[p : p + len(wanted)], wanted)]
        if len(places) > 1:
            raise NotFound(f"the quoted text is in {len(places)} places (lines {_numbers(places)})")
        if places:
            begin = places[0]
            shift = _shift(lines[begin : begin + len(wanted)], wanted)
            return Place(begin, begin + len(wanted), shift, how)
    return _ignoring_blanks(lines, wanted)


def shifted(lines: Sequence[str], place: Place) -> list[str]:
    """Return new lines with the indentation that the text has at a place."""
    if place.shift == 0:
        return list(lines)
    if place.shift > 0:
        return [" " * place.shift + line if line.strip() else line for line in lines]
    return [line[min(-place.shift, len(line) - len(line.lstrip(" "))) :] for line in lines]


def _all(lines: Sequence[str], wanted: Sequence[str], key: Key) -> list[int]:
    keys, first = [key(line) for line in wanted], key(wanted[0])
    have = [key(line) for line in lines]
    size = len(keys)
    last = len(have) - size + 1
    return [i for i in range(max(0, last)) if have[i] == first and have[i : i + size] == keys]


def _ignoring_blanks(lines: Sequence[str], wanted: Sequence[str]) -> Place:
    """Find lines that are equal but for blank lines between them."""
    full = [i for i, line in enumerate(lines) if line.strip()]
    said = [line for line in wanted if line.strip()]
    have = [lines[i] for i in full]
    places = [p for p in _all(have, said, _INNER) if _one_shift(have[p : p + len(said)], said)]
    if len(places) == 1:
        begin, end = full[places[0]], full[places[0] + len(said) - 1] + 1
        return Place(begin, end, _shift(have[places[0] :], said), "blank lines")
    if places:
        raise NotFound(
            f"the quoted text is in {len(places)} places (lines {_numbers([full[p] for p in places])})"
        )
    nearest = said[0].strip()
    raise NotFound(f"the quoted text is not there; it begins with {nearest[:80]!r}")


def _without_blank_ends(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[0].strip():
        kept.pop(0)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _one_shift(have: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether the indentation of all full lines is off by one and the same amount."""
    shifts = {_indent(a) - _indent(b) for a, b in zip(have, wanted, strict=False) if b.strip()}
    return len(shifts) == 1


def _shift(have: Sequence[str], wanted: Sequence[str]) -> int:
    return next((_indent(a) - _indent(b) for a, b in zip(have, wanted, strict=False) if b.strip()), 0)


def _indent(line: str) -> int:
    line = line.expandtabs(4)
    return len(line) - len(line.lstrip(" "))


def _numbers(places: Sequence[int]) -> str:
    shown = ", ".join(str(p + 1) for p in places[:3])
    return shown + (", ..." if len(places) > 3 else "")
