"""A series with a runner that is ours: what is recorded when, resumed, refused, cut off."""

import csv
import json
import os
from dataclasses import replace

import pytest

from kernelevo.bench import Order, facts, run_series
from kernelevo.bench import record as records
from kernelevo.bench.job import strangers
from kernelevo.bench.page import their_word
from kernelevo.bench.row import _SHAPES, Row
from kernelevo.bench.suite import Suite
from kernelevo.config import Settings
from kernelevo.device.statistics import MIN_BLOCKS
from kernelevo.errors import BadSetting, InputError, NotEnoughMemory, StoreError
from kernelevo.tasks import library
from tests.bench.rows import fault, row
from tests.tasks.foreign import TODAY, checkout

TASKS = "gemm,softmax,layernorm"


class Runner:
    """Returns what it is told for a task, raises it if it is an exception; remembers who asked."""

    def __init__(self, **told):
        self.told, self.asked = told, []

    def __call__(self, job, *, afresh=False):
        name = job.task.rpartition("/")[2]
        self.asked.append((name, afresh))
        found = self.told.get(name, row)
        if isinstance(found, BaseException):
            raise found
        return replace(found(job.task), program=job.program, program_id=job.program_id)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "series"


def order(folder, suite="ops", tasks=TASKS, solutions=None, **settings):
    return Order(suite, Settings(**{"budget": "3", "out": str(folder), **settings}), tasks, solutions)


def load(folder):
    return json.loads((folder / "bench.json").read_text())


def test_every_row_is_on_disk_when_it_is_told(folder):
    seen = []

    def ended(line):
        seen.append((line, [task["name"] for task in load(folder)["tasks"]]))

    series = run_series(order(folder), runner=Runner(), ended=ended)
    assert not series.interrupted and series.correct
    assert [names for _, names in seen] == [
        ["ops/gemm"], ["ops/gemm", "ops/softmax"], ["ops/gemm", "ops/softmax", "ops/layernorm"],
    ]  # fmt: skip
    assert seen[0][0] == "ops/gemm  ok  2.00x [1.80, 2.20]  1 ms  against compile  3 s"
    data = load(folder)
    assert set(data) == {"bench", "tasks", "summary"} and data == series.record.to_json()
    assert data["summary"]["excluded"]["missing"] == []
    about = data["bench"]
    assert about["versions"]["torch"] and about["hardware"]["cpu"]["cores"] >= 1
    assert about["settings"]["seed"] == 0 and about["kernelevo"]["sources"] and about["tasks"]
    assert about["seeds"] == {"search": 0, "upstream": 42}
    rows = list(csv.DictReader((folder / "bench.csv").read_text().splitlines()))
    assert [r["name"] for r in rows] == ["ops/gemm", "ops/softmax", "ops/layernorm"]
    assert (rows[0]["score"], rows[0]["baseline"], rows[0]["fault"]) == ("2.0", "compile", "")
    page = (folder / "bench.md").read_text()
    assert "| ops/gemm | ok | 2 ms | 2 ms | 1 ms | 2.00x [1.80, 2.20] |" in page and "fast_1.5" in page


def test_what_has_a_verdict_is_not_done_again(folder):
    run_series(order(folder, tasks="gemm"), runner=Runner())
    runner = Runner()
    run_series(order(folder), runner=runner)
    assert runner.asked == [("softmax", False), ("layernorm", False)]
    runner = Runner()
    series = run_series(order(folder, tasks="softmax"), runner=runner)
    assert runner.asked == [] and len(series.record.rows) == 3
    assert len(load(folder)["bench"]["sittings"]) == 3


def test_a_winner_with_its_program_is_a_verdict(folder):
    class Searching(Runner):
        def __call__(self, job, *, afresh=False):
            return replace(super().__call__(job, afresh=afresh), program_id="f00d", made_by="rewrite")

    run_series(order(folder), runner=Searching())
    runner = Runner()
    run_series(order(folder), runner=runner)
    assert runner.asked == []


