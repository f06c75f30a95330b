"""Digest: the same as reading all again, whatever came in between."""

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kernelevo.core import Evaluation, Fault, Origin, Program, Task, Trial
from kernelevo.errors import RunNotFound, StoreError, Unwritable
from kernelevo.store import Digest, RunStore, database, glance, glanced, lock, writer_of
from tests.store.test_store import made_old


def trial(n: int, score: float | None = None, **metrics: str) -> Trial:
    origin = Origin("llm", f"idea {n}", {"draw": {"diversity": 0.5}, "hints": [1]})
    program = Program.single(f"v{n}", origin=origin, parents=("p",))
    if score is None:
        return Trial(n, program, fault=Fault("SandboxError", "gone\nmore"))
    return Trial(n, program, Evaluation.ok(score, **metrics), island=n % 2, cost={"tokens": 3.0})


def test_it_reads_what_is_new_and_only_then(tmp_path: Path) -> None:
    task = Task("toy", "", (Program.single("s"),), "ones")
    with RunStore.create(tmp_path / "run", task, {"budget": "9"}) as store:
        store.record(trial(0, 1.0, baseline="eager"))
        digest = Digest(tmp_path / "run")
        assert digest.refresh() and not digest.refresh()
        (line,) = digest.lines
        assert (line.number, line.proposer, line.idea, line.status) == (0, "llm", "idea 0", "ok")
        assert line.draw == {"diversity": 0.5} and line.marks == {"hints": [1]} and line.parents == ("p",)
        store.record(trial(1))
        store.record(trial(2, 4.0, baseline="compile"))
        assert digest.refresh()
        assert [(line.status, line.score) for line in digest.lines] == [
            ("ok", 1.0),
            ("fault", None),
            ("ok", 4.0),
        ]
        assert digest.lines[1].words == "SandboxError: gone"
        store.rebase("eager", "compile", 0.5, {})
        store.append_event("note", {})
        store.append_command("ana", "pause", {})
        store.set_gauge({"pools": {}})
        assert digest.refresh()
        assert [line.score for line in digest.lines] == [t.score for t in store.trials()] == [0.5, None, 4.0]
        assert len(digest.events) == len(digest.commands) == 1 and digest.gauge == {"pools": {}}
        digest.close()


def test_a_copy_in_a_folder_that_cannot_be_written_is_read_again(tmp_path: Path, monkeypatch: object) -> None:
    folder = tmp_path / "run"
    with RunStore.create(folder, Task("toy", "", (Program.single("s"),), "ones"), {}) as store:
        store.record(trial(0, 1.0))
        digest = Digest(folder)
        digest._store._shelter = tmp_path / "shelter"  # as if it had been copied
        assert digest.refresh() and len(digest.lines) == 1
        store.record(trial(1, 2.0))
        os.utime(folder / "run.db", (1e9, 1e9))
        assert digest.refresh() and len(digest.lines) == 2
        digest.close()


def test_a_run_that_takes_the_place_of_another_is_not_mixed_with_it(tmp_path: Path) -> None:
    folder, task = tmp_path / "run", Task("toy", "", (Program.single("s"),), "ones")
    with RunStore.create(folder, task, {}) as store:
        store.record(trial(0, 1.0))
    digest = Digest(folder)
    assert digest.refresh()
    shutil.rmtree(folder)
    with pytest.raises(RunNotFound, match="not the one that was opened"):
        digest.refresh()
    with RunStore.create(folder, task, {}) as store:
        store.record(trial(0, 7.0))
        with pytest.raises(RunNotFound, match="removed or replaced"):
            digest.refresh()
        digest.close()
        again = Digest(folder)
        assert again.refresh() and [line.score for line in again.lines] == [7.0]
        again.close()


