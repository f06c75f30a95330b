"""What becomes of released solutions, and the order that judges them."""

import csv
import json
import os
from dataclasses import replace

import pytest

from kernelevo.bench import plots, run_series
from kernelevo.bench.fates import FATES, fate, fates
from kernelevo.bench.job import unfit
from kernelevo.bench.record import Record
from kernelevo.bench.rescore import Rescore
from kernelevo.bench.row import Row
from kernelevo.config import Settings
from kernelevo.errors import BadSetting, InputError
from kernelevo.kernels.faults import rules
from tests.bench.rows import failed, fault, row
from tests.tasks.foreign import TODAY, V0, checkout, lines

NEW = "from torch import nn\n\n\nclass ModelNew(nn.Module):\n    pass\n"
GPU = NEW + "import triton\n"


def wrong(rule, **theirs):
    return Row("ops/gemm", status="wrong", feedback=str(rule.broken("seen")), upstream=theirs)


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (row(), "kept"),
        (row(score=1.05, metrics={"score_low": 1.0}), "lost to baseline"),
        (row(score=1.05, metrics={"score_low": None}), "kept"),
        (row(score=0.7), "lost to baseline"),
        (wrong(rules.CORRECT, correct_loose=True, correct_eval=True), "lost to tolerance"),
        (wrong(rules.CORRECT, correct_loose=False, correct_eval=True), "lost to mode"),
        (wrong(rules.CORRECT, correct_loose=False, correct_eval=False), "broken"),
        (wrong(rules.STATE, correct_loose=True, correct_eval=True), "lost to mode"),
        (wrong(rules.FOLLOWS_WEIGHTS, correct_loose=True), "rejected"),
        (wrong(rules.SIGNATURE, correct_loose=True), "rejected"),
        (failed(status="rejected"), "rejected"),
        (failed(status="build_failed"), "broken"),
        (failed(status="timed_out"), "broken"),
        (failed(status="no_program"), "no solution"),
        (failed(status="needs_cuda"), "not judged"),
        (failed(status="broken_task"), "not judged"),
        (fault(), "not judged"),
    ],
)
def test_fates(found, word):
    assert fate(found) == word and word in FATES


def test_tasks_that_grade_nothing_are_counted_apart():
    rows = [row(), row("ops/a", grade="blind"), row("ops/b", score=0.5), fault("ops/c", grade="unknown")]
    found = fates(rows)
    assert found["judgeable"] == {
        **dict.fromkeys(FATES, 0),
        "kept": 1,
        "lost to baseline": 1,
        "not judged": 1,
    }
    assert sum(found["others"].values()) == found["others"]["kept"] == 1
    assert found["each"]["ops/b"] == "lost to baseline"


class Runner:
    def __init__(self):
        self.jobs = []

    def __call__(self, job, *, afresh=False):
        self.jobs.append(job)
        if job.unfit:  # as a child does: what nobody can judge counts where lint says that its task does
            return replace(unfit(job), grade="judgeable")
        return row(job.task, program=job.program, program_id=job.program_id, claims=job.claims)


def released(tmp_path):
    rows = [
        {"level_id": 1, "task_id": 1, "ref_code": TODAY, "custom_code": NEW, "score_default": 1.9},
        {"level_id": 1, "task_id": 1, "ref_code": TODAY, "custom_code": GPU},
        {"level_id": 1, "task_id": 2, "ref_code": TODAY, "custom_code": None},
        {"level_id": 1, "task_id": 2, "ref_code": TODAY, "custom_code": None},
        {"level_id": 1, "task_id": 3, "ref_code": "def (", "custom_code": NEW},
        {"level_id": 1, "task_id": 4, "custom_code": NEW},
        {"level_id": 3, "task_id": 13, "custom_code": NEW},
        "{half",
    ]
    lines(tmp_path / "set" / "h100.json", rows)
    return tmp_path / "set"


def test_a_set_is_judged_row_for_row_and_gone_on_with(tmp_path):
    order = Rescore(str(released(tmp_path)), Settings(out=str(tmp_path / "out")))
    runner, said = Runner(), []
    series = run_series(order, runner=runner, say=said.append)
    assert [(j.task, j.program, j.source) for j in runner.jobs] == [
        ("kernelbench:1/1", "h100.json/1", TODAY), ("kernelbench:1/2", "h100.json/3", TODAY),
        ("kernelbench:1/2", "h100.json/4", TODAY), ("kernelbench:3/13", "h100.json/7", None),
    ]  # fmt: skip
    assert runner.jobs[0].text == NEW and "h100.json/8" in "".join(said)
    assert len({job.slug for job in order.jobs()}) == 7
    data = series.record.to_json()
    assert data["summary"]["fates"]["judgeable"] == {
        **dict.fromkeys(FATES, 0), "kept": 2, "no solution": 2, "not judged": 3,
    }  # fmt: skip
    found = {task["program"]: task for task in data["tasks"]}
    assert found["h100.json/1"]["claims"] == {"score_default": 1.9}
    assert (
        found["h100.json/2"]["status"] == "needs_cuda" and "--device cuda" in found["h100.json/2"]["feedback"]
    )
    assert "give --tasks-from" in found["h100.json/6"]["feedback"]
    assert "| kept | 2 | 0 |" in series.record.page()
    again = Runner()
    assert run_series(order, runner=again).record.to_json()["summary"] == data["summary"]
    assert again.jobs == []