def test_a_fault_costs_its_own_task_and_is_tried_again_afresh(folder):
    broken = Runner(gemm=fault, softmax=NotEnoughMemory("too large"))
    series = run_series(order(folder), runner=broken)
    assert [r.word for r in series.record.rows] == ["fault", "fault", "ok"] and series.correct
    assert series.record.rows[1].fault == {"kind": "NotEnoughMemory", "message": "too large"}
    assert load(folder)["summary"]["excluded"]["faults"] == ["ops/gemm", "ops/softmax"]
    runner = Runner()
    series = run_series(order(folder), runner=runner)
    assert runner.asked == [("gemm", True), ("softmax", True)]
    assert [r.word for r in series.record.rows] == ["ok"] * 3
    assert series.record.to_json()["summary"]["excluded"]["faults"] == []


def test_a_series_of_faults_alone_is_broken(folder):
    series = run_series(order(folder, tasks="gemm"), runner=Runner(gemm=fault))
    assert series.broken and not series.correct


def test_a_cut_keeps_what_is_done_and_goes_on(folder):
    series = run_series(order(folder), runner=Runner(softmax=KeyboardInterrupt()))
    assert series.interrupted and [r.name for r in series.record.rows] == ["ops/gemm"]
    assert load(folder)["summary"]["excluded"]["missing"] == ["ops/softmax", "ops/layernorm"]
    assert "not done yet: ops/softmax, ops/layernorm" in (folder / "bench.md").read_text()
    runner = Runner()
    assert not run_series(order(folder), runner=runner).interrupted
    assert runner.asked == [("softmax", False), ("layernorm", False)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"suite": "kernelbench:3", "tasks": "13"}, "another suite"),
        ({"size": "full"}, "another size"),
        ({"seed": 7}, "another settings"),
        ({"budget": "4"}, "another settings: it"),
        ({"solutions": "mine", "tasks": None}, "another mode"),
    ],
)
def test_a_folder_of_another_series_is_refused(folder, changed, words, tmp_path):
    if "solutions" in changed:
        changed = {**changed, "solutions": str(programs(tmp_path / "mine"))}
    run_series(order(folder, tasks="gemm"), runner=Runner())
    before = (folder / "bench.json").read_bytes()
    runner = Runner()
    with pytest.raises(InputError) as caught:
        run_series(order(folder, **{"tasks": "gemm", **changed}), runner=runner)
    assert words in caught.value.what and "--out" in caught.value.now and caught.value.exit_code == 2
    assert runner.asked == [] and (folder / "bench.json").read_bytes() == before


def test_the_usual_size_may_be_named_or_not(folder):
    assert run_series(order(folder, tasks="gemm"), runner=Runner()).correct
    series = run_series(order(folder, tasks="gemm", size="small"), runner=(again := Runner()))
    assert series.correct and again.asked == []


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("kernelevo", {"version": "0.1.0", "sources": "other"}, "version of kernelevo"),
        ("versions", {"torch": "2.11.0"}, "torch"),
        ("hardware", {"cpu": {"name": "abacus"}}, "machine"),
        ("tasks", "other", "task files"),
        ("device", "cuda", "device"),
    ],
)
def test_a_record_of_another_version_or_machine_is_refused(folder, key, value, words):
    run_series(order(folder, tasks="gemm"), runner=Runner())
    data = load(folder)
    data["bench"][key] = value
    (folder / "bench.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=words):
        run_series(order(folder, tasks="gemm"), runner=Runner())


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"bench": {}}', '{"bench": {}, "tasks": [1]}',
     '{"bench": {}, "tasks": [{"name": "ops/gemm", "status": "fine"}]}',
     '{"bench": {}, "tasks": [{"name": "ops/gemm", "status": "ok", "score": null}]}'],
)  # fmt: skip
def test_a_damaged_record_is_refused(folder, text):
    folder.mkdir()
    (folder / "bench.json").write_text(text)
    with pytest.raises(InputError, match=r"damaged|another"):
        run_series(order(folder), runner=Runner())
    assert (folder / "bench.json").read_text() == text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("metrics", None), ("metrics", {"oracle_error": {}}), ("score", 0), ("score", True),
        pytest.param("score", 10**400, id="huge"),
        ("upstream", {}), ("upstream", []), ("seconds", "3"), ("trials", []), ("claims", None),
        ("confirmed", 1), ("feedback", None), ("grade", None), ("made_by", 7), ("size", {}),
        ("fault", "killed"),
    ],
)  # fmt: skip
def test_a_record_with_a_field_of_another_type_is_refused(folder, key, value):
    run_series(order(folder, tasks="gemm"), runner=Runner())
    data = load(folder)
    data["tasks"][0][key] = value
    (folder / "bench.json").write_text(json.dumps(data))
    before, runner = (folder / "bench.json").read_bytes(), Runner()
    with pytest.raises(InputError, match="damaged") as caught:
        run_series(order(folder), runner=runner)
    assert f"{key} cannot be" in caught.value.why and "put the file right" in caught.value.now
    assert runner.asked == [] and (folder / "bench.json").read_bytes() == before


