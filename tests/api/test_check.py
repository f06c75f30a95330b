"""check: one program, one verdict; the user's mistakes are told apart from the program's."""

import dataclasses
from importlib import import_module

import pytest

from kernelevo import api
from kernelevo.config import load_settings
from kernelevo.core import Artifact, Evaluation, Status
from kernelevo.errors import BadProgram, BadSetting, TaskNotFound
from tests.api.tiny import program

SETTINGS = load_settings({}, environ={})


def test_a_right_and_a_wrong_program(quick_judge, elsewhere):
    said = []
    (elsewhere / "right.py").write_text(program())
    built = elsewhere / "built"
    verdict = api.check(elsewhere / "right.py", "net.py", SETTINGS, say=said.append, built=built)
    assert verdict.status is Status.OK and verdict.metrics["processes"] >= 3 and said
    assert verdict.metrics["meets_1e-5"] is True and verdict.metrics["latency_ms"] > 0 and built.is_dir()
    (elsewhere / "wrong.py").write_text(program("return RESULT + 1e-3"))
    verdict = api.check(elsewhere / "wrong.py", "net.py", SETTINGS)
    assert verdict.status is Status.WRONG and verdict.score is None


def test_a_plain_evaluator_checks_too(elsewhere):
    (elsewhere / "answer.py").write_text("ANSWER = 5\n")
    assert api.check(elsewhere / "answer.py", "tour.py:tour", SETTINGS).score == 5.0
    (elsewhere / "answer.py").write_text("ANSWER = 1 / 0\n")
    verdict = api.check(elsewhere / "answer.py", "tour.py:tour", SETTINGS)
    assert verdict.status is Status.CRASHED and "ZeroDivisionError" in verdict.feedback


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", "folder"])
def test_a_program_that_cannot_be_read(elsewhere, content):
    file = elsewhere / "program.py"
    if content == "folder":
        file.mkdir()
    elif content is not None:
        file.write_bytes(content)
    with pytest.raises(BadProgram) as caught:
        api.check(file, "net.py", SETTINGS)
    assert "program.py" in caught.value.what and caught.value.why + caught.value.now


def test_a_task_that_is_not_there(elsewhere):
    with pytest.raises(TaskNotFound, match="did you mean"):
        api.check(elsewhere / "net.py", "nett.py", SETTINGS)


class Staged:
    """Judges nothing: the verdict is given, and what it is asked for is kept."""

    def __init__(self, verdict):
        self.verdict, self.asked = verdict, []

    def prepare(self, program):
        return Artifact(program)

    def measure(self, artifact, floor=None):
        return self.verdict

    def finalize(self, artifact):
        return self.verdict

    def profiled(self, artifact, verdict):
        self.asked.append(artifact.program.source)
        return dataclasses.replace(verdict, artifacts={"profile": "all of it in forward"})

    def close(self):
        self.asked.append("closed")


@pytest.mark.parametrize("profile", [True, False])
@pytest.mark.parametrize("verdict", [Evaluation.ok(2.0), Evaluation.wrong("no")])
def test_a_program_that_passes_is_profiled_where_that_is_asked_for(elsewhere, monkeypatch, verdict, profile):
    (elsewhere / "mine.py").write_text("x = 1\n")
    judge = Staged(verdict)
    monkeypatch.setattr(import_module("kernelevo.api.keeper"), "load_evaluator", lambda task: judge)
    found = api.check(elsewhere / "mine.py", "net.py", SETTINGS, profile=profile)
    wanted = profile and verdict.status is Status.OK
    assert found.status is verdict.status and judge.asked == ["x = 1\n"] * wanted + ["closed"]
    assert found.artifacts == ({"profile": "all of it in forward"} if wanted else {})


def test_a_plain_evaluators_programs_cannot_be_profiled(elsewhere):
    (elsewhere / "answer.py").write_text("ANSWER = 5\n")
    with pytest.raises(BadSetting, match="cannot be profiled"):
        api.check(elsewhere / "answer.py", "tour.py:tour", SETTINGS, profile=True)
