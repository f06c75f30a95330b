"""Compilers: the zygote whose children run torch.compile on the reference; no program ever runs in it.

A fresh process that compiles spends 1.5 s on imports, 5 s on Inductor's precompiled header and 1 s on the
CPU's vectors before it finds its code in the cache. This zygote has done all that, so what is left is the
trace.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from kernelevo.errors import SandboxError
from kernelevo.kernels.programs.compiled_code import let_zygote_ask
from kernelevo.sandbox import stock
from kernelevo.sandbox.zygote import Zygote

_log = logging.getLogger(__name__)


class Compilers:
    """Starts the zygote when the first compiled baseline comes.

    Args:
        preload: modules that its children need.
        threads: torch threads of its children.
        kept: folder for what Inductor's tools make (see ``compiled_code.tools``).
    """

    def __init__(self, preload: Sequence[str], threads: int, kept: Path) -> None:
        self._preload, self._threads, self._kept = preload, threads, kept
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._zygote: Zygote | None = None

    def zygote(self) -> Zygote:
        """Return the zygote, warm; one that could not ask its tools is cold, which its children will tell.

        One that was killed, for want of memory say, is started anew.

        Raises:
            SandboxError: if it does not start, or ``close`` was called.
        """
        with self._lock:
            if self._zygote is not None and not self._zygote.alive():
                stock.give_back(self._zygote)
                self._zygote = None
            if self._zygote is None and not self._closing.is_set():
                self._zygote = stock.lend(
                    self._preload, threads=self._threads, purpose="compilers", tools=self._kept
                )
                self._warm(self._zygote)
            if self._zygote is None or self._closing.is_set():
                raise SandboxError("the judge was closed")
            return self._zygote

    def _warm(self, zygote: Zygote) -> None:
        if self._closing.is_set():
            return
        try:
            let_zygote_ask(zygote, self._kept, on_device=False)
        except SandboxError as error:
            _log.info("torch.compile starts cold: %s: %s", error.what, error.why)

    def stop(self) -> None:
        """Hand out no zygote any more; one that is being warmed ends."""
        self._closing.set()
        if self._lock.acquire(blocking=False):
            self._lock.release()
        elif (zygote := self._zygote) is not None:
            zygote.kill()

    def close(self) -> None:
        """End the zygote's children, and the zygote if it is not kept; nobody may use it meanwhile."""
        self.stop()
        with self._lock:
            if self._zygote is not None:
                stock.give_back(self._zygote)
                self._zygote = None
