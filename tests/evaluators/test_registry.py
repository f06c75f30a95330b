"""Evaluators by name, from a file, from an entry point."""

import json
import math
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from kernelevo.core import Evaluation, Program, StagedEvaluator, Status, Task
from kernelevo.errors import BadProgram, BadSetting, TaskNotFound
from kernelevo.evaluators import call, cascade, evaluator, load, names, task_of
from kernelevo.evaluators.function import Function, as_evaluation
from kernelevo.evaluators.registry import find


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
    assert find("length").seeds[0].source == "x = 1\n"


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


def test_an_installed_package_that_is_broken_is_named(monkeypatch):
    point = EntryPoint("packing", "a_package_that_is_not_there:judge", "kernelevo.evaluators")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point])
    for ask in (task_of, lambda name: load(task(name))):
        with pytest.raises(BadProgram, match="No module named 'a_package_that_is_not_there'"):
            ask("packing")


def test_a_call_that_fails_is_the_verdict():
    @evaluator("caller")
    def caller(program):
        return call(program, "solve", (2,), timeout=1.0)

    judge = load(task("caller"))
    assert judge(Program.single("def solve(x): return x * 1.5")).score == 3.0
    verdict = judge(Program.single("def solve(x): while"))
    assert verdict.status is Status.BUILD_FAILED and "SyntaxError" in verdict.feedback
    assert judge(Program.single("def solve(x): return x / 0")).status is Status.CRASHED


@pytest.mark.parametrize("in_main_thread", [True, False])
def test_an_evaluator_has_a_time_limit(in_main_thread):
    @evaluator("sleepy", time_limit=0.2)
    def sleepy(program):
        try:
            for _ in range(500):
                time.sleep(0.01)
        except Exception:
            return 1.0
        return 2.0

    judge = load(task("sleepy"))
    if in_main_thread:
        verdict = judge(Program.single("x"))
    else:
        with ThreadPoolExecutor(1) as pool:
            verdict = pool.submit(judge, Program.single("x")).result()
    assert verdict.status is Status.TIMED_OUT and "limit of 0.2 s" in verdict.feedback


def test_what_a_mapping_may_say(tmp_path):
    (tmp_path / "log.txt").write_text("x" * 70_000)
    verdict = as_evaluation(
        {
            "score": 1,
            "length": 3.5,
            "tests": {"small": 1.0, "large": math.nan},
            "artifacts": {"log": tmp_path / "log.txt", "raw": b"\xff", "none": tmp_path / "none"},
            "metrics": {"used": 2},
        }
    )
    assert verdict.metrics["tests"] == [{"name": "small", "score": 1.0}, {"name": "large", "score": None}]
    assert (verdict.metrics["length"], verdict.metrics["used"]) == (3.5, 2)
    assert verdict.artifacts["log"].endswith("[6000 characters left out]")
    assert verdict.artifacts["raw"].endswith("base64,/w==") and "cannot be read" in verdict.artifacts["none"]
    with pytest.raises(BadProgram, match="as tests"):
        as_evaluation({"score": 1, "tests": 3})


def test_directions_and_goal_and_seeds_of_an_entry(tmp_path):
    (tmp_path / "seed.cpp").write_text("int main() {}\n")

    @evaluator(
        "directed", seed=["x = 1\n", tmp_path / "seed.cpp"], better={"length": "lower", "none": "higher"}
    )
    def directed(program):
        """Make it short."""
        return {"score": 1.0, "length": 7}

    found = task_of("directed")
    assert found.goal == "Make it short." and [s.language for s in found.seeds] == ["python", "cpp"]
    verdict = load(found)(found.seeds[0])
    assert verdict.metrics["directions"] == [{"name": "length", "better": "lower"}]
    assert task_of("no_such_evaluator") is None


