"""The sweep's table and what it keeps; and a whole sweep of one task, on the CPU."""

import json
import math
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from benchmarks.gpu import keep_swept, sweep, sweep_task
from kernelevo.core import Evaluation, Program, Status
from kernelevo.errors import MachineError
from kernelevo.tasks import library

TEXT = '"""A program."""\n\n\nclass ModelNew:\n    """Nothing."""\n'
FACTS = {
    "date": "2026-11-27T08:00:00Z", "device": "H200", "driver": "1", "commit": None, "sources": "ab",
    "torch": "2", "triton": "3", "cuda": "13", "python": "3", "size": "v0",
}  # fmt: skip


def verdict(score, precision="fp32-accurate", low=None):
    metrics = {
        "speedup_vs_eager": 2 * score, "speedup_vs_compile": score, "precision": precision, "cases": 3,
        "latency_ms": 0.5, "score_low": low, "score_high": low and 2 * low, "baseline": "compile",
    }  # fmt: skip
    return {"status": "ok", "score": score, "metrics": metrics, "feedback": "fine"}


def row(**more):
    found = {"programs": {"w/mine": verdict(4.0)}, "best": "w/mine", "baselines": [], **more}
    return {**found, "program_id": Program.single(TEXT).id}


def test_the_table_counts_what_was_confirmed_first():
    record = {
        "facts": FACTS,
        "tasks": {"a": row(), "b": row(final=verdict(1.0, low=0.9)), "c": row(best=None)},
    }
    record["tasks"]["c"]["programs"] = {"w/mine": {**verdict(2.0), "status": "wrong", "score": None}}
    record["tasks"]["d"] = row(final=verdict(2.0, low=1.5))
    text = sweep.table(record)
    assert "| a | w/mine, once | 0.5 | 4 | unknown | compile | 8 |" in text
    assert "| b | w/mine | 0.5 | 1 | 0.9 to 1.8 | compile | 2 |" in text and "| c | none |" in text
    assert f"against compile: {math.sqrt(2.0):.3f} (2 tasks)" in text and "Rows without an interval" in text
    assert sweep.words(record["tasks"]["b"]).startswith("1.00 by w/mine")
    assert sweep.words({"fault": "broke\nbadly"}) == "badly"


