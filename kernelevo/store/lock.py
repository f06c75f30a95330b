"""WriterLock: at most one process writes the trials of a run."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from kernelevo.core.shell import word
from kernelevo.errors import StoreError, refused

LOCK_FILE = "run.lock"
_LOCKS = Path("/proc/locks")  # one line a lock: number, FLOCK, ADVISORY, WRITE, pid, major:minor:inode, ...


def writer_of(folder: Path) -> int | None:
    """Return the process that writes a run now, None if there is none (or it cannot be seen from here).

    The lock is only looked at: trying it would keep a writer out that starts at the same moment.
    """
    said = b""
    try:
        place = (folder / LOCK_FILE).stat()
        with contextlib.suppress(OSError):
            said = (folder / LOCK_FILE).read_bytes()[:32].strip()
        # utf-8 needs no file of the interpreter, which may lie in a folder closed to this user
        lines = _LOCKS.read_bytes().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(place.st_dev):02x}:{os.minor(place.st_dev):02x}:{place.st_ino}"
    for line in lines:
        words = line.split()
        if "FLOCK" not in words or "->" in words:
            continue
        holder, where = words[words.index("FLOCK") + 3 :][:2]
        # btrfs and the like name another device here than they do for the file: then the holder has to be
        # the one that wrote its number into it
        if where == wanted or (where.endswith(f":{place.st_ino}") and holder.encode() == said):
            return int(holder)
    return None


class WriterLock:
    """A lock file beside the database; the kernel frees it when its holder dies, however it dies.

    Raises:
        StoreError: if another process holds it (its id is named), or the folder cannot be used.
        Unwritable: if the folder cannot be written, or its disk is full.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK_FILE
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise refused(f"the run folder {folder} cannot be written.", error) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._fd)
            raise StoreError(
                f"the run {folder} is being written by process {holder}.",
                why="a run has one writer at a time",
                now=f"kernelevo watch {word(folder)}, steer it, or stop process {holder} first",
            ) from error
        except OSError as error:
            os.close(self._fd)
            raise refused(f"the run folder {folder} cannot be locked.", error) from error

    def release(self) -> None:
        """Let the next writer in; safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
