"""The contract of evaluators: scaffold and example keep it, and each broken promise is named."""

import subprocess
import sys
from pathlib import Path

import pytest

from kernelevo.cli.main import run_command
from kernelevo.evaluators.contract import broken_promises

TOUR = Path(__file__).parents[2] / "examples" / "tour.py"


def test_a_new_evaluator_works(tmp_path, capsys):
    assert run_command(["new", "evaluator", "roots", "--out", str(tmp_path / "mine")]) == 0
    assert "kernelevo run" in capsys.readouterr().err
    assert broken_promises(f"{tmp_path}/mine/roots.py:roots") == []
    assert run_command(["new", "evaluator", "roots", "--out", str(tmp_path / "mine")]) == 2
    for bad in ("no-name", "class", "2x", "../x", "math", "call", "SEED"):
        assert run_command(["new", "evaluator", bad, "--out", str(tmp_path)]) == 2
    assert run_command(["new", "proposer", "x"]) == 2
    assert sorted(p.name for p in (tmp_path / "mine").glob("*.py")) == ["roots.py", "test_roots.py"]


@pytest.mark.slow
def test_the_test_of_a_new_evaluator_passes(tmp_path):
    run_command(["new", "evaluator", "roots", "--out", str(tmp_path)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_roots.py"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0


def test_the_example_is_short_and_keeps_the_contract():
    assert len(TOUR.read_text().splitlines()) <= 60
    assert broken_promises(f"{TOUR}:tour") == []


BROKEN = {
    "def f(source: str):\n    return 1.0\n": ["it has no goal", "it has no program"],
    "from kernelevo import evaluator\n@evaluator('f', seed='x = 1')\ndef f(program):\n    'Goal.'\n"
    "    return float(len(program.source))\n": ["an empty program gets a score"],
    "from kernelevo import evaluator\nCOUNT = [0]\n@evaluator('f', seed='x = 1')\ndef f(source: str):\n"
    "    'Goal.'\n    COUNT[0] += 1\n    exec(source)\n    return COUNT[0] * 1.0\n": [
        "an empty program gets a score",
        "a program that ends its process takes the evaluator down",
    ],
    "from kernelevo import evaluator\n@evaluator('f', seed='x = 1')\ndef f(program):\n    'Goal.'\n": [
        "its own program gets no score"
    ],
}


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_broken_promises_are_named(tmp_path, text):
    (tmp_path / "f.py").write_text(text)
    found = broken_promises(f"{tmp_path}/f.py:f")
    for words in BROKEN[text]:
        assert any(words in line for line in found), found
