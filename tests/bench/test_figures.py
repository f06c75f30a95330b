"""fast_p and means: bounds, order, edge cases, and who is counted."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.bench.figures import BEST, THRESHOLDS, USUAL, fast_p, mean_over_tasks, speedup_key, summary
from kernelevo.bench.page import excluded_lines
from kernelevo.kernels.baselines.baseline import WAYS, Baseline
from tests.bench.rows import failed, fault, row

ratios = st.floats(1e-3, 1e3)
speedups = st.lists(st.one_of(st.none(), ratios), max_size=30)
thresholds = st.floats(0, 100)


@given(speedups, thresholds, thresholds)
def test_fast_p_is_a_share_that_falls_with_p(values, p, q):
    low, high = sorted((p, q))
    if not values:
        assert fast_p(values, p) is None
        return
    assert 0 <= fast_p(values, high) <= fast_p(values, low) <= fast_p(values, 0) <= 1
    assert fast_p(values, 0) * len(values) == pytest.approx(sum(v is not None for v in values))
    assert fast_p(values, low) == sum(1 for v in values if v and v > low) / len(values)


@given(speedups, thresholds, st.randoms())
def test_fast_p_does_not_know_the_order(values, p, random):
    mixed = list(values)
    random.shuffle(mixed)
    assert fast_p(mixed, p) == fast_p(values, p)


@given(speedups.filter(len), thresholds)
def test_one_more_failure_lowers_fast_p(values, p):
    assert fast_p([*values, None], p) <= fast_p(values, p)


def test_a_speedup_of_exactly_p_is_not_faster():
    assert fast_p([1.0, 2.0, None, 4.0], 1) == 0.5
    assert fast_p([1.0], 1.0) == 0.0 and fast_p([1.0], 0.999) == 1.0


@pytest.mark.parametrize("bad", [[0.0], [-1.0], [math.inf], [math.nan]])
def test_what_is_no_speedup_is_refused(bad):
    with pytest.raises(ValueError, match="positive"):
        fast_p(bad, 1)
    with pytest.raises(ValueError, match="positive"):
        mean_over_tasks(bad)
    with pytest.raises(ValueError, match="p >= 0"):
        fast_p([1.0], -0.5)


@given(st.lists(ratios, min_size=1, max_size=20), st.randoms())
def test_the_mean_lies_between_its_ends_and_does_not_know_the_order(values, random):
    found = mean_over_tasks(values)
    mean = math.exp(sum(map(math.log, values)) / len(values))
    assert found["geometric_mean"] == pytest.approx(mean)
    if len(values) < 6:
        assert found["low"] is None and found["high"] is None
    else:
        assert found["low"] <= found["geometric_mean"] <= found["high"]
        assert min(values) * (1 - 1e-9) <= found["low"] and found["high"] <= max(values) * (1 + 1e-9)
    mixed = list(values)
    random.shuffle(mixed)
    assert mean_over_tasks(mixed) == found


def test_the_interval_holds_the_true_mean_as_often_as_it_says():
    """Log-normal tasks, 16 of them: a bootstrap of so few is a little narrow, 90 % at the least."""
    drawn = random.Random(1)
    held = 0
    for _ in range(200):
        found = mean_over_tasks([math.exp(drawn.gauss(0.7, 0.6)) for _ in range(16)])
        held += found["low"] <= math.exp(0.7) <= found["high"]
    assert 0.86 <= held / 200 <= 0.99


def test_no_task_has_no_figures():
    assert mean_over_tasks([]) == {"geometric_mean": None, "low": None, "high": None}
    found = summary([])
    assert found["tasks"] == 0 and found["baselines"]["best"]["geometric_mean"] is None
    assert set(found["baselines"]["eager"]["fast_p"].values()) == {None}


def test_the_figures_of_a_series():
    rows = [
        row("ops/gemm", 0.9),
        row("ops/softmax", 4.5, metrics={"speedup_vs_compile": None}),
        failed("ops/layernorm"),
        fault("ops/attention"),
        row("kernelbench:3/3", 50.0, grade="blind"),
    ]
    found = summary(rows, ["ops/gemm_skinny"])
    assert (found["tasks"], found["correct"]) == (3, 2)
    assert found["graded"] == ["ops/gemm", "ops/softmax", "ops/layernorm"]
    assert found["statuses"] == {"ok": 3, "wrong": 1, "fault": 1}
    assert found["excluded"] == {
        "not_judgeable": {"kernelbench:3/3": "blind"},
        "faults": ["ops/attention"],
        "needs_cuda": [],
        "missing": ["ops/gemm_skinny"],
    }
    best, compiled = found["baselines"]["best"], found["baselines"]["compile"]
    assert best["fast_p"] == {"0": 2 / 3, "0.5": 2 / 3, "0.8": 2 / 3, "1": 1 / 3, "1.5": 1 / 3,
                              "2": 1 / 3, "4": 1 / 3}  # fmt: skip
    assert best["geometric_mean"] == pytest.approx(math.sqrt(0.9 * 4.5)) and best["low"] is None
    assert (compiled["tasks"], compiled["not_compared"]) == (2, ["ops/softmax"])
    # two of three are correct; of the two with a figure or a failure none is faster
    assert compiled["fast_p"]["0"] == 2 / 3 and compiled["fast_p"]["1"] == 0.0
    assert found["claims"] == {"slower": 1, "faster": 1} or found["claims"] == {"parity": 1, "faster": 1}
    assert tuple(map(float, best["fast_p"])) == THRESHOLDS


def test_of_several_programs_for_a_task_the_best_one_counts():
    several = [row(score=2.0, program="a/x.py"), failed(program="a/y.py"), row(score=3.0, program="a/z.py")]
    found = summary(several)
    assert found["tasks"] == 1 and found["baselines"]["best"]["geometric_mean"] == pytest.approx(3.0)
    assert found["statuses"] == {"ok": 2, "wrong": 1}
    assert summary([fault(program="a/x.py"), failed(program="a/y.py")])["tasks"] == 1
    assert summary([fault(program="a/x.py")])["tasks"] == 0


def test_a_verdict_that_counts_goes_before_a_higher_one_that_does_not():
    """A solution may bring a task of its own, on which lint has another word."""
    several = [row(score=50.0, grade="blind", program="a/x.py"), row(score=1.5, program="a/y.py")]
    for rows in (several, several[::-1]):
        found = summary(rows)
        assert found["baselines"]["best"]["geometric_mean"] == pytest.approx(1.5)
        assert found["excluded"]["not_judgeable"] == {}


def test_a_program_for_a_gpu_is_no_failure_and_a_task_without_one_is_one_by_both_rules():
    theirs = {"correct": True, "correct_loose": True, "speedup": 3.0}
    rows = [
        row("ops/a", 2.0, upstream=theirs),
        failed("ops/b", status="no_program"),
        failed("ops/c", status="needs_cuda"),
        failed("ops/d", status="broken_task", grade="broken"),
    ]
    found = summary(rows)
    assert (found["tasks"], found["graded"]) == (2, ["ops/a", "ops/b"])
    assert found["excluded"]["needs_cuda"] == ["ops/c"]
    assert "- for a GPU, not judged here: ops/c" in excluded_lines(found)
    assert found["baselines"]["best"]["fast_p"]["0"] == 0.5
    assert found["upstream"]["today"]["tasks"] == 2 and found["upstream"]["today"]["fast_p"]["0"] == 0.5


def test_a_program_of_which_upstreams_rule_could_not_be_asked_is_none_of_its_failures():
    theirs = {"correct": True, "correct_loose": True, "correct_eval": True, "speedup": 3.0}
    rows = [
        row("ops/a", 2.0, upstream=theirs),
        row("ops/b", 2.0),
        failed("ops/c"),
        failed("ops/d", upstream={**theirs, "correct": False, "correct_loose": False}),
        failed("ops/e", status="nothing_correct"),
    ]
    found = summary(rows)
    assert found["tasks"] == 5 and found["upstream"]["today"]["tasks"] == 3
    assert found["upstream"]["today"]["fast_p"]["0"] == found["upstream"]["loose"]["fast_p"]["0"] == 1 / 3


def test_every_baseline_of_a_device_has_its_figures():
    over = [Baseline(name).speedup_key for name in WAYS]
    bounds = {"speedup_vs_library": 0.9, "speedup_vs_cublas": 0.8}
    one = row("ops/a", 1.5, metrics={**dict.fromkeys(over, 2.0), "speedup_vs_graphed": 1.5, **bounds})
    two = row("ops/b", 4.0, metrics={**dict.fromkeys(over, 8.0), "speedup_vs_compile_tf32": None, **bounds})
    found = summary([one, two, failed("ops/c")])["baselines"]
    assert {speedup_key(name) for name in found if name != BEST} == set(over)
    assert tuple(found)[:4] == (BEST, *USUAL)
    assert found["graphed"]["geometric_mean"] == pytest.approx(math.sqrt(1.5 * 8))
    assert (found["graphed"]["fast_p"]["1"], found["graphed"]["fast_p"]["2"]) == (2 / 3, 1 / 3)
    assert found["eager_fp32"]["geometric_mean"] == pytest.approx(4)
    assert (found["compile_tf32"]["tasks"], found["compile_tf32"]["not_compared"]) == (2, ["ops/b"])
    assert tuple(summary([row()])["baselines"]) == (BEST, *USUAL)


def test_forms_are_counted_by_task():
    rows = [
        row("ops/a", 3.0, program="x.py", form="v0"), row("ops/a", 2.0, program="y.py", form="other"),
        failed("ops/b", form="v0"), row("ops/c"),
    ]  # fmt: skip
    assert summary(rows)["forms"] == {"v0": 2}
    assert summary([row()])["forms"] == {}


def test_without_a_baseline_only_the_share_of_correct_programs_is_told():
    """As on a machine that cannot compile the modules: a failure is no failure to be faster than nothing."""
    none = {"speedup_vs_compile": None}
    found = summary([row("ops/a", 2.0, metrics=none), row("ops/b", 3.0, metrics=none), failed("ops/c")])
    compiled, eager = found["baselines"]["compile"], found["baselines"]["eager"]
    assert compiled["fast_p"] == {"0": 2 / 3, **dict.fromkeys(("0.5", "0.8", "1", "1.5", "2", "4"))}
    assert (compiled["tasks"], compiled["not_compared"]) == (0, ["ops/a", "ops/b", "ops/c"])
    assert (eager["tasks"], eager["fast_p"]["0"], eager["fast_p"]["1"]) == (3, 2 / 3, 2 / 3)
    assert "- without a figure for compile, so in its fast_0 alone: ops/a, ops/b, ops/c" in excluded_lines(
        found
    )


def test_a_failure_whose_row_says_that_the_baseline_is_missing_is_left_out_of_its_shares():
    rows = [row("ops/a", 2.0), failed("ops/b", metrics={"compile-max-autotune_missing": "no time"})]
    found = summary(rows)["baselines"]
    assert found["compile_max_autotune"]["fast_p"]["1"] == 1.0 and found["compile"]["fast_p"]["1"] == 0.5
    assert found["compile_max_autotune"]["fast_p"]["0"] == found["compile"]["fast_p"]["0"] == 0.5
    assert found["compile_max_autotune"]["not_compared"] == ["ops/b"]


def test_where_nothing_is_correct_every_task_is_a_failure():
    found = summary([failed("ops/a"), failed("ops/b")])["baselines"]
    assert (found["compile"]["tasks"], set(found["compile"]["fast_p"].values())) == (2, {0.0})
