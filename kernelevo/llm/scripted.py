"""ScriptedClient: replies written beforehand, for tests, dry runs and replays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kernelevo.llm.client import EndpointError, Message, Reply, Turn, Usage


@dataclass(frozen=True)
class Call:
    """One request that a scripted client received."""

    messages: tuple[Message, ...]
    model: str
    temperature: float | None
    max_tokens: int | None
    seed: int | None


class ScriptedClient:
    """Gives its replies in order; an exception among them is raised.

    Args:
        replies: texts, ready replies or exceptions. When they are used up, ``EndpointError``.
    """

    def __init__(self, replies: Iterable[str | Reply | Exception]) -> None:
        self._replies = iter(replies)
        self.calls: list[Call] = []

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        model: str,
        temperature: float | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
        again: Turn | None = None,
    ) -> Reply:
        """Return the next reply; see ``Client.complete``."""
        self.calls.append(Call(tuple(messages), model, temperature, max_tokens, seed))
        reply = next(self._replies, None)
        if reply is None:
            raise EndpointError("The script has no reply left.", why=f"{len(self.calls) - 1} were given")
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Reply):
            return reply
        words = sum(len(m.content.split()) for m in messages)
        return Reply(reply, Usage(words, len(reply.split())), 0.0, "stop", model)
