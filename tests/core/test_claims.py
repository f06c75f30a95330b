"""Claims: what an interval means, and what may be said of the best of several."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Evaluation, Status
from kernelevo.core.claims import best_of, phrase, widened, word

scores = st.floats(0.05, 50)
widths = st.floats(1, 1.5)


@given(scores, widths, widths)
def test_one_candidate_needs_no_correction(score, below, above):
    assert widened(score, score / below, score * above, 1) == (score / below, score * above)


@given(scores, widths, widths, st.integers(1, 200))
def test_more_candidates_never_make_an_interval_narrower(score, below, above, count):
    low, high = widened(score, score / below, score * above, count)
    lower, higher = widened(score, score / below, score * above, count + 1)
    assert 0 < lower <= low <= score <= high <= higher


def test_ends_move_as_normal_quantiles_do():
    low, high = widened(1.0, math.exp(-1.959964), math.exp(1.959964), 5)
    assert (math.log(low), math.log(high)) == pytest.approx((-2.575829, 2.575829), rel=1e-6)  # 0.05 / 5


@pytest.mark.parametrize(
    "given", [(1.0, 0.9, 1.1, 0), (1.0, 1.05, 1.1, 2), (1.0, 0.0, 1.1, 2), (1.0, 0.9, math.inf, 2)]
)
def test_what_is_no_interval_is_refused(given):
    with pytest.raises(ValueError, match="no interval"):
        widened(*given)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_best_of_equals_is_rarely_called_faster(count):
    """Log ratios of equals, each measured with the same error: the largest is taken, and may be luck."""
    drawn = np.random.default_rng(count).normal(0.0, 0.05, size=(4000, count)).max(axis=1)
    plain = [math.exp(best - 1.96 * 0.05) > 1 for best in drawn]
    corrected = [
        widened(math.exp(best), math.exp(best - 1.96 * 0.05), math.exp(best + 1.96 * 0.05), count)[0] > 1
        for best in drawn
    ]
    one_side = 0.025
    assert np.mean(plain) > 1.5 * one_side  # n times as many, nearly
    assert abs(np.mean(corrected) - one_side) < 3 * math.sqrt(one_side / 4000) + 0.002


def verdict(score, low, high):
    metrics = {"score_low": low, "score_high": high}
    text = f"correct; {score}x the speed of eager {phrase(low, high)}; 1 ms a call\nmore"
    return Evaluation(Status.OK, score, metrics, text)


def test_a_lead_that_holds_for_one_only_is_not_claimed_of_the_best_of_three():
    found = best_of(verdict(1.1, 1.012, 1.2), 3, 40)
    assert word(1.012, 1.2) == "faster" and found.score == 1.1
    assert found.metrics["candidates_confirmed"] == 3 and found.metrics["candidates_judged"] == 40
    assert found.metrics["score_low"] < 1.01 and "faster" not in found.feedback
    assert "best of 3 timed anew" in found.feedback
    assert "faster" in best_of(verdict(1.1, 1.05, 1.2), 3, 40).feedback


def test_without_an_interval_only_the_numbers_are_told():
    found = best_of(Evaluation(Status.OK, 3.0, {"score_low": None}, "fine"), 2, 9)
    assert found.metrics == {"score_low": None, "candidates_confirmed": 2, "candidates_judged": 9}
    assert found.feedback == "fine"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(1.02, 1.3, "faster"), (0.8, 0.9, "slower"), (0.98, 1.02, "parity"), (1.005, 1.3, ""), (0.9, 0.995, "")],
)
def test_an_interval_has_a_word(low, high, said):
    assert word(low, high) == said
