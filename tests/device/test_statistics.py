"""The statistics of timing: exact where they can be, calibrated by simulation where they cannot."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core.claims import word
from kernelevo.device.statistics import (
    MIN_BLOCKS,
    Estimate,
    StopRule,
    estimate,
    geometric_mean,
    log_ratio,
)
from tests.few import few

times = st.floats(1e-6, 1e3)
logs = st.lists(st.floats(-2, 2), min_size=1, max_size=40)


@given(times, times, st.floats(0.5, 2.0))
def test_a_geometric_drift_cancels_in_a_block(a, b, drift):
    block = log_ratio([a, a * drift**3], [b * drift, b * drift**2])
    assert math.isclose(block, math.log(a / b), abs_tol=1e-9)


@given(st.lists(times, min_size=1, max_size=4), st.lists(times, min_size=1, max_size=4))
def test_swapping_sides_changes_the_sign(a, b):
    assert math.isclose(log_ratio(a, b), -log_ratio(b, a), abs_tol=1e-12)


@pytest.mark.parametrize("bad", [[], [0.0], [-1.0], [math.nan], [math.inf]])
def test_times_must_be_positive(bad):
    with pytest.raises(ValueError, match="positive"):
        log_ratio(bad, [1.0])


@given(logs, st.randoms(use_true_random=False))
def test_the_interval_encloses_the_median_whatever_the_order(values, rng):
    first = estimate(values)
    assert first == estimate(rng.sample(values, len(values)))
    assert first.outer[0] <= first.low <= first.ratio <= first.high <= first.outer[1]
    assert math.isclose(first.ratio, math.exp(float(np.median(values))))
    assert (first.high == math.inf) == (len(values) < MIN_BLOCKS)
    assert json.loads(json.dumps(first.to_json())) == first.to_json()


@given(logs, st.floats(-1, 1))
def test_a_common_factor_moves_everything(values, shift):
    plain = estimate(values)
    moved = estimate([v + shift for v in values])
    for name in ("ratio", "low", "high"):
        assert math.isclose(getattr(moved, name), getattr(plain, name) * math.exp(shift), rel_tol=1e-9)


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=6), st.floats(0.1, 5))
def test_geometric_mean(ratios, scale):
    mean = geometric_mean(ratios)
    assert min(ratios) * (1 - 1e-9) <= mean <= max(ratios) * (1 + 1e-9)
    assert math.isclose(geometric_mean([r * scale for r in ratios]), mean * scale, rel_tol=1e-9)
    weights = [2.0] * len(ratios)
    assert math.isclose(geometric_mean(ratios, weights), mean, rel_tol=1e-9)
    assert math.isclose(geometric_mean([4.0, 1.0], [1.0, 3.0]), 4**0.25)


@pytest.mark.parametrize(
    ("ratios", "weights"), [([], None), ([0.0], None), ([1.0], [0.0]), ([1.0], [1.0, 1.0])]
)
def test_bad_means(ratios, weights):
    with pytest.raises(ValueError, match=r"positive"):
        geometric_mean(ratios, weights)


@pytest.mark.parametrize("blocks", [*range(MIN_BLOCKS, 31), 100, 1000])
def test_the_ends_lie_between_the_pairs_of_blocks_whose_chances_are_next_to_95_percent(blocks):
    """Of n draws fewer than k lie below the median with the chance of fewer than k heads in n tosses."""

    def encloses(k):  # the kth from below and the kth from above
        return 1 - 2 * sum(math.comb(blocks, heads) for heads in range(k)) / 2**blocks

    found = estimate([math.log(place) for place in range(1, blocks + 1)])
    wider = math.floor(found.low)
    assert encloses(wider) >= 0.95 > encloses(wider + 1)
    lower = math.log(found.low / wider) / math.log((wider + 1) / wider)
    upper = blocks + 1 - math.ceil(found.high - 1e-9)
    assert upper == wider and 0 <= lower < 1
    if encloses(wider) - 0.95 < 0.01 * (encloses(wider) - encloses(wider + 1)):
        assert lower < 0.1  # what is enough by itself is hardly narrowed


def test_the_ends_of_six_blocks_are_those_of_the_formula():
    """Hettmansperger and Sheather 1986 for n = 6: I = 0.1, the weight of the inner pair is 0.5 / 1.4."""
    found = estimate([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    assert math.isclose(math.log(found.low), 0.5 / 1.4) and math.isclose(math.log(found.high), 5 - 0.5 / 1.4)
    assert math.isclose(math.log(found.ratio), 2.5)
    further = 4.0321 / 2.5706  # quantiles of Student's t with five degrees of freedom
    assert math.isclose(math.log(found.outer[0]), 2.5 - further * (2.5 - 0.5 / 1.4), rel_tol=1e-2)
    share = (1 - 2 / 2**8 - 0.99) / (2 * 8 / 2**8)  # of eight the extremes enclose it in 99 %
    eight = estimate([float(number) for number in range(8)])
    assert math.isclose(math.log(eight.outer[0]), 7 * share / (1 + 6 * share))


def test_the_stop_rule():
    rule = StopRule.on("cpu", 2.0)
    assert rule == StopRule(0.02, 2.0)
    assert StopRule.on("cuda:0", 20.0) == StopRule(0.005, 20.0)
    wide = Estimate(1.0, 0.8, 1.2, MIN_BLOCKS)
    assert rule.reason(wide, 0.1) is None
    assert rule.reason(wide, 2.0) == "time"
    assert rule.reason(Estimate(1.0, 0.99, 1.01, MIN_BLOCKS), 0.1) == "narrow"
    assert rule.reason(Estimate(2.0, 1.5, 2.5, MIN_BLOCKS, (1.4, 3.0)), 0.1) == "clear"
    assert rule.reason(Estimate(0.5, 0.3, 0.9, MIN_BLOCKS, (0.2, 0.95)), 0.1) == "clear"
    assert rule.reason(Estimate(2.0, 1.5, 2.5, MIN_BLOCKS, (0.9, 3.0)), 0.1) is None
    assert rule.reason(Estimate(2.0, 1.5, 2.5, MIN_BLOCKS), 0.1, floor=3.0) == "below the floor"
    assert rule.reason(Estimate(1.0, 0.99, 1.01, MIN_BLOCKS - 1), 0.1) is None
    looks = [n for n in range(1, 40) if rule.reason(Estimate(1.0, 0.999, 1.001, n), 0.1)]
    assert looks == [6, 8, 10, 12, 15, 19, 24, 30, 38]


def simulate(rng, ratio, blocks, noise, heavy):
    """Times of ABBA blocks with drift, Gaussian noise and rare long stalls; returns log ratios."""
    drift = np.cumsum(rng.normal(0, 0.002, (blocks, 4)), axis=None).reshape(blocks, 4)
    t = np.exp(rng.normal(0, noise, (blocks, 4)) + drift)
    if heavy:
        t += rng.random((blocks, 4)) ** -0.7 * noise * (rng.random((blocks, 4)) < 0.1)
    t[:, [0, 3]] *= ratio
    return [log_ratio([row[0], row[3]], row[1:3]) for row in t.tolist()]


@pytest.mark.parametrize("blocks", [6, 10, 30])
@pytest.mark.parametrize("heavy", [False, True])
def test_the_interval_covers_the_truth(blocks, heavy):
    rng = np.random.default_rng(blocks)
    runs = 2000
    hits = 0
    for _ in range(runs):
        found = estimate(simulate(rng, 1.3, blocks, 0.03, heavy))
        hits += found.low <= 1.3 <= found.high
    assert hits / runs >= 0.935  # 0.95, and three standard errors of so many runs below it


@pytest.mark.parametrize("noise", few([0.03, 0.01, 0.1], 1))
def test_a_against_a_is_rarely_called_faster_although_we_look_again_and_again(noise):
    rng = np.random.default_rng(int(noise * 1000))
    rule = StopRule.on("cpu", 2.0)
    runs, faster = 300, 0
    for _ in range(runs):
        values = simulate(rng, 1.0, 60, noise, True)
        for blocks in range(MIN_BLOCKS, 61):
            if blocks in (6, 8, 10, 12, 15, 19, 24, 30, 38, 48, 60):
                found = estimate(values[:blocks])
                if rule.reason(found, 0.0):
                    break
        faster += word(found.low, found.high) == "faster"
    assert faster / runs <= 0.05