def test_what_comes_while_a_copy_is_made_is_read_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, late = tmp_path / "run", [trial(1, 2.0)]
    with RunStore.create(folder, Task("toy", "", (Program.single("s"),), "ones"), {}) as store:
        store.record(trial(0, 1.0))

        def copied(folder: Path, readonly: bool) -> RunStore:
            db, shelter = database._sheltered(folder / "run.db", database._copy_files)
            return RunStore(folder, db, lock=None, shelter=shelter, clock=time.time)

        def overtaken(folder: Path, readonly: bool) -> RunStore:
            found = copied(folder, readonly)
            if late:
                store.record(late.pop())
            return found

        monkeypatch.setattr(RunStore, "open", staticmethod(copied))
        digest = Digest(folder)
        os.utime(folder / "run.db-wal", (1e9, 1e9))
        monkeypatch.setattr(RunStore, "open", staticmethod(overtaken))
        assert digest.refresh() and len(digest.lines) == 1
        assert digest.refresh() and len(digest.lines) == 2
        digest.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trials SET origin = '{\"idea'",
        "UPDATE trials SET evaluation = '{'",
        "UPDATE trials SET cost = CAST(x'ff22' AS TEXT)",
        "UPDATE run SET value = '{' WHERE name = 'state'",
    ],
)
def test_a_damaged_row_is_told_as_damage(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "run"
    with RunStore.create(folder, Task("toy", "", (Program.single("s"),), "ones"), {}) as store:
        store.record(trial(0, 1.0))
    digest = Digest(folder)
    db = sqlite3.connect(folder / "run.db")
    with db:
        db.execute(change)
    db.close()
    with pytest.raises(StoreError, match="damaged"):
        digest.refresh()
    digest.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET data = '{'",
        'UPDATE run SET value = json_set(value, \'$.options\', json(\'{"objectives": {"rule": "newer"}}\'))'
        " WHERE name = 'task'",
        "UPDATE run SET value = '[]' WHERE name = 'created'",
    ],
)
def test_a_damaged_row_hides_no_other_run_from_the_list(tmp_path: Path, change: str) -> None:
    from kernelevo import api

    task = Task("toy", "", (Program.single("s"),), "ones")
    for name in ("sound", "spoilt"):
        with RunStore.create(tmp_path / name, task, {}) as store:
            store.record(trial(0, 1.0))
            store.append_event("ban", {"program": "nobody"})
    db = sqlite3.connect(tmp_path / "spoilt" / "run.db")
    with db:
        assert db.execute(change).rowcount == 1
    db.close()
    with pytest.raises(StoreError, match="damaged"):
        glance(tmp_path / "spoilt")
    rows = {row["run"]: row["state"] for row in api.list_runs(tmp_path)}
    assert rows["sound"] == "interrupted" and rows["spoilt"].startswith("unreadable")
    with pytest.raises(StoreError, match="damaged"):
        Digest(tmp_path / "spoilt").refresh()