@pytest.mark.parametrize(
    "given, words",
    [
        (row(programs={"w/mine": verdict(4.0, low=3.0)}), "4.00 kept"),
        (row(), "without an interval"),
        (row(programs={"w/mine": verdict(4.0, "tf32")}), "only as exact as tf32"),
        (row(programs={"w/mine": verdict(4.0, low=0.9)}), "not surely above"),
        (
            {**row(programs={"w/mine": verdict(4.0, low=3.0)}), "program_id": "other"},
            "in none of the folders",
        ),
        (row(best=None), "no right program"),
    ],
)
def test_winners_are_kept_with_their_record(given, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(library, "root", lambda: tmp_path)
    folder = tmp_path / "w" / "kernelbench_3_4"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(TEXT)
    swept = tmp_path / "sweep.json"
    swept.write_text(json.dumps({"facts": FACTS, "tasks": {"kernelbench:3/4": given}}))
    arguments = [str(swept), "--programs", str(tmp_path / "w"), "--to", str(tmp_path / "all.json")]
    assert keep_swept.main([*arguments, "--made-by", "me"]) == 0
    assert words in capsys.readouterr().out
    kept = tmp_path / "solutions" / "cuda" / "kernelbench_3_4"
    assert (kept / "mine.py").is_file() is ("kept" in words)
    if "kept" in words:
        record = json.loads((kept / "mine.json").read_text())
        assert record["score"] == 4.0 and record["made_by"] == "me" and record["confirmed"] is False
    assert (
        json.loads((tmp_path / "all.json").read_text())["tasks"]["kernelbench:3/4"]["best"] == given["best"]
    )


def test_what_was_not_measured_alike_is_not_joined(tmp_path, capsys):
    for name, size in (("a", "v0"), ("b", "full")):
        (tmp_path / name).write_text(json.dumps({"facts": {**FACTS, "size": size}, "tasks": {}}))
    to = tmp_path / "all.json"
    given = [str(tmp_path / "a"), str(tmp_path / "b"), "--programs", str(tmp_path), "--to", str(to)]
    assert keep_swept.main(given) == 2 and "differs" in capsys.readouterr().err and not to.exists()


def test_a_row_keeps_the_facts_of_the_sweep_that_measured_it(tmp_path, monkeypatch):
    """A record that was gone on with holds rows of several commits, drivers and days."""
    monkeypatch.setattr(library, "root", lambda: tmp_path)
    folder = tmp_path / "w" / "kernelbench_3_4"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(TEXT)
    own = {**FACTS, "date": "2026-11-01T08:00:00Z", "commit": "older", "sources": "cd", "driver": "0"}
    given = row(programs={"w/mine": verdict(4.0, low=3.0)}, facts=own)
    swept, to = tmp_path / "sweep.json", tmp_path / "all.json"
    swept.write_text(json.dumps({"facts": FACTS, "tasks": {"kernelbench:3/4": given}}))
    assert keep_swept.main([str(swept), "--programs", str(tmp_path / "w"), "--to", str(to)]) == 0
    record = json.loads((tmp_path / "solutions" / "cuda" / "kernelbench_3_4" / "mine.json").read_text())
    assert record["kernelevo"] == {"commit": "older", "sources": "cd"} and record["ended"] == own["date"]
    assert record["hardware"]["gpu"]["driver"] == "0" and "commit older" in sweep.table(
        json.loads(to.read_text())
    )


def test_a_confirmation_outlives_a_later_row_without_one(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "root", lambda: tmp_path)
    for name, given in (("a", row(final=verdict(2.0, low=1.5))), ("b", row())):
        (tmp_path / name).write_text(json.dumps({"facts": FACTS, "tasks": {"kernelbench:3/4": given}}))
    to = tmp_path / "all.json"
    given = [str(tmp_path / "a"), str(tmp_path / "b"), "--programs", str(tmp_path), "--to", str(to)]
    assert keep_swept.main(given) == 0
    assert json.loads(to.read_text())["tasks"]["kernelbench:3/4"]["final"]["score"] == 2.0


class Breaks:
    """A judge that breaks at one of three programs, and has no interval for the seemingly fastest."""

    ground = None

    def warm(self):
        pass

    def baselines(self):
        return []

    def measure(self, artifact):
        if artifact.score is None:
            raise MachineError("out of memory")
        return Evaluation(Status.OK, artifact.score, {"score_low": artifact.low})


def test_a_judge_that_breaks_at_one_program_keeps_the_others_verdicts():
    made = {
        n: SimpleNamespace(score=score, low=low, program=SimpleNamespace(id=n))
        for n, score, low in (("a", 9.0, None), ("b", 2.0, 1.5), ("c", None, None))
    }
    found = sweep_task.timed(Breaks(), made)
    assert found["best"] == found["program_id"] == "b"
    assert found["programs"]["c"]["status"] == "fault" and "memory" in found["programs"]["c"]["feedback"]


@pytest.mark.parametrize(
    "held, words",
    [
        (None, "no program to judge"),
        ("no json", "no record of a sweep"),
        (
            json.dumps({"facts": {"device": "cpu", "size": "full"}, "tasks": {}}),
            "size full there, small here",
        ),
        (
            json.dumps({"facts": {"device": "cpu", "size": "small", "baselines": "compile"}, "tasks": {}}),
            f"baselines compile there, {sweep.BASELINES} here",
        ),
    ],
)
def test_what_cannot_be_swept_is_said(held, words, tmp_path, capsys):
    out = tmp_path / "sweep.json"
    if held is not None:
        out.write_text(held)
    given = [str(tmp_path), "--tasks", "4", "--size", "small", "--device", "cpu", "--out", str(out)]
    assert sweep.main(given) == 2 and words in capsys.readouterr().err
    assert held is None or out.read_text() == held


SAYS = """
import sys
def say(*lines): sys.stdout.write("".join(line + "\\n" for line in lines)); sys.stdout.flush()
sys.stdin.readline()
"""
FOUND = """say('{"ready": 1.5}'); sys.stdin.readline(); """


@pytest.mark.parametrize(
    ("code", "row"),
    [
        (FOUND + """say('{"found": {"a": 1}}', '{"row": {"a": 1, "b": 2}}')""", {"a": 1, "b": 2}),
        (FOUND + """say('{"found": {"a": 1}}'); sys.exit(7)""", {"a": 1}),
        ("sys.exit(7)", None),
    ],
)
def test_verdicts_of_a_search_outlive_a_confirmation_that_breaks(code, row, tmp_path, monkeypatch):
    start = subprocess.Popen
    told = [sys.executable, "-c", SAYS + code]
    monkeypatch.setattr(sweep.subprocess, "Popen", lambda command, **options: start(told, **options))
    worker = sweep.Worker("a task", {}, tmp_path / "log")
    try:
        *before, found = worker.time()
    finally:
        worker.close()
    if row is None:
        assert found == {"fault": "its process ended with 7; the log says more"}
    else:
        assert before == [{"a": 1, "preparing_seconds": 1.5, "unconfirmed": "it has not ended"}]
        assert found.pop("preparing_seconds") == 1.5
        assert found.pop("unconfirmed", None) == (None if "b" in row else "its process ended with 7")
        assert found == row


ANSWERS = """
import json, sys
def say(line): sys.stdout.write(json.dumps(line) + "\\n"); sys.stdout.flush()
task = json.loads(sys.stdin.readline())["task"]
if task != "never ready": say({"ready": 1.0}); sys.stdin.readline()
if task == "fine": say({"found": {}}); say({"row": {}})
sys.stdin.read()
"""


@pytest.fixture
def answering(tmp_path, monkeypatch):
    """Return a function that gives the rows of tasks whose processes do what their names say."""
    start, told = subprocess.Popen, [sys.executable, "-c", ANSWERS]
    monkeypatch.setattr(sweep.subprocess, "Popen", lambda command, **options: start(told, **options))
    monkeypatch.setattr(sweep, "programs", lambda folders, name, size: [])

    def rows(names, *given):
        parsed = sweep._arguments(["x", *given, "--out", str(tmp_path / "out.json")])
        return sweep._in_order(names, parsed, time.monotonic())

    return rows


def test_nobody_waits_for_a_task_that_hangs(answering):
    rows = answering(["never ready", "fine"], "--seconds", "400")
    assert next(rows)[0] == next(rows)[0] == "fine"
    rows.close()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("never ready", "nothing was prepared for 1 s"),
        ("never found", "its process said nothing for too long"),
    ],
)
def test_a_task_that_hangs_ends_with_the_time_and_says_so(name, why, answering):
    began = time.monotonic()
    ((found, row),) = answering([name], "--seconds", "1", "--grace", "1")
    assert found == name and row["fault"].startswith(why) and time.monotonic() - began < 60


