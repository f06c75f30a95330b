"""Run folders: their names (``runs/<task>-<date>-<n>``), finding one by name, path or ``@last``."""

from __future__ import annotations

import contextlib
import re
from datetime import date
from pathlib import Path

from kernelevo.errors import RunNotFound, closest, refused
from kernelevo.store.database import RUN_FILE

RUNS = Path("runs")
_LONGEST = 150


def new_run_folder(task_name: str, today: date, *, root: Path = RUNS) -> Path:
    """Make and return an empty folder for a new run, e.g. ``runs/kernelbench-3-13-2026-11-23-1``.

    Safe against another process that chooses at the same time: making the folder is the claim.

    Raises:
        StoreError, Unwritable: if the folder cannot be made.
    """
    # a long path is told by its end; file systems take 255 bytes in a name
    name = re.sub(r"[^A-Za-z0-9._@]+", "-", task_name).strip("-.")[-_LONGEST:].lstrip("-.")
    stem = f"{name or 'task'}-{today.isoformat()}"
    number = 1
    try:
        root.mkdir(parents=True, exist_ok=True)
        while True:
            folder = root / f"{stem}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
            else:
                return folder
    except OSError as error:
        raise refused(f"no run folder can be made in {root}.", error) from error


def list_runs(root: Path = RUNS) -> list[Path]:
    """Folders that hold a run, the one written last at the end; what cannot be looked into is left out.

    Raises:
        RunNotFound: if a folder is named that is not there.
        StoreError, Unwritable: if the folder of the runs itself cannot be read.
    """
    if root.absolute() != RUNS.absolute() and not root.is_dir():
        raise RunNotFound(f"there is no folder {root}.", now="name one that has runs in it")
    try:
        inside = list(root.iterdir()) if root.is_dir() else []
    except OSError as error:
        raise refused(f"the runs in {root} cannot be listed.", error) from error
    return sorted(filter(_holds_run, inside), key=lambda path: (_written(path), path.name))


def find_run(name: str, *, root: Path = RUNS) -> Path:
    """Return the folder of a run given as ``@last``, a path, a name, or the beginning of one name.

    Raises:
        RunNotFound: if there is none, or the beginning fits several.
        StoreError, Unwritable: if the folder that is named, or that of all runs, cannot be looked into.
    """
    for path in (Path(name), root / name) if name != "@last" else ():
        folder = path.parent if path.name == RUN_FILE else path
        try:
            if (folder / RUN_FILE).is_file():
                return folder
        except OSError as error:
            raise refused(f"{folder} cannot be looked into.", error) from error
    runs = list_runs(root)
    if name == "@last":
        if runs:
            return runs[-1]
        raise RunNotFound(
            "there is no run yet.", why=f"{root}/ holds none", now="start one: kernelevo run TASK"
        )
    fitting = [path for path in runs if name and path.name.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and Path(name).exists():
        raise RunNotFound(
            f"{name} holds no run.",
            why=f"a run is a folder with a file {RUN_FILE}",
            now=f"kernelevo runs lists the runs under {root}/, with --folder those of another folder",
        )
    raise RunNotFound(
        f"no run is called {name!r}." if not fitting else f"several runs begin with {name!r}.",
        why=closest(name, (path.name for path in fitting or runs)),
        now="give a folder, a name, or @last; kernelevo runs lists all runs",
    )


def _written(folder: Path) -> float:
    """Time of the last write; the log beside the database is newer than the database while a run goes on."""
    found = 0.0
    for name in (RUN_FILE, f"{RUN_FILE}-wal"):
        with contextlib.suppress(OSError):  # its writer removes the log at the end, others whole runs
            told = (folder / name).stat()
            if told.st_size:  # an empty log is of somebody who reads
                found = max(found, told.st_mtime)
    return found


def _holds_run(folder: Path) -> bool:
    """Whether there is a run; a folder of somebody else that is closed to us holds none."""
    try:
        return (folder / RUN_FILE).is_file()
    except OSError:
        return False
