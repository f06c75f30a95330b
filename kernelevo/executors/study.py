"""The inside of the generation process: proposers that need torch, side by side in one asyncio loop."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from kernelevo.core import Brief, Evaluation, Program, Proposal, Proposer, Trial
from kernelevo.executors import frames, replies


def main(fd: int) -> None:
    """Serve the engine at the other end of socket ``fd`` until it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=fd)
    connection.set_inheritable(False)  # what a call starts is not to hold the line when this process is gone
    os.register_at_fork(after_in_child=connection.close)
    try:
        asyncio.run(_serve_and_die(connection))
    finally:
        os.killpg(0, signal.SIGKILL)


async def _serve_and_die(connection: socket.socket) -> None:
    try:
        await _serve(connection)
    finally:
        # here, since the loop's end would wait for threads that still compute and cannot be cancelled;
        # compilers started by them must not stay: this process leads its group, nothing needs an orderly end
        os.killpg(0, signal.SIGKILL)


async def _serve(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection, limit=1 << 20)
    study = Study()
    running: dict[int, asyncio.Task[None]] = {}

    async def answer(number: int, verb: str, arguments: Sequence[Any]) -> None:
        try:
            reply = replies.succeeded(number, await study.do(verb, arguments))
        except (Exception, asyncio.CancelledError) as error:
            reply = replies.failed(number, error)
        finally:
            running.pop(number, None)
        writer.write(frames.encode(reply))
        await writer.drain()

    while (message := await _receive(reader)) is not None:
        number, verb, *arguments = message
        if verb == "cancel":
            if task := running.get(arguments[0]):
                task.cancel()
        else:
            running[number] = asyncio.create_task(answer(number, verb, arguments))


async def _receive(reader: asyncio.StreamReader) -> Any:
    """Return the next message, or None when the engine is gone or says so."""
    try:
        header = await reader.readexactly(frames.HEADER.size)
        return frames.loads(await reader.readexactly(frames.length(header)))
    except (asyncio.IncompleteReadError, ConnectionError, EOFError):
        return None


class Study:
    """The proposers that live in this process, by name."""

    def __init__(self) -> None:
        self._proposers: dict[str, Proposer] = {}

    async def do(self, verb: str, arguments: Sequence[Any]) -> Any:
        """Carry out one request: ``add``, ``propose`` or ``observe``."""
        if verb == "add":
            return self.add(*arguments)
        if verb == "propose":
            return await self.propose(*arguments)
        if verb == "observe":
            return self.observe(*arguments)
        raise ValueError(f"no such request: {verb}")

    def add(self, name: str, factory: str, options: Mapping[str, Any]) -> None:
        """Make a proposer from ``"module:callable"`` and its keyword arguments."""
        module, _, attribute = factory.partition(":")
        self._proposers[name] = getattr(importlib.import_module(module), attribute)(**options)

    async def propose(self, name: str, brief: Brief, rng: Random) -> list[Proposal]:
        """Ask one proposer."""
        return list(await self._proposers[name].propose(brief, rng))

    def observe(
        self, name: str, news: Sequence[Trial | Program | Callable[[Evaluation], Evaluation]]
    ) -> None:
        """Show one proposer what it wants to know, in order.

        That is what became of trials, what it has proposed itself, and how verdicts read from then on.
        """
        for one in news:
            if isinstance(one, Trial):
                word = "observe"
            else:
                word = "proposed" if isinstance(one, Program) else "reread"
            look = getattr(self._proposers[name], word, None)
            if look is not None and inspect.isawaitable(look(one)):
                raise TypeError(f"{name}.{word} must be a plain function")
