"""What a child notes of its calls."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.kernels.children.ledger import NOWHERE, Ledger, ledger_bytes

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


def test_seeds_lie_beside_the_notes_and_can_be_told_anew_from_one_call_on():
    block = torch.zeros(ledger_bytes(5), dtype=torch.uint8)
    child, parent = Ledger(block), Ledger(block)
    parent.tell([(1 << 31) - 1, 7, 8, 9, 10])
    child.note(0, Y)
    parent.tell([5, 6], first=3)
    assert list(child.seeds) == [(1 << 31) - 1, 7, 8, 5, 6] and parent.noted(5) == [Y.data_ptr()]
    parent.clear()
    assert child.seeds[1] == 7
