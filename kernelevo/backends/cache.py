"""BuildCache: compiled objects by content, shared by all processes of a machine.

An entry is a folder named by a hash of everything its content depends on. It is made in a folder beside its
place and renamed whole, so a reader sees all of it or nothing; beside it, since the first Landlock lets no
process rename from one folder into another. A file lock per entry keeps two processes from building the same
thing; the kernel drops the lock of a process that dies. An entry lists the sizes of its files, and one that
does not match (a full disk, a power cut) is built again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from kernelevo.errors import BuildRefused

MANIFEST = "entry.json"
_DAY = 86400.0

Stage = Literal["build", "run"]


def default_root() -> Path:
    """Return ``$KERNELEVO_CACHE`` or ``~/.cache/kernelevo``, absolute: children work in other folders."""
    given = os.environ.get("KERNELEVO_CACHE")
    return Path(os.path.expanduser(given)).absolute() if given else Path.home() / ".cache" / "kernelevo"


def digest(*parts: object) -> str:
    """Return a key: the hash of plain data, order kept."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


class BuildCache:
    """Folders of built objects, by key.

    Args:
        root: where entries lie and are written; None means :func:`default_root`.
        shared: a second place to look, never written.
        read_only: refuse to build what is not there (the run stage of the sandbox).
    """

    def __init__(
        self, root: Path | None = None, *, shared: Path | None = None, read_only: bool = False
    ) -> None:
        self.root = root if root is not None else default_root()
        self.shared = shared
        self.read_only = read_only

    @classmethod
    def here(cls) -> BuildCache:
        """Return the cache of this process, as ``KERNELEVO_STAGE`` and its two folders say.

        ``build``: write to ``$KERNELEVO_CACHE``, look in ``$KERNELEVO_CACHE_SHARED`` too. ``run``: look in
        both, write nothing. Otherwise the default cache.
        """
        stage = os.environ.get("KERNELEVO_STAGE")
        shared = os.environ.get("KERNELEVO_CACHE_SHARED") if stage else None
        return cls(shared=Path(shared) if shared else None, read_only=stage == "run")

    def size(self) -> int:
        """Return how many bytes lie in it, baselines and programs among them; 0 if it is not there yet."""
        found = 0
        for folder, _, names in os.walk(self.root):
            for name in names:
                with suppress(FileNotFoundError):  # another process has just moved or removed it
                    found += os.lstat(os.path.join(folder, name)).st_size
        return found

    def find(self, key: str) -> Path | None:
        """Return the folder of a whole entry, or None."""
        for root in (self.root, self.shared):
            if root is not None:
                folder = _place(root, key)
                if _is_whole(folder):
                    if root is self.root and not self.read_only:
                        _mark_used(folder)
                    return folder
        return None

    def get(self, key: str, build: Callable[[Path], None], *, what: str = "it") -> Path:
        """Return the entry's folder, after calling ``build(scratch_folder)`` if it is not there.

        What ``build`` raises is passed on and leaves nothing behind.

        Args:
            key: from :func:`digest`.
            build: writes the entry's files into the folder it is given.
            what: what is being built, for messages.

        Raises:
            BuildRefused: if the entry is missing and this cache is read-only, or cannot be written.
        """
        found = self.find(key)
        if found is not None:
            return found
        if self.read_only:
            raise BuildRefused(
                f"{what} is not built yet, and nothing may be built in the run stage",
                why="programs are built in the build stage, by importing, constructing and calling them once",
                now="build everything at import or in the constructor, never depending on the inputs' values",
            )
        with self._locked(key):
            found = self.find(key)
            return found if found is not None else self._make(key, build)

    def drop(self, key: str) -> None:
        """Forget an entry that turned out to be of no use; one that is not there is no error.

        Raises:
            BuildRefused: if this cache cannot be written.
        """
        folder = _place(self.root, key)
        damaged = folder.with_name(f"{key}.damaged")
        with self._locked(key), self._written():
            shutil.rmtree(damaged, ignore_errors=True)
            with suppress(FileNotFoundError):
                folder.rename(damaged)  # whole or not at all, for whoever reads
            shutil.rmtree(damaged, ignore_errors=True)

    def _make(self, key: str, build: Callable[[Path], None]) -> Path:
        """Build under the entry's lock: the folders beside it are ours, a dead process's rest is removed."""
        folder = _place(self.root, key)
        scratch, damaged = (folder.with_name(f"{key}.{state}") for state in ("making", "damaged"))
        for rest in (scratch, damaged):
            shutil.rmtree(rest, ignore_errors=True)
        with self._written():
            scratch.mkdir(parents=True)
        try:
            build(scratch)
            with self._written():
                files = sorted(path for path in scratch.rglob("*") if path.is_file())
                sizes = {path.relative_to(scratch).as_posix(): path.stat().st_size for path in files}
                (scratch / MANIFEST).write_text(json.dumps(sizes))
                if folder.exists():  # damaged, or find() would have returned it
                    folder.rename(damaged)
                scratch.rename(folder)
        finally:
            for rest in (scratch, damaged):
                shutil.rmtree(rest, ignore_errors=True)
        return folder

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """Hold the entry's lock; the lock file goes away with its last holder."""
        path = self.root / "locks" / key
        with self._written():
            path.parent.mkdir(parents=True, exist_ok=True)
            file = _lock(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(file)

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Say what can be done where the cache's own files cannot be written."""
        try:
            yield
        except OSError as error:
            raise BuildRefused(
                f"the build cache {self.root} cannot be written",
                why=str(error),
                now="set KERNELEVO_CACHE to a folder you can write, on a disk with free space",
            ) from error


def _lock(path: Path) -> int:
    """Open and lock the file; start again if its last holder removed it while we waited."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            if os.fstat(file).st_ino == path.stat().st_ino:
                return file
        except FileNotFoundError:
            pass  # removed by the holder we waited for: a new file is made in the next round
        os.close(file)


def _place(root: Path, key: str) -> Path:
    return root / key[:2] / key


def _mark_used(folder: Path) -> None:
    """Keep an entry from being pruned also where the disk keeps no times of access."""
    with suppress(OSError):
        manifest = folder / MANIFEST
        if time.time() - manifest.stat().st_mtime > _DAY:
            os.utime(manifest)


def _is_whole(folder: Path) -> bool:
    try:
        sizes = json.loads((folder / MANIFEST).read_text())
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False
