"""Opening ``run.db``: pragmas, version check, read-only folders, and plain words for SQLite's errors."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from kernelevo.core.shell import word
from kernelevo.errors import RunNotFound, StoreError, Unwritable, of_the_machine, refused
from kernelevo.store.migrations import APPLICATION_ID, migrate, names

RUN_FILE, CONFIG_FILE = "run.db", "config.toml"
DATABASE_FILES = (RUN_FILE, f"{RUN_FILE}-wal", f"{RUN_FILE}-shm")
_COPIES = 20
_HEAD = 32  # bytes; it has the salts that are new whenever the log begins anew
_BUSY_SECONDS = 30.0
_LOOK = "check the folder's permissions and free space, or choose another with --out"


def create(folder: Path, facts: Mapping[str, str]) -> sqlite3.Connection:
    """Make a new database in the folder, open for writing, with these facts of the run.

    Shape and facts are one transaction: a killed creation leaves nothing that looks like a run, and one that
    fails leaves nothing at all. The caller holds the writer's lock.

    Raises:
        StoreError: if there is one already, or the folder cannot be written.
    """
    path = folder / RUN_FILE
    if path.exists():
        raise StoreError(
            f"{folder} already holds a run.",
            why=f"{path} exists",
            now=f"go on with it (kernelevo resume {word(folder)}) or choose another folder",
        )
    with plain_errors(path):
        try:
            return _prepare(path, facts)
        except BaseException:  # a full disk: what is half made would be no run, and be in the way of one
            for name in DATABASE_FILES:
                with suppress(OSError):
                    (folder / name).unlink()
            raise


def stamp(folder: Path) -> tuple[object, ...]:
    """Return what changes whenever a run is written, without opening it.

    Args:
        folder: of the run.
    """
    found: list[object] = []
    for name in (RUN_FILE, f"{RUN_FILE}-wal"):
        with suppress(OSError):  # its writer removes the log at the end
            told = os.stat(folder / name)
            if told.st_size:  # an empty log is of somebody who reads
                found += [name, told.st_ino, told.st_size, told.st_mtime_ns]
    return tuple(found)


def open_for_writing(folder: Path) -> sqlite3.Connection:
    """Open an existing database for writing and bring its shape up to date.

    Raises:
        RunNotFound: if there is none.
        StoreError: if it is damaged, of a later version, or cannot be written.
    """
    path = _existing(folder)
    with plain_errors(path):
        probe = _connect(f"{path.absolute().as_uri()}?mode=rw")
        try:
            _check(probe, path)
            (health,) = probe.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            probe.close()
        if health != "ok":  # never write on top of damage
            raise sqlite3.DatabaseError(health)
        return _prepare(path, {})


def open_for_reading(folder: Path) -> tuple[sqlite3.Connection, Path | None]:
    """Open for reading only, also while a writer is at work, on a copy, or in a folder we may not write.

    A WAL database wants a small shared-memory file beside it even for reading. Where that cannot be made the
    database is copied, and the second value is the temporary folder that the caller removes at the end. So is
    one of an earlier version, and the copy's shape is brought up to date: reading changes nobody's file.

    Raises:
        RunNotFound: if there is no database.
        StoreError: if it is damaged or of a later version.
    """
    path = _existing(folder)
    with plain_errors(path):
        db = _connect(f"{path.absolute().as_uri()}?mode=ro")
        try:
            if _check(db, path):
                return db, None
        except sqlite3.OperationalError:
            db.close()
            return _sheltered(path, _copy_files)
        except BaseException:
            db.close()
            raise
        with closing(db):
            return _sheltered(path, lambda _, target: _back_up(db, target))


def _sheltered(path: Path, copy: Callable[[Path, Path], None]) -> tuple[sqlite3.Connection, Path]:
    """Copy a database into a temporary folder and open it there, in the shape of today, for reading."""
    shelter = Path(tempfile.mkdtemp(prefix="kernelevo-read-"))
    try:
        copy(path, shelter / RUN_FILE)
        db = _connect(f"{(shelter / RUN_FILE).as_uri()}?mode=rw")
        try:
            if not _check(db, path):
                with transaction(db):
                    migrate(db)
            db.execute("PRAGMA query_only = ON")
        except BaseException:
            db.close()
            raise
    except BaseException:
        shutil.rmtree(shelter, ignore_errors=True)
        raise
    return db, shelter


def _copy_files(path: Path, target: Path) -> None:
    """Copy a database and its log as they are at one moment, as far as it matters.

    Rows that its writer appends meanwhile may come or not. But if it moves pages from the log into the
    database, the two that were copied do not belong together: then they are copied again.
    """
    for _ in range(_COPIES):
        before = _moved(path)
        for end in ("", "-wal"):
            copy = target.with_name(target.name + end)
            copy.unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(path.name + end), copy)
        if _moved(path) == before:
            return
    raise sqlite3.OperationalError("it is written faster than it can be copied")


def _moved(path: Path) -> tuple[object, ...]:
    """What changes whenever pages go from the log into the database: its file, and the head of the log."""
    main, head = path.stat(), b""
    with suppress(FileNotFoundError), path.with_name(f"{path.name}-wal").open("rb") as log:
        head = log.read(_HEAD)
    return main.st_ino, main.st_size, main.st_mtime_ns, head


def _back_up(db: sqlite3.Connection, target: Path) -> None:
    """Copy an open database as it is at one moment, also while somebody writes it."""
    with closing(sqlite3.connect(target)) as other:
        db.backup(other)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing; takes the write lock at once, so that it cannot fail halfway."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into a StoreError with what, why and now."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if any(word in str(error) for word in ("malformed", "UTF-8")):  # of a text inside, not of the file
            raise _damaged(path, error) from error
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR:  # a table or a column is gone
            raise _damaged(path, error) from error
        if "locked" in str(error) or "busy" in str(error):
            why, now = f"{error} for {_BUSY_SECONDS:.0f} s", "find the process that holds it open"
        else:
            why, now = str(error), _LOOK
        kind = Unwritable if of_the_machine(error) else StoreError
        raise kind(f"{path} cannot be used.", why=why, now=now) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # SQLite quotes a schema that is damaged
        raise _damaged(path, error) from error
    except OSError as error:
        raise refused(f"{path} cannot be used.", error) from error


@contextmanager
def plain_rows(path: Path) -> Iterator[None]:
    """Turn what is wrong inside a row, as a flipped bit makes it, into a StoreError.

    Args:
        path: of the database.
    """
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path} is damaged.",
            why=f"a row cannot be read: {type(error).__name__}: {error}",
            now="restore it from a copy, or start a new run",
        ) from error


def _damaged(path: Path, error: Exception) -> StoreError:
    return StoreError(
        f"{path} is damaged or not a run.",
        why=str(error),
        now="restore it from a copy, or start a new run; `sqlite3 run.db .recover` may save the rows",
    )


def _existing(folder: Path) -> Path:
    path = folder / RUN_FILE
    if not path.exists():
        raise RunNotFound(
            f"there is no run in {folder}.", why=f"{path} does not exist", now="kernelevo runs lists all runs"
        )
    return path


def _connect(name: str) -> sqlite3.Connection:
    db = sqlite3.connect(name, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
    db.row_factory = sqlite3.Row
    return db


def _prepare(path: Path, facts: Mapping[str, str]) -> sqlite3.Connection:
    """Open for writing, set the pragmas, apply the missing migrations, add the facts."""
    db = _connect(path.absolute().as_uri())
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # NORMAL would already survive kill -9 (the pages are with the kernel by then); FULL also survives a
        # power cut and costs one fsync per trial, under a millisecond against a verdict of a second.
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        with transaction(db):
            migrate(db)
            db.executemany("INSERT INTO run VALUES (?, ?)", facts.items())
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection, path: Path) -> bool:
    """Refuse what is not a run, is half written, or was written by a later kernelevo.

    Returns:
        Whether its shape is that of today, not of an earlier version.
    """
    (found,) = db.execute("PRAGMA application_id").fetchone()
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if found != APPLICATION_ID or "migrations" not in tables:
        raise StoreError(
            f"{path} is not a run of kernelevo.",
            why="it is an SQLite file of another program, or its creation was cut short",
            now="kernelevo runs lists the runs that can be read",
        )
    applied = {name for (name,) in db.execute("SELECT name FROM migrations")}
    if unknown := applied - set(names()):
        raise StoreError(
            f"{path} was written by a later version of kernelevo.",
            why=f"it has {', '.join(sorted(map(str, unknown)))}, which this version does not know",
            now="update kernelevo",
        )
    return applied == set(names())
