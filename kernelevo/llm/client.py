"""Client: whatever answers a list of messages; and the plain data that goes in and comes out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from kernelevo.errors import MachineError
from kernelevo.llm.thinking import without_thoughts


class EndpointError(MachineError):
    """The language model did not answer: no connection, refused, or an answer that makes no sense."""

    attempts = 1
    """How many requests were sent for it."""
    everywhere = False
    """Whether the model would refuse every prompt alike (a wrong key, no such model)."""
    there = False
    """Whether it came from an endpoint that serves us: its address is no mistake."""
    sent = 0.0
    """When its first request was sent, by the clock of the ``Models`` that asked."""


class ModelRefused(EndpointError):
    """A wrong key, a model that is not there, no right to use it: no prompt will be answered."""

    everywhere = True


class EndpointBusy(EndpointError):
    """The endpoint is overloaded, broken or out of reach; asking again later may help."""

    passing = True


class RateLimited(EndpointBusy):
    """The endpoint wants fewer requests in a minute; asking again later helps."""

    there = True


class ReplyTimeout(EndpointBusy):
    """Nobody answered a prompt in the mailbox in time: nothing is broken, a reply may still come.

    An endpoint that does not answer in time is ``EndpointBusy``.
    """


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Usage:
    """Tokens that a reply used; None where the endpoint does not say. Cached ones are among ``tokens_in``."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None


@dataclass(frozen=True)
class Reply:
    """What came back.

    Args:
        text: the reply's text, possibly empty.
        usage: tokens used.
        latency: seconds from the request to the reply, waits for retries included.
        finish: why it ended; ``"length"`` means it was cut off.
        model: name of the model that answered, as the endpoint reports it.
        attempts: requests that were sent for it.
    """

    text: str
    usage: Usage = field(default_factory=Usage)
    latency: float = 0.0
    finish: str = "stop"
    model: str = ""
    attempts: int = 1

    @property
    def cut_off(self) -> bool:
        """True if the reply ran into its token limit."""
        return self.finish == "length"

    @property
    def answer(self) -> str:
        """The text without what a reasoning model thought before it; empty if it got no further than that."""
        return without_thoughts(self.text, cut_off=self.cut_off)


Turn = Callable[[], Awaitable[None]]
"""Waits until one more request may be sent."""


@runtime_checkable
class Client(Protocol):
    """Answers messages. Implementations hold no run state; a call may be repeated."""

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
        """Return one reply.

        Args:
            messages: the prompt.
            model: name of the model, as the endpoint knows it.
            temperature: how varied the reply may be; None leaves it to the endpoint.
            max_tokens: longest reply.
            seed: for endpoints that take one.
            again: awaited before each request that is sent for this reply after the first.

        Raises:
            EndpointError: if none could be had after the client's own retries.
        """
        ...


def digest(messages: Sequence[Message], **settings: object) -> str:
    """Return the sha256 of messages and settings: equal requests have equal digests on every machine."""
    data = [[(m.role, m.content) for m in messages], sorted(settings.items())]
    return hashlib.sha256(json.dumps(data, ensure_ascii=True).encode()).hexdigest()


def prompt_hash(messages: Sequence[Message]) -> str:
    """Return the sha256 of a prompt, whoever is asked and with whatever settings."""
    text = json.dumps([(m.role, m.content) for m in messages])
    return hashlib.sha256(text.encode()).hexdigest()
