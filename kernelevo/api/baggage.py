"""Baggage: which files a task names, so that machines without them can judge its programs."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from kernelevo.core import Parcel, Task
from kernelevo.core.parcel import LARGEST
from kernelevo.evaluators.foreign import PREFIX
from kernelevo.tasks import is_live


def baggage(task: Task) -> Parcel:
    """Return the files of a task that is judged on other machines; an empty parcel if it names none.

    These are: an evaluator's file, the modules beside it that it imports, files and folders beside it that
    its text names (``"cities.csv"``, ``"data"``); the whole of a foreign folder; a live module. More than
    ``core.parcel.LARGEST`` bytes are not sent: such files have to be on every machine already. Where folders
    make it so much, the files go without them.
    """
    name = task.evaluator
    if name.startswith(PREFIX):
        return Parcel.pack(_tree(Path(name.removeprefix(PREFIX))))
    if is_live(task):
        return Parcel.pack([Path(task.options["reference"]["path"])])
    file, _, function = name.rpartition(":")
    if function and file.endswith(".py"):
        files, folders = _with_neighbours(Path(os.path.expanduser(file)).resolve())
        whole = Parcel.pack(
            {*files, *(path for folder in folders for path in _tree(folder))}, largest=LARGEST
        )
        return whole if whole.files else Parcel.pack(files)
    return Parcel()


def _tree(folder: Path) -> Iterator[Path]:
    """Every file of a folder that is no cache and not hidden."""
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        if not any(part.startswith(".") or part == "__pycache__" for part in inside):
            yield path


def _with_neighbours(file: Path) -> tuple[set[Path], set[Path]]:
    """A Python file and what it needs of its folder, as far as its text says: files, and whole folders."""
    found: set[Path] = set()
    folders: set[Path] = set()
    border = [file]
    while border:
        path = border.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".py":
            near = {one for folder in {path.parent, file.parent} for one in _named(path, folder)}
            border += [one for one in near if os.path.isfile(one)]
            folders |= {one for one in near if os.path.isdir(one) and not one.name.startswith(".")}
    return found, folders


def _named(file: Path, folder: Path) -> Iterator[Path]:
    """What the text of a Python file may mean in a folder: its own, or that of the evaluator."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # whoever loads it says so
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module(folder, alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from _module(folder, node.module)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _may_name(node.value):
            near = Path(os.path.normpath(folder / node.value))
            if near.is_relative_to(folder) and near != folder:
                yield near


def _module(folder: Path, name: str) -> Iterator[Path]:
    """A module's file beside the one that imports it, or all of a package there."""
    top = name.split(".", maxsplit=1)[0]
    yield folder / f"{top}.py"
    yield from sorted((folder / top).rglob("*.py"))


def _may_name(text: str) -> bool:
    return 0 < len(text) < 200 and text.isprintable()