def test_programs_for_another_size_stay_away(tmp_path):
    folder = tmp_path / "kernelbench_3_2"
    folder.mkdir()
    for name in ("any", "wide_v0", "wide_full"):
        (folder / f"{name}.py").write_text(TEXT)

    def names(size):
        return [path.stem for path in sweep.programs([tmp_path], "kernelbench:3/2", size)]

    assert names("v0") == ["any", "wide_v0"] and names("full") == ["any", "wide_full"]
    assert names("small") == ["any"] and names(None) == ["any", "wide_full", "wide_v0"]


def test_a_variant_takes_the_programs_of_its_task_and_stands_for_it(tmp_path):
    """What is blind as shipped would give a figure that counts nowhere."""
    for folder in ("kernelbench_3_11", "kernelbench_3_28", "kernelbench_3_28@batchfirst"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"of_{folder[12:]}.py").write_text(TEXT)

    def names(task):
        return [path.stem for path in sweep.programs([tmp_path], f"kernelbench:3/{task}")]

    assert names("11@he") == names("11") == ["of_3_11"]
    assert names("28@batchfirst") == ["of_3_28@batchfirst"] and names("24@excite") == []
    (tmp_path / "kernelbench_3_28@batchfirst" / "of_3_28@batchfirst.py").unlink()
    assert names("28@batchfirst") == []  # that one computes something else
    tasks = ["kernelbench:3/3", "kernelbench:3/3@he", "kernelbench:3/4"]
    assert sweep.graded(tasks) == tasks[1:] and sweep.graded(tasks[::2]) == tasks[::2]


