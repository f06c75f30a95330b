"""What the protocol costs is taken off, and never makes a program look fast; clocks agree or do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.kernels.children.answer import Batch
from kernelevo.kernels.timing.overhead import KEPT, LAUNCH_SECONDS, MARKS_SECONDS, Anchors, Overhead

seconds = st.floats(1e-6, 1.0)
calls = st.integers(1, 1000)


def batch(calls, whole, own=0.0):
    return Batch(calls, whole, own, {})


@given(seconds, seconds, seconds, calls, st.booleans())
def test_what_is_left_is_positive_and_no_more_than_the_whole(trip, each, whole, count, flushed):
    overhead = Overhead(trip, each, 0.0, flushed)
    left = overhead.taken_off(whole, count)
    assert 0 < left <= whole
    if not flushed or overhead.drowned(batch(count, whole)):
        assert left >= whole / 2
    else:
        assert left >= whole / 100 and left >= LAUNCH_SECONDS * count


@given(seconds, st.floats(1e-5, 1e-3), st.floats(3e-6, 1e-3), calls)
def test_calls_shorter_than_their_flush_are_measured(trip, flush, call, count):
    overhead = Overhead(trip, flush, 0.0, True)
    whole = trip + count * (flush + call)
    if count * call > 0.02 * whole:
        assert not overhead.drowned(batch(count, whole))
        assert overhead.taken_off(whole, count) / count == pytest.approx(call, rel=1e-3)


@given(st.floats(2e-5, 1e-3), st.integers(50, 1000), st.floats(0.1, 1.0), st.sampled_from([-1, 1]))
def test_a_clock_that_is_off_is_seen(call, count, off, sign):
    trip, flush, own = 1e-3, 4e-5, 2e-6
    overhead = Overhead(trip, flush, own, True)
    whole = trip + count * (flush + call)
    assert overhead.agrees(batch(count, whole, count * (call + own)))
    wrong = call * (1 + sign * off)
    tolerance = 0.05 * call + 0.5e-6 + trip / 2 / count + (MARKS_SECONDS if wrong < call else 0.0)
    if abs(wrong - call) > 1.01 * tolerance:
        assert not overhead.agrees(batch(count, whole, count * (wrong + own)))


def test_without_a_flush_the_rule_is_that_of_the_host():
    overhead = Overhead(1e-4, 0.0)
    assert overhead.agrees(batch(10, 0.0101, 0.0105)) and not overhead.agrees(batch(10, 0.0101, 0.0115))
    assert not overhead.drowned(batch(10, 1e-9))


@given(
    st.floats(1e-5, 1e-3), st.lists(st.floats(0.0, 0.05), min_size=KEPT, max_size=KEPT), st.floats(10, 1e3)
)
def test_one_anchor_in_a_busy_moment_changes_nothing(flush, noise, busy):
    anchors = Anchors(Overhead(1e-3, flush, 1e-6, True))
    for part in noise:
        overhead = anchors.add(batch(100, 1e-3 + 100 * flush * (1 + part), 100 * 1e-6))
    assert flush * 0.999 <= overhead.per_call <= flush * 1.051 and overhead.trip == 1e-3
    overhead = anchors.add(batch(100, busy, busy))
    assert flush * 0.999 <= overhead.per_call <= flush * 1.051 and overhead.flushed
    assert overhead.own_per_call == pytest.approx(1e-6)


def test_anchors_follow_a_flush_that_has_become_slower():
    anchors = Anchors(Overhead(0.0, 1e-5, 0.0, True))
    for _ in range(KEPT):
        overhead = anchors.add(batch(10, 10 * 1.1e-5))
    assert overhead.per_call == pytest.approx(1.1e-5)