def test_rows_that_nobody_judges_are_written_with_the_next_one_that_somebody_does(tmp_path, monkeypatch):
    written, write = [], Record.write

    def counted(self):
        written.append(len(self.rows))
        write(self)

    class Cut(Runner):
        def __call__(self, job, *, afresh=False):
            if job.program == "h100.json/7":
                raise KeyboardInterrupt
            return super().__call__(job)

    monkeypatch.setattr(Record, "write", counted)
    where = str(released(tmp_path))
    run_series(Rescore(where, Settings(out=str(tmp_path / "out"))), runner=Runner())
    assert written == [0, 1, 3, 4, 7, 7]
    assert run_series(Rescore(where, Settings(out=str(tmp_path / "cut"))), runner=Cut()).interrupted
    assert len(json.loads((tmp_path / "cut" / "bench.json").read_text())["tasks"]) == 6


def test_what_became_of_each_stands_in_every_table(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "available", lambda: False)
    order = Rescore(str(released(tmp_path)), Settings(out=str(tmp_path / "out")))
    record = run_series(order, runner=Runner()).record
    written = (tmp_path / "out" / "bench.csv").read_text().splitlines()
    found = {line["program"]: line for line in csv.DictReader(written)}
    each = {place: found[f"h100.json/{place}"]["fate"] for place in (1, 2, 3)}
    assert each == {1: "kept", 2: "not judged", 3: "no solution"}
    assert json.loads(found["h100.json/1"]["claims"]) == {"score_default": 1.9}
    assert found["h100.json/2"]["claims"] == ""
    assert "| h100.json/1 | 3 | kept | score_default 1.9 |" in record.page()
    text = record.write_html().read_text()
    assert "<td>kept</td><td>score_default 1.9</td>" in text
    assert "<h2>Not read</h2>" in text and "<li>h100.json/8: " in text


def test_each_solution_is_judged_at_the_size_that_its_task_has(tmp_path):
    order = Rescore(str(released(tmp_path)), Settings(size="v0"))
    sizes = {job.program: (job.size, job.settings.size) for job in order.jobs()}
    assert sizes["h100.json/1"] == ("full", None) and sizes["h100.json/7"] == ("v0", "v0")
    assert order.facts()["size"] == "full and v0"
    assert Rescore(order.where, Settings()).facts()["size"] == "full and small"
    assert row("kernelbench:3/13").size is None  # of a record from before


def test_references_may_come_from_a_checkout(tmp_path):
    where = checkout(tmp_path / "up", {"4_A": TODAY})
    checkout(tmp_path / "up", {"1_A": TODAY}, level=3)
    jobs = {j.program: j for j in Rescore(str(released(tmp_path)), Settings(), str(where)).jobs()}
    assert jobs["h100.json/6"].source == TODAY and not jobs["h100.json/6"].problem
    assert "holds no kernelbench:3/13" in jobs["h100.json/7"].problem


def test_a_level_that_the_checkout_lacks_costs_its_own_solutions_alone(tmp_path):
    where = checkout(tmp_path / "up", {"4_A": TODAY})
    rows = [{"level_id": n, "task_id": 4, "custom_code": NEW} for n in (1, 2, 12)]
    lines(tmp_path / "set" / "a.jsonl", rows)
    order = Rescore(str(tmp_path / "set"), Settings(out=str(tmp_path / "out")), str(where))
    found = run_series(order, runner=Runner()).record.rows
    assert [r.word for r in found] == ["ok", "broken_task", "broken_task"]
    assert [r.feedback for r in found[1:]] == [f"{where} holds no task of level {n}" for n in (2, 12)]
    lines(tmp_path / "set" / "a.jsonl", rows[1:])
    with pytest.raises(BadSetting, match="holds no task of level 2"):
        Rescore(str(tmp_path / "set"), Settings(), str(where)).jobs()