def test_a_glance_is_worth_another_one_only_after_a_change(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with RunStore.create(folder, Task("toy", "", (Program.single("s"),), "ones"), {}) as store:
        began = glanced(folder)
        assert glance(folder)["trials"] == 0 and glanced(folder) == began  # who reads changes nothing
        store.record(trial(0, 1.0))
        written = glanced(folder)
        assert written != began and glance(folder)["live"] and glanced(folder) == written
    ended = glanced(folder)
    assert ended != written and not glance(folder)["live"] and glanced(folder) == ended


def test_a_digest_that_cannot_be_made_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    with RunStore.create(folder, Task("toy", "", (Program.single("s"),), "ones"), {}):
        pass
    with sqlite3.connect(folder / "run.db") as db:
        db.execute("UPDATE run SET value = '3' WHERE name = 'settings'")
    db.close()
    copied: list[Path] = []

    def copy(folder: Path, readonly: bool) -> RunStore:
        db, shelter = database._sheltered(folder / "run.db", database._copy_files)
        copied.append(shelter)
        return RunStore(folder, db, lock=None, shelter=shelter, clock=time.time)

    monkeypatch.setattr(RunStore, "open", staticmethod(copy))
    with pytest.raises(StoreError, match="damaged"):
        Digest(folder)
    assert len(copied) == 1 and not copied[0].exists()


def test_a_run_of_an_earlier_version_is_copied_once_to_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, sheltered = tmp_path / "run", database._sheltered
    copies: list[Path] = []
    with RunStore.create(folder, Task("toy", "", (Program.single("s"),), "ones"), {}) as store:
        store.record(trial(0, 1.0))
    made_old(folder)

    def counted(path: Path, copy: Callable[[Path, Path], None]) -> tuple[sqlite3.Connection, Path]:
        copies.append(path)
        return sheltered(path, copy)

    monkeypatch.setattr(database, "_sheltered", counted)
    digest = Digest(folder)
    assert digest.refresh() and len(digest.lines) == 1 and len(copies) == 1
    assert not digest.refresh() and len(copies) == 1
    digest.close()


def test_a_run_that_was_copied_is_not_mixed_with_one_in_a_file_of_the_same_number(tmp_path: Path) -> None:
    task = Task("toy", "", (Program.single("s"),), "ones")
    for name, created in (("one", 5.0), ("two", 6.0)):
        with RunStore.create(tmp_path / name, task, {}, clock=lambda at=created: at) as store:  # type: ignore[misc]
            store.record(trial(0, created))
        made_old(tmp_path / name)
    digest = Digest(tmp_path / "one")
    assert digest.refresh() and digest.store.is_copy and [line.score for line in digest.lines] == [5.0]
    place = tmp_path / "one" / "run.db"
    number = place.stat().st_ino
    place.write_bytes((tmp_path / "two" / "run.db").read_bytes())
    assert place.stat().st_ino == number
    with pytest.raises(RunNotFound, match="not the one that was opened"):
        digest.refresh()
    digest.close()


def test_who_writes_a_run_is_seen_without_touching_its_lock(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with RunStore.create(folder, Task("toy", "", (Program.single("s"),), "ones"), {}):
        assert writer_of(folder) == os.getpid()
    assert writer_of(folder) is None and writer_of(tmp_path / "none") is None


def test_a_writer_is_seen_where_the_kernel_names_another_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on btrfs, whose files and locks have different ones."""
    folder, locks = tmp_path / "run", tmp_path / "locks"
    with RunStore.create(folder, Task("toy", "", (Program.single("s"),), "ones"), {}):
        inode = (folder / lock.LOCK_FILE).stat().st_ino
        monkeypatch.setattr(lock, "_LOCKS", locks)
        for holder, seen in ((os.getpid(), os.getpid()), (1, None)):
            locks.write_text(f"1: FLOCK  ADVISORY  WRITE {holder} ff:fe:{inode} 0 EOF\n")
            assert writer_of(folder) == seen


def test_a_disk_that_is_full_when_the_run_is_locked_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    task = Task("toy", "", (Program.single("s"),), "ones")
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(Unwritable, match=r"cannot be locked[\s\S]*No space left"):
            RunStore.create(tmp_path / "run", task, {})
    RunStore.create(tmp_path / "run", task, {}).close()  # nobody holds it


def test_half_a_surrogate_pair_keeps_nobody_from_reading_the_run(tmp_path: Path) -> None:
    """An evaluator's own text may hold one; SQLite reads a verdict's feedback, and no page can be written."""
    program = Program.single("x", origin=Origin("llm", "idea \ud83d"))
    verdicts = [Evaluation.wrong("answer \ud800 \U0001f600 \\ud800"), Evaluation.ok(1.0, word="\udc00")]
    with RunStore.create(tmp_path / "run", Task("toy", "", (Program.single("s"),), "ones"), {}) as store:
        for number, verdict in enumerate(verdicts):
            store.record(Trial(number, program, verdict))
        store.record(Trial(2, program, fault=Fault("Gone", "\ud800")))
        found = store.trials()
    digest = Digest(tmp_path / "run")
    assert digest.refresh()
    assert digest.lines[0].words == "answer ? \U0001f600 \\ud800" == found[0].evaluation.feedback  # type: ignore[union-attr]
    assert [line.idea for line in digest.lines] == ["idea ?"] * 3 and digest.lines[2].words == "Gone: ?"
    assert found[1].evaluation == Evaluation.ok(1.0, word="?")
    digest.close()


def test_directions_that_are_none_spoil_no_run(tmp_path: Path) -> None:
    """The word may be an evaluator's own metric."""
    from kernelevo import api

    verdict = Evaluation.ok(1.0, directions=["up", "down"])  # type: ignore[arg-type]
    with RunStore.create(tmp_path / "run", Task("toy", "", (Program.single("s"),), "ones"), {}) as store:
        store.record(Trial(0, Program.single("x"), verdict))
    digest = Digest(tmp_path / "run")
    assert digest.refresh() and digest.lines[0].score == 1.0 and digest.objectives.metrics == ()
    digest.close()
    shown = api.load_run(tmp_path / "run")
    assert shown.front == [] and shown.best is not None
