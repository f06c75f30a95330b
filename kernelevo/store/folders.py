"""Run folders: their names (``runs/<task>-<date>-<n>``), finding one by name, path or ``@last``."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from kernelevo.errors import RunNotFound, closest, refused
from kernelevo.store.database import RUN_FILE

RUNS = Path("runs")


def new_run_folder(task_name: str, today: date, *, root: Path = RUNS) -> Path:
    """Make and return an empty folder for a new run, e.g. ``runs/kernelbench-3-13-2026-11-23-1``.

    Safe against another process that chooses at the same time: making the folder is the claim.

    Raises:
        StoreError, Unwritable: if the folder cannot be made.
    """
    stem = f"{re.sub(r'[^A-Za-z0-9._@]+', '-', task_name).strip('-.') or 'task'}-{today.isoformat()}"
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
    """Folders that hold a run, the one written last at the end."""
    if not root.is_dir():
        return []
    found = [path for path in root.iterdir() if (path / RUN_FILE).is_file()]
    return sorted(found, key=lambda path: (_written(path), path.name))


def find_run(name: str, *, root: Path = RUNS) -> Path:
    """Return the folder of a run given as ``@last``, a path, a name, or the beginning of one name.

    Raises:
        RunNotFound: if there is none, or the beginning fits several.
    """
    runs = list_runs(root)
    if name == "@last":
        if runs:
            return runs[-1]
        raise RunNotFound(
            "there is no run yet.", why=f"{root}/ holds none", now="start one: kernelevo run TASK"
        )
    for path in (Path(name), root / name):
        if (path / RUN_FILE).is_file():
            return path
        if path.name == RUN_FILE and path.is_file():
            return path.parent
    fitting = [path for path in runs if name and path.name.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    raise RunNotFound(
        f"no run is called {name!r}." if not fitting else f"several runs begin with {name!r}.",
        why=closest(name, (path.name for path in fitting or runs)),
        now="give a folder, a name, or @last; kernelevo runs lists all runs",
    )


def _written(folder: Path) -> float:
    """Time of the last write; the log beside the database is newer than the database while a run goes on."""
    files = (folder / RUN_FILE, folder / f"{RUN_FILE}-wal")
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)
