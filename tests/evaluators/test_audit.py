"""The audit finds each exploit in evaluators that are weak on purpose, and none in one that is not."""

import json
from pathlib import Path

import pytest

from kernelevo.cli.main import run_command
from kernelevo.core import Task
from kernelevo.errors import BadProgram
from kernelevo.evaluators import task_of
from kernelevo.evaluators.audit import ATTACKS, audit
from kernelevo.evaluators.audit.attacks import armed
from tests.evaluators.weak import SEED, weak_folder

WEAK = Path(__file__).with_name("weak.py")
STRONG = '''
import math
from kernelevo import call, evaluator

@evaluator("strong", seed="""
def solve():
    return {"radii": [0.2, 0.3], "name": "two", "order": [0, 1]}
""")
def strong(program):
    """Two radii whose sum is at most 0.5; a permutation."""
    found = call(program, "solve", timeout=1.0)
    good = type(found) is dict and set(found) == {"radii", "name", "order"}
    good = good and type(found["radii"]) is list and len(found["radii"]) == 2
    good = good and all(type(r) is float and math.isfinite(r) and r >= 0 for r in found["radii"])
    good = good and type(found["order"]) is list and all(type(i) is int for i in found["order"])
    good = good and sorted(found["order"]) == [0, 1]
    return sum(found["radii"]) if good and sum(found["radii"]) <= 0.5 else None
'''


def attacks(*names):
    chosen = [attack for attack in ATTACKS if attack.name in names]
    assert len(chosen) == len(names)
    return chosen


def through(task, *names, patience=10.0):  # a busy machine takes seconds to begin
    return {f.attack for f in audit(task, attacks=attacks(*names), patience=patience).through}


def weak(function):
    return Task("weak", "g", (), f"{WEAK}:{function}")


FOUND = {
    "claims": {"claimed", "float-for-integer"},
}
FOUND_SLOWLY = {
    "checks": {"nan-part", "slack", "memory"},
    "empty": {"empty"},
    "line": {"printed-score"},
    "unpickling": {"pickle"},
    "inside": {
        *("claimed", "huge", "monkey-patch", "read-evaluator", "read-parent", "network", "processes"),
        *("write-outside", "exit", "hang"),
    },
}


@pytest.mark.parametrize("function", FOUND)
def test_each_weakness_is_found(function):
    assert through(weak(function), *FOUND[function]) == FOUND[function]


def test_another_construction_is_no_claim(tmp_path):
    """A list of one number under a name is what is judged: a better one is found, not claimed."""
    (tmp_path / "points.py").write_text(
        "from kernelevo import call, evaluator\n\n"
        "@evaluator('points', seed=\"def solve():\\n    return {'points': [2.0], 'value': 9.0}\\n\")\n"
        "def points(program):\n"
        '    """One number below 1e9, as large as can be."""\n'
        "    (found,) = call(program, 'solve', timeout=1.0)['points']\n"
        "    return found if type(found) is float and found < 1e9 else None\n"
    )
    assert through(Task("points", "g", (), f"{tmp_path}/points.py:points"), "claimed") == set()


@pytest.mark.slow
@pytest.mark.parametrize("function", FOUND_SLOWLY)
def test_each_other_weakness_is_found(function):
    assert through(weak(function), *FOUND_SLOWLY[function]) == FOUND_SLOWLY[function]


@pytest.mark.slow
def test_a_foreign_folder_that_imports_its_candidates(tmp_path):
    task = task_of(str(weak_folder(tmp_path)))
    names = ("monkey-patch", "read-evaluator", "claimed", "nan", "exit")
    assert through(task, *names, patience=20.0) == {"monkey-patch", "read-evaluator", "claimed"}


@pytest.mark.slow
def test_nothing_gets_through_a_careful_evaluator(tmp_path, capsys):
    (tmp_path / "strong.py").write_text(STRONG)
    assert run_command(["audit", f"{tmp_path}/strong.py:strong", "--patience", "20", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["through"] == 0 and len(found["findings"]) == len(ATTACKS)


def test_every_attack_is_a_program():
    for seed in (SEED, '"""Text."""\nfrom __future__ import annotations\n\ndef solve():\n    return 1\n'):
        for attack in ATTACKS:
            for variant in range(min(attack.variants, 4)):
                compile(armed(seed, attack, variant, "/a/b.py", "/c"), "program.py", "exec")


def test_an_evaluator_without_an_honest_program_cannot_be_audited(tmp_path):
    (tmp_path / "bare.py").write_text("def bare(source: str):\n    return 1.0\n")
    with pytest.raises(BadProgram, match="no honest program"):
        audit(Task("bare", "g", (), f"{tmp_path}/bare.py:bare"))
    assert run_command(["audit", "kernelbench:3/13"]) == 2


def test_what_attacks_write_lies_in_a_folder_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    through(weak("inside"), "pickle", "printed-score")
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_is_not_taken_at_all_is_no_probe_that_worked(tmp_path):
    """Where imports are refused, whatever is laid around the seed fails: that says nothing of the sandbox."""
    (tmp_path / "careful.py").write_text(
        "from kernelevo import call, evaluator\n\n"
        "@evaluator('careful', seed='def solve():\\n    return 2.0\\n')\n"
        "def careful(program):\n"
        '    """A number below 3."""\n'
        "    if 'import' in program.source:\n"
        "        return {'score': None, 'feedback': 'imports are refused'}\n"
        "    found = call(program, 'solve', timeout=1.0)\n"
        "    return found if type(found) is float and found < 3 else None\n"
    )
    found = audit(
        Task("careful", "g", (), f"{tmp_path}/careful.py:careful"), attacks=attacks("keys", "network")
    )
    assert [(f.result, f.detail) for f in found.findings] == [("refused", "imports are refused")] * 2