def test_a_cascade_stops_at_the_first_bar_that_is_missed():
    ran = []

    def stage(number, score):
        def judge(program):
            ran.append(number)
            return {"score": score, "feedback": f"stage {number}"}

        return judge

    judge = Function(cascade(stage(1, 0.6), stage(2, 0.3), stage(3, 0.9), bars=[0.5, 0.5]))
    verdict = judge(Program.single("x"))
    assert ran == [1, 2] and verdict.fidelity == "rough" and verdict.score == 0.3
    assert verdict.metrics["stage"] == 2 and verdict.metrics["stage_1"] == 0.6
    assert verdict.feedback.startswith("stopped after stage 2 of 3") and "stage 2" in verdict.feedback
    full = Function(cascade(stage(1, 0.6), stage(3, 0.9), bars=[0.5]))(Program.single("x"))
    assert (full.fidelity, full.score) == ("full", 0.9)
    with pytest.raises(ValueError, match="1 bars"):
        cascade(stage(1, 1.0), stage(2, 1.0), bars=[])


class Scalar:
    """One number as torch holds it."""

    shape = ()

    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.array(1.5), 1.5),
        (Scalar(4), 4),
        (Fraction(1, 4), 0.25),
    ],
)
def test_numbers_of_other_libraries_are_numbers(given, number):
    verdict = as_evaluation({"score": given, "length": given, "tests": {"a": given}})
    assert verdict.score == as_evaluation(given).score == number and type(verdict.score) is float
    assert verdict.metrics == {"length": number, "tests": [{"name": "a", "score": number}]}
    assert type(verdict.metrics["length"]) is type(number)  # one of numpy's would not count as an objective
    listed = as_evaluation({"score": 1, "tests": [{"name": "a", "score": given}]})
    assert json.loads(json.dumps(listed.to_json()))["metrics"]["tests"][0]["score"] == number


def test_an_evaluation_that_an_author_made_becomes_plain_data():
    tests = [{"name": "a", "score": np.float32(1)}, {"name": "b", "score": math.nan}]
    made = Evaluation(Status.OK, np.float32(0.5), {"n": np.int64(2), "yes": np.bool_(True), "tests": tests})
    told = json.loads(json.dumps(as_evaluation(made).to_json(), allow_nan=False))
    assert (told["score"], told["metrics"]["n"], told["metrics"]["yes"]) == (0.5, 2, True)
    assert told["metrics"]["tests"] == [{"name": "a", "score": 1.0}, {"name": "b", "score": "nan"}]


@pytest.mark.parametrize(
    "huge", [10**400, -(10**5000), [10**5000]], ids=["400 digits", "5000 digits", "inside a list"]
)
def test_what_is_too_large_to_be_written_breaks_nothing(huge):
    verdict = as_evaluation({"score": 1.0, "found": huge, "tests": {"a": huge}, "artifacts": None})
    json.dumps(verdict.to_json(), allow_nan=False)
    assert verdict.status is Status.OK and verdict.metrics["tests"] == [{"name": "a", "score": None}]
    if isinstance(huge, int):
        assert as_evaluation(huge).status is Status.WRONG
    assert len(as_evaluation({"score": None, "feedback": "x" * 100_000}).feedback) < 65_000


def test_an_answer_that_is_no_score_fails_its_program_alone():
    @evaluator("trusting", seed="1.5")
    def trusting(program):
        return {"1.5": 1.5, "'text'": "text"}[program.source]

    judge = load(task("trusting"))
    assert judge(judge.seeds()[0]).score == 1.5
    verdict = judge(Program.single("'text'"))
    assert verdict.status is Status.WRONG and "returned 'text' as score" in verdict.feedback

    @evaluator("forgetful", seed="x = 1")
    def forgetful(program):
        return "no number"

    judge = load(task("forgetful"))
    with pytest.raises(BadProgram, match="'no number' as score"):  # the author's mistake
        judge(judge.seeds()[0])


async def _waiting(program):
    return 1.0


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (_waiting, "_waiting is async"),
        (lambda: 1.0, r"\(\) cannot judge a program"),
        (lambda program, tries: 1.0, "missing a required argument: 'tries'"),
        (lambda program, *, tries: 1.0, "missing a required"),
    ],
)
def test_a_function_that_could_judge_nothing_is_refused_at_once(function, words):
    evaluator("unfit")(function)
    with pytest.raises(BadProgram, match=words):
        load(task("unfit"))
    Function(lambda program, tries=3, *more: 1.0)