@pytest.mark.parametrize("name", ["speedup_vs_eager", "latency_ms", "score_low", "work_flops"])
def test_a_record_with_a_figure_that_is_none_is_refused(folder, name):
    run_series(order(folder, tasks="gemm"), runner=Runner())
    data = load(folder)
    data["tasks"][0]["metrics"][name] = "fast"
    (folder / "bench.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match="damaged") as caught:
        run_series(order(folder), runner=Runner())
    assert f"{name} cannot be 'fast'" in caught.value.why
    data["tasks"][0]["metrics"][name] = 1.0
    data["tasks"][0]["feedback"] = "\ud83d"  # half a surrogate pair, which no file can hold
    (folder / "bench.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match="damaged"):
        run_series(order(folder), runner=Runner())


def test_a_folder_of_something_else_or_in_use_is_refused(folder):
    folder.mkdir()
    (folder / "thesis.tex").write_text("")
    with pytest.raises(StoreError, match=r"holds no bench\.json"):
        run_series(order(folder), runner=Runner())
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]  # nothing of ours is left there
    (folder / "thesis.tex").unlink()
    (folder / ".bench.json.tmp").write_text("{")  # of a series that met a full disk at its beginning
    with records.alone(folder), pytest.raises(StoreError, match="another process"):
        run_series(order(folder), runner=Runner())
    assert run_series(order(folder), runner=Runner()).correct
    with pytest.raises(StoreError):
        run_series(order(folder / "bench.json"), runner=Runner())


def test_a_kill_while_writing_leaves_the_old_record(folder, monkeypatch):
    run_series(order(folder, tasks="gemm"), runner=Runner())
    before = load(folder)["tasks"]

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(records.os, "fsync", die)
    with pytest.raises(KeyboardInterrupt):
        run_series(order(folder), runner=Runner())
    monkeypatch.undo()
    assert load(folder)["tasks"] == before
    assert len(run_series(order(folder), runner=Runner()).record.rows) == 3


def programs(folder):
    for name, text in (("ops_softmax/a", "1"), ("ops_softmax/b", "2"), ("ops_gemm/c", "3"),
                       ("ops_sofmax/d", "4"), ("kernelbench_3_13/e", "5")):  # fmt: skip
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"x = {text}\n")
    return folder


def test_given_programs_are_judged_each_and_again_once_they_change(folder, tmp_path):
    given, said, runner = programs(tmp_path / "mine"), [], Runner()
    one = order(folder, tasks=None, solutions=str(given))
    series = run_series(one, runner=runner, say=said.append)
    assert [r.program for r in series.record.rows] == [
        "ops_gemm/c.py", "ops_softmax/a.py", "ops_softmax/b.py",
    ]  # fmt: skip
    assert "ops_sofmax" in said[-1] and "kernelbench_3_13" not in said[-1]
    assert said[1] == f"if it is cut off, the same command with --out {series.record.folder} goes on"
    assert said[2].startswith("these are for 2 of the suite's ")
    assert series.record.facts["seeds"] == {"search": None, "upstream": 42}
    (given / "ops_softmax" / "b.py").write_text("x = 9\n")
    runner = Runner()
    series = run_series(one, runner=runner)
    assert runner.asked == [("softmax", False)] and len(series.record.rows) == 3


