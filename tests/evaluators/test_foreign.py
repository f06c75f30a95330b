"""Folders of OpenEvolve's and FM Agent's form, unchanged: judged in a process of their own."""

import os
import tempfile
import time

import pytest

from kernelevo.core import Program, Status, Task
from kernelevo.errors import BadProgram, TaskNotFound
from kernelevo.evaluators import load, task_of

SEED = "# EVOLVE-BLOCK-START\ndef answer():\n    return 3\n# EVOLVE-BLOCK-END\n"
LOADER = '''"""Raise the answer."""
import importlib.util, os, sys, time
from helper_of_mine import SCALE

def run(path):
    spec = importlib.util.spec_from_file_location("candidate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.answer() * SCALE
'''


def folder(path, evaluator, seed="initial_program.py", config=None):
    (path / seed).write_text(SEED)
    (path / "evaluator.py").write_text(LOADER + evaluator)
    (path / "helper_of_mine.py").write_text("SCALE = 1.0\n")
    if config:
        (path / "config.yaml").write_text(config)
    return task_of(str(path))


def answering(text):
    return Program.single(f"import os, sys, time\ndef answer():\n    return {text}\n")


def test_an_openevolve_folder(tmp_path):
    task = folder(
        tmp_path,
        "def evaluate(program_path):\n    print('looked')\n"
        "    return {'combined_score': run(program_path), 'speed': 2.0}\n",
    )
    assert task.goal == "Raise the answer." and task.name == tmp_path.name
    assert task.seeds[0].source == SEED and task.seeds[0].language == "python"
    judge = load(Task.from_json(task.to_json()))
    verdict = judge(task.seeds[0])
    assert (verdict.status, verdict.score, verdict.metrics["speed"]) == (Status.OK, 3.0, 2.0)
    assert verdict.artifacts["output"] == "looked\n" and judge.seeds() == task.seeds
    assert judge(answering("7")).score == 7.0
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != "__pycache__") == [
        "evaluator.py",
        "helper_of_mine.py",
        "initial_program.py",
    ]


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("1 / 0", Status.CRASHED, "ZeroDivisionError"),
        ("os._exit(5)", Status.CRASHED, "exit 5"),
        ("os.kill(os.getpid(), 9)", Status.CRASHED, "SIGKILL"),
        ("os.kill(os.getpid(), 40)", Status.CRASHED, "signal 40"),  # a real-time signal, without a name
        ("sys.exit(1)", Status.CRASHED, "SystemExit"),
        ("time.sleep(60)", Status.TIMED_OUT, "within 1 s"),
        ("float('nan')", Status.WRONG, "nan"),
        ("'text'", Status.CRASHED, "TypeError"),
    ],
)
def test_a_candidate_that_misbehaves(tmp_path, text, status, words):
    task = folder(
        tmp_path,
        "def evaluate(p):\n    return {'combined_score': run(p), 'other': 1}\n",
        config="evaluator:\n  timeout: 1\n",
    )
    if text == "time.sleep(60)":
        began = time.monotonic()
    else:
        task = Task(task.name, task.goal, task.seeds, task.evaluator)
        (tmp_path / "config.yaml").write_text("evaluator:\n  timeout: 60\n")
        began = time.monotonic() + 60
    verdict = load(task)(answering(text))
    assert verdict.status is status and words in verdict.feedback + str(verdict.metrics)
    assert time.monotonic() - began < 15


CASCADE = """
from openevolve.evaluation_result import EvaluationResult

def evaluate_stage1(p):
    return EvaluationResult({'combined_score': run(p) / 10}, {'log': 'one'})

def evaluate_stage2(p):
    return EvaluationResult(metrics={'combined_score': run(p), 'late': 1}, artifacts={'more': 'two'})

def evaluate(p):
    return {'combined_score': -1.0, 'a': 1}
"""
CONFIG = "prompt:\n  system_message: Be large.\nevaluator:\n  cascade_thresholds: [0.5]\n"


def test_cascade_artefacts_and_configuration(tmp_path):
    task = folder(tmp_path, CASCADE, config=CONFIG)
    assert task.goal == "Be large."
    judge = load(task)
    stopped, full = judge(answering("4")), judge(answering("6"))
    assert (stopped.score, stopped.fidelity, stopped.metrics["stage"]) == (0.4, "rough", 1)
    assert "stage 1 of 2" in stopped.feedback and stopped.artifacts == {"log": "one"}
    assert (full.score, full.fidelity, full.artifacts) == (6.0, "full", {"log": "one", "more": "two"})
    (tmp_path / "config.yaml").write_text("evaluator:\n  cascade_evaluation: false\n")
    assert load(task)(answering("6")).score == -1.0