def test_an_evaluator_that_calls_exit_ends_neither_the_run_nor_its_worker():
    @evaluator("leaves")
    def leaves(program):
        sys.exit(0)

    verdict = load(task("leaves"))(Program.single("x = 1"))
    assert verdict.status is Status.CRASHED and "raises SystemExit: 0" in verdict.feedback


def test_a_file_imports_what_lies_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    path = tmp_path / "tsp.py"
    path.write_text(
        "from cities_of_tsp import COUNT\ndef tour(source: str):\n    import roads_of_tsp\n"
        "    return COUNT + roads_of_tsp.COUNT\n"
    )
    (tmp_path / "cities_of_tsp.py").write_text("COUNT = 2\n")
    (tmp_path / "roads_of_tsp.py").write_text("COUNT = 3\n")
    assert load(task(f"{path}:tour"))(Program.single("x = 1")).score == 5.0
    assert sys.path[-1] == str(tmp_path) and sys.path.count(str(tmp_path)) == 1


def test_a_file_that_exits_on_import_is_the_users_mistake(tmp_path):
    (tmp_path / "script.py").write_text("import sys\ndef f(program): return 1.0\nsys.exit(0)\n")
    with pytest.raises(BadProgram, match="raises SystemExit when it is imported"):
        load(task(f"{tmp_path}/script.py:f"))


def test_a_direction_that_is_none_is_refused(tmp_path):
    (tmp_path / "odd.py").write_text(
        "from kernelevo import evaluator\n@evaluator('odd', better={'length': 'less'})\n"
        "def odd(program):\n    return 1\n"
    )
    with pytest.raises(BadSetting, match="higher or lower"):
        load(task(f"{tmp_path}/odd.py:odd"))


def test_a_file_that_was_edited_is_read_again(tmp_path):
    path = tmp_path / "edited.py"
    for number in (1, 20, 300):
        path.write_text(f"def f(program):\n    return {number}\n")
        assert load(task(f"{path}:f"))(Program.single("x = 1")).score == number
    assert find(f"{path}:f").function is find(f"{path}:f").function


def test_what_only_this_process_knows_is_told_to_be_put_into_a_file():
    with pytest.raises(TaskNotFound, match=r"FILE\.py:FUNCTION"):
        load(task("of_a_notebook"))


NAMED = (
    "from kernelevo import evaluator\n\n"
    "@evaluator({name!r}, seed='x = {number}', better={{'length': 'lower'}})\n"
    "def judge(program):\n    'Goal {number}.'\n    return {{'score': {number}, 'length': {number}}}\n"
)


def test_two_files_may_use_one_name(tmp_path):
    """As in one session that searches with one evaluator, then with another, then with the first again."""
    for number in (1, 2):
        (tmp_path / f"file{number}.py").write_text(NAMED.format(name="same", number=number))
    for number in (1, 2, 1):
        found = find(f"{tmp_path}/file{number}.py:judge")
        assert [seed.source for seed in found.seeds] == [f"x = {number}"] and found.goal == f"Goal {number}."
        verdict = load(task(f"{tmp_path}/file{number}.py:judge"))(Program.single("y"))
        assert verdict.score == number and "directions" in verdict.metrics


def test_a_name_that_comes_with_us_stays_ours(tmp_path):
    ours = find("circle_packing").goal
    (tmp_path / "mine.py").write_text(NAMED.format(name="circle_packing", number=3))
    assert find(f"{tmp_path}/mine.py:judge").seeds[0].source == "x = 3"
    assert find("circle_packing").goal == task_of("circle_packing").goal == ours


def test_artefacts_of_an_evaluation_become_texts_too(tmp_path):
    (tmp_path / "log.txt").write_text("x" * 70_000)
    given = {"log": tmp_path / "log.txt", "picture": b"\xff", "table": [1, 2]}
    verdict = as_evaluation(Evaluation(Status.OK, 1.0, artifacts=given))
    told = json.loads(json.dumps(verdict.to_json()))["artifacts"]
    assert told["log"].endswith("[6000 characters left out]") and told["table"] == "[1, 2]"
    assert told["picture"].endswith("base64,/w==")
