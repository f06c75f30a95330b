"""Which blocks of a duel count, by the clocks of both sides; sessions and their batches are made up."""

import itertools
import math
import os
import random
from contextlib import nullcontext
from types import SimpleNamespace
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernelevo.device.statistics import StopRule
from kernelevo.kernels.children.answer import Batch
from kernelevo.kernels.timing import duel
from kernelevo.kernels.timing.duel import Ring
from kernelevo.kernels.timing.outcome import Blocks
from kernelevo.kernels.timing.overhead import Overhead
from kernelevo.kernels.timing.series import Tally

SETTING = SimpleNamespace(stateful=False, capacity=1)
SESSION = SimpleNamespace(child=SimpleNamespace(pid=os.getpid()), setting=SETTING)
BEFORE = Batch(1, 1.0, 1.0, {}, 1500.0)
"""What sizing and settling see; no play counts those batches."""

FREE = Overhead(0.0, 0.0, 0.0, True)


class FakeLease(nullcontext):
    device = "cuda:0"

    def breathe(self):
        pass

    def forced_breaths(self):
        return 0


class Scripted(Ring):
    """A ring whose batches are told: ``play(side, n)`` gives (seconds of the batch, its own, MHz)."""

    def __init__(self, play, overhead=FREE):
        super().__init__(None, None, random.Random(1), FakeLease())
        self.play, self.overhead, self.counts = play, overhead, {"ours": 0, "theirs": 0}
        self.now = BEFORE

    def run(self, session, calls, given=()):
        return self.now, []

    def _plan(self, challenger, ours, theirs):
        return None

    def turn(self, session, tally, *, trusted, plan=None):
        side = "ours" if not trusted else "theirs"
        whole, own, mhz = self.play(side, self.counts[side])
        self.counts[side] += 1
        self.now = Batch(1, whole, own, {}, mhz)
        return super().turn(session, tally, trusted=True)


def fight(play, step=1e-3, **how):
    """Hold a duel of about fifty blocks, by a clock that goes on by a millisecond whenever it is asked."""
    ticks = itertools.count()
    with mock.patch.object(duel, "time", SimpleNamespace(monotonic=lambda: next(ticks) * step)):
        return _fight(play, **how)


def _fight(play, fewest=duel._FEWEST, **how):
    return Scripted(play, **how).fight(SESSION, SESSION, StopRule(1e-9, 0.05), trusted=False, fewest=fewest)


def test_calm_blocks_all_count():
    found = fight(lambda side, n: (1.0 if side == "ours" else 2.0,) * 2 + (1500.0,))
    assert found.ratio.ratio == pytest.approx(2.0) and found.ratio.low == pytest.approx(2.0)
    assert found.dropped == found.disturbed == 0 and set(found.challenger.clocks) == {1500.0}
    assert found.challenger.own == [1.0] * len(found.challenger.own) and found.challenger.disagreements == 0


@pytest.mark.parametrize(("step", "blocks", "known"), [(0.3, 3, True), (2.0, 1, False)])
def test_calls_that_take_long_get_the_blocks_that_an_interval_needs(step, blocks, known):
    """A block takes six times the duel's seconds, or forty times: nobody waits for three of these."""
    found = fight(lambda side, n: (1.0 if side == "ours" else 2.0,) * 2 + (1500.0,), step=step)
    assert found.blocks == blocks and math.isfinite(found.ratio.high) is known


