"""Opening what a search never saw: once, recorded, refused where there is nothing or too early."""

import json

import pytest

from kernelevo.api.sealed import SEALED, unseal
from kernelevo.cli.main import run_command
from kernelevo.core import Evaluation, Program, Task
from kernelevo.errors import BadSetting, StoreError
from kernelevo.evaluators import secret
from kernelevo.evaluators.registry import staged
from kernelevo.store import RunStore

OPENED = []


class Keeper:
    def __call__(self, program):
        return Evaluation.ok(1.0)

    def unseal(self, program, key):
        OPENED.append((program.source, len(key)))
        return {"valid": "broken" not in program.source, "rank": 3, "mean": 0.123456789}


@staged("keeper_of_a_test")
def keeper(task):
    return Keeper()


@staged("keeper_of_nothing")
def nothing(task):
    return lambda program: Evaluation.ok(1.0)


@pytest.fixture(autouse=True)
def own_secret(tmp_path, monkeypatch):
    monkeypatch.setenv(secret.FOLDER, str(tmp_path / "state"))
    OPENED.clear()


def make_run(folder, evaluator="keeper_of_a_test", text="x = 1", state="done", verdict=None):
    from kernelevo.core import Trial

    task = Task("toy", "goal", (), evaluator)
    with RunStore.create(folder, task, {}) as store:
        evaluation = Evaluation.ok(2.0) if verdict is None else verdict
        store.record(Trial(0, Program.single(text), evaluation))
        store.set_state(state)
    return str(folder)


def test_the_seal_is_broken_once(tmp_path):
    run = make_run(tmp_path / "run")
    record = unseal(run)
    assert record["rank"] == 3 and record["trial"] == 0 and record["task"] == "toy"
    assert OPENED == [("x = 1", 32)]
    assert unseal(run) == record and len(OPENED) == 1
    assert json.loads((tmp_path / "run" / SEALED).read_text()) == record


def test_nothing_of_it_is_in_the_store(tmp_path):
    run = make_run(tmp_path / "run")
    unseal(run)
    with RunStore.open(tmp_path / "run", readonly=True) as store:
        assert "0.123456789" not in json.dumps([t.to_json() for t in store.trials()])
        assert not [e for e in store.events() if "0.123456789" in json.dumps(e.data)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"evaluator": "keeper_of_nothing"}, "keeps nothing sealed"),
        ({"state": "running"}, "is interrupted"),
        ({"verdict": Evaluation.wrong("no")}, "found no correct program"),
    ],
)
def test_what_cannot_be_opened(tmp_path, options, words):
    run = make_run(tmp_path / "run", **options)
    with pytest.raises(BadSetting, match=words):
        unseal(run)
    assert not (tmp_path / "run" / SEALED).exists() and OPENED == []


def test_a_damaged_record_is_told(tmp_path):
    run = make_run(tmp_path / "run")
    (tmp_path / "run" / SEALED).write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        unseal(run)


def test_the_verb(tmp_path, capsys):
    run = make_run(tmp_path / "run")
    assert run_command(["unseal", run]) == 0
    out = capsys.readouterr()
    assert "rank" in out.out and "0.123457" in out.out and "nothing of it goes back" in out.err
    assert run_command(["unseal", run, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rank"] == 3
    assert run_command(["unseal", make_run(tmp_path / "other", text="broken")]) == 1
    assert run_command(["unseal", str(tmp_path / "none")]) == 2