def test_bundled_programs_are_those_that_suit_this_machine_best(folder, tmp_path, monkeypatch):
    shelves = tmp_path / "kernelbench_tasks" / "solutions"
    programs(shelves / "cpu")
    narrow = shelves / "cpu-avx2" / "ops_softmax" / "narrow.py"
    narrow.parent.mkdir(parents=True)
    narrow.write_text("x = 6\n")
    one = order(folder, tasks=None, solutions="bundled")
    assert library.bundled() and library.facts("ops/softmax")  # read once, from their own place
    monkeypatch.setattr(library, "root", lambda: tmp_path / "kernelbench_tasks")
    for found, wanted in (
        (("cpu-avx2", "cpu"), ["ops_gemm/c.py", "ops_softmax/narrow.py"]),
        (("cpu",), ["ops_gemm/c.py", "ops_softmax/a.py", "ops_softmax/b.py"]),
    ):
        monkeypatch.setattr(library, "shelves", lambda device, found=found: found)
        assert [job.program for job in one.jobs()] == wanted


def test_a_program_for_other_weights_is_one_for_the_task_as_shipped(folder, tmp_path):
    for name in ("kernelbench_3_7@he", "kernelbench_3_28@batchfirst"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "a.py").write_text("x = 1\n")
    jobs = order(folder, suite="kernelbench:3", tasks="7,28", solutions=str(tmp_path / "mine")).jobs()
    assert [(job.task, job.program) for job in jobs] == [
        ("kernelbench:3/7", "kernelbench_3_7@he/a.py"),
        ("kernelbench:3/7@he", "kernelbench_3_7@he/a.py"),
        ("kernelbench:3/28", ""),  # none: it computes something else there
        ("kernelbench:3/28@batchfirst", "kernelbench_3_28@batchfirst/a.py"),
    ]


def test_a_program_that_cannot_be_read_costs_itself_alone(folder, tmp_path):
    given, runner = programs(tmp_path / "mine"), Runner()
    (given / "ops_gemm" / "__init__.py").write_text("")
    (given / "ops_softmax" / "a.py").write_bytes(b"\xff\xfe\x00")
    (given / "ops_softmax" / "b.py").write_text(" \n")
    one = order(folder, tasks=None, solutions=str(given))
    found = {r.program: r for r in run_series(one, runner=runner).record.rows}
    assert {program: r.word for program, r in found.items()} == {
        "ops_gemm/c.py": "ok", "ops_softmax/a.py": "build_failed", "ops_softmax/b.py": "build_failed",
    }  # fmt: skip
    assert runner.asked == [("gemm", False)]
    assert "cannot be read as text" in found["ops_softmax/a.py"].feedback
    assert "b.py is empty: expected a Python file with class ModelNew" in found["ops_softmax/b.py"].feedback
    unread = found["ops_softmax/a.py"].upstream
    assert unread["correct_eval"] is False  # so it is a failure by their rule too
    (given / "ops_softmax" / "a.py").write_text("x = 1\n")
    (given / "ops_gemm" / "c.py").write_text("")
    runner = Runner()
    rows = run_series(one, runner=runner).record.rows
    assert runner.asked == [("softmax", False)]
    assert [r.word for r in rows] == ["build_failed", "ok", "build_failed"]


