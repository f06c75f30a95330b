"""What `check --profile` prints, and where it is refused."""

import json

import pytest

from kernelevo import api
from kernelevo.cli.main import run_command
from kernelevo.core import Evaluation, Status

REPORT = "3 calls under torch's profiler took 1 ms each\n   99.0 %  aten::mm\x1b"


@pytest.fixture
def command(capsys):
    """Run one command line; return its exit code, stdout and stderr."""

    def run(*arguments):
        code = run_command(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def judged(monkeypatch):
    asked = []

    def give(verdict):
        def check(*_, profile, say):
            asked.append(profile)
            return verdict

        monkeypatch.setattr(api, "check", check)
        return asked

    return give


def test_a_report_stands_below_the_verdict_and_is_an_artifact_in_json(judged, command):
    asked = judged(Evaluation(Status.OK, 1.5, {"latency_ms": 1.0}, artifacts={"profile": REPORT}))
    code, out, _ = command("check", "net.py", "net.py", "--profile")
    assert code == 0 and asked == [True]
    assert out.splitlines()[-2:] == [REPORT.splitlines()[0], "   99.0 %  aten::mm "]
    code, out, _ = command("check", "net.py", "net.py", "--profile", "--json")
    assert code == 0 and json.loads(out)["artifacts"] == {"profile": REPORT}
    code, out, err = command("check", "net.py", "net.py")
    assert asked == [True, True, False] and "aten::mm" not in out and "profile" not in err


def test_a_program_that_does_not_pass_is_not_profiled_and_that_is_said(judged, command):
    judged(Evaluation.wrong("off by one"))
    code, out, err = command("check", "net.py", "net.py", "--profile")
    assert code == 1 and "wrong" in out and "not profiled" in err


def test_a_folder_of_programs_is_not_profiled(elsewhere, command):
    (elsewhere / "programs").mkdir()
    (elsewhere / "programs" / "a.py").write_text("ANSWER = 4\n")
    code, out, err = command("check", "programs", "tour.py:tour", "--profile")
    assert code == 2 and out == "" and "--profile is for one program" in err and "one of its files" in err


def test_what_an_evaluator_prints_is_no_data(elsewhere, command):
    (elsewhere / "loud.py").write_text(
        "print('looked at')\ndef loud(program):\n    print('judging')\n    return 2.0\n"
    )
    (elsewhere / "answer.py").write_text("ANSWER = 5\n")
    code, out, err = command("check", "answer.py", "loud.py:loud", "--json")
    assert code == 0 and json.loads(out)["score"] == 2.0
    assert "looked at\n" in err and "judging\n" in err
