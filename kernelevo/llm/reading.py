"""Reading: a reply becomes a program's files, whole or by edits, or a sentence why not; never executed."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kernelevo.core.program import ENTRY, path_problem
from kernelevo.llm.edits import Edit, NotApplied, apply, search_replace, unified
from kernelevo.llm.excerpts import defined, is_excerpt, is_piece, is_same
from kernelevo.llm.parsing import (
    LONGEST_LINE,
    Block,
    blocks,
    extract,
    first_prose,
    in_language,
    path_in,
    programs_in,
)

LONGEST = 1_000_000
"""Characters of a reply that are looked at; a longer one is refused unread."""
MANY = 200
"""Files or edits that one reply may have."""
FENCES = 2_000
"""Code fences, likewise."""
LOOKED_AT = 8
"""Last blocks of a reply that may be the whole program beside its edits; each is parsed, with the base."""
_BLOCK = re.compile(r"^[ \t]*<{4,10}[ \t]*(SEARCH|ORIGINAL|OLD|BEFORE|HEAD)\b", re.IGNORECASE | re.MULTILINE)
_DIFF = re.compile(r"^(@@ .*|@@\s*)$", re.MULTILINE)
_TITLE = re.compile(
    r"""^[#*\s>-]*(?:(?:file|path|filename)\s*:?\s*)?[`*"']*(?P<path>[\w./+-]+\.[A-Za-z]\w{0,4})[`*"':\s]*$""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Read:
    """What a reply holds: a program's files, or the reason why there is none.

    Args:
        files: path -> text, or None.
        refusal: one sentence, why there is no program; empty if there is one.
        idea: the first line of prose, what was tried.
        form: ``file``, ``files``, ``edits``, ``diff`` or ``json``.
        overlooked: how quoted lines differed from the program's, where they did.
    """

    files: Mapping[str, str] | None
    refusal: str = ""
    idea: str = ""
    form: str = "file"
    overlooked: tuple[str, ...] = ()


def read(
    text: str,
    base: Mapping[str, str] | None = None,
    *,
    entry: str = ENTRY,
    cut_off: bool = False,
    language: str = "python",
) -> Read:
    """Read a reply.

    Looked for, in this order: JSON (``{"files": {path: text}}``, ``{"code": text}`` or
    ``{"edits": [{"file", "search", "replace"}]}``), SEARCH/REPLACE blocks, a unified diff, several named
    blocks, the last block in the program's language. A whole Python program in a block goes before JSON and
    edits beside it, which may show a part of what was changed. Edits apply to ``base``; they may be off by
    white space, indentation, line numbers and some context, as long as there is exactly one place that they
    can mean. Whose file is named nowhere (in the edit, above it, behind its fence) has to quote what one file
    alone holds. A text that is the main file alone leaves the base's other files where they are, unless it
    uses none of them. Where the base is one file and the reply names it otherwise, the one file in its
    language is meant.

    Args:
        text: the reply, without thoughts before it (see ``Reply.answer``).
        base: files of the program that the prompt showed first, if it showed one.
        entry: path of the main file.
        cut_off: True if the endpoint said that the reply ran into its limit.
        language: of the program.
    """
    if len(text) > LONGEST:
        return Read(None, f"the reply has {len(text)} characters, more than {LONGEST} are not read")
    if text.count("```") + text.count("~~~") > FENCES:
        return Read(None, f"the reply has more than {FENCES} code fences")
    idea = first_prose(text)
    try:
        found = _formed(text, base, entry, cut_off, language) or _several(text, base, entry, language)
    except NotApplied as why:
        return Read(None, str(why), idea)
    if found is None:
        single = extract(text, cut_off=cut_off, language=language, entry=entry)
        if single.source is None:
            return Read(None, single.refusal, single.idea)
        return Read(_with_others(single.source, base, entry), "", single.idea)
    files, form, overlooked = found
    problem = _problem(files, base, entry)
    if problem:
        return Read(None, problem, idea, form)
    return Read(files, "", idea, form, overlooked)


Found = tuple[Mapping[str, str], str, tuple[str, ...]]


def _with_others(source: str, base: Mapping[str, str] | None, entry: str) -> dict[str, str]:
    """Return the main file with those of the base beside it that it may use."""
    beside = {path: text for path, text in (base or {}).items() if path != entry}
    used = not entry.endswith(".py") or _mentions(source, beside)
    return {**(beside if used else {}), entry: source}


def _mentions(source: str, paths: Iterable[str]) -> bool:
    """Whether a text may use any of these files: it has the name of one, or of its folder, as a word."""
    words = {part.partition(".")[0] for path in paths for part in path.split("/")} - {"__init__"}
    return any(re.search(rf"\b{re.escape(w)}\b", source) for w in words if w)


def _formed(
    text: str, base: Mapping[str, str] | None, entry: str, cut_off: bool, language: str
) -> Found | None:
    """Return what JSON or edits make of the base; the whole program beside them goes before that."""
    whole = None
    try:
        found = _json(text, base, entry, language) or _edits(text, base, entry, cut_off)
        if found is not None:
            whole = _whole(text, base, entry, language)
    except NotApplied:
        found, whole = None, _whole(text, base, entry, language)
        whole = whole or _last(text, base, entry, cut_off, language)
        if whole is None:
            raise
    if whole is None:
        return found
    beside = {**(found[0] if found else base or {}), **_others(text, base, entry)}
    return _with_others(whole, beside, entry), "file", ()


def _whole(text: str, base: Mapping[str, str] | None, entry: str, language: str) -> str | None:
    """Return the last block that surely is a whole program, and not the one that was shown."""
    if not entry.endswith(".py"):
        return None
    before = (base or {}).get(entry, "")
    closed = [b for b in blocks(text) if b.closed and _name(b) not in set(base or {}) - {entry}]
    for block in programs_in(closed, language, entry)[: -LOOKED_AT - 1 : -1]:
        if not (is_excerpt(block.text, before) or is_same(block.text, before)):
            return _ended(block.text)
    return None


def _last(text: str, base: Mapping[str, str] | None, entry: str, cut_off: bool, language: str) -> str | None:
    """Return the last block if it is no piece: for edits that cannot be made, it need not be surely whole."""
    if not entry.endswith(".py"):
        return None
    before = (base or {}).get(entry, "")
    source = extract(text, cut_off=cut_off, language=language, entry=entry).source
    return None if source is None or is_piece(source, before) or source == before else source


def _others(text: str, base: Mapping[str, str] | None, entry: str) -> dict[str, str]:
    """Return the base's files other than the main one that a reply gives whole."""
    named = {_name(b): b for b in blocks(text) if b.closed and not (_is_diff(b) or _BLOCK.search(b.text))}
    return {path: _ended(named[path].text) for path in base or {} if path != entry and path in named}


def _json(text: str, base: Mapping[str, str] | None, entry: str, language: str) -> Found | None:
    data = _object(text)
    if data is None:
        return None
    files, edits = data.get("files"), data.get("edits")
    if isinstance(files, list):
        files = {str(f.get("path")): f.get("content") for f in files if isinstance(f, dict)}
    if isinstance(files, dict) and files and all(isinstance(v, str) for v in files.values()):
        named = {_as_known(str(k), base, entry): _ended(v) for k, v in files.items()}
        return _placed(named, base, entry, language), "json", ()
    if isinstance(edits, list) and edits:
        _refuse_many(len(edits))
        made = apply([_edit(edit) for edit in edits], _shown(base), entry)
        return made.files, "json", made.overlooked
    for key in ("code", "program", "source", "content"):
        code = data.get(key)
        if isinstance(code, str) and code.strip() and not _stands_beside(text, code, entry, language):
            return _with_others(_ended(code), base, entry), "json", ()
    return None


def _as_known(path: str, base: Mapping[str, str] | None, entry: str) -> str:
    """Return a path without ``./`` before it, where that is a file of the program."""
    bare = path.removeprefix("./")
    return bare if bare == entry or bare in (base or {}) else path


def _stands_beside(text: str, code: str, entry: str, language: str) -> bool:
    """Whether a block of the reply is the program rather than this text of its JSON, maybe a setting."""
    beside = programs_in([b for b in blocks(text) if b.closed], language, entry)
    return any(defined(b.text) for b in beside) or bool(beside and beside[-1].label and not defined(code))


def _edit(data: Any) -> Edit:
    names = (("search", "old", "find"), ("replace", "new"))
    values = (
        [next((data[n] for n in group if n in data), None) for group in names]
        if isinstance(data, dict)
        else []
    )
    if len(values) != 2 or not all(isinstance(v, str) for v in values):
        raise NotApplied("an edit in the JSON lacks its 'search' or 'replace'")
    old, new = (tuple(str(v).split("\n")) for v in values)
    return Edit(str(data.get("file") or data.get("path") or ""), old, new)


def _object(text: str) -> dict[str, Any] | None:
    """Return the one JSON object that a reply is made of, in a fence or not."""
    fenced = [b.text for b in blocks(text) if b.label in ("json", "jsonc", "json5") and b.closed]
    candidates = fenced if len(fenced) == 1 else [text] if text.lstrip()[:1] == "{" else []
    for candidate in candidates:
        for attempt in (candidate, re.sub(r",(\s*[}\]])", r"\1", candidate)):
            try:
                data = json.loads(attempt, strict=False)
            except (ValueError, RecursionError):
                continue
            return data if isinstance(data, dict) else None
    return None


def _edits(text: str, base: Mapping[str, str] | None, entry: str, cut_off: bool) -> Found | None:
    if _BLOCK.search(text):
        edits, form = search_replace(text), "edits"
    else:
        source = _diff_text(text)
        if source is None:
            return None
        edits, form = unified(source), "diff"
    if cut_off:
        raise NotApplied("the reply ran into its token limit; its edits may not be all")
    _refuse_many(len(edits))
    made = apply(edits, _shown(base), entry)
    return made.files, form, made.overlooked


def _refuse_many(edits: int) -> None:
    if edits > MANY:
        raise NotApplied(f"the reply has {edits} edits, more than {MANY} are not made")


def _diff_text(text: str) -> str | None:
    found = blocks(text)
    marked = [b for b in found if _is_diff(b)]
    if marked:
        if not all(b.closed for b in marked):
            raise NotApplied("the reply was cut off inside its diff")
        return "\n".join(f"+++ {_name(b) or ''}\n{b.text}" for b in marked)  # its own heads go before that
    return text if not found and _looks_like_diff(text) else None


def _is_diff(block: Block) -> bool:
    return block.label in ("diff", "patch", "udiff") or _looks_like_diff(block.text)


def _looks_like_diff(text: str) -> bool:
    return bool(_DIFF.search(text)) and bool(re.search(r"^[+-]", text, re.MULTILINE))


def _several(text: str, base: Mapping[str, str] | None, entry: str, language: str) -> Found | None:
    """Blocks with names above them or in their first lines, if there are at least two of them."""
    named: dict[str, str] = {}
    for block in blocks(text):
        name = _name(block)
        if name is None:
            continue
        if not block.closed:
            raise NotApplied(f"the reply was cut off inside {name}")
        named[name] = _ended(block.text)
    if len(named) > MANY:
        raise NotApplied(f"the reply has {len(named)} files, more than {MANY} are not taken")
    if len(named) < 2 and not (base and len(base) > 1 and named):
        return None
    return _placed(named, base, entry, language), "files", ()


def _placed(
    named: Mapping[str, str], base: Mapping[str, str] | None, entry: str, language: str
) -> dict[str, str]:
    """Return the program that named files make, with the base's beside them.

    Raises:
        NotApplied: if none of them is the main file, or they leave the program what it was.
    """
    before = base or {}
    if entry in named:
        return {**before, **named}
    if entry not in before or len(before) == 1:
        ours = [n for n in named if n.endswith(f"/{entry}")] or [n for n in named if in_language(n, language)]
        if entry not in before or len(ours) != 1:
            raise NotApplied(f"the reply has the files {', '.join(named)}, but no {entry}")
        main = named[ours[0]]
        return {entry: main, **{n: t for n, t in named.items() if n != ours[0] and _mentions(main, [n])}}
    new = [name for name in named if name not in before]
    same = all(before[name] == text for name, text in named.items() if name in before)
    if new and same and not any(_mentions(text, new) for text in before.values()):
        names, files = ", ".join(new), ", ".join(before)
        raise NotApplied(f"the reply adds {names}, which no file of the program uses; its files are {files}")
    return {**before, **named}


def _name(block: Block) -> str | None:
    """The path that a block is given behind its fence or in the line above it."""
    if path := path_in(block.info):
        return path.removeprefix("./")
    found = _TITLE.match(block.above) if len(block.above) < LONGEST_LINE else None
    return found["path"].removeprefix("./") if found else None


def _shown(base: Mapping[str, str] | None) -> Mapping[str, str]:
    if not base:
        raise NotApplied("the reply edits a program, but there is none yet: answer with a whole file")
    return base


def _problem(files: Mapping[str, str], base: Mapping[str, str] | None, entry: str) -> str:
    """Say why files cannot be a program, if they cannot."""
    problem = path_problem(files)
    if problem:
        return problem
    if len(files) > 1 and ENTRY not in files:  # nobody could tell which of them is the program
        return f"a program whose main file is {entry} is one file: put all of {', '.join(files)} into it"
    for path, text in files.items():
        if "\0" in text:
            return f"{path} holds a zero byte"
    source = files.get(entry, "")
    if not source.strip():
        return f"{entry} is empty"
    if base and entry in base and entry.endswith(".py") and _parses(base[entry]) and not _parses(source):
        return f"after the edits {entry} is not Python any more: {_syntax(source)}"
    return ""


def _syntax(source: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error)
    return ""


def _parses(source: str) -> bool:
    return not _syntax(source)


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
