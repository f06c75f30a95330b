"""Hub: the runs that are looked at, each read as it grows, and who wants to know."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from kernelevo.core.readable import readable
from kernelevo.errors import KernelEvoError, RunNotFound, closest
from kernelevo.store import Digest, find_run, glance, glanced, list_runs, writer_of

T = TypeVar("T")
EVERY = 0.1  # seconds between two looks at a file
LOCK_EVERY = 1.0  # seconds between two looks at who writes it
MOST = 16
"""Runs that are kept open, those that nobody looks at included: each holds three files and all its rows."""
SEEN = 5.0
"""Seconds for which a run counts as looked at after a page has asked for it."""


class Watched:
    """One run that somebody looks at.

    Args:
        name: as in addresses.
        folder: of the run.

    ``gone`` says that it cannot be read here any more: it was removed, replaced or damaged, or closed to make
    room for others.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.digest = Digest(folder)
        try:
            self.digest.refresh()
        except BaseException:
            self.digest.close()
            raise
        self.writer = writer_of(folder)
        self._asked = time.monotonic()
        self.seen = -SEEN  # when a page asked for it last
        self.listeners: set[asyncio.Event] = set()
        self.gone = False
        self._kept: dict[str, tuple[object, Any]] = {}

    @property
    def looked_at(self) -> bool:
        """Whether a page shows it or somebody listens to its news."""
        return bool(self.listeners) or time.monotonic() - self.seen < SEEN

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what ``make`` gives, made anew only after the run has changed."""
        now = self.digest.version, self.writer
        kept = self._kept.get(name)
        if kept is None or kept[0] != now:
            kept = self._kept[name] = (now, make())
        value: T = kept[1]
        return value

    @property
    def live(self) -> bool:
        """Whether a process works on the run now."""
        return self.writer is not None

    def look(self) -> None:
        """Read what is new and wake those who listen.

        Raises:
            RunNotFound, StoreError: if it was removed, replaced or damaged meanwhile.
        """
        changed = self.digest.refresh()
        if time.monotonic() - self._asked >= LOCK_EVERY:
            self._asked = time.monotonic()
            writer = writer_of(self.digest.folder)
            changed, self.writer = changed or writer != self.writer, writer
        if changed:
            for event in self.listeners:
                event.set()

    @contextlib.contextmanager
    def listen(self) -> Iterator[asyncio.Event]:
        """Give an event that is set at every change; clear it before you read."""
        event = asyncio.Event()
        self.listeners.add(event)
        try:
            yield event
        finally:
            self.listeners.discard(event)

    def close(self) -> None:
        """Free its files and tell whoever looks that it is gone."""
        self.digest.close()
        self.gone = True
        for event in self.listeners:
            event.set()


def as_text(path: Path | str) -> str:
    """Return a path as text that can be sent: bytes of it that are no UTF-8 become replacement characters."""
    return os.fsencode(path).decode("utf-8", errors="replace")


class Hub:
    """Opens runs by name and keeps them fresh; belongs to the thread of one event loop.

    Args:
        root: folder whose runs are shown.
        only: one run to show instead, by folder, name or ``@last``.

    Raises:
        RunNotFound: if there is no such run.
    """

    def __init__(self, root: Path, only: str | None = None) -> None:
        self._root = root
        self._only = find_run(only, root=root).resolve() if only else None
        self._open: dict[str, Watched] = {}
        self._glances: dict[Path, tuple[object, dict[str, Any]]] = {}

    @property
    def only(self) -> str | None:
        """Name of the one run that is shown, if it is one."""
        return as_text(self._only.name) if self._only else None

    def folders(self) -> dict[str, Path]:
        """Runs by name, the newest first."""
        if self._only:
            return {as_text(self._only.name): self._only}
        return {as_text(folder.name): folder for folder in reversed(list_runs(self._root))}

    def glances(self) -> list[dict[str, Any]]:
        """One row for each run, the newest first; one that cannot be read says why.

        Every run that changed is opened for it: an event loop asks for it in another thread.
        """
        rows = []
        for name, folder in self.folders().items():
            try:
                rows.append({**self._glance(folder), "run": name})
            except KernelEvoError as error:
                rows.append({"run": name, "state": "unreadable", "why": readable(error.what)})
        return rows

    def _glance(self, folder: Path) -> dict[str, Any]:
        """Read a run again only if it changed.

        A list of runs that somebody left open would otherwise keep a core busy, maybe one that is measured.
        """
        now = glanced(folder)
        kept = self._glances.get(folder)
        if kept is None or kept[0] != now:
            kept = self._glances[folder] = (now, glance(folder))
        return kept[1]

    def get(self, name: str) -> Watched:
        """Return an open run.

        Raises:
            RunNotFound: if there is none of this name.
            StoreError: if it cannot be read.
        """
        watched = self._open.pop(name, None)
        if watched is None:
            folders = self.folders()
            if name not in folders:
                raise RunNotFound(f"no run is called {name!r}.", why=closest(name, folders))
            self._make_room()
            watched = Watched(name, folders[name])
        self._open[name] = watched  # the one that was asked for last is the last
        return watched

    def _make_room(self) -> None:
        """Close the runs that nobody looks at, the one first that was asked for the longest time ago."""
        for name, watched in list(self._open.items()):
            if len(self._open) < MOST:
                return
            if not watched.looked_at:
                self._open.pop(name).close()

    async def watch(self) -> None:
        """Look at every open run, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(EVERY)

    def look(self) -> None:
        """Look at every open run; one that cannot be read any more is opened anew when it is asked for."""
        for name, watched in list(self._open.items()):
            try:
                watched.look()
            except KernelEvoError:
                del self._open[name]
                watched.close()

    def close(self) -> None:
        """Free every file."""
        for watched in self._open.values():
            watched.digest.close()
        self._open.clear()
