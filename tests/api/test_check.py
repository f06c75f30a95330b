"""check: one program, one verdict; the user's mistakes are told apart from the program's."""

import pytest

from kernelevo import api
from kernelevo.config import load_settings
from kernelevo.core import Status
from kernelevo.errors import BadProgram, TaskNotFound
from tests.api.tiny import program

SETTINGS = load_settings({}, environ={})


def test_a_right_and_a_wrong_program(quick_judge, elsewhere):
    said = []
    (elsewhere / "right.py").write_text(program())
    verdict = api.check(elsewhere / "right.py", "net.py", SETTINGS, say=said.append)
    assert verdict.status is Status.OK and verdict.metrics["processes"] >= 3 and said
    assert verdict.metrics["meets_1e-5"] is True and verdict.metrics["latency_ms"] > 0
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
