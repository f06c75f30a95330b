"""The story of a run: the steps that mattered, with what changed, and what people ordered."""

from kernelevo.core import Evaluation, Fault, Origin, Program, Trial
from kernelevo.report.page import MOST, run_page
from kernelevo.report.story import KEY, failures, improvements, key_improvements, people, story
from tests.report.test_page import RUN, Balance

EVIL = "<script>alert(1)</script>"


def a_trial(n, score, parents=(), words="off"):
    program = Program.single(f"x = {n}\n# {EVIL}\n", parents=parents, origin=Origin("llm", EVIL))
    verdict = Evaluation.wrong(words) if score is None else Evaluation.ok(score)
    return Trial(n, program, verdict, ended=float(n))


def test_improvements_follow_the_order_in_which_trials_ended():
    late = Trial(1, Program.single("late"), Evaluation.ok(5.0), ended=9.0)
    rough = Trial(4, Program.single("r"), Evaluation("ok", 9.0, fidelity="rough"), ended=3.5)
    trials = [a_trial(0, 1.0), late, a_trial(2, 3.0), a_trial(3, 2.0), rough]
    assert [t.number for t in improvements(trials)] == [0, 2, 1]


def test_the_first_the_last_and_the_largest_steps_are_told():
    scores = [1.0, *(2.0 + n for n in range(KEY)), *(20 + n / 100 for n in range(9))]
    told = key_improvements([a_trial(n, score) for n, score in enumerate(scores)])
    numbers = [trial.number for trial, _ in told]
    assert numbers[0] == 0 and numbers[-1] == len(scores) - 1 and len(numbers) <= KEY + 2
    assert numbers == sorted(numbers) and told[1][1].amount == 1.0


def test_changes_are_shown_and_never_markup():
    first = a_trial(0, 1.0)
    text = story([first, a_trial(1, 2.0, parents=(first.program.id,))])
    assert "what changed since #0" in text and "x = 1" in text and text.count("<details>") == 1
    assert "<script>" not in text and "&lt;script&gt;" in text
    assert story([]) == "<p>no correct program yet</p>"


def test_failures_are_counted_by_kind():
    broken = Trial(7, Program.single("b"), fault=Fault("WorkerDied", "gone"))
    text = failures([a_trial(0, None), a_trial(1, None), a_trial(2, None, words=EVIL), broken])
    assert "<td>2</td><td>wrong</td><td>off</td>" in text and "WorkerDied: gone" in text
    assert "<script>" not in text and failures([a_trial(0, 1.0)]) == "<p>every program passed</p>"


def test_orders_stand_with_what_came_of_them():
    row = {"author": EVIL, "verb": "hint", "args": {"text": EVIL}, "effect": "in every brief"}
    text = people(
        [
            {**row, "carried": [3, 4], "carried_ok": 1, "best_carried": 2.0, "best_before": 1.0,
             "rule": "score", "measure": {"name": "score", "better": "higher"}},
            {**row, "effect": None},
        ]
    )  # fmt: skip
    assert "in 2 briefs, 1 of them passed; best 2, before 1" in text and "not obeyed yet" in text
    assert "<script>" not in text and people([]) == ""


def test_a_long_run_has_a_page_that_can_be_read():
    trials = [a_trial(n, 1.0 + n % 7) for n in range(MOST + 300)]
    page = run_page(RUN, trials)
    reader = Balance()
    reader.feed(page)
    assert reader.open == [] and "more are in run.db" in page
    assert page.count("<tr") < MOST + 60 and "#6<" in page and "#1<" not in page and f"#{MOST + 299}<" in page
