"""Gate: how many requests a model gets at a time, and in a minute."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kernelevo.errors import BadSetting
from kernelevo.llm.retry import Sleep

MINUTE = 60.0


@dataclass(frozen=True)
class Limits:
    """What an endpoint allows one of its users.

    Args:
        concurrency: requests at a time.
        requests_per_minute: requests begun in any 60 s, repeated ones too; None means no limit.
        tokens_per_minute: tokens set aside for requests begun in any 60 s; None means no limit. One request
            that is larger than this goes alone.

    Raises:
        BadSetting: for a number below 1.
    """

    concurrency: int = 8
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and value < 1:
                raise BadSetting(
                    f"{name} of a model cannot be {value}",
                    why="it is at least 1",
                    now="correct it in the section of the model",
                )


class Gate:
    """Lets requests of one model through within its limits, in the order in which they came.

    Args:
        limits: of the model.
        clock: seconds that only go up.
        sleep: how to wait.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.limits = limits
        self._clock, self._sleep = clock, sleep
        self._places = asyncio.Semaphore(limits.concurrency)
        self._turn = asyncio.Lock()
        self._begun: deque[tuple[float, int]] = deque()

    @asynccontextmanager
    async def through(self, tokens: int) -> AsyncIterator[None]:
        """Wait for a place and for the rates to allow it; the place is free again when the block ends.

        Args:
            tokens: what the request may use.
        """
        async with self._places:
            await self.turn(tokens)
            yield

    async def turn(self, tokens: int) -> None:
        """Wait for the rates to allow one more request of somebody who has a place.

        Args:
            tokens: what the request may use.
        """
        async with self._turn:
            while (wait := self._wait(tokens)) > 0:
                await self._sleep(wait)
            self._begun.append((self._clock(), tokens))

    def _wait(self, tokens: int) -> float:
        """Seconds until the rates may allow this request."""
        now = self._clock()
        while self._begun and now - self._begun[0][0] >= MINUTE:
            self._begun.popleft()
        most, many = self.limits.requests_per_minute, self.limits.tokens_per_minute
        if most is not None and len(self._begun) >= most:
            return max(self._begun[0][0] + MINUTE - now, 1e-3)
        taken = sum(amount for _, amount in self._begun)
        if many is not None and self._begun and taken + tokens > many:
            return max(self._begun[0][0] + MINUTE - now, 1e-3)
        return 0.0
