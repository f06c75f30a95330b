"""Extension headers: torch's header for ``load_inline`` programs, precompiled beside the search."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from kernelevo.backends import extension_header
from kernelevo.device.groups import Registration

_ENOUGH = 2  # a header takes as long as two programs: it is made when the second one with its flags comes
Flags = tuple[str, ...]


class ExtensionHeaders:
    """Knows which headers are there, and makes those that programs keep asking for.

    A header is made by a process of its own, which rests while something is timed; programs that come in
    the meantime build without.

    Args:
        root: of the build cache.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._asked: Counter[Flags] = Counter()
        self._making: dict[Flags, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def environment(self, *texts: str) -> dict[str, str]:
        """Return the variables with which a build of these files finds its headers; none for others."""
        folders = []
        found = (extension_header.flags_of(text) for text in texts)
        for flags in dict.fromkeys(itertools.chain.from_iterable(found)):
            folder = extension_header.find(flags, self._root)
            if folder is not None:
                folders.append(str(folder))
            else:
                self._missed(flags)
        return {"CPATH": os.pathsep.join(folders)} if folders else {}

    def _missed(self, flags: Flags) -> None:
        with self._lock:
            self._asked[flags] += 1
            if self._asked[flags] >= _ENOUGH and flags not in self._making:
                self._making[flags] = self.start(flags)

    def start(self, flags: Flags) -> subprocess.Popen[bytes]:
        """Start the process that makes a header."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kernelevo.backends.extension_header", *flags],
            env={**os.environ, "KERNELEVO_CACHE": str(self._root)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        with contextlib.suppress(ValueError):  # it has ended already
            Registration(process.pid, "build")
        return process

    def close(self) -> None:
        """End what is still being made; the build cache keeps nothing of it."""
        with self._lock:
            for process in self._making.values():
                if process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            self._making.clear()