def test_a_task_without_a_program_says_so_and_counts_as_not_correct(folder, tmp_path):
    given = programs(tmp_path / "mine")
    series = run_series(order(folder, tasks="gemm,layernorm", solutions=str(given)), runner=Runner())
    assert [r.word for r in series.record.rows] == ["ok", "no_program"]
    assert series.record.to_json()["summary"]["baselines"]["best"]["fast_p"]["0"] == 0.5
    runner = Runner()
    run_series(order(folder, tasks="gemm,layernorm", solutions=str(given)), runner=runner)
    assert runner.asked == []
    (given / "ops_layernorm").mkdir()
    (given / "ops_layernorm" / "late.py").write_text("x = 1\n")
    series = run_series(order(folder, tasks="gemm,layernorm", solutions=str(given)), runner=runner)
    assert [(r.word, r.program) for r in series.record.rows] == [
        ("ok", "ops_gemm/c.py"), ("ok", "ops_layernorm/late.py"),
    ]  # fmt: skip


@pytest.mark.parametrize("where", ["nowhere", "empty"])
def test_a_folder_without_programs_is_refused(folder, tmp_path, where):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadSetting, match=r"no folder of programs|no program for"):
        run_series(order(folder, solutions=str(tmp_path / where)), runner=Runner())
    assert not folder.exists()


def test_the_digest_follows_what_a_verdict_depends_on(monkeypatch, tmp_path):
    first = facts.tasks_digest("ops")
    assert first == facts.tasks_digest("ops") != facts.tasks_digest("kernelbench:3")
    assert facts.sources_digest() == facts.sources_digest()
    (tmp_path / "a.py").write_text("1")
    one = facts._digest({"a.py": tmp_path / "a.py"})
    (tmp_path / "a.py").write_text("2")
    assert facts._digest({"a.py": tmp_path / "a.py"}) != one


def test_a_row_is_a_verdict_or_a_fault():
    for bad in ({}, {"status": "ok"}, {"status": "wrong", "score": 1.0}, {"status": "great"}):
        with pytest.raises(ValueError, match="ops/x"):
            Row("ops/x", **bad)
    good = row(made_by="rewrite: no-ops", trials={"ok": 2})
    assert Row.from_json(json.loads(json.dumps(good.to_json()))) == good
    assert set(_SHAPES) == set(good.to_json())  # every field is checked where a record is read
    sparse = replace(good, upstream=dict.fromkeys(("correct", "correct_loose", "correct_eval"), True))
    assert their_word(Row.from_json(json.loads(json.dumps(sparse.to_json())))) == "- eager (-)"


def test_a_devices_state_of_the_moment_is_no_fact_of_the_machine(monkeypatch):
    asked = "import json, time; print(json.dumps({'name': 'H', 'state': {'celsius': time.time_ns()}}))"
    monkeypatch.setattr(facts, "_ASK_CUDA", asked)
    assert facts.hardware("cuda") == facts.hardware("cuda") and facts.hardware("cuda")["cuda"] == {
        "name": "H"
    }


def test_any_seed_of_a_search_has_its_figures(folder):
    order = Order("ops", Settings(budget="3", seed=-1, out=str(folder)))
    record = run_series(order, runner=Runner()).record
    assert record.to_json()["summary"]["tasks"] >= MIN_BLOCKS
    assert record.to_json()["summary"]["baselines"]["best"]["low"] is not None


@pytest.mark.parametrize(
    "settings", [{"budget": "$5"}, {"budget": "tokens:2k"}, {"prompts": "nowhere"}], ids=str
)
def test_what_every_search_would_be_refused_for_is_said_once_and_first(folder, settings):
    runner = Runner()
    with pytest.raises(BadSetting):
        run_series(order(folder, **settings), runner=runner)
    assert runner.asked == [] and not folder.exists()


def test_a_program_whose_name_is_no_text_has_a_row_as_any_other(folder, tmp_path):
    mine = tmp_path / os.fsdecode(b"m\xefne") / "ops_gemm"
    mine.mkdir(parents=True)
    for name in (b"\xe9.py", b"\xea.py"):
        (mine / os.fsdecode(name)).write_text("x = 1\n")
    one = order(folder, tasks=None, solutions=str(mine.parent))
    assert [job.path.is_file() for job in one.jobs()] == [True, True]
    run_series(one, runner=Runner())
    assert [task["program"] for task in load(folder)["tasks"]] == [
        "ops_gemm/\\udce9.py", "ops_gemm/\\udcea.py",
    ]  # fmt: skip
    assert load(folder)["bench"]["solutions"].endswith("m\\udcefne")