def test_an_fm_agent_folder(tmp_path):
    task = folder(
        tmp_path,
        "def evaluate(p):\n    x = run(p)\n    return {'validity': x < 9, 'combined_score': x, "
        "'error_info': {'too': 'large'} if x >= 9 else '', 'eval_wall_time': 0.1}\n",
        seed="init.py",
    )
    judge = load(task)
    assert judge(task.seeds[0]).score == 3.0
    verdict = judge(answering("10"))
    assert verdict.status is Status.WRONG and "large" in verdict.feedback


def test_keys_stay_out_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "secret")
    task = folder(
        tmp_path, "def evaluate(p):\n    return {'combined_score': float('SOME_API_KEY' in os.environ)}\n"
    )
    assert load(task)(task.seeds[0]).score == 0.0 and "SOME_API_KEY" in os.environ


@pytest.mark.parametrize(
    ("returned", "config", "score"),
    [
        ("'speed': run(p), 'beauty': 2.0, 'note': 'fine'", None, 2.5),
        ("'speed': run(p), 'beauty': 2.0, 'complexity': 500", None, 2.5),
        ("'speed': run(p), 'beauty': 2.0, 'lines': 40", "database:\n  feature_dimensions: [lines]\n", 2.5),
        ("'complexity': 5, 'diversity': run(p)", None, 4.0),
        ("'speed': run(p), 'beauty': 2.0, 'odd': float('nan')", None, 2.5),
    ],
)
def test_without_a_combined_score_the_mean_is_the_score_and_that_is_said(tmp_path, returned, config, score):
    """As OpenEvolve's own fitness is: the mean of the numbers that are no feature dimensions."""
    task = folder(tmp_path, f"def evaluate(p):\n    return {{{returned}}}\n", config=config)
    verdict = load(task)(task.seeds[0])
    assert (verdict.status, verdict.score) == (Status.OK, score)
    assert "no combined_score" in verdict.feedback and "mean of the numbers" in verdict.feedback


@pytest.mark.parametrize(
    "returned",
    [
        "'speed': 'high'",
        "'combined_score': None, 'a': 1, 'b': 2",
        "'a': 1, 'b': 2, 'error': 'it broke'",
        "'a': 1, 'b': 2, 'validity': 0",
    ],
)
def test_what_failed_or_has_no_number_gets_no_mean(tmp_path, returned):
    task = folder(tmp_path, f"def evaluate(p):\n    return {{{returned}}}\n")
    verdict = load(task)(task.seeds[0])
    assert verdict.status is Status.WRONG and "mean" not in verdict.feedback


def test_folders_that_cannot_be_used(tmp_path):
    assert task_of(str(tmp_path)) is None
    (tmp_path / "evaluator.py").write_text("def evaluate(p): return {}\n")
    with pytest.raises(TaskNotFound, match="no program to start from"):
        task_of(str(tmp_path))
    (tmp_path / "init.py").write_text("x = 1\n")
    (tmp_path / "config.yaml").write_text("evaluator: [unclosed\n")
    with pytest.raises(BadProgram, match=r"config\.yaml"):
        task_of(str(tmp_path))
    (tmp_path / "config.yaml").write_text("evaluator:\n  timeout: soon\n")
    with pytest.raises(BadProgram, match="cannot be used"):
        task_of(str(tmp_path))


