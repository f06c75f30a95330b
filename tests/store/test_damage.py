"""Damage: a run whose file, rows or tables are not what they were is told as damaged, with what to do."""

import sqlite3
from pathlib import Path

import pytest

from kernelevo.core import Evaluation, Program, Task, Trial
from kernelevo.errors import StoreError
from kernelevo.store import RUN_FILE, RunStore

TASK = Task("toy", "be long", (Program.single("seed"),), "toy", {"size": 3})


def changed(folder: Path, change: str, *values: str) -> Path:
    """Make a run, and change its database behind its back."""
    RunStore.create(folder, TASK, {}).close()
    with sqlite3.connect(folder / RUN_FILE) as db:
        db.execute(change, values)
    db.close()
    return folder


@pytest.mark.parametrize("where", ["text", "empty", "head", "middle", "short"])
def test_a_damaged_file_is_a_plain_error(tmp_path: Path, where: str) -> None:
    with RunStore.create(tmp_path / "run", TASK, {}) as store:
        for number in range(200):
            store.record(Trial(number, Program.single(f"{number} " * 500), Evaluation.ok(1.0)))
    path = store.folder / RUN_FILE
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(
        {
            "text": b"this is not a database, by far not" * 100,
            "empty": b"",
            "head": b"\xff" * 100 + whole[100:],
            "middle": whole[:8192] + b"\xa5" * half + whole[8192 + half :],
            "short": whole[:half],
        }[where]
    )
    with pytest.raises(StoreError) as told:
        RunStore.open(store.folder).close()
    assert str(path) in told.value.what and told.value.why and told.value.now
    with pytest.raises(StoreError), RunStore.open(store.folder, readonly=True) as reader:
        reader.trials()


@pytest.mark.parametrize(
    ("name", "data"), [("settings", '"x"'), ("settings", "[]"), ("created", "null"), ("searched", '"x"')]
)
def test_a_fact_that_is_none_is_damage(tmp_path: Path, name: str, data: str) -> None:
    folder = changed(tmp_path / "run", "UPDATE run SET value = ? WHERE name = ?", data, name)
    with (
        RunStore.open(folder, readonly=True) as store,
        pytest.raises(StoreError, match="damaged") as told,
    ):
        getattr(store, name)
    assert f"its {name} cannot be read" in told.value.why and "from a copy" in told.value.now


def test_a_run_without_one_of_its_tables_is_damaged(tmp_path: Path) -> None:
    folder = changed(tmp_path / "run", "DROP TABLE trials")
    with (
        RunStore.open(folder, readonly=True) as store,
        pytest.raises(StoreError, match="damaged") as told,
    ):
        store.trials()
    assert "no such table" in told.value.why and "from a copy" in told.value.now


@pytest.mark.parametrize("data", ["[]", "3", '{"name": "t"}', '{"name": 1, "goal": 2, "seeds": 3}'])
def test_a_run_whose_task_is_none_says_so(tmp_path: Path, data: str) -> None:
    folder = changed(tmp_path / "run", "UPDATE run SET value = ? WHERE name = 'task'", data)
    with RunStore.open(folder, readonly=True) as store, pytest.raises(StoreError, match="damaged"):
        _ = store.task
