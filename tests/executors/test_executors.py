"""One contract for all executors."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from kernelevo.core import Executor
from kernelevo.errors import BadSetting, ToolchainMissing
from kernelevo.executors import InlineExecutor, ProcessExecutor, RemoteError
from tests.executors import toys


@pytest.fixture(params=["inline", "process"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    made = InlineExecutor() if request.param == "inline" else ProcessExecutor(devices=("device:0",))
    yield made
    made.close()


def test_it_is_an_executor(executor: Executor) -> None:
    assert isinstance(executor, Executor)


def test_results_come_back(executor: Executor) -> None:
    futures = [executor.submit(toys.add, n, 1, needs=needs) for n in range(4) for needs in ("cpu", "build")]
    assert [f.result(30) for f in futures] == [1, 1, 2, 2, 3, 3, 4, 4]


def test_exceptions_come_back_as_they_are(executor: Executor) -> None:
    error = executor.submit(toys.fail, "no nvcc").exception(30)
    assert type(error) is ToolchainMissing
    assert (error.what, error.why, error.now) == ("no nvcc", "looked", "install it")
    assert type(executor.submit(toys.time_out).exception(30)) is TimeoutError
    assert executor.submit(toys.add, 1, 2).result(30) == 3  # and the worker goes on


def test_one_device_works_on_one_thing_at_a_time(executor: Executor) -> None:
    futures = [executor.submit(toys.span, 0.05, needs="device:0") for _ in range(3)]
    spans = sorted(f.result(30) for f in futures)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


def test_state_stays_with_a_device(executor: Executor) -> None:
    name = type(executor).__name__
    assert [executor.submit(toys.count, name, needs="device:0").result(30) for _ in range(3)] == [1, 2, 3]


def test_unknown_needs_are_refused(executor: Executor) -> None:
    for needs in ("gpu", "", "device:"):
        with pytest.raises(BadSetting, match="no worker offers"):
            executor.submit(toys.add, 1, 2, needs=needs)


def test_close_is_final_and_may_be_repeated(executor: Executor) -> None:
    executor.close()
    executor.close()
    with pytest.raises(RuntimeError, match="closed"):
        executor.submit(toys.add, 1, 2)


def test_inline_runs_here_and_now() -> None:
    import os

    future = InlineExecutor().submit(toys.pid)
    assert future.done() and future.result() == os.getpid()


def test_an_odd_exception_keeps_its_words() -> None:
    executor = ProcessExecutor()
    try:
        error = executor.submit(toys.fail_oddly).exception(30)
        assert isinstance(error, RemoteError) and "Odd: odd" in str(error)
        assert "fail_oddly" in str(error.__cause__)  # the worker's traceback
        error = executor.submit(toys.lock).exception(30)
        assert error is not None and "pickle" in str(error)
        error = executor.submit(lambda: 1).exception(30)
        assert error is not None and "pickle" in str(error)
    finally:
        executor.close()
