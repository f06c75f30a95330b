"""Price: what a model's tokens cost, and how many tokens a prompt may have before anybody counted them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kernelevo.errors import BadSetting
from kernelevo.llm.client import Message, Usage

MILLION = 1e6
_BYTES = 4
"""Bytes of a token, as a rule of thumb, where an endpoint does not count. In scripts whose signs take three
bytes each a token has about one sign: counted by characters it would be a quarter of that."""
_AT_LEAST = 3
"""Bytes of a token where an amount is to be set aside: rather too many tokens than too few."""


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens.

    Args:
        input: of a prompt.
        output: of a reply, reasoning included.
        cached: of those tokens of a prompt that the endpoint had in its cache; None means as ``input``.

    Raises:
        BadSetting: for a price below zero.
    """

    input: float
    output: float
    cached: float | None = None

    def __post_init__(self) -> None:
        for amount in (self.input, self.output, self.cached):
            if amount is not None and not 0 <= amount < math.inf:
                raise BadSetting(
                    f"a price cannot be {amount}",
                    why="it is in dollars per million tokens",
                    now="give a number from 0",
                )

    def of(self, usage: Usage) -> float | None:
        """Return the dollars of a reply, None where the endpoint did not say what it used."""
        if usage.tokens_in is None or usage.tokens_out is None:
            return None
        cached = min(usage.tokens_cached or 0, usage.tokens_in)
        cheap = self.input if self.cached is None else self.cached
        amount = (usage.tokens_in - cached) * self.input + cached * cheap + usage.tokens_out * self.output
        return amount / MILLION


def counted(messages: Sequence[Message], reply: str) -> Usage:
    """Return the tokens of a request as we would guess them, for endpoints that do not say."""
    return Usage(_tokens(messages, _BYTES), math.ceil(_size(reply) / _BYTES))


def at_most(messages: Sequence[Message], max_tokens: int) -> Usage:
    """Return what a request may use: what is set aside before it is made."""
    return Usage(_tokens(messages, _AT_LEAST), max_tokens)


def _tokens(messages: Sequence[Message], size: int) -> int:
    return math.ceil(sum(_size(m.content) + 16 for m in messages) / size)


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))
