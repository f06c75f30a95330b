"""The evaluator: real runs of Python and C++ programs, the cascade, acceptance, failures, sealed cases."""

import json

import pytest

from kernelevo.core import Program, Status
from kernelevo.evaluators.combinatorial.evaluator import CaseEvaluator, rescored
from kernelevo.evaluators.combinatorial.problems import PROBLEMS, references, seed
from kernelevo.evaluators.combinatorial.running import CaseResult, reads_a_clock, run_case
from kernelevo.evaluators.combinatorial.scoring import best_known
from kernelevo.evaluators.registry import load, task_of

ECHO = "print(input())"
SECRET = b"a secret"


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_the_seed_solves_cases_of_every_stratum(name):
    task = task_of(name)
    assert task is not None and len(task.goal) > 100
    judge = CaseEvaluator(PROBLEMS[name], (2, 4), SECRET)
    verdict = judge(judge.seeds()[0])
    assert verdict.status == "ok" and 0 < verdict.score <= 1
    assert verdict.metrics["cases"] == 4 and len(verdict.metrics["tests"]) == 4
    absolute = json.loads(verdict.artifacts["absolute_scores.json"])
    assert rescored(absolute, PROBLEMS[name], best_known(name).scores) == pytest.approx(verdict.score)


def test_a_cpp_program_is_compiled_and_run():
    native = references("strip_packing")["c++"]
    problem = PROBLEMS["strip_packing"]
    result = run_case(problem, native, problem.case(0))
    assert (
        result.status == "ok" and result.score <= run_case(problem, seed(problem.name), problem.case(0)).score
    )


def test_a_cpp_crash_is_explained_by_a_build_with_checks():
    text = "#include <vector>\n#include <cstdlib>\nint main(){std::vector<int> v(3); volatile int i=3; "
    text += "if (v[i] != 7) abort(); return 0;}"
    verdict = CaseEvaluator(PROBLEMS["strip_packing"], (1,))(Program({"program.cpp": text}, "cpp"))
    assert verdict.status == "crashed"
    assert "__n < this->size()" in verdict.feedback


def test_better_is_accepted_worse_and_equal_are_stopped():
    problem = PROBLEMS["strip_packing"]
    judge = CaseEvaluator(problem, (4, 12))
    first = judge(seed(problem.name))
    assert first.fidelity == "full"
    better = judge(references(problem.name)["by area"])
    assert better.fidelity == "full" and better.score > first.score and "accepted" in better.feedback
    worse = judge(Program.single(seed(problem.name).source + "\n# worse"))
    assert worse.fidelity == "rough" and worse.metrics["cases"] == 4
    same = judge(Program.single(references(problem.name)["by area"].source + "\n# the same"))
    assert same.fidelity == "rough" and "stopped" in same.feedback
    assert same.score == pytest.approx(better.score)  # not the mean of the few cases that it was run on
    again = judge(references(problem.name)["by area"])
    assert again.fidelity == "full"  # the accepted one itself is not its own rival


@pytest.mark.parametrize(
    ("program", "status", "words"),
    [
        ("raise ValueError('no')", "crashed", "no"),
        ("import time; time.sleep(60)", "timed_out", "within"),
        (ECHO, "wrong", "numbers were printed"),
        ("print('Score = 1000000')", "wrong", "numbers were printed"),
        ("import sys; print('nan ' * 300)", "wrong", ""),
        ("def broken(:", "crashed", "SyntaxError"),
    ],
)
def test_failures_are_verdicts(program, status, words):
    verdict = CaseEvaluator(PROBLEMS["strip_packing"], (1,))(Program.single(program))
    assert verdict.status == status and verdict.score is None
    assert words in verdict.feedback


@pytest.mark.parametrize("line", ["3", "41", "x", "10\nabc", "", "! 31 0", "? 29 29 2", "? 0 0 0"])
@pytest.mark.parametrize("name", ["noisy_graphs", "noisy_peaks"])
def test_reactive_answers_are_read_strictly(name, line):
    if name == "noisy_peaks" and line in ("3", "41"):
        return
    problem = PROBLEMS[name]
    program = Program.single(f"input()\nprint({line!r}, flush=True)\ninput()\ninput()")
    assert run_case(problem, program, problem.case(0, SECRET)).status in ("wrong", "crashed")


@pytest.mark.slow
def test_a_silent_reactive_program_costs_no_more_than_the_limit():
    problem = PROBLEMS["noisy_peaks"]
    result = run_case(problem, Program.single("while True: pass"), problem.case(0, SECRET))
    assert result.status == "timed_out" and result.seconds < 3 * problem.seconds


def test_the_winner_is_compared_with_the_seed():
    problem = PROBLEMS["noisy_peaks"]
    judge = CaseEvaluator(problem, (4, 8), SECRET)
    verdict = judge.finalize(references(problem.name)["quick"])
    assert verdict.metrics["repeats"] == 1
    assert verdict.metrics["gain_low"] <= verdict.metrics["gain_over_seed"] <= verdict.metrics["gain_high"]


def test_programs_that_read_a_clock_are_seen():
    assert reads_a_clock(Program.single("import time\n"))
    assert not reads_a_clock(Program.single("times = 3\n"))


def test_sealed_cases_rank_a_program_in_the_pool(monkeypatch):
    monkeypatch.setattr("kernelevo.evaluators.combinatorial.evaluator.PRIVATE", 4)
    judge = load(task_of("noisy_peaks"))
    found = judge.unseal(references("noisy_peaks")["quick"], b"secret")
    assert found["cases"] == 4 and 1 <= found["rank_in_pool"] <= 4
    assert found["failed_cases"] == 0
    assert found["cases_digest"] != judge.unseal(seed("noisy_peaks"), b"other")["cases_digest"]


def test_a_sealed_case_that_nobody_solves_costs_nobody_the_answer(monkeypatch):
    where = "kernelevo.evaluators.combinatorial.evaluator."
    monkeypatch.setattr(where + "PRIVATE", 2)
    late = lambda problem, program, case: CaseResult(case, Status.TIMED_OUT, None, 2.0)  # noqa: E731
    monkeypatch.setattr(where + "run_case", late)
    found = load(task_of("strip_packing")).unseal(seed("strip_packing"), b"secret")
    assert (found["failed_cases"], found["mean_relative_score"], found["rank_in_pool"]) == (2, 0.0, 1)
