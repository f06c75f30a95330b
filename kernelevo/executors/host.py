"""GenerationHost: a process for proposers that need torch, so that the engine's own process stays light."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from random import Random
from typing import Any

from kernelevo.core import Brief, Evaluation, Program, Proposal, Trial
from kernelevo.errors import WorkerDied
from kernelevo.executors.link import Link

STUDY = "kernelevo.executors.study:main"
AT_ONCE = 200  # trials in one message

News = Trial | Program | Callable[[Evaluation], Evaluation]


class GenerationHost:
    """One process with all hosted proposers; started by the first request, replaced when it dies.

    Its process group (``pgid``) may be stopped while the device is measured; ``on_start`` gets it each time.
    A new process is told everything that its proposers had observed.

    Args:
        log: file that its output is appended to; None means our stderr.
        on_start: called with the process group whenever a process starts.
        start: starts the process; another machine's where it is not ``Link``.
    """

    def __init__(
        self,
        *,
        log: Path | None = None,
        on_start: Callable[[int], None] | None = None,
        start: Callable[..., Link] = Link,
    ) -> None:
        self._log, self._on_start, self._start_link = log, on_start, start
        self._specs: dict[str, tuple[str, dict[str, Any]]] = {}
        self._seen: dict[str, list[News]] = {}
        self._told: dict[str, int] = {}  # by proposer: how many trials this process was shown
        self._added: dict[str, Future[Any]] = {}
        self._link: Link | None = None
        self._closed = False

    def proposer(
        self,
        name: str,
        factory: str,
        options: Mapping[str, Any] | None = None,
        *,
        parents: int = 1,
        reads: bool = False,
        serial: bool = False,
    ) -> HostedProposer:
        """Return a proposer that lives in the host.

        Args:
            name: its name here and in its programs' origins.
            factory: ``"module:callable"``, imported in the host only.
            options: keyword arguments of the factory; they must be picklable.
            parents: how many parents its briefs shall have.
            reads: whether it reads hints, notes and lineage.
            serial: whether it answers asks one after the other.

        Raises:
            ValueError: if the name is taken.
        """
        if name in self._specs:
            raise ValueError(f"there is a hosted proposer {name!r} already")
        self._specs[name] = (factory, dict(options or {}))
        self._seen[name] = []
        return HostedProposer(self, name, parents, reads, serial)

    @property
    def pgid(self) -> int | None:
        """Process group of the running process, None if there is none."""
        return self._link.pgid if self._link and self._link.alive else None

    def start(self) -> None:
        """Start the process and its imports now instead of at the first request; returns at once."""
        link = self._running()
        for name in self._specs:
            self._add(link, name)

    async def propose(self, name: str, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Ask one proposer there.

        Raises:
            WorkerDied: if the process died meanwhile.
            Exception: whatever the proposer, or its factory, raised.
        """
        link = self._running()
        requests = [self._add(link, name)]
        seen = self._seen[name]
        while (told := self._told.get(name, 0)) < len(seen):
            self._told[name] = min(told + AT_ONCE, len(seen))
            requests.append(link.call("observe", name, seen[told : self._told[name]]))
            if self._told[name] < len(seen):  # a long history: the engine goes on meanwhile
                for request in requests:  # in order: the first that failed is the cause of the others
                    await asyncio.wrap_future(request)
        requests.append(link.call("propose", name, brief, rng))
        try:  # answered in this order; the first that failed is the cause of the others
            *_, programs = [await asyncio.wrap_future(request) for request in requests]
        except asyncio.CancelledError:
            link.cancel(requests[-1])
            raise
        return list(programs)

    def observe(self, name: str, news: News) -> None:
        """Let a proposer there know, with its next request, of a trial, a program of its own or a change.

        A change (how verdicts told before it read from now on) must be picklable.
        """
        self._seen[name].append(news)

    def rest(self) -> None:
        """End the process and all that it started; the next request starts another one."""
        if self._link:
            self._link.kill()
            self._link.join()
            self._link = None

    def close(self) -> None:
        """End the process for good; safe to call twice."""
        self._closed = True
        self.rest()

    def _running(self) -> Link:
        if self._closed:
            raise WorkerDied("the generation process was closed.")
        if self._link is None or not self._link.alive:
            self._link = self._start_link(STUDY, log=self._log, on_start=self._on_start)
            self._told, self._added = {}, {}
        return self._link

    def _add(self, link: Link, name: str) -> Future[Any]:
        if name not in self._added:
            self._added[name] = link.call("add", name, *self._specs[name])
        return self._added[name]


class HostedProposer:
    """A proposer whose thinking happens in a GenerationHost."""

    def __init__(self, host: GenerationHost, name: str, parents: int, reads: bool, serial: bool) -> None:
        self.name, self.parents, self.reads, self.serial = name, parents, reads, serial
        self._host = host

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Ask the proposer in the host; see ``Proposer``."""
        return await self._host.propose(self.name, brief, rng)

    def observe(self, trial: Trial) -> None:
        """Pass on what became of a trial."""
        self._host.observe(self.name, trial)

    def reread(self, change: Callable[[Evaluation], Evaluation]) -> None:
        """Pass on how verdicts that were told read from now on."""
        self._host.observe(self.name, change)

    def proposed(self, program: Program) -> None:
        """Pass on that it has proposed a program which is not judged yet."""
        self._host.observe(self.name, program)