def test_a_folder_of_programs_may_be_named_by_home(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    programs(tmp_path / "mine")
    assert len(run_series(order(folder, tasks=None, solutions="~/mine"), runner=Runner()).record.rows) == 3
    assert load(folder)["bench"]["solutions"] == str((tmp_path / "mine").resolve())


def test_variants_that_a_suite_does_not_have_are_left_alone_and_named(folder, tmp_path):
    where = checkout(tmp_path / "up", {"13_A": TODAY, "24_B": TODAY}, level=3)
    for name in ("kernelbench_3_13", "kernelbench_3_24@excite", "kernelbench_3_13@hee"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "a.py").write_text("x = 1\n")
    settings = Settings(budget="3", out=str(folder))
    given = Order("kernelbench:3", settings, None, str(tmp_path / "mine"), str(where))
    assert [(job.task, job.program) for job in given.jobs()] == [
        ("kernelbench:3/13", "kernelbench_3_13/a.py")
    ]
    bundled = order(folder, suite="kernelbench:3", tasks=None, solutions=str(tmp_path / "mine"))
    assert [job.task for job in bundled.jobs()] == ["kernelbench:3/13", "kernelbench:3/24@excite"]
    suite = Suite.find("kernelbench:3")
    assert strangers(str(tmp_path / "mine"), suite, "cpu") == ["kernelbench_3_13@hee"]


def test_a_program_for_a_task_as_shipped_is_no_failure_of_another_task(folder, tmp_path):
    for name in ("kernelbench_3_13", "kernelbench_3_28", "kernelbench_3_7"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "a.py").write_text("x = 1\n")
    jobs = order(folder, suite="kernelbench:3", tasks=None, solutions=str(tmp_path / "mine")).jobs()
    # 28@batchfirst computes something else; 7@he has other weights alone
    assert [job.task.partition("/")[2] for job in jobs] == ["7", "7@he", "13", "28"]


def test_a_program_that_is_gone_leaves_the_figures_and_keeps_its_folder(folder, tmp_path):
    given = programs(tmp_path / "mine")
    one = order(folder, tasks="softmax,gemm", solutions=str(given))
    assert len(run_series(one, runner=Runner()).record.rows) == 3
    (given / "ops_softmax" / "b.py").rename(given / "ops_softmax" / "better.py")
    runner = Runner()
    rows = run_series(one, runner=runner).record.rows
    assert sorted(r.program for r in rows) == ["ops_gemm/c.py", "ops_softmax/a.py", "ops_softmax/better.py"]
    assert runner.asked == [("softmax", False)]
    rows = run_series(order(folder, tasks="gemm", solutions=str(given)), runner=runner).record.rows
    assert len(rows) == 3  # those of a task that is not asked for stay


def test_a_given_task_on_which_lint_had_no_word_is_asked_about_again(folder, tmp_path):
    where = checkout(tmp_path / "up", {"13_A": TODAY}, level=3)
    settings = Settings(budget="3", out=str(folder))
    given = Order("kernelbench:3", settings, "13", None, str(where))
    first = run_series(given, runner=Runner(**{"13": lambda name: row(name, grade="unknown")}))
    assert first.record.rows[0].grade == "unknown"
    again = Runner()
    assert run_series(given, runner=again).record.rows[0].grade == "judgeable"
    assert again.asked == [("13", False)]
    run_series(given, runner=again)
    assert len(again.asked) == 1


def test_a_home_that_nobody_has_is_a_folder_that_is_not_there(folder):
    with pytest.raises(BadSetting, match="there is no folder"):
        order(folder, solutions="~nobodyhere/programs").jobs()
