"""The folder of a run: chosen, given up where the run is refused, and what lies in it at the end."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from kernelevo.api.parts import WORKER_LOG
from kernelevo.api.result import BEST, Result
from kernelevo.config import Settings
from kernelevo.core import holds, write_tree
from kernelevo.core.shell import word
from kernelevo.engine.replay import SEED
from kernelevo.errors import KernelEvoError, StoreError, refused
from kernelevo.store import CONFIG_FILE, RUN_FILE, RunStore, new_run_folder, writer_of
from kernelevo.store.database import DATABASE_FILES
from kernelevo.store.lock import LOCK_FILE
from kernelevo.tasks.module import FILE

STARTER = "the one who started it"
"""Who says, in a run's record, what its settings ask for."""


def choose(settings: Settings, name: str) -> Path:
    """Return the folder of a new run; one that holds a run is refused before anything is written there."""
    if not settings.out:
        return new_run_folder(name, datetime.date.today())
    folder = Path(settings.out)
    try:
        there = (folder / RUN_FILE).exists()
    except OSError as error:
        raise refused(f"the run folder {folder} cannot be used.", error) from error
    if there:
        raise StoreError(
            f"{folder} already holds a run.",
            why=f"{folder / RUN_FILE} exists",
            now=f"go on with it (kernelevo resume {word(folder)}) or choose another folder",
        )
    return folder


@contextlib.contextmanager
def given_up(folder: Path) -> Iterator[None]:
    """Leave nothing of a run that is refused before anything came of it: there is nothing to go on with.

    What lay in the folder before stays, and so does a run with a trial, a reply or somebody's order.
    """
    before = {path for path in _laid(folder) if os.path.exists(path)}  # False of a closed folder
    try:
        yield
    except KernelEvoError:
        with contextlib.suppress(OSError):  # of a folder that cannot be written, or with other files in it
            if not _recorded(folder):
                for path in _laid(folder) - before:
                    path.unlink(missing_ok=True)
                folder.rmdir()
        raise


def _laid(folder: Path) -> set[Path]:
    """Return the paths of all that is written before the first trial."""
    return {folder / name for name in (FILE, CONFIG_FILE, LOCK_FILE, WORKER_LOG, *DATABASE_FILES)}


def _recorded(folder: Path) -> bool:
    """Whether a folder holds a run that another process writes, or one with more than what it began with."""
    if writer_of(folder) is not None:
        return True
    if not (folder / RUN_FILE).exists():
        return False
    try:
        store = RunStore.open(folder, readonly=True)
    except StoreError:  # whatever it is, it was not made just now
        return True
    with store:
        orders = [order for order in store.commands() if order.author != STARTER]
        proposed = [draft for draft in store.drafts() if draft.proposer != SEED]
        return bool(store.count() or proposed or store.calls() or orders)


def lay_down(result: Result) -> Path | None:
    """Leave the best program as a file or a folder; an earlier best goes, whatever else lies there stays.

    Returns:
        Where that went which lay in the best program's place and is none of the run's programs, an edited one
        say; None if nothing did.

    Raises:
        StoreError, Unwritable: if it cannot be written, or the earlier one not be removed.
    """
    there = [
        path for path in (result.folder / BEST, *result.folder.glob(f"{BEST}.*")) if os.path.lexists(path)
    ]
    ours = [path for path in there if any(holds(path, trial.program) for trial in result.trials)]
    program, place, aside = result.program, result.place, None
    try:
        if program is not None and place in there and place not in ours:
            aside = _free(place)
            place.rename(aside)
        if program is not None and len(program.files) == 1:
            write(place, program.source)
            ours = [path for path in ours if path != place]
        for path in ours:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        if program is not None and len(program.files) > 1:
            write_tree(program, place)
    except OSError as error:
        raise refused(f"{place} cannot be replaced.", error) from error
    return aside


def _free(path: Path) -> Path:
    """Return a name beside a file or folder that nothing has: ``best.edited.py``, ``best.edited2.py``."""
    names = (path.with_name(f"{path.stem}.edited{n}{path.suffix}") for n in ("", *range(2, 1000)))
    return next(name for name in names if not os.path.lexists(name))


def write(path: Path, text: str) -> None:
    """Write a file of the run: it is the old one or the new one, never a part of one.

    Raises:
        StoreError, Unwritable: if it cannot be written.
    """
    beside = path.with_name(f".{path.name}.tmp")  # what a cut leaves is overwritten by the next
    try:
        beside.write_text(text, "utf-8", errors="backslashreplace")  # of a folder whose name is no text
        beside.replace(path)
    except OSError as error:
        raise refused(f"{path} cannot be written.", error) from error
