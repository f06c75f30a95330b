"""Verdicts of several processes joined into the one that is reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Evaluation, Status
from kernelevo.kernels.verdict import combine, settled


def part(score, low=None, high=None):
    return Evaluation(Status.OK, score, {"score_low": low, "score_high": high, "precision": "fp32-accurate"})


positive = st.floats(0.01, 100)
calm = st.tuples(positive, positive, positive).map(sorted).map(lambda v: part(v[1], v[0], v[2]))


@given(st.lists(calm, min_size=2, max_size=5), st.lists(positive.map(part), max_size=3), st.randoms())
def test_the_interval_encloses_the_score_and_every_calm_process(steady, disturbed, random):
    parts = [*steady, *disturbed]
    random.shuffle(parts)
    found = combine(parts)
    assert found.score in [p.score for p in steady]
    low, high = found.metrics["score_low"], found.metrics["score_high"]
    assert all(low <= p.metrics["score_low"] <= p.metrics["score_high"] <= high for p in steady)
    assert low <= found.score <= high


@given(calm, st.lists(positive.map(part), min_size=1, max_size=4))
def test_one_calm_process_is_no_interval(steady, disturbed):
    found = combine([steady, *disturbed])
    assert found.metrics["score_low"] is None and found.metrics["score_high"] is None
    scores = sorted(p.score for p in [steady, *disturbed])
    assert found.score == scores[(len(scores) - 1) // 2]


def test_any_failure_decides():
    failed = Evaluation(Status.WRONG, None, {}, "wrong")
    assert combine([part(2.0), failed, part(3.0)]) is failed


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("c", False), ("cc", False), ("ccc", True), ("cdcc", True), ("ddc", False), ("cddd", False),
        ("dd", False), ("ddd", True), ("cf", True), ("df", True),
    ],
)  # fmt: skip
def test_a_disturbed_process_is_repeated_unless_the_machine_disturbs_all(said, expected):
    """Of three that are wanted: c is calm, d is disturbed, f failed."""
    kinds = {"c": part(2.0, 1.9, 2.1), "d": part(2.0), "f": Evaluation(Status.WRONG, None, {}, "wrong")}
    assert settled([kinds[kind] for kind in said], 3) is expected
