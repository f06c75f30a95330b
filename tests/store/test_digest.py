"""Digest: the same as reading all again, whatever came in between."""

import errno
import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from kernelevo.core import Evaluation, Fault, Origin, Program, Task, Trial
from kernelevo.errors import RunNotFound, StoreError, Unwritable
from kernelevo.store import Digest, RunStore, database, lock, writer_of


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
