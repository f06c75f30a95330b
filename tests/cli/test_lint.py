"""The verb lint: exit codes, the table, JSON."""

import json

import pytest

from kernelevo.cli.main import run_command
from tests.api.test_lint import CUT, ROOM

BLIND = CUT.replace("x.sum(dim=1)", "torch.zeros(x.shape[0]) + x.sum(dim=1) * 1e-9")
NOISE = CUT.replace("x.sum(dim=1)", "1e6 + x.sum(dim=1) * 1e-3")


@pytest.fixture
def command(capsys):
    def run(*arguments):
        code = run_command(["lint", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_fair_task_in_words_and_as_json(elsewhere, command):
    code, out, err = command("net.py")
    assert code == 0 and "fair" in out and "evaluating" in err
    code, out, _ = command("net.py", "--json")
    data = json.loads(out)
    assert code == 0 and data["fair"] and data["blind"] == [] and data["variants"] == []
    assert (data["task"], data["size"], data["device"], data["batch_cut"]) == ("net.py", "full", "cpu", None)
    assert data["unused"] == {"operations": {}, "parameters": [], "inputs": []}
    assert data["conduct"] == {
        "draws": False, "forgets_draws": None, "changes": [], "keeps_state": False,
    }  # fmt: skip


def test_unfair_tasks_end_with_1_and_say_why(elsewhere, command):
    (elsewhere / "blind.py").write_text(BLIND)
    code, out, _ = command("blind.py")
    assert code == 1 and "blind" in out and "zeros, constant, another input's output" in out
    (elsewhere / "noise.py").write_text(NOISE)
    code, out, _ = command("noise.py", "--json")
    assert code == 1 and "of its deviation" in json.loads(out)["unjudgeable"]
    assert "unjudgeable: PyTorch's own fp32 error" in command("noise.py")[1]


def test_a_variant_stands_beside_the_task(elsewhere, command):
    text = BLIND.replace("WIDTH = 64", 'WIDTH = 64\nSCALE = 1e-9\nVARIANTS = {"loud": {"SCALE": 1.0}}')
    (elsewhere / "blind.py").write_text(text.replace("* 1e-9", "* SCALE"))
    code, out, _ = command("blind.py", "--json")
    (loud,) = json.loads(out)["variants"]
    assert code == 1 and loud["fair"] and loud["task"] == "blind.py@loud" and loud["variants"] == []
    code, out, _ = command("blind.py")
    assert code == 1 and "blind.py@loud" in out and "fair" in out
    assert command("blind.py@loud")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nope.py"], 2, "There is no file nope.py."),
        (["tour.py:tour"], 2, "is an evaluator"),
        (["net.py", "--size", "small"], 2, "no size 'small'"),
        (["net.py", "--device", "tpu"], 2, "tpu"),
    ],
)
def test_bad_input(elsewhere, command, arguments, code, words):
    found, out, err = command(*arguments)
    assert (found, out) == (code, "") and words in err


def test_a_machine_that_is_too_small(elsewhere, command, monkeypatch):
    monkeypatch.setattr(ROOM, "free_bytes", lambda task: 10)
    code, out, err = command("net.py")
    assert (code, out) == (3, "") and "NotEnoughMemory" in err
