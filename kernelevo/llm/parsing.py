"""Reading a program out of a model's reply; the text is looked at, never executed."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

_FENCE = re.compile(r"^ {0,3}(?P<mark>`{3,}|~{3,})[ \t]*(?P<label>[^\r\n`]*)$")
_PYTHON = frozenset({"python", "py", "python3"})
_LONGEST_IDEA = 160


@dataclass(frozen=True)
class Block:
    """A fenced block: its label in lower case, its text, and whether its end was there."""

    label: str
    text: str
    closed: bool


@dataclass(frozen=True)
class Extracted:
    """What a reply holds: a program's source, or the reason why there is none.

    Args:
        source: text of the program, or None.
        refusal: one sentence, why there is no program; empty if there is one.
        idea: the first line of prose, what was tried.
    """

    source: str | None
    refusal: str = ""
    idea: str = ""


def extract(text: str, *, cut_off: bool = False) -> Extracted:
    """Take the last fenced python block of a reply.

    An unlabelled block counts if it parses as Python; a reply without any fence counts if all of it parses
    and defines a class. A block without an end is refused as cut off, whatever came before it.

    Args:
        text: the reply.
        cut_off: True if the endpoint said that the reply ran into its limit.
    """
    if not text.strip():
        return Extracted(None, "the reply was empty")
    found = blocks(text)
    idea = _idea(text)
    if found and not found[-1].closed:
        return Extracted(None, "the reply was cut off inside its last code block", idea)
    programs = [b for b in found if _counts(b)]
    if cut_off and not programs:
        return Extracted(None, "the reply ran into its token limit before the program", idea)
    if programs:
        source = programs[-1].text
        if not source.strip():
            return Extracted(None, "the last python block was empty", idea)
        if "\0" in source:
            return Extracted(None, "the program holds a zero byte", idea)
        return Extracted(source if source.endswith("\n") else source + "\n", "", idea)
    if not found and _parses(text) and re.search(r"^class \w+", text, re.MULTILINE):
        return Extracted(text if text.endswith("\n") else text + "\n")
    if found:
        return Extracted(None, "the reply had code blocks, but none of them was Python", idea)
    return Extracted(None, "the reply held no code block", idea)


def blocks(text: str) -> list[Block]:
    """Return every fenced block, in order; a fence is closed by one of the same sign, at least as long."""
    found: list[Block] = []
    mark, label = "", ""
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        fence = _FENCE.match(line.rstrip("\r\n"))
        if not mark:
            if fence:
                words = fence["label"].strip().lower().split()
                mark, label, lines = fence["mark"], words[0].strip("{}.") if words else "", []
        elif fence and fence["mark"].startswith(mark) and not fence["label"].strip():
            found.append(Block(label, "".join(lines), True))
            mark = ""
        else:
            lines.append(line)
    if mark:
        found.append(Block(label, "".join(lines), False))
    return found


def _counts(block: Block) -> bool:
    return block.label in _PYTHON or (not block.label and _parses(block.text))


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in a foreign text are not our warnings
            return bool(ast.parse(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _idea(text: str) -> str:
    """Return the first line of prose, shortened."""
    outside = True
    for line in text.splitlines():
        if _FENCE.match(line):
            outside = not outside
        prose = line.strip().lstrip("#>*- ").strip()
        if outside and prose and not _FENCE.match(line):
            return prose if len(prose) <= _LONGEST_IDEA else prose[: _LONGEST_IDEA - 1] + "…"
    return ""