def test_endless_words_fill_nothing(tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    (tmp_path / "folder").mkdir()
    task = folder(
        tmp_path / "folder",
        "def evaluate(p):\n    for _ in range(300):\n        print('x' * 99_999)\n"
        f"    held = sum(f.stat().st_size for f in __import__('pathlib').Path({str(place)!r}).rglob('*.*'))\n"
        "    print('the end')\n    return {'combined_score': float(held)}\n",
    )
    verdict = load(task)(task.seeds[0])
    assert verdict.score < 100_000 and verdict.artifacts["output"].endswith("x\nthe end\n")
    assert len(verdict.artifacts["output"]) <= 8_000


@pytest.mark.parametrize(
    ("more", "score", "metric"),
    [
        ("'error': 0.25", 3.0, ("error", 0.25)),
        ("'tests': 12", 3.0, ("their tests", 12)),
        ("'count': 10**5000", 3.0, ("count", "inf")),
        ("'count': 2**1010", 3.0, ("count", 2.0**1010)),
        (
            "'parts': __import__('fractions').Fraction(10**5000)",
            3.0,
            ("parts", "a Fraction that cannot be written"),
        ),
        ("'tests': [1, 0]", 3.0, ("their tests", "[1, 0]")),
        ("'tests': {'a': 1}", 3.0, ("tests", [{"name": "a", "score": 1.0}])),
        ("'error': 'it broke'", None, None),
        ("'error': True", None, None),
        ("'combined_score': 10**400", None, None),
        ("'combined_score': 10**5000", None, None),
    ],
)
def test_words_that_mean_something_else_elsewhere(tmp_path, more, score, metric):
    task = folder(tmp_path, f"def evaluate(p):\n    return {{'combined_score': run(p), {more}}}\n")
    verdict = load(task)(task.seeds[0])
    assert verdict.score == score
    if metric:
        assert verdict.metrics[metric[0]] == metric[1]


def test_the_program_to_start_from_is_one_of_a_language(tmp_path):
    for name in ("init.cfg", "initial_program.bak", "initial_program.json"):
        (tmp_path / name).write_text("{}\n")
    task = folder(tmp_path, "def evaluate(p):\n    return {'combined_score': 1.0}\n")
    assert task.seeds[0].source == SEED and task.seeds[0].origin.idea == "initial_program.py"
    (tmp_path / "initial_program.py").unlink()
    (tmp_path / "init.py").write_text("x = 2\n")
    assert task_of(str(tmp_path)).seeds[0].source == "x = 2\n"


def test_a_byte_order_mark_breaks_nothing(tmp_path):
    task = folder(tmp_path, "def evaluate(p):\n    return {'combined_score': run(p)}\n")
    for name in ("evaluator.py", "initial_program.py"):
        (tmp_path / name).write_text((tmp_path / name).read_text(), encoding="utf-8-sig")
    marked = task_of(str(tmp_path))
    assert marked.goal == "Raise the answer." and marked.seeds == task.seeds
    assert load(marked)(marked.seeds[0]).score == 3.0


FIRST_LOOK = """
def evaluate_stage1(p):
    x = run(p)
    return {'runs_successfully': float(x > 0), 'distance_score': x / 10, 'overall_score': 0.5}

def evaluate_stage2(p):
    return {'combined_score': run(p)}
"""


def test_a_stage_without_a_score_is_held_to_the_mean_of_its_numbers(tmp_path):
    """As OpenEvolve's own examples are written: their first stage says that a program runs, and how far."""
    judge = load(folder(tmp_path, FIRST_LOOK))
    full, stopped = judge(answering("6")), judge(answering("-6"))
    assert (full.status, full.score, full.fidelity) == (Status.OK, 6.0, "full")
    assert stopped.status is Status.WRONG and "stopped after stage 1 of 2" in stopped.feedback


def test_a_program_of_several_files_is_laid_down_whole(tmp_path):
    judge = load(folder(tmp_path, "def evaluate(p):\n    return {'combined_score': run(p)}\n"))
    entry = "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\nfrom parts import five\n"
    entry += "def answer():\n    return five.FIVE\n"
    assert judge(Program({"program.py": entry, "parts/five.py": "FIVE = 5\n"})).score == 5.0
    verdict = judge(Program({"a.py": "x = 1\n", "b.py": "x = 2\n"}))
    assert verdict.status is Status.BUILD_FAILED and "no program.py" in verdict.feedback


def test_what_leads_a_session_of_its_own_ends_with_the_time_limit(tmp_path):
    """As evaluators start programs that they mean to kill as a whole, after a longer time than ours."""
    task = folder(
        tmp_path,
        "import subprocess\ndef evaluate(p):\n"
        "    started = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        "    open('started', 'w').write(str(started.pid))\n    started.wait()\n",
        config="evaluator:\n  timeout: 4\n",
    )
    assert load(task)(task.seeds[0]).status is Status.TIMED_OUT
    started = int((tmp_path / "started").read_text())
    for _ in range(100):
        if not os.path.exists(f"/proc/{started}") or "\nState:\tZ" in state(started):
            return
        time.sleep(0.05)
    os.kill(started, 9)
    pytest.fail("it goes on")


def state(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return "\nState:\tZ"


@pytest.mark.parametrize(
    "words",
    ['{"metrics": 5}', '{"metrics": {}, "artifacts": [1], "ran": "x"}', "[" * 99_999, '{"a": 1'],
    ids=range(4),
)
def test_what_a_candidate_says_in_the_evaluators_place_is_no_fault_of_the_machine(tmp_path, words):
    judge = load(folder(tmp_path, "def evaluate(p):\n    return {'combined_score': run(p), 'a': 1}\n"))
    verdict = judge(answering(f"[os.write(int(sys.argv[2]), {words!r}.encode()), os._exit(0)]"))
    assert verdict.score is None and verdict.feedback
