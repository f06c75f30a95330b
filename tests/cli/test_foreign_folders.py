"""``kernelevo run FOLDER``: folders of OpenEvolve's and FM Agent's form, unchanged, from the command line."""

import json

import pytest

from kernelevo.cli.main import run_command

SEED = '''"""How far."""
# EVOLVE-BLOCK-START
def answer():
    return 3.0 + 0.5
# EVOLVE-BLOCK-END
'''
LOAD = '''"""Bring the answer near to 5."""
import importlib.util


def run(path):
    spec = importlib.util.spec_from_file_location("candidate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.answer()


'''
OPENEVOLVE = f"""{LOAD}def evaluate(program_path):
    x = run(program_path)
    return {{"combined_score": 1 / (1 + (x - 5) ** 2), "x": x}}
"""
FM_AGENT = f"""{LOAD}def evaluate(path):
    x = run(path)
    return {{"validity": 1 if x < 9 else 0, "combined_score": x, "error_info": "" if x < 9 else "too far"}}
"""


def folder(path, **files):
    path.mkdir()
    for name, text in files.items():
        (path / name.replace("__", ".")).write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("files", "first", "executor"),
    [
        ({"initial_program__py": SEED, "evaluator__py": OPENEVOLVE}, 1 / 3.25, "process"),
        ({"init__py": SEED, "evaluator__py": FM_AGENT}, 3.5, "inline"),
    ],
    ids=["openevolve", "fm-agent"],
)
def test_a_folder_is_a_task(elsewhere, capsys, files, first, executor):
    mine = elsewhere / "mine"
    folder(mine, **files)
    line = ["run", "mine", "--budget", "3", "--executor", executor, "--seed", "1", "--out", "out"]
    assert run_command([*line, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["run"]["state"] == "done" and len(shown["trials"]) == 4
    assert shown["trials"][0]["score"] == pytest.approx(first)
    for trial in shown["trials"][1:]:
        assert "# EVOLVE-BLOCK-START" in trial["program"]["files"]["program.py"]
        assert trial["program"]["files"]["program.py"] != SEED
    best = shown["trials"][shown["run"]["best"]]
    assert (elsewhere / "out" / "best.py").read_text() == best["program"]["files"]["program.py"]
    assert run_command(["check", "out/best.py", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["score"] == best["score"]
    assert run_command(["resume", "out", "--budget", "1", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["trials"]) == 5
    assert {p.name for p in mine.iterdir()} - {"__pycache__"} == {n.replace("__", ".") for n in files}


@pytest.mark.parametrize(
    ("files", "name", "words"),
    [
        ({}, "mine", "The folder mine has no evaluator.py"),
        ({"evaluator__py": OPENEVOLVE}, "mine", "no program to start from"),
        ({"evaluator__py": OPENEVOLVE}, "mine/evaluator.py", "name its folder: mine"),
        ({"evaluator__py": "x = 1\n", "init__py": SEED}, "mine", "defines no function evaluate"),
        ({"evaluator__py": "def evaluate(:\n", "init__py": SEED}, "mine", "cannot be read as Python"),
        (
            {"evaluator__py": OPENEVOLVE, "init__py": SEED, "config__yaml": "evaluator: [open\n"},
            "mine",
            "config.yaml cannot be read",
        ),
        ({}, "./nowhere", "There is no file or folder nowhere"),
        ({}, "mine/nothing/", "There is no file or folder mine/nothing"),
    ],
)
def test_folders_that_are_none(elsewhere, capsys, files, name, words):
    folder(elsewhere / "mine", **files)
    assert run_command(["run", name, "--budget", "3"]) == 2
    said = capsys.readouterr().err
    assert words in said and "kernelbench:3/1," not in said
    assert not (elsewhere / "runs").exists()


def test_an_evaluator_that_always_fails_is_no_success(elsewhere, capsys):
    folder(
        elsewhere / "mine",
        init__py=SEED,
        evaluator__py="def evaluate(path):\n    return {'a': 'one', 'b': 'two'}\n",
    )
    line = ["run", "mine", "--budget", "1", "--executor", "inline", "--out", "out", "--json"]
    assert run_command(line) == 1
    (seed, *_) = json.loads(capsys.readouterr().out)["trials"]
    assert seed["status"] == "wrong" and "no combined_score" in seed["feedback"]
