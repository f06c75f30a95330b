"""``kernelevo knowledge`` as a person types it."""

import json

import pytest

from kernelevo.cli.main import run_command


@pytest.fixture(autouse=True)
def _own_base(tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELEVO_KNOWLEDGE", str(tmp_path / "notes.db"))


def test_add_search_list_remove(tmp_path, capsys):
    note = tmp_path / "note.md"
    note.write_text('+++\ntitle = "Wobble less"\nsymptoms = "wobbling"\n+++\nHold it tight.\n')
    assert run_command(["knowledge", "add", str(note), "--name", "wobble"]) == 0
    assert run_command(["knowledge", "search", "wobbling", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["id"], found["text"], found["origin"]) == ("wobble", "Hold it tight.", "person")
    assert run_command(["knowledge", "list", "--json"]) == 0
    names = {n["id"] for n in json.loads(capsys.readouterr().out)}
    assert {"wobble", "cpu-register-tile"} <= names and len(names) > 24
    assert run_command(["knowledge", "remove", "wobble"]) == 0
    assert run_command(["knowledge", "search", "wobbling"]) == 1
    assert "no note fits" in capsys.readouterr().err


def test_people_read_tables_and_markdown(capsys):
    assert run_command(["knowledge", "list"]) == 0
    assert "built-in" in capsys.readouterr().out
    assert run_command(["knowledge", "search", "bank", "conflicts", "--limit", "1", "--device", "cuda"]) == 0
    assert "one bank" in capsys.readouterr().out


def test_a_note_is_nothing_that_a_terminal_obeys(tmp_path, capsys):
    evil = "wobbling \x1b]52;c;aGk=\x07 words"
    (tmp_path / "note.md").write_text(f"# {evil}\n\n{evil}\n")
    assert run_command(["knowledge", "add", str(tmp_path / "note.md"), "--name", "evil"]) == 0
    capsys.readouterr()
    for words in (["list"], ["search", "wobbling"]):
        assert run_command(["knowledge", *words]) == 0
        said = capsys.readouterr().out
        assert "wobbling" in said and "\x1b]" not in said and "\x07" not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "missing.md"], "cannot be read"),
        (["remove", "cpu-openmpp"], "did you mean 'cpu-openmp'"),
        (["search", "x", "--device", "tpu"], "known: cpu, cuda"),
        (["search", "x", "--limit", "0"], "at least 1"),
        (["search", "x", "--base-url", "http://h/v1"], "--base-url would do nothing here"),
    ],
)
def test_wrong_input_is_the_users(arguments, words, capsys):
    assert run_command(["knowledge", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_notes_that_are_no_text_or_empty_and_a_damaged_base(tmp_path, capsys):
    (tmp_path / "bytes.md").write_bytes(b"\xff\xfe")
    (tmp_path / "empty.md").write_text("\n")
    assert run_command(["knowledge", "add", str(tmp_path / "bytes.md")]) == 2
    assert run_command(["knowledge", "add", str(tmp_path / "empty.md")]) == 2
    assert "the note is empty" in capsys.readouterr().err
    (tmp_path / "notes.db").write_text("no database, only words " * 40)
    assert run_command(["knowledge", "list"]) == 2
    assert "no knowledge base" in capsys.readouterr().err