def test_what_the_first_batch_of_a_block_meets_is_met_by_both_sides_alike():
    turns = itertools.count()

    def play(side, n):
        order.append(side)
        return (1.1 if next(turns) % 4 == 0 else 1.0,) * 2 + (1500.0,)

    order = []
    found = fight(play)
    heads = [tuple(order[i : i + 4]) for i in range(0, len(order), 4)]
    assert set(heads) == {("ours", "theirs", "theirs", "ours"), ("theirs", "ours", "ours", "theirs")}
    assert all(one != other for one, other in itertools.pairwise(heads))
    assert found.ratio.ratio == pytest.approx(1.0, abs=0.06)
    assert found.ratio.low <= 1.01 and found.ratio.high >= 1.0


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 5), st.floats(0.03, 0.5), st.sampled_from(["ours", "theirs"]))
def test_blocks_in_which_the_clock_moved_are_dropped(every, change, side_at):
    def play(side, n):
        slow = side == side_at and (n // 2) % every == 0 and n % 2 == 0
        factor = 1 - change if slow else 1.0
        return (1.0 / factor, 1.0 / factor, 1500.0 * factor)

    found = fight(play)
    assert found.dropped > 0 and found.disturbed == 0
    assert found.ratio.low == pytest.approx(1.0) and found.ratio.high == pytest.approx(1.0)


def test_a_clock_that_moves_in_every_block_is_the_machines_matter():
    found = fight(lambda side, n: (1.0, 1.0, 1000.0 if side == "ours" else 1500.0))
    assert found.disturbed == found.blocks >= 8 and found.ratio.low == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("every", "patience", "calm"),
    [(10, 0.0, 0), (10, 2.0, 6), (10, 1.0, 0), (60, 2.0, 0), (2, 0.0, 0), (2, 1.0, 6)],
)
def test_a_duel_goes_on_where_enough_calm_blocks_are_in_sight(every, patience, calm):
    """One block of some is calm; in the duel's own time there are about 26 of all kinds."""

    def play(side, n):
        return (1.0, 1.0, 1500.0 if side == "ours" or (n // 2) % every == 1 else 1000.0)

    found = fight(play, fewest=Blocks(patience=patience))
    assert bool(found.disturbed) is not bool(calm) and (found.blocks == calm or not calm)
    assert found.blocks + found.dropped < 60  # no longer than that promises something


def test_a_program_whose_own_clock_says_otherwise_gets_no_interval():
    found = fight(lambda side, n: (1.0, 0.8 if side == "ours" else 1.0, 1500.0))
    assert found.disturbed == 0 and found.ratio.low == 0.0
    assert found.challenger.at_fault == found.blocks and found.ratio.low <= 1.0 <= found.ratio.high


def test_a_program_does_not_choose_its_blocks_by_its_own_clock():
    """Both sides take 1 to 1.2 alike; the program disowns its slower batches, and only quick ones count."""
    assert not _noisy(lies=False).low > 1.01  # the same times, honestly told
    assert not _noisy(lies=True).low > 1.01


def _noisy(lies):
    rng = random.Random(3)

    def play(side, n):
        seconds = 1 + 0.2 * rng.random()
        disowned = lies and side == "ours" and seconds > 1.08
        return (seconds, 0.5 if disowned else seconds, 1500.0)

    return fight(play).ratio


def test_clocks_that_disagree_on_both_sides_are_the_machines_matter():
    found = fight(lambda side, n: (1.0 if side == "ours" else 2.0, 0.5, 1500.0))
    assert found.disturbed == found.blocks and found.challenger.at_fault == 0
    assert found.ratio.low == pytest.approx(2.0)


def test_batches_that_a_flush_swallowed_count_only_where_there_is_nothing_else():
    flush = Overhead(0.0, 0.99, 0.0, True)

    def sometimes(side, n):
        return (0.98 if side == "ours" and n % 4 == 0 else 1.19, 0.2, None)

    found = fight(sometimes, overhead=flush)
    assert found.challenger.drowned > 0 and found.ratio.ratio == pytest.approx(1.0)
    assert found.ratio.low == pytest.approx(1.0)
    nothing = fight(lambda side, n: (0.98, 0.0, None), overhead=flush)
    assert nothing.ratio.ratio == pytest.approx(1.0) and nothing.disturbed == nothing.blocks


def test_a_tally_is_empty_at_first():
    assert Tally().clocks == [] and Tally().at_fault == 0
