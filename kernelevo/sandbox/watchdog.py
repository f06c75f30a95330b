"""Watchdog: one thread of this process that kills every child which has grown past its limits."""

from __future__ import annotations

import threading
import time
import weakref
from typing import Final

from kernelevo.sandbox.child import Child

_SECONDS = 0.05


class Watchdog:
    """Watches children of any number of zygotes; its thread lives while there is one to watch.

    One for them all: each look takes a core from whatever is timed just then for an instant, and a judge has
    two zygotes or three for each set of inputs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: list[weakref.ref[Child]] = []
        self._thread: threading.Thread | None = None

    def watch(self, child: Child) -> None:
        """Look after a child until it ends, is closed, or nobody holds it."""
        with self._lock:
            self._watched.append(weakref.ref(child))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="kernelevo-limits", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(_SECONDS)
            with self._lock:
                watched = list(self._watched)
            over = [ref for ref in watched if not _within_limits(ref())]
            with self._lock:
                self._watched = [ref for ref in self._watched if ref not in over]
                if not self._watched:
                    self._thread = None
                    return


WATCHDOG: Final = Watchdog()
"""That of this process."""


def _within_limits(child: Child | None) -> bool:
    """Return whether to go on watching; kills a child that has grown past its limits."""
    if child is None or child.has_ended():
        return False
    reason = child.over_limits()
    if reason is not None:
        child.kill_now(reason)
    return reason is None
