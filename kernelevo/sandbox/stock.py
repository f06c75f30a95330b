"""Stock: zygotes that their users gave back, kept warm for the next who asks for the same.

A zygote with torch takes seconds to start, and one that has asked Inductor's tools takes more. Who judges for
several tasks one after the other, or tries many programs, keeps them meanwhile::

    with stock.kept():
        ...  # whatever is lent here comes from the stock, and goes back there

Outside of ``kept`` nothing is kept: what is lent is new, and ends when it is given back.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kernelevo.errors import SandboxError
from kernelevo.sandbox.zygote import Zygote, clean_environment


@dataclass(frozen=True)
class _Kind:
    """What two zygotes have alike that can stand for one another; ``pid``: a fork has a stock of its own."""

    preload: tuple[str, ...]
    threads: int
    purpose: str
    environ: tuple[tuple[str, str], ...]
    pid: int


class Stock:
    """One stock; ``kept``, ``lend`` and ``give_back`` of this module are those of this process.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._kept: dict[_Kind, Zygote] = {}
        self._lent: dict[Zygote, _Kind] = {}

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what is given back until the outermost of these ends, one zygote of a kind."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            ended = []
            with self._lock:
                self._users -= 1
                while self._kept and not self._users:
                    ended.append(self._kept.popitem()[1])
            for zygote in ended:
                zygote.close()

    def lend(
        self,
        preload: Sequence[str],
        *,
        threads: int,
        purpose: str = "",
        environ: Mapping[str, str] | None = None,
        tools: Path | None = None,
    ) -> Zygote:
        """Return a zygote to use alone until it is given back; a new one if none of its kind is kept.

        Args:
            preload: as for ``Zygote``.
            threads: as for ``Zygote``.
            purpose: tells apart what the others do not, e.g. whether strangers' programs run in its children.
            environ: as for ``Zygote``.
            tools: folder for which Inductor will be warmed, if it is; not lent is what is warm for another.

        Raises:
            SandboxError: if it does not start.
        """
        here = clean_environment(Path(os.sep)) | dict(environ or {})
        kind = _Kind(tuple(preload), threads, purpose, tuple(sorted(here.items())), os.getpid())
        with self._lock:
            found = self._kept.get(kind)
            fits = found is not None and found.inductor_tools in (None, tools)
            zygote = self._kept.pop(kind) if fits else None
        if zygote is not None and not zygote.alive():
            zygote.close()
            zygote = None
        zygote = zygote or Zygote(preload, threads=threads, environ=environ)
        with self._lock:
            self._lent[zygote] = kind
        return zygote

    def give_back(self, zygote: Zygote) -> None:
        """Take a lent zygote back, once; its children end. Where it is not to be kept it ends itself."""
        with self._lock:
            kind = self._lent.pop(zygote, None)
            wanted = self._room(kind)
        if wanted and _cleared(zygote):
            with self._lock:
                if kind is not None and self._room(kind):
                    self._kept[kind] = zygote
                    return
        zygote.close()

    def _room(self, kind: _Kind | None) -> bool:
        return self._users > 0 and kind is not None and kind not in self._kept


def _cleared(zygote: Zygote) -> bool:
    try:
        zygote.clear()
    except SandboxError:  # it is gone, or a child of its would not end
        return False
    return True


_STOCK = Stock()
kept, lend, give_back = _STOCK.kept, _STOCK.lend, _STOCK.give_back
