"""Journal: what a reader sees while somebody else writes."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kernelevo.core import Evaluation, Program, Task, Trial
from kernelevo.errors import StoreError
from kernelevo.store import CallRow, RunStore


def trial(number: int) -> Trial:
    return Trial(number, Program.single(f"program {number}"), Evaluation.ok(1.0))


def test_a_reader_sees_one_moment_if_it_wants_to(tmp_path: Path) -> None:
    with RunStore.create(tmp_path / "run", Task("toy", "be long"), {}) as store:
        store.record(trial(0))
        with RunStore.open(store.folder, readonly=True) as reader:
            with reader.at_one_moment():
                assert reader.count() == 1
                store.record(trial(1))
                store.append_event("final", {})
                assert reader.count() == 1 and [t.number for t in reader.trials()] == [0]
                assert reader.events() == []
            assert reader.count() == 2 and len(reader.events()) == 1
        store.record(trial(2))
        assert store.count() == 3


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ("UPDATE events SET data = '{'", lambda store: store.events()),
        ("UPDATE commands SET args = '{'", lambda store: store.commands()),
        ("UPDATE rebases SET data = '{'", lambda store: store.rebases()),
        ("UPDATE records SET value = '{'", lambda store: (store.records_of("reply"), store.records(0))),
        ("UPDATE opinions SET opinion = '{'", lambda store: store.opinions()),
        ("UPDATE calls SET settings = '{'", lambda store: store.calls()),
    ],
)
def test_a_row_that_cannot_be_read_is_told_as_damage(
    tmp_path: Path, change: str, read: Callable[[RunStore], Any]
) -> None:
    with RunStore.create(tmp_path / "run", Task("toy", "be long"), {}) as store:
        store.record(trial(0), records={"reply": "yes"})
        store.append_event("final", {})
        store.append_command("ana", "pause", {})
        store.rebase("eager", "compile", 2.0, {})
        store.add_opinion(0, "m", {"value": 1.0})
        store.add_call(CallRow("judge", "m", "hash"))
        read(store)
    with sqlite3.connect(tmp_path / "run" / "run.db") as db:
        assert db.execute(change).rowcount == 1
    db.close()
    with RunStore.open(tmp_path / "run", readonly=True) as store, pytest.raises(StoreError, match="damaged"):
        read(store)


def test_a_damaged_schema_is_told_as_damage_whatever_bytes_it_has(tmp_path: Path) -> None:
    """SQLite quotes it, and Python reads what SQLite says as UTF-8."""
    with RunStore.create(tmp_path / "run", Task("toy", "be long"), {}) as store:
        store.record(trial(0))
    with sqlite3.connect(tmp_path / "run" / "run.db") as db:
        db.execute("PRAGMA writable_schema = ON")
        spoilt = "CAST(x'72ff6e' AS TEXT), sql = 'CREATE TABLE'"  # r, a byte that is no text, n
        db.execute(f"UPDATE sqlite_master SET name = {spoilt} WHERE name = 'run'")
    db.close()
    for readonly in (True, False):
        with pytest.raises(StoreError, match="damaged"):
            RunStore.open(tmp_path / "run", readonly)


def test_names_of_steps_that_are_no_text_are_refused(tmp_path: Path) -> None:
    RunStore.create(tmp_path / "run", Task("toy", "be long"), {}).close()
    with sqlite3.connect(tmp_path / "run" / "run.db") as db:
        db.executemany("INSERT INTO migrations VALUES (?)", [(b"\x01",), (7,), ("m999",)])
    db.close()
    with pytest.raises(StoreError, match="later version"):
        RunStore.open(tmp_path / "run", readonly=True)


@pytest.mark.parametrize("kind", ["final", "prepared", "ban"])
def test_a_run_whose_events_lack_what_they_should_say_is_damaged(tmp_path: Path, kind: str) -> None:
    from kernelevo import api

    with RunStore.create(tmp_path / "run", Task("toy", "be long"), {}) as store:
        store.append_event(kind, {}, trial=0)
    with pytest.raises(StoreError, match="damaged"):
        api.load_run(tmp_path / "run")
