"""Beside: the further files of a program, and its modules among those of whoever imports it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from kernelevo.errors import BuildError


def written(source: str, path: Path) -> None:
    """Write the file unless it is there with this text; another process or thread may do the same just now.

    Bytes are compared: read as text, a file with other line ends than ours would never be the one we wrote.
    """
    content = source.encode()
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def lay_beside(files: Mapping[str, str], folder: Path) -> None:
    """Write a program's other files, and let its modules be imported by their names.

    Raises:
        BuildError: if a module of that name is imported already, so that ``import`` would find that one.
    """
    for path, text in files.items():
        written(text, folder / path)
    names = {Path(path).parts[0].removesuffix(".py") for path in files if path.endswith(".py")}
    for name in sorted(names & sys.modules.keys()):
        file = getattr(sys.modules[name], "__file__", None)
        if file is None or folder not in Path(file).parents:
            raise BuildError(
                f"the program's file {name}.py has the name of a module that is imported already",
                why=f"import {name} would find {file or 'a module of Python itself'}",
                now="give the file another name, or import it relatively: from . import ...",
            )
    sys.dont_write_bytecode = True  # what runs is the text that was read, not what a build may leave
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@contextmanager
def visiting(folder: Path) -> Iterator[None]:
    """Import programs in this block as a guest: what the process imports later is its own again.

    Modules that were imported by their names from files below the folder are forgotten (who imported them
    keeps them), and the programs' folders go to the end of ``sys.path``: a function that imports its
    neighbour when it is called finds it there, unless the process has a module of that name.
    """
    before, writes, modules = [*sys.path], sys.dont_write_bytecode, set(sys.modules)
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        added = [entry for entry in sys.path if entry not in before and folder in Path(entry).parents]
        sys.path[:] = [*(entry for entry in sys.path if entry not in added), *added]
        for name in sys.modules.keys() - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if file and any(Path(entry) in Path(file).parents for entry in added) and not _by_hash(name):
                del sys.modules[name]


def _by_hash(name: str) -> bool:
    """Whether this is an entry, whose name nobody else has, or a module imported relatively to one."""
    return name.startswith("kernelevo_candidate_")
