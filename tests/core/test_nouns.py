import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Evaluation, Fault, Origin, Program, Status, Task, Trial
from kernelevo.store import RunStore

paths = st.from_regex(r"[a-z_][a-z_0-9]{0,8}(/[a-z]{1,5})?\.(py|cu)", fullmatch=True)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
options = st.dictionaries(st.text(max_size=5), plain, max_size=3)
origins = st.builds(Origin, st.text(max_size=9), st.text(max_size=9), options)
programs = st.builds(
    Program,
    st.dictionaries(paths, st.text(max_size=30), min_size=1, max_size=3),
    st.sampled_from(["python", "cpp"]),
    st.lists(st.text("0123456789abcdef", min_size=4, max_size=4), max_size=2).map(tuple),
    origins,
)
finite = st.floats(allow_nan=False, allow_infinity=False)
metrics = st.dictionaries(st.text(max_size=6), st.none() | st.booleans() | finite | st.text(max_size=5))


def through_json(data: object) -> dict[str, object]:
    again = json.loads(json.dumps(data, allow_nan=False))
    assert isinstance(again, dict)
    return again


@given(programs)
def test_a_program_survives_json_with_its_id(program: Program) -> None:
    again = Program.from_json(through_json(program.to_json()))
    assert again == program
    assert (again.id, again.parents, again.origin) == (program.id, program.parents, program.origin)


@given(programs, programs)
def test_programs_are_equal_exactly_when_their_content_is(a: Program, b: Program) -> None:
    assert (a == b) == (a.language == b.language and dict(a.files) == dict(b.files))
    assert (a.id == b.id) == (a == b)


def test_parents_and_origin_do_not_make_another_program() -> None:
    assert Program.single("x") == Program.single("x", parents=("p",), origin=Origin("llm", "idea"))
    assert Program.single("x") != Program.single("x", language="cpp")
    assert Program({"a.py": "x"}) != Program({"b.py": "x"})


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../b", "a\\b"])
def test_a_path_that_leaves_the_program_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path inside a program"):
        Program({path: "x"})


def test_source_is_the_entry_or_the_only_file() -> None:
    assert Program({"k.cu": "only"}).source == "only"
    assert Program({"k.cu": "kernel", "program.py": "entry"}).source == "entry"
    with pytest.raises(ValueError, match="several files"):
        _ = Program({"a.py": "", "b.py": ""}).source


@given(st.sampled_from(Status), st.none() | st.floats())
def test_a_score_exists_exactly_with_ok(status: Status, score: float | None) -> None:
    if (status is Status.OK) == (score is not None) and (score is None or math.isfinite(score)):
        assert Evaluation(status, score).score == score
    else:
        with pytest.raises(ValueError, match="score"):
            Evaluation(status, score)


def test_numbers_that_json_does_not_have_are_words_in_lists_too(tmp_path: Path) -> None:
    """As an evaluator of one's own may give them: the scores of single tests, a number of another package."""

    class Third:
        def __float__(self) -> float:
            return 0.25

        def __repr__(self) -> str:
            return "third(0.25)"

    cases = [{"name": "a", "score": math.nan}, {"name": "b", "score": -math.inf}, {"name": "c", "score": 1}]
    found = Evaluation(Status.OK, Third(), {"tests": cases, "odd": Third()})  # type: ignore[arg-type, dict-item]
    data = through_json(found.to_json())
    assert [case["score"] for case in data["metrics"]["tests"]] == ["nan", "-inf", 1]  # type: ignore[index]
    assert data["score"] == 0.25 and data["metrics"]["odd"] == "third(0.25)"  # type: ignore[index]
    with RunStore.create(tmp_path / "run", Task("t", "g"), {}) as store:
        store.record(Trial(0, Program.single("x"), found))
        (again,) = store.trials()
    assert again.score == 0.25 and again.evaluation is not None and again.evaluation.to_json() == data


@given(finite, metrics, st.text())
def test_an_evaluation_survives_json(score: float, facts: dict[str, float], feedback: str) -> None:
    verdict = Evaluation(Status.OK, score, facts, feedback, {"log": "x"}, "rough")
    assert Evaluation.from_json(through_json(verdict.to_json())) == verdict


def test_metrics_that_are_not_finite_become_words() -> None:
    data = Evaluation.wrong("NaN in output 0", max_abs_error=math.nan, max_rel_error=math.inf).to_json()
    assert through_json(data)["metrics"] == {"max_abs_error": "nan", "max_rel_error": "inf"}


def test_a_trial_has_an_evaluation_or_a_fault() -> None:
    program, verdict, fault = Program.single("x"), Evaluation.ok(2.0), Fault("SandboxError", "gone", 3)
    assert Trial(0, program, verdict).score == 2.0
    assert Trial(0, program, fault=fault).score is None
    assert Trial(0, program, fault=fault).to_json()["fault"] == fault.to_json()
    assert Trial(0, program, fault=fault).to_json()["status"] is None
    for evaluation, broken in ((None, None), (verdict, fault)):
        with pytest.raises(ValueError, match="trial 0"):
            Trial(0, program, evaluation, broken)


@given(programs, options)
def test_a_task_survives_json(program: Program, some: dict[str, object]) -> None:
    task = Task("ops/gemm", "faster", (program,), "kernel", some)
    assert Task.from_json(through_json(task.to_json())) == task


def test_the_digest_depends_on_what_a_verdict_depends_on() -> None:
    task = Task("a", "goal", (), "kernel", {"size": "small"})
    assert task.digest == Task("b", "other words", (Program.single("x"),), "kernel", {"size": "small"}).digest
    assert task.digest != Task("a", "goal", (), "kernel", {"size": "full"}).digest
    assert task.digest != Task("a", "goal", (), "tsp.py:tour", {"size": "small"}).digest
