"""Every exception of kernelevo, one tree; each says what happened, why, and what to do now.

KernelEvoError
├── InputError               the user's input; exit code 2
│   ├── TaskNotFound         no task of that name or file
│   ├── BadProgram           a program file that cannot even be read
│   ├── BadSetting           a flag, a budget, a configuration value
│   ├── CaptureError         a module that torch.export refuses
│   ├── RunNotFound          no such run folder or name
│   └── StoreError           a run store that is damaged or of another version
│       └── Unwritable       a folder that this machine does not let us write; exit code 3
├── MachineError             the user's machine; exit code 3
│   ├── ToolchainMissing     a compiler or package that is not installed
│   ├── BuildRefused         a build that may not happen here (run stage, wrong device)
│   ├── NotEnoughMemory      a task larger than the machine
│   ├── SandboxError         the judge's child processes cannot be started
│   ├── WorkerDied           one of our own worker processes died or hung
│   └── LeaseTimeout         the device stayed busy
└── BuildError               a source that does not compile: data for the verdict, never shown raw
"""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable, Iterator, Sequence

_MACHINES = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE}


class KernelEvoError(Exception):
    """Base of all errors that kernelevo raises on purpose.

    Args:
        what: one sentence, what happened.
        why: what was looked at or expected, if that helps.
        now: what the user can do about it.
    """

    exit_code = 4

    def __init__(self, what: str, *, why: str = "", now: str = "") -> None:
        self.what, self.why, self.now = what, why, now
        super().__init__(what, why, now)

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines.append(f"  why  {self.why}")
        if self.now:
            lines.append(f"  now  {self.now}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.why, self.now))


def _rebuild(kind: type[KernelEvoError], what: str, why: str, now: str) -> KernelEvoError:
    return kind(what, why=why, now=now)


class InputError(KernelEvoError):
    """Something the user gave us cannot be used."""

    exit_code = 2
    passing = False


class TaskNotFound(InputError):
    """No task of that name, file or class."""


class BadProgram(InputError):
    """A program file that is missing, empty or not text."""


class BadSetting(InputError):
    """A flag, a budget or a configuration value that cannot be understood."""


class CaptureError(InputError):
    """A module that cannot be captured as one graph."""


class RunNotFound(InputError):
    """No run folder of that name."""


class StoreError(InputError):
    """A run store that is damaged, locked or written by another version."""


class Unwritable(StoreError):
    """A folder that may not be written here, or has no room left: the machine's, not the input's fault."""

    exit_code = 3


def refused(what: str, error: OSError, instead: str = "another folder with --out") -> StoreError:
    """Return what to raise where a folder or file of a run cannot be made or written.

    Permissions, a read-only file system, a full or failing disk are the machine's (``Unwritable``); a file
    in the way or an impossible name is the user's.

    Args:
        what: one sentence, what cannot be done.
        error: what the system said.
        instead: what a person may choose in its place.
    """
    why = error.strerror or str(error)
    if error.errno in _MACHINES:
        now = f"check the folder's owner, permissions and free space, or choose {instead}"
        return Unwritable(what, why=why, now=now)
    return StoreError(what, why=why, now=f"choose {instead}")


def of_the_machine(error: Exception) -> bool:
    """Tell whether SQLite failed for want of permission, space or a sound disk, not by the file's content."""
    import sqlite3  # not by everybody who has an error to tell

    codes = (
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    )
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in codes


class MachineError(KernelEvoError):
    """This machine lacks something that the request needs."""

    exit_code = 3
    passing = False
    """Whether the same request may succeed later, without anybody mending anything."""


class ToolchainMissing(MachineError):
    """A compiler, library or package that is not installed here."""


class BuildRefused(MachineError):
    """A build that may not happen in this place, e.g. in the run stage of the sandbox."""


class NotEnoughMemory(MachineError):
    """The task does not fit into the free memory."""


class SandboxError(MachineError):
    """The judge's child processes could not be started or did not answer."""


class WorkerDied(MachineError):
    """One of our own worker processes died or hung while it ran something for us."""

    passing = True


class LeaseTimeout(MachineError):
    """The device stayed busy for longer than we were willing to wait."""


class BuildError(KernelEvoError):
    """A source that does not compile; ``log`` holds the compiler's words for the verdict's feedback."""

    def __init__(self, what: str, *, why: str = "", now: str = "", log: str = "") -> None:
        super().__init__(what, why=why, now=now)
        self.log = log or why

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_build_error, (self.what, self.why, self.now, self.log))


def _rebuild_build_error(what: str, why: str, now: str, log: str) -> BuildError:
    return BuildError(what, why=why, now=now, log=log)


def closest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that lists the known names and the one that was probably meant.

    Names that count up (``a1``, ``a2``, ``a3``) are told as the first and the last of them.
    """
    names = sorted(known, key=_as_read)
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"{meant}known: {', '.join(_shortened(names)) or '(none)'}"


def _shortened(names: Sequence[str]) -> Iterator[str]:
    """Tell three or more names that differ in a last number, counting up, as a range."""
    runs: list[list[str]] = []
    for name in names:
        if runs and _as_read(name) == _next_of(runs[-1][-1]):
            runs[-1].append(name)
        else:
            runs.append([name])
    for run in runs:
        yield from run if len(run) < 3 else [f"{run[0]} to {_as_read(run[-1])[-2]}"]


def _next_of(name: str) -> list[str | int]:
    """How the name reads that follows when one counts up; nothing, where no number ends it."""
    match _as_read(name):
        case [*before, int(last), ""]:
            return [*before, last + 1, ""]
    return []


def _as_read(name: str) -> list[str | int]:
    """Sort numbers in names by their size: 2 comes before 10."""
    return [int(part) if at % 2 else part for at, part in enumerate(re.split(r"([0-9]+)", name))]
