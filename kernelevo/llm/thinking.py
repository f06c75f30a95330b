"""Thinking: what a reasoning model says to itself before its answer, and where the answer begins."""

from __future__ import annotations

import re

_NAMES = "think|thinking|thoughts?|reasoning|reflection"
_BEGIN = re.compile(rf"\s*[<\[](?:{_NAMES})[>\]]", re.IGNORECASE)
_END = re.compile(rf"[<\[]/(?:{_NAMES})[>\]]", re.IGNORECASE)
_END_OF_LINE = re.compile(rf"{_END.pattern}[ \t\r]*$", re.IGNORECASE | re.MULTILINE)


def without_thoughts(text: str, *, cut_off: bool = False) -> str:
    """Return a reply without the thoughts in front of it.

    Most endpoints keep them apart. Servers that do not know a model's form of them send them between
    ``<think>`` and ``</think>``; where the model's chat template writes the first of the two, the reply has
    the last one alone.

    Args:
        text: the reply.
        cut_off: True if it ran into its limit: thoughts without an end are then all there is.
    """
    opened = _BEGIN.match(text)
    if opened is None:
        closed = _END_OF_LINE.search(text)
        return text if closed is None else text[closed.end() :]
    while opened:
        closed = _END.search(text, opened.end())
        if closed is None:
            return "" if cut_off else text[opened.end() :]
        text = text[closed.end() :]
        opened = _BEGIN.match(text)
    return text
