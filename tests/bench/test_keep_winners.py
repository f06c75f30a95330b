"""What a series found is kept with its record, and only where it is a win."""

import json

import pytest

from benchmarks.keep_winners import keep, main, refused, shelves
from kernelevo.core import Program
from kernelevo.tasks import library

TEXT = "class ModelNew: ...\n"
FACTS = {
    "device": "cpu", "size": "small", "solutions": None, "hardware": {"cpu": {"name": "abacus"}},
    "kernelevo": {"commit": "abc"}, "versions": {"torch": "2"},
}  # fmt: skip


def row(**more):
    return {
        "name": "ops/softmax", "program": None, "status": "ok", "score": 1.5, "confirmed": True,
        "metrics": {"score_low": 1.4, "score_high": 1.6, "precision": "fp32-accurate"},
        "program_id": Program.single(TEXT).id,
        "folder": "runs/ops_softmax", "made_by": "rewrite", "searched_seconds": 3.0, "ended": "today", **more,
    }  # fmt: skip


@pytest.fixture
def series(tmp_path):
    run = tmp_path / "series/runs/ops_softmax/run"
    run.mkdir(parents=True)
    (run / "best.py").write_text(TEXT)
    return tmp_path / "series"


def test_a_win_is_kept_with_its_record_and_a_better_one_stays(series, tmp_path, capsys):
    document = {"bench": FACTS, "tasks": [row(), row(name="ops/gemm", status="nothing_correct", score=None)]}
    (series / "bench.json").write_text(json.dumps(document))
    assert main([str(series), "--to", str(tmp_path / "kept")]) == 0
    folder = tmp_path / "kept/ops_softmax"
    assert (folder / "searched.py").read_text() == TEXT
    kept = json.loads((folder / "searched.json").read_text())
    assert (kept["score"], kept["metrics"]["score_low"], kept["kernelevo"]["commit"]) == (1.5, 1.4, "abc")
    assert "ops/gemm: nothing to keep: nothing_correct" in capsys.readouterr().out
    assert "a better one (1.50) is kept" in keep(row(score=1.45), FACTS, series, tmp_path / "kept")
    assert keep(row(score=1.55), FACTS, series, tmp_path / "kept") == "1.55 kept"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"confirmed": False}, "fresh processes"),
        ({"metrics": {"score_low": 1.0, "precision": "fp32-accurate"}}, "not wholly above"),
        ({"metrics": {"precision": "fp32-accurate"}}, "not wholly above"),
        ({"metrics": {"score_low": 1.4, "precision": "tf32"}}, "only as exact as tf32"),
        ({"status": None}, "fault"),
    ],
)
def test_what_is_no_win_is_not_kept(more, words):
    assert words in refused(row(**more), 1.01) and refused(row(), 1.01) is None


def test_a_given_program_keeps_its_name_and_a_changed_one_is_left_alone(series, tmp_path):
    mine = tmp_path / "mine/ops_softmax"
    mine.mkdir(parents=True)
    (mine / "by_hand.py").write_text(TEXT)
    facts = {**FACTS, "solutions": str(tmp_path / "mine")}
    given = row(program="ops_softmax/by_hand.py")
    assert keep(given, facts, series, tmp_path / "kept") == "1.50 kept"
    assert (tmp_path / "kept/ops_softmax/by_hand.json").is_file()
    (series / "bench.json").write_text(json.dumps({"bench": facts, "tasks": [{**given, "made_by": None}]}))
    assert main([str(series), "--to", str(tmp_path / "named"), "--made-by", "a person"]) == 0
    record = json.loads((tmp_path / "named/ops_softmax/by_hand.json").read_text())
    assert record["made_by"] == "a person"
    (mine / "by_hand.py").write_text(TEXT + "# another")
    assert "left alone" in keep(given, facts, series, tmp_path / "other")


def test_a_processors_vectors_say_on_which_shelf_its_winners_lie():
    for device, features, wanted in (
        ("cpu", ["avx2"], "cpu-avx2"),
        ("cpu", ["avx512f"], "cpu"),
        ("cuda", [], "cuda"),
    ):
        first, *_ = shelves({"device": device, "hardware": {"cpu": {"features": features}}})
        assert first.name == wanted


def test_a_bundled_program_judged_again_has_the_newer_verdict_on_its_own_shelf(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "root", lambda: tmp_path)
    for shelf, text in (("cpu", "slower = 1"), ("cpu-avx2", TEXT)):
        folder = tmp_path / f"solutions/{shelf}/ops_softmax"
        folder.mkdir(parents=True)
        (folder / "mine.py").write_text(text)
    facts = {**FACTS, "solutions": "bundled", "hardware": {"cpu": {"name": "abacus", "features": ["avx2"]}}}
    again = row(program="ops_softmax/mine.py", made_by=None)
    beside = tmp_path / "solutions/cpu-avx2/ops_softmax/mine.json"
    assert keep({**again, "made_by": "a person"}, facts, tmp_path) == "1.50 kept"
    assert keep({**again, "score": 1.2, "made_by": "a script"}, facts, tmp_path) == "1.20 kept"
    kept = json.loads(beside.read_text())
    assert (kept["score"], kept["made_by"]) == (1.2, "a person")
    assert not (tmp_path / "solutions/cpu/ops_softmax/mine.json").exists()
    lost = {**again, "program": "ops_softmax/other.py"}
    assert "left alone" in keep(lost, facts, tmp_path)
