"""WriterLock: at most one process writes the trials of a run."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from kernelevo.errors import StoreError, refused

LOCK_FILE = "run.lock"
_LOCKS = Path("/proc/locks")  # one line a lock: number, FLOCK, ADVISORY, WRITE, pid, major:minor:inode, ...


def writer_of(folder: Path) -> int | None:
    """Return the process that writes a run now, None if there is none (or it cannot be seen from here).

    The lock is only looked at: trying it would keep a writer out that starts at the same moment.
    """
    try:
        place = (folder / LOCK_FILE).stat()
        # utf-8 needs no file of the interpreter, which may lie in a folder closed to this user
        lines = _LOCKS.read_bytes().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(place.st_dev):02x}:{os.minor(place.st_dev):02x}:{place.st_ino}"
    for line in lines:
        words = line.split()
        if "FLOCK" in words and wanted in words and "->" not in words:
            return int(words[words.index(wanted) - 1])
    return None


class WriterLock:
    """A lock file beside the database; the kernel frees it when its holder dies, however it dies.

    Raises:
        StoreError: if another process holds it (its id is named), or the folder cannot be used.
        Unwritable: if the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK_FILE
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise refused(f"the run folder {folder} cannot be written.", error) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._fd)
            raise StoreError(
                f"the run {folder} is being written by process {holder}.",
                why="a run has one writer at a time",
                now=f"watch it (kernelevo watch {folder}), steer it, or stop process {holder} first",
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next writer in; safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
