"""Reading a program out of a model's reply; the text is looked at, never executed."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from kernelevo.core.program import ENTRY
from kernelevo.llm.excerpts import defined

FENCE = re.compile(r"^(?P<indent> {0,12})(?P<mark>`{3,}|~{3,})[ \t]*(?P<label>[^\r\n`]*)$")
LONGEST_LINE = 300
"""Characters of a line that may hold a path; longer ones would take the patterns long."""
_INFO = re.compile(
    r"""(?:(?:title|file|filename|path)\s*=\s*)?["']?(?P<path>[\w./+-]+\.[A-Za-z]\w{0,4})["']?$"""
)
_STANDARD = re.compile(r"(?P<language>c\+\+|cpp|c)\d[\da-z]")
"""Labels that name a standard of their language, such as ``c++20``."""
_PYTHON = frozenset({"python", "py", "python3"})
_CPP = frozenset({"cpp", "c++", "cc", "cxx", "c"})
# a foreign folder's program has its file's suffix for a language; models write names
_LABELS: Mapping[str, Set[str]] = {
    "cpp": _CPP, "c++": _CPP, "cuda": {"cuda", "cu"}, "rs": {"rs", "rust"}, "js": {"js", "javascript"},
    "ts": {"ts", "typescript"}, "jl": {"jl", "julia"}, "f90": {"f90", "fortran"}, "txt": {"txt", "text"},
    "md": {"md", "markdown"}, "rb": {"rb", "ruby"}, "hs": {"hs", "haskell"}, "kt": {"kt", "kotlin"},
}  # fmt: skip
_NAMES = {"python": "Python", "cpp": "C++", "c++": "C++", "cuda": "CUDA"}
_LONGEST_IDEA = 160


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        label: its language, in lower case; the path where one stands behind the fence instead.
        text: what it holds.
        closed: whether its end was there.
        info: all that stands behind the opening fence.
        above: the last line of prose before it that is not empty.
    """

    label: str
    text: str
    closed: bool
    info: str = ""
    above: str = ""


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


def extract(text: str, *, cut_off: bool = False, language: str = "python", entry: str = ENTRY) -> Extracted:
    """Take the last fenced block of a reply that is in the program's language.

    A Python reply without any fence counts if all of it parses and defines a class. A block without an end
    is refused as cut off, whatever came before it.

    Args:
        text: the reply.
        cut_off: True if the endpoint said that the reply ran into its limit.
        language: of the program, see ``Program``.
        entry: path of the main file.
    """
    if not text.strip():
        early = "the reply ran into its token limit before an answer began"  # reasoning counts
        return Extracted(None, early if cut_off else "the reply was empty")
    found = blocks(text)
    idea = first_prose(text)
    if found and not found[-1].closed:
        return Extracted(None, "the reply was cut off inside its last code block", idea)
    programs = programs_in(found, language, entry)
    if cut_off and not programs:
        return Extracted(None, "the reply ran into its token limit before the program", idea)
    name = _NAMES.get(language, language)
    if programs:
        source = programs[-1].text
        if not source.strip():
            return Extracted(None, f"the last {name} block was empty", idea)
        if "\0" in source:
            return Extracted(None, "the program holds a zero byte", idea)
        return Extracted(source if source.endswith("\n") else source + "\n", "", idea)
    python = language == "python"
    if python and not found and _parses(text) and re.search(r"^class \w+", text, re.MULTILINE):
        return Extracted(text if text.endswith("\n") else text + "\n")
    if found:
        return Extracted(None, f"the reply had code blocks, but none of them was {name}", idea)
    return Extracted(None, "the reply held no code block", idea)


def blocks(text: str) -> list[Block]:
    """Return every fenced block, in order; a fence is closed by one of the same sign, at least as long.

    The lines of an indented block lose its indentation, as in CommonMark.
    """
    found: list[Block] = []
    mark = info = above = prose = ""
    indent = 0
    lines: list[str] = []

    def close(*, closed: bool) -> None:
        found.append(Block(_label(info), "".join(lines), closed, info, above))

    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        fence = FENCE.match(bare)
        if not mark:
            if fence:
                mark, info, indent = fence["mark"], fence["label"].strip(), len(fence["indent"])
                lines, above = [], prose
            elif bare.strip():
                prose = bare
        elif (
            fence
            and fence["mark"].startswith(mark)
            and not fence["label"].strip()
            and len(fence["indent"]) <= indent + 3
        ):
            close(closed=True)
            mark = prose = ""
        else:
            lines.append(line[min(indent, len(line) - len(line.lstrip(" "))) :] if indent else line)
    if mark:
        close(closed=False)
    return found


def path_in(info: str) -> str:
    """Return the path of a file that what stands behind an opening fence names; empty if it names none."""
    found = _INFO.search(info) if len(info) < LONGEST_LINE else None
    return found["path"] if found else ""


def in_language(path: str, language: str) -> bool:
    """Whether a file is in a language, by its suffix."""
    _, dot, suffix = path.lower().rpartition(".")
    return bool(dot) and suffix in _labels(language)


def programs_in(found: Sequence[Block], language: str, entry: str = ENTRY) -> list[Block]:
    """Return the blocks that may be the program, the likeliest kind that there is.

    Before all go those that name its language or ``entry`` behind their fence, and no other path; then those
    that name the language and another path; then those that name a file in it by its suffix alone, and those
    without a label, for Python if they parse. Of these two kinds an unlabelled block of Python with a class
    or function goes first.

    Args:
        found: blocks of a reply, in order.
        language: of the program, see ``Program``.
        entry: path of the main file.
    """
    labels = _labels(language)
    named = [b for b in found if b.label in labels]
    files = [b for b in found if in_language(path_in(b.label), language)]
    ours = [b for b in found if b.label in labels or in_language(path_in(b.label), language)]
    bare = [b for b in found if not b.label and (language != "python" or _parses(b.text))]
    kinds = (
        [b for b in ours if f"/{path_in(b.info) or entry}".endswith(f"/{entry}")],
        named,
        [b for b in bare if defined(b.text)],
        files,
        bare,
    )
    return next(filter(None, kinds), [])


def _labels(language: str) -> Set[str]:
    return _PYTHON if language == "python" else _LABELS.get(language, {language})


def _label(info: str) -> str:
    """Return the language that stands behind an opening fence, without what else stands with it.

    Writers of Markdown put paths (``python:program.py``), attributes (``python{.numberLines}``), flags
    (``rust,ignore``) and standards (``c++20``) there.
    """
    words = info.lower().split()
    word = re.split("[:,{]", words[0].strip("{}."), maxsplit=1)[0] if words else ""
    standard = _STANDARD.fullmatch(word)
    return standard["language"] if standard else word


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in a foreign text are not our warnings
            return bool(ast.parse(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def first_prose(text: str) -> str:
    """Return the first line of prose, shortened."""
    outside = True
    for line in text.splitlines():
        if FENCE.match(line):
            outside = not outside
        prose = line.strip().lstrip("#>*- ").strip()
        if outside and prose and not FENCE.match(line):
            return prose if len(prose) <= _LONGEST_IDEA else prose[: _LONGEST_IDEA - 1] + "…"
    return ""
