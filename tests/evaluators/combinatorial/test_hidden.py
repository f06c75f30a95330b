"""What cases hide: programs that hold our generators learn nothing of it, and one run has the same cases."""

from dataclasses import replace
from itertools import chain
from random import Random

import pytest

from kernelevo.core import Program
from kernelevo.errors import BadSetting, MachineError, SandboxError
from kernelevo.evaluators import peeking, secret
from kernelevo.evaluators.combinatorial.evaluator import CaseEvaluator
from kernelevo.evaluators.combinatorial.problem import PUBLIC, digest
from kernelevo.evaluators.combinatorial.problems import PROBLEMS, seed
from kernelevo.evaluators.combinatorial.running import run_case
from kernelevo.evaluators.registry import load, task_of

SECRET, OTHER = b"a secret", b"another one"
REACTIVE = ("noisy_graphs", "noisy_peaks")

# programs may import this package: each draws the case again from its public seed, and answers by that
GRAPHS = """
from itertools import chain
from random import Random
from kernelevo.evaluators.combinatorial.problems import PROBLEMS
problem = PROBLEMS["noisy_graphs"]
count = int(input().split()[0])
rng = Random(f"noisy_graphs/{problem.version}/0")
case = problem.make(rng, 0)
if hasattr(problem, "hide"):
    case = problem.hide(rng, case)
assert case.hidden[0] == count
print(4)
print("\\n".join(["000000"] * count), flush=True)
rng = Random(case.hidden[2])
for _ in range(30):
    input()
    print(rng.randrange(count), flush=True)
    for _ in range(6):
        rng.random()
    rng.shuffle(list(range(4)))
"""
PEAKS = """
from itertools import chain
from random import Random
from kernelevo.evaluators.combinatorial.problems import PROBLEMS
problem = PROBLEMS["noisy_peaks"]
input()
rng = Random(f"noisy_peaks/{problem.version}/0")
case = problem.make(rng, 0)
if hasattr(problem, "hide"):
    case = problem.hide(rng, case)
heights = case.hidden[0]
best = max((value, r, c) for r, row in enumerate(heights) for c, value in enumerate(row))
print("!", *best[1:], flush=True)
"""


@pytest.mark.parametrize(("name", "program", "all_known"), [
    ("noisy_graphs", GRAPHS, 10**9 // 4), ("noisy_peaks", PEAKS, 10**6),
])  # fmt: skip
def test_a_program_that_holds_the_generator_guesses(name, program, all_known):
    problem = PROBLEMS[name]
    found = run_case(problem, Program.single(program), problem.case(0, SECRET))
    assert found.status == "ok", found.error
    assert found.score < 0.3 * all_known


@pytest.mark.parametrize("name", REACTIVE)
def test_the_secret_makes_what_is_hidden_and_nothing_else(name):
    problem = PROBLEMS[name]
    case, other = problem.case(0, SECRET), problem.case(0, OTHER)
    assert case == problem.case(0, SECRET)
    assert (case.text, case.stratum) == (other.text, other.stratum)
    assert case.hidden[-1] != other.hidden[-1]
    assert digest([case]) == digest([other])
    assert problem.case(4, SECRET).hidden[-1] != case.hidden[-1]
    with pytest.raises(ValueError, match="hides something"):
        problem.case(0)


@pytest.mark.parametrize("name", REACTIVE)
def test_a_run_has_the_same_cases_also_when_it_goes_on(name, tmp_path, monkeypatch):
    task = task_of(name)
    judge, later = load(task), load(task)
    assert judge.case(0) == later.case(0) == PROBLEMS[name].case(0, secret.machine_secret())
    assert judge.case(0) != CaseEvaluator(PROBLEMS[name], secret=SECRET).case(0)
    monkeypatch.setenv(secret.FOLDER, str(tmp_path / "another machine"))
    with pytest.raises(MachineError, match="secret of another machine"):
        load(task)
    assert load(task_of(name)).case(0) != judge.case(0)


@pytest.mark.parametrize("name", ["noisy_graphs", "delivery_routes"])
def test_a_run_does_not_go_on_with_another_version_of_its_cases(name):
    task = task_of(name)
    version = PROBLEMS[name].version
    assert task.options["version"] == version
    of_the_future = replace(task, options={**task.options, "version": version + 1})
    with pytest.raises(BadSetting, match=f"made with version {version + 1} of {name}; here it is"):
        load(of_the_future)
    said_nothing = replace(task, options={k: v for k, v in task.options.items() if k != "version"})
    assert load(said_nothing).case(0) == load(task).case(0)


def test_a_verdict_tells_its_data():
    told = CaseEvaluator(PROBLEMS["noisy_peaks"], (1,), SECRET)(seed("noisy_peaks")).metrics
    assert told["data"] == secret.fingerprint(SECRET)
    open_case = CaseEvaluator(PROBLEMS["strip_packing"], (1,))(seed("strip_packing")).metrics
    assert "data" not in open_case


def test_a_machine_where_programs_could_read_the_secret_is_refused(monkeypatch):
    monkeypatch.setattr(peeking, "call", lambda *given, **more: True)
    with pytest.raises(SandboxError, match=r"could read .*secret"):
        load(task_of("noisy_graphs"))
    assert set(task_of("strip_packing").options) == {"version"}
    load(task_of("strip_packing"))


def test_cut_rectangles_cannot_be_cut_again():
    problem = PROBLEMS["strip_packing"]
    for number in range(3, PUBLIC, 4):
        case = problem.case(number)
        sizes, width = case.hidden
        assert (case.seed, case.stratum) == (number, "cut from one rectangle")
        assert case.text.split() == [str(n) for n in (len(sizes), width, *chain(*sizes))]
        assert 20 <= len(sizes) <= 35 and 60 <= width <= 120
        assert all(1 <= side <= width for size in sizes for side in size)
        assert sum(w * h for w, h in sizes) % width == 0  # they were one rectangle of this width
        again = problem.make(Random(f"strip_packing/{problem.version}/{number}"), 3)
        assert again.hidden != case.hidden
    assert problem.case("3" * 64).stratum == "cut from one rectangle"  # private ones are still made
