"""Scratch: the one folder that a child may write: room for it, whether it is too full, its removal."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import math
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from kernelevo.errors import MachineError

MOST_FILES = 200_000
LEAST_FREE = 512 << 20
"""Bytes that a disk needs to have free before anything is judged."""
LEFT_SECONDS = 5.0
SOON = 0.5
"""Seconds that the next program may wait for a folder's removal; the rest goes when the judge ends."""
_BLOCK = 512  # bytes, the unit of st_blocks whatever the file system
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIFTED = f"lifted-{secrets.token_hex(8)}-"  # a name that no child can have put there before


class Scratch:
    """Watches one child's folder from outside; cheap while its disk's free space stays what it was.

    Args:
        folder: where the child may write.
        most_bytes: what it may hold, files that are open and have no name any more included. On a disk
            with less than twice that free, half of what is free.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._free, self._names = _room(folder)
        self._most = min(most_bytes, self._free // 2)

    def overfull(self, processes: Iterable[int]) -> bool:
        """Tell whether these processes hold too much of the disk, or too many files.

        Others use the disk too: what is missing there makes us count, and what we count decides.
        """
        free, names = _room(self._folder)
        if self._free - free <= self._most // 2 and self._names - names <= MOST_FILES // 2:
            return False
        held = files = 0
        for size in self._sizes(processes):
            held, files = held + size, files + 1
            if held > self._most or files > MOST_FILES:
                return True
        return False

    def _sizes(self, processes: Iterable[int]) -> Iterator[int]:
        """Give the bytes on disk of each entry below the folder, and of each open file without a name."""
        waiting = [str(self._folder)]
        while waiting:
            for path, facts in _entries(waiting.pop()):
                yield facts.st_blocks * _BLOCK
                if stat.S_ISDIR(facts.st_mode):
                    waiting.append(path)
        for pid in processes:
            for facts in _open_files(pid):
                if facts.st_nlink == 0 and facts.st_dev != _memory() and stat.S_ISREG(facts.st_mode):
                    yield facts.st_blocks * _BLOCK


def remove(folder: Path, *, seconds: float = math.inf) -> None:
    """Remove a folder that a child wrote and that nobody uses any more; what resists stays.

    However deep folders are nested there, it takes time in proportion to what there is, no recursion and
    two descriptors: what lies in a folder's folder is moved up into it.

    Args:
        folder: to be removed.
        seconds: stop after so long and leave the rest.
    """
    end = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        top = os.open(folder, _FOLDER)
        try:
            serial = itertools.count()
            while any([time.monotonic() < end and _lift(name, top, serial) for name in os.listdir(top)]):
                pass
        finally:
            os.close(top)
        os.rmdir(folder)


def ensure_room(folder: Path) -> None:
    """Refuse to go on where a disk is almost full.

    Compilers that find no room fail like those that find a fault, and a baseline that fails makes every
    program look better than it is.

    Args:
        folder: any folder of the disk.

    Raises:
        MachineError: if less than ``LEAST_FREE`` is free there.
    """
    free, _ = _room(folder)
    if folder.exists() and free < LEAST_FREE:
        raise MachineError(
            f"the disk is almost full: {free >> 20} MiB are free where {folder} lies",
            why=f"builds and baselines need up to {LEAST_FREE >> 20} MiB, and fail without it",
            now="free some space, e.g. by removing the build cache ~/.cache/kernelevo or old runs",
        )


def temporary(label: str) -> Path:
    """Make an empty folder among the system's temporary ones, which its maker is to remove.

    What processes of this machine that were killed had made so is removed when a process makes its first.

    Args:
        label: what it is for.
    """
    top = Path(tempfile.gettempdir())
    _sweep(top)
    return Path(tempfile.mkdtemp(prefix=f"kernelevo-{label}-{_place()}-{os.getpid()}-", dir=top))


@cache
def _sweep(folder: Path) -> None:
    remove_left(folder)


def owned(label: str) -> str:
    """Return a new name for a folder of this process, by which ``remove_left`` knows its owner."""
    return f"{label}-{_place()}-{os.getpid()}-{time.monotonic_ns():x}"


@cache
def _place() -> str:
    """Return what tells this machine or container from others that use the same disk: pids are its own."""
    told = [os.uname().nodename]
    with contextlib.suppress(OSError):
        told.append(os.readlink("/proc/self/ns/pid"))
    with contextlib.suppress(OSError):
        told.append(Path("/etc/machine-id").read_text(encoding="ascii", errors="replace"))
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:12]


def remove_left(folder: Path) -> None:
    """Remove what processes of this machine that are gone left in a folder, by the names (see ``owned``).

    Takes no longer than ``LEFT_SECONDS``; the rest goes the next time.
    """
    end = time.monotonic() + LEFT_SECONDS
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            place, pid = ["", "", *name.split("-")][-3:-1]
            if place == _place() and pid.isdigit() and not Path(f"/proc/{pid}").exists():
                remove(folder / name, seconds=max(0.0, end - time.monotonic()))


def _lift(name: str, top: int, serial: Iterator[int]) -> bool:
    """Remove one entry of an open folder after moving the folders inside it up; whether that worked."""
    if _unlinked(name, top):
        return True
    try:
        os.chmod(name, 0o700, dir_fd=top)
        inner = os.open(name, _FOLDER, dir_fd=top)
        try:
            for entry in os.listdir(inner):
                if not _unlinked(entry, inner):
                    os.chmod(entry, 0o700, dir_fd=inner)
                    os.rename(entry, f"{_LIFTED}{next(serial)}", src_dir_fd=inner, dst_dir_fd=top)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=top)
    except OSError:
        return False
    return True


def _unlinked(name: str, folder: int) -> bool:
    """Remove an entry that is no folder; False for one that is."""
    try:
        os.unlink(name, dir_fd=folder)
    except OSError:
        return False
    return True


def _room(folder: Path) -> tuple[int, int]:
    """Return the free bytes and the free inodes of a folder's file system; zeros where it is gone."""
    try:
        facts = os.statvfs(folder)
    except OSError:
        return 0, 0
    return facts.f_bfree * facts.f_frsize, facts.f_ffree


def _entries(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Give each entry of a folder; what goes away meanwhile, or is too deep to be looked at, is left out."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                yield entry.path, entry.stat(follow_symlinks=False)


@cache
def _memory() -> int:
    """Return the device of files that are memory, as the blocks are that children share with their judge."""
    fd = os.memfd_create("kernelevo-device")
    try:
        return os.fstat(fd).st_dev
    finally:
        os.close(fd)


def _open_files(pid: int) -> Iterator[os.stat_result]:
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):
            yield os.stat(f"/proc/{pid}/fd/{name}")
