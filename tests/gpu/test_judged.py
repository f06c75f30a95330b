"""The check of a winner's whole hearing, as far as it goes without a device."""

import pytest

from benchmarks.gpu import checks
from benchmarks.gpu.judged import STEPS, judge_finalizes_a_winner, problem, steps
from kernelevo.core import Evaluation, Status


def test_it_is_a_row_of_the_gpu_tests() -> None:
    assert judge_finalizes_a_winner in checks.CHECKS and "judge" in judge_finalizes_a_winner.__name__


def test_a_step_that_was_not_taken_is_named() -> None:
    good = Evaluation.ok(1.5, processes=3)
    assert problem(good, set(STEPS)) == ""
    for step in STEPS:
        assert problem(good, STEPS - {step}) == f"never seen: {step}"
    assert "in 2 processes" in problem(Evaluation.ok(1.5, processes=2), set(STEPS))
    assert "is crashed: boo" in problem(Evaluation(Status.CRASHED, None, {}, "boo"), set(STEPS))


@pytest.mark.slow
def test_an_honest_program_takes_every_step_on_the_cpu() -> None:
    found, taken = steps("cpu", 1.5)
    assert problem(found, taken) == "" and taken == STEPS
