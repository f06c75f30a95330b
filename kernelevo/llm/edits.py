"""Edits: SEARCH/REPLACE blocks and unified diffs, read from a reply and applied to a program's files."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kernelevo.core.program import path_problem
from kernelevo.llm.locating import NotFound, locate, shifted
from kernelevo.llm.parsing import FENCE, path_in

_SEARCH = re.compile(r"^\s*<{4,10}\s*(SEARCH|ORIGINAL|OLD|BEFORE|HEAD)?\b.*$", re.IGNORECASE)
_MIDDLE = re.compile(r"^\s*={4,10}\s*$")
_REPLACE = re.compile(r"^\s*(?P<mark>>{4,10})\s*(?P<word>\b.*)?$")
_HUNK = re.compile(r"^@@(?P<where>.*)$")
_NAME = re.compile(r"^[\w./+-]*\.\w{1,5}$")
_META = re.compile(
    r"(diff --git |Index: |index [0-9a-f]{4,}\.\.[0-9a-f]{4,}|(new|deleted) file mode \d|(old|new) mode \d"
    r"|(dis)?similarity index \d|(rename|copy) (from|to) )"
)
FUZZ = 2
"""Lines of context that may be given up at either end of a hunk, as patch(1) does."""


class NotApplied(Exception):
    """An edit that cannot be made for sure; the text says why."""


@dataclass(frozen=True)
class Edit:
    """Lines to be replaced by others.

    Args:
        file: path as the model names it; empty for the one file that holds what is there now.
        old: what is there now, without line ends; empty to append at the end.
        new: what shall be there.
        lead: how many first lines of both are context only.
        tail: how many last lines of both are.
        bare: the same edit if the diff's context has no space in front, where one may have been taken for it.
    """

    file: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    lead: int = 0
    tail: int = 0
    bare: Edit | None = None


@dataclass(frozen=True)
class Applied:
    """Files after all edits, and what was overlooked on the way."""

    files: Mapping[str, str]
    overlooked: tuple[str, ...] = ()


def search_replace(text: str) -> list[Edit]:
    """Return the SEARCH/REPLACE blocks of a reply, each with the path above it or behind its fence.

    Raises:
        NotApplied: for a block that has a beginning and no end, no middle, or several lines that may be it.
    """
    edits: list[Edit] = []
    body: list[str] | None = None
    name = before = mark = ""
    behind = False  # whether ``before`` stood behind the fence that is open
    for line in text.splitlines():
        if body is None and _SEARCH.match(line):
            body, name, mark = [], _named(before), line
        elif body is None:
            if fence := FENCE.match(line):
                path = path_in(fence["label"].strip())
                if path or behind:
                    before, behind = path, bool(path)
            elif line.strip() and not line.strip().startswith(("```", "~~~")):
                before, behind = line, False
        elif _ends(line, mark):
            edits.append(_halves(name, body, mark.count("<")))
            body = None
        elif _SEARCH.match(line):
            raise NotApplied("a SEARCH/REPLACE block begins before the one above it has ended")
        else:
            body.append(line)
    if body is not None:
        raise NotApplied("the last SEARCH/REPLACE block is cut off")
    return edits


def _ends(line: str, mark: str) -> bool:
    """Whether a line ends a block: one without a word only if it is as long as the block's first mark.

    Else it may be code: four closing brackets of templates can stand alone.
    """
    found = _REPLACE.match(line)
    return bool(found and (found["word"] or len(found["mark"]) == mark.count("<")))


def _halves(name: str, body: Sequence[str], length: int) -> Edit:
    """Divide a block at its middle: of several such lines (underlined titles) that of the marks' length."""
    lines = [i for i, line in enumerate(body) if _MIDDLE.match(line)]
    middle = [i for i in lines if len(body[i].strip()) == length] or lines
    if len(middle) != 1:
        raise NotApplied(f"a SEARCH/REPLACE block has {len(middle) or 'no'} ======= lines")
    return Edit(name, tuple(body[: middle[0]]), tuple(body[middle[0] + 1 :]))


def unified(text: str) -> list[Edit]:
    """Return the hunks of unified diffs; line numbers and counts are not believed, only lines.

    Raises:
        NotApplied: for a hunk without a change.
    """
    edits: list[Edit] = []
    name = ""
    hunk: list[str] | None = None

    def close() -> None:
        nonlocal hunk
        if hunk is not None:
            edits.append(_hunk(name, hunk))
        hunk = None

    for line in text.splitlines():
        if line.startswith("--- ") and not (hunk and _is_removal(line, hunk)):
            close()
        elif line.startswith("+++ "):
            close()
            name = _path(line[4:])
        elif _HUNK.match(line):
            close()
            hunk = []
        elif _META.match(line):
            close()
        elif line.startswith("\\"):
            continue
        elif hunk is not None:
            hunk.append(line)
    close()
    return edits


def apply(edits: Sequence[Edit], files: Mapping[str, str], entry: str) -> Applied:
    """Make all edits, in order, or none.

    Args:
        edits: what a reply asks for.
        files: the program's files.
        entry: path of the main file, which edits without a name mean where they quote nothing.

    Raises:
        NotApplied: if there is none, or one cannot be made for sure.
    """
    if not edits:
        raise NotApplied("the reply changes nothing")
    texts = dict(files)
    overlooked: list[str] = []
    for number, edit in enumerate(edits, 1):
        nameless = not edit.file and len(texts) > 1
        path = _holder(edit, texts, entry) if nameless else _which(edit.file, texts, entry, new=not edit.old)
        text = texts.get(path, "")
        end = "\r\n" if "\r\n" in text else "\n"
        try:
            changed, how = _read_twice(_lines(text), edit)
        except NotFound as lost:
            raise NotApplied(f"edit {number} of {len(edits)} cannot be made in {path}: {lost}") from None
        texts[path] = end.join(changed)
        overlooked += [how] if how else []
    if texts == dict(files):
        raise NotApplied("the edits leave the program as it was")
    return Applied(texts, tuple(dict.fromkeys(overlooked)))


