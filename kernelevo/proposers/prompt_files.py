"""Prompt files: Markdown with named slots, those of a person's folder before our own."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from kernelevo.errors import BadSetting, closest

SLOT = re.compile(r"\{\{(\w+)\}\}")
_DYNAMIC = {"persona", "parents", "inspirations", "failures", "lineage", "profile", "direction", "hints",
            "knowledge", "answer"}  # fmt: skip
SLOTS: Mapping[str, frozenset[str]] = {
    "system.md": frozenset(),
    "kernel.md": frozenset({"goal", "aim", "task", "device", "policy", *_DYNAMIC}),
    "general.md": frozenset({"goal", "aim", "device", *_DYNAMIC}),
    "summary.md": frozenset({"task", "device", "table"}),
    "judge_system.md": frozenset(),
    "judge.md": frozenset({"top", "criteria", "goal", "program", "verdict", "form"}),
}
"""Slots that each file has to have, all of them and no others. Personas have none."""
PERSONAS = "personas/"
_HEAD = re.compile(r"\A\+\+\+\n(.*?)\n\+\+\+\n", re.DOTALL)
_HEAD_KEYS = {"temperature", "direction"}


@dataclass(frozen=True)
class Persona:
    """One way of looking at a task, with its own prompt.

    Args:
        name: of its file, e.g. ``"fusion"``.
        temperature: how varied its replies are.
        direction: one sentence, the region that it explores; it steers a line of a cold start.
        text: what the prompt tells the model to be.
    """

    name: str
    temperature: float
    direction: str
    text: str


@dataclass(frozen=True)
class PromptFiles:
    """All prompt files of a run, read and checked once.

    Args:
        texts: path below the prompts' folder -> text.
        folder: where a person's own files came from, for messages.
    """

    texts: Mapping[str, str]
    folder: Path | None = None
    digests: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path | None = None) -> PromptFiles:
        """Read our files, and over them those of a person's folder.

        The folder may hold the files of ``SLOTS``, and personas under ``personas/kernel/`` or
        ``personas/general/``: one of our names replaces ours, any other is one more.

        Raises:
            BadSetting: for a folder that is not there, an unknown file, an unknown or missing slot, or the
                head of a persona that cannot be read.
        """
        texts = dict(_ours())
        if folder is not None:
            if not folder.is_dir():
                raise BadSetting(f"there is no folder {folder} with prompts", now="--prompts FOLDER")
            own = dict(_read(folder))
            if not own:
                raise BadSetting(
                    f"{folder} holds no prompt",
                    why=f"looked for {', '.join(sorted(SLOTS))}",
                    now="give the files of your prompts these names",
                )
            for name in own:
                if name not in SLOTS and not name.startswith((PERSONAS + "kernel/", PERSONAS + "general/")):
                    raise BadSetting(
                        f"{folder}/{name} is no prompt of ours",
                        why=closest(name, [*SLOTS, *(n for n in texts if n.startswith(PERSONAS))]),
                        now="name it like the prompt that it shall replace",
                    )
            texts.update(own)
        for name, text in texts.items():
            check_slots(name, text, SLOTS.get(name, frozenset()))
        digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
        loaded = cls(texts, folder, digests)
        for kind in ("kernel", "general"):
            loaded.personas(kind)  # which refuses a head that cannot be read
        return loaded

    def personas(self, kind: str) -> tuple[Persona, ...]:
        """Return the personas for ``"kernel"`` or ``"general"`` tasks, by name.

        Raises:
            BadSetting: for a head that cannot be read.
        """
        start = f"{PERSONAS}{kind}/"
        return tuple(
            _persona(name, name.removeprefix(start).removesuffix(".md"), text)
            for name, text in sorted(self.texts.items())
            if name.startswith(start)
        )

    def fill(self, name: str, slots: Mapping[str, str]) -> str:
        """Fill one file's slots; see :func:`fill`."""
        return fill(self.texts[name], slots)

    def digest(self, *names: str) -> str:
        """Return a hash over some of the files; it changes when any of them does."""
        return hashlib.sha256(" ".join(self.digests[name] for name in names).encode()).hexdigest()


def fill(text: str, slots: Mapping[str, str]) -> str:
    """Put values into ``{{name}}`` slots in one pass, so that a value's own braces stay as they are.

    A slot that has a line to itself takes the line with it if its value is empty.

    Raises:
        KeyError: if the template has a slot without a value, or a value has no slot.
    """
    names = set(SLOT.findall(text))
    if names != set(slots):
        raise KeyError(f"slots of the template and values differ: {sorted(names ^ set(slots))}")
    for name in (n for n, value in slots.items() if not value):
        text = re.sub(rf"^\{{\{{{name}\}}\}}\n+", "", text, flags=re.MULTILINE)
    return SLOT.sub(lambda match: slots[match[1]], text)


def check_slots(name: str, text: str, wanted: frozenset[str]) -> None:
    """Refuse a file whose slots are not exactly the wanted ones.

    Raises:
        BadSetting: naming the slot that is unknown or missing.
    """
    found = set(SLOT.findall(text))
    for slot in sorted(found - wanted):
        raise BadSetting(
            f"{name} has a slot {{{{{slot}}}}} that nothing fills",
            why=closest(slot, wanted),
            now="use one of these, or take it out",
        )
    for slot in sorted(wanted - found):
        raise BadSetting(
            f"{name} lacks the slot {{{{{slot}}}}}",
            why="what belongs there would never reach the model",
            now=f"put {{{{{slot}}}}} on a line of its own",
        )


def _persona(path: str, name: str, text: str) -> Persona:
    head = _HEAD.match(text)
    if head is None:
        raise BadSetting(
            f"the prompt {path} has no head",
            why="a persona begins with temperature and direction between two lines of +++",
            now='+++\\ntemperature = 0.8\\ndirection = "..."\\n+++',
        )
    try:
        data: dict[str, Any] = tomllib.loads(head[1])
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(
            f"the head of {path} cannot be read",
            why=str(error),
            now="write it as TOML between two lines of +++",
        ) from error
    if set(data) != _HEAD_KEYS:
        odd = sorted(set(data) ^ _HEAD_KEYS)[0]
        raise BadSetting(
            f"the head of {path} is not as it should be: {odd}",
            why="temperature and direction",
            now="write these two, each on a line, between two lines of +++",
        )
    warmth, direction = data["temperature"], data["direction"]
    if isinstance(warmth, bool) or not isinstance(warmth, int | float) or not 0 <= warmth <= 2:
        raise BadSetting(
            f"{path}: temperature must be a number from 0 to 2, not {warmth!r}", now="correct the line"
        )
    if not isinstance(direction, str) or not direction.strip():
        raise BadSetting(f"{path}: direction must be a sentence, not {direction!r}", now="correct the line")
    return Persona(name, float(warmth), direction.strip(), text[head.end() :].strip())


@cache
def _ours() -> tuple[tuple[str, str], ...]:
    folder = Path(str(files("kernelevo.proposers").joinpath("prompts")))
    return tuple(_read(folder))


def _read(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*.md")):
        name = path.relative_to(folder).as_posix()
        if name == "README.md":
            continue
        try:
            yield name, path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(
                f"the prompt {path} cannot be read",
                why=str(error),
                now="check who may read it, and that it is UTF-8",
            ) from error
