"""KeptBuilds: what programs were built to, in the build cache, for who builds the very same again.

A program's process wrote it, so it is good for that program's sandbox alone: the key has to hold the
program's id and all else that its build depends on.
"""

from __future__ import annotations

import logging
import os
import shutil
import stat
from pathlib import Path

from kernelevo.backends.cache import BuildCache
from kernelevo.errors import BuildRefused

MOST_BYTES, MOST_FILES = 64 << 20, 1000
_log = logging.getLogger(__name__)


class _Unfit(Exception):
    """A folder that is not kept."""


class KeptBuilds:
    """Folders of builds, by key.

    Args:
        cache: where they lie; children may read it and never write to it.
    """

    def __init__(self, cache: BuildCache) -> None:
        self._cache = cache

    def find(self, key: str) -> Path | None:
        """Return a folder that was kept, to be read only; None if there is none."""
        return self._cache.find(key)

    def keep(self, key: str, folder: Path) -> bool:
        """Keep a copy of a folder whose writer has ended; tell whether there is one.

        Links, devices and pipes are not followed or opened: a folder with any is not kept, nor is a large
        one, nor any where the cache cannot be written.
        """
        try:
            self._cache.get(key, lambda target: _copy(folder, target), what="a build to keep")
        except (_Unfit, BuildRefused, OSError) as error:
            _log.info("what was built is not kept: %s", error)
            return False
        return True

    def drop(self, key: str) -> None:
        """Forget a build that does not work any more; where the cache cannot be written, it stays."""
        try:
            self._cache.drop(key)
        except BuildRefused as error:
            _log.info("what was built stays: %s", error)


def _copy(folder: Path, target: Path) -> None:
    files, total = 0, 0
    for inside, folders, names in os.walk(folder):
        to = target / Path(inside).relative_to(folder)
        for name in folders:
            if not stat.S_ISDIR(os.lstat(os.path.join(inside, name)).st_mode):
                raise _Unfit(f"{name} is a link")
            (to / name).mkdir()
            (to / name).chmod(0o755)
        for name in names:
            found = os.lstat(os.path.join(inside, name))
            files, total = files + 1, total + found.st_size
            if not stat.S_ISREG(found.st_mode):
                raise _Unfit(f"{name} is no plain file")
            if files > MOST_FILES or total > MOST_BYTES:
                raise _Unfit("it is too large")
            shutil.copyfile(os.path.join(inside, name), to / name, follow_symlinks=False)
            (to / name).chmod(0o755 if found.st_mode & stat.S_IXUSR else 0o644)