def test_a_solution_for_a_blind_bundled_task_is_judged_with_other_weights_too(tmp_path):
    rows = [
        {"task": "kernelbench:3/3", "code": NEW},
        {"task": "kernelbench:3/28", "code": NEW},  # its repaired variant computes something else
        {"task": "kernelbench:3/3", "code": GPU},
        {"task": "kernelbench:3/3", "code": NEW, "ref_code": TODAY},
        {"task": "kernelbench:3/13", "code": NEW},
    ]
    lines(tmp_path / "set" / "a.jsonl", rows)
    order, runner = Rescore(str(tmp_path / "set"), Settings(out=str(tmp_path / "out"))), Runner()
    data = run_series(order, runner=runner).record.to_json()
    assert [(j.task.partition("/")[2], j.program) for j in runner.jobs] == [
        ("3", "a.jsonl/1"), ("3@he", "a.jsonl/1"), ("28", "a.jsonl/2"), ("3", "a.jsonl/4"),
        ("13", "a.jsonl/5"),
    ]  # fmt: skip
    assert runner.jobs[1].text == NEW and runner.jobs[0].slug != runner.jobs[1].slug
    assert data["summary"]["fates"]["each"]["kernelbench:3/3@he (a.jsonl/1)"] == "kept"


def test_a_text_that_is_too_large_is_no_program_and_nobodys_fault(tmp_path, monkeypatch):
    monkeypatch.setattr("kernelevo.bench.rescore.MOST_BYTES", 2048)
    large = NEW + "#" * 4000
    # the second is for a bundled task, which is judged with other weights too
    rows = [{"task": "kernelbench:1/1", "ref_code": TODAY}, {"task": "kernelbench:3/3"}]
    lines(tmp_path / "set" / "a.jsonl", [{**each, "code": large} for each in rows])
    order, runner = Rescore(str(tmp_path / "set"), Settings(out=str(tmp_path / "out"))), Runner()
    found = run_series(order, runner=runner).record.rows
    assert [(r.status, fate(r)) for r in found] == [("build_failed", "broken")] * 3
    assert [(r.name, r.grade) for r in found] == [
        ("kernelbench:1/1", "judgeable"), ("kernelbench:3/3", "blind"), ("kernelbench:3/3@he", "judgeable"),
    ]  # fmt: skip
    assert [job.task for job in runner.jobs] == ["kernelbench:1/1"]  # for lint
    assert "takes 3 KiB; a program has 2 KiB at the most" in found[0].feedback


def test_a_file_whose_name_is_no_text_is_judged_like_any_other(tmp_path):
    (tmp_path / "set" / "level3").mkdir(parents=True)
    for name in (b"13_\xe9.py", b"13_\xea.py"):
        (tmp_path / "set" / "level3" / os.fsdecode(name)).write_text(NEW)
    rest = tmp_path / "set" / os.fsdecode(b"r\xe9st.jsonl")
    lines(rest, ["{half", {"task": "kernelbench:3/5", "code": NEW}])
    order = Rescore(str(tmp_path / "set"), Settings(out=str(tmp_path / "out")))
    record = run_series(order, runner=Runner()).record
    places = ["r\\udce9st.jsonl/2", "level3/13_\\udce9.py", "level3/13_\\udcea.py"]
    assert [r.program for r in record.rows] == places
    written = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert [task["program"] for task in written["tasks"]] == places
    assert written["bench"]["unread"][0].startswith("r\\udce9st.jsonl/1: not JSON")


def test_another_text_of_a_task_is_another_series_and_another_way_to_its_folder_is_not(tmp_path, monkeypatch):
    where = checkout(tmp_path / "up", {"4_A": TODAY})
    lines(tmp_path / "set" / "a.jsonl", [{"level_id": 1, "task_id": 4, "custom_code": NEW}])

    def series(tasks_from, runner):
        order = Rescore(str(tmp_path / "set"), Settings(out=str(tmp_path / "out")), str(tasks_from))
        return run_series(order, runner=runner)

    series(where, Runner())
    monkeypatch.chdir(tmp_path)
    again = Runner()
    assert len(series("up", again).record.rows) == 1 and again.jobs == []
    checkout(tmp_path / "up", {"4_A": V0})
    with pytest.raises(InputError, match="text of the task files"):
        series(where, Runner())


def test_wrong_orders(tmp_path):
    with pytest.raises(BadSetting, match="there is no folder"):
        Rescore(str(tmp_path / "nowhere"), Settings()).jobs()
    lines(tmp_path / "set" / "a.jsonl", [{"task": "kernelbench:1/1", "ref_code": TODAY, "code": NEW}])
    with pytest.raises(BadSetting, match="there is no folder") as caught:
        Rescore(str(tmp_path / "set"), Settings(), str(tmp_path / "nowhere")).jobs()
    assert "--tasks-from" in caught.value.now
