"""Evaluators by name, from a file, from an entry point."""

import math

import pytest

from kernelevo.core import Evaluation, Program, StagedEvaluator, Status, Task
from kernelevo.errors import BadProgram, TaskNotFound
from kernelevo.evaluators import evaluator, load, names
from kernelevo.evaluators.registry import as_evaluation, find


def task(name):
    return Task("t", "g", evaluator=name)


def test_the_kernel_judge_is_registered_and_lazy():
    judge = load(task("kernel"))
    assert isinstance(judge, StagedEvaluator)
    judge.close()
    assert "kernel" in names()


def test_a_decorated_function_is_an_evaluator():
    @evaluator("length", seed="x = 1\n")
    def length(program):
        return float(len(program.source))

    verdict = load(task("length"))(Program.single("abc"))
    assert verdict.status is Status.OK and verdict.score == 3.0
    assert find("length").seed.source == "x = 1\n"


def test_a_function_of_a_file(tmp_path):
    path = tmp_path / "tsp.py"
    path.write_text("def tour(source: str):\n    return {'score': 2, 'cities': 5, 'feedback': 'good'}\n")
    verdict = load(task(f"{path}:tour"))(Program.single("abc"))
    assert (verdict.score, verdict.metrics["cities"], verdict.feedback) == (2.0, 5, "good")
    with pytest.raises(TaskNotFound, match="no function 'tower'"):
        load(task(f"{path}:tower"))
    with pytest.raises(TaskNotFound, match="no such file"):
        load(task(f"{tmp_path}/none.py:tour"))


def test_a_file_that_raises_on_import_is_the_users_mistake(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("raise RuntimeError('boo')\n")
    with pytest.raises(BadProgram, match="boo"):
        load(task(f"{path}:anything"))


def test_unknown_names_get_a_suggestion():
    with pytest.raises(TaskNotFound, match="did you mean 'kernel'"):
        load(task("kernels"))


def test_an_exception_is_the_programs_failure():
    @evaluator("raises")
    def raises(program):
        raise ValueError("boo")

    verdict = load(task("raises"))(Program.single("abc"))
    assert verdict.status is Status.CRASHED
    assert "ValueError: boo" in verdict.feedback and "raises" in verdict.artifacts["traceback"]


@pytest.mark.parametrize(
    ("result", "status", "score"),
    [
        (1, Status.OK, 1.0),
        (0.5, Status.OK, 0.5),
        (Evaluation.ok(2.0), Status.OK, 2.0),
        (math.nan, Status.WRONG, None),
        (math.inf, Status.WRONG, None),
        (None, Status.WRONG, None),
        ({"score": 3.0, "list": [1]}, Status.OK, 3.0),
        ({"other": 3.0}, Status.WRONG, None),
    ],
)
def test_results(result, status, score):
    verdict = as_evaluation(result)
    assert (verdict.status, verdict.score) == (status, score)


@pytest.mark.parametrize("result", ["text", True, {"score": "high"}])
def test_results_that_are_no_score(result):
    with pytest.raises(BadProgram):
        as_evaluation(result)


def test_an_installed_entry_point(monkeypatch):
    class Point:
        name = "packing"

        def load(self):
            return lambda program: 7.0

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Point()])
    assert load(task("packing"))(Program.single("abc")).score == 7.0
    assert "packing" in names()
