"""Upstream tasks: KernelBench files of a checkout, or rows of its dataset, read as they are.

Nothing is imported or executed. Layouts that are known, below a folder or its ``KernelBench`` folder:

- a checkout: ``level1/12_Name.py``;
- the dataset: parquet or arrow files (they need pyarrow), ``json`` or ``jsonl`` exports, with the columns
  ``code``, ``name``, ``problem_id`` and ``level``; a missing level is that of the file's or folder's name.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelevo.errors import BadProgram, BadSetting
from kernelevo.tasks import table_files

_STEM = re.compile(r"(\d{1,4})_(.+)")  # level 4 has names like 1_EleutherAI-gpt-neo-2p7B_bs32_seq256
_LEVEL = re.compile(r"level[_-]?(\d)")
_NEEDED = ("Model", "get_inputs", "get_init_inputs")
# what ast.parse raises: ValueError for a zero byte or half a surrogate pair, the last two for deep nesting
_NOT_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class GivenTask:
    """One task of somebody else's.

    Args:
        number: in its level.
        title: its name in words.
        text: source in KernelBench form, unchanged.
        where: file (and row) that it was read from, relative to the folder.
        problem: why it cannot be used, empty if it can.
    """

    number: int
    title: str
    text: str
    where: str
    problem: str = ""


@dataclass(frozen=True)
class Level:
    """What a folder holds of one level.

    Args:
        tasks: by number, in order; one that is broken says so.
        unread: files and rows of which not even the number is known, with the reason.
    """

    tasks: Mapping[int, GivenTask]
    unread: tuple[str, ...] = ()


def read_level(folder: Path, level: int) -> Level:
    """Read one level of a checkout or of the dataset.

    Raises:
        BadSetting: if the folder is missing, or holds nothing of this level.
    """
    if not folder.is_dir():
        raise BadSetting(
            f"there is no folder {folder}", now="--from takes a KernelBench checkout or its dataset"
        )
    unread: list[str] = []
    found: dict[int, GivenTask] = {}
    whole = Path(os.path.abspath(folder))  # "." has no name, and a name may say the level
    for task in _everything(whole, level, unread):
        if task.number in found:
            unread.append(f"{task.where}: {found[task.number].where} has the number {task.number} already")
        else:
            found[task.number] = task
    if not found:
        raise BadSetting(
            f"{folder} holds no task of level {level}",
            why="; ".join(unread[:5])
            or f"looked for level{level}/N_Name.py and for dataset files (parquet, arrow, json, jsonl) there "
            "and in its folders KernelBench and data",
            now="give the folder of a KernelBench checkout or of its dataset",
        )
    return Level({n: found[n] for n in sorted(found)}, tuple(unread))


def _everything(folder: Path, level: int, unread: list[str]) -> Iterator[GivenTask]:
    homes = [folder / part for part in (".", "KernelBench", "kernelbench", "KernelBench/KernelBench", "data")]
    names = (f"level{level}", f"level_{level}")
    places = [home / name for home in homes for name in names if (home / name).is_dir()]
    if folder.name in names:
        places.append(folder)
    seen: set[Path] = set()
    for place in places:
        if place.resolve() not in seen:
            seen.add(place.resolve())
            yield from _files(folder, place, unread)
    for path in table_files.files([*(h for h in homes if h.is_dir()), *places]):
        told = _LEVEL.search(f"{path.parent.name}/{path.name}")
        if told is None or int(told[1]) == level:
            yield from _rows(folder, path, level, told is not None, unread)


def _files(folder: Path, place: Path, unread: list[str]) -> Iterator[GivenTask]:
    for path in sorted(place.glob("*.py")):
        where = spelled(path.relative_to(folder).as_posix())
        stem = _STEM.fullmatch(path.stem)
        if path.name == "__init__.py":
            continue
        if stem is None:
            unread.append(f"{where}: not named N_Name.py")
            continue
        try:
            text, problem = path.read_text("utf-8-sig"), ""
        except (OSError, UnicodeDecodeError) as error:
            text, problem = "", f"it cannot be read as text: {error}"
        yield GivenTask(int(stem[1]), writable(stem[2]), text, where, problem or broken(text))


def _rows(folder: Path, path: Path, level: int, of_level: bool, unread: list[str]) -> Iterator[GivenTask]:
    name = spelled(path.relative_to(folder).as_posix())
    try:
        for number, row in table_files.rows(path):
            where = f"{name}, row {number}"
            if not isinstance(row, Mapping):
                unread.append(f"{where}: {row}")
                continue
            given = row.get("level")
            told = _whole(given) if given is not None else (level if of_level else None)
            if told is None:
                unread.append(f"{where}: it says no level")
            elif told == level:
                yield from _row(row, where, unread)
    except BadProgram as error:
        unread.append(f"{name}: {error.what}" + (f" ({error.why})" if error.why else ""))


def _row(row: Mapping[str, Any], where: str, unread: list[str]) -> Iterator[GivenTask]:
    stem = _STEM.fullmatch(str(row.get("name") or "").removesuffix(".py"))
    number = _whole(row.get("problem_id")) or (int(stem[1]) if stem else None)
    if number is None:
        unread.append(f"{where}: neither problem_id nor a name like 12_Name")
        return
    code = row.get("code")
    text = code if isinstance(code, str) else ""
    title = stem[2] if stem else str(row.get("name") or number)
    yield GivenTask(number, writable(title), writable(text), where, broken(text))


def _whole(value: Any) -> int | None:
    """A whole number however it is written: 3, 3.0, "3", "level_3"; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    found = re.fullmatch(r"(?:level[_-]?)?(\d{1,4})(?:\.0)?", str(value).strip())
    return int(found[1]) if found else None


def writable(text: str) -> str:
    """Return a text as a file can hold it: JSON may bring half a surrogate pair, for which ``?`` stands."""
    return text.encode(errors="replace").decode()


def spelled(name: str) -> str:
    """Return a file's name as a record can hold it: bytes that are no UTF-8 are spelled out (``\\udce9``)."""
    return name.encode(errors="backslashreplace").decode()


def broken(text: str) -> str:
    """Say why a text is no task in KernelBench form; empty if it looks like one."""
    try:
        tree = ast.parse(text)
    except _NOT_PYTHON as error:
        return f"it is not valid Python: {str(error) or type(error).__name__}"
    bound = {n.name for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}
    missing = [name for name in _NEEDED if name not in bound]
    return f"it defines no {', no '.join(missing)}" if missing else ""
