"""One layer of retries: jittered, growing pauses that respect what the endpoint asks for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import TypeVar

from kernelevo.llm.client import EndpointError, Turn

R = TypeVar("R")
Sleep = Callable[[float], Awaitable[None]]


class Retryable(Exception):
    """A failure that may pass.

    Args:
        error: what to raise when no attempt is left.
        after: seconds the endpoint asked us to wait, or None.
    """

    def __init__(self, error: Exception, after: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.after = error, after


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long to wait.

    Args:
        attempts: tries in all, the first one included.
        base: upper bound of the first pause, in seconds; doubles each time.
        longest: upper bound of any pause, in seconds.
        patience: longest wait that the endpoint may ask for, in seconds; more ends the attempts.
    """

    attempts: int = 5
    base: float = 1.0
    longest: float = 30.0
    patience: float = 120.0

    def pause(self, failures: int, after: float | None, rng: Random) -> float | None:
        """Return the seconds to wait after so many failures, or None to give up."""
        if failures >= self.attempts or (after is not None and after > self.patience):
            return None
        jitter = rng.uniform(0, min(self.longest, self.base * 2 ** (failures - 1)))
        return jitter if after is None else after + min(jitter, self.base)


class RetryBudget:
    """How many retries all calls together have left: a storm of failures is not to make one of requests.

    Args:
        most: retries that may be made before anything succeeds.
        earned: retries that a success gives back.
    """

    def __init__(self, most: float = 20.0, earned: float = 0.5) -> None:
        self._most, self._earned = most, earned
        self.left = most

    def take(self) -> bool:
        """Take one retry; return whether there was one."""
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def succeeded(self) -> None:
        """Note a call that was answered."""
        self.left = min(self._most, self.left + self._earned)


async def with_retries(
    call: Callable[[], Awaitable[R]],
    policy: RetryPolicy,
    rng: Random,
    sleep: Sleep = asyncio.sleep,
    *,
    budget: RetryBudget | None = None,
    again: Turn | None = None,
) -> tuple[R, int]:
    """Await ``call()`` until it returns; a ``Retryable`` is tried again, any other exception passes.

    Args:
        call: one attempt.
        policy: how often to try, and how long to wait between two attempts.
        rng: randomness of the pauses.
        sleep: how to wait.
        budget: retries that all calls have together; None gives this one some of its own.
        again: awaited after each pause: what the next attempt has to wait for besides.

    Returns:
        What it returned, and the attempts that it took.

    Raises:
        Exception: the last failure; one of an endpoint with the number of attempts in its ``attempts``.
    """
    budget = budget or RetryBudget()
    failures = 0
    while True:
        try:
            result = await call()
        except Retryable as failure:
            failures += 1
            pause = policy.pause(failures, failure.after, rng)
            if pause is None or not budget.take():
                failure.error.attempts = failures  # type: ignore[attr-defined]
                raise failure.error from None
        except EndpointError as error:
            error.attempts = failures + 1
            raise
        else:
            budget.succeeded()
            return result, failures + 1
        await sleep(pause)
        if again is not None:
            await again()


def retry_after(value: str | None, now: datetime) -> float | None:
    """Read a ``Retry-After`` header: seconds or an HTTP date; None where it is absent or nonsense."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        aware = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (aware - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
