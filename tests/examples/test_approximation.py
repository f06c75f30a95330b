"""The example with two objectives: what it measures, what it refuses, and which of two programs is better."""

import math
from pathlib import Path

import pytest

from kernelevo.api.loading import load_evaluator
from kernelevo.core import Objectives, Program, Status
from kernelevo.evaluators.registry import find
from kernelevo.tasks import load_task

FILE = Path(__file__).resolve().parents[2] / "examples" / "approximation.py"


@pytest.fixture(scope="module")
def task():
    return load_task(f"{FILE}:sine")


def judged(task, text):
    return load_evaluator(task)(Program.single(f"def solve(xs):\n    return {text}\n"))


def test_digits_and_operations_are_those_of_the_program(task):
    seed = load_evaluator(task)(find(task.evaluator).seeds[0])
    assert seed.status is Status.OK and seed.metrics["operations"] == 11
    line = judged(task, "[x for x in xs]")  # worst at pi/2: pi/2 - 1
    assert line.metrics["operations"] == 0
    assert line.score == line.metrics["digits"] == pytest.approx(-math.log10(math.pi / 2 - 1))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[__import__('math').sin(x) for x in xs]", "Call"),
        ("xs.copy", "Attribute"),
        ("xs[1:]", "list of 257"),
        ("[1e308 * 10 for x in xs]", "finite"),
        ("['1' for x in xs]", "finite"),
    ],
)
def test_what_is_no_answer_is_refused(task, text, words):
    verdict = judged(task, text)
    assert verdict.status is not Status.OK and words in verdict.feedback


def test_a_program_that_does_not_parse_is_no_fault_of_the_machine(task):
    assert load_evaluator(task)(Program.single("def solve(:")).score is None


def test_accuracy_comes_before_operations_and_of_equals_the_shorter_is_better(task):
    worth = Objectives.of(task.options).worth
    line, longer, cubic = (
        judged(task, f"[{text} for x in xs]") for text in ("x", "1 * x", "x - x * x * x / 6")
    )
    assert worth(cubic) > worth(line) > worth(longer)


def test_operations_are_those_that_happen(task):
    """A loop, or a comprehension inside the other, repeats an operation that its text has once."""
    inside = judged(task, "[[a for y in (1, 2) if (a := x * x)][0] for x in xs]")
    loop = load_evaluator(task)(
        Program.single("def solve(xs):\n    for x in xs:\n        x += x\n    return xs\n")
    )
    assert inside.score is loop.score is None
    assert "one comprehension" in inside.feedback and "line 2: For" in loop.feedback


def test_a_table_of_answers_is_no_approximation(task):
    table = [math.sin(math.pi / 2 * i / 256) for i in range(257)]
    assert judged(task, str(table)).metrics["digits"] < 1
