"""A run that is replayed from its replies is told the notes that it was told, whatever was learnt since."""

import json
import re
from pathlib import Path

import pytest

from kernelevo.api import resume, run_task
from kernelevo.cli.main import run_command
from kernelevo.config import load_settings
from kernelevo.errors import BadSetting, MachineError
from kernelevo.knowledge import KnowledgeBase, default_path, parse_note
from kernelevo.store import RunStore
from tests.endpoint import completion, endpoint

EVALUATOR = '''
import kernelevo

@kernelevo.evaluator("digits", seed="x = 1\\n")
def digits(source: str):
    """As many ones as possible."""
    return float(source.count("1"))
'''


@pytest.fixture(autouse=True)
def _own_base(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("KERNELEVO_KNOWLEDGE", str(tmp_path / "notes.db"))
    monkeypatch.delenv("KERNELEVO_MODEL", raising=False)
    (tmp_path / "digits.py").write_text(EVALUATOR)
    base = KnowledgeBase(default_path())
    base.add(parse_note("# What worked\n\nworked measured digits, in every direction", "what-worked"))


def answer(request, number):
    return completion(f"More ones.\n```python\nx = {'1' * (2 * number + 3)}\n```")


def run(tmp_path: Path, name: str, **more):
    given = {"budget": "4", "executor": "inline", "proposers": ["llm"], "thinkers": 1}
    given |= {"deterministic": True, "window": 1, "out": str(tmp_path / name), **more}
    return run_task(f"{tmp_path / 'digits.py'}:digits", load_settings(given))


def exported(tmp_path: Path, name: str) -> Path:
    record = tmp_path / f"{name}.jsonl"
    assert run_command(["export", str(tmp_path / name), "--replies", str(record)]) == 0
    return record


def programs(result) -> list[str]:
    return [trial.program.id for trial in result.trials]


def origins() -> list[str]:
    return [note.origin for note in KnowledgeBase(default_path()).notes() if note.origin != "built-in"]


def test_a_strict_replay_needs_no_flag_where_the_run_left_notes_and_others_went(tmp_path):
    with endpoint(answer) as mock:
        first = run(tmp_path, "first", model="m", base_url=mock.url)
    assert any("[what-worked]" in request["messages"][1]["content"] for request in mock.requests)
    assert "run" in origins()
    KnowledgeBase(default_path()).remove("what-worked")
    record = exported(tmp_path, "first")
    again = run(tmp_path, "again", replay=str(record))
    assert programs(again) == programs(first) and len(first.trials) == 5
    # and a replay can be replayed
    assert programs(run(tmp_path, "third", replay=str(exported(tmp_path, "again")))) == programs(first)


def test_a_run_that_went_on_is_replayed_with_the_notes_of_both_sittings(tmp_path):
    with endpoint(answer) as mock:
        run(tmp_path, "first", model="m", base_url=mock.url)
        both = resume(str(tmp_path / "first"), budget="3")
    told = [request["messages"][1]["content"] for request in mock.requests[4:]]
    assert any(re.search(r" in first of [-0-9]+ [:0-9]+ #\d", text) for text in told)
    record = exported(tmp_path, "first")
    assert programs(run(tmp_path, "again", replay=str(record), budget="7")) == programs(both)


def test_a_record_of_an_earlier_version_is_replayed_as_far_as_the_base_is_the_same(tmp_path):
    with endpoint(answer) as mock:
        first = run(tmp_path, "first", model="m", base_url=mock.url)
    record = exported(tmp_path, "first")
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(line for line in lines if "looked_up" not in json.loads(line)))
    with pytest.raises(MachineError, match="earlier versions"):
        run(tmp_path, "again", replay=str(record))
    base = KnowledgeBase(default_path())
    for note in [note for note in base.notes() if note.origin == "run"]:
        base.remove(note.id)
    assert programs(run(tmp_path, "same", replay=str(record))) == programs(first)


def test_notes_of_a_record_that_cannot_be_read_are_refused(tmp_path):
    with endpoint(answer) as mock:
        run(tmp_path, "first", model="m", base_url=mock.url)
    record = exported(tmp_path, "first")
    record.write_text(re.sub(r'"since": \d+', '"since": "soon"', record.read_text()))
    with pytest.raises(BadSetting, match=r"line 1 of .* is damaged"):
        run(tmp_path, "again", replay=str(record))


def test_a_run_that_asks_no_model_keeps_no_notes(tmp_path):
    run(tmp_path, "plain", proposers=["constants"])
    with RunStore.open(tmp_path / "plain", readonly=True) as store:
        assert store.lookups == []