def _read_twice(lines: list[str], edit: Edit) -> tuple[list[str], str]:
    """Make an edit as it stands; with bare context where only that is an exact quote."""
    found: tuple[list[str], str] | None = None
    lost: NotFound | None = None
    try:
        found = _change(lines, edit)
    except NotFound as error:
        lost = error
    if edit.bare is not None and (found is None or found[1]):
        with contextlib.suppress(NotFound):
            changed, how = _change(lines, edit.bare)
            if not how:
                return changed, "context without its space"
    if found is None:
        raise lost or NotFound("its context is nowhere")
    return found


def _change(lines: list[str], edit: Edit) -> tuple[list[str], str]:
    if not [line for line in edit.old if line.strip()]:
        if [line for line in lines if line.strip()]:
            raise NotFound("it says nothing about where the new lines belong")
        return [*edit.new, ""], ""
    old, new = list(edit.old), list(edit.new)
    problem: NotFound | None = None
    for fuzz in range(max(min(FUZZ, max(edit.lead, edit.tail)), 0) + 1):
        head, foot = min(fuzz, edit.lead), min(fuzz, edit.tail)
        rest, put = old[head : len(old) - foot], new[head : len(new) - foot]
        if fuzz and len([line for line in rest if line.strip()]) < 2:
            break
        try:
            place = locate(lines, rest)
        except NotFound as lost:
            problem = problem or lost
            if "places" in str(lost):  # less context cannot make it one place
                break
            continue
        front = _blank_front(rest)
        back = _blank_front(rest[::-1])
        # blank lines at the ends of a quote are not part of the place: they go from the new lines too
        put = put[_common(put, front) : len(put) - _common(put[::-1], back)]
        how = place.how or ("context that is not there" if fuzz else "")
        return [*lines[: place.begin], *shifted(put, place), *lines[place.end :]], how
    raise problem or NotFound("its context is nowhere")


def _blank_front(lines: Sequence[str]) -> int:
    count = 0
    for line in lines:
        if line.strip():
            break
        count += 1
    return count


def _common(lines: Sequence[str], most: int) -> int:
    return min(_blank_front(lines), most)


def _hunk(name: str, lines: list[str]) -> Edit:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    edit = _read_hunk(name, lines, bare=False)
    bare = _read_hunk(name, lines, bare=True)
    return edit if edit == bare else replace(edit, bare=bare)


def _read_hunk(name: str, lines: list[str], *, bare: bool) -> Edit:
    old: list[str] = []
    new: list[str] = []
    kinds = ""
    for line in lines:
        if line.startswith("-"):
            old.append(line[1:])
            kinds += "-"
        elif line.startswith("+"):
            new.append(line[1:])
            kinds += "+"
        else:
            same = line if bare or not line.startswith(" ") else line[1:]  # models forget that space
            old.append(same)
            new.append(same)
            kinds += " "
    if set(kinds) <= {" "}:
        raise NotApplied("a hunk of the diff changes nothing")
    lead = len(kinds) - len(kinds.lstrip(" "))
    tail = len(kinds) - len(kinds.rstrip(" "))
    return Edit(name, tuple(old), tuple(new), lead, tail)


def _is_removal(line: str, hunk: list[str]) -> bool:
    """Whether ``--- x`` inside a hunk is a removed line ``-- x`` (SQL, Lua) and not another file."""
    return bool(hunk) and not re.match(r"^--- (a/|/dev/null|[\w./+-]+\.\w+(\s|$))", line)


def _path(text: str) -> str:
    path = text.split("\t", maxsplit=1)[0].strip().strip('"')
    return re.sub(r"^[ab]/", "", path)


def _named(line: str) -> str:
    """Return the path that a line above a block names, if it does."""
    if len(line) > 300:
        return ""
    word = re.sub(r"^(file|path)\s*:\s*", "", line.strip().strip("#*`: ").strip(), flags=re.IGNORECASE)
    word = word.strip("`* ")
    return word if _NAME.match(word) else ""


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


def _holder(edit: Edit, texts: Mapping[str, str], entry: str) -> str:
    """Return the one file that holds what an edit without a name quotes; the main file where none does."""
    if not any(line.strip() for line in edit.old):
        return entry
    found: dict[str, str] = {}
    several = []
    for path, text in texts.items():
        try:
            found[path] = _read_twice(_lines(text), edit)[1]
        except NotFound as lost:
            if "places" in str(lost):
                several.append(path)
    exact = [path for path, how in found.items() if not how]
    holders = [*(exact or found), *several]
    if len(holders) > 1:
        raise NotApplied(f"an edit names no file, and {' and '.join(holders)} hold what it quotes: name one")
    return holders[0] if holders else entry


def _which(name: str, texts: Mapping[str, str], entry: str, *, new: bool) -> str:
    """Return the file that a name means; a single-file program has many names in models' mouths."""
    if not name or name in texts:
        return name or entry
    ends = [path for path in texts if path.endswith("/" + name) or name.endswith("/" + path)]
    if len(ends) == 1:
        return ends[0]
    if len(texts) == 1 and not new:
        return next(iter(texts))
    if new and name != "/dev/null" and not path_problem([name]):
        return name
    raise NotApplied(f"the program has no file {name!r}")
