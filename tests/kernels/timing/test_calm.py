"""Whether other work took part in a block is told by what its own batches lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.device.clock import Disturbance
from kernelevo.kernels.timing.calm import alone

SECOND = 10**9
QUIET = Disturbance(SECOND, None, None, 0)


@pytest.mark.parametrize(
    ("lost", "expected"), [(0, True), (4_000_000, True), (13_900_000, True), (14_100_000, False)]
)
def test_a_twentieth_of_the_batches_time_and_a_millisecond_each_may_be_lost(lost, expected):
    """Four batches of 50 ms: 10 ms and 4 ms."""
    assert alone(QUIET, [(lost, 0.05), (0, 0.05), (0, 0.05), (0, 0.05)]) is expected


def test_what_threads_waited_between_the_batches_does_not_count():
    waited = Disturbance(SECOND, SECOND // 2, None, 0)
    assert alone(waited, [(0, 0.05)] * 4)


@pytest.mark.parametrize("seen", [{"others_ns": SECOND // 10}, {"stolen_ns": SECOND // 10}])
def test_what_others_used_or_a_hypervisor_took_counts_for_the_whole_block(seen):
    block = Disturbance(**{"wall_ns": SECOND, "waited_ns": 0, "others_ns": 0, "stolen_ns": 0} | seen)
    assert not alone(block, [(0, 0.2)] * 4)


def test_a_batch_of_which_nothing_is_known_leaves_the_blocks_own_count():
    losses = [(0, 0.1), (None, 0.1)]
    assert alone(Disturbance(SECOND, 51_000_000, None, 0), losses)
    assert not alone(Disturbance(SECOND, 53_000_000, None, 0), losses)


@given(
    st.lists(st.tuples(st.integers(0, 10**8), st.floats(0.001, 1.0)), min_size=1, max_size=8),
    st.integers(0, 10**8),
)
def test_losing_more_never_makes_a_block_calm(losses, more):
    (first, seconds), *rest = losses
    if not alone(QUIET, losses):
        assert not alone(QUIET, [(first + more, seconds), *rest])
