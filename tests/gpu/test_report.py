"""The record of a part: cut off, resumed, refused, and shown as a table."""

import json
from pathlib import Path

import pytest

from benchmarks.gpu import report
from benchmarks.gpu.report import Record
from kernelevo.errors import InputError

FACTS = {
    "part": "ops",
    "size": "full",
    "date": "2026-11-26T10:00:00Z",
    "device": "H100",
    "driver": "580.1",
    "commit": "abc",
    "sources": "1234",
    "torch": "2.11",
    "cuda": "13.0",
    "triton": "3.6",
}
LATER = {**FACTS, "date": "2026-11-27T10:00:00Z"}


def planned(path: Path) -> Record:
    record = Record(path, FACTS)
    record.plan([{"name": "a"}, {"name": "b", "task": "ops/b"}, {"name": "c"}])
    return record


def test_a_cut_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gpu-ops.json"
    record = planned(path)
    record.put({"name": "a", "status": "ok", "figures": {"latency_ms": 1.5}})
    record.put({"name": "b", "status": "wrong", "task": "ops/b"})
    # no end of any kind: this is what a cut leaves
    assert json.loads(path.read_text())["rows"] == [
        {"name": "a", "status": "ok", "figures": {"latency_ms": 1.5}},
        {"name": "b", "status": "wrong", "task": "ops/b"},
        {"name": "c", "status": None, "why": "not begun"},
    ]
    again = Record.resume(path, LATER)
    assert [again.done(name) for name in "abcd"] == [True, True, False, False]
    assert again.facts == {**FACTS, "resumed": [LATER["date"]]}
    again.plan([{"name": "a"}, {"name": "d"}])
    assert again.rows["a"]["figures"] == {"latency_ms": 1.5}
    assert json.loads(path.read_text())["rows"][3] == {"name": "d", "status": None, "why": "not begun"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["gpu-ops.json", "gpu-ops.md"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gpu-ops.json"
    record = planned(path)
    before = path.read_text()

    def full(_: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(report.os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        record.put({"name": "a", "status": "ok"})
    assert path.read_text() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["gpu-ops.json", "gpu-ops.md"]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("commit", "def", "another commit"),
        ("commit", None, "another commit"),
        ("device", "A100", "another device"),
        ("part", "tests", "another part"),
        ("size", "small", "another size"),
        ("sources", "99", "another state of the source files"),
        ("torch", "2.12", "another version of torch"),
    ],
)
def test_what_is_of_something_else_is_refused(
    tmp_path: Path, key: str, value: str | None, words: str
) -> None:
    path = tmp_path / "gpu-ops.json"
    planned(path)
    before = path.read_bytes()
    with pytest.raises(InputError) as refused:
        Record.resume(path, {**LATER, key: value})
    assert words in refused.value.what and str(path) in refused.value.what
    assert repr(FACTS[key]) in refused.value.why and repr(value) in refused.value.why
    assert "start a new file" in refused.value.now and refused.value.exit_code == 2
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"facts": {"part": "ops"}, "rows": [{"na', "not JSON"),
        ("", "not JSON"),
        ("[]", "no facts"),
        ('{"facts": {}}', "no rows"),
        ('{"facts": {}, "rows": [{"name": "a", "status": "ok"}, {"status": "ok"}]}', "row 2"),
        ('{"facts": {}, "rows": [{"name": "a", "status": 1}]}', "row 1"),
        (
            '{"facts": {}, "rows": [{"name": "a", "status": null}, {"name": "a", "status": null}]}',
            "same name",
        ),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "gpu-ops.json"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        Record.resume(path, LATER)
    assert "damaged" in refused.value.what and words in str(refused.value) and refused.value.now
    assert path.read_text() == text


def test_bytes_that_are_no_text_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="damaged"):
        report.read(tmp_path / "x.json")
    with pytest.raises(InputError, match="cannot be read"):
        report.read(tmp_path / "y.json")


def test_the_table_has_a_line_per_row(tmp_path: Path) -> None:
    path = tmp_path / "gpu-ops.json"
    record = planned(path)
    record.put({"name": "a", "status": "ok", "figures": {"latency_ms": 0.123456, "precision": "tf32"}})
    record.put({"name": "b", "status": "failed", "why": "Traceback\n  line\nValueError: x|y"})
    text = path.with_suffix(".md").read_text()
    assert text.startswith("# GPU: ops, 2026-11-26T10:00:00Z\n")
    assert "- device: H100\n" in text and "- commit: abc\n" in text
    assert text.splitlines()[-5:] == [
        "| row | status | latency_ms | precision | remark |",
        "| --- | --- | --- | --- | --- |",
        "| a | ok | 0.1235 | tf32 |  |",
        "| b | failed |  |  | ValueError: x\\|y |",
        "| c | no verdict |  |  | not begun |",
    ]
    assert not record.good


def test_a_remark_is_where_the_error_is() -> None:
    machine = "preparing\nMachineError: the device is busy\n  why  another process\n  now  wait"
    wrong = {"status": "wrong", "feedback": "wrong result on case 2\nerror 3 against 1e-5"}
    assert report.words({"status": None, "why": machine}) == "no verdict, MachineError: the device is busy"
    assert report.words({**wrong, "figures": {"speedup": None}}) == "wrong, wrong result on case 2"
    assert report.words({"status": "ok", "feedback": "correct", "figures": {"ms": 2.5}}) == "ok, ms 2.5"
