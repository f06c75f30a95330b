"""Call: one request to a model and what came of it; the ledger's row, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from kernelevo.llm.client import Message

Role = Literal["proposer", "repair", "judge", "summariser"]
ROLES: tuple[Role, ...] = get_args(Role)
State = Literal["asked", "answered", "failed"]


@dataclass(frozen=True)
class Purpose:
    """Why a model is asked.

    Args:
        role: which part of the run asks.
        trial: trial that the answer is for, or that is being judged or repaired; None for the whole run.
        persona: name of the persona that the prompt speaks to.
    """

    role: Role = "proposer"
    trial: int | None = None
    persona: str = ""


@dataclass(frozen=True)
class Call:
    """One request, however many attempts it took, and its answer or its failure, once there is one.

    Args:
        purpose: why it was made.
        model: name that was asked for.
        messages: the prompt.
        prompt_sha256: hash of the prompt, see ``prompt_hash``.
        settings: temperature, max_tokens and seed, where they were given.
        reply: the reply's text; None where there was none.
        finish: why the reply ended.
        served: model as the endpoint names it.
        tokens_in: tokens of the prompt, None where nobody says.
        tokens_cached: those of them that the endpoint had in its cache.
        tokens_out: tokens of the reply.
        dollars: price by the run's table; None for a model without a price.
        estimated: whether tokens were counted by us (4 bytes each) because the endpoint said nothing.
        latency: seconds, waits for retries included.
        attempts: requests that were sent.
        error: why there is no reply, in one line; empty if there is one.
        at: seconds since the epoch when it ended; when it began, as long as it is only asked.
    """

    purpose: Purpose
    model: str
    messages: tuple[Message, ...]
    prompt_sha256: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    reply: str | None = None
    finish: str = ""
    served: str = ""
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None
    dollars: float | None = None
    estimated: bool = False
    latency: float = 0.0
    attempts: int = 1
    error: str = ""
    at: float = 0.0

    @property
    def state(self) -> State:
        """``asked`` as long as nothing came back, then ``answered`` or ``failed``."""
        if self.reply is not None:
            return "answered"
        return "failed" if self.error else "asked"

    @property
    def cost(self) -> dict[str, float]:
        """What it used, by unit; what nobody knows is left out."""
        known: dict[str, float] = {}
        if self.tokens_in is not None:
            known["tokens_in"] = float(self.tokens_in)
        if self.tokens_out is not None:
            known["tokens_out"] = float(self.tokens_out)
        if known:
            known["tokens"] = sum(known.values())
        if self.dollars is not None:
            known["dollars"] = self.dollars
        return known


Ended = Callable[[Call], None]
Book = Callable[[Call], Ended]
"""Where calls are written down: before a request is sent, and by what that returns, when it ended."""


def unbooked(call: Call) -> Ended:
    """Write nothing down."""
    return lambda ended: None