@pytest.mark.slow
def test_a_sweep_of_one_task_on_the_cpu(tmp_path, capsys):
    solution = library.root() / "solutions" / "cpu" / "kernelbench_3_4"
    folder = tmp_path / "given" / "kernelbench_3_4"
    folder.mkdir(parents=True)
    (folder / "good.py").write_text((solution / "searched.py").read_text())
    (folder / "bad.py").write_text("class ModelNew: pass\n")
    out = tmp_path / "sweep.json"
    given = [str(tmp_path / "given"), "--tasks", "4", "--size", "small", "--device", "cpu", "--final", "0"]
    assert sweep.main([*given, "--out", str(out)]) == 0
    found = json.loads(out.read_text())["tasks"]["kernelbench:3/4"]
    assert found["best"] == "given/good" and found["programs"]["given/good"]["metrics"]["cases"] >= 9
    assert found["programs"]["given/bad"]["status"] != "ok"
    assert sweep.main([*given, "--out", str(out)]) == 0  # what is in the record is not done again
    assert "given/good" in capsys.readouterr().out


class Fake:
    """A worker of ten seconds."""

    now, made, closed, heard = 0.0, list[str](), list[str](), -1

    def __init__(self, name, order, log):
        self.name = name
        Fake.made.append(name)

    def fileno(self):
        return Fake.heard

    def time(self, end):
        Fake.now += 10.0
        yield row()

    def close(self):
        Fake.closed.append(self.name)


@pytest.fixture
def fakes(monkeypatch):
    with open(os.devnull) as always_readable:
        Fake.now, Fake.made, Fake.closed, Fake.heard = 0.0, [], [], always_readable.fileno()
        fake(monkeypatch)
        yield


def fake(monkeypatch):
    monkeypatch.setattr(sweep, "Worker", Fake)
    monkeypatch.setattr(sweep.time, "monotonic", lambda: Fake.now)
    monkeypatch.setattr(sweep, "programs", lambda folders, name, size: [])


@pytest.mark.parametrize(("seconds", "timed"), [(5, "4"), (15, "4 5"), (1000, "4 5 6 7 8")])
def test_when_time_is_over_nothing_more_is_timed(seconds, timed, fakes, tmp_path, capsys):
    told = sweep._arguments(["x", "--seconds", str(seconds), "--out", str(tmp_path / "out.json")])
    found = [name for name, _ in sweep._in_order("45678", told, 0.0)]
    assert found == timed.split() and set(Fake.closed) == set(Fake.made)
    left = [name for name in "45678" if name not in found]
    said = capsys.readouterr().out
    assert (f"no time left for {', '.join(left)}" in said) is bool(left)


def test_tasks_that_broke_off_are_done_again_and_lose_no_verdict(fakes, tmp_path, monkeypatch):
    held = {
        "kernelbench:3/4": row(unconfirmed="its process said nothing for too long"),
        "kernelbench:3/5": {"fault": "old"},
        "kernelbench:3/6": row(final=verdict(2.0)),
        "kernelbench:3/9": row(unconfirmed="its process ended with 1"),
    }
    out = tmp_path / "out.json"
    facts = {"device": "cpu", "size": "small", "baselines": sweep.BASELINES, "commit": "old"}
    out.write_text(json.dumps({"facts": facts, "tasks": held}))
    monkeypatch.setattr(sweep, "programs", lambda folders, name, size: ["p.py"])
    monkeypatch.setattr(sweep, "_in_order", lambda names, told, began: ((name, came[name]) for name in names))
    came = {
        "kernelbench:3/4": row(final=verdict(3.0)),
        "kernelbench:3/5": {"fault": "new"},
        "kernelbench:3/9": {"fault": "new"},
    }
    given = ["x", "--tasks", "4,5,6,9", "--size", "small", "--device", "cpu", "--out", str(out)]
    assert sweep.main(given) == 1
    record = json.loads(out.read_text())
    found = record["tasks"]
    whose = {name: row.pop("facts") for name, row in found.items()}
    assert found == {**held, **came, "kernelbench:3/9": held["kernelbench:3/9"]}
    # each row is of the sweep that measured it, however often the record is gone on with
    assert whose["kernelbench:3/6"] == whose["kernelbench:3/9"] == facts
    assert whose["kernelbench:3/4"] == whose["kernelbench:3/5"] == record["facts"] != facts


def test_a_sweep_measures_no_bounds_of_libraries():
    missing, known = ["cublas", "library-tf32"], {"library": "no graph"}
    bounds = SimpleNamespace(missing=missing, reasons=known)
    sweep_task.without_bounds(SimpleNamespace(ground=SimpleNamespace(bounds=bounds)))
    told = "not measured in a sweep"
    assert bounds.reasons == {"library": "no graph", "cublas": told, "library-tf32": told}
