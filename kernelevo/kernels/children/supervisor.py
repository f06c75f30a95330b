"""Supervisor: keeps a zygote running; one that was killed is started anew."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from kernelevo.errors import SandboxError
from kernelevo.kernels.programs.compiled_code import tools
from kernelevo.sandbox import stock
from kernelevo.sandbox.zygote import Zygote

PRELOAD = ("torch", "kernelevo.kernels.children.worker", "kernelevo.kernels.upstream")
"""What the children of judges find imported."""
_log = logging.getLogger(__name__)


class Supervisor:
    """Keeps one zygote running; safe to use from several threads.

    Its children end with a zygote that is killed (by the kernel, say, where memory runs out). Who talks to
    one of them is told by a ``SandboxError``, and what comes after it finds a new zygote.

    Args:
        start: starts a zygote, or takes one from the stock, where it goes in the end; called at once where
            none is given, and whenever the one at hand has ended.
        given: the first one, which somebody else closes.

    Raises:
        SandboxError: if it does not start.
    """

    def __init__(self, start: Callable[[], Zygote], given: Zygote | None = None) -> None:
        self._start, self._own = start, given is None
        self._lock, self._closed = threading.Lock(), False
        self._zygote = start() if given is None else given
        self.threads = self._zygote.threads

    def zygote(self) -> Zygote:
        """Return the zygote.

        Raises:
            SandboxError: if it has to be started and does not start, or ``close`` was called.
        """
        with self._lock:
            if self._closed:
                raise SandboxError("the judge was closed")
            if not self._zygote.alive():
                _log.warning("zygote %d was killed, its children too; another is started", self._zygote.pid)
                self._end()
                self._zygote, self._own = self._start(), True
            return self._zygote

    def close(self) -> None:
        """End the zygote and its children, but for one that was given; may be called twice."""
        with self._lock:
            self._closed = True
            self._end()

    def _end(self) -> None:
        if self._own:
            self._own = False
            stock.give_back(self._zygote)


def started(threads: int, device: str, root: Path) -> Zygote:
    """Start a zygote for programs of a device, or take one from the stock; it is to be given back there.

    Args:
        threads: torch threads of its children.
        device: ``"cpu"`` or ``"cuda:0"``.
        root: of the build cache that its children work with.

    Raises:
        SandboxError: if it does not start.
    """
    zygote = stock.lend(PRELOAD, threads=threads, tools=tools(root))
    try:
        return warmed(zygote, device)
    except BaseException:
        stock.give_back(zygote)
        raise


def warmed(zygote: Zygote, device: str) -> Zygote:
    """Let a zygote ask the tools that Triton asks, where programs are for a device; return it."""
    if device != "cpu":
        for unknown in zygote.warm_triton(_triton_arch(device)):
            _log.warning("Triton's kernels may not be found again where they are judged: %s", unknown)
    return zygote


def _triton_arch(device: str) -> int:
    """Return what Triton calls a device's architecture."""
    import torch

    major, minor = torch.cuda.get_device_capability(device)
    return int(10 * major + minor)
