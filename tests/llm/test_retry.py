"""Retries: how often, how long, and what is not retried."""

import asyncio
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.llm.client import EndpointError
from kernelevo.llm.retry import Retryable, RetryBudget, RetryPolicy, retry_after, with_retries

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def run(outcomes, policy, budget=None):
    pauses: list[float] = []

    async def call():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def sleep(seconds):
        pauses.append(seconds)

    return asyncio.run(with_retries(call, policy, Random(0), sleep, budget=budget)), pauses


def test_tries_again_until_it_works():
    error = EndpointError("busy")
    result, pauses = run([Retryable(error), Retryable(error, after=7.0), "ok"], RetryPolicy())
    assert result == ("ok", 3)
    assert 0 <= pauses[0] <= 1 and 7 <= pauses[1] <= 8


def test_gives_up_with_the_last_error():
    with pytest.raises(EndpointError, match="second"):
        run([Retryable(EndpointError("first")), Retryable(EndpointError("second"))], RetryPolicy(attempts=2))


def test_a_long_retry_after_is_not_waited_for():
    with pytest.raises(EndpointError):
        run([Retryable(EndpointError("x"), after=3600), "never"], RetryPolicy(patience=60))


def test_a_storm_of_failures_does_not_become_one_of_requests():
    budget = RetryBudget(most=3, earned=0.5)
    sent = 0
    for _ in range(10):
        storm = [Retryable(EndpointError("busy")) for _ in range(5)]
        with pytest.raises(EndpointError) as caught:
            run(storm, RetryPolicy(attempts=5), budget)
        sent += caught.value.attempts
    assert sent == 10 + 3  # each call once, and three retries among them all
    for _ in range(2):
        run(["ok"], RetryPolicy(), budget)
    assert budget.left == 1


def test_other_errors_pass():
    with pytest.raises(KeyError):
        run([KeyError("x"), "never"], RetryPolicy())


def test_what_is_not_tried_again_says_how_many_requests_it_took():
    with pytest.raises(EndpointError, match="late") as caught:
        run([Retryable(EndpointError("busy")), EndpointError("late"), "never"], RetryPolicy())
    assert caught.value.attempts == 2


@given(st.integers(1, 40), st.none() | st.floats(0, 100), st.integers())
def test_pauses_are_bounded(failures, after, seed):
    policy = RetryPolicy(attempts=50)
    pause = policy.pause(failures, after, Random(seed))
    assert pause is not None and (after or 0) <= pause <= (after or 0) + policy.longest


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("-3", 0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("nan", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_header(value, seconds):
    assert retry_after(value, NOW) == seconds


@given(st.text())
def test_retry_after_never_raises(value):
    seconds = retry_after(value, NOW)
    assert seconds is None or seconds >= 0
