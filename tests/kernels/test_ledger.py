"""What a child notes of its calls, and where calls that come alone are held against it."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Status
from kernelevo.kernels import alone
from kernelevo.kernels.failed import Failed
from kernelevo.kernels.ledger import NOWHERE, Ledger, ledger_bytes
from kernelevo.kernels.series import Tally

Y = torch.rand(3)
RESULTS = {
    "a tensor": (Y, Y.data_ptr()),
    "a tuple": ((Y, torch.rand(2)), Y.data_ptr()),
    "a number first": ((1, Y), Y.data_ptr()),
    "nested": ({"a": [Y]}, Y.data_ptr()),
    "no tensor": (5, NOWHERE),
    "nothing": ((), NOWHERE),
    "no memory": (torch.empty(3, device="meta"), NOWHERE),
    "no strides": (torch.eye(2).to_sparse(), NOWHERE),
    "no elements": (torch.empty(0), NOWHERE),
}


@pytest.mark.parametrize("result, address", RESULTS.values(), ids=RESULTS)
def test_the_first_tensor_of_a_result_is_noted(result, address):
    ledger = Ledger(torch.zeros(ledger_bytes(2), dtype=torch.uint8))
    ledger.note(0, result)
    assert ledger.noted(2) == [address]


@given(st.integers(1, 20), st.sets(st.integers(0, 19)))
def test_calls_are_done_up_to_the_first_that_was_not_noted(capacity, noted):
    block = torch.zeros(ledger_bytes(capacity), dtype=torch.uint8)
    child, parent = Ledger(block), Ledger(block)
    for call in noted:
        if call < capacity:
            child.note(call, Y)
    done = next(i for i in itertools.count() if i not in noted or i >= capacity)
    assert parent.noted(capacity) == [Y.data_ptr()] * done
    parent.clear()
    assert child.noted(capacity) == []


# ---------------------------------------------------------------------- calls that come alone


def held(batch, lone, theirs=1e-3, calls=10):
    """Hold a program's lone calls, of so many seconds, against those of its batches."""
    ours = Tally(seconds=[batch] * 3, calls=calls)
    turns = itertools.cycle(lone)
    alone.one_at_a_time(lambda: next(turns), lambda: theirs, ours, Tally(seconds=[1e-3]), 1)


@given(st.floats(1e-6, 1.0), st.floats(0.3, 1.5))
def test_lone_calls_that_are_not_far_slower_are_no_matter(batch, times):
    held(batch, [times * batch])


@given(st.floats(1e-3, 1.0), st.floats(2.0, 100.0))
def test_lone_calls_that_are_far_slower_each_time_are(batch, times):
    with pytest.raises(Failed, match="that came alone") as failed:
        held(batch, [times * batch])
    assert failed.value.status is Status.WRONG and failed.value.pid == 1


def test_one_quick_call_of_many_is_enough():
    held(1e-3, [5e-3] * 29 + [1e-3])
    with pytest.raises(Failed):
        held(1e-3, [1e-3] + [5e-3] * (alone.CALLS * alone.ROUNDS - 1))  # but not one that only warms up


def test_where_the_baselines_lone_calls_are_as_slow_the_machine_is_busy():
    held(1e-3, [9e-3], theirs=2e-3)
    with pytest.raises(Failed):
        held(1e-3, [9e-3], theirs=1.6e-3)


def test_nothing_is_said_of_short_calls_and_of_batches_of_one():
    held(1e-5, [2e-4])
    held(1e-3, [1.0], calls=1)
